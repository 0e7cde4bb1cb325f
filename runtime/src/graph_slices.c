/* Long launches of a graph: they go in slices, as the stream's own do, between the graph's command buffers. */
#include "graph.h"

#include "device.h"
#include "kernel.h"
#include "slice.h"
#include "stream_slot.h"

/* On the stream's own list: the slices are there too, or behind it. */
static enum kiln_status stamp(struct kiln_graph *graph, struct kiln_stream *stream, uint32_t node, bool end)
{
	struct kiln_stream_slot *slot;

	if (!graph->measures)
		return KILN_OK;
	KILN_TRY(kiln_stream_begin(stream, &slot));
	if (!end)
		kiln_graph_restamp(graph, slot->commands, node, 1);
	kiln_graph_stamp(graph, slot->commands, node, end);
	kiln_stream_end(stream, 1);
	return KILN_OK;
}

enum kiln_status kiln_graph_launch_sliced(struct kiln_graph *graph, struct kiln_stream *stream,
                                          uint32_t index)
{
	const struct kiln_graph_node *node = &graph->nodes[index];
	struct kiln_stream_launch launch = {
		.kernel = node->kernel,
		.current = &node->sliced->pipeline,
		.entry = node->entry,
		.bindings = node->bindings,
		.binding_count = node->binding_count,
		.push = node->push,
		.push_bytes = node->push_bytes,
		.groups = {node->groups[0], node->groups[1], node->groups[2]},
	};

	KILN_TRY(stamp(graph, stream, index, false));
	KILN_TRY(kiln_slice_launch(stream, node->sliced, &launch, NULL));
	graph->counters.recorded++;
	return stamp(graph, stream, index, true);
}
