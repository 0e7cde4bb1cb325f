/* Launch modes: which kernels may take part, and what a stream keeps for them from one launch to the next. */
#ifndef RUNTIME_LAUNCH_MODE_H
#define RUNTIME_LAUNCH_MODE_H

#include <kiln/launch.h>

#include "stream.h"

struct kiln_kernel;

/* Indirect launches whose counts may still be waiting for their dispatch. */
#define KILN_INDIRECT_SLOTS 64u

/* What is said of an indirect launch that was refused. */
struct kiln_indirect_note {
	uint32_t launch; /* from 1; 0 = none */
	bool threads;
	char kernel[64];
};

/* Made at the stream's first launch in a mode. */
struct kiln_stream_modes {
	atomic_uint
		references; /* the stream's or the graph's, and one of each stream that tells of a graph's refusals */
	struct kiln_mutex
		lock; /* taken before device->order: held while the commands of one such launch are recorded */
	uint64_t slot_bytes;
	struct kiln_buffer
		*groups; /* workgroup counts that are safe to dispatch, KILN_INDIRECT_SLOTS of them */
	struct kiln_buffer *report; /* what indirect.comp refused; mapped */
	uint32_t launches;          /* indirect ones */
	atomic_uint reported;       /* refusals the host has told of */
	struct kiln_indirect_note notes[KILN_INDIRECT_SLOTS];
	struct kiln_buffer *marks, *sums, *survivors,
		*dispatch; /* of speculation; NULL before, replaced by larger ones */
	bool keeps;        /* a graph's: what was replaced is part of what is recorded */
	struct kiln_buffer **kept;
	uint32_t kept_count;
	struct kiln_stream_modes **graphs; /* a stream's: of graphs that it launched, referenced */
	uint32_t graph_count;
};

/* .modes holds launch modes only. */
enum kiln_status kiln_mode_check_params(const struct kiln_kernel_params *params);
/* The kernel was made for this mode. */
enum kiln_status kiln_mode_check(const struct kiln_kernel *kernel, uint32_t mode, const char *call);
/* The stream enqueues: no graph is being recorded. For what waits for the device. */
enum kiln_status kiln_mode_check_stream(struct kiln_stream *stream, const char *call);

/* Of the graph that the stream records, or the stream's own. */
enum kiln_status kiln_stream_modes_get(struct kiln_stream *stream, struct kiln_stream_modes **out_modes);
/* The last drop frees: nothing enqueued may use it any more. NULL is fine. */
void kiln_modes_unreference(struct kiln_stream_modes *modes);
/* Of a graph whose launches are all done: what only those needed. NULL is fine. */
void kiln_modes_free_scratch(struct kiln_stream_modes *modes);
/* Takes one of the buffers away, for another in its place. Modes are locked. */
enum kiln_status kiln_modes_replace(struct kiln_stream_modes *modes, struct kiln_buffer **slot,
                                    struct kiln_buffer *by);
/* Waits for the stream tell of what a graph refused; `of_graph` NULL is fine. */
enum kiln_status kiln_stream_modes_tell(struct kiln_stream *stream, struct kiln_stream_modes *of_graph);

/* Enqueues an indirect launch, checked: what makes its workgroup counts safe, and the launch with *counts, the binding behind
 * its others, where they are then. `workgroup`: the kernel's size. */
enum kiln_status kiln_indirect_launch(struct kiln_stream *stream, const uint32_t workgroup[3],
                                      const struct kiln_launch_params *params,
                                      struct kiln_stream_launch *launch, struct kiln_stream_binding *counts);

/* After a wait: KILN_ERR_THREADS_LIMIT once for launches that were refused on the device since the last time. */
enum kiln_status kiln_indirect_report(struct kiln_stream *stream);

#endif
