/* The short way to read a store that is written as Kiln writes it. Large stores are read ten times as fast as through the
 * parser, which is asked whenever a single byte is not as expected: what is read here reads the same there. */
#ifndef AUTOTUNE_QUICK_H
#define AUTOTUNE_QUICK_H

#include <stddef.h>

#include <kiln/status.h>

#include "records.h"
#include "strings.h"

/* Adds every record of the text to `records`, which is empty.
 * Returns: KILN_OK; KILN_ERR_NOT_FOUND for a text of any other shape, good or bad, and KILN_ERR_OUT_OF_MEMORY: `records` may
 * then hold some, and no message is set. */
enum kiln_status kiln_quick_load(const char *text, size_t bytes, struct kiln_strings *strings,
                                 struct kiln_records *records);

#endif
