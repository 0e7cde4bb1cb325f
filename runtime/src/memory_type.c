#include "memory_type.h"

#include <stdbool.h>

/* The properties a plain buffer may live with. Any other bit (protected, lazily allocated, AMD's
 * device-coherent and -uncached, RDMA, bits not invented yet) asks for a feature or costs speed. */
static const VkMemoryPropertyFlags PLAIN =
	VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT | VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT |
	VK_MEMORY_PROPERTY_HOST_COHERENT_BIT | VK_MEMORY_PROPERTY_HOST_CACHED_BIT;

struct traits {
	bool local, visible, coherent, cached;
	bool wide; /* its heap is device-local and about as big as any: unified memory or a resizable BAR */
};

static uint64_t largest_local_heap(const VkPhysicalDeviceMemoryProperties *properties)
{
	uint64_t largest = 0;

	for (uint32_t i = 0; i < properties->memoryHeapCount; i++) {
		const VkMemoryHeap *heap = &properties->memoryHeaps[i];

		if ((heap->flags & VK_MEMORY_HEAP_DEVICE_LOCAL_BIT) && heap->size > largest)
			largest = heap->size;
	}
	return largest;
}

static struct traits traits_of(const VkPhysicalDeviceMemoryProperties *properties, uint32_t type,
                               uint64_t largest)
{
	VkMemoryPropertyFlags flags = properties->memoryTypes[type].propertyFlags;
	uint64_t heap_bytes = properties->memoryHeaps[properties->memoryTypes[type].heapIndex].size;

	return (struct traits){
		.local = flags & VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT,
		.visible = flags & VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT,
		.coherent = flags & VK_MEMORY_PROPERTY_HOST_COHERENT_BIT,
		.cached = flags & VK_MEMORY_PROPERTY_HOST_CACHED_BIT,
		/* The classic window is 256 MiB of many GiB; a resizable one shows the whole heap. Half
		 * separates them. */
		.wide = heap_bytes >= largest / 2,
	};
}

/* Memory the host sees too saves the staging copy, but only where it is not a scarce window. */
static int score_device(struct traits t)
{
	int host = (t.coherent ? 2 : 0) + (t.cached ? 1 : 0);

	if (t.local && t.visible)
		return t.wide ? 40 + host : 20 + host;
	if (t.local)
		return 30;
	return t.visible ? 10 + host : 5;
}

/* Written once by the host, in order: write-combined memory is as fast as it gets, and cached memory only
 * adds snooping. System memory rather than the device's own, which is left to the buffers kernels work on. */
static int score_upload(struct traits t)
{
	if (!t.visible)
		return 0;
	return 1 + (t.coherent ? 8 : 0) + (t.local ? 0 : 4) + (t.cached ? 0 : 1);
}

/* Read by the host: uncached reads are ten times slower, so cached comes before everything else. */
static int score_readback(struct traits t)
{
	if (!t.visible)
		return 0;
	return 1 + (t.cached ? 8 : 0) + (t.coherent ? 4 : 0) + (t.local ? 0 : 2);
}

/* 0 = not to be used at all */
static int score_type(const VkPhysicalDeviceMemoryProperties *properties, uint32_t type,
                      enum kiln_memory kind, uint64_t largest)
{
	struct traits traits;

	if (properties->memoryTypes[type].heapIndex >= properties->memoryHeapCount)
		return 0;
	if (properties->memoryTypes[type].propertyFlags & ~PLAIN)
		return 0;
	if (properties->memoryHeaps[properties->memoryTypes[type].heapIndex].size == 0)
		return 0;

	traits = traits_of(properties, type, largest);
	switch (kind) {
	case KILN_MEMORY_UPLOAD:
		return score_upload(traits);
	case KILN_MEMORY_READBACK:
		return score_readback(traits);
	case KILN_MEMORY_DEVICE:
		break;
	}
	return score_device(traits);
}

void kiln_memory_type_order(const VkPhysicalDeviceMemoryProperties *properties, enum kiln_memory kind,
                            uint32_t type_bits, struct kiln_memory_candidates *out_candidates)
{
	uint64_t largest = largest_local_heap(properties);
	int scores[VK_MAX_MEMORY_TYPES];
	uint32_t count = 0;

	for (uint32_t type = 0; type < properties->memoryTypeCount && type < VK_MAX_MEMORY_TYPES; type++) {
		int score = type_bits & (1u << type) ? score_type(properties, type, kind, largest) : 0;
		uint32_t at = count;

		if (!score)
			continue;
		/* insertion keeps the driver's order among equals: Vulkan lists the faster type first */
		for (; at > 0 && scores[at - 1] < score; at--) {
			scores[at] = scores[at - 1];
			out_candidates->types[at] = out_candidates->types[at - 1];
		}
		scores[at] = score;
		out_candidates->types[at] = type;
		count++;
	}
	out_candidates->count = count;
}
