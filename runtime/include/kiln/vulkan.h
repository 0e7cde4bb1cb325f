/* Kiln beside other Vulkan code of the same program: on a VkDevice that exists, and with Kiln's handles in other hands.
 *
 * The one public header that includes a Vulkan header, so kiln.h does not include it. A program that uses volk includes volk.h
 * before.
 *
 * Who owns what. Kiln never destroys what it did not create: an imported instance, device or buffer outlives its Kiln object.
 * Kiln's own handles stay Kiln's: they are lent, and end with the object they came from.
 *
 * Who orders what. Kiln orders its own work by what each operation reads and writes, and sees nothing of what others do with
 * the same buffers. Where both sides touch the same bytes, at least one of them writing, the program orders them:
 *   Kiln, then others   kiln_ticket_vulkan(): the other submission waits for that semaphore and value.
 *   others, then Kiln   they signal a timeline semaphore of theirs, and kiln_stream_after_vulkan() makes a stream wait for it.
 * A semaphore makes memory visible too: nothing else is needed. On one and the same queue a barrier may take its place, from or
 * to Kiln's VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_TRANSFER_BIT with VK_ACCESS_SHADER_READ_BIT |
 * VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_UNIFORM_READ_BIT | VK_ACCESS_TRANSFER_READ_BIT | VK_ACCESS_TRANSFER_WRITE_BIT; and
 * Kiln's work is on the queue only once kiln_stream_submit() returned. Kiln's other functions (read, write, map, destroy) wait
 * for Kiln's uses alone.
 *
 * Which queue family. A buffer with VK_SHARING_MODE_EXCLUSIVE belongs to one family at a time. Where the program's queue is of
 * another family than Kiln's, create it with VK_SHARING_MODE_CONCURRENT, or release it to and acquire it from Kiln's family
 * by barriers of its own, on queues of its own: Kiln records no such barrier. Kiln's buffers are for Kiln's families. */
#ifndef KILN_VULKAN_H
#define KILN_VULKAN_H

#include <stdbool.h>
#include <stdint.h>

#include <vulkan/vulkan_core.h>

#include <kiln/buffer.h>
#include <kiln/device.h>
#include <kiln/stream.h>

KILN_BEGIN_DECLS

/** A queue that was created with the device and may compute. Vulkan wants one thread at a time on a queue: where the program
 *  submits to it as well, `lock` is called before each of Kiln's uses and `unlock` behind it, on whatever thread it is, for
 *  the time of one vkQueueSubmit() or vkQueueWaitIdle(). They must not call Kiln. Both NULL: the program stays away from the
 *  queue while a Kiln function runs. */
struct kiln_vulkan_queue {
	uint32_t family, index; /* of vkGetDeviceQueue() */
	VkQueue handle;         /* NULL = vkGetDeviceQueue(family, index); set it for a queue that was created with flags */
	void (*lock)(void *user);
	void (*unlock)(void *user);
	void *user;
};

/** A device that exists. Vulkan cannot be asked what was enabled: the lists must be those of its creation. */
struct kiln_vulkan_import {
	VkInstance instance;
	VkPhysicalDevice physical_device;
	VkDevice device;
	PFN_vkGetInstanceProcAddr get_instance_proc_addr;
	uint32_t api_version;                    /* VkApplicationInfo.apiVersion: 1.1 at least */
	const struct kiln_vulkan_queue *queues;  /* the main one, and behind it the one for KILN_QUEUE_ASYNC */
	uint32_t queue_count;                    /* 1 or 2 */
	const char *const *extensions;           /* VkDeviceCreateInfo.ppEnabledExtensionNames */
	uint32_t extension_count;
	const void *features;                    /* VkDeviceCreateInfo.pNext: the chain of enabled features */
	const VkPhysicalDeviceFeatures *core_features; /* VkDeviceCreateInfo.pEnabledFeatures; NULL = none, or in the chain */
	bool debug_utils;                        /* the instance has VK_EXT_debug_utils: Kiln names what it makes */
	const struct kiln_device_params *params; /* cache, store, slices ...; NULL = defaults. .select and .validation are the
	                                            instance's affair and stay unset */
};

#define kiln_device_import KILN_ABI(kiln_device_import)
/** Opens Kiln on a VkDevice that exists: everything else of Kiln works as on a device of its own, with the features that are
 *  enabled. KILN_DEVICE and KILN_VALIDATION are not looked at. Kiln needs the feature timelineSemaphore; whatever else is not
 *  enabled is missed only by kernels that use it. It calls no function of an extension that is not listed, waits for its own
 *  queues only, and leaves instance and device alive.
 *  Returns: KILN_ERR_INVALID_ARGUMENT; KILN_ERR_UNSUPPORTED for what is not enabled, by name; KILN_ERR_NO_COMPUTE for a queue
 *  that cannot; KILN_ERR_DRIVER, KILN_ERR_OUT_OF_MEMORY.
 *  Ownership: the caller kiln_device_close()s it, and destroys every object of Kiln's on it, before vkDestroyDevice(); the
 *  struct and what it points to need to live only for the call, `user` of the queues and a cache or store as long as Kiln.
 *  Threads: any; a VkDevice may be imported once at a time.  Blocks: some ms. */
KILN_API enum kiln_status kiln_device_import(const struct kiln_vulkan_import *import, struct kiln_device **out_device);

/** Kiln's handles. */
struct kiln_vulkan_device {
	VkInstance instance;
	VkPhysicalDevice physical_device;
	VkDevice device;
	PFN_vkGetInstanceProcAddr get_instance_proc_addr;
	uint32_t api_version; /* in use: the lower of the instance's and the device's */
	uint32_t queue_count; /* 1, or 2 where KILN_QUEUE_ASYNC is a queue of its own */
	struct {
		VkQueue handle;
		uint32_t family, index;
	} queues[2]; /* by enum kiln_queue; without a second queue both are the main one */
};

