/* Two threads, each recording on a stream of its own, against one. Raw Vulkan does the same with a device for each thread:
 * what it gains is what the driver, the allocator and the machine allow. */
#include <pthread.h>
#include <stdio.h>

#include "dispatch.h"

#define LAUNCHES 500u /* less than makes Kiln submit by itself */
#define LIMIT 1.6

enum { RAW, KILN, SIDES };

struct worker {
	struct dispatch_kiln kiln; /* the second shares the first one's device and kernel */
	struct raw_dispatch raw;
	double us[SIDES]; /* of the last recording */
};

static struct worker workers[2];
static pthread_barrier_t turn;

static void record(struct worker *worker, int side)
{
	uint64_t start = bench_now_ns();
	if (side == RAW)
		raw_dispatch_record(&worker->raw, RAW_FRESH_SETS, DISPATCH_CHAIN, LAUNCHES);
	else
		dispatch_record(&worker->kiln, DISPATCH_CHAIN, LAUNCHES);
	worker->us[side] = dispatch_us(start);
}

static void finish(struct worker *worker, int side)
{
	if (side == RAW) {
		raw_dispatch_submit(&worker->raw);
		raw_dispatch_wait(&worker->raw);
	} else {
		dispatch_try(kiln_stream_wait(worker->kiln.stream, KILN_WAIT_FOREVER));
	}
}

/* Nobody executes while somebody records. */
static void record_together(struct worker *worker)
{
	for (int side = 0; side < SIDES; side++) {
		pthread_barrier_wait(&turn);
		record(worker, side);
		pthread_barrier_wait(&turn);
		finish(worker, side);
	}
}

static void *run_second(void *user)
{
	const unsigned *rounds = user;
	for (unsigned round = 0; round < *rounds; round++)
		record_together(&workers[1]);
	return NULL;
}

static void open_second(void)
{
	struct kiln_buffer_params buffer = {.bytes = DISPATCH_BUFFER_BYTES};
	struct dispatch_kiln *kiln = &workers[1].kiln;
	raw_dispatch_open(&workers[1].raw);
	*kiln = (struct dispatch_kiln){.device = workers[0].kiln.device, .kernel = workers[0].kiln.kernel};
	for (int i = 0; i < 2; i++)
		dispatch_try(kiln_buffer_create(kiln->device, &buffer, &kiln->buffers[i]));
	dispatch_try(kiln_stream_create(kiln->device, NULL, &kiln->stream));
}

static void close_second(void)
{
	struct dispatch_kiln *kiln = &workers[1].kiln;
	kiln_stream_destroy(&kiln->stream);
	for (int i = 0; i < 2; i++)
		kiln_buffer_destroy(&kiln->buffers[i]);
	raw_dispatch_close(&workers[1].raw);
}

void dispatch_part_threads(struct dispatch_report *report)
{
	struct dispatch_line *line =
		dispatch_line(report, "two threads record / one", "x", true, LIMIT, "median");
	struct worker *first = &workers[0];
	pthread_t second;
	raw_dispatch_open(&first->raw);
	dispatch_open(&first->kiln);
	open_second();
	pthread_barrier_init(&turn, NULL, 2);
	if (pthread_create(&second, NULL, run_second, &report->rounds) != 0)
		bench_die("cannot start a thread");
	for (unsigned round = 0; round < report->rounds; round++) {
		double alone[SIDES];
		for (int side = 0; side < SIDES; side++) {
			record(first, side);
			alone[side] = first->us[side];
			finish(first, side);
		}
		record_together(first);
		for (int side = 0; side < SIDES; side++) {
			double together = first->us[side];
			if (workers[1].us[side] > together)
				together = workers[1].us[side];
			bench_add(side == RAW ? &line->raw : &line->ours, 2 * alone[side] / together);
		}
	}
	pthread_join(second, NULL);
	pthread_barrier_destroy(&turn);
	close_second();
	dispatch_close(&first->kiln);
	raw_dispatch_close(&first->raw);
}
