/* Device loss: a long calculation that goes on after the device was lost. What it needs to go on is in a buffer that Kiln keeps
 * a copy of (.shadowed): the copy is what the host last wrote, so writing the state back now and then makes a checkpoint.
 * kiln_device_reopen() brings the same device back, with the same kernel and buffers; then the work since the checkpoint is
 * done again. Nothing in here loses a device: it is how a program is written that outlives a driver's reset. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include <kiln/kiln.h>
#include <kiln/shaders/saxpy.h>

#include "example.h"

static const char HELP[] =
	"usage: 17_device_loss [options]\n"
	"Adds up in many launches, with a checkpoint now and then, and survives the loss of the device.\n"
	"  -n, --count N    elements (65536)\n"
	"  -s, --steps N    launches (100)\n"
	"  -c, --every N    launches between two checkpoints (20)\n"
	"  -h, --help       this text\n";

enum { LOSSES_MAX = 3 }; /* a kernel that takes the device each time is at fault itself */

struct job {
	struct kiln_device *device;
	struct kiln_kernel *kernel;
	struct kiln_buffer *x, *y; /* y is the state, x never changes: the host's copies of both are enough */
	float *state;              /* of the checkpoint */
	uint32_t n, steps, every, done; /* launches before the checkpoint */
};

static enum kiln_status open_all(struct job *job, const float *x)
{
	const uint64_t bytes = (uint64_t)job->n * sizeof(float);
	KILN_TRY(example_open(&job->device));
	KILN_TRY(kiln_kernel_create(job->device, &(struct kiln_kernel_params){KILN_SHADER(saxpy)}, &job->kernel));
	KILN_TRY(kiln_buffer_create(
		job->device, &(struct kiln_buffer_params){.bytes = bytes, .contents = x, .shadowed = true}, &job->x));
	return kiln_buffer_create(job->device, &(struct kiln_buffer_params){.bytes = bytes, .shadowed = true}, &job->y);
}

static enum kiln_status add(const struct job *job)
{
	const struct {
		float a;
		uint32_t n;
	} push = {1, job->n};
	return kiln_launch(job->kernel, &(struct kiln_launch_params){.threads = {job->n},
	                                                              .buffers = {job->x, job->y},
	                                                              .push = &push,
	                                                              .push_bytes = sizeof push});
}

/* One stretch of launches, and its checkpoint. */
static enum kiln_status stretch(struct job *job)
{
	const uint64_t bytes = (uint64_t)job->n * sizeof(float);
	uint32_t end = job->done + job->every < job->steps ? job->done + job->every : job->steps;
	for (uint32_t step = job->done; step < end; step++)
		KILN_TRY(add(job));
	KILN_TRY(kiln_buffer_read(job->y, 0, job->state, bytes));
	KILN_TRY(kiln_buffer_write(job->y, 0, job->state, bytes));
	job->done = end;
	return KILN_OK;
}

/* The part to read. */
static enum kiln_status run(struct job *job, int *losses)
{
	while (job->done < job->steps) {
		struct kiln_reopening back;
		enum kiln_status status = stretch(job);
		if (status == KILN_OK)
			continue;
		if (status != KILN_ERR_DEVICE_LOST || ++*losses > LOSSES_MAX)
			return status;
		printf("lost       %s\n", kiln_error_message()); /* which kernel and launch, and what the driver knows */
		KILN_TRY(kiln_device_reopen(job->device, &back));
		printf("reopened   %llu buffers restored, on from launch %u\n",
		       (unsigned long long)back.restored_buffers, job->done + 1);
	}
	return KILN_OK;
}

static bool is_right(const struct job *job, const float *x)
{
	uint32_t wrong = 0;
	for (uint32_t i = 0; i < job->n; i++) /* small whole numbers: exact in floats */
		wrong += job->state[i] != (float)job->steps * x[i];
	printf("sum        %u of %u elements are right\n", job->n - wrong, job->n);
	return wrong == 0;
}

int main(int argc, char **argv)
{
	static const struct option OPTIONS[] = {
		{"count", required_argument, NULL, 'n'},
		{"every", required_argument, NULL, 'c'},
		{"help", no_argument, NULL, 'h'},
		{"steps", required_argument, NULL, 's'},
		{NULL, 0, NULL, 0},
	};
	struct job job = {.n = 1 << 16, .steps = 100, .every = 20};
	int option, losses = 0;
	while ((option = getopt_long(argc, argv, "c:hn:s:", OPTIONS, NULL)) != -1) {
		switch (option) {
		case 'c': job.every = example_count("--every", optarg, 1, 10000); break;
		case 'n': job.n = example_count("--count", optarg, 1, 4000000); break;
		case 's': job.steps = example_count("--steps", optarg, 1, 10000); break;
		default: example_usage(HELP, option == 'h' ? 0 : 2);
		}
	}
	example_arguments(argc, argv, 0);

	enum kiln_status status = KILN_ERR_OUT_OF_MEMORY;
	bool correct = false;
	float *x = calloc(job.n, sizeof *x);
	job.state = calloc(job.n, sizeof *job.state);
	if (!x || !job.state)
		goto done;
	for (uint32_t i = 0; i < job.n; i++)
		x[i] = (float)(i % 64);
	TRY(open_all(&job, x));
	TRY(run(&job, &losses));
	printf("losses     %d in %u launches\n", losses, job.steps);
	correct = is_right(&job, x);
done:
	kiln_buffer_destroy(&job.x);
	kiln_buffer_destroy(&job.y);
	kiln_kernel_destroy(&job.kernel);
	kiln_device_close(&job.device);
	free(x);
	free(job.state);
	return example_exit(status, correct);
}
