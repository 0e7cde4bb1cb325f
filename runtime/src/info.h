/* Reading what a physical device says about itself. */
#ifndef RUNTIME_INFO_H
#define RUNTIME_INFO_H

#include <kiln/device.h>

#include "capability.h"
#include "instance.h"

struct kiln_physical {
	VkPhysicalDevice handle;
	uint32_t queue_family; /* the first that computes */
	bool has_async;        /* a queue beside that family's first one */
	uint32_t async_family, async_index;
	struct kiln_device_info info;
	VkPhysicalDeviceLimits limits;
	VkSubgroupFeatureFlags subgroup_operations;
	uint32_t min_subgroup_size, max_subgroup_size; /* both 0 when they cannot be asked for */
	uint32_t max_workgroup_subgroups;              /* of such a size */
	uint8_t cache_uuid[VK_UUID_SIZE];
	uint8_t driver_uuid[VK_UUID_SIZE];
};

/* All devices of an instance in the loader's order, scored.
 * Returns KILN_ERR_NO_DRIVER when there is none. Ownership: kiln_free(*out_devices). */
enum kiln_status kiln_physical_list(const struct kiln_instance *instance, struct kiln_physical **out_devices,
                                    size_t *out_count);

#endif
