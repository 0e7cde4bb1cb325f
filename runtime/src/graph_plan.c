/* Where the barriers of a graph go. Pure: plain numbers, no device. */
#include "graph.h"

#include <string.h>

#include <kiln/identity.h>

#define SCAN_MAX 256u /* operations looked at one by one before the whole plan is made anew */

static struct kiln_access access_of(const struct kiln_graph_node *node, uint32_t binding, uint64_t epoch)
{
	const struct kiln_stream_binding *bound = &node->bindings[binding];

	return (struct kiln_access){
		.range = {bound->offset, bound->offset + bound->bytes},
		.access = bound->access,
		.epoch = epoch,
		.ticket = 1,
	};
}

static bool needs_barrier(const struct kiln_graph *graph, const struct kiln_graph_node *node, uint64_t epoch)
{
	for (uint32_t i = 0; i < node->binding_count; i++) {
		struct kiln_access access = access_of(node, i, epoch);

		if (kiln_hazard(&graph->buffers[node->uses[i]].use, &access))
			return true;
	}
	return false;
}

void kiln_graph_widen(struct kiln_graph *graph, uint32_t node, uint32_t binding)
{
	const struct kiln_stream_binding *bound = &graph->nodes[node].bindings[binding];
	struct kiln_graph_buffer *buffer = &graph->buffers[graph->nodes[node].uses[binding]];
	struct kiln_byte_range range = {bound->offset, bound->offset + bound->bytes};
	bool fresh = buffer->first > buffer->last;

	if (fresh || range.begin < buffer->range.begin)
		buffer->range.begin = range.begin;
	if (fresh || range.end > buffer->range.end)
		buffer->range.end = range.end;
	buffer->access |= bound->access;
	if (node < buffer->first)
		buffer->first = node;
	if (fresh || node > buffer->last)
		buffer->last = node;
}

static void start(struct kiln_graph *graph)
{
	for (uint32_t i = 0; i < graph->buffer_count; i++) {
		struct kiln_graph_buffer *buffer = &graph->buffers[i];

		memset(&buffer->use, 0, sizeof(buffer->use));
		buffer->access = 0;
		buffer->range = (struct kiln_byte_range){0, 0};
		buffer->first = UINT32_MAX;
		buffer->last = 0;
	}
	graph->counters.barriers = 0;
}

/* What came before the graph is the stream's concern, so the first operation never needs a barrier. Nor does a launch in
 * slices, or what follows it: the stream orders those as it does any of its own. */
void kiln_graph_plan(struct kiln_graph *graph)
{
	uint64_t epoch = 1;
	uint32_t epoch_first = 0;

	start(graph);
	for (uint32_t i = 0; i < graph->node_count; i++) {
		struct kiln_graph_node *node = &graph->nodes[i];
		bool alone = node->sliced || (i > 0 && graph->nodes[i - 1].sliced);
		bool barrier = !alone && needs_barrier(graph, node, epoch);

		if (barrier || alone) {
			epoch++;
			epoch_first = i;
		}
		graph->counters.barriers += barrier;
		if (barrier != node->barrier)
			kiln_graph_mark(graph, i);
		node->barrier = barrier;
		node->epoch_first = epoch_first;
		for (uint32_t b = 0; b < node->binding_count; b++) {
			struct kiln_access access = access_of(node, b, epoch);

			kiln_hazard_note(&graph->buffers[node->uses[b]].use, &access, 0);
			kiln_graph_widen(graph, i, b);
		}
	}
	graph->replan = false;
}

static bool conflicts(const struct kiln_stream_binding *a, const struct kiln_stream_binding *b)
{
	return a->buffer == b->buffer && ((a->access | b->access) & KILN_ACCESS_WRITE) != 0 &&
	       a->offset < b->offset + b->bytes && b->offset < a->offset + a->bytes;
}

static bool node_conflicts(const struct kiln_graph_node *node, const struct kiln_stream_binding *with)
{
	for (uint32_t i = 0; i < node->binding_count; i++)
		if (conflicts(&node->bindings[i], with))
			return true;
	return false;
}

/* From what is known of the buffer as a whole. */
static bool may_conflict(const struct kiln_graph_buffer *buffer, const struct kiln_stream_binding *with)
{
	return buffer->first <= buffer->last && ((buffer->access | with->access) & KILN_ACCESS_WRITE) != 0 &&
	       with->offset < buffer->range.end && buffer->range.begin < with->offset + with->bytes;
}

/* Operations between two barriers must not conflict; which barriers could now be left out is not asked. */
bool kiln_graph_breaks_plan(const struct kiln_graph *graph, uint32_t node, uint32_t binding)
{
	const struct kiln_graph_node *changed = &graph->nodes[node];
	const struct kiln_graph_buffer *buffer = &graph->buffers[changed->uses[binding]];
	uint32_t epoch = changed->epoch_first, at = buffer->first > epoch ? buffer->first : epoch,
		 scanned = 0;

	if (!may_conflict(buffer, &changed->bindings[binding]))
		return false;
	for (; at <= buffer->last && graph->nodes[at].epoch_first == epoch; at++) {
		if (++scanned > SCAN_MAX)
			return true;
		if (at != node && node_conflicts(&graph->nodes[at], &changed->bindings[binding]))
			return true;
	}
	return false;
}
