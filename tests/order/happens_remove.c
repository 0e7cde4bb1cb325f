/* What a record could do without. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vulkan/vulkan_core.h>

#include "happens.h"

#define COMMANDS_MAX 16

static bool is_part(const struct trace_event *event, enum happens_part part)
{
	bool to_host = event->stages_after == VK_PIPELINE_STAGE_HOST_BIT;

	if (part == HAPPENS_WAITS)
		return event->kind == TRACE_WAIT;
	return event->kind == TRACE_BARRIER && to_host == (part == HAPPENS_TO_HOST);
}

static bool is_same_command(const struct trace_event *a, const struct trace_event *b)
{
	return a->kind == b->kind && a->queue == b->queue && a->number == b->number;
}

/* A barrier is several events of one command: its first one stands for it. */
static bool is_first(const struct trace_event *events, size_t i)
{
	return i == 0 || !is_same_command(&events[i - 1], &events[i]);
}

static void ignore(const struct trace_event *events, size_t count, size_t command, bool *ignored, bool value)
{
	for (size_t i = command; i < count && is_same_command(&events[command], &events[i]); i++)
		ignored[i] = value;
}

static bool *get_flags(size_t count)
{
	bool *flags = calloc(count + 1, sizeof(*flags));

	if (!flags)
		abort();
	return flags;
}

struct happens_removal happens_without_each(const struct trace_event *events, size_t count,
                                            enum happens_part part)
{
	struct happens_removal result = {0};
	bool *ignored = get_flags(count);

	for (size_t i = 0; i < count; i++) {
		if (!is_part(&events[i], part) || !is_first(events, i))
			continue;
		ignore(events, count, i, ignored, true);
		result.removed++;
		if (happens_check(events, count, ignored, 1).unordered)
			result.caught++;
		else
			result.redundant++;
		ignore(events, count, i, ignored, false);
	}
	free(ignored);
	return result;
}

size_t happens_count(const struct trace_event *events, size_t count, enum happens_part part)
{
	size_t total = 0;

	for (size_t i = 0; i < count; i++)
		total += is_part(&events[i], part) && is_first(events, i);
	return total;
}

/* ---- The fewest ---- */

/* The record with a full barrier before every command, and without its own. */
struct padded {
	struct trace_event *events;
	size_t count;
	size_t added[COMMANDS_MAX], added_count;
};

static void add_full_barrier(struct padded *padded, uint32_t queue)
{
	if (padded->added_count == COMMANDS_MAX)
		abort();
	padded->added[padded->added_count++] = padded->count;
	padded->events[padded->count++] = (struct trace_event){
		.kind = TRACE_BARRIER,
		.queue = queue,
		.number = UINT64_MAX - padded->added_count,
		.end = UINT64_MAX,
		.stages = VK_PIPELINE_STAGE_ALL_COMMANDS_BIT,
		.access = VK_ACCESS_MEMORY_WRITE_BIT,
		.stages_after = VK_PIPELINE_STAGE_ALL_COMMANDS_BIT,
		.access_after = VK_ACCESS_MEMORY_READ_BIT | VK_ACCESS_MEMORY_WRITE_BIT,
	};
}

static struct padded pad(const struct trace_event *events, size_t count)
{
	struct padded padded = {.events = calloc(2 * count + 1, sizeof(*events))};

	if (!padded.events)
		abort();
	for (size_t i = 0; i < count; i++) {
		if (is_part(&events[i], HAPPENS_BARRIERS))
			continue;
		if (events[i].kind == TRACE_ACCESS && is_first(events, i))
			add_full_barrier(&padded, events[i].queue);
		padded.events[padded.count++] = events[i];
	}
	return padded;
}

static size_t bits_of(unsigned set)
{
	size_t bits = 0;

	for (; set; set &= set - 1)
		bits++;
	return bits;
}

static bool suffices(const struct padded *padded, bool *ignored, unsigned used)
{
	for (size_t i = 0; i < padded->added_count; i++)
		ignored[padded->added[i]] = !(used >> i & 1);
	return happens_check(padded->events, padded->count, ignored, 1).unordered == 0;
}

size_t happens_fewest_barriers(const struct trace_event *events, size_t count)
{
	struct padded padded = pad(events, count);
	bool *ignored = get_flags(padded.count);
	size_t fewest = SIZE_MAX;

	for (unsigned used = 0; used < 1u << padded.added_count; used++)
		if (bits_of(used) < fewest && suffices(&padded, ignored, used))
			fewest = bits_of(used);
	free(ignored);
	free(padded.events);
	return fewest;
}

/* ---- Telling ---- */

static void print_event(const struct trace_event *event, const char *mark)
{
	static const char *const kinds[] = {"?",       "submit", "wait", "access",
	                                    "barrier", "signal", "done", "host"};

	fprintf(stderr,
	        "%s %-7s queue %u #%llu %s bytes %llx..%llx stages %x>%x access %x>%x object %llu=%llu\n",
	        mark, kinds[event->kind], event->queue, (unsigned long long)event->number, event->name,
	        (unsigned long long)event->begin, (unsigned long long)event->end, event->stages,
	        event->stages_after, event->access, event->access_after, (unsigned long long)event->object,
	        (unsigned long long)event->value);
}

void happens_explain(const struct trace_event *events, size_t count, const struct happens *found)
{
	if (!found->unordered)
		return;
	fprintf(stderr, "%zu of %zu pairs are not ordered; the first of them:\n", found->unordered,
	        found->conflicts);
	for (size_t i = found->first; i <= found->second && i < count; i++)
		print_event(&events[i], i == found->first || i == found->second ? "->" : "  ");
}
