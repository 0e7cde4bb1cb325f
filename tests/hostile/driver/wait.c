/* Fences and timeline semaphores: how the host learns what is done. */
#include <errno.h>
#include <time.h>

#include "objects.h"

struct timespec hostile_time_from_now(uint64_t ns)
{
	const uint64_t day = UINT64_C(86400) * 1000000000;
	struct timespec at;

	if (ns > day)
		ns = day;
	clock_gettime(CLOCK_REALTIME, &at);
	ns += (uint64_t)at.tv_nsec;
	at.tv_sec += (time_t)(ns / 1000000000);
	at.tv_nsec = (long)(ns % 1000000000);
	return at;
}

static void wait_for_change(VkDevice device, const struct timespec *until, int *error)
{
	*error = pthread_cond_timedwait(&device->changed, &device->lock, until);
}

/* ---- Fences ---- */

VKAPI_ATTR VkResult VKAPI_CALL vkCreateFence(VkDevice device, const VkFenceCreateInfo *info,
                                             const VkAllocationCallbacks *allocator, VkFence *out_fence)
{
	VkFence fence;

	(void)allocator;
	if (hostile_strikes(device->script, HOSTILE_FENCE_FAILS))
		return VK_ERROR_OUT_OF_HOST_MEMORY;
	fence = hostile_new(device, sizeof(*fence));
	if (!fence)
		return VK_ERROR_OUT_OF_HOST_MEMORY;
	fence->signalled = info->flags & VK_FENCE_CREATE_SIGNALED_BIT;
	*out_fence = fence;
	return VK_SUCCESS;
}

VKAPI_ATTR void VKAPI_CALL vkDestroyFence(VkDevice device, VkFence fence,
                                          const VkAllocationCallbacks *allocator)
{
	(void)allocator;
	hostile_delete(device, fence);
}

VKAPI_ATTR VkResult VKAPI_CALL vkResetFences(VkDevice device, uint32_t count, const VkFence *fences)
{
	pthread_mutex_lock(&device->lock);
	for (uint32_t i = 0; i < count; i++) {
		if (fences[i]->in_flight)
			hostile_log(device->script, "misuse a fence is reset while it is in use");
		fences[i]->signalled = false;
	}
	pthread_mutex_unlock(&device->lock);
	return VK_SUCCESS;
}

static void tell(VkFence fence)
{
	if (fence->signalled && !fence->told && fence->queue)
		hostile_trace_done(fence->queue, fence->batch);
	fence->told = fence->signalled;
}

/* Every n-th look at a lazy device finds the work done. */
static void look(VkDevice device, const struct VkFence_T *fence)
{
	const struct timespec far = hostile_time_from_now(UINT64_MAX);
	uint32_t every = device->script->rules[HOSTILE_LAZY].value;
	int error = 0;

	if (!every || ++device->looks % every != 0)
		return;
	hostile_demand(device, fence->batch);
	while (!fence->signalled && fence->in_flight && !device->lost && !error)
		wait_for_change(device, &far, &error);
}

VKAPI_ATTR VkResult VKAPI_CALL vkGetFenceStatus(VkDevice device, VkFence fence)
{
	bool signalled, lost;

	pthread_mutex_lock(&device->lock);
	look(device, fence);
	signalled = fence->signalled;
	lost = device->lost;
	tell(fence);
	pthread_mutex_unlock(&device->lock);
	return lost ? VK_ERROR_DEVICE_LOST : signalled ? VK_SUCCESS : VK_NOT_READY;
}

static bool all_signalled(uint32_t count, const VkFence *fences)
{
	for (uint32_t i = 0; i < count; i++)
		if (!fences[i]->signalled)
			return false;
	return true;
}

static VkResult misbehave(VkDevice device)
{
	if (hostile_strikes(device->script, HOSTILE_WAIT_LOST))
		return hostile_lose(device);
	if (hostile_strikes(device->script, HOSTILE_WAIT_OOM))
		return VK_ERROR_OUT_OF_HOST_MEMORY;
	if (hostile_strikes(device->script, HOSTILE_WAIT_UNKNOWN))
		return VK_ERROR_UNKNOWN;
	return hostile_strikes(device->script, HOSTILE_WAIT_TIMEOUT) ? VK_TIMEOUT : VK_SUCCESS;
}

/* Waits for all, whatever the user said: nobody here waits for one of several. */
VKAPI_ATTR VkResult VKAPI_CALL vkWaitForFences(VkDevice device, uint32_t count, const VkFence *fences,
                                               VkBool32 all, uint64_t timeout_ns)
{
	struct timespec until = hostile_time_from_now(timeout_ns);
	VkResult result = misbehave(device);
	bool signalled, lost;
	int error = 0;

	(void)all;
	if (result != VK_SUCCESS)
		return result;
	pthread_mutex_lock(&device->lock);
	for (uint32_t i = 0; i < count; i++)
		hostile_demand(device, fences[i]->batch);
	while (!(signalled = all_signalled(count, fences)) && !device->lost && error != ETIMEDOUT)
		wait_for_change(device, &until, &error);
	lost = device->lost;
	for (uint32_t i = 0; i < count; i++)
		tell(fences[i]);
	pthread_mutex_unlock(&device->lock);
	return lost ? VK_ERROR_DEVICE_LOST : signalled ? VK_SUCCESS : VK_TIMEOUT;
}

