/* numpy's .npy files: versions 1.0, 2.0 and 3.0, little-endian, C order. Pure: bytes in, bytes out.
 * Source: numpy.lib.format, "Format Specification". */
#ifndef TOOLS_NPY_H
#define TOOLS_NPY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "array.h"
#include "why.h"

/* Parses a whole file. The array's data is a copy. */
bool kiln_npy_parse(const void *file, size_t bytes, struct kiln_array *out_array, struct kiln_why *why);
/* The header for `array` (version 1.0), which its data follows. The caller free()s it; NULL = out of
 * memory. */
uint8_t *kiln_npy_header(const struct kiln_array *array, size_t *out_bytes);

#endif
