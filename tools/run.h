/* One `kiln run`, in the order it happens: options, program, plan of the buffers, device, launches,
 * results, report. */
#ifndef TOOLS_RUN_H
#define TOOLS_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "args.h"
#include "array.h"
#include "file_spec.h"
#include "program.h"
#include "tool.h"

#define KILN_RUN_SOURCE 96

/* What one binding gets and gives. */
struct kiln_run_buffer {
	const struct kiln_binding *binding;
	const char *input;             /* --in, without its index; NULL = made up */
	const char *output;            /* --out, without its index; NULL = none */
	struct kiln_file_spec target;  /* of `output` */
	struct kiln_array array;       /* contents before the first launch, after it what it left */
	char source[KILN_RUN_SOURCE];  /* where the contents came from, for the report */
	char preview[KILN_RUN_SOURCE]; /* the first values after the launch */
	struct kiln_buffer *buffer;
	struct kiln_image *image; /* instead of a buffer, where the binding is one */
};

struct kiln_run_options {
	const char *entry, *push, *manifest, *trace;
	const char *inputs[KILN_BUFFERS_MAX], *outputs[KILN_BUFFERS_MAX], *specs[KILN_ARGS_SPEC_MAX];
	size_t input_count, output_count, spec_count;
	uint32_t threads[3]; /* x 0 with has_threads false = derive */
	bool has_threads;
	bool guarded; /* the kernel ignores threads beyond those asked for */
	uint32_t workgroup[3];
	uint32_t repeat; /* launches in all */
	struct kiln_device_params device;
	struct kiln_glsl_args glsl;
};

struct kiln_run {
	struct kiln_tool *tool;
	struct kiln_run_options options;
	const char *file;

	struct kiln_program_file program;
	const struct kiln_entry_point *entry;
	struct kiln_spec_value specs[KILN_ARGS_SPEC_MAX];
	struct kiln_array push;

	uint32_t threads[3];
	char threads_source[KILN_RUN_SOURCE]; /* "" = --threads */
	struct kiln_run_buffer buffers[KILN_BUFFERS_MAX];
	size_t buffer_count;

	struct kiln_device *device;
	struct kiln_trace *trace; /* NULL = none */
	struct kiln_array traced; /* its JSON */
	struct kiln_kernel *kernel;
	struct kiln_build build;
	uint64_t first_ns;  /* of the first launch, wait included */
	uint64_t *times_ns; /* of the others, sorted when done */
	size_t time_count;
};

/* What says which launch is meant: contents, threads, constants. */
extern const struct kiln_option kiln_options_launch[];
/* Takes the ids of that table, of the device's and of GLSL; `user` is a struct kiln_run. */
bool kiln_run_take(void *user, int id, const char *value);
/* Everything that needs the module and no device, and the device. */
enum kiln_exit kiln_run_prepare(struct kiln_run *run);
enum kiln_exit kiln_run_open_device(struct kiln_run *run);
/* Frees all but the struct itself. */
void kiln_run_finish(struct kiln_run *run);

/* Gives every binding its contents and settles the number of threads. No device. */
enum kiln_exit kiln_run_plan(struct kiln_run *run);
/* Device buffers, and reading them back into the arrays. */
enum kiln_exit kiln_run_upload(struct kiln_run *run);
enum kiln_exit kiln_run_download(struct kiln_run *run);
/* Nothing without --trace. A run that failed is written too. */
enum kiln_exit kiln_run_trace_begin(struct kiln_run *run);
enum kiln_exit kiln_run_trace_end(struct kiln_run *run);
/* Images: two-dimensional ones of what pictures hold, by themselves or with a sampler. */
bool kiln_run_is_image(const struct kiln_binding *binding);
/* Made up of as many texels as there are threads. */
enum kiln_exit kiln_run_make_image(struct kiln_run *run, struct kiln_run_buffer *buffer);
enum kiln_status kiln_run_upload_image(struct kiln_run *run, struct kiln_run_buffer *buffer);
/* What a launch passes for the binding. */
struct kiln_arg kiln_run_argument(const struct kiln_run_buffer *buffer);
/* Files, and the report. */
enum kiln_exit kiln_run_write(struct kiln_run *run);
void kiln_run_report(struct kiln_run *run);

#endif
