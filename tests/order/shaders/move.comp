#version 450
/* Reads one range and writes another. */
layout(local_size_x = 64) in;
layout(set = 0, binding = 0) readonly buffer From { uint from[]; };
layout(set = 0, binding = 1) writeonly buffer To { uint to[]; };
layout(push_constant) uniform Push { uint n; uint k; };

void main()
{
	uint i = gl_GlobalInvocationID.x;
	if (i < n)
		to[i] = 3u * from[i] + k;
}
