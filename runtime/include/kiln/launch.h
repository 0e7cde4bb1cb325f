/* Launch modes beyond the plain one: indirect, work queues, speculation, and the asynchronous queue.
 *
 * A kernel is made for a mode by naming it in kiln_kernel_params.modes; it can still be launched plainly. The modes are part
 * of the pipeline's key. All of them can be recorded into graphs (graph.h).
 *
 * Indirect (KILN_FEATURE_INDIRECT_DISPATCH). kiln_launch_params.indirect names the place of three uint32_t, a multiple of 4,
 * that earlier work writes: x, y and z of the launch, read when its turn comes. They count workgroups of the size that
 * kiln_kernel_resolve() reports, which for such a kernel is never a tuned one; or, with .indirect_threads, threads, rounded up
 * to whole workgroups. Counts beyond the device's limits launch nothing, and the next wait on the stream that finds it says
 * so, once: KILN_ERR_THREADS_LIMIT, naming the kernel and the counts. A count of 0 launches nothing, successfully. The check
 * is a workgroup of one thread before each such launch.
 *
 * Asynchronous (KILN_FEATURE_ASYNC_COMPUTE): a stream created with KILN_QUEUE_ASYNC, see stream.h. It takes any kernel;
 * naming the mode only tells the pipeline from others in the cache. */
#ifndef KILN_LAUNCH_H
#define KILN_LAUNCH_H

#include <stdbool.h>
#include <stdint.h>

#include <kiln/kernel.h>
#include <kiln/stream.h>

KILN_BEGIN_DECLS

/* ---- Work queues: resident workgroups pull items until none is left (KILN_FEATURE_PERSISTENT_THREAD) ---- */

struct kiln_work_queue;

struct kiln_work_queue_params {
	uint32_t capacity;   /* items it holds at once, 1 to 2^28; rounded up to a power of two */
	uint32_t item_words; /* 32-bit words of an item, 1 to 64: the kernel's KILN_QUEUE_ITEM_WORDS */
	uint32_t groups;     /* workgroups of a launch; 0 = about as many as the device runs at once */
	uint32_t pulls;      /* how often a workgroup pulls in one launch at most: bounds how long it runs, and lets all
	                        workgroups in on what few began with; 0 = no bound. Lavapipe ends every loop once an
	                        invocation has made 65535 turns of all its loops in a launch: there 0 means 256 */
	const char *name;    /* for messages; copied; NULL = "queue" */
};

/** Creates an empty queue in device memory. Kernels use it through the GLSL file kiln_work_queue.glsl: what is pushed is
 *  pulled exactly once, or refused and counted where there is no room.
 *  Returns: as kiln_buffer_create().
 *  Ownership: the caller destroys it; work in flight may still use it then. */
KILN_API enum kiln_status kiln_work_queue_create(struct kiln_device *device, const struct kiln_work_queue_params *params,
                                                 struct kiln_work_queue **out_queue);
/** Sets NULL; NULL and *queue NULL are fine.  Blocks: no. */
KILN_API void kiln_work_queue_destroy(struct kiln_work_queue **queue);

/** What the kernel binds.  Ownership: the queue's. */
KILN_API struct kiln_buffer *kiln_work_queue_buffer(struct kiln_work_queue *queue);

/** Pushes `count` items of .item_words words each, after everything enqueued before.
 *  Returns: KILN_ERR_TOO_LARGE when they do not all fit, none is pushed then.
 *  Threads: one at a time for one queue.  Blocks: until launches that use the queue are done. */
KILN_API enum kiln_status kiln_work_queue_push(struct kiln_work_queue *queue, const uint32_t *items, uint32_t count);

/** Enqueues one launch of the queue's workgroups. They do not wait for one another, so it ends on every device; with .pulls,
 *  or a kernel that stops early, items may be left for another launch. `params` are as for kiln_launch(), with .threads 0
 *  and the queue's buffer among the arguments.
 *  Returns: as kiln_launch(); KILN_ERR_INVALID_ARGUMENT for a kernel that is not made for the mode. */
KILN_API enum kiln_status kiln_work_queue_launch(struct kiln_stream *stream, struct kiln_work_queue *queue,
                                                 struct kiln_kernel *kernel, const struct kiln_launch_params *params);

/** Launches until the queue is empty.
 *  Returns: as kiln_work_queue_launch() and kiln_work_queue_count(); KILN_ERR_TOO_LARGE when items were refused for want of
 *  room meanwhile, after all others are done; KILN_ERR_INVALID_ARGUMENT for a kernel that pulls nothing.  Blocks: yes. */
KILN_API enum kiln_status kiln_work_queue_drain(struct kiln_stream *stream, struct kiln_work_queue *queue,
                                                struct kiln_kernel *kernel, const struct kiln_launch_params *params);

/** Since the queue was created, modulo 2^32. It is empty when `pushed` and `pulled` are the same. */
struct kiln_work_queue_counts {
	uint32_t pushed, pulled;
	uint32_t refused; /* pushes on the device that found no room; the kernel was told */
};

/** Returns: KILN_ERR_INVALID_ARGUMENT when a kernel used it with items of another size.
 *  Blocks: until launches that use the queue are done. */
KILN_API enum kiln_status kiln_work_queue_count(struct kiln_work_queue *queue, struct kiln_work_queue_counts *out_counts);

/* ---- Speculation: a cheap kernel marks, a costly one looks at what is marked (KILN_FEATURE_SPECULATIVE) ---- */

struct kiln_speculate_params {
	/* Marks items that may matter, through kiln_speculate.glsl; items it does not mark are never looked at. NULL = all
	 * survive. .threads 0 = one for each item. Its last argument, in (set, binding) order, is Kiln's: leave it out. */
	struct kiln_kernel *prefilter;
	struct kiln_launch_params prefilter_launch;
	/* Runs once for each survivor, in ascending order of items along its threads, whose workgroup is one-dimensional.
	 * .threads stays 0, the last argument is Kiln's here too. */
	struct kiln_kernel *confirmer;
	struct kiln_launch_params confirmer_launch;
	uint32_t count;            /* items, numbered from 0 */
	struct kiln_arg survivors; /* .buffer set: there, at a multiple of 4, how many survived is written: one uint32_t */
};

/** Enqueues the prefilter on all items, and the confirmer on the survivors; nothing comes back to the host in between. What
 *  the confirmer does is what it would do on all items, as long as it does nothing for those the prefilter leaves out.
 *  Memory: 4 bytes and a bit for each item, kept by the stream.
 *  Returns: as kiln_launch(); KILN_ERR_TOO_LARGE for more items than one binding can list; KILN_ERR_INVALID_ARGUMENT for a
 *  kernel that is not made for the mode.  Threads: any.  Blocks: no. */
KILN_API enum kiln_status kiln_speculate(struct kiln_stream *stream, const struct kiln_speculate_params *params);

KILN_END_DECLS

#endif
