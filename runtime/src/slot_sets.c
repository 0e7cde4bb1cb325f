#include "slot_sets.h"

#include <stdatomic.h>
#include <stdbool.h>

#include <base/alloc.h>
#include <base/error.h>

#include "buffer.h"
#include "debug_name.h"
#include "device.h"
#include "pipeline.h"
#include "stream_command.h"

enum { POOL_SETS = 128, POOL_STORAGE = 512, POOL_UNIFORM = 128 };
#define LOST_MAX 256u /* sets nothing knows, before everything is forgotten and the pools are emptied */
#define BUFFER_WORDS 3u

uint64_t kiln_object_id(void)
{
	static atomic_uint_fast64_t last;

	return atomic_fetch_add_explicit(&last, 1, memory_order_relaxed) + 1;
}

/* ---- Pools ---- */

static void refill(struct kiln_descriptor_pool *pool)
{
	pool->sets_left = POOL_SETS;
	pool->storage_left = POOL_STORAGE;
	pool->uniform_left = POOL_UNIFORM;
}

static enum kiln_status no_memory(void)
{
	return kiln_error(KILN_ERR_OUT_OF_MEMORY,
	                  "out of memory recording a launch. Fix: free memory and call again");
}

static enum kiln_status add_pool(struct kiln_device *device, struct kiln_slot_sets *sets)
{
	static const VkDescriptorPoolSize sizes[] = {
		{VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, POOL_STORAGE},
		{VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER, POOL_UNIFORM},
	};
	VkDescriptorPoolCreateInfo info = {
		.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO,
		.maxSets = POOL_SETS,
		.poolSizeCount = 2,
		.pPoolSizes = sizes,
	};
	struct kiln_descriptor_pool *pools =
		kiln_realloc(sets->pools, (sets->pool_count + 1u) * sizeof(*sets->pools));
	enum kiln_status status = KILN_OK;

	if (!pools)
		return no_memory();
	sets->pools = pools;
	KILN_VK(device, status, out, /* counted only when it is there */
	        device->vk.vkCreateDescriptorPool(device->handle, &info, NULL,
	                                          &pools[sets->pool_count].handle));
	kiln_debug_name(device, VK_OBJECT_TYPE_DESCRIPTOR_POOL,
	                (uint64_t)(uintptr_t)pools[sets->pool_count].handle, "launches");
	refill(&pools[sets->pool_count]);
	sets->pool_count++;
out:
	return status;
}

static bool fits(const struct kiln_descriptor_pool *pool, uint32_t sets, uint32_t storage, uint32_t uniform)
{
	return sets <= pool->sets_left && storage <= pool->storage_left && uniform <= pool->uniform_left;
}

/* The pool this launch's sets come from, with room for all of them. Launches are bounded to KILN_BUFFERS_MAX bindings, so an
 * empty pool always has room. */
static enum kiln_status take_pool(struct kiln_device *device, struct kiln_slot_sets *sets,
                                  const struct kiln_stream_launch *launch,
                                  struct kiln_descriptor_pool **out_pool)
{
	uint32_t storage = 0, uniform = 0;
	struct kiln_descriptor_pool *pool;

	for (size_t i = 0; i < launch->entry->binding_count; i++) {
		const struct kiln_layout_binding *layout = &launch->entry->bindings[i].layout;

		*(layout->type == KILN_BINDING_UNIFORM_BUFFER ? &uniform : &storage) += layout->count;
	}
	while (sets->pool_current < sets->pool_count &&
	       !fits(&sets->pools[sets->pool_current], launch->pipeline->set_count, storage, uniform))
		sets->pool_current++;
	if (sets->pool_current == sets->pool_count)
		KILN_TRY(add_pool(device, sets));
	pool = &sets->pools[sets->pool_current];
	pool->sets_left -= launch->pipeline->set_count;
	pool->storage_left -= storage;
	pool->uniform_left -= uniform;
	*out_pool = pool;
	return KILN_OK;
}

static enum kiln_status allocate(struct kiln_device *device, struct kiln_slot_sets *sets,
                                 const struct kiln_stream_launch *launch, VkDescriptorSet *out_sets)
{
	struct kiln_descriptor_pool *pool;
	VkDescriptorSetAllocateInfo info = {
		.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO,
		.descriptorSetCount = launch->pipeline->set_count,
		.pSetLayouts = launch->pipeline->sets,
	};
	enum kiln_status status = KILN_OK;

	KILN_TRY(take_pool(device, sets, launch, &pool));
	info.descriptorPool = pool->handle;
	KILN_VK(device, status, out, device->vk.vkAllocateDescriptorSets(device->handle, &info, out_sets));
out:
	return status;
}

/* ---- What is known ---- */

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

