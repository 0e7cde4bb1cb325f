/* What one process leaves for the next: blobs that are rejected, damaged, lied about, or crash the driver. */
#include "visit.h"

#include <signal.h>
#include <stdio.h>

static void blob_goes_to_the_driver_once_and_nothing_is_compiled(void **state)
{
	struct place place;
	struct visit seen;

	(void)state;
	place_create(&place);
	visit(&place, "", &seen);
	assert_good(&seen, KILN_OUTCOME_COMPILED);
	assert_int_equal(place_events(&place, "compile saxpy\n"), 1);
	visit(&place, "", &seen);
	assert_good(&seen, KILN_OUTCOME_DISK);
	assert_int_equal(place_events(&place, "compile saxpy\n"), 1);
	assert_int_equal(place_events(&place, "hit saxpy\n"), 1);
	assert_int_equal(place_events(&place, "cache_create"), 2);
	assert_int_equal(place_events(&place, "cache_create 0\n"), 1);
	place_remove(&place);
}

static void empty_cache_is_created_without_a_pointer(void **state)
{
	struct place place;
	struct visit seen;

	(void)state;
	place_create(&place);
	visit_in_peace(&place, "cache_crash_empty", &seen);
	assert_good(&seen, KILN_OUTCOME_COMPILED);
	place_remove(&place);
}

/* ---- A warm process under misbehaviour, with an entry an honest one left ---- */

static void assert_warm(const char *script, enum kiln_outcome outcome)
{
	struct place place;
	struct visit seen;

	place_create(&place);
	visit(&place, "", &seen);
	visit(&place, script, &seen);
	assert_good(&seen, outcome);
	assert_int_equal(place_entries(&place), 1);
	visit(&place, "", &seen);
	assert_good(&seen, KILN_OUTCOME_DISK);
	place_remove(&place);
}

/* The rejected entry is still in the driver's cache object, and would come back with the new one. */
static void blob_rejected_in_silence_is_compiled_and_replaced(void **state)
{
	struct place place;
	struct visit seen;
	off_t bytes;

	(void)state;
	place_create(&place);
	visit(&place, "", &seen);
	assert_int_equal(seen.warnings, 0);
	bytes = place_entry(&place).st_size;
	visit(&place, "cache_rejects", &seen);
	assert_good(&seen, KILN_OUTCOME_COMPILED);
	assert_true(seen.warnings > 0);
	assert_int_equal(place_entry(&place).st_size, bytes);
	visit(&place, "", &seen);
	assert_good(&seen, KILN_OUTCOME_DISK);
	place_remove(&place);
}

static void cache_out_of_memory_keeps_the_entry(void **state)
{
	(void)state;
	assert_warm("cache_oom_host", KILN_OUTCOME_COMPILED);
	assert_warm("cache_oom_device", KILN_OUTCOME_COMPILED);
}

static void huge_data_is_not_even_fetched(void **state)
{
	struct place place;
	struct visit seen;

	(void)state;
	place_create(&place);
	visit(&place, "data_huge", &seen);
	assert_good(&seen, KILN_OUTCOME_COMPILED);
	assert_int_equal(place_events(&place, "cache_data 0\n"), place_events(&place, "cache_data"));
	place_remove(&place);
}

static void data_without_code_is_written_once(void **state)
{
	struct place place;
	struct visit seen;
	struct stat first, last;

	(void)state;
	place_create(&place);
	visit(&place, "data_header_only", &seen);
	assert_good(&seen, KILN_OUTCOME_COMPILED);
	first = place_entry(&place);
	visit(&place, "data_header_only", &seen);
	assert_good(&seen, KILN_OUTCOME_COMPILED);
	last = place_entry(&place);
	assert_int_equal(last.st_ino, first.st_ino);
	assert_int_equal(last.st_size, first.st_size);
	assert_int_equal(place_events(&place, "cache_create 0\n"), place_events(&place, "cache_create"));
	place_remove(&place);
}

static void hit_told_by_the_stage_alone_is_a_hit(void **state)
{
	(void)state;
	assert_warm("feedback_stage_only", KILN_OUTCOME_DISK);
}

static void hit_told_by_the_pipeline_alone_is_a_hit(void **state)
{
	(void)state;
	assert_warm("feedback_whole_only", KILN_OUTCOME_DISK);
}

static void hit_told_without_the_valid_bit_is_unknown(void **state)
{
	(void)state;
	assert_warm("feedback_invalid", KILN_OUTCOME_UNKNOWN);
}

static void hit_not_told_is_unknown(void **state)
{
	(void)state;
	assert_warm("feedback_none", KILN_OUTCOME_UNKNOWN);
}

static void hit_denied_passes_for_the_drivers_own_cache(void **state)
{
	(void)state;
	assert_warm("feedback_lies_miss", KILN_OUTCOME_DRIVER);
}

