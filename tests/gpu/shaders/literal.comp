#version 450
/* A literal size that nothing depends on. */
layout(local_size_x = 64) in;
layout(set = 0, binding = 0) writeonly buffer Out { uint result[]; };
layout(push_constant) uniform Push { uint n; };

void main()
{
	uint i = gl_GlobalInvocationID.x;
	if (i < n)
		result[i] = i * 3u + 1u;
}
