/* Which variables each entry point reaches: by its static call tree, and from SPIR-V 1.4 on by its interface
 * list, which names them all. Variables that no entry point touches could be anyone's; before 1.4 they are
 * everyone's. */
#include "module.h"

#include <base/error.h>

static enum kiln_status reach(struct spirv_module *module, uint32_t entry, uint32_t variable_index,
                              uint32_t access)
{
	struct spirv_variable *variable = &module->variables.items[variable_index];

	variable->claimed = true;
	if (variable->reached_by == entry + 1) {
		module->reached.items[variable->reach].access |= access;
		return KILN_OK;
	}
	if (module->reached.count >= SPIRV_REACH_MAX)
		return kiln_spirv_fail(module, KILN_ERR_SPIRV_LENGTH, module->entries.items[entry].at,
		                       "the entry points reach "
		                       "more than %u variables in sum. Fix: split the module.",
		                       SPIRV_REACH_MAX);
	if (!SPIRV_ROOM(module->reached))
		return kiln_spirv_out_of_memory(module);
	variable->reached_by = entry + 1;
	variable->reach = (uint32_t)module->reached.count;
	module->reached.items[module->reached.count++] = (struct spirv_reach){variable_index, access};
	return KILN_OK;
}

/* Puts a function on the stack unless this entry point has been there. */
static enum kiln_status visit(struct spirv_module *module, uint32_t entry, uint32_t at, uint32_t id)
{
	struct spirv_function *function;

	if (module->ids[id].kind != SPIRV_KIND_FUNCTION)
		return kiln_spirv_fail(module, KILN_ERR_SPIRV_INVALID, at,
		                       "id %u is no function. Fix: check the module with "
		                       "spirv-val and compile it again.",
		                       id);
	function = &module->functions.items[module->ids[id].index];
	if (function->visited_by == entry + 1)
		return KILN_OK;
	function->visited_by = entry + 1;
	if (!SPIRV_ROOM(module->stack))
		return kiln_spirv_out_of_memory(module);
	module->stack.items[module->stack.count++] = module->ids[id].index;
	return KILN_OK;
}

static enum kiln_status walk_function(struct spirv_module *module, uint32_t entry, uint32_t index)
{
	bool last = index + 1 == module->functions.count;
	const struct spirv_function *function = &module->functions.items[index];
	size_t uses_end = last ? module->uses.count : function[1].first_use;
	size_t calls_end = last ? module->calls.count : function[1].first_call;
	uint32_t at = module->entries.items[entry].at;

	module->walked += (uint32_t)(1 + uses_end - function->first_use + calls_end - function->first_call);
	if (module->walked > SPIRV_WALK_MAX)
		return kiln_spirv_fail(module, KILN_ERR_SPIRV_LENGTH, at,
		                       "the call graphs of the entry points take more than "
		                       "%u steps in sum. Fix: split the module.",
		                       SPIRV_WALK_MAX);
	for (size_t i = function->first_use; i < uses_end; i++)
		KILN_TRY(reach(module, entry, module->uses.items[i].variable, module->uses.items[i].access));
	for (size_t i = function->first_call; i < calls_end; i++)
		KILN_TRY(visit(module, entry, at, module->calls.items[i]));
	return KILN_OK;
}

static enum kiln_status walk_interface(struct spirv_module *module, uint32_t index)
{
	const struct spirv_entry *entry = &module->entries.items[index];

	for (uint32_t i = entry->interface; i < entry->at + spirv_words_of(module, entry->at); i++) {
		const struct spirv_id *id = &module->ids[module->words[i]];

		if (id->kind == SPIRV_KIND_ROOT)
			KILN_TRY(reach(module, index, id->index, 0));
	}
	return KILN_OK;
}

static enum kiln_status walk_entry(struct spirv_module *module, uint32_t index)
{
	struct spirv_entry *entry = &module->entries.items[index];

	entry->first_reach = (uint32_t)module->reached.count;
	KILN_TRY(visit(module, index, entry->at, entry->function));
	while (module->stack.count != 0)
		KILN_TRY(walk_function(module, index, module->stack.items[--module->stack.count]));
	KILN_TRY(walk_interface(module, index));
	entry->reach_count = (uint32_t)module->reached.count - entry->first_reach;
	return KILN_OK;
}

static enum kiln_status collect_unclaimed(struct spirv_module *module)
{
	for (uint32_t i = 0; i < module->variables.count; i++) {
		const struct spirv_variable *variable = &module->variables.items[i];

		if (variable->claimed || variable->storage == SpvStorageClassInput ||
		    variable->storage == SpvStorageClassWorkgroup)
			continue;
		if (!SPIRV_ROOM(module->unclaimed))
			return kiln_spirv_out_of_memory(module);
		module->unclaimed.items[module->unclaimed.count++] = i;
	}
	if (module->unclaimed.count * module->entries.count > SPIRV_REACH_MAX)
		return kiln_error(KILN_ERR_SPIRV_LENGTH,
		                  "SPIR-V word %u: %zu entry points may each use %zu variables that none "
		                  "touches; expected at most %u pairs. Fix: remove what is not used.",
		                  SPIRV_HEADER_WORDS, module->entries.count, module->unclaimed.count,
		                  SPIRV_REACH_MAX);
	return KILN_OK;
}

enum kiln_status kiln_spirv_walk(struct spirv_module *module)
{
	for (uint32_t i = 0; i < module->entries.count; i++)
		KILN_TRY(walk_entry(module, i));
	return module->version < 0x00010400 ? collect_unclaimed(module) : KILN_OK;
}
