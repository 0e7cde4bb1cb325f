#include "stream.h"

#include <stdio.h>
#include <string.h>

#include <base/alloc.h>
#include <base/clock.h>
#include <base/error.h>

#include "buffer.h"
#include "device.h"
#include "launch_mode.h"
#include "stream_slot.h"

#define AUTO_SUBMIT 512u /* commands: keeps the device busy while a long list is still being recorded */

#define PATIENCE_NS UINT64_C(3000000000) /* with a fence, when closing */

/* ---- Life ---- */

enum kiln_status kiln_stream_init(struct kiln_stream *stream, struct kiln_device *device)
{
	atomic_init(&stream->references, 1);
	stream->device = device;
	stream->queue = &device->queues[0];
	stream->next_ticket = 1;
	stream->epoch = 1;
	atomic_init(&stream->oldest, UINT64_MAX);
	KILN_TRY(kiln_mutex_init(&stream->lock));
	if (kiln_cond_init(&stream->unwatched) != KILN_OK) {
		kiln_mutex_finish(&stream->lock);
		return kiln_error(KILN_ERR_THREAD, "a stream's condition cannot be made. Fix: free memory");
	}
	stream->lock_ready = true;
	KILN_TRY(kiln_staging_init(&stream->staging));
	return kiln_host_steps_init(&stream->steps);
}

void kiln_stream_reference(struct kiln_stream *stream)
{
	atomic_fetch_add_explicit(&stream->references, 1, memory_order_relaxed);
}

/* ---- What is done ---- */

static uint64_t done_ticket(const struct kiln_stream *stream)
{
	return atomic_load_explicit(&stream->done_ticket, memory_order_acquire);
}

static void publish_oldest(struct kiln_stream *stream)
{
	uint64_t oldest = stream->recording ? stream->recording->begun : UINT64_MAX;

	for (uint32_t i = 0; i < KILN_STREAM_SLOTS && stream->slots; i++)
		if (stream->slots[i].pending && stream->slots[i].begun < oldest)
			oldest = stream->slots[i].begun;
	atomic_store_explicit(&stream->oldest, oldest, memory_order_release);
}

static void note_done(struct kiln_stream *stream, uint64_t ticket)
{
	if (ticket <= done_ticket(stream))
		return;
	for (uint32_t i = 0; i < KILN_STREAM_SLOTS && stream->slots; i++)
		if (stream->slots[i].ticket <= ticket) {
			if (stream->slots[i].pending && stream->slots[i].marks)
				kiln_marks_collect(stream, &stream->slots[i]);
			stream->slots[i].pending = false;
		}
	atomic_store_explicit(&stream->done_ticket, ticket, memory_order_release);
	publish_oldest(stream);
}

/* A lost device is done with everything once it is idle, and nothing waits for it again. */
static void give_up(struct kiln_stream *stream)
{
	if (atomic_load_explicit(&stream->device->lost, memory_order_relaxed) != KILN_OK)
		kiln_loss_latch(stream->device, stream, VK_SUCCESS, NULL); /* before it is forgotten */
	if (!atomic_load_explicit(&stream->device->abandoned, memory_order_relaxed))
		kiln_device_idle(stream->device);
	stream->recording = NULL;
	stream->dependency_count = 0;
	note_done(stream, stream->next_ticket++);
}

/* What is done already gives back what it holds, without a wait. */
static void poll(struct kiln_stream *stream)
{
	struct kiln_device *device = stream->device;

	for (uint32_t i = 0; i < KILN_STREAM_SLOTS; i++)
		if (stream->slots[i].pending &&
		    device->vk.vkGetFenceStatus(device->handle, stream->slots[i].fence) == VK_SUCCESS)
			note_done(stream, stream->slots[i].ticket);
}

/* ---- Submitting ---- */

/* A timeline is taken when there is a second stream that may be on another queue, or a program, that could ask for it.
 * Without one other queues wait on the host. */
