/* The entry format, byte by byte: what is written is read, and nothing else ever is. */
#include <cache/entry.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <base/alloc.h>

#include "failing_alloc.h"
#include "fixture.h"
#include "test.h"

#define NO_LIMIT UINT64_MAX

/* A small entry, about 600 bytes, and what it was made of. */
struct sample {
	struct kiln_fingerprint device;
	struct kiln_canon_key canon;
	struct kiln_subject subject;
	uint8_t payload[300];
	struct kiln_cache_entry entry;
	struct kiln_writer bytes;
};

static int setup(void **state)
{
	struct sample *sample = calloc(1, sizeof *sample);
	struct kiln_pipeline_key key = sample_key(1, 64);

	if (kiln_key_canon(&key, &sample->canon) != KILN_OK)
		return -1;
	sample->device = sample_device(1);
	sample->subject = (struct kiln_subject){.kind = KILN_KIND_PIPELINE,
	                                        .key = &sample->canon.key,
	                                        .fingerprint = &sample->device};
	for (size_t i = 0; i < sizeof sample->payload; i++)
		sample->payload[i] = (uint8_t)(i * 7);
	sample->entry = sample_entry(sample->payload, sizeof sample->payload);
	snprintf(sample->entry.kiln_version, sizeof sample->entry.kiln_version, "0.1.0");
	kiln_entry_encode(&sample->subject, &sample->entry, &sample->bytes);
	*state = sample;
	return sample->bytes.bad;
}

static int teardown(void **state)
{
	struct sample *sample = *state;

	kiln_writer_finish(&sample->bytes);
	free(sample);
	return 0;
}

static enum kiln_verdict decode(const uint8_t *data, size_t bytes, uint64_t limit,
                                struct kiln_entry_view *view)
{
	const char *why = "unset";
	enum kiln_verdict verdict =
		kiln_entry_decode(data, bytes, KILN_PIPELINE_KEY_VERSION, limit, view, &why);

	assert_int_equal(verdict == KILN_VERDICT_GOOD, why == NULL);
	return verdict;
}

static void reseal(uint8_t *data, size_t bytes)
{
	struct kiln_digest seal = kiln_entry_seal(data, bytes - KILN_DIGEST_BYTES);

	memcpy(data + bytes - KILN_DIGEST_BYTES, seal.bytes, sizeof seal.bytes);
}

static void entry_comes_back_whole(void **state)
{
	struct sample *sample = *state;
	struct kiln_entry_view view;

	assert_in_range(sample->bytes.bytes, 500, 700);
	assert_int_equal(decode(sample->bytes.data, sample->bytes.bytes, 300, &view), KILN_VERDICT_GOOD);
	assert_int_equal(view.kind, KILN_KIND_PIPELINE);
	assert_int_equal(view.flags, KILN_ENTRY_STUB);
	assert_int_equal(view.compile_ns, 59000000);
	assert_int_equal(view.created_s, 1777680000);
	assert_string_equal(view.kiln_version, "0.1.0");
	assert_int_equal(view.payload_bytes, 300);
	assert_memory_equal(view.payload, sample->payload, 300);
	assert_true(kiln_subject_is(&sample->subject, view.subject, view.subject_bytes));
}

static void empty_payload_is_an_entry_too(void **state)
{
	struct sample *sample = *state;
	struct kiln_writer bytes = {0};
	struct kiln_entry_view view;

	sample->entry.payload = NULL;
	sample->entry.payload_bytes = 0;
	kiln_entry_encode(&sample->subject, &sample->entry, &bytes);
	assert_int_equal(decode(bytes.data, bytes.bytes, NO_LIMIT, &view), KILN_VERDICT_GOOD);
	assert_int_equal(view.payload_bytes, 0);
	kiln_writer_finish(&bytes);
}

