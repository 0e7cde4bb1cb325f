"""The GLSL and HLSL sources of the corpus, made by varying one thing at a time and then many at once."""
import dataclasses
import random


@dataclasses.dataclass
class Source:
    name: str
    text: str
    minimum: str = "1.0"  # SPIR-V version it needs
    hlsl: bool = False


HEAD = "#version 460\n"

# Extension -> the SPIR-V version glslang wants for it.
NEEDS = {
    "GL_EXT_shader_8bit_storage": "1.0",
    "GL_EXT_shader_16bit_storage": "1.0",
    "GL_KHR_shader_subgroup": "1.3",
    "GL_EXT_buffer_reference": "1.0",
    "GL_EXT_ray_query": "1.4",
}

SCALARS = {
    "float": (), "int": (), "uint": (),
    "double": (),
    "int64_t": ("GL_EXT_shader_explicit_arithmetic_types_int64",),
    "uint64_t": ("GL_EXT_shader_explicit_arithmetic_types_int64",),
    "float16_t": ("GL_EXT_shader_explicit_arithmetic_types_float16", "GL_EXT_shader_16bit_storage"),
    "int16_t": ("GL_EXT_shader_explicit_arithmetic_types_int16", "GL_EXT_shader_16bit_storage"),
    "uint16_t": ("GL_EXT_shader_explicit_arithmetic_types_int16", "GL_EXT_shader_16bit_storage"),
    "int8_t": ("GL_EXT_shader_explicit_arithmetic_types_int8", "GL_EXT_shader_8bit_storage"),
    "uint8_t": ("GL_EXT_shader_explicit_arithmetic_types_int8", "GL_EXT_shader_8bit_storage"),
}
VECTORS = {
    "float": "vec", "int": "ivec", "uint": "uvec", "double": "dvec", "int64_t": "i64vec", "uint64_t": "u64vec",
    "float16_t": "f16vec", "int16_t": "i16vec", "uint16_t": "u16vec", "int8_t": "i8vec", "uint8_t": "u8vec",
}
MATRICES = {"float": "mat", "double": "dmat", "float16_t": "f16mat"}


def extensions(names):
    return "".join(f"#extension {name} : require\n" for name in sorted(set(names)))


def local_size(x=64, y=1, z=1):
    return f"layout(local_size_x = {x}, local_size_y = {y}, local_size_z = {z}) in;\n"


def minimum_of(names):
    return max((NEEDS.get(name, "1.0") for name in names), default="1.0")


# ---- Blocks of every shape ----

class Block:
    """One random block: members, nested structs, arrays, and what its extensions are."""

    def __init__(self, random_, tag, layout, scalars, last_runtime):
        self.random, self.tag, self.scalars = random_, tag, scalars
        self.structs, self.used = [], set()
        # The scalar layout is asked for by its own extension.
        self.layout = layout
        self.members = [self.member(f"m{i}", 2) for i in range(random_.randint(1, 6))]
        if last_runtime:
            self.members.append(f"{self.type(1)} tail[];")

    def type(self, depth):
        kind = self.random.choice(("scalar", "vector", "matrix", "struct") if depth else ("scalar", "vector"))
        scalar = self.random.choice(self.scalars)
        if kind == "matrix":
            scalar = self.random.choice([one for one in self.scalars if one in MATRICES] or ["float"])
        self.used.add(scalar)
        if kind == "scalar":
            return scalar
        if kind == "vector":
            return VECTORS[scalar] + str(self.random.randint(2, 4))
        if kind == "matrix":
            return f"{MATRICES[scalar]}{self.random.randint(2, 4)}x{self.random.randint(2, 4)}"
        members = " ".join(self.member(f"s{i}", depth - 1) for i in range(self.random.randint(1, 4)))
        name = f"{self.tag}_S{len(self.structs)}"
        self.structs.append(f"struct {name} {{ {members} }};")
        return name

    def member(self, name, depth):
        major = ""
        text = self.type(depth)
        if depth == 2:  # struct members take theirs from the block's
            major = self.random.choice(("", "layout(row_major) ", "layout(column_major) "))
        dims = "".join(f"[{self.random.randint(1, 5)}]" for _ in range(self.random.choice((0, 0, 0, 1, 1, 2))))
        return f"{major}{text} {name}{dims};"

    def declare(self, storage, set_, binding, qualifiers="", dims=""):
        where = "push_constant" if storage == "push" else f"set = {set_}, binding = {binding}"
        word = {"push": "uniform", "uniform": "uniform", "buffer": "buffer"}[storage]
        body = " ".join(self.members)
        return ("\n".join(self.structs) + f"\nlayout({self.layout}, {where}) {qualifiers} {word} {self.tag} "
                f"{{ {body} }} {self.tag.lower()}{dims};\n")

    def needs(self):
        wanted = [name for scalar in self.used for name in SCALARS[scalar]]
        return wanted + (["GL_EXT_scalar_block_layout"] if self.layout == "scalar" else [])


