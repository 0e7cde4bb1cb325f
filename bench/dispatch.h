/* The parts of the dispatch benchmark. Each adds lines to the result; raw Vulkan and Kiln take turns within a round. */
#ifndef BENCH_DISPATCH_H
#define BENCH_DISPATCH_H

#include <kiln/kiln.h>

#include "common.h"
#include "dispatch_raw.h"

#define DISPATCH_LINES 96u

/* One line of the result, and where its samples go. */
struct dispatch_line {
	char name[48];
	struct bench_series raw, ours;
	struct bench_result result;
};

struct dispatch_report {
	struct dispatch_line lines[DISPATCH_LINES];
	uint32_t count;
	unsigned rounds;
};

/* A line that stays valid; `limit` 0 = no promise. */
struct dispatch_line *dispatch_line(struct dispatch_report *report, const char *name, const char *unit,
                                    bool with_raw, double limit, const char *limit_what);

/* Kiln's side: the same buffers, the same kernel. */
struct dispatch_kiln {
	struct kiln_device *device;
	struct kiln_kernel *kernel;
	struct kiln_buffer *buffers[DISPATCH_BUFFERS + 2]; /* two that no shape uses */
	struct kiln_stream *stream;
};

void dispatch_open(struct dispatch_kiln *kiln);
void dispatch_close(struct dispatch_kiln *kiln);
void dispatch_record(struct dispatch_kiln *kiln, enum dispatch_shape shape, uint32_t count);
/* Ends the program when Kiln fails. */
void dispatch_try(enum kiln_status status);

static inline double dispatch_us(uint64_t since)
{
	return (double)(bench_now_ns() - since) / 1e3;
}

/* One for each shape. */
void dispatch_part_record(struct dispatch_report *report, struct dispatch_kiln kilns[2], struct raw_dispatch *raw);
void dispatch_part_graph(struct dispatch_report *report, struct dispatch_kiln *kiln, struct raw_dispatch *raw);
void dispatch_part_copy(struct dispatch_report *report, struct dispatch_kiln *kiln);
/* In the column of raw Vulkan: Kiln with one stream. */
void dispatch_part_streams(struct dispatch_report *report, struct dispatch_kiln *kiln);
/* Opens its own devices: for it the process is not bound to one processor. */
void dispatch_part_threads(struct dispatch_report *report);

#endif
