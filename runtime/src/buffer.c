#include "buffer.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include <base/alloc.h>
#include <base/clock.h>
#include <base/error.h>
#include <base/log.h>

#include "debug_name.h"
#include "device.h"
#include "image.h"
#include "memory_import.h"
#include "slot_sets.h"
#include "staging.h"

/* Above this the device zeroes its own memory faster than the host can across a bus. */
static const uint64_t DIRECT_ZERO_BYTES = UINT64_C(256) << 10;

/* For work on the caller's pages that the driver has no memory to take; any other wait has no end. */
static const uint64_t PATIENCE_NS = UINT64_C(3000000000);

static uint64_t whole_words(uint64_t bytes)
{
	return (bytes + 3) & ~UINT64_C(3);
}

VkBufferUsageFlags kiln_buffer_usage(const struct kiln_device *device)
{
	VkBufferUsageFlags usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_UNIFORM_BUFFER_BIT |
	                           VK_BUFFER_USAGE_INDIRECT_BUFFER_BIT | VK_BUFFER_USAGE_TRANSFER_SRC_BIT |
	                           VK_BUFFER_USAGE_TRANSFER_DST_BIT;

	if (device->capabilities.features.v12.bufferDeviceAddress)
		usage |= VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT;
	return usage;
}

static enum kiln_status create_handle(struct kiln_buffer *buffer)
{
	struct kiln_device *device = buffer->device;
	VkExternalMemoryBufferCreateInfo external = {
		.sType = VK_STRUCTURE_TYPE_EXTERNAL_MEMORY_BUFFER_CREATE_INFO,
		.handleTypes = VK_EXTERNAL_MEMORY_HANDLE_TYPE_HOST_ALLOCATION_BIT_EXT,
	};
	VkBufferCreateInfo info = {
		.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
		.pNext = buffer->pages ? &external : NULL,
		.size = whole_words(buffer->bytes),
		.usage = kiln_buffer_usage(device),
		.sharingMode = VK_SHARING_MODE_EXCLUSIVE,
	};
	const uint32_t families[2] = {device->queues[0].family, device->queues[1].family};
	enum kiln_status status = KILN_OK;

	/* Both queues work on it without handing it over. */
	if (device->queue_count == 2 && families[0] != families[1]) {
		info.sharingMode = VK_SHARING_MODE_CONCURRENT;
		info.queueFamilyIndexCount = 2;
		info.pQueueFamilyIndices = families;
	}
	KILN_VK_NEW(device, status, out, buffer->handle,
	            device->vk.vkCreateBuffer(device->handle, &info, NULL, &buffer->handle));
	kiln_debug_name(device, VK_OBJECT_TYPE_BUFFER, (uint64_t)(uintptr_t)buffer->handle, "%s",
	                buffer->name);
out:
	return status;
}

static enum kiln_status attach_memory(struct kiln_buffer *buffer)
{
	struct kiln_device *device = buffer->device;
	VkMemoryRequirements requirements;
	enum kiln_status status;

	device->vk.vkGetBufferMemoryRequirements(device->handle, buffer->handle, &requirements);
	if (buffer->pages)
		status = kiln_memory_import(device, &requirements, buffer->pages, buffer->bytes,
		                            &buffer->memory);
	else
		status = kiln_memory_allocate(device, &requirements, buffer->kind, &buffer->memory);
	if (status != KILN_OK)
		goto out;
	KILN_VK(device, status, out,
	        device->vk.vkBindBufferMemory(device->handle, buffer->handle, buffer->memory.memory,
	                                      buffer->memory.offset));
	return KILN_OK;
out:
	kiln_memory_free(device, &buffer->memory);
	return status;
}

/* Buffers that were destroyed but are still in flight may hold the memory that is missing: one more try
 * once they are gone. */
static enum kiln_status attach_patiently(struct kiln_buffer *buffer)
{
	enum kiln_status status = attach_memory(buffer);

	if (status != KILN_ERR_OUT_OF_DEVICE_MEMORY)
		return status;
	KILN_TRY(kiln_streams_idle(buffer->device));
	return attach_memory(buffer);
}

enum kiln_status kiln_buffer_attach(struct kiln_buffer *buffer)
{
	KILN_TRY(create_handle(buffer));
	return attach_patiently(buffer);
}

static void copy_name(char *target, size_t size, const char *name)
{
	size_t length = strnlen(name, size - 1);

	memcpy(target, name, length);
	target[length] = '\0';
}

