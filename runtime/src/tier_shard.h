/* What each thread writes when it reads the memory tier: its own cache line, but for threads beyond the number of shards.
 * Two things are in it: counters of outcomes, and whether the thread is reading, for those who want to free what it may see.
 *
 * A reader enters, looks at shared pointers, and leaves; it does not block in between. Who took a pointer away calls
 * kiln_tier_shards_wait(): every reader that may still see it has left then. */
#ifndef RUNTIME_TIER_SHARD_H
#define RUNTIME_TIER_SHARD_H

#include <stdatomic.h>

#include <base/thread.h>
#include <kiln/kernel.h>

#define KILN_TIER_SHARDS 16
#define KILN_LINE_BYTES 128 /* two cache lines: processors fetch them in pairs */

struct kiln_tier_shard {
	atomic_uint_fast64_t outcomes[KILN_OUTCOME_UNKNOWN + 1];
	atomic_uint readers[2]; /* by the phase they came in */
	char apart[KILN_LINE_BYTES];
};

struct kiln_tier_shards {
	struct kiln_mutex waiting; /* one at a time */
	atomic_uint phase;
	char apart[KILN_LINE_BYTES];
	struct kiln_tier_shard shards[KILN_TIER_SHARDS];
};

struct kiln_tier_reader {
	struct kiln_tier_shard *shard;
	unsigned phase;
};

enum kiln_status kiln_tier_shards_init(struct kiln_tier_shards *shards);
void kiln_tier_shards_finish(struct kiln_tier_shards *shards);

/* The thread's own shard: its number is given out at the thread's first call. */
unsigned kiln_tier_shard_number(void);

static inline struct kiln_tier_reader kiln_tier_enter(struct kiln_tier_shards *shards)
{
	struct kiln_tier_reader reader = {
		.shard = &shards->shards[kiln_tier_shard_number()],
		.phase = atomic_load_explicit(&shards->phase, memory_order_relaxed),
	};

	/* In one order with the pointers taken away: see kiln_tier_shards_wait(). */
	atomic_fetch_add_explicit(&reader.shard->readers[reader.phase], 1, memory_order_seq_cst);
	return reader;
}

static inline void kiln_tier_leave(struct kiln_tier_reader reader)
{
	atomic_fetch_sub_explicit(&reader.shard->readers[reader.phase], 1, memory_order_release);
}

/* Returns once every reader has left that entered before the call. Never while reading, nor with a lock held that a reader
 * could need.  Blocks: while such readers read. */
void kiln_tier_shards_wait(struct kiln_tier_shards *shards);

static inline void kiln_tier_shards_count(struct kiln_tier_shards *shards, enum kiln_outcome outcome)
{
	atomic_fetch_add_explicit(&shards->shards[kiln_tier_shard_number()].outcomes[outcome], 1,
	                          memory_order_relaxed);
}

uint64_t kiln_tier_shards_counted(const struct kiln_tier_shards *shards, enum kiln_outcome outcome);

#endif
