/* Copies beside work. Data comes in pieces: while the device counts the bytes of one piece, the next is copied to it, on a
 * queue of its own where the device has one. Two streams and two buffers are all it takes: Kiln sees that a launch reads what
 * a copy writes, and the other way round, and has the queues wait for each other no more than that. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include <kiln/kiln.h>
#include <kiln/shaders/histogram.h>

#include "example.h"

#define PIECE_WORDS (1u << 18)

static const char HELP[] = "usage: 13_async_copy [options]\n"
			   "Counts the bytes of data that is copied to the device piece by piece, and checks the counts.\n"
			   "  -p, --pieces N   pieces of 1 MiB (32)\n"
			   "  -h, --help       this text\n";

/* Any data will do. */
static void fill(uint32_t *words, uint32_t piece)
{
	uint32_t state = piece * 2654435761u + 1;
	for (uint32_t i = 0; i < PIECE_WORDS; i++) {
		state = state * 1664525u + 1013904223u;
		words[i] = state & state >> 7;
	}
}

static enum kiln_status run(struct kiln_stream *copies, struct kiln_stream *work, struct kiln_kernel *kernel,
                            struct kiln_buffer *pieces[2], struct kiln_buffer *bins, uint32_t count, uint32_t *words)
{
	const uint32_t n = PIECE_WORDS;

	for (uint32_t i = 0; i < count; i++) {
		fill(words, i);
		KILN_TRY(kiln_stream_upload(copies, pieces[i % 2], 0, words, 4 * n));
		KILN_TRY(kiln_stream_launch(work, kernel,
		                            &(struct kiln_launch_params){
						    .threads = {n},
						    .buffers = {pieces[i % 2], bins},
						    .push = &n,
						    .push_bytes = sizeof n,
					    }));
		KILN_TRY(kiln_stream_submit(work, NULL)); /* so that it begins while the host makes the next piece */
	}
	return KILN_OK;
}

static enum kiln_status count_on_device(uint32_t count, uint32_t *words, uint32_t out_bins[256])
{
	const struct kiln_stream_params async = {.queue = KILN_QUEUE_ASYNC, .name = "copies"};
	struct kiln_device *device = NULL;
	struct kiln_kernel *kernel = NULL;
	struct kiln_stream *copies = NULL;
	struct kiln_buffer *pieces[2] = {NULL}, *bins = NULL;
	enum kiln_status status;

	TRY(example_open(&device));
	TRY(kiln_kernel_create(device, &(struct kiln_kernel_params){KILN_SHADER(histogram)}, &kernel));
	TRY(kiln_kernel_resolve(kernel, NULL));
	TRY(kiln_stream_create(device, &async, &copies));
	for (int i = 0; i < 2; i++)
		TRY(kiln_buffer_create(device, &(struct kiln_buffer_params){.bytes = 4 * PIECE_WORDS}, &pieces[i]));
	TRY(kiln_buffer_create(device, &(struct kiln_buffer_params){.bytes = 1024}, &bins));
	double start = example_ms();
	TRY(run(copies, kiln_device_stream(device), kernel, pieces, bins, count, words));
	TRY(kiln_buffer_read(bins, 0, out_bins, 1024));
	printf("copies     on %s queue\n",
	       kiln_device_info(device)->has_async_queue ? "a second" : "the main (this device's only)");
	printf("bytes      %u MiB in %.1f ms\n", count, example_ms() - start);
done:
	for (int i = 0; i < 2; i++)
		kiln_buffer_destroy(&pieces[i]);
	kiln_buffer_destroy(&bins);
	kiln_stream_destroy(&copies);
	kiln_kernel_destroy(&kernel);
	kiln_device_close(&device);
	return status;
}

static bool check(const uint32_t bins[256], uint32_t count, uint32_t *words)
{
	uint32_t expected[256] = {0}, wrong = 0;
	for (uint32_t piece = 0; piece < count; piece++) {
		fill(words, piece);
		for (uint32_t i = 0; i < PIECE_WORDS; i++)
			for (int shift = 0; shift < 32; shift += 8)
				expected[words[i] >> shift & 255]++;
	}
	for (int i = 0; i < 256; i++)
		wrong += bins[i] != expected[i];
	printf("zeroes     %u of %llu bytes\n", bins[0], 4ull * PIECE_WORDS * count);
	return wrong == 0;
}

int main(int argc, char **argv)
{
	static const struct option OPTIONS[] = {
		{"help", no_argument, NULL, 'h'},
		{"pieces", required_argument, NULL, 'p'},
		{NULL, 0, NULL, 0},
	};
	uint32_t count = 32;
	int option;
	while ((option = getopt_long(argc, argv, "hp:", OPTIONS, NULL)) != -1) {
		switch (option) {
		case 'p': count = example_count("--pieces", optarg, 1, 4000); break;
		default: example_usage(HELP, option == 'h' ? 0 : 2);
		}
	}
	example_arguments(argc, argv, 0);

	enum kiln_status status = KILN_ERR_OUT_OF_MEMORY;
	bool correct = false;
	uint32_t bins[256] = {0}, *words = calloc(PIECE_WORDS, sizeof *words);
	if (!words)
		goto done;
	TRY(count_on_device(count, words, bins));
	correct = check(bins, count, words);
done:
	free(words);
	return example_exit(status, correct);
}
