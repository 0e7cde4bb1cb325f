/* Descriptor set layouts and the pipeline layout, from the reflected interface. */
#include "pipeline.h"

#include <base/alloc.h>
#include <base/error.h>

#include "device.h"

VkDescriptorType kiln_descriptor_type(uint32_t type)
{
	switch ((enum kiln_binding_type)type) {
	case KILN_BINDING_STORAGE_BUFFER:
		return VK_DESCRIPTOR_TYPE_STORAGE_BUFFER;
	case KILN_BINDING_UNIFORM_BUFFER:
		return VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER;
	case KILN_BINDING_STORAGE_IMAGE:
		return VK_DESCRIPTOR_TYPE_STORAGE_IMAGE;
	case KILN_BINDING_SAMPLED_IMAGE:
		return VK_DESCRIPTOR_TYPE_SAMPLED_IMAGE;
	case KILN_BINDING_COMBINED_IMAGE_SAMPLER:
		return VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER;
	case KILN_BINDING_SAMPLER:
		return VK_DESCRIPTOR_TYPE_SAMPLER;
	case KILN_BINDING_UNIFORM_TEXEL_BUFFER:
		return VK_DESCRIPTOR_TYPE_UNIFORM_TEXEL_BUFFER;
	case KILN_BINDING_STORAGE_TEXEL_BUFFER:
		return VK_DESCRIPTOR_TYPE_STORAGE_TEXEL_BUFFER;
	case KILN_BINDING_ACCELERATION_STRUCTURE:
		return VK_DESCRIPTOR_TYPE_ACCELERATION_STRUCTURE_KHR;
	}
	return VK_DESCRIPTOR_TYPE_MAX_ENUM;
}

/* Graphs rebind such buffers without recording anything again. All sets of a pipeline are of one kind, and which one follows
 * from the device and the interface: both are in the key. */
static bool is_rebindable(const struct kiln_device *device, const struct kiln_entry_point *entry)
{
	for (size_t i = 0; i < entry->binding_count; i++)
		if (!(device->rebindable >> entry->bindings[i].layout.type & 1))
			return false;
	return entry->binding_count > 0;
}

VkDescriptorPoolCreateFlags kiln_descriptor_pool_flags(const struct kiln_device *device)
{
	return device->rebindable ? VK_DESCRIPTOR_POOL_CREATE_UPDATE_AFTER_BIND_BIT : 0;
}

/* Creates the layout, with flags for every binding where they may be updated after they were bound. */
static VkResult create_vulkan_layout(struct kiln_pipeline *pipeline, VkDescriptorSetLayoutCreateInfo *info,
                                     VkDescriptorBindingFlags *flags, VkDescriptorSetLayout *out_layout)
{
	const VkDescriptorSetLayoutBindingFlagsCreateInfo after_bind = {
		.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_BINDING_FLAGS_CREATE_INFO,
		.bindingCount = info->bindingCount,
		.pBindingFlags = flags,
	};
	struct kiln_device *device = pipeline->device;

	for (uint32_t i = 0; i < info->bindingCount; i++)
		flags[i] = VK_DESCRIPTOR_BINDING_UPDATE_AFTER_BIND_BIT;
	if (pipeline->rebindable) {
		info->flags = VK_DESCRIPTOR_SET_LAYOUT_CREATE_UPDATE_AFTER_BIND_POOL_BIT;
		info->pNext = &after_bind;
	}
	return device->vk.vkCreateDescriptorSetLayout(device->handle, info, NULL, out_layout);
}

static enum kiln_status create_set_layout(struct kiln_pipeline *pipeline,
                                          const struct kiln_entry_point *entry, uint32_t set)
{
	struct kiln_device *device = pipeline->device;
	VkDescriptorSetLayoutBinding *bindings =
		kiln_alloc_zero(entry->binding_count + 1,
	                        sizeof(*bindings) + sizeof(VkDescriptorBindingFlags));
	VkDescriptorBindingFlags *flags = (VkDescriptorBindingFlags *)(bindings + entry->binding_count + 1);
	VkDescriptorSetLayoutCreateInfo info = {
		.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO,
		.pBindings = bindings,
	};
	enum kiln_status status = KILN_OK;

	if (!bindings)
		return kiln_error(KILN_ERR_OUT_OF_MEMORY,
		                  "out of memory laying out a pipeline. Fix: free memory and call again");
	for (size_t i = 0; i < entry->binding_count; i++) {
		const struct kiln_layout_binding *layout = &entry->bindings[i].layout;

		if (layout->set != set)
			continue;
		bindings[info.bindingCount++] = (VkDescriptorSetLayoutBinding){
			.binding = layout->binding,
			.descriptorType = kiln_descriptor_type(layout->type),
			.descriptorCount = layout->count,
			.stageFlags = VK_SHADER_STAGE_COMPUTE_BIT,
		};
	}
	KILN_VK(device, status, out, /* counted only when it is there */
	        create_vulkan_layout(pipeline, &info, flags, &pipeline->sets[set]));
	pipeline->set_count = set + 1;
out:
	kiln_free(bindings);
	return status;
}

enum kiln_status kiln_pipeline_layout_create(struct kiln_pipeline *pipeline,
                                             const struct kiln_entry_point *entry,
                                             const struct kiln_pipeline_key *key)
{
	struct kiln_device *device = pipeline->device;
	VkPushConstantRange push = {
		.stageFlags = VK_SHADER_STAGE_COMPUTE_BIT,
		.size = (key->push_bytes + 3u) & ~3u,
	};
	VkPipelineLayoutCreateInfo info = {
		.sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO,
		.pSetLayouts = pipeline->sets,
		.pushConstantRangeCount = key->push_bytes ? 1 : 0,
		.pPushConstantRanges = &push,
	};
	uint32_t sets = entry->binding_count ? entry->bindings[entry->binding_count - 1].layout.set + 1 : 0;
	enum kiln_status status = KILN_OK;

	pipeline->rebindable = is_rebindable(device, entry);
	for (uint32_t set = 0; set < sets; set++)
		KILN_TRY(create_set_layout(pipeline, entry, set));
	info.setLayoutCount = pipeline->set_count;
	KILN_VK_NEW(device, status, out, pipeline->layout,
	            device->vk.vkCreatePipelineLayout(device->handle, &info, NULL, &pipeline->layout));
out:
	return status;
}
