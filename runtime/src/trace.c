/* Traces from outside, and what the host's hooks add to them. */
#include "trace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include <base/alloc.h>
#include <base/error.h>
#include <base/fs.h>

#include "device.h"

#define EVENTS_DEFAULT 65536u
#define EVENTS_MAX (1u << 24)

/* ---- The watch ---- */

enum kiln_status kiln_watch_init(struct kiln_device *device)
{
	KILN_TRY(kiln_mutex_init(&device->watch.lock));
	device->watch.lock_ready = true;
	atomic_init(&device->watch.on, device->instance.validation ? 1 : 0);
	return KILN_OK;
}

void kiln_watch_finish(struct kiln_device *device)
{
	if (device->watch.lock_ready)
		kiln_mutex_finish(&device->watch.lock);
	device->watch.lock_ready = false;
}

/* ---- The host's events ---- */

/* Threads are numbered as they come. */
static uint64_t this_thread(void)
{
	static atomic_uint_fast64_t threads;
	static _Thread_local uint64_t own;

	if (own == 0)
		own = atomic_fetch_add_explicit(&threads, 1, memory_order_relaxed) + 1;
	return own;
}

void kiln_trace_host(struct kiln_device *device, enum kiln_trace_kind kind, const char *name, uint64_t begin,
                     uint64_t ticket)
{
	struct kiln_trace_event event = {
		.kind = kind,
		.track = this_thread(),
		.begin = begin,
		.ticket = ticket,
	};

	if (begin == 0)
		return;
	event.end = kiln_now_ns();
	(void)snprintf(event.name, sizeof(event.name), "%s", name);
	kiln_mutex_lock(&device->watch.lock);
	if (device->watch.trace)
		kiln_trace_add(device->watch.trace, &event);
	kiln_mutex_unlock(&device->watch.lock);
}

/* ---- Beginning ---- */

static enum kiln_status open_file(struct kiln_trace *trace)
{
	trace->fd = -1;
	if (!trace->params.path)
		return KILN_OK;
	trace->fd = kiln_fs_posix.openat(kiln_fs_posix.user, AT_FDCWD, trace->params.path,
	                                 O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	return trace->fd >= 0
	               ? KILN_OK
	               : kiln_error_errno(errno, "the trace file %s cannot be written", trace->params.path);
}

static enum kiln_status prepare(struct kiln_trace *trace)
{
	trace->fd = -1;
	trace->capacity = trace->params.max_events ? trace->params.max_events : EVENTS_DEFAULT;
	trace->events = kiln_alloc_zero(trace->capacity, sizeof(*trace->events));
	if (!trace->events)
		return kiln_error(KILN_ERR_OUT_OF_MEMORY,
		                  "out of memory for a trace of %zu events. Fix: set a lower .max_events",
		                  trace->capacity);
	return open_file(trace);
}

static void close_file(struct kiln_trace *trace)
{
	if (trace->fd >= 0)
		(void)kiln_fs_posix.close(kiln_fs_posix.user, trace->fd);
	trace->fd = -1;
}

static void free_trace(struct kiln_trace *trace)
{
	close_file(trace);
	kiln_free(trace->events);
	kiln_free(trace);
}

static bool install(struct kiln_device *device, struct kiln_trace *trace)
{
	struct kiln_device_watch *watch = &device->watch;
	bool free_place;

	kiln_mutex_lock(&watch->lock);
	free_place = !watch->trace;
	if (free_place) {
		trace->number = ++watch->traces;
		trace->origin = kiln_now_ns();
		watch->trace = trace;
		atomic_store_explicit(&watch->on, trace->number << 1 | device->instance.validation,
		                      memory_order_relaxed);
	}
	kiln_mutex_unlock(&watch->lock);
	return free_place;
}

static bool is_traced(struct kiln_device *device)
{
	bool traced;

	kiln_mutex_lock(&device->watch.lock);
	traced = device->watch.trace != NULL;
	kiln_mutex_unlock(&device->watch.lock);
	return traced;
}

static enum kiln_status busy(const struct kiln_device *device)
{
	return kiln_error(
		KILN_ERR_INVALID_ARGUMENT,
		"kiln_trace_begin: device '%s' is being traced already. Fix: call kiln_trace_end() first",
		device->info.name);
}

static enum kiln_status check_begin(struct kiln_device *device, const struct kiln_trace_params *params,
                                    struct kiln_trace **out_trace)
{
	KILN_CHECK(device, "kiln_trace_begin: the device is NULL. Fix: open one with kiln_device_open()");
	KILN_CHECK(params && (params->path || params->write),
	           "kiln_trace_begin: the trace goes nowhere. Fix: set .path or .write");
	KILN_CHECK(params->max_events <= EVENTS_MAX,
	           "kiln_trace_begin: .max_events is %zu. Fix: keep at most %u, or trace a shorter time",
	           params->max_events, EVENTS_MAX);
	KILN_CHECK(out_trace, "kiln_trace_begin: out_trace is NULL. Fix: pass where the trace goes");
	KILN_TRY(kiln_device_check(device));
	return is_traced(device) ? busy(device) : KILN_OK; /* before its file is emptied */
}

enum kiln_status kiln_trace_begin(struct kiln_device *device, const struct kiln_trace_params *params,
                                  struct kiln_trace **out_trace)
{
	struct kiln_trace *trace;
	enum kiln_status status;

