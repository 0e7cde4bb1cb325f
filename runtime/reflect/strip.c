/* Removes what does not change the compiled code, word for word as `spirv-opt --strip-debug` does (2023.1):
 * debug instructions, lines and no-ops go, and the id bound is set anew when anything but no-ops went.
 * Strings that DebugPrintf refers to stay. Beyond that tool, which keeps or fails on them, non-semantic sets
 * go with their import. */
#include "module.h"

#include <string.h>

static void copy_run(struct spirv_module *module, uint32_t end)
{
	size_t words = end - module->kept_from;

	memcpy(module->stripped + module->stripped_count, module->words + module->kept_from, words * 4);
	module->stripped_count += (uint32_t)words;
}

/* Format strings come before their users, hence a look ahead; only modules that print pay for it. */
static void mark_printed_strings(struct spirv_module *module, uint32_t at)
{
	uint32_t length;

	module->strings_marked = true;
	for (; at < module->count; at += length) {
		enum spirv_class class = SPIRV_OP_CLASS(spirv_op((uint16_t)module->words[at]));
		const struct spirv_id *set;

		length = spirv_words_of(module, at);
		if (length == 0 || length > module->count - at)
			return; /* the walk will report it */
		if (class != SPIRV_CLASS_EXT_INST || length < 6 || module->words[at + 3] >= module->bound)
			continue;
		set = &module->ids[module->words[at + 3]];
		if (set->kind != SPIRV_KIND_SET || set->index != SPIRV_SET_PRINTF)
			continue;
		for (uint32_t i = at + 5; i < at + length; i++)
			if (module->words[i] < module->bound && module->ids[module->words[i]].at == 0)
				module->ids[module->words[i]].name = SPIRV_NONE;
	}
}

static bool debug_stays(struct spirv_module *module, uint32_t at, uint16_t opcode)
{
	if (opcode != SpvOpString || !module->prints)
		return false;
	if (!module->strings_marked) {
		module->ids[module->words[at + 1]].at = 0; /* the look-ahead marks what is not yet defined */
		mark_printed_strings(module, at);
		module->ids[module->words[at + 1]].at = at;
	}
	return module->ids[module->words[at + 1]].name == SPIRV_NONE;
}

static bool goes(struct spirv_module *module, uint32_t at, enum spirv_class class)
{
	uint16_t opcode = (uint16_t)module->words[at];
	uint32_t set;

	if (class == SPIRV_CLASS_DEBUG)
		return !debug_stays(module, at, opcode);
	if (opcode == SpvOpExtInstImport)
		return module->ids[module->words[at + 1]].index == SPIRV_SET_STRIPPED;
	if (class != SPIRV_CLASS_EXT_INST || spirv_words_of(module, at) < 4)
		return false;
	set = module->words[at + 3];
	return set < module->bound && module->ids[set].kind == SPIRV_KIND_SET &&
	       module->ids[set].index >= SPIRV_SET_EMPTIED;
}

static enum kiln_status drop(struct spirv_module *module, uint32_t at, enum spirv_result result)
{
	copy_run(module, at);
	module->kept_from = at + spirv_words_of(module, at);
	module->changed |= (uint16_t)module->words[at] != SpvOpNop;
	if (result == SPIRV_RESULT_NONE)
		return KILN_OK;
	if (module->needed)
		return kiln_spirv_fail(
			module, KILN_ERR_SPIRV_INVALID, at,
			"debug information, id %u, is referred to by more "
			"than its name. Fix: check the module with spirv-val and compile it again.",
			module->words[at + result]);
	if ((uint16_t)module->words[at] != SpvOpExtInstImport) /* which says with its own kind what it is */
		spirv_define(module, module->words[at + result], SPIRV_KIND_DEBUG, 0);
	return KILN_OK;
}

enum kiln_status kiln_spirv_strip(struct spirv_module *module, uint32_t at, enum spirv_class class,
                                  enum spirv_result result)
{
	if ((class == SPIRV_CLASS_DEBUG || class == SPIRV_CLASS_MODULE || class == SPIRV_CLASS_EXT_INST) &&
	    goes(module, at, class))
		return drop(module, at, result);
	if (result == SPIRV_RESULT_ID || result == SPIRV_RESULT_TYPED)
		if (module->words[at + result] > module->highest_id)
			module->highest_id = module->words[at + result];
	return KILN_OK;
}

void kiln_spirv_strip_end(struct spirv_module *module)
{
	copy_run(module, module->count);
	/* With an instruction we do not know, the highest id is not known either. */
	if (module->changed && !module->unknown_ops)
		module->stripped[3] = module->highest_id + 1;
}
