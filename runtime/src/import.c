/* A device of Kiln's on a VkDevice that exists. What may be used of it: import_setup.c. */
#include "vulkan_api.h" /* first: without prototypes */

#include <kiln/vulkan.h>

#include <string.h>

#include <base/alloc.h>
#include <base/error.h>

#include "device.h"
#include "import_setup.h"
#include "info.h"
#include "loader.h"

#define VERSION(api) VK_API_VERSION_MAJOR(api), VK_API_VERSION_MINOR(api)

/* ---- What needs no Vulkan to be seen ---- */

static enum kiln_status check_params(const struct kiln_device_params *params)
{
	if (!params)
		return KILN_OK;
	KILN_CHECK(!params->select,
	           "kiln_device_import: .params->select is \"%.64s\", and the device is given. Fix: leave "
	           "it NULL",
	           params->select);
	KILN_CHECK(
		params->validation != KILN_VALIDATION_ON,
		"kiln_device_import: .params->validation is KILN_VALIDATION_ON, and layers belong to the instance. "
		"Fix: create the instance with VK_LAYER_KHRONOS_validation, and leave it unset");
	return KILN_OK;
}

static enum kiln_status check_handles(const struct kiln_vulkan_import *import)
{
	const char *missing = !import->instance                 ? ".instance"
	                      : !import->physical_device        ? ".physical_device"
	                      : !import->device                 ? ".device"
	                      : !import->get_instance_proc_addr ? ".get_instance_proc_addr"
	                                                        : NULL;

	KILN_CHECK(!missing, "kiln_device_import: %s is NULL. Fix: pass the program's own", missing);
	KILN_CHECK(
		import->api_version >= VK_API_VERSION_1_1,
		"kiln_device_import: .api_version is %u (Vulkan %u.%u), and Kiln needs 1.1. Fix: create the "
		"instance with VkApplicationInfo.apiVersion of 1.1 or more, and pass that",
		import->api_version, VERSION(import->api_version));
	KILN_CHECK(import->queues && import->queue_count >= 1 && import->queue_count <= 2,
	           "kiln_device_import: %u queues%s. Fix: pass the main one, and behind it one for "
	           "KILN_QUEUE_ASYNC where there is one",
	           import->queue_count, import->queues ? "" : ", and .queues is NULL");
	return check_params(import->params);
}

/* ---- Against the physical device ---- */

static enum kiln_status find_physical(const struct kiln_device *device,
                                      const struct kiln_vulkan_import *import,
                                      struct kiln_physical *out_physical)
{
	struct kiln_physical *list = NULL;
	size_t count = 0, i = 0;

	KILN_TRY(kiln_physical_list(&device->instance, &list, &count));
	while (i < count && list[i].handle != import->physical_device)
		i++;
	if (i < count)
		*out_physical = list[i];
	kiln_free(list);
	KILN_CHECK(
		i < count,
		"kiln_device_import: .physical_device is none of the %zu of .instance. Fix: pass the one that "
		"vkEnumeratePhysicalDevices() gave and .device was created on",
		count);
	KILN_CHECK(
		out_physical->info.api_version >= VK_API_VERSION_1_1,
		"kiln_device_import: device '%s' has Vulkan %u.%u, and Kiln needs 1.1. Fix: import another",
		out_physical->info.name, VERSION(out_physical->info.api_version));
	return KILN_OK;
}

static enum kiln_status check_queues(const struct kiln_device *device,
                                     const struct kiln_vulkan_import *import)
{
	PFN_vkGetPhysicalDeviceQueueFamilyProperties get =
		device->instance.vkGetPhysicalDeviceQueueFamilyProperties;
	VkQueueFamilyProperties *families;
	enum kiln_status status;
	uint32_t room = 0, count;

	get(import->physical_device, &room, NULL);
	families = kiln_alloc_zero(room + 1u, sizeof(*families));
	if (!families)
		return kiln_error(KILN_ERR_OUT_OF_MEMORY,
		                  "out of memory importing a device. Fix: free memory and call again");
	count = room;
	get(import->physical_device, &count, families);
	status = kiln_import_check_queues(import, families, count < room ? count : room);
	kiln_free(families);
	return status;
}

static enum kiln_status check_extensions(const struct kiln_device *device,
                                         const struct kiln_vulkan_import *import, const char *name)
{
	struct kiln_extension_list offered;
	const char *unknown = NULL;

	KILN_TRY(kiln_extension_list_read(&device->instance, import->physical_device, &offered));
	for (uint32_t i = 0; i < import->extension_count && !unknown; i++)
		if (!kiln_extension_listed(&offered, import->extensions[i]))
			unknown = import->extensions[i];
	kiln_free(offered.names);
	KILN_CHECK(
		!unknown,
		"kiln_device_import: .extensions lists %s, which device '%s' does not have. Fix: pass what "
		"VkDeviceCreateInfo.ppEnabledExtensionNames named, and nothing else",
		unknown, name);
	return KILN_OK;
}

