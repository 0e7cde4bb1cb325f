#include "tier_front.h"

#include <base/alloc.h>
#include <base/error.h>

#include "pipeline.h"
#include "pipeline_key.h"

#define WAYS 4u
#define SIZE_MIN 64u
#define SIZE_MAX_ENTRIES 16384u /* 128 KiB; beyond, some hits take the lock */

typedef _Atomic(struct kiln_pipeline *) front_slot;

enum kiln_status kiln_tier_front_init(struct kiln_pipeline_tier *tier, uint64_t max_entries)
{
	size_t size = SIZE_MIN;

	while (size < SIZE_MAX_ENTRIES && size / 4 < max_entries)
		size *= 2;
	tier->front = kiln_alloc_zero(size, sizeof(*tier->front));
	if (!tier->front)
		return kiln_error(KILN_ERR_OUT_OF_MEMORY,
		                  "out of memory opening a device. Fix: free memory and call again");
	tier->front_mask = size - 1;
	return KILN_OK;
}

void kiln_tier_front_finish(struct kiln_pipeline_tier *tier)
{
	kiln_free(tier->front);
	tier->front = NULL;
}

static front_slot *slot_of(const struct kiln_pipeline_tier *tier, uint64_t hash, unsigned way)
{
	return &tier->front[(hash + way) & tier->front_mask];
}

/* seq_cst: in one order with kiln_tier_enter() and kiln_tier_shards_wait(). */
struct kiln_pipeline *kiln_tier_front_get(const struct kiln_pipeline_tier *tier,
                                          const struct kiln_pipeline_key *key, uint64_t hash)
{
	for (unsigned way = 0; way < WAYS; way++) {
		struct kiln_pipeline *pipeline =
			atomic_load_explicit(slot_of(tier, hash, way), memory_order_seq_cst);

		if (pipeline && pipeline->key_hash == hash && kiln_key_equal(pipeline->key, key))
			return pipeline;
	}
	return NULL;
}

static front_slot *find(const struct kiln_pipeline_tier *tier, const struct kiln_pipeline *pipeline,
                        uint64_t hash)
{
	for (unsigned way = 0; way < WAYS; way++)
		if (atomic_load_explicit(slot_of(tier, hash, way), memory_order_relaxed) == pipeline)
			return slot_of(tier, hash, way);
	return NULL;
}

void kiln_tier_front_put(struct kiln_pipeline_tier *tier, struct kiln_pipeline *pipeline)
{
	front_slot *slot;

	if (!pipeline->key || find(tier, pipeline, pipeline->key_hash))
		return;
	slot = find(tier, NULL, pipeline->key_hash);
	if (!slot)
		slot = slot_of(tier, pipeline->key_hash, (unsigned)(pipeline->key_hash >> 62));
	atomic_store_explicit(slot, pipeline, memory_order_seq_cst);
}

void kiln_tier_front_remove(struct kiln_pipeline_tier *tier, const struct kiln_pipeline *pipeline)
{
	front_slot *slot = pipeline->key ? find(tier, pipeline, pipeline->key_hash) : NULL;

	if (slot)
		atomic_store_explicit(slot, NULL, memory_order_seq_cst);
}
