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
	/* Packs and cache folders that are read where the root has nothing, and never written: paths
	 * separated by ':', the first that has an entry wins. Opened at the first miss; what cannot be
	 * trusted or read is logged and left out. NULL = KILN_CACHE_PACKS, "" = none. */
	const char *packs;
	/* Seals entries with a MAC under this file's 16 to 4096 bytes, every one of which counts; mode 0600, read
	 * once. Entries without it, or by another secret, are misses that stay until this cache writes its own.
	 * NULL = by the environment: the file of KILN_CACHE_SECRET_FILE, or KILN_CACHE_SECRET itself, whose bytes make
	 * the same secret as a file of the same bytes; both are an error, neither means plain digests. */
	const char *secret_file;
};

#define kiln_cache_open KILN_ABI(kiln_cache_open)
/** Opens a cache; for writing, creates its root with mode 0700.
 *  `params` NULL = defaults. *out_cache is NULL with KILN_OK when the mode is off.
 *  Returns: KILN_ERR_PERMISSION (unwritable, a symbolic link, owned by someone else, or writable by group or
 *  others), KILN_ERR_NOT_A_DIRECTORY, KILN_ERR_READ_ONLY, KILN_ERR_NO_SPACE, KILN_ERR_IO,
 *  KILN_ERR_OUT_OF_MEMORY. A secret file that is missing (KILN_ERR_NOT_FOUND), not a file of ours or open to
 *  others (KILN_ERR_PERMISSION), or of a wrong length (KILN_ERR_INVALID_ARGUMENT, also for two secrets in the environment). Not errors: a missing root in read-only mode, which is an empty cache and stays
 *  one; and a filled root that turns out to be unwritable, which can be read, while every write fails.
 *  Ownership: the caller closes it.  Threads: any; the cache itself is safe to share by threads.  Blocks: on
 *  the disk. */
KILN_API enum kiln_status kiln_cache_open(const struct kiln_cache_params *params,
                                          struct kiln_cache **out_cache);

/** Closes and sets NULL; NULL and *cache NULL are fine. Writes what is queued; does not flush.
 *  Threads: no other call may be in flight. */
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
 *  key in this one's place); KILN_ERR_IO, KILN_ERR_PERMISSION (a link, not a regular file, not ours, or
 *  writable by others), KILN_ERR_OUT_OF_MEMORY ... (the entry stays); KILN_ERR_INVALID_ARGUMENT as
 *  kiln_policy_digest().
 *  Ownership: finish *out_entry.  Threads: any, without a lock.  Blocks: on the disk. */
KILN_API enum kiln_status kiln_cache_read(struct kiln_cache *cache, const struct kiln_pipeline_key *key,
                                          const struct kiln_fingerprint *fingerprint,
                                          struct kiln_cache_entry *out_entry);
/** The same for a caller that has their kiln_pipeline_identity() already, and need not pay for it twice: a microsecond,
 *  which is much for a small entry. A wrong identity is a mistake of the program's (asserted in debug builds), and may
 *  cost the entry of that identity. */
KILN_API enum kiln_status kiln_cache_read_known(struct kiln_cache *cache, const struct kiln_pipeline_key *key,
                                                const struct kiln_fingerprint *fingerprint,
                                                const struct kiln_pipeline_identity *identity,
                                                struct kiln_cache_entry *out_entry);

/** Writes or replaces an entry atomically: a reader sees the old one or the new one. Durable after
 *  kiln_cache_flush().
 *  Returns: KILN_ERR_TOO_LARGE over max_entry_bytes; KILN_ERR_NO_SPACE, KILN_ERR_READ_ONLY, KILN_ERR_IO ...:
 *  the old entry stays and no temp file is left. A cache that is read-only or suspended for the device skips and
 *  returns KILN_OK.
 *  Threads: any.  Blocks: on the disk, without waiting for it to sync. */
