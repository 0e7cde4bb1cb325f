#include "stream_slot.h"

#include <string.h>

#include <base/alloc.h>
#include <base/error.h>

#include "buffer.h"
#include "device.h"
#include "pipeline.h"

enum { POOL_SETS = 128, POOL_STORAGE = 512, POOL_UNIFORM = 128 };

static enum kiln_status create(struct kiln_device *device, struct kiln_stream_slot *slot)
{
	VkCommandPoolCreateInfo pool = {
		.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
		.flags = VK_COMMAND_POOL_CREATE_TRANSIENT_BIT,
		.queueFamilyIndex = device->queue_family,
	};
	VkCommandBufferAllocateInfo commands = {
		.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
		.level = VK_COMMAND_BUFFER_LEVEL_PRIMARY,
		.commandBufferCount = 1,
	};
	VkFenceCreateInfo fence = {.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};
	enum kiln_status status = KILN_OK;

	KILN_VK_NEW(device, status, out, slot->pool,
	            device->vk.vkCreateCommandPool(device->handle, &pool, NULL, &slot->pool));
	commands.commandPool = slot->pool;
	KILN_VK(device, status, out,
	        device->vk.vkAllocateCommandBuffers(device->handle, &commands, &slot->commands));
	KILN_VK_NEW(device, status, out, slot->fence,
	            device->vk.vkCreateFence(device->handle, &fence, NULL, &slot->fence));
	return KILN_OK;
out:
	kiln_slot_finish(device, slot);
	return status;
}

void kiln_slot_finish(struct kiln_device *device, struct kiln_stream_slot *slot)
{
	for (uint32_t i = 0; i < slot->pool_count; i++)
		device->vk.vkDestroyDescriptorPool(device->handle, slot->pools[i].handle, NULL);
	kiln_free(slot->pools);
	if (slot->fence)
		device->vk.vkDestroyFence(device->handle, slot->fence, NULL);
	if (slot->pool)
		device->vk.vkDestroyCommandPool(device->handle, slot->pool, NULL);
	memset(slot, 0, sizeof(*slot));
}

static void refill(struct kiln_descriptor_pool *pool)
{
	pool->sets_left = POOL_SETS;
	pool->storage_left = POOL_STORAGE;
	pool->uniform_left = POOL_UNIFORM;
}

static enum kiln_status recycle(struct kiln_device *device, struct kiln_stream_slot *slot)
{
	enum kiln_status status = KILN_OK;

	KILN_VK(device, status, out, device->vk.vkResetFences(device->handle, 1, &slot->fence));
	KILN_VK(device, status, out, device->vk.vkResetCommandPool(device->handle, slot->pool, 0));
	for (uint32_t i = 0; i < slot->pool_count; i++) {
		KILN_VK(device, status, out,
		        device->vk.vkResetDescriptorPool(device->handle, slot->pools[i].handle, 0));
		refill(&slot->pools[i]);
	}
	slot->pool_current = 0;
	slot->recorded = 0;
	slot->ended = false;
out:
	return status;
}

enum kiln_status kiln_slot_begin(struct kiln_device *device, struct kiln_stream_slot *slot)
{
	VkCommandBufferBeginInfo info = {
		.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO,
		.flags = VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT,
	};
	enum kiln_status status = KILN_OK;

	KILN_TRY(slot->pool ? recycle(device, slot) : create(device, slot));
	KILN_VK(device, status, out, device->vk.vkBeginCommandBuffer(slot->commands, &info));
out:
	return status;
}

/* The last barrier makes everything written readable by the host once the fence has signalled. Where the driver cannot end
 * the list, what was enqueued can never run, and the device counts as lost. */
static enum kiln_status end(struct kiln_device *device, struct kiln_stream_slot *slot)
{
	VkMemoryBarrier to_host = {
		.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
		.srcAccessMask = VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_TRANSFER_WRITE_BIT,
		.dstAccessMask = VK_ACCESS_HOST_READ_BIT | VK_ACCESS_HOST_WRITE_BIT,
	};
	enum kiln_status status = KILN_OK;

	device->vk.vkCmdPipelineBarrier(slot->commands,
	                                VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_TRANSFER_BIT,
	                                VK_PIPELINE_STAGE_HOST_BIT, 0, 1, &to_host, 0, NULL, 0, NULL);
	slot->ended = true;
	KILN_VK(device, status, lost, device->vk.vkEndCommandBuffer(slot->commands));
	return KILN_OK;
lost:
	kiln_device_lose(device);
	return status;
}

enum kiln_status kiln_slot_submit(struct kiln_device *device, struct kiln_stream_slot *slot, VkQueue queue)
{
	VkSubmitInfo info = {
		.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
		.commandBufferCount = 1,
		.pCommandBuffers = &slot->commands,
	};
	enum kiln_status status = KILN_OK;

	if (!slot->ended)
		KILN_TRY(end(device, slot));
	KILN_VK(device, status, out, device->vk.vkQueueSubmit(queue, 1, &info, slot->fence));
	slot->ended = false;
	slot->pending = true;
out:
	return status;
}

