/* The workgroup size a programmer guesses is rarely the fastest one. Two kernels are tuned on this very device: sums with
 * barriers, and a tiled matrix product. Each configuration is proved to compute the same before it is timed, and what wins
 * is recorded in the device's store: the second start of this program, or of any other that launches these kernels at this
 * size, uses it and has nothing left to measure. */
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <kiln/kiln.h>
#include <kiln/shaders/matmul_tiled.h>
#include <kiln/shaders/row_sums.h>

#include "example.h"

#define ROWS 128u
#define COLUMNS 512u
#define SIDE 64u /* of the matrices */
#define REPEATS 15
#define TOLERANCE 1e-5

static const char HELP[] =
	"usage: 07_autotune [options]\n"
	"Tunes two kernels, and shows how fast each was before and is now.\n"
	"  -b, --budget MS  milliseconds to spend on each (2000)\n"
	"  -r, --retune     measure again what an earlier start has recorded\n"
	"  -h, --help       this text\n";

/* One kernel with its data and what must come out. */
struct work {
	const char *name;
	struct kiln_kernel_params params;
	struct kiln_launch_params launch;
	struct kiln_buffer *out;
	uint32_t count; /* of results, floats */
	double (*expected)(const float *in, uint32_t at);
	const float *in;
	uint32_t own_size[3]; /* workgroup its author chose */
	struct kiln_kernel *kernel;
	char before[80], after[80], time[EXAMPLE_TIME_BYTES];
	double before_ns, after_ns;
	bool correct;
};

struct settings {
	double budget_ms;
	bool retune;
};

/* ---- What the kernels should compute ---- */

static double row_sum(const float *in, uint32_t row)
{
	double sum = 0;
	for (uint32_t i = 0; i < COLUMNS; i++)
		sum += in[row * COLUMNS + i];
	return sum;
}

/* The matrix times itself. */
static double product(const float *in, uint32_t at)
{
	double sum = 0;
	for (uint32_t i = 0; i < SIDE; i++)
		sum += (double)in[at / SIDE * SIDE + i] * in[i * SIDE + at % SIDE];
	return sum;
}

static enum kiln_status check(struct work *work)
{
	float *out = calloc(work->count, sizeof *out);
	if (!out)
		return KILN_ERR_OUT_OF_MEMORY;
	work->correct = true;
	enum kiln_status status = kiln_buffer_read(work->out, 0, out, work->count * sizeof *out);
	for (uint32_t i = 0; status == KILN_OK && i < work->count; i++) {
		double expected = work->expected(work->in, i);
		work->correct = work->correct && fabs(out[i] - expected) <= TOLERANCE * fabs(expected);
	}
	free(out);
	return status;
}

/* ---- Before, between and after ---- */

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

/* The median of some launches, as this program sees them: from the call to the end of the work. */
static enum kiln_status time_launches(struct kiln_device *device, struct work *work, double *out_ns)
{
	double times[REPEATS];
	KILN_TRY(kiln_launch(work->kernel, &work->launch));
	KILN_TRY(kiln_device_wait(device));
	for (int i = 0; i < REPEATS; i++) {
		double start = example_ms();
		KILN_TRY(kiln_launch(work->kernel, &work->launch));
		KILN_TRY(kiln_device_wait(device));
		times[i] = (example_ms() - start) * 1e6;
	}
	qsort(times, REPEATS, sizeof *times, by_value);
	*out_ns = times[REPEATS / 2];
	return KILN_OK;
}

/* The kernel at its own size, whatever the store says. */
static enum kiln_status time_before(struct kiln_device *device, struct work *work)
{
	struct kiln_kernel_params own = work->params;
	struct kiln_build build;
	enum kiln_status status;

	memcpy(own.workgroup, work->own_size, sizeof own.workgroup);
	TRY(kiln_kernel_create(device, &own, &work->kernel));
	TRY(time_launches(device, work, &work->before_ns));
	TRY(kiln_kernel_resolve_for(work->kernel, work->launch.threads, &build));
	snprintf(work->before, sizeof work->before, "%ux%ux%u", build.workgroup[0], build.workgroup[1], build.workgroup[2]);
done:
	kiln_kernel_destroy(&work->kernel);
	return status;
}

static enum kiln_status tune(struct work *work, const struct settings *settings)
{
	struct kiln_tune_report *report = NULL;
	struct kiln_build build;
	struct kiln_tune_params params = {
		.launch = work->launch,
		.budget_ns = (uint64_t)(settings->budget_ms * 1e6),
		.tolerance_relative = TOLERANCE, /* another workgroup adds in another order */
		.only_missing = !settings->retune,
	};

