/* Timers: two timestamps in a query pool of their own. */
#include <kiln/timer.h>

#include <base/alloc.h>
#include <base/error.h>

#include "debug_name.h"
#include "device.h"
#include "stream.h"
#include "stream_slot.h"
#include "timestamp.h"

struct kiln_timer {
	struct kiln_stream *stream; /* referenced, but for the device's own */
	struct kiln_device *device; /* referenced */
	VkQueryPool queries;
	bool started, stopped;
	struct kiln_ticket end; /* of the stop */
	struct kiln_retired retired;
	struct kiln_part part;
};

/* ---- Life ---- */

static enum kiln_status check_create(struct kiln_stream *stream, struct kiln_timer **out_timer)
{
	KILN_CHECK(stream,
	           "kiln_timer_create: the stream is NULL. Fix: create one with kiln_stream_create()");
	KILN_CHECK(out_timer, "kiln_timer_create: out_timer is NULL. Fix: pass where the timer goes");
	KILN_TRY(kiln_device_check(stream->device));
	if (kiln_timestamps_bits(stream))
		return KILN_OK;
	return kiln_error(
		KILN_ERR_UNSUPPORTED,
		"device '%s' has no timestamps on the queue of stream '%s'. Fix: time with the host's "
		"clock around kiln_stream_wait()",
		stream->device->info.name, stream->name);
}

static enum kiln_status make_queries(struct kiln_timer *timer)
{
	VkQueryPoolCreateInfo info = {
		.sType = VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO,
		.queryType = VK_QUERY_TYPE_TIMESTAMP,
		.queryCount = 2,
	};
	struct kiln_device *device = timer->device;
	enum kiln_status status = KILN_OK;

	KILN_VK_NEW(device, status, out, timer->queries,
	            device->vk.vkCreateQueryPool(device->handle, &info, NULL, &timer->queries));
	kiln_debug_name(device, VK_OBJECT_TYPE_QUERY_POOL, (uint64_t)(uintptr_t)timer->queries,
	                "timer of stream '%s'", timer->stream->name);
out:
	return status;
}

static void lose_queries(void *object)
{
	struct kiln_timer *timer = object;

	if (timer->queries)
		timer->device->vk.vkDestroyQueryPool(timer->device->handle, timer->queries, NULL);
	timer->queries = VK_NULL_HANDLE;
	if (!timer->stopped)
		timer->started = false;
}

static enum kiln_status restore_queries(void *object, struct kiln_reopening *reopening)
{
	(void)reopening;
	return make_queries(object);
}

static const struct kiln_part_class timer_parts = {lose_queries, restore_queries};

enum kiln_status kiln_timer_create(struct kiln_stream *stream, struct kiln_timer **out_timer)
{
	struct kiln_timer *timer;
	enum kiln_status status;

	KILN_TRY(check_create(stream, out_timer));
	timer = kiln_alloc_zero(1, sizeof(*timer));
	if (!timer)
		return kiln_error(KILN_ERR_OUT_OF_MEMORY,
		                  "out of memory creating a timer. Fix: free memory and call again");
	timer->stream = stream;
	timer->device = stream->device;
	status = make_queries(timer);
	if (status != KILN_OK) {
		kiln_free(timer);
		return status;
	}
	kiln_part_add(timer->device, &timer->part, &timer_parts, timer);
	kiln_device_reference(timer->device);
	if (stream != &stream->device->stream)
		kiln_stream_reference(stream);
	*out_timer = timer;
	return KILN_OK;
}

static void free_retired(void *object)
{
	struct kiln_timer *timer = object;

	kiln_part_remove(timer->device, &timer->part);
	lose_queries(timer);
	kiln_free(timer);
}

/* The device goes last, and waits for what is retired. */
void kiln_timer_destroy(struct kiln_timer **timer)
{
	struct kiln_timer *gone = timer ? *timer : NULL;
	struct kiln_stream *stream;
	struct kiln_device *device;

	if (!gone)
		return;
	*timer = NULL;
	stream = gone->stream;
	device = gone->device;
	if (kiln_device_is_inherited(device))
		return;
	gone->retired = (struct kiln_retired){.free = free_retired, .object = gone};
	kiln_stream_retire(device, &gone->retired);
	if (stream != &device->stream)
		kiln_stream_unreference(stream);
	kiln_device_unreference(device);
}