static void ensure_timeline(struct kiln_stream *stream)
{
	struct kiln_device *device = stream->device;

	if (stream->timeline || !device->has_timeline ||
	    ((device->queue_count < 2 ||
	      atomic_load_explicit(&device->stream_count, memory_order_relaxed) < 2) &&
	     !atomic_load_explicit(&device->lends, memory_order_relaxed)))
		return;
	stream->timeline = kiln_timeline_take(device);
	stream->timeline_from = stream->next_ticket;
	if (stream->timeline)
		stream->timeline_base = stream->timeline->value - (stream->next_ticket - 1);
}

static enum kiln_status submit_with(struct kiln_stream *stream, struct kiln_command_list *list)
{
	struct kiln_stream_slot *slot = stream->recording;

	if (!slot)
		return KILN_OK;
	poll(stream);
	ensure_timeline(stream);
	KILN_TRY(kiln_slot_submit(stream, slot, list));
	stream->dependency_count = 0;
	stream->recording = NULL;
	stream->next_ticket++;
	kiln_count(&stream->submits);
	return KILN_OK;
}

static enum kiln_status submit(struct kiln_stream *stream)
{
	return submit_with(stream, NULL);
}

enum kiln_status kiln_stream_submit_locked(struct kiln_stream *stream, struct kiln_command_list *list)
{
	return submit_with(stream, list);
}

/* ---- Waiting ---- */

static struct kiln_stream_slot *slot_of(struct kiln_stream *stream, uint64_t ticket)
{
	for (uint32_t i = 0; i < KILN_STREAM_SLOTS && stream->slots; i++)
		if (stream->slots[i].pending && stream->slots[i].ticket == ticket)
			return &stream->slots[i];
	return NULL;
}

/* VK_TIMEOUT is a positive result, and some drivers' longest wait is shorter than asked for. */
static VkResult wait_until(struct kiln_device *device, VkFence fence, uint64_t timeout_ns)
{
	uint64_t start = timeout_ns == KILN_WAIT_FOREVER ? 0 : kiln_now_ns(), spent = 0;
	VkResult result;

	do {
		uint64_t left = timeout_ns == KILN_WAIT_FOREVER ? UINT64_MAX : timeout_ns - spent;

		result = device->vk.vkWaitForFences(device->handle, 1, &fence, VK_TRUE, left);
		if (result == VK_TIMEOUT && timeout_ns != KILN_WAIT_FOREVER)
			spent = kiln_now_ns() - start;
	} while (result == VK_TIMEOUT && spent < timeout_ns);
	return result;
}

/* Unlocks while it waits. */
static VkResult wait_fence(struct kiln_stream *stream, struct kiln_stream_slot *slot, uint64_t timeout_ns)
{
	VkResult result;

	slot->waiters++;
	kiln_mutex_unlock(&stream->lock);
	result = wait_until(stream->device, slot->fence, timeout_ns);
	kiln_mutex_lock(&stream->lock);
	if (--slot->waiters == 0)
		kiln_cond_broadcast(&stream->unwatched);
	return result;
}

/* Submits what it needs, and unlocks while it waits. */
static enum kiln_status wait_ticket(struct kiln_stream *stream, uint64_t ticket, uint64_t timeout_ns)
{
	struct kiln_device *device = stream->device;
	struct kiln_stream_slot *slot;
	enum kiln_status status;
	uint64_t start;
	VkResult result;

