/* The instance, its list of devices, and what else the loader insists on. */
#include <stdlib.h>
#include <string.h>

#include "objects.h"

/* ---- The instance ---- */

VKAPI_ATTR VkResult VKAPI_CALL vkEnumerateInstanceVersion(uint32_t *version)
{
	*version = VK_API_VERSION_1_3;
	return VK_SUCCESS;
}

VKAPI_ATTR VkResult VKAPI_CALL vkEnumerateInstanceExtensionProperties(const char *layer, uint32_t *count,
                                                                      VkExtensionProperties *properties)
{
	(void)layer;
	(void)properties;
	*count = 0;
	return VK_SUCCESS;
}

VKAPI_ATTR VkResult VKAPI_CALL vkCreateInstance(const VkInstanceCreateInfo *info,
                                                const VkAllocationCallbacks *allocator,
                                                VkInstance *out_instance)
{
	VkInstance instance = calloc(1, sizeof(*instance));

	(void)info;
	(void)allocator;
	if (!instance)
		return VK_ERROR_OUT_OF_HOST_MEMORY;
	hostile_script_init(&instance->script);
	set_loader_magic_value(instance);
	for (int i = 0; i < 2; i++) {
		set_loader_magic_value(&instance->physical[i]);
		instance->physical[i].script = &instance->script;
	}
	*out_instance = instance;
	return VK_SUCCESS;
}

VKAPI_ATTR void VKAPI_CALL vkDestroyInstance(VkInstance instance, const VkAllocationCallbacks *allocator)
{
	(void)allocator;
	if (!instance)
		return;
	hostile_script_finish(&instance->script);
	free(instance);
}

VKAPI_ATTR VkResult VKAPI_CALL vkEnumeratePhysicalDevices(VkInstance instance, uint32_t *count,
                                                          VkPhysicalDevice *devices)
{
	uint32_t room = *count, total = hostile_strikes(&instance->script, HOSTILE_TWICE) ? 2 : 1;

	if (hostile_strikes(&instance->script, HOSTILE_NO_DEVICE))
		total = 0;
	*count = total;
	if (!devices)
		return VK_SUCCESS;
	*count = room < total ? room : total;
	for (uint32_t i = 0; i < *count; i++)
		devices[i] = &instance->physical[i];
	return *count < total ? VK_INCOMPLETE : VK_SUCCESS;
}

/* ---- Nothing here has images, and the loader asks all the same ---- */

VKAPI_ATTR void VKAPI_CALL vkGetPhysicalDeviceFormatProperties(VkPhysicalDevice physical, VkFormat format,
                                                               VkFormatProperties *properties)
{
	(void)physical;
	(void)format;
	memset(properties, 0, sizeof(*properties));
}

VKAPI_ATTR VkResult VKAPI_CALL vkGetPhysicalDeviceImageFormatProperties(VkPhysicalDevice physical,
                                                                        VkFormat format, VkImageType type,
                                                                        VkImageTiling tiling,
                                                                        VkImageUsageFlags usage,
                                                                        VkImageCreateFlags flags,
                                                                        VkImageFormatProperties *properties)
{
	(void)physical, (void)format, (void)type, (void)tiling, (void)usage, (void)flags;
	memset(properties, 0, sizeof(*properties));
	return VK_ERROR_FORMAT_NOT_SUPPORTED;
}

VKAPI_ATTR void VKAPI_CALL
vkGetPhysicalDeviceSparseImageFormatProperties(VkPhysicalDevice physical, VkFormat format, VkImageType type,
                                               VkSampleCountFlagBits samples, VkImageUsageFlags usage,
                                               VkImageTiling tiling, uint32_t *count,
                                               VkSparseImageFormatProperties *properties)
{
	(void)physical, (void)format, (void)type, (void)samples, (void)usage, (void)tiling, (void)properties;
	*count = 0;
}
