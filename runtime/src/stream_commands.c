/* What a stream can be told to do, with a barrier before it where a hazard asks for one. */
#include "stream.h"

#include "buffer.h"
#include "device.h"
#include "graph.h"
#include "kernel.h"
#include "pipeline.h"
#include "stream_command.h"
#include "stream_order.h"
#include "stream_slot.h"
#include "trace.h"

/* The slot is submitted later than what its queue was given by now. */
void kiln_stream_barrier_and(struct kiln_stream *stream, struct kiln_stream_slot *slot,
                             const VkImageMemoryBarrier *image)
{
	stream->covered = atomic_load_explicit(&stream->queue->submitted, memory_order_acquire);
	kiln_command_barrier_and(stream->device, slot->commands, image);
	stream->epoch++;
	kiln_count(&stream->barriers);
}

void kiln_stream_barrier(struct kiln_stream *stream, struct kiln_stream_slot *slot)
{
	kiln_stream_barrier_and(stream, slot, NULL);
}

static void record_launch(struct kiln_stream *stream, struct kiln_stream_slot *slot,
                          const struct kiln_stream_launch *launch, bool ordered)
{
	struct kiln_device *device = stream->device;
	const struct kiln_stream_binding *counts = &launch->bindings[launch->binding_count];

	/* Slices of one launch need no barrier in between, where nothing came in between. */
	if (launch->follows && slot->ticket == launch->follows + 1 && slot->recorded == 0 && !ordered)
		kiln_stream_note(stream, slot, launch->bindings, launch->binding_count);
	else
		kiln_stream_order(stream, slot, launch->bindings, launch->binding_count + launch->indirect);
	kiln_command_push(device, slot->commands, launch->pipeline, launch->push, launch->push_bytes);
	if (launch->indirect)
		device->vk.vkCmdDispatchIndirect(slot->commands, counts->buffer->handle, counts->offset);
	else if (launch->base)
		device->vk.vkCmdDispatchBase(slot->commands, launch->base[0], launch->base[1],
		                             launch->base[2], launch->groups[0], launch->groups[1],
		                             launch->groups[2]);
	else
		device->vk.vkCmdDispatch(slot->commands, launch->groups[0], launch->groups[1],
		                         launch->groups[2]);
	slot->last = launch->pipeline;
	if (!slot->first)
		slot->first = launch->pipeline;
	if (!launch->own)
		kiln_count(&stream->launches);
}

static void record_watched_launch(struct kiln_watching *watching, struct kiln_stream *stream,
                                  struct kiln_stream_slot *slot, const struct kiln_stream_launch *launch,
                                  bool ordered)
{
	const struct kiln_operation operation = {
		.kind = KILN_TRACE_LAUNCH,
		.name = launch->kernel ? launch->kernel->name : "kiln's own kernel",
		.bindings = launch->bindings,
		.binding_count = launch->binding_count,
		.groups = {launch->groups[0], launch->groups[1], launch->groups[2]},
	};

	kiln_watch_begin(watching, stream, slot, &operation);
	record_launch(stream, slot, launch, ordered);
	kiln_watch_end(watching, stream, slot);
}

enum kiln_status kiln_stream_record_launch(struct kiln_stream *stream,
                                           struct kiln_stream_launch *launch)
{
	struct kiln_watching watching = kiln_watching(&stream->device->watch);
	struct kiln_graph *graph = kiln_stream_graph(stream);
	struct kiln_stream_slot *slot;
	enum kiln_status status;
	bool ordered;

	if (graph)
		return kiln_graph_add_launch(graph, launch);
	KILN_TRY(kiln_stream_open(stream, launch->bindings, launch->binding_count + launch->indirect, &slot,
	                          &ordered));
	if (launch->current)
		launch->pipeline = atomic_load_explicit(launch->current, memory_order_acquire);
	status = kiln_slot_sets_bind(stream->device, &slot->sets, slot->commands, launch);
	if (status == KILN_OK && watching.on)
		record_watched_launch(&watching, stream, slot, launch, ordered);
	else if (status == KILN_OK)
		record_launch(stream, slot, launch, ordered);
	kiln_stream_close(stream, status == KILN_OK, ordered);
	return status;
}

enum kiln_status kiln_stream_record_copy(struct kiln_stream *stream, struct kiln_buffer *source,
                                         uint64_t source_offset, struct kiln_buffer *target,
                                         uint64_t target_offset, uint64_t bytes)
{
	const struct kiln_stream_binding ends[2] = {
		{source, source_offset, bytes, KILN_ACCESS_READ},
		{target, target_offset, bytes, KILN_ACCESS_WRITE},
	};
	const struct kiln_operation operation = {KILN_TRACE_COPY, "copy", ends, 2, {0}};
	const VkBufferCopy region = {source_offset, target_offset, bytes};
	struct kiln_watching watching = kiln_watching(&stream->device->watch);
	struct kiln_graph *graph = kiln_stream_graph(stream);
	struct kiln_stream_slot *slot;
	bool ordered;

	if (graph)
		return kiln_graph_add_copy(graph, ends);
	KILN_TRY(kiln_stream_open(stream, ends, 2, &slot, &ordered));
	kiln_stream_order(stream, slot, ends, 2);
	if (watching.on)
		kiln_watch_begin(&watching, stream, slot, &operation);
	stream->device->vk.vkCmdCopyBuffer(slot->commands, source->handle, target->handle, 1, &region);
	if (watching.on)
		kiln_watch_end(&watching, stream, slot);
	kiln_stream_close(stream, 1, ordered);
	return KILN_OK;
}

enum kiln_status kiln_stream_record_fill(struct kiln_stream *stream, struct kiln_buffer *buffer,
                                         uint64_t offset, uint64_t bytes, uint32_t value)
{
	const struct kiln_stream_binding range = {buffer, offset, bytes, KILN_ACCESS_WRITE};
	const struct kiln_operation operation = {KILN_TRACE_FILL, "fill", &range, 1, {0}};
	struct kiln_watching watching = kiln_watching(&stream->device->watch);
	struct kiln_graph *graph = kiln_stream_graph(stream);
	struct kiln_stream_slot *slot;
	bool ordered;

	if (graph)
		return kiln_graph_add_fill(graph, &range, value);
	KILN_TRY(kiln_stream_open(stream, &range, 1, &slot, &ordered));
	kiln_stream_order(stream, slot, &range, 1);
	if (watching.on)
		kiln_watch_begin(&watching, stream, slot, &operation);
	stream->device->vk.vkCmdFillBuffer(slot->commands, buffer->handle, offset, bytes, value);
	if (watching.on)
		kiln_watch_end(&watching, stream, slot);
	kiln_stream_close(stream, 1, ordered);
	return KILN_OK;
}