def random_blocks(count):
    for i in range(count):
        random_ = random.Random(1000 + i)
        pools = (("float", "int", "uint"), ("float", "double", "int64_t", "uint64_t"),
                 ("float", "float16_t", "int16_t", "uint16_t"), ("float", "int8_t", "uint8_t", "uint"),
                 tuple(SCALARS))
        scalars = pools[i % len(pools)]
        text, needs = "", []
        for k in range(random_.randint(1, 4)):
            storage = random_.choice(("buffer", "buffer", "uniform"))
            layout = random_.choice(("std430", "scalar") if storage == "buffer" else ("std140", "scalar"))
            layout = random_.choice((layout, "std140"))
            block = Block(random_, f"B{k}", layout, scalars, storage == "buffer" and random_.random() < 0.6)
            qualifiers = random_.choice(("", "readonly", "writeonly", "coherent", "restrict readonly", "volatile"))
            dims = random_.choice(("", "", "", "[2]", "[3][2]"))
            text += block.declare(storage, random_.randint(0, 3), k, qualifiers if storage == "buffer" else "", dims)
            needs += block.needs()
        if random_.random() < 0.6:
            block = Block(random_, "P", random_.choice(("std430", "std140", "scalar")), scalars, False)
            text += block.declare("push", 0, 0)
            needs += block.needs()
        text += "void main() {}\n"
        yield Source(f"blocks{i}", HEAD + extensions(needs) + local_size(random_.choice((1, 8, 64, 256))) + text,
                     minimum_of(needs))


def offset_blocks():
    """Explicit offsets and aligns; push constants that do not begin at 0."""
    for i, (first, second) in enumerate(((0, 16), (16, 64), (4, 32), (32, 48), (124, 64), (0, 240))):
        yield Source(f"offsets{i}", HEAD + local_size() + f"""
layout(push_constant) uniform P {{ layout(offset = {first}) float a; layout(offset = {second}) float b; }} p;
layout(binding = 0, std430) buffer B {{ layout(offset = {second}) vec3 x; layout(align = 64) float y; float z[]; }};
void main() {{ y = p.a + p.b + x.y; z[gl_GlobalInvocationID.x] = y; }}
""")


# ---- Qualifiers and access ----

USES = {
    "load": "uint v = b.data[gl_GlobalInvocationID.x]; o.data[0] = v;",
    "store": "b.data[gl_GlobalInvocationID.x] = 1; o.data[0] = 1;",
    "both": "b.data[gl_GlobalInvocationID.x] += 1; o.data[0] = 1;",
    "atomic": "o.data[0] = atomicAdd(b.data[1], 2u);",
    "length": "o.data[0] = uint(b.data.length());",
    "head": "o.data[0] = b.head;",
    "none": "o.data[0] = 1;",
}
ALLOWED = {"": set(USES), "readonly": {"load", "length", "head", "none"}, "writeonly": {"store", "length", "none"},
           "coherent": set(USES), "readonly writeonly": {"length", "none"}, "restrict volatile": set(USES)}


