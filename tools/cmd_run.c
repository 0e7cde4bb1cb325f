/* kiln run: launches a kernel on files and patterns. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "number.h"
#include "progress.h"
#include "run.h"
#include "session.h"

#define REPEAT_MAX 10000000u

static bool take_repeat(struct kiln_tool *tool, const char *value, uint32_t *out_repeat)
{
	if (kiln_number_u32(value, out_repeat) && *out_repeat >= 1 && *out_repeat <= REPEAT_MAX)
		return true;
	kiln_tool_fail(tool, KILN_EXIT_USAGE, "--repeat '%s' is no number from 1 to %u. Fix: give one", value,
	               REPEAT_MAX);
	return false;
}

bool kiln_run_take(void *user, int id, const char *value)
{
	struct kiln_run *run = user;
	struct kiln_run_options *options = &run->options;

	if (kiln_session_take(&options->device, id, value))
		return true;
	switch (id) {
	case KILN_OPT_BUFFER:
		return kiln_args_append(run->tool, options->inputs, &options->input_count, KILN_BUFFERS_MAX, "--in",
		              value);
	case KILN_OPT_OUT:
		return kiln_args_append(run->tool, options->outputs, &options->output_count, KILN_BUFFERS_MAX, "--out",
		              value);
	case KILN_OPT_SPEC:
		return kiln_args_append(run->tool, options->specs, &options->spec_count, KILN_ARGS_SPEC_MAX, "--spec",
		              value);
	case KILN_OPT_THREADS:
		options->has_threads = true;
		return kiln_args_triple(run->tool, "--threads", value, options->threads);
	case KILN_OPT_WORKGROUP:
		return kiln_args_triple(run->tool, "--workgroup", value, options->workgroup);
	case KILN_OPT_GUARDED:
		options->guarded = true;
		return true;
	case KILN_OPT_REPEAT:
		return take_repeat(run->tool, value, &options->repeat);
	case KILN_OPT_ENTRY:
		options->entry = value;
		return true;
	case KILN_OPT_PUSH:
		options->push = value;
		return true;
	case KILN_OPT_TRACE:
		options->trace = value;
		return true;
	case KILN_OPT_MANIFEST:
		options->manifest = value;
		return true;
	default:
		return kiln_glsl_args_take(run->tool, &options->glsl, id, value);
	}
}

/* Everything that needs the module and no device. */
enum kiln_exit kiln_run_prepare(struct kiln_run *run)
{
	enum kiln_exit code;

	run->options.glsl.open_cache = !run->options.device.no_cache;
	code = kiln_program_load(run->tool, run->file, &run->options.glsl, &run->program);
	if (!code)
		code = kiln_args_entry(run->tool, run->program.reflection, run->options.entry, &run->entry);
	for (size_t i = 0; !code && i < run->options.spec_count; i++)
		code = kiln_args_spec(run->tool, run->program.reflection, run->options.specs[i],
		                      &run->specs[i]);
	if (!code && run->options.push)
		code = kiln_args_push(run->tool, run->options.push, &run->push);
	return code ? code : kiln_run_plan(run);
}

enum kiln_exit kiln_run_open_device(struct kiln_run *run)
{
	enum kiln_exit code = kiln_session_open_on(run->tool, run->options.glsl.cache, &run->options.device,
	                                           &run->device);

	if (!code && !kiln_device_info(run->device)->can_launch)
		code = kiln_tool_fail(
			run->tool, KILN_EXIT_NO_DEVICE,
			"'%s' can compile kernels but not launch them. "
			"Fix: choose another with --device (see kiln info), or use kiln compile",
			kiln_device_info(run->device)->name);
	return code;
}

static enum kiln_exit resolve(struct kiln_run *run)
{
	struct kiln_kernel_params params = {
		.spirv = run->program.words,
		.spirv_bytes = run->program.bytes,
		.entry = run->entry->name,
		.spec = run->specs,
		.spec_count = run->options.spec_count,
		.name = run->file,
		.guarded = run->options.guarded,
	};
	enum kiln_status status;

	memcpy(params.workgroup, run->options.workgroup, sizeof params.workgroup);
	kiln_progress_start("compiling", 0);
	status = kiln_kernel_create(run->device, &params, &run->kernel);
	if (!status)
		status = kiln_kernel_resolve_for(run->kernel, run->threads, &run->build);
	kiln_progress_stop();
	return status ? kiln_tool_fail_for(run->tool, status, kiln_exit_of_kernel(status), "'%s'", run->file)
	              : KILN_EXIT_OK;
}

