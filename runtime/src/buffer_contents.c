#include "buffer_contents.h"

#include <inttypes.h>
#include <string.h>

#include <base/alloc.h>
#include <base/error.h>

#include "buffer.h"
#include "device.h"
#include "image.h"

/* ---- Missing bytes; pure ---- */

static bool make_room(struct kiln_missing *missing)
{
	uint32_t room = missing->room ? 2 * missing->room : 4;
	struct kiln_byte_range *ranges;

	if (missing->count < missing->room)
		return true;
	ranges = kiln_realloc(missing->ranges, room * sizeof(*ranges));
	if (!ranges)
		return false;
	missing->ranges = ranges;
	missing->room = room;
	return true;
}

static void take_out(struct kiln_missing *missing, uint32_t at)
{
	missing->count--;
	memmove(&missing->ranges[at], &missing->ranges[at + 1],
	        (missing->count - at) * sizeof(*missing->ranges));
}

/* A hole inside of one range: it becomes two. */
static bool split(struct kiln_missing *missing, uint32_t at, struct kiln_byte_range hole)
{
	if (!make_room(missing))
		return false;
	memmove(&missing->ranges[at + 1], &missing->ranges[at],
	        (missing->count - at) * sizeof(*missing->ranges));
	missing->count++;
	missing->ranges[at].end = hole.begin;
	missing->ranges[at + 1].begin = hole.end;
	return true;
}

bool kiln_missing_remove(struct kiln_missing *missing, struct kiln_byte_range written)
{
	for (uint32_t i = 0; i < missing->count;) {
		struct kiln_byte_range *range = &missing->ranges[i];

		if (written.end <= range->begin || range->end <= written.begin) {
			i++;
		} else if (written.begin <= range->begin && range->end <= written.end) {
			take_out(missing, i);
		} else if (range->begin < written.begin && written.end < range->end) {
			return split(missing, i, written);
		} else {
			if (range->begin < written.begin)
				range->end = written.begin;
			else
				range->begin = written.end;
			i++;
		}
	}
	return true;
}

bool kiln_missing_find(const struct kiln_missing *missing, struct kiln_byte_range range,
                       struct kiln_byte_range *out_first)
{
	for (uint32_t i = 0; i < missing->count; i++)
		if (missing->ranges[i].begin < range.end && range.begin < missing->ranges[i].end) {
			*out_first = missing->ranges[i];
			return true;
		}
	return false;
}

/* ---- Following the device ---- */

static void lose(void *object)
{
	struct kiln_buffer *buffer = object;
	struct kiln_device *device = buffer->device;

	if (buffer->image)
		kiln_image_drop(buffer->image);
	if (buffer->handle)
		device->vk.vkDestroyBuffer(device->handle, buffer->handle, NULL);
	buffer->handle = VK_NULL_HANDLE;
	kiln_memory_free(device, &buffer->memory);
	atomic_store(&buffer->mapped, false);
}

static enum kiln_status forget(struct kiln_buffer *buffer)
{
	struct kiln_missing *missing = &buffer->contents.missing;
	enum kiln_status status = KILN_OK;

	kiln_mutex_lock(&buffer->device->parts.lock);
	missing->count = 0;
	if (make_room(missing))
		missing->ranges[missing->count++] = (struct kiln_byte_range){0, buffer->bytes};
	else
		status = kiln_error(KILN_ERR_OUT_OF_MEMORY,
		                    "out of memory reopening a device. Fix: free memory and call again");
	atomic_store_explicit(&buffer->contents.has_missing, status == KILN_OK, memory_order_relaxed);
	kiln_mutex_unlock(&buffer->device->parts.lock);
	return status;
}

/* Imported pages are where they were, and hold what they hold. */
static enum kiln_status restore(void *object, struct kiln_reopening *reopening)
{
	struct kiln_buffer *buffer = object;

