/* Many variants of one kernel, made ready by one process: what the two contenders report to the process that started them. */
#ifndef BENCH_VARIANTS_H
#define BENCH_VARIANTS_H

#include <stddef.h>
#include <stdint.h>

#define VARIANTS_MAX 200

struct variants_kernel {
	const char *name;
	const uint32_t *spirv; /* specialisation constant 0, a uint, makes the variants */
	size_t spirv_bytes;
};

/* Microseconds, but for the last two. */
struct variants_report {
	double load;  /* what was on disk, as far as that is a step of its own */
	double first; /* from before `load` until the first pipeline is ready */
	double total; /* the same until the last one is */
	double make
		[VARIANTS_MAX]; /* each variant: raw vkCreateComputePipelines, Kiln a kernel and its resolve */
	double ready
		[VARIANTS_MAX]; /* the part of it that makes the pipeline ready: Kiln's resolve, raw the same as above */
	uint64_t blob_bytes; /* in the file; 0 = not known */
	uint64_t warm;       /* variants that came from the disk by the contender's own account */
};

/* Both make variants 0 to count - 1 ready one after the other, keep them all, and store what is new below `folder` before
 * they return. Storing is not timed. */
void variants_kiln(const struct variants_kernel *kernel, unsigned count, const char *folder,
                   struct variants_report *out_report);
void variants_raw(const struct variants_kernel *kernel, unsigned count, const char *folder,
                  struct variants_report *out_report);

/* The value of the specialisation constant. */
static inline uint32_t variants_value(unsigned number)
{
	return 2 * number + 3;
}

#endif
