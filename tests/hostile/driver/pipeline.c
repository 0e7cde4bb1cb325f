/* Shader modules and pipelines. "Compiling" is a pause, and a digest of what could change the code. */
#include <stdio.h>
#include <string.h>

#include <spirv/unified1/spirv.h>

#include "objects.h"

VKAPI_ATTR VkResult VKAPI_CALL vkCreateShaderModule(VkDevice device, const VkShaderModuleCreateInfo *info,
                                                    const VkAllocationCallbacks *allocator,
                                                    VkShaderModule *out_module)
{
	VkShaderModule module;

	(void)allocator;
	if (hostile_strikes(device->script, HOSTILE_MODULE_OOM))
		return VK_ERROR_OUT_OF_HOST_MEMORY;
	module = hostile_new(device, sizeof(*module) + info->codeSize);
	if (!module)
		return VK_ERROR_OUT_OF_HOST_MEMORY;
	module->word_count = info->codeSize / 4;
	memcpy(module->words, info->pCode, info->codeSize);
	hostile_log(device->script, "module");
	*out_module = module;
	return VK_SUCCESS;
}

VKAPI_ATTR void VKAPI_CALL vkDestroyShaderModule(VkDevice device, VkShaderModule module,
                                                 const VkAllocationCallbacks *allocator)
{
	(void)allocator;
	hostile_delete(device, module);
}

/* ---- The key ---- */

/* FNV-1a, twice with different starts. */
static void hash(struct hostile_key *key, const void *data, size_t bytes)
{
	const uint8_t *at = data;

	for (size_t i = 0; i < bytes; i++)
		for (int half = 0; half < 2; half++)
			key->half[half] = (key->half[half] ^ at[i]) * UINT64_C(0x100000001b3);
}

static void hash_layout(struct hostile_key *key, const struct VkPipelineLayout_T *layout)
{
	for (uint32_t i = 0; i < layout->set_count; i++) {
		hash(key, &i, sizeof(i));
		for (uint32_t j = 0; j < layout->sets[i].count; j++) {
			const VkDescriptorSetLayoutBinding *binding = &layout->sets[i].bindings[j];
			const uint32_t facts[3] = {binding->binding, binding->descriptorType,
			                           binding->descriptorCount};

			hash(key, facts, sizeof(facts));
		}
	}
	hash(key, &layout->push_bytes, sizeof(layout->push_bytes));
}

static struct hostile_key key_of(const VkComputePipelineCreateInfo *info)
{
	const VkSpecializationInfo *spec = info->stage.pSpecializationInfo;
	const VkPipelineCreateFlags flags =
		info->flags &
		~(VkPipelineCreateFlags)VK_PIPELINE_CREATE_FAIL_ON_PIPELINE_COMPILE_REQUIRED_BIT;
	struct hostile_key key = {{UINT64_C(0xcbf29ce484222325), UINT64_C(0x84222325cbf29ce4)}};

	hash(&key, info->stage.module->words, info->stage.module->word_count * 4);
	hash(&key, info->stage.pName, strlen(info->stage.pName));
	hash(&key, &flags, sizeof(flags));
	hash_layout(&key, info->layout);
	for (uint32_t i = 0; spec && i < spec->mapEntryCount; i++) {
		const VkSpecializationMapEntry *entry = &spec->pMapEntries[i];

		hash(&key, &entry->constantID, sizeof(entry->constantID));
		hash(&key, (const char *)spec->pData + entry->offset, entry->size);
	}
	return key;
}

/* ---- The workgroup ---- */

/* LocalSize of the module's entry point, with specialisation constant 0 standing for x: so the tests' kernels
 * declare it. */
static uint32_t group_threads(const VkComputePipelineCreateInfo *info)
{
	const VkSpecializationInfo *spec = info->stage.pSpecializationInfo;
	const struct VkShaderModule_T *module = info->stage.module;
	uint32_t size[3] = {1, 1, 1};

	for (size_t at = 5, length; at < module->word_count; at += length) {
		length = module->words[at] >> SpvWordCountShift;
		if (length == 0 || length > module->word_count - at)
			break;
		if ((module->words[at] & SpvOpCodeMask) == SpvOpExecutionMode && length == 6 &&
		    module->words[at + 2] == SpvExecutionModeLocalSize)
			memcpy(size, &module->words[at + 3], sizeof(size));
	}
	for (uint32_t i = 0; spec && i < spec->mapEntryCount; i++)
		if (spec->pMapEntries[i].constantID == 0 && spec->pMapEntries[i].size == sizeof(size[0]))
			memcpy(&size[0], (const char *)spec->pData + spec->pMapEntries[i].offset,
			       sizeof(size[0]));
	return size[0] * size[1] * size[2];
}

/* ---- Feedback ---- */

static const VkPipelineCreationFeedbackCreateInfo *feedback_of(const VkComputePipelineCreateInfo *info)
{
	for (const VkBaseInStructure *next = info->pNext; next; next = next->pNext)
		if (next->sType == VK_STRUCTURE_TYPE_PIPELINE_CREATION_FEEDBACK_CREATE_INFO)
			return (const void *)next;
	return NULL;
}

