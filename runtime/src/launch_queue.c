/* Work queues. The device's side, and why nobody waits for anybody there: shaders/common/kiln_work_queue.glsl. */
#include <kiln/launch.h>

#include <stdio.h>
#include <string.h>

#include <base/alloc.h>
#include <base/error.h>

#include "buffer.h"
#include "device.h"
#include "kernel.h"
#include "launch.h"
#include "launch_mode.h"

/* Words of the buffer's head, as in kiln_work_queue.glsl. */
enum {
	AT_CAPACITY = 0,
	AT_ITEM_WORDS = 1,
	AT_PULLS = 2,
	AT_MISTAKEN = 3, /* item words of a kernel that has others */
	AT_HEAD = 16,    /* items pulled */
	AT_TAIL = 32,    /* items pushed */
	AT_REFUSED = 48,
	HEAD_WORDS = 64, /* then a word for each place, then the items */
};

enum { ITEM_WORDS_MAX = 64, CAPACITY_MAX = 1 << 28 };

struct kiln_work_queue {
	struct kiln_device *device; /* kept by the buffer */
	struct kiln_buffer *buffer;
	uint32_t capacity, item_words, groups;
	char name[48];
};

static enum kiln_status check_create(const struct kiln_device *device,
                                     const struct kiln_work_queue_params *params,
                                     struct kiln_work_queue **out_queue)
{
	KILN_CHECK(device,
	           "kiln_work_queue_create: the device is NULL. Fix: open one with kiln_device_open()");
	KILN_CHECK(params && out_queue,
	           "kiln_work_queue_create: the parameters or out_queue are NULL. Fix: pass both");
	KILN_CHECK(params->capacity >= 1 && params->capacity <= CAPACITY_MAX,
	           "kiln_work_queue_create: .capacity is %u. Fix: pass 1 to %d", params->capacity,
	           CAPACITY_MAX);
	KILN_CHECK(params->item_words >= 1 && params->item_words <= ITEM_WORDS_MAX,
	           "kiln_work_queue_create: .item_words is %u. Fix: pass 1 to %d", params->item_words,
	           ITEM_WORDS_MAX);
	return KILN_OK;
}

/* On Lavapipe a loop that goes on would be cut off: 256 leave a kernel 200 turns for each item. */
static uint32_t bound_pulls(const struct kiln_device *device, uint32_t pulls)
{
	return pulls || device->info.driver_id != VK_DRIVER_ID_MESA_LLVMPIPE ? pulls : 256;
}

static enum kiln_status make_buffer(struct kiln_work_queue *queue, uint32_t pulls)
{
	const uint32_t head[3] = {queue->capacity, queue->item_words, bound_pulls(queue->device, pulls)};
	struct kiln_buffer_params params = {
		.bytes = 4 * (HEAD_WORDS + (uint64_t)queue->capacity * (1 + queue->item_words)),
		.name = queue->name,
	};

	if (params.bytes > queue->device->limits.maxStorageBufferRange)
		return kiln_error(
			KILN_ERR_TOO_LARGE,
			"queue '%s': %u items of %u words are more than the %u bytes this device binds "
			"(maxStorageBufferRange). Fix: lower .capacity",
			queue->name, queue->capacity, queue->item_words,
			queue->device->limits.maxStorageBufferRange);
	KILN_TRY(kiln_buffer_create(queue->device, &params, &queue->buffer));
	return kiln_buffer_write(queue->buffer, 0, head, sizeof(head));
}

enum kiln_status kiln_work_queue_create(struct kiln_device *device,
                                        const struct kiln_work_queue_params *params,
                                        struct kiln_work_queue **out_queue)
{
	struct kiln_work_queue *queue;
	enum kiln_status status;

	KILN_TRY(check_create(device, params, out_queue));
	queue = kiln_alloc_zero(1, sizeof(*queue));
	if (!queue)
		return kiln_error(KILN_ERR_OUT_OF_MEMORY,
		                  "out of memory creating a queue. Fix: free memory and call again");
	(void)snprintf(queue->name, sizeof(queue->name), "%s", params->name ? params->name : "queue");
	queue->device = device;
	queue->item_words = params->item_words;
	queue->groups = params->groups;
	for (queue->capacity = 1; queue->capacity < params->capacity;)
		queue->capacity *= 2;
	status = make_buffer(queue, params->pulls);
	if (status != KILN_OK)
		kiln_work_queue_destroy(&queue);
	else
		*out_queue = queue;
	return status;
}

