/* Replay: a graph of many launches against one command buffer recorded once. */
#include <stdio.h>

#include "dispatch.h"

#define LAUNCHES 10000u
#define SUBMIT_LIMIT_US 20.0
#define CHANGE_LIMIT_US 1.0

enum change { CHANGE_PUSH, CHANGE_BUFFER, CHANGES };

static const char *const shape_names[] = {"chain", "independent"};
static const char *const change_names[] = {"constants", "buffers"};
static const uint32_t amounts[] = {1, 100, LAUNCHES};
#define AMOUNTS (sizeof amounts / sizeof *amounts)

static struct kiln_graph *record(struct dispatch_kiln *kiln, enum dispatch_shape shape)
{
	struct kiln_graph *graph = NULL;
	dispatch_try(kiln_graph_begin(kiln->stream));
	dispatch_record(kiln, shape, LAUNCHES);
	dispatch_try(kiln_graph_end(kiln->stream, &graph));
	return graph;
}

/* Microseconds of the launch alone. */
static double launch(struct dispatch_kiln *kiln, struct kiln_graph *graph)
{
	uint64_t start = bench_now_ns();
	dispatch_try(kiln_graph_launch(graph, kiln->stream, NULL));
	double us = dispatch_us(start);
	dispatch_try(kiln_stream_wait(kiln->stream, KILN_WAIT_FOREVER));
	return us;
}

static void measure_unchanged(struct dispatch_report *report, struct dispatch_kiln *kiln,
                              struct raw_dispatch *raw, enum dispatch_shape shape, unsigned rounds)
{
	char name[48];
	snprintf(name, sizeof name, "replay of %u, %s", LAUNCHES, shape_names[shape]);
	struct dispatch_line *line = dispatch_line(report, name, "us", true, SUBMIT_LIMIT_US, "median");
	snprintf(name, sizeof name, "replay, recorded again, %s", shape_names[shape]);
	struct dispatch_line *again = dispatch_line(report, name, "ops", false, 0, "median");
	struct kiln_graph *graph = record(kiln, shape);
	raw_dispatch_record(raw, RAW_READY_SETS, shape, LAUNCHES);
	(void)launch(kiln, graph);
	for (unsigned round = 0; round < rounds; round++) {
		uint64_t recorded = kiln_graph_counters(graph).recorded;
		bench_add(&line->ours, launch(kiln, graph));
		bench_add(&again->ours, (double)(kiln_graph_counters(graph).recorded - recorded));
		uint64_t start = bench_now_ns();
		raw_dispatch_submit(raw);
		bench_add(&line->raw, dispatch_us(start));
		raw_dispatch_wait(raw);
	}
	kiln_graph_destroy(&graph);
}

/* The source changes between two buffers that nothing writes. */
static void change_one(struct dispatch_kiln *kiln, struct kiln_graph *graph, enum change change,
                       uint32_t index, unsigned round)
{
	struct dispatch_push push = {DISPATCH_THREADS, index + round};
	struct kiln_arg source = {.buffer = kiln->buffers[DISPATCH_BUFFERS + (round & 1)]};
	if (change == CHANGE_PUSH)
		dispatch_try(kiln_graph_set_push(graph, index, &push, sizeof push));
	else
		dispatch_try(kiln_graph_set_arg(graph, index, 0, &source));
}

/* Raw Vulkan, after a replay that leaves the caches as Kiln's does, records that many command buffers of one launch anew:
 * nothing that must record again what changed can take less. */
static double record_again(struct raw_dispatch *raw, enum dispatch_shape shape, uint32_t amount,
                           unsigned round)
{
	raw_dispatch_submit(raw);
	raw_dispatch_wait(raw);
	uint64_t start = bench_now_ns();
	raw_dispatch_record_small(raw, shape, amount, 1 + round);
	return dispatch_us(start) / amount;
}

/* What the change costs: all of it and the launch, less the launch of an unchanged graph, by the number changed. */
static void measure_changed(struct dispatch_report *report, struct dispatch_kiln *kiln,
                            struct raw_dispatch *raw, enum dispatch_shape shape, enum change change,
                            uint32_t amount, unsigned rounds)
{
	char name[48];
	snprintf(name, sizeof name, "%u %s changed, %s", amount, change_names[change], shape_names[shape]);
	struct dispatch_line *line = dispatch_line(report, name, "us", true, CHANGE_LIMIT_US, "median");
	struct kiln_graph *graph = record(kiln, shape);
	raw_dispatch_record(raw, RAW_READY_SETS, shape, LAUNCHES);
	raw_dispatch_record_small(raw, shape, amount, 1);
	for (unsigned round = 0; round < rounds + 2; round++) {
		double again = record_again(raw, shape, amount, round);
		(void)launch(kiln, graph);
		double unchanged = launch(kiln, graph);
		uint64_t start = bench_now_ns();
		for (uint32_t i = 0; i < amount; i++)
			change_one(kiln, graph, change, i * (LAUNCHES / amount), round);
		double changing = dispatch_us(start);
		double all = changing + launch(kiln, graph);
		if (round < 2) /* the first changes cut the graph to size */
			continue;
		bench_add(&line->ours, (all - unchanged) / amount);
		bench_add(&line->raw, again);
	}
	kiln_graph_destroy(&graph);
}

void dispatch_part_graph(struct dispatch_report *report, struct dispatch_kiln *kiln, struct raw_dispatch *raw)
{
	unsigned rounds = (report->rounds + 3) / 4; /* each runs thousands of launches */
	for (int shape = 0; shape < 2; shape++)
		measure_unchanged(report, kiln, raw, (enum dispatch_shape)shape, rounds);
	for (int shape = 0; shape < 2; shape++)
		for (int change = 0; change < CHANGES; change++)
			for (size_t i = 0; i < AMOUNTS; i++)
				measure_changed(report, kiln, raw, (enum dispatch_shape)shape,
				                (enum change)change, amounts[i], rounds);
}