/* From the call to the end of the work, as the host sees it. */
static enum kiln_status launch(struct kiln_run *run, uint64_t *out_ns)
{
	struct kiln_arg args[KILN_BUFFERS_MAX];
	struct kiln_launch_params params = {.args = args,
	                                    .arg_count = run->buffer_count,
	                                    .push = run->push.bytes ? run->push.data : NULL,
	                                    .push_bytes = (uint32_t)run->push.bytes};
	uint64_t start = kiln_tool_now_ns();
	enum kiln_status status;

	memcpy(params.threads, run->threads, sizeof params.threads);
	for (size_t i = 0; i < run->buffer_count; i++)
		args[i] = kiln_run_argument(&run->buffers[i]);
	status = kiln_launch(run->kernel, &params);
	if (!status)
		status = kiln_device_wait(run->device);
	*out_ns = kiln_tool_now_ns() - start;
	return status;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static enum kiln_exit repeat(struct kiln_run *run)
{
	size_t more = run->options.repeat - 1;
	enum kiln_status status = KILN_OK;

	run->times_ns = calloc(more ? more : 1, sizeof *run->times_ns);
	if (!run->times_ns)
		return kiln_tool_fail(run->tool, KILN_EXIT_FAILURE,
		                      "out of memory for %zu times. Fix: use a smaller --repeat", more);
	kiln_progress_start("launch", more);
	while (!status && run->time_count < more && !kiln_interrupted()) {
		status = launch(run, &run->times_ns[run->time_count]);
		run->time_count += status == KILN_OK;
		kiln_progress_step(run->time_count, "launch");
	}
	kiln_progress_stop();
	qsort(run->times_ns, run->time_count, sizeof *run->times_ns, compare);
	return status ? kiln_tool_fail_status(run->tool, status) : KILN_EXIT_OK;
}

/* Outputs are those of the first launch: a kernel that works in place would change them with every repeat. */
static enum kiln_exit launch_all(struct kiln_run *run)
{
	enum kiln_exit code = kiln_run_upload(run);
	enum kiln_status status;

	if (code)
		return code;
	kiln_progress_start("first launch", 0);
	status = launch(run, &run->first_ns);
	kiln_progress_stop();
	if (status)
		return kiln_tool_fail_status(run->tool, status);
	code = kiln_run_download(run);
	return code ? code : repeat(run);
}

static enum kiln_exit report(struct kiln_run *run)
{
	kiln_run_report(run);
	if (!kiln_interrupted())
		return KILN_EXIT_OK;
	return kiln_tool_fail(run->tool, KILN_EXIT_INTERRUPTED,
	                      "interrupted after %zu launches; the files are complete", run->time_count + 1);
}

static enum kiln_exit execute(struct kiln_run *run)
{
	static enum kiln_exit (*const steps[])(struct kiln_run *) = {
		kiln_run_prepare, kiln_run_open_device, kiln_run_trace_begin, resolve, launch_all, kiln_run_write, report};
	enum kiln_exit code = KILN_EXIT_OK, traced;

	for (size_t i = 0; !code && i < sizeof steps / sizeof steps[0]; i++) {
		code = steps[i](run);
		/* Once launched, what there is is written and reported. */
		if (!code && kiln_interrupted() && steps[i] == resolve)
			code = kiln_tool_fail(
				run->tool, KILN_EXIT_INTERRUPTED,
				"interrupted before the first launch; what is compiled is kept");
	}
	traced = kiln_run_trace_end(run);
	return code ? code : traced;
}

void kiln_run_finish(struct kiln_run *run)
{
	for (size_t i = 0; i < run->buffer_count; i++) {
		kiln_buffer_destroy(&run->buffers[i].buffer);
		kiln_image_destroy(&run->buffers[i].image);
		kiln_array_finish(&run->buffers[i].array);
	}
	kiln_kernel_destroy(&run->kernel);
	/* The device has the cache only once it was opened. */
	run->options.device.cache = run->options.glsl.cache;
	kiln_session_close(&run->options.device, &run->device);
	kiln_program_finish(&run->program);
	kiln_array_finish(&run->push);
	kiln_array_finish(&run->traced);
	free(run->times_ns);
}

static enum kiln_exit run_command(struct kiln_tool *tool, int argc, char **argv)
{
	struct kiln_run *run = calloc(1, sizeof *run);
	struct kiln_parse parse = {.take = kiln_run_take, .user = run, .min_operands = 1, .max_operands = 1};
	enum kiln_exit code;

