// How many items of each block survive.
#version 450
#extension GL_GOOGLE_include_directive : require
#include "marks.glsl"

layout(set = 0, binding = 1) writeonly buffer Sums { uint sums[]; };
layout(push_constant) uniform Push { uint count; };

shared uint total;

void main()
{
	uint word = gl_WorkGroupID.x * BLOCK_WORDS + gl_LocalInvocationIndex * THREAD_WORDS;
	uint found = 0;

	if (gl_LocalInvocationIndex == 0)
		total = 0;
	barrier();
	for (uint i = 0; i < THREAD_WORDS; i++)
		found += bitCount(marks_of(word + i, count));
	if (found != 0)
		atomicAdd(total, found);
	barrier();
	if (gl_LocalInvocationIndex == 0)
		sums[gl_WorkGroupID.x] = total;
}
