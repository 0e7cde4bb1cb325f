#include "info.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include <base/alloc.h>
#include <base/error.h>

#include "select.h"

struct chain {
	VkPhysicalDeviceProperties2 head;
	VkPhysicalDeviceIDProperties id;
	VkPhysicalDeviceSubgroupProperties subgroup;
	VkPhysicalDeviceDriverProperties driver;
	VkPhysicalDeviceVulkan13Properties v13;
};

static void query(const struct kiln_instance *instance, VkPhysicalDevice physical, uint32_t api,
                  struct chain *chain)
{
	memset(chain, 0, sizeof(*chain));
	chain->head.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2;
	chain->head.pNext = &chain->id;
	chain->id.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_ID_PROPERTIES;
	chain->id.pNext = &chain->subgroup;
	chain->subgroup.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_PROPERTIES;
	chain->driver.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRIVER_PROPERTIES;
	chain->v13.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_3_PROPERTIES;
	if (api >= VK_API_VERSION_1_2)
		chain->subgroup.pNext = &chain->driver;
	if (api >= VK_API_VERSION_1_3)
		chain->driver.pNext = &chain->v13;
	instance->vkGetPhysicalDeviceProperties2(physical, &chain->head);
}

static enum kiln_device_type type_of(VkPhysicalDeviceType type)
{
	switch (type) {
	case VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU:
		return KILN_DEVICE_INTEGRATED;
	case VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU:
		return KILN_DEVICE_DISCRETE;
	case VK_PHYSICAL_DEVICE_TYPE_VIRTUAL_GPU:
		return KILN_DEVICE_VIRTUAL;
	case VK_PHYSICAL_DEVICE_TYPE_CPU:
		return KILN_DEVICE_CPU;
	default:
		return KILN_DEVICE_OTHER;
	}
}

static void read_limits(struct kiln_physical *device, const VkPhysicalDeviceLimits *limits)
{
	struct kiln_device_info *info = &device->info;

	device->limits = *limits;
	for (int i = 0; i < 3; i++) {
		info->max_workgroup_size[i] = limits->maxComputeWorkGroupSize[i];
		info->max_workgroup_count[i] = limits->maxComputeWorkGroupCount[i];
	}
	info->max_workgroup_threads = limits->maxComputeWorkGroupInvocations;
	info->max_shared_bytes = limits->maxComputeSharedMemorySize;
	info->max_push_bytes = limits->maxPushConstantsSize;
	info->max_storage_buffer_bytes = limits->maxStorageBufferRange;
	info->max_bindings = limits->maxPerStageResources;
	/* RADV's null hardware reports an infinite period. */
	info->timestamp_period_ns = isfinite(limits->timestampPeriod) ? (double)limits->timestampPeriod : 0;
}

static void read_memory(const struct kiln_instance *instance, struct kiln_physical *device)
{
	VkPhysicalDeviceMemoryProperties memory;

	instance->vkGetPhysicalDeviceMemoryProperties(device->handle, &memory);
	for (uint32_t i = 0; i < memory.memoryHeapCount; i++) {
		if (memory.memoryHeaps[i].flags & VK_MEMORY_HEAP_DEVICE_LOCAL_BIT)
			device->info.device_memory_bytes += memory.memoryHeaps[i].size;
		else
			device->info.host_memory_bytes += memory.memoryHeaps[i].size;
	}
	device->info.can_launch = device->info.can_compute && memory.memoryTypeCount > 0;
}

/* How good a family is for the queue beside the main one: none but compute and copies to do, then any other family, then
 * a second queue of the same. 0 = not at all. */
static int async_rank(const VkQueueFamilyProperties *family, bool is_main)
{
	if (!(family->queueFlags & VK_QUEUE_COMPUTE_BIT))
		return 0;
	if (is_main)
		return family->queueCount > 1 ? 1 : 0;
	if (family->queueCount == 0)
		return 0;
	return family->queueFlags & VK_QUEUE_GRAPHICS_BIT ? 2 : 3;
}

static void choose_async(const VkQueueFamilyProperties *families, uint32_t count,
                         struct kiln_physical *device)
{
	int best = 0;

	for (uint32_t i = 0; i < count && device->info.can_compute; i++) {
		int rank = async_rank(&families[i], i == device->queue_family);

		if (rank <= best)
			continue;
		best = rank;
		device->has_async = true;
		device->async_family = i;
		device->async_index = i == device->queue_family ? 1 : 0;
	}
	device->info.has_async_queue = device->has_async;
}

/* SwiftShader fills as many families as it is given room for, so the count is asked first; others may claim more than
 * there was room for. */
static enum kiln_status read_queues(const struct kiln_instance *instance, struct kiln_physical *device)
{
	VkQueueFamilyProperties *families;
	uint32_t room = 0, count;

	instance->vkGetPhysicalDeviceQueueFamilyProperties(device->handle, &room, NULL);
	families = kiln_alloc_zero(room + 1u, sizeof(*families));
	if (!families)
		return kiln_error(KILN_ERR_OUT_OF_MEMORY,
		                  "out of memory listing queue families. Fix: free memory and call again");
	count = room;
	instance->vkGetPhysicalDeviceQueueFamilyProperties(device->handle, &count, families);
	for (uint32_t i = 0; i < count && i < room && !device->info.can_compute; i++) {
		if (!(families[i].queueFlags & VK_QUEUE_COMPUTE_BIT) || families[i].queueCount == 0)
			continue;
		device->queue_family = i;
		device->info.can_compute = true;
		device->info.timestamp_bits = families[i].timestampValidBits;
	}
	choose_async(families, count < room ? count : room, device);
	kiln_free(families);
	return KILN_OK;
}

