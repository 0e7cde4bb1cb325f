/* A trace as JSON, in the Trace Event Format: host threads are threads of process 1, streams those of process 2. */
#include "trace.h"

#include <inttypes.h>
#include <stdio.h>

#include "device.h"
#include "json_text.h"

#define FLUSH_BYTES 65536u
#define THREADS_MAX 256u

enum { HOST = 1, DEVICE = 2 };

static const char *const kind_names[] = {
	[KILN_TRACE_RESOLVE] = "resolve", [KILN_TRACE_COMPILE] = "compile", [KILN_TRACE_RECORD] = "record",
	[KILN_TRACE_SUBMIT] = "submit",   [KILN_TRACE_WAIT] = "wait",       [KILN_TRACE_LAUNCH] = "launch",
	[KILN_TRACE_COPY] = "copy",       [KILN_TRACE_FILL] = "fill",       [KILN_TRACE_GRAPH] = "graph",
	[KILN_TRACE_MARKER] = "marker",
};

/* ---- The ring ---- */

void kiln_trace_add(struct kiln_trace *trace, const struct kiln_trace_event *event)
{
	trace->events[trace->added++ % trace->capacity] = *event;
}

static size_t count_events(const struct kiln_trace *trace)
{
	return trace->added < trace->capacity ? (size_t)trace->added : trace->capacity;
}

static bool is_on_device(const struct kiln_trace_event *event)
{
	return event->kind >= KILN_TRACE_LAUNCH;
}

/* Returns whether it moved. */
static bool clamp(uint64_t *time, uint64_t low, uint64_t high)
{
	uint64_t before = *time;

	*time = before < low ? low : before > high ? high : before;
	return *time != before;
}

void kiln_trace_fit(struct kiln_trace *trace)
{
	uint64_t uncertainty;
	int64_t offset = kiln_clock_fit_offset(&trace->fit, &uncertainty);

	for (size_t i = 0; i < count_events(trace); i++) {
		struct kiln_trace_event *event = &trace->events[i];
		bool moved;

		if (!is_on_device(event))
			continue;
		event->begin += event->unfitted ? (uint64_t)offset : 0;
		event->end += event->unfitted ? (uint64_t)offset : 0;
		event->unfitted = false;
		moved = clamp(&event->begin, event->submitted, event->done);
		moved = clamp(&event->end, event->submitted, event->done) || moved;
		trace->clamped += moved;
	}
}

/* ---- Printing ---- */

/* Microseconds, with the nanoseconds behind the point. */
static void print_time(struct kiln_writer *json, const char *name, uint64_t ns)
{
	kiln_write_format(json, ",\"%s\":%" PRIu64 ".%03u", name, ns / 1000, (unsigned)(ns % 1000));
}

/* What began before the trace did begins with it. */
static uint64_t since(const struct kiln_trace *trace, uint64_t ns)
{
	return ns > trace->origin ? ns - trace->origin : 0;
}

static void print_device_args(const struct kiln_trace *trace, const struct kiln_trace_event *event,
                              struct kiln_writer *json)
{
	if (event->groups[0])
		kiln_write_format(json, ",\"groups\":[%" PRIu32 ",%" PRIu32 ",%" PRIu32 "]", event->groups[0],
		                  event->groups[1], event->groups[2]);
	if (event->buffers[0]) {
		kiln_write_format(json, ",\"bytes\":%" PRIu64 ",\"buffers\":", event->bytes);
		kiln_write_json_text(json, event->buffers);
	}
	print_time(json, "submitted", since(trace, event->submitted));
	print_time(json, "done", since(trace, event->done));
}

static void print_name(const struct kiln_trace_event *event, struct kiln_writer *json)
{
	char name[KILN_TRACE_NAME + 16];

	(void)snprintf(name, sizeof(name), "%s%s%s", is_on_device(event) ? "" : kind_names[event->kind],
	               is_on_device(event) || !event->name[0] ? "" : " ", event->name);
	kiln_write_json_text(json, name);
}

static void print_event(const struct kiln_trace *trace, const struct kiln_trace_event *event,
                        struct kiln_writer *json)
{
	bool marker = event->kind == KILN_TRACE_MARKER;
	uint64_t begin = since(trace, event->begin), end = since(trace, event->end);

