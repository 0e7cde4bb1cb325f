// How many ways there are to place n queens on a board of n x n so that none attacks another: a work queue of boards that are
// filled from the first row on. Each board pulled pushes the boards with one queen more.
// buffers: the queue (items of 4 words: row, and attacked columns, by column and by the two diagonals), solutions (uint)
// push:    struct { uint32_t n; }
// threads: the queue's; made for KILN_FEATURE_PERSISTENT_THREAD
#version 450
#extension GL_GOOGLE_include_directive : require
#define KILN_QUEUE_BINDING 0
#define KILN_QUEUE_ITEM_WORDS 4
#include "kiln_work_queue.glsl"

layout(local_size_x = 64, local_size_x_id = 0) in;

layout(set = 0, binding = 1) buffer Solutions { uint solutions; };
layout(push_constant) uniform Push { uint n; };

void main()
{
	uint board[4];
	bool mine;
	while (kiln_queue_pull(board, mine)) {
		uint free = mine ? ~(board[1] | board[2] | board[3]) & ((1u << n) - 1u) : 0u;
		if (mine && board[0] + 1u == n) { // the last row: every free column is a solution
			atomicAdd(solutions, bitCount(free));
			free = 0u;
		}
		for (uint column = 0u; column < n; column++) {
			uint queen = free & (1u << column);
			kiln_queue_push(queen != 0u, uint[](board[0] + 1u, board[1] | queen, (board[2] | queen) << 1,
			                                    (board[3] | queen) >> 1));
		}
	}
}
