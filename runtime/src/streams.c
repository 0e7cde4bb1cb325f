/* All streams of a device: creating, finding, and what concerns them together. */
#include "stream.h"

#include <stdio.h>

#include <base/alloc.h>
#include <base/error.h>
#include <base/log.h>

#include "buffer.h"
#include "device.h"
#include "graph.h"

#define TICKETS_MAX 64u

/* ---- The list ---- */

/* Its number is given here: a walk of next_below() would pass by one that is linked out of order. */
static void link_stream(struct kiln_device *device, struct kiln_stream *stream)
{
	kiln_mutex_lock(&device->streams_lock);
	stream->id = device->next_stream++;
	stream->next = device->streams;
	device->streams = stream;
	atomic_fetch_add_explicit(&device->stream_count, 1, memory_order_relaxed);
	kiln_mutex_unlock(&device->streams_lock);
}

/* Keeps what it counted. */
static void unlink_stream(struct kiln_stream *stream)
{
	struct kiln_device *device = stream->device;
	struct kiln_stream **at = &device->streams;

	kiln_mutex_lock(&device->streams_lock);
	while (*at && *at != stream)
		at = &(*at)->next;
	if (*at) {
		*at = stream->next;
		atomic_fetch_sub_explicit(&device->stream_count, 1, memory_order_relaxed);
		atomic_fetch_add(&device->launches, atomic_load(&stream->launches));
		atomic_fetch_add(&device->submits, atomic_load(&stream->submits));
		atomic_fetch_add(&device->barriers, atomic_load(&stream->barriers));
	}
	kiln_mutex_unlock(&device->streams_lock);
}

/* One whose last reference was just dropped is about to be unlinked. */
static bool take_reference(struct kiln_stream *stream)
{
	unsigned count = atomic_load_explicit(&stream->references, memory_order_relaxed);

	while (count && !atomic_compare_exchange_weak(&stream->references, &count, count + 1))
		;
	return count != 0;
}

struct kiln_stream *kiln_stream_find(struct kiln_device *device, uint64_t id)
{
	struct kiln_stream *stream;

	kiln_mutex_lock(&device->streams_lock);
	stream = device->streams;
	while (stream && stream->id != id)
		stream = stream->next;
	if (stream && !take_reference(stream))
		stream = NULL;
	kiln_mutex_unlock(&device->streams_lock);
	return stream;
}

bool kiln_stream_was(struct kiln_device *device, uint64_t id)
{
	bool was;

	kiln_mutex_lock(&device->streams_lock);
	was = id < device->next_stream;
	kiln_mutex_unlock(&device->streams_lock);
	return was;
}

/* The next after this id, referenced: a walk that holds no lock. Ids fall along the list. */
static struct kiln_stream *next_below(struct kiln_device *device, uint64_t id)
{
	struct kiln_stream *stream;

	kiln_mutex_lock(&device->streams_lock);
	stream = device->streams;
	while (stream && (stream->id >= id || !take_reference(stream)))
		stream = stream->next;
	kiln_mutex_unlock(&device->streams_lock);
	return stream;
}

/* ---- Life ---- */

/* No two streams of a process have the same: a ticket tells whose device gave it. */
static uint64_t first_id(void)
{
	static atomic_uint_fast64_t devices;

	return atomic_fetch_add_explicit(&devices, 1, memory_order_relaxed) << KILN_STREAM_ID_BITS | 1;
}

enum kiln_status kiln_streams_init(struct kiln_device *device)
{
	KILN_TRY(kiln_mutex_init(&device->order));
	if (kiln_mutex_init(&device->streams_lock) != KILN_OK) {
		kiln_mutex_finish(&device->order);
		return KILN_ERR_THREAD;
	}
	device->streams_ready = true;
	KILN_TRY(kiln_retirement_init(&device->retirement));
	for (uint32_t i = 0; i < device->queue_count; i++) {
		KILN_TRY(kiln_mutex_init(&device->queues[i].lock));
		device->queues[i].lock_ready = true;
	}
	KILN_TRY(kiln_stream_init(&device->stream, device));
	(void)snprintf(device->stream.name, sizeof(device->stream.name), "default");
	device->next_stream = first_id();
	link_stream(device, &device->stream);
	return KILN_OK;
}

void kiln_streams_finish(struct kiln_device *device)
{
	if (!device->streams_ready)
		return;
	if (device->stream.lock_ready) {
		unlink_stream(&device->stream);
		kiln_stream_finish(&device->stream);
	}
	if (device->timelines)
		(void)kiln_device_idle(device);
	kiln_timelines_finish(device);
	if (device->retirement.lock_ready)
		kiln_retirement_collect(&device->retirement, UINT64_MAX);
	kiln_retirement_finish(&device->retirement);
	for (uint32_t i = 0; i < device->queue_count; i++)
		if (device->queues[i].lock_ready)
			kiln_mutex_finish(&device->queues[i].lock);
	kiln_mutex_finish(&device->streams_lock);
	kiln_mutex_finish(&device->order);
	device->streams_ready = false;
}

