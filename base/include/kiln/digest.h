/* 256-bit digests: the only identity Kiln knows. */
#ifndef KILN_DIGEST_H
#define KILN_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kiln/export.h>

KILN_BEGIN_DECLS

#define KILN_DIGEST_BYTES 32
#define KILN_DIGEST_HEX 65   /* 64 lowercase digits and the terminating NUL */
#define KILN_DIGEST_SHORT 13 /* 12 digits and NUL */

/** BLAKE3-256. A plain value: copy it, compare it with kiln_digest_equal(). */
struct kiln_digest {
	uint8_t bytes[KILN_DIGEST_BYTES];
};

/** Threads: any.  Blocks: no. */
KILN_API bool kiln_digest_equal(const struct kiln_digest *a, const struct kiln_digest *b);

/** Writes the 64 lowercase hex digits and a NUL.  Threads: any.  Blocks: no. */
KILN_API void kiln_hex_encode(const struct kiln_digest *digest, char out_hex[KILN_DIGEST_HEX]);

/** Writes the first 12 hex digits and a NUL: the short printed form.  Threads: any.  Blocks: no. */
KILN_API void kiln_hex_short(const struct kiln_digest *digest, char out_hex[KILN_DIGEST_SHORT]);

/** BLAKE3-256 of `bytes` bytes at `data`.  Threads: any.  Blocks: no. */
KILN_API struct kiln_digest kiln_digest_of(const void *data, size_t bytes);

KILN_END_DECLS

#endif
