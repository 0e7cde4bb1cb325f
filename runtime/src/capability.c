#include "capability.h"

#include <stddef.h>

#include <spirv/unified1/spirv.h>

#include <base/error.h>

#define ALWAYS SIZE_MAX
#define FEATURE(member, field) offsetof(struct kiln_device_features, member.field), #field
#define BITS(bit) VK_SUBGROUP_FEATURE_##bit##_BIT

static const struct feature_row {
	uint32_t capability;
	size_t offset; /* of a VkBool32 in struct kiln_device_features; ALWAYS = part of Vulkan 1.1 */
	const char *feature;
} features[] = {
	{SpvCapabilityMatrix, ALWAYS, NULL},
	{SpvCapabilityShader, ALWAYS, NULL},
	{SpvCapabilityInputAttachment, ALWAYS, NULL},
	{SpvCapabilitySampled1D, ALWAYS, NULL},
	{SpvCapabilityImage1D, ALWAYS, NULL},
	{SpvCapabilitySampledBuffer, ALWAYS, NULL},
	{SpvCapabilityImageBuffer, ALWAYS, NULL},
	{SpvCapabilityImageQuery, ALWAYS, NULL},
	{SpvCapabilityDerivativeControl, ALWAYS, NULL},
	{SpvCapabilityDeviceGroup, ALWAYS, NULL},
	{SpvCapabilityFloat64, FEATURE(core.features, shaderFloat64)},
	{SpvCapabilityInt64, FEATURE(core.features, shaderInt64)},
	{SpvCapabilityInt16, FEATURE(core.features, shaderInt16)},
	{SpvCapabilityInt8, FEATURE(v12, shaderInt8)},
	{SpvCapabilityFloat16, FEATURE(v12, shaderFloat16)},
	{SpvCapabilityInt64Atomics, FEATURE(v12, shaderBufferInt64Atomics)},
	{SpvCapabilityUniformBufferArrayDynamicIndexing,
         FEATURE(core.features, shaderUniformBufferArrayDynamicIndexing)},
	{SpvCapabilitySampledImageArrayDynamicIndexing,
         FEATURE(core.features, shaderSampledImageArrayDynamicIndexing)},
	{SpvCapabilityStorageBufferArrayDynamicIndexing,
         FEATURE(core.features, shaderStorageBufferArrayDynamicIndexing)},
	{SpvCapabilityStorageImageArrayDynamicIndexing,
         FEATURE(core.features, shaderStorageImageArrayDynamicIndexing)},
	{SpvCapabilityStorageImageExtendedFormats, FEATURE(core.features, shaderStorageImageExtendedFormats)},
	{SpvCapabilityStorageImageReadWithoutFormat,
         FEATURE(core.features, shaderStorageImageReadWithoutFormat)},
	{SpvCapabilityStorageImageWriteWithoutFormat,
         FEATURE(core.features, shaderStorageImageWriteWithoutFormat)},
	{SpvCapabilityImageGatherExtended, FEATURE(core.features, shaderImageGatherExtended)},
	{SpvCapabilityMinLod, FEATURE(core.features, shaderResourceMinLod)},
	{SpvCapabilityStorageBuffer16BitAccess, FEATURE(v11, storageBuffer16BitAccess)},
	{SpvCapabilityUniformAndStorageBuffer16BitAccess, FEATURE(v11, uniformAndStorageBuffer16BitAccess)},
	{SpvCapabilityStoragePushConstant16, FEATURE(v11, storagePushConstant16)},
	{SpvCapabilityVariablePointersStorageBuffer, FEATURE(v11, variablePointersStorageBuffer)},
	{SpvCapabilityVariablePointers, FEATURE(v11, variablePointers)},
	{SpvCapabilityStorageBuffer8BitAccess, FEATURE(v12, storageBuffer8BitAccess)},
	{SpvCapabilityUniformAndStorageBuffer8BitAccess, FEATURE(v12, uniformAndStorageBuffer8BitAccess)},
	{SpvCapabilityStoragePushConstant8, FEATURE(v12, storagePushConstant8)},
	{SpvCapabilityVulkanMemoryModel, FEATURE(v12, vulkanMemoryModel)},
	{SpvCapabilityVulkanMemoryModelDeviceScope, FEATURE(v12, vulkanMemoryModelDeviceScope)},
	{SpvCapabilityPhysicalStorageBufferAddresses, FEATURE(v12, bufferDeviceAddress)},
	{SpvCapabilityRuntimeDescriptorArray, FEATURE(v12, runtimeDescriptorArray)},
	{SpvCapabilityShaderNonUniform, FEATURE(v12, shaderStorageBufferArrayNonUniformIndexing)},
	{SpvCapabilityStorageBufferArrayNonUniformIndexing,
         FEATURE(v12, shaderStorageBufferArrayNonUniformIndexing)},
	{SpvCapabilityDotProduct, FEATURE(v13, shaderIntegerDotProduct)},
	{SpvCapabilityDotProductInputAll, FEATURE(v13, shaderIntegerDotProduct)},
	{SpvCapabilityDotProductInput4x8Bit, FEATURE(v13, shaderIntegerDotProduct)},
	{SpvCapabilityDotProductInput4x8BitPacked, FEATURE(v13, shaderIntegerDotProduct)},
	{SpvCapabilityAtomicFloat32AddEXT, FEATURE(atomic_float, shaderBufferFloat32AtomicAdd)},
	{SpvCapabilityAtomicFloat64AddEXT, FEATURE(atomic_float, shaderBufferFloat64AtomicAdd)},
	{SpvCapabilityCooperativeMatrixNV, FEATURE(cooperative_matrix, cooperativeMatrix)},
	{SpvCapabilityShaderClockKHR, FEATURE(clock, shaderSubgroupClock)},
	{SpvCapabilityWorkgroupMemoryExplicitLayoutKHR,
         FEATURE(explicit_layout, workgroupMemoryExplicitLayout)},
	{SpvCapabilityWorkgroupMemoryExplicitLayout8BitAccessKHR,
         FEATURE(explicit_layout, workgroupMemoryExplicitLayout8BitAccess)},
	{SpvCapabilityWorkgroupMemoryExplicitLayout16BitAccessKHR,
         FEATURE(explicit_layout, workgroupMemoryExplicitLayout16BitAccess)},
};