	kiln_write_format(json, ",\n{\"name\":");
	print_name(event, json);
	kiln_write_format(json, ",\"cat\":\"%s\",\"ph\":\"%s\",\"pid\":%d,\"tid\":%" PRIu64,
	                  kind_names[event->kind], marker ? "i\",\"s\":\"t" : "X",
	                  is_on_device(event) ? DEVICE : HOST, event->track);
	print_time(json, "ts", begin);
	if (!marker)
		print_time(json, "dur", end - begin);
	kiln_write_format(json, ",\"args\":{\"ticket\":%" PRIu64, event->ticket);
	if (is_on_device(event))
		print_device_args(trace, event, json);
	kiln_write_format(json, "}}");
}

/* Names a process, or with a thread's number, that. */
static void print_track(struct kiln_writer *json, int process, uint64_t thread, const char *name)
{
	kiln_write_format(json,
	                  ",\n{\"name\":\"%s\",\"ph\":\"M\",\"pid\":%d,\"tid\":%" PRIu64
	                  ",\"args\":{\"name\":",
	                  thread ? "thread_name" : "process_name", process, thread);
	kiln_write_json_text(json, name);
	kiln_write_format(json, "}}");
}

static void print_threads(const struct kiln_trace *trace, struct kiln_writer *json)
{
	uint64_t seen[THREADS_MAX];
	size_t count = 0, at;
	char name[32];

	for (size_t i = 0; i < count_events(trace) && count < THREADS_MAX; i++) {
		if (is_on_device(&trace->events[i]))
			continue;
		for (at = 0; at < count && seen[at] != trace->events[i].track;)
			at++;
		if (at < count)
			continue;
		seen[count++] = trace->events[i].track;
		(void)snprintf(name, sizeof(name), "thread %" PRIu64, trace->events[i].track);
		print_track(json, HOST, trace->events[i].track, name);
	}
}

static void print_tracks(const struct kiln_trace *trace, struct kiln_writer *json)
{
	print_track(json, DEVICE, 0, trace->device->info.name);
	print_threads(trace, json);
	for (uint32_t i = 0; i < trace->track_count; i++)
		print_track(json, DEVICE, trace->tracks[i].stream, trace->tracks[i].name);
}

static void print_facts(const struct kiln_trace *trace, struct kiln_writer *json)
{
	const struct kiln_timestamps *clock = &trace->device->timestamps;
	bool timed = clock->bits[0] || clock->bits[1];
	uint64_t uncertainty;

	(void)kiln_clock_fit_offset(&trace->fit, &uncertainty);
	kiln_write_format(json, "{\"displayTimeUnit\":\"ns\",\"otherData\":{\"device\":");
	kiln_write_json_text(json, trace->device->info.name);
	kiln_write_format(json, ",\"driver\":");
	kiln_write_json_text(json, trace->device->info.driver_info);
	kiln_write_format(json,
	                  ",\"device_clock\":\"%s\",\"uncertainty_ns\":%" PRIu64
	                  ",\"events\":%zu,\"dropped\":%" PRIu64 ",\"unmeasured\":%" PRIu64
	                  ",\"clamped\":%" PRIu64 "}",
	                  !timed              ? "none"
	                  : clock->calibrated ? "calibrated"
	                                      : "bracketed",
	                  clock->calibrated ? trace->deviation : uncertainty, count_events(trace),
	                  trace->added - count_events(trace), trace->unmeasured, trace->clamped);
}

void kiln_trace_print(const struct kiln_trace *trace, struct kiln_writer *json,
                      bool (*flush)(void *user, struct kiln_writer *json), void *user)
{
	size_t count = count_events(trace), first = trace->added > count ? trace->added % trace->capacity : 0;

	print_facts(trace, json);
	kiln_write_format(
		json,
		",\"traceEvents\":[\n"
		"{\"name\":\"process_name\",\"ph\":\"M\",\"pid\":1,\"tid\":0,\"args\":{\"name\":\"host\"}}");
	print_tracks(trace, json);
	for (size_t i = 0; i < count && !json->bad; i++) {
		print_event(trace, &trace->events[(first + i) % trace->capacity], json);
		if (flush && json->bytes >= FLUSH_BYTES && !flush(user, json))
			return;
	}
	kiln_write_format(json, "\n]}\n");
}
