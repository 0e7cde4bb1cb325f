/* A sum by several launches. One launch turns many values into one partial sum per workgroup; the next sums
 * those, until one value is left. Launches on a device run in order, each sees what the one before wrote, and
 * nothing comes back to the processor in between: no fence, no barrier, no wait in this file. */
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <kiln/kiln.h>
#include <kiln/shaders/reduce.h>

#include "example.h"

#define ITEMS 8 /* values each thread adds: the default of the kernel's specialisation constant 1 */

static const char HELP[] =
	"usage: 02_reduce [options]\n"
	"Sums N pseudo-random floats between 0 and 1 on the device, and checks it against doubles.\n"
	"  -n, --count N    values (4194304)\n"
	"  -h, --help       this text\n";

static uint32_t ceil_div(uint32_t a, uint32_t b)
{
	return a / b + (a % b != 0);
}

/* Launches until one value is left; it ends up in b[*out_last]. */
static enum kiln_status reduce(struct kiln_kernel *kernel, struct kiln_buffer *b[2], uint32_t n, int *out_last)
{
	struct kiln_build build;
	int source = 0, step = 0;

	/* How many partial sums a launch leaves depends on the workgroup size, so ask which one Kiln settled
	 * on. */
	KILN_TRY(kiln_kernel_resolve(kernel, &build));
	uint32_t values_per_group = build.workgroup[0] * ITEMS;
	do {
		uint32_t groups = ceil_div(n, values_per_group);
		KILN_TRY(kiln_launch(kernel, &(struct kiln_launch_params){
			.threads = {groups * build.workgroup[0]},
			.buffers = {b[source], b[1 - source]},
			.push = &n, /* copied by the call: the loop may change it */
			.push_bytes = sizeof n,
		}));
		printf("launch %d   %u values -> %u\n", ++step, n, groups);
		n = groups;
		source = 1 - source;
	} while (n > 1);
	*out_last = source;
	return KILN_OK;
}

static enum kiln_status sum_on_device(const float *values, uint32_t n, float *out_sum)
{
	struct kiln_device *device = NULL;
	struct kiln_kernel *kernel = NULL;
	struct kiln_buffer *buffers[2] = {NULL};
	struct kiln_buffer_params params = {.bytes = (uint64_t)n * sizeof *values, .contents = values};
	enum kiln_status status;
	int last = 0;

	TRY(example_open(&device));
	TRY(kiln_kernel_create(device, &(struct kiln_kernel_params){KILN_SHADER(reduce)}, &kernel));
	TRY(kiln_buffer_create(device, &params, &buffers[0]));
	TRY(kiln_buffer_create(device, &params, &buffers[1]));
	TRY(reduce(kernel, buffers, n, &last));
	TRY(kiln_buffer_read(buffers[last], 0, out_sum, sizeof *out_sum));
done:
	kiln_buffer_destroy(&buffers[0]);
	kiln_buffer_destroy(&buffers[1]);
	kiln_kernel_destroy(&kernel);
	kiln_device_close(&device);
	return status;
}

/* Fills with a linear congruential generator (Numerical Recipes' constants) and returns the exact sum, or
 * nearly. */
static double fill(float *values, uint32_t n)
{
	double sum = 0;
	uint32_t state = 1;
	for (uint32_t i = 0; i < n; i++) {
		state = state * 1664525u + 1013904223u;
		values[i] = (float)(state >> 8) / 16777216.0f;
		sum += values[i];
	}
	return sum;
}

int main(int argc, char **argv)
{
	static const struct option OPTIONS[] = {
		{"count", required_argument, NULL, 'n'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	uint32_t n = 4 << 20;
	int option;
	while ((option = getopt_long(argc, argv, "hn:", OPTIONS, NULL)) != -1) {
		switch (option) {
		case 'n': n = example_count("--count", optarg, 1, 1 << 28); break;
		default: example_usage(HELP, option == 'h' ? 0 : 2);
		}
	}
	example_arguments(argc, argv, 0);

	enum kiln_status status = KILN_ERR_OUT_OF_MEMORY;
	bool correct = false;
	float sum = 0;
	float *values = calloc(n, sizeof *values);
	if (!values)
		goto done;
	double expected = fill(values, n);
	TRY(sum_on_device(values, n, &sum));
	/* Adding in a tree loses little: each value passes through a dozen roundings, not n. */
	correct = fabs(sum - expected) <= 2e-6 * expected;
	printf("sum        %.9g, in doubles %.9g\n", sum, expected);
done:
	free(values);
	return example_exit(status, correct);
}