/* ---- Measuring ---- */

static enum kiln_status begin(struct kiln_timer *timer, const char *call, struct kiln_stream_slot **out_slot)
{
	KILN_TRY(kiln_device_check(timer->device));
	KILN_CHECK(!atomic_load_explicit(&timer->stream->destroyed, memory_order_relaxed),
	           "%s: the timer's stream '%s' is destroyed. Fix: create a timer for another", call,
	           timer->stream->name);
	if (kiln_stream_graph(timer->stream))
		return kiln_error(
			KILN_ERR_UNSUPPORTED,
			"%s: stream '%s' is recording a graph, which holds launches, copies and fills "
			"only. Fix: time kiln_graph_launch()",
			call, timer->stream->name);
	return kiln_stream_begin(timer->stream, out_slot);
}

/* Both are written when all work before them is done. */
static void write_timestamp(const struct kiln_timer *timer, const struct kiln_stream_slot *slot,
                            uint32_t query)
{
	timer->device->vk.vkCmdWriteTimestamp(slot->commands, VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT,
	                                      timer->queries, query);
}

enum kiln_status kiln_timer_start(struct kiln_timer *timer)
{
	struct kiln_stream_slot *slot;

	KILN_CHECK(timer, "kiln_timer_start: the timer is NULL. Fix: create one with kiln_timer_create()");
	KILN_TRY(begin(timer, "kiln_timer_start", &slot));
	timer->device->vk.vkCmdResetQueryPool(slot->commands, timer->queries, 0, 2);
	write_timestamp(timer, slot, 0);
	kiln_stream_end(timer->stream, 1);
	timer->started = true;
	timer->stopped = false;
	return KILN_OK;
}

enum kiln_status kiln_timer_stop(struct kiln_timer *timer)
{
	struct kiln_stream_slot *slot;

	KILN_CHECK(timer, "kiln_timer_stop: the timer is NULL. Fix: create one with kiln_timer_create()");
	KILN_CHECK(
		timer->started && !timer->stopped,
		"kiln_timer_stop: the timer was not started. Fix: call kiln_timer_start() before the work");
	KILN_TRY(begin(timer, "kiln_timer_stop", &slot));
	write_timestamp(timer, slot, 1);
	timer->end = (struct kiln_ticket){timer->stream->id, slot->ticket};
	kiln_stream_end(timer->stream, 1);
	timer->stopped = true;
	return KILN_OK;
}

/* The work is done, so they are not waited for: a driver that has none would never return. */
static enum kiln_status get_ticks(const struct kiln_timer *timer, uint64_t *out_ticks)
{
	struct kiln_device *device = timer->device;
	VkResult result =
		device->vk.vkGetQueryPoolResults(device->handle, timer->queries, 0, 2, 2 * sizeof(*out_ticks),
	                                         out_ticks, sizeof(*out_ticks), VK_QUERY_RESULT_64_BIT);

	return result == VK_SUCCESS ? KILN_OK : kiln_device_vk_error(device, result, "vkGetQueryPoolResults");
}

enum kiln_status kiln_timer_read(struct kiln_timer *timer, uint64_t *out_ns)
{
	uint64_t ticks[2];

	KILN_CHECK(timer && out_ns, "kiln_timer_read: the timer or out_ns is NULL. Fix: pass both");
	KILN_CHECK(timer->stopped,
	           "kiln_timer_read: the timer was not stopped. Fix: call kiln_timer_stop() after the work");
	KILN_TRY(kiln_ticket_wait(timer->device, timer->end, KILN_WAIT_FOREVER));
	KILN_TRY(get_ticks(timer, ticks));
	*out_ns = kiln_ticks_ns(kiln_ticks_between(ticks[0], ticks[1], kiln_timestamps_bits(timer->stream)),
	                        timer->device->timestamps.period_ns);
	return KILN_OK;
}