static enum kiln_status check_create(struct kiln_device *device, const struct kiln_stream_params *params,
                                     struct kiln_stream **out_stream)
{
	KILN_CHECK(device, "kiln_stream_create: the device is NULL. Fix: open one with kiln_device_open()");
	KILN_CHECK(out_stream, "kiln_stream_create: out_stream is NULL. Fix: pass where the stream goes");
	KILN_CHECK((unsigned)params->queue <= KILN_QUEUE_ASYNC,
	           "kiln_stream_create: .queue is %d. Fix: pass KILN_QUEUE_MAIN or KILN_QUEUE_ASYNC",
	           (int)params->queue);
	KILN_TRY(kiln_device_check(device));
	return kiln_device_check_launch(device);
}

enum kiln_status kiln_stream_create(struct kiln_device *device, const struct kiln_stream_params *params,
                                    struct kiln_stream **out_stream)
{
	static const struct kiln_stream_params defaults;
	struct kiln_stream *stream;
	enum kiln_status status;

	params = params ? params : &defaults;
	KILN_TRY(check_create(device, params, out_stream));
	stream = kiln_alloc_zero(1, sizeof(*stream));
	if (!stream)
		return kiln_error(KILN_ERR_OUT_OF_MEMORY,
		                  "out of memory creating a stream. Fix: free memory and call again");
	status = kiln_stream_init(stream, device);
	if (status != KILN_OK) {
		kiln_stream_finish(stream);
		kiln_free(stream);
		return status;
	}
	if (params->queue == KILN_QUEUE_ASYNC)
		stream->queue = &device->queues[device->queue_count - 1];
	(void)snprintf(stream->name, sizeof(stream->name), "%s", params->name ? params->name : "stream");
	kiln_device_reference(device);
	link_stream(device, stream);
	*out_stream = stream;
	return KILN_OK;
}

void kiln_stream_unreference(struct kiln_stream *stream)
{
	struct kiln_device *device = stream->device;

	if (atomic_fetch_sub_explicit(&stream->references, 1, memory_order_acq_rel) != 1)
		return;
	unlink_stream(stream);
	kiln_stream_finish(stream);
	kiln_free(stream);
	kiln_device_unreference(device);
}

/* Where a timer still holds it, it stays linked: its Vulkan objects go with a device that is lost. */
void kiln_stream_destroy(struct kiln_stream **stream)
{
	struct kiln_graph *unfinished;
	struct kiln_stream *gone;

	if (!stream || !*stream || *stream == &(*stream)->device->stream)
		return;
	gone = *stream;
	*stream = NULL;
	if (kiln_device_is_inherited(gone->device))
		return;
	atomic_store_explicit(&gone->destroyed, true, memory_order_relaxed);
	unfinished = atomic_exchange(&gone->graph, NULL);
	kiln_graph_destroy(&unfinished);
	if (kiln_stream_drain(gone) != KILN_OK)
		kiln_log(KILN_LOG_WARN, "destroying stream '%s': %s", gone->name, kiln_error_message());
	kiln_stream_unreference(gone);
}

struct kiln_stream *kiln_device_stream(struct kiln_device *device)
{
	return device ? &device->stream : NULL;
}

/* ---- Together ---- */

void kiln_device_queue_ready(struct kiln_device *device, struct kiln_device_queue *queue)
{
	kiln_mutex_lock(&queue->lock);
	if (!queue->handle)
		device->vk.vkGetDeviceQueue(device->handle, queue->family, queue->index, &queue->handle);
	kiln_mutex_unlock(&queue->lock);
}

void kiln_device_queue_lock(struct kiln_device_queue *queue)
{
	kiln_mutex_lock(&queue->lock);
	if (queue->lock_outside)
		queue->lock_outside(queue->user);
}

void kiln_device_queue_unlock(struct kiln_device_queue *queue)
{
	if (queue->unlock_outside)
		queue->unlock_outside(queue->user);
	kiln_mutex_unlock(&queue->lock);
}

/* vkDeviceWaitIdle() would want all of the program's queues to stand still as well. */
static VkResult idle_imported(struct kiln_device *device)
{
	VkResult worst = VK_SUCCESS;

	for (uint32_t i = 0; i < device->queue_count; i++) {
		struct kiln_device_queue *queue = &device->queues[i];
		VkResult result;

		kiln_device_queue_ready(device, queue);
		kiln_device_queue_lock(queue);
		result = device->vk.vkQueueWaitIdle(queue->handle);
		kiln_device_queue_unlock(queue);
		worst = result < 0 && worst >= 0 ? result : worst;
	}
	return worst;
}

VkResult kiln_device_idle(struct kiln_device *device)
{
	VkResult result;

	if (device->imported)
		return idle_imported(device);
	for (uint32_t i = 0; i < device->queue_count; i++)
		kiln_mutex_lock(&device->queues[i].lock);
	result = device->vk.vkDeviceWaitIdle(device->handle);
	for (uint32_t i = device->queue_count; i-- > 0;)
		kiln_mutex_unlock(&device->queues[i].lock);
	return result;
}

