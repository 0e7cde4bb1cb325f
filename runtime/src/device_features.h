/* Which Vulkan features and extensions Kiln enables: what a compute kernel may declare and the device has, and nothing
 * else. They are part of the device fingerprint, because drivers compile differently with them. */
#ifndef RUNTIME_DEVICE_FEATURES_H
#define RUNTIME_DEVICE_FEATURES_H

#include <stdbool.h>

#include "instance.h"
#include "vulkan_api.h"

struct kiln_device_features {
	VkPhysicalDeviceFeatures2 core; /* head of the chain, valid until the struct moves */
	VkPhysicalDeviceVulkan11Features v11;
	VkPhysicalDeviceVulkan12Features v12;
	VkPhysicalDeviceVulkan13Features v13;
	VkPhysicalDeviceShaderAtomicFloatFeaturesEXT atomic_float;
	VkPhysicalDeviceCooperativeMatrixFeaturesNV cooperative_matrix;
	VkPhysicalDeviceWorkgroupMemoryExplicitLayoutFeaturesKHR explicit_layout;
	VkPhysicalDeviceShaderClockFeaturesKHR clock;
	VkPhysicalDevicePipelineExecutablePropertiesFeaturesKHR executable;
};

#define KILN_EXTENSIONS_MAX 16

struct kiln_device_setup {
	uint32_t api_version;                 /* in use: the lower of the instance's and the device's */
	struct kiln_device_features features; /* to enable */
	const char *extensions[KILN_EXTENSIONS_MAX];
	uint32_t extension_count;
	bool feedback; /* pipeline creation feedback, by core or extension */
	bool calibrated_timestamps;
};

/* Reads what the device has and keeps what Kiln uses. `robust`: bounds-checked buffers. */
enum kiln_status kiln_features_choose(const struct kiln_instance *instance, VkPhysicalDevice physical,
                                      bool robust, struct kiln_device_setup *out_setup);

#endif
