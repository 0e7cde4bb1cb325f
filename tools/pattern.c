#include "pattern.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "number.h"
#include "typed_list.h"

#define FIELDS_MAX 5

enum kind {
	KIND_ZEROS,
	KIND_CONST,
	KIND_IOTA,
	KIND_RANDOM,
	KIND_DATA,
	KIND_COUNT,
};

static const struct {
	const char *name;
	unsigned fields_min, fields_max; /* the name included */
	unsigned count_field;            /* index of COUNT; 0 = none */
	const char *form;
} kinds[KIND_COUNT] = {
	[KIND_ZEROS] = {"zeros", 1, 3, 1, "zeros[:[TYPE:]COUNT]"},
	[KIND_CONST] = {"const", 3, 4, 3, "const:TYPE:VALUE[:COUNT]"},
	[KIND_IOTA] = {"iota", 2, 5, 2, "iota:TYPE[:COUNT[:START[:STEP]]]"},
	[KIND_RANDOM] = {"random", 2, 4, 2, "random:TYPE[:COUNT[:SEED]]"},
	[KIND_DATA] = {"data", 2, 2, 0, "data:TYPE:VALUE,..."},
};

struct field {
	const char *text;
	size_t length;
};

/* A pattern taken apart: fields[0] is the name. */
struct pattern {
	enum kind kind;
	struct field fields[FIELDS_MAX];
	unsigned count;
};

static int find_kind(const char *text)
{
	size_t length = strcspn(text, ":");

	for (int kind = 0; kind < KIND_COUNT; kind++)
		if (strlen(kinds[kind].name) == length && !memcmp(kinds[kind].name, text, length))
			return kind;
	return -1;
}

bool kiln_pattern_is(const char *text)
{
	return find_kind(text) >= 0;
}

static bool split(const char *text, struct pattern *pattern, struct kiln_why *why)
{
	int kind = find_kind(text);

	if (kind < 0)
		return kiln_why(why, "'%s' is no pattern. Fix: use zeros, const, iota, random or data", text);
	pattern->kind = (enum kind)kind;
	pattern->count = 0;
	for (const char *at = text;; at++) {
		/* A list has ':' of its own. */
		size_t length = kind == KIND_DATA && pattern->count == 1 ? strlen(at) : strcspn(at, ":");

		if (pattern->count == kinds[kind].fields_max)
			return kiln_why(why, "'%s' has too many parts, expected %s. Fix: leave out the last",
			                text, kinds[kind].form);
		pattern->fields[pattern->count++] = (struct field){at, length};
		at += length;
		if (!*at)
			break;
	}
	if (pattern->count < kinds[kind].fields_min)
		return kiln_why(why, "'%s' is too short, expected %s. Fix: add what is missing", text,
		                kinds[kind].form);
	return true;
}

static bool is_auto(struct field field)
{
	return !field.length || (field.length == 4 && !memcmp(field.text, "auto", 4));
}

/* "zeros:f32:8" has its count one field later than "zeros:8". */
static unsigned count_field(const struct pattern *pattern)
{
	if (pattern->kind == KIND_ZEROS && pattern->count > 1 &&
	    kiln_dtype_find(pattern->fields[1].text, pattern->fields[1].length))
		return 2;
	return kinds[pattern->kind].count_field;
}

bool kiln_pattern_is_automatic(const char *text)
{
	struct kiln_why why;
	struct pattern pattern;
	unsigned field;

	if (!split(text, &pattern, &why) || pattern.kind == KIND_DATA)
		return false;
	field = count_field(&pattern);
	return field >= pattern.count || is_auto(pattern.fields[field]);
}

static bool set_size(const char *text, const struct kiln_pattern_room *room, uint64_t count, uint64_t element,
                     struct kiln_array *array, struct kiln_why *why)
{
	uint64_t max_bytes = room->max_bytes ? room->max_bytes : KILN_ARRAY_BYTES_MAX, bytes;

	if (__builtin_mul_overflow(count, element, &bytes) || bytes > max_bytes)
		return kiln_why(why, "'%s' is longer than %" PRIu64 " bytes. Fix: use fewer elements", text,
		                max_bytes);
	array->bytes = (size_t)bytes;
	return true;
}

static bool size_it(const char *text, const struct pattern *pattern, const struct kiln_pattern_room *room,
                    struct kiln_array *array, struct kiln_why *why)
{
	unsigned field = count_field(pattern), dims = 0;
	uint64_t element = array->type ? kiln_dtype_size(array->type) : room->element ? room->element : 1;
	uint64_t extents[3] = {0}, count = 1;

	if (field >= pattern->count || is_auto(pattern->fields[field])) {
		if (!room->bytes)
			return kiln_why(why,
			                "'%s' says no count, and nothing else says how many. "
			                "Fix: add :COUNT, or --threads",
			                text);
		return set_size(text, room, room->bytes / element + (room->bytes % element != 0), element,
		                array, why);
	}
	if (!kiln_number_extents(pattern->fields[field].text, pattern->fields[field].length, extents, &dims))
		return kiln_why(why,
		                "'%s': '%.*s' is no count. Fix: give a number such as 1000, 64K or 640x480",
		                text, (int)pattern->fields[field].length, pattern->fields[field].text);
	array->dims = dims > 1 ? dims : 0;
	for (unsigned i = 0; i < dims; i++) {
		count *= extents[i];
		array->shape[dims - 1 - i] = extents[i]; /* "640x480" is width first, a shape slowest first */
	}
	return set_size(text, room, count, element, array, why);
}

