/* One entry point, from what it reaches: workgroup, bindings, push constants, workgroup memory, features. */
#include "module.h"

static bool has_capability(const struct spirv_module *module, uint32_t capability)
{
	if (capability < 512)
		return (module->capability_seen[capability / 64] >> (capability % 64) & 1) != 0;
	capability -= 4096;
	return (module->capability_seen_high[capability / 64] >> (capability % 64) & 1) != 0;
}

static bool has_subgroups(const struct spirv_module *module)
{
	static const uint32_t subgroup[] = {
		SpvCapabilityGroups,
		SpvCapabilitySubgroupBallotKHR,
		SpvCapabilitySubgroupVoteKHR,
		SpvCapabilityGroupNonUniformPartitionedNV,
		SpvCapabilityGroupNonUniformRotateKHR,
		SpvCapabilitySubgroupShuffleINTEL,
		SpvCapabilityGroupUniformArithmeticKHR,
	};

	for (uint32_t capability = SpvCapabilityGroupNonUniform;
	     capability <= SpvCapabilityGroupNonUniformQuad; capability++)
		if (has_capability(module, capability))
			return true;
	for (size_t i = 0; i < sizeof(subgroup) / sizeof(subgroup[0]); i++)
		if (has_capability(module, subgroup[i]))
			return true;
	return false;
}

static uint32_t features(const struct spirv_module *module)
{
	uint32_t bits = 0;

	if (has_subgroups(module))
		bits |= KILN_FEATURE_SUBGROUP_OPS;
	if (module->has_f16 || has_capability(module, SpvCapabilityFloat16))
		bits |= KILN_FEATURE_F16;
	if (module->has_bf16 || has_capability(module, SPIRV_CAPABILITY_BFLOAT16_TYPE))
		bits |= KILN_FEATURE_BF16;
	if (has_capability(module, SpvCapabilityCooperativeMatrixNV) ||
	    has_capability(module, SPIRV_CAPABILITY_COOPERATIVE_MATRIX_KHR))
		bits |= KILN_FEATURE_TENSOR_CORES;
	return bits;
}

struct gathered {
	struct kiln_binding *bindings;
	size_t binding_count;
	uint64_t block_bytes; /* largest workgroup block: with an explicit layout they all alias */
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

static void add_shared(const struct spirv_module *module, const struct spirv_variable *variable,
                       struct gathered *gathered)
{
	const struct spirv_type *type = &module->types.items[variable->type];

	if (!(type->flags & SPIRV_TYPE_BLOCK))
		gathered->out->shared_bytes = kiln_spirv_add(gathered->out->shared_bytes, type->tight);
	else if (type->size > gathered->block_bytes)
		gathered->block_bytes = type->size;
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
		add_shared(module, variable, gathered);
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
	out_entry->shared_bytes = kiln_spirv_add(out_entry->shared_bytes, gathered.block_bytes);
	out_entry->features.bits =
		features(module) | (out_entry->push_bytes != 0 ? KILN_FEATURE_PUSH_CONSTANTS : 0);
	return KILN_OK;
}
