/* Every environment variable Kiln reads, from one table. */
#ifndef KILN_ENV_H
#define KILN_ENV_H

#include <stdbool.h>
#include <stddef.h>

#include <kiln/export.h>

KILN_BEGIN_DECLS

/** One variable as it stands now. Strings are valid until the environment changes. */
struct kiln_env_fact {
	const char *name;          /* "KILN_CACHE" */
	const char *meaning;       /* one line */
	const char *accepts;       /* "off, ro or rw" */
	const char *default_value; /* printed form */
	const char *value;         /* NULL when unset; "(hidden)" for a secret that is set */
	/* false: the value makes no sense and the default is in force; with such a secret, though, the cache
	 * does not open, for the default would accept what the secret was to keep out */
	bool valid;
};

/** Number of variables. Threads: any.  Blocks: no. */
KILN_API size_t kiln_env_count(void);

/** Fact `index` of kiln_env_count(); all fields NULL for an index beyond.
 *  Threads: any, unless another thread changes the environment.  Blocks: no. */
KILN_API struct kiln_env_fact kiln_env_fact(size_t index);

KILN_END_DECLS

#endif
