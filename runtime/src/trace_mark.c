/* What runs on the device: two timestamps around each operation, which wait with their slot until it is done. */
#include "trace.h"

#include <stdio.h>
#include <string.h>

#include <base/alloc.h>

#include "buffer.h"
#include "debug_name.h"
#include "device.h"
#include "image.h"
#include "stream.h"
#include "stream_slot.h"

struct kiln_trace_marks {
	VkQueryPool queries;
	VkCommandBuffer closing; /* the end of an operation around a list; of the slot's pool */
	uint64_t number;         /* of the trace */
	uint32_t count;
	uint32_t open; /* the mark a list ends, plus 1; 0 = none */
	uint64_t submitted;
	uint64_t results[2 * KILN_MARKS][2]; /* ticks, and whether they are there */
	struct kiln_trace_event events[KILN_MARKS];
};

static void count_unmeasured(struct kiln_device_watch *watch)
{
	kiln_mutex_lock(&watch->lock);
	if (watch->trace)
		watch->trace->unmeasured++;
	kiln_mutex_unlock(&watch->lock);
}

/* ---- Recording ---- */

static bool make_marks(struct kiln_device *device, struct kiln_stream_slot *slot)
{
	VkQueryPoolCreateInfo info = {
		.sType = VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO,
		.queryType = VK_QUERY_TYPE_TIMESTAMP,
		.queryCount = 2 * KILN_MARKS,
	};
	struct kiln_trace_marks *marks = kiln_alloc_zero(1, sizeof(*marks));

	if (!marks)
		return false;
	if (device->vk.vkCreateQueryPool(device->handle, &info, NULL, &marks->queries) < 0)
		return kiln_free(marks), false;
	kiln_debug_name(device, VK_OBJECT_TYPE_QUERY_POOL, (uint64_t)(uintptr_t)marks->queries, "trace");
	slot->marks = marks;
	return true;
}

static void list_buffers(const struct kiln_operation *operation, struct kiln_trace_event *event)
{
	size_t at = 0;

	for (uint32_t i = 0; i < operation->binding_count; i++) {
		const struct kiln_stream_binding *binding = &operation->bindings[i];
		int written;

		event->bytes += binding->buffer->image ? binding->buffer->image->info.bytes : binding->bytes;
		if (at >= sizeof(event->buffers))
			continue;
		written = snprintf(event->buffers + at, sizeof(event->buffers) - at, "%s%s", i ? ", " : "",
		                   binding->buffer->name);
		at += written > 0 ? (size_t)written : 0;
	}
}

static uint32_t take_mark(struct kiln_stream *stream, struct kiln_stream_slot *slot, uint64_t number,
                          const struct kiln_operation *operation)
{
	struct kiln_device *device = stream->device;
	struct kiln_trace_marks *marks;
	struct kiln_trace_event *event;

	if (!kiln_timestamps_bits(stream) || (!slot->marks && !make_marks(device, slot)))
		return KILN_NO_MARK;
	marks = slot->marks;
	if (marks->count == KILN_MARKS || (marks->count && marks->number != number))
		return KILN_NO_MARK;
	if (marks->count == 0)
		device->vk.vkCmdResetQueryPool(slot->commands, marks->queries, 0, 2 * KILN_MARKS);
	marks->number = number;
	event = &marks->events[marks->count];
	memset(event, 0, sizeof(*event));
	event->kind = operation->kind;
	event->track = stream->id;
	event->ticket = slot->ticket;
	memcpy(event->groups, operation->groups, sizeof(event->groups));
	(void)snprintf(event->name, sizeof(event->name), "%s", operation->name);
	list_buffers(operation, event);
	return marks->count++;
}

/* Both are written when all work before them is done: operations of a stream then never overlap on its track, and together
 * take the time they keep the device. */
static void write_timestamp(struct kiln_device *device, const struct kiln_stream_slot *slot,
                            VkCommandBuffer commands, uint32_t query)
{
	device->vk.vkCmdWriteTimestamp(commands, VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT, slot->marks->queries,
	                               query);
}

