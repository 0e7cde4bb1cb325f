/* The descriptor sets of a slot, kept from one recording to the next.
 *
 * A program that repeats itself records the same launches in the same order, so the n-th launch finds what the n-th launch of
 * the slot's last recording bound: the same buffers need nothing but a bind, other buffers of the same pipeline one write, and
 * only another pipeline a new set. A launch that binds what the launch before it bound needs nothing at all. Objects are told
 * apart by numbers that are never reused, so what is destroyed in between can only fail to match. */
#ifndef RUNTIME_SLOT_SETS_H
#define RUNTIME_SLOT_SETS_H

#include <stdint.h>

#include "vulkan_api.h"

struct kiln_device;
struct kiln_stream_launch;

struct kiln_descriptor_pool {
	VkDescriptorPool handle;
	uint32_t sets_left, storage_left, uniform_left;
};

/* What one launch bound. */
struct kiln_known_sets {
	uint64_t pipeline; /* its id */
	uint32_t at;       /* in words: the sets, then id, offset and bytes of each buffer */
	uint32_t set_count, binding_count;
};

struct kiln_slot_sets {
	struct kiln_descriptor_pool *pools;
	uint32_t pool_count, pool_current;
	struct kiln_known_sets *known; /* in the order of recording */
	uint32_t known_count, known_room, cursor;
	uint64_t *words;
	uint32_t word_count, word_room;
	uint32_t lost;           /* sets in the pools that nothing knows any more */
	uint32_t bound;          /* one of the known, + 1; 0 = nothing bound yet */
	uint64_t bound_pipeline; /* id; 0 = none */
};

/* Never the same number twice in this process, and never 0. */
uint64_t kiln_object_id(void);

/* Before the slot is recorded anew: nothing uses its sets any more. */
enum kiln_status kiln_slot_sets_restart(struct kiln_device *device, struct kiln_slot_sets *sets);
void kiln_slot_sets_finish(struct kiln_device *device, struct kiln_slot_sets *sets);

/* Records what binds the buffers of a launch, and its pipeline. After a failure nothing has changed. */
enum kiln_status kiln_slot_sets_bind(struct kiln_device *device, struct kiln_slot_sets *sets,
                                     VkCommandBuffer commands, const struct kiln_stream_launch *launch);

#endif
