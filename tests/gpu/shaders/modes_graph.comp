#version 450
#extension GL_GOOGLE_include_directive : require
/* Finds what can be reached in a graph, a workgroup to a node; each thread follows one edge. Whoever is first at a node
   queues it. */
#define KILN_QUEUE_BINDING 1
#define KILN_QUEUE_ITEM_WORDS 1
#include "kiln_work_queue.glsl"

layout(local_size_x = 20) in;
layout(set = 0, binding = 0) readonly buffer Edges { uint edges[]; };
layout(set = 0, binding = 2) buffer Seen { uint seen[]; };
layout(set = 0, binding = 3) buffer Visits { uint visits[]; };
layout(push_constant) uniform Push { uint degree; };

void main()
{
	uint node[1];
	while (kiln_queue_pull_group(node)) {
		if (gl_LocalInvocationIndex == 0u)
			atomicAdd(visits[node[0]], 1u);
		for (uint first = 0u; first < degree; first += 4u) {
			uint i = first + gl_LocalInvocationIndex;
			uint to = i < degree && gl_LocalInvocationIndex < 4u ? edges[node[0] * degree + i] : 0u; /* 0 is seen */
			kiln_queue_push(atomicExchange(seen[to], 1u) == 0u, uint[](to));
		}
	}
}
