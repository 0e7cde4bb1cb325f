/* What the fills and copies of a graph mean for bytes that went with a lost device: they are written for what the graph does
 * after them, and once it is launched for everybody, and for the host's copy of them. */
#include "graph.h"

#include <base/alloc.h>

#include "buffer.h"

/* NULL for a launch: those never count as writing all of what they may write. */
static const struct kiln_stream_binding *target_of(const struct kiln_graph_node *node)
{
	return node->operation == KILN_GRAPH_LAUNCH ? NULL
	                                            : &node->bindings[node->operation == KILN_GRAPH_COPY];
}

/* ---- Before it is launched ---- */

/* Without memory to tell so, written bytes stay in. */
static void take_out_written(const struct kiln_graph_place *place, const struct kiln_buffer *buffer,
                             struct kiln_missing *wanted)
{
	for (uint32_t i = 0; i < place->graph->node_count && i < place->nodes; i++) {
		const struct kiln_stream_binding *target = target_of(&place->graph->nodes[i]);

		if (target && target->buffer == buffer)
			(void)kiln_missing_remove(wanted,
			                          (struct kiln_byte_range){target->offset,
			                                                   target->offset + target->bytes});
	}
}

enum kiln_status kiln_graph_contents_refuse(const struct kiln_graph_place *place, struct kiln_buffer *buffer,
                                            const char *call, uint64_t offset, uint64_t bytes)
{
	const struct kiln_byte_range all = {offset, offset + bytes};
	struct kiln_missing wanted = {.count = 1, .room = 1};
	enum kiln_status status = KILN_OK;

	if (place && place->graph)
		wanted.ranges = kiln_memdup(&all, sizeof(all));
	if (!wanted.ranges)
		return kiln_contents_refuse(buffer, call, offset, bytes);
	take_out_written(place, buffer, &wanted);
	for (uint32_t i = 0; i < wanted.count && status == KILN_OK; i++)
		status = kiln_contents_refuse(buffer, call, wanted.ranges[i].begin,
		                              wanted.ranges[i].end - wanted.ranges[i].begin);
	kiln_free(wanted.ranges);
	return status;
}

/* ---- Once it is ---- */

/* Is there a buffer whose bytes anybody keeps account of? */
static bool is_followed(const struct kiln_graph *graph)
{
	for (uint32_t i = 0; i < graph->buffer_count; i++) {
		const struct kiln_buffer_contents *contents = &graph->buffers[i].buffer->contents;

		if (contents->shadow || atomic_load_explicit(&contents->has_missing, memory_order_relaxed))
			return true;
	}
	return false;
}

void kiln_graph_contents_wrote(const struct kiln_graph *graph)
{
	if (!graph->transfers || !is_followed(graph))
		return;
	for (uint32_t i = 0; i < graph->node_count; i++) {
		const struct kiln_graph_node *node = &graph->nodes[i];
		const struct kiln_stream_binding *target = target_of(node);

		if (node->operation == KILN_GRAPH_FILL)
			kiln_contents_filled(target->buffer, target->offset, target->bytes, node->value);
		else if (target)
			kiln_contents_copied(target->buffer, target->offset, target->bytes);
	}
}