/* ---- Timeline semaphores. What the host learns from them is not in the record: Kiln asks its fences. ---- */

static uint64_t initial_value(const VkSemaphoreCreateInfo *info)
{
	for (const VkBaseInStructure *next = info->pNext; next; next = next->pNext)
		if (next->sType == VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO)
			return ((const VkSemaphoreTypeCreateInfo *)(const void *)next)->initialValue;
	return 0;
}

VKAPI_ATTR VkResult VKAPI_CALL vkCreateSemaphore(VkDevice device, const VkSemaphoreCreateInfo *info,
                                                 const VkAllocationCallbacks *allocator,
                                                 VkSemaphore *out_semaphore)
{
	VkSemaphore semaphore;

	(void)allocator;
	if (hostile_strikes(device->script, HOSTILE_SEMAPHORE_OOM))
		return VK_ERROR_OUT_OF_HOST_MEMORY;
	semaphore = hostile_new(device, sizeof(*semaphore));
	if (!semaphore)
		return VK_ERROR_OUT_OF_HOST_MEMORY;
	semaphore->value = semaphore->promised = initial_value(info);
	pthread_mutex_lock(&device->lock);
	semaphore->id = ++device->last_semaphore;
	pthread_mutex_unlock(&device->lock);
	*out_semaphore = semaphore;
	return VK_SUCCESS;
}

/* Whether a queued batch still names it. */
static bool in_use(VkDevice device, VkSemaphore semaphore)
{
	for (uint32_t i = 0; i < HOSTILE_QUEUES; i++)
		for (struct hostile_submission *batch = device->queues[i].first; batch; batch = batch->next) {
			for (uint32_t j = 0; j < batch->wait_count; j++)
				if (batch->waits[j].semaphore == semaphore)
					return true;
			for (uint32_t j = 0; j < batch->signal_count; j++)
				if (batch->signals[j].semaphore == semaphore)
					return true;
		}
	return false;
}

VKAPI_ATTR void VKAPI_CALL vkDestroySemaphore(VkDevice device, VkSemaphore semaphore,
                                              const VkAllocationCallbacks *allocator)
{
	bool used;

	(void)allocator;
	if (!semaphore)
		return;
	pthread_mutex_lock(&device->lock);
	used = in_use(device, semaphore);
	pthread_mutex_unlock(&device->lock);
	if (used)
		hostile_log(device->script, "misuse a semaphore is destroyed while it is in use");
	hostile_delete(device, semaphore);
}

VKAPI_ATTR VkResult VKAPI_CALL vkGetSemaphoreCounterValue(VkDevice device, VkSemaphore semaphore,
                                                          uint64_t *out_value)
{
	bool lost;

	pthread_mutex_lock(&device->lock);
	*out_value = semaphore->value;
	lost = device->lost;
	pthread_mutex_unlock(&device->lock);
	return lost ? VK_ERROR_DEVICE_LOST : VK_SUCCESS;
}

VKAPI_ATTR VkResult VKAPI_CALL vkSignalSemaphore(VkDevice device, const VkSemaphoreSignalInfo *info)
{
	pthread_mutex_lock(&device->lock);
	info->semaphore->value = info->value;
	if (info->semaphore->promised < info->value)
		info->semaphore->promised = info->value;
	pthread_cond_broadcast(&device->changed);
	pthread_mutex_unlock(&device->lock);
	return VK_SUCCESS;
}

static bool all_reached(const VkSemaphoreWaitInfo *info)
{
	for (uint32_t i = 0; i < info->semaphoreCount; i++)
		if (info->pSemaphores[i]->value < info->pValues[i])
			return false;
	return true;
}

VKAPI_ATTR VkResult VKAPI_CALL vkWaitSemaphores(VkDevice device, const VkSemaphoreWaitInfo *info,
                                                uint64_t timeout_ns)
{
	struct timespec until = hostile_time_from_now(timeout_ns);
	VkResult result = misbehave(device);
	bool reached, lost;
	int error = 0;

	if (result != VK_SUCCESS)
		return result;
	pthread_mutex_lock(&device->lock);
	hostile_demand(device, device->last_batch);
	while (!(reached = all_reached(info)) && !device->lost && error != ETIMEDOUT)
		wait_for_change(device, &until, &error);
	lost = device->lost;
	pthread_mutex_unlock(&device->lock);
	return lost ? VK_ERROR_DEVICE_LOST : reached ? VK_SUCCESS : VK_TIMEOUT;
}
