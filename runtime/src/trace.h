/* A trace from the inside: who hooks in where, and what is kept.
 *
 * Every hook asks one word of the device first, which is 0 unless somebody looks: bit 0 says that validation wants labels,
 * the bits above are the number of the trace that runs. What is recorded on the host goes to the trace at once, under the
 * watch's lock. What runs on the device gets two timestamps and waits with its slot until the slot is done. */
#ifndef RUNTIME_TRACE_H
#define RUNTIME_TRACE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <base/bytes.h>
#include <base/clock.h>
#include <base/thread.h>
#include <kiln/trace.h>

#include "timestamp.h"
#include "vulkan_api.h"

struct kiln_command_list;
struct kiln_stream;
struct kiln_stream_binding;
struct kiln_stream_slot;

enum kiln_trace_kind {
	KILN_TRACE_RESOLVE, /* on the host */
	KILN_TRACE_COMPILE,
	KILN_TRACE_RECORD,
	KILN_TRACE_SUBMIT,
	KILN_TRACE_WAIT,
	KILN_TRACE_LAUNCH, /* on the device, from here on */
	KILN_TRACE_COPY,
	KILN_TRACE_FILL,
	KILN_TRACE_GRAPH,
	KILN_TRACE_MARKER,
};

#define KILN_TRACE_NAME 64
#define KILN_TRACE_BUFFERS 112
#define KILN_TRACE_TRACKS 256

struct kiln_trace_event {
	enum kiln_trace_kind kind;
	bool unfitted;            /* begin and end are by the device's clock, ns */
	uint64_t track;           /* a thread's number or a stream's id */
	uint64_t begin, end;      /* ns */
	uint64_t submitted, done; /* of the submission, host ns; on the device only */
	uint64_t ticket;          /* 0 = none */
	uint64_t bytes;
	uint32_t groups[3]; /* 0 = not told */
	char name[KILN_TRACE_NAME];
	char buffers[KILN_TRACE_BUFFERS];
};

struct kiln_trace_track {
	uint64_t stream;
	char name[32];
};

struct kiln_trace {
	struct kiln_device *device; /* referenced */
	uint64_t number;            /* from 1 */
	uint64_t origin;            /* host ns */
	int fd;                     /* -1 = none */
	struct kiln_trace_params params;

	struct kiln_trace_event *events; /* a ring */
	size_t capacity;
	uint64_t added; /* the ring holds the last ones */
	struct kiln_trace_track tracks[KILN_TRACE_TRACKS];
	uint32_t track_count;

	uint64_t unmeasured; /* operations without a time */
	uint64_t clamped;    /* times that lay outside of their submission */
	uint64_t deviation;  /* the worst calibration, ns */
	bool unwrapping;     /* the next two hold a reading */
	uint64_t last_ticks, last_unwrapped;
	struct kiln_clock_fit fit;
};

/* The device's. */
struct kiln_device_watch {
	atomic_uint_fast64_t on; /* see above */
	struct kiln_mutex lock;  /* a leaf */
	bool lock_ready;
	struct kiln_trace *trace; /* guarded by the lock */
	uint64_t traces;          /* begun so far */
};

enum kiln_status kiln_watch_init(struct kiln_device *device);
void kiln_watch_finish(struct kiln_device *device);

/* ---- On the host ---- */

static inline uint64_t kiln_watched(const struct kiln_device_watch *watch)
{
	return atomic_load_explicit(&watch->on, memory_order_relaxed);
}

/* 0 = no trace runs. */
static inline uint64_t kiln_trace_now(const struct kiln_device_watch *watch)
{
	return kiln_watched(watch) > 1 ? kiln_now_ns() : 0;
}

/* What began at `begin` and ends now, on this thread. Nothing when `begin` is 0. */
void kiln_trace_host(struct kiln_device *device, enum kiln_trace_kind kind, const char *name, uint64_t begin,
                     uint64_t ticket);

/* ---- On the device: under the stream's lock ---- */

struct kiln_operation {
	enum kiln_trace_kind kind;
	const char *name;
	const struct kiln_stream_binding *bindings;
	uint32_t binding_count;
	uint32_t groups[3];
};

/* One operation being recorded. */
struct kiln_watching {
	uint64_t on;
	uint64_t start; /* host ns */
	uint32_t mark;  /* KILN_NO_MARK = it gets no time */
	const struct kiln_operation *operation;
};

#define KILN_NO_MARK UINT32_MAX
#define KILN_MARKS 640u /* timed operations in one submission; a few more than are recorded before it goes */

static inline struct kiln_watching kiln_watching(const struct kiln_device_watch *watch)
{
	struct kiln_watching watching = {.on = kiln_watched(watch), .mark = KILN_NO_MARK};

	if (watching.on)
		watching.start = kiln_now_ns();
	return watching;
}

/* Around what is recorded, where watching->on is not 0. `operation` lives until the end. */
void kiln_watch_begin(struct kiln_watching *watching, struct kiln_stream *stream,
                      struct kiln_stream_slot *slot, const struct kiln_operation *operation);
void kiln_watch_end(struct kiln_watching *watching, struct kiln_stream *stream,
                    struct kiln_stream_slot *slot);
/* Instead of the end: it comes with the last of the command buffers that are submitted with the slot. */
void kiln_watch_end_with_list(struct kiln_watching *watching, struct kiln_stream *stream,
                              struct kiln_stream_slot *slot);

/* The timed operations of a slot; NULL before the first. */
struct kiln_trace_marks;

/* A new recording begins. */
void kiln_marks_restart(struct kiln_trace_marks *marks);
/* Before the slot is submitted. A list with an operation around it is replaced by a longer one, whose commands are
 * kiln_free()d after the submission: out_longer->commands, NULL = none. */
struct kiln_command_list *kiln_marks_submit(struct kiln_device *device, struct kiln_stream_slot *slot,
                                            struct kiln_command_list *list,
                                            struct kiln_command_list *out_longer);
/* The slot is done: its times go to the trace. */
void kiln_marks_collect(struct kiln_stream *stream, struct kiln_stream_slot *slot);
void kiln_marks_finish(struct kiln_device *device, struct kiln_trace_marks *marks);

/* ---- Writing; pure ---- */

/* Puts the times of what ran on the device onto the host's time line, within its submission. */
void kiln_trace_fit(struct kiln_trace *trace);
/* Keeps the event, dropping the oldest where there is no room. */
void kiln_trace_add(struct kiln_trace *trace, const struct kiln_trace_event *event);
/* `flush`, which may be NULL, is called now and then, and empties the writer. */
void kiln_trace_print(const struct kiln_trace *trace, struct kiln_writer *json,
                      bool (*flush)(void *user, struct kiln_writer *json), void *user);

#endif