KILN_API enum kiln_status kiln_cache_write(struct kiln_cache *cache, const struct kiln_pipeline_key *key,
                                           const struct kiln_fingerprint *fingerprint,
                                           const struct kiln_cache_entry *entry);

/** Writes or replaces the manifest of a pipeline beside its entry, atomically: the entry's path with .json for .bin. It
 *  is for people and other programs; the cache never reads it, counts its bytes but not as an entry, and removes it with
 *  the entry. One whose entry does not come within the hour is litter. Flushing the cache does not sync it.
 *  Returns: KILN_ERR_NO_SPACE, KILN_ERR_IO ...: an old one stays. A cache that is read-only or suspended for the device
 *  skips and returns KILN_OK.  Threads: any.  Blocks: on the disk, without waiting for it to sync. */
KILN_API enum kiln_status kiln_cache_write_sidecar(struct kiln_cache *cache,
                                                   const struct kiln_pipeline_identity *identity,
                                                   const char *text);

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
 *  tries the rest again. A forked child that did not open the cache syncs the whole file system instead.
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

/* ---- Single flight: of N processes that miss the same entry at once, one compiles it ----
 *
 *	status = kiln_cache_read(cache, ...);                        a miss
 *	kiln_cache_lease_begin(cache, &identity, bound_ns, &lease);
 *	if (lease.look_again)
 *		status = kiln_cache_read(cache, ...);                somebody else may be done by now
 *	if (status != KILN_OK) {
 *		compile
 *		kiln_cache_write(cache, ...);
 *	}
 *	kiln_cache_lease_end(&lease);
 *
 *	held  look_again
 *	 yes     no      nobody has it and everybody else waits for us: compile, write, end
 *	 yes     yes     something lies in its place: read; if that still misses (damaged, another version), compile
 *	 no      yes     it came while we waited: read; if that misses, compile all the same
 *	 no      no      no lease: the bound was reached, or the cache is NULL, read-only, suspended, or on a file
 *	                 system without such locks. Compile all the same; nobody waits for us
 *
 * A lease is an advice and never an error: whatever goes wrong, two compile what one could have. It ends with
 * kiln_cache_lease_end() or with the process, at once, however that dies. A child forked meanwhile has it too and
 * keeps it if we die, so waiters need their bound: a few times what compiling takes, 10 s say.
 * The struct may be copied, and one copy ended by any thread of the process, such as the one that writes the entry:
 * always after the write, and before kiln_cache_close(). In one process join callers first: each lease costs a
 * descriptor. No lease where the entry that was read is a stub: compiling it again would bring nobody anything. */

struct kiln_cache_lease {
	bool held;
	bool look_again;
	uint64_t waited_ns;
	/* private */
	int fd;
	long owner;
	uint64_t offset;
	const struct kiln_cache *cache;
};

/** Asks for the right to compile `identity`, for at most `bound_ns`; 0 = does not wait.
 *  Returns: KILN_OK, or KILN_ERR_INVALID_ARGUMENT for NULL.  Ownership: end *out_lease, held or not.
 *  Threads: any.  Blocks: up to the bound while another holds it; sleeps 1 ms, later 10 ms between looks. */
KILN_API enum kiln_status kiln_cache_lease_begin(struct kiln_cache *cache,
                                                 const struct kiln_pipeline_identity *identity,
                                                 uint64_t bound_ns, struct kiln_cache_lease *out_lease);
/** The same for any other artefact. */
KILN_API enum kiln_status kiln_cache_content_lease_begin(struct kiln_cache *cache,
                                                         const struct kiln_digest *content_key,
                                                         uint64_t bound_ns,
                                                         struct kiln_cache_lease *out_lease);
/** Ends it and zeroes the struct; NULL and a zeroed struct are fine. In a forked child it only lets go of the
 *  child's copy.  Threads: any.  Blocks: no. */
KILN_API void kiln_cache_lease_end(struct kiln_cache_lease *lease);

