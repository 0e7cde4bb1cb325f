/* Launching a graph: its command buffers behind the stream's own, in one submission, or in parts where launches go in slices. */
#include "graph.h"

#include <base/error.h>

#include "device.h"
#include "launch_mode.h"
#include "stream_order.h"
#include "stream_slot.h"
#include "trace.h"

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
	if (graph->measures && !kiln_timestamps_bits(stream))
		return kiln_error(
			KILN_ERR_UNSUPPORTED,
			"kiln_graph_launch: the graph is measured, and the queue of stream '%s' has no "
			"timestamps. Fix: call kiln_graph_measure() with false",
			stream->name);
	KILN_CHECK(
		!kiln_stream_graph(stream),
		"kiln_graph_launch: stream '%s' records a graph itself. Fix: call kiln_graph_end() first, or "
		"use another stream",
		stream->name);
	KILN_TRY(kiln_device_check(graph->device));
	return kiln_graph_check(graph, "kiln_graph_launch");
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

/* For the message of a loss. */
static void name_kernels(const struct kiln_graph *graph, struct kiln_stream_slot *slot)
{
	uint32_t first = 0, last = graph->node_count;

	while (first < graph->node_count && !graph->nodes[first].pipeline)
		first++;
	while (last > first && !graph->nodes[last - 1].pipeline)
		last--;
	if (first == last)
		return;
	slot->last = graph->nodes[last - 1].pipeline;
	if (!slot->first)
		slot->first = graph->nodes[first].pipeline;
}

/* Segments `first` to `first` + `count`, and what makes them visible to the host. */
static enum kiln_status launch_list(struct kiln_graph *graph, struct kiln_stream *stream, uint32_t first,
                                    uint32_t count, struct kiln_ticket *out_ticket)
{
	struct kiln_watching watching = kiln_watching(&graph->device->watch);
	struct kiln_command_list list = {&graph->list[first], count + 2};
	struct kiln_stream_slot *slot;
	enum kiln_status status;
	bool ordered;

	KILN_TRY(kiln_stream_open(stream, graph->summary, graph->buffer_count, &slot, &ordered));
	kiln_stream_order(stream, slot, graph->summary, graph->buffer_count);
	if (watching.on)
		watch(&watching, stream, slot);
	graph->list[first + count + 1] = graph->end;
	*out_ticket = (struct kiln_ticket){stream->id, slot->ticket};
	name_kernels(graph, slot);
	status = kiln_stream_submit_locked(stream, &list);
	kiln_stream_close(stream, 0, ordered);
	return status == KILN_OK ? note_in_flight(graph, *out_ticket) : status;
}

/* Lists, and between them what goes in slices. A list's place before its first segment is that of a launch in slices, or
 * before all: the stream's own takes it. */
static enum kiln_status launch_parts(struct kiln_graph *graph, struct kiln_stream *stream,
                                     struct kiln_ticket *out_ticket)
{
	uint32_t first = 0;

	for (uint32_t i = 0; i < graph->segment_count; i++) {
		if (!graph->segments[i].alone)
			continue;
		if (i > first)
			KILN_TRY(launch_list(graph, stream, first, i - first, out_ticket));
		KILN_TRY(kiln_graph_launch_sliced(graph, stream, graph->segments[i].first));
		first = i + 1;
	}
	if (first < graph->segment_count)
		return launch_list(graph, stream, first, graph->segment_count - first, out_ticket);
	KILN_TRY(kiln_stream_submit(stream, out_ticket));
	return note_in_flight(graph, *out_ticket);
}

static enum kiln_status prepare(struct kiln_graph *graph, struct kiln_stream *stream)
{
	kiln_graph_turn_to(graph, stream->queue->family);
	KILN_TRY(kiln_graph_settle(graph));
	KILN_TRY(kiln_graph_refresh(graph));
	if (graph->measures)
		KILN_TRY(kiln_graph_wait(graph)); /* it has one pair of timestamps for each operation */
	return kiln_stream_modes_tell(stream, graph->modes);
}

enum kiln_status kiln_graph_launch(struct kiln_graph *graph, struct kiln_stream *stream,
                                   struct kiln_ticket *out_ticket)
{
	struct kiln_ticket ticket = {0};

	KILN_TRY(check_launch(graph, stream));
	KILN_TRY(prepare(graph, stream));
	if (graph->sliced)
		KILN_TRY(launch_parts(graph, stream, &ticket));
	else
		KILN_TRY(launch_list(graph, stream, 0, graph->segment_count, &ticket));
	kiln_graph_contents_wrote(graph);
	graph->counters.launches++;
	graph->measured = graph->measures;
	graph->measured_by = ticket;
	graph->measured_bits = kiln_timestamps_bits(stream);
	if (out_ticket)
		*out_ticket = ticket;
	return KILN_OK;
}
