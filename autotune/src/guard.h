/* What is refused before a parser sees it: packaged TOML parsers recurse as deep as the text asks them to. */
#ifndef AUTOTUNE_GUARD_H
#define AUTOTUNE_GUARD_H

#include <kiln/status.h>

#include "fault.h"

#define KILN_GUARD_FILE_BYTES ((size_t)4 << 20)
#define KILN_GUARD_LINE_BYTES ((size_t)4 << 10) /* without the newline */
#define KILN_GUARD_DOTS 8                       /* in a table header or dotted key */
#define KILN_GUARD_DEPTH 16                     /* brackets and braces open at once */
#define KILN_GUARD_TABLES 65536 /* headers and dotted keys: the parser's time grows with their square */

/* Returns: KILN_OK, or KILN_ERR_TOML_HOSTILE with *out_fault filled (no message is set). */
enum kiln_status kiln_toml_guard(const char *text, size_t bytes, struct kiln_fault *out_fault);

#endif
