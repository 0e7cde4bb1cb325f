/* One submission's worth of Vulkan objects, recycled when the device is done with it. The stream's lock guards it. */
#ifndef RUNTIME_STREAM_SLOT_H
#define RUNTIME_STREAM_SLOT_H

#include <stdbool.h>
#include <stdint.h>

#include "slot_sets.h"
#include "vulkan_api.h"

struct kiln_device;
struct kiln_pipeline;
struct kiln_stream;
struct kiln_stream_launch;
struct kiln_trace_marks;

#define KILN_STREAM_SLOTS 4u

struct kiln_stream_slot {
	VkCommandPool pool;
	VkCommandBuffer commands;
	VkFence fence;
	uint64_t ticket;
	uint64_t number;   /* of the queue's submission, while pending */
	uint64_t begun;    /* retirement clock when recording began */
	bool pending;      /* submitted and not known to be done */
	uint32_t recorded; /* commands since it began */
	const struct kiln_pipeline *first, *last; /* of its launches, for the message of a loss; NULL = none */
	uint64_t launches_before, launches_after; /* of the stream, when it began and when it was submitted */
	uint32_t waiters;  /* threads in a wait for the fence: it may not be reset */
	bool ended;        /* recorded to the end, and not submitted yet */
	struct kiln_slot_sets sets;
	struct kiln_trace_marks *marks; /* timed operations, trace.h; NULL = never traced */
};

enum kiln_status kiln_slot_begin(struct kiln_device *device, uint32_t queue_family,
                                 struct kiln_stream_slot *slot);
/* Command buffers that are submitted after the slot's own, which takes the first place. */
struct kiln_command_list {
	VkCommandBuffer *commands;
	uint32_t count; /* with the slot's own */
};

/* Submits to the stream's queue, after what the stream's recording depends on; `list` may be NULL. After a failure other than device loss it can
 * be called again, and nothing else may be recorded before. */
enum kiln_status kiln_slot_submit(struct kiln_stream *stream, struct kiln_stream_slot *slot,
                                  struct kiln_command_list *list);
/* For debuggers, once it was begun. */
void kiln_slot_name(const struct kiln_stream *stream, const struct kiln_stream_slot *slot);
void kiln_slot_finish(struct kiln_device *device, struct kiln_stream_slot *slot);

/* Locks the stream and gives the slot to record into; after a failure nothing is locked. */
enum kiln_status kiln_stream_begin(struct kiln_stream *stream, struct kiln_stream_slot **out_slot);
/* Counts what was recorded since, submits a list that has become long, and unlocks. */
void kiln_stream_end(struct kiln_stream *stream, uint32_t commands);

#endif
