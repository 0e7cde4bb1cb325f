#include "typed_list.h"

#include <stdlib.h>
#include <string.h>

#include "number.h"

#define LIST_BYTES_MAX 65536u

/* One element of a typed list; `*type` carries over from the one before. */
static bool list_element(const char *text, size_t length, enum kiln_dtype *type, struct kiln_array *array,
                         size_t capacity)
{
	const char *colon = memchr(text, ':', length);
	uint64_t padding;
	size_t size, start;

	if (colon && colon - text == 3 && !memcmp(text, "pad", 3)) {
		if (!kiln_number_u64(colon + 1, length - 4, &padding) || padding > capacity - array->bytes)
			return false;
		memset(array->data + array->bytes, 0, padding);
		array->bytes += padding;
		return true;
	}
	if (colon) {
		*type = kiln_dtype_find(text, (size_t)(colon - text));
		length -= (size_t)(colon + 1 - text);
		text = colon + 1;
	}
	size = kiln_dtype_size(*type);
	start = (array->bytes + size - 1) / size * size;
	if (start + size > capacity)
		return false;
	memset(array->data + array->bytes, 0, start - array->bytes);
	if (!kiln_dtype_parse(*type, text, length, array->data + start))
		return false;
	array->bytes = start + size;
	return true;
}

bool kiln_typed_list(const char *text, struct kiln_array *out_array, struct kiln_why *why)
{
	struct kiln_array array = {.data = malloc(LIST_BYTES_MAX)};
	enum kiln_dtype type = KILN_DTYPE_NONE, first = KILN_DTYPE_NONE;
	bool uniform = true;

	if (!array.data)
		return kiln_why(why, "out of memory for a list. Fix: free memory");
	for (const char *at = text;; at++) {
		size_t length = strcspn(at, ",");

		if (!list_element(at, length, &type, &array, LIST_BYTES_MAX)) {
			kiln_array_finish(&array);
			return kiln_why(
				why,
				"list '%s': '%.*s' is no TYPE:VALUE or pad:N, out of the type's range, or beyond %u "
				"bytes. Fix: "
				"write f32:2.0,u32:1024 with types " KILN_DTYPE_NAMES,
				text, (int)length, at, LIST_BYTES_MAX);
		}
		first = first ? first : type;
		uniform = uniform && type == first;
		at += length;
		if (!*at)
			break;
	}
	array.type = uniform && array.bytes % kiln_dtype_size(first) == 0 ? first : KILN_DTYPE_NONE;
	*out_array = array;
	return true;
}
