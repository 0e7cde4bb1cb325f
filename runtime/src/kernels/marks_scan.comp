// Where each block's survivors begin in the list, how many there are in all, and how many workgroups look at them. One
// workgroup.
#version 450
#extension GL_GOOGLE_include_directive : require
#define THREADS 128

layout(local_size_x = THREADS) in;
#include "scan.glsl"

layout(set = 0, binding = 0) buffer Sums { uint sums[]; };
layout(set = 0, binding = 1) writeonly buffer Head { uint survivor_count; };
layout(set = 0, binding = 2) writeonly buffer Groups { uint groups[3]; };
layout(push_constant) uniform Push {
	uint blocks;
	uint group_threads; // of the confirmer
};

void main()
{
	uint before = 0, total;

	for (uint first = 0; first < blocks; first += THREADS) {
		uint i = first + gl_LocalInvocationIndex;
		uint begin = scan_before(i < blocks ? sums[i] : 0, total);

		if (i < blocks)
			sums[i] = before + begin;
		before += total;
	}
	if (gl_LocalInvocationIndex != 0)
		return;
	survivor_count = before;
	groups[0] = before / group_threads + (before % group_threads != 0 ? 1 : 0);
	groups[1] = 1;
	groups[2] = 1;
}
