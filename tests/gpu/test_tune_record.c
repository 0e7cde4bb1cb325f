/* What becomes of a record when a run, or the end of a process, says otherwise: a kernel with an UNROLL constant, a store, and
 * reports made by hand. Nothing is launched. */
#include "harness.h"

#include <stdio.h>
#include <string.h>

#include "device.h"
#include "kernel_variant.h"
#include "tune_record.h"
#include "tune_scale_spv.h"

enum { THREADS = 20000, UNROLL_ID = 1 };

/* What was fastest once. */
#define FAST_TEXT "256x1x1 unroll 4"
static const struct kiln_tune_config fast = {
	.workgroup = {256, 1, 1},
	.unroll = 4,
	.constants = {{.id = UNROLL_ID, .value = 4, .named = true}},
	.constant_count = 1,
};

struct place {
	char *folder;
	char path[600];
	struct kiln_store *store;
	struct kiln_device *device;
	struct kiln_kernel *kernel;
	uint32_t bucket;
	struct kiln_tune_config own; /* the default */
	char driver[KILN_TUNE_DRIVER_BYTES];
};

static void open_place(struct place *place)
{
	const uint32_t threads[3] = {THREADS, 1, 1};
	struct kiln_build build;
	*place = (struct place){.folder = gpu_folder(), .bucket = kiln_tune_bucket(threads)};
	snprintf(place->path, sizeof place->path, "%s/autotune.toml", place->folder);
	gpu_ok(kiln_store_open(place->path, &place->store));
	place->device = gpu_open(&(struct kiln_device_params){.store = place->store});
	gpu_ok(kiln_kernel_create(place->device,
	                          &(struct kiln_kernel_params){.spirv = tune_scale_spv,
	                                                       .spirv_bytes = sizeof tune_scale_spv,
	                                                       .guarded = true},
	                          &place->kernel));
	gpu_ok(kiln_kernel_resolve_for(place->kernel, threads, &build));
	memcpy(place->own.workgroup, build.workgroup, sizeof build.workgroup);
	place->own.unroll = 1;
	assert_int_not_equal(place->own.workgroup[0], fast.workgroup[0]);
	kiln_tune_driver_text(&place->device->info, place->driver);
}

static void close_place(struct place *place)
{
	kiln_kernel_destroy(&place->kernel);
	gpu_close(&place->device);
	kiln_store_close(&place->store);
	free(place->folder);
}

/* As another process does it. */
static void record_elsewhere(const struct place *place, const char *driver, const char *bad)
{
	struct kiln_tune_record record = kiln_tune_record_base(place->kernel, place->bucket, &fast);
	struct kiln_store *store = NULL;
	record.status = KILN_TUNE_TUNED;
	record.ratio_default = 0.5;
	record.driver = driver;
	record.bad = bad;
	gpu_ok(kiln_store_open(place->path, &store));
	gpu_ok(kiln_store_put(store, &record));
	gpu_ok(kiln_store_save_if_dirty(store, NULL));
	kiln_store_close(&store);
}

static struct kiln_tune_record record_of(const struct place *place)
{
	struct kiln_tune_key key = kiln_kernel_tune_key(place->kernel, place->bucket);
	struct kiln_tune_record record;
	gpu_ok(kiln_store_refresh(place->store)); /* what is in the file */
	gpu_ok(kiln_store_get(place->store, &key, place->device->info.adapter, &record));
	return record;
}

static void assert_default(const struct place *place)
{
	struct kiln_tune_record record = record_of(place);
	assert_memory_equal(record.workgroup_size, place->own.workgroup, sizeof record.workgroup_size);
	assert_int_equal(record.unroll, 1);
	assert_int_equal(record.status, KILN_TUNE_TENTATIVE);
	assert_string_equal(record.driver, place->driver);
}

