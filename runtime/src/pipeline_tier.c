#include "pipeline_tier.h"

#include <base/alloc.h>
#include <base/error.h>

#include "pipeline.h"
#include "pipeline_key.h"
#include "tier_front.h"

enum kiln_status kiln_pipeline_tier_init(struct kiln_pipeline_tier *tier, uint64_t max_entries,
                                         uint64_t max_bytes)
{
	enum kiln_status status;

	KILN_TRY(kiln_tier_front_init(tier, max_entries));
	status = kiln_mutex_init(&tier->lock);
	if (status != KILN_OK)
		goto no_lock;
	status = kiln_cond_init(&tier->changed);
	if (status != KILN_OK)
		goto no_changed;
	status = kiln_tier_shards_init(&tier->shards);
	if (status != KILN_OK)
		goto no_shards;
	tier->max_entries = max_entries;
	tier->max_bytes = max_bytes;
	tier->ready = true;
	return KILN_OK;
no_shards:
	kiln_cond_finish(&tier->changed);
no_changed:
	kiln_mutex_finish(&tier->lock);
no_lock:
	kiln_tier_front_finish(tier);
	return status;
}

/* ---- Order of use; under the lock ---- */

static void unlink_entry(struct kiln_pipeline_tier *tier, struct kiln_pipeline *pipeline)
{
	*(pipeline->lru_newer ? &pipeline->lru_newer->lru_older : &tier->newest) = pipeline->lru_older;
	*(pipeline->lru_older ? &pipeline->lru_older->lru_newer : &tier->oldest) = pipeline->lru_newer;
	pipeline->lru_newer = pipeline->lru_older = NULL;
}

/* Where its use belongs: behind everything used later, before what was used as late. */
static void link_entry(struct kiln_pipeline_tier *tier, struct kiln_pipeline *pipeline, uint64_t used)
{
	struct kiln_pipeline *newer = NULL, *older = tier->newest;

	while (older && older->placed > used) {
		newer = older;
		older = older->lru_older;
	}
	pipeline->placed = used;
	pipeline->lru_newer = newer;
	pipeline->lru_older = older;
	*(newer ? &newer->lru_older : &tier->newest) = pipeline;
	*(older ? &older->lru_newer : &tier->oldest) = pipeline;
}

/* Uses are only noted; they take effect here, when the order matters. They are never before what the place is by, so the
 * first that is where it belongs is the oldest of all. */
static struct kiln_pipeline *settle_oldest(struct kiln_pipeline_tier *tier)
{
	for (;;) {
		struct kiln_pipeline *oldest = tier->oldest;
		uint64_t used = atomic_load_explicit(&oldest->used, memory_order_relaxed);

		if (used == oldest->placed)
			return oldest;
		unlink_entry(tier, oldest);
		link_entry(tier, oldest, used);
	}
}

static uint64_t note_use(struct kiln_pipeline_tier *tier, struct kiln_pipeline *pipeline, uint64_t epoch)
{
	uint64_t use = atomic_fetch_add_explicit(&tier->uses, 1, memory_order_relaxed) + 1;

	atomic_store_explicit(&pipeline->epoch, epoch, memory_order_relaxed);
	atomic_store_explicit(&pipeline->used, use, memory_order_relaxed);
	return use;
}

void kiln_pipeline_tier_use(struct kiln_pipeline_tier *tier, struct kiln_pipeline *pipeline)
{
	uint64_t epoch = kiln_pipeline_tier_epoch(tier);

	if (atomic_load_explicit(&pipeline->epoch, memory_order_relaxed) != epoch)
		(void)note_use(tier, pipeline, epoch);
}

/* ---- Taking out ---- */

/* Under the lock. The list goes through lru_older. */
static void take_out(struct kiln_pipeline_tier *tier, struct kiln_pipeline *victim,
                     struct kiln_pipeline **victims)
{
	unlink_entry(tier, victim);
	(void)kiln_table_remove(&tier->table, &victim->identity.digest);
	kiln_tier_front_remove(tier, victim);
	tier->bytes -= victim->weight;
	victim->lru_older = *victims;
	*victims = victim;
}

