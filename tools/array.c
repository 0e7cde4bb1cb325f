#include "array.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

void kiln_array_finish(struct kiln_array *array)
{
	free(array->data);
	*array = (struct kiln_array){0};
}

void kiln_array_describe(const struct kiln_array *array, char *out_text, size_t bytes)
{
	size_t count = array->bytes / kiln_dtype_size(array->type);
	int length = snprintf(out_text, bytes, "%s[", kiln_dtype_name(array->type));

	if (!array->dims)
		length += snprintf(out_text + length, bytes - (size_t)length, "%zu", count);
	for (unsigned i = 0; i < array->dims && (size_t)length < bytes; i++)
		length += snprintf(out_text + length, bytes - (size_t)length, "%s%" PRIu64, i ? "," : "",
		                   array->shape[i]);
	if ((size_t)length < bytes)
		snprintf(out_text + length, bytes - (size_t)length, "]");
}
