/* What a device says about itself. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "objects.h"

static const char *const extensions[] = {
	VK_EXT_PIPELINE_CREATION_FEEDBACK_EXTENSION_NAME,
	VK_KHR_SHADER_NON_SEMANTIC_INFO_EXTENSION_NAME,
	VK_EXT_DEVICE_FAULT_EXTENSION_NAME, /* last: where the script says so */
};

enum { EXTENSION_COUNT = sizeof(extensions) / sizeof(extensions[0]), PHANTOMS = 1000000 };

/* ---- Names and numbers ---- */

static void write_uuid(uint8_t uuid[VK_UUID_SIZE], const char *text, uint32_t variant)
{
	memset(uuid, 0, VK_UUID_SIZE);
	memcpy(uuid, text, strnlen(text, 12));
	memcpy(uuid + 12, &variant, sizeof(variant));
}

static uint32_t api_version(struct hostile_script *script)
{
	uint32_t api = hostile_value(script, HOSTILE_API);

	return api ? VK_MAKE_API_VERSION(0, 1, api % 10, 0) : VK_MAKE_API_VERSION(0, 1, 3, 239);
}

static VkPhysicalDeviceLimits limits_of(struct hostile_script *script)
{
	return (VkPhysicalDeviceLimits){
		.maxUniformBufferRange = 64u << 10,
		.maxStorageBufferRange = 128u << 20,
		.maxPushConstantsSize = HOSTILE_PUSH_BYTES,
		.maxMemoryAllocationCount = 4096,
		.maxBoundDescriptorSets = HOSTILE_SETS,
		.maxPerStageDescriptorUniformBuffers = HOSTILE_BINDINGS,
		.maxPerStageDescriptorStorageBuffers = HOSTILE_BINDINGS,
		.maxPerStageResources = 64,
		.maxDescriptorSetUniformBuffers = HOSTILE_BINDINGS,
		.maxDescriptorSetStorageBuffers = HOSTILE_BINDINGS,
		.maxComputeSharedMemorySize = 32u << 10,
		.maxComputeWorkGroupCount = {65535, 65535, 65535},
		.maxComputeWorkGroupInvocations = 1024,
		.maxComputeWorkGroupSize = {1024, 1024, 64},
		.minMemoryMapAlignment = 64,
		.minTexelBufferOffsetAlignment = 64,
		.minUniformBufferOffsetAlignment = 64,
		.minStorageBufferOffsetAlignment = 64,
		.timestampComputeAndGraphics = VK_TRUE,
		.timestampPeriod = hostile_strikes(script, HOSTILE_TIMESTAMP_INFINITE) ? INFINITY : 1.0f,
		.nonCoherentAtomSize = HOSTILE_ATOM,
	};
}

static VkPhysicalDeviceType type_of(struct hostile_script *script)
{
	if (hostile_strikes(script, HOSTILE_CPU))
		return VK_PHYSICAL_DEVICE_TYPE_CPU;
	if (hostile_strikes(script, HOSTILE_DISCRETE))
		return VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU;
	return VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU;
}

VKAPI_ATTR void VKAPI_CALL vkGetPhysicalDeviceProperties(VkPhysicalDevice physical,
                                                         VkPhysicalDeviceProperties *properties)
{
	struct hostile_script *script = physical->script;

	*properties = (VkPhysicalDeviceProperties){
		.apiVersion = api_version(script),
		.driverVersion = VK_MAKE_VERSION(1, 0, hostile_value(script, HOSTILE_DRIVER_VERSION)),
		.vendorID = HOSTILE_VENDOR,
		.deviceID = HOSTILE_DEVICE,
		.deviceType = type_of(script),
		.deviceName = "Hostile",
		.limits = limits_of(script),
	};
	write_uuid(properties->pipelineCacheUUID, "cache", hostile_value(script, HOSTILE_CACHE_UUID));
}

void hostile_cache_header(VkPhysicalDevice physical, uint8_t header[32])
{
	const uint32_t words[4] = {32, VK_PIPELINE_CACHE_HEADER_VERSION_ONE, HOSTILE_VENDOR, HOSTILE_DEVICE};

	memcpy(header, words, sizeof(words));
	write_uuid(header + sizeof(words), "cache", hostile_value(physical->script, HOSTILE_CACHE_UUID));
}

