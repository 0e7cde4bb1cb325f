/* Timestamps, true and otherwise. */
#include <time.h>

#include "objects.h"

#define HOUR_NS UINT64_C(3600000000000)

VKAPI_ATTR VkResult VKAPI_CALL vkCreateQueryPool(VkDevice device, const VkQueryPoolCreateInfo *info,
                                                 const VkAllocationCallbacks *allocator,
                                                 VkQueryPool *out_pool)
{
	VkQueryPool pool = hostile_new(device, sizeof(*pool));

	(void)allocator;
	if (info->queryType != VK_QUERY_TYPE_TIMESTAMP || info->queryCount > HOSTILE_QUERIES)
		hostile_log(device->script, "misuse a query pool this driver does not have");
	if (!pool)
		return VK_ERROR_OUT_OF_HOST_MEMORY;
	*out_pool = pool;
	return VK_SUCCESS;
}

VKAPI_ATTR void VKAPI_CALL vkDestroyQueryPool(VkDevice device, VkQueryPool pool,
                                              const VkAllocationCallbacks *allocator)
{
	(void)allocator;
	hostile_delete(device, pool);
}

/* A counter of few bits starts a little before it wraps. */
static uint64_t few_bits(uint64_t now, uint32_t bits)
{
	static uint64_t start;

	if (!start)
		start = now;
	return (now - start - 20000000) & ((UINT64_C(1) << bits) - 1);
}

void hostile_stamp(VkDevice device, VkQueryPool pool, uint32_t query)
{
	struct hostile_script *script = device->script;
	struct timespec time;
	uint32_t bits = hostile_value(script, HOSTILE_TIMESTAMP_BITS);
	uint64_t now;

	clock_gettime(CLOCK_MONOTONIC, &time);
	now = (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
	if (bits)
		now = few_bits(now, bits);
	if (hostile_strikes(script, HOSTILE_TIMESTAMP_ZERO))
		now = 0;
	if (hostile_strikes(script, HOSTILE_TIMESTAMP_BACK))
		now = device->last_stamp - HOUR_NS;
	if (hostile_strikes(script, HOSTILE_TIMESTAMP_LEAP))
		now += HOUR_NS;
	device->last_stamp = now;
	pool->stamps[query] = now;
	pool->available[query] = true;
}

VKAPI_ATTR VkResult VKAPI_CALL vkGetQueryPoolResults(VkDevice device, VkQueryPool pool, uint32_t first,
                                                     uint32_t count, size_t bytes, void *data,
                                                     VkDeviceSize stride, VkQueryResultFlags flags)
{
	uint64_t *out = data;

	if (flags != VK_QUERY_RESULT_64_BIT || stride != sizeof(*out) || bytes < count * sizeof(*out) ||
	    first + count > HOSTILE_QUERIES)
		hostile_log(device->script, "misuse query results in a shape this driver does not have");
	for (uint32_t i = 0; i < count; i++) {
		if (!pool->available[first + i])
			return VK_NOT_READY;
		out[i] = pool->stamps[first + i];
	}
	return VK_SUCCESS;
}
