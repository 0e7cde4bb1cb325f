/* Finding and opening the GLSL module. */
#ifndef RUNTIME_GLSL_LOADER_H
#define RUNTIME_GLSL_LOADER_H

#include <kiln/status.h>

#include "glsl_module.h"

/* The module, opened at the first call and kept for the life of the process. Searched beside the object
 * Kiln is linked into, in its folder `kiln`, in the build tree's place for it, then where this build
 * installs it. Returns: KILN_ERR_UNSUPPORTED naming the places. */
enum kiln_status kiln_glsl_load(const struct kiln_glsl_module **out_module);

/* For programs that link Kiln statically inside the build tree: a path tried before all others. */
void kiln_glsl_module_path(const char *path);

#endif
