#include "slot_sets.h"

#include <stdatomic.h>
#include <stdbool.h>

#include <base/alloc.h>
#include <base/error.h>

#include "buffer.h"
#include "device.h"
#include "pipeline.h"
#include "stream_command.h"

#define KNOWN_MAX 1024u  /* from here on sets are written anew where that is possible */
#define KNOWN_SLACK 256u /* more than that without, and everything is forgotten */
#define BUFFER_WORDS 3u

uint64_t kiln_object_id(void)
{
	static atomic_uint_fast64_t last;

	return atomic_fetch_add_explicit(&last, 1, memory_order_relaxed) + 1;
}

/* ---- What is known ---- */

static enum kiln_status no_memory(void)
{
	return kiln_error(KILN_ERR_OUT_OF_MEMORY,
	                  "out of memory recording a launch. Fix: free memory and call again");
}

_Static_assert(sizeof(VkDescriptorSet) == sizeof(uint64_t), "handles are kept in words");

static VkDescriptorSet *sets_of(const struct kiln_slot_sets *sets, const struct kiln_known_sets *known)
{
	return (VkDescriptorSet *)&sets->words[known->at];
}

static uint64_t *buffers_of(const struct kiln_slot_sets *sets, const struct kiln_known_sets *known)
{
	return &sets->words[known->at + known->set_count];
}

static bool binds_the_same(const uint64_t *words, const struct kiln_stream_launch *launch)
{
	for (uint32_t i = 0; i < launch->binding_count; i++, words += BUFFER_WORDS) {
		const struct kiln_stream_binding *binding = &launch->bindings[i];

		if (words[0] != binding->buffer->id || words[1] != binding->offset ||
		    words[2] != binding->bytes)
			return false;
	}
	return true;
}

static void note_buffers(uint64_t *words, const struct kiln_stream_launch *launch)
{
	for (uint32_t i = 0; i < launch->binding_count; i++, words += BUFFER_WORDS) {
		words[0] = launch->bindings[i].buffer->id;
		words[1] = launch->bindings[i].offset;
		words[2] = launch->bindings[i].bytes;
	}
}

/* The products do not wait for one another. */
static uint64_t hash_of(const struct kiln_stream_launch *launch)
{
	const uint64_t odd = UINT64_C(0x9e3779b97f4a7c15);
	uint64_t hash = launch->pipeline->id * odd;

	for (uint32_t i = 0; i < launch->binding_count; i++) {
		const struct kiln_stream_binding *binding = &launch->bindings[i];

		hash += (binding->buffer->id ^ binding->offset << 24 ^ binding->bytes << 48) *
		        (odd * (2 * i + 3));
	}
	return hash ^ hash >> 29;
}

static uint32_t *bucket_of(const struct kiln_slot_sets *sets, uint64_t hash)
{
	return &sets->buckets[hash & (sets->known_room - 1)];
}

static void enter(struct kiln_slot_sets *sets, uint32_t entry)
{
	struct kiln_known_sets *known = &sets->known[entry - 1];
	uint32_t *bucket = bucket_of(sets, known->hash);

	known->same = *bucket;
	*bucket = entry;
}

static void leave(struct kiln_slot_sets *sets, uint32_t entry)
{
	uint32_t *at = bucket_of(sets, sets->known[entry - 1].hash);

	while (*at != entry)
		at = &sets->known[*at - 1].same;
	*at = sets->known[entry - 1].same;
}

static enum kiln_status reserve_known(struct kiln_slot_sets *sets)
{
	uint32_t room = sets->known_room ? 2 * sets->known_room : 16;
	struct kiln_known_sets *known;
	uint32_t *buckets;

	if (sets->known_count < sets->known_room)
		return KILN_OK;
	known = kiln_realloc(sets->known, room * sizeof(*known));
	if (!known)
		return no_memory();
	sets->known = known;
	buckets = kiln_alloc_zero(room, sizeof(*buckets));
	if (!buckets)
		return no_memory();
	kiln_free(sets->buckets);
	sets->buckets = buckets;
	sets->known_room = room;
	for (uint32_t entry = 1; entry <= sets->known_count; entry++)
		enter(sets, entry);
	return KILN_OK;
}

static enum kiln_status reserve_words(struct kiln_slot_sets *sets, uint32_t words)
{
	uint32_t room = 2 * sets->word_room + words + 256;
	uint64_t *more;

	if (words <= sets->word_room - sets->word_count)
		return KILN_OK;
	more = kiln_realloc(sets->words, room * sizeof(*more));
	if (!more)
		return no_memory();
	sets->words = more;
	sets->word_room = room;
	return KILN_OK;
}

static void write_contents(struct kiln_device *device, struct kiln_slot_sets *sets, uint32_t entry,
                           const struct kiln_stream_launch *launch)
{
	struct kiln_known_sets *known = &sets->known[entry - 1];

	note_buffers(buffers_of(sets, known), launch);
	kiln_command_write_sets(device, launch, sets_of(sets, known));
	sets->written++;
	enter(sets, entry);
}

