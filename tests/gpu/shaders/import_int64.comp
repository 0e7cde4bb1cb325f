#version 450
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require
/* Needs a feature that a device may have without the program having enabled it. */
layout(local_size_x = 64) in;
layout(set = 0, binding = 0) buffer Data { uint data[]; };
layout(push_constant) uniform Push { uint n; uint k; };

void main()
{
	uint i = gl_GlobalInvocationID.x;
	if (i < n)
		data[i] = uint((uint64_t(data[i] + 1u) << 33) >> 32) + k;
}
