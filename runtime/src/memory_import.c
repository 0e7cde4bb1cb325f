#include "memory_import.h"

#include <inttypes.h>

#include <base/error.h>

#include "buffer.h"
#include "device.h"
#include "memory_block.h"
#include "memory_report.h"
#include "memory_type.h"

#define HOST_PAGES VK_EXTERNAL_MEMORY_HANDLE_TYPE_HOST_ALLOCATION_BIT_EXT

/* The extension alone promises nothing about buffers: SwiftShader has it and says no here. */
static bool takes_buffers(const struct kiln_device *device)
{
	VkPhysicalDeviceExternalBufferInfo info = {
		.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_EXTERNAL_BUFFER_INFO,
		.usage = kiln_buffer_usage(device),
		.handleType = HOST_PAGES,
	};
	VkExternalBufferProperties properties = {.sType = VK_STRUCTURE_TYPE_EXTERNAL_BUFFER_PROPERTIES};
	VkExternalMemoryFeatureFlags features;

	device->instance.vkGetPhysicalDeviceExternalBufferProperties(device->physical, &info, &properties);
	features = properties.externalMemoryProperties.externalMemoryFeatures;
	return (features & VK_EXTERNAL_MEMORY_FEATURE_IMPORTABLE_BIT) &&
	       !(features & VK_EXTERNAL_MEMORY_FEATURE_DEDICATED_ONLY_BIT);
}

uint64_t kiln_memory_import_alignment(const struct kiln_device *device)
{
	VkPhysicalDeviceExternalMemoryHostPropertiesEXT host = {
		.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_EXTERNAL_MEMORY_HOST_PROPERTIES_EXT,
	};
	VkPhysicalDeviceProperties2 properties = {
		.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2,
		.pNext = &host,
	};
	uint64_t alignment;

	if (!device->has_host_import || !device->info.can_launch || !takes_buffers(device))
		return 0;
	device->instance.vkGetPhysicalDeviceProperties2(device->physical, &properties);
	alignment = host.minImportedHostPointerAlignment;
	return alignment & (alignment - 1) ? 0 : alignment;
}

static enum kiln_status report_failure(struct kiln_device *device, VkResult result, const void *pages,
                                       uint64_t bytes)
{
	char heaps[1024];

	switch (result) {
	case VK_ERROR_FEATURE_NOT_PRESENT: /* no memory type */
	case VK_ERROR_INVALID_EXTERNAL_HANDLE:
		return kiln_error(KILN_ERR_UNSUPPORTED,
		                  "device '%s' cannot work in the %" PRIu64
		                  " bytes of host memory at %p. Fix: set .copy_instead, or allocate them in "
		                  "another way",
		                  device->info.name, bytes, pages);
	case VK_ERROR_TOO_MANY_OBJECTS:
		return kiln_error(KILN_ERR_OUT_OF_DEVICE_MEMORY,
		                  "importing %" PRIu64
		                  " bytes of host memory would need one more allocation than the device "
		                  "allows (%u, maxMemoryAllocationCount). Fix: destroy buffers",
		                  bytes, device->memory.limits.max_allocations);
	case VK_ERROR_OUT_OF_HOST_MEMORY:
		return kiln_error(KILN_ERR_OUT_OF_MEMORY,
		                  "host memory ran out while importing %" PRIu64
		                  " bytes of it. Fix: free memory and call again",
		                  bytes);
	case VK_ERROR_OUT_OF_DEVICE_MEMORY:
		kiln_memory_describe(device, heaps, sizeof(heaps));
		return kiln_error(KILN_ERR_OUT_OF_DEVICE_MEMORY,
		                  "the device has no room to import %" PRIu64
		                  " bytes of host memory (%s). Fix: destroy buffers, or import less",
		                  bytes, heaps);
	default:
		return kiln_device_vk_error(device, result, "vkAllocateMemory");
	}
}

/* Of host-visible types, those the host reads at full speed and without flushing first. */
static VkResult find_types(const struct kiln_device *device, const VkMemoryRequirements *requirements,
                           const void *pages, struct kiln_memory_candidates *out_candidates)
{
	VkMemoryHostPointerPropertiesEXT properties = {
		.sType = VK_STRUCTURE_TYPE_MEMORY_HOST_POINTER_PROPERTIES_EXT,
	};
	VkResult result = device->vk.vkGetMemoryHostPointerPropertiesEXT(device->handle, HOST_PAGES, pages,
	                                                                 &properties);

	out_candidates->count = 0;
	if (result < 0)
		return result;
	kiln_memory_type_order(&device->memory.limits.properties, KILN_MEMORY_READBACK,
	                       requirements->memoryTypeBits & properties.memoryTypeBits, out_candidates);
	return out_candidates->count ? VK_SUCCESS : VK_ERROR_FEATURE_NOT_PRESENT;
}

static struct kiln_allocation whole(const struct kiln_memory_pool *pool, struct kiln_memory_block *block,
                                    const struct kiln_suballoc_range *range)
{
	VkMemoryPropertyFlags flags = kiln_memory_type_flags(pool, block->type);

	return (struct kiln_allocation){
		.block = block,
		.memory = block->memory,
		.bytes = block->bytes,
		.data = block->data,
		.node = range->node,
		.local = flags & VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT,
		.coherent = (flags & VK_MEMORY_PROPERTY_HOST_COHERENT_BIT) &&
	                    !(pool->pretend & KILN_PRETEND_NOT_COHERENT),
		.cached = true, /* as all the host's memory */
	};
}

enum kiln_status kiln_memory_import(struct kiln_device *device, const VkMemoryRequirements *requirements,
                                    void *pages, uint64_t bytes, struct kiln_allocation *out_allocation)
{
	struct kiln_memory_pool *pool = &device->memory;
	struct kiln_memory_candidates candidates;
	struct kiln_suballoc_range range;
	struct kiln_memory_block *block;
	VkResult result = find_types(device, requirements, pages, &candidates);
	enum kiln_status status = KILN_OK;

	if (result == VK_SUCCESS && requirements->size > bytes)
		result = VK_ERROR_FEATURE_NOT_PRESENT;
	kiln_mutex_lock(&pool->lock);
	for (uint32_t i = 0; result != VK_ERROR_FEATURE_NOT_PRESENT && i < candidates.count; i++) {
		result = kiln_memory_block_import(device, candidates.types[i], pages, bytes, &block);
		if (result != VK_ERROR_INVALID_EXTERNAL_HANDLE)
			break;
	}
	if (result != VK_SUCCESS)
		status = report_failure(device, result, pages, bytes);
	else if (kiln_suballoc_take(&block->ranges, bytes, 1, &range)) /* an empty block holds it */
		*out_allocation = whole(pool, block, &range);
	kiln_mutex_unlock(&pool->lock);
	return status;
}
