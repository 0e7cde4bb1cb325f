/* Where the cache lies when nobody says so. */
#ifndef CACHE_ROOT_H
#define CACHE_ROOT_H

#include <stddef.h>

#include <base/settings.h>

enum kiln_platform {
	KILN_PLATFORM_UNIX,
	KILN_PLATFORM_MACOS,
	KILN_PLATFORM_WINDOWS,
};

/* A pure function of environment and platform. Returns the length needed, as kiln_cache_default_root()
 * does. */
size_t kiln_cache_root_from(const struct kiln_env_source *env, enum kiln_platform platform, char *out_path,
                            size_t bytes);

#endif
