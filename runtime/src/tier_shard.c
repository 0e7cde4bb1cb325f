#include "tier_shard.h"

#include <sched.h>
#include <time.h>

enum kiln_status kiln_tier_shards_init(struct kiln_tier_shards *shards)
{
	return kiln_mutex_init(&shards->waiting);
}

void kiln_tier_shards_finish(struct kiln_tier_shards *shards)
{
	kiln_mutex_finish(&shards->waiting);
}

/* Threads take the shards in turn as they come. */
unsigned kiln_tier_shard_number(void)
{
	static atomic_uint threads;
	static _Thread_local unsigned own; /* plus 1; 0 = none yet */

	if (own == 0)
		own = atomic_fetch_add_explicit(&threads, 1, memory_order_relaxed) % KILN_TIER_SHARDS + 1;
	return own - 1;
}

#define PATIENCE 64u /* reads take some 50 ns; who takes longer than that was interrupted */

static void wait_for(const atomic_uint *readers)
{
	for (unsigned i = 0; atomic_load_explicit(readers, memory_order_seq_cst) != 0; i++) {
		if (i < PATIENCE)
			sched_yield();
		else
			nanosleep(&(struct timespec){.tv_nsec = 50000}, NULL);
	}
}

/* New readers are sent to one phase while the other drains, so they cannot keep it up for ever; and both drain, because a
 * reader that was held up between looking at the phase and entering may be in either. One that enters too late to be seen
 * here finds the pointer gone: its entry, its look, the taking away and these looks are all in one order. */
void kiln_tier_shards_wait(struct kiln_tier_shards *shards)
{
	kiln_mutex_lock(&shards->waiting);
	for (unsigned pass = 0; pass < 2; pass++) {
		unsigned draining = atomic_load_explicit(&shards->phase, memory_order_relaxed);

		atomic_store_explicit(&shards->phase, !draining, memory_order_seq_cst);
		for (unsigned i = 0; i < KILN_TIER_SHARDS; i++)
			wait_for(&shards->shards[i].readers[draining]);
	}
	kiln_mutex_unlock(&shards->waiting);
}

uint64_t kiln_tier_shards_counted(const struct kiln_tier_shards *shards, enum kiln_outcome outcome)
{
	uint64_t count = 0;

	for (unsigned i = 0; i < KILN_TIER_SHARDS; i++)
		count += atomic_load_explicit(&shards->shards[i].outcomes[outcome], memory_order_relaxed);
	return count;
}
