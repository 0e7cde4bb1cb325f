/* A buffer of Kiln's on a VkBuffer that exists, and the VkBuffer of a buffer. */
#include "vulkan_api.h" /* first: without prototypes */

#include <kiln/vulkan.h>

#include <inttypes.h>
#include <stdio.h>

#include <base/alloc.h>
#include <base/error.h>

#include "buffer.h"
#include "device.h"
#include "slot_sets.h"

#define NEEDED                                                                   \
	(VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_TRANSFER_SRC_BIT | \
	 VK_BUFFER_USAGE_TRANSFER_DST_BIT)

/* The first that is missing. */
static const char *missing_usage(VkBufferUsageFlags usage)
{
	if (!(usage & VK_BUFFER_USAGE_STORAGE_BUFFER_BIT))
		return "VK_BUFFER_USAGE_STORAGE_BUFFER_BIT";
	if (!(usage & VK_BUFFER_USAGE_TRANSFER_SRC_BIT))
		return "VK_BUFFER_USAGE_TRANSFER_SRC_BIT";
	return usage & VK_BUFFER_USAGE_TRANSFER_DST_BIT ? NULL : "VK_BUFFER_USAGE_TRANSFER_DST_BIT";
}

static enum kiln_status check_arguments(struct kiln_device *device,
                                        const struct kiln_vulkan_buffer_import *import,
                                        struct kiln_buffer **out_buffer)
{
	KILN_CHECK(device, "kiln_buffer_import: the device is NULL. Fix: pass one of kiln_device_import() or "
	                   "kiln_device_open()");
	KILN_CHECK(
		import && import->handle,
		"kiln_buffer_import: %s is NULL. Fix: pass a VkBuffer of the device with memory bound to it",
		import ? ".handle" : "the import");
	KILN_CHECK(out_buffer, "kiln_buffer_import: out_buffer is NULL. Fix: pass where the buffer goes");
	KILN_CHECK(import->bytes, "kiln_buffer_import: .bytes is 0. Fix: pass the size in bytes, at least 1");
	KILN_CHECK(import->sharing == VK_SHARING_MODE_EXCLUSIVE ||
	                   import->sharing == VK_SHARING_MODE_CONCURRENT,
	           "kiln_buffer_import: .sharing is %d. Fix: pass VK_SHARING_MODE_EXCLUSIVE or "
	           "VK_SHARING_MODE_CONCURRENT, as created",
	           (int)import->sharing);
	KILN_TRY(kiln_device_check(device));
	return kiln_device_check_launch(device);
}

static enum kiln_status check_buffer(struct kiln_device *device,
                                     const struct kiln_vulkan_buffer_import *import, const char *name)
{
	const struct kiln_device_queue *queues = device->queues;
	VkMemoryRequirements requirements;

	if ((import->usage & NEEDED) != NEEDED)
		return kiln_error(
			KILN_ERR_UNSUPPORTED,
			"kiln_buffer_import: buffer \"%s\" was created without %s, or .usage does not say "
			"so. Fix: create it with that too, and pass all of VkBufferCreateInfo.usage",
			name, missing_usage(import->usage));
	if (import->sharing == VK_SHARING_MODE_EXCLUSIVE && device->queue_count == 2 &&
	    queues[0].family != queues[1].family)
		return kiln_error(
			KILN_ERR_UNSUPPORTED,
			"kiln_buffer_import: buffer \"%s\" belongs to one queue family at a time, and the "
			"device's queues are of families %u and %u. Fix: create it with "
			"VK_SHARING_MODE_CONCURRENT among both, or import the device with one queue",
			name, queues[0].family, queues[1].family);
	device->vk.vkGetBufferMemoryRequirements(device->handle, import->handle, &requirements);
	if (import->bytes <= requirements.size)
		return KILN_OK;
	return kiln_error(KILN_ERR_TOO_LARGE,
	                  "kiln_buffer_import: .bytes of buffer \"%s\" is %" PRIu64
	                  ", and the VkBuffer takes %" PRIu64
	                  " of memory. Fix: pass VkBufferCreateInfo.size, or less",
	                  name, import->bytes, (uint64_t)requirements.size);
}

/* Without an allocation of Kiln's, and so without a host address: host copies go through staging. */
static enum kiln_status wrap(struct kiln_device *device, const struct kiln_vulkan_buffer_import *import,
                             const char *name, struct kiln_buffer **out_buffer)
{
	struct kiln_buffer *buffer = kiln_alloc_zero(1, sizeof(*buffer));

	if (!buffer)
		return kiln_error(KILN_ERR_OUT_OF_MEMORY,
		                  "host memory ran out while importing buffer \"%s\". Fix: free memory "
		                  "and call again",
		                  name);
	atomic_init(&buffer->references, 1);
	buffer->id = kiln_object_id();
	buffer->device = device;
	buffer->handle = import->handle;
	buffer->bytes = import->bytes;
	buffer->kind = KILN_MEMORY_DEVICE;
	buffer->imported = import->usage;
	buffer->read_only = import->read_only;
	(void)snprintf(buffer->name, sizeof(buffer->name), "%s", name);
	*out_buffer = buffer;
	return KILN_OK;
}

enum kiln_status kiln_buffer_import(struct kiln_device *device,
                                    const struct kiln_vulkan_buffer_import *import,
                                    struct kiln_buffer **out_buffer)
{
	struct kiln_buffer *buffer = NULL;
	const char *name;

	KILN_TRY(check_arguments(device, import, out_buffer));
	name = import->name ? import->name : "imported";
	KILN_TRY(check_buffer(device, import, name));
	KILN_TRY(wrap(device, import, name, &buffer));
	kiln_device_reference(device);
	*out_buffer = buffer;
	return KILN_OK;
}

enum kiln_status kiln_buffer_vulkan(const struct kiln_buffer *buffer, struct kiln_vulkan_buffer *out_vulkan)
{
	KILN_CHECK(buffer,
	           "kiln_buffer_vulkan: the buffer is NULL. Fix: pass one that kiln_buffer_create() gave");
	KILN_CHECK(out_vulkan, "kiln_buffer_vulkan: out_vulkan is NULL. Fix: pass where the handle goes");
	kiln_device_lend(buffer->device);
	*out_vulkan = (struct kiln_vulkan_buffer){
		.handle = buffer->handle,
		.bytes = buffer->bytes,
		.usage = buffer->imported ? buffer->imported : kiln_buffer_usage(buffer->device),
	};
	return KILN_OK;
}
