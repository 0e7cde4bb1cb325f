/* The tuner's own kernel: it leaves a pattern in workgroup memory. */
#ifndef RUNTIME_TUNE_TOOL_H
#define RUNTIME_TUNE_TOOL_H

#include <kiln/kernel.h>

#include "tune_scratch.h"
#include "tune_trial.h"

struct kiln_tune_tool {
	struct kiln_kernel *kernel;
	struct kiln_tune_scratch scratch;
	struct kiln_tune_trial trial;
	uint32_t pattern; /* pushed */
};

/* Enough of it to reach `shared_bytes` of workgroup memory. */
enum kiln_status kiln_tune_tool_smear(struct kiln_tune_tool *tool, struct kiln_tune_lane *lane,
                                      uint64_t shared_bytes);
void kiln_tune_tool_finish(struct kiln_tune_tool *tool, struct kiln_tune_lane *lane);

#endif
