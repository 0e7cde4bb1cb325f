/* Generated buffer contents, from text. Pure.
 *
 *   zeros[:[TYPE:]COUNT]                 zero bytes
 *   const:TYPE:VALUE[:COUNT]             one value repeated
 *   iota:TYPE[:COUNT[:START[:STEP]]]     START, START + STEP, ...; integers wrap around
 *   random:TYPE[:COUNT[:SEED]]           floats in [0, 1), integers over their whole range
 *   data:LIST                            a typed list, see typed_list.h
 *
 * COUNT is elements: 1000, 64K, 640x480; missing or "auto" = as many as the launch needs. */
#ifndef TOOLS_PATTERN_H
#define TOOLS_PATTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "array.h"
#include "why.h"

/* What a count that is not given becomes. */
struct kiln_pattern_room {
	uint64_t bytes;     /* the launch needs; 0 = not known */
	uint64_t element;   /* bytes of one as the kernel declares it, for a count without a type; 0 = 1 */
	uint64_t max_bytes; /* more is refused; 0 = KILN_ARRAY_BYTES_MAX */
};

/* Is this the text of a pattern, and not a file name? */
bool kiln_pattern_is(const char *text);
/* Does the pattern leave its count to the launch? */
bool kiln_pattern_is_automatic(const char *text);
bool kiln_pattern_make(const char *text, const struct kiln_pattern_room *room, struct kiln_array *out_array,
                       struct kiln_why *why);

#endif
