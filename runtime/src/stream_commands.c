/* What a stream can be told to do, with a barrier before it where a hazard asks for one. */
#include "stream.h"

#include <string.h>

#include "buffer.h"
#include "device.h"
#include "pipeline.h"
#include "stream_slot.h"

static void barrier(struct kiln_device *device, struct kiln_stream_slot *slot)
{
	const VkPipelineStageFlags stages =
		VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_TRANSFER_BIT;
	VkMemoryBarrier memory = {
		.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
		.srcAccessMask = VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_TRANSFER_WRITE_BIT,
		.dstAccessMask = VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_SHADER_WRITE_BIT |
	                         VK_ACCESS_UNIFORM_READ_BIT | VK_ACCESS_TRANSFER_READ_BIT |
	                         VK_ACCESS_TRANSFER_WRITE_BIT,
	};

	device->vk.vkCmdPipelineBarrier(slot->commands, stages, stages, 0, 1, &memory, 0, NULL, 0, NULL);
	device->stream.epoch++;
	atomic_fetch_add_explicit(&device->barriers, 1, memory_order_relaxed);
}

static void order(struct kiln_device *device, struct kiln_stream_slot *slot,
                  const struct kiln_stream_binding *bindings, uint32_t count)
{
	struct kiln_stream *stream = &device->stream;
	bool hazard = false;

	for (uint32_t i = 0; i < count && !hazard; i++)
		hazard = kiln_hazard(&bindings[i].buffer->use, bindings[i].access, stream->epoch);
	if (hazard)
		barrier(device, slot);
	for (uint32_t i = 0; i < count; i++)
		kiln_hazard_note(&bindings[i].buffer->use, bindings[i].access, stream->epoch, slot->ticket);
}

static void push_constants(struct kiln_device *device, struct kiln_stream_slot *slot,
                           const struct kiln_stream_launch *launch)
{
	uint32_t whole = launch->push_bytes & ~3u, rest = launch->push_bytes & 3u;
	uint32_t tail = 0;

	if (whole)
		device->vk.vkCmdPushConstants(slot->commands, launch->pipeline->layout,
		                              VK_SHADER_STAGE_COMPUTE_BIT, 0, whole, launch->push);
	if (!rest)
		return;
	/* Vulkan pushes whole words; the block's last bytes are padded here. */
	memcpy(&tail, (const char *)launch->push + whole, rest);
	device->vk.vkCmdPushConstants(slot->commands, launch->pipeline->layout, VK_SHADER_STAGE_COMPUTE_BIT,
	                              whole, 4, &tail);
}

static void record_launch(struct kiln_device *device, struct kiln_stream_slot *slot,
                          const struct kiln_stream_launch *launch)
{
	order(device, slot, launch->bindings, launch->binding_count);
	device->vk.vkCmdBindPipeline(slot->commands, VK_PIPELINE_BIND_POINT_COMPUTE,
	                             launch->pipeline->handle);
	push_constants(device, slot, launch);
	device->vk.vkCmdDispatch(slot->commands, launch->groups[0], launch->groups[1], launch->groups[2]);
	launch->pipeline->ticket = slot->ticket;
	atomic_fetch_add_explicit(&device->launches, 1, memory_order_relaxed);
}

enum kiln_status kiln_stream_launch(struct kiln_device *device, struct kiln_stream_launch *launch)
{
	struct kiln_stream_slot *slot;
	enum kiln_status status;

	KILN_TRY(kiln_stream_begin(device, &slot));
	launch->pipeline = atomic_load_explicit(launch->current, memory_order_acquire);
	status = kiln_slot_bind(device, slot, launch);
	if (status == KILN_OK)
		record_launch(device, slot, launch);
	kiln_stream_end(device, status == KILN_OK);
	return status;
}

enum kiln_status kiln_stream_copy(struct kiln_device *device, struct kiln_buffer *source,
                                  uint64_t source_offset, struct kiln_buffer *target, uint64_t target_offset,
                                  uint64_t bytes)
{
	const struct kiln_stream_binding ends[2] = {
		{source, source_offset, bytes, KILN_ACCESS_READ},
		{target, target_offset, bytes, KILN_ACCESS_WRITE},
	};
	const VkBufferCopy region = {source_offset, target_offset, bytes};
	struct kiln_stream_slot *slot;

	KILN_TRY(kiln_stream_begin(device, &slot));
	order(device, slot, ends, 2);
	device->vk.vkCmdCopyBuffer(slot->commands, source->handle, target->handle, 1, &region);
	kiln_stream_end(device, 1);
	return KILN_OK;
}

enum kiln_status kiln_stream_fill(struct kiln_device *device, struct kiln_buffer *buffer, uint64_t offset,
                                  uint64_t bytes, uint32_t value)
{
	const struct kiln_stream_binding range = {buffer, offset, bytes, KILN_ACCESS_WRITE};
	struct kiln_stream_slot *slot;

	KILN_TRY(kiln_stream_begin(device, &slot));
	order(device, slot, &range, 1);
	device->vk.vkCmdFillBuffer(slot->commands, buffer->handle, offset, bytes, value);
	kiln_stream_end(device, 1);
	return KILN_OK;
}