static void every_flipped_bit_is_noticed(void **state)
{
	struct sample *sample = *state;
	unsigned verdicts[4] = {0};
	struct kiln_entry_view view;

	for (size_t bit = 0; bit < sample->bytes.bytes * 8; bit++) {
		uint8_t *byte = &sample->bytes.data[bit / 8];

		*byte ^= (uint8_t)(1u << (bit % 8));
		verdicts[decode(sample->bytes.data, sample->bytes.bytes, NO_LIMIT, &view)]++;
		*byte ^= (uint8_t)(1u << (bit % 8));
	}
	assert_int_equal(verdicts[KILN_VERDICT_GOOD], 0);
	/* Every bit of format, key version, kind, compression and sealing. */
	assert_int_equal(verdicts[KILN_VERDICT_OTHER_VERSION], 4 * 32);
	assert_int_equal(verdicts[KILN_VERDICT_TOO_LARGE], 0);
}

static void every_truncation_and_extension_is_damage(void **state)
{
	struct sample *sample = *state;
	struct kiln_entry_view view;
	uint8_t *longer = calloc(1, sample->bytes.bytes + 64);

	for (size_t length = 0; length < sample->bytes.bytes; length++) {
		uint8_t *cut = kiln_memdup(sample->bytes.data, length);

		assert_int_equal(decode(cut, length, NO_LIMIT, &view), KILN_VERDICT_DAMAGED);
		kiln_free(cut);
	}
	memcpy(longer, sample->bytes.data, sample->bytes.bytes);
	for (size_t more = 1; more <= 64; more++)
		assert_int_equal(decode(longer, sample->bytes.bytes + more, NO_LIMIT, &view),
		                 KILN_VERDICT_DAMAGED);
	free(longer);
}

static void two_entries_in_one_file_are_damage(void **state)
{
	struct sample *sample = *state;
	struct kiln_entry_view view;

	kiln_entry_encode(&sample->subject, &sample->entry, &sample->bytes);
	assert_int_equal(decode(sample->bytes.data, sample->bytes.bytes, NO_LIMIT, &view),
	                 KILN_VERDICT_DAMAGED);
}

/* Offsets of FORMAT.md. */
static void other_versions_are_recognised_even_when_sealed(void **state)
{
	static const size_t fields[] = {8, 12, 16, 24, 26};
	struct sample *sample = *state;
	struct kiln_entry_view view;

	for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
		uint8_t *byte = &sample->bytes.data[fields[i]];
		uint8_t kept = *byte;

		*byte = 77;
		assert_int_equal(decode(sample->bytes.data, sample->bytes.bytes, NO_LIMIT, &view),
		                 KILN_VERDICT_OTHER_VERSION);
		reseal(sample->bytes.data, sample->bytes.bytes);
		assert_int_equal(decode(sample->bytes.data, sample->bytes.bytes, NO_LIMIT, &view),
		                 KILN_VERDICT_OTHER_VERSION);
		*byte = kept;
	}
}

static void another_key_version_is_accepted_when_any_is_asked_for(void **state)
{
	struct sample *sample = *state;
	struct kiln_entry_view view;
	const char *why;

	sample->bytes.data[12] = 2;
	reseal(sample->bytes.data, sample->bytes.bytes);
	assert_int_equal(kiln_entry_decode(sample->bytes.data, sample->bytes.bytes, 0, NO_LIMIT, &view, &why),
	                 KILN_VERDICT_GOOD);
	assert_int_equal(kiln_entry_decode(sample->bytes.data, sample->bytes.bytes, 2, NO_LIMIT, &view, &why),
	                 KILN_VERDICT_GOOD);
	assert_int_equal(kiln_entry_decode(sample->bytes.data, sample->bytes.bytes, 1, NO_LIMIT, &view, &why),
	                 KILN_VERDICT_OTHER_VERSION);
}

