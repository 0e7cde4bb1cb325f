// Cooperative matrices, the NV form: d = a * b for one 16 x 16 tile.
// buffers: a, b (float16_t[256], read), d (float[256], write)    threads: one subgroup
#version 450
#extension GL_EXT_shader_16bit_storage : require
#extension GL_EXT_shader_explicit_arithmetic_types_float16 : require
#extension GL_KHR_memory_scope_semantics : require
#extension GL_NV_cooperative_matrix : require

layout(local_size_x = 32, local_size_x_id = 0) in;

layout(set = 0, binding = 0) readonly buffer A { float16_t a[256]; };
layout(set = 0, binding = 1) readonly buffer B { float16_t b[256]; };
layout(set = 0, binding = 2) writeonly buffer D { float d[256]; };

void main()
{
	fcoopmatNV<16, gl_ScopeSubgroup, 16, 16> left, right;
	fcoopmatNV<32, gl_ScopeSubgroup, 16, 16> sum = fcoopmatNV<32, gl_ScopeSubgroup, 16, 16>(0.0);
	coopMatLoadNV(left, a, 0, 16, false);
	coopMatLoadNV(right, b, 0, 16, false);
	sum = coopMatMulAddNV(left, right, sum);
	coopMatStoreNV(sum, d, 0, 16, false);
}
