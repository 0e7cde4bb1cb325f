/* The public face of reflection. */
#include <kiln/reflect.h>

#include <string.h>

#include <base/alloc.h>
#include <base/error.h>
#include <base/hash.h>

#include "module.h"

#define PROGRAM_DOMAIN "kiln program v1"

static struct kiln_digest digest_words(const uint32_t *words, size_t count)
{
	struct kiln_hasher hasher;

	kiln_hash_init(&hasher, PROGRAM_DOMAIN);
	kiln_hash_field64(&hasher, words, count * sizeof(*words));
	return kiln_hash_finish(&hasher);
}

enum kiln_status kiln_spirv_check_code(const char *function, const void *code, const void *out)
{
	KILN_CHECK(code != NULL, "%s was given no SPIR-V. Fix: pass the module's words.", function);
	KILN_CHECK(out != NULL, "%s has nowhere to put its result. Fix: pass a pointer.", function);
	KILN_CHECK((uintptr_t)code % sizeof(uint32_t) == 0,
	           "%s was given SPIR-V at an address that is not a multiple of 4. "
	           "Fix: read the file into memory from malloc or an array of uint32_t.",
	           function);
	return KILN_OK;
}

/* The constant's type and size, NULL when the module has none of this id. */
static const struct spirv_type *type_of_constant(const struct spirv_module *module, uint32_t spec_id)
{
	for (size_t i = 0; i < module->constants.count; i++) {
		const struct spirv_value *value =
			kiln_spirv_value(module, module->words[module->constants.items[i] + 2]);

		if (value->spec_id == spec_id)
			return &module->types.items[value->type];
	}
	return NULL;
}

enum kiln_status kiln_spirv_check_values(const struct spirv_module *module)
{
	for (size_t i = 0; i < module->override_count; i++) {
		const struct kiln_spec_value *value = &module->overrides[i];
		const struct spirv_type *type = type_of_constant(module, value->id);
		uint32_t name, size;

		if (type == NULL)
			return kiln_error(
				KILN_ERR_SPECIALIZATION,
				"The module declares no specialisation constant %u. Fix: use one of "
				"its %zu; kiln reflect lists them.",
				value->id, module->constants.count);
		name = kiln_spirv_spec_type(type, &size);
		if (size != value->size)
			return kiln_error(KILN_ERR_SPECIALIZATION,
			                  "Specialisation constant %u is a %s of %u bytes, got %u. "
			                  "Fix: pass a value of that size.",
			                  value->id, kiln_spec_type_name(name), size, value->size);
	}
	return KILN_OK;
}

enum kiln_status kiln_reflect_specialized(const void *code, size_t bytes,
                                          const struct kiln_spec_value *values, size_t value_count,
                                          struct kiln_reflection **out_reflection)
{
	struct kiln_reflection *reflection = NULL;
	struct spirv_module module;
	enum kiln_status status;

	KILN_TRY(kiln_spirv_check_code("kiln_reflect", code, out_reflection));
	KILN_CHECK(values != NULL || value_count == 0,
	           "kiln_reflect_specialized was promised %zu values and given none. "
	           "Fix: pass them, or a count of 0.",
	           value_count);
	status = kiln_spirv_scan(&module, code, bytes, values, value_count);
	if (status == KILN_OK)
		status = kiln_spirv_walk(&module);
	if (status == KILN_OK)
		status = kiln_spirv_build(&module, &reflection);
	if (status == KILN_OK)
		status = kiln_spirv_check_values(&module);
	kiln_spirv_finish(&module);
	if (status != KILN_OK) {
		kiln_reflection_destroy(&reflection);
		return status;
	}
	reflection->program = digest_words(reflection->words, reflection->word_count);
	*out_reflection = reflection;
	return KILN_OK;
}

enum kiln_status kiln_reflect(const void *code, size_t bytes, struct kiln_reflection **out_reflection)
{
	return kiln_reflect_specialized(code, bytes, NULL, 0, out_reflection);
}

void kiln_reflection_destroy(struct kiln_reflection **reflection)
{
	if (reflection == NULL || *reflection == NULL)
		return;
	kiln_free((void *)(*reflection)->words);
	kiln_free(*reflection);
	*reflection = NULL;
}

const struct kiln_entry_point *kiln_reflection_entry(const struct kiln_reflection *reflection,
                                                     const char *name)
{
	if (reflection == NULL)
		return NULL;
	for (size_t i = 0; i < reflection->entry_count; i++)
		if (strcmp(reflection->entries[i].name, name != NULL ? name : "main") == 0)
			return &reflection->entries[i];
	return name == NULL && reflection->entry_count == 1 ? &reflection->entries[0] : NULL;
}

enum kiln_status kiln_program_digest(const void *code, size_t bytes, struct kiln_digest *out_digest)
{
	struct spirv_module module;
	enum kiln_status status;

	KILN_TRY(kiln_spirv_check_code("kiln_program_digest", code, out_digest));
	status = kiln_spirv_scan(&module, code, bytes, NULL, 0);
	if (status == KILN_OK)
		*out_digest = digest_words(module.stripped, module.stripped_count);
	kiln_spirv_finish(&module);
	return status;
}
