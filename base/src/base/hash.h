/* BLAKE3 with the encodings of the identity rules: little-endian integers, length-prefixed fields,
 * a domain-separation string first. */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#include <blake3.h>
#include <kiln/digest.h>

struct kiln_hasher {
	blake3_hasher state;
};

/* Starts a digest and hashes `domain` as a u32-prefixed string. */
void kiln_hash_init(struct kiln_hasher *hasher, const char *domain);
/* Starts a digest with nothing hashed, optionally keyed (32 bytes; NULL = not keyed). */
void kiln_hash_init_raw(struct kiln_hasher *hasher, const uint8_t *key);
/* Starts a digest in BLAKE3's key-derivation mode. `context` is a constant that nothing else uses. Unlike a domain
 * string it leaves what follows on BLAKE3's chunk borders: one update with all of it takes half the time. */
void kiln_hash_init_derived(struct kiln_hasher *hasher, const char *context);
void kiln_hash_raw(struct kiln_hasher *hasher, const void *data, size_t bytes); /* no prefix */
void kiln_hash_u8(struct kiln_hasher *hasher, uint8_t value);
void kiln_hash_u32(struct kiln_hasher *hasher, uint32_t value);
void kiln_hash_u64(struct kiln_hasher *hasher, uint64_t value);
/* 32 raw bytes. */
void kiln_hash_digest(struct kiln_hasher *hasher, const struct kiln_digest *digest);
/* u32 prefix; below 4 GiB, asserted. */
void kiln_hash_field(struct kiln_hasher *hasher, const void *data, size_t bytes);
void kiln_hash_string(struct kiln_hasher *hasher, const char *text);
/* u64 prefix. */
void kiln_hash_field64(struct kiln_hasher *hasher, const void *data, size_t bytes);
struct kiln_digest kiln_hash_finish(const struct kiln_hasher *hasher);

#endif
