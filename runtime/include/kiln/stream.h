/* Streams: ordered work on a device, synchronised by what each operation reads and writes.
 *
 * kiln_launch() and the kiln_buffer_* calls use the device's default stream; most programs need no other. A stream of one's
 * own lets a thread record without waiting for others, and lets independent chains of work overlap. Operations of one stream
 * take effect in the order of the calls. Between streams Kiln orders operations that touch the same bytes of a buffer, at
 * least one of them writing, in the order of the calls: no result depends on luck. Anything else of two streams may overlap.
 *
 * What is enqueued is handed to the device in submissions: by kiln_stream_submit(), by any wait for it, and by itself once it is
 * long. A stream has at most four of them in flight: the call that enqueues the first operation of a fifth waits until the
 * oldest is done, without a limit. Where a call that enqueues says "Blocks: no", it blocks for this alone. */
#ifndef KILN_STREAM_H
#define KILN_STREAM_H

#include <stdbool.h>
#include <stdint.h>

#include <kiln/kernel.h>

KILN_BEGIN_DECLS

struct kiln_stream;

/** One point in a stream's work; 0 in both fields is a point long passed. */
struct kiln_ticket {
	uint64_t stream; /* which stream, never reused */
	uint64_t value;
};

enum kiln_queue {
	KILN_QUEUE_MAIN = 0,
	KILN_QUEUE_ASYNC, /* a queue beside the main one where the device has one, else the main one: same results */
};

struct kiln_stream_params {
	enum kiln_queue queue;
	const char *name; /* for messages and traces; copied; NULL = "stream" */
};

#define KILN_WAIT_FOREVER UINT64_MAX

/** Creates an empty stream; `params` NULL = defaults.
 *  Returns: KILN_ERR_INVALID_ARGUMENT, KILN_ERR_COMPILE_ONLY, KILN_ERR_OUT_OF_MEMORY, KILN_ERR_DEVICE_LOST.
 *  Ownership: the caller destroys it; it keeps its device alive.  Threads: any; a stream may be shared while it
 *  records no graph (graph.h), but one thread each is what makes recording scale.  Blocks: no. */
KILN_API enum kiln_status kiln_stream_create(struct kiln_device *device, const struct kiln_stream_params *params,
                                             struct kiln_stream **out_stream);

/** Submits what is enqueued, waits for it, frees and sets NULL; NULL and *stream NULL are fine. The default stream is the
 *  device's and is left alone.  Blocks: yes. */
KILN_API void kiln_stream_destroy(struct kiln_stream **stream);

/** The stream of kiln_launch() and the kiln_buffer_* calls.  Ownership: the device's. */
KILN_API struct kiln_stream *kiln_device_stream(struct kiln_device *device);

/** As kiln_launch(), on this stream; only what is launched on the default stream is tuned unasked. */
KILN_API enum kiln_status kiln_stream_launch(struct kiln_stream *stream, struct kiln_kernel *kernel,
                                             const struct kiln_launch_params *params);

/** As kiln_buffer_copy() and kiln_buffer_fill(), on this stream.  Blocks: no. */
KILN_API enum kiln_status kiln_stream_copy(struct kiln_stream *stream, struct kiln_buffer *source, uint64_t source_offset,
                                           struct kiln_buffer *target, uint64_t target_offset, uint64_t bytes);
KILN_API enum kiln_status kiln_stream_fill(struct kiln_stream *stream, struct kiln_buffer *buffer, uint64_t offset,
                                           uint64_t bytes, uint32_t value);

/** Enqueues writing `data` to the buffer; `data` may be reused on return.  Blocks: while copying, and for room in the staging
 *  ring when much is in flight. */
KILN_API enum kiln_status kiln_stream_upload(struct kiln_stream *stream, struct kiln_buffer *buffer, uint64_t offset,
                                             const void *data, uint64_t bytes);

/** Enqueues reading the buffer into `out_data`, which is complete once a ticket taken afterwards is done and was waited for
 *  with kiln_ticket_wait(), kiln_ticket_wait_any() or kiln_stream_wait(): those copy the last step on the host.
 *  Ownership: `out_data` must live until then.  Blocks: no; more than 64 MiB, with no other download or callback under way,
 *  are complete on return, read in pieces: host memory for them would be allocated otherwise. */
KILN_API enum kiln_status kiln_stream_download(struct kiln_stream *stream, struct kiln_buffer *buffer, uint64_t offset,
                                               void *out_data, uint64_t bytes);

/** Calls `call(user)` on a thread that waits, once everything enqueued before is done and before a wait for a later ticket
 *  returns. It may enqueue work and must not wait.  Blocks: no. */
KILN_API enum kiln_status kiln_stream_callback(struct kiln_stream *stream, void (*call)(void *user), void *user);

/** Names this point of the stream's work: in a trace (trace.h), and in debuggers where validation is on. Otherwise it does
 *  nothing.
 *  Returns: KILN_ERR_UNSUPPORTED while the stream records a graph.  Blocks: no. */
KILN_API enum kiln_status kiln_stream_marker(struct kiln_stream *stream, const char *name);

/** What is enqueued after this call begins only when `ticket`, of any stream of the device, is done. That work is submitted
 *  now if it was not.
 *  Returns: KILN_ERR_FOREIGN_OBJECT for a ticket of another device, KILN_ERR_INVALID_ARGUMENT for one not given yet,
 *  KILN_ERR_DEVICE_LOST for one given before the device was reopened. */
KILN_API enum kiln_status kiln_stream_after(struct kiln_stream *stream, struct kiln_ticket ticket);

/** Hands what is enqueued to the device and gives its ticket, unless `out_ticket` is NULL; nothing enqueued: the ticket of what
 *  was before.
 *  Returns: KILN_ERR_DEVICE_LOST, sticky; KILN_ERR_OUT_OF_MEMORY and KILN_ERR_OUT_OF_DEVICE_MEMORY: call again.
 *  Threads: any.  Blocks: no. */
KILN_API enum kiln_status kiln_stream_submit(struct kiln_stream *stream, struct kiln_ticket *out_ticket);

/** Submits and waits for all of it.  Returns: KILN_ERR_TIMEOUT, KILN_ERR_DEVICE_LOST. */
KILN_API enum kiln_status kiln_stream_wait(struct kiln_stream *stream, uint64_t timeout_ns);

/** Waits for one ticket; submits what it needs.
 *  Returns: KILN_ERR_TIMEOUT: not done yet; KILN_ERR_DEVICE_LOST, sticky.  Threads: any.  Blocks: up to the timeout. */
KILN_API enum kiln_status kiln_ticket_wait(struct kiln_device *device, struct kiln_ticket ticket, uint64_t timeout_ns);

/** Waits for the first of up to 64 tickets, and says which.
 *  Returns: as kiln_ticket_wait(). */
KILN_API enum kiln_status kiln_ticket_wait_any(struct kiln_device *device, const struct kiln_ticket *tickets, size_t count,
                                               uint64_t timeout_ns, size_t *out_index);

/** Whether it is done, without waiting; one system call at most.  Returns: false for what a lost device never did. */
KILN_API bool kiln_ticket_is_done(struct kiln_device *device, struct kiln_ticket ticket);

KILN_END_DECLS

#endif
