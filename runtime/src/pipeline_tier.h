/* The memory tier: pipelines by key, least recently used first out, bounded by entries and bytes. Two threads that miss the
 * same key compile it once: the second waits for the first.
 *
 * A look-up that hits takes no lock and writes no cache line that another thread reads or writes, but for a note of the use,
 * which is made once per pipeline and epoch. An epoch lasts from one insertion (or invalidation) to the next. So the order of
 * uses is that of their first use since the last insertion: exact, but for who was used again in the same epoch.
 *
 * What is taken out stays whole for whoever holds a reference or is just reading it. */
#ifndef RUNTIME_PIPELINE_TIER_H
#define RUNTIME_PIPELINE_TIER_H

#include <stdatomic.h>

#include <base/table.h>
#include <base/thread.h>
#include <kiln/kernel.h>

#include "tier_shard.h"

struct kiln_pipeline;

/* One build under way, on its builder's stack. */
struct kiln_tier_build {
	struct kiln_tier_build *next;
	const struct kiln_pipeline_identity *identity;
	bool dropped; /* invalidated meanwhile: what it is made from may be what was to go */
};

struct kiln_pipeline_tier {
	/* guarded by the lock */
	struct kiln_mutex lock;
	struct kiln_cond changed;
	bool ready;
	struct kiln_table table; /* identity digest -> pipeline */
	struct kiln_tier_build *builds;
	struct kiln_pipeline *newest, *oldest; /* of the table */
	struct kiln_pipeline *alive;           /* every pipeline that was ever published, until it is freed */
	uint64_t bytes;
	uint64_t max_entries, max_bytes;

	atomic_uint_fast64_t uses; /* noted so far */

	char apart[KILN_LINE_BYTES];

	/* read without */
	atomic_uint_fast64_t epoch;
	_Atomic(struct kiln_pipeline *) *front; /* where most pipelines of the table are found by their key */
	size_t front_mask;

	struct kiln_tier_shards shards;
};

enum kiln_status kiln_pipeline_tier_init(struct kiln_pipeline_tier *tier, uint64_t max_entries,
                                         uint64_t max_bytes);
void kiln_pipeline_tier_finish(struct kiln_pipeline_tier *tier);

/* The pipeline of a key, to look at until kiln_tier_leave(*out_reader); NULL, with nothing to leave, where it is not found:
 * the table may have it all the same. Takes no lock. */
const struct kiln_pipeline *kiln_pipeline_tier_look(struct kiln_pipeline_tier *tier,
                                                    const struct kiln_pipeline_key *key,
                                                    struct kiln_tier_reader *out_reader);

/* The pipeline with a reference for the caller; NULL = not here. Waits for nobody's build. */
struct kiln_pipeline *kiln_pipeline_tier_find(struct kiln_pipeline_tier *tier,
                                              const struct kiln_pipeline_key *key,
                                              const struct kiln_pipeline_identity *identity);

/* As above, after waiting for a build of it that is under way; NULL when the caller must build it, and then call publish or
 * abandon. */
struct kiln_pipeline *kiln_pipeline_tier_acquire(struct kiln_pipeline_tier *tier,
                                                 const struct kiln_pipeline_key *key,
                                                 const struct kiln_pipeline_identity *identity,
                                                 struct kiln_tier_build *out_build);
/* Keeps the pipeline (with a reference of the tier's own) and wakes who waits for it. One that alone is over the bound of
 * bytes is not kept, nor one that was invalidated while it was built. */
void kiln_pipeline_tier_publish(struct kiln_pipeline_tier *tier, struct kiln_tier_build *build,
                                struct kiln_pipeline *pipeline);
void kiln_pipeline_tier_abandon(struct kiln_pipeline_tier *tier, struct kiln_tier_build *build);

/* Before a pipeline that was published is freed. */
void kiln_pipeline_tier_forget(struct kiln_pipeline_tier *tier, struct kiln_pipeline *pipeline);

/* Invalidates what matches: takes it out, and marks those that are in use or being built as dropped, so that their users
 * resolve again. Returns how many pipelines were marked. `matches` runs under the lock. */
size_t kiln_pipeline_tier_drop(struct kiln_pipeline_tier *tier,
                               bool (*matches)(const void *user,
                                               const struct kiln_pipeline_identity *identity),
                               const void *user);

/* Changes with every insertion and invalidation: who holds a pipeline of this epoch need not look whether it is dropped. */
static inline uint64_t kiln_pipeline_tier_epoch(const struct kiln_pipeline_tier *tier)
{
	return atomic_load_explicit(&tier->epoch, memory_order_acquire);
}

/* Notes that a pipeline the caller holds is used. */
void kiln_pipeline_tier_use(struct kiln_pipeline_tier *tier, struct kiln_pipeline *pipeline);

/* Neither locks, nor writes what another thread is likely to read or write. */
static inline void kiln_pipeline_tier_count(struct kiln_pipeline_tier *tier, enum kiln_outcome outcome)
{
	kiln_tier_shards_count(&tier->shards, outcome);
}

uint64_t kiln_pipeline_tier_counted(const struct kiln_pipeline_tier *tier, enum kiln_outcome outcome);

/* Adds what memory knows to the evidence. */
void kiln_pipeline_tier_evidence(struct kiln_pipeline_tier *tier,
                                 const struct kiln_pipeline_identity *identity,
                                 struct kiln_cache_evidence *evidence);

#endif
