#include "memory.h"

#include <inttypes.h>

#include <base/error.h>
#include <base/log.h>

#include "device.h"
#include "memory_block.h"
#include "memory_import.h"
#include "memory_report.h"
#include "memory_type.h"

static const uint64_t FIRST_BLOCK_BYTES = UINT64_C(4) << 20;
static const uint64_t LARGEST_BLOCK_BYTES = UINT64_C(64) << 20;
static const uint64_t LEAST_GRANULE =
	256; /* also the largest alignment limit Vulkan allows for a buffer binding */

/* 0 = the limit is not known */
static void at_most(struct kiln_memory_pool *pool, uint64_t limit, const char *why)
{
	if (!limit || (pool->max_why && limit >= pool->max_bytes))
		return;
	pool->max_bytes = limit;
	pool->max_why = why;
}

enum kiln_status kiln_memory_pool_init(struct kiln_memory_pool *pool, const struct kiln_memory_limits *limits)
{
	uint64_t largest = 0;

	*pool = (struct kiln_memory_pool){.limits = *limits, .granule = LEAST_GRANULE};
	KILN_TRY(kiln_mutex_init(&pool->lock));
	pool->lock_ready = true;

	for (uint32_t i = 0; limits->properties.memoryTypeCount && i < limits->properties.memoryHeapCount;
	     i++) {
		if (limits->properties.memoryHeaps[i].size > largest)
			largest = limits->properties.memoryHeaps[i].size;
	}
	at_most(pool, largest, "the size of its largest heap");
	if (largest) {
		at_most(pool, limits->max_allocation_bytes, "maxMemoryAllocationSize");
		at_most(pool, limits->max_buffer_bytes, "maxBufferSize");
		at_most(pool, SIZE_MAX, "what this program can address");
	}
	pool->max_bytes &= ~UINT64_C(3);
	while (pool->granule < limits->non_coherent_atom)
		pool->granule *= 2;
	if (limits->import_alignment && limits->import_alignment < pool->granule)
		pool->limits.import_alignment = pool->granule;
	return KILN_OK;
}

enum kiln_status kiln_memory_init(struct kiln_device *device)
{
	VkPhysicalDeviceMaintenance4Properties maintenance4 = {
		.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_4_PROPERTIES,
	};
	VkPhysicalDeviceMaintenance3Properties maintenance3 = {
		.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_3_PROPERTIES,
	};
	VkPhysicalDeviceProperties2 properties = {
		.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2,
		.pNext = &maintenance3,
	};
	struct kiln_memory_limits limits = {0};

	if (device->capabilities.api_version >= VK_API_VERSION_1_3)
		maintenance3.pNext = &maintenance4;
	device->instance.vkGetPhysicalDeviceProperties2(device->physical, &properties);
	device->instance.vkGetPhysicalDeviceMemoryProperties(device->physical, &limits.properties);
	limits.non_coherent_atom = properties.properties.limits.nonCoherentAtomSize;
	limits.max_allocations = properties.properties.limits.maxMemoryAllocationCount;
	limits.max_allocation_bytes = maintenance3.maxMemoryAllocationSize;
	limits.max_buffer_bytes = maintenance4.maxBufferSize;
	limits.import_alignment = kiln_memory_import_alignment(device);
	return kiln_memory_pool_init(&device->memory, &limits);
}

/* What the next shared block of a type should hold: as much as the type has already, so that the number of
 * blocks grows with the logarithm of the demand, and never a large part of a small heap. */
static uint64_t next_block_bytes(const struct kiln_memory_pool *pool, uint32_t type, uint64_t request)
{
	uint64_t heap = pool->limits.properties.memoryHeaps[kiln_memory_type_heap(pool, type)].size;
	uint64_t present = 0, bytes = FIRST_BLOCK_BYTES;

	for (const struct kiln_memory_block *block = pool->blocks; block; block = block->next) {
		if (block->type == type && !block->dedicated)
			present += block->bytes;
	}
	while (bytes < LARGEST_BLOCK_BYTES && (bytes < present || bytes < 2 * request))
		bytes *= 2;
	while (bytes > heap / 8 && bytes > request)
		bytes /= 2;
	return bytes < request ? request : bytes;
}

