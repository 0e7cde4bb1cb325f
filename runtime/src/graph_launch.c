/* Graphs from outside: recording one, changing it, launching it. */
#include "graph.h"

#include <string.h>

#include <base/alloc.h>
#include <base/error.h>

#include "buffer.h"
#include "device.h"
#include "kernel.h"
#include "launch.h"
#include "stream_order.h"
#include "stream_slot.h"
#include "trace.h"

/* ---- Keeping it up to date ---- */

/* What is in flight reads the old sets and commands. */
static enum kiln_status wait_in_flight(struct kiln_graph *graph)
{
	for (size_t i = 0; i < sizeof(graph->in_flight) / sizeof(graph->in_flight[0]); i++) {
		if (graph->in_flight[i].stream)
			KILN_TRY(kiln_ticket_wait(graph->device, graph->in_flight[i], KILN_WAIT_FOREVER));
		graph->in_flight[i] = (struct kiln_ticket){0};
	}
	return KILN_OK;
}

static void summarise(struct kiln_graph *graph)
{
	for (uint32_t i = 0; i < graph->buffer_count; i++) {
		const struct kiln_graph_buffer *buffer = &graph->buffers[i];

		graph->summary[i] = (struct kiln_stream_binding){
			.buffer = buffer->buffer,
			.offset = buffer->range.begin,
			.bytes = buffer->range.end - buffer->range.begin,
			.access = buffer->access,
		};
	}
}

static enum kiln_status bring_up_to_date(struct kiln_graph *graph)
{
	if (!graph->stale)
		return KILN_OK;
	KILN_TRY(wait_in_flight(graph));
	KILN_TRY(kiln_graph_record(graph));
	summarise(graph);
	graph->stale = false;
	return KILN_OK;
}

/* ---- Recording ---- */

enum kiln_status kiln_graph_begin(struct kiln_stream *stream)
{
	struct kiln_graph *graph;

	KILN_CHECK(stream, "kiln_graph_begin: the stream is NULL. Fix: create one with kiln_stream_create()");
	KILN_TRY(kiln_device_check(stream->device));
	KILN_CHECK(stream != &stream->device->stream,
	           "kiln_graph_begin: the default stream cannot record, because other calls use it too. Fix: "
	           "create a stream with kiln_stream_create()");
	KILN_CHECK(!kiln_stream_graph(stream),
	           "kiln_graph_begin: stream '%s' records a graph already. Fix: call kiln_graph_end() first",
	           stream->name);
	KILN_TRY(kiln_graph_new(stream->device, &graph));
	atomic_store_explicit(&stream->graph, graph, memory_order_relaxed);
	return KILN_OK;
}

static enum kiln_status make_pool(struct kiln_graph *graph)
{
	VkCommandPoolCreateInfo info = {
		.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
		.flags = VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT,
		.queueFamilyIndex = graph->device->queues[0].family,
	};
	enum kiln_status status = KILN_OK;

	KILN_VK_NEW(graph->device, status, out, graph->commands,
	            graph->device->vk.vkCreateCommandPool(graph->device->handle, &info, NULL,
	                                                  &graph->commands));
out:
	return status;
}

enum kiln_status kiln_graph_end(struct kiln_stream *stream, struct kiln_graph **out_graph)
{
	struct kiln_graph *graph;
	enum kiln_status status;

	KILN_CHECK(stream, "kiln_graph_end: the stream is NULL. Fix: pass the one that records");
	KILN_CHECK(out_graph, "kiln_graph_end: out_graph is NULL. Fix: pass where the graph goes");
	graph = kiln_stream_graph(stream);
	KILN_CHECK(graph, "kiln_graph_end: stream '%s' records no graph. Fix: call kiln_graph_begin() first",
	           stream->name);
	atomic_store_explicit(&stream->graph, NULL, memory_order_relaxed);
	kiln_graph_plan(graph);
	status = make_pool(graph);
	if (status == KILN_OK)
		status = kiln_graph_make_sets(graph);
	graph->stale = true;
	if (status == KILN_OK)
		status = bring_up_to_date(graph);
	if (status != KILN_OK) {
		kiln_graph_destroy(&graph);
		return status;
	}
	*out_graph = graph;
	return KILN_OK;
}

static void free_retired(void *object)
{
	kiln_graph_free(object);
}

/* The device goes last, and waits for what is retired. */
void kiln_graph_destroy(struct kiln_graph **graph)
{
	struct kiln_graph *gone = graph ? *graph : NULL;
	struct kiln_device *device;

	if (!gone)
		return;
	*graph = NULL;
	device = gone->device;
	if (kiln_device_is_inherited(device))
		return;
	gone->retired = (struct kiln_retired){.free = free_retired, .object = gone};
	kiln_stream_retire(device, &gone->retired);
	kiln_device_unreference(device);
}

size_t kiln_graph_length(const struct kiln_graph *graph)
{
	return graph ? graph->node_count : 0;
}

struct kiln_graph_counters kiln_graph_counters(const struct kiln_graph *graph)
{
	return graph ? graph->counters : (struct kiln_graph_counters){0};
}

/* ---- Changing ---- */

static enum kiln_status find_launch(struct kiln_graph *graph, size_t index, const char *call,
                                    struct kiln_graph_node **out_node)
{
	KILN_CHECK(graph, "%s: the graph is NULL. Fix: record one with kiln_graph_begin()", call);
	KILN_TRY(kiln_device_check(graph->device));
	KILN_CHECK(index < graph->node_count,
	           "%s: operation %zu of a graph of %u. Fix: count from 0 in the order of recording", call,
	           index, graph->node_count);
	KILN_CHECK(graph->nodes[index].operation == KILN_GRAPH_LAUNCH,
	           "%s: operation %zu is a copy or a fill. Fix: change launches only", call, index);
	*out_node = &graph->nodes[index];
	return KILN_OK;
}

