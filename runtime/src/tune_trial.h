/* One configuration on the tuner's copies: its descriptor sets, its groups, and recording it. */
#ifndef RUNTIME_TUNE_TRIAL_H
#define RUNTIME_TUNE_TRIAL_H

#include "pipeline.h"
#include "tune_lane.h"
#include "tune_scratch.h"

struct kiln_tune_trial {
	struct kiln_pipeline *pipeline; /* borrowed */
	VkDescriptorPool pool;
	VkDescriptorSet sets[KILN_SETS_MAX];
	uint32_t groups[3];
	const void *push; /* borrowed */
	uint32_t push_bytes;
};

/* `entry`: whose bindings the sets are made of. */
enum kiln_status kiln_tune_trial_init(struct kiln_tune_trial *trial, const struct kiln_tune_scratch *scratch,
                                      struct kiln_pipeline *pipeline, const struct kiln_entry_point *entry);
/* Frees what is its own. Zeroed memory is fine. */
void kiln_tune_trial_finish(struct kiln_tune_trial *trial, struct kiln_tune_lane *lane);

/* Records `dispatches` of it into the lane, each done before the next begins. */
void kiln_tune_trial_record(const struct kiln_tune_trial *trial, struct kiln_tune_lane *lane,
                            uint32_t dispatches);

#endif
