/* The queues: submissions, and the threads that execute them. */
#include <errno.h>
#include <stdlib.h>

#include "objects.h"

/* ---- A queue's thread. All under the device's lock but the execution itself. ---- */

static void execute(struct hostile_submission *batch)
{
	for (uint32_t i = 0; i < batch->command_count; i++)
		hostile_execute(batch->commands[i]);
}

static struct hostile_submission *take_first(struct VkQueue_T *queue)
{
	struct hostile_submission *first = queue->first;

	queue->first = first->next;
	if (!queue->first)
		queue->last = &queue->first;
	return first;
}

static void finish(struct VkQueue_T *queue, struct hostile_submission *batch)
{
	for (uint32_t i = 0; i < batch->command_count; i++)
		batch->commands[i]->in_flight--;
	for (uint32_t i = 0; i < batch->signal_count; i++)
		if (batch->signals[i].semaphore->value < batch->signals[i].value)
			batch->signals[i].semaphore->value = batch->signals[i].value;
	if (batch->fence && !batch->keeps_fence) {
		batch->fence->signalled = true;
		batch->fence->in_flight = false;
	}
	queue->done = batch->number;
	free(batch);
}

/* What a lost device had left is done with: nobody waits for it any more. */
static bool may_run(const struct VkQueue_T *queue)
{
	const struct hostile_submission *batch = queue->first;
	const VkDevice device = queue->device;

	if (!batch || device->lost)
		return batch;
	if (device->script->rules[HOSTILE_LAZY].set && batch->number > device->demanded)
		return false;
	for (uint32_t i = 0; i < batch->wait_count; i++)
		if (batch->waits[i].semaphore->value < batch->waits[i].value)
			return false;
	return true;
}

static void hang(struct VkQueue_T *queue, const struct hostile_submission *batch)
{
	VkDevice device = queue->device;
	struct timespec until = hostile_time_from_now((uint64_t)batch->reset_ms * 1000000);
	int error = 0;

	while (!device->lost && !device->stop && error != ETIMEDOUT)
		error = batch->reset_ms ? pthread_cond_timedwait(&device->changed, &device->lock, &until)
		                        : pthread_cond_wait(&device->changed, &device->lock);
	if (error == ETIMEDOUT)
		device->lost = true;
}

static void run(struct VkQueue_T *queue)
{
	VkDevice device = queue->device;
	struct hostile_submission *batch = take_first(queue);
	bool skip = device->lost || batch->hangs;

	queue->busy = true;
	if (batch->hangs)
		hang(queue, batch);
	pthread_mutex_unlock(&device->lock);
	if (!skip)
		execute(batch);
	pthread_mutex_lock(&device->lock);
	queue->busy = false;
	finish(queue, batch);
	pthread_cond_broadcast(&device->changed);
}

void *hostile_serve(void *argument)
{
	struct VkQueue_T *queue = argument;
	VkDevice device = queue->device;

	pthread_mutex_lock(&device->lock);
	while (!device->stop)
		if (may_run(queue))
			run(queue);
		else
			pthread_cond_wait(&device->changed, &device->lock);
	pthread_mutex_unlock(&device->lock);
	return NULL;
}

void hostile_demand(VkDevice device, uint64_t batch)
{
	if (batch <= device->demanded)
		return;
	device->demanded = batch;
	pthread_cond_broadcast(&device->changed);
}

static bool works(const struct VkQueue_T *queue)
{
	return queue->busy || queue->first;
}

static void wait_idle(struct VkQueue_T *queue)
{
	hostile_demand(queue->device, queue->submitted);
	while (works(queue))
		pthread_cond_wait(&queue->device->changed, &queue->device->lock);
	hostile_trace_done(queue, queue->done);
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
	pthread_cond_broadcast(&device->changed);
	for (uint32_t i = 0; i < HOSTILE_QUEUES; i++)
		wait_idle(&device->queues[i]);
	pthread_mutex_unlock(&device->lock);
	return VK_ERROR_DEVICE_LOST;
}

VKAPI_ATTR VkResult VKAPI_CALL vkDeviceWaitIdle(VkDevice device)
{
	bool lost;

	pthread_mutex_lock(&device->lock);
	for (uint32_t i = 0; i < HOSTILE_QUEUES; i++)
		wait_idle(&device->queues[i]);
	lost = device->lost;
	pthread_mutex_unlock(&device->lock);
	return lost ? VK_ERROR_DEVICE_LOST : VK_SUCCESS;
}

VKAPI_ATTR VkResult VKAPI_CALL vkQueueWaitIdle(VkQueue queue)
{
	bool lost;

	pthread_mutex_lock(&queue->device->lock);
	wait_idle(queue);
	lost = queue->device->lost;
	pthread_mutex_unlock(&queue->device->lock);
	return lost ? VK_ERROR_DEVICE_LOST : VK_SUCCESS;
}

/* ---- Submitting ---- */

static const VkTimelineSemaphoreSubmitInfo *timeline_of(const VkSubmitInfo *info)
{
	for (const VkBaseInStructure *next = info->pNext; next; next = next->pNext)
		if (next->sType == VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO)
			return (const VkTimelineSemaphoreSubmitInfo *)(const void *)next;
	return NULL;
}

