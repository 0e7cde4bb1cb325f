/* A stream from the inside: ordered work, barriers from hazards, submission, and waiting. Nobody waits for the device
 * with a stream locked, so launching and destroying never wait for another thread's wait. Tickets count a stream's
 * submissions from 1. What was enqueued is submitted sooner or later or the device is lost: where the driver has no memory
 * for a submission, the next launch or wait tries it again.
 *
 * Buffers. A buffer belongs to the stream that used it first, and what it remembers of its uses is guarded by that stream's
 * lock: one comparison per argument, nothing shared by threads that work on buffers of their own. The first use by a second
 * stream makes it shared; uses of shared buffers go through the device's order lock (stream_order.c), where the work the
 * buffer's other streams do on the same bytes is submitted and waited for, by the device where it can. A submission only
 * ever waits for others that were submitted before it, so streams cannot wait for one another in a circle.
 *
 * Locks, in this order: a stream's host steps, staging lane, device->order, a stream, a queue. device->streams_lock and the
 * retirement's are leaves.
 *
 * The Vulkan objects are made at the first use, so that a device that only compiles never makes a fence or a command pool. */
#ifndef RUNTIME_STREAM_H
#define RUNTIME_STREAM_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <base/thread.h>
#include <kiln/stream.h>

#include "hazard.h"
#include "host_step.h"
#include "retire.h"
#include "staging.h"
#include "timeline.h"
#include "vulkan_api.h"

struct kiln_buffer;
struct kiln_command_list;
struct kiln_device;
struct kiln_entry_point;
struct kiln_graph;
struct kiln_kernel;
struct kiln_pipeline;
struct kiln_stream_modes;
struct kiln_stream_slot; /* one command buffer with its fence and descriptor pools */

/* A queue of the device. Vulkan wants one thread at a time on it. */
struct kiln_device_queue {
	VkQueue handle; /* NULL before the first use */
	uint32_t family, index;
	struct kiln_mutex lock;
	bool lock_ready;
	atomic_uint_fast64_t submitted; /* submissions so far; changed under the lock, once one is the driver's */
	void (*lock_outside)(void *user); /* of an imported queue; both or neither */
	void (*unlock_outside)(void *user);
	void *user;
};

/* A submission of another stream that the recording one waits for. Where both go to one queue, the other is with the driver
 * already, and a barrier reaches back over everything that was submitted before it: a semaphore is for other queues. */
struct kiln_stream_dependency {
	VkSemaphore timeline; /* NULL = of the same queue */
	uint64_t value;       /* of the timeline */
	uint64_t number;      /* of the other's queue's submission; 0 = nothing to wait for */
};

#define KILN_STREAM_DEPENDENCIES 16u

struct kiln_stream {
	atomic_uint references;
	struct kiln_device *device; /* referenced, but for the default stream */
	uint64_t id;                /* from 1, never reused; 1 is the default stream; given when it is linked */
	struct kiln_stream *next;   /* of the device; guarded by its streams_lock */
	struct kiln_device_queue *queue;
	char name[32];

	struct kiln_mutex lock;
	struct kiln_cond unwatched; /* a slot lost its last waiter */
	bool lock_ready;
	atomic_bool destroyed; /* by its owner; others may still hold it */
	struct kiln_stream_slot *slots;     /* KILN_STREAM_SLOTS, NULL before the first use */
	struct kiln_stream_slot *recording; /* NULL = nothing enqueued since the last submit */
	uint64_t next_ticket;               /* ticket of the recording slot */
	atomic_uint_fast64_t
		done_ticket; /* every submission up to this one is finished; changed under the lock */
	atomic_uint_fast64_t
		oldest; /* retirement clock of the oldest submission not done, UINT64_MAX = none */
	atomic_uint_fast64_t
		held; /* the last submission that waits for what is not Kiln's; changed under the lock */
	atomic_uint_fast64_t gone; /* submissions up to this one were given before the device was reopened */
	uint64_t epoch; /* number of barriers recorded so far, plus 1; see hazard.h */
	uint64_t covered; /* the last barrier comes after this submission of the queue and all before */
	uint64_t waited;  /* and what is recorded now, after this one of the other queue and all before */
	struct kiln_timeline
		*timeline; /* signalled by each ticket from timeline_from on; NULL while nobody asks */
	uint64_t timeline_from, timeline_base; /* it is brought to the base plus the ticket */
	struct kiln_stream_dependency dependencies[KILN_STREAM_DEPENDENCIES]; /* of the recording slot */
	uint32_t dependency_count;
	atomic_uint_fast64_t launches, submits, barriers; /* changed under the lock */

