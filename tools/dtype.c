#include "dtype.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "number.h"

static const struct {
	const char *name;
	uint8_t size;
	bool is_float, is_signed;
} types[KILN_DTYPE_COUNT] = {
	[KILN_DTYPE_NONE] = {"bytes", 1, false, false}, [KILN_DTYPE_U8] = {"u8", 1, false, false},
	[KILN_DTYPE_I8] = {"i8", 1, false, true},       [KILN_DTYPE_U16] = {"u16", 2, false, false},
	[KILN_DTYPE_I16] = {"i16", 2, false, true},     [KILN_DTYPE_U32] = {"u32", 4, false, false},
	[KILN_DTYPE_I32] = {"i32", 4, false, true},     [KILN_DTYPE_U64] = {"u64", 8, false, false},
	[KILN_DTYPE_I64] = {"i64", 8, false, true},     [KILN_DTYPE_F16] = {"f16", 2, true, true},
	[KILN_DTYPE_F32] = {"f32", 4, true, true},      [KILN_DTYPE_F64] = {"f64", 8, true, true},
};

size_t kiln_dtype_size(enum kiln_dtype type)
{
	return types[type].size;
}

const char *kiln_dtype_name(enum kiln_dtype type)
{
	return types[type].name;
}

bool kiln_dtype_is_float(enum kiln_dtype type)
{
	return types[type].is_float;
}

bool kiln_dtype_is_signed(enum kiln_dtype type)
{
	return types[type].is_signed;
}

enum kiln_dtype kiln_dtype_find(const char *name, size_t length)
{
	for (int type = KILN_DTYPE_U8; type < KILN_DTYPE_COUNT; type++)
		if (strlen(types[type].name) == length && !memcmp(types[type].name, name, length))
			return (enum kiln_dtype)type;
	return KILN_DTYPE_NONE;
}

static uint64_t load(enum kiln_dtype type, const uint8_t *at)
{
	uint64_t value = 0;

	for (size_t i = 0; i < types[type].size; i++)
		value |= (uint64_t)at[i] << (8 * i);
	return value;
}

void kiln_dtype_store_integer(enum kiln_dtype type, uint64_t value, uint8_t *out)
{
	for (size_t i = 0; i < types[type].size; i++)
		out[i] = (uint8_t)(value >> (8 * i));
}

/* Smallest normal 2^-14, smallest step 2^-24, overflow from 65520 up. */
uint16_t kiln_half_from_double(double value)
{
	uint16_t sign = signbit(value) ? 0x8000 : 0;
	double magnitude = fabs(value);
	int exponent;

	if (isnan(value))
		return sign | 0x7e00;
	if (magnitude >= 65520.0)
		return sign | 0x7c00;
	if (magnitude < 0x1p-14)
		return sign |
		       (uint16_t)nearbyint(magnitude * 0x1p24); /* carries into the exponent by itself */
	magnitude = frexp(magnitude, &exponent);                /* [0.5, 1) */
	return sign | (uint16_t)(((exponent + 14) << 10) + (int)nearbyint((magnitude * 2 - 1) * 1024));
}

double kiln_half_to_double(uint16_t half)
{
	int exponent = (half >> 10) & 31, fraction = half & 1023;
	double magnitude = exponent == 31 ? (fraction ? (double)NAN : (double)INFINITY)
	                   : exponent     ? ldexp(1024 + fraction, exponent - 25)
	                                  : ldexp(fraction, -24);

	return half & 0x8000 ? -magnitude : magnitude;
}

/* To even on a tie; what is too large carries into infinity by itself. */
uint16_t kiln_bfloat_from_bits(uint32_t single)
{
	if ((single & 0x7fffffff) > 0x7f800000)
		return (uint16_t)(single >> 16 | 0x40); /* still NaN, whatever is cut */
	return (uint16_t)((single + 0x7fff + (single >> 16 & 1)) >> 16);
}

void kiln_dtype_store_float(enum kiln_dtype type, double value, uint8_t *out)
{
	uint64_t bits = 0;

	if (type == KILN_DTYPE_F64) {
		memcpy(&bits, &value, sizeof value);
	} else if (type == KILN_DTYPE_F32) {
		float single = (float)value;
		uint32_t single_bits;

		memcpy(&single_bits, &single, sizeof single);
		bits = single_bits;
	} else {
		bits = kiln_half_from_double(value);
	}
	kiln_dtype_store_integer(type, bits, out);
}

static bool parse_integer(enum kiln_dtype type, const char *text, size_t length, uint8_t *out)
{
	unsigned bits = 8 * types[type].size;
	int64_t signed_value;
	uint64_t value;

	if (types[type].is_signed) {
		if (!kiln_number_i64(text, length, &signed_value) ||
		    signed_value > INT64_MAX >> (64 - bits) || signed_value < INT64_MIN >> (64 - bits))
			return false;
		value = (uint64_t)signed_value;
	} else if (!kiln_number_u64(text, length, &value) || value > UINT64_MAX >> (64 - bits)) {
		return false;
	}
	kiln_dtype_store_integer(type, value, out);
	return true;
}

/* A number, not a word for infinity, that rounds to infinity. */
static bool is_too_large(enum kiln_dtype type, const char *text, double value)
{
	char first = text[*text == '-' || *text == '+'];
	double limit = type == KILN_DTYPE_F16   ? 65520.0
	               : type == KILN_DTYPE_F32 ? 0x1.ffffffp127
	                                        : (double)INFINITY;

	return first != 'i' && first != 'I' && fabs(value) >= limit;
}

bool kiln_dtype_parse(enum kiln_dtype type, const char *text, size_t length, uint8_t *out)
{
	double value;

	if (type == KILN_DTYPE_NONE)
		return false;
	if (length == 4 && !memcmp(text, "true", 4))
		return kiln_dtype_parse(type, "1", 1, out);
	if (length == 5 && !memcmp(text, "false", 5))
		return kiln_dtype_parse(type, "0", 1, out);
	if (!types[type].is_float)
		return parse_integer(type, text, length, out);
	if (!kiln_number_f64(text, length, &value) || is_too_large(type, text, value))
		return false;
	kiln_dtype_store_float(type, value, out);
	return true;
}

int kiln_dtype_print(enum kiln_dtype type, const uint8_t *at, char *out_text, size_t bytes)
{
	uint64_t bits = load(type, at);

	if (type == KILN_DTYPE_F64) {
		double value;

		memcpy(&value, &bits, sizeof value);
		return snprintf(out_text, bytes, "%.9g", value);
	}
	if (type == KILN_DTYPE_F32) {
		uint32_t single_bits = (uint32_t)bits;
		float value;

		memcpy(&value, &single_bits, sizeof value);
		return snprintf(out_text, bytes, "%.7g", (double)value);
	}
	if (type == KILN_DTYPE_F16)
		return snprintf(out_text, bytes, "%.4g", kiln_half_to_double((uint16_t)bits));
	if (types[type].is_signed)
		return snprintf(out_text, bytes, "%" PRId64,
		                (int64_t)(bits << (64 - 8 * types[type].size)) >>
		                        (64 - 8 * types[type].size));
	return snprintf(out_text, bytes, "%" PRIu64, bits);
}