	if (ticket <= done_ticket(stream))
		return KILN_OK;
	if (ticket == stream->next_ticket)
		KILN_TRY(submit(stream));
	slot = slot_of(stream, ticket);
	if (!slot)
		return KILN_OK;
	start = kiln_trace_now(&device->watch);
	result = wait_fence(stream, slot, timeout_ns);
	if (result == VK_TIMEOUT)
		return kiln_error(
			KILN_ERR_TIMEOUT,
			"stream '%s': submission %llu was not done in time. Fix: wait again, or longer",
			stream->name, (unsigned long long)ticket);
	/* Nothing may be freed on the word of a wait that failed. */
	if (result == VK_ERROR_OUT_OF_HOST_MEMORY || result == VK_ERROR_OUT_OF_DEVICE_MEMORY)
		result = kiln_device_idle(device);
	if (result >= 0) {
		note_done(stream, ticket);
		kiln_trace_host(device, KILN_TRACE_WAIT, stream->name, start, ticket);
		return KILN_OK;
	}
	status = kiln_loss_error_in(stream, result, "vkWaitForFences");
	kiln_loss_latch(device, stream, result, "vkWaitForFences");
	give_up(stream);
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
static enum kiln_status wait_slot(struct kiln_stream *stream)
{
	uint64_t oldest = UINT64_MAX;

	for (uint32_t i = 0; i < KILN_STREAM_SLOTS; i++)
		if (stream->slots[i].pending && stream->slots[i].ticket < oldest)
			oldest = stream->slots[i].ticket;
	if (oldest != UINT64_MAX)
		return wait_ticket(stream, oldest, KILN_WAIT_FOREVER);
	kiln_cond_wait(&stream->unwatched, &stream->lock);
	return KILN_OK;
}

/* ---- Recording ---- */

static enum kiln_status ensure_ready(struct kiln_stream *stream)
{
	if (stream->slots)
		return KILN_OK;
	stream->slots = kiln_alloc_zero(KILN_STREAM_SLOTS, sizeof(*stream->slots));
	if (!stream->slots)
		return kiln_error(KILN_ERR_OUT_OF_MEMORY,
		                  "out of memory starting stream '%s'. Fix: free memory and call again",
		                  stream->name);
	kiln_device_queue_ready(stream->device, stream->queue);
	return KILN_OK;
}

/* Until the clock is read, nothing retired is freed: what retires now may be for this recording. */
static enum kiln_status begin(struct kiln_stream *stream, struct kiln_stream_slot *slot)
{
	KILN_TRY(kiln_slot_begin(stream->device, stream->queue->family, slot));
	if (slot->ticket == 0)
		kiln_slot_name(stream, slot);
	atomic_store(&stream->oldest, 0);
	slot->begun = kiln_retirement_clock(&stream->device->retirement);
	slot->ticket = stream->next_ticket;
	slot->launches_before = atomic_load_explicit(&stream->launches, memory_order_relaxed);
	stream->recording = slot;
	publish_oldest(stream);
	return KILN_OK;
}

static enum kiln_status ensure_recording(struct kiln_stream *stream)
{
	KILN_TRY(ensure_ready(stream));
	for (;;) {
		KILN_TRY(kiln_device_check(stream->device));
		if (stream->recording && stream->recording->ended) /* an earlier submission failed */
			KILN_TRY(submit(stream));
		if (stream->recording)
			return KILN_OK;
		if (free_slot(stream))
			return begin(stream, free_slot(stream));
		KILN_TRY(wait_slot(stream));
	}
}

static enum kiln_status depend_on_queue(struct kiln_stream *stream, uint64_t number,
                                        struct kiln_stream_slot **out_slot)
{
	KILN_TRY(ensure_recording(stream));
	*out_slot = stream->recording;
	if (number > stream->covered)
		kiln_stream_barrier(stream, stream->recording);
	return KILN_OK;
}

/* What a submission waits for holds back what is submitted later too, so a full list is no more than an early submit. */
enum kiln_status kiln_stream_depend(struct kiln_stream *stream, const struct kiln_stream_dependency *on,
                                    struct kiln_stream_slot **out_slot)
{
	if (!on->timeline)
		return depend_on_queue(stream, on->number, out_slot);
	if (on->number && on->number <= stream->waited)
		return KILN_OK;
	for (uint32_t i = 0; i < stream->dependency_count; i++)
		if (stream->dependencies[i].timeline == on->timeline) {
			if (stream->dependencies[i].value < on->value)
				stream->dependencies[i] = *on;
			if (on->number)
				stream->waited = on->number;
			return KILN_OK;
		}
	if (stream->dependency_count == KILN_STREAM_DEPENDENCIES)
		KILN_TRY(submit(stream));
	KILN_TRY(ensure_recording(stream));
	*out_slot = stream->recording;
	stream->dependencies[stream->dependency_count++] = *on;
	if (on->number)
		stream->waited = on->number;
	return KILN_OK;
}

void kiln_stream_hold(struct kiln_stream *stream, const struct kiln_stream_slot *slot)
{
	atomic_store_explicit(&stream->held, slot->ticket, memory_order_relaxed);
}

enum kiln_status kiln_stream_begin(struct kiln_stream *stream, struct kiln_stream_slot **out_slot)
{
	enum kiln_status status;