static enum kiln_status new_buffer(struct kiln_device *device, uint64_t bytes, enum kiln_memory kind,
                                   void *pages, const char *name, struct kiln_buffer **out_buffer)
{
	struct kiln_buffer *buffer = kiln_alloc_zero(1, sizeof(*buffer));
	enum kiln_status status;

	if (!buffer)
		return kiln_error(KILN_ERR_OUT_OF_MEMORY,
		                  "host memory ran out while creating buffer \"%s\". Fix: free memory "
		                  "and call again",
		                  name);
	atomic_init(&buffer->references, 1);
	buffer->id = kiln_object_id();
	buffer->device = device;
	buffer->bytes = bytes;
	buffer->kind = kind;
	buffer->pages = pages;
	copy_name(buffer->name, sizeof(buffer->name), name);

	status = kiln_buffer_attach(buffer);
	if (status != KILN_OK) {
		kiln_error_context(status, "buffer \"%s\" of %" PRIu64 " bytes", buffer->name, bytes);
		kiln_buffer_free(buffer);
		return status;
	}
	kiln_contents_init(buffer);
	*out_buffer = buffer;
	return KILN_OK;
}

enum kiln_status kiln_buffer_new(struct kiln_device *device, uint64_t bytes, enum kiln_memory kind,
                                 const char *name, struct kiln_buffer **out_buffer)
{
	return new_buffer(device, bytes, kind, NULL, name, out_buffer);
}

enum kiln_status kiln_buffer_new_of(struct kiln_device *device, void *pages, uint64_t bytes, const char *name,
                                    struct kiln_buffer **out_buffer)
{
	return new_buffer(device, bytes, KILN_MEMORY_UPLOAD, pages, name, out_buffer);
}

void kiln_buffer_free(struct kiln_buffer *buffer)
{
	struct kiln_device *device = buffer->device;
	void (*released)(void *user) = buffer->released;
	void *user = buffer->released_user;

	kiln_contents_finish(buffer);
	if (buffer->image)
		kiln_image_drop(buffer->image);
	if (buffer->handle && !buffer->imported)
		device->vk.vkDestroyBuffer(device->handle, buffer->handle, NULL);
	kiln_memory_free(device, &buffer->memory);
	kiln_buffer_use_finish(&buffer->use);
	kiln_free(buffer);
	if (released)
		released(user);
}

static void free_retired(void *object)
{
	kiln_buffer_free(object);
}

void kiln_buffer_retire(struct kiln_buffer *buffer)
{
	buffer->retired.free = free_retired;
	buffer->retired.object = buffer;
	kiln_stream_retire(buffer->device, &buffer->retired);
}

/* Across a bus, large zeroes are the device's job; where host and device share memory the host is as good
 * and needs no submission. */
static bool host_zeroes(const struct kiln_buffer *buffer)
{
	enum kiln_device_type type = buffer->device->info.type;

	if (!buffer->memory.data)
		return false;
	return buffer->bytes <= DIRECT_ZERO_BYTES || !buffer->memory.local || type == KILN_DEVICE_CPU ||
	       type == KILN_DEVICE_INTEGRATED;
}

static enum kiln_status fill_zeroes(struct kiln_buffer *buffer)
{
	uint64_t bytes = whole_words(buffer->bytes);

	if (!host_zeroes(buffer))
		return kiln_stream_record_fill(&buffer->device->stream, buffer, 0, bytes, 0);
	memset(buffer->memory.data, 0, (size_t)bytes);
	return kiln_memory_flush(buffer->device, &buffer->memory, 0, bytes);
}

/* The bytes between the asked-for and the whole-word size read as zeroes as well: kernels may see them. */
static enum kiln_status fill_contents(struct kiln_buffer *buffer, const void *contents)
{
	uint64_t whole = whole_words(buffer->bytes);
	unsigned char *data = buffer->memory.data;

	if (!data) {
		if (whole != buffer->bytes)
			KILN_TRY(kiln_stream_record_fill(&buffer->device->stream, buffer, whole - 4, 4, 0));
		return kiln_staging_write(&buffer->device->stream, buffer, 0, contents, buffer->bytes);
	}
	memcpy(data, contents, (size_t)buffer->bytes);
	memset(data + buffer->bytes, 0, (size_t)(whole - buffer->bytes));
	return kiln_memory_flush(buffer->device, &buffer->memory, 0, whole);
}

enum kiln_status kiln_buffer_set(struct kiln_buffer *buffer, const void *contents)
{
	return contents ? fill_contents(buffer, contents) : fill_zeroes(buffer);
}

enum kiln_status kiln_buffer_check_bytes(const struct kiln_device *device, uint64_t bytes, const char *name)
{
	if (bytes <= device->memory.max_bytes)
		return KILN_OK;
	return kiln_error(KILN_ERR_TOO_LARGE,
	                  "buffer \"%s\" of %" PRIu64 " bytes is over the device's limit of %" PRIu64
	                  " bytes, which is %s. Fix: spread the data over several buffers",
	                  name, bytes, device->memory.max_bytes, device->memory.max_why);
}

