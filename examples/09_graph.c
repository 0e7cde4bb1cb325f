/* A graph: work that is the same in every frame is told to Kiln once. Checking, barriers and command buffers are done then;
 * a launch of the graph only submits. What does change between frames, here one constant, is set in place, and only what
 * holds it is recorded again. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include <kiln/kiln.h>
#include <kiln/shaders/saxpy.h>

#include "example.h"

static const char HELP[] =
	"usage: 09_graph [options]\n"
	"Records a frame of launches once and launches it many times, with one constant changed each time.\n"
	"  -f, --frames N   launches of the graph (30)\n"
	"  -s, --steps N    launches in the graph (100)\n"
	"  -h, --help       this text\n";

enum { N = 4096 };

struct push {
	float a;
	uint32_t n;
};

struct frame {
	struct kiln_device *device;
	struct kiln_kernel *kernel;
	struct kiln_stream *stream;
	struct kiln_buffer *x, *y;
	struct kiln_graph *graph;
};

static enum kiln_status open_all(struct frame *frame, const float *x)
{
	KILN_TRY(example_open(&frame->device));
	KILN_TRY(kiln_kernel_create(frame->device, &(struct kiln_kernel_params){KILN_SHADER(saxpy)}, &frame->kernel));
	KILN_TRY(kiln_buffer_create(
		frame->device, &(struct kiln_buffer_params){.bytes = N * sizeof *x, .contents = x}, &frame->x));
	KILN_TRY(kiln_buffer_create(frame->device, &(struct kiln_buffer_params){.bytes = N * sizeof *x}, &frame->y));
	return kiln_stream_create(frame->device, NULL, &frame->stream);
}

static void close_all(struct frame *frame)
{
	kiln_graph_destroy(&frame->graph);
	kiln_stream_destroy(&frame->stream);
	kiln_buffer_destroy(&frame->x);
	kiln_buffer_destroy(&frame->y);
	kiln_kernel_destroy(&frame->kernel);
	kiln_device_close(&frame->device);
}

/* The same calls as ever; between begin and end nothing runs. */
static enum kiln_status record(struct frame *frame, uint32_t steps)
{
	struct push push = {.a = 1, .n = N};
	KILN_TRY(kiln_graph_begin(frame->stream));
	for (uint32_t step = 0; step < steps; step++)
		KILN_TRY(kiln_stream_launch(frame->stream, frame->kernel,
		                            &(struct kiln_launch_params){.threads = {N},
		                                                         .buffers = {frame->x, frame->y},
		                                                         .push = &push,
		                                                         .push_bytes = sizeof push}));
	return kiln_graph_end(frame->stream, &frame->graph);
}

static enum kiln_status run(struct frame *frame, uint32_t frames, uint32_t steps)
{
	char text[EXAMPLE_TIME_BYTES];
	double start = example_ms(), in_launch = 0;
	KILN_TRY(record(frame, steps));
	printf("recorded   %zu launches in %s\n", kiln_graph_length(frame->graph),
	       example_time((example_ms() - start) * 1e6, text));
	for (uint32_t f = 0; f < frames; f++) {
		struct push push = {.a = (float)f, .n = N};
		start = example_ms();
		KILN_TRY(kiln_graph_set_push(frame->graph, 0, &push, sizeof push)); /* of the first launch */
		KILN_TRY(kiln_graph_launch(frame->graph, frame->stream, NULL));
		in_launch += example_ms() - start;
		KILN_TRY(kiln_stream_wait(frame->stream, KILN_WAIT_FOREVER));
	}
	struct kiln_graph_counters counters = kiln_graph_counters(frame->graph);
	printf("frames     %u, each set and submitted in %s\n", frames, example_time(in_launch * 1e6 / frames, text));
	printf("again      %llu of %llu launches were recorded again\n",
	       (unsigned long long)(counters.recorded - steps),
	       (unsigned long long)counters.launches * steps);
	return KILN_OK;
}

static bool is_right(const float *y, const float *x, uint32_t frames, uint32_t steps)
{
	uint32_t wrong = 0, factor = 0;
	for (uint32_t f = 0; f < frames; f++)
		factor += f + steps - 1;
	for (uint32_t i = 0; i < N; i++) /* whole numbers below 2^24: exact in floats */
		wrong += y[i] != (float)factor * x[i];
	return wrong == 0;
}

int main(int argc, char **argv)
{
	static const struct option OPTIONS[] = {
		{"frames", required_argument, NULL, 'f'},
		{"help", no_argument, NULL, 'h'},
		{"steps", required_argument, NULL, 's'},
		{NULL, 0, NULL, 0},
	};
	uint32_t frames = 30, steps = 100;
	int option;
	while ((option = getopt_long(argc, argv, "f:hs:", OPTIONS, NULL)) != -1) {
		switch (option) {
		case 'f': frames = example_count("--frames", optarg, 1, 100); break;
		case 's': steps = example_count("--steps", optarg, 1, 10000); break;
		default: example_usage(HELP, option == 'h' ? 0 : 2);
		}
	}
	example_arguments(argc, argv, 0);

	enum kiln_status status;
	struct frame frame = {0};
	bool correct = false;
	static float x[N], y[N];
	for (uint32_t i = 0; i < N; i++)
		x[i] = (float)(i % 8);
	TRY(open_all(&frame, x));
	TRY(run(&frame, frames, steps));
	TRY(kiln_buffer_read(frame.y, 0, y, sizeof y));
	correct = is_right(y, x, frames, steps);
done:
	close_all(&frame);
	return example_exit(status, correct);
}