static bool take_range(const struct kiln_memory_pool *pool, struct kiln_memory_block *block,
                       const VkMemoryRequirements *requirements, enum kiln_memory kind,
                       struct kiln_allocation *out_allocation)
{
	VkMemoryPropertyFlags flags = kiln_memory_type_flags(pool, block->type);
	unsigned pretend =
		kind == KILN_MEMORY_DEVICE ? pool->pretend : pool->pretend & KILN_PRETEND_NOT_COHERENT;
	bool visible = block->data && !(pretend & KILN_PRETEND_NOT_VISIBLE);
	struct kiln_suballoc_range range;

	if (!kiln_suballoc_take(&block->ranges, requirements->size, requirements->alignment, &range))
		return false;
	*out_allocation = (struct kiln_allocation){
		.block = block,
		.memory = block->memory,
		.offset = range.offset,
		.bytes = requirements->size,
		.data = visible ? block->data + range.offset : NULL,
		.node = range.node,
		.local = flags & VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT,
		.coherent = (flags & VK_MEMORY_PROPERTY_HOST_COHERENT_BIT) &&
	                    !(pretend & KILN_PRETEND_NOT_COHERENT),
		.cached =
			(flags & VK_MEMORY_PROPERTY_HOST_CACHED_BIT) && !(pretend & KILN_PRETEND_NOT_CACHED),
	};
	return true;
}

/* From a block that is there, else from a new one: of the size that fits the demand, else of just the size
 * needed. */
static VkResult take_from_type(struct kiln_device *device, uint32_t type,
                               const VkMemoryRequirements *requirements, enum kiln_memory kind,
                               struct kiln_allocation *out_allocation)
{
	struct kiln_memory_pool *pool = &device->memory;
	uint64_t exact = (requirements->size + pool->granule - 1) & ~(pool->granule - 1);
	bool dedicated = exact > LARGEST_BLOCK_BYTES / 2;
	uint64_t bytes = dedicated ? exact : next_block_bytes(pool, type, exact);
	struct kiln_memory_block *block;
	VkResult result;

	for (block = pool->blocks; block && !dedicated; block = block->next) {
		if (block->type == type && !block->dedicated &&
		    take_range(pool, block, requirements, kind, out_allocation))
			return VK_SUCCESS;
	}
	result = kiln_memory_block_create(device, type, bytes, dedicated, &block);
	if (result != VK_SUCCESS && kiln_memory_blocks_trim(device))
		result = kiln_memory_block_create(device, type, bytes, dedicated, &block);
	if (result != VK_SUCCESS && result != VK_ERROR_TOO_MANY_OBJECTS && bytes > exact)
		result = kiln_memory_block_create(device, type, exact, true, &block);
	if (result != VK_SUCCESS)
		return result;
	/* an empty block holds anything of its size, whatever the alignment, and has its first nodes
	 * already */
	return take_range(pool, block, requirements, kind, out_allocation) ? VK_SUCCESS
	                                                                   : VK_ERROR_OUT_OF_HOST_MEMORY;
}

static const char *kind_name(enum kiln_memory kind)
{
	return kind == KILN_MEMORY_UPLOAD ? "upload" : kind == KILN_MEMORY_READBACK ? "readback" : "device";
}

static enum kiln_status report_failure(struct kiln_device *device, VkResult result, uint64_t bytes,
                                       enum kiln_memory kind)
{
	const struct kiln_memory_pool *pool = &device->memory;
	char heaps[1024];

	kiln_memory_describe(device, heaps, sizeof(heaps));
	switch (result) {
	case VK_ERROR_FEATURE_NOT_PRESENT: /* no candidate at all */
		return kiln_error(
			KILN_ERR_UNSUPPORTED,
			"no memory type of the device suits a %s buffer (%u types). Fix: use KILN_MEMORY_DEVICE, or "
			"another device",
			kind_name(kind), pool->limits.properties.memoryTypeCount);
	case VK_ERROR_TOO_MANY_OBJECTS:
		return kiln_error(
			KILN_ERR_OUT_OF_DEVICE_MEMORY,
			"%" PRIu64
			" bytes of %s memory would need one more allocation than the device allows (%u, "
			"maxMemoryAllocationCount). Fix: destroy buffers, or use fewer and larger ones",
			bytes, kind_name(kind), pool->limits.max_allocations);
	case VK_ERROR_OUT_OF_HOST_MEMORY:
		return kiln_error(KILN_ERR_OUT_OF_MEMORY,
		                  "host memory ran out while allocating %" PRIu64
		                  " bytes of %s memory (%s). Fix: free memory "
		                  "and call again",
		                  bytes, kind_name(kind), heaps);
	case VK_ERROR_OUT_OF_DEVICE_MEMORY:
		return kiln_error(KILN_ERR_OUT_OF_DEVICE_MEMORY,
		                  "the device has no memory left for the %" PRIu64
		                  " bytes of %s memory that were asked for (%s). Fix: destroy buffers, or "
		                  "work in smaller pieces",
		                  bytes, kind_name(kind), heaps);
	default:
		return kiln_device_vk_error(device, result, "vkAllocateMemory");
	}
}