void kiln_work_queue_destroy(struct kiln_work_queue **queue)
{
	if (!queue || !*queue)
		return;
	kiln_buffer_destroy(&(*queue)->buffer);
	kiln_free(*queue);
	*queue = NULL;
}

struct kiln_buffer *kiln_work_queue_buffer(struct kiln_work_queue *queue)
{
	return queue ? queue->buffer : NULL;
}

/* ---- The host's side ---- */

static enum kiln_status read_head(struct kiln_work_queue *queue, uint32_t head[HEAD_WORDS])
{
	KILN_TRY(kiln_buffer_read(queue->buffer, 0, head, HEAD_WORDS * 4));
	KILN_CHECK(head[AT_MISTAKEN] == 0,
	           "queue '%s' has items of %u words, and a kernel used it with items of %u. Fix: make "
	           "KILN_QUEUE_ITEM_WORDS and .item_words the same",
	           queue->name, queue->item_words, head[AT_MISTAKEN]);
	return KILN_OK;
}

enum kiln_status kiln_work_queue_count(struct kiln_work_queue *queue,
                                       struct kiln_work_queue_counts *out_counts)
{
	uint32_t head[HEAD_WORDS];

	KILN_CHECK(queue && out_counts,
	           "kiln_work_queue_count: the queue or out_counts is NULL. Fix: pass both");
	KILN_TRY(read_head(queue, head));
	*out_counts = (struct kiln_work_queue_counts){head[AT_TAIL], head[AT_HEAD], head[AT_REFUSED]};
	return KILN_OK;
}

/* `count` items that lie side by side, the first with this number: the items, then the tickets that say they are there. */
static enum kiln_status write_run(struct kiln_work_queue *queue, uint32_t number, const uint32_t *items,
                                  uint32_t count)
{
	uint64_t place = number & (queue->capacity - 1);
	uint64_t at = HEAD_WORDS + (uint64_t)queue->capacity + place * queue->item_words;
	uint32_t *tickets = kiln_alloc_zero(count, sizeof(*tickets));
	enum kiln_status status;

	if (!tickets)
		return kiln_error(KILN_ERR_OUT_OF_MEMORY,
		                  "out of memory pushing to queue '%s'. Fix: free memory and call again",
		                  queue->name);
	for (uint32_t i = 0; i < count; i++)
		tickets[i] = number + i + 1;
	status = kiln_buffer_write(queue->buffer, 4 * at, items, (uint64_t)count * queue->item_words * 4);
	if (status == KILN_OK)
		status = kiln_buffer_write(queue->buffer, 4 * (HEAD_WORDS + place), tickets,
		                           (uint64_t)count * 4);
	kiln_free(tickets);
	return status;
}

enum kiln_status kiln_work_queue_push(struct kiln_work_queue *queue, const uint32_t *items, uint32_t count)
{
	uint32_t head[HEAD_WORDS], room, before_end, first;

	KILN_CHECK(queue,
	           "kiln_work_queue_push: the queue is NULL. Fix: create one with kiln_work_queue_create()");
	KILN_CHECK(items || !count, "kiln_work_queue_push: items is NULL. Fix: pass the %u items", count);
	KILN_TRY(read_head(queue, head));
	room = queue->capacity - (head[AT_TAIL] - head[AT_HEAD]);
	if (count > room)
		return kiln_error(
			KILN_ERR_TOO_LARGE,
			"queue '%s' has room for %u of its %u items, and %u were pushed. Fix: drain it "
			"first, or create it with more .capacity",
			queue->name, room, queue->capacity, count);
	if (count == 0)
		return KILN_OK;
	before_end = queue->capacity - (head[AT_TAIL] & (queue->capacity - 1));
	first = count < before_end ? count : before_end;
	KILN_TRY(write_run(queue, head[AT_TAIL], items, first));
	if (first < count)
		KILN_TRY(write_run(queue, head[AT_TAIL] + first, items + (size_t)first * queue->item_words,
		                   count - first));
	head[AT_TAIL] += count;
	return kiln_buffer_write(queue->buffer, 4 * AT_TAIL, &head[AT_TAIL], 4);
}

/* ---- Launching ---- */

/* Vulkan tells nobody how many workgroups run at once. Too many find the queue empty and end, too few leave processors idle:
 * neither is wrong. */
