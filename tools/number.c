#include "number.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LENGTH_MAX 63

static int digit_value(char c, unsigned base)
{
	int value = c >= '0' && c <= '9'   ? c - '0'
	            : c >= 'a' && c <= 'f' ? c - 'a' + 10
	            : c >= 'A' && c <= 'F' ? c - 'A' + 10
	                                   : -1;

	return value < (int)base ? value : -1;
}

bool kiln_number_u64(const char *text, size_t length, uint64_t *out_value)
{
	unsigned base = length > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X') ? 16 : 10;
	uint64_t value = 0;

	if (base == 16) {
		text += 2;
		length -= 2;
	}
	if (!length)
		return false;
	for (size_t i = 0; i < length; i++) {
		int digit = digit_value(text[i], base);

		if (digit < 0 || __builtin_mul_overflow(value, base, &value) ||
		    __builtin_add_overflow(value, (uint64_t)digit, &value))
			return false;
	}
	*out_value = value;
	return true;
}

bool kiln_number_u32(const char *text, uint32_t *out_value)
{
	uint64_t value;

	if (!kiln_number_u64(text, strlen(text), &value) || value > UINT32_MAX)
		return false;
	*out_value = (uint32_t)value;
	return true;
}

bool kiln_number_i64(const char *text, size_t length, int64_t *out_value)
{
	bool negative = length && text[0] == '-';
	uint64_t magnitude;

	if (!kiln_number_u64(text + negative, length - negative, &magnitude) ||
	    magnitude > (uint64_t)INT64_MAX + negative)
		return false;
	*out_value = (int64_t)(negative ? 0 - magnitude : magnitude);
	return true;
}

bool kiln_number_f64(const char *text, size_t length, double *out_value)
{
	char copy[LENGTH_MAX + 1], *end;
	double value;

	if (!length || length > LENGTH_MAX || isspace((unsigned char)text[0]))
		return false;
	memcpy(copy, text, length);
	copy[length] = '\0';
	value = strtod(copy, &end);
	if (end != copy + length)
		return false;
	*out_value = value;
	return true;
}

static bool scaled(const char *text, size_t length, uint64_t *out_value)
{
	unsigned shift = !length                   ? 0
	                 : text[length - 1] == 'K' ? 10
	                 : text[length - 1] == 'M' ? 20
	                 : text[length - 1] == 'G' ? 30
	                                           : 0;
	uint64_t value;

	if (!kiln_number_u64(text, length - (shift != 0), &value) || value > UINT64_MAX >> shift)
		return false;
	*out_value = value << shift;
	return true;
}

bool kiln_number_extents(const char *text, size_t length, uint64_t out_extents[3], unsigned *out_count)
{
	uint64_t extents[3], product = 1;
	unsigned count = 0;

	/* The first character may belong to "0x..." and is never a separator. */
	for (size_t start = 0, end; start <= length; start = end + 1) {
		for (end = start;
		     end < length && (text[end] != 'x' || (end == start + 1 && text[start] == '0')); end++)
			;
		if (count == 3 || !scaled(text + start, end - start, &extents[count]) || !extents[count] ||
		    __builtin_mul_overflow(product, extents[count], &product))
			return false;
		count++;
	}
	memcpy(out_extents, extents, count * sizeof extents[0]);
	*out_count = count;
	return count > 0;
}

bool kiln_number_triple(const char *text, uint32_t out_values[3])
{
	uint32_t values[3] = {1, 1, 1};

	for (unsigned count = 0;; count++) {
		size_t length = strcspn(text, ",x");
		uint64_t value;

		if (count == 3 || !scaled(text, length, &value) || value > UINT32_MAX)
			return false;
		values[count] = (uint32_t)value;
		if (!text[length])
			break;
		text += length + 1;
	}
	memcpy(out_values, values, sizeof values);
	return true;
}

bool kiln_number_duration(const char *text, int64_t *out_seconds)
{
	static const char units[] = "smhdw";
	static const int64_t seconds[] = {1, 60, 3600, 86400, 604800};
	size_t length = strlen(text);
	const char *unit = length ? strchr(units, text[length - 1]) : NULL;
	int64_t count;

	if (!unit || !*unit || !kiln_number_i64(text, length - 1, &count) || count <= 0 ||
	    __builtin_mul_overflow(count, seconds[unit - units], &count))
		return false;
	*out_seconds = count;
	return true;
}