static void take_points(struct hostile_submission *batch, const VkSubmitInfo *info)
{
	const VkTimelineSemaphoreSubmitInfo *timeline = timeline_of(info);

	batch->wait_count = info->waitSemaphoreCount;
	for (uint32_t i = 0; i < info->waitSemaphoreCount; i++)
		batch->waits[i] = (struct hostile_point){
			.semaphore = info->pWaitSemaphores[i],
			.value = timeline ? timeline->pWaitSemaphoreValues[i] : 1,
			.stages = info->pWaitDstStageMask[i],
		};
	batch->signal_count = info->signalSemaphoreCount;
	for (uint32_t i = 0; i < info->signalSemaphoreCount; i++)
		batch->signals[i] = (struct hostile_point){
			.semaphore = info->pSignalSemaphores[i],
			.value = timeline ? timeline->pSignalSemaphoreValues[i] : 1,
		};
}

static struct hostile_submission *new_batch(const VkSubmitInfo *info)
{
	size_t points = info->waitSemaphoreCount + info->signalSemaphoreCount;
	struct hostile_submission *batch =
		calloc(1, sizeof(*batch) + info->commandBufferCount * sizeof(VkCommandBuffer) +
	                          points * sizeof(struct hostile_point));

	if (!batch)
		return NULL;
	batch->command_count = info->commandBufferCount;
	for (uint32_t i = 0; i < info->commandBufferCount; i++)
		batch->commands[i] = info->pCommandBuffers[i];
	batch->waits = (struct hostile_point *)(void *)&batch->commands[batch->command_count];
	batch->signals = batch->waits + info->waitSemaphoreCount;
	take_points(batch, info);
	return batch;
}

static void take_commands(VkDevice device, VkCommandBuffer commands)
{
	if (commands->state != HOSTILE_ENDED)
		hostile_log(device->script, "misuse commands are submitted that are not ready");
	if (commands->in_flight && !commands->simultaneous)
		hostile_log(device->script, "misuse commands are submitted while they run");
	if (commands->one_time)
		commands->state = HOSTILE_INITIAL;
	commands->in_flight++;
	hostile_note_pending(commands);
}

static void take_fence(struct VkQueue_T *queue, struct hostile_submission *batch)
{
	VkFence fence = batch->fence;

	if (fence->signalled || fence->in_flight)
		hostile_log(queue->device->script, "misuse a fence is submitted that is in use or signalled");
	fence->in_flight = true;
	fence->told = false;
	fence->queue = queue;
	fence->batch = batch->number;
}

/* What waits for a later signal is allowed, and Kiln promises not to do it: its streams could wait in a circle. */
static void check_waits(VkDevice device, const struct hostile_submission *batch)
{
	for (uint32_t i = 0; i < batch->wait_count; i++)
		if (batch->waits[i].semaphore->value < batch->waits[i].value &&
		    batch->waits[i].semaphore->promised < batch->waits[i].value)
			hostile_log(device->script, "misuse a batch waits for what was not submitted");
	for (uint32_t i = 0; i < batch->signal_count; i++) {
		if (batch->signals[i].semaphore->promised >= batch->signals[i].value)
			hostile_log(device->script, "misuse a timeline does not grow");
		batch->signals[i].semaphore->promised = batch->signals[i].value;
	}
}

static void enqueue(struct VkQueue_T *queue, struct hostile_submission *batch)
{
	VkDevice device = queue->device;

	pthread_mutex_lock(&device->lock);
	batch->number = queue->submitted = ++device->last_batch;
	for (uint32_t i = 0; i < batch->command_count; i++)
		take_commands(device, batch->commands[i]);
	if (batch->fence)
		take_fence(queue, batch);
	check_waits(device, batch);
	hostile_trace_batch(queue, batch);
	*queue->last = batch;
	queue->last = &batch->next;
	pthread_cond_broadcast(&device->changed);
	pthread_mutex_unlock(&device->lock);
}

VKAPI_ATTR VkResult VKAPI_CALL vkQueueSubmit(VkQueue queue, uint32_t count, const VkSubmitInfo *infos,
                                             VkFence fence)
{
	struct hostile_script *script = queue->device->script;

	hostile_log(script, "submit");
	hostile_pause(script, HOSTILE_SUBMIT_MS);
	if (hostile_strikes(script, HOSTILE_SUBMIT_OOM))
		return VK_ERROR_OUT_OF_DEVICE_MEMORY;
	if (hostile_strikes(script, HOSTILE_SUBMIT_LOST))
		return hostile_lose(queue->device);
	if (hostile_is_lost(queue->device))
		return VK_ERROR_DEVICE_LOST;
	for (uint32_t i = 0; i < count; i++) {
		struct hostile_submission *batch = new_batch(&infos[i]);

		if (!batch)
			return VK_ERROR_OUT_OF_HOST_MEMORY;
		batch->fence = i + 1 == count ? fence : VK_NULL_HANDLE;
		batch->hangs = hostile_strikes(script, HOSTILE_HANG);
		batch->reset_ms = script->rules[HOSTILE_HANG].value;
		batch->keeps_fence = hostile_strikes(script, HOSTILE_FENCE_DEAD);
		enqueue(queue, batch);
	}
	return VK_SUCCESS;
}