def qualifiers():
    i = 0
    for qualifier, uses in ALLOWED.items():
        for use in sorted(uses):
            for where in ("block", "members"):
                block = qualifier if where == "block" else ""
                member = qualifier if where == "members" else ""
                yield Source(f"qualifier{i}", HEAD + local_size() + f"""
layout(binding = 0, std430) {block} buffer B {{ {member} uint head; {member} uint data[]; }} b;
layout(binding = 1, std430) writeonly buffer O {{ uint data[]; }} o;
void main() {{ {USES[use]} }}
""")
                i += 1
    # Only some members: the block as a whole is not read-only.
    yield Source("qualifier-mixed", HEAD + local_size() + """
layout(binding = 0, std430) buffer B { readonly uint head; uint data[]; } b;
layout(binding = 3, std430) buffer C { readonly uint head; readonly uint data[]; } c[2];
void main() { b.data[0] = b.head + c[1].data[4]; }
""")


def functions():
    yield Source("calls", HEAD + local_size() + """
layout(binding = 0) buffer A { float a[]; };
layout(binding = 1) buffer B { float b[]; };
layout(binding = 2) buffer C { float c[]; };
layout(binding = 3, rgba8) uniform image2D picture;
float deep(uint i) { return b[i]; }
float middle(uint i) { return deep(i) + 1.0; }
void dead(uint i) { c[i] = 2.0; }
void paint(writeonly image2D p, ivec2 at) { imageStore(p, at, vec4(1)); }
void main() { uint i = gl_GlobalInvocationID.x; a[i] = middle(i); paint(picture, ivec2(i)); }
""")
    for i, depth in enumerate((1, 4, 16)):
        text = "float f0(float x) { return x + data[0]; }\n"
        for k in range(1, depth):
            text += f"float f{k}(float x) {{ return f{k - 1}(x) * f{k - 1}(x + 1.0); }}\n"
        yield Source(f"calls{i}", HEAD + local_size() + "layout(binding = 5) buffer D { float data[]; };\n" + text +
                     f"void main() {{ data[1] = f{depth - 1}(2.0); }}\n")
    yield Source("loops", HEAD + local_size() + """
layout(binding = 0) buffer A { float a[]; };
layout(binding = 1) uniform U { int n; vec4 table[16]; };
void main() {
	float sum = 0.0;
	for (int i = 0; i < n; i++) {
		switch (i & 3) {
		case 0: sum += table[i].x; break;
		case 1: sum -= table[i].y; break;
		default: if (sum > 4.0) continue; sum *= 2.0;
		}
	}
	a[gl_GlobalInvocationID.x] = sum;
}
""")
    yield Source("alias", HEAD + local_size() + """
layout(binding = 0) readonly buffer A { float a[]; };
layout(binding = 0) buffer B { vec4 b[]; };
layout(binding = 0) buffer C { uint count; uvec2 c[]; };
void main() { b[1].x = a[gl_LocalInvocationIndex] + float(c[0].y); }
""")
    for i, built_in in enumerate(("gl_NumWorkGroups", "gl_WorkGroupID", "gl_LocalInvocationID",
                                  "gl_GlobalInvocationID", "gl_WorkGroupSize", "uvec3(gl_LocalInvocationIndex)")):
        yield Source(f"built-in{i}", HEAD + local_size(4, 2, 3) + f"""
layout(binding = 0) buffer A {{ uvec3 a[]; }};
void main() {{ a[0] = {built_in}; }}
""")


# ---- Images, samplers, texel buffers ----