static void read_names(struct kiln_physical *device, const struct chain *chain)
{
	struct kiln_device_info *info = &device->info;
	const VkPhysicalDeviceProperties *p = &chain->head.properties;

	(void)snprintf(info->name, sizeof(info->name), "%s", p->deviceName);
	(void)snprintf(info->driver_name, sizeof(info->driver_name), "%s", chain->driver.driverName);
	(void)snprintf(info->driver_info, sizeof(info->driver_info), "%s", chain->driver.driverInfo);
	(void)kiln_adapter_id(info->name, info->adapter, sizeof(info->adapter));
	info->driver_id = chain->driver.driverID;
	info->driver_version = p->driverVersion;
	info->api_version = p->apiVersion;
	info->type = type_of(p->deviceType);
	info->vendor_id = p->vendorID;
	info->device_id = p->deviceID;
	memcpy(info->uuid, chain->id.deviceUUID, sizeof(info->uuid));
	memcpy(device->driver_uuid, chain->id.driverUUID, sizeof(device->driver_uuid));
	memcpy(device->cache_uuid, p->pipelineCacheUUID, sizeof(device->cache_uuid));
}

static enum kiln_status read_device(const struct kiln_instance *instance, struct kiln_physical *device)
{
	VkPhysicalDeviceProperties basic;
	struct chain chain;

	instance->vkGetPhysicalDeviceProperties(device->handle, &basic);
	if (basic.apiVersion < VK_API_VERSION_1_1) {
		(void)snprintf(device->info.name, sizeof(device->info.name), "%s", basic.deviceName);
		device->info.api_version = basic.apiVersion;
		kiln_device_score(&device->info);
		return KILN_OK;
	}
	query(instance, device->handle,
	      basic.apiVersion < instance->api_version ? basic.apiVersion : instance->api_version, &chain);
	read_names(device, &chain);
	read_limits(device, &chain.head.properties.limits);
	device->info.subgroup_size = chain.subgroup.subgroupSize;
	if (chain.subgroup.supportedStages & VK_SHADER_STAGE_COMPUTE_BIT)
		device->subgroup_operations = chain.subgroup.supportedOperations;
	if (chain.v13.requiredSubgroupSizeStages & VK_SHADER_STAGE_COMPUTE_BIT) {
		device->min_subgroup_size = chain.v13.minSubgroupSize;
		device->max_subgroup_size = chain.v13.maxSubgroupSize;
		device->max_workgroup_subgroups = chain.v13.maxComputeWorkgroupSubgroups;
	}
	KILN_TRY(read_queues(instance, device));
	read_memory(instance, device);
	kiln_device_score(&device->info);
	return KILN_OK;
}

static enum kiln_status list_handles(const struct kiln_instance *instance, VkPhysicalDevice **out_handles,
                                     uint32_t *out_count)
{
	VkPhysicalDevice *handles;
	uint32_t count = 0;
	VkResult result = instance->vkEnumeratePhysicalDevices(instance->handle, &count, NULL);

	if (result < 0 && result != VK_ERROR_INITIALIZATION_FAILED)
		return kiln_vk_error(result, "vkEnumeratePhysicalDevices");
	if (result < 0 || count == 0)
		return kiln_error(KILN_ERR_NO_DRIVER,
		                  "Vulkan drivers are installed but none offers a device. Fix: install "
		                  "a software driver (Debian: apt-get install mesa-vulkan-drivers), or "
		                  "correct VK_DRIVER_FILES if it is set");
	handles = kiln_alloc_zero(count, sizeof(VkPhysicalDevice));
	if (!handles)
		return kiln_error(KILN_ERR_OUT_OF_MEMORY,
		                  "out of memory listing devices. Fix: free memory and call again");
	result = instance->vkEnumeratePhysicalDevices(instance->handle, &count, handles);
	if (result < 0) {
		kiln_free(handles);
		return kiln_vk_error(result, "vkEnumeratePhysicalDevices");
	}
	*out_handles = handles;
	*out_count = count;
	return KILN_OK;
}

enum kiln_status kiln_physical_list(const struct kiln_instance *instance, struct kiln_physical **out_devices,
                                    size_t *out_count)
{
	struct kiln_physical *devices = NULL;
	VkPhysicalDevice *handles = NULL;
	uint32_t count = 0;
	enum kiln_status status;

	KILN_TRY(list_handles(instance, &handles, &count));
	devices = kiln_alloc_zero(count, sizeof(*devices));
	status = devices ? KILN_OK
	                 : kiln_error(KILN_ERR_OUT_OF_MEMORY,
	                              "out of memory listing devices. Fix: free memory and call again");
	for (uint32_t i = 0; i < count && status == KILN_OK; i++) {
		devices[i].handle = handles[i];
		devices[i].info.index = i;
		status = read_device(instance, &devices[i]);
	}
	kiln_free(handles);
	if (status != KILN_OK) {
		kiln_free(devices);
		return status;
	}
	*out_devices = devices;
	*out_count = count;
	return KILN_OK;
}
