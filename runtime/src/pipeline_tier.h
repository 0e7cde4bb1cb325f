/* The memory tier: pipelines by identity, least recently used first out, bounded by entries and bytes. Two threads that miss
 * the same key compile it once: the second waits for the first. */
#ifndef RUNTIME_PIPELINE_TIER_H
#define RUNTIME_PIPELINE_TIER_H

#include <base/table.h>
#include <base/thread.h>
#include <kiln/kernel.h>

struct kiln_pipeline;

struct kiln_pipeline_tier {
	struct kiln_mutex lock;
	struct kiln_cond changed;
	bool ready;
	struct kiln_table table;    /* identity digest -> pipeline */
	struct kiln_table building; /* identity digest -> anything */
	struct kiln_pipeline *newest, *oldest;
	uint64_t bytes;
	uint64_t max_entries, max_bytes;
	uint64_t outcomes[KILN_OUTCOME_UNKNOWN + 1];
};

enum kiln_status kiln_pipeline_tier_init(struct kiln_pipeline_tier *tier, uint64_t max_entries, uint64_t max_bytes);
void kiln_pipeline_tier_finish(struct kiln_pipeline_tier *tier);

/* The pipeline with a reference for the caller, after waiting for a build of it that is under way; NULL when the caller must
 * build it, and then call publish or abandon. Also NULL when the host has no memory to note the build: *out_noted tells. */
struct kiln_pipeline *kiln_pipeline_tier_acquire(struct kiln_pipeline_tier *tier, const struct kiln_digest *identity,
                                                 bool *out_noted);
/* Keeps the pipeline (with a reference of the tier's own) and wakes who waits for it. */
void kiln_pipeline_tier_publish(struct kiln_pipeline_tier *tier, struct kiln_pipeline *pipeline);
void kiln_pipeline_tier_abandon(struct kiln_pipeline_tier *tier, const struct kiln_digest *identity);

void kiln_pipeline_tier_count(struct kiln_pipeline_tier *tier, enum kiln_outcome outcome);

/* Adds what memory knows to the evidence. */
void kiln_pipeline_tier_evidence(struct kiln_pipeline_tier *tier, const struct kiln_pipeline_identity *identity,
                                 struct kiln_cache_evidence *evidence);

#endif
