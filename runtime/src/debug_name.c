#include "debug_name.h"

#include <stdarg.h>
#include <stdio.h>

#include "device.h"

/* A name is cut at 127 bytes; losing one costs nothing but the name. */
void kiln_debug_name(struct kiln_device *device, VkObjectType type, uint64_t handle, const char *format, ...)
{
	char name[128];
	VkDebugUtilsObjectNameInfoEXT info = {
		.sType = VK_STRUCTURE_TYPE_DEBUG_UTILS_OBJECT_NAME_INFO_EXT,
		.objectType = type,
		.objectHandle = handle,
		.pObjectName = name,
	};
	va_list arguments;

	if (!device->instance.validation || !device->instance.vkSetDebugUtilsObjectNameEXT || !handle)
		return;
	va_start(arguments, format);
	(void)vsnprintf(name, sizeof(name), format, arguments);
	va_end(arguments);
	(void)device->instance.vkSetDebugUtilsObjectNameEXT(device->handle, &info);
}

static VkDebugUtilsLabelEXT label(const char *name)
{
	return (VkDebugUtilsLabelEXT){.sType = VK_STRUCTURE_TYPE_DEBUG_UTILS_LABEL_EXT, .pLabelName = name};
}

void kiln_debug_label_begin(struct kiln_device *device, VkCommandBuffer commands, const char *name)
{
	VkDebugUtilsLabelEXT info = label(name);

	if (device->instance.validation && device->instance.vkCmdBeginDebugUtilsLabelEXT)
		device->instance.vkCmdBeginDebugUtilsLabelEXT(commands, &info);
}

void kiln_debug_label_end(struct kiln_device *device, VkCommandBuffer commands)
{
	if (device->instance.validation && device->instance.vkCmdEndDebugUtilsLabelEXT)
		device->instance.vkCmdEndDebugUtilsLabelEXT(commands);
}

void kiln_debug_label_point(struct kiln_device *device, VkCommandBuffer commands, const char *name)
{
	VkDebugUtilsLabelEXT info = label(name);

	if (device->instance.validation && device->instance.vkCmdInsertDebugUtilsLabelEXT)
		device->instance.vkCmdInsertDebugUtilsLabelEXT(commands, &info);
}