def images():
    dims = ("1D", "2D", "3D", "Cube", "2DArray", "1DArray", "CubeArray", "2DMS", "2DMSArray", "2DRect", "Buffer")
    formats = (("rgba8", ""), ("r32f", ""), ("rgba32ui", "u"), ("r32i", "i"), ("rg16f", ""))
    for i, dim in enumerate(dims):
        if dim == "2DRect":
            continue
        format_, prefix = formats[i % len(formats)]
        qualifier = ("readonly", "writeonly", "")[i % 3]
        text = (f"layout(binding = 0, {format_}) uniform {qualifier} {prefix}image{dim} a;\n"
                f"layout(binding = 1) uniform {prefix}sampler{dim} b;\n")
        if dim not in ("2DMS", "2DMSArray"):
            text += f"layout(binding = 2) uniform {prefix}texture{dim} c;\n"
        size = "imageSize(a)"
        yield Source(f"image-{dim}", HEAD + local_size(8, 8) + text + f"""
layout(binding = 9) buffer O {{ int o; }};
void main() {{ o = int({size}{'' if dim in ('1D', 'Buffer') else '.x'}); }}
""")
    operations = {
        "load": "v = imageLoad(p, at);", "store": "imageStore(p, at, vec4(1));", "size": "v.xy = vec2(imageSize(p));",
        "both": "v = imageLoad(p, at); imageStore(p, at, v);",
    }
    for i, (what, operation) in enumerate(operations.items()):
        yield Source(f"image-{what}", HEAD + local_size(8, 8) + f"""
layout(set = 1, binding = {i}, rgba16f) uniform image2D p;
layout(set = 0, binding = 4) buffer O {{ vec4 o; }};
void main() {{ ivec2 at = ivec2(gl_GlobalInvocationID.xy); vec4 v = vec4(0); {operation} o = v; }}
""")
    yield Source("image-atomic", HEAD + local_size(8, 8) + """
layout(binding = 0, r32ui) uniform uimage2D counts;
layout(binding = 1, r32ui) uniform uimageBuffer line;
void main() { imageAtomicAdd(counts, ivec2(1), 1u); imageAtomicMax(line, 3, 1u); }
""")
    yield Source("sampled", HEAD + "#extension GL_EXT_samplerless_texture_functions : require\n" + local_size(8, 8) + """
layout(binding = 0) uniform sampler2D a;
layout(binding = 1) uniform texture2D b[4];
layout(binding = 2) uniform sampler c;
layout(binding = 3) uniform samplerShadow d;
layout(binding = 4) uniform texture2D e;
layout(binding = 5) uniform samplerBuffer f;
layout(binding = 6) uniform textureBuffer g;
layout(binding = 7, rgba32f) uniform imageBuffer h;
layout(binding = 8) uniform sampler2DShadow k[2][3];
layout(binding = 9, rgba8) uniform writeonly image2D o;
void main() {
	vec2 at = vec2(gl_GlobalInvocationID.xy);
	vec4 sum = textureLod(a, at, 0.0) + textureLod(sampler2D(b[1], c), at, 0.0);
	sum += textureLod(sampler2DShadow(e, d), vec3(at, 0.5), 0.0) + texelFetch(f, 1) + texelFetch(g, 2);
	sum += imageLoad(h, 3) + textureGather(a, at) + vec4(textureSize(b[2], 0), 0, 0);
	sum += vec4(textureLod(k[1][2], vec3(at, 1.0), 0.0), textureQueryLevels(a), 0, 0);
	imageStore(o, ivec2(at), sum);
}
""")
    yield Source("no-format", HEAD + "#extension GL_EXT_shader_image_load_formatted : require\n" + local_size(8, 8) + """
layout(binding = 0) uniform readonly image2D a;
layout(binding = 1) uniform writeonly image2D b;
void main() { imageStore(b, ivec2(0), imageLoad(a, ivec2(1))); }
""")
    yield Source("image-int64", HEAD + extensions(["GL_EXT_shader_image_int64",
                                                   "GL_EXT_shader_explicit_arithmetic_types_int64"]) + local_size() + """
layout(binding = 0, r64ui) uniform u64image2D a;
void main() { imageAtomicAdd(a, ivec2(0), uint64_t(1)); }
""", "1.3")
    for i, (declaration, use) in enumerate((
            ("layout(binding = 0) buffer B { float v; } b[];", "b[nonuniformEXT(i)].v = 1.0;"),
            ("layout(binding = 0, rgba8) uniform image2D b[];", "imageStore(b[nonuniformEXT(i)], ivec2(0), vec4(1));"),
            ("layout(binding = 0) uniform sampler2D b[];", "o = textureLod(b[nonuniformEXT(i)], vec2(0), 0.0);"),
            ("layout(binding = 0) uniform sampler b[7];\nlayout(binding = 8) uniform texture2D t[];",
             "o = textureLod(sampler2D(t[nonuniformEXT(i)], b[3]), vec2(0), 0.0);"),
            ("layout(binding = 0) uniform U { vec4 v; } b[];", "o = b[nonuniformEXT(i)].v;"),
            ("layout(binding = 0) uniform textureBuffer b[];", "o = texelFetch(b[nonuniformEXT(i)], 0);"))):
        yield Source(f"bindless{i}", HEAD + "#extension GL_EXT_nonuniform_qualifier : require\n" + local_size() +
                     declaration + f"""
layout(set = 1, binding = 0) buffer O {{ vec4 o; }};
void main() {{ uint i = gl_GlobalInvocationID.x; {use} }}
""", "1.3")


