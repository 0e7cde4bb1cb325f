/* Streams: two chains of work that know nothing of each other, each recorded on a stream of its own, and a sum that needs
 * both. Where they meet, Kiln sees that the sum reads what the other chain wrote and lets the device wait for just that: no
 * semaphore, no event, no barrier in this file. The host asks for one ticket at the end, and for nothing in between. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include <kiln/kiln.h>
#include <kiln/shaders/saxpy.h>

#include "example.h"

static const char HELP[] =
	"usage: 08_stream [options]\n"
	"Adds up what two chains of launches computed on streams of their own, and checks the sum.\n"
	"  -n, --count N    elements (262144)\n"
	"  -s, --steps N    launches in each chain (20)\n"
	"  -h, --help       this text\n";

struct push {
	float a;
	uint32_t n;
};

struct chains {
	struct kiln_device *device;
	struct kiln_kernel *kernel;
	struct kiln_stream *streams[2];
	struct kiln_buffer *x, *y[2];
};

static enum kiln_status open_all(struct chains *chains, const float *x, uint64_t bytes)
{
	KILN_TRY(example_open(&chains->device));
	KILN_TRY(kiln_kernel_create(chains->device, &(struct kiln_kernel_params){KILN_SHADER(saxpy)},
	                            &chains->kernel));
	KILN_TRY(kiln_buffer_create(chains->device, &(struct kiln_buffer_params){.bytes = bytes, .contents = x},
	                            &chains->x));
	for (int i = 0; i < 2; i++) {
		KILN_TRY(kiln_buffer_create(chains->device, &(struct kiln_buffer_params){.bytes = bytes},
		                            &chains->y[i]));
		KILN_TRY(kiln_stream_create(chains->device,
		                            &(struct kiln_stream_params){.name = i ? "right" : "left"},
		                            &chains->streams[i]));
	}
	return KILN_OK;
}

static void close_all(struct chains *chains)
{
	for (int i = 0; i < 2; i++) {
		kiln_stream_destroy(&chains->streams[i]);
		kiln_buffer_destroy(&chains->y[i]);
	}
	kiln_buffer_destroy(&chains->x);
	kiln_kernel_destroy(&chains->kernel);
	kiln_device_close(&chains->device);
}

/* target = a * source + target */
static enum kiln_status add(struct chains *chains, int stream, struct kiln_buffer *source,
                            struct kiln_buffer *target, struct push push)
{
	return kiln_stream_launch(chains->streams[stream], chains->kernel,
	                          &(struct kiln_launch_params){.threads = {push.n},
	                                                       .buffers = {source, target},
	                                                       .push = &push,
	                                                       .push_bytes = sizeof push});
}

/* The part to read: the left chain adds x again and again, the right one 2 x, and the left one takes up the right one's. */
static enum kiln_status run(struct chains *chains, uint32_t steps, float *out_sum, uint32_t n)
{
	struct kiln_ticket ticket;
	for (uint32_t step = 0; step < steps; step++)
		for (int i = 0; i < 2; i++)
			KILN_TRY(add(chains, i, chains->x, chains->y[i], (struct push){(float)(i + 1), n}));
	KILN_TRY(add(chains, 0, chains->y[1], chains->y[0], (struct push){1, n}));
	KILN_TRY(kiln_stream_download(chains->streams[0], chains->y[0], 0, out_sum, (uint64_t)n * sizeof *out_sum));
	KILN_TRY(kiln_stream_submit(chains->streams[0], &ticket));
	printf("submitted  %s\n",
	       kiln_ticket_is_done(chains->device, ticket) ? "and done already" : "and on its way");
	return kiln_ticket_wait(chains->device, ticket, KILN_WAIT_FOREVER); /* out_sum is complete */
}

static bool is_right(const float *sum, const float *x, uint32_t n, uint32_t steps)
{
	uint32_t wrong = 0;
	for (uint32_t i = 0; i < n; i++) /* small whole numbers: exact in floats */
		wrong += sum[i] != 3.0f * (float)steps * x[i];
	printf("sum        %u of %u elements are right\n", n - wrong, n);
	return wrong == 0;
}

int main(int argc, char **argv)
{
	static const struct option OPTIONS[] = {
		{"count", required_argument, NULL, 'n'},
		{"help", no_argument, NULL, 'h'},
		{"steps", required_argument, NULL, 's'},
		{NULL, 0, NULL, 0},
	};
	uint32_t n = 1 << 18, steps = 20;
	int option;
	while ((option = getopt_long(argc, argv, "hn:s:", OPTIONS, NULL)) != -1) {
		switch (option) {
		case 'n': n = example_count("--count", optarg, 1, 1 << 26); break;
		case 's': steps = example_count("--steps", optarg, 1, 10000); break;
		default: example_usage(HELP, option == 'h' ? 0 : 2);
		}
	}
	example_arguments(argc, argv, 0);

	enum kiln_status status = KILN_ERR_OUT_OF_MEMORY;
	struct chains chains = {0};
	bool correct = false;
	float *x = calloc(n, sizeof *x), *sum = calloc(n, sizeof *sum);
	if (!x || !sum)
		goto done;
	for (uint32_t i = 0; i < n; i++)
		x[i] = (float)(i % 64);
	TRY(open_all(&chains, x, (uint64_t)n * sizeof *x));
	TRY(run(&chains, steps, sum, n));
	printf("chains     2 of %u launches, %llu barriers on the device\n", steps,
	       (unsigned long long)kiln_device_counters(chains.device).barriers);
	correct = is_right(sum, x, n, steps);
done:
	close_all(&chains);
	free(x);
	free(sum);
	return example_exit(status, correct);
}
