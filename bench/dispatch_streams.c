/* Two streams that take turns on one buffer: what it costs to hand it from one to the other, submission and all. Beside it
 * one stream that submits as often. */
#include <string.h>

#include "dispatch.h"

#define TURNS 64u

static void turn(struct dispatch_kiln *kiln, struct kiln_stream *stream, uint32_t k)
{
	struct dispatch_push push = {DISPATCH_THREADS, k};
	dispatch_try(kiln_stream_launch(stream, kiln->kernel,
	                                &(struct kiln_launch_params){
						.threads = {DISPATCH_THREADS},
						.buffers = {kiln->buffers[0], kiln->buffers[1]},
						.push = &push,
						.push_bytes = sizeof push,
					}));
}

static double run(struct dispatch_kiln *kiln, struct kiln_stream *const streams[2])
{
	uint64_t start = bench_now_ns();
	for (uint32_t i = 0; i < TURNS; i++) {
		turn(kiln, streams[i % 2], i);
		dispatch_try(kiln_stream_submit(streams[i % 2], NULL));
	}
	for (int i = 0; i < 2; i++)
		dispatch_try(kiln_stream_wait(streams[i], KILN_WAIT_FOREVER));
	return dispatch_us(start) / TURNS;
}

void dispatch_part_streams(struct dispatch_report *report, struct dispatch_kiln *kiln)
{
	struct dispatch_line *line =
		dispatch_line(report, "buffer handed from stream to stream, each launch", "us", true, 0, "");
	struct kiln_stream *other = NULL;
	dispatch_try(kiln_stream_create(kiln->device, NULL, &other));
	struct kiln_stream *const one[2] = {kiln->stream, kiln->stream}, *const two[2] = {kiln->stream, other};
	for (unsigned round = 0; round < report->rounds; round++) {
		bench_add(&line->raw, run(kiln, one));
		bench_add(&line->ours, run(kiln, two));
	}
	kiln_stream_destroy(&other);
}
