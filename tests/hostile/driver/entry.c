/* How the loader gets in: version negotiation, and functions by name. */
#include <string.h>

#include "objects.h"

#define FUNCTION(name)                          \
	{                                       \
#name, (PFN_vkVoidFunction)name \
	}

static const struct {
	const char *name;
	PFN_vkVoidFunction function;
} functions[] = {
	FUNCTION(vkAllocateCommandBuffers),
	FUNCTION(vkAllocateDescriptorSets),
	FUNCTION(vkAllocateMemory),
	FUNCTION(vkBeginCommandBuffer),
	FUNCTION(vkBindBufferMemory),
	FUNCTION(vkCmdBindDescriptorSets),
	FUNCTION(vkCmdBindPipeline),
	FUNCTION(vkCmdCopyBuffer),
	FUNCTION(vkCmdDispatch),
	FUNCTION(vkCmdDispatchBase),
	FUNCTION(vkCmdFillBuffer),
	FUNCTION(vkCmdPipelineBarrier),
	FUNCTION(vkCmdPushConstants),
	FUNCTION(vkCmdResetQueryPool),
	FUNCTION(vkCmdWriteTimestamp),
	FUNCTION(vkCreateBuffer),
	FUNCTION(vkCreateCommandPool),
	FUNCTION(vkCreateComputePipelines),
	FUNCTION(vkCreateDescriptorPool),
	FUNCTION(vkCreateDescriptorSetLayout),
	FUNCTION(vkCreateDevice),
	FUNCTION(vkCreateFence),
	FUNCTION(vkCreateInstance),
	FUNCTION(vkCreatePipelineCache),
	FUNCTION(vkCreatePipelineLayout),
	FUNCTION(vkCreateQueryPool),
	FUNCTION(vkCreateSemaphore),
	FUNCTION(vkCreateShaderModule),
	FUNCTION(vkDestroyBuffer),
	FUNCTION(vkDestroyCommandPool),
	FUNCTION(vkDestroyDescriptorPool),
	FUNCTION(vkDestroyDescriptorSetLayout),
	FUNCTION(vkDestroyDevice),
	FUNCTION(vkDestroyFence),
	FUNCTION(vkDestroyInstance),
	FUNCTION(vkDestroyPipeline),
	FUNCTION(vkDestroyPipelineCache),
	FUNCTION(vkDestroyPipelineLayout),
	FUNCTION(vkDestroyQueryPool),
	FUNCTION(vkDestroySemaphore),
	FUNCTION(vkDestroyShaderModule),
	FUNCTION(vkDeviceWaitIdle),
	FUNCTION(vkEndCommandBuffer),
	FUNCTION(vkEnumerateDeviceExtensionProperties),
	FUNCTION(vkEnumerateInstanceExtensionProperties),
	FUNCTION(vkEnumerateInstanceVersion),
	FUNCTION(vkEnumeratePhysicalDevices),
	FUNCTION(vkFlushMappedMemoryRanges),
	FUNCTION(vkFreeMemory),
	FUNCTION(vkGetBufferMemoryRequirements),
	FUNCTION(vkGetDeviceFaultInfoEXT),
	FUNCTION(vkGetDeviceProcAddr),
	FUNCTION(vkGetDeviceQueue),
	FUNCTION(vkGetFenceStatus),
	FUNCTION(vkGetInstanceProcAddr),
	FUNCTION(vkGetPhysicalDeviceFeatures),
	FUNCTION(vkGetPhysicalDeviceFeatures2),
	FUNCTION(vkGetPhysicalDeviceFormatProperties),
	FUNCTION(vkGetPhysicalDeviceImageFormatProperties),
	FUNCTION(vkGetPhysicalDeviceMemoryProperties),
	FUNCTION(vkGetPhysicalDeviceProperties),
	FUNCTION(vkGetPhysicalDeviceProperties2),
	FUNCTION(vkGetPhysicalDeviceQueueFamilyProperties),
	FUNCTION(vkGetPhysicalDeviceSparseImageFormatProperties),
	FUNCTION(vkGetPipelineCacheData),
	FUNCTION(vkGetQueryPoolResults),
	FUNCTION(vkGetSemaphoreCounterValue),
	FUNCTION(vkInvalidateMappedMemoryRanges),
	FUNCTION(vkMapMemory),
	FUNCTION(vkQueueSubmit),
	FUNCTION(vkQueueWaitIdle),
	FUNCTION(vkResetCommandPool),
	FUNCTION(vkResetDescriptorPool),
	FUNCTION(vkResetFences),
	FUNCTION(vkSignalSemaphore),
	FUNCTION(vkUpdateDescriptorSets),
	FUNCTION(vkWaitForFences),
	FUNCTION(vkWaitSemaphores),
};

static PFN_vkVoidFunction find(const char *name)
{
	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++)
		if (strcmp(functions[i].name, name) == 0)
			return functions[i].function;
	return NULL;
}

#define EXPORTED __attribute__((visibility("default")))

EXPORTED VKAPI_ATTR VkResult VKAPI_CALL vk_icdNegotiateLoaderICDInterfaceVersion(uint32_t *version)
{
	if (*version < 2)
		return VK_ERROR_INCOMPATIBLE_DRIVER;
	if (*version > 5)
		*version = 5;
	return VK_SUCCESS;
}

EXPORTED VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL vk_icdGetInstanceProcAddr(VkInstance instance,
                                                                            const char *name)
{
	(void)instance;
	return find(name);
}

VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL vkGetInstanceProcAddr(VkInstance instance, const char *name)
{
	(void)instance;
	return find(name);
}

VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL vkGetDeviceProcAddr(VkDevice device, const char *name)
{
	(void)device;
	return find(name);
}
