/* The tuner's pure parts: clocks that wrap and lie, outputs that differ, drivers that are not the same, and the note that
 * outlives its writer. */
#include "test.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "temp_dir.h"
#include "tune_compare.h"
#include "tune_intent.h"
#include "tune_lane.h"
#include "tune_record.h"
#include "tune_session.h"

/* ---- Clocks ---- */

static void device_without_usable_stamps_has_no_clock(void **state)
{
	(void)state;
	assert_int_equal(kiln_tune_clock_of(0, 1).mask, 0);
	assert_int_equal(kiln_tune_clock_of(64, 0).mask, 0);
	assert_int_equal(kiln_tune_clock_of(64, -1).mask, 0);
	assert_int_equal(kiln_tune_clock_of(64, (double)INFINITY).mask, 0);
	assert_int_equal(kiln_tune_clock_of(64, (double)NAN).mask, 0);
	assert_int_equal(kiln_tune_clock_of(36, 1).mask, (UINT64_C(1) << 36) - 1);
	assert_true(kiln_tune_clock_of(64, 1).mask == UINT64_MAX);
}

static void wrapped_counter_gives_the_time_that_passed(void **state)
{
	struct kiln_tune_clock clock = kiln_tune_clock_of(32, 10);
	double ns = 0;

	(void)state;
	assert_true(kiln_tune_clock_between(&clock, 0xffffff00u, 0x00000100u, 1000000, &ns));
	assert_true(ns == 5120);
	/* Bits beyond the valid ones are undefined. */
	assert_true(kiln_tune_clock_between(&clock, 0xabcdffffff00u, 0x1100000100u, 1000000, &ns));
	assert_true(ns == 5120);
}

static void impossible_time_is_refused(void **state)
{
	struct kiln_tune_clock clock = kiln_tune_clock_of(64, 1), narrow = kiln_tune_clock_of(20, 1);
	double ns = 7;

	(void)state;
	assert_false(kiln_tune_clock_between(&clock, 1000, 900, 1000000, &ns));         /* backwards */
	assert_false(kiln_tune_clock_between(&clock, 0, 3600000000000, 1000000, &ns)); /* a leap */
	assert_false(kiln_tune_clock_between(&narrow, 0, 5, 2000000, &ns));            /* it may have wrapped twice */
	assert_true(ns == 7);
}

/* A configuration may be slow without hanging, and every wait must end, also where the default has no time. */
static void trial_may_take_two_hundred_times_the_default_from_ten_seconds_to_an_hour(void **state)
{
	(void)state;
	assert_true(kiln_tune_timeout(0) == UINT64_C(10000000000));
	assert_true(kiln_tune_timeout(1e6) == UINT64_C(10000000000));
	assert_true(kiln_tune_timeout(50e6) == UINT64_C(10000000000));
	assert_true(kiln_tune_timeout(60e6) == UINT64_C(12000000000));
	assert_true(kiln_tune_timeout(1e9) == UINT64_C(200000000000));
	assert_true(kiln_tune_timeout(18e9) == UINT64_C(3600000000000));
	assert_true(kiln_tune_timeout(60e9) == UINT64_C(3600000000000));
	assert_true(kiln_tune_timeout((double)INFINITY) == UINT64_C(3600000000000));
	assert_true(kiln_tune_timeout(-1) == UINT64_C(10000000000));
	assert_true(kiln_tune_timeout((double)NAN) == UINT64_C(10000000000));
}

/* ---- Outputs ---- */

static const struct kiln_tune_tolerance exact;

static void every_bit_counts_without_a_tolerance(void **state)
{
	uint8_t a[13] = {0}, b[13] = {0};

	(void)state;
	assert_int_equal(kiln_tune_compare(a, b, sizeof(a), &exact), sizeof(a));
	b[12] = 1;
	assert_int_equal(kiln_tune_compare(a, b, sizeof(a), &exact), 12);
	b[3] = 0x80;
	assert_int_equal(kiln_tune_compare(a, b, sizeof(a), &exact), 3);
}

