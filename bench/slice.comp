#version 450
layout(local_size_x = 64) in;
layout(set = 0, binding = 0) buffer Data { uint data[]; };
layout(push_constant) uniform Push { uint n, steps; };

void main()
{
	uint i = gl_GlobalInvocationID.x;
	if (i >= n)
		return;
	uint value = data[i];
	for (uint k = 0; k < steps; k++)
		value = value * 1664525u + 1013904223u;
	data[i] = value;
}
