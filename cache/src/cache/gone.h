/* What the cache remembers of what it no longer holds: which entries went, why and when; and what devices are called
 * whose entries it has. A small file of fixed size, written in place and without locks (cache/FORMAT.md). It explains
 * and never decides, so records may be lost, and what is no whole record is passed over. */
#ifndef CACHE_GONE_H
#define CACHE_GONE_H

#include <cache/store.h>

#define KILN_GONE_RECORD_BYTES 32
#define KILN_GONE_BUCKET_RECORDS 8
#define KILN_GONE_BUCKETS 512
#define KILN_GONE_BUCKET_BYTES (KILN_GONE_RECORD_BYTES * KILN_GONE_BUCKET_RECORDS)
#define KILN_GONE_TABLE_BYTES (KILN_GONE_BUCKET_BYTES * KILN_GONE_BUCKETS)

/* Behind the table: names of devices. */
#define KILN_GONE_DEVICE_BYTES 256
#define KILN_GONE_DEVICES 32

/* Removals: the file is opened at the first. */
struct kiln_gone {
	const struct kiln_cache *cache;
	bool started;
	int fd; /* -1 = none, or not to be trusted: nothing is written */
	int64_t now_s;
};

struct kiln_gone kiln_gone_begin(const struct kiln_cache *cache);
/* `name` is the entry's file name. */
void kiln_gone_add(struct kiln_gone *gone, const char *name, enum kiln_cache_fate fate);
void kiln_gone_end(struct kiln_gone *gone);
/* The three for one entry. */
void kiln_gone_note(const struct kiln_cache *cache, const char *name, enum kiln_cache_fate fate);

/* *out_when_s is written only where a fate is known. */
enum kiln_cache_fate kiln_gone_find(const struct kiln_cache *cache, const char *name, int64_t *out_when_s);

/* 0, or -1 with errno. */
int kiln_gone_clear(const struct kiln_cache *cache);

/* The file, if it can be trusted, else -1. `create` opens it for writing. */
int kiln_gone_open(const struct kiln_cache *cache, bool create);
/* Over a record's words, in which the check itself is 0; never 0. */
uint32_t kiln_gone_check(const uint64_t *words, size_t count);

#endif
