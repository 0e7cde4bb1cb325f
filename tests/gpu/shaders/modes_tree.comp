#version 450
#extension GL_GOOGLE_include_directive : require
/* Visits a complete tree, a thread to a node: node i has children 3 i + 1 to 3 i + 3. */
#define KILN_QUEUE_BINDING 0
#define KILN_QUEUE_ITEM_WORDS 2
#include "kiln_work_queue.glsl"

layout(local_size_x = 64, local_size_x_id = 0) in;
layout(set = 0, binding = 1) buffer Visits { uint visits[]; };

void main()
{
	uint item[2];
	bool mine;
	while (kiln_queue_pull(item, mine)) {
		if (mine)
			atomicAdd(visits[item[0]], 1u);
		for (uint i = 1u; i <= 3u; i++)
			kiln_queue_push(mine && item[1] > 0u, uint[](3u * item[0] + i, item[1] - 1u));
	}
}
