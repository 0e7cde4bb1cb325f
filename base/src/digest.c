#include <kiln/digest.h>

#include <string.h>

#include <base/hash.h>

static void encode(const struct kiln_digest *digest, size_t bytes, char *out)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < bytes; i++) {
		out[2 * i] = digits[digest->bytes[i] >> 4];
		out[2 * i + 1] = digits[digest->bytes[i] & 15];
	}
	out[2 * bytes] = '\0';
}

bool kiln_digest_equal(const struct kiln_digest *a, const struct kiln_digest *b)
{
	return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

void kiln_hex_encode(const struct kiln_digest *digest, char out_hex[KILN_DIGEST_HEX])
{
	encode(digest, KILN_DIGEST_BYTES, out_hex);
}

void kiln_hex_short(const struct kiln_digest *digest, char out_hex[KILN_DIGEST_SHORT])
{
	encode(digest, (KILN_DIGEST_SHORT - 1) / 2, out_hex);
}

struct kiln_digest kiln_digest_of(const void *data, size_t bytes)
{
	struct kiln_hasher hasher;

	kiln_hash_init_raw(&hasher, NULL);
	kiln_hash_raw(&hasher, data, bytes);
	return kiln_hash_finish(&hasher);
}
