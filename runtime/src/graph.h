/* A graph from the inside: operations with their Vulkan objects, recorded into segments.
 *
 * A segment is one command buffer. The first recording puts many operations into each; a segment of which few operations
 * change between launches is split around them, so that what changes often stands alone and costs one operation to record
 * again. Where barriers go is decided for the whole graph (graph_plan.c) and is part of what is recorded. */
#ifndef RUNTIME_GRAPH_H
#define RUNTIME_GRAPH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <kiln/graph.h>

#include "device_part.h"
#include "hazard.h"
#include "retire.h"
#include "stream.h"
#include "vulkan_api.h"

struct kiln_entry_point;
struct kiln_kernel;
struct kiln_pipeline;
struct kiln_stream_modes;
struct kiln_variant;

enum kiln_graph_operation { KILN_GRAPH_LAUNCH, KILN_GRAPH_COPY, KILN_GRAPH_FILL };

/* A buffer the graph uses. */
struct kiln_graph_buffer {
	struct kiln_buffer *buffer; /* referenced */
	struct kiln_stream_use use; /* the plan's, and afterwards nobody's */
	uint32_t access;            /* of all operations together */
	struct kiln_byte_range range;
	uint32_t first, last; /* operations that use it lie between */
};

struct kiln_graph_node {
	enum kiln_graph_operation operation;
	bool barrier;                   /* before it */
	bool changed;                   /* since it was recorded into its segment */
	bool indirect;                  /* its last binding is where the workgroup counts are read from */
	bool sealed;                    /* one of the steps of a launch mode, which stay as they are */
	uint32_t told;                  /* the program's operation that it is, or belongs to */
	struct kiln_variant *sliced;    /* a long launch of it, which goes in slices; NULL = not */
	struct kiln_kernel *kernel;     /* referenced; launches only, as what follows */
	struct kiln_pipeline *pipeline; /* referenced */
	const struct kiln_entry_point *entry;
	VkDescriptorSet *sets;
	void *push;
	uint32_t push_bytes;
	uint32_t groups[3];
	uint32_t value;                       /* of a fill */
	uint32_t epoch_first;                 /* the operation after the last barrier before this one */
	struct kiln_stream_binding *bindings; /* of a copy: source and target; of a fill: the target */
	uint32_t *uses;                       /* which of the graph's buffers each binding is */
	uint32_t binding_count;
};

struct kiln_graph_segment {
	uint32_t first, count; /* operations */
	VkCommandBuffer commands;
	uint32_t changed; /* operations of it that are, since it was last to be recorded anew */
	bool dirty;
	bool alone; /* a launch in slices, which is recorded when the graph is launched: no command buffer */
};

/* What is recorded for the queues of one family. */
struct kiln_graph_family {
	uint32_t family;
	bool behind; /* something changed while it lay aside */
	VkCommandPool commands;
	VkCommandBuffer end; /* makes everything visible to the host */
	struct kiln_graph_segment *segments;
	uint32_t segment_count, segment_room;
	VkCommandBuffer *list; /* what is submitted: room for the stream's own, the segments, the end */
};

struct kiln_graph {
	struct kiln_device *device; /* referenced */
	struct kiln_graph_node *nodes;
	uint32_t node_count, node_room;
	struct kiln_graph_buffer *buffers;
	uint32_t buffer_count, buffer_room;
	uint32_t *buffer_index; /* open addressing on the buffer's address; entry + 1, 0 = free */
	uint32_t index_room;    /* a power of two */
	uint32_t *operations;   /* the program's: which node each is, the last one where it is several */
	uint32_t operation_count;
	bool transfers;  /* it may have copies or fills */
	bool grouping;   /* nodes are added that together are one operation */
	uint32_t sliced; /* nodes */
	struct kiln_graph_segment
		*segments; /* from here: as in kiln_graph_family, for the queues of `family` */
	uint32_t segment_count, segment_room;
	VkCommandBuffer *list;
	VkCommandPool commands;
	VkCommandBuffer end;
	uint32_t family;
	struct kiln_graph_family aside;  /* the same for another family; zero before it is asked for */
	struct kiln_stream_modes *modes; /* what its launch modes need; NULL = nothing */
	VkQueryPool queries;             /* two for each node; NULL before the first measuring */
	bool measures;
	bool measured; /* there was a launch since it does */
	uint32_t measured_bits;
	struct kiln_ticket measured_by; /* the last one */
	VkDescriptorPool *pools;
	uint32_t pool_count;
	bool stale;                          /* something changed since it was recorded, or it never was */
	bool replan;                         /* barriers are to be decided anew */
	struct kiln_ticket in_flight[4];     /* launches of the graph that may not be done; stream 0 = none */
	struct kiln_stream_binding *summary; /* of buffers, for the stream's own hazards */
	struct kiln_graph_counters counters;
	struct kiln_retired retired;
	struct kiln_part part;
	bool gone; /* with a device that was lost and reopened */
};

/* ---- graph.c ---- */

