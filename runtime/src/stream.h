/* The device's default stream: ordered work, barriers from hazards, submission, and waiting. Nobody waits for the device
 * with the stream locked, so launching and destroying never wait for another thread's wait. Tickets count submissions
 * from 1. What was enqueued is submitted sooner or later or the device is lost: where the driver has no memory for a
 * submission, the next launch or wait tries it again.
 * Every function locks the stream itself. Created at the first launch or transfer, so that a device that only compiles
 * never makes a fence or a command pool. */
#ifndef RUNTIME_STREAM_H
#define RUNTIME_STREAM_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <base/thread.h>

#include "hazard.h"
#include "retire.h"
#include "vulkan_api.h"

struct kiln_buffer;
struct kiln_device;

struct kiln_stream_slot; /* one command buffer with its fence and descriptor pools */

struct kiln_stream {
	struct kiln_mutex lock;
	struct kiln_cond unwatched; /* a slot lost its last waiter */
	bool lock_ready;
	VkQueue queue;
	struct kiln_stream_slot *slots;     /* KILN_STREAM_SLOTS, NULL before the first use */
	struct kiln_stream_slot *recording; /* NULL = nothing enqueued since the last submit */
	uint64_t next_ticket;               /* ticket of the recording slot */
	uint64_t done_ticket;               /* every submission up to this one is finished */
	uint64_t epoch;                     /* number of barriers recorded so far, plus 1; see hazard.h */
	struct kiln_retired *retired;
};

enum kiln_status kiln_stream_init(struct kiln_stream *stream);
/* Waits for the device and frees everything. */
void kiln_stream_finish(struct kiln_device *device);

/* One bound buffer of a launch. */
struct kiln_stream_binding {
	struct kiln_buffer *buffer;
	uint64_t offset;
	uint64_t bytes;
	uint32_t access; /* KILN_ACCESS_* */
};

struct kiln_entry_point;
struct kiln_pipeline;

struct kiln_stream_launch {
	/* Where the kernel's pipeline stands, not NULL. It may be replaced at any time, and the stream reads it with its
	 * lock held: one that is read there is not freed before the launch is done. */
	_Atomic(struct kiln_pipeline *) *current;
	struct kiln_pipeline *pipeline;             /* the stream's */
	const struct kiln_entry_point *entry;       /* whose bindings the sets are made of */
	const struct kiln_stream_binding *bindings; /* in (set, binding, array element) order */
	uint32_t binding_count;
	const void *push;
	uint32_t push_bytes;
	uint32_t groups[3];
};

enum kiln_status kiln_stream_launch(struct kiln_device *device, struct kiln_stream_launch *launch);
enum kiln_status kiln_stream_copy(struct kiln_device *device, struct kiln_buffer *source,
                                  uint64_t source_offset, struct kiln_buffer *target, uint64_t target_offset,
                                  uint64_t bytes);
enum kiln_status kiln_stream_fill(struct kiln_device *device, struct kiln_buffer *buffer, uint64_t offset,
                                  uint64_t bytes, uint32_t value);

/* Submits what is needed and waits until the host may read the buffer (all writes done) or, with `for_write`, write it
 * (all uses done). Returns at once when nothing pending touches it. */
enum kiln_status kiln_stream_wait_buffer(struct kiln_device *device, struct kiln_buffer *buffer,
                                         bool for_write);

/* Submits and waits for everything. */
enum kiln_status kiln_stream_wait(struct kiln_device *device);

/* Calls retired->free(retired->object) once the submission `*ticket` (read under the lock) is done: now, or when a later
 * wait or submit finds it done. Never blocks on the device. */
void kiln_stream_retire(struct kiln_device *device, struct kiln_retired *retired, const uint64_t *ticket);

#endif
