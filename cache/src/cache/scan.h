/* Looking at every file of the cache without opening any. */
#ifndef CACHE_SCAN_H
#define CACHE_SCAN_H

#include <cache/store.h>

enum kiln_scan_kind {
	KILN_SCAN_ENTRY,   /* a regular file of our own with an entry's name */
	KILN_SCAN_LITTER,  /* left by a process that is dead, or by one that stopped writing an hour ago */
	KILN_SCAN_TEMP,    /* being written right now, as far as we can tell */
	KILN_SCAN_SIDECAR, /* an entry's manifest; of no entry, and an hour old, it is litter */
	KILN_SCAN_FOREIGN, /* anything else in a folder of entries; never touched */
};

struct kiln_scan_item {
	enum kiln_scan_kind kind;
	const struct kiln_shard *shard; /* NULL for litter in the folders above the shards */
	int dir;                        /* the open folder `name` lies in */
	const char *dir_path;           /* below the root */
	const char *name;
	const struct stat *facts;
};

/* What a file takes from the disk. */
static inline uint64_t kiln_allocated_bytes(const struct stat *facts)
{
	return (uint64_t)facts->st_blocks * 512;
}

/* Calls `visit` for every file, stops when it returns false. A folder or file that cannot be looked at is
 * passed over; the first such failure is returned at the end. Files may be removed meanwhile.
 * `now_s` is what an hour ago is measured from. */
enum kiln_status kiln_scan(const struct kiln_cache *cache, int64_t now_s,
                           bool (*visit)(void *user, const struct kiln_scan_item *item), void *user);

/* Reports where a long call is. Steps are told apart by their name; false = stop. */
bool kiln_progress_step(const struct kiln_cache_progress *progress, const char *phase, uint64_t done,
                        uint64_t total);

#endif