/* Without the lock, because freeing takes others, and takes time. */
static void let_go(struct kiln_pipeline_tier *tier, struct kiln_pipeline *victims)
{
	if (victims)
		kiln_tier_shards_wait(&tier->shards);
	while (victims) {
		struct kiln_pipeline *next = victims->lru_older;

		kiln_pipeline_unreference(victims);
		victims = next;
	}
}

void kiln_pipeline_tier_finish(struct kiln_pipeline_tier *tier)
{
	struct kiln_pipeline *victims = NULL;

	if (!tier->ready)
		return;
	while (tier->oldest)
		take_out(tier, tier->oldest, &victims);
	let_go(tier, victims);
	kiln_table_finish(&tier->table);
	kiln_tier_shards_finish(&tier->shards);
	kiln_cond_finish(&tier->changed);
	kiln_mutex_finish(&tier->lock);
	kiln_tier_front_finish(tier);
	tier->ready = false;
}

/* Under the lock. */
static void start_epoch(struct kiln_pipeline_tier *tier)
{
	atomic_fetch_add_explicit(&tier->epoch, 1, memory_order_release);
}

size_t kiln_pipeline_tier_drop(struct kiln_pipeline_tier *tier,
                               bool (*matches)(const void *user,
                                               const struct kiln_pipeline_identity *identity),
                               const void *user)
{
	struct kiln_pipeline *victims = NULL;
	size_t count = 0;

	kiln_mutex_lock(&tier->lock);
	for (struct kiln_pipeline *p = tier->alive; p; p = p->alive_next) {
		if (atomic_load_explicit(&p->dropped, memory_order_relaxed) || !matches(user, &p->identity))
			continue;
		atomic_store_explicit(&p->dropped, true, memory_order_relaxed);
		if (kiln_table_get(&tier->table, &p->identity.digest) == p)
			take_out(tier, p, &victims);
		count++;
	}
	for (struct kiln_tier_build *build = tier->builds; build; build = build->next)
		build->dropped = build->dropped || matches(user, build->identity);
	start_epoch(tier);
	kiln_mutex_unlock(&tier->lock);
	let_go(tier, victims);
	return count;
}

/* ---- Looking ---- */

const struct kiln_pipeline *kiln_pipeline_tier_look(struct kiln_pipeline_tier *tier,
                                                    const struct kiln_pipeline_key *key,
                                                    struct kiln_tier_reader *out_reader)
{
	uint64_t hash = kiln_key_hash(key);
	struct kiln_tier_reader reader = kiln_tier_enter(&tier->shards);
	struct kiln_pipeline *pipeline = kiln_tier_front_get(tier, key, hash);

	if (!pipeline) {
		kiln_tier_leave(reader);
		return NULL;
	}
	kiln_pipeline_tier_use(tier, pipeline);
	*out_reader = reader;
	return pipeline;
}

/* While it is found, the tier has a reference, which nobody drops before the reader has left. */
static struct kiln_pipeline *hold(struct kiln_pipeline_tier *tier, const struct kiln_pipeline_key *key)
{
	struct kiln_tier_reader reader;
	struct kiln_pipeline *pipeline =
		(struct kiln_pipeline *)(uintptr_t)kiln_pipeline_tier_look(tier, key, &reader);

	if (!pipeline)
		return NULL;
	kiln_pipeline_reference(pipeline);
	kiln_tier_leave(reader);
	return pipeline;
}

/* Under the lock. */
static struct kiln_pipeline *hold_locked(struct kiln_pipeline_tier *tier, const struct kiln_digest *identity)
{
	struct kiln_pipeline *pipeline = kiln_table_get(&tier->table, identity);

	if (!pipeline)
		return NULL;
	kiln_pipeline_reference(pipeline);
	kiln_pipeline_tier_use(tier, pipeline);
	kiln_tier_front_put(tier, pipeline); /* another may have taken its place */
	return pipeline;
}

struct kiln_pipeline *kiln_pipeline_tier_find(struct kiln_pipeline_tier *tier,
                                              const struct kiln_pipeline_key *key,
                                              const struct kiln_pipeline_identity *identity)
{
	struct kiln_pipeline *pipeline = hold(tier, key);

	if (pipeline)
		return pipeline;
	kiln_mutex_lock(&tier->lock);
	pipeline = hold_locked(tier, &identity->digest);
	kiln_mutex_unlock(&tier->lock);
	return pipeline;
}