void kiln_watch_begin(struct kiln_watching *watching, struct kiln_stream *stream,
                      struct kiln_stream_slot *slot, const struct kiln_operation *operation)
{
	struct kiln_device *device = stream->device;

	watching->operation = operation;
	if (operation->kind == KILN_TRACE_MARKER)
		kiln_debug_label_point(device, slot->commands, operation->name);
	else
		kiln_debug_label_begin(device, slot->commands, operation->name);
	if (watching->on <= 1)
		return;
	watching->mark = take_mark(stream, slot, watching->on >> 1, operation);
	if (watching->mark == KILN_NO_MARK)
		count_unmeasured(&device->watch);
	else
		write_timestamp(device, slot, slot->commands, 2 * watching->mark);
}

static void end(struct kiln_watching *watching, struct kiln_stream *stream, struct kiln_stream_slot *slot)
{
	if (watching->operation->kind != KILN_TRACE_MARKER)
		kiln_debug_label_end(stream->device, slot->commands);
	if (watching->on > 1)
		kiln_trace_host(stream->device, KILN_TRACE_RECORD, watching->operation->name, watching->start,
		                slot->ticket);
}

void kiln_watch_end(struct kiln_watching *watching, struct kiln_stream *stream, struct kiln_stream_slot *slot)
{
	if (watching->mark != KILN_NO_MARK)
		write_timestamp(stream->device, slot, slot->commands, 2 * watching->mark + 1);
	end(watching, stream, slot);
}

void kiln_watch_end_with_list(struct kiln_watching *watching, struct kiln_stream *stream,
                              struct kiln_stream_slot *slot)
{
	if (watching->mark != KILN_NO_MARK)
		slot->marks->open = watching->mark + 1;
	end(watching, stream, slot);
}

void kiln_marks_restart(struct kiln_trace_marks *marks)
{
	marks->count = 0;
	marks->open = 0;
}

static bool close_list(struct kiln_device *device, struct kiln_stream_slot *slot)
{
	struct kiln_trace_marks *marks = slot->marks;
	VkCommandBufferAllocateInfo allocate = {
		.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
		.commandPool = slot->pool,
		.level = VK_COMMAND_BUFFER_LEVEL_PRIMARY,
		.commandBufferCount = 1,
	};
	VkCommandBufferBeginInfo begin = {
		.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO,
		.flags = VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT,
	};

	if (!marks->closing &&
	    device->vk.vkAllocateCommandBuffers(device->handle, &allocate, &marks->closing) < 0)
		marks->closing = VK_NULL_HANDLE;
	if (!marks->closing || device->vk.vkBeginCommandBuffer(marks->closing, &begin) < 0)
		return false;
	write_timestamp(device, slot, marks->closing, 2 * (marks->open - 1) + 1);
	return device->vk.vkEndCommandBuffer(marks->closing) >= 0;
}

/* Where it fails, the operation only has no end, and is left out of the trace. */
struct kiln_command_list *kiln_marks_submit(struct kiln_device *device, struct kiln_stream_slot *slot,
                                            struct kiln_command_list *list,
                                            struct kiln_command_list *out_longer)
{
	struct kiln_trace_marks *marks = slot->marks;
	VkCommandBuffer *commands;

	marks->submitted = kiln_now_ns();
	if (!list || !marks->open)
		return list;
	commands = kiln_alloc_zero(list->count + 1u, sizeof(VkCommandBuffer));
	if (!commands || !close_list(device, slot)) {
		kiln_free(commands);
		return list;
	}
	memcpy(commands, list->commands, list->count * sizeof(VkCommandBuffer));
	commands[list->count] = marks->closing;
	*out_longer = (struct kiln_command_list){commands, list->count + 1};
	return out_longer;
}

/* ---- Collecting ---- */

/* The trace's reading of the clock without overflows, in ns. */
static uint64_t unwrap(struct kiln_trace *trace, uint64_t ticks, uint32_t bits, double period_ns)
{
	if (!trace->unwrapping)
		trace->last_unwrapped = UINT64_C(1) << 40;
	else
		trace->last_unwrapped += (uint64_t)kiln_ticks_apart(trace->last_ticks, ticks, bits);
	trace->unwrapping = true;
	trace->last_ticks = ticks;
	return kiln_ticks_ns(trace->last_unwrapped, period_ns);
}