enum kiln_status kiln_graph_set_arg(struct kiln_graph *graph, size_t index, size_t argument,
                                    const struct kiln_arg *value)
{
	struct kiln_graph_node *node = NULL;
	struct kiln_stream_binding binding;
	uint32_t use;

	KILN_TRY(find_launch(graph, index, "kiln_graph_set_arg", &node));
	KILN_CHECK(value, "kiln_graph_set_arg: the argument is NULL. Fix: pass the buffer and its range");
	binding = (struct kiln_stream_binding){value->buffer, value->offset, value->bytes, 0};
	KILN_TRY(kiln_launch_check_argument(node->kernel, node->entry, argument, &binding));
	KILN_TRY(kiln_graph_buffer(graph, binding.buffer, &use));
	KILN_TRY(wait_in_flight(graph));
	node->bindings[argument] = binding;
	node->uses[argument] = use;
	kiln_graph_mark(graph, (uint32_t)index);
	graph->stale = true;
	kiln_graph_write_sets(graph, node);
	if (!graph->replan && kiln_graph_breaks_plan(graph, (uint32_t)index, (uint32_t)argument))
		graph->replan = true;
	kiln_graph_widen(graph, (uint32_t)index, (uint32_t)argument);
	return KILN_OK;
}

enum kiln_status kiln_graph_set_push(struct kiln_graph *graph, size_t index, const void *push,
                                     uint32_t push_bytes)
{
	const struct kiln_launch_params params = {.push = push, .push_bytes = push_bytes};
	struct kiln_graph_node *node = NULL;

	KILN_TRY(find_launch(graph, index, "kiln_graph_set_push", &node));
	KILN_TRY(kiln_launch_check_push(node->kernel, node->push_bytes, &params));
	if (node->push_bytes == 0)
		return KILN_OK;
	memcpy(node->push, push, node->push_bytes);
	kiln_graph_mark(graph, (uint32_t)index);
	graph->stale = true;
	return KILN_OK;
}

/* ---- Launching ---- */

static enum kiln_status check_launch(struct kiln_graph *graph, struct kiln_stream *stream)
{
	KILN_CHECK(graph, "kiln_graph_launch: the graph is NULL. Fix: record one with kiln_graph_begin()");
	KILN_CHECK(stream,
	           "kiln_graph_launch: the stream is NULL. Fix: create one with kiln_stream_create()");
	if (stream->device != graph->device)
		return kiln_error(
			KILN_ERR_FOREIGN_OBJECT,
			"kiln_graph_launch: stream '%s' belongs to another device than the graph. Fix: "
			"use one of the device the graph was recorded on",
			stream->name);
	if (stream->queue->family != graph->device->queues[0].family)
		return kiln_error(KILN_ERR_UNSUPPORTED,
		                  "kiln_graph_launch: stream '%s' is on a queue of another family than the graph was "
		                  "recorded for. Fix: launch graphs on streams of KILN_QUEUE_MAIN",
		                  stream->name);
	KILN_CHECK(
		!kiln_stream_graph(stream),
		"kiln_graph_launch: stream '%s' records a graph itself. Fix: call kiln_graph_end() first, or "
		"use another stream",
		stream->name);
	return kiln_device_check(graph->device);
}

/* The oldest makes room, waited for where it is another stream's. */
static enum kiln_status note_in_flight(struct kiln_graph *graph, struct kiln_ticket ticket)
{
	size_t count = sizeof(graph->in_flight) / sizeof(graph->in_flight[0]);

	for (size_t i = 0; i < count; i++)
		if (graph->in_flight[i].stream == ticket.stream || graph->in_flight[i].stream == 0) {
			graph->in_flight[i] = ticket;
			return KILN_OK;
		}
	KILN_TRY(kiln_ticket_wait(graph->device, graph->in_flight[0], KILN_WAIT_FOREVER));
	graph->in_flight[0] = ticket;
	return KILN_OK;
}

/* A graph is one operation: its own were recorded before anybody looked. */
static void watch(struct kiln_watching *watching, struct kiln_stream *stream, struct kiln_stream_slot *slot)
{
	const struct kiln_operation operation = {.kind = KILN_TRACE_GRAPH, .name = "graph"};

	kiln_watch_begin(watching, stream, slot, &operation);
	kiln_watch_end_with_list(watching, stream, slot);
}

enum kiln_status kiln_graph_launch(struct kiln_graph *graph, struct kiln_stream *stream,
                                   struct kiln_ticket *out_ticket)
{
	struct kiln_watching watching;
	struct kiln_command_list list;
	struct kiln_stream_slot *slot;
	struct kiln_ticket ticket;
	enum kiln_status status;
	bool ordered;

	KILN_TRY(check_launch(graph, stream));
	KILN_TRY(bring_up_to_date(graph));
	watching = kiln_watching(&graph->device->watch);
	KILN_TRY(kiln_stream_open(stream, graph->summary, graph->buffer_count, &slot, &ordered));
	kiln_stream_order(stream, slot, graph->summary, graph->buffer_count);
	if (watching.on)
		watch(&watching, stream, slot);
	list = (struct kiln_command_list){graph->list, graph->segment_count + 2};
	ticket = (struct kiln_ticket){stream->id, slot->ticket};
	status = kiln_stream_submit_locked(stream, &list);
	kiln_stream_close(stream, 0, ordered);
	if (status != KILN_OK)
		return status;
	graph->counters.launches++;
	KILN_TRY(note_in_flight(graph, ticket));
	if (out_ticket)
		*out_ticket = ticket;
	return KILN_OK;
}
