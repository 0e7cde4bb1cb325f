/* Included files of one GLSL compile: found, read within bounds, kept until the compile ends. */
#ifndef RUNTIME_GLSL_INCLUDE_H
#define RUNTIME_GLSL_INCLUDE_H

#include <stdbool.h>
#include <stddef.h>

#include <kiln/status.h>

#include "glsl_module.h"

#define KILN_GLSL_INCLUDE_DEPTH 32          /* nesting */
#define KILN_GLSL_INCLUDE_BYTES (4u << 20)  /* of one file */
#define KILN_GLSL_INCLUDE_TOTAL (64u << 20) /* of all files, each inclusion counted */

struct kiln_glsl_included; /* one file */

struct kiln_glsl_includes {
	const char *const *paths;
	size_t path_count;
	struct kiln_glsl_included *first;
	size_t total_bytes;
	/* The first failure that is more than "not there": a bound, or a file that cannot be read. Its
	 * message is in `failure_message`, because the search goes on and other calls overwrite the
	 * thread's. */
	enum kiln_status failure;
	char failure_message[512];
};

void kiln_glsl_includes_finish(struct kiln_glsl_includes *includes);

/* The search of `#include`: `local` beside the including file, else in the include paths, in order. NULL
 * when not found or not allowed. */
const struct kiln_glsl_include *kiln_glsl_include_find(struct kiln_glsl_includes *includes, const char *name,
                                                       const char *includer, size_t depth, bool local);

#endif
