/* Any text as the kiln command's patterns, typed lists, file names, and numbers: in bounds, sized as said,
 * and a sentence for each refusal. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "file_spec.h"
#include "number.h"
#include "pattern.h"
#include "typed_list.h"

#define ROOM_BYTES 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void make_pattern(const char *text)
{
	const struct kiln_pattern_room room = {.bytes = 100, .element = 12, .max_bytes = ROOM_BYTES};
	struct kiln_why why = {.text = ""};
	struct kiln_array array;

	if (!kiln_pattern_make(text, &room, &array, &why)) {
		assert(strstr(why.text, "Fix:") || strlen(why.text) == sizeof why.text - 1);
		return;
	}
	assert(kiln_pattern_is(text) && array.data);
	assert(array.bytes <= ROOM_BYTES || !strncmp(text, "data:", 5));
	assert(!kiln_pattern_is_automatic(text) || array.bytes >= room.bytes);
	kiln_array_finish(&array);
}

static void make_list(const char *text)
{
	struct kiln_why why = {.text = ""};
	struct kiln_array array;

	if (kiln_typed_list(text, &array, &why)) {
		assert(array.bytes % kiln_dtype_size(array.type) == 0);
		kiln_array_finish(&array);
	} else {
		assert(why.text[0]);
	}
}

static void parse_file(const char *text)
{
	struct kiln_why why = {.text = ""};
	struct kiln_file_spec spec;

	if (kiln_file_spec_parse(text, &spec, &why))
		assert(spec.path[0] && spec.dims <= 3 && !(spec.type && spec.pixels));
	else
		assert(strstr(why.text, "Fix:") || strlen(why.text) == sizeof why.text - 1);
}

static void parse_numbers(const char *text)
{
	uint32_t triple[3];
	uint64_t extents[3];
	unsigned count;
	double number;

	kiln_number_triple(text, triple);
	kiln_number_f64(text, strlen(text), &number);
	if (kiln_number_extents(text, strlen(text), extents, &count))
		assert(count >= 1 && count <= 3 && extents[0] && extents[count - 1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	char *text = malloc(bytes + 1);

	assert(text);
	if (bytes)
		memcpy(text, data, bytes);
	text[bytes] = '\0';
	make_pattern(text);
	make_list(text);
	parse_file(text);
	parse_numbers(text);
	free(text);
	return 0;
}
