/* How long work takes on the device, measured by the device. */
#ifndef KILN_TIMER_H
#define KILN_TIMER_H

#include <stdint.h>

#include <kiln/stream.h>

KILN_BEGIN_DECLS

struct kiln_timer;

/** Creates a timer for work of this stream.
 *  Returns: KILN_ERR_UNSUPPORTED where the stream's queue has no timestamps; KILN_ERR_OUT_OF_MEMORY,
 *  KILN_ERR_OUT_OF_DEVICE_MEMORY, KILN_ERR_DEVICE_LOST.
 *  Ownership: the caller destroys it; it keeps its stream's memory alive. */
KILN_API enum kiln_status kiln_timer_create(struct kiln_stream *stream, struct kiln_timer **out_timer);

/** Frees it, at once or when the device is done with it, and sets NULL; NULL and *timer NULL are fine. */
KILN_API void kiln_timer_destroy(struct kiln_timer **timer);

/** Enqueue the two ends of what is timed: from when all work enqueued before kiln_timer_start() is done to when all work
 *  enqueued before kiln_timer_stop() is. Starting again begins a new measurement.
 *  Returns: KILN_ERR_UNSUPPORTED while the stream records a graph; KILN_ERR_INVALID_ARGUMENT for a stop without a start,
 *  and for a stream that is destroyed: kiln_timer_read() still reads what was stopped before.
 *  Threads: one at a time per timer.  Blocks: no (stream.h). */
KILN_API enum kiln_status kiln_timer_start(struct kiln_timer *timer);
KILN_API enum kiln_status kiln_timer_stop(struct kiln_timer *timer);

/** Submits and waits for the stop, and gives the time between the two in nanoseconds.
 *  Returns: KILN_ERR_INVALID_ARGUMENT before a stop; KILN_ERR_DEVICE_LOST, also for what was stopped before a reopening
 *  (loss.h).  Blocks: yes. */
KILN_API enum kiln_status kiln_timer_read(struct kiln_timer *timer, uint64_t *out_ns);

KILN_END_DECLS

#endif
