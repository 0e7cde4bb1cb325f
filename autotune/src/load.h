/* From a text to records, with every way it can be wrong said in a sentence. */
#ifndef AUTOTUNE_LOAD_H
#define AUTOTUNE_LOAD_H

#include <stddef.h>

#include <kiln/status.h>

#include "records.h"
#include "strings.h"
#include "toml_read.h"

/* Guards and parses. `path` is for the message, which is set on failure.
 * Returns: KILN_OK, KILN_ERR_TOML_HOSTILE, KILN_ERR_TOML_SYNTAX, KILN_ERR_OUT_OF_MEMORY. */
enum kiln_status kiln_load_toml(const char *path, const char *text, size_t bytes,
                                struct kiln_toml **out_toml);

/* Checks the schema and adds every record to `records`, which is empty; the source of each is its index.
 * Returns: KILN_OK, KILN_ERR_TOML_TYPE, KILN_ERR_TOML_SCHEMA, KILN_ERR_OUT_OF_MEMORY; sets the message. */
enum kiln_status kiln_load_records(const char *path, const struct kiln_toml *toml,
                                   struct kiln_strings *strings, struct kiln_records *records);

#endif
