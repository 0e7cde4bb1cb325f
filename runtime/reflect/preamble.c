/* Everything before the types: capabilities, extensions, imports, entry points, execution modes, names. */
#include "module.h"

#include <string.h>

#define CAPABILITY_LOW (8 * 64)
#define CAPABILITY_HIGH_FROM 4096
#define CAPABILITY_HIGH (64 * 64)

/* Marks a capability as seen; true when it was before. Registries number from 4096 to below 8192. */
static bool seen_before(struct spirv_module *module, uint32_t capability)
{
	uint64_t *word, bit = UINT64_C(1) << (capability % 64);
	bool seen;

	if (capability < CAPABILITY_LOW)
		word = &module->capability_seen[capability / 64];
	else if (capability - CAPABILITY_HIGH_FROM < CAPABILITY_HIGH)
		word = &module->capability_seen_high[(capability - CAPABILITY_HIGH_FROM) / 64];
	else
		return false; /* no such capability; a repeat does no harm */
	seen = (*word & bit) != 0;
	*word |= bit;
	return seen;
}

static enum kiln_status capability(struct spirv_module *module, uint32_t at)
{
	KILN_TRY(kiln_spirv_need(module, at, 2));
	if (seen_before(module, module->words[at + 1]))
		return KILN_OK;
	if (!SPIRV_ROOM(module->capabilities))
		return kiln_spirv_out_of_memory(module);
	module->capabilities.items[module->capabilities.count++] = module->words[at + 1];
	return KILN_OK;
}

static enum kiln_status extension(struct spirv_module *module, uint32_t at)
{
	const char *name;
	uint32_t bytes;

	KILN_TRY(kiln_spirv_string(module, at, 1, &name, &bytes));
	if (!SPIRV_ROOM(module->extensions))
		return kiln_spirv_out_of_memory(module);
	module->extensions.items[module->extensions.count++] = at;
	return KILN_OK;
}

static enum spirv_set set_of(const char *name)
{
	if (strcmp(name, "NonSemantic.DebugPrintf") == 0)
		return SPIRV_SET_PRINTF;
	if (strncmp(name, "NonSemantic.", 12) == 0)
		return SPIRV_SET_STRIPPED;
	return strcmp(name, "OpenCL.DebugInfo.100") == 0 ? SPIRV_SET_EMPTIED : SPIRV_SET_PLAIN;
}

static enum kiln_status import(struct spirv_module *module, uint32_t at)
{
	const char *name;
	uint32_t bytes;
	enum spirv_set set;

	KILN_TRY(kiln_spirv_string(module, at, 2, &name, &bytes));
	set = set_of(name);
	module->prints |= set == SPIRV_SET_PRINTF;
	spirv_define(module, module->words[at + 1], SPIRV_KIND_SET, set);
	return KILN_OK;
}

static enum kiln_status entry_point(struct spirv_module *module, uint32_t at)
{
	struct spirv_entry *entry;
	const char *name;
	uint32_t bytes;

	KILN_TRY(kiln_spirv_string(module, at, 3, &name, &bytes));
	KILN_TRY(kiln_spirv_refer(module, at, module->words[at + 2]));
	if (!SPIRV_ROOM(module->entries))
		return kiln_spirv_out_of_memory(module);
	entry = &module->entries.items[module->entries.count++];
	*entry = (struct spirv_entry){
		.at = at,
		.model = module->words[at + 1],
		.function = module->words[at + 2],
		.name = at + 3,
		.name_bytes = bytes,
		.interface = at + 3 + bytes / 4 + 1,
	};
	for (uint32_t i = entry->interface; i < at + spirv_words_of(module, at); i++)
		KILN_TRY(kiln_spirv_refer(module, at, module->words[i]));
	return KILN_OK;
}

static enum kiln_status execution_mode(struct spirv_module *module, uint32_t at)
{
	uint32_t mode;

	KILN_TRY(kiln_spirv_need(module, at, 3));
	KILN_TRY(kiln_spirv_refer(module, at, module->words[at + 1]));
	mode = module->words[at + 2];
	if (mode != SpvExecutionModeLocalSize && mode != SpvExecutionModeLocalSizeId)
		return KILN_OK;
	KILN_TRY(kiln_spirv_need(module, at, 6));
	if (!SPIRV_ROOM(module->modes))
		return kiln_spirv_out_of_memory(module);
	module->modes.items[module->modes.count++] =
		(struct spirv_mode){.function = module->words[at + 1], .at = at};
	return KILN_OK;
}

static enum kiln_status name(struct spirv_module *module, uint32_t at, uint32_t string_from)
{
	const char *text;
	uint32_t bytes;

	KILN_TRY(kiln_spirv_string(module, at, string_from, &text, &bytes));
	KILN_TRY(kiln_spirv_refer_name(module, at, module->words[at + 1]));
	if (string_from == 2)
		module->ids[module->words[at + 1]].name = at;
	return KILN_OK;
}

enum kiln_status kiln_spirv_preamble(struct spirv_module *module, uint32_t at)
{
	switch ((uint16_t)module->words[at]) {
	case SpvOpCapability:
		return capability(module, at);
	case SpvOpExtension:
		return extension(module, at);
	case SpvOpExtInstImport:
		return import(module, at);
	case SpvOpEntryPoint:
		return entry_point(module, at);
	case SpvOpExecutionMode:
	case SpvOpExecutionModeId:
		return execution_mode(module, at);
	case SpvOpName:
		return name(module, at, 2);
	case SpvOpMemberName:
		return name(module, at, 3);
	default:
		return KILN_OK;
	}
}
