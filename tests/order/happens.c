#include "happens.h"

#include "happens_graph.h"

static bool covers(const struct trace_event *barrier, uint64_t begin, uint64_t end)
{
	return barrier->begin <= begin && end <= barrier->end;
}

/* Two accesses, and the bytes they have in common. */
struct pair {
	size_t a, b; /* of graph->accesses */
	const struct trace_event *first, *second;
	uint64_t begin, end;
};

static bool makes_available(const struct dependency *one, const struct pair *pair)
{
	if (one->kind != BARRIER || !(pair->first->access & HAPPENS_WRITES))
		return true;
	return (pair->first->access & HAPPENS_WRITES & ~happens_expand(one->event->access)) == 0 &&
	       covers(one->event, pair->begin, pair->end);
}

static bool makes_visible(const struct dependency *one, const struct pair *pair)
{
	if (one->kind != BARRIER || !(pair->first->access & HAPPENS_WRITES))
		return true;
	return (pair->second->access & ~happens_expand(one->event->access_after)) == 0 &&
	       covers(one->event, pair->begin, pair->end);
}

/* Device, then host: what was written must have been brought to the host by a barrier before the batch was known to be done. */
static bool reaches_host(const struct graph *graph, const uint64_t *row, const struct pair *pair)
{
	for (size_t j = 0; j < graph->count; j++) {
		const struct dependency *one = &graph->list[j];

		if (!happens_is_set(row, j) || one->kind != BARRIER ||
		    !happens_meet(one->event->stages_after, VK_PIPELINE_STAGE_HOST_BIT) ||
		    !makes_visible(one, pair))
			continue;
		for (size_t k = j; k < graph->count; k++)
			if (happens_is_set(graph->reach + j * graph->words, k) &&
			    graph->list[k].kind == DONE &&
			    happens_is_set(graph->before + pair->b * graph->words, k))
				return true;
	}
	return false;
}

static bool reaches(const struct graph *graph, const uint64_t *row, const struct pair *pair)
{
	const uint64_t *ends = graph->before + pair->b * graph->words;

	if (pair->second->kind == TRACE_HOST && pair->first->access & HAPPENS_WRITES)
		return reaches_host(graph, row, pair);
	for (size_t j = 0; j < graph->count; j++)
		if (happens_is_set(row, j) && happens_is_set(ends, j) && makes_visible(&graph->list[j], pair))
			return true;
	return false;
}

static bool is_ordered(const struct graph *graph, const struct pair *pair)
{
	if (pair->first->kind == TRACE_HOST)
		return true; /* submitting orders what the host did before */
	for (size_t i = 0; i < graph->count; i++)
		if (happens_is_set(graph->after + pair->a * graph->words, i) &&
		    makes_available(&graph->list[i], pair) &&
		    reaches(graph, graph->reach + i * graph->words, pair))
			return true;
	return false;
}

static bool conflicts(struct pair *pair)
{
	const struct trace_event *first = pair->first, *second = pair->second;

	pair->begin = first->begin > second->begin ? first->begin : second->begin;
	pair->end = first->end < second->end ? first->end : second->end;
	if (pair->begin >= pair->end || !((first->access | second->access) & HAPPENS_WRITES))
		return false;
	if (first->kind == TRACE_HOST && second->kind == TRACE_HOST)
		return false;
	return first->kind != TRACE_ACCESS || second->kind != TRACE_ACCESS || first->number != second->number;
}

struct happens happens_check(const struct trace_event *events, size_t count, const bool *ignored,
                             size_t enough)
{
	struct happens found = {0};
	struct graph graph;

	happens_graph_build(&graph, events, count, ignored);
	for (size_t b = 0; b < graph.access_count; b++)
		for (size_t a = 0; a < b && (!enough || found.unordered < enough); a++) {
			struct pair pair = {a, b, &events[graph.accesses[a]], &events[graph.accesses[b]],
			                    0, 0};

			if (!conflicts(&pair))
				continue;
			found.conflicts++;
			if (is_ordered(&graph, &pair))
				continue;
			if (found.unordered++ == 0) {
				found.first = graph.accesses[a];
				found.second = graph.accesses[b];
			}
		}
	happens_graph_finish(&graph);
	return found;
}
