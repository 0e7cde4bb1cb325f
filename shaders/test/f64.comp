// Doubles: y = x * x
// buffers: x (double[], read), y (double[], write)    push: struct { uint32_t n; }    threads: n
#version 450

layout(local_size_x = 64, local_size_x_id = 0) in;

layout(set = 0, binding = 0) readonly buffer X { double x[]; };
layout(set = 0, binding = 1) writeonly buffer Y { double y[]; };
layout(push_constant) uniform Push { uint n; };

void main()
{
	uint i = gl_GlobalInvocationID.x;
	if (i < n)
		y[i] = x[i] * x[i];
}
