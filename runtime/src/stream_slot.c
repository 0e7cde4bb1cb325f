#include "stream_slot.h"

#include <string.h>

#include <base/alloc.h>
#include <base/error.h>

#include "buffer.h"
#include "debug_name.h"
#include "device.h"
#include "pipeline.h"
#include "stream_command.h"

static enum kiln_status create(struct kiln_device *device, uint32_t queue_family,
                               struct kiln_stream_slot *slot)
{
	enum kiln_status status =
		kiln_command_create(device, queue_family, &slot->pool, &slot->commands, &slot->fence);

	if (status != KILN_OK)
		kiln_slot_finish(device, slot);
	return status;
}

void kiln_slot_finish(struct kiln_device *device, struct kiln_stream_slot *slot)
{
	kiln_slot_sets_finish(device, &slot->sets);
	kiln_marks_finish(device, slot->marks);
	if (slot->fence)
		device->vk.vkDestroyFence(device->handle, slot->fence, NULL);
	if (slot->pool)
		device->vk.vkDestroyCommandPool(device->handle, slot->pool, NULL);
	memset(slot, 0, sizeof(*slot));
}

static enum kiln_status recycle(struct kiln_device *device, struct kiln_stream_slot *slot)
{
	enum kiln_status status = KILN_OK;

	KILN_VK(device, status, out, device->vk.vkResetFences(device->handle, 1, &slot->fence));
	KILN_VK(device, status, out, device->vk.vkResetCommandPool(device->handle, slot->pool, 0));
	KILN_TRY(kiln_slot_sets_restart(device, &slot->sets));
	slot->recorded = 0;
	slot->first = slot->last = NULL;
	slot->ended = false;
	if (slot->marks)
		kiln_marks_restart(slot->marks);
out:
	return status;
}

enum kiln_status kiln_slot_begin(struct kiln_device *device, uint32_t queue_family,
                                 struct kiln_stream_slot *slot)
{
	VkCommandBufferBeginInfo info = {
		.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO,
		.flags = VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT,
	};
	enum kiln_status status = KILN_OK;

	KILN_TRY(slot->pool ? recycle(device, slot) : create(device, queue_family, slot));
	KILN_VK(device, status, out, device->vk.vkBeginCommandBuffer(slot->commands, &info));
out:
	return status;
}

void kiln_slot_name(const struct kiln_stream *stream, const struct kiln_stream_slot *slot)
{
	unsigned number = (unsigned)(slot - stream->slots);

	kiln_debug_name(stream->device, VK_OBJECT_TYPE_COMMAND_BUFFER, (uint64_t)(uintptr_t)slot->commands,
	                "stream '%s', slot %u", stream->name, number);
	kiln_debug_name(stream->device, VK_OBJECT_TYPE_COMMAND_POOL, (uint64_t)(uintptr_t)slot->pool,
	                "stream '%s', slot %u", stream->name, number);
	kiln_debug_name(stream->device, VK_OBJECT_TYPE_FENCE, (uint64_t)(uintptr_t)slot->fence,
	                "stream '%s', slot %u", stream->name, number);
}

/* The last barrier makes everything written readable by the host once the fence has signalled. Where the driver cannot end
 * the list, what was enqueued can never run, and the device counts as lost. */
static enum kiln_status end(struct kiln_stream *stream, struct kiln_stream_slot *slot)
{
	struct kiln_device *device = stream->device;
	enum kiln_status status = KILN_OK;

	kiln_command_to_host(device, slot->commands);
	slot->ended = true;
	KILN_VK(device, status, lost, device->vk.vkEndCommandBuffer(slot->commands));
	return KILN_OK;
lost:
	kiln_loss_latch(device, stream, VK_SUCCESS, "vkEndCommandBuffer");
	return status;
}

/* The timeline says to other submissions what the fence says to the host. */
struct submission {
	VkSemaphore waits[KILN_STREAM_DEPENDENCIES];
	uint64_t wait_values[KILN_STREAM_DEPENDENCIES], signal_value;
	VkPipelineStageFlags stages[KILN_STREAM_DEPENDENCIES];
	VkTimelineSemaphoreSubmitInfo timeline;
	VkSubmitInfo info;
};

static void describe(const struct kiln_stream *stream, struct kiln_stream_slot *slot,
                     struct kiln_command_list *list, struct submission *out)
{
	for (uint32_t i = 0; i < stream->dependency_count; i++) {
		out->waits[i] = stream->dependencies[i].timeline;
		out->wait_values[i] = stream->dependencies[i].value;
		out->stages[i] = VK_PIPELINE_STAGE_ALL_COMMANDS_BIT;
	}
	out->signal_value = stream->timeline_base + slot->ticket;
	out->timeline = (VkTimelineSemaphoreSubmitInfo){
		.sType = VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO,
		.waitSemaphoreValueCount = stream->dependency_count,
		.pWaitSemaphoreValues = out->wait_values,
		.signalSemaphoreValueCount = stream->timeline ? 1 : 0,
		.pSignalSemaphoreValues = &out->signal_value,
	};
	out->info = (VkSubmitInfo){
		.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
		.pNext = stream->timeline || stream->dependency_count ? &out->timeline : NULL,
		.waitSemaphoreCount = stream->dependency_count,
		.pWaitSemaphores = out->waits,
		.pWaitDstStageMask = out->stages,
		.commandBufferCount = list ? list->count : 1,
		.pCommandBuffers = list ? list->commands : &slot->commands,
		.signalSemaphoreCount = stream->timeline ? 1 : 0,
		.pSignalSemaphores = stream->timeline ? &stream->timeline->handle : NULL,
	};
}

enum kiln_status kiln_slot_submit(struct kiln_stream *stream, struct kiln_stream_slot *slot,
                                  struct kiln_command_list *list)
{
	struct kiln_device *device = stream->device;
	const uint64_t start = kiln_trace_now(&device->watch);
	struct kiln_command_list longer = {0};
	struct submission submission;
	VkResult result;

	if (!slot->ended)
		KILN_TRY(end(stream, slot));
	if (slot->marks)
		list = kiln_marks_submit(device, slot, list, &longer);
	if (list)
		list->commands[0] = slot->commands;
	describe(stream, slot, list, &submission);
	kiln_device_queue_lock(stream->queue);
	result = device->vk.vkQueueSubmit(stream->queue->handle, 1, &submission.info, slot->fence);
	slot->number = atomic_load_explicit(&stream->queue->submitted, memory_order_relaxed) + (result >= 0);
	atomic_store_explicit(&stream->queue->submitted, slot->number, memory_order_release);
	kiln_device_queue_unlock(stream->queue);
	kiln_free(longer.commands);
	kiln_trace_host(device, KILN_TRACE_SUBMIT, stream->name, start, slot->ticket);
	if (result < 0)
		return kiln_loss_error_in(stream, result, "vkQueueSubmit");
	slot->launches_after = atomic_load_explicit(&stream->launches, memory_order_relaxed);
	slot->ended = false;
	slot->pending = true;
	return KILN_OK;
}
