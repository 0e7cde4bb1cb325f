/* y = a * x + y for a million floats: the shortest complete program. A device, a kernel, two buffers, a
 * launch, and the result read back and compared with the processor's own. */
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <kiln/kiln.h>
#include <kiln/shaders/saxpy.h> /* the kernel's SPIR-V; its comment says what to bind and push */

#include "example.h"

static const char HELP[] =
	"usage: 01_saxpy [options]\n"
	"Computes y = a * x + y with x[i] = i / 1024 and y[i] = 1, and checks it.\n"
	"  -n, --count N    elements (1048576)\n"
	"  -a, --factor A   the a above (2.5)\n"
	"  -o, --output F   also write y to the file F, as raw little-endian floats\n"
	"  -h, --help       this text\n";

/* What the kernel's push constants look like. */
struct push {
	float a;
	uint32_t n;
};

/* The part a tutorial is about: everything else in this file is options and checking. */
static enum kiln_status saxpy(const struct push *push, const float *x, float *y)
{
	struct kiln_device *device = NULL;
	struct kiln_kernel *kernel = NULL;
	struct kiln_buffer *x_buffer = NULL, *y_buffer = NULL;
	uint64_t bytes = (uint64_t)push->n * sizeof *y;
	enum kiln_status status;

	TRY(example_open(&device));
	TRY(kiln_kernel_create(device, &(struct kiln_kernel_params){KILN_SHADER(saxpy)}, &kernel));
	TRY(kiln_buffer_create(device, &(struct kiln_buffer_params){.bytes = bytes, .contents = x}, &x_buffer));
	TRY(kiln_buffer_create(device, &(struct kiln_buffer_params){.bytes = bytes, .contents = y}, &y_buffer));
	TRY(kiln_launch(kernel, &(struct kiln_launch_params){
		.threads = {push->n}, /* threads, not workgroups: Kiln knows the workgroup size */
		.buffers = {x_buffer, y_buffer},
		.push = push,
		.push_bytes = sizeof *push,
	}));
	TRY(kiln_buffer_read(y_buffer, 0, y, bytes)); /* waits for the launch */
done:
	kiln_buffer_destroy(&x_buffer);
	kiln_buffer_destroy(&y_buffer);
	kiln_kernel_destroy(&kernel);
	kiln_device_close(&device);
	return status;
}

/* The device may round a * x once or not at all before it adds, so the last bit is its own. */
static uint32_t count_wrong(const struct push *push, const float *x, const float *y)
{
	uint32_t wrong = 0;
	for (uint32_t i = 0; i < push->n; i++) {
		float expected = push->a * x[i] + 1.0f;
		if (!(fabsf(y[i] - expected) <= 1e-6f * fmaxf(1.0f, fabsf(push->a * x[i]))))
			wrong++;
	}
	return wrong;
}

static bool write_floats(const char *path, const float *values, uint32_t n)
{
	FILE *file = fopen(path, "wb");
	bool written = file && fwrite(values, sizeof *values, n, file) == n;
	if (file && fclose(file) != 0)
		written = false;
	if (!written)
		perror(path);
	return written;
}

int main(int argc, char **argv)
{
	static const struct option OPTIONS[] = {
		{"count", required_argument, NULL, 'n'},
		{"factor", required_argument, NULL, 'a'},
		{"help", no_argument, NULL, 'h'},
		{"output", required_argument, NULL, 'o'},
		{NULL, 0, NULL, 0},
	};
	struct push push = {.a = 2.5f, .n = 1 << 20};
	const char *output = NULL;
	int option;
	while ((option = getopt_long(argc, argv, "a:hn:o:", OPTIONS, NULL)) != -1) {
		switch (option) {
		case 'a': push.a = (float)example_number("--factor", optarg, -1e6, 1e6); break;
		case 'n': push.n = example_count("--count", optarg, 1, 1 << 28); break;
		case 'o': output = optarg; break;
		default: example_usage(HELP, option == 'h' ? 0 : 2);
		}
	}
	example_arguments(argc, argv, 0);

	float *x = calloc(push.n, sizeof *x), *y = calloc(push.n, sizeof *y);
	bool correct = false;
	enum kiln_status status = KILN_ERR_OUT_OF_MEMORY;
	if (!x || !y)
		goto done;
	for (uint32_t i = 0; i < push.n; i++) {
		x[i] = (float)i / 1024.0f;
		y[i] = 1.0f;
	}
	TRY(saxpy(&push, x, y));
	uint32_t wrong = count_wrong(&push, x, y);
	correct = wrong == 0 && (!output || write_floats(output, y, push.n));
	printf("saxpy      %u elements, %u wrong, y[0] = %g, y[%u] = %g\n", push.n, wrong, y[0], push.n - 1,
	       y[push.n - 1]);
done:
	free(x);
	free(y);
	return example_exit(status, correct);
}