static enum kiln_status add_pool(struct kiln_device *device, struct kiln_stream_slot *slot)
{
	static const VkDescriptorPoolSize sizes[] = {
		{VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, POOL_STORAGE},
		{VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER, POOL_UNIFORM},
	};
	VkDescriptorPoolCreateInfo info = {
		.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO,
		.maxSets = POOL_SETS,
		.poolSizeCount = 2,
		.pPoolSizes = sizes,
	};
	struct kiln_descriptor_pool *pools =
		kiln_realloc(slot->pools, (slot->pool_count + 1u) * sizeof(*slot->pools));
	enum kiln_status status = KILN_OK;

	if (!pools)
		return kiln_error(KILN_ERR_OUT_OF_MEMORY,
		                  "out of memory recording a launch. Fix: free memory and call again");
	slot->pools = pools;
	KILN_VK(device, status, out, /* counted only when it is there */
	        device->vk.vkCreateDescriptorPool(device->handle, &info, NULL,
	                                          &pools[slot->pool_count].handle));
	refill(&pools[slot->pool_count]);
	slot->pool_count++;
out:
	return status;
}

static bool fits(const struct kiln_descriptor_pool *pool, uint32_t sets, uint32_t storage, uint32_t uniform)
{
	return sets <= pool->sets_left && storage <= pool->storage_left && uniform <= pool->uniform_left;
}

/* The pool this launch's sets come from, with room for all of them. Launches are bounded to KILN_BUFFERS_MAX bindings, so an
 * empty pool always has room. */
static enum kiln_status take_pool(struct kiln_device *device, struct kiln_stream_slot *slot,
                                  const struct kiln_stream_launch *launch,
                                  struct kiln_descriptor_pool **out_pool)
{
	uint32_t storage = 0, uniform = 0;
	struct kiln_descriptor_pool *pool;

	for (size_t i = 0; i < launch->entry->binding_count; i++) {
		const struct kiln_layout_binding *layout = &launch->entry->bindings[i].layout;

		*(layout->type == KILN_BINDING_UNIFORM_BUFFER ? &uniform : &storage) += layout->count;
	}
	while (slot->pool_current < slot->pool_count &&
	       !fits(&slot->pools[slot->pool_current], launch->pipeline->set_count, storage, uniform))
		slot->pool_current++;
	if (slot->pool_current == slot->pool_count)
		KILN_TRY(add_pool(device, slot));
	pool = &slot->pools[slot->pool_current];
	pool->sets_left -= launch->pipeline->set_count;
	pool->storage_left -= storage;
	pool->uniform_left -= uniform;
	*out_pool = pool;
	return KILN_OK;
}

static void write_sets(struct kiln_device *device, const struct kiln_stream_launch *launch,
                       const VkDescriptorSet *sets)
{
	VkDescriptorBufferInfo buffers[KILN_BUFFERS_MAX];
	VkWriteDescriptorSet writes[KILN_BUFFERS_MAX];
	uint32_t write_count = 0, element = 0;

	for (uint32_t i = 0; i < launch->binding_count; i++)
		buffers[i] = (VkDescriptorBufferInfo){launch->bindings[i].buffer->handle,
		                                      launch->bindings[i].offset, launch->bindings[i].bytes};
	for (size_t i = 0; i < launch->entry->binding_count; i++) {
		const struct kiln_layout_binding *layout = &launch->entry->bindings[i].layout;

		writes[write_count++] = (VkWriteDescriptorSet){
			.sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
			.dstSet = sets[layout->set],
			.dstBinding = layout->binding,
			.descriptorCount = layout->count,
			.descriptorType = layout->type == KILN_BINDING_UNIFORM_BUFFER
		                                  ? VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER
		                                  : VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
			.pBufferInfo = &buffers[element],
		};
		element += layout->count;
	}
	device->vk.vkUpdateDescriptorSets(device->handle, write_count, writes, 0, NULL);
}

enum kiln_status kiln_slot_bind(struct kiln_device *device, struct kiln_stream_slot *slot,
                                const struct kiln_stream_launch *launch)
{
	struct kiln_descriptor_pool *pool;
	VkDescriptorSet sets[KILN_SETS_MAX];
	VkDescriptorSetAllocateInfo info = {
		.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO,
		.descriptorSetCount = launch->pipeline->set_count,
		.pSetLayouts = launch->pipeline->sets,
	};
	enum kiln_status status = KILN_OK;

	if (launch->binding_count == 0)
		return KILN_OK;
	KILN_TRY(take_pool(device, slot, launch, &pool));
	info.descriptorPool = pool->handle;
	KILN_VK(device, status, out, device->vk.vkAllocateDescriptorSets(device->handle, &info, sets));
	write_sets(device, launch, sets);
	device->vk.vkCmdBindDescriptorSets(slot->commands, VK_PIPELINE_BIND_POINT_COMPUTE,
	                                   launch->pipeline->layout, 0, launch->pipeline->set_count, sets, 0,
	                                   NULL);
out:
	return status;
}
