/* The usual way by hand: one VkPipelineCache for all, read from one file at the start, written back at the end if that is new. */
#include "variants.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common.h"
#include "raw_compute.h"

static double us_since(uint64_t start)
{
	return (double)(bench_now_ns() - start) / 1e3;
}

static void check(VkResult result, const char *what)
{
	if (result != VK_SUCCESS)
		bench_die("%s: %d", what, (int)result);
}

static void *read_file(const char *path, size_t *out_bytes)
{
	struct stat facts;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) /* the first time */
		return NULL;
	if (fstat(fd, &facts) != 0)
		bench_die("cannot look at %s", path);
	char *data = malloc((size_t)facts.st_size);
	size_t bytes = 0;
	while (data && bytes < (size_t)facts.st_size) {
		ssize_t got = read(fd, data + bytes, (size_t)facts.st_size - bytes);
		if (got <= 0)
			bench_die("cannot read %s", path);
		bytes += (size_t)got;
	}
	close(fd);
	*out_bytes = bytes;
	return data;
}

/* Only a good name beside the rest: a half-written file is never seen. */
static void write_file(const char *folder, const char *path, const char *data, size_t bytes)
{
	char *beside = bench_path(folder, "raw.tmp");
	int fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		bench_die("cannot create %s", beside);
	for (size_t done = 0; done < bytes;) {
		ssize_t got = write(fd, data + done, bytes - done);
		if (got <= 0)
			bench_die("cannot write %s", beside);
		done += (size_t)got;
	}
	if (close(fd) != 0 || rename(beside, path) != 0)
		bench_die("cannot put %s in place", path);
	free(beside);
}

static VkPipelineCache load(const struct raw_device *device, const char *path, uint64_t *out_bytes)
{
	size_t bytes = 0;
	void *data = read_file(path, &bytes);
	VkPipelineCache cache = raw_cache_create(device, data, bytes);
	free(data);
	*out_bytes = bytes;
	return cache;
}

static void save(const struct raw_device *device, VkPipelineCache cache, const char *folder, const char *path)
{
	size_t bytes = 0;
	check(vkGetPipelineCacheData(device->handle, cache, &bytes, NULL), "vkGetPipelineCacheData");
	void *data = malloc(bytes);
	if (!data)
		bench_die("out of memory");
	check(vkGetPipelineCacheData(device->handle, cache, &bytes, data), "vkGetPipelineCacheData");
	write_file(folder, path, data, bytes);
	free(data);
}

static VkShaderModule make_module(const struct raw_device *device, const struct variants_kernel *kernel)
{
	const VkShaderModuleCreateInfo info = {
		.sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO,
		.codeSize = kernel->spirv_bytes,
		.pCode = kernel->spirv,
	};
	VkShaderModule module;
	check(vkCreateShaderModule(device->handle, &info, NULL, &module), "vkCreateShaderModule");
	return module;
}

static VkPipeline make(const struct raw_device *device, VkPipelineCache cache, VkShaderModule module,
                       unsigned number)
{
	const uint32_t value = variants_value(number);
	const VkSpecializationMapEntry entry = {.constantID = 0, .offset = 0, .size = sizeof value};
	const VkSpecializationInfo specialisation = {
		.mapEntryCount = 1,
		.pMapEntries = &entry,
		.dataSize = sizeof value,
		.pData = &value,
	};
	const VkComputePipelineCreateInfo info = {
		.sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
		.stage = {.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
	                  .stage = VK_SHADER_STAGE_COMPUTE_BIT,
	                  .module = module,
	                  .pName = "main",
	                  .pSpecializationInfo = &specialisation},
		.layout = device->layout,
	};
	VkPipeline pipeline;
	check(vkCreateComputePipelines(device->handle, cache, 1, &info, NULL, &pipeline),
	      "vkCreateComputePipelines");
	return pipeline;
}

/* One module serves all variants. */
static void make_all(const struct raw_device *device, const struct variants_kernel *kernel, unsigned count,
                     const char *folder, struct variants_report *report)
{
	VkPipeline pipelines[VARIANTS_MAX];
	char *path = bench_path(folder, "raw.bin");

	uint64_t start = bench_now_ns();
	VkPipelineCache cache = load(device, path, &report->blob_bytes);
	report->load = us_since(start);
	VkShaderModule module = make_module(device, kernel);
	for (unsigned i = 0; i < count; i++) {
		uint64_t before = bench_now_ns();
		pipelines[i] = make(device, cache, module, i);
		report->make[i] = report->ready[i] = us_since(before);
		if (i == 0)
			report->first = us_since(start);
	}
	report->total = us_since(start);

	report->warm = report->blob_bytes > 0 ? count : 0;
	if (report->blob_bytes == 0)
		save(device, cache, folder, path);
	for (unsigned i = 0; i < count; i++)
		vkDestroyPipeline(device->handle, pipelines[i], NULL);
	vkDestroyShaderModule(device->handle, module, NULL);
	vkDestroyPipelineCache(device->handle, cache, NULL);
	free(path);
}

void variants_raw(const struct variants_kernel *kernel, unsigned count, const char *folder,
                  struct variants_report *out_report)
{
	struct raw_compute raw;
	struct raw_device device = {0};

	raw_open(&raw);
	raw_device_open(&raw, &device);
	make_all(&device, kernel, count, folder, out_report);
	raw_device_close(&device);
	raw_close(&raw);
}
