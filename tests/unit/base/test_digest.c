#include "test.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <base/hash.h>

/* The official test vectors' input: bytes 0, 1, ... 250, 0, 1, ... */
static uint8_t *official_input(size_t bytes)
{
	uint8_t *input = malloc(bytes + 1);

	assert_non_null(input);
	for (size_t i = 0; i < bytes; i++)
		input[i] = (uint8_t)(i % 251);
	return input;
}

static void assert_hex(struct kiln_digest digest, const char *expected)
{
	char hex[KILN_DIGEST_HEX];

	kiln_hex_encode(&digest, hex);
	assert_string_equal(hex, expected);
}

static const struct {
	size_t bytes;
	const char *hash;
	const char *keyed;   /* with the official key below */
	const char *derived; /* with the official context below */
} vectors[] = {
	{0, "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262",
         "92b2b75604ed3c761f9d6f62392c8a9227ad0ea3f09573e783f1498a4ed60d26",
         "2cc39783c223154fea8dfb7c1b1660f2ac2dcbd1c1de8277b0b0dd39b7e50d7d"},
	{1, "2d3adedff11b61f14c886e35afa036736dcd87a74d27b5c1510225d0f592e213",
         "6d7878dfff2f485635d39013278ae14f1454b8c0a3a2d34bc1ab38228a80c95b",
         "b3e2e340a117a499c6cf2398a19ee0d29cca2bb7404c73063382693bf66cb06c"},
	{1023, "10108970eeda3eb932baac1428c7a2163b0e924c9a9e25b35bba72b28f70bd11",
         "c951ecdf03288d0fcc96ee3413563d8a6d3589547f2c2fb36d9786470f1b9d6e",
         "74a16c1c3d44368a86e1ca6df64be6a2f64cce8f09220787450722d85725dea5"},
	{1025, "d00278ae47eb27b34faecf67b4fe263f82d5412916c1ffd97c8cb7fb814b8444",
         "357dc55de0c7e382c900fd6e320acc04146be01db6a8ce7210b7189bd664ea69",
         "effaa245f065fbf82ac186839a249707c3bddf6d3fdda22d1b95a3c970379bcb"},
	{2049, "5f4d72f40d7a5f82b15ca2b2e44b1de3c2ef86c426c95c1af0b6879522563030",
         "9f29700902f7c86e514ddc4df1e3049f258b2472b6dd5267f61bf13983b78dd5",
         "2ea477c5515cc3dd606512ee72bb3e0e758cfae7232826f35fb98ca1bcbdf273"},
	{4097, "9b4052b38f1c5fc8b1f9ff7ac7b27cd242487b3d890d15c96a1c25b8aa0fb995",
         "00df940cd36bb9fa7cbbc3556744e0dbc8191401afe70520ba292ee3ca80abbc",
         "aca51029626b55fda7117b42a7c211f8c6e9ba4fe5b7a8ca922f34299500ead8"},
	{8192, "aae792484c8efe4f19e2ca7d371d8c467ffb10748d8a5a1ae579948f718a2a63",
         "dc9637c8845a770b4cbf76b8daec0eebf7dc2eac11498517f08d44c8fc00d58a",
         "ad01d7ae4ad059b0d33baa3c01319dcf8088094d0359e5fd45d6aeaa8b2d0c3d"},
	{31744, "62b6960e1a44bcc1eb1a611a8d6235b6b4b78f32e7abc4fb4c6cdcce94895c47",
         "efa53b389ab67c593dba624d898d0f7353ab99e4ac9d42302ee64cbf9939a419",
         "39772aef80e0ebe60596361e45b061e8f417429d529171b6764468c22928e28e"},
	{102400, "bc3e3d41a1146b069abffad3c0d44860cf664390afce4d9661f7902e7943e085",
         "1c35d1a5811083fd7119f5d5d1ba027b4d01c0c6c49fb6ff2cf75393ea5db4a7",
         "4652cff7a3f385a6103b5c260fc1593e13c778dbe608efb092fe7ee69df6e9c6"},
};

/* From BLAKE3's test_vectors.json. */
static void official_vectors_agree(void **state)
{
	static const char key[] = "whats the Elvish word for friend";

	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		uint8_t *input = official_input(vectors[i].bytes);
		struct kiln_hasher hasher;

		assert_hex(kiln_digest_of(input, vectors[i].bytes), vectors[i].hash);
		kiln_hash_init_raw(&hasher, (const uint8_t *)key);
		kiln_hash_raw(&hasher, input, vectors[i].bytes);
		assert_hex(kiln_hash_finish(&hasher), vectors[i].keyed);
		kiln_hash_init_derived(&hasher, "BLAKE3 2019-12-27 16:29:52 test vectors context");
		kiln_hash_raw(&hasher, input, vectors[i].bytes);
		assert_hex(kiln_hash_finish(&hasher), vectors[i].derived);
		free(input);
	}
}