static enum kiln_status check_create(struct kiln_device *device, const struct kiln_buffer_params *params,
                                     struct kiln_buffer **out_buffer)
{
	KILN_CHECK(device,
	           "kiln_buffer_create: the device is NULL. Fix: pass the one kiln_device_open() gave");
	KILN_CHECK(params, "kiln_buffer_create: the parameters are NULL. Fix: pass at least .bytes");
	KILN_CHECK(out_buffer, "kiln_buffer_create: out_buffer is NULL. Fix: pass where the buffer goes");
	KILN_CHECK(params->bytes, "kiln_buffer_create: .bytes is 0. Fix: pass the size in bytes, at least 1");
	KILN_CHECK(params->memory == KILN_MEMORY_DEVICE || params->memory == KILN_MEMORY_UPLOAD ||
	                   params->memory == KILN_MEMORY_READBACK,
	           "kiln_buffer_create: .memory is %d. Fix: pass KILN_MEMORY_DEVICE, KILN_MEMORY_UPLOAD or "
	           "KILN_MEMORY_READBACK",
	           (int)params->memory);
	KILN_TRY(kiln_device_check(device));
	KILN_TRY(kiln_device_check_launch(device));
	return kiln_buffer_check_bytes(device, params->bytes, params->name ? params->name : "buffer");
}

enum kiln_status kiln_buffer_create(struct kiln_device *device, const struct kiln_buffer_params *params,
                                    struct kiln_buffer **out_buffer)
{
	struct kiln_buffer *buffer = NULL;
	enum kiln_status status;

	KILN_TRY(check_create(device, params, out_buffer));
	KILN_TRY(kiln_buffer_new(device, params->bytes, params->memory,
	                         params->name ? params->name : "buffer", &buffer));
	kiln_device_reference(device);
	buffer->read_only = params->read_only;
	status = params->shadowed ? kiln_contents_shadow(buffer) : KILN_OK;
	if (status == KILN_OK)
		status = kiln_buffer_set(buffer, params->contents);
	if (status != KILN_OK)
		goto out;
	if (params->contents)
		kiln_contents_wrote(buffer, 0, params->contents, params->bytes);
	*out_buffer = buffer;
	return KILN_OK;
out:
	kiln_buffer_destroy(&buffer);
	return status;
}

void kiln_buffer_reference(struct kiln_buffer *buffer)
{
	atomic_fetch_add_explicit(&buffer->references, 1, memory_order_relaxed);
}

/* The device's reference goes last: it may take the device with it, and the device waits for what the streams still
 * hold. */
void kiln_buffer_unreference(struct kiln_buffer *buffer)
{
	struct kiln_device *device = buffer->device;

	if (atomic_fetch_sub_explicit(&buffer->references, 1, memory_order_acq_rel) != 1)
		return;
	kiln_buffer_retire(buffer);
	kiln_device_unreference(device);
}

/* What is enqueued and finds no memory now is submitted later, so it is tried until the memory is there. */
static enum kiln_status wait_until_unused(struct kiln_buffer *buffer)
{
	uint64_t start = kiln_now_ns();
	enum kiln_status status;

	for (;;) {
		status = kiln_stream_wait_buffer_device(buffer, true);
		if (status == KILN_OK || status == KILN_ERR_DEVICE_LOST ||
		    kiln_now_ns() - start >= PATIENCE_NS)
			return status;
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	}
}

/* The caller's pages are the caller's again when this returns, unless a graph holds the buffer too. Where the device is lost
 * they are let go later. */
static void let_go(struct kiln_buffer *buffer)
{
	struct kiln_device *device = buffer->device;
	enum kiln_status status = wait_until_unused(buffer);

	if (status != KILN_OK) {
		if (status != KILN_ERR_DEVICE_LOST)
			kiln_log(KILN_LOG_ERROR,
			         "buffer \"%s\" is destroyed and the device will still use its pages: %s",
			         buffer->name, kiln_error_message());
		kiln_buffer_unreference(buffer);
		return;
	}
	if (atomic_fetch_sub_explicit(&buffer->references, 1, memory_order_acq_rel) != 1)
		return;
	kiln_buffer_free(buffer);
	kiln_device_unreference(device);
}

void kiln_buffer_destroy(struct kiln_buffer **buffer)
{
	struct kiln_buffer *gone = buffer ? *buffer : NULL;

	if (!gone)
		return;
	*buffer = NULL;
	if (kiln_device_is_inherited(gone->device))
		return;
	if (gone->pages && !gone->released)
		let_go(gone);
	else
		kiln_buffer_unreference(gone);
}

uint64_t kiln_buffer_bytes(const struct kiln_buffer *buffer)
{
	return buffer ? buffer->bytes : 0;
}

enum kiln_status kiln_buffer_check_range(const struct kiln_buffer *buffer, const char *call, uint64_t offset,
                                         uint64_t bytes)
{
	KILN_CHECK(buffer, "%s: the buffer is NULL. Fix: pass one that kiln_buffer_create() gave", call);
	KILN_CHECK(offset <= buffer->bytes && bytes <= buffer->bytes - offset,
	           "%s: %" PRIu64 " bytes at offset %" PRIu64 " reach beyond buffer \"%s\" of %" PRIu64
	           " bytes. Fix: keep offset + bytes within the buffer",
	           call, bytes, offset, buffer->name, buffer->bytes);
	return kiln_device_check(buffer->device);
}
