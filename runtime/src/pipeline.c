#include "pipeline.h"

#include <stdio.h>
#include <string.h>

#include <base/alloc.h>
#include <base/clock.h>
#include <base/error.h>
#include <base/log.h>

#include "debug_name.h"
#include "device.h"
#include "pipeline_cache.h"
#include "slot_sets.h"

/* Vulkan reads specialisation values from one block of memory: the key's 64-bit values, of which it takes the low bytes.
 * Ownership: kiln_free(out_info->pData). */
static enum kiln_status specialise(const struct kiln_pipeline_key *key, VkSpecializationInfo *out_info)
{
	VkSpecializationMapEntry *entries;
	uint64_t *values;

	memset(out_info, 0, sizeof(*out_info));
	if (key->spec_count == 0)
		return KILN_OK;
	values = kiln_alloc_zero(key->spec_count, sizeof(*entries) + sizeof(*values));
	if (!values)
		return kiln_error(KILN_ERR_OUT_OF_MEMORY,
		                  "out of memory specialising a kernel. Fix: free memory and call again");
	entries = (VkSpecializationMapEntry *)(values + key->spec_count);
	for (size_t i = 0; i < key->spec_count; i++) {
		uint64_t value = key->spec[i].value;

		switch (key->spec[i].size) {
		case 1:
			memcpy(&values[i], &(uint8_t){(uint8_t)value}, 1);
			break;
		case 2:
			memcpy(&values[i], &(uint16_t){(uint16_t)value}, 2);
			break;
		case 4:
			memcpy(&values[i], &(uint32_t){(uint32_t)value}, 4);
			break;
		default:
			memcpy(&values[i], &value, 8);
		}
		entries[i] = (VkSpecializationMapEntry){key->spec[i].id, (uint32_t)(i * sizeof(*values)),
		                                        key->spec[i].size};
	}
	out_info->mapEntryCount = (uint32_t)key->spec_count;
	out_info->pMapEntries = entries;
	out_info->dataSize = key->spec_count * sizeof(*values);
	out_info->pData = values;
	return KILN_OK;
}

static VkPipelineCreateFlags pipeline_flags(const struct kiln_compile *compile)
{
	const struct kiln_pipeline_key *key = compile->key;
	VkPipelineCreateFlags flags =
		key->create_flags & KILN_CREATE_DISPATCH_BASE ? VK_PIPELINE_CREATE_DISPATCH_BASE : 0;

	return compile->statistics ? flags | VK_PIPELINE_CREATE_CAPTURE_STATISTICS_BIT_KHR : flags;
}

/* Feedback bits may be set on the pipeline and not on the stage, or the reverse (MoltenVK): either counts. */
static void judge(const VkPipelineCreationFeedback *whole, const VkPipelineCreationFeedback *stage,
                  struct kiln_compile_evidence *evidence)
{
	const VkPipelineCreationFeedback *both[] = {whole, stage};

	for (int i = 0; i < 2; i++) {
		if (!(both[i]->flags & VK_PIPELINE_CREATION_FEEDBACK_VALID_BIT))
			continue;
		evidence->has_feedback = true;
		if (both[i]->flags & VK_PIPELINE_CREATION_FEEDBACK_APPLICATION_PIPELINE_CACHE_HIT_BIT)
			evidence->cache_hit = true;
	}
}

struct job {
	const struct kiln_compile *compile;
	struct kiln_pipeline *pipeline;
	VkShaderModule module;
	bool shared_module; /* the program's, not ours to destroy */
	VkPipelineCache cache;
	VkSpecializationInfo specialisation;
	struct kiln_compile_evidence evidence;
};

/* KILN_OK without a pipeline: `flags` forbid to compile, and the driver would have to. */
static enum kiln_status create_pipeline(struct job *job, VkPipelineCreateFlags flags)
{
	const struct kiln_pipeline_key *key = job->compile->key;
	struct kiln_device *device = job->pipeline->device;
	VkPipelineCreationFeedback whole = {0}, stage = {0};
	VkPipelineCreationFeedbackCreateInfo feedback = {
		.sType = VK_STRUCTURE_TYPE_PIPELINE_CREATION_FEEDBACK_CREATE_INFO,
		.pPipelineCreationFeedback = &whole,
		.pipelineStageCreationFeedbackCount = 1,
		.pPipelineStageCreationFeedbacks = &stage,
	};
	VkPipelineShaderStageRequiredSubgroupSizeCreateInfo subgroup = {
		.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_REQUIRED_SUBGROUP_SIZE_CREATE_INFO,
		.requiredSubgroupSize = key->subgroup_size,
	};
	VkComputePipelineCreateInfo info = {
		.sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
		.pNext = device->has_feedback ? &feedback : NULL,
		.flags = pipeline_flags(job->compile) | flags,
		.stage =
			{
				.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
				.pNext = key->subgroup_size ? &subgroup : NULL,
				.stage = VK_SHADER_STAGE_COMPUTE_BIT,
				.module = job->module,
				.pName = key->entry,
				.pSpecializationInfo = &job->specialisation,
			},
		.layout = job->pipeline->layout,
	};
	enum kiln_status status = KILN_OK;
	uint64_t traced = kiln_trace_now(&device->watch), start = kiln_now_ns();

