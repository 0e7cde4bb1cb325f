#version 450
layout(local_size_x = 1) in;
// Each workgroup takes its turn after another: cut in parts, those could wait for one that is not there yet.
layout(set = 0, binding = 0) coherent buffer Out { uint turn; uint result[]; };

void main()
{
	for (uint i = 0; i < 1000000u && atomicAdd(turn, 0u) < gl_WorkGroupID.x; i++)
		;
	atomicAdd(turn, 1u);
	result[gl_WorkGroupID.x] = 1u;
}
