/* What is known of a record beyond its configuration: the lines of `bad`, and the ratio in the unit of the file. */
#ifndef AUTOTUNE_BAD_H
#define AUTOTUNE_BAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "strings.h"

/* A ratio in KILN_RATIO_UNIT; 0 for what is none: not a number, not positive, or too large. */
uint64_t kiln_ratio_units(double ratio);
double kiln_ratio_of(uint64_t units);

/* The lines of both, each once, `newer` first, at most KILN_TUNE_BAD_LINES. *out_bad is NULL when there are none. Returns:
 * false when out of memory. Ownership: `strings`. */
bool kiln_bad_union(struct kiln_strings *strings, const char *newer, const char *older, const char **out_bad);

#endif
