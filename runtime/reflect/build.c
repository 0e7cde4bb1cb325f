/* Makes the result: one block of memory for everything but the stripped words, which are handed over. */
#include "module.h"

#include <stdlib.h>
#include <string.h>

#include <base/alloc.h>
#include <base/error.h>

#define BLOCK_NAME_MAX 255 /* bytes; many variables can share the name of one block */

struct plan {
	size_t entries, bindings;
	size_t text; /* bytes */
};

struct text {
	char *next;
};

static const char *copy_text(struct text *text, const char *source, size_t bytes)
{
	char *copy = text->next;

	memcpy(copy, source, bytes);
	copy[bytes] = '\0';
	text->next += bytes + 1;
	return copy;
}

/* The string of an OpName of `id`; NULL when it has none or an empty one. The walk has checked that it ends.
 */
static const char *name_of_id(const struct spirv_module *module, uint32_t id)
{
	uint32_t at = module->ids[id].name;
	const char *name;

	if (at == 0 || at == SPIRV_NONE)
		return NULL;
	name = (const char *)(module->words + at + 2);
	return name[0] != '\0' ? name : NULL;
}

/* A variable's own name or, for blocks without an instance name, the block's, cut at a whole character. */
static const char *name_of_variable(const struct spirv_module *module, const struct spirv_variable *variable,
                                    size_t *out_bytes)
{
	const char *name = name_of_id(module, variable->id);
	uint32_t block = module->words[module->types.items[variable->leaf].at + 1];

	if (name == NULL && module->types.items[variable->leaf].kind == SPIRV_TYPE_STRUCT)
		name = name_of_id(module, block);
	/* No further than is kept: many variables may share one long name. */
	*out_bytes = name != NULL ? strnlen(name, BLOCK_NAME_MAX + 1) : 0;
	if (*out_bytes > BLOCK_NAME_MAX) {
		*out_bytes = BLOCK_NAME_MAX;
		while (*out_bytes > 0 && ((unsigned char)name[*out_bytes] & 0xc0) == 0x80)
			(*out_bytes)--;
	}
	return name;
}

static void plan_result(const struct spirv_module *module, struct plan *plan)
{
	size_t bytes;

	for (size_t i = 0; i < module->entries.count; i++) {
		if (module->entries.items[i].model != SpvExecutionModelGLCompute)
			continue;
		plan->entries++;
		plan->bindings += module->entries.items[i].reach_count + module->unclaimed.count;
		plan->text += module->entries.items[i].name_bytes + 1;
	}
	for (size_t i = 0; i < module->variables.count; i++)
		if (name_of_variable(module, &module->variables.items[i], &bytes) != NULL)
			plan->text += bytes + 1;
	for (size_t i = 0; i < module->constants.count; i++) {
		const char *name = name_of_id(module, module->words[module->constants.items[i] + 2]);

		plan->text += name != NULL ? strlen(name) + 1 : 0;
	}
	for (size_t i = 0; i < module->extensions.count; i++)
		plan->text += strlen((const char *)(module->words + module->extensions.items[i] + 1)) + 1;
}

/* ---- Specialisation constants ---- */

static void describe_constant(const struct spirv_module *module, uint32_t at, struct text *text,
                              struct kiln_spec_constant *out)
{
	const struct spirv_value *value = kiln_spirv_value(module, module->words[at + 2]);
	const struct spirv_type *type = &module->types.items[value->type];
	const char *name = name_of_id(module, module->words[at + 2]);

	out->id = value->spec_id;
	out->type = kiln_spirv_spec_type(type, &out->size);
	out->name = name != NULL ? copy_text(text, name, strlen(name)) : NULL;
	/* From the words, not from `value`: that one may be the caller's. */
	if ((uint16_t)module->words[at] != SpvOpSpecConstant) {
		out->default_value = (uint16_t)module->words[at] == SpvOpSpecConstantTrue;
		return;
	}
	out->default_value = module->words[at + 3];
	if (type->size > 4)
		out->default_value |= (uint64_t)module->words[at + 4] << 32;
	out->default_value = kiln_spirv_mask(type, out->default_value);
}

static int compare_constants(const void *a, const void *b)
{
	const struct kiln_spec_constant *x = a, *y = b;

	if (x->id != y->id)
		return x->id < y->id ? -1 : 1;
	/* Names lie in module order. */
	return (uintptr_t)x->name < (uintptr_t)y->name ? -1 : (uintptr_t)x->name > (uintptr_t)y->name;
}

/* Several constants may have one SpecId: one value then sets them all, so they must agree on its type. */
static enum kiln_status merge_constants(struct kiln_spec_constant *constants, size_t count, size_t *out_count)
{
	size_t kept = 0;

	if (count != 0)
		qsort(constants, count, sizeof(*constants), compare_constants);
	for (size_t i = 0; i < count; i++) {
		if (kept == 0 || constants[kept - 1].id != constants[i].id) {
			constants[kept++] = constants[i];
			continue;
		}
		if (constants[kept - 1].type != constants[i].type)
			return kiln_error(
				KILN_ERR_SPIRV_INVALID,
				"SPIR-V word 5: specialisation constant %u is declared as %s and as "
				"%s. Fix: give them different ids.",
				constants[i].id, kiln_spec_type_name(constants[kept - 1].type),
				kiln_spec_type_name(constants[i].type));
	}
	*out_count = kept;
	return KILN_OK;
}