static const struct subgroup_row {
	uint32_t capability;
	VkSubgroupFeatureFlags any_of;
	const char *feature;
} subgroups[] = {
	{SpvCapabilityGroupNonUniform, BITS(BASIC), "basic subgroup operations"},
	{SpvCapabilityGroupNonUniformVote, BITS(VOTE), "subgroup vote"},
	{SpvCapabilitySubgroupVoteKHR, BITS(VOTE), "subgroup vote"},
	{SpvCapabilityGroupNonUniformArithmetic, BITS(ARITHMETIC), "subgroup arithmetic"},
	{SpvCapabilityGroupNonUniformBallot, BITS(BALLOT), "subgroup ballot"},
	{SpvCapabilitySubgroupBallotKHR, BITS(BALLOT), "subgroup ballot"},
	{SpvCapabilityGroupNonUniformShuffle, BITS(SHUFFLE), "subgroup shuffle"},
	{SpvCapabilityGroupNonUniformShuffleRelative, BITS(SHUFFLE_RELATIVE), "relative subgroup shuffle"},
	{SpvCapabilityGroupNonUniformClustered, BITS(CLUSTERED), "clustered subgroup operations"},
	{SpvCapabilityGroupNonUniformQuad, BITS(QUAD), "subgroup quad operations"},
};

const char *kiln_capability_lacking(const struct kiln_capability_set *set, uint32_t capability)
{
	for (size_t i = 0; i < sizeof(features) / sizeof(features[0]); i++) {
		if (features[i].capability != capability)
			continue;
		if (features[i].offset == ALWAYS)
			return NULL;
		return *(const VkBool32 *)((const char *)&set->features + features[i].offset)
		               ? NULL
		               : features[i].feature;
	}
	for (size_t i = 0; i < sizeof(subgroups) / sizeof(subgroups[0]); i++)
		if (subgroups[i].capability == capability)
			return set->subgroup_operations & subgroups[i].any_of ? NULL : subgroups[i].feature;
	return "any feature Kiln knows for it";
}

static enum kiln_status check_version(const struct kiln_capability_set *set,
                                      const struct kiln_reflection *reflection, const char *kernel,
                                      const char *device)
{
	uint32_t most = set->api_version >= VK_API_VERSION_1_3   ? 0x10600
	                : set->api_version >= VK_API_VERSION_1_2 ? 0x10500
	                                                         : 0x10300;

	if (reflection->version <= most)
		return KILN_OK;
	return kiln_error(
		KILN_ERR_SPIRV_CAPABILITY,
		"kernel '%s' is SPIR-V 1.%u, and device '%s' takes 1.%u at most. Fix: compile it for Vulkan 1.%u, with "
		"glslang --target-env vulkan1.%u",
		kernel, reflection->version >> 8 & 0xff, device, most >> 8 & 0xff,
		VK_API_VERSION_MINOR(set->api_version), VK_API_VERSION_MINOR(set->api_version));
}

static bool uses_local_size_id(const struct kiln_reflection *reflection)
{
	const uint32_t *words = reflection->words;
	size_t at = 5;

	/* Execution modes come before the first function; lengths were checked when the module was reflected. */
	for (; at < reflection->word_count && (words[at] & 0xffff) != SpvOpFunction; at += words[at] >> 16)
		if ((words[at] & 0xffff) == SpvOpExecutionModeId &&
		    words[at + 2] == SpvExecutionModeLocalSizeId)
			return true;
	return false;
}

static enum kiln_status check_local_size(const struct kiln_capability_set *set,
                                         const struct kiln_reflection *reflection, const char *kernel,
                                         const char *device)
{
	if (set->features.v13.maintenance4 || !uses_local_size_id(reflection))
		return KILN_OK;
	return kiln_error(
		KILN_ERR_SPIRV_CAPABILITY,
		"kernel '%s' sets its workgroup size by LocalSizeId, which needs maintenance4, and device '%s' does not "
		"have it. Fix: compile it for Vulkan 1.2 or older, with glslang --target-env vulkan1.2",
		kernel, device);
}

enum kiln_status kiln_capability_check(const struct kiln_capability_set *set,
                                       const struct kiln_reflection *reflection, const char *kernel,
                                       const char *device)
{
	KILN_TRY(check_version(set, reflection, kernel, device));
	KILN_TRY(check_local_size(set, reflection, kernel, device));
	for (size_t i = 0; i < reflection->capability_count; i++) {
		const char *lacking = kiln_capability_lacking(set, reflection->capabilities[i]);

		if (lacking)
			return kiln_error(
				KILN_ERR_SPIRV_CAPABILITY,
				"kernel '%s' declares the SPIR-V capability %s (%u), which needs %s, and device '%s' "
				"does not have it. Fix: use a variant of the kernel without it, or another device",
				kernel, kiln_capability_name(reflection->capabilities[i]),
				reflection->capabilities[i], lacking, device);
	}
	return KILN_OK;
}