# ---- Specialisation ----

def specialisation():
    for i, ids in enumerate(((0, None, None), (0, 1, None), (0, 1, 2), (7, 3, 5), (None, 4, None))):
        sizes = ", ".join(f"local_size_{axis}_id = {id_}" for axis, id_ in zip("xyz", ids) if id_ is not None)
        yield Source(f"workgroup{i}", HEAD + f"layout(local_size_x = 16, local_size_y = 4, local_size_z = 2) in;\n"
                     f"layout({sizes}) in;\nlayout(binding = 0) buffer B {{ uint b[]; }};\n"
                     "void main() { b[0] = gl_WorkGroupSize.x * gl_WorkGroupSize.y * gl_WorkGroupSize.z; }\n")
    values = {"bool": "true", "int": "-7", "uint": "4000000000u", "float": "1.5", "double": "2.25LF",
              "int64_t": "-5000000000L", "uint64_t": "18000000000000000000UL", "int16_t": "-300s", "uint16_t": "65000us",
              "int8_t": "int8_t(-3)", "uint8_t": "uint8_t(200)", "float16_t": "1.5hf"}
    for i, (type_, value) in enumerate(values.items()):
        needs = [name for name in SCALARS.get(type_, ())]
        if type_ in ("int8_t", "uint8_t"):
            continue  # glslang has no literals of these
        yield Source(f"spec-{type_}", HEAD + extensions(needs) + local_size() + f"""
layout(constant_id = {i * 3}) const {type_} VALUE = {value};
layout(constant_id = {i * 3 + 1}) const uint OTHER = 9;
layout(binding = 0) buffer B {{ uint b; }};
void main() {{ if (VALUE == {type_}(1)) b = OTHER; }}
""")
    expressions = ("N", "N * 2", "N + M", "N * N + 1", "N / 3 + 1", "N % 5 + 1", "(N << 2) >> 1", "(N & 6) | 1",
                   "(N > 4 ? 3 : 5)", "-(-N)", "(N ^ 3) + 1", "int(U) + 2", "(N == M ? 1 : 2)", "~(~N)",
                   "int(gl_WorkGroupSize.x) * 2", "(int(U) >= 3 && N != 1 ? 6 : 7)")
    for i, expression in enumerate(expressions):
        yield Source(f"spec-sized{i}", HEAD + f"""
layout(local_size_x = 32, local_size_x_id = 20) in;
layout(constant_id = 0) const int N = 6;
layout(constant_id = 1) const int M = 11;
layout(constant_id = 2) const uint U = 4u;
const int SIZE = {expression};
shared float scratch[SIZE];
layout(binding = 0) buffer B {{ float fixed_part[3]; float b[]; }};
layout(binding = 1) uniform sampler2D pictures[SIZE];
layout(binding = 2) buffer D {{ float d[]; }} many[SIZE];
void main() {{
	scratch[gl_LocalInvocationIndex] = textureLod(pictures[0], vec2(0), 0.0).x;
	barrier();
	b[0] = scratch[0] + many[0].d[1];
}}
""")
    yield Source("spec-block", HEAD + local_size() + """
layout(constant_id = 0) const int N = 5;
layout(binding = 0, std430) buffer B { float a[N]; vec3 v; float tail[]; };
void main() { tail[0] = a[0] + v.x; }
""")


# ---- Features ----

