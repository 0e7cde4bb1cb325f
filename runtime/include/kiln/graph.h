/* Graphs: a stretch of a stream's work recorded once, checked once, and launched many times. */
#ifndef KILN_GRAPH_H
#define KILN_GRAPH_H

#include <stdint.h>

#include <kiln/stream.h>

KILN_BEGIN_DECLS

struct kiln_graph;

/** From here the stream's operations are recorded into a graph instead of being enqueued, until kiln_graph_end(). Uploads,
 *  downloads, callbacks and waits cannot be recorded: KILN_ERR_UNSUPPORTED, and the recording goes on.
 *  Returns: KILN_ERR_INVALID_ARGUMENT when the stream records already, KILN_ERR_OUT_OF_MEMORY. */
KILN_API enum kiln_status kiln_graph_begin(struct kiln_stream *stream);

/** Ends the recording. Buffers and kernels the graph uses stay alive as long as it does, destroyed or not.
 *  Ownership: the caller destroys the graph.  Blocks: no. */
KILN_API enum kiln_status kiln_graph_end(struct kiln_stream *stream, struct kiln_graph **out_graph);

/** Frees once no launch of it is in flight; sets NULL. */
KILN_API void kiln_graph_destroy(struct kiln_graph **graph);

/** Number of operations recorded: launches, copies, fills, in order from 0. */
KILN_API size_t kiln_graph_length(const struct kiln_graph *graph);

/** Operation `index`, a launch, uses this argument from the next launch of the graph on; checked as at recording, hazards
 *  too.  Returns: as kiln_launch(); the graph is unchanged then. */
KILN_API enum kiln_status kiln_graph_set_arg(struct kiln_graph *graph, size_t index, size_t argument,
                                             const struct kiln_arg *value);

/** Operation `index`, a launch, uses these push constants from the next launch of the graph on. */
KILN_API enum kiln_status kiln_graph_set_push(struct kiln_graph *graph, size_t index, const void *push, uint32_t push_bytes);

/** Enqueues the whole graph on a stream of its device and submits it. Unchanged since its last launch, nothing is recorded
 *  again; changed, only the parts that hold the changes.
 *  Returns: as kiln_stream_submit(); KILN_ERR_UNSUPPORTED on a stream whose asynchronous queue is of another family.  Threads: one at a time for one graph.  Blocks: while an earlier launch of the
 *  same graph that must be changed is in flight. */
KILN_API enum kiln_status kiln_graph_launch(struct kiln_graph *graph, struct kiln_stream *stream,
                                            struct kiln_ticket *out_ticket);

struct kiln_graph_counters {
	uint64_t launches;   /* of the graph */
	uint64_t recorded;   /* operations recorded into command buffers, since the graph was made */
	uint32_t segments;   /* command buffers */
	uint32_t barriers;   /* in one launch of the graph */
};

KILN_API struct kiln_graph_counters kiln_graph_counters(const struct kiln_graph *graph);

KILN_END_DECLS

#endif
