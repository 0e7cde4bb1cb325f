/* Set layouts, pipeline layouts, pools and sets. */
#include <string.h>

#include "objects.h"

VKAPI_ATTR VkResult VKAPI_CALL vkCreateDescriptorSetLayout(VkDevice device,
                                                           const VkDescriptorSetLayoutCreateInfo *info,
                                                           const VkAllocationCallbacks *allocator,
                                                           VkDescriptorSetLayout *out_layout)
{
	VkDescriptorSetLayout layout;

	(void)allocator;
	if (info->bindingCount > HOSTILE_BINDINGS)
		return VK_ERROR_OUT_OF_HOST_MEMORY;
	layout = hostile_new(device, sizeof(*layout));
	if (!layout)
		return VK_ERROR_OUT_OF_HOST_MEMORY;
	layout->count = info->bindingCount;
	for (uint32_t i = 0; i < info->bindingCount; i++)
		layout->bindings[i] = info->pBindings[i];
	*out_layout = layout;
	return VK_SUCCESS;
}

VKAPI_ATTR void VKAPI_CALL vkDestroyDescriptorSetLayout(VkDevice device, VkDescriptorSetLayout layout,
                                                        const VkAllocationCallbacks *allocator)
{
	(void)allocator;
	hostile_delete(device, layout);
}

VKAPI_ATTR VkResult VKAPI_CALL vkCreatePipelineLayout(VkDevice device, const VkPipelineLayoutCreateInfo *info,
                                                      const VkAllocationCallbacks *allocator,
                                                      VkPipelineLayout *out_layout)
{
	VkPipelineLayout layout;

	(void)allocator;
	if (info->setLayoutCount > HOSTILE_SETS)
		return VK_ERROR_OUT_OF_HOST_MEMORY;
	layout = hostile_new(device, sizeof(*layout));
	if (!layout)
		return VK_ERROR_OUT_OF_HOST_MEMORY;
	layout->set_count = info->setLayoutCount;
	for (uint32_t i = 0; i < info->setLayoutCount; i++)
		layout->sets[i] = *info->pSetLayouts[i];
	for (uint32_t i = 0; i < info->pushConstantRangeCount; i++)
		layout->push_bytes += info->pPushConstantRanges[i].size;
	*out_layout = layout;
	return VK_SUCCESS;
}

VKAPI_ATTR void VKAPI_CALL vkDestroyPipelineLayout(VkDevice device, VkPipelineLayout layout,
                                                   const VkAllocationCallbacks *allocator)
{
	(void)allocator;
	hostile_delete(device, layout);
}

VKAPI_ATTR VkResult VKAPI_CALL vkCreateDescriptorPool(VkDevice device, const VkDescriptorPoolCreateInfo *info,
                                                      const VkAllocationCallbacks *allocator,
                                                      VkDescriptorPool *out_pool)
{
	VkDescriptorPool pool;

	(void)allocator;
	if (hostile_strikes(device->script, HOSTILE_POOL_OOM))
		return VK_ERROR_OUT_OF_DEVICE_MEMORY;
	pool = hostile_new(device, sizeof(*pool));
	if (!pool)
		return VK_ERROR_OUT_OF_HOST_MEMORY;
	pool->max_sets = info->maxSets;
	*out_pool = pool;
	return VK_SUCCESS;
}

static void free_sets(VkDevice device, VkDescriptorPool pool)
{
	while (pool->sets) {
		VkDescriptorSet next = pool->sets->next;

		hostile_delete(device, pool->sets);
		pool->sets = next;
	}
	pool->used_sets = 0;
}

VKAPI_ATTR void VKAPI_CALL vkDestroyDescriptorPool(VkDevice device, VkDescriptorPool pool,
                                                   const VkAllocationCallbacks *allocator)
{
	(void)allocator;
	if (!pool)
		return;
	free_sets(device, pool);
	hostile_delete(device, pool);
}

VKAPI_ATTR VkResult VKAPI_CALL vkResetDescriptorPool(VkDevice device, VkDescriptorPool pool,
                                                     VkDescriptorPoolResetFlags flags)
{
	(void)flags;
	free_sets(device, pool);
	return VK_SUCCESS;
}

VKAPI_ATTR VkResult VKAPI_CALL vkAllocateDescriptorSets(VkDevice device,
                                                        const VkDescriptorSetAllocateInfo *info,
                                                        VkDescriptorSet *out_sets)
{
	VkDescriptorPool pool = info->descriptorPool;

	if (hostile_strikes(device->script, HOSTILE_SETS_OOM) ||
	    info->descriptorSetCount > pool->max_sets - pool->used_sets)
		return VK_ERROR_OUT_OF_POOL_MEMORY;
	for (uint32_t i = 0; i < info->descriptorSetCount; i++) {
		VkDescriptorSet set = hostile_new(device, sizeof(*set));

		if (!set)
			return VK_ERROR_OUT_OF_HOST_MEMORY;
		set->next = pool->sets;
		pool->sets = set;
		pool->used_sets++;
		out_sets[i] = set;
	}
	return VK_SUCCESS;
}

static struct hostile_range range_of(VkDevice device, const VkDescriptorBufferInfo *info,
                                     VkDescriptorType type)
{
	VkBuffer buffer = info->buffer;
	VkDeviceSize size = info->range == VK_WHOLE_SIZE ? buffer->size - info->offset : info->range;

	if (!buffer->bytes || info->offset > buffer->size || size > buffer->size - info->offset) {
		hostile_log(device->script, "misuse a descriptor range outside its buffer");
		return (struct hostile_range){0};
	}
	return (struct hostile_range){
		buffer->bytes + info->offset,
		size,
		type == VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER,
	};
}

VKAPI_ATTR void VKAPI_CALL vkUpdateDescriptorSets(VkDevice device, uint32_t count,
                                                  const VkWriteDescriptorSet *writes, uint32_t copy_count,
                                                  const VkCopyDescriptorSet *copies)
{
	(void)copy_count;
	(void)copies;
	for (uint32_t i = 0; i < count; i++)
		if (writes[i].dstBinding < HOSTILE_BINDINGS)
			writes[i].dstSet->ranges[writes[i].dstBinding] =
				range_of(device, writes[i].pBufferInfo, writes[i].descriptorType);
}
