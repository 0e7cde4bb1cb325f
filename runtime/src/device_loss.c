#include "device_loss.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <base/error.h>

#include "device.h"
#include "device_fault.h"
#include "pipeline.h"
#include "stream_slot.h"

enum kiln_status kiln_loss_init(struct kiln_loss *loss)
{
	KILN_TRY(kiln_mutex_init(&loss->lock));
	loss->lock_ready = true;
	return KILN_OK;
}

void kiln_loss_finish(struct kiln_loss *loss)
{
	if (loss->lock_ready)
		kiln_mutex_finish(&loss->lock);
	loss->lock_ready = false;
}

const void *kiln_loss_thread(void)
{
	static _Thread_local char mark;

	return &mark;
}

/* ---- What was under way ---- */

/* `unsignalled`: whose fence does not say that it is done. */
static const struct kiln_stream_slot *oldest(const struct kiln_stream *stream, bool unsignalled)
{
	const struct kiln_device *device = stream->device;
	const struct kiln_stream_slot *found = NULL;

	for (uint32_t i = 0; i < KILN_STREAM_SLOTS && stream->slots; i++) {
		const struct kiln_stream_slot *slot = &stream->slots[i];

		if (slot->pending && (!found || slot->ticket < found->ticket) &&
		    (!unsignalled || device->vk.vkGetFenceStatus(device->handle, slot->fence) != VK_SUCCESS))
			found = slot;
	}
	return found;
}

/* The oldest submission that is not done, or not known to be; else what was about to be submitted. */
static const struct kiln_stream_slot *suspect(const struct kiln_stream *stream)
{
	const struct kiln_stream_slot *slot = oldest(stream, true);

	if (!slot && !stream->recording)
		slot = oldest(stream, false);
	return slot ? slot : stream->recording;
}

/* Pipelines live as long as a submission that uses them, or a recording. */
static void note(struct kiln_device_loss *facts, const struct kiln_stream *stream)
{
	const struct kiln_stream_slot *slot = suspect(stream);

	if (!slot)
		return;
	(void)snprintf(facts->stream, sizeof(facts->stream), "%s", stream->name);
	facts->stream_id = stream->id;
	facts->ticket = slot->ticket;
	facts->submitted = slot->pending;
	if (!slot->first)
		return;
	(void)snprintf(facts->kernel, sizeof(facts->kernel), "%s", slot->first->name);
	(void)snprintf(facts->last_kernel, sizeof(facts->last_kernel), "%s", slot->last->name);
	facts->last_launch = slot->pending ? slot->launches_after : atomic_load(&stream->launches);
	if (facts->last_launch > slot->launches_before)
		facts->first_launch = slot->launches_before + 1;
	else
		facts->last_launch = 0;
}

/* ---- Latching ---- */

/* "device->vk.vkQueueSubmit(queue->handle" -> "vkQueueSubmit" */
static void copy_call(char *target, size_t size, const char *call)
{
	const char *name = call ? strstr(call, ".vk") : NULL;
	size_t length;

	name = name ? name + 1 : call ? call : "";
	length = strcspn(name, "( ");
	(void)snprintf(target, size, "%.*s", (int)(length < size ? length : size - 1), name);
}

void kiln_loss_latch(struct kiln_device *device, struct kiln_stream *stream, VkResult result,
                     const char *call)
{
	struct kiln_loss *loss = &device->loss;
	bool first;

	kiln_mutex_lock(&loss->lock);
	first = atomic_exchange(&device->reopener, NULL) != NULL || /* lost again before it was whole */
	        atomic_load_explicit(&device->lost, memory_order_relaxed) == KILN_OK;
	if (first) {
		uint32_t reopens = loss->facts.reopens;

		loss->any = true;
		loss->facts = (struct kiln_device_loss){.lost = true, .reopens = reopens};
		copy_call(loss->facts.call, sizeof(loss->facts.call), call);
	}
	if (stream && !loss->facts.stream_id)
		note(&loss->facts, stream);
	if (first && result == VK_ERROR_DEVICE_LOST)
		kiln_fault_query(device, &loss->facts);
	atomic_store_explicit(&device->lost, KILN_ERR_DEVICE_LOST, memory_order_release);
	kiln_mutex_unlock(&loss->lock);
}

