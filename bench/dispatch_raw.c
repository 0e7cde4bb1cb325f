#include "dispatch_raw.h"

#include <stdlib.h>
#include <string.h>

#include "common.h"
#include "dispatch_spv.h"

#define SETS_MAX 512u

const uint32_t *const dispatch_kernel = dispatch_spv;
const size_t dispatch_kernel_bytes = sizeof dispatch_spv;

/* ---- Device ---- */

static bool has_push_descriptors(VkPhysicalDevice physical)
{
	VkExtensionProperties extensions[256];
	uint32_t count = 256;
	VkResult result = vkEnumerateDeviceExtensionProperties(physical, NULL, &count, extensions);
	if (result != VK_SUCCESS && result != VK_INCOMPLETE)
		return false;
	for (uint32_t i = 0; i < count; i++)
		if (strcmp(extensions[i].extensionName, VK_KHR_PUSH_DESCRIPTOR_EXTENSION_NAME) == 0)
			return true;
	return false;
}

static void make_device(struct raw_dispatch *raw, bool push)
{
	static const char *const extension = VK_KHR_PUSH_DESCRIPTOR_EXTENSION_NAME;
	float priority = 1.0f;
	VkDeviceQueueCreateInfo queue = {
		.sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
		.queueCount = 1,
		.pQueuePriorities = &priority,
	};
	RAW_CHECK(vkCreateDevice(raw->compute.physical,
	                         &(VkDeviceCreateInfo){.sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
	                                               .queueCreateInfoCount = 1,
	                                               .pQueueCreateInfos = &queue,
	                                               .enabledExtensionCount = push,
	                                               .ppEnabledExtensionNames = &extension},
	                         NULL, &raw->device.handle));
	vkGetDeviceQueue(raw->device.handle, 0, 0, &raw->queue);
}

#define FETCH(member, name) raw->vk.member = (PFN_##name)vkGetDeviceProcAddr(raw->device.handle, #name)

static void fetch_functions(struct raw_dispatch *raw)
{
	FETCH(allocate_sets, vkAllocateDescriptorSets);
	FETCH(update_sets, vkUpdateDescriptorSets);
	FETCH(reset_sets, vkResetDescriptorPool);
	FETCH(reset_commands, vkResetCommandPool);
	FETCH(begin, vkBeginCommandBuffer);
	FETCH(end, vkEndCommandBuffer);
	FETCH(bind_pipeline, vkCmdBindPipeline);
	FETCH(bind_sets, vkCmdBindDescriptorSets);
	FETCH(push_descriptors, vkCmdPushDescriptorSetKHR);
	FETCH(push_template, vkCmdPushDescriptorSetWithTemplateKHR);
	FETCH(push_constants, vkCmdPushConstants);
	FETCH(barrier, vkCmdPipelineBarrier);
	FETCH(dispatch, vkCmdDispatch);
	FETCH(submit, vkQueueSubmit);
	FETCH(reset_fences, vkResetFences);
	FETCH(wait, vkWaitForFences);
}

static void make_layout(struct raw_dispatch *raw, VkDescriptorSetLayoutCreateFlags flags,
                        VkDescriptorSetLayout *out_set, VkPipelineLayout *out_layout)
{
	const VkDescriptorSetLayoutBinding bindings[] = {
		{0, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 1, VK_SHADER_STAGE_COMPUTE_BIT, NULL},
		{1, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 1, VK_SHADER_STAGE_COMPUTE_BIT, NULL},
	};
	VkDescriptorSetLayoutCreateInfo set = {.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO,
	                                       .flags = flags,
	                                       .bindingCount = 2,
	                                       .pBindings = bindings};
	RAW_CHECK(vkCreateDescriptorSetLayout(raw->device.handle, &set, NULL, out_set));
	VkPushConstantRange push = {VK_SHADER_STAGE_COMPUTE_BIT, 0, sizeof(struct dispatch_push)};
	VkPipelineLayoutCreateInfo layout = {.sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO,
	                                     .setLayoutCount = 1,
	                                     .pSetLayouts = out_set,
	                                     .pushConstantRangeCount = 1,
	                                     .pPushConstantRanges = &push};
	RAW_CHECK(vkCreatePipelineLayout(raw->device.handle, &layout, NULL, out_layout));
}

