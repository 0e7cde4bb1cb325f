#include "pipeline_tier.h"

#include "pipeline.h"

enum kiln_status kiln_pipeline_tier_init(struct kiln_pipeline_tier *tier, uint64_t max_entries,
                                         uint64_t max_bytes)
{
	enum kiln_status status;

	KILN_TRY(kiln_mutex_init(&tier->lock));
	status = kiln_cond_init(&tier->changed);
	if (status != KILN_OK) {
		kiln_mutex_finish(&tier->lock);
		return status;
	}
	tier->max_entries = max_entries;
	tier->max_bytes = max_bytes;
	tier->ready = true;
	return KILN_OK;
}

static void unlink_entry(struct kiln_pipeline_tier *tier, struct kiln_pipeline *pipeline)
{
	*(pipeline->lru_newer ? &pipeline->lru_newer->lru_older : &tier->newest) = pipeline->lru_older;
	*(pipeline->lru_older ? &pipeline->lru_older->lru_newer : &tier->oldest) = pipeline->lru_newer;
	pipeline->lru_newer = pipeline->lru_older = NULL;
}

static void link_newest(struct kiln_pipeline_tier *tier, struct kiln_pipeline *pipeline)
{
	pipeline->lru_older = tier->newest;
	*(tier->newest ? &tier->newest->lru_newer : &tier->oldest) = pipeline;
	tier->newest = pipeline;
}

static void evict_oldest(struct kiln_pipeline_tier *tier)
{
	struct kiln_pipeline *victim = tier->oldest;

	unlink_entry(tier, victim);
	(void)kiln_table_remove(&tier->table, &victim->identity.digest);
	tier->bytes -= victim->weight;
	kiln_pipeline_unreference(victim);
}

void kiln_pipeline_tier_finish(struct kiln_pipeline_tier *tier)
{
	if (!tier->ready)
		return;
	while (tier->oldest)
		evict_oldest(tier);
	kiln_table_finish(&tier->table);
	kiln_table_finish(&tier->building);
	kiln_cond_finish(&tier->changed);
	kiln_mutex_finish(&tier->lock);
	tier->ready = false;
}

struct kiln_pipeline *kiln_pipeline_tier_acquire(struct kiln_pipeline_tier *tier,
                                                 const struct kiln_digest *identity, bool *out_noted)
{
	struct kiln_pipeline *pipeline;

	*out_noted = false;
	kiln_mutex_lock(&tier->lock);
	while (!(pipeline = kiln_table_get(&tier->table, identity)) &&
	       kiln_table_get(&tier->building, identity))
		kiln_cond_wait(&tier->changed, &tier->lock);
	if (!pipeline) {
		*out_noted = kiln_table_put(&tier->building, identity, tier);
	} else {
		kiln_pipeline_reference(pipeline);
		if (tier->newest != pipeline) {
			unlink_entry(tier, pipeline);
			link_newest(tier, pipeline);
		}
	}
	kiln_mutex_unlock(&tier->lock);
	return pipeline;
}

static void insert(struct kiln_pipeline_tier *tier, struct kiln_pipeline *pipeline)
{
	if (kiln_table_get(&tier->table, &pipeline->identity.digest) ||
	    !kiln_table_put(&tier->table, &pipeline->identity.digest, pipeline))
		return;
	kiln_pipeline_reference(pipeline);
	link_newest(tier, pipeline);
	tier->bytes += pipeline->weight;
	while (tier->oldest != pipeline &&
	       (tier->table.count > tier->max_entries || tier->bytes > tier->max_bytes))
		evict_oldest(tier);
}

void kiln_pipeline_tier_publish(struct kiln_pipeline_tier *tier, struct kiln_pipeline *pipeline)
{
	kiln_mutex_lock(&tier->lock);
	(void)kiln_table_remove(&tier->building, &pipeline->identity.digest);
	insert(tier, pipeline);
	kiln_cond_broadcast(&tier->changed);
	kiln_mutex_unlock(&tier->lock);
}

void kiln_pipeline_tier_abandon(struct kiln_pipeline_tier *tier, const struct kiln_digest *identity)
{
	kiln_mutex_lock(&tier->lock);
	(void)kiln_table_remove(&tier->building, identity);
	kiln_cond_broadcast(&tier->changed);
	kiln_mutex_unlock(&tier->lock);
}

/* Threads take the shards in turn as they come. */
static unsigned own_shard(void)
{
	static atomic_uint threads;
	static _Thread_local unsigned own; /* plus 1; 0 = none yet */

	if (own == 0)
		own = atomic_fetch_add_explicit(&threads, 1, memory_order_relaxed) % KILN_OUTCOME_SHARDS + 1;
	return own - 1;
}

void kiln_pipeline_tier_count(struct kiln_pipeline_tier *tier, enum kiln_outcome outcome)
{
	atomic_fetch_add_explicit(&tier->shards[own_shard()].outcomes[outcome], 1, memory_order_relaxed);
}

uint64_t kiln_pipeline_tier_counted(const struct kiln_pipeline_tier *tier, enum kiln_outcome outcome)
{
	uint64_t count = 0;

	for (unsigned i = 0; i < KILN_OUTCOME_SHARDS; i++)
		count += atomic_load_explicit(&tier->shards[i].outcomes[outcome], memory_order_relaxed);
	return count;
}

void kiln_pipeline_tier_evidence(struct kiln_pipeline_tier *tier,
                                 const struct kiln_pipeline_identity *identity,
                                 struct kiln_cache_evidence *evidence)
{
	const struct kiln_table_slot *slot;
	size_t cursor = 0;

	kiln_mutex_lock(&tier->lock);
	while ((slot = kiln_table_next(&tier->table, &cursor)) != NULL) {
		const struct kiln_pipeline_identity *other =
			&((const struct kiln_pipeline *)slot->value)->identity;
		bool program = kiln_digest_equal(&other->program, &identity->program);
		bool policy = program && kiln_digest_equal(&other->policy, &identity->policy);

		evidence->total_entries++;
		evidence->same_program += program;
		evidence->same_program_policy += policy;
	}
	kiln_mutex_unlock(&tier->lock);
}