/* ---- Crash quarantine: an entry whose blob killed the driver is not loaded again ----
 *
 *	note = kiln_cache_note_begin(cache, &identity);
 *	hand the blob to the driver
 *	kiln_cache_note_end(cache, note, the driver took it);
 *
 * If the process dies in between, in whatever way, the next kiln_cache_open() for writing sets the entry aside: it
 * reads as not found, until it is compiled and written again. Three sweeps that each find another entry, with no
 * successful load on that device between them, suspend the cache for the device for 24 hours: reads miss, writes are
 * skipped. A read-only cache takes no notes and sets nothing aside. */

struct kiln_cache_note {
	uint32_t lane; /* private; 0 = no note was taken */
};

/** Notes that the entry's blob goes to the driver now. Up to 16 at once for one cache; what is beyond, or where the
 *  cache has no notes file, or in a forked child that did not open it, goes unnoted.
 *  Threads: any.  Blocks: no; makes no system call (some 20 ns). */
KILN_API struct kiln_cache_note kiln_cache_note_begin(struct kiln_cache *cache,
                                                      const struct kiln_pipeline_identity *identity);
/** Clears the note. `loaded` = the driver accepted the blob and still lives: forgets earlier crashes on that device,
 *  so pass it truthfully.  Threads: any.  Blocks: no. */
KILN_API void kiln_cache_note_end(struct kiln_cache *cache, struct kiln_cache_note note, bool loaded);

/** Whether the entry was set aside and has not been written again since: why it is not found.
 *  Threads: any.  Blocks: on the disk, for one or two looks. */
KILN_API bool kiln_cache_quarantined(const struct kiln_cache *cache,
                                     const struct kiln_pipeline_identity *identity);
/** Whether persistence rests for a device (kiln_fingerprint_digest()).  Threads: any.  Blocks: no. */
KILN_API bool kiln_cache_suspended(const struct kiln_cache *cache, const struct kiln_digest *device);
/** Ends every suspension, forgets every crash, and removes what was set aside; the rest of the cache stays.
 *  Returns: KILN_ERR_READ_ONLY, KILN_ERR_TIMEOUT, KILN_ERR_IO ...  Threads: any.  Blocks: on the disk. */
KILN_API enum kiln_status kiln_cache_forgive(struct kiln_cache *cache);

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

/* ---- Why is it not there? ---- */

/** What became of an entry that is not in the cache. */
enum kiln_cache_fate {
	KILN_CACHE_NEVER_SEEN = 0, /* or forgotten: the last 4096 that went are remembered, nearly */
	KILN_CACHE_EVICTED,        /* collected, for its size or its age */
	KILN_CACHE_DAMAGED,
	KILN_CACHE_SET_ASIDE,      /* a process died while the driver had it */
	KILN_CACHE_INVALIDATED,
};

/** What the cache remembers of an entry it does not hold, for messages and nothing else: it may have forgotten, and of
 *  an entry that is there it may still tell what became of an earlier one. Clearing the cache forgets everything.
 *  *out_when_s (may be NULL) is seconds since 1970, 0 = not known.
 *  Threads: any.  Blocks: on the disk, some microseconds. */
KILN_API enum kiln_cache_fate kiln_cache_fate(const struct kiln_cache *cache,
                                              const struct kiln_pipeline_identity *identity, int64_t *out_when_s);
/** Stable snake_case: "never_seen", "evicted", "damaged", "set_aside", "invalidated". */
KILN_API const char *kiln_cache_fate_name(enum kiln_cache_fate fate);

/** The entry that comes nearest to one the cache does not hold. */
struct kiln_cache_nearest {
	unsigned fields;               /* in which the two differ; 0 = there is none */
	struct kiln_digest pipeline_id;
	char difference[512];          /* kiln_key_diff_print(), cut if it is longer; drivers by name where they have one */
};

/** All that is known about a miss. */
struct kiln_cache_explanation {
	struct kiln_cache_evidence evidence;
	enum kiln_cache_fate fate;
	int64_t fate_s; /* when, in seconds since 1970; 0 = not known */
	struct kiln_cache_nearest nearest;
};

