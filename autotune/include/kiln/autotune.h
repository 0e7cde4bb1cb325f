/* The autotune store: key and adapter -> the best launch configuration, in one TOML file a person can
 * edit. NULL is a valid store everywhere and means "no records". Knows no Vulkan. The file's shape:
 * autotune/FORMAT.md. */
#ifndef KILN_AUTOTUNE_H
#define KILN_AUTOTUNE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kiln/status.h>

KILN_BEGIN_DECLS

struct kiln_store;

#define KILN_TUNE_KEY_BYTES 16
#define KILN_TUNE_KEY_HEX 33 /* 32 lowercase digits and NUL */

/** What was tuned, folded to 16 bytes: with an adapter id it identifies a record. */
struct kiln_tune_key {
	uint8_t bytes[KILN_TUNE_KEY_BYTES];
};

/** Folds four facts into a key: `shader_hash` and `binding_signature` are the first 8 bytes (little-endian)
 *  of the program and the layout digest, `spec_hash` those of BLAKE3(entry point, fixed constants,
 *  problem-size bucket), `default_workgroup` is the kernel's own size in threads. The fold is specified in
 *  autotune/FORMAT.md.
 *  Returns: the key.  Threads: any.  Blocks: no. */
KILN_API struct kiln_tune_key kiln_tune_key(uint64_t shader_hash, uint64_t binding_signature,
                                            const uint32_t default_workgroup[3], uint64_t spec_hash);

/** Writes the key as it stands in the file.  Threads: any.  Blocks: no. */
KILN_API void kiln_tune_key_encode(const struct kiln_tune_key *key, char out_hex[KILN_TUNE_KEY_HEX]);

/** Reads what kiln_tune_key_encode() writes.
 *  Returns: false, with *out_key untouched, unless `hex` is exactly 32 lowercase hex digits.
 *  Threads: any.  Blocks: no. */
KILN_API bool kiln_tune_key_decode(const char *hex, struct kiln_tune_key *out_key);

/** The name a device goes by in the store: "vulkan-" and the lower-case device name, runs outside
 *  [a-z0-9.] as one '-', none at the end. Writes at most `bytes`, NUL-terminated.
 *  Returns: the length needed, without NUL.  Threads: any.  Blocks: no. */
KILN_API size_t kiln_adapter_id(const char *device_name, char *out_id, size_t bytes);

/** The problem-size bucket of a launch of so many threads: 1 + the binary logarithm of their number, rounded down; y
 *  and z 0 mean 1, x 0 is the bucket of one thread. Bucket 0, KILN_TUNE_ANY_SIZE, stands for every size.
 *  Returns: 1 to KILN_TUNE_BUCKET_MAX.  Threads: any.  Blocks: no. */
KILN_API uint32_t kiln_tune_bucket(const uint32_t threads[3]);
#define KILN_TUNE_ANY_SIZE 0u
#define KILN_TUNE_BUCKET_MAX 96u

/** How a record came to be. */
enum kiln_tune_status {
	KILN_TUNE_UNSTATED = 0, /* older files, files of other tools */
	KILN_TUNE_TUNED = 1,    /* measured, and faster than the default */
	KILN_TUNE_KEPT =
		2, /* measured, and nothing was faster than the default, which is what the record says */
	KILN_TUNE_TENTATIVE = 3, /* load or the budget got in the way: to be measured again */
};

/** As it stands in the file: "tuned", "default", "provisional"; NULL for other values.  Threads: any.  Blocks: no. */
KILN_API const char *kiln_tune_status_name(enum kiln_tune_status status);

/** A launch configuration and where it came from. Strings in a record handed out by a store are the
 *  store's and stay valid until it is closed, whatever is put, forgotten or saved meanwhile, by any
 *  thread. */
