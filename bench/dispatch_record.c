/* Recording launches, and the way of one launch to the device and back. */
#include <stdio.h>

#include "dispatch.h"

#define LAUNCHES 256u /* less than makes Kiln submit by itself */
#define RATIO_LIMIT 1.15
#define SUBMIT_LIMIT_US 1.0
#define KERNEL_LIMIT_US 5.0

static const char *const shape_names[] = {"record with barrier", "record without barrier"};
static const char *const binding_names[] = {"fresh sets", "pushed", "pushed by template", "ready sets"};

struct recording {
	struct dispatch_line *lines[RAW_BINDINGS], *runs[RAW_BINDINGS];
	struct dispatch_line *fresh; /* buffers that were never launched together; NULL = not measured */
};

/* Against what a program does that knows nothing beforehand; the others are there to compare with. */
static double promised(int binding)
{
	return binding == RAW_FRESH_SETS || binding == RAW_PUSHED ? RATIO_LIMIT : 0;
}

static void add_lines(struct dispatch_report *report, struct recording recordings[2], bool push)
{
	char name[48];
	for (int shape = 0; shape < 2; shape++)
		for (int binding = 0; binding < RAW_BINDINGS; binding++) {
			if (raw_is_pushed((enum raw_binding)binding) && !push)
				continue;
			snprintf(name, sizeof name, "%s, %s", shape_names[shape], binding_names[binding]);
			recordings[shape].lines[binding] =
				dispatch_line(report, name, "us", true, promised(binding), "ratio");
			snprintf(name, sizeof name, "run%s, %s", shape_names[shape] + sizeof "record" - 1,
			         binding_names[binding]);
			recordings[shape].runs[binding] = dispatch_line(report, name, "us", true, 0, "");
		}
	recordings[DISPATCH_INDEPENDENT].fresh = dispatch_line(report, "record without barrier, new buffers",
	                                                       "us", true, RATIO_LIMIT, "ratio");
}

/* What is recorded also runs: a recording that is thrown away could be anything. */
static double run_kiln(struct dispatch_kiln *kiln)
{
	uint64_t start = bench_now_ns();
	dispatch_try(kiln_stream_wait(kiln->stream, KILN_WAIT_FOREVER));
	return dispatch_us(start) / LAUNCHES;
}

static double run_raw(struct raw_dispatch *raw)
{
	uint64_t start = bench_now_ns();
	raw_dispatch_submit(raw);
	raw_dispatch_wait(raw);
	return dispatch_us(start) / LAUNCHES;
}

static double record_kiln(struct dispatch_kiln *kiln, enum dispatch_shape shape)
{
	uint64_t start = bench_now_ns();
	dispatch_record(kiln, shape, LAUNCHES);
	return dispatch_us(start) / LAUNCHES;
}

/* The source is another with every round, so that no pair of buffers comes again. */
static double record_new(struct dispatch_kiln *kiln, unsigned round)
{
	uint64_t start = bench_now_ns();
	for (uint32_t i = 0; i < LAUNCHES; i++) {
		struct dispatch_push push = {DISPATCH_THREADS, i};
		dispatch_try(kiln_stream_launch(
			kiln->stream, kiln->kernel,
			&(struct kiln_launch_params){.threads = {DISPATCH_THREADS},
		                                     .buffers = {kiln->buffers[LAUNCHES + round % LAUNCHES],
		                                                 kiln->buffers[i]},
		                                     .push = &push,
		                                     .push_bytes = sizeof push}));
	}
	return dispatch_us(start) / LAUNCHES;
}

static double record_raw(struct raw_dispatch *raw, enum raw_binding binding, enum dispatch_shape shape)
{
	uint64_t start = bench_now_ns();
	raw_dispatch_record(raw, binding, shape, LAUNCHES);
	return dispatch_us(start) / LAUNCHES;
}

