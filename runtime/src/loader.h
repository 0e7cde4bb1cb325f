/* The Vulkan loader, opened by name at run time. */
#ifndef RUNTIME_LOADER_H
#define RUNTIME_LOADER_H

#include "vulkan_api.h"

/* Opens the loader once per process and keeps it: drivers do not survive being unloaded. `library` NULL = the system's name;
 * tests pass another to see KILN_ERR_NO_LOADER. */
enum kiln_status kiln_loader_open(const char *library, PFN_vkGetInstanceProcAddr *out_get);

/* Fills a device's function table. volk reads one process-wide pointer for it, hence the lock inside. */
void kiln_loader_device_table(PFN_vkGetInstanceProcAddr get, VkInstance instance, VkDevice device,
                              struct VolkDeviceTable *out_table);

#endif
