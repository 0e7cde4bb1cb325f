#version 450
layout(local_size_x = 2, local_size_y = 2) in;
// Reads the number of workgroups, and has no push constants of its own.
layout(set = 0, binding = 0) writeonly buffer Out { uvec4 result[]; };

void main()
{
	if (gl_LocalInvocationIndex != 0)
		return;
	uint at = (gl_WorkGroupID.z * gl_NumWorkGroups.y + gl_WorkGroupID.y) * gl_NumWorkGroups.x + gl_WorkGroupID.x;
	result[at] = uvec4(gl_NumWorkGroups, at);
}