	kiln_mutex_lock(&stream->lock);
	status = ensure_recording(stream);
	if (status == KILN_OK)
		*out_slot = stream->recording;
	else
		kiln_mutex_unlock(&stream->lock);
	return status;
}

/* What is recorded is enqueued: a submission that fails here is tried again later, and that call reports it. */
void kiln_stream_end(struct kiln_stream *stream, uint32_t commands)
{
	bool submitted = false;

	if (stream->recording) {
		stream->recording->recorded += commands;
		if (stream->recording->recorded >= AUTO_SUBMIT)
			submitted = submit(stream) == KILN_OK;
	}
	kiln_mutex_unlock(&stream->lock);
	if (submitted)
		kiln_streams_collect(stream->device);
}

/* ---- From outside ---- */

bool kiln_stream_reached(struct kiln_stream *stream, uint64_t ticket)
{
	if (ticket <= done_ticket(stream))
		return true;
	kiln_mutex_lock(&stream->lock);
	if (stream->slots)
		poll(stream);
	kiln_mutex_unlock(&stream->lock);
	return ticket <= done_ticket(stream);
}

bool kiln_stream_is_held(struct kiln_stream *stream)
{
	return !kiln_stream_reached(stream, atomic_load_explicit(&stream->held, memory_order_relaxed));
}

enum kiln_status kiln_stream_submit(struct kiln_stream *stream, struct kiln_ticket *out_ticket)
{
	enum kiln_status status;
	uint64_t last;

	KILN_CHECK(stream,
	           "kiln_stream_submit: the stream is NULL. Fix: create one with kiln_stream_create()");
	if (kiln_device_is_inherited(stream->device))
		return kiln_device_check(stream->device);
	kiln_mutex_lock(&stream->lock);
	status = kiln_device_check(stream->device);
	if (status == KILN_OK)
		status = submit(stream);
	last = stream->next_ticket - 1;
	kiln_mutex_unlock(&stream->lock);
	kiln_streams_collect(stream->device);
	if (status == KILN_OK && out_ticket)
		*out_ticket = (struct kiln_ticket){stream->id, last};
	return status;
}

enum kiln_status kiln_stream_waited(struct kiln_stream *stream, enum kiln_status status)
{
	enum kiln_status steps = kiln_host_steps_run(stream, status == KILN_ERR_DEVICE_LOST);

	kiln_streams_collect(stream->device);
	if (status != KILN_OK || steps != KILN_OK)
		return status != KILN_OK ? status : steps;
	return kiln_indirect_report(stream);
}

enum kiln_status kiln_stream_wait_device(struct kiln_stream *stream, uint64_t ticket, uint64_t timeout_ns)
{
	enum kiln_status status;

	kiln_mutex_lock(&stream->lock);
	status = kiln_device_check(stream->device);
	if (status == KILN_OK)
		status = wait_ticket(stream, ticket, timeout_ns);
	kiln_mutex_unlock(&stream->lock);
	return status;
}

enum kiln_status kiln_stream_wait_ticket(struct kiln_stream *stream, uint64_t ticket, uint64_t timeout_ns)
{
	return kiln_stream_waited(stream, kiln_stream_wait_device(stream, ticket, timeout_ns));
}

enum kiln_status kiln_stream_wait(struct kiln_stream *stream, uint64_t timeout_ns)
{
	enum kiln_status status;

