/* A launch whose size only the device knows. Many Collatz walks (halve an even number, else triple it and add 1) go on until
 * they come to 1. Each round takes a few steps, and lists the walks that are not done; how many those are is how many threads
 * the next round needs. The host enqueues all rounds at once and reads nothing back in between. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include <kiln/kiln.h>
#include <kiln/shaders/collatz.h>

#include "example.h"

#define ROUNDS 64 /* of STEPS steps: no walk that begins below 113383 takes more than 350 */
#define STEPS 8
#define WALKS_MAX 113382 /* the next one leaves 32 bits */

static const char HELP[] = "usage: 10_indirect [options]\n"
			   "Takes the Collatz walks of 1 to N to their end, each round only with those that go on.\n"
			   "  -n, --count N    walks (100000, at most 113382)\n"
			   "  -h, --help       this text\n";

/* Four words for each round: how many threads in x, y and z, and one to spare. */
static uint32_t counts[ROUNDS + 1][4];

static enum kiln_status walk(struct kiln_device *device, struct kiln_kernel *kernel, uint32_t (*lists)[2], uint32_t n,
                             uint32_t *out_steps)
{
	struct kiln_buffer *progress = NULL, *from[2] = {NULL}, *steps = NULL;
	struct kiln_buffer_params list = {.bytes = 8 * (uint64_t)n, .contents = lists};
	enum kiln_status status;

	TRY(kiln_buffer_create(device, &(struct kiln_buffer_params){.bytes = sizeof counts, .contents = counts},
	                       &progress));
	TRY(kiln_buffer_create(device, &list, &from[0]));
	TRY(kiln_buffer_create(device, &list, &from[1]));
	TRY(kiln_buffer_create(device, &(struct kiln_buffer_params){.bytes = 4 * (uint64_t)n}, &steps));
	for (uint32_t round = 0; round < ROUNDS; round++) {
		const uint32_t push[2] = {round, STEPS};

		TRY(kiln_launch(kernel, &(struct kiln_launch_params){
			.indirect = {.buffer = progress, .offset = round * sizeof counts[0]},
			.indirect_threads = true, /* the round before has counted walks, not workgroups */
			.buffers = {progress, from[round % 2], from[1 - round % 2], steps},
			.push = push,
			.push_bytes = sizeof push,
		}));
	}
	TRY(kiln_device_wait(device)); /* would tell if a count was more than the device can launch */
	TRY(kiln_buffer_read(progress, 0, counts, sizeof counts));
	TRY(kiln_buffer_read(steps, 0, out_steps, 4 * (uint64_t)n));
done:
	kiln_buffer_destroy(&progress);
	kiln_buffer_destroy(&from[0]);
	kiln_buffer_destroy(&from[1]);
	kiln_buffer_destroy(&steps);
	return status;
}

static enum kiln_status walk_on_device(uint32_t (*lists)[2], uint32_t n, uint32_t *out_steps)
{
	struct kiln_device *device = NULL;
	struct kiln_kernel *kernel = NULL;
	enum kiln_status status;

	TRY(example_open(&device));
	TRY(kiln_kernel_create(device,
	                       &(struct kiln_kernel_params){
				       KILN_SHADER(collatz),
				       .modes = KILN_FEATURE_INDIRECT_DISPATCH,
			       },
	                       &kernel));
	TRY(walk(device, kernel, lists, n, out_steps));
done:
	kiln_kernel_destroy(&kernel);
	kiln_device_close(&device);
	return status;
}

static uint32_t steps_of(uint64_t number)
{
	uint32_t steps = 0;
	for (; number != 1; steps++)
		number = number % 2 ? 3 * number + 1 : number / 2;
	return steps;
}

static bool check(const uint32_t *steps, uint32_t n)
{
	uint32_t longest = 0, wrong = 0;
	for (uint32_t i = 0; i < n; i++) {
		wrong += steps[i] != steps_of(i + 1);
		longest = steps[i] > steps[longest] ? i : longest;
	}
	for (uint32_t round = 0; round <= ROUNDS && counts[round][0]; round += 4)
		printf("round %-2u   %u walks go on\n", round, counts[round][0]);
	printf("longest    %u takes %u steps\n", longest + 1, steps[longest]);
	return wrong == 0;
}

int main(int argc, char **argv)
{
	static const struct option OPTIONS[] = {
		{"count", required_argument, NULL, 'n'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	uint32_t n = 100000;
	int option;
	while ((option = getopt_long(argc, argv, "hn:", OPTIONS, NULL)) != -1) {
		switch (option) {
		case 'n': n = example_count("--count", optarg, 1, WALKS_MAX); break;
		default: example_usage(HELP, option == 'h' ? 0 : 2);
		}
	}
	example_arguments(argc, argv, 0);

	enum kiln_status status = KILN_ERR_OUT_OF_MEMORY;
	bool correct = false;
	uint32_t(*lists)[2] = calloc(n, sizeof *lists), *steps = calloc(n, sizeof *steps);
	if (!lists || !steps)
		goto done;
	for (uint32_t i = 0; i < n; i++) {
		lists[i][0] = i;
		lists[i][1] = i + 1;
	}
	for (uint32_t round = 0; round <= ROUNDS; round++)
		counts[round][1] = counts[round][2] = 1;
	counts[0][0] = n;
	TRY(walk_on_device(lists, n, steps));
	correct = check(steps, n);
done:
	free(lists);
	free(steps);
	return example_exit(status, correct);
}
