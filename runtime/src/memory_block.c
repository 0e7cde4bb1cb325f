#include "memory_block.h"

#include <base/alloc.h>

#include "debug_name.h"
#include "device.h"

VkMemoryPropertyFlags kiln_memory_type_flags(const struct kiln_memory_pool *pool, uint32_t type)
{
	return pool->limits.properties.memoryTypes[type].propertyFlags;
}

uint32_t kiln_memory_type_heap(const struct kiln_memory_pool *pool, uint32_t type)
{
	return pool->limits.properties.memoryTypes[type].heapIndex;
}

/* Frees a block that is not, or no longer, in the list. Freeing memory unmaps it. */
static void destroy_block(struct kiln_device *device, struct kiln_memory_block *block)
{
	struct kiln_memory_pool *pool = &device->memory;

	kiln_suballoc_finish(&block->ranges);
	if (block->memory) {
		device->vk.vkFreeMemory(device->handle, block->memory, NULL);
		pool->allocation_count--;
		if (!block->pages)
			pool->heap_bytes[kiln_memory_type_heap(pool, block->type)] -= block->bytes;
	}
	kiln_free(block);
}

static bool is_coherent(const struct kiln_memory_pool *pool, uint32_t type)
{
	return (kiln_memory_type_flags(pool, type) & VK_MEMORY_PROPERTY_HOST_COHERENT_BIT) &&
	       !(pool->pretend & KILN_PRETEND_NOT_COHERENT);
}

/* Imported pages are where they are, and are mapped for flushing alone. */
static VkResult map_memory(struct kiln_device *device, struct kiln_memory_block *block)
{
	const struct kiln_memory_pool *pool = &device->memory;
	void *data = NULL;
	VkResult result;

	block->data = block->pages;
	if (!(kiln_memory_type_flags(pool, block->type) & VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT) ||
	    (block->pages && is_coherent(pool, block->type)))
		return VK_SUCCESS;
	result = device->vk.vkMapMemory(device->handle, block->memory, 0, VK_WHOLE_SIZE, 0, &data);
	if (result == VK_SUCCESS && !block->pages)
		block->data = data;
	return result;
}

static VkResult allocate_memory(struct kiln_device *device, struct kiln_memory_block *block)
{
	struct kiln_memory_pool *pool = &device->memory;
	VkMemoryAllocateFlagsInfo flags = {
		.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_FLAGS_INFO,
		.flags = VK_MEMORY_ALLOCATE_DEVICE_ADDRESS_BIT,
	};
	VkImportMemoryHostPointerInfoEXT import = {
		.sType = VK_STRUCTURE_TYPE_IMPORT_MEMORY_HOST_POINTER_INFO_EXT,
		.pNext = pool->device_address ? &flags : NULL,
		.handleType = VK_EXTERNAL_MEMORY_HANDLE_TYPE_HOST_ALLOCATION_BIT_EXT,
		.pHostPointer = block->pages,
	};
	VkMemoryAllocateInfo info = {
		.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
		.pNext = block->pages ? &import : import.pNext,
		.allocationSize = block->bytes,
		.memoryTypeIndex = block->type,
	};
	VkResult result = device->vk.vkAllocateMemory(device->handle, &info, NULL, &block->memory);

	if (result != VK_SUCCESS) {
		block->memory = VK_NULL_HANDLE;
		return result;
	}
	kiln_debug_name(device, VK_OBJECT_TYPE_DEVICE_MEMORY, (uint64_t)(uintptr_t)block->memory,
	                "%s of memory type %u", block->pages ? "imported pages" : "block",
	                (unsigned)block->type);
	pool->allocation_count++;
	if (!block->pages)
		pool->heap_bytes[kiln_memory_type_heap(pool, block->type)] += block->bytes;
	return map_memory(device, block);
}

static VkResult create_block(struct kiln_device *device, const struct kiln_memory_block *wanted,
                             struct kiln_memory_block **out_block)
{
	struct kiln_memory_pool *pool = &device->memory;
	struct kiln_memory_block *block;
	VkResult result;

	if (pool->allocation_count >= pool->limits.max_allocations)
		return VK_ERROR_TOO_MANY_OBJECTS;
	block = kiln_alloc_zero(1, sizeof(*block));
	if (!block)
		return VK_ERROR_OUT_OF_HOST_MEMORY;

	*block = *wanted;
	result = kiln_suballoc_init(&block->ranges, block->bytes, pool->granule)
	                 ? allocate_memory(device, block)
	                 : VK_ERROR_OUT_OF_HOST_MEMORY;
	if (result != VK_SUCCESS) {
		destroy_block(device, block);
		return result;
	}
	block->next = pool->blocks;
	pool->blocks = block;
	*out_block = block;
	return VK_SUCCESS;
}

VkResult kiln_memory_block_create(struct kiln_device *device, uint32_t type, uint64_t bytes, bool dedicated,
                                  struct kiln_memory_block **out_block)
{
	const struct kiln_memory_pool *pool = &device->memory;
	const struct kiln_memory_block wanted = {.bytes = bytes, .type = type, .dedicated = dedicated};

	if (pool->allocation_count >= pool->limits.max_allocations)
		return VK_ERROR_TOO_MANY_OBJECTS;
	if (bytes > pool->limits.properties.memoryHeaps[kiln_memory_type_heap(pool, type)].size)
		return VK_ERROR_OUT_OF_DEVICE_MEMORY;
	return create_block(device, &wanted, out_block);
}

VkResult kiln_memory_block_import(struct kiln_device *device, uint32_t type, void *pages, uint64_t bytes,
                                  struct kiln_memory_block **out_block)
{
	const struct kiln_memory_block wanted = {.bytes = bytes,
	                                         .type = type,
	                                         .dedicated = true,
	                                         .pages = pages};

	return create_block(device, &wanted, out_block);
}

void kiln_memory_block_remove(struct kiln_device *device, struct kiln_memory_block *block)
{
	struct kiln_memory_block **link = &device->memory.blocks;

	while (*link != block)
		link = &(*link)->next;
	*link = block->next;
	destroy_block(device, block);
}

bool kiln_memory_blocks_trim(struct kiln_device *device)
{
	struct kiln_memory_block *next;
	bool released = false;

	for (struct kiln_memory_block *block = device->memory.blocks; block; block = next) {
		next = block->next;
		if (!block->ranges.used_count) {
			kiln_memory_block_remove(device, block);
			released = true;
		}
	}
	return released;
}
