/* The sentence behind a failed parse: pure code fills it, the command reports it. */
#ifndef TOOLS_WHY_H
#define TOOLS_WHY_H

#include <stdbool.h>

#include <kiln/export.h>

struct kiln_why {
	char text[1024];
};

void kiln_why_set(struct kiln_why *why, const char *format, ...) KILN_PRINTF(2, 3);
/* Always false, so that `return kiln_why(...)` is one line. A macro, so that compilers see the false. */
#define kiln_why(...) (kiln_why_set(__VA_ARGS__), false)

#endif
