"""Modules no front end at hand writes: several entry points, forms of old and new SPIR-V, and raw words for
what the assembler does not know yet."""

PREAMBLE = """
OpCapability Shader
{more}
OpMemoryModel Logical GLSL450
"""

# Two entry points that share one buffer, have one each of their own, and leave one to nobody.
SEVERAL = """
OpCapability Shader
OpMemoryModel Logical GLSL450
OpEntryPoint GLCompute %first "first" {first_interface}
OpEntryPoint GLCompute %second "second" {second_interface}
OpExecutionMode %first LocalSize 8 4 1
OpExecutionMode %second LocalSize 64 1 1
OpName %first "first"
OpName %shared "shared_one"
OpDecorate %array ArrayStride 4
OpDecorate %block {block}
OpMemberDecorate %block 0 Offset 0
OpDecorate %shared DescriptorSet 0
OpDecorate %shared Binding 0
OpDecorate %own1 DescriptorSet 0
OpDecorate %own1 Binding 1
OpDecorate %own2 DescriptorSet 0
OpDecorate %own2 Binding {own2}
OpDecorate %nobody DescriptorSet 1
OpDecorate %nobody Binding 0
%void = OpTypeVoid
%void_function = OpTypeFunction %void
%uint = OpTypeInt 32 0
%zero = OpConstant %uint 0
%array = OpTypeRuntimeArray %uint
%block = OpTypeStruct %array
%pointer = OpTypePointer {storage} %block
%element = OpTypePointer {storage} %uint
%shared = OpVariable %pointer {storage}
%own1 = OpVariable %pointer {storage}
%own2 = OpVariable %pointer {storage}
%nobody = OpVariable %pointer {storage}
%first = OpFunction %void None %void_function
%l1 = OpLabel
%p1 = OpAccessChain %element %shared %zero %zero
%v1 = OpLoad %uint %p1
%p2 = OpAccessChain %element %own1 %zero %zero
OpStore %p2 %v1
%call = OpFunctionCall %void %helper
OpReturn
OpFunctionEnd
%second = OpFunction %void None %void_function
%l2 = OpLabel
%c2 = OpFunctionCall %void %helper
%p3 = OpAccessChain %element %own2 %zero %zero
OpStore %p3 %zero
OpReturn
OpFunctionEnd
%helper = OpFunction %void None %void_function
%l3 = OpLabel
%p4 = OpAccessChain %element %shared %zero %zero
%v4 = OpLoad %uint %p4
OpStore %p4 %v4
OpReturn
OpFunctionEnd
"""

# Decorations by groups, a constant WorkgroupSize that beats LocalSize, matrices in both orders.
GROUPS = """
OpCapability Shader
OpMemoryModel Logical GLSL450
OpEntryPoint GLCompute %main "main"
OpExecutionMode %main LocalSize 1 1 1
OpDecorate %size BuiltIn WorkgroupSize
OpDecorate %group DescriptorSet 2
OpDecorate %group NonWritable
%group = OpDecorationGroup
OpGroupDecorate %group %a %b
OpDecorate %a Binding 3
OpDecorate %b Binding 4
OpDecorate %block {block}
OpMemberDecorate %block 0 Offset 0
OpMemberDecorate %block 0 RowMajor
OpMemberDecorate %block 0 MatrixStride 16
OpMemberDecorate %block 1 Offset 48
OpMemberDecorate %block 1 ColMajor
OpMemberDecorate %block 1 MatrixStride 16
%void = OpTypeVoid
%void_function = OpTypeFunction %void
%uint = OpTypeInt 32 0
%n16 = OpConstant %uint 16
%n2 = OpConstant %uint 2
%n1 = OpConstant %uint 1
%uvec3 = OpTypeVector %uint 3
%size = OpConstantComposite %uvec3 %n16 %n2 %n1
%float = OpTypeFloat 32
%vec3 = OpTypeVector %float 3
%mat = OpTypeMatrix %vec3 2
%block = OpTypeStruct %mat %mat
%pointer = OpTypePointer {storage} %block
%a = OpVariable %pointer {storage}
%b = OpVariable %pointer {storage}
%main = OpFunction %void None %void_function
%label = OpLabel
%whole = OpLoad %block %a
OpReturn
OpFunctionEnd
"""


def assembly():
    """(name, SPIR-V version, text)"""
    forms = (("1.0", "Uniform", "BufferBlock"), ("1.2", "Uniform", "BufferBlock"), ("1.3", "StorageBuffer", "Block"),
             ("1.4", "StorageBuffer", "Block"), ("1.5", "StorageBuffer", "Block"), ("1.6", "StorageBuffer", "Block"))
    for version, storage, block in forms:
        listed = version >= "1.4"
        for own2 in (1, 2):
            yield (f"several-{version}-{own2}", version, SEVERAL.format(
                storage=storage, block=block, own2=own2,
                first_interface="%shared %own1" if listed else "",
                second_interface="%shared %own2" if listed else ""))
        if not listed:
            yield f"groups-{version}", version, GROUPS.format(storage=storage, block=block)
    yield "groups-uniform", "1.0", GROUPS.format(storage="Uniform", block="Block")


# ---- Raw words ----

def op(code, *operands):
    words = []
    for operand in operands:
        if isinstance(operand, str):
            data = operand.encode() + b"\0"
            data += b"\0" * (-len(data) % 4)
            words += [int.from_bytes(data[i:i + 4], "little") for i in range(0, len(data), 4)]
        else:
            words.append(operand)
    return [(len(words) + 1) << 16 | code, *words]


def module(version, bound, *instructions):
    words = [0x07230203, 0x00010000 | version << 8, 0, bound, 0]
    for one in instructions:
        words += one
    return words


def cooperative(element_capabilities, float_type):
    """A KHR cooperative matrix (capability 6022, opcodes 4456 to 4458) is loaded from one buffer, stored to another."""
    return module(
        6, 40,
        op(17, 1), op(17, 6022), op(17, 4433), *[op(17, one) for one in element_capabilities],
        op(10, "SPV_KHR_cooperative_matrix"), op(10, "SPV_KHR_bfloat16"),
        op(14, 0, 1),
        op(15, 5, 1, "main", 20, 21),
        op(16, 1, 17, 32, 1, 1),
        op(5, 20, "a"),
        op(71, 10, 6, 2), op(72, 11, 0, 35, 0), op(71, 11, 2),
        op(71, 20, 34, 0), op(71, 20, 33, 0), op(71, 21, 34, 0), op(71, 21, 33, 1),
        op(19, 2), op(33, 3, 2),
        op(21, 4, 32, 0), op(22, 5, *float_type),
        op(43, 4, 6, 16), op(43, 4, 7, 3), op(43, 4, 8, 0), op(43, 4, 9, 256),
        op(28, 10, 5, 9), op(30, 11, 10),
        op(32, 12, 12, 11), op(32, 13, 12, 5),
        op(59, 12, 20, 12), op(59, 12, 21, 12),
        op(4456, 14, 5, 7, 6, 6, 8),
        op(54, 2, 1, 0, 3), op(248, 30),
        op(65, 13, 31, 20, 8, 8), op(4457, 14, 32, 31, 8, 6),
        op(65, 13, 33, 21, 8, 8), op(4458, 33, 32, 8, 6),
        op(253), op(56))


def modules():
    """(name, words)"""
    yield "cooperative-khr-f16", cooperative((9,), (16,))
    yield "cooperative-khr-bf16", cooperative((5116, 5118), (16, 0))
