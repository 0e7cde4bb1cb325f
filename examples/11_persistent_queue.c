/* Work that makes more work. How many ways are there to place n queens on a board so that none attacks another? Each board
 * with some rows filled gives a few with one row more, and nobody knows how many before they are tried. So the boards lie in
 * a queue on the device: workgroups pull boards and push what comes of them until none is left. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include <kiln/kiln.h>
#include <kiln/shaders/queens.h>

#include "example.h"

static const char HELP[] = "usage: 11_persistent_queue [options]\n"
			   "Counts the ways to place N queens on a board of N x N, and checks the count.\n"
			   "  -n, --queens N   queens (9, from 4 to 12)\n"
			   "  -h, --help       this text\n";

static const uint32_t SOLUTIONS[] = {1, 1, 0, 0, 2, 10, 4, 40, 92, 352, 724, 2680, 14200};

static enum kiln_status count(struct kiln_device *device, uint32_t n, uint32_t *out_solutions)
{
	const uint32_t empty_board[4] = {0};
	struct kiln_kernel *kernel = NULL;
	struct kiln_work_queue *queue = NULL;
	struct kiln_work_queue_counts counts;
	struct kiln_buffer *solutions = NULL;
	enum kiln_status status;

	TRY(kiln_kernel_create(device,
	                       &(struct kiln_kernel_params){
				       KILN_SHADER(queens),
				       .modes = KILN_FEATURE_PERSISTENT_THREAD,
			       },
	                       &kernel));
	/* Few boards come of the first rows: workgroups that found nothing to pull get another chance when the others have
	 * pulled 64 times. */
	TRY(kiln_work_queue_create(device,
	                           &(struct kiln_work_queue_params){
					   .capacity = n < 11 ? 1 << 16 : 1 << 19,
					   .item_words = 4,
					   .pulls = 64,
				   },
	                           &queue));
	TRY(kiln_buffer_create(device, &(struct kiln_buffer_params){.bytes = 4}, &solutions));
	TRY(kiln_work_queue_push(queue, empty_board, 1));

	double start = example_ms();
	TRY(kiln_work_queue_drain(kiln_device_stream(device), queue, kernel,
	                          &(struct kiln_launch_params){
					  .buffers = {kiln_work_queue_buffer(queue), solutions},
					  .push = &n,
					  .push_bytes = sizeof n,
				  }));
	TRY(kiln_buffer_read(solutions, 0, out_solutions, 4));
	TRY(kiln_work_queue_count(queue, &counts));
	printf("boards     %u in %llu launches, %.1f ms\n", counts.pulled,
	       (unsigned long long)kiln_device_counters(device).launches, example_ms() - start);
done:
	kiln_buffer_destroy(&solutions);
	kiln_work_queue_destroy(&queue);
	kiln_kernel_destroy(&kernel);
	return status;
}

int main(int argc, char **argv)
{
	static const struct option OPTIONS[] = {
		{"help", no_argument, NULL, 'h'},
		{"queens", required_argument, NULL, 'n'},
		{NULL, 0, NULL, 0},
	};
	uint32_t n = 9, solutions = 0;
	int option;
	while ((option = getopt_long(argc, argv, "hn:", OPTIONS, NULL)) != -1) {
		switch (option) {
		case 'n': n = example_count("--queens", optarg, 4, 12); break;
		default: example_usage(HELP, option == 'h' ? 0 : 2);
		}
	}
	example_arguments(argc, argv, 0);

	struct kiln_device *device = NULL;
	enum kiln_status status;
	TRY(example_open(&device));
	TRY(count(device, n, &solutions));
	printf("solutions  %u\n", solutions);
done:
	kiln_device_close(&device);
	return example_exit(status, solutions == SOLUTIONS[n]);
}
