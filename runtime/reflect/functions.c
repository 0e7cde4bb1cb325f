/* Function bodies: which module-scope variables each function touches and how, and whom it calls.
 * A pointer or handle got from a variable carries that variable along. A load is a read, a store a write;
 * whatever takes a pointer in a way not known here counts as everything the qualifiers allow, so no write is
 * ever missed. */
#include "module.h"

#define FIX "Fix: check the module with spirv-val and compile it again."

static bool is_root(const struct spirv_module *module, uint32_t id, uint32_t *out_variable)
{
	if (id >= module->bound || module->ids[id].kind != SPIRV_KIND_ROOT)
		return false;
	*out_variable = module->ids[id].index;
	return true;
}

/* One record per function and variable: consecutive uses in a function are merged. */
static enum kiln_status use(struct spirv_module *module, uint32_t variable_index, uint32_t access)
{
	struct spirv_variable *variable = &module->variables.items[variable_index];
	uint32_t function = (uint32_t)module->functions.count - 1;

	if (variable->last_use != SPIRV_NONE && module->uses.items[variable->last_use].function == function) {
		module->uses.items[variable->last_use].access |= access;
		return KILN_OK;
	}
	if (!SPIRV_ROOM(module->uses))
		return kiln_spirv_out_of_memory(module);
	variable->last_use = (uint32_t)module->uses.count;
	module->uses.items[module->uses.count++] = (struct spirv_use){variable_index, function, access};
	return KILN_OK;
}

static enum kiln_status use_id(struct spirv_module *module, uint32_t id, uint32_t access)
{
	uint32_t variable;

	return is_root(module, id, &variable) ? use(module, variable, access) : KILN_OK;
}

/* Everything the operands from word `from` on may refer to. */
static enum kiln_status escape(struct spirv_module *module, uint32_t at, uint32_t from)
{
	uint32_t variable;

	for (uint32_t i = at + from; i < at + spirv_words_of(module, at); i++)
		if (is_root(module, module->words[i], &variable))
			KILN_TRY(use(module, variable, module->variables.items[variable].allowed));
	return KILN_OK;
}

/* Asking for a size: needs the resource, reads nothing of it. Counts as the weakest access that is allowed.
 */
static enum kiln_status touch(struct spirv_module *module, uint32_t id)
{
	uint32_t variable, allowed;

	if (!is_root(module, id, &variable))
		return KILN_OK;
	allowed = module->variables.items[variable].allowed;
	return use(module, variable, allowed & KILN_ACCESS_READ ? KILN_ACCESS_READ : allowed);
}

/* The result stands for the same variable as `source`. */
static enum kiln_status derive(struct spirv_module *module, uint32_t at, uint32_t source)
{
	uint32_t variable;

	if (!is_root(module, source, &variable))
		return KILN_OK;
	spirv_define(module, module->words[at + 2], SPIRV_KIND_ROOT, variable);
	return use(module, variable, 0);
}

static enum kiln_status load(struct spirv_module *module, uint32_t at)
{
	uint32_t variable;

	KILN_TRY(kiln_spirv_need(module, at, 4));
	if (!is_root(module, module->words[at + 3], &variable))
		return KILN_OK;
	/* Loading an image or sampler only fetches the handle. */
	if (module->variables.items[variable].storage == SpvStorageClassUniformConstant)
		return derive(module, at, module->words[at + 3]);
	return use(module, variable, KILN_ACCESS_READ);
}

static enum kiln_status memory(struct spirv_module *module, uint32_t at)
{
	switch ((uint16_t)module->words[at]) {
	case SpvOpLoad:
		return load(module, at);
	case SpvOpImageTexelPointer:
		KILN_TRY(kiln_spirv_need(module, at, 4));
		return derive(module, at, module->words[at + 3]);
	case SpvOpArrayLength:
		KILN_TRY(kiln_spirv_need(module, at, 4));
		return touch(module, module->words[at + 3]);
	case SpvOpCooperativeMatrixLoadNV:
	case SPIRV_OP_COOPERATIVE_MATRIX_LOAD_KHR:
		KILN_TRY(kiln_spirv_need(module, at, 4));
		return use_id(module, module->words[at + 3], KILN_ACCESS_READ);
	case SpvOpCopyMemory:
	case SpvOpCopyMemorySized:
		KILN_TRY(kiln_spirv_need(module, at, 3));
		KILN_TRY(use_id(module, module->words[at + 1], KILN_ACCESS_WRITE));
		return use_id(module, module->words[at + 2], KILN_ACCESS_READ);
	default: /* stores; storing a pointer lets it out of sight */
		KILN_TRY(kiln_spirv_need(module, at, 3));
		KILN_TRY(use_id(module, module->words[at + 1], KILN_ACCESS_WRITE));
		return escape(module, at, 2);
	}
}

static enum kiln_status atomic(struct spirv_module *module, uint32_t at)
{
	switch ((uint16_t)module->words[at]) {
	case SpvOpAtomicLoad:
		KILN_TRY(kiln_spirv_need(module, at, 4));
		return use_id(module, module->words[at + 3], KILN_ACCESS_READ);
	case SpvOpAtomicStore:
	case SpvOpAtomicFlagClear:
		KILN_TRY(kiln_spirv_need(module, at, 2));
		return use_id(module, module->words[at + 1], KILN_ACCESS_WRITE);
	default:
		KILN_TRY(kiln_spirv_need(module, at, 4));
		return use_id(module, module->words[at + 3], KILN_ACCESS_READ | KILN_ACCESS_WRITE);
	}
}