static void tolerance_forgives_numbers_and_nothing_else(void **state)
{
	const struct kiln_tune_tolerance loose = {.absolute = 1e-3, .relative = 1e-2};
	float a[4] = {1.0f, 100.0f, 0.0f, -5.0f}, b[4] = {1.001f, 100.9f, 0.0005f, -5.04f};
	uint32_t small[2] = {5, 6}, near[2] = {5, 7}, poison[1] = {0x7fda5a5au};

	(void)state;
	assert_int_equal(kiln_tune_compare(a, b, sizeof(a), &loose), sizeof(a));
	b[1] = 101.1f;
	assert_int_equal(kiln_tune_compare(a, b, sizeof(a), &loose), 4);
	assert_int_equal(kiln_tune_compare(small, near, sizeof(small), &loose), 4);
	assert_int_equal(kiln_tune_compare(a, poison, 4, &loose), 0);
	assert_int_equal(kiln_tune_compare(poison, a, 4, &loose), 0);
}

static void canary_is_checked_to_its_last_word(void **state)
{
	uint32_t words[4] = {9, 9, 9, 9};

	(void)state;
	assert_int_equal(kiln_tune_compare_pattern(words, sizeof(words), 9), sizeof(words));
	words[3] = 8;
	assert_int_equal(kiln_tune_compare_pattern(words, sizeof(words), 9), 12);
}

/* ---- Drivers ---- */

static void record_of_another_driver_or_machine_is_told_apart(void **state)
{
	const char *here = "llvmpipe: Mesa 22.3.6; cpu 0123456789ab x2";

	(void)state;
	assert_int_equal(kiln_tune_driver_compare(NULL, here), KILN_TUNE_DRIVER_SAME);
	assert_int_equal(kiln_tune_driver_compare(here, here), KILN_TUNE_DRIVER_SAME);
	assert_int_equal(kiln_tune_driver_compare("llvmpipe: Mesa 25.0; cpu 0123456789ab x2", here),
	                 KILN_TUNE_DRIVER_OTHER_VERSION);
	assert_int_equal(kiln_tune_driver_compare("Mesa 22.3.6 (LLVM 15.0.6)", here),
	                 KILN_TUNE_DRIVER_OTHER_VERSION);
	assert_int_equal(kiln_tune_driver_compare("llvmpipe: Mesa 22.3.6; cpu 0123456789ab x64", here),
	                 KILN_TUNE_DRIVER_OTHER);
	assert_int_equal(kiln_tune_driver_compare("llvmpipe: Mesa 22.3.6; cpu ba9876543210 x2", here),
	                 KILN_TUNE_DRIVER_OTHER);
	assert_int_equal(kiln_tune_driver_compare("swift: Mesa 22.3.6; cpu 0123456789ab x2", here),
	                 KILN_TUNE_DRIVER_OTHER);
}

static void driver_text_needs_no_escapes(void **state)
{
	struct kiln_device_info info = {.driver_name = "50% \xc3\xbc" "ber", .driver_info = "a\nb"};
	char text[KILN_TUNE_DRIVER_BYTES];

	(void)state;
	kiln_tune_driver_text(&info, text);
	assert_string_equal(text, "50? ??ber: a?b");
}

/* ---- The note ---- */

static const struct kiln_tune_record base = {
	.key = {.bytes = {1, 2, 3}}, .bucket = 17, .workgroup_size = {64, 2, 1}, .unroll = 4, .tile = {8, 8, 1}};

static void open_note(struct kiln_tune_intent *intent, const struct temp_dir *dir)
{
	char path[300];

	(void)snprintf(path, sizeof(path), "%s/new/autotune.toml", dir->path);
	assert_int_equal(kiln_tune_intent_open(intent, &kiln_fs_posix, path, "vulkan-x", false), KILN_OK);
}

static void note_outlives_a_tuner_that_died(void **state)
{
	struct temp_dir dir;
	struct kiln_tune_intent dead, next;
	struct kiln_tune_remains remains;

	(void)state;
	temp_dir_create(&dir);
	open_note(&dead, &dir);
	assert_int_equal(kiln_tune_intent_take(&dead, 0, &remains), KILN_OK);
	assert_false(remains.found);
	assert_int_equal(kiln_tune_intent_note(&dead, &base, "256x1x1 unroll 4"), KILN_OK);
	kiln_tune_intent_close(&dead);
	open_note(&next, &dir);
	assert_int_equal(kiln_tune_intent_take(&next, 0, &remains), KILN_OK);
	assert_true(remains.found);
	assert_string_equal(remains.config, "256x1x1 unroll 4");
	assert_memory_equal(&remains.base.key, &base.key, sizeof(base.key));
	assert_int_equal(remains.base.bucket, 17);
	assert_memory_equal(remains.base.workgroup_size, base.workgroup_size, sizeof(base.workgroup_size));
	assert_int_equal(remains.base.unroll, 4);
	assert_memory_equal(remains.base.tile, base.tile, sizeof(base.tile));
	assert_int_equal(kiln_tune_intent_clear(&next), KILN_OK);
	kiln_tune_intent_release(&next);
	assert_int_equal(kiln_tune_intent_take(&next, 0, &remains), KILN_OK);
	assert_false(remains.found);
	kiln_tune_intent_close(&next);
	temp_dir_remove(&dir);
}

