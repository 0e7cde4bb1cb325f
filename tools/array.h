/* Host data on its way to or from a buffer: bytes, and what is known about them. */
#ifndef TOOLS_ARRAY_H
#define TOOLS_ARRAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dtype.h"

#define KILN_ARRAY_DIMS 32                /* as many as numpy has */
#define KILN_ARRAY_BYTES_MAX (1ull << 30) /* of any file or pattern */

struct kiln_array {
	uint8_t *data; /* malloc; NULL when bytes is 0 */
	size_t bytes;
	enum kiln_dtype type;
	uint64_t shape[KILN_ARRAY_DIMS]; /* slowest first */
	unsigned dims;                   /* 0 = flat */
	uint32_t width, height;          /* pixels when it came from a picture, else 0 */
	unsigned channels;               /* per pixel when it came from a picture */
};

void kiln_array_finish(struct kiln_array *array); /* frees, zeroes; a zeroed array is fine */
/* "f32[480,640]". */
void kiln_array_describe(const struct kiln_array *array, char *out_text, size_t bytes);

#endif