	KILN_VK_NEW(device, status, out, job->pipeline->handle,
	            device->vk.vkCreateComputePipelines(device->handle, job->cache, 1, &info, NULL,
	                                                &job->pipeline->handle));
	job->evidence.ns = kiln_now_ns() - start;
	kiln_trace_host(device, KILN_TRACE_COMPILE, key->entry, traced, 0);
	judge(&whole, &stage, &job->evidence);
out:
	return status;
}

/* A cache object is a comfort: where the driver has none to give, the pipeline is made without. */
static enum kiln_status open_cache(struct job *job, const void *blob, size_t blob_bytes)
{
	struct kiln_device *device = job->pipeline->device;

	if (kiln_pipeline_cache_create(device, blob, blob_bytes, &job->cache) == KILN_OK) {
		job->evidence.loaded = job->evidence.loaded || blob;
		return KILN_OK;
	}
	kiln_log(KILN_LOG_WARN, "compiling without a pipeline cache: %s", kiln_error_message());
	return kiln_device_check(device);
}

/* Asks for the pipeline on condition that nothing is compiled. Where that fails, the cache object starts anew: a blob the
 * driver would not use must not come back in the next one. */
static enum kiln_status probe(struct job *job)
{
	struct kiln_device *device = job->pipeline->device;

	KILN_TRY(create_pipeline(job, VK_PIPELINE_CREATE_FAIL_ON_PIPELINE_COMPILE_REQUIRED_BIT));
	job->evidence.found = job->pipeline->handle != VK_NULL_HANDLE;
	if (job->evidence.found)
		return KILN_OK;
	job->evidence = (struct kiln_compile_evidence){.loaded = job->evidence.loaded};
	if (job->compile->warm_only)
		return kiln_error(KILN_ERR_EXPECTED_WARM, "the driver would have to compile. Fix: allow it");
	if (!job->compile->blob)
		return KILN_OK;
	if (job->cache)
		device->vk.vkDestroyPipelineCache(device->handle, job->cache, NULL);
	job->cache = VK_NULL_HANDLE;
	return open_cache(job, NULL, 0);
}

static enum kiln_status make_pipeline(struct job *job)
{
	const struct kiln_compile *compile = job->compile;
	struct kiln_device *device = job->pipeline->device;

	if (compile->statistics)
		return create_pipeline(job, 0);
	KILN_TRY(open_cache(job, compile->blob, compile->blob_bytes));
	if (device->has_cache_control)
		KILN_TRY(probe(job));
	if (!job->pipeline->handle)
		KILN_TRY(create_pipeline(job, 0));
	if (!job->pipeline->handle)
		return kiln_error(
			KILN_ERR_DRIVER,
			"vkCreateComputePipelines succeeded without a pipeline. Fix: update the driver");
	if (job->cache && !(compile->blob && job->evidence.cache_hit))
		job->evidence.blob =
			kiln_pipeline_cache_extract(device, job->cache, &job->evidence.blob_bytes);
	return KILN_OK;
}

static const char *name_of(const struct kiln_compile *compile)
{
	return compile->name ? compile->name : compile->key->entry;
}

static enum kiln_status create_module(struct job *job)
{
	struct kiln_device *device = job->pipeline->device;
	const struct kiln_program *program = job->compile->program;
	VkShaderModuleCreateInfo info = {
		.sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO,
		.codeSize = program->reflection->word_count * sizeof(uint32_t),
		.pCode = program->reflection->words,
	};
	enum kiln_status status = KILN_OK;

	job->module = kiln_programs_module(&device->programs, program);
	job->shared_module = job->module != VK_NULL_HANDLE;
	if (job->shared_module)
		return KILN_OK;
	KILN_VK_NEW(device, status, out, job->module,
	            device->vk.vkCreateShaderModule(device->handle, &info, NULL, &job->module));
	kiln_debug_name(device, VK_OBJECT_TYPE_SHADER_MODULE, (uint64_t)(uintptr_t)job->module, "%s",
	                name_of(job->compile));
	job->shared_module = kiln_programs_keep_module(&device->programs, program, job->module);
out:
	return status;
}

static enum kiln_status create_layout(struct job *job)
{
	const struct kiln_pipeline_key *key = job->compile->key;
	struct kiln_interface interface = {0};
	enum kiln_status status;

