/* What a launch costs once its pipeline is there: recording, submitting, replaying, copying, and recording on two threads;
 * hand-written Vulkan in the same rounds. LP_NUM_THREADS=0 and one processor make lavapipe a precise meter of the
 * processor's side; only the part with threads runs unbound. */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dispatch.h"

void dispatch_try(enum kiln_status status)
{
	if (status != KILN_OK)
		bench_die("%s: %s", kiln_status_name(status), kiln_error_message());
}

struct dispatch_line *dispatch_line(struct dispatch_report *report, const char *name, const char *unit,
                                    bool with_raw, double limit, const char *limit_what)
{
	if (report->count == DISPATCH_LINES)
		bench_die("too many lines");
	struct dispatch_line *line = &report->lines[report->count++];
	snprintf(line->name, sizeof line->name, "%s", name);
	line->result = (struct bench_result){.name = line->name,
	                                     .unit = unit,
	                                     .raw = with_raw ? &line->raw : NULL,
	                                     .ours = &line->ours,
	                                     .limit = limit,
	                                     .limit_what = limit_what};
	return line;
}

/* ---- Kiln's side ---- */

void dispatch_open(struct dispatch_kiln *kiln)
{
	struct kiln_buffer_params buffer = {.bytes = DISPATCH_BUFFER_BYTES};
	*kiln = (struct dispatch_kiln){0};
	dispatch_try(kiln_device_open(&(struct kiln_device_params){.no_cache = true, .no_autotune = true},
	                              &kiln->device));
	dispatch_try(kiln_kernel_create(kiln->device,
	                                &(struct kiln_kernel_params){.spirv = dispatch_kernel,
	                                                             .spirv_bytes = dispatch_kernel_bytes},
	                                &kiln->kernel));
	for (uint32_t i = 0; i < DISPATCH_BUFFERS + 2; i++)
		dispatch_try(kiln_buffer_create(kiln->device, &buffer, &kiln->buffers[i]));
	dispatch_try(kiln_stream_create(kiln->device, NULL, &kiln->stream));
}

void dispatch_close(struct dispatch_kiln *kiln)
{
	kiln_stream_destroy(&kiln->stream);
	for (uint32_t i = 0; i < DISPATCH_BUFFERS + 2; i++)
		kiln_buffer_destroy(&kiln->buffers[i]);
	kiln_kernel_destroy(&kiln->kernel);
	kiln_device_close(&kiln->device);
}

void dispatch_record(struct dispatch_kiln *kiln, enum dispatch_shape shape, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		struct dispatch_push push = {DISPATCH_THREADS, i};
		dispatch_try(kiln_stream_launch(
			kiln->stream, kiln->kernel,
			&(struct kiln_launch_params){.threads = {DISPATCH_THREADS},
		                                     .buffers = {kiln->buffers[dispatch_source(shape, i)],
		                                                 kiln->buffers[dispatch_target(shape, i)]},
		                                     .push = &push,
		                                     .push_bytes = sizeof push}));
	}
}

/* Both sides must have computed the same, or the times mean nothing. */
static void check(struct dispatch_kiln *kiln, struct raw_dispatch *raw)
{
	uint32_t ours[DISPATCH_BUFFER_BYTES / 4];
	dispatch_record(kiln, DISPATCH_CHAIN, 256);
	dispatch_try(kiln_stream_wait(kiln->stream, KILN_WAIT_FOREVER));
	dispatch_try(kiln_buffer_read(kiln->buffers[0], 0, ours, sizeof ours));
	for (int binding = 0; binding < RAW_BINDINGS; binding++) {
		if (raw_is_pushed((enum raw_binding)binding) && !raw->vk.push_descriptors)
			continue;
		memset(raw->mapped, 0, sizeof ours);
		raw_dispatch_record(raw, (enum raw_binding)binding, DISPATCH_CHAIN, 256);
		raw_dispatch_submit(raw);
		raw_dispatch_wait(raw);
		if (memcmp(ours, raw->mapped, sizeof ours) != 0)
			bench_die("raw Vulkan and Kiln differ");
	}
}

static void pin(void)
{
	cpu_set_t all, one;
	if (sched_getaffinity(0, sizeof all, &all) != 0)
		return;
	CPU_ZERO(&one);
	for (int i = CPU_SETSIZE - 1; i >= 0; i--)
		if (CPU_ISSET(i, &all)) {
			CPU_SET(i, &one);
			break;
		}
	if (sched_setaffinity(0, sizeof one, &one) != 0)
		fprintf(stderr, "dispatch: not bound to one processor\n");
}

int main(int argc, char **argv)
{
	static struct dispatch_report report;
	static struct dispatch_kiln
		kilns[2]; /* by shape: as raw Vulkan's command buffers, none follows another's shape */
	static struct raw_dispatch raw;
	static struct bench_result results[DISPATCH_LINES];
	struct bench_options options =
		bench_parse(argc, argv, "dispatch: what a launch costs, Kiln against hand-written Vulkan",
	                    200);

	if (!bench_use_driver("lvp_icd"))
		bench_skip("no lavapipe");
	setenv("LP_NUM_THREADS", "0", 0);
	setenv("MESA_SHADER_CACHE_DISABLE", "true", 0);
	report.rounds = options.rounds;
	dispatch_part_threads(&report);
	pin();
	raw_dispatch_open(&raw);
	dispatch_open(&kilns[0]);
	dispatch_open(&kilns[1]);
	check(&kilns[0], &raw);
	dispatch_part_record(&report, kilns, &raw);
	dispatch_part_graph(&report, &kilns[0], &raw);
	dispatch_part_copy(&report, &kilns[0]);
	dispatch_part_streams(&report, &kilns[0]);
	dispatch_close(&kilns[0]);
	dispatch_close(&kilns[1]);
	raw_dispatch_close(&raw);
	for (uint32_t i = 0; i < report.count; i++)
		results[i] = report.lines[i].result;
	bench_print("dispatch", &options, results, report.count);
	for (uint32_t i = 0; i < report.count; i++) {
		bench_finish(&report.lines[i].raw);
		bench_finish(&report.lines[i].ours);
	}
	return 0;
}
