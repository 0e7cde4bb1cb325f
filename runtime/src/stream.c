#include "stream.h"

#include <string.h>

#include <base/alloc.h>
#include <base/error.h>

#include "buffer.h"
#include "device.h"
#include "stream_slot.h"

#define AUTO_SUBMIT 512u /* commands: keeps the device busy while a long list is still being recorded */

enum kiln_status kiln_stream_init(struct kiln_stream *stream)
{
	enum kiln_status status;

	KILN_TRY(kiln_mutex_init(&stream->lock));
	status = kiln_cond_init(&stream->unwatched);
	if (status != KILN_OK) {
		kiln_mutex_finish(&stream->lock);
		return status;
	}
	stream->lock_ready = true;
	stream->next_ticket = 1;
	stream->epoch = 1;
	return KILN_OK;
}

/* What is freed takes other locks, so never under this one. */
static void unlock(struct kiln_stream *stream)
{
	struct kiln_retired *finished = kiln_retired_take(&stream->retired, stream->done_ticket);

	kiln_mutex_unlock(&stream->lock);
	kiln_retired_free(finished);
}

void kiln_stream_retire(struct kiln_device *device, struct kiln_retired *retired, const uint64_t *ticket)
{
	struct kiln_stream *stream = &device->stream;

	kiln_mutex_lock(&stream->lock);
	retired->ticket = *ticket;
	retired->next = stream->retired;
	stream->retired = retired;
	unlock(stream);
}

/* ---- Submitting and waiting, under the lock ---- */

static void note_done(struct kiln_stream *stream, uint64_t ticket)
{
	if (ticket > stream->done_ticket)
		stream->done_ticket = ticket;
	for (uint32_t i = 0; i < KILN_STREAM_SLOTS && stream->slots; i++)
		if (stream->slots[i].ticket <= stream->done_ticket)
			stream->slots[i].pending = false;
}

/* A lost device is done with everything once it is idle, and nothing waits for it again. */
static void give_up(struct kiln_device *device)
{
	if (!atomic_load_explicit(&device->abandoned, memory_order_relaxed))
		(void)device->vk.vkDeviceWaitIdle(device->handle);
	device->stream.recording = NULL;
	note_done(&device->stream, device->stream.next_ticket++);
}

/* What is done already gives back what it holds, without a wait. */
static void poll(struct kiln_device *device)
{
	struct kiln_stream *stream = &device->stream;

	for (uint32_t i = 0; i < KILN_STREAM_SLOTS; i++)
		if (stream->slots[i].pending &&
		    device->vk.vkGetFenceStatus(device->handle, stream->slots[i].fence) == VK_SUCCESS)
			note_done(stream, stream->slots[i].ticket);
}

static enum kiln_status submit(struct kiln_device *device)
{
	struct kiln_stream *stream = &device->stream;
	struct kiln_stream_slot *slot = stream->recording;

	if (!slot)
		return KILN_OK;
	poll(device);
	KILN_TRY(kiln_slot_submit(device, slot, stream->queue));
	atomic_fetch_add_explicit(&device->submits, 1, memory_order_relaxed);
	stream->recording = NULL;
	stream->next_ticket++;
	return KILN_OK;
}

static struct kiln_stream_slot *slot_of(struct kiln_stream *stream, uint64_t ticket)
{
	for (uint32_t i = 0; i < KILN_STREAM_SLOTS; i++)
		if (stream->slots[i].pending && stream->slots[i].ticket == ticket)
			return &stream->slots[i];
	return NULL;
}

/* Unlocks while it waits. VK_TIMEOUT is a positive result, and some drivers' longest wait is shorter than asked for. */
static VkResult wait_fence(struct kiln_device *device, struct kiln_stream_slot *slot)
{
	struct kiln_stream *stream = &device->stream;
	VkResult result;

	slot->waiters++;
	kiln_mutex_unlock(&stream->lock);
	do {
		result = device->vk.vkWaitForFences(device->handle, 1, &slot->fence, VK_TRUE, UINT64_MAX);
	} while (result == VK_TIMEOUT);
	kiln_mutex_lock(&stream->lock);
	if (--slot->waiters == 0)
		kiln_cond_broadcast(&stream->unwatched);
	return result;
}

/* Submits what it needs, and unlocks while it waits. */
static enum kiln_status wait_ticket(struct kiln_device *device, uint64_t ticket)
{
	struct kiln_stream *stream = &device->stream;
	struct kiln_stream_slot *slot;
	enum kiln_status status;
	VkResult result;

	if (ticket <= stream->done_ticket)
		return KILN_OK;
	if (ticket == stream->next_ticket)
		KILN_TRY(submit(device));
	slot = slot_of(stream, ticket);
	if (!slot)
		return KILN_OK;
	result = wait_fence(device, slot);
	/* Nothing may be freed on the word of a wait that failed. */
	if (result == VK_ERROR_OUT_OF_HOST_MEMORY || result == VK_ERROR_OUT_OF_DEVICE_MEMORY)
		result = device->vk.vkDeviceWaitIdle(device->handle);
	if (result >= 0) {
		note_done(stream, ticket);
		return KILN_OK;
	}
	status = kiln_device_vk_error(device, result, "vkWaitForFences");
	kiln_device_lose(device);
	give_up(device);
	return status;
}