static void make_template(struct raw_dispatch *raw)
{
	const VkDescriptorUpdateTemplateEntry both = {
		.descriptorCount = 2,
		.descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
		.stride = sizeof(VkDescriptorBufferInfo),
	};
	VkDescriptorUpdateTemplateCreateInfo info = {
		.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_UPDATE_TEMPLATE_CREATE_INFO,
		.descriptorUpdateEntryCount = 1,
		.pDescriptorUpdateEntries = &both,
		.templateType = VK_DESCRIPTOR_UPDATE_TEMPLATE_TYPE_PUSH_DESCRIPTORS_KHR,
		.descriptorSetLayout = raw->pushed_set,
		.pipelineBindPoint = VK_PIPELINE_BIND_POINT_COMPUTE,
		.pipelineLayout = raw->pushed_layout,
	};
	RAW_CHECK(vkCreateDescriptorUpdateTemplate(raw->device.handle, &info, NULL, &raw->pushed_template));
}

static void make_pipelines(struct raw_dispatch *raw)
{
	struct raw_device pushed = raw->device;
	make_layout(raw, 0, &raw->device.set_layout, &raw->device.layout);
	raw->pipeline = raw_pipeline_create(&raw->device, VK_NULL_HANDLE, dispatch_spv, sizeof dispatch_spv);
	if (!raw->vk.push_descriptors)
		return;
	make_layout(raw, VK_DESCRIPTOR_SET_LAYOUT_CREATE_PUSH_DESCRIPTOR_BIT_KHR, &raw->pushed_set,
	            &raw->pushed_layout);
	pushed.layout = raw->pushed_layout;
	raw->pushed_pipeline =
		raw_pipeline_create(&pushed, VK_NULL_HANDLE, dispatch_spv, sizeof dispatch_spv);
	make_template(raw);
}

/* ---- Memory ---- */

static uint32_t memory_type(const struct raw_dispatch *raw, uint32_t allowed)
{
	const VkMemoryPropertyFlags want =
		VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
	VkPhysicalDeviceMemoryProperties memory;
	vkGetPhysicalDeviceMemoryProperties(raw->compute.physical, &memory);
	for (uint32_t i = 0; i < memory.memoryTypeCount; i++)
		if ((allowed >> i & 1) && (memory.memoryTypes[i].propertyFlags & want) == want)
			return i;
	bench_die("no host-visible memory");
}

static void make_buffers(struct raw_dispatch *raw)
{
	VkMemoryRequirements need = {0};
	for (uint32_t i = 0; i < DISPATCH_BUFFERS; i++) {
		RAW_CHECK(vkCreateBuffer(raw->device.handle,
		                         &(VkBufferCreateInfo){.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
		                                               .size = DISPATCH_BUFFER_BYTES,
		                                               .usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT},
		                         NULL, &raw->buffers[i]));
		vkGetBufferMemoryRequirements(raw->device.handle, raw->buffers[i], &need);
	}
	VkDeviceSize step = (need.size + need.alignment - 1) / need.alignment * need.alignment;
	RAW_CHECK(vkAllocateMemory(raw->device.handle,
	                           &(VkMemoryAllocateInfo){.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
	                                                   .allocationSize = DISPATCH_BUFFERS * step,
	                                                   .memoryTypeIndex =
	                                                           memory_type(raw, need.memoryTypeBits)},
	                           NULL, &raw->memory));
	for (uint32_t i = 0; i < DISPATCH_BUFFERS; i++)
		RAW_CHECK(vkBindBufferMemory(raw->device.handle, raw->buffers[i], raw->memory, i * step));
	RAW_CHECK(vkMapMemory(raw->device.handle, raw->memory, 0, VK_WHOLE_SIZE, 0, &raw->mapped));
	memset(raw->mapped, 0, DISPATCH_BUFFERS * step);
}

/* ---- Sets ---- */

static VkDescriptorPool make_sets_pool(struct raw_dispatch *raw, uint32_t sets)
{
	VkDescriptorPool pool;
	VkDescriptorPoolSize size = {VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 2 * sets};
	RAW_CHECK(vkCreateDescriptorPool(
		raw->device.handle,
		&(VkDescriptorPoolCreateInfo){.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO,
	                                      .maxSets = sets,
	                                      .poolSizeCount = 1,
	                                      .pPoolSizes = &size},
		NULL, &pool));
	return pool;
}

/* One write for both bindings: they are consecutive. */
VkWriteDescriptorSet raw_dispatch_describe(const struct raw_dispatch *raw, enum dispatch_shape shape,
                                           uint32_t index, VkDescriptorBufferInfo out_infos[2])
{
	out_infos[0] =
		(VkDescriptorBufferInfo){raw->buffers[dispatch_source(shape, index)], 0, VK_WHOLE_SIZE};
	out_infos[1] =
		(VkDescriptorBufferInfo){raw->buffers[dispatch_target(shape, index)], 0, VK_WHOLE_SIZE};
	return (VkWriteDescriptorSet){.sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
	                              .descriptorCount = 2,
	                              .descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
	                              .pBufferInfo = out_infos};
}

