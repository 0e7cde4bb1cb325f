/* One copy of each string for as long as the owner lives: what a store hands out stays valid whatever other
 * threads put or forget, and putting the same names again and again does not grow it. Not thread-safe. */
#ifndef AUTOTUNE_STRINGS_H
#define AUTOTUNE_STRINGS_H

#include <stddef.h>
#include <stdint.h>

struct kiln_strings {
	char **slots;    /* NULL = free */
	size_t capacity; /* power of two */
	size_t count;
};

/* Zero-initialised is empty. */
void kiln_strings_finish(struct kiln_strings *strings);
/* NULL = out of memory. `text` needs no NUL and holds none. */
const char *kiln_strings_keep(struct kiln_strings *strings, const char *text, size_t bytes);

uint64_t kiln_strings_hash(const char *text, size_t bytes);

#endif
