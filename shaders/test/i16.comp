// 16-bit integers in memory and arithmetic: y = x * 3, wrapping
// buffers: x (uint16_t[], read), y (uint16_t[], write)    push: struct { uint32_t n; }    threads: n
#version 450
#extension GL_EXT_shader_16bit_storage : require
#extension GL_EXT_shader_explicit_arithmetic_types_int16 : require

layout(local_size_x = 64, local_size_x_id = 0) in;

layout(set = 0, binding = 0) readonly buffer X { uint16_t x[]; };
layout(set = 0, binding = 1) writeonly buffer Y { uint16_t y[]; };
layout(push_constant) uniform Push { uint n; };

void main()
{
	uint i = gl_GlobalInvocationID.x;
	if (i < n)
		y[i] = x[i] * uint16_t(3);
}
