#include "happens_graph.h"

#include <stdlib.h>

static void *get(size_t count, size_t bytes)
{
	void *memory = calloc(count + 1, bytes);

	if (!memory)
		abort();
	return memory;
}

static void set(uint64_t *bits, size_t i)
{
	bits[i / 64] |= UINT64_C(1) << i % 64;
}

static bool is_access(const struct trace_event *event)
{
	return event->kind == TRACE_ACCESS || event->kind == TRACE_HOST;
}

/* The last event of the batch with this number; `count` = it is not in the record. */
static size_t end_of_batch(const struct trace_event *events, size_t count, uint64_t batch)
{
	size_t end = count;
	bool inside = false;

	for (size_t i = 0; i < count; i++) {
		if (events[i].kind == TRACE_SUBMIT)
			inside = events[i].object == batch;
		else if (events[i].kind == TRACE_DONE || events[i].kind == TRACE_HOST)
			inside = false;
		if (inside)
			end = i;
	}
	return end;
}

/* The signal that satisfies a wait: the smallest value that is enough, submitted before. */
static size_t signal_of(const struct trace_event *events, size_t wait)
{
	size_t best = wait;

	for (size_t i = 0; i < wait; i++)
		if (events[i].kind == TRACE_SIGNAL && events[i].object == events[wait].object &&
		    events[i].value >= events[wait].value &&
		    (best == wait || events[i].value < events[best].value))
			best = i;
	return best;
}

static void add(struct graph *graph, struct dependency one)
{
	graph->list[graph->count++] = one;
}

static void add_event(struct graph *graph, size_t i)
{
	const struct trace_event *event = &graph->events[i];

	if (event->kind == TRACE_BARRIER)
		add(graph, (struct dependency){BARRIER, i, i, event->queue, event->queue, event});
	if (event->kind == TRACE_WAIT && signal_of(graph->events, i) != i) {
		size_t signal = signal_of(graph->events, i);

		add(graph,
		    (struct dependency){LINK, signal, i, graph->events[signal].queue, event->queue, event});
	}
	if (event->kind == TRACE_DONE) {
		size_t end = end_of_batch(graph->events, graph->event_count, event->object);

		if (end < i)
			add(graph, (struct dependency){DONE, end + 1, i, event->queue, UINT32_MAX, event});
	}
}

/* ---- Scopes ---- */

bool happens_meet(uint32_t stages, uint32_t others)
{
	const uint32_t all = VK_PIPELINE_STAGE_ALL_COMMANDS_BIT;

	if (stages & all && others & ~(uint32_t)VK_PIPELINE_STAGE_HOST_BIT)
		return true;
	if (others & all && stages & ~(uint32_t)VK_PIPELINE_STAGE_HOST_BIT)
		return true;
	return (stages & others) != 0;
}

uint32_t happens_expand(uint32_t access)
{
	if (access & VK_ACCESS_MEMORY_READ_BIT)
		access |= HAPPENS_READS;
	if (access & VK_ACCESS_MEMORY_WRITE_BIT)
		access |= HAPPENS_WRITES;
	return access;
}

/* Is the access in the dependency's first scope? */
static bool is_before(const struct graph *graph, size_t access, const struct dependency *one)
{
	const struct trace_event *event = &graph->events[access];

	if (event->kind != TRACE_ACCESS || event->queue != one->from_queue || access >= one->from)
		return false;
	return one->kind != BARRIER || happens_meet(event->stages, one->event->stages);
}

/* Is the access in its second scope? */
static bool is_after(const struct graph *graph, size_t access, const struct dependency *one)
{
	const struct trace_event *event = &graph->events[access];

	if (one->kind == DONE)
		return (event->kind == TRACE_HOST ? access : graph->batch_of[access]) > one->to;
	if (event->kind != TRACE_ACCESS || event->queue != one->to_queue || access <= one->to)
		return false;
	return happens_meet(event->stages, one->event->stages_after);
}

/* Does the second scope of `one` meet the first scope of `next`? */
static bool chains(const struct graph *graph, const struct dependency *one, const struct dependency *next)
{
	if (one->kind == DONE)
		return next->kind != DONE &&
		       graph->batch_of[next->kind == LINK ? next->from : next->to] > one->to;
	if (one->to_queue != next->from_queue || one->to >= next->from)
		return false;
	return next->kind != BARRIER || happens_meet(one->event->stages_after, next->event->stages);
}

static void connect(struct graph *graph)
{
	for (size_t i = graph->count; i-- > 0;) {
		uint64_t *row = graph->reach + i * graph->words;

		set(row, i);
		for (size_t j = i + 1; j < graph->count; j++)
			if (!happens_is_set(row, j) && chains(graph, &graph->list[i], &graph->list[j]))
				for (size_t w = 0; w < graph->words; w++)
					row[w] |= graph->reach[j * graph->words + w];
	}
	for (size_t a = 0; a < graph->access_count; a++)
		for (size_t i = 0; i < graph->count; i++) {
			if (is_before(graph, graph->accesses[a], &graph->list[i]))
				set(graph->after + a * graph->words, i);
			if (is_after(graph, graph->accesses[a], &graph->list[i]))
				set(graph->before + a * graph->words, i);
		}
}

void happens_graph_build(struct graph *graph, const struct trace_event *events, size_t count,
                         const bool *ignored)
{
	size_t batch = 0;

	*graph = (struct graph){.events = events, .event_count = count};
	graph->batch_of = get(count, sizeof(*graph->batch_of));
	graph->accesses = get(count, sizeof(*graph->accesses));
	graph->list = get(count, sizeof(*graph->list));
	for (size_t i = 0; i < count; i++) {
		batch = events[i].kind == TRACE_SUBMIT ? i : batch;
		graph->batch_of[i] = batch;
		if (is_access(&events[i]))
			graph->accesses[graph->access_count++] = i;
		if (!ignored || !ignored[i])
			add_event(graph, i);
	}
	graph->words = graph->count / 64 + 1;
	graph->reach = get(graph->count * graph->words, sizeof(uint64_t));
	graph->after = get(graph->access_count * graph->words, sizeof(uint64_t));
	graph->before = get(graph->access_count * graph->words, sizeof(uint64_t));
	connect(graph);
}

void happens_graph_finish(struct graph *graph)
{
	free(graph->batch_of);
	free(graph->accesses);
	free(graph->list);
	free(graph->reach);
	free(graph->after);
	free(graph->before);
}
