/* What a kernel lets a tuner choose, as a space. */
#ifndef RUNTIME_TUNE_KERNEL_SPACE_H
#define RUNTIME_TUNE_KERNEL_SPACE_H

#include <autotune/space.h>

#include "kernel.h"

struct kiln_tune_kernel_space {
	struct kiln_kernel *kernel;
	uint32_t threads[3];
	/* The caller's word; NULL = everything. */
	bool (*allow)(void *user, const struct kiln_tune_config *config);
	void *user;
};

/* The size launches of these threads have without a record. */
enum kiln_status kiln_tune_default_size(const struct kiln_kernel *kernel, const uint32_t threads[3],
                                        uint32_t out_size[3]);

/* Configuration 0 is what the kernel runs at without a record. KILN_ERR_UNSUPPORTED when there is nothing else. */
enum kiln_status kiln_tune_kernel_space(const struct kiln_tune_kernel_space *params,
                                        struct kiln_space **out_space);

#endif
