#include "tune_compare.h"

#include <math.h>
#include <string.h>

static bool is_number(float value)
{
	return value == 0 || isnormal(value);
}

static bool close_enough(uint32_t expected_bits, uint32_t actual_bits,
                         const struct kiln_tune_tolerance *tolerance)
{
	float expected, actual;

	if (expected_bits == actual_bits)
		return true;
	memcpy(&expected, &expected_bits, 4);
	memcpy(&actual, &actual_bits, 4);
	if (!is_number(expected) || !is_number(actual))
		return false;
	return fabs((double)expected - (double)actual) <=
	       tolerance->absolute + tolerance->relative * fabs((double)expected);
}

static uint32_t word_at(const uint8_t *data, size_t at)
{
	uint32_t word;

	memcpy(&word, data + at, 4);
	return word;
}

static size_t first_difference(const uint8_t *a, const uint8_t *b, size_t from, size_t bytes)
{
	while (from < bytes && a[from] == b[from])
		from++;
	return from;
}

size_t kiln_tune_compare(const void *expected, const void *actual, size_t bytes,
                         const struct kiln_tune_tolerance *tolerance)
{
	const uint8_t *a = expected, *b = actual;
	size_t at = 0;

	if (memcmp(a, b, bytes) == 0)
		return bytes;
	if (tolerance->absolute == 0 && tolerance->relative == 0)
		return first_difference(a, b, 0, bytes);
	for (; bytes - at >= 4; at += 4)
		if (!close_enough(word_at(a, at), word_at(b, at), tolerance))
			return at;
	return first_difference(a, b, at, bytes);
}

size_t kiln_tune_compare_pattern(const void *data, size_t bytes, uint32_t pattern)
{
	const uint8_t *words = data;

	for (size_t at = 0; at + 4 <= bytes; at += 4)
		if (word_at(words, at) != pattern)
			return at;
	return bytes;
}
