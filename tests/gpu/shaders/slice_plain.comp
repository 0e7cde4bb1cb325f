#version 450
layout(local_size_x = 2, local_size_y = 2) in;
// Adds: a workgroup that runs twice, or never, is seen. Takes as long as it is told to.
layout(set = 0, binding = 0) buffer Out { uint result[]; };
layout(push_constant) uniform Push { uvec3 size; uint steps; };

void main()
{
	uvec3 at = gl_GlobalInvocationID;
	if (any(greaterThanEqual(at, size)))
		return;
	uint value = at.x;
	for (uint i = 0; i < steps; i++)
		value = value * 1664525u + 1013904223u;
	result[(at.z * size.y + at.y) * size.x + at.x] += 1u + value + at.y * 5u + at.z * 7u;
}
