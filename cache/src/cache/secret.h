/* The secret that turns an entry's digest into a MAC, and its name in the files. */
#ifndef CACHE_SECRET_H
#define CACHE_SECRET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <base/fs.h>

#define KILN_SECRET_BYTES_MIN 16
#define KILN_SECRET_BYTES_MAX 4096
#define KILN_SEAL_ID_BYTES 8

/* How entries are sealed: zeroed = plain BLAKE3. */
struct kiln_seal {
	bool keyed;
	uint8_t key[32];
	uint8_t id[KILN_SEAL_ID_BYTES]; /* tells another key from a wrong MAC, and nothing about the key */
};

/* Derives the key and its id. */
struct kiln_seal kiln_seal_from(const void *secret, size_t bytes);

/* Reads the file once. Refused, never ignored: running on without the MAC that was asked for would accept
 * what it was to keep out. KILN_ERR_PERMISSION (a link, not regular, not ours, or open to group or others),
 * NOT_FOUND, INVALID_ARGUMENT (its length), IO, OUT_OF_MEMORY. */
enum kiln_status kiln_seal_load(const struct kiln_fs *fs, const char *path, struct kiln_seal *out_seal);

/* Overwrites the key, in a way the compiler keeps. */
void kiln_seal_forget(struct kiln_seal *seal);

#endif