static void note_stream(struct kiln_trace *trace, const struct kiln_stream *stream)
{
	struct kiln_trace_track *track = &trace->tracks[trace->track_count];

	for (uint32_t i = 0; i < trace->track_count; i++)
		if (trace->tracks[i].stream == stream->id)
			return;
	if (trace->track_count == KILN_TRACE_TRACKS)
		return;
	track->stream = stream->id;
	(void)snprintf(track->name, sizeof(track->name), "%s", stream->name);
	trace->track_count++;
}

/* When it was, by the host's clock where the driver knows, else by the device's. */
static void place(struct kiln_trace *trace, const struct kiln_stream *stream,
                  const struct kiln_calibration *calibration, const uint64_t ticks[2],
                  struct kiln_trace_event *event)
{
	const struct kiln_timestamps *clock = &stream->device->timestamps;
	uint32_t bits = kiln_timestamps_bits(stream);
	uint64_t spent = kiln_ticks_ns(kiln_ticks_between(ticks[0], ticks[1], bits), clock->period_ns);

	event->unfitted = !calibration;
	event->begin = calibration ? kiln_calibrated_ns(calibration, ticks[0], bits, clock->period_ns)
	                           : unwrap(trace, ticks[0], bits, clock->period_ns);
	event->end = event->begin + spent;
}

static void add_marks(struct kiln_trace *trace, struct kiln_stream *stream, struct kiln_trace_marks *marks,
                      const struct kiln_calibration *calibration)
{
	uint64_t first = UINT64_MAX, last = 0, done = kiln_now_ns();

	note_stream(trace, stream);
	if (calibration && calibration->deviation_ns > trace->deviation)
		trace->deviation = calibration->deviation_ns;
	for (uint32_t i = 0; i < marks->count; i++) {
		struct kiln_trace_event *event = &marks->events[i];
		const uint64_t ticks[2] = {marks->results[2 * i][0], marks->results[2 * i + 1][0]};

		if (!marks->results[2 * i][1] || !marks->results[2 * i + 1][1]) {
			trace->unmeasured++;
			continue;
		}
		place(trace, stream, calibration, ticks, event);
		event->submitted = marks->submitted;
		event->done = done;
		first = event->begin < first ? event->begin : first;
		last = event->end > last ? event->end : last;
		kiln_trace_add(trace, event);
	}
	if (!calibration && last)
		kiln_clock_fit_add(&trace->fit, marks->submitted, first, last, done);
}

void kiln_marks_collect(struct kiln_stream *stream, struct kiln_stream_slot *slot)
{
	struct kiln_device *device = stream->device;
	struct kiln_trace_marks *marks = slot->marks;
	struct kiln_calibration calibration;
	bool calibrated;

	if (marks->count == 0)
		return;
	memset(marks->results, 0, sizeof(marks->results));
	/* What is not there, as on a lost device, stays 0. */
	(void)device->vk.vkGetQueryPoolResults(device->handle, marks->queries, 0, 2 * marks->count,
	                                       sizeof(marks->results), marks->results,
	                                       sizeof(marks->results[0]),
	                                       VK_QUERY_RESULT_64_BIT |
	                                               VK_QUERY_RESULT_WITH_AVAILABILITY_BIT);
	calibrated = kiln_timestamps_calibrate(device, &calibration);
	kiln_mutex_lock(&device->watch.lock);
	if (device->watch.trace && device->watch.trace->number == marks->number)
		add_marks(device->watch.trace, stream, marks, calibrated ? &calibration : NULL);
	kiln_mutex_unlock(&device->watch.lock);
	kiln_marks_restart(marks);
}

void kiln_marks_finish(struct kiln_device *device, struct kiln_trace_marks *marks)
{
	if (!marks)
		return;
	device->vk.vkDestroyQueryPool(device->handle, marks->queries, NULL);
	kiln_free(marks);
}