/* Fills what it knows and leaves the rest of the chain alone, as a driver must. */
static void fill_properties(struct hostile_script *script, VkBaseOutStructure *next)
{
	switch ((int)next->sType) {
	case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_ID_PROPERTIES: {
		VkPhysicalDeviceIDProperties *id = (void *)next;

		write_uuid(id->deviceUUID, "device", hostile_value(script, HOSTILE_DEVICE_UUID));
		write_uuid(id->driverUUID, "driver", hostile_value(script, HOSTILE_DRIVER_UUID));
		break;
	}
	case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_PROPERTIES: {
		VkPhysicalDeviceSubgroupProperties *subgroup = (void *)next;

		subgroup->subgroupSize = 32;
		subgroup->supportedStages = VK_SHADER_STAGE_COMPUTE_BIT;
		subgroup->supportedOperations = VK_SUBGROUP_FEATURE_BASIC_BIT;
		break;
	}
	case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRIVER_PROPERTIES: {
		VkPhysicalDeviceDriverProperties *driver = (void *)next;

		(void)snprintf(driver->driverName, sizeof(driver->driverName), "hostile");
		(void)snprintf(driver->driverInfo, sizeof(driver->driverInfo), "Hostile 1.0");
		break;
	}
	case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_PROPERTIES: {
		VkPhysicalDeviceVulkan12Properties *v12 = (void *)next; /* the validation layer's question */

		v12->maxPerStageDescriptorUpdateAfterBindStorageBuffers = HOSTILE_BINDINGS;
		v12->maxDescriptorSetUpdateAfterBindStorageBuffers = HOSTILE_BINDINGS;
		break;
	}
	case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_3_PROPERTIES: {
		VkPhysicalDeviceMaintenance3Properties *maintenance = (void *)next;

		maintenance->maxPerSetDescriptors = 1024;
		maintenance->maxMemoryAllocationSize = 128u << 20;
		break;
	}
	case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_4_PROPERTIES: {
		VkPhysicalDeviceMaintenance4Properties *maintenance = (void *)next;

		maintenance->maxBufferSize = 128u << 20;
		break;
	}
	default:
		break;
	}
}

VKAPI_ATTR void VKAPI_CALL vkGetPhysicalDeviceProperties2(VkPhysicalDevice physical,
                                                          VkPhysicalDeviceProperties2 *properties)
{
	vkGetPhysicalDeviceProperties(physical, &properties->properties);
	for (VkBaseOutStructure *next = properties->pNext; next; next = next->pNext)
		fill_properties(physical->script, next);
}

VKAPI_ATTR void VKAPI_CALL vkGetPhysicalDeviceFeatures(VkPhysicalDevice physical,
                                                       VkPhysicalDeviceFeatures *features)
{
	(void)physical;
	*features = (VkPhysicalDeviceFeatures){.robustBufferAccess = VK_TRUE, .shaderInt64 = VK_TRUE};
}

static void fill_features(struct hostile_script *script, VkBaseOutStructure *next)
{
	switch ((int)next->sType) {
	case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES:
		((VkPhysicalDeviceVulkan12Features *)(void *)next)->timelineSemaphore =
			!hostile_strikes(script, HOSTILE_NO_TIMELINE);
		break;
	case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_3_FEATURES:
		((VkPhysicalDeviceVulkan13Features *)(void *)next)->pipelineCreationCacheControl = VK_TRUE;
		break;
	case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FAULT_FEATURES_EXT:
		((VkPhysicalDeviceFaultFeaturesEXT *)(void *)next)->deviceFault =
			hostile_strikes(script, HOSTILE_FAULT);
		break;
	default:
		break;
	}
}

VKAPI_ATTR void VKAPI_CALL vkGetPhysicalDeviceFeatures2(VkPhysicalDevice physical,
                                                        VkPhysicalDeviceFeatures2 *features)
{
	vkGetPhysicalDeviceFeatures(physical, &features->features);
	for (VkBaseOutStructure *next = features->pNext; next; next = next->pNext)
		fill_features(physical->script, next);
}

