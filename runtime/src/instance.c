#include "instance.h"

#include <string.h>

#include <base/alloc.h>
#include <base/error.h>
#include <base/log.h>

#include "loader.h"

#define VALIDATION_LAYER "VK_LAYER_KHRONOS_validation"

static VKAPI_ATTR VkBool32 VKAPI_CALL on_message(VkDebugUtilsMessageSeverityFlagBitsEXT severity,
                                                 VkDebugUtilsMessageTypeFlagsEXT types,
                                                 const VkDebugUtilsMessengerCallbackDataEXT *data, void *user)
{
	bool error = (severity & VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT) != 0;
	bool rule =
		(types & ~(VkDebugUtilsMessageTypeFlagsEXT)VK_DEBUG_UTILS_MESSAGE_TYPE_GENERAL_BIT_EXT) != 0;

	/* General messages are the loader talking about files on this machine, not about our use of Vulkan. */
	if (rule)
		atomic_fetch_add_explicit((atomic_uint_fast64_t *)user, 1, memory_order_relaxed);
	kiln_log(rule ? (error ? KILN_LOG_ERROR : KILN_LOG_WARN) : KILN_LOG_INFO, "vulkan: %s",
	         data->pMessage);
	return VK_FALSE;
}

static bool has_layer(PFN_vkGetInstanceProcAddr get, const char *name)
{
	PFN_vkEnumerateInstanceLayerProperties enumerate =
		(PFN_vkEnumerateInstanceLayerProperties)get(NULL, "vkEnumerateInstanceLayerProperties");
	VkLayerProperties *layers = NULL;
	uint32_t count = 0;
	bool found = false;

	if (!enumerate || enumerate(&count, NULL) < 0 || count == 0)
		return false;
	layers = kiln_alloc_zero(count, sizeof(*layers));
	if (!layers || enumerate(&count, layers) < 0)
		count = 0;
	for (uint32_t i = 0; i < count && !found; i++)
		found = strcmp(layers[i].layerName, name) == 0;
	kiln_free(layers);
	return found;
}

static uint32_t wanted_version(PFN_vkGetInstanceProcAddr get)
{
	PFN_vkEnumerateInstanceVersion enumerate =
		(PFN_vkEnumerateInstanceVersion)get(NULL, "vkEnumerateInstanceVersion");
	uint32_t version = VK_API_VERSION_1_0;

	if (!enumerate || enumerate(&version) < 0 || version < VK_API_VERSION_1_1)
		return VK_API_VERSION_1_0;
	return version < VK_API_VERSION_1_3 ? version : VK_API_VERSION_1_3;
}

static VkResult create(struct kiln_instance *instance, PFN_vkGetInstanceProcAddr get)
{
	static const char *const layers[] = {VALIDATION_LAYER};
	static const char *const extensions[] = {VK_EXT_DEBUG_UTILS_EXTENSION_NAME};
	static const VkValidationFeatureEnableEXT enables[] = {
		VK_VALIDATION_FEATURE_ENABLE_SYNCHRONIZATION_VALIDATION_EXT,
	};
	VkValidationFeaturesEXT validation = {
		.sType = VK_STRUCTURE_TYPE_VALIDATION_FEATURES_EXT,
		.enabledValidationFeatureCount = 1,
		.pEnabledValidationFeatures = enables,
	};
	VkApplicationInfo application = {
		.sType = VK_STRUCTURE_TYPE_APPLICATION_INFO,
		.pEngineName = "kiln",
		.engineVersion = VK_MAKE_VERSION(KILN_VERSION_MAJOR, KILN_VERSION_MINOR, KILN_VERSION_PATCH),
		.apiVersion = instance->api_version,
	};
	VkInstanceCreateInfo info = {
		.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO,
		.pNext = instance->validation ? &validation : NULL,
		.pApplicationInfo = &application,
		.enabledLayerCount = instance->validation ? 1 : 0,
		.ppEnabledLayerNames = layers,
		.enabledExtensionCount = instance->validation ? 1 : 0,
		.ppEnabledExtensionNames = extensions,
	};
	PFN_vkCreateInstance create_instance = (PFN_vkCreateInstance)get(NULL, "vkCreateInstance");
	VkInstance handle = VK_NULL_HANDLE; /* undefined after a failure, so it is not the instance's yet */
	VkResult result =
		create_instance ? create_instance(&info, NULL, &handle) : VK_ERROR_INITIALIZATION_FAILED;

	if (result >= 0)
		instance->handle = handle;
	return result;
}

