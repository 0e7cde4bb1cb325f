// One round of many Collatz walks: each takes some steps, and those that have not come to 1 go on in the next round
// buffers: counts (four uints for each round: walks, 1, 1, 0), from, to (uvec2[]: walk, number), steps (uint[], of each walk)
// push:    struct { uint32_t round, steps; }
// threads: counts[4 * round]: launch it indirectly, with .indirect_threads
#version 450

layout(local_size_x = 64, local_size_x_id = 0) in;

layout(set = 0, binding = 0) buffer Counts { uint counts[]; };
layout(set = 0, binding = 1) readonly buffer From { uvec2 from[]; };
layout(set = 0, binding = 2) writeonly buffer To { uvec2 to[]; };
layout(set = 0, binding = 3) buffer Steps { uint steps[]; };
layout(push_constant) uniform Push { uint round; uint most; };

void main()
{
	uint i = gl_GlobalInvocationID.x;
	if (i >= counts[4 * round])
		return;
	uvec2 walk = from[i];
	uint taken = 0;
	while (taken < most && walk.y != 1) {
		walk.y = walk.y % 2 == 0 ? walk.y / 2 : 3 * walk.y + 1;
		taken++;
	}
	steps[walk.x] += taken;
	if (walk.y != 1)
		to[atomicAdd(counts[4 * (round + 1)], 1)] = walk;
}
