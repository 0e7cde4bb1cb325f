/* One entry point, from what it reaches: workgroup, bindings, push constants, workgroup memory, features. */
#include "module.h"

#include <string.h>

#include <base/error.h>

static uint32_t features(const struct spirv_module *module)
{
	uint32_t bits = 0;

	if (kiln_spirv_has_subgroups(module))
		bits |= KILN_FEATURE_SUBGROUP_OPS;
	if (module->has_f16 || kiln_spirv_has_capability(module, SpvCapabilityFloat16))
		bits |= KILN_FEATURE_F16;
	if (module->has_bf16 || kiln_spirv_has_capability(module, SPIRV_CAPABILITY_BFLOAT16_TYPE))
		bits |= KILN_FEATURE_BF16;
	if (kiln_spirv_has_capability(module, SpvCapabilityCooperativeMatrixNV) ||
	    kiln_spirv_has_capability(module, SPIRV_CAPABILITY_COOPERATIVE_MATRIX_KHR))
		bits |= KILN_FEATURE_TENSOR_CORES;
	return bits;
}

static bool is_named(const struct spirv_module *module, const struct spirv_entry *entry, const char *name)
{
	return entry->model == SpvExecutionModelGLCompute &&
	       strcmp((const char *)(module->words + entry->name), name) == 0;
}

enum kiln_status kiln_spirv_find_entry(const struct spirv_module *module, const char *name,
                                       const struct spirv_entry **out_entry)
{
	const struct spirv_entry *only = NULL;
	size_t compute = 0;

	for (size_t i = 0; i < module->entries.count; i++) {
		const struct spirv_entry *entry = &module->entries.items[i];

		if (is_named(module, entry, name != NULL ? name : "main")) {
			*out_entry = entry;
			return KILN_OK;
		}
		compute += entry->model == SpvExecutionModelGLCompute;
		only = entry->model == SpvExecutionModelGLCompute ? entry : only;
	}
	if (name != NULL || compute != 1)
		return kiln_error(
			KILN_ERR_SPIRV_ENTRY_POINT,
			"SPIR-V word %u: none of the module's %zu compute entry points is \"%.100s\". "
			"Fix: name one of them; kiln reflect lists them.",
			SPIRV_HEADER_WORDS, compute, name != NULL ? name : "main");
	*out_entry = only;
	return KILN_OK;
}

struct gathered {
	struct kiln_binding *bindings;
	size_t binding_count;
	struct kiln_entry_point *out;
};

static enum kiln_status add_push(const struct spirv_module *module, const struct spirv_variable *variable,
                                 struct kiln_entry_point *out)
{
	const struct spirv_type *leaf = &module->types.items[variable->leaf];

	KILN_TRY(kiln_spirv_check_block(module, variable));
	if (leaf->size > UINT32_MAX)
		return kiln_spirv_fail(module, KILN_ERR_SPIRV_LENGTH, variable->at,
		                       "a push-constant block of %llu bytes. Fix: "
		                       "put it into a buffer.",
		                       (unsigned long long)leaf->size);
	if (out->push_bytes == 0 || leaf->lowest < out->push_offset)
		out->push_offset = leaf->lowest;
	if (leaf->size > out->push_bytes)
		out->push_bytes = (uint32_t)leaf->size;
	return KILN_OK;
}

static enum kiln_status gather(const struct spirv_module *module, uint32_t variable_index, uint32_t access,
                               struct gathered *gathered)
{
	const struct spirv_variable *variable = &module->variables.items[variable_index];

	switch (variable->storage) {
	case SpvStorageClassInput:
		gathered->out->uses_num_workgroups |= variable->built_in == SpvBuiltInNumWorkgroups;
		gathered->out->uses_workgroup_id |= variable->built_in == SpvBuiltInWorkgroupId;
		return KILN_OK;
	case SpvStorageClassWorkgroup:
		return KILN_OK;
	case SpvStorageClassPushConstant:
		return add_push(module, variable, gathered->out);
	default:
		return kiln_spirv_binding(module, variable, access,
		                          &gathered->bindings[gathered->binding_count++]);
	}
}

enum kiln_status kiln_spirv_entry(const struct spirv_module *module, const struct spirv_entry *entry,
                                  struct kiln_binding *bindings, struct kiln_entry_point *out_entry)
{
	struct gathered gathered = {.bindings = bindings, .out = out_entry};

	KILN_TRY(kiln_spirv_workgroup(module, entry, out_entry->workgroup));
	for (uint32_t i = entry->first_reach; i < entry->first_reach + entry->reach_count; i++)
		KILN_TRY(gather(module, module->reached.items[i].variable, module->reached.items[i].access,
		                &gathered));
	for (size_t i = 0; i < module->unclaimed.count; i++)
		KILN_TRY(gather(module, module->unclaimed.items[i], 0, &gathered));
	KILN_TRY(kiln_spirv_merge(module, entry, bindings, gathered.binding_count,
	                          &out_entry->binding_count));
	out_entry->bindings = bindings;
	(void)kiln_spirv_shared(module, entry, &out_entry->shared_bytes);
	out_entry->features.bits =
		features(module) | (out_entry->push_bytes != 0 ? KILN_FEATURE_PUSH_CONSTANTS : 0);
	return KILN_OK;
}
