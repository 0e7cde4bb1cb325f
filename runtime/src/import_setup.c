#include "import_setup.h"

#include <string.h>

#include <base/alloc.h>
#include <base/error.h>

/* ---- Extensions and features ---- */

static enum kiln_status read_names(const struct kiln_vulkan_import *import, VkExtensionProperties *names)
{
	for (uint32_t i = 0; i < import->extension_count; i++) {
		const char *name = import->extensions[i];
		size_t length = name ? strnlen(name, VK_MAX_EXTENSION_NAME_SIZE) : 0;

		KILN_CHECK(length > 0 && length < VK_MAX_EXTENSION_NAME_SIZE,
		           "kiln_device_import: .extensions[%u] of %u is %s. Fix: pass what "
		           "VkDeviceCreateInfo.ppEnabledExtensionNames named",
		           i, import->extension_count, name ? "no extension's name" : "NULL");
		memcpy(names[i].extensionName, name, length + 1);
	}
	return KILN_OK;
}

static enum kiln_status list_extensions(const struct kiln_vulkan_import *import,
                                        struct kiln_extension_list *out_list)
{
	VkExtensionProperties *names;
	enum kiln_status status;

	KILN_CHECK(import->extensions || import->extension_count == 0,
	           "kiln_device_import: .extensions is NULL and .extension_count is %u. Fix: pass what "
	           "VkDeviceCreateInfo.ppEnabledExtensionNames named",
	           import->extension_count);
	names = kiln_alloc_zero(import->extension_count + (size_t)1, sizeof(*names));
	if (!names)
		return kiln_error(KILN_ERR_OUT_OF_MEMORY,
		                  "out of memory importing a device. Fix: free memory and call again");
	status = read_names(import, names);
	if (status != KILN_OK) {
		kiln_free(names);
		return status;
	}
	*out_list = (struct kiln_extension_list){names, import->extension_count};
	return KILN_OK;
}

static enum kiln_status check_needed(const struct kiln_device_setup *setup)
{
	if (setup->features.v12.timelineSemaphore)
		return KILN_OK;
	return kiln_error(
		KILN_ERR_UNSUPPORTED,
		"kiln_device_import: the device was created without the feature timelineSemaphore, or it was not "
		"passed. Fix: chain a VkPhysicalDeviceTimelineSemaphoreFeatures with .timelineSemaphore = VK_TRUE to "
		"VkDeviceCreateInfo.pNext%s, and pass that chain as .features",
		setup->api_version < VK_API_VERSION_1_2 ? ", enable VK_KHR_timeline_semaphore" : "");
}

enum kiln_status kiln_import_setup(const struct kiln_vulkan_import *import, uint32_t api,
                                   struct kiln_device_setup *out_setup)
{
	struct kiln_device_features enabled;
	struct kiln_extension_list list;
	enum kiln_status status;

	KILN_TRY(list_extensions(import, &list));
	memset(out_setup, 0, sizeof(*out_setup));
	out_setup->api_version = api;
	out_setup->imported = true;
	status = kiln_import_features(import->features, import->core_features, api, &list, &enabled,
	                              &out_setup->application);
	if (status == KILN_OK) {
		kiln_features_take(&enabled, &list, out_setup);
		status = check_needed(out_setup);
	}
	kiln_free(list.names);
	return status;
}

/* ---- Queues ---- */

static enum kiln_status check_queue(const struct kiln_vulkan_import *import, uint32_t i,
                                    const VkQueueFamilyProperties *families, uint32_t family_count)
{
	const struct kiln_vulkan_queue *queue = &import->queues[i];

	KILN_CHECK(
		queue->family < family_count,
		"kiln_device_import: .queues[%u] is of family %u, and the device has %u families. Fix: pass a "
		"family that the device was created with queues of",
		i, queue->family, family_count);
	KILN_CHECK(
		queue->index < families[queue->family].queueCount,
		"kiln_device_import: .queues[%u] is number %u of family %u, which has %u. Fix: pass a queue that "
		"the device was created with",
		i, queue->index, queue->family, families[queue->family].queueCount);
	KILN_CHECK(
		!queue->lock == !queue->unlock,
		"kiln_device_import: .queues[%u] has %s. Fix: pass both, or neither where the program stays off "
		"the queue",
		i, queue->lock ? ".lock and no .unlock" : ".unlock and no .lock");
	if (families[queue->family].queueFlags & VK_QUEUE_COMPUTE_BIT)
		return KILN_OK;
	return kiln_error(
		KILN_ERR_NO_COMPUTE,
		"kiln_device_import: .queues[%u] is of family %u, which cannot compute. Fix: create a queue of a "
		"family with VK_QUEUE_COMPUTE_BIT and pass that",
		i, queue->family);
}

enum kiln_status kiln_import_check_queues(const struct kiln_vulkan_import *import,
                                          const VkQueueFamilyProperties *families, uint32_t family_count)
{
	for (uint32_t i = 0; i < import->queue_count; i++)
		KILN_TRY(check_queue(import, i, families, family_count));
	KILN_CHECK(import->queue_count < 2 || import->queues[0].family != import->queues[1].family ||
	                   import->queues[0].index != import->queues[1].index,
	           "kiln_device_import: .queues names number %u of family %u twice. Fix: pass it once, "
	           "with .queue_count = 1: KILN_QUEUE_ASYNC is the main queue then",
	           import->queues[0].index, import->queues[0].family);
	return KILN_OK;
}