VkDescriptorSet raw_dispatch_make_set(struct raw_dispatch *raw, VkDescriptorPool pool,
                                      enum dispatch_shape shape, uint32_t index)
{
	VkDescriptorBufferInfo infos[2];
	VkWriteDescriptorSet write = raw_dispatch_describe(raw, shape, index, infos);
	VkDescriptorSetAllocateInfo info = {.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO,
	                                    .descriptorPool = pool,
	                                    .descriptorSetCount = 1,
	                                    .pSetLayouts = &raw->device.set_layout};
	RAW_CHECK(raw->vk.allocate_sets(raw->device.handle, &info, &write.dstSet));
	raw->vk.update_sets(raw->device.handle, 1, &write, 0, NULL);
	return write.dstSet;
}

static void make_ready_sets(struct raw_dispatch *raw)
{
	raw->sets_pool = make_sets_pool(raw, SETS_MAX);
	raw->ready_pool = make_sets_pool(raw, 2 * DISPATCH_BUFFERS);
	for (uint32_t i = 0; i < DISPATCH_BUFFERS; i++) {
		raw->ready[DISPATCH_CHAIN][i] =
			i < 2 ? raw_dispatch_make_set(raw, raw->ready_pool, DISPATCH_CHAIN, i)
			      : VK_NULL_HANDLE;
		raw->ready[DISPATCH_INDEPENDENT][i] =
			raw_dispatch_make_set(raw, raw->ready_pool, DISPATCH_INDEPENDENT, i);
	}
}

/* ---- Life ---- */

static void make_commands(struct raw_dispatch *raw, VkCommandPool *out_pool, VkCommandBuffer *out_commands)
{
	VkCommandPoolCreateInfo pool = {.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
	                                .flags = VK_COMMAND_POOL_CREATE_TRANSIENT_BIT};
	VkCommandBufferAllocateInfo commands = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
	                                        .level = VK_COMMAND_BUFFER_LEVEL_PRIMARY,
	                                        .commandBufferCount = 1};
	RAW_CHECK(vkCreateCommandPool(raw->device.handle, &pool, NULL, out_pool));
	commands.commandPool = *out_pool;
	RAW_CHECK(vkAllocateCommandBuffers(raw->device.handle, &commands, out_commands));
}

void raw_dispatch_open(struct raw_dispatch *raw)
{
	*raw = (struct raw_dispatch){0};
	raw_open(&raw->compute);
	bool push = has_push_descriptors(raw->compute.physical);
	make_device(raw, push);
	fetch_functions(raw);
	if (!push)
		raw->vk.push_descriptors = NULL;
	make_pipelines(raw);
	make_buffers(raw);
	make_ready_sets(raw);
	for (int i = 0; i < 2 * RAW_BINDINGS; i++)
		make_commands(raw, &raw->pools[i / RAW_BINDINGS][i % RAW_BINDINGS],
		              &raw->command_buffers[i / RAW_BINDINGS][i % RAW_BINDINGS]);
	VkCommandPoolCreateInfo small = {.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
	                                 .flags = VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT};
	RAW_CHECK(vkCreateCommandPool(raw->device.handle, &small, NULL, &raw->small_pool));
	RAW_CHECK(vkCreateFence(raw->device.handle,
	                        &(VkFenceCreateInfo){.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO}, NULL,
	                        &raw->fence));
}

void raw_dispatch_close(struct raw_dispatch *raw)
{
	VkDevice device = raw->device.handle;
	vkDestroyFence(device, raw->fence, NULL);
	for (int i = 0; i < 2 * RAW_BINDINGS; i++)
		vkDestroyCommandPool(device, raw->pools[i / RAW_BINDINGS][i % RAW_BINDINGS], NULL);
	vkDestroyCommandPool(device, raw->small_pool, NULL);
	free(raw->small);
	vkDestroyDescriptorPool(device, raw->sets_pool, NULL);
	vkDestroyDescriptorPool(device, raw->ready_pool, NULL);
	for (uint32_t i = 0; i < DISPATCH_BUFFERS; i++)
		vkDestroyBuffer(device, raw->buffers[i], NULL);
	vkFreeMemory(device, raw->memory, NULL);
	vkDestroyPipeline(device, raw->pipeline, NULL);
	vkDestroyPipeline(device, raw->pushed_pipeline, NULL);
	vkDestroyDescriptorUpdateTemplate(device, raw->pushed_template, NULL);
	vkDestroyPipelineLayout(device, raw->pushed_layout, NULL);
	vkDestroyDescriptorSetLayout(device, raw->pushed_set, NULL);
	raw_device_close(&raw->device);
	raw_close(&raw->compute);
}
