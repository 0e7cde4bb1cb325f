#version 450
/* Next to no work: what a launch costs is what is measured. */
layout(local_size_x = 64) in;
layout(set = 0, binding = 0) readonly buffer In { uint source[]; };
layout(set = 0, binding = 1) buffer Out { uint result[]; };
layout(push_constant) uniform Push { uint n; uint k; };

void main()
{
	uint i = gl_GlobalInvocationID.x;
	if (i < n)
		result[i] = source[i] * 3u + k;
}
