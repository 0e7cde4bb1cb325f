/* What the driver's compiler tells about a kernel. */
#include <kiln/statistics.h>

#include <stdio.h>
#include <string.h>

#include <base/alloc.h>
#include <base/error.h>

#include "device.h"
#include "kernel.h"
#include "pipeline.h"

#define EXECUTABLES_MAX 16u /* a compute kernel has one, and some drivers show its stages */

static void take_value(const VkPipelineExecutableStatisticKHR *told, struct kiln_statistic *out_statistic)
{
	*out_statistic = (struct kiln_statistic){0};
	(void)snprintf(out_statistic->name, sizeof(out_statistic->name), "%.63s", told->name);
	(void)snprintf(out_statistic->description, sizeof(out_statistic->description), "%.191s",
	               told->description);
	switch (told->format) {
	case VK_PIPELINE_EXECUTABLE_STATISTIC_FORMAT_BOOL32_KHR:
		out_statistic->type = KILN_STATISTIC_BOOL;
		out_statistic->value.boolean = told->value.b32 != 0;
		break;
	case VK_PIPELINE_EXECUTABLE_STATISTIC_FORMAT_INT64_KHR:
		out_statistic->type = KILN_STATISTIC_I64;
		out_statistic->value.i64 = told->value.i64;
		break;
	case VK_PIPELINE_EXECUTABLE_STATISTIC_FORMAT_FLOAT64_KHR:
		out_statistic->type = KILN_STATISTIC_F64;
		out_statistic->value.f64 = told->value.f64;
		break;
	default:
		out_statistic->type = KILN_STATISTIC_U64;
		out_statistic->value.u64 = told->value.u64;
		break;
	}
}

static enum kiln_status out_of_memory(void)
{
	return kiln_error(KILN_ERR_OUT_OF_MEMORY,
	                  "out of memory reading statistics. Fix: free memory and call again");
}

/* `told` has room for what the driver said there is. */
static enum kiln_status read_into(struct kiln_device *device, const VkPipelineExecutableInfoKHR *executable,
                                  VkPipelineExecutableStatisticKHR *told, uint32_t count,
                                  struct kiln_statistics *statistics)
{
	enum kiln_status status = KILN_OK;
	struct kiln_statistic *items;

	for (uint32_t i = 0; i < count; i++)
		told[i].sType = VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_STATISTIC_KHR;
	KILN_VK(device, status, out,
	        device->vk.vkGetPipelineExecutableStatisticsKHR(device->handle, executable, &count, told));
	items = kiln_realloc(statistics->items, (statistics->count + count + 1) * sizeof(*items));
	if (!items)
		return out_of_memory();
	statistics->items = items;
	for (uint32_t i = 0; i < count; i++)
		take_value(&told[i], &items[statistics->count++]);
out:
	return status;
}

static enum kiln_status read_executable(struct kiln_device *device, VkPipeline pipeline, uint32_t index,
                                        struct kiln_statistics *statistics)
{
	const VkPipelineExecutableInfoKHR executable = {
		.sType = VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_INFO_KHR,
		.pipeline = pipeline,
		.executableIndex = index,
	};
	VkPipelineExecutableStatisticKHR *told;
	enum kiln_status status = KILN_OK;
	uint32_t count = 0;

	KILN_VK(device, status, out,
	        device->vk.vkGetPipelineExecutableStatisticsKHR(device->handle, &executable, &count, NULL));
	told = kiln_alloc_zero(count + 1u, sizeof(*told));
	if (!told)
		return out_of_memory();
	status = read_into(device, &executable, told, count, statistics);
	kiln_free(told);
out:
	return status;
}

static enum kiln_status read_all(struct kiln_device *device, VkPipeline pipeline,
                                 struct kiln_statistics *statistics)
{
	const VkPipelineInfoKHR info = {.sType = VK_STRUCTURE_TYPE_PIPELINE_INFO_KHR, .pipeline = pipeline};
	VkPipelineExecutablePropertiesKHR executables[EXECUTABLES_MAX] = {0};
	uint32_t count = EXECUTABLES_MAX;
	enum kiln_status status = KILN_OK;

	for (uint32_t i = 0; i < EXECUTABLES_MAX; i++)
		executables[i].sType = VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_PROPERTIES_KHR;
	KILN_VK(device, status, out,
	        device->vk.vkGetPipelineExecutablePropertiesKHR(device->handle, &info, &count, executables));
	for (uint32_t i = 0; i < count; i++) {
		if (executables[i].subgroupSize)
			statistics->subgroup_size = executables[i].subgroupSize;
		KILN_TRY(read_executable(device, pipeline, i, statistics));
	}
out:
	return status;
}

static enum kiln_status check(const struct kiln_kernel *kernel, const struct kiln_statistics *out_statistics)
{
	KILN_CHECK(kernel && out_statistics,
	           "kiln_kernel_statistics: the kernel or out_statistics is NULL. Fix: pass both");
	KILN_TRY(kiln_device_check(kernel->device));
	if (kernel->device->capabilities.features.executable.pipelineExecutableInfo)
		return KILN_OK;
	return kiln_error(
		KILN_ERR_UNSUPPORTED,
		"device '%s' tells nothing about its code (VK_KHR_pipeline_executable_properties is "
		"missing). Fix: ask another driver (`kiln info` lists them)",
		kernel->device->info.name);
}

enum kiln_status kiln_kernel_statistics(struct kiln_kernel *kernel, struct kiln_statistics *out_statistics)
{
	struct kiln_statistics statistics = {0};
	struct kiln_compile_evidence evidence = {0};
	struct kiln_pipeline *pipeline;
	struct kiln_compile job;
	enum kiln_status status;

	KILN_TRY(check(kernel, out_statistics));
	job = (struct kiln_compile){
		.key = &kiln_kernel_variant(kernel, NULL)->key,
		.program = kernel->program,
		.statistics = true,
	};
	KILN_TRY(kiln_pipeline_compile(kernel->device, &job, &pipeline, &evidence));
	status = read_all(kernel->device, pipeline->handle, &statistics);
	kiln_free(evidence.blob);
	kiln_pipeline_free(pipeline);
	if (status != KILN_OK) {
		kiln_statistics_finish(&statistics);
		return status;
	}
	*out_statistics = statistics;
	return KILN_OK;
}

void kiln_statistics_finish(struct kiln_statistics *statistics)
{
	if (!statistics)
		return;
	kiln_free(statistics->items);
	*statistics = (struct kiln_statistics){0};
}
