#include "device_features.h"

#include <stddef.h>
#include <string.h>

#include <base/alloc.h>
#include <base/error.h>

/* Every feature a compute kernel can declare, and what streams need, as FEATURE(struct member, field). */
#define WANTED(FEATURE)                                                          \
	FEATURE(core.features, shaderFloat64)                                    \
	FEATURE(core.features, shaderInt64)                                      \
	FEATURE(core.features, shaderInt16)                                      \
	FEATURE(core.features, shaderUniformBufferArrayDynamicIndexing)          \
	FEATURE(core.features, shaderSampledImageArrayDynamicIndexing)           \
	FEATURE(core.features, shaderStorageBufferArrayDynamicIndexing)          \
	FEATURE(core.features, shaderStorageImageArrayDynamicIndexing)           \
	FEATURE(core.features, shaderStorageImageExtendedFormats)                \
	FEATURE(core.features, shaderStorageImageReadWithoutFormat)              \
	FEATURE(core.features, shaderStorageImageWriteWithoutFormat)             \
	FEATURE(core.features, shaderImageGatherExtended)                        \
	FEATURE(core.features, shaderResourceMinLod)                             \
	FEATURE(v11, storageBuffer16BitAccess)                                   \
	FEATURE(v11, uniformAndStorageBuffer16BitAccess)                         \
	FEATURE(v11, storagePushConstant16)                                      \
	FEATURE(v11, variablePointersStorageBuffer)                              \
	FEATURE(v11, variablePointers)                                           \
	FEATURE(v12, storageBuffer8BitAccess)                                    \
	FEATURE(v12, uniformAndStorageBuffer8BitAccess)                          \
	FEATURE(v12, storagePushConstant8)                                       \
	FEATURE(v12, shaderBufferInt64Atomics)                                   \
	FEATURE(v12, shaderSharedInt64Atomics)                                   \
	FEATURE(v12, shaderFloat16)                                              \
	FEATURE(v12, shaderInt8)                                                 \
	FEATURE(v12, scalarBlockLayout)                                          \
	FEATURE(v12, uniformBufferStandardLayout)                                \
	FEATURE(v12, shaderSubgroupExtendedTypes)                                \
	FEATURE(v12, bufferDeviceAddress)                                        \
	FEATURE(v12, timelineSemaphore)                                          \
	FEATURE(v12, descriptorBindingStorageBufferUpdateAfterBind)              \
	FEATURE(v12, descriptorBindingUniformBufferUpdateAfterBind)              \
	FEATURE(v12, vulkanMemoryModel)                                          \
	FEATURE(v12, vulkanMemoryModelDeviceScope)                               \
	FEATURE(v12, vulkanMemoryModelAvailabilityVisibilityChains)              \
	FEATURE(v12, runtimeDescriptorArray)                                     \
	FEATURE(v12, shaderStorageBufferArrayNonUniformIndexing)                 \
	FEATURE(v13, pipelineCreationCacheControl)                               \
	FEATURE(v13, subgroupSizeControl)                                        \
	FEATURE(v13, computeFullSubgroups)                                       \
	FEATURE(v13, maintenance4)                                               \
	FEATURE(v13, shaderZeroInitializeWorkgroupMemory)                        \
	FEATURE(v13, shaderIntegerDotProduct)                                    \
	FEATURE(atomic_float, shaderBufferFloat32Atomics)                        \
	FEATURE(atomic_float, shaderBufferFloat32AtomicAdd)                      \
	FEATURE(atomic_float, shaderBufferFloat64Atomics)                        \
	FEATURE(atomic_float, shaderBufferFloat64AtomicAdd)                      \
	FEATURE(atomic_float, shaderSharedFloat32Atomics)                        \
	FEATURE(atomic_float, shaderSharedFloat32AtomicAdd)                      \
	FEATURE(atomic_float, shaderSharedFloat64Atomics)                        \
	FEATURE(atomic_float, shaderSharedFloat64AtomicAdd)                      \
	FEATURE(cooperative_matrix, cooperativeMatrix)                           \
	FEATURE(explicit_layout, workgroupMemoryExplicitLayout)                  \
	FEATURE(explicit_layout, workgroupMemoryExplicitLayoutScalarBlockLayout) \
	FEATURE(explicit_layout, workgroupMemoryExplicitLayout8BitAccess)        \
	FEATURE(explicit_layout, workgroupMemoryExplicitLayout16BitAccess)       \
	FEATURE(clock, shaderSubgroupClock)                                      \
	FEATURE(clock, shaderDeviceClock)                                        \
	FEATURE(executable, pipelineExecutableInfo)                              \
	FEATURE(fault, deviceFault)

