/* The record of what was submitted, for all devices of the process together. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "objects.h"

#define EXPORTED __attribute__((visibility("default")))

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static atomic_bool tracing;
static struct trace_event *events;
static size_t count, capacity;
static uint64_t last_number;

EXPORTED hostile_trace_begin_function hostile_trace_begin;
EXPORTED hostile_trace_end_function hostile_trace_end;

void hostile_trace_begin(void)
{
	pthread_mutex_lock(&lock);
	free(events);
	events = NULL;
	count = capacity = 0;
	last_number = 0;
	atomic_store(&tracing, true);
	pthread_mutex_unlock(&lock);
}

size_t hostile_trace_end(struct trace_event **out_events)
{
	size_t total;

	pthread_mutex_lock(&lock);
	atomic_store(&tracing, false);
	*out_events = events;
	total = count;
	events = NULL;
	count = capacity = 0;
	pthread_mutex_unlock(&lock);
	return total;
}

/* Under the lock. */
static void add(const struct trace_event *event)
{
	if (count == capacity) {
		capacity = capacity ? 2 * capacity : 256;
		events = realloc(events, capacity * sizeof(*events));
		if (!events)
			abort();
	}
	events[count++] = *event;
}

static void add_one(const struct trace_event *event)
{
	if (!atomic_load(&tracing))
		return;
	pthread_mutex_lock(&lock);
	if (atomic_load(&tracing))
		add(event);
	pthread_mutex_unlock(&lock);
}

void hostile_trace_done(const struct VkQueue_T *queue, uint64_t batch)
{
	if (batch)
		add_one(&(struct trace_event){.kind = TRACE_DONE, .queue = queue->number, .object = batch});
}

void hostile_trace_host(const uint8_t *bytes, size_t size, uint32_t access)
{
	add_one(&(struct trace_event){
		.kind = TRACE_HOST,
		.begin = (uintptr_t)bytes,
		.end = (uintptr_t)bytes + size,
		.stages = VK_PIPELINE_STAGE_HOST_BIT,
		.access = access,
		.name = "host",
	});
}

/* ---- One batch ---- */

static void add_access(struct trace_event *event, const uint8_t *bytes, size_t size, uint32_t access)
{
	event->begin = (uintptr_t)bytes;
	event->end = (uintptr_t)bytes + size;
	event->access = access;
	if (bytes && size && access)
		add(event);
}

static uint32_t binding_access(const struct hostile_range *range, uint32_t kernel_access)
{
	uint32_t access = 0;

	if (kernel_access & HOSTILE_READS)
		access |= range->uniform ? VK_ACCESS_UNIFORM_READ_BIT : VK_ACCESS_SHADER_READ_BIT;
	if (kernel_access & HOSTILE_WRITES)
		access |= VK_ACCESS_SHADER_WRITE_BIT;
	return access;
}

static void add_dispatch(struct trace_event *event, const struct hostile_command *command)
{
	const VkPipeline pipeline = command->dispatch.pipeline;

	event->stages = VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT;
	(void)snprintf(event->name, sizeof(event->name), "%.15s", pipeline->entry);
	for (uint32_t set = 0; set < HOSTILE_SETS; set++)
		for (uint32_t i = 0; command->dispatch.sets[set] && i < HOSTILE_BINDINGS; i++) {
			const struct hostile_range *range = &command->dispatch.sets[set]->ranges[i];
			uint32_t access = hostile_kernel_access(pipeline->entry, set, i);

			add_access(event, range->bytes, range->size, binding_access(range, access));
		}
}

static void add_copy(struct trace_event *event, const struct hostile_command *command)
{
	const VkBufferCopy *region = &command->copy.region;

	event->stages = VK_PIPELINE_STAGE_TRANSFER_BIT;
	(void)snprintf(event->name, sizeof(event->name), "copy");
	add_access(event, command->copy.source->bytes + region->srcOffset, region->size,
	           VK_ACCESS_TRANSFER_READ_BIT);
	add_access(event, command->copy.target->bytes + region->dstOffset, region->size,
	           VK_ACCESS_TRANSFER_WRITE_BIT);
}

static void add_fill(struct trace_event *event, const struct hostile_command *command)
{
	event->stages = VK_PIPELINE_STAGE_TRANSFER_BIT;
	(void)snprintf(event->name, sizeof(event->name), "fill");
	add_access(event, command->fill.buffer->bytes + command->fill.offset, command->fill.bytes,
	           VK_ACCESS_TRANSFER_WRITE_BIT);
}

static void add_barrier(struct trace_event *event, const struct hostile_command *command)
{
	event->kind = TRACE_BARRIER;
	(void)snprintf(event->name, sizeof(event->name), "barrier");
	event->stages = command->barrier.stages;
	event->access = command->barrier.access;
	event->stages_after = command->barrier.stages_after;
	event->access_after = command->barrier.access_after;
	event->begin = (uintptr_t)command->barrier.begin;
	event->end = command->barrier.begin ? event->begin + command->barrier.bytes : UINT64_MAX;
	add(event);
}

static void add_command(uint32_t queue, const struct hostile_command *command)
{
	struct trace_event event = {.kind = TRACE_ACCESS, .queue = queue};

	if (command->kind != HOSTILE_BARRIER || !command->barrier.same_command)
		last_number++;
	event.number = last_number;
	switch (command->kind) {
	case HOSTILE_FILL:
		add_fill(&event, command);
		break;
	case HOSTILE_COPY:
		add_copy(&event, command);
		break;
	case HOSTILE_DISPATCH:
		add_dispatch(&event, command);
		break;
	case HOSTILE_BARRIER:
		add_barrier(&event, command);
		break;
	case HOSTILE_STAMP:
	case HOSTILE_RESET:
		break;
	}
}

void hostile_trace_batch(const struct VkQueue_T *queue, const struct hostile_submission *batch)
{
	struct trace_event event = {.queue = queue->number, .object = batch->number};

	if (!atomic_load(&tracing))
		return;
	pthread_mutex_lock(&lock);
	event.kind = TRACE_SUBMIT;
	add(&event);
	for (uint32_t i = 0; i < batch->wait_count; i++)
		add(&(struct trace_event){
			.kind = TRACE_WAIT,
			.queue = queue->number,
			.number = ++last_number,
			.stages_after = batch->waits[i].stages,
			.object = batch->waits[i].semaphore->id,
			.value = batch->waits[i].value,
			.name = "wait",
		});
	for (uint32_t i = 0; i < batch->command_count; i++)
		for (uint32_t j = 0; j < batch->commands[i]->count; j++)
			add_command(queue->number, &batch->commands[i]->commands[j]);
	for (uint32_t i = 0; i < batch->signal_count; i++)
		add(&(struct trace_event){
			.kind = TRACE_SIGNAL,
			.queue = queue->number,
			.object = batch->signals[i].semaphore->id,
			.value = batch->signals[i].value,
			.name = "signal",
		});
	pthread_mutex_unlock(&lock);
}
