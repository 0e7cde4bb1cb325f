/* Which Vulkan features and extensions Kiln enables: what a compute kernel may declare and the device has, and nothing
 * else. They are part of the device fingerprint, because drivers compile differently with them. */
#ifndef RUNTIME_DEVICE_FEATURES_H
#define RUNTIME_DEVICE_FEATURES_H

#include <stdbool.h>

#include <kiln/digest.h>

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
	VkPhysicalDeviceFaultFeaturesEXT fault;
};

#define KILN_EXTENSIONS_MAX 16

struct kiln_device_setup {
	uint32_t api_version;                 /* in use: the lower of the instance's and the device's */
	struct kiln_device_features features; /* to enable */
	const char *extensions[KILN_EXTENSIONS_MAX];
	uint32_t extension_count;
	bool imported;                  /* a program enabled it, and more: */
	struct kiln_digest application; /* all that it enabled */
	bool feedback; /* pipeline creation feedback, by core or extension */
	bool calibrated_timestamps;
	bool host_import;
	bool memory_budget; /* asked of the physical device: nothing to enable */
};

struct kiln_extension_list {
	VkExtensionProperties *names;
	uint32_t count;
};

/* What the device offers. Ownership: kiln_free(out_list->names). */
enum kiln_status kiln_extension_list_read(const struct kiln_instance *instance, VkPhysicalDevice physical,
                                          struct kiln_extension_list *out_list);
bool kiln_extension_listed(const struct kiln_extension_list *list, const char *name);

/* The same from what a program has enabled: pure. setup->api_version is set. */
void kiln_features_take(const struct kiln_device_features *enabled, const struct kiln_extension_list *list,
                        struct kiln_device_setup *setup);
/* The name of a feature that is in use and that the device, asked by kiln_features_choose(), does not have; NULL = none. */
const char *kiln_features_excess(const struct kiln_device_features *use,
                                 const struct kiln_device_features *have);

/* Reads what the device has and keeps what Kiln uses. `robust`: bounds-checked buffers. */
enum kiln_status kiln_features_choose(const struct kiln_instance *instance, VkPhysicalDevice physical,
                                      bool robust, struct kiln_device_setup *out_setup);

#endif