static bool has(const struct kiln_extension_list *list, const char *name)
{
	for (uint32_t i = 0; i < list->count; i++)
		if (strcmp(list->names[i].extensionName, name) == 0)
			return true;
	return false;
}

bool kiln_extension_listed(const struct kiln_extension_list *list, const char *name)
{
	return has(list, name);
}

enum kiln_status kiln_extension_list_read(const struct kiln_instance *instance, VkPhysicalDevice physical,
                                          struct kiln_extension_list *out_list)
{
	struct kiln_extension_list list = {0};
	VkResult result = instance->vkEnumerateDeviceExtensionProperties(physical, NULL, &list.count, NULL);

	if (result < 0)
		return kiln_vk_error(result, "vkEnumerateDeviceExtensionProperties");
	list.names = kiln_alloc_zero(list.count + 1u, sizeof(*list.names));
	if (!list.names)
		return kiln_error(KILN_ERR_OUT_OF_MEMORY,
		                  "out of memory listing device extensions. Fix: free memory and call again");
	result = instance->vkEnumerateDeviceExtensionProperties(physical, NULL, &list.count, list.names);
	if (result < 0) {
		kiln_free(list.names);
		return kiln_vk_error(result, "vkEnumerateDeviceExtensionProperties");
	}
	*out_list = list;
	return KILN_OK;
}

/* Appends a struct to the chain. Every Vulkan struct starts with sType and pNext. */
static void chain(struct kiln_device_features *features, void *next, VkStructureType type)
{
	VkBaseOutStructure *tail = (VkBaseOutStructure *)&features->core;

	while (tail->pNext)
		tail = tail->pNext;
	tail->pNext = next;
	((VkBaseOutStructure *)next)->sType = type;
}

static void build_chain(struct kiln_device_features *features, uint32_t api,
                        const struct kiln_extension_list *list)
{
	memset(features, 0, sizeof(*features));
	features->core.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2;
	if (api >= VK_API_VERSION_1_2) {
		chain(features, &features->v11, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_FEATURES);
		chain(features, &features->v12, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES);
	}
	if (api >= VK_API_VERSION_1_3)
		chain(features, &features->v13, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_3_FEATURES);
	if (has(list, VK_EXT_SHADER_ATOMIC_FLOAT_EXTENSION_NAME))
		chain(features, &features->atomic_float,
		      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_ATOMIC_FLOAT_FEATURES_EXT);
	if (has(list, VK_NV_COOPERATIVE_MATRIX_EXTENSION_NAME))
		chain(features, &features->cooperative_matrix,
		      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_FEATURES_NV);
	if (has(list, VK_KHR_WORKGROUP_MEMORY_EXPLICIT_LAYOUT_EXTENSION_NAME))
		chain(features, &features->explicit_layout,
		      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_WORKGROUP_MEMORY_EXPLICIT_LAYOUT_FEATURES_KHR);
	if (has(list, VK_KHR_SHADER_CLOCK_EXTENSION_NAME))
		chain(features, &features->clock,
		      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_CLOCK_FEATURES_KHR);
	if (has(list, VK_KHR_PIPELINE_EXECUTABLE_PROPERTIES_EXTENSION_NAME))
		chain(features, &features->executable,
		      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PIPELINE_EXECUTABLE_PROPERTIES_FEATURES_KHR);
	if (has(list, VK_EXT_DEVICE_FAULT_EXTENSION_NAME))
		chain(features, &features->fault, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FAULT_FEATURES_EXT);
}

static void keep_wanted(struct kiln_device_features *use, const struct kiln_device_features *have)
{
#define KEEP(member, field) use->member.field = have->member.field;
	WANTED(KEEP)
#undef KEEP
}

