/* Graphs: a stretch of a stream's work recorded once, checked once, and launched many times. */
#ifndef KILN_GRAPH_H
#define KILN_GRAPH_H

#include <stdbool.h>
#include <stdint.h>

#include <kiln/stream.h>

KILN_BEGIN_DECLS

struct kiln_graph;

/** From here the stream's operations are recorded into a graph instead of being enqueued, until kiln_graph_end(). Launches in
 *  every mode can be: indirect ones, those of a work queue, speculation. Uploads, downloads, callbacks, waits and what waits
 *  (kiln_work_queue_drain(), kiln_stream_launch_sliced()) cannot: KILN_ERR_UNSUPPORTED, and the recording goes on.
 *  A launch that is to go in slices (slice.h), as far as is known when it is recorded, goes in slices in every launch of the
 *  graph until it is known to be short; until then it is recorded anew each time. A work queue's number of workgroups is
 *  decided here. Where counts that an indirect launch reads are over the limits, a wait for a stream that the graph was
 *  launched on says so.
 *  Returns: KILN_ERR_INVALID_ARGUMENT when the stream records already, KILN_ERR_OUT_OF_MEMORY.
 *  Threads: from here to kiln_graph_end(), one at a time for the stream: a recording is a list that one thread writes. */
KILN_API enum kiln_status kiln_graph_begin(struct kiln_stream *stream);

/** Ends the recording. Buffers and kernels the graph uses stay alive as long as it does, destroyed or not.
 *  Returns: KILN_ERR_INVALID_ARGUMENT when the stream records none, KILN_ERR_OUT_OF_MEMORY, KILN_ERR_OUT_OF_DEVICE_MEMORY,
 *  KILN_ERR_DEVICE_LOST. The recording has ended in any case.
 *  Ownership: the caller destroys the graph.  Threads: as kiln_graph_begin().  Blocks: no. */
KILN_API enum kiln_status kiln_graph_end(struct kiln_stream *stream, struct kiln_graph **out_graph);

/** Frees once no launch of it is in flight; sets NULL. */
KILN_API void kiln_graph_destroy(struct kiln_graph **graph);

/** Number of operations recorded: launches, speculations, copies, fills, in order from 0. */
KILN_API size_t kiln_graph_length(const struct kiln_graph *graph);

/** Operation `index`, a launch, uses this argument from the next launch of the graph on; checked as at recording, hazards
 *  too. Where the counts of an indirect launch are, and all of a speculation, stays as it was recorded.
 *  Returns: as kiln_launch(); the graph is unchanged then. */
KILN_API enum kiln_status kiln_graph_set_arg(struct kiln_graph *graph, size_t index, size_t argument,
                                             const struct kiln_arg *value);

/** Operation `index`, a launch, uses these push constants from the next launch of the graph on. */
KILN_API enum kiln_status kiln_graph_set_push(struct kiln_graph *graph, size_t index, const void *push, uint32_t push_bytes);

/** Enqueues the whole graph on a stream of its device, on whatever queue, and submits it. Unchanged since its last launch,
 *  nothing is recorded again; changed, only the parts that hold the changes. The first launch on a stream whose queue is of
 *  another family than the queues before records it for that family, and so does the first one there after a change.
 *  Returns: as kiln_stream_submit(); after a failure a part of a graph with launches in slices may have been enqueued.
 *  Threads: one at a time for one graph.  Blocks: while an earlier launch of the same graph is in flight that must be changed
 *  or is measured; where launches go in slices, as those do. */
KILN_API enum kiln_status kiln_graph_launch(struct kiln_graph *graph, struct kiln_stream *stream,
                                            struct kiln_ticket *out_ticket);

/** From the next launch on, two timestamps stand around each operation, or none again. Everything is recorded anew then.
 *  Returns: KILN_ERR_UNSUPPORTED where the device has no timestamps; KILN_ERR_OUT_OF_MEMORY, KILN_ERR_OUT_OF_DEVICE_MEMORY.
 *  Threads: one at a time for one graph. */
KILN_API enum kiln_status kiln_graph_measure(struct kiln_graph *graph, bool on);

/** What each operation of the last launch took on the device, in nanoseconds, in order; `count` is kiln_graph_length(). Each
 *  is from when everything before it was done to when it was done too: what overlaps counts for the later one.
 *  Returns: KILN_ERR_INVALID_ARGUMENT before a launch that is measured; as kiln_ticket_wait().
 *  Threads: one at a time for one graph.  Blocks: until that launch is done. */
KILN_API enum kiln_status kiln_graph_times(struct kiln_graph *graph, uint64_t *out_ns, size_t count);

struct kiln_graph_counters {
	uint64_t launches;   /* of the graph */
	uint64_t recorded;   /* operations recorded into command buffers, since the graph was made; a launch mode's steps count */
	uint32_t segments;   /* command buffers, and launches in slices; those of the family of the last launch */
	uint32_t barriers;   /* in one launch of the graph */
};

/** All zero for NULL.  Threads: one at a time for one graph.  Blocks: no. */
KILN_API struct kiln_graph_counters kiln_graph_counters(const struct kiln_graph *graph);

KILN_END_DECLS

#endif