static bool load_functions(struct kiln_instance *instance, PFN_vkGetInstanceProcAddr get)
{
	instance->get = get;
#define LOAD(name) instance->name = (PFN_##name)get(instance->handle, #name)
	LOAD(vkDestroyInstance);
	LOAD(vkEnumeratePhysicalDevices);
	LOAD(vkGetPhysicalDeviceProperties);
	LOAD(vkGetPhysicalDeviceProperties2);
	LOAD(vkGetPhysicalDeviceFeatures2);
	LOAD(vkGetPhysicalDeviceMemoryProperties);
	LOAD(vkGetPhysicalDeviceExternalBufferProperties);
	LOAD(vkGetPhysicalDeviceMemoryProperties2);
	LOAD(vkGetPhysicalDeviceFormatProperties);
	LOAD(vkGetPhysicalDeviceImageFormatProperties);
	LOAD(vkGetPhysicalDeviceQueueFamilyProperties);
	LOAD(vkEnumerateDeviceExtensionProperties);
	LOAD(vkCreateDevice);
	LOAD(vkCreateDebugUtilsMessengerEXT);
	LOAD(vkDestroyDebugUtilsMessengerEXT);
	LOAD(vkSetDebugUtilsObjectNameEXT);
	LOAD(vkCmdBeginDebugUtilsLabelEXT);
	LOAD(vkCmdEndDebugUtilsLabelEXT);
	LOAD(vkCmdInsertDebugUtilsLabelEXT);
	LOAD(vkGetPhysicalDeviceCalibrateableTimeDomainsEXT);
#undef LOAD
	return instance->vkDestroyInstance && instance->vkEnumeratePhysicalDevices &&
	       instance->vkGetPhysicalDeviceProperties2 && instance->vkGetPhysicalDeviceFeatures2;
}

static void route_messages(struct kiln_instance *instance)
{
	VkDebugUtilsMessengerCreateInfoEXT info = {
		.sType = VK_STRUCTURE_TYPE_DEBUG_UTILS_MESSENGER_CREATE_INFO_EXT,
		.messageSeverity = VK_DEBUG_UTILS_MESSAGE_SEVERITY_WARNING_BIT_EXT |
	                           VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT,
		.messageType = VK_DEBUG_UTILS_MESSAGE_TYPE_GENERAL_BIT_EXT |
	                       VK_DEBUG_UTILS_MESSAGE_TYPE_VALIDATION_BIT_EXT |
	                       VK_DEBUG_UTILS_MESSAGE_TYPE_PERFORMANCE_BIT_EXT,
		.pfnUserCallback = on_message,
		.pUserData = instance->validation_messages,
	};

	if (instance->vkCreateDebugUtilsMessengerEXT)
		(void)instance->vkCreateDebugUtilsMessengerEXT(instance->handle, &info, NULL,
		                                               &instance->messenger);
}

enum kiln_status kiln_instance_init(struct kiln_instance *instance, bool validation)
{
	PFN_vkGetInstanceProcAddr get;
	VkResult result;

	memset(instance, 0, sizeof(*instance));
	KILN_TRY(kiln_loader_open(NULL, &get));
	instance->validation_messages = kiln_alloc_zero(1, sizeof(*instance->validation_messages));
	if (!instance->validation_messages)
		return kiln_error(KILN_ERR_OUT_OF_MEMORY,
		                  "out of memory opening Vulkan. Fix: free memory and call again");
	instance->api_version = wanted_version(get);
	instance->validation = validation && has_layer(get, VALIDATION_LAYER);
	if (validation && !instance->validation)
		kiln_log(KILN_LOG_WARN,
		         "validation was asked for but " VALIDATION_LAYER
		         " is not installed; going on without. Fix: apt-get install vulkan-validationlayers");
	result = create(instance, get);
	if (result == VK_SUCCESS && load_functions(instance, get)) {
		if (instance->validation)
			route_messages(instance);
		return KILN_OK;
	}
	kiln_instance_finish(instance);
	/* Loader 1.3.239 reports a manifest it cannot use as VK_ERROR_OUT_OF_HOST_MEMORY. */
	if (result == VK_ERROR_INCOMPATIBLE_DRIVER || result == VK_ERROR_OUT_OF_HOST_MEMORY ||
	    result == VK_SUCCESS)
		return kiln_error(KILN_ERR_NO_DRIVER,
		                  "the Vulkan loader found no driver it can use. Fix: install one "
		                  "(Debian: apt-get install mesa-vulkan-drivers), or correct "
		                  "VK_DRIVER_FILES / VK_ICD_FILENAMES if they are set");
	return kiln_vk_error(result, "vkCreateInstance");
}

enum kiln_status kiln_instance_adopt(struct kiln_instance *instance, VkInstance handle,
                                     PFN_vkGetInstanceProcAddr get, uint32_t api_version, bool debug_utils)
{
	memset(instance, 0, sizeof(*instance));
	instance->handle = handle;
	instance->foreign = true;
	instance->api_version = api_version < VK_API_VERSION_1_3 ? api_version : VK_API_VERSION_1_3;
	instance->validation = debug_utils;
	instance->validation_messages = kiln_alloc_zero(1, sizeof(*instance->validation_messages));
	if (!instance->validation_messages)
		return kiln_error(KILN_ERR_OUT_OF_MEMORY,
		                  "out of memory importing a device. Fix: free memory and call again");
	if (load_functions(instance, get))
		return KILN_OK;
	return kiln_error(KILN_ERR_INVALID_ARGUMENT,
	                  "kiln_device_import: .get_instance_proc_addr finds no Vulkan 1.1 functions of "
	                  ".instance. Fix: pass the loader's vkGetInstanceProcAddr and the instance it made");
}

void kiln_instance_finish(struct kiln_instance *instance)
{
	if (instance->messenger)
		instance->vkDestroyDebugUtilsMessengerEXT(instance->handle, instance->messenger, NULL);
	if (instance->handle && instance->vkDestroyInstance && !instance->foreign)
		instance->vkDestroyInstance(instance->handle, NULL);
	kiln_free(instance->validation_messages);
	memset(instance, 0, sizeof(*instance));
}