	KILN_TRY(kiln_interface_init(&interface, job->compile->program, key->entry, key->spec,
	                             key->spec_count));
	status = kiln_pipeline_layout_create(job->pipeline, interface.entry, key);
	kiln_interface_finish(&interface);
	return status;
}

static enum kiln_status run(struct job *job)
{
	KILN_TRY(create_layout(job));
	KILN_TRY(create_module(job));
	KILN_TRY(specialise(job->compile->key, &job->specialisation));
	return make_pipeline(job);
}

static void name_objects(const struct job *job)
{
	const struct kiln_pipeline *pipeline = job->pipeline;
	const char *name = name_of(job->compile);

	kiln_debug_name(pipeline->device, VK_OBJECT_TYPE_PIPELINE, (uint64_t)(uintptr_t)pipeline->handle,
	                "%s", name);
	kiln_debug_name(pipeline->device, VK_OBJECT_TYPE_PIPELINE_LAYOUT,
	                (uint64_t)(uintptr_t)pipeline->layout, "%s", name);
	for (uint32_t i = 0; i < pipeline->set_count; i++)
		kiln_debug_name(pipeline->device, VK_OBJECT_TYPE_DESCRIPTOR_SET_LAYOUT,
		                (uint64_t)(uintptr_t)pipeline->sets[i], "%s, set %u", name, (unsigned)i);
}

/* Whoever holds it resolves again. */
static void destroy_objects(struct kiln_pipeline *pipeline)
{
	struct kiln_device *device = pipeline->device;

	if (pipeline->handle)
		device->vk.vkDestroyPipeline(device->handle, pipeline->handle, NULL);
	if (pipeline->layout)
		device->vk.vkDestroyPipelineLayout(device->handle, pipeline->layout, NULL);
	for (uint32_t i = 0; i < pipeline->set_count; i++)
		device->vk.vkDestroyDescriptorSetLayout(device->handle, pipeline->sets[i], NULL);
	pipeline->handle = VK_NULL_HANDLE;
	pipeline->layout = VK_NULL_HANDLE;
	pipeline->set_count = 0;
}

static void lose(void *object)
{
	struct kiln_pipeline *pipeline = object;

	atomic_store_explicit(&pipeline->dropped, true, memory_order_relaxed);
	destroy_objects(pipeline);
}

static const struct kiln_part_class pipeline_parts = {lose, NULL};

enum kiln_status kiln_pipeline_compile(struct kiln_device *device, const struct kiln_compile *compile,
                                       struct kiln_pipeline **out_pipeline,
                                       struct kiln_compile_evidence *out_evidence)
{
	struct job job = {.compile = compile, .pipeline = kiln_alloc_zero(1, sizeof(*job.pipeline))};
	enum kiln_status status;

	if (!job.pipeline)
		return kiln_error(KILN_ERR_OUT_OF_MEMORY,
		                  "out of memory compiling a kernel. Fix: free memory and call again");
	job.pipeline->device = device;
	atomic_init(&job.pipeline->references, 1);
	job.pipeline->id = kiln_object_id();
	kiln_part_add(device, &job.pipeline->part, &pipeline_parts, job.pipeline);
	(void)snprintf(job.pipeline->name, sizeof(job.pipeline->name), "%s", name_of(compile));
	status = run(&job);
	if (status == KILN_OK)
		name_objects(&job);
	kiln_free((void *)(uintptr_t)job.specialisation.pData);
	if (job.cache)
		device->vk.vkDestroyPipelineCache(device->handle, job.cache, NULL);
	if (job.module && !job.shared_module)
		device->vk.vkDestroyShaderModule(device->handle, job.module, NULL);
	if (status != KILN_OK) {
		kiln_pipeline_free(job.pipeline);
		return status;
	}
	job.pipeline->compile_ns = job.evidence.ns;
	*out_pipeline = job.pipeline;
	*out_evidence = job.evidence;
	return KILN_OK;
}

void kiln_pipeline_reference(struct kiln_pipeline *pipeline)
{
	atomic_fetch_add_explicit(&pipeline->references, 1, memory_order_relaxed);
}

static void free_retired(void *object)
{
	kiln_pipeline_free(object);
}

void kiln_pipeline_unreference(struct kiln_pipeline *pipeline)
{
	if (!pipeline || atomic_fetch_sub_explicit(&pipeline->references, 1, memory_order_acq_rel) != 1)
		return;
	if (pipeline->published)
		kiln_pipeline_tier_forget(&pipeline->device->pipelines, pipeline);
	pipeline->retired.free = free_retired;
	pipeline->retired.object = pipeline;
	kiln_stream_retire(pipeline->device, &pipeline->retired);
}

void kiln_pipeline_free(struct kiln_pipeline *pipeline)
{
	struct kiln_device *device = pipeline->device;

	kiln_part_remove(device, &pipeline->part);
	destroy_objects(pipeline);
	kiln_free(pipeline->key);
	kiln_free(pipeline);
}
