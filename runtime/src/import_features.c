/* Which features a chain of structs enables. */
#include "import_setup.h"

#include <string.h>

#include <base/error.h>
#include <base/hash.h>

#define CHAIN_MAX 256u /* structs: more are a ring */

/* A single feature: where it is in its struct, and in Kiln's. */
struct field {
	size_t from, to;
};

#define FIELD(type, member, name)                                                                          \
	{                                                                                                  \
		offsetof(VkPhysicalDevice##type, name), offsetof(struct kiln_device_features, member.name) \
	}

static const struct field storage16[] = {
	FIELD(16BitStorageFeatures, v11, storageBuffer16BitAccess),
	FIELD(16BitStorageFeatures, v11, uniformAndStorageBuffer16BitAccess),
	FIELD(16BitStorageFeatures, v11, storagePushConstant16),
};
static const struct field pointers[] = {
	FIELD(VariablePointersFeatures, v11, variablePointersStorageBuffer),
	FIELD(VariablePointersFeatures, v11, variablePointers),
};
static const struct field storage8[] = {
	FIELD(8BitStorageFeatures, v12, storageBuffer8BitAccess),
	FIELD(8BitStorageFeatures, v12, uniformAndStorageBuffer8BitAccess),
	FIELD(8BitStorageFeatures, v12, storagePushConstant8),
};
static const struct field atomic64[] = {
	FIELD(ShaderAtomicInt64Features, v12, shaderBufferInt64Atomics),
	FIELD(ShaderAtomicInt64Features, v12, shaderSharedInt64Atomics),
};
static const struct field float16[] = {
	FIELD(ShaderFloat16Int8Features, v12, shaderFloat16),
	FIELD(ShaderFloat16Int8Features, v12, shaderInt8),
};
static const struct field scalar[] = {
	FIELD(ScalarBlockLayoutFeatures, v12, scalarBlockLayout),
};
static const struct field standard_layout[] = {
	FIELD(UniformBufferStandardLayoutFeatures, v12, uniformBufferStandardLayout),
};
static const struct field subgroup_types[] = {
	FIELD(ShaderSubgroupExtendedTypesFeatures, v12, shaderSubgroupExtendedTypes),
};
static const struct field address[] = {
	FIELD(BufferDeviceAddressFeatures, v12, bufferDeviceAddress),
};
static const struct field timeline[] = {
	FIELD(TimelineSemaphoreFeatures, v12, timelineSemaphore),
};
static const struct field query_reset[] = {
	FIELD(HostQueryResetFeatures, v12, hostQueryReset),
};
static const struct field memory_model[] = {
	FIELD(VulkanMemoryModelFeatures, v12, vulkanMemoryModel),
	FIELD(VulkanMemoryModelFeatures, v12, vulkanMemoryModelDeviceScope),
	FIELD(VulkanMemoryModelFeatures, v12, vulkanMemoryModelAvailabilityVisibilityChains),
};
static const struct field indexing[] = {
	FIELD(DescriptorIndexingFeatures, v12, shaderUniformTexelBufferArrayDynamicIndexing),
	FIELD(DescriptorIndexingFeatures, v12, shaderStorageTexelBufferArrayDynamicIndexing),
	FIELD(DescriptorIndexingFeatures, v12, shaderUniformBufferArrayNonUniformIndexing),
	FIELD(DescriptorIndexingFeatures, v12, shaderSampledImageArrayNonUniformIndexing),
	FIELD(DescriptorIndexingFeatures, v12, shaderStorageBufferArrayNonUniformIndexing),
	FIELD(DescriptorIndexingFeatures, v12, shaderStorageImageArrayNonUniformIndexing),
	FIELD(DescriptorIndexingFeatures, v12, descriptorBindingUniformBufferUpdateAfterBind),
	FIELD(DescriptorIndexingFeatures, v12, descriptorBindingSampledImageUpdateAfterBind),
	FIELD(DescriptorIndexingFeatures, v12, descriptorBindingStorageImageUpdateAfterBind),
	FIELD(DescriptorIndexingFeatures, v12, descriptorBindingStorageBufferUpdateAfterBind),
	FIELD(DescriptorIndexingFeatures, v12, descriptorBindingUpdateUnusedWhilePending),
	FIELD(DescriptorIndexingFeatures, v12, descriptorBindingPartiallyBound),
	FIELD(DescriptorIndexingFeatures, v12, descriptorBindingVariableDescriptorCount),
	FIELD(DescriptorIndexingFeatures, v12, runtimeDescriptorArray),
};
static const struct field cache_control[] = {
	FIELD(PipelineCreationCacheControlFeatures, v13, pipelineCreationCacheControl),
};
static const struct field subgroup_size[] = {
	FIELD(SubgroupSizeControlFeatures, v13, subgroupSizeControl),
	FIELD(SubgroupSizeControlFeatures, v13, computeFullSubgroups),
};
static const struct field maintenance4[] = {
	FIELD(Maintenance4Features, v13, maintenance4),
};
static const struct field zero_workgroup[] = {
	FIELD(ZeroInitializeWorkgroupMemoryFeatures, v13, shaderZeroInitializeWorkgroupMemory),
};
static const struct field dot_product[] = {
	FIELD(ShaderIntegerDotProductFeatures, v13, shaderIntegerDotProduct),
};
static const struct field synchronization2[] = {
	FIELD(Synchronization2Features, v13, synchronization2),
};

/* A struct Kiln knows. One that Kiln keeps as it is has `bytes`, up to its last feature, and where it goes. */
struct known {
	VkStructureType type;
	const char *name;
	uint32_t core;         /* API version that brought it, 0 = none */
	const char *extension; /* NULL = none */
	const struct field *fields;
	size_t field_count, bytes, to;
};

#define SINGLE(kind, type, core, extension, fields)                                                          \
	{                                                                                                    \
		VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_##kind, "VkPhysicalDevice" #type, core, extension, fields, \
			sizeof(fields) / sizeof((fields)[0]), 0, 0                                           \
	}
#define WHOLE(kind, type, core, extension, member, last)                                                   \
	{                                                                                                  \
		VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_##kind, "VkPhysicalDevice" #type, core, extension, NULL, \
			0, offsetof(VkPhysicalDevice##type, last) + sizeof(VkBool32),                      \
			offsetof(struct kiln_device_features, member)                                      \
	}

static const struct known all[] = {
	WHOLE(FEATURES_2, Features2, VK_API_VERSION_1_1, NULL, core, features.inheritedQueries),
	WHOLE(VULKAN_1_1_FEATURES, Vulkan11Features, VK_API_VERSION_1_2, NULL, v11, shaderDrawParameters),
	WHOLE(VULKAN_1_2_FEATURES, Vulkan12Features, VK_API_VERSION_1_2, NULL, v12,
              subgroupBroadcastDynamicId),
	WHOLE(VULKAN_1_3_FEATURES, Vulkan13Features, VK_API_VERSION_1_3, NULL, v13, maintenance4),
	WHOLE(SHADER_ATOMIC_FLOAT_FEATURES_EXT, ShaderAtomicFloatFeaturesEXT, 0,
              VK_EXT_SHADER_ATOMIC_FLOAT_EXTENSION_NAME, atomic_float, sparseImageFloat32AtomicAdd),
	WHOLE(COOPERATIVE_MATRIX_FEATURES_NV, CooperativeMatrixFeaturesNV, 0,
              VK_NV_COOPERATIVE_MATRIX_EXTENSION_NAME, cooperative_matrix,
              cooperativeMatrixRobustBufferAccess),
	WHOLE(WORKGROUP_MEMORY_EXPLICIT_LAYOUT_FEATURES_KHR, WorkgroupMemoryExplicitLayoutFeaturesKHR, 0,
              VK_KHR_WORKGROUP_MEMORY_EXPLICIT_LAYOUT_EXTENSION_NAME, explicit_layout,
              workgroupMemoryExplicitLayout16BitAccess),
	WHOLE(SHADER_CLOCK_FEATURES_KHR, ShaderClockFeaturesKHR, 0, VK_KHR_SHADER_CLOCK_EXTENSION_NAME, clock,
              shaderDeviceClock),
	WHOLE(PIPELINE_EXECUTABLE_PROPERTIES_FEATURES_KHR, PipelineExecutablePropertiesFeaturesKHR, 0,
              VK_KHR_PIPELINE_EXECUTABLE_PROPERTIES_EXTENSION_NAME, executable, pipelineExecutableInfo),
	WHOLE(FAULT_FEATURES_EXT, FaultFeaturesEXT, 0, VK_EXT_DEVICE_FAULT_EXTENSION_NAME, fault,
              deviceFaultVendorBinary),
	SINGLE(16BIT_STORAGE_FEATURES, 16BitStorageFeatures, VK_API_VERSION_1_1, NULL, storage16),
	SINGLE(VARIABLE_POINTERS_FEATURES, VariablePointersFeatures, VK_API_VERSION_1_1, NULL, pointers),
	SINGLE(8BIT_STORAGE_FEATURES, 8BitStorageFeatures, VK_API_VERSION_1_2,
               VK_KHR_8BIT_STORAGE_EXTENSION_NAME, storage8),
	SINGLE(SHADER_ATOMIC_INT64_FEATURES, ShaderAtomicInt64Features, VK_API_VERSION_1_2,
               VK_KHR_SHADER_ATOMIC_INT64_EXTENSION_NAME, atomic64),
	SINGLE(SHADER_FLOAT16_INT8_FEATURES, ShaderFloat16Int8Features, VK_API_VERSION_1_2,
               VK_KHR_SHADER_FLOAT16_INT8_EXTENSION_NAME, float16),
	SINGLE(SCALAR_BLOCK_LAYOUT_FEATURES, ScalarBlockLayoutFeatures, VK_API_VERSION_1_2,
               VK_EXT_SCALAR_BLOCK_LAYOUT_EXTENSION_NAME, scalar),
	SINGLE(UNIFORM_BUFFER_STANDARD_LAYOUT_FEATURES, UniformBufferStandardLayoutFeatures,
               VK_API_VERSION_1_2, VK_KHR_UNIFORM_BUFFER_STANDARD_LAYOUT_EXTENSION_NAME, standard_layout),
	SINGLE(SHADER_SUBGROUP_EXTENDED_TYPES_FEATURES, ShaderSubgroupExtendedTypesFeatures,
               VK_API_VERSION_1_2, VK_KHR_SHADER_SUBGROUP_EXTENDED_TYPES_EXTENSION_NAME, subgroup_types),
	SINGLE(BUFFER_DEVICE_ADDRESS_FEATURES, BufferDeviceAddressFeatures, VK_API_VERSION_1_2,
               VK_KHR_BUFFER_DEVICE_ADDRESS_EXTENSION_NAME, address),
	SINGLE(TIMELINE_SEMAPHORE_FEATURES, TimelineSemaphoreFeatures, VK_API_VERSION_1_2,
               VK_KHR_TIMELINE_SEMAPHORE_EXTENSION_NAME, timeline),
	SINGLE(HOST_QUERY_RESET_FEATURES, HostQueryResetFeatures, VK_API_VERSION_1_2,
               VK_EXT_HOST_QUERY_RESET_EXTENSION_NAME, query_reset),
	SINGLE(VULKAN_MEMORY_MODEL_FEATURES, VulkanMemoryModelFeatures, VK_API_VERSION_1_2,
               VK_KHR_VULKAN_MEMORY_MODEL_EXTENSION_NAME, memory_model),
	SINGLE(DESCRIPTOR_INDEXING_FEATURES, DescriptorIndexingFeatures, VK_API_VERSION_1_2,
               VK_EXT_DESCRIPTOR_INDEXING_EXTENSION_NAME, indexing),
	SINGLE(PIPELINE_CREATION_CACHE_CONTROL_FEATURES, PipelineCreationCacheControlFeatures,
               VK_API_VERSION_1_3, VK_EXT_PIPELINE_CREATION_CACHE_CONTROL_EXTENSION_NAME, cache_control),
	SINGLE(SUBGROUP_SIZE_CONTROL_FEATURES, SubgroupSizeControlFeatures, VK_API_VERSION_1_3,
               VK_EXT_SUBGROUP_SIZE_CONTROL_EXTENSION_NAME, subgroup_size),
	SINGLE(MAINTENANCE_4_FEATURES, Maintenance4Features, VK_API_VERSION_1_3,
               VK_KHR_MAINTENANCE_4_EXTENSION_NAME, maintenance4),
	SINGLE(ZERO_INITIALIZE_WORKGROUP_MEMORY_FEATURES, ZeroInitializeWorkgroupMemoryFeatures,
               VK_API_VERSION_1_3, VK_KHR_ZERO_INITIALIZE_WORKGROUP_MEMORY_EXTENSION_NAME, zero_workgroup),
	SINGLE(SHADER_INTEGER_DOT_PRODUCT_FEATURES, ShaderIntegerDotProductFeatures, VK_API_VERSION_1_3,
               VK_KHR_SHADER_INTEGER_DOT_PRODUCT_EXTENSION_NAME, dot_product),
	SINGLE(SYNCHRONIZATION_2_FEATURES, Synchronization2Features, VK_API_VERSION_1_3,
               VK_KHR_SYNCHRONIZATION_2_EXTENSION_NAME, synchronization2),
};

static const struct known *find(VkStructureType type)
{
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (all[i].type == type)
			return &all[i];
	return NULL;
}

static enum kiln_status check_source(const struct known *known, uint32_t api,
                                     const struct kiln_extension_list *list)
{
	if (known->core && api >= known->core)
		return KILN_OK;
	if (known->extension && kiln_extension_listed(list, known->extension))
		return KILN_OK;
	if (!known->extension)
		return kiln_error(KILN_ERR_INVALID_ARGUMENT,
		                  "kiln_device_import: .features has a %s, which is of Vulkan 1.%u, and the "
		                  "device is used at 1.%u. Fix: pass the .api_version the instance was made "
		                  "with, or chain the structs of the single features",
		                  known->name, VK_API_VERSION_MINOR(known->core), VK_API_VERSION_MINOR(api));
	return kiln_error(KILN_ERR_INVALID_ARGUMENT,
	                  "kiln_device_import: .features has a %s, and .extensions (%u) does not list %s. "
	                  "Fix: pass all that VkDeviceCreateInfo.ppEnabledExtensionNames named",
	                  known->name, list->count, known->extension);
}

/* Vulkan's structs all begin with sType and pNext; padding behind the last feature may hold anything. */
static void add(const struct known *known, const void *given, struct kiln_device_features *features)
{
	char *all_features = (char *)features;

	if (known->bytes) {
		const size_t head = sizeof(VkBaseInStructure);

		memcpy(all_features + known->to + head, (const char *)given + head, known->bytes - head);
		((VkBaseOutStructure *)(all_features + known->to))->sType = known->type;
	}
	for (size_t i = 0; i < known->field_count; i++)
		if (*(const VkBool32 *)((const char *)given + known->fields[i].from))
			*(VkBool32 *)(all_features + known->fields[i].to) = VK_TRUE;
}

static enum kiln_status add_core(const VkPhysicalDeviceFeatures *core, struct kiln_device_features *features)
{
	if (!core)
		return KILN_OK;
	KILN_CHECK(
		features->core.sType == 0,
		"kiln_device_import: .core_features and a VkPhysicalDeviceFeatures2 in .features, and Vulkan "
		"allows one of them. Fix: pass the one that vkCreateDevice() got");
	features->core.features = *core;
	return KILN_OK;
}

static void hash_all(struct kiln_hasher *hasher, const struct kiln_device_features *features,
                     const struct kiln_extension_list *list)
{
	kiln_hash_field(hasher, features, sizeof(*features)); /* zeroed memory, and no pointer set */
	kiln_hash_u32(hasher, list->count);
	for (uint32_t i = 0; i < list->count; i++)
		kiln_hash_string(hasher, list->names[i].extensionName);
}

enum kiln_status kiln_import_features(const void *chain, const VkPhysicalDeviceFeatures *core, uint32_t api,
                                      const struct kiln_extension_list *list,
                                      struct kiln_device_features *out_features,
                                      struct kiln_digest *out_digest)
{
	struct kiln_hasher hasher;
	uint32_t count = 0;

	memset(out_features, 0, sizeof(*out_features));
	kiln_hash_init(&hasher, "kiln imported device v1");
	for (const VkBaseInStructure *at = chain; at; at = at->pNext) {
		const struct known *known = find(at->sType);

		KILN_CHECK(
			++count <= CHAIN_MAX,
			"kiln_device_import: .features has more than %u structs: the chain is a ring. Fix: "
			"end it with pNext = NULL",
			CHAIN_MAX);
		kiln_hash_u32(&hasher, (uint32_t)at->sType);
		if (!known)
			continue;
		KILN_TRY(check_source(known, api, list));
		add(known, at, out_features);
	}
	KILN_TRY(add_core(core, out_features));
	hash_all(&hasher, out_features, list);
	*out_digest = kiln_hash_finish(&hasher);
	return KILN_OK;
}
