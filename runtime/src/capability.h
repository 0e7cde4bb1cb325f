/* May a kernel be this SPIR-V on this device? The rules follow the Vulkan specification's appendix "Vulkan Environment for
 * SPIR-V": the versions of each API version, the table "List of SPIR-V Capabilities and corresponding Vulkan features",
 * and VUID-RuntimeSpirv-LocalSizeId-06434. */
#ifndef RUNTIME_CAPABILITY_H
#define RUNTIME_CAPABILITY_H

#include <kiln/reflect.h>

#include "device_features.h"

struct kiln_capability_set {
	struct kiln_device_features features;       /* enabled; its pNext chain is not used here */
	VkSubgroupFeatureFlags subgroup_operations; /* 0 when the compute stage has none */
	uint32_t api_version;                       /* in use: decides the SPIR-V version */
};

/* NULL when the device may run it, else the feature it lacks, in words. */
const char *kiln_capability_lacking(const struct kiln_capability_set *set, uint32_t capability);

/* KILN_ERR_SPIRV_CAPABILITY with a sentence for the first thing the device lacks. */
enum kiln_status kiln_capability_check(const struct kiln_capability_set *set,
                                       const struct kiln_reflection *reflection, const char *kernel,
                                       const char *device);

#endif
