#version 450
#extension GL_KHR_memory_scope_semantics : require
#extension GL_NV_cooperative_matrix : require
#extension GL_EXT_shader_explicit_arithmetic_types_float16 : require
/* Cooperative matrices: a capability that software drivers and RADV lack. */
layout(local_size_x = 32) in;
layout(set = 0, binding = 0) buffer Data { float16_t data[]; };

void main()
{
	fcoopmatNV<16, gl_ScopeSubgroup, 16, 16> m;
	coopMatLoadNV(m, data, 0, 16, false);
	m = m * float16_t(2.0);
	coopMatStoreNV(m, data, 0, 16, false);
}
