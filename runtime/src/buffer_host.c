/* Buffers that work in the caller's own pages. */
#include <kiln/memory.h>

#include <inttypes.h>

#include <base/error.h>

#include "buffer.h"
#include "device.h"

uint64_t kiln_device_import_alignment(const struct kiln_device *device)
{
	return device ? device->memory.limits.import_alignment : 0;
}

bool kiln_buffer_is_in_place(const struct kiln_buffer *buffer)
{
	return buffer && buffer->pages;
}

/* The process may be unable to write such pages itself, and then nothing tells but a crash. */
enum kiln_status kiln_buffer_check_writable(const struct kiln_buffer *buffer, const char *call)
{
	if (!buffer->pages || !buffer->read_only)
		return KILN_OK;
	return kiln_error(KILN_ERR_BUFFER_ACCESS,
	                  "%s: buffer \"%s\" is pages of the program's that were given as read-only. Fix: write the "
	                  "memory itself, or give it without .read_only",
	                  call, buffer->name);
}

static const char *name_of(const struct kiln_host_params *params)
{
	return params->name ? params->name : "buffer";
}

/* What no copy could mend. */
static enum kiln_status check_host(struct kiln_device *device, const struct kiln_host_params *params,
                                   struct kiln_buffer **out_buffer)
{
	KILN_CHECK(device,
	           "kiln_buffer_from_host: the device is NULL. Fix: pass the one kiln_device_open() gave");
	KILN_CHECK(params,
	           "kiln_buffer_from_host: the parameters are NULL. Fix: pass at least .pages and .bytes");
	KILN_CHECK(out_buffer, "kiln_buffer_from_host: out_buffer is NULL. Fix: pass where the buffer goes");
	KILN_CHECK(params->pages, "kiln_buffer_from_host: .pages is NULL. Fix: pass the first page");
	KILN_CHECK(params->bytes, "kiln_buffer_from_host: .bytes is 0. Fix: pass the size in bytes");
	KILN_CHECK(params->bytes <= UINTPTR_MAX - (uintptr_t)params->pages,
	           "kiln_buffer_from_host: %" PRIu64 " bytes at %p leave the address space. Fix: pass the size of what "
	           "is there",
	           params->bytes, params->pages);
	KILN_TRY(kiln_device_check(device));
	KILN_TRY(kiln_device_check_launch(device));
	return kiln_buffer_check_bytes(device, params->bytes, name_of(params));
}

/* What a copy can. */
static enum kiln_status check_pages(const struct kiln_device *device, const struct kiln_host_params *params)
{
	uint64_t alignment = kiln_device_import_alignment(device);

	if (!alignment)
		return kiln_error(
			KILN_ERR_UNSUPPORTED,
			"device '%s' cannot work in the host's memory (%s). Fix: set .copy_instead, "
			"or use kiln_buffer_create()",
			device->info.name,
			device->has_host_import ? "its driver takes no buffers there"
						: "no VK_EXT_external_memory_host");
	if ((uintptr_t)params->pages % alignment != 0 || params->bytes % alignment != 0)
		return kiln_error(KILN_ERR_INVALID_ARGUMENT,
		                  "buffer \"%s\": %" PRIu64 " bytes at %p are not whole units of %" PRIu64
		                  " bytes, which device '%s' imports (minImportedHostPointerAlignment). Fix: "
		                  "align address and size, or set .copy_instead",
		                  name_of(params), params->bytes, params->pages, alignment,
		                  device->info.name);
	return KILN_OK;
}

static enum kiln_status import(struct kiln_device *device, const struct kiln_host_params *params,
                               struct kiln_buffer **out_buffer)
{
	struct kiln_buffer *buffer;
	enum kiln_status status;

	KILN_TRY(check_pages(device, params));
	KILN_TRY(kiln_buffer_new_of(device, params->pages, params->bytes, name_of(params), &buffer));
	status = kiln_memory_flush(device, &buffer->memory, 0, params->bytes);
	if (status != KILN_OK) {
		kiln_buffer_free(buffer);
		return status;
	}
	buffer->read_only = params->read_only;
	buffer->released = params->released;
	buffer->released_user = params->released_user;
	kiln_device_reference(device);
	*out_buffer = buffer;
	return KILN_OK;
}

static enum kiln_status copy(struct kiln_device *device, const struct kiln_host_params *params,
                             struct kiln_buffer **out_buffer)
{
	return kiln_buffer_create(device,
	                          &(struct kiln_buffer_params){
					  .bytes = params->bytes,
					  .contents = params->pages,
					  .read_only = params->read_only,
					  .name = params->name,
				  },
	                          out_buffer);
}

enum kiln_status kiln_buffer_from_host(struct kiln_device *device, const struct kiln_host_params *params,
                                       struct kiln_buffer **out_buffer)
{
	enum kiln_status status;

	KILN_TRY(check_host(device, params, out_buffer));
	status = import(device, params, out_buffer);
	if (status == KILN_OK || status == KILN_ERR_DEVICE_LOST || !params->copy_instead)
		return status;
	KILN_TRY(copy(device, params, out_buffer));
	if (params->released)
		params->released(params->released_user);
	return KILN_OK;
}