static void bad_data_never_replaces_a_good_entry(void **state)
{
	(void)state;
	assert_warm("cache_rejects,data_empty", KILN_OUTCOME_COMPILED);
	assert_warm("cache_rejects,data_incomplete", KILN_OUTCOME_COMPILED);
	assert_warm("cache_rejects,data_short", KILN_OUTCOME_COMPILED);
	assert_warm("cache_rejects,data_untouched", KILN_OUTCOME_COMPILED);
	assert_warm("cache_rejects,data_wrong_uuid", KILN_OUTCOME_COMPILED);
	assert_warm("cache_rejects,data_oom_host", KILN_OUTCOME_COMPILED);
}

/* ---- Damage ---- */

static void flip_byte(const char *path, long from_end)
{
	FILE *file = fopen(path, "r+b");
	int byte;

	assert_non_null(file);
	assert_int_equal(fseek(file, -from_end, SEEK_END), 0);
	byte = fgetc(file);
	assert_int_equal(fseek(file, -from_end, SEEK_END), 0);
	assert_int_equal(fputc(byte ^ 1, file), byte ^ 1);
	assert_int_equal(fclose(file), 0);
}

/* The driver dies of a damaged blob; visit() would see it. */
static void damaged_blob_never_reaches_the_driver(void **state)
{
	struct place place;
	struct visit seen;

	(void)state;
	place_create(&place);
	visit(&place, "", &seen);
	(void)place_entry(&place);
	flip_byte(place_entry_path(), 100);
	visit(&place, "", &seen);
	assert_good(&seen, KILN_OUTCOME_COMPILED);
	assert_int_equal(place_events(&place, "cache_create 0\n"), 2);
	visit(&place, "", &seen);
	assert_good(&seen, KILN_OUTCOME_DISK);
	place_remove(&place);
}

/* ---- Crashes ---- */

static void assert_killed_by(const struct place *place, const char *script, int signal)
{
	struct visit seen;

	visit(place, script, &seen);
	assert_int_equal(seen.signal, signal);
}

/* The second start finds the note of the dead and recompiles; the third works from what that wrote. */
static void crash_on_a_blob_sets_it_aside_at_the_second_start(void **state)
{
	struct place place;
	struct visit seen;

	(void)state;
	place_create(&place);
	visit(&place, "", &seen);
	assert_killed_by(&place, "cache_crash", SIGSEGV);
	assert_int_equal(place_entries(&place), 1);
	visit_in_peace(&place, "cache_crash", &seen); /* no blob reaches the driver that dies of it */
	assert_good(&seen, KILN_OUTCOME_COMPILED);
	assert_int_equal(place_events(&place, "compile saxpy\n"), 2);
	visit(&place, "", &seen);
	assert_good(&seen, KILN_OUTCOME_DISK);
	assert_int_equal(place_events(&place, "compile saxpy\n"), 2);
	place_remove(&place);
}

/* Each start that recompiles is followed by one that dies of the new blob: the same entry again is no new strike. */
static void crash_on_every_blob_costs_every_second_start(void **state)
{
	struct place place;
	struct visit seen;

	(void)state;
	place_create(&place);
	for (int i = 0; i < 3; i++) {
		visit_in_peace(&place, "cache_crash", &seen);
		assert_good(&seen, KILN_OUTCOME_COMPILED);
		assert_killed_by(&place, "cache_crash", SIGSEGV);
	}
	place_remove(&place);
}

static void crash_on_one_blob_spares_the_others(void **state)
{
	struct place place;
	struct visit seen;

	(void)state;
	place_create(&place);
	visit(&place, "mark=7", &seen);
	assert_good(&seen, KILN_OUTCOME_COMPILED);
	assert_killed_by(&place, "cache_crash=7", SIGSEGV);
	visit(&place, "mark=8", &seen);
	assert_good(&seen, KILN_OUTCOME_COMPILED);
	visit_in_peace(&place, "cache_crash=7", &seen);
	assert_good(&seen, KILN_OUTCOME_DISK);
	place_remove(&place);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bad_data_never_replaces_a_good_entry),
		cmocka_unit_test(blob_goes_to_the_driver_once_and_nothing_is_compiled),
		cmocka_unit_test(blob_rejected_in_silence_is_compiled_and_replaced),
		cmocka_unit_test(cache_out_of_memory_keeps_the_entry),
		cmocka_unit_test(crash_on_a_blob_sets_it_aside_at_the_second_start),
		cmocka_unit_test(crash_on_every_blob_costs_every_second_start),
		cmocka_unit_test(crash_on_one_blob_spares_the_others),
		cmocka_unit_test(data_without_code_is_written_once),
		cmocka_unit_test(damaged_blob_never_reaches_the_driver),
		cmocka_unit_test(empty_cache_is_created_without_a_pointer),
		cmocka_unit_test(hit_denied_passes_for_the_drivers_own_cache),
		cmocka_unit_test(hit_not_told_is_unknown),
		cmocka_unit_test(hit_told_by_the_pipeline_alone_is_a_hit),
		cmocka_unit_test(hit_told_by_the_stage_alone_is_a_hit),
		cmocka_unit_test(hit_told_without_the_valid_bit_is_unknown),
		cmocka_unit_test(huge_data_is_not_even_fetched),
	};

	return cmocka_run_group_tests_name("hostile processes", tests, NULL, NULL);
}