SUBGROUP = {
    "basic": "subgroupBarrier(); v = float(gl_SubgroupID) + float(subgroupElect());", "vote": "v = float(subgroupAll(v > 1.0));",
    "arithmetic": "v = subgroupAdd(v); v = subgroupInclusiveMax(v);", "ballot": "v = float(subgroupBallotBitCount(subgroupBallot(true)));",
    "shuffle": "v = subgroupShuffle(v, 1u); v = subgroupShuffleXor(v, 1u);", "shuffle_relative": "v = subgroupShuffleUp(v, 1u);",
    "clustered": "v = subgroupClusteredAdd(v, 4u);", "quad": "v = subgroupQuadSwapHorizontal(v);",
}


def features():
    for name, code in SUBGROUP.items():
        needs = {f"GL_KHR_shader_subgroup_{name}", "GL_KHR_shader_subgroup_basic"}
        yield Source(f"subgroup-{name}", HEAD + extensions(needs) + local_size() + f"""
layout(binding = 0) buffer B {{ float b[]; }};
void main() {{ float v = b[gl_GlobalInvocationID.x]; {code} b[gl_GlobalInvocationID.x] = v; }}
""", "1.3")
    yield Source("subgroup-khr-vote", HEAD + extensions(["GL_ARB_shader_group_vote", "GL_ARB_shader_ballot",
                                                         "GL_ARB_gpu_shader_int64"]) + local_size() + """
layout(binding = 0) buffer B { uint b[]; };
void main() { b[0] = uint(allInvocationsARB(b[1] > 2u)); b[2] = uint(ballotARB(true)); }
""")
    atomics = (("GL_EXT_shader_atomic_int64", "int64_t", "GL_EXT_shader_explicit_arithmetic_types_int64"),
               ("GL_EXT_shader_atomic_float", "float", "GL_EXT_shader_atomic_float"))
    for extension, type_, other in atomics:
        yield Source(f"atomic-{type_}", HEAD + extensions([extension, other]) + local_size() + f"""
layout(binding = 0) buffer B {{ {type_} b[]; }};
shared {type_} s;
void main() {{ atomicAdd(b[0], {type_}(1)); atomicAdd(s, {type_}(2)); b[1] = atomicExchange(s, {type_}(3)); }}
""", "1.3")
    shared = ("float s[64];", "vec3 s[7];", "mat3 s;", "struct { float a; dvec2 b; bool c; } s;", "double s[3][5];", "uvec4 s[256];")
    for i, declaration in enumerate(shared):
        yield Source(f"shared{i}", HEAD + local_size() + f"shared {declaration}\n" + """
layout(binding = 0) buffer B { float b; };
void main() { b = float(s.length()); s = s; }
""".replace("float(s.length()); s = s", "1.0; memoryBarrierShared()" if "struct" in declaration else
            "float(s.length()); barrier()"))
    yield Source("shared-used", HEAD + local_size() + """
shared vec4 tile[64];
shared uint count;
layout(binding = 0) buffer B { vec4 b[]; };
void main() { tile[gl_LocalInvocationIndex] = b[gl_GlobalInvocationID.x]; atomicAdd(count, 1u); barrier(); b[0] = tile[count]; }
""")
    yield Source("explicit-shared", HEAD + "#extension GL_EXT_shared_memory_block : require\n" + local_size() + """
shared A { float a[64]; };
shared C { uvec4 c[8]; };
layout(binding = 0) buffer B { float b[]; };
void main() { a[gl_LocalInvocationIndex] = b[0]; barrier(); b[1] = float(c[0].x); }
""", "1.4")
    for i, type_ in enumerate(("float", "uvec2", "mat4", "double")):
        yield Source(f"reference{i}", HEAD + "#extension GL_EXT_buffer_reference : require\n" + local_size() + f"""
layout(buffer_reference) buffer Node;
layout(buffer_reference, std430, buffer_reference_align = 16) buffer Node {{ {type_} value; Node next; {type_} rest[]; }};
layout(push_constant) uniform P {{ Node head; uint n; }} p;
layout(binding = 2, std430) buffer B {{ uint count; Node nodes[3]; Node more[]; }} b;
void main() {{ Node node = p.head; for (uint i = 0; i < p.n; i++) node = node.next; node.rest[1] = node.value; b.count = 1; }}
""", "1.3")
    yield Source("printf", HEAD + "#extension GL_EXT_debug_printf : require\n" + local_size() + """
layout(binding = 0) buffer B { float b[]; };
void main() { debugPrintfEXT("value %f at %u", b[0], gl_GlobalInvocationID.x); debugPrintfEXT("again"); }
""", "1.3")
    yield Source("ray-query", HEAD + "#extension GL_EXT_ray_query : require\n" + local_size() + """
layout(binding = 0) uniform accelerationStructureEXT scene;
layout(binding = 1) buffer B { float b; };
void main() {
	rayQueryEXT query;
	rayQueryInitializeEXT(query, scene, 0u, 0xffu, vec3(0), 0.1, vec3(0, 0, 1), 9.0);
	while (rayQueryProceedEXT(query)) {}
	b = rayQueryGetIntersectionTEXT(query, true);
}
""", "1.4")
    yield Source("clock", HEAD + extensions(["GL_ARB_shader_clock", "GL_ARB_gpu_shader_int64"]) + local_size() + """
layout(binding = 0) buffer B { uint64_t b; };
void main() { b = clockARB(); }
""", "1.3")
    yield Source("memory-model", HEAD + extensions(["GL_KHR_memory_scope_semantics"]) + local_size() + """
#pragma use_vulkan_memory_model
layout(binding = 0) buffer B { uint b; };
void main() { atomicStore(b, 1u, gl_ScopeDevice, gl_StorageSemanticsBuffer, gl_SemanticsRelease); }
""", "1.3")
    for i, (element, bits) in enumerate((("float16_t", 16), ("float", 32))):
        kind = "fcoopmatNV"
        yield Source(f"cooperative{i}", HEAD + "#pragma use_vulkan_memory_model\n" + extensions([
            "GL_NV_cooperative_matrix", "GL_KHR_memory_scope_semantics", "GL_EXT_shader_explicit_arithmetic_types_float16",
            "GL_EXT_shader_16bit_storage"]) + local_size(32) + f"""
layout(constant_id = 4) const uint ROWS = 16;
layout(binding = 0) buffer A {{ {element} a[256]; }};
layout(binding = 1) buffer C {{ {element} c[]; }};
void main() {{
	{kind}<{bits}, gl_ScopeSubgroup, ROWS, 16> m;
	coopMatLoadNV(m, a, 0, 16, false);
	coopMatStoreNV(m, c, 0, 16, false);
}}
""", "1.3")