/* Kiln's turn comes before each of the others, so that none always finds the caches as another left them. */
static void measure_recording(struct recording *recording, enum dispatch_shape shape,
                              struct dispatch_kiln *kiln, struct raw_dispatch *raw)
{
	for (int binding = 0; binding < RAW_BINDINGS; binding++) {
		struct dispatch_line *line = recording->lines[binding];
		if (!line)
			continue;
		bench_add(&line->ours, record_kiln(kiln, shape));
		bench_add(&recording->runs[binding]->ours, run_kiln(kiln));
		bench_add(&line->raw, record_raw(raw, (enum raw_binding)binding, shape));
		bench_add(&recording->runs[binding]->raw, run_raw(raw));
	}
}

/* Rounds of its own: what came before would be known. */
static void measure_new(struct dispatch_line *line, struct dispatch_kiln *kiln, struct raw_dispatch *raw,
                        unsigned rounds)
{
	for (unsigned round = 0; round < rounds; round++) {
		bench_add(&line->ours, record_new(kiln, round));
		(void)run_kiln(kiln);
		bench_add(&line->raw, record_raw(raw, RAW_FRESH_SETS, DISPATCH_INDEPENDENT));
		(void)run_raw(raw);
	}
}

static void measure_round_trip(struct dispatch_line *line, enum raw_binding binding,
                               struct dispatch_kiln *kiln, struct raw_dispatch *raw)
{
	for (int i = 0; i < 10; i++) {
		uint64_t start = bench_now_ns();
		raw_dispatch_record(raw, binding, DISPATCH_CHAIN, 1);
		raw_dispatch_submit(raw);
		raw_dispatch_wait(raw);
		bench_add(&line->raw, dispatch_us(start));
		start = bench_now_ns();
		dispatch_record(kiln, DISPATCH_CHAIN, 1);
		dispatch_try(kiln_stream_wait(kiln->stream, KILN_WAIT_FOREVER));
		bench_add(&line->ours, dispatch_us(start));
	}
}

static void measure_kernel(struct dispatch_line *line, struct dispatch_kiln *kiln)
{
	const struct kiln_kernel_params params = {.spirv = dispatch_kernel,
	                                          .spirv_bytes = dispatch_kernel_bytes};
	for (int i = 0; i < 20; i++) {
		struct kiln_kernel *kernel = NULL;
		uint64_t start = bench_now_ns();
		dispatch_try(kiln_kernel_create(kiln->device, &params, &kernel));
		dispatch_try(kiln_kernel_resolve(kernel, NULL));
		bench_add(&line->ours, dispatch_us(start));
		kiln_kernel_destroy(&kernel);
	}
}

void dispatch_part_record(struct dispatch_report *report, struct dispatch_kiln kilns[2],
                          struct raw_dispatch *raw)
{
	struct recording recordings[2] = {0};
	add_lines(report, recordings, raw->vk.push_descriptors != NULL);
	struct dispatch_line *fresh = dispatch_line(report, "launch + submit + wait, fresh sets", "us", true,
	                                            SUBMIT_LIMIT_US, "median - raw median");
	struct dispatch_line *ready = dispatch_line(report, "launch + submit + wait, ready sets", "us", true,
	                                            SUBMIT_LIMIT_US, "median - raw median");
	struct dispatch_line *kernel =
		dispatch_line(report, "second kernel, resolved", "us", false, KERNEL_LIMIT_US, "median");
	for (unsigned round = 0; round < report->rounds; round++) {
		for (int shape = 0; shape < 2; shape++)
			measure_recording(&recordings[shape], (enum dispatch_shape)shape, &kilns[shape], raw);
		measure_round_trip(fresh, RAW_FRESH_SETS, &kilns[0], raw);
		measure_round_trip(ready, RAW_READY_SETS, &kilns[0], raw);
		measure_kernel(kernel, &kilns[0]);
	}
	measure_new(recordings[DISPATCH_INDEPENDENT].fresh, &kilns[DISPATCH_INDEPENDENT], raw,
	            report->rounds);
}