/* A list that claims too much is the caller's mistake, and would be undefined behaviour at the first kernel. */
static enum kiln_status check_features(const struct kiln_device *device, const struct kiln_physical *physical,
                                       const struct kiln_device_setup *setup)
{
	struct kiln_device_setup offered;
	const char *excess;

	KILN_TRY(kiln_features_choose(&device->instance, physical->handle, false, &offered));
	excess = kiln_features_excess(&setup->features, &offered.features);
	KILN_CHECK(
		!excess,
		"kiln_device_import: the feature %s is passed as enabled, and device '%s' does not have it. Fix: "
		"pass the chain that vkCreateDevice() got",
		excess, physical->info.name);
	return KILN_OK;
}

static enum kiln_status check_robustness(const struct kiln_device_params *params,
                                         const struct kiln_device_setup *setup)
{
	KILN_CHECK(
		params->robustness != KILN_ROBUSTNESS_BUFFERS ||
			setup->features.core.features.robustBufferAccess,
		"kiln_device_import: .params->robustness is KILN_ROBUSTNESS_BUFFERS, and the device was created "
		"without robustBufferAccess. Fix: enable it, or leave .robustness unset");
	return KILN_OK;
}

/* ---- Taking it ---- */

static void use_queues(const struct kiln_vulkan_import *import, struct kiln_physical *physical)
{
	physical->queue_family = import->queues[0].family;
	physical->has_async = import->queue_count == 2;
	physical->async_family = import->queues[import->queue_count - 1].family;
	physical->async_index = import->queues[import->queue_count - 1].index;
	physical->info.has_async_queue = physical->has_async;
}

static void take_queues(struct kiln_device *device, const struct kiln_vulkan_import *import)
{
	for (uint32_t i = 0; i < import->queue_count; i++) {
		struct kiln_device_queue *queue = &device->queues[i];

		queue->index = import->queues[i].index;
		queue->handle = import->queues[i].handle;
		queue->lock_outside = import->queues[i].lock;
		queue->unlock_outside = import->queues[i].unlock;
		queue->user = import->queues[i].user;
	}
}

static enum kiln_status check_all(struct kiln_device *device, const struct kiln_device_params *params,
                                  const struct kiln_vulkan_import *import, struct kiln_physical *out_physical,
                                  struct kiln_device_setup *out_setup)
{
	uint32_t api = device->instance.api_version;

	KILN_TRY(find_physical(device, import, out_physical));
	api = out_physical->info.api_version < api ? out_physical->info.api_version : api;
	KILN_TRY(check_queues(device, import));
	KILN_TRY(kiln_import_setup(import, api, out_setup));
	KILN_TRY(check_extensions(device, import, out_physical->info.name));
	KILN_TRY(check_features(device, out_physical, out_setup));
	return check_robustness(params, out_setup);
}

static enum kiln_status adopt(struct kiln_device *device, const struct kiln_device_params *params,
                              const void *how)
{
	const struct kiln_vulkan_import *import = how;
	struct kiln_device_setup setup;
	struct kiln_physical physical;

	device->imported = true;
	atomic_init(&device->lends, true);
	KILN_TRY(kiln_instance_adopt(&device->instance, import->instance, import->get_instance_proc_addr,
	                             import->api_version, import->debug_utils));
	KILN_TRY(check_all(device, params, import, &physical, &setup));
	use_queues(import, &physical);
	device->handle = import->device;
	kiln_loader_device_table(import->get_instance_proc_addr, import->instance, import->device,
	                         &device->vk);
	kiln_device_take(device, &physical, &setup);
	take_queues(device, import);
	if (setup.features.core.features.robustBufferAccess)
		device->robustness = KILN_ROBUSTNESS_BUFFERS;
	return KILN_OK;
}

enum kiln_status kiln_device_import(const struct kiln_vulkan_import *import, struct kiln_device **out_device)
{
	KILN_CHECK(
		import,
		"kiln_device_import: the import is NULL. Fix: pass the device's handles and what was enabled");
	KILN_CHECK(out_device,
	           "kiln_device_import: out_device is NULL. Fix: pass the address of a device pointer");
	KILN_TRY(check_handles(import));
	return kiln_device_make(import->params, adopt, import, out_device);
}