/* Images come first in the operands, a sampler may follow. */
static enum kiln_status image(struct spirv_module *module, uint32_t at)
{
	switch ((uint16_t)module->words[at]) {
	case SpvOpImageWrite:
		KILN_TRY(kiln_spirv_need(module, at, 4));
		return use_id(module, module->words[at + 1], KILN_ACCESS_WRITE);
	case SpvOpSampledImage:
		KILN_TRY(kiln_spirv_need(module, at, 5));
		KILN_TRY(use_id(module, module->words[at + 4], KILN_ACCESS_READ));
		return derive(module, at, module->words[at + 3]);
	case SpvOpImage:
		KILN_TRY(kiln_spirv_need(module, at, 4));
		return derive(module, at, module->words[at + 3]);
	case SpvOpImageQueryFormat:
	case SpvOpImageQueryOrder:
	case SpvOpImageQuerySizeLod:
	case SpvOpImageQuerySize:
	case SpvOpImageQueryLevels:
	case SpvOpImageQuerySamples:
		KILN_TRY(kiln_spirv_need(module, at, 4));
		return touch(module, module->words[at + 3]);
	default:
		KILN_TRY(kiln_spirv_need(module, at, 4));
		return use_id(module, module->words[at + 3], KILN_ACCESS_READ);
	}
}

/* A phi may name pointers that come later. Whoever chooses among pointers in a loop gets the worst case. */
static bool is_pointer_phi(const struct spirv_module *module, uint32_t at)
{
	uint32_t type;

	return (uint16_t)module->words[at] == SpvOpPhi &&
	       kiln_spirv_type_index(module, at, module->words[at + 1], &type) == KILN_OK &&
	       module->types.items[type].kind == SPIRV_TYPE_POINTER;
}

/* Debug information and printing do nothing to what they mention. */
static bool is_semantic(const struct spirv_module *module, uint32_t at)
{
	uint32_t set = spirv_words_of(module, at) > 3 ? module->words[at + 3] : 0;

	return set >= module->bound || module->ids[set].kind != SPIRV_KIND_SET ||
	       module->ids[set].index == SPIRV_SET_PLAIN;
}

enum kiln_status kiln_spirv_body(struct spirv_module *module, uint32_t at, enum spirv_class class)
{
	switch (class) {
	case SPIRV_CLASS_CHAIN:
		KILN_TRY(kiln_spirv_need(module, at, 4));
		return derive(module, at, module->words[at + 3]);
	case SPIRV_CLASS_MEMORY:
		return memory(module, at);
	case SPIRV_CLASS_ATOMIC:
		return atomic(module, at);
	case SPIRV_CLASS_IMAGE:
		return image(module, at);
	case SPIRV_CLASS_EXT_INST:
		return is_semantic(module, at) ? escape(module, at, 5) : KILN_OK;
	case SPIRV_CLASS_VARIABLE:
		return escape(module, at, 4);
	default:
		module->pointer_phi |= is_pointer_phi(module, at);
		return escape(module, at, 1);
	}
}

static enum kiln_status begin(struct spirv_module *module, uint32_t at)
{
	if (module->in_function)
		return kiln_spirv_fail(module, KILN_ERR_SPIRV_INVALID, at,
		                       "a function begins inside another. " FIX);
	KILN_TRY(kiln_spirv_need(module, at, 5));
	if (!SPIRV_ROOM(module->functions))
		return kiln_spirv_out_of_memory(module);
	spirv_define(module, module->words[at + 2], SPIRV_KIND_FUNCTION, module->functions.count);
	module->functions.items[module->functions.count++] = (struct spirv_function){
		.first_use = (uint32_t)module->uses.count,
		.first_call = (uint32_t)module->calls.count,
	};
	module->in_function = true;
	return KILN_OK;
}

/* Pointers handed to a function are followed no further. */
static enum kiln_status call(struct spirv_module *module, uint32_t at)
{
	KILN_TRY(kiln_spirv_need(module, at, 4));
	KILN_TRY(kiln_spirv_refer(module, at, module->words[at + 3]));
	if (!SPIRV_ROOM(module->calls))
		return kiln_spirv_out_of_memory(module);
	module->calls.items[module->calls.count++] = module->words[at + 3];
	return escape(module, at, 4);
}

static enum kiln_status end(struct spirv_module *module)
{
	const struct spirv_function *function = &module->functions.items[module->functions.count - 1];

	for (size_t i = function->first_use; module->pointer_phi && i < module->uses.count; i++)
		module->uses.items[i].access |=
			module->variables.items[module->uses.items[i].variable].allowed;
	module->pointer_phi = false;
	module->in_function = false;
	return KILN_OK;
}

enum kiln_status kiln_spirv_function(struct spirv_module *module, uint32_t at)
{
	uint16_t opcode = (uint16_t)module->words[at];

	if (opcode == SpvOpFunction)
		return begin(module, at);
	if (!module->in_function)
		return kiln_spirv_fail(module, KILN_ERR_SPIRV_INVALID, at,
		                       "stands outside of any function. " FIX);
	if (opcode == SpvOpFunctionCall)
		return call(module, at);
	return opcode == SpvOpFunctionEnd ? end(module) : KILN_OK;
}
