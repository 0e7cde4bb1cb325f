/* What the store says of a kernel for each problem-size bucket, as variants ready to launch. */
#ifndef RUNTIME_TUNE_CHOICE_H
#define RUNTIME_TUNE_CHOICE_H

#include <kiln/tune_report.h>

#include "kernel.h"

/* One bucket of a kernel. It lives as long as the kernel; a newer one for the same bucket stands before it. */
struct kiln_tuned {
	struct kiln_tuned *next;
	uint32_t bucket;
	struct kiln_variant *variant; /* NULL = as without a record */
	const char *note;             /* why the record is not used, or is another bucket's; static */
};

/* May records of single buckets, or a tuner, change this kernel at all? */
bool kiln_kernel_is_tunable(const struct kiln_kernel *kernel);

/* What holds for this bucket; made at the first call. NULL = out of memory. */
struct kiln_tuned *kiln_tuned_of(struct kiln_kernel *kernel, uint32_t bucket);

/* Forgets what was found for this bucket, so that the store is asked again. Launches under way keep what they have. */
void kiln_tuned_refresh(struct kiln_kernel *kernel, uint32_t bucket);

/* Uses this configuration from now on, whatever the store says. Index 0 of a space, the default: pass NULL. */
void kiln_tuned_adopt(struct kiln_kernel *kernel, uint32_t bucket, const struct kiln_tune_config *config);

/* When the kernel goes. */
void kiln_tuned_finish(struct kiln_kernel *kernel);

#endif