static bool is_building(const struct kiln_pipeline_tier *tier, const struct kiln_digest *identity)
{
	for (const struct kiln_tier_build *build = tier->builds; build; build = build->next)
		if (kiln_digest_equal(&build->identity->digest, identity))
			return true;
	return false;
}

struct kiln_pipeline *kiln_pipeline_tier_acquire(struct kiln_pipeline_tier *tier,
                                                 const struct kiln_pipeline_key *key,
                                                 const struct kiln_pipeline_identity *identity,
                                                 struct kiln_tier_build *out_build)
{
	struct kiln_pipeline *pipeline = hold(tier, key);

	if (pipeline)
		return pipeline;
	kiln_mutex_lock(&tier->lock);
	while (!(pipeline = hold_locked(tier, &identity->digest)) && is_building(tier, &identity->digest))
		kiln_cond_wait(&tier->changed, &tier->lock);
	if (!pipeline) {
		*out_build = (struct kiln_tier_build){.next = tier->builds, .identity = identity};
		tier->builds = out_build;
	}
	kiln_mutex_unlock(&tier->lock);
	return pipeline;
}

/* ---- Putting in ---- */

/* Under the lock. */
static void end_build(struct kiln_pipeline_tier *tier, const struct kiln_tier_build *build)
{
	struct kiln_tier_build **at = &tier->builds;

	while (*at != build)
		at = &(*at)->next;
	*at = build->next;
	kiln_cond_broadcast(&tier->changed);
}

static void insert(struct kiln_pipeline_tier *tier, struct kiln_pipeline *pipeline,
                   struct kiln_pipeline **victims)
{
	if (pipeline->weight > tier->max_bytes ||
	    !kiln_table_put(&tier->table, &pipeline->identity.digest, pipeline))
		return;
	kiln_pipeline_reference(pipeline);
	link_entry(tier, pipeline, note_use(tier, pipeline, kiln_pipeline_tier_epoch(tier)));
	start_epoch(tier); /* after it, so that the next use is one to note */
	kiln_tier_front_put(tier, pipeline);
	tier->bytes += pipeline->weight;
	while (tier->table.count > tier->max_entries || tier->bytes > tier->max_bytes)
		take_out(tier, settle_oldest(tier), victims);
}

static void list_alive(struct kiln_pipeline_tier *tier, struct kiln_pipeline *pipeline)
{
	pipeline->published = true;
	pipeline->alive_next = tier->alive;
	pipeline->alive_at = &tier->alive;
	if (tier->alive)
		tier->alive->alive_at = &pipeline->alive_next;
	tier->alive = pipeline;
}

void kiln_pipeline_tier_forget(struct kiln_pipeline_tier *tier, struct kiln_pipeline *pipeline)
{
	kiln_mutex_lock(&tier->lock);
	*pipeline->alive_at = pipeline->alive_next;
	if (pipeline->alive_next)
		pipeline->alive_next->alive_at = pipeline->alive_at;
	kiln_mutex_unlock(&tier->lock);
}

void kiln_pipeline_tier_publish(struct kiln_pipeline_tier *tier, struct kiln_tier_build *build,
                                struct kiln_pipeline *pipeline)
{
	struct kiln_pipeline *victims = NULL;

	kiln_mutex_lock(&tier->lock);
	end_build(tier, build);
	list_alive(tier, pipeline);
	atomic_store_explicit(&pipeline->dropped, build->dropped, memory_order_relaxed);
	if (!build->dropped)
		insert(tier, pipeline, &victims);
	kiln_mutex_unlock(&tier->lock);
	let_go(tier, victims);
}

void kiln_pipeline_tier_abandon(struct kiln_pipeline_tier *tier, struct kiln_tier_build *build)
{
	kiln_mutex_lock(&tier->lock);
	end_build(tier, build);
	kiln_mutex_unlock(&tier->lock);
}

/* ---- Facts ---- */

uint64_t kiln_pipeline_tier_counted(const struct kiln_pipeline_tier *tier, enum kiln_outcome outcome)
{
	return kiln_tier_shards_counted(&tier->shards, outcome);
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
