/* What of an imported device Kiln may use. Vulkan cannot be asked what was enabled, so it is worked out from the lists of the
 * device's creation. Pure: plain data in and out, tested without a device. */
#ifndef RUNTIME_IMPORT_SETUP_H
#define RUNTIME_IMPORT_SETUP_H

#include <stddef.h>
#include <stdint.h>

#include "device_features.h" /* first: Vulkan without prototypes */

#include <kiln/vulkan.h>

/* Adds up the feature structs of a VkDeviceCreateInfo.pNext chain: whatever the form they were given in, single structs or
 * those of a whole version. `list`: the enabled extensions, `api`: the version in use. What no Vulkan device could have been
 * created with is KILN_ERR_INVALID_ARGUMENT. `digest` covers all of it, that which Kiln does not know included. */
enum kiln_status kiln_import_features(const void *chain, const VkPhysicalDeviceFeatures *core, uint32_t api,
                                      const struct kiln_extension_list *list,
                                      struct kiln_device_features *out_features,
                                      struct kiln_digest *out_digest);

/* All of it: api_version, extensions, extension_count, features and core_features of the import are looked at. `api` is the
 * version in use. KILN_ERR_UNSUPPORTED for what Kiln needs and is not enabled. */
enum kiln_status kiln_import_setup(const struct kiln_vulkan_import *import, uint32_t api,
                                   struct kiln_device_setup *out_setup);

/* The queues exist in these families and may compute: KILN_ERR_INVALID_ARGUMENT, KILN_ERR_NO_COMPUTE. */
enum kiln_status kiln_import_check_queues(const struct kiln_vulkan_import *import,
                                          const VkQueueFamilyProperties *families, uint32_t family_count);

#endif