static uint32_t resident_groups(const struct kiln_work_queue *queue, uint32_t group_threads)
{
	const struct kiln_device_info *info = &queue->device->info;
	uint32_t groups = queue->groups;

	if (!groups && info->type == KILN_DEVICE_CPU)
		groups = kiln_cpu_count();
	else if (!groups)
		groups = (info->type == KILN_DEVICE_DISCRETE ? 128u << 10 : 16u << 10) / group_threads;
	if (groups > info->max_workgroup_count[0])
		groups = info->max_workgroup_count[0];
	return groups ? groups : 1;
}

static bool binds(const struct kiln_launch_params *params, const struct kiln_buffer *buffer)
{
	for (size_t i = 0; params->args && i < params->arg_count; i++)
		if (params->args[i].buffer == buffer)
			return true;
	for (size_t i = 0; !params->args && i < KILN_BUFFERS_MAX && params->buffers[i]; i++)
		if (params->buffers[i] == buffer)
			return true;
	return false;
}

static enum kiln_status check_launch(struct kiln_stream *stream, const struct kiln_work_queue *queue,
                                     const struct kiln_kernel *kernel,
                                     const struct kiln_launch_params *params)
{
	KILN_CHECK(
		stream && queue && kernel && params,
		"kiln_work_queue_launch: the stream, queue, kernel or parameters are NULL. Fix: pass them all");
	KILN_TRY(kiln_mode_check(kernel, KILN_FEATURE_PERSISTENT_THREAD, "kiln_work_queue_launch"));
	if (kernel->device != stream->device || queue->device != stream->device)
		return kiln_error(
			KILN_ERR_FOREIGN_OBJECT,
			"kiln_work_queue_launch: kernel '%s', queue '%s' and stream '%s' are not all of one "
			"device. Fix: create them on the same",
			kernel->name, queue->name, stream->name);
	KILN_CHECK(
		!params->threads[0] && !params->threads[1] && !params->threads[2] && !params->indirect.buffer,
		"kiln_work_queue_launch: .threads or .indirect of kernel '%s' is set. Fix: leave them 0, the queue "
		"decides",
		kernel->name);
	KILN_CHECK(binds(params, queue->buffer),
	           "kiln_work_queue_launch: kernel '%s' does not bind queue '%s'. Fix: pass "
	           "kiln_work_queue_buffer() among its arguments",
	           kernel->name, queue->name);
	return KILN_OK;
}

enum kiln_status kiln_work_queue_launch(struct kiln_stream *stream, struct kiln_work_queue *queue,
                                        struct kiln_kernel *kernel, const struct kiln_launch_params *params)
{
	struct kiln_launch_params all;
	const uint32_t *size;

	KILN_TRY(check_launch(stream, queue, kernel, params));
	size = kiln_kernel_variant(kernel, NULL)->choice.size;
	all = *params;
	all.threads[0] = resident_groups(queue, size[0] * size[1] * size[2]) * size[0];
	all.threads[1] = size[1];
	all.threads[2] = size[2];
	return kiln_launch_on(stream, kernel, &all, NULL);
}

static enum kiln_status empty(struct kiln_stream *stream, struct kiln_work_queue *queue,
                              struct kiln_kernel *kernel, const struct kiln_launch_params *params,
                              struct kiln_work_queue_counts *counts)
{
	while (counts->pulled != counts->pushed) {
		uint32_t before = counts->pulled;

		KILN_TRY(kiln_work_queue_launch(stream, queue, kernel, params));
		KILN_TRY(kiln_work_queue_count(queue, counts));
		KILN_CHECK(
			counts->pulled != before,
			"kiln_work_queue_drain: kernel '%s' pulled none of the %u items in queue '%s'. Fix: call "
			"kiln_queue_pull() in it until it returns false",
			kernel->name, counts->pushed - counts->pulled, queue->name);
	}
	return KILN_OK;
}

enum kiln_status kiln_work_queue_drain(struct kiln_stream *stream, struct kiln_work_queue *queue,
                                       struct kiln_kernel *kernel, const struct kiln_launch_params *params)
{
	struct kiln_work_queue_counts counts;
	uint32_t refused;

	KILN_TRY(check_launch(stream, queue, kernel, params));
	KILN_TRY(kiln_mode_check_stream(stream, "kiln_work_queue_drain"));
	KILN_TRY(kiln_work_queue_count(queue, &counts));
	refused = counts.refused;
	KILN_TRY(empty(stream, queue, kernel, params, &counts));
	if (counts.refused == refused)
		return KILN_OK;
	return kiln_error(
		KILN_ERR_TOO_LARGE,
		"queue '%s' of %u items had no room for %u that kernel '%s' pushed. Fix: create it with more "
		".capacity",
		queue->name, queue->capacity, counts.refused - refused, kernel->name);
}
