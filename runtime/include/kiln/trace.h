/* Seeing what a device does and when: a trace of a stretch of time, for ui.perfetto.dev or chrome://tracing.
 *
 * On one time line it shows what each host thread did (resolve, compile, record, submit, wait) and what each stream's work
 * took on the device (one event per launch, copy and fill; a graph's launch is one event). A traced device is slower: every
 * operation is surrounded by timestamps. One that is not traced pays one load and a branch per operation. */
#ifndef KILN_TRACE_H
#define KILN_TRACE_H

#include <stddef.h>
#include <stdint.h>

#include <kiln/device.h>

KILN_BEGIN_DECLS

struct kiln_trace;

struct kiln_trace_params {
	const char *path;  /* of the file to write; NULL = none. Replaced at once if it exists */
	size_t max_events; /* kept, the latest ones; 0 = 65536. The others are counted in the trace's metadata */
	/* Receives the JSON piece by piece, instead of the file or beside it; NULL = none. Anything but 0 stops it. */
	int (*write)(void *user, const void *data, size_t bytes);
	void *user;
};

/** Starts tracing the device. What is enqueued from here on is part of the trace.
 *  Returns: KILN_ERR_INVALID_ARGUMENT, also while another trace of the device runs; KILN_ERR_OUT_OF_MEMORY; the file's errors.
 *  Ownership: the caller ends it; it keeps its device alive.  Threads: any. */
KILN_API enum kiln_status kiln_trace_begin(struct kiln_device *device, const struct kiln_trace_params *params,
                                           struct kiln_trace **out_trace);

/** Waits for what is enqueued, stops tracing, writes the trace as JSON (the Trace Event Format: an object with
 *  "traceEvents", times in microseconds), frees it and sets NULL; NULL and *trace NULL are fine.
 *  "otherData" says how the device's clock was brought to the host's ("calibrated" by the driver, or "bracketed" between
 *  submission and wait) and how far off it may be, how many events were dropped, and how many operations have no time because
 *  the queue has no timestamps or too many operations were in one submission.
 *  Returns: KILN_ERR_DEVICE_LOST after writing what there is, or nothing in a process forked off meanwhile, whose trace it is
 *  not; KILN_ERR_CANCELLED when the callback stopped it; the file's errors, KILN_ERR_OUT_OF_MEMORY. The trace is freed in any
 *  case.  Blocks: yes. */
KILN_API enum kiln_status kiln_trace_end(struct kiln_trace **trace);

KILN_END_DECLS

#endif
