/* The descriptor sets of a slot, kept from one recording to the next and found again by what they bind.
 *
 * A program that repeats itself binds after each set what it bound after it the last time, so that is looked at first; only
 * where the program does something else the contents are hashed. Known contents need nothing but a bind, and a launch that
 * binds what the launch before it bound not even that. Sets are written once: new contents get a new set until many are
 * known, and from then on the one that would have come next, unless this recording has bound it. Objects are told apart by
 * numbers that are never reused, so sets of what was destroyed can only fail to match.
 *
 * Push descriptors are not used: on lavapipe recording one takes as long as binding a known set, and running it a fifth
 * longer. bench/dispatch measures both. */
#ifndef RUNTIME_SLOT_SETS_H
#define RUNTIME_SLOT_SETS_H

#include <stdint.h>

#include "vulkan_api.h"

struct kiln_device;
struct kiln_stream_launch;

struct kiln_descriptor_pool {
	VkDescriptorPool handle;
	uint32_t sets_left, storage_left, uniform_left;
	uint32_t images_left; /* and samplers, of whatever kind */
};

struct kiln_slot_pools {
	struct kiln_descriptor_pool *pools;
	uint32_t count, current;
};

/* Contents that a set was written with. Entries are named by their number + 1, 0 = none. */
struct kiln_known_sets {
	uint64_t pipeline; /* its id */
	uint64_t hash;
	uint64_t recording; /* the last that bound it */
	uint32_t at;        /* in words: the sets, then id, offset and bytes of each buffer */
	uint32_t set_count, binding_count;
	uint32_t next; /* what was bound after it the last time */
	uint32_t same; /* the next in its bucket */
};

struct kiln_slot_sets {
	struct kiln_slot_pools pools;
	struct kiln_known_sets *known;
	uint32_t known_count, known_room;
	uint32_t *buckets; /* as many as known_room, a power of two */
	uint64_t *words;
	uint32_t word_count, word_room;
	uint64_t recording;      /* counts restarts */
	uint32_t first;          /* what the last recording bound first */
	uint32_t bound;          /* 0 = nothing bound yet */
	uint64_t bound_pipeline; /* id; 0 = none */
	uint64_t written;        /* sets; the steady state writes none ... */
	uint64_t hashed;         /* ... and hashes the contents of no launch */
};

/* ---- slot_pools.c ---- */

/* The sets of one launch, written by nobody yet. */
enum kiln_status kiln_slot_pools_allocate(struct kiln_device *device, struct kiln_slot_pools *all,
                                          const struct kiln_stream_launch *launch, VkDescriptorSet *out_sets);
/* All sets are gone, the pools stay. */
enum kiln_status kiln_slot_pools_empty(struct kiln_device *device, struct kiln_slot_pools *all);
void kiln_slot_pools_finish(struct kiln_device *device, struct kiln_slot_pools *all);

/* ---- slot_sets.c ---- */

/* Never the same number twice in this process, and never 0. */
uint64_t kiln_object_id(void);

/* Before the slot is recorded anew: nothing uses its sets any more. */
enum kiln_status kiln_slot_sets_restart(struct kiln_device *device, struct kiln_slot_sets *sets);
void kiln_slot_sets_finish(struct kiln_device *device, struct kiln_slot_sets *sets);

/* Records what binds the buffers of a launch, and its pipeline. After a failure nothing has changed. */
enum kiln_status kiln_slot_sets_bind(struct kiln_device *device, struct kiln_slot_sets *sets,
                                     VkCommandBuffer commands, const struct kiln_stream_launch *launch);

#endif
