/* Numbers from the command line, strictly: the whole text or nothing, no blanks, no overflow. */
#ifndef TOOLS_NUMBER_H
#define TOOLS_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Decimal, or hexadecimal after 0x. */
bool kiln_number_u64(const char *text, size_t length, uint64_t *out_value);
bool kiln_number_u32(const char *text, uint32_t *out_value);
bool kiln_number_i64(const char *text, size_t length, int64_t *out_value);
/* Everything strtod knows, in the C locale: 1e-3, inf, nan, 0x1p4. */
bool kiln_number_f64(const char *text, size_t length, double *out_value);
/* "1024", "64K", "2M", "1G" (powers of 1024), "640x480", "4x4x4". Writes 1 to 3 extents, none 0; their
 * product fits 64 bits. */
bool kiln_number_extents(const char *text, size_t length, uint64_t out_extents[3], unsigned *out_count);
/* "X", "X,Y" or "X,Y,Z" (also with x between, K, M and G as above); missing ones become 1. */
bool kiln_number_triple(const char *text, uint32_t out_values[3]);
/* "90s", "90m", "12h", "30d", "8w"; above 0. */
bool kiln_number_duration(const char *text, int64_t *out_seconds);

#endif
