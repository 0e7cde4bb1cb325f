#version 450
/* Reads two ranges, one of them as a uniform buffer, and changes a third. */
layout(local_size_x = 64) in;
layout(set = 0, binding = 0) readonly buffer X { uint x[]; };
layout(set = 0, binding = 1) uniform Y { uint y; };
layout(set = 0, binding = 2) buffer Total { uint total[]; };
layout(push_constant) uniform Push { uint n; uint k; };

void main()
{
	uint i = gl_GlobalInvocationID.x;
	if (i < n)
		total[i] = 5u * total[i] + x[i] + k * y;
}
