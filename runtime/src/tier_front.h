/* The front of the memory tier: where readers find pipelines by their key without a lock. Each has four places it can be in;
 * where they are taken by others it replaces one, and the tier's table has both. */
#ifndef RUNTIME_TIER_FRONT_H
#define RUNTIME_TIER_FRONT_H

#include "pipeline_tier.h"

enum kiln_status kiln_tier_front_init(struct kiln_pipeline_tier *tier, uint64_t max_entries);
void kiln_tier_front_finish(struct kiln_pipeline_tier *tier);

/* Between kiln_tier_enter() and kiln_tier_leave(). */
struct kiln_pipeline *kiln_tier_front_get(const struct kiln_pipeline_tier *tier,
                                          const struct kiln_pipeline_key *key, uint64_t hash);

/* With the tier's lock held. A pipeline without a copy of its key is not put in. */
void kiln_tier_front_put(struct kiln_pipeline_tier *tier, struct kiln_pipeline *pipeline);
void kiln_tier_front_remove(struct kiln_pipeline_tier *tier, const struct kiln_pipeline *pipeline);

#endif
