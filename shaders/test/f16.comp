// Half floats in memory and arithmetic: y = 2 * x
// buffers: x (float16_t[], read), y (float16_t[], write)    push: struct { uint32_t n; }    threads: n
#version 450
#extension GL_EXT_shader_16bit_storage : require
#extension GL_EXT_shader_explicit_arithmetic_types_float16 : require

layout(local_size_x = 64, local_size_x_id = 0) in;

layout(set = 0, binding = 0) readonly buffer X { float16_t x[]; };
layout(set = 0, binding = 1) writeonly buffer Y { float16_t y[]; };
layout(push_constant) uniform Push { uint n; };

void main()
{
	uint i = gl_GlobalInvocationID.x;
	if (i < n)
		y[i] = x[i] + x[i];
}
