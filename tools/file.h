/* Whole files, bounded, and atomic writes. */
#ifndef TOOLS_FILE_H
#define TOOLS_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "why.h"

/* Reads a file, pipe or device to its end; more than `max_bytes` is an error before more is read. The data
 * is followed by a NUL that is not counted; the caller free()s it. */
bool kiln_file_read(const char *path, size_t max_bytes, uint8_t **out_data, size_t *out_bytes,
                    struct kiln_why *why);

/* Replaces `path` by renaming a finished temporary file over it: readers and an interrupted run see the
 * old file or the new one. Something that is no regular file (/dev/null, a pipe) is written to directly. */
bool kiln_file_write(const char *path, const void *data, size_t bytes, struct kiln_why *why);

bool kiln_file_has_extension(const char *path, const char *extension); /* ".npy"; case ignored */

#endif
