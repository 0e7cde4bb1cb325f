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

static VkResult create_device(VkPhysicalDevice physical, VkDevice *out_device)
{
	VkDevice device = calloc(1, sizeof(*device));

	if (!device)
		return VK_ERROR_OUT_OF_HOST_MEMORY;
	set_loader_magic_value(device);
	set_loader_magic_value(&device->queue);
	device->script = physical->script;
	device->physical = physical;
	device->queue.device = device;
	device->queue.last = &device->queue.first;
	pthread_mutex_init(&device->lock, NULL);
	pthread_cond_init(&device->changed, NULL);
	if (pthread_create(&device->queue.thread, NULL, hostile_serve, &device->queue) != 0) {
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
	if (device->queue.first || device->queue.busy)
		hostile_log(device->script, "misuse the device is destroyed while it works");
	device->queue.stop = true;
	pthread_cond_broadcast(&device->changed);
	pthread_mutex_unlock(&device->lock);
	pthread_join(device->queue.thread, NULL);
	if (atomic_load(&device->alive))
		hostile_log(device->script, "misuse %u objects outlive their device",
		            atomic_load(&device->alive));
	free_device(device);
}

VKAPI_ATTR void VKAPI_CALL vkGetDeviceQueue(VkDevice device, uint32_t family, uint32_t index,
                                            VkQueue *out_queue)
{
	(void)family;
	(void)index;
	*out_queue = &device->queue;
}
