/* The dependencies of a record, and what each of them reaches. */
#ifndef TESTS_ORDER_HAPPENS_GRAPH_H
#define TESTS_ORDER_HAPPENS_GRAPH_H

#include <stdbool.h>
#include <stddef.h>

#include <vulkan/vulkan_core.h>

#include "trace.h"

#define HAPPENS_READS                                                                                   \
	(VK_ACCESS_INDIRECT_COMMAND_READ_BIT | VK_ACCESS_UNIFORM_READ_BIT | VK_ACCESS_SHADER_READ_BIT | \
	 VK_ACCESS_TRANSFER_READ_BIT | VK_ACCESS_HOST_READ_BIT)
#define HAPPENS_WRITES (VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_TRANSFER_WRITE_BIT | VK_ACCESS_HOST_WRITE_BIT)

struct dependency {
	enum { BARRIER, LINK, DONE } kind;
	size_t from; /* the event before which its first scope lies: barrier, signal, or the end of the batch */
	size_t to; /* the event after which its second scope lies: barrier, wait, or when the host learnt it */
	uint32_t from_queue, to_queue;
	const struct trace_event *event; /* of a barrier or a wait */
};

struct graph {
	const struct trace_event *events;
	size_t event_count;
	size_t *batch_of; /* event -> the event that began its batch */
	size_t *accesses; /* events that touch bytes */
	size_t access_count;
	struct dependency *list; /* by `to` */
	size_t count, words;
	uint64_t *reach;  /* count * words: dependency -> those it forms a chain with, itself included */
	uint64_t *after;  /* access_count * words: those that begin a chain from the access */
	uint64_t *before; /* access_count * words: those that end one at the access */
};

/* `ignored` (may be NULL): events that are left out. */
void happens_graph_build(struct graph *graph, const struct trace_event *events, size_t count,
                         const bool *ignored);
void happens_graph_finish(struct graph *graph);

/* Have the two masks of stages a stage in common? */
bool happens_meet(uint32_t stages, uint32_t others);
/* The accesses that "any read" and "any write" stand for. */
uint32_t happens_expand(uint32_t access);

static inline bool happens_is_set(const uint64_t *bits, size_t i)
{
	return bits[i / 64] >> i % 64 & 1;
}

#endif
