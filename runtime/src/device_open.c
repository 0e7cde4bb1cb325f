/* From a wish to a VkDevice: the instance, the choice, and what is enabled. */
#include "device.h"

#include <string.h>

#include <base/alloc.h>
#include <base/error.h>
#include <base/log.h>
#include <base/settings.h>

#include "fingerprint.h"
#include "info.h"
#include "loader.h"
#include "select.h"

static bool wants_validation(enum kiln_validation validation)
{
	if (validation == KILN_VALIDATION_DEFAULT)
		return kiln_setting_choice(&kiln_env_process, KILN_SETTING_VALIDATION) != 0;
	return validation == KILN_VALIDATION_ON;
}

/* A wish in the parameters that matches nothing is an error; one in the environment is a warning and the best device. */
static enum kiln_status choose(const struct kiln_physical *devices, size_t count, const char *select,
                               size_t *out_index)
{
	struct kiln_device_info *infos = kiln_alloc_zero(count, sizeof(*infos));
	const char *wish = select ? select : kiln_setting_text(&kiln_env_process, KILN_SETTING_DEVICE);
	enum kiln_status status;

	if (!infos)
		return kiln_error(KILN_ERR_OUT_OF_MEMORY,
		                  "out of memory choosing a device. Fix: free memory and call again");
	for (size_t i = 0; i < count; i++)
		infos[i] = devices[i].info;
	status = kiln_device_select(infos, count, wish, out_index);
	if (status != KILN_OK && wish && !select) {
		kiln_log(KILN_LOG_WARN, "KILN_DEVICE is ignored: %s", kiln_error_message());
		status = kiln_device_select(infos, count, NULL, out_index);
	}
	kiln_free(infos);
	return status;
}

static void copy_queues(struct kiln_device *device, const struct kiln_physical *physical)
{
	device->physical = physical->handle;
	device->queues[0].family = physical->queue_family;
	device->queues[1].family = physical->async_family;
	device->queues[1].index = physical->async_index;
	device->queue_count = physical->has_async ? 2 : 1;
}

static uint32_t rebindable(const VkPhysicalDeviceVulkan12Features *use)
{
	uint32_t types = 0;

	if (use->descriptorBindingStorageBufferUpdateAfterBind)
		types |= 1u << KILN_BINDING_STORAGE_BUFFER;
	if (use->descriptorBindingUniformBufferUpdateAfterBind)
		types |= 1u << KILN_BINDING_UNIFORM_BUFFER;
	return types;
}

static void copy_facts(struct kiln_device *device, const struct kiln_physical *physical,
                       const struct kiln_device_setup *setup)
{
	copy_queues(device, physical);
	device->info = physical->info;
	device->limits = physical->limits;
	device->min_subgroup_size = physical->min_subgroup_size;
	device->max_subgroup_size = physical->max_subgroup_size;
	device->max_workgroup_subgroups = physical->max_workgroup_subgroups;
	device->has_timeline = setup->features.v12.timelineSemaphore;
	device->has_feedback = setup->feedback;
	device->has_cache_control = setup->features.v13.pipelineCreationCacheControl;
	device->has_memory_budget = setup->memory_budget;
	device->rebindable = rebindable(&setup->features.v12);
	device->has_host_import = setup->host_import;
	device->has_subgroup_control = setup->features.v13.subgroupSizeControl && physical->max_subgroup_size;
	device->capabilities.features = setup->features;
	device->capabilities.subgroup_operations = physical->subgroup_operations;
	device->capabilities.api_version = setup->api_version;
	device->blob_device.vendor_id = physical->info.vendor_id;
	device->blob_device.device_id = physical->info.device_id;
	memcpy(device->blob_device.cache_uuid, physical->cache_uuid, sizeof(device->blob_device.cache_uuid));
}

/* One entry for each family; returns how many. */
static uint32_t list_queues(const struct kiln_device *device, VkDeviceQueueCreateInfo queues[2])
{
	static const float priorities[2] = {1.0f, 1.0f};
	bool same = device->queue_count == 2 && device->queues[1].family == device->queues[0].family;

	queues[0] = queues[1] = (VkDeviceQueueCreateInfo){
		.sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
		.queueFamilyIndex = device->queues[0].family,
		.queueCount = same ? 2 : 1,
		.pQueuePriorities = priorities,
	};
	queues[1].queueFamilyIndex = device->queues[1].family;
	return device->queue_count == 2 && !same ? 2 : 1;
}

enum kiln_status kiln_device_create_vulkan(const struct kiln_device *device,
                                           const struct kiln_device_setup *setup, VkDevice *out_handle)
{
	VkDeviceQueueCreateInfo queues[2];
	VkDeviceCreateInfo info = {
		.sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
		.pNext = &setup->features.core,
		.queueCreateInfoCount = list_queues(device, queues),
		.pQueueCreateInfos = queues,
		.enabledExtensionCount = setup->extension_count,
		.ppEnabledExtensionNames = setup->extensions,
	};
	VkDevice handle = VK_NULL_HANDLE; /* undefined after a failure, so it is not the device's yet */
	VkResult result = device->instance.vkCreateDevice(device->physical, &info, NULL, &handle);

	if (result < 0)
		return kiln_vk_error(result, "vkCreateDevice");
	*out_handle = handle;
	return KILN_OK;
}

static enum kiln_status create_device(struct kiln_device *device, const struct kiln_physical *physical,
                                      const struct kiln_device_setup *setup)
{
	copy_queues(device, physical);
	KILN_TRY(kiln_device_create_vulkan(device, setup, &device->handle));
	kiln_loader_device_table(device->instance.get, device->instance.handle, device->handle, &device->vk);
	return KILN_OK;
}

/* SwiftShader tells no version: the build-id of its library stands in for one. */
static void take_fingerprint(struct kiln_device *device, const struct kiln_physical *physical,
                             const struct kiln_device_setup *setup)
{
	char build_id[129];

	kiln_build_id((const void *)(uintptr_t)device->vk.vkQueueSubmit, build_id, sizeof(build_id));
	device->fingerprint =
		kiln_device_fingerprint_of(physical, setup, device->instance.validation, build_id);
}

void kiln_device_take(struct kiln_device *device, const struct kiln_physical *physical,
                      const struct kiln_device_setup *setup)
{
	copy_facts(device, physical, setup);
	take_fingerprint(device, physical, setup);
	kiln_timestamps_init(device, setup->calibrated_timestamps);
}

static enum kiln_status open_vulkan(struct kiln_device *device, const struct kiln_device_params *params,
                                    const void *how)
{
	struct kiln_physical *devices = NULL;
	struct kiln_device_setup setup;
	size_t count = 0, index = 0;
	enum kiln_status status;

	(void)how;
	KILN_TRY(kiln_instance_init(&device->instance, wants_validation(params->validation)));
	status = kiln_physical_list(&device->instance, &devices, &count);
	if (status == KILN_OK)
		status = choose(devices, count, params->select, &index);
	if (status == KILN_OK)
		status = kiln_features_choose(&device->instance, devices[index].handle,
		                              params->robustness == KILN_ROBUSTNESS_BUFFERS, &setup);
	if (status == KILN_OK)
		status = create_device(device, &devices[index], &setup);
	if (status == KILN_OK)
		kiln_device_take(device, &devices[index], &setup);
	kiln_free(devices);
	return status;
}

enum kiln_status kiln_device_open(const struct kiln_device_params *params, struct kiln_device **out_device)
{
	KILN_CHECK(out_device,
	           "kiln_device_open: out_device is NULL. Fix: pass the address of a device pointer");
	return kiln_device_make(params, open_vulkan, NULL, out_device);
}
