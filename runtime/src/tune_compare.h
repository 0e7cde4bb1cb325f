/* Is this output the same as that one? Pure. */
#ifndef RUNTIME_TUNE_COMPARE_H
#define RUNTIME_TUNE_COMPARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kiln_tune_tolerance {
	double absolute, relative; /* both 0: every bit counts */
};

/* Where the first difference is; `bytes` = nowhere. With a tolerance, 4-byte words that are both normal f32 or zero may
 * differ by absolute + relative * |expected|; everything else (integers below 2^23 look like denormals, NaN, infinity) must
 * agree bit by bit. */
size_t kiln_tune_compare(const void *expected, const void *actual, size_t bytes,
                         const struct kiln_tune_tolerance *tolerance);

/* Where the first word is that does not hold `pattern`; `bytes` = nowhere. */
size_t kiln_tune_compare_pattern(const void *data, size_t bytes, uint32_t pattern);

#endif
