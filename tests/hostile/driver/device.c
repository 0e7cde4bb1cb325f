/* The device, and where its objects come from. */
#include <stdlib.h>

#include "objects.h"

/* ---- Objects ---- */

void *hostile_new(VkDevice device, size_t bytes)
{
	void *object = calloc(1, bytes);

	if (object)
		atomic_fetch_add(&device->alive, 1);
	return object;
}

void hostile_delete(VkDevice device, void *object)
{
	if (!object)
		return;
	free(object);
	atomic_fetch_sub(&device->alive, 1);
}

/* ---- The device ---- */

static void free_device(VkDevice device)
{
	pthread_cond_destroy(&device->changed);
	pthread_mutex_destroy(&device->lock);
	free(device);
}

/* Stops the first `count` queues. */
static void stop_queues(VkDevice device, uint32_t count)
{
	pthread_mutex_lock(&device->lock);
	device->stop = true;
	pthread_cond_broadcast(&device->changed);
	pthread_mutex_unlock(&device->lock);
	for (uint32_t i = 0; i < count; i++)
		pthread_join(device->queues[i].thread, NULL);
}

static bool start_queue(VkDevice device, uint32_t number)
{
	struct VkQueue_T *queue = &device->queues[number];

	set_loader_magic_value(queue);
	queue->device = device;
	queue->number = number;
	queue->last = &queue->first;
	return pthread_create(&queue->thread, NULL, hostile_serve, queue) == 0;
}

static VkResult create_device(VkPhysicalDevice physical, VkDevice *out_device)
{
	VkDevice device = calloc(1, sizeof(*device));

	if (!device)
		return VK_ERROR_OUT_OF_HOST_MEMORY;
	set_loader_magic_value(device);
	device->script = physical->script;
	device->physical = physical;
	pthread_mutex_init(&device->lock, NULL);
	pthread_cond_init(&device->changed, NULL);
	for (uint32_t i = 0; i < HOSTILE_QUEUES; i++)
		if (!start_queue(device, i)) {
			stop_queues(device, i);
			free_device(device);
			return VK_ERROR_OUT_OF_HOST_MEMORY;
		}
	*out_device = device;
	return VK_SUCCESS;
}

VKAPI_ATTR VkResult VKAPI_CALL vkCreateDevice(VkPhysicalDevice physical, const VkDeviceCreateInfo *info,
                                              const VkAllocationCallbacks *allocator, VkDevice *out_device)
{
	(void)info;
	(void)allocator;
	hostile_log(physical->script, "device_create");
	if (hostile_strikes(physical->script, HOSTILE_DEVICE_OOM_HOST))
		return VK_ERROR_OUT_OF_HOST_MEMORY;
	if (hostile_strikes(physical->script, HOSTILE_DEVICE_OOM_DEVICE))
		return VK_ERROR_OUT_OF_DEVICE_MEMORY;
	if (hostile_strikes(physical->script, HOSTILE_DEVICE_LOST))
		return VK_ERROR_DEVICE_LOST;
	return create_device(physical, out_device);
}

VKAPI_ATTR void VKAPI_CALL vkDestroyDevice(VkDevice device, const VkAllocationCallbacks *allocator)
{
	(void)allocator;
	if (!device)
		return;
	pthread_mutex_lock(&device->lock);
	for (uint32_t i = 0; i < HOSTILE_QUEUES; i++)
		if (device->queues[i].first || device->queues[i].busy)
			hostile_log(device->script, "misuse the device is destroyed while it works");
	pthread_mutex_unlock(&device->lock);
	stop_queues(device, HOSTILE_QUEUES);
	if (atomic_load(&device->alive))
		hostile_log(device->script, "misuse %u objects outlive their device",
		            atomic_load(&device->alive));
	free_device(device);
}

VKAPI_ATTR void VKAPI_CALL vkGetDeviceQueue(VkDevice device, uint32_t family, uint32_t index,
                                            VkQueue *out_queue)
{
	(void)index;
	*out_queue = &device->queues[family < HOSTILE_QUEUES ? family : 0];
}