static void second_tuner_waits_and_is_told(void **state)
{
	struct temp_dir dir;
	struct kiln_tune_intent first, second;
	struct kiln_tune_remains remains;

	(void)state;
	temp_dir_create(&dir);
	open_note(&first, &dir);
	open_note(&second, &dir);
	assert_int_equal(kiln_tune_intent_take(&first, 0, &remains), KILN_OK);
	assert_int_equal(kiln_tune_intent_take(&second, 20000000, &remains), KILN_ERR_TIMEOUT);
	kiln_tune_intent_release(&first);
	assert_int_equal(kiln_tune_intent_take(&second, 0, &remains), KILN_OK);
	kiln_tune_intent_close(&first);
	kiln_tune_intent_close(&second);
	temp_dir_remove(&dir);
}

static void garbage_in_the_note_says_nothing(void **state)
{
	static const char *const lines[] = {
		"x\n", "\n", "zz 1 2 3 4 5 6 7 8|64x1x1\n", "01020300000000000000000000000000 1 2|64x1x1\n",
		"01020300000000000000000000000000 1 1 1 1 1 0 0 0|no end of line",
	};
	struct temp_dir dir;
	struct kiln_tune_intent intent;
	struct kiln_tune_remains remains;

	(void)state;
	temp_dir_create(&dir);
	open_note(&intent, &dir);
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		assert_int_equal(kiln_tune_intent_take(&intent, 0, &remains), KILN_OK);
		memset(intent.line, 0, KILN_TUNE_INTENT_BYTES);
		memcpy(intent.line, lines[i], strlen(lines[i]));
		kiln_tune_intent_release(&intent);
		assert_int_equal(kiln_tune_intent_take(&intent, 0, &remains), KILN_OK);
		assert_false(remains.found);
		kiln_tune_intent_release(&intent);
	}
	kiln_tune_intent_close(&intent);
	temp_dir_remove(&dir);
}

static void without_a_store_there_is_no_note(void **state)
{
	struct kiln_tune_intent intent;
	struct kiln_tune_remains remains;

	(void)state;
	assert_int_equal(kiln_tune_intent_open(&intent, &kiln_fs_posix, NULL, "vulkan-x", false), KILN_OK);
	assert_int_equal(kiln_tune_intent_take(&intent, 0, &remains), KILN_OK);
	assert_int_equal(kiln_tune_intent_note(&intent, &base, "1x1x1"), KILN_OK);
	assert_int_equal(kiln_tune_intent_clear(&intent), KILN_OK);
	kiln_tune_intent_close(&intent);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(canary_is_checked_to_its_last_word),
		cmocka_unit_test(device_without_usable_stamps_has_no_clock),
		cmocka_unit_test(driver_text_needs_no_escapes),
		cmocka_unit_test(every_bit_counts_without_a_tolerance),
		cmocka_unit_test(garbage_in_the_note_says_nothing),
		cmocka_unit_test(impossible_time_is_refused),
		cmocka_unit_test(note_outlives_a_tuner_that_died),
		cmocka_unit_test(record_of_another_driver_or_machine_is_told_apart),
		cmocka_unit_test(second_tuner_waits_and_is_told),
		cmocka_unit_test(tolerance_forgives_numbers_and_nothing_else),
		cmocka_unit_test(trial_may_take_two_hundred_times_the_default_from_ten_seconds_to_an_hour),
		cmocka_unit_test(without_a_store_there_is_no_note),
		cmocka_unit_test(wrapped_counter_gives_the_time_that_passed),
	};

	return cmocka_run_group_tests_name("tune", tests, NULL, NULL);
}