/** Explains why the cache does not hold an entry: kiln_cache_evidence(), kiln_cache_fate(), and the entry of the same
 *  program that differs in the fewest fields, of several the one used last. For the latter the keys of at most 4 entries
 *  are read, of more those first that have the policy or the device in common; only their
 *  form is verified: for messages. Read-only layers are not looked at for it.
 *  Returns: KILN_ERR_INVALID_ARGUMENT as kiln_policy_digest(), KILN_ERR_IO ... when a folder cannot be listed.
 *  Threads: any.  Blocks: on the disk. */
KILN_API enum kiln_status kiln_cache_explain(struct kiln_cache *cache, const struct kiln_pipeline_key *key,
                                             const struct kiln_fingerprint *fingerprint,
                                             struct kiln_cache_explanation *out_explanation);

#define KILN_CACHE_DEVICE_NAME_MAX 224 /* bytes, without NUL */

/** Remembers what a device's driver is called ("radv Mesa 22.3.6"), for kiln_cache_explain(): a digest tells nobody what
 *  changed. Of the last 32 devices; a longer name is cut. Failing to remember is no error.
 *  Threads: any.  Blocks: on the disk. */
KILN_API void kiln_cache_name_device(struct kiln_cache *cache, const struct kiln_fingerprint *fingerprint,
                                     const char *name);
/** Writes at most `bytes`, NUL-terminated; "" where nothing is known.  Returns: whether the name is known. */
KILN_API bool kiln_cache_device_name(const struct kiln_cache *cache, const struct kiln_fingerprint *fingerprint,
                                     char *out_name, size_t bytes);

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
/** The same for the pipelines of one program, at the cost of these alone: one folder's names, and the files of its
 *  entries. What is unreadable is met too, where its name says that it is the program's. */
KILN_API enum kiln_status
kiln_cache_list_program(struct kiln_cache *cache, const struct kiln_digest *program,
                        bool (*visit)(void *user, const struct kiln_cache_listing *listing), void *user);

/* ---- Writes off the hot path ---- */

/** kiln_cache_write() that returns at once: a copy is queued, and one thread of low priority writes it soon
 *  after a burst of such calls goes quiet (50 ms), and flushing or closing writes what is left. A crash before
 *  that loses only what was not yet written. A read of a queued key finds it. Where there is no memory, thread
 *  or room in the queue (64 MiB) the caller writes; behind a disk that hangs the entry is dropped and counted.
 *  `lease`, if not NULL, is taken over, in every case, and ended once the entry is in place; one that is held
 *  makes the thread hurry, as others wait for it.
 *  Returns: as kiln_cache_write() when it is written at once, else KILN_OK; what fails later is counted, the
 *  first one logged, and the next flush says so.
 *  Threads: any; in a forked child it writes at once.  Blocks: usually no. */
KILN_API enum kiln_status kiln_cache_write_later(struct kiln_cache *cache,
                                                 const struct kiln_pipeline_key *key,
                                                 const struct kiln_fingerprint *fingerprint,
                                                 const struct kiln_cache_entry *entry,
                                                 struct kiln_cache_lease *lease);
KILN_API enum kiln_status kiln_cache_content_write_later(struct kiln_cache *cache,
                                                         const struct kiln_digest *content_key,
                                                         const struct kiln_cache_entry *entry,
                                                         struct kiln_cache_lease *lease);

/* ---- Care: keeping it bounded, checking it, clearing it, moving it ---- */

/** Told now and then how far a long call is. `phase` is one word, a static string; `total` is 0 where it is
 *  not known. Returning false stops the call with KILN_ERR_CANCELLED; what is done until then stays done. */
struct kiln_cache_progress {
	bool (*step)(void *user, const char *phase, uint64_t done, uint64_t total);
	void *user;
};

