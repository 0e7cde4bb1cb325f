/* A program's own Vulkan: an instance under validation, a device, a queue and buffers made by hand, for tests of Kiln on
 * devices that exist. Its validation messages are the test program's. */
#ifndef TESTS_GPU_OUTSIDE_H
#define TESTS_GPU_OUTSIDE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "vulkan_api.h"

#include <kiln/vulkan.h>

struct outside {
	PFN_vkGetInstanceProcAddr get;
	VkInstance instance;
	VkDebugUtilsMessengerEXT messenger;
	VkPhysicalDevice physical;
	VkDevice device;
	struct VolkDeviceTable vk;
	uint32_t family;
	VkQueue queue;
	VkPhysicalDeviceMemoryProperties memory;
	bool can_launch;                           /* has memory and the feature timelineSemaphore */
	VkPhysicalDeviceVulkan12Features features; /* as enabled */
	VkPhysicalDeviceFeatures core;

	pthread_mutex_t lock; /* of the queue */
	bool locked;
	unsigned locks;
	struct kiln_vulkan_queue queues[1]; /* with the lock above */
	struct kiln_vulkan_import import;   /* all of it, ready to be passed */
};

enum outside_features {
	OUTSIDE_NONE,
	OUTSIDE_TIMELINE, /* that alone, where the device has it */
	OUTSIDE_ALL,      /* what the device has, but robustBufferAccess */
};
void outside_open(struct outside *outside, enum outside_features features);
/* Asserts that nothing is left: the validation layer tells of objects that are. */
void outside_close(struct outside *outside);

struct outside_buffer {
	VkBuffer handle;
	VkDeviceMemory memory;
	uint32_t *data; /* mapped, coherent */
	uint64_t bytes;
	VkBufferUsageFlags usage;
};

/* For kernels and copies. */
void outside_buffer_create(struct outside *outside, uint64_t bytes, struct outside_buffer *out_buffer);
void outside_buffer_destroy(struct outside *outside, struct outside_buffer *buffer);

VkSemaphore outside_timeline(struct outside *outside);
void outside_signal(struct outside *outside, VkSemaphore semaphore, uint64_t value);

/* One submission: waits, fills or copies, signals. Semaphores may be VK_NULL_HANDLE. */
struct outside_work {
	VkSemaphore wait, signal;
	uint64_t wait_value, signal_value;
	VkBuffer source; /* NULL = fill with the value */
	VkBuffer target;
	uint64_t bytes;
	uint32_t value;
};
/* Waits for it. */
void outside_run(struct outside *outside, const struct outside_work *work);
/* Does not: outside_finish() does, and frees it. */
struct outside_running {
	VkCommandPool pool;
	VkFence fence;
};
void outside_start(struct outside *outside, const struct outside_work *work,
                   struct outside_running *out_running);
void outside_finish(struct outside *outside, struct outside_running *running);

/* A fill, a copy and a read by the program's own hands: its device is as good as new. */
void outside_assert_usable(struct outside *outside);

#endif