struct kiln_tune_record {
	struct kiln_tune_key key;
	const char *adapter;        /* kiln_adapter_id() */
	uint32_t workgroup_size[3]; /* threads, each 1 to 2^31 */
	uint32_t unroll;            /* 1 to 2^31 */
	uint32_t tile[3];           /* each 1 to 2^31; all zero: not tile-shaped */
	const char *recorded_at;    /* "YYYY-MM-DD" or NULL */
	const char *driver;   /* free text; kiln_store_put() percent-escapes it to printable ASCII. Or NULL */
	uint32_t bucket;      /* kiln_tune_bucket() of the problem it was tuned for; also part of the key */
	uint32_t rounds;      /* it was measured in; 0 = unknown */
	double ratio_default; /* its time by the default's, to four decimals: below 1 is faster. 0 = unknown */
	enum kiln_tune_status status;
	/* Configurations never to be tried again: for each a line of a word that says why and its
	 * kiln_tune_config_text(), "hung 256x1x1 unroll 4". NULL = none. */
	const char *bad;
};

#define KILN_TUNE_BAD_LINES 64
#define KILN_TUNE_BAD_LINE_BYTES 200 /* without the end of line */

/** Whether `line` is among the lines of `bad`; NULL has none.  Threads: any.  Blocks: no. */
KILN_API bool kiln_tune_bad_has(const char *bad, const char *line);

#define kiln_store_open KILN_ABI(kiln_store_open)
/** Opens the store of `path`; NULL = kiln_store_default_path(NULL, ...). A relative path counts from the
 *  working directory of each access. Reads nothing yet: the file is parsed at the first look-up, so a
 *  program that looks nothing up pays nothing.
 *  Returns: KILN_ERR_INVALID_ARGUMENT for a path that names a folder, KILN_ERR_OUT_OF_MEMORY,
 *  KILN_ERR_THREAD.
 *  Ownership: the caller closes it.  Threads: any; the store itself is safe to share.  Blocks: no. */
KILN_API enum kiln_status kiln_store_open(const char *path, struct kiln_store **out_store);

/** Drops unsaved changes and every string handed out. NULL and *store NULL are fine; *store becomes NULL.
 *  Threads: when no other thread uses the store any more.  Blocks: no. */
KILN_API void kiln_store_close(struct kiln_store **store);

/** The file the environment gives: KILN_AUTOTUNE_STORE, else autotune.toml in the explicit cache root
 *  (`cache_root`, or for NULL KILN_CACHE_DIR), else $XDG_CACHE_HOME/kiln/autotune.toml (empty or relative
 *  = unset), else ~/.cache/kiln/autotune.toml (macOS: ~/Library/Caches/kiln), else
 *  %LOCALAPPDATA%\kiln\autotune.toml, else ./kiln-cache/autotune.toml. Writes at most `bytes`,
 *  NUL-terminated.
 *  Returns: the length needed, without NUL.  Threads: any, unless another changes the environment.
 *  Blocks: no. */
KILN_API size_t kiln_store_default_path(const char *cache_root, char *out_path, size_t bytes);

/** The path in use; NULL for a NULL store.  Ownership: the store's.  Threads: any.  Blocks: no. */
KILN_API const char *kiln_store_path(const struct kiln_store *store);

/** Parses the file now if that has not happened. A missing file is an empty store. Takes no lock on the
 *  file.
 *  Returns: KILN_ERR_TOML_SYNTAX, _TYPE, _SCHEMA or _HOSTILE with line and column: these stick, later
 *  look-ups say the same until the store is opened anew or saved after the file was mended. KILN_ERR_IO,
 *  KILN_ERR_PERMISSION, KILN_ERR_NOT_A_DIRECTORY, KILN_ERR_OUT_OF_MEMORY: the next look-up tries again.
 *  Threads: any.  Blocks: on the disk. */
KILN_API enum kiln_status kiln_store_load(struct kiln_store *store);

/** Reads the file again, for what other processes saved since it was read. What this store was told by put or forget and
 *  has not saved stays on top of it. On failure nothing has changed.
 *  Returns: as kiln_store_load().  Threads: any.  Blocks: on the disk. */
KILN_API enum kiln_status kiln_store_refresh(struct kiln_store *store);

/** Looks a record up. What this store was told by put or forget holds even when the file cannot be read.
 *  Returns: KILN_ERR_NOT_FOUND (no message is set) or what kiln_store_load() gives.
 *  Ownership: *out_record is the caller's, its strings are the store's.
 *  Threads: any.  Blocks: on the disk at the first call, and while another thread loads or saves. */