struct kiln_cache_gc_params {
	uint64_t max_bytes; /* allocated blocks count; 0 = KILN_CACHE_MAX_BYTES, else 1 GiB */
	int64_t max_age_s;  /* since the last use, which is known to the hour; 0 = any */
	int64_t now_s;      /* seconds since 1970; 0 = now */
	bool dry_run;       /* decide and report, remove nothing */
	struct kiln_cache_progress progress;
};

struct kiln_cache_gc_report {
	uint64_t entries, bytes;         /* found */
	uint64_t removed, removed_bytes; /* of them; in a dry run: chosen */
	uint64_t litter, litter_bytes;   /* files of dead processes that were removed */
	uint64_t spared;                 /* chosen, but used or replaced before their turn came */
	uint64_t failed;                 /* that could not be removed */
};

/** Removes entries older than max_age_s, then the least recently used, those that are cheap to build again
 *  first, until the rest fits max_bytes; and what dead processes left behind. Exact: counts what is there now.
 *  `params` NULL = defaults; `out_report` may be NULL and is written on failure too.
 *  Returns: KILN_ERR_READ_ONLY (not in a dry run), KILN_ERR_CANCELLED, KILN_ERR_OUT_OF_MEMORY, or the first
 *  failure to look at or remove something, after all the rest was done.
 *  Threads and processes: any, next to readers, writers and other collections.  Blocks: on the disk. */
KILN_API enum kiln_status kiln_cache_gc(struct kiln_cache *cache, const struct kiln_cache_gc_params *params,
                                        struct kiln_cache_gc_report *out_report);

/** What lies in the cache, from the names and heads of its files; bytes are allocated blocks. */
struct kiln_cache_stat {
	uint64_t pipelines, pipeline_bytes;
	uint64_t contents, content_bytes;
	uint64_t stubs;          /* pipelines whose blob holds no code */
	uint64_t other_versions; /* entries of another version of Kiln or its format, counted above too */
	uint64_t unreadable;     /* entries whose head is no entry's or cannot be read, counted above too */
	uint64_t litter, litter_bytes; /* what gc would remove as left behind */
	uint64_t foreign;              /* files that are not ours; never touched */
	uint64_t compile_ns;           /* what building all of it again would take, one after the other */
	int64_t oldest_use_s, newest_use_s; /* 0 in an empty cache */
	uint64_t max_bytes;                 /* gc's default budget */
	uint64_t layers, layer_entries;     /* read-only layers in use, and what packs among them hold */
	uint64_t layers_refused;            /* that are damaged, missing or not to be trusted */
};

/** Fills *out_stat; nothing is verified.  Returns: the first failure to look at something.
 *  Threads: any.  Blocks: on the disk. */
KILN_API enum kiln_status kiln_cache_stat(struct kiln_cache *cache, struct kiln_cache_stat *out_stat);

struct kiln_cache_verify_params {
	bool remove; /* damaged entries */
	/* Called for whatever is not a good entry. KILN_ERR_DAMAGED, KILN_ERR_UNSUPPORTED (another version),
	 * KILN_ERR_TOO_LARGE, KILN_ERR_PERMISSION (no file of ours), KILN_ERR_IO ... May be NULL. */
	void (*problem)(void *user, const char *path, enum kiln_status status);
	void *user;
	struct kiln_cache_progress progress;
};

struct kiln_cache_verify_report {
	uint64_t good, good_bytes; /* bytes of files */
	uint64_t damaged, removed; /* the second is part of the first */
	uint64_t other_version, too_large, foreign, errors;
};

/** Reads and checks everything in the cache, packs not included.
 *  `params` NULL = defaults; `out_report` may be NULL and is written on failure too.
 *  Returns: KILN_OK also when there is damage; KILN_ERR_READ_ONLY when asked to remove from a read-only
 *  cache, KILN_ERR_CANCELLED, KILN_ERR_IO ... when a folder cannot be listed.
 *  Threads: any.  Blocks: on the disk. */