	if (buffer->image) {
		KILN_TRY(kiln_image_restore(buffer->image));
		reopening->empty_buffers++;
		return forget(buffer);
	}
	KILN_TRY(kiln_buffer_attach(buffer));
	if (buffer->pages)
		return KILN_OK;
	KILN_TRY(kiln_buffer_set(buffer, buffer->contents.shadow));
	if (!buffer->contents.shadow) {
		reopening->empty_buffers++;
		return forget(buffer);
	}
	reopening->restored_buffers++;
	reopening->restored_bytes += buffer->bytes;
	return KILN_OK;
}

static const struct kiln_part_class buffer_parts = {lose, restore};

void kiln_contents_init(struct kiln_buffer *buffer)
{
	kiln_part_add(buffer->device, &buffer->contents.part, &buffer_parts, buffer);
}

void kiln_contents_finish(struct kiln_buffer *buffer)
{
	kiln_part_remove(buffer->device, &buffer->contents.part);
	kiln_free(buffer->contents.shadow);
	kiln_free(buffer->contents.missing.ranges);
	buffer->contents.shadow = NULL;
	buffer->contents.missing = (struct kiln_missing){0};
}

enum kiln_status kiln_contents_shadow(struct kiln_buffer *buffer)
{
	buffer->contents.shadow = kiln_alloc_zero(1, (size_t)buffer->bytes);
	if (buffer->contents.shadow)
		return KILN_OK;
	return kiln_error(KILN_ERR_OUT_OF_MEMORY,
	                  "out of memory for the shadow of buffer \"%s\", %" PRIu64
	                  " bytes. Fix: free memory, or create it without .shadowed",
	                  buffer->name, buffer->bytes);
}

/* ---- Writing ---- */

void kiln_contents_copied(struct kiln_buffer *buffer, uint64_t offset, uint64_t bytes)
{
	struct kiln_buffer_contents *contents = &buffer->contents;

	if (!atomic_load_explicit(&contents->has_missing, memory_order_relaxed))
		return;
	kiln_mutex_lock(&buffer->device->parts.lock);
	(void)kiln_missing_remove(&contents->missing, (struct kiln_byte_range){offset, offset + bytes});
	atomic_store_explicit(&contents->has_missing, contents->missing.count != 0, memory_order_relaxed);
	kiln_mutex_unlock(&buffer->device->parts.lock);
}

void kiln_contents_wrote(struct kiln_buffer *buffer, uint64_t offset, const void *data, uint64_t bytes)
{
	if (buffer->contents.shadow)
		memcpy(buffer->contents.shadow + offset, data, (size_t)bytes);
	kiln_contents_copied(buffer, offset, bytes);
}

void kiln_contents_filled(struct kiln_buffer *buffer, uint64_t offset, uint64_t bytes, uint32_t value)
{
	for (uint64_t at = 0; buffer->contents.shadow && at < bytes; at += 4)
		memcpy(buffer->contents.shadow + offset + at, &value, 4);
	kiln_contents_copied(buffer, offset, bytes);
}

void kiln_contents_unmapped(struct kiln_buffer *buffer)
{
	if (buffer->contents.shadow && buffer->memory.data)
		memcpy(buffer->contents.shadow, buffer->memory.data, (size_t)buffer->bytes);
}

/* ---- Reading ---- */

enum kiln_status kiln_contents_refuse(struct kiln_buffer *buffer, const char *call, uint64_t offset,
                                      uint64_t bytes)
{
	struct kiln_byte_range missing;
	bool found;

	kiln_mutex_lock(&buffer->device->parts.lock);
	found = kiln_missing_find(&buffer->contents.missing, (struct kiln_byte_range){offset, offset + bytes},
	                          &missing);
	kiln_mutex_unlock(&buffer->device->parts.lock);
	if (!found)
		return KILN_OK;
	if (buffer->image)
		return kiln_error(
			KILN_ERR_CONTENTS_LOST,
			"%s: the texels of image \"%s\" went with the lost device. Fix: write all of them "
			"at once first",
			call, buffer->name);
	return kiln_error(KILN_ERR_CONTENTS_LOST,
	                  "%s: bytes %" PRIu64 " to %" PRIu64
	                  " of buffer \"%s\" went with the lost device. Fix: "
	                  "write or fill them first, or create the buffer with .shadowed",
	                  call, missing.begin, missing.end, buffer->name);
}
