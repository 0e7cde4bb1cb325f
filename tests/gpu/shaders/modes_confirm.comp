#version 450
#extension GL_GOOGLE_include_directive : require
/* What the prefilter lets through and more: an exact test, its result, and who came in which order. */
#define KILN_CONFIRMER 3
#include "kiln_speculate.glsl"

layout(local_size_x = 64, local_size_x_id = 0) in;
layout(set = 0, binding = 0) readonly buffer Values { uint values[]; };
layout(set = 0, binding = 1) writeonly buffer Results { uint results[]; };
layout(set = 0, binding = 2) writeonly buffer Order { uint order[]; };
layout(push_constant) uniform Push { uint n, below; };

void main()
{
	uint item;
	if (!kiln_survivor(item))
		return;
	order[gl_GlobalInvocationID.x] = item;
	if (values[item] % 1000u < below && values[item] % 3u != 0u)
		results[item] = values[item] * 2654435761u | 1u;
}
