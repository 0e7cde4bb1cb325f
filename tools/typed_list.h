/* Values of mixed types in a row, as push constants and uniform blocks need them, from text. Pure.
 * "f32:2.0,u32:1024,7": a type holds until the next one; each value is aligned to its size; "pad:N" adds N
 * zero bytes. */
#ifndef TOOLS_TYPED_LIST_H
#define TOOLS_TYPED_LIST_H

#include <stdbool.h>

#include "array.h"
#include "why.h"

/* The array has a type when all values share one. */
bool kiln_typed_list(const char *text, struct kiln_array *out_array, struct kiln_why *why);

#endif