static void contradictory_lengths_are_damage_even_when_sealed(void **state)
{
	/* subject length, stored length, raw length: low bytes, then high ones */
	static const size_t fields[] = {28, 31, 64, 71, 72, 79};
	struct sample *sample = *state;
	struct kiln_entry_view view;

	for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
		uint8_t *byte = &sample->bytes.data[fields[i]];

		*byte ^= 0x80;
		reseal(sample->bytes.data, sample->bytes.bytes);
		assert_int_equal(decode(sample->bytes.data, sample->bytes.bytes, NO_LIMIT, &view),
		                 KILN_VERDICT_DAMAGED);
		*byte ^= 0x80;
	}
}

static void malformed_version_text_is_damage_even_when_sealed(void **state)
{
	struct sample *sample = *state;
	struct kiln_entry_view view;

	sample->bytes.data[48 + 15] = 'x';
	reseal(sample->bytes.data, sample->bytes.bytes);
	assert_int_equal(decode(sample->bytes.data, sample->bytes.bytes, NO_LIMIT, &view),
	                 KILN_VERDICT_DAMAGED);
}

static void unknown_flags_are_carried_along(void **state)
{
	struct sample *sample = *state;
	struct kiln_entry_view view;

	sample->bytes.data[23] = 0x80;
	reseal(sample->bytes.data, sample->bytes.bytes);
	assert_int_equal(decode(sample->bytes.data, sample->bytes.bytes, NO_LIMIT, &view), KILN_VERDICT_GOOD);
	assert_true(view.flags == (0x80000000u | KILN_ENTRY_STUB));
}

static void payload_over_the_limit_is_neither_damage_nor_read(void **state)
{
	struct sample *sample = *state;
	struct kiln_entry_view view;

	assert_int_equal(decode(sample->bytes.data, sample->bytes.bytes, 300, &view), KILN_VERDICT_GOOD);
	assert_int_equal(decode(sample->bytes.data, sample->bytes.bytes, 299, &view), KILN_VERDICT_TOO_LARGE);
}

static void failed_allocations_make_the_writer_bad(void **state)
{
	struct sample *sample = *state;
	bool failed = true;

	for (unsigned n = 1; failed; n++) {
		struct kiln_writer bytes = {0};

		failing_alloc_begin(n);
		kiln_entry_encode(&sample->subject, &sample->entry, &bytes);
		failed = failing_alloc_end();
		assert_int_equal(bytes.bad, failed);
		kiln_writer_finish(&bytes);
	}
}

/* ---- Golden files: made by an independent implementation of FORMAT.md ---- */

static size_t load_golden(const char *name, uint8_t *data, size_t capacity)
{
	char path[512];

	snprintf(path, sizeof path, "%s/%s", KILN_TEST_GOLDEN, name);
	return load_file(path, data, capacity);
}

static void golden_pipeline_is_read_and_written_to_the_byte(void **state)
{
	struct sample *sample = *state;
	struct kiln_entry_view view;
	uint8_t golden[1024];
	size_t bytes = load_golden("pipeline_v2.bin", golden, sizeof golden);

	assert_int_equal(bytes, sample->bytes.bytes);
	assert_memory_equal(golden, sample->bytes.data, bytes);
	assert_int_equal(decode(golden, bytes, NO_LIMIT, &view), KILN_VERDICT_GOOD);
	assert_true(kiln_subject_is(&sample->subject, view.subject, view.subject_bytes));
	assert_memory_equal(view.payload, sample->payload, 300);
}

