/* Records in memory: an array and an open-addressing index over key and adapter. Strings belong to a
 * kiln_strings. */
#ifndef AUTOTUNE_RECORDS_H
#define AUTOTUNE_RECORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kiln/autotune.h>

/* What this store did to a record since the file was last read or written. */
enum kiln_pending { KILN_PENDING_NOTHING, KILN_PENDING_PUT, KILN_PENDING_FORGET };

#define KILN_NO_SOURCE SIZE_MAX

struct kiln_entry {
	struct kiln_tune_record record;
	uint64_t hash;
	size_t source; /* index of the record in the file it came from, KILN_NO_SOURCE for none */
	enum kiln_pending pending;
	/* Fields of the file that bear the name of one of ours and are not of its shape, a bit each by their index in
	 * kiln_fields[]: somebody else's, and left alone. */
	uint32_t foreign;
	bool live; /* false: a tombstone */
	bool anew; /* put after it was forgotten: nothing of the old one stays */
};

struct kiln_records {
	struct kiln_entry *entries;
	size_t count;
	size_t capacity;
	uint32_t *slots;   /* index + 1, 0 = free */
	size_t slot_count; /* power of two */
	size_t live;
	size_t pending;
};

/* Zero-initialised is empty. */
void kiln_records_finish(struct kiln_records *records);

/* NULL = never seen. Tombstones are found too. */
struct kiln_entry *kiln_records_find(const struct kiln_records *records, const struct kiln_tune_key *key,
                                     const char *adapter);

/* Adds or replaces. KILN_PENDING_FORGET leaves a tombstone. false = out of memory, nothing changed. */
bool kiln_records_set(struct kiln_records *records, const struct kiln_tune_record *record, size_t source,
                      enum kiln_pending pending);

/* Everything pending is in the file now. */
void kiln_records_settle(struct kiln_records *records);

/* The live entries sorted by (key, adapter): `live` pointers. NULL = out of memory.
 * Ownership: the caller kiln_free()s the array. */
struct kiln_entry **kiln_records_sorted(const struct kiln_records *records);

#endif
