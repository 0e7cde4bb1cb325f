/* The text of a save: the old file's text with this store's changes in it, records sorted by (key, adapter).
 * What nobody changed is copied byte for byte, comments and unknown keys included. */
#ifndef AUTOTUNE_COMPOSE_H
#define AUTOTUNE_COMPOSE_H

#include <kiln/status.h>

#include <base/bytes.h>

#include "records.h"

/* `text`: the old file, accepted by kiln_load_toml(), whose records are the sources of `records`; empty
 * for a new one.
 * Returns: KILN_OK, KILN_ERR_OUT_OF_MEMORY; sets no message. Ownership: *out_text is the caller's, also on
 * failure. */
enum kiln_status kiln_compose(const char *text, size_t bytes, const struct kiln_records *records,
                              struct kiln_writer *out_text);

#endif