static void golden_content_is_read_and_written_to_the_byte(void **state)
{
	const struct kiln_cache_entry entry = {.payload = "void main(){}",
	                                       .payload_bytes = 13,
	                                       .compile_ns = UINT64_C(1234567890123),
	                                       .created_s = -1,
	                                       .kiln_version = "0.1.0"};
	struct kiln_digest key = kiln_content_key(&(struct kiln_content){.driver_version = "glslang 12",
	                                                                 .device_generation = "spv1.5",
	                                                                 .features = {2},
	                                                                 .payload = "void main(){}",
	                                                                 .payload_bytes = 13});
	struct kiln_subject subject = {.kind = KILN_KIND_CONTENT, .content = &key};
	struct kiln_writer written = {0};
	struct kiln_entry_view view;
	uint8_t golden[1024];
	size_t bytes = load_golden("content_v2.bin", golden, sizeof golden);

	(void)state;
	kiln_entry_encode(&subject, &entry, &written);
	assert_int_equal(bytes, written.bytes);
	assert_memory_equal(golden, written.data, bytes);
	assert_int_equal(decode(golden, bytes, NO_LIMIT, &view), KILN_VERDICT_GOOD);
	assert_int_equal(view.kind, KILN_KIND_CONTENT);
	assert_true(view.created_s == -1);
	assert_true(kiln_subject_is(&subject, view.subject, view.subject_bytes));
	kiln_writer_finish(&written);
}

static void golden_files_of_version_1_are_of_another_version(void **state)
{
	static const char *const names[] = {"content_v1.bin", "pipeline_v1.bin", "sealed_v1.bin"};
	struct kiln_entry_view view;
	uint8_t golden[1024];

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		size_t bytes = load_golden(names[i], golden, sizeof golden);
		struct kiln_entry_head head;

		assert_int_equal(decode(golden, bytes, NO_LIMIT, &view), KILN_VERDICT_OTHER_VERSION);
		reseal(golden, bytes);
		assert_int_equal(decode(golden, bytes, NO_LIMIT, &view), KILN_VERDICT_OTHER_VERSION);
		assert_true(kiln_entry_head(golden, &head));
		assert_true(head.outdated && !head.known_version);
	}
}

/* The digest of a payload over several of BLAKE3's chunks; the golden files have one. */
static void every_length_around_a_chunk_border_comes_back(void **state)
{
	struct sample *sample = *state;
	size_t fixed = sample->bytes.bytes - KILN_DIGEST_BYTES - sample->entry.payload_bytes;
	uint8_t *payload = calloc(1, 5000);

	sample->entry.payload = payload;
	for (size_t border = 1024; border <= 4096; border += 1024) {
		for (size_t bytes = border - fixed - 1; bytes <= border - fixed + 1; bytes++) {
			struct kiln_writer written = {0};
			struct kiln_entry_view view;

			sample->entry.payload_bytes = bytes;
			payload[bytes - 1] = (uint8_t)bytes;
			kiln_entry_encode(&sample->subject, &sample->entry, &written);
			assert_int_equal(decode(written.data, written.bytes, NO_LIMIT, &view), KILN_VERDICT_GOOD);
			written.data[written.bytes - KILN_DIGEST_BYTES - 1] ^= 1;
			assert_int_equal(decode(written.data, written.bytes, NO_LIMIT, &view),
			                 KILN_VERDICT_DAMAGED);
			kiln_writer_finish(&written);
		}
	}
	free(payload);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(another_key_version_is_accepted_when_any_is_asked_for),
		TEST(contradictory_lengths_are_damage_even_when_sealed),
		TEST(empty_payload_is_an_entry_too),
		TEST(entry_comes_back_whole),
		TEST(every_flipped_bit_is_noticed),
		TEST(every_length_around_a_chunk_border_comes_back),
		TEST(every_truncation_and_extension_is_damage),
		TEST(failed_allocations_make_the_writer_bad),
		cmocka_unit_test(golden_files_of_version_1_are_of_another_version),
		TEST(golden_content_is_read_and_written_to_the_byte),
		TEST(golden_pipeline_is_read_and_written_to_the_byte),
		TEST(malformed_version_text_is_damage_even_when_sealed),
		TEST(other_versions_are_recognised_even_when_sealed),
		TEST(payload_over_the_limit_is_neither_damage_nor_read),
		TEST(two_entries_in_one_file_are_damage),
		TEST(unknown_flags_are_carried_along),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
