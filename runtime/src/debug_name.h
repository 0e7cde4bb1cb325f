/* Names and labels for debuggers and validation messages. Without validation nobody would see them, and nothing is done. */
#ifndef RUNTIME_DEBUG_NAME_H
#define RUNTIME_DEBUG_NAME_H

#include <stdint.h>

#include <kiln/export.h>

#include "vulkan_api.h"

struct kiln_device;

/* Names an object; `handle` is cast to an integer. A NULL handle is fine. */
void kiln_debug_name(struct kiln_device *device, VkObjectType type, uint64_t handle, const char *format, ...)
	KILN_PRINTF(4, 5);

/* What is recorded between the two, and a point. */
void kiln_debug_label_begin(struct kiln_device *device, VkCommandBuffer commands, const char *name);
void kiln_debug_label_end(struct kiln_device *device, VkCommandBuffer commands);
void kiln_debug_label_point(struct kiln_device *device, VkCommandBuffer commands, const char *name);

#endif