/* ---- The whole ---- */

static enum kiln_status build_entries(const struct spirv_module *module, struct kiln_entry_point *entries,
                                      struct kiln_binding *bindings, struct text *text)
{
	for (size_t i = 0; i < module->entries.count; i++) {
		const struct spirv_entry *entry = &module->entries.items[i];

		if (entry->model != SpvExecutionModelGLCompute)
			continue;
		*entries = (struct kiln_entry_point){
			.name = copy_text(text, (const char *)(module->words + entry->name),
		                          entry->name_bytes),
		};
		KILN_TRY(kiln_spirv_entry(module, entry, bindings, entries));
		bindings += entries->binding_count;
		entries++;
	}
	return KILN_OK;
}

static void name_variables(struct spirv_module *module, struct text *text)
{
	for (size_t i = 0; i < module->variables.count; i++) {
		size_t bytes;
		const char *name = name_of_variable(module, &module->variables.items[i], &bytes);

		if (name != NULL)
			module->variables.items[i].name = copy_text(text, name, bytes);
	}
}

static bool depends_on_specialisation(const struct spirv_module *module,
                                      const struct kiln_reflection *reflection)
{
	for (size_t i = 0; i < module->types.count; i++)
		if (module->types.items[i].flags & SPIRV_TYPE_SPEC_SIZED)
			return true;
	for (size_t i = 0; i < reflection->entry_count; i++)
		for (size_t dim = 0; dim < 3; dim++)
			if (reflection->entries[i].workgroup[dim].derived)
				return true;
	return false;
}

static enum kiln_status fill(struct spirv_module *module, const struct plan *plan,
                             struct kiln_reflection *reflection)
{
	struct kiln_entry_point *entries = (struct kiln_entry_point *)(reflection + 1);
	struct kiln_binding *bindings = (struct kiln_binding *)(entries + plan->entries);
	struct kiln_spec_constant *constants = (struct kiln_spec_constant *)(bindings + plan->bindings);
	const char **extensions = (const char **)(constants + module->constants.count);
	uint32_t *capabilities = (uint32_t *)(extensions + module->extensions.count);
	struct text text = {.next = (char *)(capabilities + module->capabilities.count)};

	name_variables(module, &text);
	for (size_t i = 0; i < module->constants.count; i++)
		describe_constant(module, module->constants.items[i], &text, &constants[i]);
	for (size_t i = 0; i < module->extensions.count; i++) {
		const char *name = (const char *)(module->words + module->extensions.items[i] + 1);

		extensions[i] = copy_text(&text, name, strlen(name));
	}
	for (size_t i = 0; i < module->capabilities.count; i++)
		capabilities[i] = module->capabilities.items[i];
	KILN_TRY(merge_constants(constants, module->constants.count, &reflection->constant_count));
	KILN_TRY(build_entries(module, entries, bindings, &text));
	reflection->version = module->version;
	reflection->entries = entries;
	reflection->entry_count = plan->entries;
	reflection->constants = constants;
	reflection->capabilities = capabilities;
	reflection->capability_count = module->capabilities.count;
	reflection->extensions = extensions;
	reflection->extension_count = module->extensions.count;
	reflection->spec_sized = depends_on_specialisation(module, reflection);
	return KILN_OK;
}

static enum kiln_status fail_no_entry(const struct spirv_module *module)
{
	return kiln_error(KILN_ERR_SPIRV_ENTRY_POINT,
	                  "SPIR-V word %u: the module has %zu entry points and none of them is a "
	                  "compute shader. Fix: compile a .comp source, or one with [numthreads].",
	                  SPIRV_HEADER_WORDS, module->entries.count);
}

enum kiln_status kiln_spirv_build(struct spirv_module *module, struct kiln_reflection **out_reflection)
{
	struct plan plan = {0};
	struct kiln_reflection *reflection;
	enum kiln_status status;
	size_t bytes;

	plan_result(module, &plan);
	if (plan.entries == 0)
		return fail_no_entry(module);
	bytes = sizeof(*reflection) + plan.entries * sizeof(struct kiln_entry_point) +
	        plan.bindings * sizeof(struct kiln_binding) +
	        module->constants.count * sizeof(struct kiln_spec_constant) +
	        module->extensions.count * sizeof(char *) + module->capabilities.count * sizeof(uint32_t) +
	        plan.text;
	reflection = kiln_alloc(bytes);
	if (reflection == NULL)
		return kiln_spirv_out_of_memory(module);
	memset(reflection, 0, sizeof(*reflection));
	kiln_spirv_sort_modes(module);
	status = fill(module, &plan, reflection);
	if (status != KILN_OK) {
		kiln_free(reflection);
		return status;
	}
	reflection->words = module->stripped;
	reflection->word_count = module->stripped_count;
	module->stripped = NULL;
	*out_reflection = reflection;
	return KILN_OK;
}