static void pieces_hash_like_the_whole(void **state)
{
	const size_t bytes = 102400;
	uint8_t *input = official_input(bytes);
	struct kiln_digest whole = kiln_digest_of(input, bytes);

	(void)state;
	for (size_t piece = 1; piece < bytes; piece = piece * 3 + 1) {
		struct kiln_digest pieced;
		struct kiln_hasher hasher;

		kiln_hash_init_raw(&hasher, NULL);
		for (size_t at = 0; at < bytes; at += piece)
			kiln_hash_raw(&hasher, input + at, piece < bytes - at ? piece : bytes - at);
		pieced = kiln_hash_finish(&hasher);
		assert_true(kiln_digest_equal(&pieced, &whole));
	}
	free(input);
}

static struct kiln_digest pair(const char *a, const char *b)
{
	struct kiln_hasher hasher;

	kiln_hash_init(&hasher, "test");
	kiln_hash_string(&hasher, a);
	kiln_hash_string(&hasher, b);
	return kiln_hash_finish(&hasher);
}

static void field_borders_matter(void **state)
{
	struct kiln_digest one = pair("ab", "cd");
	struct kiln_digest other = pair("abc", "d");

	(void)state;
	assert_false(kiln_digest_equal(&one, &other));
}

static void domains_separate(void **state)
{
	struct kiln_hasher a;
	struct kiln_hasher b;
	struct kiln_digest one;
	struct kiln_digest other;

	(void)state;
	kiln_hash_init(&a, "kiln a");
	kiln_hash_init(&b, "kiln b");
	one = kiln_hash_finish(&a);
	other = kiln_hash_finish(&b);
	assert_false(kiln_digest_equal(&one, &other));
}

/* What each helper hashes, spelled out in bytes. */
static void fields_are_little_endian_and_prefixed(void **state)
{
	static const char expected[] = "\1\0\0\0"
				       "d"
				       "\x12"
				       "\x78\x56\x34\x12"
				       "\xef\xcd\xab\x89\x67\x45\x23\x01"
				       "\2\0\0\0"
				       "xy"
				       "\3\0\0\0\0\0\0\0"
				       "abc"
				       "\0\0\0\0";
	struct kiln_digest plain = kiln_digest_of(expected, sizeof(expected) - 1);
	struct kiln_digest built;
	struct kiln_hasher hasher;

	(void)state;
	kiln_hash_init(&hasher, "d");
	kiln_hash_u8(&hasher, 0x12);
	kiln_hash_u32(&hasher, 0x12345678);
	kiln_hash_u64(&hasher, 0x0123456789abcdef);
	kiln_hash_field(&hasher, "xy", 2);
	kiln_hash_field64(&hasher, "abc", 3);
	kiln_hash_field(&hasher, NULL, 0);
	built = kiln_hash_finish(&hasher);
	assert_true(kiln_digest_equal(&built, &plain));
}

static void digest_field_is_32_raw_bytes(void **state)
{
	struct kiln_digest inner = kiln_digest_of("x", 1);
	struct kiln_digest plain = kiln_digest_of(inner.bytes, sizeof(inner.bytes));
	struct kiln_digest built;
	struct kiln_hasher hasher;

	(void)state;
	kiln_hash_init_raw(&hasher, NULL);
	kiln_hash_digest(&hasher, &inner);
	built = kiln_hash_finish(&hasher);
	assert_true(kiln_digest_equal(&built, &plain));
}

static void finishing_does_not_end_the_hasher(void **state)
{
	struct kiln_digest first;
	struct kiln_digest second;
	struct kiln_hasher hasher;

	(void)state;
	kiln_hash_init(&hasher, "d");
	first = kiln_hash_finish(&hasher);
	second = kiln_hash_finish(&hasher);
	assert_true(kiln_digest_equal(&first, &second));
	kiln_hash_u8(&hasher, 0);
	second = kiln_hash_finish(&hasher);
	assert_false(kiln_digest_equal(&first, &second));
}

static void hex_is_lowercase_and_short_hex_is_its_start(void **state)
{
	struct kiln_digest digest = {.bytes = {0x00, 0x1f, 0xa0, 0xff, 0x9b, 0xcd, 0xef, [31] = 0x5a}};
	char brief[KILN_DIGEST_SHORT];
	char full[KILN_DIGEST_HEX];

	(void)state;
	kiln_hex_encode(&digest, full);
	kiln_hex_short(&digest, brief);
	assert_string_equal(full, "001fa0ff9bcdef0000000000000000000000000000000000000000000000005a");
	assert_string_equal(brief, "001fa0ff9bcd");
}

static void *hash_in_thread(void *user)
{
	*(struct kiln_digest *)user = kiln_digest_of("x", 1);
	return NULL;
}

static void threads_may_hash_at_once(void **state)
{
	struct kiln_digest digests[4];
	pthread_t threads[4];

	(void)state;
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, hash_in_thread, &digests[i]), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	for (int i = 1; i < 4; i++)
		assert_true(kiln_digest_equal(&digests[0], &digests[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(threads_may_hash_at_once), /* first: CPU detection happens here */
		cmocka_unit_test(official_vectors_agree),
		cmocka_unit_test(pieces_hash_like_the_whole),
		cmocka_unit_test(field_borders_matter),
		cmocka_unit_test(domains_separate),
		cmocka_unit_test(fields_are_little_endian_and_prefixed),
		cmocka_unit_test(digest_field_is_32_raw_bytes),
		cmocka_unit_test(finishing_does_not_end_the_hasher),
		cmocka_unit_test(hex_is_lowercase_and_short_hex_is_its_start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
