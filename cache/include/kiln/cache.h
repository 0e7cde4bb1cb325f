/* The disk cache: verified bytes under a pipeline identity or a content key, shared by processes. Knows no
 * Vulkan. NULL is a valid cache everywhere and means "no persistence": every read is not found, all else
 * succeeds and does nothing. File format: cache/FORMAT.md. */
#ifndef KILN_CACHE_H
#define KILN_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kiln/identity.h>

KILN_BEGIN_DECLS

struct kiln_cache;

enum kiln_cache_mode {
	KILN_CACHE_DEFAULT = 0, /* KILN_CACHE from the environment, else read-write */
	KILN_CACHE_OFF,         /* no cache: kiln_cache_open() gives NULL */
	KILN_CACHE_READ_ONLY,   /* nothing is written or removed; the root may also be the superuser's */
	KILN_CACHE_READ_WRITE,
};

struct kiln_cache_params {
	const char *root; /* NULL = kiln_cache_default_root() */
	enum kiln_cache_mode mode;
	uint64_t max_entry_bytes; /* bound on one payload, both ways; 0 = 64 MiB */
};

#define kiln_cache_open KILN_ABI(kiln_cache_open)
/** Opens a cache; for writing, creates its root with mode 0700.
 *  `params` NULL = defaults. *out_cache is NULL with KILN_OK when the mode is off.
 *  Returns: KILN_ERR_PERMISSION (unwritable, a symbolic link, owned by someone else, or writable by group or
 *  others), KILN_ERR_NOT_A_DIRECTORY, KILN_ERR_READ_ONLY, KILN_ERR_NO_SPACE, KILN_ERR_IO,
 *  KILN_ERR_OUT_OF_MEMORY. Not errors: a missing root in read-only mode, which is an empty cache and stays
 *  one; and a filled root that turns out to be unwritable, which can be read, while every write fails.
 *  Ownership: the caller closes it.  Threads: any; the cache itself is safe to share by threads.  Blocks: on
 *  the disk. */
KILN_API enum kiln_status kiln_cache_open(const struct kiln_cache_params *params,
                                          struct kiln_cache **out_cache);

/** Closes and sets NULL; NULL and *cache NULL are fine. Does not flush.  Threads: no other call may be in
 *  flight. */
KILN_API void kiln_cache_close(struct kiln_cache **cache);

/** The root the environment gives, the first that is set and, but for KILN_CACHE_DIR, absolute:
 *  KILN_CACHE_DIR, $XDG_CACHE_HOME/kiln/pipelines, ~/.cache/kiln/pipelines (macOS:
 *  ~/Library/Caches/kiln/pipelines), on Windows %LOCALAPPDATA%\kiln\pipelines; else ./kiln-cache/pipelines.
 *  Writes at most `bytes`, NUL-terminated.  Returns: the length needed, without NUL.
 *  Threads: any, unless another thread changes the environment.  Blocks: no. */
KILN_API size_t kiln_cache_default_root(char *out_path, size_t bytes);

/** The root of an open cache, without trailing slashes; "" for NULL.  Ownership: the cache's.  Threads:
 *  any. */
KILN_API const char *kiln_cache_root(const struct kiln_cache *cache);

/** The path of an entry below `root`, whether it exists or not.
 *  Writes at most `bytes`, NUL-terminated.  Returns: the length needed, without NUL.  Threads: any.  Blocks:
 *  no. */
KILN_API size_t kiln_cache_path_for(const char *root, const struct kiln_pipeline_identity *identity,
                                    char *out_path, size_t bytes);
KILN_API size_t kiln_cache_content_path_for(const char *root, const struct kiln_digest *content_key,
                                            char *out_path, size_t bytes);

#define KILN_ENTRY_STUB (1u << 0) /* the driver's blob carries no code: never evidence of a disk hit */

/** What an entry says about itself besides its payload. */
struct kiln_cache_entry {
	const void *payload;
	size_t payload_bytes;
	uint32_t flags;        /* KILN_ENTRY_* */
	uint64_t compile_ns;   /* what rebuilding costs */
	int64_t created_s;     /* seconds since 1970; 0 on write = now */
	char kiln_version[16]; /* on read: who wrote it; ignored on write */
	void *memory;          /* owned: kiln_cache_entry_finish() frees it */
};

/** Frees what a read allocated; a zeroed entry is fine. */
KILN_API void kiln_cache_entry_finish(struct kiln_cache_entry *entry);

/** Reads and verifies an entry: size, magic, version, lengths, digest, then the full key and fingerprint.
 *  Returns: KILN_OK; KILN_ERR_NOT_FOUND (also: another version, or over max_entry_bytes; the entry stays);
 *  KILN_ERR_DAMAGED (removed unless read-only, counted, the first one logged; also an intact entry of another
 *  key in this one's place); KILN_ERR_IO, KILN_ERR_PERMISSION (a link, not a regular file, or not ours),
 *  KILN_ERR_OUT_OF_MEMORY ... (the entry stays); KILN_ERR_INVALID_ARGUMENT as kiln_policy_digest().
 *  Ownership: finish *out_entry.  Threads: any, without a lock.  Blocks: on the disk. */
KILN_API enum kiln_status kiln_cache_read(struct kiln_cache *cache, const struct kiln_pipeline_key *key,
                                          const struct kiln_fingerprint *fingerprint,
                                          struct kiln_cache_entry *out_entry);