static struct kiln_stream_slot *free_slot(struct kiln_stream *stream)
{
	for (uint32_t i = 0; i < KILN_STREAM_SLOTS; i++)
		if (!stream->slots[i].pending && !stream->slots[i].waiters)
			return &stream->slots[i];
	return NULL;
}

/* Until a slot may be free; another thread may take it first. */
static enum kiln_status wait_slot(struct kiln_device *device)
{
	struct kiln_stream *stream = &device->stream;
	uint64_t oldest = UINT64_MAX;

	for (uint32_t i = 0; i < KILN_STREAM_SLOTS; i++)
		if (stream->slots[i].pending && stream->slots[i].ticket < oldest)
			oldest = stream->slots[i].ticket;
	if (oldest != UINT64_MAX)
		return wait_ticket(device, oldest);
	kiln_cond_wait(&stream->unwatched, &stream->lock);
	return KILN_OK;
}

static enum kiln_status ensure_ready(struct kiln_device *device)
{
	struct kiln_stream *stream = &device->stream;

	if (stream->slots)
		return KILN_OK;
	stream->slots = kiln_alloc_zero(KILN_STREAM_SLOTS, sizeof(*stream->slots));
	if (!stream->slots)
		return kiln_error(
			KILN_ERR_OUT_OF_MEMORY,
			"out of memory starting the device's stream. Fix: free memory and call again");
	device->vk.vkGetDeviceQueue(device->handle, device->queue_family, 0, &stream->queue);
	return KILN_OK;
}

static enum kiln_status begin(struct kiln_device *device, struct kiln_stream_slot *slot)
{
	KILN_TRY(kiln_slot_begin(device, slot));
	slot->ticket = device->stream.next_ticket;
	device->stream.recording = slot;
	return KILN_OK;
}

static enum kiln_status ensure_recording(struct kiln_device *device)
{
	struct kiln_stream *stream = &device->stream;

	KILN_TRY(ensure_ready(device));
	for (;;) {
		KILN_TRY(kiln_device_check(device));
		if (stream->recording && stream->recording->ended) /* an earlier submission failed */
			KILN_TRY(submit(device));
		if (stream->recording)
			return KILN_OK;
		if (free_slot(stream))
			return begin(device, free_slot(stream));
		KILN_TRY(wait_slot(device));
	}
}

enum kiln_status kiln_stream_begin(struct kiln_device *device, struct kiln_stream_slot **out_slot)
{
	struct kiln_stream *stream = &device->stream;
	enum kiln_status status;

	kiln_mutex_lock(&stream->lock);
	status = ensure_recording(device);
	if (status == KILN_OK)
		*out_slot = stream->recording;
	else
		unlock(stream);
	return status;
}

/* What is recorded is enqueued: a submission that fails here is tried again later, and that call reports it. */
void kiln_stream_end(struct kiln_device *device, uint32_t commands)
{
	struct kiln_stream *stream = &device->stream;

	stream->recording->recorded += commands;
	if (stream->recording->recorded >= AUTO_SUBMIT)
		(void)submit(device);
	unlock(stream);
}

/* ---- Waiting ---- */

enum kiln_status kiln_stream_wait_buffer(struct kiln_device *device, struct kiln_buffer *buffer,
                                         bool for_write)
{
	enum kiln_status status;

	kiln_mutex_lock(&device->stream.lock);
	status = kiln_device_check(device);
	if (status == KILN_OK)
		status = wait_ticket(device, for_write ? buffer->use.ticket : buffer->use.write_ticket);
	unlock(&device->stream);
	return status;
}

enum kiln_status kiln_stream_wait(struct kiln_device *device)
{
	struct kiln_stream *stream = &device->stream;
	enum kiln_status status;

	kiln_mutex_lock(&stream->lock);
	status = kiln_device_check(device);
	if (status == KILN_OK)
		status = submit(device);
	if (status == KILN_OK)
		status = wait_ticket(device, stream->next_ticket - 1);
	else if (status == KILN_ERR_DEVICE_LOST && stream->slots)
		give_up(device);
	unlock(stream);
	return status;
}

void kiln_stream_finish(struct kiln_device *device)
{
	struct kiln_stream *stream = &device->stream;

	if (!stream->lock_ready)
		return;
	if (kiln_stream_wait(device) != KILN_OK && stream->slots)
		give_up(device);
	kiln_retired_free(kiln_retired_take(&stream->retired, stream->done_ticket));
	for (uint32_t i = 0; i < KILN_STREAM_SLOTS && stream->slots; i++)
		kiln_slot_finish(device, &stream->slots[i]);
	kiln_free(stream->slots);
	kiln_cond_finish(&stream->unwatched);
	kiln_mutex_finish(&stream->lock);
	memset(stream, 0, sizeof(*stream));
}