	_Atomic(struct kiln_graph *) graph; /* being recorded instead of enqueuing; NULL = none */
	struct kiln_staging staging;
	struct kiln_host_steps steps;
	_Atomic(struct kiln_stream_modes *) modes; /* NULL before the first launch in a mode; launch_mode.h */
};

/* Counts what only the holder of a lock changes. */
static inline void kiln_count(atomic_uint_fast64_t *counter)
{
	atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + 1,
	                      memory_order_relaxed);
}

static inline struct kiln_graph *kiln_stream_graph(struct kiln_stream *stream)
{
	return atomic_load_explicit(&stream->graph, memory_order_relaxed);
}

/* `references` is 1. The device is not referenced here. */
enum kiln_status kiln_stream_init(struct kiln_stream *stream, struct kiln_device *device);
/* Waits for the device and frees everything but the struct. Zeroed memory is fine. */
void kiln_stream_finish(struct kiln_stream *stream);
/* The device is lost and idle: gives up all that is enqueued, and every Vulkan object of the lost device. */
enum kiln_status kiln_stream_lose(struct kiln_stream *stream);
void kiln_stream_reference(struct kiln_stream *stream);
void kiln_stream_unreference(struct kiln_stream *stream);
/* A stream of the device, referenced; NULL = destroyed and held by nobody, and all its work is done. */
struct kiln_stream *kiln_stream_find(struct kiln_device *device, uint64_t id);
/* Was there ever one of this id on the device? */
bool kiln_stream_was(struct kiln_device *device, uint64_t id);
#define KILN_STREAM_ID_BITS 32 /* of an id; those above tell devices apart */

/* ---- All streams of a device ---- */

struct kiln_device_counters;

enum kiln_status kiln_streams_init(struct kiln_device *device);
void kiln_streams_finish(struct kiln_device *device);
/* Adds what every stream has counted. */
void kiln_streams_count(const struct kiln_device *device, struct kiln_device_counters *counters);

/* One bound buffer of a launch. */
struct kiln_stream_binding {
	struct kiln_buffer *buffer;
	uint64_t offset;
	uint64_t bytes;
	uint32_t access; /* KILN_ACCESS_* */
};

struct kiln_stream_launch {
	struct kiln_kernel *kernel;
	/* Where the kernel's pipeline stands, NULL for Kiln's own. It may be replaced at any time, and the stream reads it
	 * with its lock held: one that is read there is not freed before the launch is done. */
	_Atomic(struct kiln_pipeline *) *current;
	struct kiln_pipeline *pipeline;             /* the stream's, or Kiln's own */
	const struct kiln_entry_point *entry;       /* whose bindings the sets are made of */
	const struct kiln_stream_binding *bindings; /* in (set, binding, array element) order */
	uint32_t binding_count;
	const void *push;
	uint32_t push_bytes;
	uint32_t groups[3];
	const uint32_t *base; /* first workgroup of a slice; NULL = no slice */
	uint64_t follows;     /* ticket of the slice before; 0 = none */
	bool indirect; /* one more binding behind the others is where the workgroup counts are read from */
	bool own;      /* Kiln's own kernel: not counted */
};

enum kiln_status kiln_stream_record_launch(struct kiln_stream *stream, struct kiln_stream_launch *launch);
enum kiln_status kiln_stream_record_copy(struct kiln_stream *stream, struct kiln_buffer *source,
                                         uint64_t source_offset, struct kiln_buffer *target,
                                         uint64_t target_offset, uint64_t bytes);
enum kiln_status kiln_stream_record_fill(struct kiln_stream *stream, struct kiln_buffer *buffer,
                                         uint64_t offset, uint64_t bytes, uint32_t value);

/* The ticket's stream, referenced; NULL = it is gone, and with it everything is done. An error for a ticket it never gave. */
enum kiln_status kiln_ticket_find(struct kiln_device *device, struct kiln_ticket ticket, const char *call,
                                  struct kiln_stream **out_stream);
