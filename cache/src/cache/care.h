/* What gc, stat, verify and clear share. */
#ifndef CACHE_CARE_H
#define CACHE_CARE_H

#include <cache/store.h>

/* The head of an entry file, unverified: good enough to rank and to count by.
 * false = it cannot be read, or is no entry's. */
bool kiln_head_read(const struct kiln_cache *cache, int dir, const char *name,
                    struct kiln_entry_head *out_head);

/* KILN_CACHE_MAX_BYTES, else its default. */
uint64_t kiln_gc_budget(void);

/* KILN_ERR_READ_ONLY with the sentence. */
enum kiln_status kiln_refuse_read_only(const struct kiln_cache *cache);

#endif
