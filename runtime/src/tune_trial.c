#include "tune_trial.h"

#include <string.h>

#include "buffer.h"
#include "device.h"
#include "stream_command.h"

static enum kiln_status allocate(struct kiln_tune_trial *trial, struct kiln_device *device)
{
	static const VkDescriptorPoolSize sizes[] = {
		{VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, KILN_BUFFERS_MAX},
		{VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER, KILN_BUFFERS_MAX},
	};
	VkDescriptorPoolCreateInfo pool = {
		.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO,
		.flags = kiln_descriptor_pool_flags(device),
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
	const struct kiln_stream_launch launch = {
		.entry = entry,
		.bindings = scratch->bindings,
		.binding_count = scratch->binding_count,
	};

	kiln_command_write_sets(scratch->lane->device, &launch, trial->sets);
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

void kiln_tune_trial_record(const struct kiln_tune_trial *trial, struct kiln_tune_lane *lane,
                            uint32_t dispatches)
{
	struct kiln_device *device = lane->device;

	device->vk.vkCmdBindPipeline(lane->commands, VK_PIPELINE_BIND_POINT_COMPUTE, trial->pipeline->handle);
	if (trial->pool)
		device->vk.vkCmdBindDescriptorSets(lane->commands, VK_PIPELINE_BIND_POINT_COMPUTE,
		                                   trial->pipeline->layout, 0, trial->pipeline->set_count,
		                                   trial->sets, 0, NULL);
	kiln_command_push(device, lane->commands, trial->pipeline, trial->push, trial->push_bytes);
	for (uint32_t i = 0; i < dispatches; i++) {
		if (i > 0)
			kiln_tune_lane_barrier(lane);
		device->vk.vkCmdDispatch(lane->commands, trial->groups[0], trial->groups[1],
		                         trial->groups[2]);
	}
}