void kiln_streams_count(const struct kiln_device *device, struct kiln_device_counters *counters)
{
	struct kiln_mutex *lock = (struct kiln_mutex *)&device->streams_lock;

	kiln_mutex_lock(lock);
	counters->launches = atomic_load(&device->launches);
	counters->submits = atomic_load(&device->submits);
	counters->barriers = atomic_load(&device->barriers);
	for (const struct kiln_stream *stream = device->streams; stream; stream = stream->next) {
		counters->launches += atomic_load_explicit(&stream->launches, memory_order_relaxed);
		counters->submits += atomic_load_explicit(&stream->submits, memory_order_relaxed);
		counters->barriers += atomic_load_explicit(&stream->barriers, memory_order_relaxed);
	}
	kiln_mutex_unlock(lock);
}

/* A stream that was idle when it was looked at may begin, and what it uses retire, before anything is freed here: that is no
 * older than the clock before the look. */
void kiln_streams_collect_alone(struct kiln_device *device)
{
	uint64_t oldest = kiln_retirement_clock(&device->retirement);

	kiln_mutex_lock(&device->streams_lock);
	for (struct kiln_stream *stream = device->streams; stream; stream = stream->next) {
		uint64_t one = atomic_load(&stream->oldest);

		oldest = one < oldest ? one : oldest;
	}
	kiln_mutex_unlock(&device->streams_lock);
	kiln_retirement_collect(&device->retirement, oldest);
}

/* A lost device keeps what is retired until it is reopened or closed: who does that must be alone in it. */
void kiln_streams_collect(struct kiln_device *device)
{
	if (atomic_load_explicit(&device->retirement.list, memory_order_relaxed) &&
	    atomic_load_explicit(&device->lost, memory_order_relaxed) == KILN_OK)
		kiln_streams_collect_alone(device);
}

void kiln_stream_retire(struct kiln_device *device, struct kiln_retired *retired)
{
	kiln_retirement_add(&device->retirement, retired);
	kiln_streams_collect(device);
}

/* The first failure counts, and the others are waited for all the same. */
static enum kiln_status wait_each(struct kiln_device *device,
                                  enum kiln_status (*wait)(struct kiln_stream *stream))
{
	enum kiln_status status = KILN_OK;
	uint64_t id = UINT64_MAX;
	struct kiln_stream *stream;

	while ((stream = next_below(device, id))) {
		enum kiln_status one = wait(stream);

		id = stream->id;
		kiln_stream_unreference(stream);
		if (status == KILN_OK)
			status = one;
	}
	return status;
}

static enum kiln_status wait_idle(struct kiln_stream *stream)
{
	struct kiln_ticket ticket;

	KILN_TRY(kiln_stream_submit(stream, &ticket));
	return kiln_stream_wait_device(stream, ticket.value, KILN_WAIT_FOREVER);
}

static enum kiln_status wait_whole(struct kiln_stream *stream)
{
	return kiln_stream_wait(stream, KILN_WAIT_FOREVER);
}

enum kiln_status kiln_streams_idle(struct kiln_device *device)
{
	enum kiln_status status = wait_each(device, wait_idle);

	kiln_streams_collect(device);
	return status;
}

enum kiln_status kiln_streams_wait(struct kiln_device *device)
{
	return wait_each(device, wait_whole);
}

enum kiln_status kiln_streams_lose(struct kiln_device *device)
{
	return wait_each(device, kiln_stream_lose);
}

enum kiln_status kiln_streams_drain(struct kiln_device *device)
{
	return wait_each(device, kiln_stream_drain);
}

enum kiln_status kiln_stream_wait_buffer(struct kiln_buffer *buffer, bool for_write)
{
	struct kiln_ticket tickets[TICKETS_MAX];
	uint32_t count = kiln_buffer_tickets(buffer, for_write, tickets, TICKETS_MAX);
	enum kiln_status status = kiln_device_check(buffer->device);

	if (count == TICKETS_MAX)
		return kiln_streams_wait(buffer->device);
	for (uint32_t i = 0; i < count && status == KILN_OK; i++)
		status = kiln_ticket_wait_own(buffer->device, tickets[i], KILN_WAIT_FOREVER);
	return status;
}

enum kiln_status kiln_stream_wait_buffer_device(struct kiln_buffer *buffer, bool for_write)
{
	struct kiln_ticket tickets[TICKETS_MAX];
	uint32_t count = kiln_buffer_tickets(buffer, for_write, tickets, TICKETS_MAX);
	enum kiln_status status = kiln_device_check(buffer->device);

	if (status == KILN_OK && count == TICKETS_MAX)
		return kiln_streams_idle(buffer->device);
	for (uint32_t i = 0; i < count && status == KILN_OK; i++)
		status = kiln_ticket_wait_device(buffer->device, tickets[i]);
	kiln_streams_collect(buffer->device);
	return status;
}
