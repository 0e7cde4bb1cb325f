/* The part of each application that uses Vulkan by itself, through whatever the including file gives
 * vkCreateInstance and its kind: libvulkan's functions or its own volk's pointers. Makes an instance, a
 * device and a buffer, and uses Kiln while they live. Returns 0, or prints and returns 1. */
#include <stdio.h>

#include "kiln_part.h"

static int app_failed(const char *what, VkResult result)
{
	fprintf(stderr, "application: %s: %d\n", what, (int)result);
	return 1;
}

static int app_make_device(VkInstance instance, VkPhysicalDevice *out_physical, VkDevice *out_device)
{
	uint32_t count = 1;
	float priority = 1.0f;
	VkResult result = vkEnumeratePhysicalDevices(instance, &count, out_physical);
	if (result < 0 || count == 0)
		return app_failed("vkEnumeratePhysicalDevices", result);
	VkDeviceQueueCreateInfo queue = {
		.sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
		.queueCount = 1,
		.pQueuePriorities = &priority,
	};
	VkDeviceCreateInfo info = {
		.sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
		.queueCreateInfoCount = 1,
		.pQueueCreateInfos = &queue,
	};
	result = vkCreateDevice(*out_physical, &info, NULL, out_device);
	return result == VK_SUCCESS ? 0 : app_failed("vkCreateDevice", result);
}

static int app_make_buffer(VkDevice device, VkBuffer *out_buffer)
{
	VkBufferCreateInfo info = {
		.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
		.size = 4096,
		.usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT,
	};
	VkResult result = vkCreateBuffer(device, &info, NULL, out_buffer);
	return result == VK_SUCCESS ? 0 : app_failed("vkCreateBuffer", result);
}

/* Called by volk-based applications between instance and device. */
#ifndef APP_LOADED_INSTANCE
#define APP_LOADED_INSTANCE(instance) (void)(instance)
#endif
#ifndef APP_LOADED_DEVICE
#define APP_LOADED_DEVICE(device) (void)(device)
#endif

static int app_run(void)
{
	VkInstance instance = VK_NULL_HANDLE;
	VkPhysicalDevice physical = VK_NULL_HANDLE;
	VkDevice device = VK_NULL_HANDLE;
	VkBuffer buffer = VK_NULL_HANDLE;
	VkApplicationInfo app = {.sType = VK_STRUCTURE_TYPE_APPLICATION_INFO,
	                         .apiVersion = VK_API_VERSION_1_1};
	VkInstanceCreateInfo info = {.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO,
	                             .pApplicationInfo = &app};

	VkResult result = vkCreateInstance(&info, NULL, &instance);
	if (result != VK_SUCCESS)
		return app_failed("vkCreateInstance", result);
	APP_LOADED_INSTANCE(instance);
	if (app_make_device(instance, &physical, &device))
		return 1;
	APP_LOADED_DEVICE(device);
	int failed = app_make_buffer(device, &buffer);
	failed |= use_kiln();
	vkDestroyBuffer(device, buffer, NULL); /* the application's own functions must still be its own */
	failed |= app_make_buffer(device, &buffer);
	vkDestroyBuffer(device, buffer, NULL);
	vkDestroyDevice(device, NULL);
	failed |= use_kiln();
	vkDestroyInstance(instance, NULL);
	return failed;
}