static void assert_fast(const struct place *place)
{
	struct kiln_tune_record record = record_of(place);
	assert_memory_equal(record.workgroup_size, fast.workgroup, sizeof record.workgroup_size);
	assert_int_equal(record.unroll, 4);
	assert_int_equal(record.status, KILN_TUNE_TUNED);
}

/* A run that had no time, and found this of one configuration. */
static bool report(const struct place *place, const struct kiln_tune_config *config,
                   enum kiln_tune_verdict verdict)
{
	const struct kiln_tune_candidate candidates[2] = {
		{.config = place->own, .verdict = KILN_TUNE_WON},
		{.config = *config, .verdict = verdict},
	};
	const struct kiln_tune_report report = {
		.candidates = candidates, .candidate_count = 2, .tried = 2, .rounds = 3, .provisional = true};
	bool kept;
	assert_true(kiln_tune_record_report(place->kernel, place->bucket, &report, &kept));
	return kept;
}

static bool hung(const struct place *place, const char *config)
{
	const struct kiln_tune_record base =
		kiln_tune_record_base(place->kernel, place->bucket, &place->own);
	return kiln_tune_record_hung(place->device, &base, config);
}

static void configuration_that_is_proved_wrong_or_hangs_is_the_record_no_more(void **state)
{
	static const enum kiln_tune_verdict verdicts[] = {KILN_TUNE_WRONG, KILN_TUNE_HUNG};
	(void)state;
	for (int i = 0; i < 2; i++) {
		struct place place;
		open_place(&place);
		record_elsewhere(&place, place.driver, NULL);
		assert_false(report(&place, &fast, verdicts[i]));
		assert_default(&place);
		assert_true(kiln_tune_bad_has(record_of(&place).bad,
		                              i ? "hung " FAST_TEXT : "wrong " FAST_TEXT));
		close_place(&place);
	}
}

static void configuration_that_took_its_process_down_is_the_record_no_more(void **state)
{
	struct place place;
	(void)state;
	open_place(&place);
	record_elsewhere(&place, place.driver, NULL);
	assert_true(hung(&place, FAST_TEXT));
	assert_default(&place);
	assert_true(kiln_tune_bad_has(record_of(&place).bad, "hung " FAST_TEXT));
	close_place(&place);
}

static void record_stays_when_another_configuration_is_bad(void **state)
{
	struct kiln_tune_config other = fast;
	struct place place;
	(void)state;
	open_place(&place);
	record_elsewhere(&place, place.driver, NULL);
	assert_true(hung(&place, "256x1x1 unroll 2"));
	assert_fast(&place);
	other.unroll = other.constants[0].value = 8;
	assert_true(report(&place, &other, KILN_TUNE_WRONG));
	assert_fast(&place);
	assert_true(kiln_tune_bad_has(record_of(&place).bad, "hung 256x1x1 unroll 2"));
	assert_true(kiln_tune_bad_has(record_of(&place).bad, "wrong 256x1x1 unroll 8"));
	close_place(&place);
}

/* It was recorded after this device had read the store. */
static void what_another_process_settled_meanwhile_stays(void **state)
{
	struct place place;
	(void)state;
	open_place(&place);
	assert_true(kiln_store_is_empty(place.store));
	record_elsewhere(&place, place.driver, NULL);
	assert_true(report(&place, &fast, KILN_TUNE_SLOWER));
	assert_fast(&place);
	close_place(&place);
}

static void what_was_bad_with_another_driver_is_not_bad_with_this_one(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		struct place place;
		open_place(&place);
		record_elsewhere(&place, "another driver: 1.0", "hung 128x1x1\nwrong 32x1x1");
		if (i)
			assert_true(hung(&place, FAST_TEXT));
		else
			assert_false(report(&place, &fast, KILN_TUNE_HUNG));
		assert_default(&place);
		assert_string_equal(record_of(&place).bad, "hung " FAST_TEXT);
		close_place(&place);
	}
}

/* ---- Dates that were written by hand ---- */

