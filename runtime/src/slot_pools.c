/* The descriptor pools of a slot. */
#include "slot_sets.h"

#include <stdbool.h>

#include <base/alloc.h>
#include <base/error.h>

#include "debug_name.h"
#include "device.h"
#include "pipeline.h"
#include "stream_command.h"

enum { POOL_SETS = 128, POOL_STORAGE = 512, POOL_UNIFORM = 128, POOL_IMAGES = 64 };

static void refill(struct kiln_descriptor_pool *pool)
{
	pool->sets_left = POOL_SETS;
	pool->storage_left = POOL_STORAGE;
	pool->uniform_left = POOL_UNIFORM;
	pool->images_left = POOL_IMAGES;
}

static enum kiln_status no_memory(void)
{
	return kiln_error(KILN_ERR_OUT_OF_MEMORY,
	                  "out of memory recording a launch. Fix: free memory and call again");
}

static enum kiln_status add_pool(struct kiln_device *device, struct kiln_slot_pools *all)
{
	static const VkDescriptorPoolSize sizes[] = {
		{VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, POOL_STORAGE},
		{VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER, POOL_UNIFORM},
		{VK_DESCRIPTOR_TYPE_STORAGE_IMAGE, POOL_IMAGES},
		{VK_DESCRIPTOR_TYPE_SAMPLED_IMAGE, POOL_IMAGES},
		{VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER, POOL_IMAGES},
		{VK_DESCRIPTOR_TYPE_SAMPLER, POOL_IMAGES},
	};
	VkDescriptorPoolCreateInfo info = {
		.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO,
		.flags = kiln_descriptor_pool_flags(device),
		.maxSets = POOL_SETS,
		.poolSizeCount = sizeof(sizes) / sizeof(sizes[0]),
		.pPoolSizes = sizes,
	};
	struct kiln_descriptor_pool *pools =
		kiln_realloc(all->pools, (all->count + 1u) * sizeof(*all->pools));
	enum kiln_status status = KILN_OK;

	if (!pools)
		return no_memory();
	all->pools = pools;
	KILN_VK(device, status, out, /* counted only when it is there */
	        device->vk.vkCreateDescriptorPool(device->handle, &info, NULL, &pools[all->count].handle));
	kiln_debug_name(device, VK_OBJECT_TYPE_DESCRIPTOR_POOL, (uint64_t)(uintptr_t)pools[all->count].handle,
	                "launches");
	refill(&pools[all->count]);
	all->count++;
out:
	return status;
}

/* What a launch takes from a pool, counted as what a pool has left. */
static struct kiln_descriptor_pool share_of(const struct kiln_stream_launch *launch)
{
	struct kiln_descriptor_pool share = {.sets_left = launch->pipeline->set_count};

	for (size_t i = 0; i < launch->entry->binding_count; i++) {
		const struct kiln_layout_binding *layout = &launch->entry->bindings[i].layout;

		if (layout->type == KILN_BINDING_STORAGE_BUFFER)
			share.storage_left += layout->count;
		else if (layout->type == KILN_BINDING_UNIFORM_BUFFER)
			share.uniform_left += layout->count;
		else
			share.images_left += layout->count;
	}
	return share;
}

static bool fits(const struct kiln_descriptor_pool *pool, const struct kiln_descriptor_pool *share)
{
	return share->sets_left <= pool->sets_left && share->storage_left <= pool->storage_left &&
	       share->uniform_left <= pool->uniform_left && share->images_left <= pool->images_left;
}

/* The pool this launch's sets come from, with room for all of them. Launches are bounded to KILN_BUFFERS_MAX bindings, so an
 * empty pool always has room. */
static enum kiln_status take_pool(struct kiln_device *device, struct kiln_slot_pools *all,
                                  const struct kiln_stream_launch *launch,
                                  struct kiln_descriptor_pool **out_pool)
{
	const struct kiln_descriptor_pool share = share_of(launch);
	struct kiln_descriptor_pool *pool;

	while (all->current < all->count && !fits(&all->pools[all->current], &share))
		all->current++;
	if (all->current == all->count)
		KILN_TRY(add_pool(device, all));
	pool = &all->pools[all->current];
	pool->sets_left -= share.sets_left;
	pool->storage_left -= share.storage_left;
	pool->uniform_left -= share.uniform_left;
	pool->images_left -= share.images_left;
	*out_pool = pool;
	return KILN_OK;
}

enum kiln_status kiln_slot_pools_allocate(struct kiln_device *device, struct kiln_slot_pools *all,
                                          const struct kiln_stream_launch *launch, VkDescriptorSet *out_sets)
{
	struct kiln_descriptor_pool *pool;
	VkDescriptorSetAllocateInfo info = {
		.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO,
		.descriptorSetCount = launch->pipeline->set_count,
		.pSetLayouts = launch->pipeline->sets,
	};
	enum kiln_status status = KILN_OK;

	KILN_TRY(take_pool(device, all, launch, &pool));
	info.descriptorPool = pool->handle;
	KILN_VK(device, status, out, device->vk.vkAllocateDescriptorSets(device->handle, &info, out_sets));
out:
	return status;
}

enum kiln_status kiln_slot_pools_empty(struct kiln_device *device, struct kiln_slot_pools *all)
{
	enum kiln_status status = KILN_OK;

	for (uint32_t i = 0; i < all->count; i++) {
		KILN_VK(device, status, out,
		        device->vk.vkResetDescriptorPool(device->handle, all->pools[i].handle, 0));
		refill(&all->pools[i]);
	}
	all->current = 0;
out:
	return status;
}

void kiln_slot_pools_finish(struct kiln_device *device, struct kiln_slot_pools *all)
{
	for (uint32_t i = 0; i < all->count; i++)
		device->vk.vkDestroyDescriptorPool(device->handle, all->pools[i].handle, NULL);
	kiln_free(all->pools);
	*all = (struct kiln_slot_pools){0};
}