static void name_extensions(struct kiln_device_setup *setup, const struct kiln_extension_list *list)
{
	const struct kiln_device_features *use = &setup->features;
	const struct {
		const char *name;
		bool wanted;
	} rows[] = {
		{VK_EXT_SHADER_ATOMIC_FLOAT_EXTENSION_NAME, use->atomic_float.sType != 0},
		{VK_NV_COOPERATIVE_MATRIX_EXTENSION_NAME, use->cooperative_matrix.cooperativeMatrix != 0},
		{VK_KHR_WORKGROUP_MEMORY_EXPLICIT_LAYOUT_EXTENSION_NAME, use->explicit_layout.sType != 0},
		{VK_KHR_SHADER_CLOCK_EXTENSION_NAME, use->clock.sType != 0},
		{VK_EXT_PIPELINE_CREATION_FEEDBACK_EXTENSION_NAME, setup->api_version < VK_API_VERSION_1_3},
		{VK_KHR_SHADER_NON_SEMANTIC_INFO_EXTENSION_NAME, setup->api_version < VK_API_VERSION_1_3},
		{VK_KHR_PIPELINE_EXECUTABLE_PROPERTIES_EXTENSION_NAME, use->executable.sType != 0},
		{VK_EXT_CALIBRATED_TIMESTAMPS_EXTENSION_NAME, true},
		{VK_EXT_DEVICE_FAULT_EXTENSION_NAME, use->fault.deviceFault != 0},
		{VK_EXT_EXTERNAL_MEMORY_HOST_EXTENSION_NAME, true},
		{"VK_KHR_portability_subset", true}, /* obligatory wherever it is offered */
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].wanted && has(list, rows[i].name))
			setup->extensions[setup->extension_count++] = rows[i].name;
	setup->calibrated_timestamps = has(list, VK_EXT_CALIBRATED_TIMESTAMPS_EXTENSION_NAME);
	setup->host_import = has(list, VK_EXT_EXTERNAL_MEMORY_HOST_EXTENSION_NAME);
	setup->memory_budget = has(list, VK_EXT_MEMORY_BUDGET_EXTENSION_NAME);
	setup->feedback = setup->api_version >= VK_API_VERSION_1_3 ||
	                  has(list, VK_EXT_PIPELINE_CREATION_FEEDBACK_EXTENSION_NAME);
}

void kiln_features_take(const struct kiln_device_features *enabled, const struct kiln_extension_list *list,
                        struct kiln_device_setup *setup)
{
	struct kiln_device_features *use = &setup->features;

	keep_wanted(use, enabled);
	use->core.features.robustBufferAccess = enabled->core.features.robustBufferAccess;
	use->atomic_float.sType = enabled->atomic_float.sType;
	use->explicit_layout.sType = enabled->explicit_layout.sType;
	use->clock.sType = enabled->clock.sType;
	use->executable.sType = enabled->executable.sType;
	name_extensions(setup, list);
}

/* The structs of a version are not filled below it. */
static bool was_asked(const struct kiln_device_features *have, size_t offset)
{
	if (offset >= offsetof(struct kiln_device_features, v11) &&
	    offset < offsetof(struct kiln_device_features, v12) + sizeof(have->v12))
		return have->v12.sType != 0;
	if (offset >= offsetof(struct kiln_device_features, v13) &&
	    offset < offsetof(struct kiln_device_features, v13) + sizeof(have->v13))
		return have->v13.sType != 0;
	return true;
}

const char *kiln_features_excess(const struct kiln_device_features *use,
                                 const struct kiln_device_features *have)
{
#define EXCESS(member, field)                                                         \
	if (use->member.field && !have->member.field &&                               \
	    was_asked(have, offsetof(struct kiln_device_features, member.field)))     \
		return #field;
	WANTED(EXCESS)
#undef EXCESS
	return NULL;
}

enum kiln_status kiln_features_choose(const struct kiln_instance *instance, VkPhysicalDevice physical,
                                      bool robust, struct kiln_device_setup *out_setup)
{
	struct kiln_device_features have;
	struct kiln_extension_list list;
	VkPhysicalDeviceProperties properties;

	KILN_TRY(kiln_extension_list_read(instance, physical, &list));
	memset(out_setup, 0, sizeof(*out_setup));
	instance->vkGetPhysicalDeviceProperties(physical, &properties);
	out_setup->api_version =
		properties.apiVersion < instance->api_version ? properties.apiVersion : instance->api_version;
	build_chain(&have, out_setup->api_version, &list);
	build_chain(&out_setup->features, out_setup->api_version, &list);
	instance->vkGetPhysicalDeviceFeatures2(physical, &have.core);
	keep_wanted(&out_setup->features, &have);
	out_setup->features.core.features.robustBufferAccess = robust;
	if (robust) { /* only some devices check bounds of what is updated after it was bound */
		out_setup->features.v12.descriptorBindingStorageBufferUpdateAfterBind = VK_FALSE;
		out_setup->features.v12.descriptorBindingUniformBufferUpdateAfterBind = VK_FALSE;
	}
	name_extensions(out_setup, &list);
	kiln_free(list.names);
	return KILN_OK;
}
