#include "vulkan_api.h"

#include <stddef.h>

#include <base/error.h>

#define RESULT(name, status, fix)        \
	{                                \
		name, #name, status, fix \
	}

static const struct result_row {
	VkResult result;
	const char *name;
	enum kiln_status status;
	const char *fix;
} results[] = {
	RESULT(VK_ERROR_OUT_OF_HOST_MEMORY, KILN_ERR_OUT_OF_MEMORY, "free host memory"),
	RESULT(VK_ERROR_OUT_OF_DEVICE_MEMORY, KILN_ERR_OUT_OF_DEVICE_MEMORY,
               "free buffers, or use smaller ones"),
	RESULT(VK_ERROR_INITIALIZATION_FAILED, KILN_ERR_DRIVER, "check the driver's installation"),
	RESULT(VK_ERROR_DEVICE_LOST, KILN_ERR_DEVICE_LOST,
               "open the device again; look for an endless loop or an "
               "out-of-bounds access in the last kernel"),
	RESULT(VK_ERROR_MEMORY_MAP_FAILED, KILN_ERR_OUT_OF_MEMORY, "free host address space"),
	RESULT(VK_ERROR_LAYER_NOT_PRESENT, KILN_ERR_DRIVER,
               "unset VK_INSTANCE_LAYERS or install the layer it names"),
	RESULT(VK_ERROR_EXTENSION_NOT_PRESENT, KILN_ERR_DRIVER,
               "report this: Kiln only asks for what is listed"),
	RESULT(VK_ERROR_FEATURE_NOT_PRESENT, KILN_ERR_DRIVER,
               "report this: Kiln only asks for what is listed"),
	RESULT(VK_ERROR_INCOMPATIBLE_DRIVER, KILN_ERR_NO_DRIVER, "install a driver (mesa-vulkan-drivers)"),
	RESULT(VK_ERROR_TOO_MANY_OBJECTS, KILN_ERR_OUT_OF_DEVICE_MEMORY, "free buffers or kernels"),
	RESULT(VK_ERROR_FRAGMENTED_POOL, KILN_ERR_OUT_OF_DEVICE_MEMORY, "free buffers"),
	RESULT(VK_ERROR_OUT_OF_POOL_MEMORY, KILN_ERR_OUT_OF_DEVICE_MEMORY, "free buffers"),
	RESULT(VK_ERROR_INVALID_SHADER_NV, KILN_ERR_DRIVER, "check the module with spirv-val"),
	RESULT(VK_ERROR_UNKNOWN, KILN_ERR_DRIVER,
               "check the module with spirv-val and run with KILN_VALIDATION=1"),
};

static const struct result_row *find(VkResult result)
{
	for (size_t i = 0; i < sizeof(results) / sizeof(results[0]); i++)
		if (results[i].result == result)
			return &results[i];
	return NULL;
}

const char *kiln_vk_result_name(VkResult result)
{
	const struct result_row *row = find(result);

	return row ? row->name : "an unlisted VkResult";
}

enum kiln_status kiln_vk_error(VkResult result, const char *call)
{
	const struct result_row *row = find(result);

	return kiln_error(row ? row->status : KILN_ERR_DRIVER, "%.80s failed: %s (%d). Fix: %s", call,
	                  kiln_vk_result_name(result), (int)result,
	                  row ? row->fix : "run with KILN_VALIDATION=1");
}
