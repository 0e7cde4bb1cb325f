/* Graphs from outside: recording one, changing it. Launching it: graph_run.c. */
#include "graph.h"

#include <string.h>

#include <base/error.h>

#include "device.h"
#include "image.h"
#include "kernel.h"
#include "launch.h"

/* ---- Keeping it up to date ---- */

/* Usually the caller has waited already, and then nothing but that is looked at. */
static enum kiln_status wait_one(struct kiln_device *device, struct kiln_ticket ticket)
{
	struct kiln_stream *stream = kiln_stream_find(device, ticket.stream);
	bool done =
		stream && ticket.value <= atomic_load_explicit(&stream->done_ticket, memory_order_acquire);

	if (stream)
		kiln_stream_unreference(stream);
	return done ? KILN_OK : kiln_ticket_wait(device, ticket, KILN_WAIT_FOREVER);
}

/* What is in flight reads the old sets and commands. */
enum kiln_status kiln_graph_wait(struct kiln_graph *graph)
{
	for (size_t i = 0; i < sizeof(graph->in_flight) / sizeof(graph->in_flight[0]); i++) {
		if (graph->in_flight[i].stream)
			KILN_TRY(wait_one(graph->device, graph->in_flight[i]));
		graph->in_flight[i] = (struct kiln_ticket){0};
	}
	return KILN_OK;
}

static void summarise_one(struct kiln_graph *graph, uint32_t index)
{
	const struct kiln_graph_buffer *buffer = &graph->buffers[index];

	graph->summary[index] = (struct kiln_stream_binding){
		.buffer = buffer->buffer,
		.offset = buffer->range.begin,
		.bytes = buffer->range.end - buffer->range.begin,
		.access = buffer->access,
	};
}

static void summarise(struct kiln_graph *graph)
{
	for (uint32_t i = 0; i < graph->buffer_count; i++)
		summarise_one(graph, i);
}

enum kiln_status kiln_graph_refresh(struct kiln_graph *graph)
{
	if (!graph->stale)
		return KILN_OK;
	KILN_TRY(kiln_graph_wait(graph));
	if (graph->replan) {
		kiln_graph_plan(graph);
		summarise(graph);
	}
	KILN_TRY(kiln_graph_make_pool(graph));
	KILN_TRY(kiln_graph_record(graph));
	graph->stale = false;
	return KILN_OK;
}

/* ---- Recording ---- */

static enum kiln_status records_already(const struct kiln_stream *stream)
{
	return kiln_error(KILN_ERR_INVALID_ARGUMENT,
	                  "kiln_graph_begin: stream '%s' records a graph already. Fix: call kiln_graph_end() "
	                  "first",
	                  stream->name);
}

enum kiln_status kiln_graph_begin(struct kiln_stream *stream)
{
	struct kiln_graph *graph, *none = NULL;

	KILN_CHECK(stream, "kiln_graph_begin: the stream is NULL. Fix: create one with kiln_stream_create()");
	KILN_TRY(kiln_device_check(stream->device));
	KILN_CHECK(stream != &stream->device->stream,
	           "kiln_graph_begin: the default stream cannot record, because other calls use it too. Fix: "
	           "create a stream with kiln_stream_create()");
	if (kiln_stream_graph(stream))
		return records_already(stream);
	KILN_TRY(kiln_graph_new(stream->device, &graph));
	if (atomic_compare_exchange_strong(&stream->graph, &none, graph))
		return KILN_OK;
	kiln_graph_destroy(&graph); /* another thread was faster */
	return records_already(stream);
}

/* A device that is lost may be on its way out in another thread, and a forked child has none. */
static enum kiln_status make_ready(struct kiln_graph *graph)
{
	KILN_TRY(kiln_device_check(graph->device));
	KILN_TRY(kiln_graph_check(graph, "kiln_graph_end"));
	KILN_TRY(kiln_graph_make_sets(graph));
	graph->stale = true;
	return kiln_graph_refresh(graph);
}

