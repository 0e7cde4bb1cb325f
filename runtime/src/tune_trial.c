#include "tune_trial.h"

#include <string.h>

#include "buffer.h"
#include "device.h"

static VkDescriptorType type_of(const struct kiln_layout_binding *layout)
{
	return layout->type == KILN_BINDING_UNIFORM_BUFFER ? VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER
	                                                   : VK_DESCRIPTOR_TYPE_STORAGE_BUFFER;
}

static enum kiln_status allocate(struct kiln_tune_trial *trial, struct kiln_device *device)
{
	static const VkDescriptorPoolSize sizes[] = {
		{VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, KILN_BUFFERS_MAX},
		{VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER, KILN_BUFFERS_MAX},
	};
	VkDescriptorPoolCreateInfo pool = {
		.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO,
		.maxSets = KILN_SETS_MAX,
		.poolSizeCount = 2,
		.pPoolSizes = sizes,
	};
	VkDescriptorSetAllocateInfo sets = {
		.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO,
		.descriptorSetCount = trial->pipeline->set_count,
		.pSetLayouts = trial->pipeline->sets,
	};
	enum kiln_status status = KILN_OK;

	KILN_VK_NEW(device, status, out, trial->pool,
	            device->vk.vkCreateDescriptorPool(device->handle, &pool, NULL, &trial->pool));
	sets.descriptorPool = trial->pool;
	KILN_VK(device, status, out, device->vk.vkAllocateDescriptorSets(device->handle, &sets, trial->sets));
out:
	return status;
}

static void write_sets(struct kiln_tune_trial *trial, const struct kiln_tune_scratch *scratch,
                       const struct kiln_entry_point *entry)
{
	struct kiln_device *device = scratch->lane->device;
	VkDescriptorBufferInfo buffers[KILN_BUFFERS_MAX];
	VkWriteDescriptorSet writes[KILN_BUFFERS_MAX];
	uint32_t write_count = 0, element = 0;

	for (uint32_t i = 0; i < scratch->binding_count; i++)
		buffers[i] =
			(VkDescriptorBufferInfo){scratch->bindings[i].buffer->handle,
		                                 scratch->bindings[i].offset, scratch->bindings[i].bytes};
	for (size_t i = 0; i < entry->binding_count; i++) {
		const struct kiln_layout_binding *layout = &entry->bindings[i].layout;

		writes[write_count++] = (VkWriteDescriptorSet){
			.sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
			.dstSet = trial->sets[layout->set],
			.dstBinding = layout->binding,
			.descriptorCount = layout->count,
			.descriptorType = type_of(layout),
			.pBufferInfo = &buffers[element],
		};
		element += layout->count;
	}
	device->vk.vkUpdateDescriptorSets(device->handle, write_count, writes, 0, NULL);
}

enum kiln_status kiln_tune_trial_init(struct kiln_tune_trial *trial, const struct kiln_tune_scratch *scratch,
                                      struct kiln_pipeline *pipeline, const struct kiln_entry_point *entry)
{
	enum kiln_status status;

	trial->pipeline = pipeline;
	if (scratch->binding_count == 0)
		return KILN_OK;
	status = allocate(trial, scratch->lane->device);
	if (status == KILN_OK)
		write_sets(trial, scratch, entry);
	else
		kiln_tune_trial_finish(trial, scratch->lane);
	return status;
}

void kiln_tune_trial_finish(struct kiln_tune_trial *trial, struct kiln_tune_lane *lane)
{
	if (trial->pool && !lane->stuck)
		lane->device->vk.vkDestroyDescriptorPool(lane->device->handle, trial->pool, NULL);
	memset(trial, 0, sizeof(*trial));
}

/* Vulkan pushes whole words; the block's last bytes are padded. */
static void push(const struct kiln_tune_trial *trial, const struct kiln_tune_lane *lane)
{
	uint32_t whole = trial->push_bytes & ~3u, rest = trial->push_bytes & 3u;
	uint32_t tail = 0;

	if (whole)
		lane->device->vk.vkCmdPushConstants(lane->commands, trial->pipeline->layout,
		                                    VK_SHADER_STAGE_COMPUTE_BIT, 0, whole, trial->push);
	if (!rest)
		return;
	memcpy(&tail, (const char *)trial->push + whole, rest);
	lane->device->vk.vkCmdPushConstants(lane->commands, trial->pipeline->layout,
	                                    VK_SHADER_STAGE_COMPUTE_BIT, whole, 4, &tail);
}

void kiln_tune_trial_record(const struct kiln_tune_trial *trial, struct kiln_tune_lane *lane,
                            uint32_t dispatches)
{
	struct kiln_device *device = lane->device;

	device->vk.vkCmdBindPipeline(lane->commands, VK_PIPELINE_BIND_POINT_COMPUTE, trial->pipeline->handle);
	if (trial->pool)
		device->vk.vkCmdBindDescriptorSets(lane->commands, VK_PIPELINE_BIND_POINT_COMPUTE,
		                                   trial->pipeline->layout, 0, trial->pipeline->set_count,
		                                   trial->sets, 0, NULL);
	push(trial, lane);
	for (uint32_t i = 0; i < dispatches; i++) {
		if (i > 0)
			kiln_tune_lane_barrier(lane);
		device->vk.vkCmdDispatch(lane->commands, trial->groups[0], trial->groups[1],
		                         trial->groups[2]);
	}
}
