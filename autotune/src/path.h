/* Where the store is: a pure function of the environment. */
#ifndef AUTOTUNE_PATH_H
#define AUTOTUNE_PATH_H

#include <stdbool.h>
#include <stddef.h>

#include <base/settings.h>

#ifdef __APPLE__
#define KILN_IS_MACOS true
#else
#define KILN_IS_MACOS false
#endif

/* Whether the last component can be a file: not empty, not "." or "..". */
bool kiln_names_a_file(const char *path);

/* As kiln_store_default_path(). */
size_t kiln_store_path_in(const struct kiln_env_source *env, bool macos, const char *cache_root,
                          char *out_path, size_t bytes);

#endif
