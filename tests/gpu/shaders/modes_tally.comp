#version 450
/* Counts who came: threads, workgroups, and each thread of the first dimension by itself. */
layout(local_size_x = 32, local_size_x_id = 0) in;
layout(set = 0, binding = 0) buffer Tally { uint threads, groups, hits[]; };

void main()
{
	uint i = gl_GlobalInvocationID.x;
	atomicAdd(threads, 1u);
	if (gl_LocalInvocationIndex == 0u)
		atomicAdd(groups, 1u);
	if (i < hits.length() && gl_GlobalInvocationID.y == 0u && gl_GlobalInvocationID.z == 0u)
		hits[i] += 1u;
}
