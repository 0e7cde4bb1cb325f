/* The memory tier: pipelines by identity, least recently used first out, bounded by entries and bytes. Two threads that miss
 * the same key compile it once: the second waits for the first. */
#ifndef RUNTIME_PIPELINE_TIER_H
#define RUNTIME_PIPELINE_TIER_H

#include <stdatomic.h>

#include <base/table.h>
#include <base/thread.h>
#include <kiln/kernel.h>

struct kiln_pipeline;

#define KILN_OUTCOME_SHARDS 16
#define KILN_LINE_BYTES 128 /* two cache lines: processors fetch them in pairs */

/* Outcomes as some of the threads count them: no two shards' counters are in one cache line. */
struct kiln_outcome_shard {
	atomic_uint_fast64_t outcomes[KILN_OUTCOME_UNKNOWN + 1];
	char apart[KILN_LINE_BYTES];
};

struct kiln_pipeline_tier {
	struct kiln_mutex lock;
	struct kiln_cond changed;
	bool ready;
	struct kiln_table table;    /* identity digest -> pipeline */
	struct kiln_table building; /* identity digest -> anything */
	struct kiln_pipeline *newest, *oldest;
	uint64_t bytes;
	uint64_t max_entries, max_bytes;
	struct kiln_outcome_shard shards[KILN_OUTCOME_SHARDS];
};

enum kiln_status kiln_pipeline_tier_init(struct kiln_pipeline_tier *tier, uint64_t max_entries,
                                         uint64_t max_bytes);
void kiln_pipeline_tier_finish(struct kiln_pipeline_tier *tier);

/* The pipeline with a reference for the caller, after waiting for a build of it that is under way; NULL when the caller must
 * build it, and then call publish or abandon. Also NULL when the host has no memory to note the build: *out_noted tells. */
struct kiln_pipeline *kiln_pipeline_tier_acquire(struct kiln_pipeline_tier *tier,
                                                 const struct kiln_digest *identity, bool *out_noted);
/* Keeps the pipeline (with a reference of the tier's own) and wakes who waits for it. */
void kiln_pipeline_tier_publish(struct kiln_pipeline_tier *tier, struct kiln_pipeline *pipeline);
void kiln_pipeline_tier_abandon(struct kiln_pipeline_tier *tier, const struct kiln_digest *identity);

/* Neither locks, nor writes what another thread is likely to read or write. */
void kiln_pipeline_tier_count(struct kiln_pipeline_tier *tier, enum kiln_outcome outcome);
uint64_t kiln_pipeline_tier_counted(const struct kiln_pipeline_tier *tier, enum kiln_outcome outcome);

/* Adds what memory knows to the evidence. */
void kiln_pipeline_tier_evidence(struct kiln_pipeline_tier *tier,
                                 const struct kiln_pipeline_identity *identity,
                                 struct kiln_cache_evidence *evidence);

#endif
