/* The deciding half of a resolve: outcomes, hits, miss reasons, and what counts as a blob of this device. */
#include "test.h"

#include <string.h>

#include "blob.h"
#include "miss.h"
#include "resolve.h"

static enum kiln_outcome outcome(bool has_feedback, bool cache_hit, bool found, bool offered)
{
	struct kiln_compile_evidence evidence = {.has_feedback = has_feedback, .cache_hit = cache_hit, .found = found};

	return kiln_outcome_of(&evidence, offered);
}

static void an_outcome_needs_the_drivers_evidence(void **state)
{
	(void)state;
	for (int found = 0; found < 2; found++)
		assert_int_equal(outcome(true, true, found, true), KILN_OUTCOME_DISK);
	assert_int_equal(outcome(true, false, false, true), KILN_OUTCOME_COMPILED);
	assert_int_equal(outcome(true, false, false, false), KILN_OUTCOME_COMPILED);
	assert_int_equal(outcome(false, false, false, true), KILN_OUTCOME_UNKNOWN);
	assert_int_equal(outcome(false, true, false, true), KILN_OUTCOME_UNKNOWN);
}

static void a_hit_in_an_empty_cache_is_no_disk_hit(void **state)
{
	(void)state;
	assert_int_equal(outcome(true, true, false, false), KILN_OUTCOME_UNKNOWN);
}

static void what_the_driver_had_without_our_blob_is_the_drivers(void **state)
{
	(void)state;
	assert_int_equal(outcome(true, false, true, false), KILN_OUTCOME_DRIVER);
	assert_int_equal(outcome(false, false, true, false), KILN_OUTCOME_DRIVER);
	assert_int_equal(outcome(true, false, true, true), KILN_OUTCOME_DRIVER);
	assert_int_equal(outcome(false, false, true, true), KILN_OUTCOME_UNKNOWN); /* ours or its own? */
}

static void cache_hit_is_a_tri_state(void **state)
{
	(void)state;
	assert_int_equal(kiln_hit_of(KILN_OUTCOME_MEMORY), KILN_HIT_TRUE);
	assert_int_equal(kiln_hit_of(KILN_OUTCOME_DISK), KILN_HIT_TRUE);
	assert_int_equal(kiln_hit_of(KILN_OUTCOME_DRIVER), KILN_HIT_FALSE);
	assert_int_equal(kiln_hit_of(KILN_OUTCOME_COMPILED), KILN_HIT_FALSE);
	assert_int_equal(kiln_hit_of(KILN_OUTCOME_UNKNOWN), KILN_HIT_UNKNOWN);
}

static void the_widest_match_names_the_reason(void **state)
{
	static const struct {
		struct kiln_cache_evidence evidence;
		enum kiln_miss_reason reason;
		const char *name;
	} rows[] = {
		{{0, 0, 0, 0}, KILN_MISS_EMPTY_CACHE, "empty_cache"},
		{{1, 0, 0, 0}, KILN_MISS_PROGRAM_CHANGED, "program_changed"},
		{{9, 3, 0, 0}, KILN_MISS_DISPATCH_POLICY_CHANGED, "dispatch_policy_changed"},
		{{9, 3, 2, 0}, KILN_MISS_DEVICE_OR_RUNTIME_CHANGED, "device_or_runtime_changed"},
		{{9, 3, 2, 1}, KILN_MISS_KEY_ABSENT, "key_absent"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(kiln_miss_classify(&rows[i].evidence), rows[i].reason);
		assert_string_equal(kiln_miss_reason_name(rows[i].reason), rows[i].name);
	}
}

static void unknown_values_have_a_name_too(void **state)
{
	(void)state;
	assert_string_equal(kiln_outcome_name((enum kiln_outcome)0), "?");
	assert_string_equal(kiln_outcome_name((enum kiln_outcome)99), "?");
	assert_string_equal(kiln_miss_reason_name((enum kiln_miss_reason)-1), "?");
	assert_string_equal(kiln_workgroup_source_name((enum kiln_workgroup_source)77), "?");
}

static const struct kiln_blob_device device = {0x1002, 0x73bf, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}};

static void make_blob(uint8_t blob[48])
{
	static const uint8_t header[] = {32, 0, 0, 0, 1, 0, 0, 0, 0x02, 0x10, 0, 0, 0xbf, 0x73, 0, 0};

	memset(blob, 0xee, 48);
	memcpy(blob, header, sizeof(header));
	memcpy(blob + 16, device.cache_uuid, 16);
}

static void a_blob_of_this_device_fits(void **state)
{
	uint8_t blob[48];

	(void)state;
	make_blob(blob);
	assert_true(kiln_blob_fits(blob, 48, &device));
	assert_true(kiln_blob_fits(blob, 32, &device));
	assert_true(kiln_blob_is_stub(32));
	assert_false(kiln_blob_is_stub(33));
}

static void every_changed_header_bit_and_every_short_length_is_refused(void **state)
{
	uint8_t blob[48];

	(void)state;
	make_blob(blob);
	for (size_t bytes = 0; bytes < 32; bytes++)
		assert_false(kiln_blob_fits(blob, bytes, &device));
	for (unsigned bit = 0; bit < 32 * 8; bit++) {
		blob[bit / 8] ^= (uint8_t)(1u << bit % 8);
		/* A longer header inside the blob is the driver's right. */
		if (!(bit < 32 && blob[0] >= 32 && blob[0] <= 48 && blob[1] + blob[2] + blob[3] == 0))
			assert_false(kiln_blob_fits(blob, 48, &device));
		blob[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_outcome_needs_the_drivers_evidence),
		cmocka_unit_test(a_hit_in_an_empty_cache_is_no_disk_hit),
		cmocka_unit_test(what_the_driver_had_without_our_blob_is_the_drivers),
		cmocka_unit_test(cache_hit_is_a_tri_state),
		cmocka_unit_test(the_widest_match_names_the_reason),
		cmocka_unit_test(unknown_values_have_a_name_too),
		cmocka_unit_test(a_blob_of_this_device_fits),
		cmocka_unit_test(every_changed_header_bit_and_every_short_length_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