/* SplitMix64 (Steele, Lea, Flood 2014): the same numbers everywhere, for ever. */
static uint64_t next_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static bool fill_random(const struct pattern *pattern, struct kiln_array *array)
{
	size_t size = kiln_dtype_size(array->type);
	uint64_t state = 1;

	if (pattern->count > 3 &&
	    !kiln_number_u64(pattern->fields[3].text, pattern->fields[3].length, &state))
		return false;
	for (size_t at = 0; at < array->bytes; at += size) {
		uint64_t bits = next_random(&state);

		/* 11 bits: each value is exact in a half, and below 1 in every float type. */
		if (array->type == KILN_DTYPE_F16)
			kiln_dtype_store_float(array->type, (double)(bits >> 53) * 0x1p-11, array->data + at);
		else if (kiln_dtype_is_float(array->type))
			kiln_dtype_store_float(array->type, (double)(bits >> 40) * 0x1p-24, array->data + at);
		else
			kiln_dtype_store_integer(array->type, bits, array->data + at);
	}
	return true;
}

static bool fill_const(const struct pattern *pattern, struct kiln_array *array)
{
	size_t size = kiln_dtype_size(array->type);
	uint8_t value[8];

	if (!kiln_dtype_parse(array->type, pattern->fields[2].text, pattern->fields[2].length, value))
		return false;
	for (size_t at = 0; at < array->bytes; at += size)
		memcpy(array->data + at, value, size);
	return true;
}

static bool fill_iota_float(const struct pattern *pattern, struct kiln_array *array)
{
	size_t size = kiln_dtype_size(array->type);
	double start = 0, step = 1;

	if ((pattern->count > 3 &&
	     !kiln_number_f64(pattern->fields[3].text, pattern->fields[3].length, &start)) ||
	    (pattern->count > 4 &&
	     !kiln_number_f64(pattern->fields[4].text, pattern->fields[4].length, &step)))
		return false;
	for (size_t i = 0; i < array->bytes / size; i++)
		kiln_dtype_store_float(array->type, start + (double)i * step, array->data + i * size);
	return true;
}

static bool integer(struct field field, uint64_t *out_value)
{
	int64_t value;

	if (kiln_number_u64(field.text, field.length, out_value))
		return true;
	if (!kiln_number_i64(field.text, field.length, &value))
		return false;
	*out_value = (uint64_t)value;
	return true;
}

static bool fill_iota(const struct pattern *pattern, struct kiln_array *array)
{
	size_t size = kiln_dtype_size(array->type);
	uint64_t start = 0, step = 1;

	if (kiln_dtype_is_float(array->type))
		return fill_iota_float(pattern, array);
	if ((pattern->count > 3 && !integer(pattern->fields[3], &start)) ||
	    (pattern->count > 4 && !integer(pattern->fields[4], &step)))
		return false;
	for (size_t i = 0; i < array->bytes / size; i++)
		kiln_dtype_store_integer(array->type, start + i * step, array->data + i * size);
	return true;
}

static bool fill(const struct pattern *pattern, struct kiln_array *array)
{
	if (pattern->kind == KIND_CONST)
		return fill_const(pattern, array);
	if (pattern->kind == KIND_IOTA)
		return fill_iota(pattern, array);
	if (pattern->kind == KIND_RANDOM)
		return fill_random(pattern, array);
	memset(array->data, 0, array->bytes);
	return true;
}

static bool find_type(const char *text, const struct pattern *pattern, enum kiln_dtype *out_type,
                      struct kiln_why *why)
{
	const struct field *field = &pattern->fields[1];

	*out_type = pattern->count > 1 ? kiln_dtype_find(field->text, field->length) : KILN_DTYPE_NONE;
	/* "zeros:8" has no type, "zeros:f33:8" a wrong one. */
	if (*out_type || (pattern->kind == KIND_ZEROS && pattern->count < 3))
		return true;
	return kiln_why(why, "'%s': '%.*s' is no type. Fix: use " KILN_DTYPE_NAMES, text, (int)field->length,
	                field->text);
}

bool kiln_pattern_make(const char *text, const struct kiln_pattern_room *room, struct kiln_array *out_array,
                       struct kiln_why *why)
{
	struct kiln_array array = {0};
	struct pattern pattern;

	if (!split(text, &pattern, why))
		return false;
	if (pattern.kind == KIND_DATA)
		return kiln_typed_list(pattern.fields[1].text, out_array, why);
	if (!find_type(text, &pattern, &array.type, why) || !size_it(text, &pattern, room, &array, why))
		return false;
	array.data = malloc(array.bytes);
	if (!array.data)
		return kiln_why(why, "'%s': out of memory for %zu bytes. Fix: use fewer elements", text,
		                array.bytes);
	if (!fill(&pattern, &array)) {
		kiln_array_finish(&array);
		return kiln_why(why, "'%s': a value is no %s number, expected %s. Fix: correct it", text,
		                kiln_dtype_name(array.type), kinds[pattern.kind].form);
	}
	*out_array = array;
	return true;
}
