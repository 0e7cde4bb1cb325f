/* Carrying bytes between host and device where memory is not coherent. */
#include "device.h"
#include "memory.h"

/* Grows the range to whole atoms, as Vulkan demands. A block ends on an atom too: its size is in granules. */
static VkMappedMemoryRange mapped_range(const struct kiln_memory_pool *pool,
                                        const struct kiln_allocation *allocation, uint64_t offset,
                                        uint64_t bytes)
{
	uint64_t atom = pool->granule;
	uint64_t begin = (allocation->offset + offset) & ~(atom - 1);
	uint64_t end = (allocation->offset + offset + bytes + atom - 1) & ~(atom - 1);

	return (VkMappedMemoryRange){
		.sType = VK_STRUCTURE_TYPE_MAPPED_MEMORY_RANGE,
		.memory = allocation->memory,
		.offset = begin,
		.size = end - begin,
	};
}

enum kiln_status kiln_memory_flush(struct kiln_device *device, const struct kiln_allocation *allocation,
                                   uint64_t offset, uint64_t bytes)
{
	VkMappedMemoryRange range = mapped_range(&device->memory, allocation, offset, bytes);
	enum kiln_status status = KILN_OK;

	if (allocation->coherent || !allocation->data || !bytes)
		return KILN_OK;
	KILN_VK(device, status, out, device->vk.vkFlushMappedMemoryRanges(device->handle, 1, &range));
out:
	return status;
}

enum kiln_status kiln_memory_invalidate(struct kiln_device *device, const struct kiln_allocation *allocation,
                                        uint64_t offset, uint64_t bytes)
{
	VkMappedMemoryRange range = mapped_range(&device->memory, allocation, offset, bytes);
	enum kiln_status status = KILN_OK;

	if (allocation->coherent || !allocation->data || !bytes)
		return KILN_OK;
	KILN_VK(device, status, out, device->vk.vkInvalidateMappedMemoryRanges(device->handle, 1, &range));
out:
	return status;
}
