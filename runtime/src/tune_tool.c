#include "tune_tool.h"

#include <string.h>

#include "device.h"
#include "kernel.h"
#include "kiln_tune_smear_spv.h"

#define SMEAR_GROUPS 16u /* a few for each unit of the device that has workgroup memory */
#define SMEAR_BYTES_MAX UINT64_C(16384)

static enum kiln_status make(struct kiln_tune_tool *tool, struct kiln_tune_lane *lane,
                             const struct kiln_kernel_params *params,
                             const struct kiln_tune_argument *arguments, uint32_t argument_count)
{
	struct kiln_variant *variant;

	KILN_TRY(kiln_kernel_create(lane->device, params, &tool->kernel));
	variant = kiln_kernel_variant(tool->kernel, NULL);
	KILN_TRY(kiln_kernel_ready(tool->kernel, variant));
	KILN_TRY(kiln_tune_scratch_init(&tool->scratch, lane, arguments, argument_count, false));
	return kiln_tune_trial_init(&tool->trial, &tool->scratch, atomic_load(&variant->pipeline),
	                            variant->interface.entry);
}

enum kiln_status kiln_tune_tool_smear(struct kiln_tune_tool *tool, struct kiln_tune_lane *lane,
                                      uint64_t shared_bytes)
{
	uint64_t most = lane->device->info.max_shared_bytes;
	const struct kiln_tune_argument result = {.bytes = 4, .access = KILN_ACCESS_WRITE};
	struct kiln_spec_value words = {.id = 0, .size = 4};
	const struct kiln_kernel_params params = {
		.spirv = kiln_tune_smear_spv,
		.spirv_bytes = sizeof(kiln_tune_smear_spv),
		.spec = &words,
		.spec_count = 1,
		.name = "tuner's smear",
	};

	*tool = (struct kiln_tune_tool){0};
	if (most > SMEAR_BYTES_MAX)
		most = SMEAR_BYTES_MAX;
	words.value = (shared_bytes < 1024 ? 1024 : shared_bytes < most ? shared_bytes : most) / 4;
	KILN_TRY(make(tool, lane, &params, &result, 1));
	tool->trial.groups[0] = SMEAR_GROUPS;
	tool->trial.groups[1] = tool->trial.groups[2] = 1;
	tool->trial.push = &tool->pattern;
	tool->trial.push_bytes = sizeof(tool->pattern);
	return KILN_OK;
}

void kiln_tune_tool_finish(struct kiln_tune_tool *tool, struct kiln_tune_lane *lane)
{
	kiln_tune_trial_finish(&tool->trial, lane);
	kiln_tune_scratch_finish(&tool->scratch);
	if (!lane->stuck)
		kiln_kernel_destroy(&tool->kernel);
}