/* ---- Extensions and queue families ---- */

VKAPI_ATTR VkResult VKAPI_CALL vkEnumerateDeviceExtensionProperties(VkPhysicalDevice physical,
                                                                    const char *layer, uint32_t *count,
                                                                    VkExtensionProperties *properties)
{
	uint32_t total = EXTENSION_COUNT - !physical->script->rules[HOSTILE_FAULT].set;
	uint32_t written = *count < total ? *count : total;

	(void)layer;
	*count = total;
	if (!properties)
		return VK_SUCCESS;
	for (uint32_t i = 0; i < written; i++) {
		properties[i] = (VkExtensionProperties){.specVersion = 1};
		(void)snprintf(properties[i].extensionName, sizeof(properties[i].extensionName), "%s",
		               extensions[i]);
	}
	*count = written;
	return written < total ? VK_INCOMPLETE : VK_SUCCESS;
}

static VkQueueFamilyProperties family_of(struct hostile_script *script, uint32_t family, uint32_t total)
{
	bool async = hostile_strikes(script, HOSTILE_ASYNC_FAMILY);
	bool compute = (async || family + 1 == total) && !hostile_strikes(script, HOSTILE_NO_COMPUTE);
	uint32_t bits = hostile_value(script, HOSTILE_TIMESTAMP_BITS);

	if (bits == 0)
		bits = hostile_strikes(script, HOSTILE_TIMESTAMP_NONE) ? 0 : 64;

	return (VkQueueFamilyProperties){
		.queueFlags = VK_QUEUE_TRANSFER_BIT | (compute ? VK_QUEUE_COMPUTE_BIT : 0),
		.queueCount = 1,
		.timestampValidBits = bits,
	};
}

VKAPI_ATTR void VKAPI_CALL vkGetPhysicalDeviceQueueFamilyProperties(VkPhysicalDevice physical,
                                                                    uint32_t *count,
                                                                    VkQueueFamilyProperties *families)
{
	struct hostile_script *script = physical->script;
	uint32_t total =
		hostile_strikes(script, HOSTILE_TWO_FAMILIES) || hostile_strikes(script, HOSTILE_ASYNC_FAMILY)
			? HOSTILE_QUEUES
			: 1;
	uint32_t written = *count < total || hostile_strikes(script, HOSTILE_FAMILIES_FILL) ? *count : total;

	if (!families) {
		*count = total;
		return;
	}
	for (uint32_t i = 0; i < written; i++)
		families[i] = family_of(script, i, total);
	*count = written + (hostile_strikes(script, HOSTILE_FAMILIES_GROW) ? PHANTOMS : 0);
}

/* ---- Memory types ---- */

static void add_type(VkPhysicalDeviceMemoryProperties *memory, uint32_t heap, VkMemoryPropertyFlags flags)
{
	memory->memoryTypes[memory->memoryTypeCount++] = (VkMemoryType){flags, heap};
}

VKAPI_ATTR void VKAPI_CALL vkGetPhysicalDeviceMemoryProperties(VkPhysicalDevice physical,
                                                               VkPhysicalDeviceMemoryProperties *memory)
{
	const VkMemoryPropertyFlags local = VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT;
	const VkMemoryPropertyFlags cached = VK_MEMORY_PROPERTY_HOST_CACHED_BIT;
	bool discrete = hostile_strikes(physical->script, HOSTILE_DISCRETE);
	VkMemoryPropertyFlags shared = VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | (discrete ? 0 : local);

	if (!hostile_strikes(physical->script, HOSTILE_NON_COHERENT))
		shared |= VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
	memset(memory, 0, sizeof(*memory));
	memory->memoryHeapCount = discrete ? 2 : 1;
	memory->memoryHeaps[0] = (VkMemoryHeap){256u << 20, VK_MEMORY_HEAP_DEVICE_LOCAL_BIT};
	memory->memoryHeaps[1] = (VkMemoryHeap){256u << 20, 0};
	if (hostile_strikes(physical->script, HOSTILE_NO_MEMORY_TYPES))
		return;
	if (discrete)
		add_type(memory, 0, local);
	add_type(memory, discrete, shared);
	add_type(memory, discrete, shared | cached);
}