KILN_API enum kiln_status kiln_cache_verify(struct kiln_cache *cache,
                                            const struct kiln_cache_verify_params *params,
                                            struct kiln_cache_verify_report *out_report);

struct kiln_cache_clear_report {
	uint64_t removed, removed_bytes;
	uint64_t failed;
};

/** Removes every entry of every version, what dead processes left, and the memory of crashes
 *  (kiln_cache_forgive()). Folders, files that are not ours, packs and whatever else lies in the root stay.
 *  `out_report` may be NULL and is written on failure too.
 *  Returns: KILN_ERR_READ_ONLY, or the first failure, after all the rest was done.
 *  Threads: any.  Blocks: on the disk. */
KILN_API enum kiln_status kiln_cache_clear(struct kiln_cache *cache,
                                           struct kiln_cache_clear_report *out_report);

struct kiln_cache_export_params {
	/* What to take: NULL = all, else pipelines only, of this program, for this device. */
	const struct kiln_digest *program;
	const struct kiln_digest *device;
	struct kiln_cache_progress progress;
};

struct kiln_cache_pack_report {
	uint64_t entries, bytes; /* written to the pack, or imported from it */
	uint64_t present;        /* import: left alone, as the cache has them and can read them */
	uint64_t skipped;        /* not wanted, damaged, of another version, too large, or in quarantine */
};

/** Writes the cache's good entries into one file, a pack, atomically and durably.
 *  Returns: KILN_ERR_CANCELLED, KILN_ERR_TOO_LARGE (over a million entries), KILN_ERR_NO_SPACE,
 *  KILN_ERR_IO ...: an old file at `path` stays; KILN_ERR_PERMISSION where something else than a file is there.
 *  Threads: any.  Blocks: on the disk. */
KILN_API enum kiln_status kiln_cache_export(struct kiln_cache *cache, const char *path,
                                            const struct kiln_cache_export_params *params,
                                            struct kiln_cache_pack_report *out_report);

/** Copies the good entries of a pack into the cache, each verified; those it has, and those in quarantine, are left alone.
 *  Returns: KILN_ERR_NOT_FOUND, KILN_ERR_PERMISSION (a link, or a pack that others could have written and no
 *  secret vouches for), KILN_ERR_DAMAGED (its index), KILN_ERR_UNSUPPORTED (a newer format),
 *  KILN_ERR_READ_ONLY, KILN_ERR_CANCELLED, KILN_ERR_NO_SPACE ...: what was copied stays.
 *  Threads: any.  Blocks: on the disk. */
KILN_API enum kiln_status kiln_cache_import(struct kiln_cache *cache, const char *path,
                                            const struct kiln_cache_progress *progress,
                                            struct kiln_cache_pack_report *out_report);

/** What a cache object has seen since it was opened. */
struct kiln_cache_counters {
	/* reads = the sum of the other six: each read counts in exactly one of them */
	uint64_t reads, found, not_found, damaged, other_version, too_large, read_errors;
	uint64_t writes, write_errors, write_skips; /* done, failed, not tried because read-only */
	uint64_t no_space; /* of the failed: the disk was full, also after a collection */
	uint64_t writes_later; /* queued; `writes` and `write_errors` count them once they are done */
	uint64_t later_drops;  /* not queued and not written: the queue was full and the disk hangs */
	uint64_t layer_found;  /* of those found: in a read-only layer */
	uint64_t flushes, flush_errors;             /* all, and those of them that failed */
	uint64_t set_aside; /* entries put into quarantine when it was opened */
	uint64_t lease_waits, lease_timeouts; /* leases that somebody else held; those of them waited for to the bound */
};

/** A snapshot; each number is exact, their sum only while nothing else runs. All zero for NULL.
 *  Threads: any.  Blocks: no. */
KILN_API struct kiln_cache_counters kiln_cache_counters(const struct kiln_cache *cache);

KILN_END_DECLS

#endif