enum kiln_status kiln_graph_end(struct kiln_stream *stream, struct kiln_graph **out_graph)
{
	struct kiln_graph *graph;
	enum kiln_status status;

	KILN_CHECK(stream, "kiln_graph_end: the stream is NULL. Fix: pass the one that records");
	KILN_CHECK(out_graph, "kiln_graph_end: out_graph is NULL. Fix: pass where the graph goes");
	graph = atomic_exchange(&stream->graph, NULL);
	KILN_CHECK(graph, "kiln_graph_end: stream '%s' records no graph. Fix: call kiln_graph_begin() first",
	           stream->name);
	graph->family = stream->queue->family;
	status = make_ready(graph);
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
	/* A lost device keeps what is retired until it is closed, and what keeps the device would keep it open. */
	if (atomic_load_explicit(&device->lost, memory_order_relaxed) != KILN_OK)
		kiln_graph_release(gone);
	gone->retired = (struct kiln_retired){.free = free_retired, .object = gone};
	kiln_stream_retire(device, &gone->retired);
	kiln_device_unreference(device);
}

size_t kiln_graph_length(const struct kiln_graph *graph)
{
	return graph ? graph->operation_count : 0;
}

struct kiln_graph_counters kiln_graph_counters(const struct kiln_graph *graph)
{
	return graph ? graph->counters : (struct kiln_graph_counters){0};
}

/* ---- Changing ---- */

static enum kiln_status find_launch(struct kiln_graph *graph, size_t index, const char *call,
                                    struct kiln_graph_node **out_node)
{
	struct kiln_graph_node *node;

	KILN_CHECK(graph, "%s: the graph is NULL. Fix: record one with kiln_graph_begin()", call);
	KILN_TRY(kiln_device_check(graph->device));
	KILN_TRY(kiln_graph_check(graph, call));
	KILN_CHECK(index < graph->operation_count,
	           "%s: operation %zu of a graph of %u. Fix: count from 0 in the order of recording", call,
	           index, graph->operation_count);
	node = &graph->nodes[graph->operations[index]];
	KILN_CHECK(
		!node->sealed,
		"%s: operation %zu is a speculation, which stays as it was recorded. Fix: record the graph "
		"again",
		call, index);
	KILN_CHECK(node->operation == KILN_GRAPH_LAUNCH,
	           "%s: operation %zu is a copy or a fill. Fix: change launches only", call, index);
	*out_node = node;
	return KILN_OK;
}

enum kiln_status kiln_graph_set_arg(struct kiln_graph *graph, size_t index, size_t argument,
                                    const struct kiln_arg *value)
{
	struct kiln_graph_place place = {graph, 0};
	struct kiln_graph_node *node = NULL;
	struct kiln_stream_binding binding;
	uint32_t use;

	KILN_TRY(find_launch(graph, index, "kiln_graph_set_arg", &node));
	KILN_CHECK(value, "kiln_graph_set_arg: the argument is NULL. Fix: pass the buffer and its range");
	KILN_TRY(kiln_launch_take_argument(value, argument, &binding));
	place.nodes = graph->operations[index];
	KILN_TRY(kiln_launch_check_argument(node->kernel, node->entry, argument, &place, &binding));
	KILN_TRY(kiln_graph_buffer(graph, binding.buffer, &use));
	summarise_one(graph, use);
	KILN_TRY(kiln_graph_wait(graph));
	node->bindings[argument] = binding;
	node->uses[argument] = use;
	if (!node->pipeline->rebindable)
		kiln_graph_mark(graph, graph->operations[index]);
	graph->stale = true;
	kiln_graph_write_sets(graph, node);
	if (!graph->replan && kiln_graph_breaks_plan(graph, graph->operations[index], (uint32_t)argument))
		graph->replan = true;
	kiln_graph_widen(graph, graph->operations[index], (uint32_t)argument);
	summarise_one(graph, use);
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
	kiln_graph_mark(graph, graph->operations[index]);
	graph->stale = true;
	return KILN_OK;
}
