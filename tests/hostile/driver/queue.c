/* The queue: submissions, the thread that executes them, and fences. */
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "objects.h"

/* ---- The queue's thread ---- */

static void execute(struct hostile_submission *submission)
{
	for (uint32_t i = 0; i < submission->command_count; i++)
		hostile_execute(submission->commands[i]);
}

static struct hostile_submission *take_first(struct VkQueue_T *queue)
{
	struct hostile_submission *first = queue->first;

	queue->first = first->next;
	if (!queue->first)
		queue->last = &queue->first;
	return first;
}

static void finish(struct hostile_submission *submission)
{
	for (uint32_t i = 0; i < submission->command_count; i++)
		submission->commands[i]->in_flight = false;
	if (submission->fence) {
		submission->fence->signalled = true;
		submission->fence->in_flight = false;
	}
	free(submission);
}

void *hostile_serve(void *argument)
{
	struct VkQueue_T *queue = argument;
	VkDevice device = queue->device;

	pthread_mutex_lock(&device->lock);
	for (;;) {
		struct hostile_submission *submission;

		while (!queue->first && !queue->stop)
			pthread_cond_wait(&device->changed, &device->lock);
		if (!queue->first)
			break;
		submission = take_first(queue);
		queue->busy = true;
		pthread_mutex_unlock(&device->lock);
		execute(submission);
		pthread_mutex_lock(&device->lock);
		queue->busy = false;
		finish(submission);
		pthread_cond_broadcast(&device->changed);
	}
	pthread_mutex_unlock(&device->lock);
	return NULL;
}

static void wait_idle(VkDevice device)
{
	while (device->queue.busy || device->queue.first)
		pthread_cond_wait(&device->changed, &device->lock);
}

/* ---- Losing ---- */

bool hostile_is_lost(VkDevice device)
{
	bool lost;

	pthread_mutex_lock(&device->lock);
	lost = device->lost;
	pthread_mutex_unlock(&device->lock);
	return lost;
}

VkResult hostile_lose(VkDevice device)
{
	pthread_mutex_lock(&device->lock);
	device->lost = true;
	wait_idle(device);
	pthread_mutex_unlock(&device->lock);
	return VK_ERROR_DEVICE_LOST;
}

VKAPI_ATTR VkResult VKAPI_CALL vkDeviceWaitIdle(VkDevice device)
{
	bool lost;

	pthread_mutex_lock(&device->lock);
	wait_idle(device);
	lost = device->lost;
	pthread_mutex_unlock(&device->lock);
	return lost ? VK_ERROR_DEVICE_LOST : VK_SUCCESS;
}

/* ---- Submitting ---- */

static struct hostile_submission *new_submission(const VkSubmitInfo *info)
{
	struct hostile_submission *submission =
		calloc(1, sizeof(*submission) + info->commandBufferCount * sizeof(VkCommandBuffer));

	if (!submission)
		return NULL;
	submission->command_count = info->commandBufferCount;
	for (uint32_t i = 0; i < info->commandBufferCount; i++)
		submission->commands[i] = info->pCommandBuffers[i];
	return submission;
}

/* Recorded for one submission only, as Kiln says it does. */
static void take(VkDevice device, struct hostile_submission *submission)
{
	for (uint32_t i = 0; i < submission->command_count; i++) {
		if (submission->commands[i]->state != HOSTILE_ENDED)
			hostile_log(device->script, "misuse commands are submitted that are not ready");
		submission->commands[i]->state = HOSTILE_INITIAL;
		submission->commands[i]->in_flight = true;
		hostile_note_pending(submission->commands[i]);
	}
	if (submission->fence && (submission->fence->signalled || submission->fence->in_flight))
		hostile_log(device->script, "misuse a fence is submitted that is in use or signalled");
	if (submission->fence)
		submission->fence->in_flight = true;
}

static void enqueue(VkQueue queue, struct hostile_submission *submission)
{
	pthread_mutex_lock(&queue->device->lock);
	take(queue->device, submission);
	*queue->last = submission;
	queue->last = &submission->next;
	pthread_cond_broadcast(&queue->device->changed);
	pthread_mutex_unlock(&queue->device->lock);
}

VKAPI_ATTR VkResult VKAPI_CALL vkQueueSubmit(VkQueue queue, uint32_t count, const VkSubmitInfo *infos,
                                             VkFence fence)
{
	VkDevice device = queue->device;

	hostile_log(device->script, "submit");
	hostile_pause(device->script, HOSTILE_SUBMIT_MS);
	if (hostile_strikes(device->script, HOSTILE_SUBMIT_OOM))
		return VK_ERROR_OUT_OF_DEVICE_MEMORY;
	if (hostile_strikes(device->script, HOSTILE_SUBMIT_LOST))
		return hostile_lose(device);
	if (hostile_is_lost(device))
		return VK_ERROR_DEVICE_LOST;
	for (uint32_t i = 0; i < count; i++) {
		struct hostile_submission *submission = new_submission(&infos[i]);

		if (!submission)
			return VK_ERROR_OUT_OF_HOST_MEMORY;
		submission->fence = i + 1 == count ? fence : VK_NULL_HANDLE;
		enqueue(queue, submission);
	}
	return VK_SUCCESS;
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

VKAPI_ATTR VkResult VKAPI_CALL vkGetFenceStatus(VkDevice device, VkFence fence)
{
	bool signalled, lost;

	pthread_mutex_lock(&device->lock);
	signalled = fence->signalled;
	lost = device->lost;
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

static struct timespec time_from_now(uint64_t ns)
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

/* Waits for all, whatever the user said: nobody here waits for one of several. */
VKAPI_ATTR VkResult VKAPI_CALL vkWaitForFences(VkDevice device, uint32_t count, const VkFence *fences,
                                               VkBool32 all, uint64_t timeout_ns)
{
	struct timespec until = time_from_now(timeout_ns);
	bool signalled, lost;
	int error = 0;

	(void)all;
	if (hostile_strikes(device->script, HOSTILE_WAIT_LOST))
		return hostile_lose(device);
	if (hostile_strikes(device->script, HOSTILE_WAIT_OOM))
		return VK_ERROR_OUT_OF_HOST_MEMORY;
	if (hostile_strikes(device->script, HOSTILE_WAIT_UNKNOWN))
		return VK_ERROR_UNKNOWN;
	if (hostile_strikes(device->script, HOSTILE_WAIT_TIMEOUT))
		return VK_TIMEOUT;
	pthread_mutex_lock(&device->lock);
	while (!(signalled = all_signalled(count, fences)) && !device->lost && error != ETIMEDOUT)
		error = pthread_cond_timedwait(&device->changed, &device->lock, &until);
	lost = device->lost;
	pthread_mutex_unlock(&device->lock);
	return lost ? VK_ERROR_DEVICE_LOST : signalled ? VK_SUCCESS : VK_TIMEOUT;
}
