/* The host's own way to a buffer's bytes: where it sees the memory, and nothing under way is in its way, a copy is all. */
#include "buffer.h"

#include <inttypes.h>
#include <string.h>

#include <base/error.h>
#include <base/log.h>

#include "device.h"
#include "staging.h"

/* Below this a read of uncached memory costs less than a copy, a submission and a wait. */
static const uint64_t DIRECT_READ_BYTES = 1024;

bool kiln_buffer_is_read_directly(const struct kiln_buffer *buffer, uint64_t bytes)
{
	return buffer->memory.data && (buffer->memory.cached || bytes <= DIRECT_READ_BYTES);
}

enum kiln_status kiln_buffer_get(struct kiln_buffer *buffer, uint64_t offset, void *out_data, uint64_t bytes)
{
	KILN_TRY(kiln_memory_invalidate(buffer->device, &buffer->memory, offset, bytes));
	if ((unsigned char *)buffer->memory.data + offset != out_data) /* imported pages are there already */
		memcpy(out_data, (unsigned char *)buffer->memory.data + offset, (size_t)bytes);
	return KILN_OK;
}

enum kiln_status kiln_buffer_read(struct kiln_buffer *buffer, uint64_t offset, void *out_data, uint64_t bytes)
{
	struct kiln_stream *stream;

	KILN_TRY(kiln_buffer_check_range(buffer, "kiln_buffer_read", offset, bytes));
	KILN_CHECK(out_data || !bytes,
	           "kiln_buffer_read: out_data is NULL. Fix: pass room for %" PRIu64 " bytes", bytes);
	if (!bytes)
		return KILN_OK;
	KILN_TRY(kiln_contents_check(buffer, "kiln_buffer_read", offset, bytes));
	stream = &buffer->device->stream;
	if (!kiln_buffer_is_read_directly(buffer, bytes))
		return kiln_stream_waited(stream, kiln_staging_read(stream, buffer, offset, out_data, bytes));

	KILN_TRY(kiln_stream_wait_buffer(buffer, false));
	return kiln_buffer_get(buffer, offset, out_data, bytes);
}

/* Flushing carries whole atoms to the device: where memory is not coherent, the bytes around the range must be
 * the device's latest first. A mapped buffer has them, and changes that are not flushed yet. */
static enum kiln_status refresh(struct kiln_buffer *buffer, uint64_t offset, uint64_t bytes)
{
	if (atomic_load(&buffer->mapped))
		return KILN_OK;
	return kiln_memory_invalidate(buffer->device, &buffer->memory, offset, bytes);
}

enum kiln_status kiln_buffer_put(struct kiln_buffer *buffer, uint64_t offset, const void *data,
                                 uint64_t bytes)
{
	if ((unsigned char *)buffer->memory.data + offset == data) /* the caller's own pages */
		return kiln_memory_flush(buffer->device, &buffer->memory, offset, bytes);
	KILN_TRY(refresh(buffer, offset, bytes));
	memcpy((unsigned char *)buffer->memory.data + offset, data, (size_t)bytes);
	return kiln_memory_flush(buffer->device, &buffer->memory, offset, bytes);
}

static enum kiln_status write(struct kiln_buffer *buffer, uint64_t offset, const void *data, uint64_t bytes)
{
	if (!buffer->memory.data)
		return kiln_staging_write(&buffer->device->stream, buffer, offset, data, bytes);

	KILN_TRY(kiln_stream_wait_buffer(buffer, true));
	return kiln_buffer_put(buffer, offset, data, bytes);
}

enum kiln_status kiln_buffer_write(struct kiln_buffer *buffer, uint64_t offset, const void *data,
                                   uint64_t bytes)
{
	KILN_TRY(kiln_buffer_check_range(buffer, "kiln_buffer_write", offset, bytes));
	KILN_TRY(kiln_buffer_check_writable(buffer, "kiln_buffer_write"));
	KILN_CHECK(data || !bytes,
	           "kiln_buffer_write: data is NULL. Fix: pass the %" PRIu64 " bytes to write", bytes);
	if (!bytes)
		return KILN_OK;
	KILN_TRY(write(buffer, offset, data, bytes));
	kiln_contents_wrote(buffer, offset, data, bytes);
	return KILN_OK;
}

enum kiln_status kiln_buffer_map(struct kiln_buffer *buffer, void **out_data)
{
	KILN_TRY(kiln_buffer_check_range(buffer, "kiln_buffer_map", 0, 0));
	KILN_CHECK(out_data, "kiln_buffer_map: out_data is NULL. Fix: pass where the address goes");
	if (buffer->imported)
		return kiln_error(
			KILN_ERR_UNSUPPORTED,
			"buffer \"%s\" is imported, and its memory is the program's. Fix: map that memory, or "
			"use kiln_buffer_read() and kiln_buffer_write()",
			buffer->name);
	if (!buffer->memory.data)
		return kiln_error(
			KILN_ERR_UNSUPPORTED,
			"buffer \"%s\" is in device memory that the host cannot see. Fix: use kiln_buffer_read() and "
			"kiln_buffer_write(), or create it with KILN_MEMORY_UPLOAD or KILN_MEMORY_READBACK",
			buffer->name);

	KILN_TRY(kiln_contents_check(buffer, "kiln_buffer_map", 0, buffer->bytes));
	KILN_TRY(kiln_stream_wait_buffer(buffer, true));
	KILN_TRY(kiln_memory_invalidate(buffer->device, &buffer->memory, 0, buffer->bytes));
	atomic_store(&buffer->mapped, true);
	*out_data = buffer->memory.data;
	return KILN_OK;
}

void kiln_buffer_unmap(struct kiln_buffer *buffer)
{
	if (!buffer || !atomic_exchange(&buffer->mapped, false))
		return;
	kiln_contents_unmapped(buffer);
	if (kiln_memory_flush(buffer->device, &buffer->memory, 0, buffer->bytes) != KILN_OK)
		kiln_log(KILN_LOG_ERROR, "host writes to buffer \"%s\" may be lost: %s", buffer->name,
		         kiln_error_message());
}