/** Writes or replaces an entry atomically: a reader sees the old one or the new one. Durable after
 *  kiln_cache_flush().
 *  Returns: KILN_ERR_TOO_LARGE over max_entry_bytes; KILN_ERR_NO_SPACE, KILN_ERR_READ_ONLY, KILN_ERR_IO ...:
 *  the old entry stays and no temp file is left. A read-only cache skips and returns KILN_OK.
 *  Threads: any.  Blocks: on the disk, without waiting for it to sync. */
KILN_API enum kiln_status kiln_cache_write(struct kiln_cache *cache, const struct kiln_pipeline_key *key,
                                           const struct kiln_fingerprint *fingerprint,
                                           const struct kiln_cache_entry *entry);

/** The same two for any other artefact, under its content key (kiln_content_key()): same format, same
 *  checks. */
KILN_API enum kiln_status kiln_cache_content_read(struct kiln_cache *cache,
                                                  const struct kiln_digest *content_key,
                                                  struct kiln_cache_entry *out_entry);
KILN_API enum kiln_status kiln_cache_content_write(struct kiln_cache *cache,
                                                   const struct kiln_digest *content_key,
                                                   const struct kiln_cache_entry *entry);

/** Makes everything this cache object wrote or removed so far durable: files first, then every directory
 *  created or changed, up to the root. A file that vanished counts as flushed; after a failure a later flush
 *  tries the rest again.
 *  Threads: any; writers do not wait for it.  Blocks: until the disk has it. */
KILN_API enum kiln_status kiln_cache_flush(struct kiln_cache *cache);

/** Removes pipeline entries. Absent ones are no error; goes on after a failed removal and returns the first
 *  error. `*out_removed` (may be NULL) counts what is gone, also on failure.
 *  Returns: KILN_ERR_READ_ONLY for a read-only cache, KILN_ERR_IO ...  Threads: any.  Blocks: on the disk. */
KILN_API enum kiln_status kiln_cache_invalidate(struct kiln_cache *cache,
                                                const struct kiln_pipeline_identity *identity,
                                                size_t *out_removed);
KILN_API enum kiln_status kiln_cache_invalidate_program(struct kiln_cache *cache,
                                                        const struct kiln_digest *program,
                                                        size_t *out_removed);
KILN_API enum kiln_status kiln_cache_invalidate_device(struct kiln_cache *cache,
                                                       const struct kiln_digest *device, size_t *out_removed);
/** Removes every policy of programs[i] on `device` where mask[i] != 0; mask entries beyond program_count are
 *  ignored. */
KILN_API enum kiln_status kiln_cache_invalidate_mask(struct kiln_cache *cache,
                                                     const struct kiln_digest *device,
                                                     const struct kiln_digest *programs, size_t program_count,
                                                     const uint8_t *mask, size_t mask_count,
                                                     size_t *out_removed);

/** How near the cache comes to an identity it may not hold. */
struct kiln_cache_evidence {
	uint64_t total_entries; /* of pipelines; a lower bound: 0, or at least 1 */
	uint64_t same_program;
	uint64_t same_program_policy;
	uint64_t same_program_policy_device; /* 0 or 1 */
};

/** Gathers evidence from the names in the program's folder: one directory listing, more only where that is
 *  empty. Nothing is opened or verified.  Returns: KILN_ERR_IO ...  Threads: any.  Blocks: on the disk. */
KILN_API enum kiln_status kiln_cache_evidence(struct kiln_cache *cache,
                                              const struct kiln_pipeline_identity *identity,
                                              struct kiln_cache_evidence *out_evidence);

/** One entry as kiln_cache_list() meets it. Pointers are valid during the callback. */
struct kiln_cache_listing {
	const char *path;
	/* KILN_OK; KILN_ERR_DAMAGED (also: not where its key belongs), KILN_ERR_UNSUPPORTED (another
	 * version), KILN_ERR_TOO_LARGE, KILN_ERR_IO ...: then only path, bytes and last_use_s hold, and
	 * pointers are NULL. */
	enum kiln_status status;
	uint64_t bytes; /* of the file */
	int64_t last_use_s;
	const struct kiln_pipeline_key *key; /* these three NULL for a content entry */
	const struct kiln_fingerprint *fingerprint;
	const struct kiln_pipeline_identity *identity;
	const struct kiln_digest *content_key; /* NULL for a pipeline */
	struct kiln_cache_entry entry;         /* payload NULL; payload_bytes holds */
};

/** Calls `visit` for every entry, in path order, reading and verifying each; stops when it returns false.
 *  Removes nothing, counts nothing.
 *  Returns: KILN_ERR_OUT_OF_MEMORY, KILN_ERR_IO ... when a directory cannot be listed.
 *  Threads: any.  Blocks: on the disk. */
KILN_API enum kiln_status kiln_cache_list(struct kiln_cache *cache,
                                          bool (*visit)(void *user, const struct kiln_cache_listing *listing),
                                          void *user);

/** What a cache object has seen since it was opened. */
struct kiln_cache_counters {
	/* reads = the sum of the other six: each read counts in exactly one of them */
	uint64_t reads, found, not_found, damaged, other_version, too_large, read_errors;
	uint64_t writes, write_errors, write_skips; /* done, failed, not tried because read-only */
	uint64_t flushes, flush_errors;             /* all, and those of them that failed */
};

/** A snapshot; each number is exact, their sum only while nothing else runs. All zero for NULL.
 *  Threads: any.  Blocks: no. */
KILN_API struct kiln_cache_counters kiln_cache_counters(const struct kiln_cache *cache);

KILN_END_DECLS

#endif