	if (!run)
		return kiln_tool_fail(tool, KILN_EXIT_FAILURE, "out of memory. Fix: free some");
	run->tool = tool;
	run->options.repeat = 1;
	if (kiln_options_parse(tool, argc, argv, &parse)) {
		run->file = argv[parse.first];
		kiln_interrupt_watch();
		code = execute(run);
		kiln_run_finish(run);
	} else {
		code = parse.code;
	}
	free(run);
	return code;
}

const struct kiln_option kiln_options_launch[] = {
	{"in", 'i', "[INDEX=]WHAT",
         "contents of a binding: a file or a pattern, see above; in the order of\nkiln reflect, or for "
         "the binding of that index or name; may be repeated",
         KILN_OPT_BUFFER},
	{"buffer", 'b', "[INDEX=]WHAT", "the same as --in", KILN_OPT_BUFFER},
	{"threads", 't', "X[,Y[,Z]]",
         "threads to launch (default: one per pixel of the first picture, else one\nper element of the "
         "first input)",
         KILN_OPT_THREADS},
	{"push", 'p', "LIST|@FILE",
         "push constants: a typed list such as f32:2.0,u32:1024, or a file's bytes", KILN_OPT_PUSH},
	{"spec", 's', "ID=VALUE", "specialisation constant, by id or name; may be repeated", KILN_OPT_SPEC},
	{"guarded", 'g', NULL,
         "the kernel ignores threads beyond those asked for, as with if (i < n); without it\na size that would "
         "round the threads up further than the kernel's own is not used",
         KILN_OPT_GUARDED},
	{"entry", 'e', "NAME", "entry point (default: main, or the only one)", KILN_OPT_ENTRY},
	{0},
};

static const struct kiln_option own[] = {
	{"out", 'o', "INDEX=FILE", "write a binding's contents after the first launch; may be repeated",
         KILN_OPT_OUT},
	{"workgroup", 'w', "X[,Y[,Z]]", "workgroup size in threads (default: store, else the kernel's own)",
         KILN_OPT_WORKGROUP},
	{"repeat", 'n', "N", "launches in all (default: 1); the first is timed apart from the others",
         KILN_OPT_REPEAT},
	{"manifest", 'm', "FILE", "write the pipeline's manifest (JSON)", KILN_OPT_MANIFEST},
	{"trace", 0, "FILE",
         "write what host and device did and when, from compiling on (JSON for\nui.perfetto.dev or chrome://tracing)",
         KILN_OPT_TRACE},
	{0},
};

static const struct kiln_option *const tables[] =
	{kiln_options_launch, own, kiln_options_device, kiln_options_warm, kiln_options_work, kiln_options_glsl,
	 kiln_options_common, NULL};

static const char description[] =
	"WHAT is one of\n"
	"  FILE.npy                           a numpy array\n"
	"  FILE.png[:PIXELS]                  a picture; PIXELS is gray8, rgb8, rgba8 (default),\n"
	"                                     gray32f, rgb32f or rgba32f\n"
	"  FILE[:TYPE[:SIZE]]                 any other file's bytes\n"
	"  zeros[:[TYPE:]COUNT]               zeros\n"
	"  const:TYPE:VALUE[:COUNT]           one value\n"
	"  iota:TYPE[:COUNT[:START[:STEP]]]   START, START + STEP, ...\n"
	"  random:TYPE[:COUNT[:SEED]]         floats in [0, 1), integers over their whole range;\n"
	"                                     the same for the same SEED\n"
	"  data:LIST                          a typed list, as for --push\n"
	"with TYPE u8, i8, u16, i16, u32, i32, u64, i64, f16, f32 or f64. COUNT and SIZE are elements:\n"
	"1000, 64K (times 1024), 640x480; without COUNT, one element per thread. A binding without --in\n"
	"gets zeros, one element per thread. raw:, npy: and png: before a file name override its\n"
	"extension. A picture also fills a two-dimensional image, sampled (linearly where that is\n"
	"possible, the border repeated) or storage; one without --in has a texel per thread.\n"
	"An output is FILE.npy[:TYPE[:SIZE]], FILE.png[:PIXELS[:SIZE]], or raw bytes.\n"
	"\n"
	"In a LIST a type holds until the next one, each value is aligned to its size, and pad:N adds\n"
	"N zero bytes. Times are from the call to the end of the work, as the host sees it.";

static const char examples[] =
	"kiln run saxpy.comp --in iota:f32:1M --in const:f32:1 --push f32:2.0,u32:1048576 --out 1=y.npy\n"
	"kiln run sobel.spv --in photo.png --push u32:640,480,f32:1 --out 1=edges.png\n"
	"kiln run saxpy.spv --threads 1M --push f32:2,u32:1048576 --repeat 100 --json\n"
	"kiln run --expect-warm saxpy.spv --threads 1024 --push f32:2,u32:1024";

const struct kiln_command kiln_command_run = {
	.name = "run",
	.arguments = "FILE.spv|FILE.comp",
	.summary = "launch a kernel on files and generated data, and report",
	.description = description,
	.examples = examples,
	.options = tables,
	.run = run_command,
};
