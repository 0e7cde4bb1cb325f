/* Can a module see how large its workgroups are? Sound, not complete: what is not known to be blind is refused. */
#include "resize.h"

#include <spirv/unified1/spirv.h>

#define FIX                                                                                                   \
	"Fix: declare the size with local_size_x_id, so that the compiler keeps what depends on it in step, " \
	"or leave it as it is."

static const char *name_of_input(uint32_t built_in)
{
	switch (built_in) {
	case SpvBuiltInNumWorkgroups:
		return "gl_NumWorkGroups";
	case SpvBuiltInWorkgroupId:
		return "gl_WorkGroupID";
	case SpvBuiltInLocalInvocationId:
		return "gl_LocalInvocationID";
	case SpvBuiltInLocalInvocationIndex:
		return "gl_LocalInvocationIndex";
	case SpvBuiltInNumSubgroups:
		return "gl_NumSubgroups";
	case SpvBuiltInSubgroupId:
		return "gl_SubgroupID";
	default:
		return "an input whose meaning may depend on it";
	}
}

static enum kiln_status sees(const struct spirv_module *module, uint32_t at, const char *what)
{
	return kiln_spirv_fail(module, KILN_ERR_UNSUPPORTED, at,
	                       "the workgroup size cannot be changed, because the kernel %s. " FIX, what);
}

static enum kiln_status check_inputs(const struct spirv_module *module, const struct spirv_entry *entry)
{
	for (uint32_t i = entry->first_reach; i < entry->first_reach + entry->reach_count; i++) {
		const struct spirv_variable *variable =
			&module->variables.items[module->reached.items[i].variable];

		if (variable->storage == SpvStorageClassInput &&
		    variable->built_in != SpvBuiltInGlobalInvocationId)
			return kiln_spirv_fail(
				module, KILN_ERR_UNSUPPORTED, variable->at,
				"the workgroup size cannot be changed, because the kernel reads %s. " FIX,
				name_of_input(variable->built_in));
	}
	for (size_t i = 0; i < module->variables.count; i++)
		if (module->variables.items[i].storage == SpvStorageClassWorkgroup)
			return sees(module, module->variables.items[i].at, "has shared memory");
	return KILN_OK;
}

static enum kiln_status check_capabilities(const struct spirv_module *module, const struct spirv_entry *entry)
{
	static const uint32_t grouped[] = {
		SpvCapabilityCooperativeMatrixNV,
		SPIRV_CAPABILITY_COOPERATIVE_MATRIX_KHR,
		SpvCapabilityComputeDerivativeGroupQuadsNV,
		SpvCapabilityComputeDerivativeGroupLinearNV,
	};

	if (kiln_spirv_has_subgroups(module))
		return sees(module, entry->at, "may use subgroup operations");
	for (size_t i = 0; i < sizeof(grouped) / sizeof(grouped[0]); i++)
		if (kiln_spirv_has_capability(module, grouped[i]))
			return sees(module, entry->at,
			            "computes with several invocations at once, matrices or derivatives");
	return KILN_OK;
}

/* Operands from this word on cannot be ids of a vector: literals, masks, and ids of other kinds. */
static uint32_t ids_end(const struct spirv_module *module, uint32_t at)
{
	switch ((uint16_t)module->words[at]) {
	case SpvOpConstant:
	case SpvOpSpecConstant:
	case SpvOpConstantNull:
	case SpvOpUndef:
	case SpvOpLabel:
	case SpvOpFunction:
	case SpvOpFunctionParameter:
	case SpvOpVariable: /* an initialiser is the last word, and refers to constants of its own storage */
	case SpvOpBranch:
	case SpvOpBranchConditional:
	case SpvOpSwitch:
	case SpvOpLoopMerge:
	case SpvOpSelectionMerge:
	case SpvOpLine:
	case SpvOpNoLine:
		return (uint16_t)module->words[at] == SpvOpVariable && spirv_words_of(module, at) > 4 ? 5 : 1;
	case SpvOpLoad:
	case SpvOpCompositeExtract:
		return 4;
	case SpvOpStore:
		return 3;
	case SpvOpVectorShuffle:
	case SpvOpCompositeInsert:
		return 5;
	default:
		return spirv_words_of(module, at);
	}
}

