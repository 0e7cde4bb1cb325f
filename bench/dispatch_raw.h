/* The yardstick of dispatch: hand-written Vulkan that does what Kiln is asked to do, as somebody writes it who wants it
 * fast: functions fetched from the device, pools reset as a whole, nothing bound twice. */
#ifndef BENCH_DISPATCH_RAW_H
#define BENCH_DISPATCH_RAW_H

#include <stdbool.h>
#include <stdint.h>

#include "common.h"
#include "raw_compute.h"

#define RAW_CHECK(call)                                          \
	do {                                                     \
		VkResult check_ = (call);                        \
		if (check_ != VK_SUCCESS)                        \
			bench_die("%s: %d", #call, (int)check_); \
	} while (0)

#define DISPATCH_THREADS 64u
#define DISPATCH_BUFFERS 512u
#define DISPATCH_BUFFER_BYTES 256u

struct dispatch_push {
	uint32_t n, k;
};

/* The kernel's SPIR-V. */
extern const uint32_t *const dispatch_kernel;
extern const size_t dispatch_kernel_bytes;

/* How a launch gets its buffers. */
enum raw_binding {
	RAW_FRESH_SETS,      /* a set allocated and written for each launch */
	RAW_PUSHED,          /* VK_KHR_push_descriptor, the same */
	RAW_PUSHED_TEMPLATE, /* with an update template */
	RAW_READY_SETS,      /* sets written beforehand, by a program that knows all its launches */
	RAW_BINDINGS,
};

static inline bool raw_is_pushed(enum raw_binding binding)
{
	return binding == RAW_PUSHED || binding == RAW_PUSHED_TEMPLATE;
}

/* Which buffers: launch i of a chain reads what launch i - 1 wrote; independent ones share their source only. */
enum dispatch_shape { DISPATCH_CHAIN, DISPATCH_INDEPENDENT };

/* Source and target of launch `index`, as numbers of buffers. */
static inline uint32_t dispatch_source(enum dispatch_shape shape, uint32_t index)
{
	return shape == DISPATCH_CHAIN ? index & 1 : 0;
}

static inline uint32_t dispatch_target(enum dispatch_shape shape, uint32_t index)
{
	return shape == DISPATCH_CHAIN ? ~index & 1 : 1 + index % (DISPATCH_BUFFERS - 1);
}

struct raw_functions {
	PFN_vkAllocateDescriptorSets allocate_sets;
	PFN_vkUpdateDescriptorSets update_sets;
	PFN_vkResetDescriptorPool reset_sets;
	PFN_vkResetCommandPool reset_commands;
	PFN_vkBeginCommandBuffer begin;
	PFN_vkEndCommandBuffer end;
	PFN_vkCmdBindPipeline bind_pipeline;
	PFN_vkCmdBindDescriptorSets bind_sets;
	PFN_vkCmdPushDescriptorSetKHR push_descriptors; /* NULL = the device cannot */
	PFN_vkCmdPushDescriptorSetWithTemplateKHR push_template;
	PFN_vkCmdPushConstants push_constants;
	PFN_vkCmdPipelineBarrier barrier;
	PFN_vkCmdDispatch dispatch;
	PFN_vkQueueSubmit submit;
	PFN_vkResetFences reset_fences;
	PFN_vkWaitForFences wait;
};

struct raw_dispatch {
	struct raw_compute compute;
	struct raw_device device; /* its layout is for sets */
	VkDescriptorSetLayout pushed_set;
	VkPipelineLayout pushed_layout;
	VkDescriptorUpdateTemplate pushed_template;
	VkPipeline pipeline, pushed_pipeline;
	VkQueue queue;
	struct raw_functions vk;
	VkBuffer buffers[DISPATCH_BUFFERS];
	VkDeviceMemory memory;
	void *mapped; /* buffer 0 */
	VkDescriptorPool sets_pool, ready_pool;
	VkDescriptorSet ready[2][DISPATCH_BUFFERS]; /* by shape and launch */
	/* By shape, one command buffer each: none inherits another's memory. */
	VkCommandPool pools[2][RAW_BINDINGS];
	VkCommandBuffer command_buffers[2][RAW_BINDINGS];
	VkCommandBuffer commands; /* recorded last */
	VkCommandPool small_pool;
	VkCommandBuffer *small; /* one launch each */
	uint32_t small_count;
	VkFence fence;
};

void raw_dispatch_open(struct raw_dispatch *raw);
void raw_dispatch_close(struct raw_dispatch *raw);

/* The buffers of a launch, as one write without a set. */
VkWriteDescriptorSet raw_dispatch_describe(const struct raw_dispatch *raw, enum dispatch_shape shape,
                                           uint32_t index, VkDescriptorBufferInfo out_infos[2]);
VkDescriptorSet raw_dispatch_make_set(struct raw_dispatch *raw, VkDescriptorPool pool,
                                      enum dispatch_shape shape, uint32_t index);

/* Begins, records `count` launches, with a barrier between any two of a chain, and ends. Launch i pushes k = i. What is
 * recorded may be submitted again and again. */
void raw_dispatch_record(struct raw_dispatch *raw, enum raw_binding binding, enum dispatch_shape shape,
                         uint32_t count);

/* As many command buffers of one launch, each recorded anew, launches `from` and on, in `shape`. They are not submitted. */
void raw_dispatch_record_small(struct raw_dispatch *raw, enum dispatch_shape shape, uint32_t count,
                               uint32_t from);

void raw_dispatch_submit(struct raw_dispatch *raw);
void raw_dispatch_wait(struct raw_dispatch *raw);

#endif