enum kiln_status kiln_graph_new(struct kiln_device *device, struct kiln_graph **out_graph);
/* KILN_ERR_DEVICE_LOST for one that was recorded before its device was lost. */
enum kiln_status kiln_graph_check(const struct kiln_graph *graph, const char *call);
/* Drops the kernels and the buffers, which keep the device. */
void kiln_graph_release(struct kiln_graph *graph);
/* Frees at once. */
void kiln_graph_free(struct kiln_graph *graph);
/* Appends what a stream was told while it was recording a graph. */
enum kiln_status kiln_graph_add_launch(struct kiln_graph *graph, const struct kiln_stream_launch *launch);
enum kiln_status kiln_graph_add_copy(struct kiln_graph *graph, const struct kiln_stream_binding ends[2]);
enum kiln_status kiln_graph_add_fill(struct kiln_graph *graph, const struct kiln_stream_binding *range,
                                     uint32_t value);
/* A launch that is to go in slices. */
enum kiln_status kiln_graph_add_sliced(struct kiln_graph *graph, const struct kiln_stream_launch *launch,
                                       struct kiln_variant *variant);
/* What is added between these is one operation; `status` not KILN_OK = it is none, and taken back. Both return or take a
 * node's number. A stream that records no graph has none: NULL is fine. */
uint32_t kiln_graph_group_begin(struct kiln_graph *graph);
void kiln_graph_group_end(struct kiln_graph *graph, uint32_t first, bool sealed, enum kiln_status status);
/* Which of the graph's buffers it is, added if it is new. */
enum kiln_status kiln_graph_buffer(struct kiln_graph *graph, struct kiln_buffer *buffer, uint32_t *out_index);

/* ---- graph_contents.c ---- */

/* What an operation comes behind. */
struct kiln_graph_place {
	const struct kiln_graph *graph; /* NULL = it is enqueued, not recorded */
	uint32_t nodes;                 /* that are before it; UINT32_MAX = all there are */
};

static inline struct kiln_graph_place kiln_graph_place(struct kiln_stream *stream)
{
	return (struct kiln_graph_place){kiln_stream_graph(stream), UINT32_MAX};
}

/* As kiln_contents_refuse(), but what fills and copies of the graph write before is there. */
enum kiln_status kiln_graph_contents_refuse(const struct kiln_graph_place *place, struct kiln_buffer *buffer,
                                            const char *call, uint64_t offset, uint64_t bytes);
#define kiln_graph_contents_check(place, buffer, call, offset, bytes)                       \
	(atomic_load_explicit(&(buffer)->contents.has_missing, memory_order_relaxed)        \
	         ? kiln_graph_contents_refuse((place), (buffer), (call), (offset), (bytes)) \
	         : KILN_OK)
/* The graph was launched: what its fills and copies write is there for everybody. */
void kiln_graph_contents_wrote(const struct kiln_graph *graph);

/* ---- graph_plan.c: pure ---- */

/* Decides every barrier, and marks operations as changed whose barrier is another than before. */
void kiln_graph_plan(struct kiln_graph *graph);
/* After binding `binding` of operation `node` became what it is: does the plan no longer hold?. */
bool kiln_graph_breaks_plan(const struct kiln_graph *graph, uint32_t node, uint32_t binding);
/* Brings what a buffer is known for up to date with one binding. */
void kiln_graph_widen(struct kiln_graph *graph, uint32_t node, uint32_t binding);

/* ---- graph_launch.c ---- */

/* Until no launch is in flight: what is reads the old sets and commands. */
enum kiln_status kiln_graph_wait(struct kiln_graph *graph);
/* Records what is out of date, for the family at hand. */
enum kiln_status kiln_graph_refresh(struct kiln_graph *graph);

/* ---- graph_family.c ---- */

/* Makes the command pool of the family. */
enum kiln_status kiln_graph_make_pool(struct kiln_graph *graph);
/* From here on the graph's segments are those for this family, which may be out of date. */
void kiln_graph_turn_to(struct kiln_graph *graph, uint32_t family);
/* Everything is to be recorded anew, into the same segments. */
void kiln_graph_spoil(struct kiln_graph *graph);
/* Launches that are known to be short by now need no slices: where there are such, waits until the graph is not in flight,
 * and has everything recorded anew. */
enum kiln_status kiln_graph_settle(struct kiln_graph *graph);
/* Frees the Vulkan objects of both families. */
void kiln_graph_free_families(struct kiln_graph *graph);

/* ---- graph_measure.c ---- */

/* Around a node; `end` false or true. Nothing unless the graph measures. */
void kiln_graph_stamp(const struct kiln_graph *graph, VkCommandBuffer commands, uint32_t node, bool end);
/* Before the nodes' stamps. */
void kiln_graph_restamp(const struct kiln_graph *graph, VkCommandBuffer commands, uint32_t first,
                        uint32_t count);

/* ---- graph_slices.c ---- */

/* Launches one node in slices, or whole where it turns out to be short. */
enum kiln_status kiln_graph_launch_sliced(struct kiln_graph *graph, struct kiln_stream *stream,
                                          uint32_t node);

/* ---- graph_record.c ---- */

/* Records every segment that is out of date; nothing of the graph is in flight. */
enum kiln_status kiln_graph_record(struct kiln_graph *graph);
enum kiln_status kiln_graph_make_sets(struct kiln_graph *graph);
/* The operation is not what was recorded. */
void kiln_graph_mark(struct kiln_graph *graph, uint32_t node);
void kiln_graph_write_sets(struct kiln_graph *graph, struct kiln_graph_node *node);

#endif
