#include "stream_command.h"

#include <string.h>

#include "buffer.h"
#include "device.h"
#include "image.h"
#include "pipeline.h"

enum kiln_status kiln_command_create(struct kiln_device *device, uint32_t queue_family, VkCommandPool *out_pool,
                                     VkCommandBuffer *out_commands, VkFence *out_fence)
{
	VkCommandPoolCreateInfo pool = {
		.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
		.flags = VK_COMMAND_POOL_CREATE_TRANSIENT_BIT,
		.queueFamilyIndex = queue_family,
	};
	VkCommandBufferAllocateInfo commands = {
		.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
		.level = VK_COMMAND_BUFFER_LEVEL_PRIMARY,
		.commandBufferCount = 1,
	};
	VkFenceCreateInfo fence = {.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};
	enum kiln_status status = KILN_OK;

	KILN_VK_NEW(device, status, out, *out_pool,
	            device->vk.vkCreateCommandPool(device->handle, &pool, NULL, out_pool));
	commands.commandPool = *out_pool;
	KILN_VK(device, status, out,
	        device->vk.vkAllocateCommandBuffers(device->handle, &commands, out_commands));
	KILN_VK_NEW(device, status, out, *out_fence,
	            device->vk.vkCreateFence(device->handle, &fence, NULL, out_fence));
out:
	return status;
}

void kiln_command_barrier_and(struct kiln_device *device, VkCommandBuffer commands,
                              const VkImageMemoryBarrier *image)
{
	VkPipelineStageFlags stages = VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_TRANSFER_BIT;
	VkMemoryBarrier memory = {
		.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
		.srcAccessMask = VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_TRANSFER_WRITE_BIT,
		.dstAccessMask = VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_SHADER_WRITE_BIT |
	                         VK_ACCESS_UNIFORM_READ_BIT | VK_ACCESS_TRANSFER_READ_BIT |
	                         VK_ACCESS_TRANSFER_WRITE_BIT,
	};

	/* Only where some dispatch can read its workgroup counts from memory: some devices pay for it. */
	if (atomic_load_explicit(&device->helpers.modes, memory_order_relaxed)) {
		stages |= VK_PIPELINE_STAGE_DRAW_INDIRECT_BIT;
		memory.dstAccessMask |= VK_ACCESS_INDIRECT_COMMAND_READ_BIT;
	}
	device->vk.vkCmdPipelineBarrier(commands, stages, stages, 0, 1, &memory, 0, NULL, image ? 1 : 0,
	                                image);
}

void kiln_command_barrier(struct kiln_device *device, VkCommandBuffer commands)
{
	kiln_command_barrier_and(device, commands, NULL);
}

void kiln_command_to_host(struct kiln_device *device, VkCommandBuffer commands)
{
	VkMemoryBarrier memory = {
		.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
		.srcAccessMask = VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_TRANSFER_WRITE_BIT,
		.dstAccessMask = VK_ACCESS_HOST_READ_BIT | VK_ACCESS_HOST_WRITE_BIT,
	};

	device->vk.vkCmdPipelineBarrier(commands,
	                                VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_TRANSFER_BIT,
	                                VK_PIPELINE_STAGE_HOST_BIT, 0, 1, &memory, 0, NULL, 0, NULL);
}

/* Vulkan pushes whole words; the block's last bytes are padded here. */
void kiln_command_push(struct kiln_device *device, VkCommandBuffer commands,
                       const struct kiln_pipeline *pipeline, const void *push, uint32_t push_bytes)
{
	uint32_t whole = push_bytes & ~3u, rest = push_bytes & 3u;
	uint32_t tail = 0;

	if (whole)
		device->vk.vkCmdPushConstants(commands, pipeline->layout, VK_SHADER_STAGE_COMPUTE_BIT, 0,
		                              whole, push);
	if (!rest)
		return;
	memcpy(&tail, (const char *)push + whole, rest);
	device->vk.vkCmdPushConstants(commands, pipeline->layout, VK_SHADER_STAGE_COMPUTE_BIT, whole, 4,
	                              &tail);
}

/* An image's binding names its sampler where a buffer's has the offset. */
static VkDescriptorImageInfo describe_image(const struct kiln_device *device, uint32_t type,
                                            const struct kiln_stream_binding *binding)
{
	const struct kiln_image *image = binding->buffer->image;
	bool sampled = type == KILN_BINDING_SAMPLER || type == KILN_BINDING_COMBINED_IMAGE_SAMPLER;

	return (VkDescriptorImageInfo){
		.sampler = sampled ? kiln_sampler_handle(device, (uint32_t)binding->offset) : VK_NULL_HANDLE,
		.imageView = image ? image->view : VK_NULL_HANDLE,
		.imageLayout = image ? VK_IMAGE_LAYOUT_GENERAL : VK_IMAGE_LAYOUT_UNDEFINED,
	};
}

static bool is_buffer(uint32_t type)
{
	return type == KILN_BINDING_STORAGE_BUFFER || type == KILN_BINDING_UNIFORM_BUFFER;
}

void kiln_command_write_sets(struct kiln_device *device, const struct kiln_stream_launch *launch,
                             const VkDescriptorSet *sets)
{
	VkDescriptorBufferInfo buffers[KILN_BUFFERS_MAX];
	VkDescriptorImageInfo images[KILN_BUFFERS_MAX];
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
			.descriptorType = kiln_descriptor_type(layout->type),
			.pBufferInfo = &buffers[element],
			.pImageInfo = &images[element],
		};
		for (uint32_t e = 0; e < layout->count && !is_buffer(layout->type); e++)
			images[element + e] =
				describe_image(device, layout->type, &launch->bindings[element + e]);
		element += layout->count;
	}
	device->vk.vkUpdateDescriptorSets(device->handle, write_count, writes, 0, NULL);
}
