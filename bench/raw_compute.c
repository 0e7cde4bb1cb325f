#include "raw_compute.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common.h"

#define CHECK(call)                                              \
	do {                                                     \
		VkResult check_ = (call);                        \
		if (check_ != VK_SUCCESS)                        \
			bench_die("%s: %d", #call, (int)check_); \
	} while (0)

void raw_open(struct raw_compute *raw)
{
	VkApplicationInfo app = {.sType = VK_STRUCTURE_TYPE_APPLICATION_INFO,
	                         .apiVersion = VK_API_VERSION_1_1};
	CHECK(vkCreateInstance(&(VkInstanceCreateInfo){.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO,
	                                               .pApplicationInfo = &app},
	                       NULL, &raw->instance));
	uint32_t count = 1;
	VkResult result = vkEnumeratePhysicalDevices(raw->instance, &count, &raw->physical);
	if ((result != VK_SUCCESS && result != VK_INCOMPLETE) || count == 0)
		bench_die("no Vulkan device");
}

void raw_close(struct raw_compute *raw)
{
	vkDestroyInstance(raw->instance, NULL);
	*raw = (struct raw_compute){0};
}

void raw_device_open(const struct raw_compute *raw, struct raw_device *out_device)
{
	float priority = 1.0f;
	VkDeviceQueueCreateInfo queue = {
		.sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
		.queueCount = 1,
		.pQueuePriorities = &priority,
	};
	CHECK(vkCreateDevice(raw->physical,
	                     &(VkDeviceCreateInfo){.sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
	                                           .queueCreateInfoCount = 1,
	                                           .pQueueCreateInfos = &queue},
	                     NULL, &out_device->handle));
	const VkDescriptorSetLayoutBinding bindings[] = {
		{0, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 1, VK_SHADER_STAGE_COMPUTE_BIT, NULL},
		{1, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 1, VK_SHADER_STAGE_COMPUTE_BIT, NULL},
	};
	CHECK(vkCreateDescriptorSetLayout(out_device->handle,
	                                  &(VkDescriptorSetLayoutCreateInfo){
						  .sType =
							  VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO,
						  .bindingCount = 2,
						  .pBindings = bindings},
	                                  NULL, &out_device->set_layout));
	VkPushConstantRange push = {VK_SHADER_STAGE_COMPUTE_BIT, 0, 16};
	CHECK(vkCreatePipelineLayout(
		out_device->handle,
		&(VkPipelineLayoutCreateInfo){.sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO,
	                                      .setLayoutCount = 1,
	                                      .pSetLayouts = &out_device->set_layout,
	                                      .pushConstantRangeCount = 1,
	                                      .pPushConstantRanges = &push},
		NULL, &out_device->layout));
}

void raw_device_close(struct raw_device *device)
{
	vkDestroyPipelineLayout(device->handle, device->layout, NULL);
	vkDestroyDescriptorSetLayout(device->handle, device->set_layout, NULL);
	vkDestroyDevice(device->handle, NULL);
	*device = (struct raw_device){0};
}

VkPipelineCache raw_cache_create(const struct raw_device *device, const void *data, size_t bytes)
{
	VkPipelineCache cache;
	CHECK(vkCreatePipelineCache(
		device->handle,
		&(VkPipelineCacheCreateInfo){.sType = VK_STRUCTURE_TYPE_PIPELINE_CACHE_CREATE_INFO,
	                                     .initialDataSize = bytes,
	                                     .pInitialData = bytes ? data : NULL},
		NULL, &cache));
	return cache;
}

VkPipeline raw_pipeline_create(const struct raw_device *device, VkPipelineCache cache, const void *words,
                               size_t bytes)
{
	VkShaderModule module;
	VkPipeline pipeline;
	CHECK(vkCreateShaderModule(
		device->handle,
		&(VkShaderModuleCreateInfo){.sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO,
	                                    .codeSize = bytes,
	                                    .pCode = words},
		NULL, &module));
	CHECK(vkCreateComputePipelines(
		device->handle, cache, 1,
		&(VkComputePipelineCreateInfo){
			.sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
			.stage = {.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
	                          .stage = VK_SHADER_STAGE_COMPUTE_BIT,
	                          .module = module,
	                          .pName = "main"},
			.layout = device->layout},
		NULL, &pipeline));
	vkDestroyShaderModule(device->handle, module, NULL);
	return pipeline;
}

size_t raw_store(const struct raw_device *device, const void *words, size_t bytes, const char *path)
{
	VkPipelineCache cache = raw_cache_create(device, NULL, 0);
	VkPipeline pipeline = raw_pipeline_create(device, cache, words, bytes);
	size_t blob_bytes = 0;
	CHECK(vkGetPipelineCacheData(device->handle, cache, &blob_bytes, NULL));
	void *blob = malloc(blob_bytes);
	if (!blob)
		bench_die("out of memory");
	CHECK(vkGetPipelineCacheData(device->handle, cache, &blob_bytes, blob));
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, blob, blob_bytes) != (ssize_t)blob_bytes)
		bench_die("cannot write %s", path);
	close(fd);
	free(blob);
	vkDestroyPipeline(device->handle, pipeline, NULL);
	vkDestroyPipelineCache(device->handle, cache, NULL);
	return blob_bytes;
}

VkPipeline raw_load(const struct raw_device *device, const void *words, size_t bytes, const char *path)
{
	struct stat facts;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &facts) != 0)
		bench_die("cannot open %s", path);
	void *blob = malloc((size_t)facts.st_size);
	if (!blob || read(fd, blob, (size_t)facts.st_size) != facts.st_size)
		bench_die("cannot read %s", path);
	close(fd);
	VkPipelineCache cache = raw_cache_create(device, blob, (size_t)facts.st_size);
	free(blob);
	VkPipeline pipeline = raw_pipeline_create(device, cache, words, bytes);
	vkDestroyPipelineCache(device->handle, cache, NULL);
	return pipeline;
}