	KILN_CHECK(stream, "kiln_stream_wait: the stream is NULL. Fix: create one with kiln_stream_create()");
	if (kiln_device_is_inherited(stream->device))
		return kiln_device_check(stream->device);
	kiln_mutex_lock(&stream->lock);
	status = kiln_device_check(stream->device);
	if (status == KILN_OK)
		status = submit(stream);
	if (status == KILN_OK)
		status = wait_ticket(stream, stream->next_ticket - 1, timeout_ns);
	else if (status == KILN_ERR_DEVICE_LOST && stream->slots && kiln_device_is_given_up(stream->device))
		give_up(stream);
	kiln_mutex_unlock(&stream->lock);
	return kiln_stream_waited(stream, status);
}

static enum kiln_status believe_idle(struct kiln_stream *stream)
{
	struct kiln_device *device = stream->device;
	enum kiln_status status = KILN_OK;
	VkResult result;

	kiln_mutex_lock(&stream->lock);
	result = kiln_device_idle(device);
	if (result >= 0) {
		note_done(stream, stream->next_ticket - 1);
	} else {
		status = kiln_loss_error_in(stream, result, "vkDeviceWaitIdle");
		kiln_loss_latch(device, stream, result, "vkDeviceWaitIdle");
		give_up(stream);
	}
	kiln_mutex_unlock(&stream->lock);
	return status;
}

enum kiln_status kiln_stream_drain(struct kiln_stream *stream)
{
	enum kiln_status status = kiln_stream_wait(stream, PATIENCE_NS);

	return status == KILN_ERR_TIMEOUT ? kiln_stream_waited(stream, believe_idle(stream)) : status;
}

/* Vulkan's objects are made again at the next use. */
static void lose_objects(struct kiln_stream *stream)
{
	for (uint32_t i = 0; i < KILN_STREAM_SLOTS && stream->slots; i++)
		kiln_slot_finish(stream->device, &stream->slots[i]);
	kiln_free(stream->slots);
	stream->slots = NULL;
	kiln_timeline_give(stream->device, stream->timeline, stream->timeline_base + stream->next_ticket);
	stream->timeline = NULL;
	stream->covered = stream->waited = 0;
}

enum kiln_status kiln_stream_lose(struct kiln_stream *stream)
{
	kiln_mutex_lock(&stream->lock);
	if (stream->slots)
		give_up(stream);
	for (uint32_t i = 0; i < KILN_STREAM_SLOTS && stream->slots; i++)
		while (stream->slots[i].waiters)
			kiln_cond_wait(&stream->unwatched, &stream->lock);
	lose_objects(stream);
	atomic_store_explicit(&stream->gone, stream->next_ticket - 1, memory_order_relaxed);
	kiln_mutex_unlock(&stream->lock);
	(void)kiln_host_steps_run(stream, true);
	kiln_modes_unreference(atomic_exchange(&stream->modes, NULL));
	kiln_staging_finish(&stream->staging);
	return kiln_staging_init(&stream->staging);
}

void kiln_stream_finish(struct kiln_stream *stream)
{
	if (!stream->lock_ready)
		return;
	if (kiln_stream_drain(stream) != KILN_OK && stream->slots) {
		kiln_mutex_lock(&stream->lock);
		give_up(stream);
		kiln_mutex_unlock(&stream->lock);
	}
	kiln_host_steps_finish(&stream->steps);
	kiln_modes_unreference(atomic_load(&stream->modes));
	kiln_staging_finish(&stream->staging);
	for (uint32_t i = 0; i < KILN_STREAM_SLOTS && stream->slots; i++)
		kiln_slot_finish(stream->device, &stream->slots[i]);
	kiln_timeline_give(stream->device, stream->timeline, stream->timeline_base + stream->next_ticket);
	kiln_free(stream->slots);
	kiln_cond_finish(&stream->unwatched);
	kiln_mutex_finish(&stream->lock);
	memset(stream, 0, sizeof(*stream));
}
