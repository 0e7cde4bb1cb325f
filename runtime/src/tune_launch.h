/* Tuning by launching: what KILN_AUTOTUNE=tune and retune do at a launch whose bucket has no record. */
#ifndef RUNTIME_TUNE_LAUNCH_H
#define RUNTIME_TUNE_LAUNCH_H

#include "kernel.h"

/* Around every launch of a kernel that tunes itself. Failures are logged: the launch is never worse off. */
struct kiln_tune_launch {
	struct kiln_tuning *tuning; /* NULL = nothing to do for this launch */
	uint64_t start_ns;          /* 0 = not timed */
};

void kiln_tune_launch_begin(struct kiln_kernel *kernel, const uint32_t threads[3],
                            struct kiln_tune_launch *out_launch);
/* `params` NULL: the launch failed. */
void kiln_tune_launch_end(struct kiln_kernel *kernel, const struct kiln_launch_params *params,
                          struct kiln_tune_launch *launch);

/* When the kernel goes. */
void kiln_tuning_finish(struct kiln_kernel *kernel);

#endif
