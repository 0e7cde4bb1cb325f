/* Open-addressing table from 32-byte digests to pointers. The digest is its own hash: its first
 * eight bytes are uniform already. Not thread-safe; the owner locks. */
#ifndef BASE_TABLE_H
#define BASE_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include <kiln/digest.h>

struct kiln_table_slot {
	struct kiln_digest key;
	void *value; /* NULL = free */
};

/* Zero-initialised is empty. */
struct kiln_table {
	struct kiln_table_slot *slots;
	size_t capacity; /* power of two */
	size_t count;
};

void kiln_table_finish(struct kiln_table *table); /* values are the owner's */
void *kiln_table_get(const struct kiln_table *table, const struct kiln_digest *key); /* NULL = absent */
/* Inserts or replaces; `value` must not be NULL. false = out of memory, table unchanged. */
bool kiln_table_put(struct kiln_table *table, const struct kiln_digest *key, void *value);
void *kiln_table_remove(struct kiln_table *table, const struct kiln_digest *key); /* the old value */
/* Iterates: start with *cursor = 0; NULL at the end. The table must not change meanwhile. */
const struct kiln_table_slot *kiln_table_next(const struct kiln_table *table, size_t *cursor);

#endif
