/* Free text from drivers, made safe to keep in a line and to print. */
#ifndef AUTOTUNE_ESCAPE_H
#define AUTOTUNE_ESCAPE_H

#include <stdbool.h>
#include <stddef.h>

/* Space to tilde only. */
bool kiln_is_printable(const char *text);

/* Printable text stays as it is, so that escaping twice is escaping once; in other text every byte that is
 * not printable, and '%', becomes %XX. Writes at most `bytes`, NUL-terminated.  Returns: the length
 * needed, without NUL. */
size_t kiln_escape(const char *text, char *out_text, size_t bytes);

#endif
