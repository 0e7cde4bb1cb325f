/* Hand-written recording and submitting, see dispatch_raw.h. */
#include "dispatch_raw.h"

#include <stdlib.h>

#include "common.h"

static void bind_sets(struct raw_dispatch *raw, enum raw_binding binding, enum dispatch_shape shape,
                      uint32_t index)
{
	VkDescriptorBufferInfo infos[2];
	VkWriteDescriptorSet write;
	VkDescriptorSet set;
	if (raw_is_pushed(binding))
		write = raw_dispatch_describe(raw, shape, index, infos);
	if (binding == RAW_PUSHED_TEMPLATE) {
		raw->vk.push_template(raw->commands, raw->pushed_template, raw->pushed_layout, 0, infos);
		return;
	}
	if (binding == RAW_PUSHED) {
		raw->vk.push_descriptors(raw->commands, VK_PIPELINE_BIND_POINT_COMPUTE, raw->pushed_layout, 0,
		                         1, &write);
		return;
	}
	if (binding == RAW_FRESH_SETS)
		set = raw_dispatch_make_set(raw, raw->sets_pool, shape, index);
	else
		set = raw->ready[shape][shape == DISPATCH_CHAIN ? index & 1 : index % DISPATCH_BUFFERS];
	raw->vk.bind_sets(raw->commands, VK_PIPELINE_BIND_POINT_COMPUTE, raw->device.layout, 0, 1, &set, 0,
	                  NULL);
}

static void barrier(struct raw_dispatch *raw, VkPipelineStageFlags to, VkAccessFlags access)
{
	VkMemoryBarrier memory = {.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
	                          .srcAccessMask = VK_ACCESS_SHADER_WRITE_BIT,
	                          .dstAccessMask = access};
	raw->vk.barrier(raw->commands, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, to, 0, 1, &memory, 0, NULL, 0,
	                NULL);
}

static void launch(struct raw_dispatch *raw, enum raw_binding binding, enum dispatch_shape shape,
                   uint32_t index)
{
	struct dispatch_push push = {DISPATCH_THREADS, index};
	if (shape == DISPATCH_CHAIN && index > 0)
		barrier(raw, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT,
		        VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_SHADER_WRITE_BIT);
	bind_sets(raw, binding, shape, index);
	raw->vk.push_constants(raw->commands,
	                       raw_is_pushed(binding) ? raw->pushed_layout : raw->device.layout,
	                       VK_SHADER_STAGE_COMPUTE_BIT, 0, sizeof push, &push);
	raw->vk.dispatch(raw->commands, DISPATCH_THREADS / 64, 1, 1);
}

void raw_dispatch_record(struct raw_dispatch *raw, enum raw_binding binding, enum dispatch_shape shape,
                         uint32_t count)
{
	VkCommandBufferBeginInfo begin = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
	raw->commands = raw->command_buffers[shape][binding];
	RAW_CHECK(raw->vk.reset_commands(raw->device.handle, raw->pools[shape][binding], 0));
	if (binding == RAW_FRESH_SETS)
		RAW_CHECK(raw->vk.reset_sets(raw->device.handle, raw->sets_pool, 0));
	RAW_CHECK(raw->vk.begin(raw->commands, &begin));
	raw->vk.bind_pipeline(raw->commands, VK_PIPELINE_BIND_POINT_COMPUTE,
	                      raw_is_pushed(binding) ? raw->pushed_pipeline : raw->pipeline);
	for (uint32_t i = 0; i < count; i++)
		launch(raw, binding, shape, i);
	barrier(raw, VK_PIPELINE_STAGE_HOST_BIT, VK_ACCESS_HOST_READ_BIT);
	RAW_CHECK(raw->vk.end(raw->commands));
}

void raw_dispatch_submit(struct raw_dispatch *raw)
{
	VkSubmitInfo info = {.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
	                     .commandBufferCount = 1,
	                     .pCommandBuffers = &raw->commands};
	RAW_CHECK(raw->vk.reset_fences(raw->device.handle, 1, &raw->fence));
	RAW_CHECK(raw->vk.submit(raw->queue, 1, &info, raw->fence));
}

void raw_dispatch_wait(struct raw_dispatch *raw)
{
	RAW_CHECK(raw->vk.wait(raw->device.handle, 1, &raw->fence, VK_TRUE, UINT64_MAX));
}

/* ---- Many small ones ---- */

static void make_small(struct raw_dispatch *raw, uint32_t count)
{
	VkCommandBufferAllocateInfo info = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
	                                    .commandPool = raw->small_pool,
	                                    .level = VK_COMMAND_BUFFER_LEVEL_PRIMARY,
	                                    .commandBufferCount = count};
	RAW_CHECK(vkResetCommandPool(raw->device.handle, raw->small_pool,
	                             VK_COMMAND_POOL_RESET_RELEASE_RESOURCES_BIT));
	free(raw->small);
	raw->small = malloc(count * sizeof *raw->small);
	if (!raw->small)
		bench_die("out of memory");
	RAW_CHECK(vkAllocateCommandBuffers(raw->device.handle, &info, raw->small));
	raw->small_count = count;
}

void raw_dispatch_record_small(struct raw_dispatch *raw, enum dispatch_shape shape, uint32_t count,
                               uint32_t from)
{
	VkCommandBufferBeginInfo begin = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
	VkCommandBuffer whole = raw->commands;
	if (raw->small_count != count)
		make_small(raw, count);
	for (uint32_t i = 0; i < count; i++) {
		raw->commands = raw->small[i];
		RAW_CHECK(raw->vk.begin(raw->commands, &begin));
		raw->vk.bind_pipeline(raw->commands, VK_PIPELINE_BIND_POINT_COMPUTE, raw->pipeline);
		launch(raw, RAW_READY_SETS, shape, from + i);
		RAW_CHECK(raw->vk.end(raw->commands));
	}
	raw->commands = whole;
}