static enum kiln_status reserve(struct kiln_slot_sets *sets, uint32_t words)
{
	if (sets->cursor == sets->known_room) {
		uint32_t room = sets->known_room ? 2 * sets->known_room : 16;
		struct kiln_known_sets *known = kiln_realloc(sets->known, room * sizeof(*known));

		if (!known)
			return no_memory();
		sets->known = known;
		sets->known_room = room;
	}
	if (words > sets->word_room - sets->word_count) {
		uint32_t room = 2 * sets->word_room + words + 256;
		uint64_t *more = kiln_realloc(sets->words, room * sizeof(*more));

		if (!more)
			return no_memory();
		sets->words = more;
		sets->word_room = room;
	}
	return KILN_OK;
}

/* New sets for the launch at the cursor, in the place of what was known there. */
static enum kiln_status learn(struct kiln_device *device, struct kiln_slot_sets *sets,
                              const struct kiln_stream_launch *launch)
{
	uint32_t set_count = launch->pipeline->set_count;
	uint32_t words = set_count + launch->binding_count * BUFFER_WORDS;
	struct kiln_known_sets *known;

	KILN_TRY(reserve(sets, words));
	KILN_TRY(allocate(device, sets, launch, (VkDescriptorSet *)&sets->words[sets->word_count]));
	known = &sets->known[sets->cursor];
	if (sets->cursor < sets->known_count)
		sets->lost += known->set_count;
	else
		sets->known_count++;
	*known = (struct kiln_known_sets){launch->pipeline->id, sets->word_count, set_count,
	                                  launch->binding_count};
	sets->word_count += words;
	note_buffers(buffers_of(sets, known), launch);
	kiln_command_write_sets(device, launch, sets_of(sets, known));
	return KILN_OK;
}

/* Of the slot's last recording, the launch at the same place. */
static bool find(struct kiln_device *device, struct kiln_slot_sets *sets,
                 const struct kiln_stream_launch *launch)
{
	struct kiln_known_sets *known;

	if (sets->cursor >= sets->known_count)
		return false;
	known = &sets->known[sets->cursor];
	if (known->pipeline != launch->pipeline->id)
		return false;
	if (binds_the_same(buffers_of(sets, known), launch))
		return true;
	note_buffers(buffers_of(sets, known), launch);
	kiln_command_write_sets(device, launch, sets_of(sets, known));
	return true;
}

/* ---- Binding ---- */

static bool is_bound(const struct kiln_slot_sets *sets, const struct kiln_stream_launch *launch)
{
	const struct kiln_known_sets *known;

	if (!sets->bound)
		return false;
	known = &sets->known[sets->bound - 1];
	return known->pipeline == launch->pipeline->id && binds_the_same(buffers_of(sets, known), launch);
}

enum kiln_status kiln_slot_sets_bind(struct kiln_device *device, struct kiln_slot_sets *sets,
                                     VkCommandBuffer commands, const struct kiln_stream_launch *launch)
{
	const struct kiln_pipeline *pipeline = launch->pipeline;

	if (launch->binding_count && !is_bound(sets, launch)) {
		if (!find(device, sets, launch))
			KILN_TRY(learn(device, sets, launch));
		device->vk.vkCmdBindDescriptorSets(commands, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline->layout,
		                                   0, pipeline->set_count,
		                                   sets_of(sets, &sets->known[sets->cursor]), 0, NULL);
		sets->bound = ++sets->cursor;
	}
	if (sets->bound_pipeline != pipeline->id)
		device->vk.vkCmdBindPipeline(commands, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline->handle);
	sets->bound_pipeline = pipeline->id;
	return KILN_OK;
}

/* ---- Life ---- */

enum kiln_status kiln_slot_sets_restart(struct kiln_device *device, struct kiln_slot_sets *sets)
{
	enum kiln_status status = KILN_OK;

	sets->cursor = 0;
	sets->bound = 0;
	sets->bound_pipeline = 0;
	if (sets->lost <= LOST_MAX)
		return KILN_OK;
	sets->known_count = 0;
	sets->word_count = 0;
	for (uint32_t i = 0; i < sets->pool_count; i++) {
		KILN_VK(device, status, out,
		        device->vk.vkResetDescriptorPool(device->handle, sets->pools[i].handle, 0));
		refill(&sets->pools[i]);
	}
	sets->pool_current = 0;
	sets->lost = 0;
out:
	return status;
}

void kiln_slot_sets_finish(struct kiln_device *device, struct kiln_slot_sets *sets)
{
	for (uint32_t i = 0; i < sets->pool_count; i++)
		device->vk.vkDestroyDescriptorPool(device->handle, sets->pools[i].handle, NULL);
	kiln_free(sets->pools);
	kiln_free(sets->known);
	kiln_free(sets->words);
	*sets = (struct kiln_slot_sets){0};
}
