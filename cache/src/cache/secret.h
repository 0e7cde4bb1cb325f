/* The secret that turns an entry's digest into a MAC, and its name in the files. */
#ifndef CACHE_SECRET_H
#define CACHE_SECRET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <base/fs.h>
#include <base/settings.h>

#define KILN_SEAL_ID_BYTES 8

/* How entries are sealed: zeroed = plain BLAKE3. */
struct kiln_seal {
	bool keyed;
	uint8_t entry_key[32], pack_key[32];
	uint8_t id[KILN_SEAL_ID_BYTES]; /* tells another secret from a wrong MAC, and nothing about it */
};

/* Derives the keys and their id. */
struct kiln_seal kiln_seal_from(const void *secret, size_t bytes);

/* Reads the file once. Refused, never ignored: running on without the MAC that was asked for would accept
 * what it was to keep out. KILN_ERR_PERMISSION (a link, not regular, not ours, or open to group or others),
 * NOT_FOUND, INVALID_ARGUMENT (its length), IO, OUT_OF_MEMORY. */
enum kiln_status kiln_seal_load(const struct kiln_fs *fs, const char *path, struct kiln_seal *out_seal);

/* The seal a cache is to have: by the file `path`, or for NULL as the environment says: the bytes of
 * KILN_CACHE_SECRET, which make the same key as a file of the same bytes, or the file KILN_CACHE_SECRET_FILE names; with
 * neither, plain. Both, or a value of a wrong length, are KILN_ERR_INVALID_ARGUMENT, with a sentence that does not
 * show it. `env` NULL = the process's. */
enum kiln_status kiln_seal_choose(const struct kiln_fs *fs, const char *path, const struct kiln_env_source *env,
                                  struct kiln_seal *out_seal);

/* Overwrites the keys, in a way the compiler keeps. */
void kiln_seal_forget(struct kiln_seal *seal);

#endif
