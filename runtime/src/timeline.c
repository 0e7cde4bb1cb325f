#include "timeline.h"

#include <base/alloc.h>

#include "debug_name.h"
#include "device.h"

static struct kiln_timeline *take_old(struct kiln_device *device)
{
	struct kiln_timeline *timeline;

	kiln_mutex_lock(&device->streams_lock);
	timeline = device->timelines;
	if (timeline)
		device->timelines = timeline->next;
	kiln_mutex_unlock(&device->streams_lock);
	return timeline;
}

static struct kiln_timeline *create(struct kiln_device *device)
{
	VkSemaphoreTypeCreateInfo type = {
		.sType = VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO,
		.semaphoreType = VK_SEMAPHORE_TYPE_TIMELINE,
	};
	VkSemaphoreCreateInfo info = {.sType = VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO, .pNext = &type};
	struct kiln_timeline *timeline = kiln_alloc_zero(1, sizeof(*timeline));

	if (timeline && device->vk.vkCreateSemaphore(device->handle, &info, NULL, &timeline->handle) < 0) {
		kiln_free(timeline);
		return NULL;
	}
	if (timeline)
		kiln_debug_name(device, VK_OBJECT_TYPE_SEMAPHORE, (uint64_t)(uintptr_t)timeline->handle,
		                "timeline");
	return timeline;
}

struct kiln_timeline *kiln_timeline_take(struct kiln_device *device)
{
	struct kiln_timeline *timeline = take_old(device);

	return timeline ? timeline : create(device);
}

void kiln_timeline_give(struct kiln_device *device, struct kiln_timeline *timeline, uint64_t value)
{
	if (!timeline)
		return;
	timeline->value = value;
	kiln_mutex_lock(&device->streams_lock);
	timeline->next = device->timelines;
	device->timelines = timeline;
	kiln_mutex_unlock(&device->streams_lock);
}

void kiln_timelines_finish(struct kiln_device *device)
{
	while (device->timelines) {
		struct kiln_timeline *next = device->timelines->next;

		device->vk.vkDestroySemaphore(device->handle, device->timelines->handle, NULL);
		kiln_free(device->timelines);
		device->timelines = next;
	}
}
