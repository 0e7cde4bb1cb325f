/* Heap memory behind one seam, so that tests can fail the n-th allocation. */
#ifndef BASE_ALLOC_H
#define BASE_ALLOC_H

#include <stddef.h>

void *kiln_alloc(size_t bytes);                    /* uninitialised; NULL on failure */
void *kiln_alloc_zero(size_t count, size_t bytes); /* zeroed, multiplication checked */
void *kiln_realloc(void *memory, size_t bytes);    /* the old block survives a failure */
void *kiln_memdup(const void *data, size_t bytes); /* bytes may be 0 (returns a unique block) */
char *kiln_strdup(const char *text);
void kiln_free(void *memory);                      /* NULL is fine */

/* Tests only: called before each allocation; returning 0 makes it fail. NULL restores the default. */
void kiln_alloc_hook(int (*allow)(void *user), void *user);

#endif
