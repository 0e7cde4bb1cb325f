/* Memory and buffers. Where memory is not coherent, host and device have a copy each, and only flushing and
 * invalidating carry bytes across: who forgets one reads old bytes. Fresh memory holds rubbish. */
#include <stdlib.h>
#include <string.h>

#include "objects.h"

#define RUBBISH 0xcd

static VkMemoryPropertyFlags flags_of(VkDevice device, uint32_t type)
{
	VkPhysicalDeviceMemoryProperties memory;

	vkGetPhysicalDeviceMemoryProperties(device->physical, &memory);
	return memory.memoryTypes[type].propertyFlags;
}

static void free_memory(VkDevice device, VkDeviceMemory memory)
{
	if (memory->host != memory->bytes)
		free(memory->host);
	free(memory->bytes);
	hostile_delete(device, memory);
}

static VkResult allocate(VkDevice device, const VkMemoryAllocateInfo *info, VkDeviceMemory *out_memory)
{
	VkMemoryPropertyFlags flags = flags_of(device, info->memoryTypeIndex);
	VkDeviceMemory memory = hostile_new(device, sizeof(*memory));

	if (!memory)
		return VK_ERROR_OUT_OF_HOST_MEMORY;
	memory->size = info->allocationSize;
	memory->bytes = malloc(memory->size);
	if (flags & VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT)
		memory->host =
			flags & VK_MEMORY_PROPERTY_HOST_COHERENT_BIT ? memory->bytes : malloc(memory->size);
	if (!memory->bytes || (!memory->host && (flags & VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT))) {
		free_memory(device, memory);
		return VK_ERROR_OUT_OF_DEVICE_MEMORY;
	}
	memset(memory->bytes, RUBBISH, memory->size);
	if (memory->host && memory->host != memory->bytes)
		memset(memory->host, RUBBISH, memory->size);
	*out_memory = memory;
	return VK_SUCCESS;
}

VKAPI_ATTR VkResult VKAPI_CALL vkAllocateMemory(VkDevice device, const VkMemoryAllocateInfo *info,
                                                const VkAllocationCallbacks *allocator,
                                                VkDeviceMemory *out_memory)
{
	(void)allocator;
	if (hostile_strikes(device->script, HOSTILE_ALLOC_OOM_HOST))
		return VK_ERROR_OUT_OF_HOST_MEMORY;
	if (hostile_strikes(device->script, HOSTILE_ALLOC_OOM_DEVICE))
		return VK_ERROR_OUT_OF_DEVICE_MEMORY;
	return allocate(device, info, out_memory);
}

VKAPI_ATTR void VKAPI_CALL vkFreeMemory(VkDevice device, VkDeviceMemory memory,
                                        const VkAllocationCallbacks *allocator)
{
	(void)allocator;
	if (memory)
		free_memory(device, memory);
}

VKAPI_ATTR VkResult VKAPI_CALL vkMapMemory(VkDevice device, VkDeviceMemory memory, VkDeviceSize offset,
                                           VkDeviceSize size, VkMemoryMapFlags flags, void **out_data)
{
	(void)size;
	(void)flags;
	if (!memory->host || memory->mapped)
		hostile_log(device->script, "misuse memory is mapped that is %s",
		            memory->host ? "mapped" : "invisible");
	if (!memory->host || hostile_strikes(device->script, HOSTILE_MAP_FAILS))
		return VK_ERROR_MEMORY_MAP_FAILED;
	memory->mapped = true;
	*out_data = memory->host + offset;
	return VK_SUCCESS;
}

static bool good_range(VkDevice device, const VkMappedMemoryRange *range)
{
	bool good = range->memory->mapped && range->offset % HOSTILE_ATOM == 0 &&
	            range->offset <= range->memory->size &&
	            range->size <= range->memory->size - range->offset &&
	            (range->size % HOSTILE_ATOM == 0 || range->offset + range->size == range->memory->size);

	if (!good)
		hostile_log(device->script,
		            "misuse a mapped range that is not mapped, not inside, or not whole atoms");
	return good;
}

VKAPI_ATTR VkResult VKAPI_CALL vkFlushMappedMemoryRanges(VkDevice device, uint32_t count,
                                                         const VkMappedMemoryRange *ranges)
{
	for (uint32_t i = 0; i < count; i++) {
		const VkMappedMemoryRange *r = &ranges[i];

		if (good_range(device, r) && r->memory->host != r->memory->bytes) {
			hostile_trace_host(r->memory->bytes + r->offset, r->size, VK_ACCESS_HOST_WRITE_BIT);
			memcpy(r->memory->bytes + r->offset, r->memory->host + r->offset, r->size);
		}
	}
	return VK_SUCCESS;
}

VKAPI_ATTR VkResult VKAPI_CALL vkInvalidateMappedMemoryRanges(VkDevice device, uint32_t count,
                                                              const VkMappedMemoryRange *ranges)
{
	for (uint32_t i = 0; i < count; i++) {
		const VkMappedMemoryRange *r = &ranges[i];

		if (good_range(device, r) && r->memory->host != r->memory->bytes) {
			hostile_trace_host(r->memory->bytes + r->offset, r->size, VK_ACCESS_HOST_READ_BIT);
			memcpy(r->memory->host + r->offset, r->memory->bytes + r->offset, r->size);
		}
	}
	return VK_SUCCESS;
}

VKAPI_ATTR VkResult VKAPI_CALL vkCreateBuffer(VkDevice device, const VkBufferCreateInfo *info,
                                              const VkAllocationCallbacks *allocator, VkBuffer *out_buffer)
{
	VkBuffer buffer;

	(void)allocator;
	if (hostile_strikes(device->script, HOSTILE_BUFFER_OOM))
		return VK_ERROR_OUT_OF_DEVICE_MEMORY;
	buffer = hostile_new(device, sizeof(*buffer));
	if (!buffer)
		return VK_ERROR_OUT_OF_HOST_MEMORY;
	/* Nobody here hands a buffer from one family to the other. */
	if (device->script->rules[HOSTILE_ASYNC_FAMILY].set &&
	    info->sharingMode != VK_SHARING_MODE_CONCURRENT)
		hostile_log(device->script, "misuse a buffer belongs to one of two families");
	buffer->size = info->size;
	*out_buffer = buffer;
	return VK_SUCCESS;
}

VKAPI_ATTR void VKAPI_CALL vkDestroyBuffer(VkDevice device, VkBuffer buffer,
                                           const VkAllocationCallbacks *allocator)
{
	(void)allocator;
	hostile_delete(device, buffer);
}

VKAPI_ATTR void VKAPI_CALL vkGetBufferMemoryRequirements(VkDevice device, VkBuffer buffer,
                                                         VkMemoryRequirements *requirements)
{
	(void)device;
	*requirements = (VkMemoryRequirements){
		.size = (buffer->size + 63) & ~(VkDeviceSize)63,
		.alignment = 64,
		.memoryTypeBits = ~0u,
	};
}

VKAPI_ATTR VkResult VKAPI_CALL vkBindBufferMemory(VkDevice device, VkBuffer buffer, VkDeviceMemory memory,
                                                  VkDeviceSize offset)
{
	if (offset % 64 != 0 || offset > memory->size || buffer->size > memory->size - offset)
		hostile_log(device->script, "misuse a buffer is bound outside its memory or misaligned");
	buffer->bytes = memory->bytes + offset;
	return VK_SUCCESS;
}