# ---- HLSL: other habits, above all structured buffers ----

HLSL = (
    "RWStructuredBuffer<float4> o : register(u0); StructuredBuffer<float> i : register(t1);\n"
    "[numthreads(8, 4, 1)] void main(uint3 id : SV_DispatchThreadID) { o[id.x] = i[id.y].xxxx; }",
    "RWByteAddressBuffer o : register(u0); ByteAddressBuffer i : register(t1);\n"
    "[numthreads(64, 1, 1)] void main(uint3 id : SV_DispatchThreadID) { o.Store(id.x * 4, i.Load(id.x * 4)); }",
    "cbuffer C : register(b0) { float4x4 m; row_major float3x2 r; float3 v; float s; };\n"
    "RWTexture2D<float4> o : register(u1); Texture2D<float4> t : register(t2); SamplerState s0 : register(s3);\n"
    "[numthreads(8, 8, 1)] void main(uint3 id : SV_DispatchThreadID) {"
    " o[id.xy] = mul(m, t.SampleLevel(s0, float2(0, 0), 0)) + r[0].xyxy + v.xyzx * s; }",
    "RWBuffer<uint> o : register(u0); Buffer<uint> i : register(t1); groupshared uint g[64];\n"
    "[numthreads(64, 1, 1)] void main(uint id : SV_GroupIndex, uint3 at : SV_GroupID) {"
    " g[id] = i[at.x]; GroupMemoryBarrierWithGroupSync(); InterlockedAdd(o[0], g[0]); }",
)


def hlsl():
    for i, text in enumerate(HLSL):
        yield Source(f"hlsl{i}", text + "\n", hlsl=True)


def sources():
    made = []
    for group in (random_blocks(120), offset_blocks(), qualifiers(), functions(), images(), specialisation(),
                  features(), hlsl()):
        made += list(group)
    return made
