/* The one place Vulkan is included from. Nothing links libvulkan: volk fetches every function, and its own global
 * symbols stay hidden inside Kiln. Device functions are called through the table in struct kiln_device. */
#ifndef RUNTIME_VULKAN_API_H
#define RUNTIME_VULKAN_API_H

#define VK_NO_PROTOTYPES
#include <volk.h>

#include <kiln/status.h>

/* Maps a failed VkResult to a status and sets the message: "<call>: <result name>. Fix: ...". */
enum kiln_status kiln_vk_error(VkResult result, const char *call);
const char *kiln_vk_result_name(VkResult result);

/* Runs a device call; a negative result becomes a status (device loss is latched on the device) and leaves through
 * `label` with `status` set. Positive results are success here: name them where they matter. */
#define KILN_VK(device, status, label, call)                                               \
	do {                                                                               \
		VkResult kiln_vk_result_ = (call);                                         \
		if (kiln_vk_result_ < 0) {                                                 \
			(status) = kiln_device_vk_error((device), kiln_vk_result_, #call); \
			goto label;                                                        \
		}                                                                          \
	} while (0)

/* The same for a call that creates `handle`, which Vulkan leaves undefined after a failure. */
#define KILN_VK_NEW(device, status, label, handle, call)                                   \
	do {                                                                               \
		VkResult kiln_vk_result_ = (call);                                         \
		if (kiln_vk_result_ < 0) {                                                 \
			(handle) = VK_NULL_HANDLE;                                         \
			(status) = kiln_device_vk_error((device), kiln_vk_result_, #call); \
			goto label;                                                        \
		}                                                                          \
	} while (0)

#endif