static void write_feedback(struct hostile_script *script, const VkComputePipelineCreateInfo *info, bool hit)
{
	const VkPipelineCreationFeedbackCreateInfo *feedback = feedback_of(info);
	VkPipelineCreationFeedback truth = {VK_PIPELINE_CREATION_FEEDBACK_VALID_BIT, 1000};

	if (!feedback || hostile_strikes(script, HOSTILE_FEEDBACK_NONE))
		return;
	if (hostile_strikes(script, HOSTILE_FEEDBACK_LIES_HIT))
		hit = true;
	if (hostile_strikes(script, HOSTILE_FEEDBACK_LIES_MISS))
		hit = false;
	if (hit)
		truth.flags |= VK_PIPELINE_CREATION_FEEDBACK_APPLICATION_PIPELINE_CACHE_HIT_BIT;
	if (hostile_strikes(script, HOSTILE_FEEDBACK_INVALID))
		truth.flags &= ~(VkPipelineCreationFeedbackFlags)VK_PIPELINE_CREATION_FEEDBACK_VALID_BIT;
	if (!hostile_strikes(script, HOSTILE_FEEDBACK_STAGE_ONLY))
		*feedback->pPipelineCreationFeedback = truth;
	if (feedback->pipelineStageCreationFeedbackCount &&
	    !hostile_strikes(script, HOSTILE_FEEDBACK_WHOLE_ONLY))
		feedback->pPipelineStageCreationFeedbacks[0] = truth;
}

/* ---- Pipelines ---- */

static VkResult refuse(VkDevice device)
{
	struct hostile_script *script = device->script;

	if (hostile_strikes(script, HOSTILE_COMPILE_OOM_HOST))
		return VK_ERROR_OUT_OF_HOST_MEMORY;
	if (hostile_strikes(script, HOSTILE_COMPILE_OOM_DEVICE))
		return VK_ERROR_OUT_OF_DEVICE_MEMORY;
	if (hostile_strikes(script, HOSTILE_COMPILE_UNKNOWN))
		return VK_ERROR_UNKNOWN;
	if (hostile_strikes(script, HOSTILE_COMPILE_LOST))
		return hostile_lose(device);
	if (hostile_strikes(script, HOSTILE_COMPILE_REQUIRED))
		return VK_PIPELINE_COMPILE_REQUIRED;
	return VK_SUCCESS;
}

static VkPipeline new_pipeline(VkDevice device, const VkComputePipelineCreateInfo *info)
{
	VkPipeline pipeline = hostile_new(device, sizeof(*pipeline));

	if (!pipeline)
		return NULL;
	(void)snprintf(pipeline->entry, sizeof(pipeline->entry), "%s", info->stage.pName);
	pipeline->kernel = hostile_find_kernel(info->stage.pName);
	pipeline->group_threads = group_threads(info);
	return pipeline;
}

static bool may_compile(struct hostile_script *script, const VkComputePipelineCreateInfo *info)
{
	return !(info->flags & VK_PIPELINE_CREATE_FAIL_ON_PIPELINE_COMPILE_REQUIRED_BIT) ||
	       hostile_strikes(script, HOSTILE_COMPILE_FORBIDDEN);
}

static VkResult create(VkDevice device, VkPipelineCache cache, const VkComputePipelineCreateInfo *info,
                       VkPipeline *out_pipeline)
{
	const struct hostile_key key = key_of(info);
	bool hit = cache && hostile_cache_has(cache, &key);
	VkResult result;

	if (!hit && !may_compile(device->script, info))
		return VK_PIPELINE_COMPILE_REQUIRED;
	result = refuse(device);
	if (result != VK_SUCCESS)
		return result;
	hostile_log(device->script, "%s %s", hit ? "hit" : "compile", info->stage.pName);
	if (!hit)
		hostile_pause(device->script, HOSTILE_COMPILE_MS);
	if (!hit && cache)
		hostile_cache_add(cache, &key);
	write_feedback(device->script, info, hit);
	if (hostile_strikes(device->script, HOSTILE_COMPILE_NULL))
		return VK_SUCCESS;
	*out_pipeline = new_pipeline(device, info);
	return *out_pipeline ? VK_SUCCESS : VK_ERROR_OUT_OF_HOST_MEMORY;
}

VKAPI_ATTR VkResult VKAPI_CALL vkCreateComputePipelines(VkDevice device, VkPipelineCache cache,
                                                        uint32_t count,
                                                        const VkComputePipelineCreateInfo *infos,
                                                        const VkAllocationCallbacks *allocator,
                                                        VkPipeline *out_pipelines)
{
	VkResult result = VK_SUCCESS;

	(void)allocator;
	for (uint32_t i = 0; i < count; i++) {
		VkResult one;

		out_pipelines[i] = VK_NULL_HANDLE;
		one = create(device, cache, &infos[i], &out_pipelines[i]);
		if (one != VK_SUCCESS)
			result = one;
	}
	return result;
}

VKAPI_ATTR void VKAPI_CALL vkDestroyPipeline(VkDevice device, VkPipeline pipeline,
                                             const VkAllocationCallbacks *allocator)
{
	(void)allocator;
	if (pipeline && atomic_load(&pipeline->pending) && !hostile_is_lost(device))
		hostile_log(device->script, "misuse a pipeline is destroyed while it is in use");
	hostile_log(device->script, "pipeline_destroy");
	hostile_delete(device, pipeline);
}
