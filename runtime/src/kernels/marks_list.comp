// Lists the survivors in ascending order.
#version 450
#extension GL_GOOGLE_include_directive : require
#include "marks.glsl"
#include "scan.glsl"

layout(set = 0, binding = 1) readonly buffer Sums { uint sums[]; };
layout(set = 0, binding = 2) writeonly buffer List { uint head[4]; uint list[]; };
layout(push_constant) uniform Push { uint count; };

void main()
{
	uint word = gl_WorkGroupID.x * BLOCK_WORDS + gl_LocalInvocationIndex * THREAD_WORDS;
	uint bits[THREAD_WORDS];
	uint found = 0, total, at;

	for (uint i = 0; i < THREAD_WORDS; i++) {
		bits[i] = marks_of(word + i, count);
		found += bitCount(bits[i]);
	}
	at = sums[gl_WorkGroupID.x] + scan_before(found, total);
	for (uint i = 0; i < THREAD_WORDS; i++)
		for (uint rest = bits[i]; rest != 0; rest &= rest - 1)
			list[at++] = (word + i) * 32 + findLSB(rest);
}