	KILN_TRY(kiln_tune(work->kernel, &params, &report));
	if (report) {
		kiln_tune_config_text(&report->candidates[report->winner].config, work->after, sizeof work->after);
		printf("%-10s tried %zu of %zu configurations in %s\n           %s\n", work->name, report->tried,
		       report->candidate_count, example_time((double)report->spent_ns, work->time), report->reason);
		kiln_tune_report_destroy(&report);
		return KILN_OK;
	}
	KILN_TRY(kiln_kernel_resolve_for(work->kernel, work->launch.threads, &build));
	snprintf(work->after, sizeof work->after, "%ux%ux%u", build.workgroup[0], build.workgroup[1], build.workgroup[2]);
	printf("%-10s was tuned by an earlier start\n", work->name);
	return KILN_OK;
}

static enum kiln_status improve(struct kiln_device *device, struct work *work, const struct settings *settings)
{
	enum kiln_status status;

	TRY(time_before(device, work));
	TRY(kiln_kernel_create(device, &work->params, &work->kernel));
	TRY(tune(work, settings));
	TRY(time_launches(device, work, &work->after_ns)); /* launches take what was found */
	TRY(check(work));
done:
	kiln_kernel_destroy(&work->kernel);
	return status;
}

static void report(const struct work *works, size_t count)
{
	char before[EXAMPLE_TIME_BYTES], after[EXAMPLE_TIME_BYTES];

	printf("%-10s %-12s %9s   %-28s %9s %8s\n", "kernel", "before", "", "after", "", "speed");
	for (size_t i = 0; i < count; i++)
		printf("%-10s %-12s %9s   %-28s %9s %7.2fx%s\n", works[i].name, works[i].before,
		       example_time(works[i].before_ns, before), works[i].after,
		       example_time(works[i].after_ns, after), works[i].before_ns / works[i].after_ns,
		       works[i].correct ? "" : "  wrong");
}

static enum kiln_status run(const float *values, const struct settings *settings, bool *out_correct)
{
	struct kiln_device *device = NULL;
	struct kiln_buffer *matrix = NULL, *sums = NULL, *square = NULL, *result = NULL;
	enum kiln_status status;

	TRY(example_open(&device));
	struct kiln_buffer_params given = {.bytes = ROWS * COLUMNS * sizeof *values, .contents = values};
	TRY(kiln_buffer_create(device, &given, &matrix));
	given.bytes = SIDE * SIDE * sizeof *values;
	TRY(kiln_buffer_create(device, &given, &square));
	TRY(kiln_buffer_create(device, &(struct kiln_buffer_params){.bytes = ROWS * sizeof *values}, &sums));
	TRY(kiln_buffer_create(device, &(struct kiln_buffer_params){.bytes = SIDE * SIDE * sizeof *values}, &result));

	const uint32_t rows_columns[2] = {ROWS, COLUMNS}, sides[3] = {SIDE, SIDE, SIDE};
	/* Both kernels do all the work with any number of threads. */
	struct work works[] = {
		{"row sums", {KILN_SHADER(row_sums)},
		 {.threads = {ROWS * 64}, .buffers = {matrix, sums}, .push = rows_columns, .push_bytes = sizeof rows_columns},
		 sums, ROWS, row_sum, .in = values, .own_size = {64}},
		{"product", {KILN_SHADER(matmul_tiled)},
		 {.threads = {SIDE, SIDE}, .buffers = {square, square, result}, .push = sides, .push_bytes = sizeof sides},
		 result, SIDE * SIDE, product, .in = values, .own_size = {8, 8}},
	};
	for (int i = 0; i < 2; i++)
		TRY(improve(device, &works[i], settings));
	report(works, 2);
	*out_correct = works[0].correct && works[1].correct;
done:
	kiln_buffer_destroy(&matrix);
	kiln_buffer_destroy(&sums);
	kiln_buffer_destroy(&square);
	kiln_buffer_destroy(&result);
	kiln_device_close(&device);
	return status;
}

/* A linear congruential generator (Numerical Recipes' constants), from 0 to 1. */
static float *make_values(uint32_t count)
{
	float *values = calloc(count, sizeof *values);
	uint32_t state = 1;
	for (uint32_t i = 0; values && i < count; i++) {
		state = state * 1664525u + 1013904223u;
		values[i] = (float)(state >> 8) / 16777216.0f;
	}
	return values;
}

int main(int argc, char **argv)
{
	static const struct option OPTIONS[] = {
		{"budget", required_argument, NULL, 'b'},
		{"help", no_argument, NULL, 'h'},
		{"retune", no_argument, NULL, 'r'},
		{NULL, 0, NULL, 0},
	};
	struct settings settings = {.budget_ms = 2000};
	int option;
	while ((option = getopt_long(argc, argv, "b:hr", OPTIONS, NULL)) != -1) {
		switch (option) {
		case 'b': settings.budget_ms = example_number("--budget", optarg, 1, 1e6); break;
		case 'r': settings.retune = true; break;
		default: example_usage(HELP, option == 'h' ? 0 : 2);
		}
	}
	example_arguments(argc, argv, 0);
	float *values = make_values(ROWS * COLUMNS);
	bool correct = false;
	enum kiln_status status = values ? run(values, &settings, &correct) : KILN_ERR_OUT_OF_MEMORY;
	free(values);
	return example_exit(status, correct);
}
