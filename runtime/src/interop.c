/* Kiln's handles for the program, and semaphores between the two. */
#include "vulkan_api.h" /* first: without prototypes */

#include <kiln/vulkan.h>

#include <base/error.h>

#include "device.h"
#include "stream.h"
#include "stream_slot.h"
#include "timeline.h"

enum kiln_status kiln_device_vulkan(struct kiln_device *device, struct kiln_vulkan_device *out_vulkan)
{
	struct kiln_vulkan_device vulkan = {0};

	KILN_CHECK(device, "kiln_device_vulkan: the device is NULL. Fix: open one with kiln_device_open()");
	KILN_CHECK(out_vulkan, "kiln_device_vulkan: out_vulkan is NULL. Fix: pass where the handles go");
	KILN_TRY(kiln_device_check(device));
	kiln_device_lend(device);
	vulkan.instance = device->instance.handle;
	vulkan.physical_device = device->physical;
	vulkan.device = device->handle;
	vulkan.get_instance_proc_addr = device->instance.get;
	vulkan.api_version = device->capabilities.api_version;
	vulkan.queue_count = device->queue_count;
	for (uint32_t i = 0; i < 2; i++) {
		struct kiln_device_queue *queue = &device->queues[i < device->queue_count ? i : 0];

		kiln_device_queue_ready(device, queue);
		vulkan.queues[i].handle = queue->handle;
		vulkan.queues[i].family = queue->family;
		vulkan.queues[i].index = queue->index;
	}
	*out_vulkan = vulkan;
	return KILN_OK;
}

static struct kiln_device_queue *queue_of(struct kiln_device *device, enum kiln_queue queue)
{
	return &device->queues[queue == KILN_QUEUE_ASYNC ? device->queue_count - 1 : 0];
}

void kiln_vulkan_queue_lock(struct kiln_device *device, enum kiln_queue queue)
{
	if (device && !kiln_device_is_inherited(device))
		kiln_device_queue_lock(queue_of(device, queue));
}

void kiln_vulkan_queue_unlock(struct kiln_device *device, enum kiln_queue queue)
{
	if (device && !kiln_device_is_inherited(device))
		kiln_device_queue_unlock(queue_of(device, queue));
}

static enum kiln_status check_timelines(struct kiln_device *device, const char *call)
{
	KILN_TRY(kiln_device_check(device));
	if (device->has_timeline)
		return KILN_OK;
	return kiln_error(KILN_ERR_UNSUPPORTED,
	                  "%s: device '%s' has no timeline semaphores. Fix: wait with kiln_ticket_wait(), or "
	                  "choose another device",
	                  call, device->info.name);
}

/* Semaphores live as long as their device, and a value of 0 is reached from the start. */
static enum kiln_status already_reached(struct kiln_device *device,
                                        struct kiln_stream_dependency *out_dependency)
{
	struct kiln_timeline *timeline = kiln_timeline_take(device);

	if (!timeline)
		return kiln_error(
			KILN_ERR_OUT_OF_DEVICE_MEMORY,
			"kiln_ticket_vulkan: no memory for a semaphore. Fix: free memory and call again");
	*out_dependency = (struct kiln_stream_dependency){timeline->handle, 0};
	kiln_timeline_give(device, timeline, timeline->value);
	return KILN_OK;
}

/* The ticket as others see it. No timeline: it was submitted before anybody could ask, and is done now. */
static enum kiln_status reach(struct kiln_stream *stream, uint64_t ticket,
                              struct kiln_stream_dependency *out_dependency)
{
	enum kiln_status status = KILN_OK;
	bool done;

	kiln_mutex_lock(&stream->lock);
	if (ticket == stream->next_ticket)
		status = kiln_stream_submit_locked(stream, NULL);
	done = ticket <= atomic_load_explicit(&stream->done_ticket, memory_order_relaxed) ||
	       ticket >= stream->next_ticket; /* nothing was enqueued since */
	if (status == KILN_OK && !done && stream->timeline && ticket >= stream->timeline_from)
		*out_dependency = (struct kiln_stream_dependency){stream->timeline->handle,
		                                                  stream->timeline_base + ticket};
	kiln_mutex_unlock(&stream->lock);
	if (status != KILN_OK || done || out_dependency->timeline)
		return status;
	return kiln_stream_wait_device(stream, ticket, KILN_WAIT_FOREVER);
}

enum kiln_status kiln_ticket_vulkan(struct kiln_device *device, struct kiln_ticket ticket,
                                    VkSemaphore *out_semaphore, uint64_t *out_value)
{
	struct kiln_stream_dependency dependency = {0};
	struct kiln_stream *stream;
	enum kiln_status status;

	KILN_CHECK(out_semaphore && out_value,
	           "kiln_ticket_vulkan: an output is NULL. Fix: pass the addresses of both");
	KILN_TRY(kiln_ticket_find(device, ticket, "kiln_ticket_vulkan", &stream));
	status = stream ? kiln_ticket_check(stream, ticket) : KILN_OK;
	if (status == KILN_OK)
		status = check_timelines(device, "kiln_ticket_vulkan");
	if (status == KILN_OK)
		kiln_device_lend(device);
	if (status == KILN_OK && stream)
		status = reach(stream, ticket.value, &dependency);
	if (stream)
		kiln_stream_unreference(stream);
	KILN_TRY(status);
	if (!dependency.timeline)
		KILN_TRY(already_reached(device, &dependency));
	*out_semaphore = dependency.timeline;
	*out_value = dependency.value;
	return KILN_OK;
}

static enum kiln_status depend_outside(struct kiln_stream *stream,
                                       const struct kiln_stream_dependency *dependency)
{
	struct kiln_stream_slot *slot;
	enum kiln_status status;

	/* What is enqueued already must not wait for what only a later call is promised to wait for. */
	KILN_TRY(kiln_stream_submit(stream, NULL));
	KILN_TRY(kiln_stream_begin(stream, &slot));
	status = kiln_stream_depend(stream, dependency, &slot);
	if (status == KILN_OK)
		kiln_stream_hold(stream, slot);
	kiln_stream_end(stream, status == KILN_OK);
	return status;
}

enum kiln_status kiln_stream_after_vulkan(struct kiln_stream *stream, VkSemaphore semaphore, uint64_t value)
{
	KILN_CHECK(stream,
	           "kiln_stream_after_vulkan: the stream is NULL. Fix: create one with kiln_stream_create()");
	KILN_CHECK(
		semaphore,
		"kiln_stream_after_vulkan: the semaphore is NULL. Fix: pass a timeline semaphore of the device");
	KILN_TRY(check_timelines(stream->device, "kiln_stream_after_vulkan"));
	KILN_TRY(kiln_device_check_launch(stream->device));
	if (kiln_stream_graph(stream))
		return kiln_error(
			KILN_ERR_UNSUPPORTED,
			"kiln_stream_after_vulkan: stream '%s' is recording a graph, and graphs hold "
			"launches, copies and fills only. Fix: call it before kiln_graph_begin() or after "
			"kiln_graph_end()",
			stream->name);
	return depend_outside(stream, &(struct kiln_stream_dependency){semaphore, value});
}
