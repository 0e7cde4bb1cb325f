#version 450
/* Depends on what was there: a step too many, too few or in the wrong place shows. */
layout(local_size_x = 64) in;
layout(set = 0, binding = 0) buffer Data { uint data[]; };
layout(push_constant) uniform Push { uint n; uint k; };

void main()
{
	uint i = gl_GlobalInvocationID.x;
	if (i < n)
		data[i] = data[i] * 1664525u + k + i;
}
