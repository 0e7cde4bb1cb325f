/* Element types of buffers: their names, sizes, and values as text. Bytes are little-endian, like the
 * devices. */
#ifndef TOOLS_DTYPE_H
#define TOOLS_DTYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum kiln_dtype {
	KILN_DTYPE_NONE = 0, /* bytes of an unknown type */
	KILN_DTYPE_U8,
	KILN_DTYPE_I8,
	KILN_DTYPE_U16,
	KILN_DTYPE_I16,
	KILN_DTYPE_U32,
	KILN_DTYPE_I32,
	KILN_DTYPE_U64,
	KILN_DTYPE_I64,
	KILN_DTYPE_F16,
	KILN_DTYPE_F32,
	KILN_DTYPE_F64,
	KILN_DTYPE_COUNT
};

#define KILN_DTYPE_NAMES "u8, i8, u16, i16, u32, i32, u64, i64, f16, f32 or f64"

size_t kiln_dtype_size(enum kiln_dtype type);      /* bytes; 1 for NONE */
const char *kiln_dtype_name(enum kiln_dtype type); /* "bytes" for NONE */
bool kiln_dtype_is_float(enum kiln_dtype type);
bool kiln_dtype_is_signed(enum kiln_dtype type);
/* NONE when `name` is no type. */
enum kiln_dtype kiln_dtype_find(const char *name, size_t length);

/* Stores the low bytes of an integer, or a number rounded to the float type. */
void kiln_dtype_store_integer(enum kiln_dtype type, uint64_t value, uint8_t *out);
void kiln_dtype_store_float(enum kiln_dtype type, double value, uint8_t *out);
/* Parses a value in the type's range ("true" and "false" are 1 and 0) and stores it. */
bool kiln_dtype_parse(enum kiln_dtype type, const char *text, size_t length, uint8_t *out);
/* Prints one value; returns as snprintf does. */
int kiln_dtype_print(enum kiln_dtype type, const uint8_t *at, char *out_text, size_t bytes);

/* IEEE 754 binary16, round to nearest even. */
uint16_t kiln_half_from_double(double value);
double kiln_half_to_double(uint16_t half);

/* bfloat16, the first half of a binary32, round to nearest even. */
uint16_t kiln_bfloat_from_bits(uint32_t single);

#endif