static bool is_code(enum spirv_class class)
{
	return class != SPIRV_CLASS_DEBUG && class != SPIRV_CLASS_MODULE && class != SPIRV_CLASS_ANNOTATION &&
	       class != SPIRV_CLASS_TYPE;
}

/* Does the instruction take the constant as an operand? A literal of the same number counts too where we cannot tell. */
static bool takes(const struct spirv_module *module, uint32_t at, enum spirv_class class, uint32_t id)
{
	uint32_t length = spirv_words_of(module, at), end = ids_end(module, at);
	/* An instruction's number in its set, or the operation a constant is made by. */
	uint32_t literal = class == SPIRV_CLASS_EXT_INST                        ? 4
	                   : (uint16_t)module->words[at] == SpvOpSpecConstantOp ? 3
	                                                                        : 0;

	for (uint32_t i = (uint16_t)module->words[at] == SpvOpVariable ? 4 : 1; i < end && i < length; i++)
		if (i != literal && module->words[at + i] == id && at + i != module->ids[id].at + 2)
			return true;
	return false;
}

static enum kiln_status check_code(const struct spirv_module *module)
{
	for (uint32_t at = SPIRV_HEADER_WORDS; at < module->count; at += spirv_words_of(module, at)) {
		uint16_t opcode = (uint16_t)module->words[at];
		uint8_t op = spirv_op(opcode);
		enum spirv_class class = SPIRV_OP_CLASS(op);

		if (SPIRV_OP_RESULT(op) == SPIRV_RESULT_UNKNOWN)
			return sees(module, at, "uses an instruction that Kiln does not know");
		if (opcode == SpvOpControlBarrier)
			return sees(module, at, "waits at a barrier");
		if (module->workgroup_size != 0 && is_code(class) &&
		    takes(module, at, class, module->workgroup_size))
			return sees(module, at, "reads gl_WorkGroupSize");
	}
	return KILN_OK;
}

/* Without the decoration the others must say their size themselves. */
static enum kiln_status check_others(const struct spirv_module *module, const struct spirv_entry *entry)
{
	for (size_t i = 0; i < module->entries.count && module->workgroup_size != 0; i++) {
		const struct spirv_entry *other = &module->entries.items[i];

		if (other->function != entry->function && kiln_spirv_mode(module, other->function) == NULL)
			return kiln_spirv_fail(
				module, KILN_ERR_UNSUPPORTED, other->at,
				"the workgroup size cannot be changed, because entry point \"%s\" has none but "
				"gl_WorkGroupSize. Fix: give each entry point a module of its own.",
				(const char *)(module->words + other->name));
	}
	return KILN_OK;
}

static enum kiln_status check_literal(const struct spirv_module *module, const struct spirv_entry *entry)
{
	struct kiln_workgroup_dim dims[3];

	KILN_TRY(kiln_spirv_workgroup(module, entry, dims));
	for (int d = 0; d < 3; d++)
		if (dims[d].specialised || dims[d].derived)
			return kiln_spirv_fail(module, KILN_ERR_UNSUPPORTED, entry->at,
			                       "specialisation constants set the workgroup size of \"%s\". "
			                       "Fix: set their values.",
			                       (const char *)(module->words + entry->name));
	return KILN_OK;
}

enum kiln_status kiln_spirv_check_resize(const struct spirv_module *module, const struct spirv_entry *entry)
{
	KILN_TRY(check_literal(module, entry));
	KILN_TRY(check_inputs(module, entry));
	KILN_TRY(check_capabilities(module, entry));
	KILN_TRY(check_code(module));
	return check_others(module, entry);
}