KILN_API enum kiln_status kiln_store_get(struct kiln_store *store, const struct kiln_tune_key *key,
                                         const char *adapter, struct kiln_tune_record *out_record);

/** Looks up what fits a problem best: the record of its bucket, else one for every size, else that of the nearest
 *  bucket, the smaller of two. Keys are asked for by bucket, because it is hashed into them: `key_of` gives the one of
 *  the same kernel. *out_bucket (may be NULL) is the bucket found; *out_reason (may be NULL) says why it is not the one
 *  asked for, "" when it is; static.
 *  Returns: as kiln_store_get().  Ownership: as there.
 *  Threads: any.  Blocks: as kiln_store_get(); up to KILN_TUNE_BUCKET_MAX + 1 look-ups. */
KILN_API enum kiln_status kiln_store_nearest(struct kiln_store *store, const char *adapter, uint32_t bucket,
                                             struct kiln_tune_key (*key_of)(void *user, uint32_t bucket),
                                             void *user, struct kiln_tune_record *out_record,
                                             uint32_t *out_bucket, const char **out_reason);

/** Adds or replaces in memory and marks dirty. `recorded_at` NULL = today (UTC), "" = unknown. Keys of the
 *  record that Kiln does not know stay in the file. `bad` lines only ever grow: those of the record that is replaced, here or in
 *  the file when it is saved, stay (the newest KILN_TUNE_BAD_LINES of all), unless it was forgotten first.
 *  Returns: KILN_ERR_INVALID_ARGUMENT for numbers outside the bounds above, or strings that are empty, too
 *  long, or (but for `driver`) not printable ASCII, lines of `bad` apart; KILN_ERR_OUT_OF_MEMORY.
 *  Ownership: the strings are copied.  Threads: any.  Blocks: while another thread loads or saves. */
KILN_API enum kiln_status kiln_store_put(struct kiln_store *store, const struct kiln_tune_record *record);

/** Removes in memory and, if it was there, marks dirty: the save removes it from the file even if another
 *  process has put it again. *out_was_there (may be NULL) says whether it existed.
 *  Returns: what kiln_store_load() gives.  Threads: any.  Blocks: as kiln_store_get(). */
KILN_API enum kiln_status kiln_store_forget(struct kiln_store *store, const struct kiln_tune_key *key,
                                            const char *adapter, bool *out_was_there);

/** Number of records, unsaved changes included. A file that cannot be read counts as empty.
 *  Threads: any.  Blocks: as kiln_store_get(). */
KILN_API size_t kiln_store_len(struct kiln_store *store);
KILN_API bool kiln_store_is_empty(struct kiln_store *store);

/** Whether there is anything to save.  Threads: any.  Blocks: while another thread loads or saves. */
KILN_API bool kiln_store_is_dirty(const struct kiln_store *store);

/** Calls `visit` for every record sorted by (key, adapter); stops when it returns false. `visit` may call
 *  the store and sees the records as they were at the start.
 *  Returns: what kiln_store_load() gives, or KILN_ERR_OUT_OF_MEMORY, and then nothing was visited.
 *  Threads: any.  Blocks: as kiln_store_get(). */
KILN_API enum kiln_status kiln_store_each(struct kiln_store *store,
                                          bool (*visit)(void *user, const struct kiln_tune_record *record),
                                          void *user);

/** Saves this store's own puts and forgets on top of what is in the file now, under an exclusive lock on
 *  <path>.lock: two processes that each add a record end with both; for one key this store wins. Atomic
 *  and durable. Afterwards the store also holds what others saved. *out_wrote (may be NULL): false when
 *  nothing was dirty, and then nothing is created either.
 *  Returns: KILN_ERR_TOML_* when the file cannot be read, and then it is left as it is (TOML_HOSTILE also
 *  when it would become too large); KILN_ERR_NO_SPACE, _READ_ONLY, _PERMISSION, _NOT_A_DIRECTORY, _IO,
 *  _OUT_OF_MEMORY. After every failure the store is still dirty.
 *  Threads: any.  Blocks: on the lock and the disk. */
KILN_API enum kiln_status kiln_store_save_if_dirty(struct kiln_store *store, bool *out_wrote);

KILN_END_DECLS

#endif