/* Puts a line, or none, in place of the date that is there. */
static void date_by_hand(const struct place *place, const char *line)
{
	static char text[8192];
	FILE *file = fopen(place->path, "r");
	char *date, *after;
	size_t bytes;
	assert_non_null(file);
	bytes = fread(text, 1, sizeof text - 1, file);
	fclose(file);
	text[bytes] = '\0';
	date = strstr(text, "recorded_at = ");
	assert_non_null(date);
	after = strchr(date, '\n') + 1;
	file = fopen(place->path, "w");
	assert_non_null(file);
	fprintf(file, "%.*s%s%s", (int)(date - text), text, line, after);
	assert_int_equal(fclose(file), 0);
}

#define SIXTY "012345678901234567890123456789012345678901234567890123456789"

static const struct {
	const char *line, *kept; /* NULL: unknown, and not today */
} dates[] = {
	{"", NULL},
	{"recorded_at = 2026-05-02\n", "2026-05-02"},
	{"recorded_at = \"2999-12-31\"\n", "2999-12-31"},
	{"recorded_at = \"0000-99-99\"\n", "0000-99-99"},
	{"recorded_at = \"last Tuesday\"\n", "last Tuesday"},
	{"recorded_at = \"" SIXTY "123\"\n", SIXTY "123"},
	{"recorded_at = \"" SIXTY "1234\"\n", NULL},
	{"recorded_at = \"2. M\xc3\xa4rz\"\n", NULL},
	{"recorded_at = \"2026\\n05\"\n", NULL},
};

/* What is put again has to be something that is put, or what was found bad would be lost with it. */
static void record_with_a_date_by_hand_is_used_and_keeps_it_unless_it_is_none(void **state)
{
	const struct kiln_tune_config other = {.workgroup = {256, 1, 1}, .unroll = 2};
	(void)state;
	for (size_t i = 0; i < 2 * sizeof dates / sizeof dates[0]; i++) {
		struct place place;
		open_place(&place);
		record_elsewhere(&place, place.driver, NULL);
		date_by_hand(&place, dates[i / 2].line);
		gpu_ok(kiln_store_refresh(place.store));
		assert_true(kiln_tune_record_settled(place.kernel, place.bucket));
		if (i % 2)
			assert_true(hung(&place, "256x1x1 unroll 2"));
		else
			assert_true(report(&place, &other, KILN_TUNE_HUNG));
		assert_fast(&place);
		assert_true(kiln_tune_bad_has(record_of(&place).bad, "hung 256x1x1 unroll 2"));
		if (dates[i / 2].kept)
			assert_string_equal(record_of(&place).recorded_at, dates[i / 2].kept);
		else
			assert_null(record_of(&place).recorded_at);
		close_place(&place);
	}
}

/* What replaces it was found today. */
static void record_that_replaces_one_with_a_date_by_hand_has_todays(void **state)
{
	struct place place;
	(void)state;
	open_place(&place);
	record_elsewhere(&place, place.driver, NULL);
	date_by_hand(&place, "recorded_at = \"2999-12-31\"\n");
	assert_true(hung(&place, FAST_TEXT));
	assert_default(&place);
	assert_int_equal(strlen(record_of(&place).recorded_at), 10);
	assert_string_not_equal(record_of(&place).recorded_at, "2999-12-31");
	close_place(&place);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(configuration_that_is_proved_wrong_or_hangs_is_the_record_no_more),
		cmocka_unit_test(configuration_that_took_its_process_down_is_the_record_no_more),
		cmocka_unit_test(record_stays_when_another_configuration_is_bad),
		cmocka_unit_test(record_that_replaces_one_with_a_date_by_hand_has_todays),
		cmocka_unit_test(record_with_a_date_by_hand_is_used_and_keeps_it_unless_it_is_none),
		cmocka_unit_test(what_another_process_settled_meanwhile_stays),
		cmocka_unit_test(what_was_bad_with_another_driver_is_not_bad_with_this_one),
	};
	return GPU_MAIN("tune_record", tests, true);
}