	KILN_TRY(check_begin(device, params, out_trace));
	trace = kiln_alloc_zero(1, sizeof(*trace));
	if (!trace)
		return kiln_error(KILN_ERR_OUT_OF_MEMORY,
		                  "out of memory beginning a trace. Fix: free memory and call again");
	trace->device = device;
	trace->params = *params;
	status = prepare(trace);
	if (status == KILN_OK && !install(device, trace))
		status = busy(device);
	if (status != KILN_OK) {
		free_trace(trace);
		return status;
	}
	trace->params.path = NULL; /* the caller's, who may free it now */
	kiln_device_reference(device);
	*out_trace = trace;
	return KILN_OK;
}

/* ---- Ending ---- */

static void uninstall(struct kiln_device *device)
{
	kiln_mutex_lock(&device->watch.lock);
	device->watch.trace = NULL;
	atomic_store_explicit(&device->watch.on, device->instance.validation, memory_order_relaxed);
	kiln_mutex_unlock(&device->watch.lock);
}

struct sink {
	struct kiln_trace *trace;
	enum kiln_status status;
};

/* Empties the writer, whatever comes of it. */
static bool flush(void *user, struct kiln_writer *json)
{
	struct sink *sink = user;
	const struct kiln_trace_params *params = &sink->trace->params;

	if (sink->status == KILN_OK && sink->trace->fd >= 0 &&
	    kiln_fs_write_all(&kiln_fs_posix, sink->trace->fd, json->data, json->bytes) != 0)
		sink->status = kiln_error_errno(errno, "the trace cannot be written");
	if (sink->status == KILN_OK && params->write && params->write(params->user, json->data, json->bytes))
		sink->status =
			kiln_error(KILN_ERR_CANCELLED,
		                   "kiln_trace_end: the callback stopped the trace. Fix: return 0 to go on");
	json->bytes = 0;
	return sink->status == KILN_OK;
}

static enum kiln_status write_trace(struct kiln_trace *trace)
{
	struct sink sink = {.trace = trace};
	struct kiln_writer json = {0};

	kiln_trace_fit(trace);
	kiln_trace_print(trace, &json, flush, &sink);
	if (sink.status == KILN_OK && json.bad)
		sink.status = kiln_error(KILN_ERR_OUT_OF_MEMORY,
		                         "out of memory writing a trace. Fix: free memory and trace again");
	else
		(void)flush(&sink, &json);
	kiln_writer_finish(&json);
	return sink.status;
}

enum kiln_status kiln_trace_end(struct kiln_trace **trace)
{
	struct kiln_trace *ended = trace ? *trace : NULL;
	enum kiln_status waited, written;
	struct kiln_device *device;

	if (!ended)
		return KILN_OK;
	*trace = NULL;
	device = ended->device;
	if (kiln_device_is_inherited(device)) /* its file and its locks are the parent's */
		return kiln_device_check(device);
	waited = device->info.can_launch ? kiln_streams_idle(device) : KILN_OK;
	uninstall(device);
	written = write_trace(ended);
	free_trace(ended);
	kiln_device_unreference(device);
	return written != KILN_OK ? written : waited;
}
