#include <base/hash.h>

#include <assert.h>
#include <pthread.h>
#include <string.h>

static pthread_once_t detected = PTHREAD_ONCE_INIT;

/* BLAKE3 remembers the CPU's features in a plain variable at its first use: a race when two threads begin
 * at once, so one digest is made before any other. */
static void detect_cpu(void)
{
	uint8_t digest[BLAKE3_OUT_LEN];
	blake3_hasher state;

	blake3_hasher_init(&state);
	blake3_hasher_finalize(&state, digest, sizeof(digest));
}

void kiln_hash_init_raw(struct kiln_hasher *hasher, const uint8_t *key)
{
	pthread_once(&detected, detect_cpu);
	if (key != NULL)
		blake3_hasher_init_keyed(&hasher->state, key);
	else
		blake3_hasher_init(&hasher->state);
}

void kiln_hash_init(struct kiln_hasher *hasher, const char *domain)
{
	kiln_hash_init_raw(hasher, NULL);
	kiln_hash_string(hasher, domain);
}

void kiln_hash_init_derived(struct kiln_hasher *hasher, const char *context)
{
	pthread_once(&detected, detect_cpu);
	blake3_hasher_init_derive_key(&hasher->state, context);
}

void kiln_hash_raw(struct kiln_hasher *hasher, const void *data, size_t bytes)
{
	if (bytes != 0)
		blake3_hasher_update(&hasher->state, data, bytes);
}

static void hash_little_endian(struct kiln_hasher *hasher, uint64_t value, size_t bytes)
{
	uint8_t encoded[8];

	for (size_t i = 0; i < bytes; i++)
		encoded[i] = (uint8_t)(value >> (8 * i));
	blake3_hasher_update(&hasher->state, encoded, bytes);
}

void kiln_hash_u8(struct kiln_hasher *hasher, uint8_t value)
{
	hash_little_endian(hasher, value, 1);
}

void kiln_hash_u32(struct kiln_hasher *hasher, uint32_t value)
{
	hash_little_endian(hasher, value, 4);
}

void kiln_hash_u64(struct kiln_hasher *hasher, uint64_t value)
{
	hash_little_endian(hasher, value, 8);
}

void kiln_hash_digest(struct kiln_hasher *hasher, const struct kiln_digest *digest)
{
	kiln_hash_raw(hasher, digest->bytes, sizeof(digest->bytes));
}

void kiln_hash_field(struct kiln_hasher *hasher, const void *data, size_t bytes)
{
	assert(bytes <= UINT32_MAX);
	kiln_hash_u32(hasher, (uint32_t)bytes);
	kiln_hash_raw(hasher, data, bytes);
}

void kiln_hash_field64(struct kiln_hasher *hasher, const void *data, size_t bytes)
{
	kiln_hash_u64(hasher, bytes);
	kiln_hash_raw(hasher, data, bytes);
}

void kiln_hash_string(struct kiln_hasher *hasher, const char *text)
{
	kiln_hash_field(hasher, text, strlen(text));
}

struct kiln_digest kiln_hash_finish(const struct kiln_hasher *hasher)
{
	struct kiln_digest digest;

	blake3_hasher_finalize(&hasher->state, digest.bytes, sizeof(digest.bytes));
	return digest;
}