bool kiln_device_is_given_up(const struct kiln_device *device)
{
	return !atomic_load(&device->reopener) && atomic_load(&device->lost) != KILN_OK;
}

/* ---- Telling ---- */

static void print_launches(const struct kiln_device_loss *facts, char *text, size_t size)
{
	char names[160];

	text[0] = '\0';
	if (!facts->kernel[0])
		return;
	if (strcmp(facts->kernel, facts->last_kernel) == 0)
		(void)snprintf(names, sizeof(names), "kernel '%s'", facts->kernel);
	else
		(void)snprintf(names, sizeof(names), "kernels '%s' to '%s'", facts->kernel,
		               facts->last_kernel);
	if (!facts->first_launch)
		(void)snprintf(text, size, " (%s)", names);
	else if (facts->first_launch == facts->last_launch)
		(void)snprintf(text, size, " (%s, launch %" PRIu64 ")", names, facts->first_launch);
	else
		(void)snprintf(text, size, " (%s, launches %" PRIu64 " to %" PRIu64 ")", names,
		               facts->first_launch, facts->last_launch);
}

static void print_place(const struct kiln_device_loss *facts, char *text, size_t size)
{
	char launches[240];

	text[0] = '\0';
	if (!facts->stream_id)
		return;
	print_launches(facts, launches, sizeof(launches));
	(void)snprintf(text, size, " while submission %" PRIu64 " of stream '%s'%s was %s", facts->ticket,
	               facts->stream, launches,
	               facts->submitted ? "running or next to run" : "about to be submitted");
}

enum kiln_status kiln_loss_error(struct kiln_device *device)
{
	struct kiln_device_loss facts;
	char place[400], fault[900] = "";

	kiln_mutex_lock(&device->loss.lock);
	facts = device->loss.facts;
	kiln_mutex_unlock(&device->loss.lock);
	print_place(&facts, place, sizeof(place));
	kiln_fault_print(&facts, fault, sizeof(fault));
	return kiln_error(KILN_ERR_DEVICE_LOST,
	                  "device '%s' was lost%s (%s)%s. Fix: call kiln_device_reopen(), or close it and "
	                  "open it again; look for an endless loop or an out-of-bounds access in %s%s%s",
	                  device->info.name, place,
	                  facts.call[0] ? facts.call : "given up without an answer of the driver's", fault,
	                  facts.kernel[0] ? "kernel '" : "the last kernel", facts.kernel,
	                  facts.kernel[0] ? "'" : "");
}

enum kiln_status kiln_loss_error_in(struct kiln_stream *stream, VkResult result, const char *call)
{
	if (result == VK_ERROR_DEVICE_LOST)
		kiln_loss_latch(stream->device, stream, result, call);
	return kiln_device_vk_error(stream->device, result, call);
}

enum kiln_status kiln_device_loss(struct kiln_device *device, struct kiln_device_loss *out_loss)
{
	bool any;

	KILN_CHECK(device, "kiln_device_loss: the device is NULL. Fix: open one with kiln_device_open()");
	KILN_CHECK(out_loss, "kiln_device_loss: out_loss is NULL. Fix: pass where the facts go");
	if (kiln_device_is_inherited(device))
		return kiln_device_check(device);
	kiln_mutex_lock(&device->loss.lock);
	any = device->loss.any;
	if (any)
		*out_loss = device->loss.facts;
	kiln_mutex_unlock(&device->loss.lock);
	if (any)
		return KILN_OK;
	return kiln_error(KILN_ERR_NOT_FOUND,
	                  "device '%s' was never lost. Fix: ask after KILN_ERR_DEVICE_LOST",
	                  device->info.name);
}
