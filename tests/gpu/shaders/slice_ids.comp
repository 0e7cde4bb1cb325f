#version 450
layout(local_size_x = 2, local_size_y = 2, local_size_z = 1) in;
// Every built-in of the grid, mixed; a thread writes one word.
layout(set = 0, binding = 0) writeonly buffer Out { uint result[]; };
layout(push_constant) uniform Push { uvec3 size; uint salt; };

void main()
{
	uvec3 at = gl_GlobalInvocationID, groups = gl_NumWorkGroups;
	if (any(greaterThanEqual(at, size)))
		return;
	uint mixed = salt;
	for (uint i = 0; i < 3; i++)
		mixed = (mixed ^ at[i] ^ gl_WorkGroupID[i] * 31u ^ gl_LocalInvocationID[i] * 7u) * 0x9e3779b1u + gl_NumWorkGroups[i];
	result[(at.z * size.y + at.y) * size.x + at.x] = mixed + groups.x * groups.y + groups.z + gl_LocalInvocationIndex;
}