/* KILN_ERR_DEVICE_LOST for a ticket that was given before the device was reopened. */
enum kiln_status kiln_ticket_check(const struct kiln_stream *stream, struct kiln_ticket ticket);
/* As kiln_ticket_wait() and kiln_ticket_is_done(), for Kiln's own uses: what was given before a reopening is done. */
enum kiln_status kiln_ticket_wait_own(struct kiln_device *device, struct kiln_ticket ticket, uint64_t timeout_ns);
bool kiln_ticket_is_done_own(struct kiln_device *device, struct kiln_ticket ticket);
/* As kiln_ticket_wait_own(), without an end and only for the device. */
enum kiln_status kiln_ticket_wait_device(struct kiln_device *device, struct kiln_ticket ticket);
/* Submits the other stream's ticket if it was not, and says what the first has to depend on. *out_dependency.number 0 =
 * nothing: it is done, where need be because the host waited. No stream is locked. */
enum kiln_status kiln_stream_reach(struct kiln_stream *stream, struct kiln_stream *other, uint64_t ticket,
                                   struct kiln_stream_dependency *out_dependency);

/* ---- Under the stream's lock ---- */

/* Submits what is recorded, and the list, which may be NULL, behind it. */
enum kiln_status kiln_stream_submit_locked(struct kiln_stream *stream, struct kiln_command_list *list);
/* The recording slot, given back, waits for that submission of another stream. */
enum kiln_status kiln_stream_depend(struct kiln_stream *stream, const struct kiln_stream_dependency *on,
                                    struct kiln_stream_slot **out_slot);
/* The slot waits for what is not Kiln's, by itself or by way of another stream. */
void kiln_stream_hold(struct kiln_stream *stream, const struct kiln_stream_slot *slot);
/* Records a barrier between everything before and after, and starts an epoch. */
void kiln_stream_barrier(struct kiln_stream *stream, struct kiln_stream_slot *slot);
/* The same, and an image changes its layout there; NULL = none does. */
void kiln_stream_barrier_and(struct kiln_stream *stream, struct kiln_stream_slot *slot,
                             const VkImageMemoryBarrier *image);

/* Whether the submission is done, without waiting. */
bool kiln_stream_reached(struct kiln_stream *stream, uint64_t ticket);
/* Whether what is enqueued now may have to wait for what is not Kiln's: the host must not go ahead of it. */
bool kiln_stream_is_held(struct kiln_stream *stream);

/* ---- Waiting; none of these is called with a lock held ---- */

/* Only for the device; no host step runs. */
enum kiln_status kiln_stream_wait_device(struct kiln_stream *stream, uint64_t ticket, uint64_t timeout_ns);
/* Host steps that are due are part of it. */
enum kiln_status kiln_stream_wait_ticket(struct kiln_stream *stream, uint64_t ticket, uint64_t timeout_ns);
/* What belongs to a wait of the program's that has ended so: steps of the host that are due run, and a launch that was refused
 * on the device is told of. Gives the status of all of it. */
enum kiln_status kiln_stream_waited(struct kiln_stream *stream, enum kiln_status status);
/* Submits what is needed and waits until the host may read the buffer (all writes done) or, with `for_write`, write it
 * (all uses done), in whatever stream. Returns at once when nothing pending touches it. */
enum kiln_status kiln_stream_wait_buffer(struct kiln_buffer *buffer, bool for_write);
/* The same, only for the device: no host step runs and no refused launch is told of, so a staging lane may be locked. */
enum kiln_status kiln_stream_wait_buffer_device(struct kiln_buffer *buffer, bool for_write);
/* Submits and waits for everything in every stream; without the host's steps, or with them. */
enum kiln_status kiln_streams_idle(struct kiln_device *device);
enum kiln_status kiln_streams_wait(struct kiln_device *device);
/* For the end of a stream, or of all: as a wait without end, but when a fence stays silent, a device that is idle is believed
 * as well. A driver that loses a signal must not keep a program from closing. */
enum kiln_status kiln_stream_drain(struct kiln_stream *stream);
enum kiln_status kiln_streams_drain(struct kiln_device *device);

/* Frees the object once no submission uses it: now, or when a later wait or submit finds that so. Never blocks on the
 * device. */
void kiln_stream_retire(struct kiln_device *device, struct kiln_retired *retired);
/* kiln_stream_lose() each. */
enum kiln_status kiln_streams_lose(struct kiln_device *device);
/* Frees what has become free. */
void kiln_streams_collect(struct kiln_device *device);
/* Of a lost device too: the caller is alone in it. */
void kiln_streams_collect_alone(struct kiln_device *device);

#endif
