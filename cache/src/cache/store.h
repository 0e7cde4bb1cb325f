/* The open cache: what its source files share, and the seams its tests replace. */
#ifndef CACHE_STORE_H
#define CACHE_STORE_H

#include <stdatomic.h>

#include <kiln/cache.h>

#include <base/clock.h>
#include <base/fs.h>
#include <base/process.h>
#include <base/table.h>
#include <base/thread.h>
#include <cache/entry.h>
#include <cache/later.h>
#include <cache/layers.h>
#include <cache/notes.h>

#define KILN_ENTRY_BYTES_DEFAULT (UINT64_C(64) << 20)

/* The fields of struct kiln_cache_counters, each on its own: no lock on the read path. */
struct kiln_counts {
	_Atomic uint64_t reads, found, not_found, damaged, other_version, too_large, read_errors;
	_Atomic uint64_t writes, write_errors, write_skips, no_space;
	_Atomic uint64_t flushes, flush_errors;
	_Atomic uint64_t set_aside;
	_Atomic uint64_t layer_found, writes_later, later_drops;
	_Atomic uint64_t lease_waits, lease_timeouts;
};

/* Folders whose content changed since they were last synced. */
struct kiln_dirty {
	bool shards[2][256]; /* of pipelines, of content */
	bool above;          /* the root itself may be new in its parents */
	bool everything;     /* a change could not be noted: sync the whole file system */
};

/* What flush has to do. Writers add under `mutex`, briefly; flush takes all of it away and works without. */
struct kiln_pending {
	struct kiln_mutex mutex;
	struct kiln_mutex flushing; /* one flush at a time: a second must find the first one's work done */
	struct kiln_table files;    /* kiln_place.id -> struct kiln_pending_file */
	struct kiln_dirty dirty;
};

struct kiln_cache {
	const struct kiln_fs *fs;
	const struct kiln_clock *clock;
	char *root;         /* without trailing slashes */
	size_t above_bytes; /* length of the deepest prefix of `root` that existed before us; 0 = "." */
	uint32_t process;   /* kiln_process_generation() of the one that opened it */
	int root_fd;        /* -1: a read-only cache whose root does not exist */
	bool read_only;
	uint64_t max_entry_bytes;
	struct kiln_seal seal;
	struct kiln_notes notes;
	struct kiln_counts counts;
	_Atomic bool damage_logged;
	_Atomic uint64_t next_forced_gc_ns; /* monotonic: no collection for a full disk before that */
	_Atomic uint64_t uncollected_bytes; /* written since the last collection */
	_Atomic bool later_logged;
	struct kiln_later later;
	struct kiln_layers layers;
	struct kiln_pending pending;
};

/* The world a cache lives in; a NULL member is the real one. */
struct kiln_cache_host {
	const struct kiln_fs *fs;
	const struct kiln_clock *clock;
	const struct kiln_seal *seal; /* as parameters and environment choose it */
};

enum kiln_status kiln_cache_open_on(const struct kiln_cache_host *host,
                                    const struct kiln_cache_params *params, struct kiln_cache **out_cache);

/* In the child of a fork notes and list are the parent's, and locks may be held by threads that are not here. */
static inline bool kiln_cache_is_inherited(const struct kiln_cache *cache)
{
	return cache->process != kiln_process_generation();
}

static inline void kiln_count(_Atomic uint64_t *counter)
{
	atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

/* ---- One file ---- */

/* A file in memory, its descriptor still open: nobody can take its inode number while we judge it. */
struct kiln_file {
	int fd;
	struct stat facts;
	uint8_t *data;
	size_t bytes;
};

/* KILN_OK, NOT_FOUND, TOO_LARGE, DAMAGED (cut while we read), PERMISSION (link, not regular, not ours), IO,
 * OUT_OF_MEMORY. `path` is below the root. *out_file is always written: whole with OK and DAMAGED, else
 * closed, with the facts as far as they are known. */
enum kiln_status kiln_file_load(const struct kiln_cache *cache, const char *path, struct kiln_file *out_file);
void kiln_file_finish(const struct kiln_cache *cache, struct kiln_file *file);

/* Removes `path` if it still is this very file, and never another one that was renamed over it meanwhile.
 * Returns whether this file is no longer there. */
bool kiln_file_remove(const struct kiln_cache *cache, const char *dir, const char *path,
                      const struct kiln_file *file);

/* What verified bytes say: fills `listing` from `copy` and `identity`, which must live as long.
 * KILN_ERR_DAMAGED also for an entry that does not lie where its key belongs. */
enum kiln_status kiln_entry_describe(const struct kiln_cache *cache, const char *path, const uint8_t *data,
                                     size_t bytes, struct kiln_cache_listing *listing,
                                     struct kiln_subject_copy *copy, struct kiln_pipeline_identity *identity);

/* A read without counting it; *out_counter is the one it belongs in. Neither queue nor layers are looked at. */
enum kiln_status kiln_subject_read(struct kiln_cache *cache, const struct kiln_subject *subject,
                                   const struct kiln_place *place, struct kiln_cache_entry *out_entry,
                                   _Atomic uint64_t **out_counter);
/* Encodes, writes and counts, here and now. */
enum kiln_status kiln_subject_write(struct kiln_cache *cache, const struct kiln_subject *subject,
                                    const struct kiln_place *place, const struct kiln_cache_entry *entry);

/* Puts a whole encoded entry in its place. A full disk is collected once, and the write tried once more. */
enum kiln_status kiln_entry_install(struct kiln_cache *cache, const struct kiln_place *place, const void *data,
                                    size_t bytes);

/* Opens the folder a place lies in, and makes it if need be. -1 with errno. */
int kiln_shard_open(const struct kiln_cache *cache, const struct kiln_place *place);

/* ---- Flush's list; a forked child has none, and its flush syncs everything ---- */

enum kiln_status kiln_pending_init(struct kiln_pending *pending);
void kiln_pending_finish(struct kiln_cache *cache);
/* A file was installed. Never fails: what cannot be noted makes the next flush sync everything. */
void kiln_pending_add(struct kiln_cache *cache, const struct kiln_place *place);
/* A file was removed. */
void kiln_pending_touch(struct kiln_cache *cache, enum kiln_kind kind, uint8_t shard);

/* ---- Folders ---- */

/* Calls `visit` for the names in a folder below the root; a folder that is not there has none. */
enum kiln_status kiln_dir_visit(const struct kiln_cache *cache, const char *path,
                                bool (*visit)(void *user, const char *name), void *user);

/* Names collected from one folder, sorted. */
struct kiln_names {
	struct kiln_writer text; /* each with its NUL */
	const char **sorted;
	size_t count;
};

/* Those for which `wanted` holds (NULL = all). Ownership: finish *out_names. */
enum kiln_status kiln_dir_names(const struct kiln_cache *cache, const char *path,
                                bool (*wanted)(const void *user, const char *name), const void *user,
                                struct kiln_names *out_names);
void kiln_names_finish(struct kiln_names *names);

/* One folder of entries. */
struct kiln_shard {
	enum kiln_kind kind;
	uint8_t number;
	char dir[8];
};

/* Calls `visit` for every shard there is, in path order, pipelines and content; stops when it returns
 * false. */
enum kiln_status kiln_shards_visit(const struct kiln_cache *cache,
                                   bool (*visit)(void *user, const struct kiln_shard *shard), void *user);

#endif
