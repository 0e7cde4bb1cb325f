/* The yardstick: saxpy of 1 Mi floats in plain Vulkan, linked with libvulkan, written the way a careful
 * person who wants a fast start writes it: no layers, no extensions, one device, one mapped allocation, one
 * command buffer. */
#include <stdio.h>
#include <stdlib.h>

#include <vulkan/vulkan.h>

#include "saxpy.h"
#include "saxpy_spv.h"

#define BYTES (SAXPY_COUNT * sizeof(float))

#define CHECK(call)                                                      \
	do {                                                             \
		VkResult check_ = (call);                                \
		if (check_ != VK_SUCCESS) {                              \
			fprintf(stderr, "%s: %d\n", #call, (int)check_); \
			exit(1);                                         \
		}                                                        \
	} while (0)

struct raw {
	VkInstance instance;
	VkPhysicalDevice physical;
	VkDevice device;
	VkQueue queue;
	uint32_t family;
	VkBuffer x, y;
	VkDeviceMemory memory;
	float *mapped;
	VkDeviceSize y_offset;
	VkDescriptorSetLayout set_layout;
	VkPipelineLayout layout;
	VkPipeline pipeline;
	VkDescriptorPool descriptors;
	VkDescriptorSet set;
	VkCommandPool pool;
	VkCommandBuffer commands;
	VkFence fence;
};

static void open_device(struct raw *raw)
{
	VkApplicationInfo app = {.sType = VK_STRUCTURE_TYPE_APPLICATION_INFO,
	                         .apiVersion = VK_API_VERSION_1_1};
	CHECK(vkCreateInstance(&(VkInstanceCreateInfo){.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO,
	                                               .pApplicationInfo = &app},
	                       NULL, &raw->instance));
	saxpy_phase("instance");

	uint32_t count = 1;
	VkResult result = vkEnumeratePhysicalDevices(raw->instance, &count, &raw->physical);
	if ((result != VK_SUCCESS && result != VK_INCOMPLETE) || count == 0) {
		fprintf(stderr, "raw: no device\n");
		exit(1);
	}

	VkQueueFamilyProperties families[16];
	uint32_t family_count = 16;
	vkGetPhysicalDeviceQueueFamilyProperties(raw->physical, &family_count, families);
	while (raw->family < family_count && !(families[raw->family].queueFlags & VK_QUEUE_COMPUTE_BIT))
		raw->family++;

	float priority = 1.0f;
	VkDeviceQueueCreateInfo queue = {
		.sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
		.queueFamilyIndex = raw->family,
		.queueCount = 1,
		.pQueuePriorities = &priority,
	};
	CHECK(vkCreateDevice(raw->physical,
	                     &(VkDeviceCreateInfo){.sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
	                                           .queueCreateInfoCount = 1,
	                                           .pQueueCreateInfos = &queue},
	                     NULL, &raw->device));
	vkGetDeviceQueue(raw->device, raw->family, 0, &raw->queue);
	saxpy_phase("device");
}

static VkBuffer make_buffer(const struct raw *raw)
{
	VkBuffer buffer;
	CHECK(vkCreateBuffer(raw->device,
	                     &(VkBufferCreateInfo){.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
	                                           .size = BYTES,
	                                           .usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT},
	                     NULL, &buffer));
	return buffer;
}

static uint32_t memory_type(const struct raw *raw, uint32_t allowed)
{
	const VkMemoryPropertyFlags want =
		VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
	VkPhysicalDeviceMemoryProperties memory;
	vkGetPhysicalDeviceMemoryProperties(raw->physical, &memory);
	for (uint32_t i = 0; i < memory.memoryTypeCount; i++) {
		if ((allowed >> i & 1) && (memory.memoryTypes[i].propertyFlags & want) == want)
			return i;
	}
	fprintf(stderr, "raw: no host-visible memory\n");
	exit(1);
}

static void make_memory(struct raw *raw)
{
	raw->x = make_buffer(raw);
	raw->y = make_buffer(raw);
	VkMemoryRequirements need;
	vkGetBufferMemoryRequirements(raw->device, raw->x, &need);
	raw->y_offset = (need.size + need.alignment - 1) / need.alignment * need.alignment;

	CHECK(vkAllocateMemory(raw->device,
	                       &(VkMemoryAllocateInfo){.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
	                                               .allocationSize = raw->y_offset + need.size,
	                                               .memoryTypeIndex =
	                                                       memory_type(raw, need.memoryTypeBits)},
	                       NULL, &raw->memory));
	CHECK(vkBindBufferMemory(raw->device, raw->x, raw->memory, 0));
	CHECK(vkBindBufferMemory(raw->device, raw->y, raw->memory, raw->y_offset));
	CHECK(vkMapMemory(raw->device, raw->memory, 0, VK_WHOLE_SIZE, 0, (void **)&raw->mapped));
	saxpy_fill(raw->mapped, raw->mapped + raw->y_offset / sizeof(float));
	saxpy_phase("memory");
}

static void make_pipeline(struct raw *raw)
{
	const VkDescriptorSetLayoutBinding bindings[] = {
		{0, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 1, VK_SHADER_STAGE_COMPUTE_BIT, NULL},
		{1, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 1, VK_SHADER_STAGE_COMPUTE_BIT, NULL},
	};
	CHECK(vkCreateDescriptorSetLayout(raw->device,
	                                  &(VkDescriptorSetLayoutCreateInfo){
						  .sType =
							  VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO,
						  .bindingCount = 2,
						  .pBindings = bindings},
	                                  NULL, &raw->set_layout));
	VkPushConstantRange push = {VK_SHADER_STAGE_COMPUTE_BIT, 0, sizeof(struct saxpy_push)};
	CHECK(vkCreatePipelineLayout(
		raw->device,
		&(VkPipelineLayoutCreateInfo){.sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO,
	                                      .setLayoutCount = 1,
	                                      .pSetLayouts = &raw->set_layout,
	                                      .pushConstantRangeCount = 1,
	                                      .pPushConstantRanges = &push},
		NULL, &raw->layout));
	VkShaderModule module;
	CHECK(vkCreateShaderModule(
		raw->device,
		&(VkShaderModuleCreateInfo){.sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO,
	                                    .codeSize = sizeof saxpy_spv,
	                                    .pCode = saxpy_spv},
		NULL, &module));
	CHECK(vkCreateComputePipelines(
		raw->device, VK_NULL_HANDLE, 1,
		&(VkComputePipelineCreateInfo){
			.sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
			.stage = {.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
	                          .stage = VK_SHADER_STAGE_COMPUTE_BIT,
	                          .module = module,
	                          .pName = "main"},
			.layout = raw->layout},
		NULL, &raw->pipeline));
	vkDestroyShaderModule(raw->device, module, NULL);
	saxpy_phase("pipeline");
}

static void make_set(struct raw *raw)
{
	VkDescriptorPoolSize size = {VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 2};
	CHECK(vkCreateDescriptorPool(
		raw->device,
		&(VkDescriptorPoolCreateInfo){.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO,
	                                      .maxSets = 1,
	                                      .poolSizeCount = 1,
	                                      .pPoolSizes = &size},
		NULL, &raw->descriptors));
	CHECK(vkAllocateDescriptorSets(
		raw->device,
		&(VkDescriptorSetAllocateInfo){.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO,
	                                       .descriptorPool = raw->descriptors,
	                                       .descriptorSetCount = 1,
	                                       .pSetLayouts = &raw->set_layout},
		&raw->set));
	VkDescriptorBufferInfo buffers[] = {{raw->x, 0, VK_WHOLE_SIZE}, {raw->y, 0, VK_WHOLE_SIZE}};
	vkUpdateDescriptorSets(raw->device, 1,
	                       &(VkWriteDescriptorSet){.sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
	                                               .dstSet = raw->set,
	                                               .descriptorCount = 2,
	                                               .descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
	                                               .pBufferInfo = buffers},
	                       0, NULL);
}

static void record(struct raw *raw)
{
	CHECK(vkCreateCommandPool(
		raw->device,
		&(VkCommandPoolCreateInfo){.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
	                                   .queueFamilyIndex = raw->family},
		NULL, &raw->pool));
	CHECK(vkAllocateCommandBuffers(
		raw->device,
		&(VkCommandBufferAllocateInfo){.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
	                                       .commandPool = raw->pool,
	                                       .level = VK_COMMAND_BUFFER_LEVEL_PRIMARY,
	                                       .commandBufferCount = 1},
		&raw->commands));
	CHECK(vkBeginCommandBuffer(
		raw->commands,
		&(VkCommandBufferBeginInfo){.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO,
	                                    .flags = VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT}));
	vkCmdBindPipeline(raw->commands, VK_PIPELINE_BIND_POINT_COMPUTE, raw->pipeline);
	vkCmdBindDescriptorSets(raw->commands, VK_PIPELINE_BIND_POINT_COMPUTE, raw->layout, 0, 1, &raw->set,
	                        0, NULL);
	vkCmdPushConstants(raw->commands, raw->layout, VK_SHADER_STAGE_COMPUTE_BIT, 0,
	                   sizeof(struct saxpy_push), &(struct saxpy_push){SAXPY_COUNT, SAXPY_A});
	vkCmdDispatch(raw->commands, SAXPY_COUNT / 64, 1, 1);
	vkCmdPipelineBarrier(raw->commands, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, VK_PIPELINE_STAGE_HOST_BIT,
	                     0, 1,
	                     &(VkMemoryBarrier){.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
	                                        .srcAccessMask = VK_ACCESS_SHADER_WRITE_BIT,
	                                        .dstAccessMask = VK_ACCESS_HOST_READ_BIT},
	                     0, NULL, 0, NULL);
	CHECK(vkEndCommandBuffer(raw->commands));
}

static void run(struct raw *raw)
{
	CHECK(vkCreateFence(raw->device, &(VkFenceCreateInfo){.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO},
	                    NULL, &raw->fence));
	CHECK(vkQueueSubmit(raw->queue, 1,
	                    &(VkSubmitInfo){.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
	                                    .commandBufferCount = 1,
	                                    .pCommandBuffers = &raw->commands},
	                    raw->fence));
	CHECK(vkWaitForFences(raw->device, 1, &raw->fence, VK_TRUE, UINT64_MAX));
	saxpy_phase("run");
}

static void close_device(struct raw *raw)
{
	vkDestroyFence(raw->device, raw->fence, NULL);
	vkDestroyCommandPool(raw->device, raw->pool, NULL);
	vkDestroyDescriptorPool(raw->device, raw->descriptors, NULL);
	vkDestroyPipeline(raw->device, raw->pipeline, NULL);
	vkDestroyPipelineLayout(raw->device, raw->layout, NULL);
	vkDestroyDescriptorSetLayout(raw->device, raw->set_layout, NULL);
	vkDestroyBuffer(raw->device, raw->x, NULL);
	vkDestroyBuffer(raw->device, raw->y, NULL);
	vkFreeMemory(raw->device, raw->memory, NULL);
	vkDestroyDevice(raw->device, NULL);
	vkDestroyInstance(raw->instance, NULL);
}

int main(void)
{
	struct raw raw = {0};
	saxpy_phase("start");
	open_device(&raw);
	make_memory(&raw);
	make_pipeline(&raw);
	make_set(&raw);
	record(&raw);
	run(&raw);
	bool right = saxpy_check(raw.mapped + raw.y_offset / sizeof(float));
	saxpy_phase("check");
	if (right)
		saxpy_done();
	close_device(&raw);
	if (!right)
		fprintf(stderr, "raw: wrong result\n");
	return right ? 0 : 1;
}
