/* Any bytes as a .npy file: in bounds, and what is accepted is consistent and survives being written and
 * read again. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "npy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void write_and_read_again(const struct kiln_array *array)
{
	struct kiln_array again;
	struct kiln_why why;
	size_t header_bytes;
	uint8_t *file = kiln_npy_header(array, &header_bytes);

	assert(file && header_bytes % 64 == 0);
	file = realloc(file, header_bytes + array->bytes);
	assert(file);
	if (array->bytes)
		memcpy(file + header_bytes, array->data, array->bytes);
	assert(kiln_npy_parse(file, header_bytes + array->bytes, &again, &why));
	assert(again.type == array->type && again.bytes == array->bytes);
	assert(!array->dims || again.dims == array->dims);
	for (unsigned i = 0; i < array->dims; i++)
		assert(again.shape[i] == array->shape[i]);
	assert(!array->bytes || !memcmp(again.data, array->data, array->bytes));
	kiln_array_finish(&again);
	free(file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct kiln_array array;
	struct kiln_why why = {.text = ""};
	uint64_t count = 1;

	if (!kiln_npy_parse(data, bytes, &array, &why)) {
		assert(strstr(why.text, "Fix:"));
		return 0;
	}
	for (unsigned i = 0; i < array.dims; i++)
		count *= array.shape[i];
	assert(count * kiln_dtype_size(array.type) == array.bytes && array.bytes <= bytes);
	write_and_read_again(&array);
	kiln_array_finish(&array);
	return 0;
}
