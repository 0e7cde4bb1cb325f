/* A Vulkan instance with only the functions Kiln calls on it. Each device has its own: drivers and layers chosen by the
 * environment then hold for that device alone. */
#ifndef RUNTIME_INSTANCE_H
#define RUNTIME_INSTANCE_H

#include <stdatomic.h>
#include <stdbool.h>

#include "vulkan_api.h"

struct kiln_instance {
	VkInstance handle;
	uint32_t api_version; /* asked for: at most 1.3 */
	bool validation; /* or whatever else wants names */
	bool foreign;    /* the program's: never destroyed here */
	PFN_vkGetInstanceProcAddr get;
	VkDebugUtilsMessengerEXT messenger;
	atomic_uint_fast64_t *validation_messages; /* heap: the messenger may outlive a moved struct */

	PFN_vkDestroyInstance vkDestroyInstance;
	PFN_vkEnumeratePhysicalDevices vkEnumeratePhysicalDevices;
	PFN_vkGetPhysicalDeviceProperties vkGetPhysicalDeviceProperties;
	PFN_vkGetPhysicalDeviceProperties2 vkGetPhysicalDeviceProperties2;
	PFN_vkGetPhysicalDeviceFeatures2 vkGetPhysicalDeviceFeatures2;
	PFN_vkGetPhysicalDeviceMemoryProperties vkGetPhysicalDeviceMemoryProperties;
	PFN_vkGetPhysicalDeviceExternalBufferProperties vkGetPhysicalDeviceExternalBufferProperties;
	PFN_vkGetPhysicalDeviceMemoryProperties2 vkGetPhysicalDeviceMemoryProperties2;
	PFN_vkGetPhysicalDeviceFormatProperties vkGetPhysicalDeviceFormatProperties;
	PFN_vkGetPhysicalDeviceImageFormatProperties vkGetPhysicalDeviceImageFormatProperties;
	PFN_vkGetPhysicalDeviceQueueFamilyProperties vkGetPhysicalDeviceQueueFamilyProperties;
	PFN_vkEnumerateDeviceExtensionProperties vkEnumerateDeviceExtensionProperties;
	PFN_vkCreateDevice vkCreateDevice;
	PFN_vkCreateDebugUtilsMessengerEXT vkCreateDebugUtilsMessengerEXT;
	PFN_vkDestroyDebugUtilsMessengerEXT vkDestroyDebugUtilsMessengerEXT;
	PFN_vkSetDebugUtilsObjectNameEXT vkSetDebugUtilsObjectNameEXT;
	PFN_vkCmdBeginDebugUtilsLabelEXT vkCmdBeginDebugUtilsLabelEXT;
	PFN_vkCmdEndDebugUtilsLabelEXT vkCmdEndDebugUtilsLabelEXT;
	PFN_vkCmdInsertDebugUtilsLabelEXT vkCmdInsertDebugUtilsLabelEXT;
	PFN_vkGetPhysicalDeviceCalibrateableTimeDomainsEXT vkGetPhysicalDeviceCalibrateableTimeDomainsEXT;
};

/* Returns KILN_ERR_NO_LOADER, KILN_ERR_NO_DRIVER, KILN_ERR_DRIVER. With `validation` and no Khronos layer installed: warns, goes on. */
enum kiln_status kiln_instance_init(struct kiln_instance *instance, bool validation);
/* Takes one that exists. `debug_utils`: that extension is enabled on it. Returns KILN_ERR_OUT_OF_MEMORY, KILN_ERR_DRIVER. */
enum kiln_status kiln_instance_adopt(struct kiln_instance *instance, VkInstance handle,
                                     PFN_vkGetInstanceProcAddr get, uint32_t api_version, bool debug_utils);
void kiln_instance_finish(struct kiln_instance *instance);

#endif
