#include "args.h"

#include <string.h>

#include "array.h"
#include "file.h"
#include "number.h"
#include "typed_list.h"

bool kiln_args_append(struct kiln_tool *tool, const char **list, size_t *count, size_t capacity,
                      const char *option, const char *value)
{
	if (*count == capacity) {
		kiln_tool_fail(tool, KILN_EXIT_USAGE, "more than %zu times %s. Fix: give fewer", capacity,
		               option);
		return false;
	}
	list[(*count)++] = value;
	return true;
}

bool kiln_args_triple(struct kiln_tool *tool, const char *option, const char *value, uint32_t out_triple[3])
{
	if (kiln_number_triple(value, out_triple))
		return true;
	kiln_tool_fail(tool, KILN_EXIT_USAGE, "%s '%s' is not X[,Y[,Z]]. Fix: write %s 64 or %s 16,16",
	               option, value, option, option);
	return false;
}

#define PUSH_BYTES_MAX 65536u

enum kiln_exit kiln_args_entry(struct kiln_tool *tool, const struct kiln_reflection *reflection,
                               const char *name, const struct kiln_entry_point **out_entry)
{
	const struct kiln_entry_point *entry = kiln_reflection_entry(reflection, name);

	if (!entry && name)
		return kiln_tool_fail(tool, KILN_EXIT_BAD_KERNEL,
		                      "the module has no compute entry point '%s'; its first is '%s'. "
		                      "Fix: see kiln reflect for all of them",
		                      name, reflection->entries[0].name);
	if (!entry)
		return kiln_tool_fail(tool, KILN_EXIT_BAD_KERNEL,
		                      "the module has %zu compute entry points and none is 'main'. "
		                      "Fix: choose one with --entry, such as --entry %s",
		                      reflection->entry_count, reflection->entries[0].name);
	*out_entry = entry;
	return KILN_EXIT_OK;
}

static const struct kiln_spec_constant *find_constant(const struct kiln_reflection *reflection,
                                                      const char *text, size_t length)
{
	uint64_t id = UINT64_MAX;

	kiln_number_u64(text, length, &id);
	for (size_t i = 0; i < reflection->constant_count; i++) {
		const struct kiln_spec_constant *constant = &reflection->constants[i];

		if (constant->id == id || (constant->name && strlen(constant->name) == length &&
		                           !memcmp(constant->name, text, length)))
			return constant;
	}
	return NULL;
}

enum kiln_dtype kiln_dtype_of_spec(uint32_t spec_type)
{
	static const enum kiln_dtype types[] = {
		[KILN_SPEC_BOOL] = KILN_DTYPE_U32, [KILN_SPEC_I8] = KILN_DTYPE_I8,
		[KILN_SPEC_U8] = KILN_DTYPE_U8,    [KILN_SPEC_I16] = KILN_DTYPE_I16,
		[KILN_SPEC_U16] = KILN_DTYPE_U16,  [KILN_SPEC_I32] = KILN_DTYPE_I32,
		[KILN_SPEC_U32] = KILN_DTYPE_U32,  [KILN_SPEC_I64] = KILN_DTYPE_I64,
		[KILN_SPEC_U64] = KILN_DTYPE_U64,  [KILN_SPEC_F16] = KILN_DTYPE_F16,
		[KILN_SPEC_F32] = KILN_DTYPE_F32,  [KILN_SPEC_F64] = KILN_DTYPE_F64,
	};

	return spec_type < sizeof types / sizeof types[0] ? types[spec_type] : KILN_DTYPE_NONE;
}

/* "TYPE:" in front of a value must be the constant's own; returns what follows it, or NULL. */
static const char *skip_type(const char *value, const struct kiln_spec_constant *constant)
{
	const char *colon = strchr(value, ':'), *name = kiln_spec_type_name(constant->type);
	size_t length = colon ? (size_t)(colon - value) : 0;

	if (!colon)
		return value;
	if (strlen(name) == length && !memcmp(name, value, length))
		return colon + 1;
	return kiln_dtype_find(value, length) &&
	                       kiln_dtype_find(value, length) == kiln_dtype_of_spec(constant->type)
	               ? colon + 1
	               : NULL;
}

/* By way of f32, which has the same range up to its last step. */
static bool parse_bfloat(const char *value, uint64_t *out_bits)
{
	uint8_t bytes[4];
	uint32_t single;
	uint16_t bits;

	if (!kiln_dtype_parse(KILN_DTYPE_F32, value, strlen(value), bytes))
		return false;
	single = bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
	bits = kiln_bfloat_from_bits(single);
	if ((bits & 0x7fff) == 0x7f80 && (single & 0x7fffffff) != 0x7f800000)
		return false;
	*out_bits = bits;
	return true;
}

static bool parse_constant(const struct kiln_spec_constant *constant, const char *value, uint64_t *out_bits)
{
	enum kiln_dtype type = kiln_dtype_of_spec(constant->type);
	uint8_t bytes[8] = {0};
	uint64_t bits = 0;

	if (constant->type == KILN_SPEC_BF16)
		return parse_bfloat(value, out_bits);
	if (!type || !kiln_dtype_parse(type, value, strlen(value), bytes))
		return false;
	for (size_t i = 0; i < sizeof bytes; i++)
		bits |= (uint64_t)bytes[i] << (8 * i);
	if (constant->type == KILN_SPEC_BOOL && bits > 1)
		return false;
	*out_bits = bits;
	return true;
}

enum kiln_exit kiln_args_spec(struct kiln_tool *tool, const struct kiln_reflection *reflection,
                              const char *text, struct kiln_spec_value *out_value)
{
	const char *equals = strchr(text, '='), *value;
	const struct kiln_spec_constant *constant;
	uint64_t bits;

	if (!equals || equals == text)
		return kiln_tool_fail(tool, KILN_EXIT_USAGE,
		                      "--spec '%s' is not ID=VALUE or NAME=VALUE. Fix: write --spec 0=64",
		                      text);
	constant = find_constant(reflection, text, (size_t)(equals - text));
	if (!constant)
		return kiln_tool_fail(tool, KILN_EXIT_BAD_LAUNCH,
		                      "the module has no specialisation constant '%.*s' (it has %zu). "
		                      "Fix: see kiln reflect for ids and names",
		                      (int)(equals - text), text, reflection->constant_count);
	value = skip_type(equals + 1, constant);
	if (!value || !parse_constant(constant, value, &bits))
		return kiln_tool_fail(tool, KILN_EXIT_BAD_LAUNCH,
		                      "specialisation constant %u is %s; '%s' is no such value. "
		                      "Fix: give one in its range",
		                      constant->id, kiln_spec_type_name(constant->type), equals + 1);
	*out_value = (struct kiln_spec_value){.id = constant->id, .size = constant->size, .value = bits};
	return KILN_EXIT_OK;
}

enum kiln_exit kiln_args_push(struct kiln_tool *tool, const char *text, struct kiln_array *out_array)
{
	struct kiln_why why;

	if (text[0] != '@')
		return kiln_typed_list(text, out_array, &why)
		               ? KILN_EXIT_OK
		               : kiln_tool_fail(tool, KILN_EXIT_USAGE, "--push: %s", why.text);
	if (!kiln_file_read(text + 1, PUSH_BYTES_MAX, &out_array->data, &out_array->bytes, &why))
		return kiln_tool_fail(tool, KILN_EXIT_FILE, "--push: %s", why.text);
	return KILN_EXIT_OK;
}