/* New sets for contents that are not known. */
static enum kiln_status learn(struct kiln_device *device, struct kiln_slot_sets *sets,
                              const struct kiln_stream_launch *launch, uint64_t hash, uint32_t *out_entry)
{
	uint32_t set_count = launch->pipeline->set_count;
	uint32_t words = set_count + launch->binding_count * BUFFER_WORDS;

	KILN_TRY(reserve_known(sets));
	KILN_TRY(reserve_words(sets, words));
	KILN_TRY(kiln_slot_pools_allocate(device, &sets->pools, launch,
	                                  (VkDescriptorSet *)&sets->words[sets->word_count]));
	sets->known[sets->known_count] = (struct kiln_known_sets){
		.pipeline = launch->pipeline->id,
		.hash = hash,
		.at = sets->word_count,
		.set_count = set_count,
		.binding_count = launch->binding_count,
	};
	sets->word_count += words;
	*out_entry = ++sets->known_count;
	write_contents(device, sets, *out_entry, launch);
	return KILN_OK;
}

/* ---- Finding them again ---- */

static bool is_known(const struct kiln_slot_sets *sets, uint32_t entry,
                     const struct kiln_stream_launch *launch)
{
	const struct kiln_known_sets *known = &sets->known[entry - 1];

	return known->pipeline == launch->pipeline->id && binds_the_same(buffers_of(sets, known), launch);
}

static uint32_t find(const struct kiln_slot_sets *sets, const struct kiln_stream_launch *launch,
                     uint64_t hash)
{
	uint32_t entry = sets->known_room ? *bucket_of(sets, hash) : 0;

	while (entry && !(sets->known[entry - 1].hash == hash && is_known(sets, entry, launch)))
		entry = sets->known[entry - 1].same;
	return entry;
}

/* What the last recording bound here is not bound by this one, and nothing else uses it. */
static bool may_rewrite(const struct kiln_slot_sets *sets, uint32_t entry,
                        const struct kiln_stream_launch *launch)
{
	return entry && sets->known_count >= KNOWN_MAX &&
	       sets->known[entry - 1].pipeline == launch->pipeline->id &&
	       sets->known[entry - 1].recording != sets->recording;
}

static enum kiln_status look_up(struct kiln_device *device, struct kiln_slot_sets *sets, uint32_t expected,
                                const struct kiln_stream_launch *launch, uint32_t *out_entry)
{
	uint64_t hash = hash_of(launch);

	sets->hashed++;
	*out_entry = find(sets, launch, hash);
	if (*out_entry)
		return KILN_OK;
	if (!may_rewrite(sets, expected, launch))
		return learn(device, sets, launch, hash, out_entry);
	leave(sets, expected);
	sets->known[expected - 1].hash = hash;
	write_contents(device, sets, expected, launch);
	*out_entry = expected;
	return KILN_OK;
}

/* ---- Binding ---- */

static enum kiln_status bind_sets(struct kiln_device *device, struct kiln_slot_sets *sets,
                                  VkCommandBuffer commands, const struct kiln_stream_launch *launch)
{
	uint32_t entry = sets->bound ? sets->known[sets->bound - 1].next : sets->first;
	const struct kiln_pipeline *pipeline = launch->pipeline;

	if (!entry || !is_known(sets, entry, launch)) {
		KILN_TRY(look_up(device, sets, entry, launch, &entry));
		*(sets->bound ? &sets->known[sets->bound - 1].next : &sets->first) = entry;
	}
	device->vk.vkCmdBindDescriptorSets(commands, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline->layout, 0,
	                                   pipeline->set_count, sets_of(sets, &sets->known[entry - 1]), 0,
	                                   NULL);
	sets->known[entry - 1].recording = sets->recording;
	sets->bound = entry;
	return KILN_OK;
}

enum kiln_status kiln_slot_sets_bind(struct kiln_device *device, struct kiln_slot_sets *sets,
                                     VkCommandBuffer commands, const struct kiln_stream_launch *launch)
{
	const struct kiln_pipeline *pipeline = launch->pipeline;

	if (launch->binding_count && !(sets->bound && is_known(sets, sets->bound, launch)))
		KILN_TRY(bind_sets(device, sets, commands, launch));
	if (sets->bound_pipeline != pipeline->id)
		device->vk.vkCmdBindPipeline(commands, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline->handle);
	sets->bound_pipeline = pipeline->id;
	return KILN_OK;
}

/* ---- Life ---- */

static void forget(struct kiln_slot_sets *sets)
{
	for (uint32_t i = 0; i < sets->known_room; i++)
		sets->buckets[i] = 0;
	sets->known_count = 0;
	sets->word_count = 0;
	sets->first = 0;
}

enum kiln_status kiln_slot_sets_restart(struct kiln_device *device, struct kiln_slot_sets *sets)
{
	sets->recording++;
	sets->bound = 0;
	sets->bound_pipeline = 0;
	if (sets->known_count <= KNOWN_MAX + KNOWN_SLACK)
		return KILN_OK;
	forget(sets);
	return kiln_slot_pools_empty(device, &sets->pools);
}

void kiln_slot_sets_finish(struct kiln_device *device, struct kiln_slot_sets *sets)
{
	kiln_slot_pools_finish(device, &sets->pools);
	kiln_free(sets->known);
	kiln_free(sets->buckets);
	kiln_free(sets->words);
	*sets = (struct kiln_slot_sets){0};
}