/* Slower memory than asked for is worth one line, once: it explains what no error does. */
static void report_fallback(struct kiln_device *device, uint32_t wanted,
                            const struct kiln_allocation *allocation)
{
	struct kiln_memory_pool *pool = &device->memory;
	bool was_local = kiln_memory_type_flags(pool, wanted) & VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT;
	char heaps[1024];

	if (!was_local || allocation->local || pool->fallback_reported)
		return;
	pool->fallback_reported = true;
	kiln_memory_describe(device, heaps, sizeof(heaps));
	kiln_log(KILN_LOG_WARN,
	         "device memory is full (%s): %" PRIu64
	         " bytes and maybe more went to host memory, where kernels are slower. "
	         "Fix: destroy buffers, or work in smaller pieces",
	         heaps, allocation->bytes);
}

static bool worth_another_type(VkResult result)
{
	return result == VK_ERROR_OUT_OF_DEVICE_MEMORY || result == VK_ERROR_OUT_OF_HOST_MEMORY ||
	       result == VK_ERROR_TOO_MANY_OBJECTS || result == VK_ERROR_MEMORY_MAP_FAILED;
}

enum kiln_status kiln_memory_allocate(struct kiln_device *device, const VkMemoryRequirements *requirements,
                                      enum kiln_memory kind, struct kiln_allocation *out_allocation)
{
	struct kiln_memory_pool *pool = &device->memory;
	struct kiln_memory_candidates candidates;
	VkResult result = VK_ERROR_FEATURE_NOT_PRESENT, last;
	enum kiln_status status = KILN_OK;
	uint32_t i;

	kiln_memory_type_order(&pool->limits.properties, kind, requirements->memoryTypeBits, &candidates);
	kiln_mutex_lock(&pool->lock);
	for (i = 0; i < candidates.count; i++) {
		last = take_from_type(device, candidates.types[i], requirements, kind, out_allocation);
		/* the first choice's failure is the one to report: it says what the caller ran out of */
		result = i == 0 || last == VK_SUCCESS ? last : result;
		if (!worth_another_type(last))
			break;
	}
	if (result != VK_SUCCESS)
		status = report_failure(device, result, requirements->size, kind);
	else if (i > 0)
		report_fallback(device, candidates.types[0], out_allocation);
	kiln_mutex_unlock(&pool->lock);
	return status;
}

/* One empty shared block of a type is kept, so that making and destroying one buffer in a loop allocates
 * nothing. */
static bool other_empty_block(const struct kiln_memory_pool *pool, const struct kiln_memory_block *block)
{
	for (const struct kiln_memory_block *other = pool->blocks; other; other = other->next) {
		if (other != block && other->type == block->type && !other->dedicated &&
		    !other->ranges.used_count)
			return true;
	}
	return false;
}

void kiln_memory_free(struct kiln_device *device, struct kiln_allocation *allocation)
{
	struct kiln_memory_pool *pool = &device->memory;
	struct kiln_memory_block *block = allocation->block;

	if (!block)
		return;
	kiln_mutex_lock(&pool->lock);
	kiln_suballoc_free(&block->ranges, allocation->node);
	if (!block->ranges.used_count && (block->dedicated || other_empty_block(pool, block)))
		kiln_memory_block_remove(device, block);
	kiln_mutex_unlock(&pool->lock);
	*allocation = (struct kiln_allocation){0};
}

void kiln_memory_finish(struct kiln_device *device)
{
	struct kiln_memory_pool *pool = &device->memory;

	while (pool->blocks)
		kiln_memory_block_remove(device, pool->blocks);
	if (pool->lock_ready)
		kiln_mutex_finish(&pool->lock);
	*pool = (struct kiln_memory_pool){0};
}