/** The Vulkan handles of a device, its own or imported. Work submitted from now on signals timeline semaphores, and the device
 *  is not for kiln_device_reopen() any more, as is one whose VkBuffers or semaphores were asked for: what is lost then stays lost.
 *  Returns: KILN_ERR_INVALID_ARGUMENT, KILN_ERR_DEVICE_LOST.
 *  Ownership: the device's: destroy none of them, and everything made on them before the Kiln device is closed.
 *  Threads: any.  Blocks: no. */
KILN_API enum kiln_status kiln_device_vulkan(struct kiln_device *device, struct kiln_vulkan_device *out_vulkan);

/** Keeps Kiln off a queue while the program submits to it, or waits for it. Calls the `lock` of an imported queue too. Between
 *  the two calls the thread must not call Kiln. NULL: nothing.
 *  Threads: any; the thread that locks unlocks.  Blocks: while Kiln submits. */
KILN_API void kiln_vulkan_queue_lock(struct kiln_device *device, enum kiln_queue queue);
KILN_API void kiln_vulkan_queue_unlock(struct kiln_device *device, enum kiln_queue queue);

/** Where a buffer's bytes are. */
struct kiln_vulkan_buffer {
	VkBuffer handle;
	uint64_t offset;          /* bytes */
	uint64_t bytes;           /* as asked for; the VkBuffer is at least that long behind the offset */
	VkBufferUsageFlags usage;
};

/** The VkBuffer of a buffer, its own or imported.
 *  Returns: KILN_ERR_INVALID_ARGUMENT.  Ownership: the buffer's; a submission of the program's that uses it must be done before
 *  kiln_buffer_destroy().  Threads: any.  Blocks: no. */
KILN_API enum kiln_status kiln_buffer_vulkan(const struct kiln_buffer *buffer, struct kiln_vulkan_buffer *out_vulkan);

/** A VkBuffer that exists, with memory bound to it. */
struct kiln_vulkan_buffer_import {
	VkBuffer handle;
	uint64_t bytes;           /* from its start: at least 1, at most the VkBuffer's size. Parts are bound with .args */
	VkBufferUsageFlags usage; /* as created. Needed: STORAGE_BUFFER, TRANSFER_SRC, TRANSFER_DST; UNIFORM_BUFFER for
	                             kernels that bind it so */
	VkSharingMode sharing;    /* as created; CONCURRENT among Kiln's families where the device has queues of two */
	bool read_only;           /* kernels may only read it */
	const char *name;         /* for messages; copied; NULL = "imported" */
};

/** Makes a buffer of a VkBuffer of this device, contents and all. Kiln orders its own uses of it as of any buffer, and
 *  reads and writes it from the host through staging: kiln_buffer_map() is for the program, that has the memory. One VkBuffer
 *  imported twice is two buffers, and Kiln does not see that they overlap.
 *  Returns: KILN_ERR_INVALID_ARGUMENT, KILN_ERR_UNSUPPORTED for usage or sharing that Kiln needs, KILN_ERR_TOO_LARGE,
 *  KILN_ERR_COMPILE_ONLY, KILN_ERR_OUT_OF_MEMORY, KILN_ERR_DEVICE_LOST.
 *  Ownership: the caller kiln_buffer_destroy()s it, and the VkBuffer only when a wait for the streams that used it has
 *  returned after that.  Threads: any.  Blocks: no. */
KILN_API enum kiln_status kiln_buffer_import(struct kiln_device *device, const struct kiln_vulkan_buffer_import *import,
                                             struct kiln_buffer **out_buffer);

/** What another submission waits for so that it begins when `ticket` is done: a timeline semaphore that reaches the value then.
 *  Work not submitted yet is submitted. Tickets of work that was submitted before this device was first asked for its handles
 *  are waited for here, and come back as something already reached.
 *  Returns: KILN_ERR_INVALID_ARGUMENT for a ticket not given yet, KILN_ERR_UNSUPPORTED where the device has no timeline
 *  semaphores, KILN_ERR_OUT_OF_DEVICE_MEMORY, KILN_ERR_DEVICE_LOST, also for a ticket given before the device was reopened.
 *  Ownership: the device's: never signal or destroy it; a submission that waits for it must be done before the device is closed.
 *  Threads: any.  Blocks: no, but for the case above. */
KILN_API enum kiln_status kiln_ticket_vulkan(struct kiln_device *device, struct kiln_ticket ticket, VkSemaphore *out_semaphore,
                                             uint64_t *out_value);

/** What is enqueued after this call begins only when the timeline semaphore, made by the program on this device, has reached
 *  `value`. What was enqueued before is submitted without waiting for it. The value must come from the host, from another
 *  queue, or from a submission that is on this queue already: otherwise the queue waits for itself. A host that waits for the
 *  stream waits for the value too.
 *  Returns: KILN_ERR_INVALID_ARGUMENT, KILN_ERR_UNSUPPORTED while the stream records a graph or where the device has no timeline
 *  semaphores, KILN_ERR_DEVICE_LOST.
 *  Ownership: the caller's; it must live until the stream's next submission is done.  Threads: any.
 *  Blocks: no. But once four submissions that wait for the value are in flight, what is enqueued next waits for it too (stream.h),
 *  and so does an upload of more than the 16 MiB that are staged: a thread that reaches the value itself does so before. */
KILN_API enum kiln_status kiln_stream_after_vulkan(struct kiln_stream *stream, VkSemaphore semaphore, uint64_t value);

KILN_END_DECLS

#endif
