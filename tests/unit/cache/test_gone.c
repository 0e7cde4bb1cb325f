/* What the cache remembers of entries that went: evicted, damaged, set aside and invalidated are told apart from never
 * seen, at little cost, and whatever lies in the file. */
#include <kiln/cache.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <base/clock.h>
#include <cache/gc.h>
#include <cache/gone.h>

#include "failing_fs.h"
#include "fixture.h"
#include "test.h"

#define FILE_MAX (KILN_GONE_TABLE_BYTES + KILN_GONE_DEVICE_BYTES * KILN_GONE_DEVICES)

static enum kiln_cache_fate fate(const struct kiln_cache *cache, unsigned program)
{
	struct kiln_pipeline_identity identity = sample_identity(program, 64, 1);

	return kiln_cache_fate(cache, &identity, NULL);
}

static struct path gone_path(const struct cache_fixture *fixture)
{
	struct path path;

	snprintf(path.text, sizeof path.text, "%s/v1/gone", fixture->root);
	return path;
}

static void put(struct kiln_cache *cache, unsigned program)
{
	assert_status(write_text(cache, program, 64, 1, "payload"), KILN_OK);
}

/* Everything goes. */
static void collect(struct kiln_cache *cache)
{
	const struct kiln_cache_gc_params params = {.max_bytes = 1};

	assert_status(kiln_cache_gc(cache, &params, NULL), KILN_OK);
}

static void spoil(const char *path)
{
	int fd = open(path, O_WRONLY);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, "!", 1, 100), 1);
	close(fd);
}

/* ---- Fates ---- */

static void never_seen_is_never_seen(void **state)
{
	struct cache_fixture *fixture = *state;
	int64_t when_s = 1;
	struct kiln_pipeline_identity identity = sample_identity(1, 64, 1);

	assert_int_equal(kiln_cache_fate(fixture->cache, &identity, &when_s), KILN_CACHE_NEVER_SEEN);
	assert_int_equal(when_s, 0);
	assert_int_equal(kiln_cache_fate(NULL, &identity, NULL), KILN_CACHE_NEVER_SEEN);
	put(fixture->cache, 2);
	assert_int_equal(fate(fixture->cache, 1), KILN_CACHE_NEVER_SEEN);
	assert_false(file_exists(gone_path(fixture).text)); /* nothing went: nothing is written */
}

static void evicted_entry_is_told_from_never_seen(void **state)
{
	struct cache_fixture *fixture = *state;
	struct kiln_pipeline_identity identity = sample_identity(1, 64, 1);
	int64_t before_s = kiln_clock_system.wall_s(NULL), when_s = 0;

	put(fixture->cache, 1);
	collect(fixture->cache);
	assert_int_equal(kiln_cache_fate(fixture->cache, &identity, &when_s), KILN_CACHE_EVICTED);
	assert_in_range(when_s, before_s, before_s + 60);
	assert_int_equal(fate(fixture->cache, 2), KILN_CACHE_NEVER_SEEN);
}

static void dry_run_evicts_nothing_and_says_nothing(void **state)
{
	struct cache_fixture *fixture = *state;
	const struct kiln_cache_gc_params params = {.max_bytes = 1, .dry_run = true};

	put(fixture->cache, 1);
	assert_status(kiln_cache_gc(fixture->cache, &params, NULL), KILN_OK);
	assert_int_equal(fate(fixture->cache, 1), KILN_CACHE_NEVER_SEEN);
}

static void damaged_entry_is_told_from_never_seen(void **state)
{
	struct cache_fixture *fixture = *state;
	const struct kiln_cache_verify_params params = {.remove = true};

	put(fixture->cache, 1);
	put(fixture->cache, 2);
	spoil(path_of(fixture, 1, 64, 1).text);
	spoil(path_of(fixture, 2, 64, 1).text);
	assert_status(read_text(fixture->cache, 1, 64, 1, "payload"), KILN_ERR_DAMAGED);
	assert_int_equal(fate(fixture->cache, 1), KILN_CACHE_DAMAGED);
	assert_status(kiln_cache_verify(fixture->cache, &params, NULL), KILN_OK);
	assert_int_equal(fate(fixture->cache, 2), KILN_CACHE_DAMAGED);
}

static void entry_set_aside_is_told_from_never_seen(void **state)
{
	struct cache_fixture *fixture = *state;
	struct kiln_pipeline_identity identity = sample_identity(1, 64, 1);
	struct kiln_cache *cache;
	int status;
	pid_t child;

	put(fixture->cache, 1);
	child = fork();
	if (child == 0) {
		cache = open_again(fixture, KILN_CACHE_READ_WRITE, 0);
		kiln_cache_note_begin(cache, &identity);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	cache = open_again(fixture, KILN_CACHE_READ_WRITE, 0);
	assert_int_equal(fate(cache, 1), KILN_CACHE_SET_ASIDE);
	assert_true(kiln_cache_quarantined(cache, &identity));
	kiln_cache_close(&cache);
}

static void invalidated_entry_is_told_from_never_seen(void **state)
{
	struct cache_fixture *fixture = *state;
	struct kiln_pipeline_identity first = sample_identity(1, 64, 1), second = sample_identity(2, 64, 1);

	for (unsigned program = 1; program <= 4; program++)
		put(fixture->cache, program);
	assert_status(kiln_cache_invalidate(fixture->cache, &first, NULL), KILN_OK);
	assert_status(kiln_cache_invalidate_program(fixture->cache, &second.program, NULL), KILN_OK);
	assert_int_equal(fate(fixture->cache, 1), KILN_CACHE_INVALIDATED);
	assert_int_equal(fate(fixture->cache, 2), KILN_CACHE_INVALIDATED);
	assert_int_equal(fate(fixture->cache, 3), KILN_CACHE_NEVER_SEEN);
	assert_status(kiln_cache_invalidate_device(fixture->cache, &first.device, NULL), KILN_OK);
	assert_int_equal(fate(fixture->cache, 3), KILN_CACHE_INVALIDATED);
	assert_int_equal(fate(fixture->cache, 4), KILN_CACHE_INVALIDATED);
	/* What was never there was not invalidated either. */
	first = sample_identity(9, 64, 1);
	assert_status(kiln_cache_invalidate(fixture->cache, &first, NULL), KILN_OK);
	assert_int_equal(fate(fixture->cache, 9), KILN_CACHE_NEVER_SEEN);
}

static void the_last_fate_counts(void **state)
{
	struct cache_fixture *fixture = *state;
	struct kiln_pipeline_identity identity = sample_identity(1, 64, 1);

	put(fixture->cache, 1);
	collect(fixture->cache);
	put(fixture->cache, 1);
	assert_status(kiln_cache_invalidate(fixture->cache, &identity, NULL), KILN_OK);
	assert_int_equal(fate(fixture->cache, 1), KILN_CACHE_INVALIDATED);
	put(fixture->cache, 1);
	collect(fixture->cache);
	assert_int_equal(fate(fixture->cache, 1), KILN_CACHE_EVICTED);
}

static void fates_outlive_the_cache_object(void **state)
{
	struct cache_fixture *fixture = *state;
	struct kiln_cache *reader;

	put(fixture->cache, 1);
	collect(fixture->cache);
	reader = open_again(fixture, KILN_CACHE_READ_ONLY, 0);
	assert_int_equal(fate(reader, 1), KILN_CACHE_EVICTED);
	kiln_cache_close(&reader);
}

static void clear_forgets_all_fates(void **state)
{
	struct cache_fixture *fixture = *state;

	put(fixture->cache, 1);
	collect(fixture->cache);
	assert_status(kiln_cache_clear(fixture->cache, NULL), KILN_OK);
	assert_false(file_exists(gone_path(fixture).text));
	assert_int_equal(fate(fixture->cache, 1), KILN_CACHE_NEVER_SEEN);
}

static void fates_have_stable_names(void **state)
{
	static const char *const names[] = {"never_seen", "evicted", "damaged", "set_aside", "invalidated"};

	(void)state;
	for (unsigned i = 0; i < 5; i++)
		assert_string_equal(kiln_cache_fate_name((enum kiln_cache_fate)i), names[i]);
	assert_string_equal(kiln_cache_fate_name((enum kiln_cache_fate)99), "?");
}

/* ---- The file ---- */

static void file_stays_small_and_remembers_the_last(void **state)
{
	struct cache_fixture *fixture = *state;
	struct kiln_gone gone = kiln_gone_begin(fixture->cache);
	struct kiln_place place;
	struct stat facts;
	unsigned known = 0;
	int64_t when_s;

	for (unsigned i = 0; i < 20000; i++) {
		struct kiln_pipeline_identity identity = sample_identity(i, 64, 1);

		kiln_place_pipeline(&identity, &place);
		gone.now_s = 1000000 + i; /* taken when the file is opened: the first differs */
		kiln_gone_add(&gone, place.name, KILN_CACHE_EVICTED);
	}
	kiln_gone_end(&gone);
	assert_int_equal(stat(gone_path(fixture).text, &facts), 0);
	assert_true(facts.st_size <= FILE_MAX);
	for (unsigned i = 0; i < 20000; i++) {
		struct kiln_pipeline_identity identity = sample_identity(i, 64, 1);

		kiln_place_pipeline(&identity, &place);
		if (kiln_gone_find(fixture->cache, place.name, &when_s) != KILN_CACHE_EVICTED)
			continue;
		known++;
		if (i > 0)
			assert_int_equal(when_s, 1000000 + i);
	}
	assert_in_range(known, 4000, 4096);
	for (unsigned i = 19500; i < 20000; i++) /* a bucket takes 8, and fills evenly */
		known -= fate(fixture->cache, i) == KILN_CACHE_EVICTED;
	assert_true(known <= 4096 - 450);
}

static void it_is_no_entry_and_no_litter(void **state)
{
	struct cache_fixture *fixture = *state;
	struct kiln_cache_gc_report report;
	const struct kiln_cache_gc_params later = {.now_s = kiln_clock_system.wall_s(NULL) + 1000000,
	                                           .max_age_s = 1};
	struct kiln_cache_stat stat;

	put(fixture->cache, 1);
	collect(fixture->cache);
	assert_true(file_exists(gone_path(fixture).text));
	assert_status(kiln_cache_gc(fixture->cache, &later, &report), KILN_OK);
	assert_int_equal(report.entries + report.litter, 0);
	assert_status(kiln_cache_stat(fixture->cache, &stat), KILN_OK);
	assert_int_equal(stat.pipelines + stat.litter + stat.foreign, 0);
	assert_int_equal(fate(fixture->cache, 1), KILN_CACHE_EVICTED);
}

static void read_only_cache_writes_no_fate(void **state)
{
	struct cache_fixture *fixture = *state;
	struct kiln_cache *reader;

	put(fixture->cache, 1);
	spoil(path_of(fixture, 1, 64, 1).text);
	reader = open_again(fixture, KILN_CACHE_READ_ONLY, 0);
	assert_status(read_text(reader, 1, 64, 1, "payload"), KILN_ERR_DAMAGED);
	kiln_gone_note(reader, "name", KILN_CACHE_EVICTED);
	kiln_cache_close(&reader);
	assert_false(file_exists(gone_path(fixture).text));
}

/* Any content is tolerated, and tells nothing. */
static void noise_tells_nothing(void **state)
{
	struct cache_fixture *fixture = *state;
	static uint8_t noise[FILE_MAX];

	for (unsigned round = 0; round < 20; round++) {
		srand(round + 1);
		for (size_t i = 0; i < sizeof noise; i++)
			noise[i] = (uint8_t)(rand() >> 7);
		save_file(gone_path(fixture).text, noise, round % 2 == 0 ? sizeof noise : (size_t)rand() % 4000);
		for (unsigned program = 0; program < 200; program++)
			assert_int_equal(fate(fixture->cache, program), KILN_CACHE_NEVER_SEEN);
		put(fixture->cache, 1);
		collect(fixture->cache);
		assert_int_equal(fate(fixture->cache, 1), KILN_CACHE_EVICTED);
	}
}

static void every_flipped_bit_of_a_record_is_noticed(void **state)
{
	struct cache_fixture *fixture = *state;
	static uint8_t file[FILE_MAX];
	struct path path = gone_path(fixture);
	size_t bytes, start = 0;

	put(fixture->cache, 1);
	collect(fixture->cache);
	bytes = load_file(path.text, file, sizeof file);
	while (start < bytes && file[start] == 0)
		start++;
	start -= start % KILN_GONE_RECORD_BYTES;
	for (size_t bit = 0; bit < 8 * KILN_GONE_RECORD_BYTES; bit++) {
		file[start + bit / 8] ^= (uint8_t)(1u << bit % 8);
		save_file(path.text, file, bytes);
		assert_int_equal(fate(fixture->cache, 1), KILN_CACHE_NEVER_SEEN);
		file[start + bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	save_file(path.text, file, bytes);
	assert_int_equal(fate(fixture->cache, 1), KILN_CACHE_EVICTED);
}

/* Hostile files under its name: not followed, not written, not waited for; removals go on. */
static void file_that_is_not_ours_alone_is_left_alone(void **state)
{
	struct cache_fixture *fixture = *state;
	struct path path = gone_path(fixture), other;

	snprintf(other.text, sizeof other.text, "%s/victim", fixture->dir.path);
	for (unsigned kind = 0; kind < 6; kind++) {
		struct stat before, after;

		unlink(path.text);
		rmdir(path.text);
		save_file(other.text, "victim", 6);
		if (kind == 0)
			assert_int_equal(symlink(other.text, path.text), 0);
		else if (kind == 1)
			assert_int_equal(link(other.text, path.text), 0);
		else if (kind == 2)
			assert_int_equal(mkfifo(path.text, 0600), 0);
		else if (kind == 3)
			assert_int_equal(mkdir(path.text, 0700), 0);
		else
			save_file(path.text, "", 0);
		if (kind == 4)
			assert_int_equal(chmod(path.text, 0666), 0);
		if (kind == 5)
			assert_int_equal(truncate(path.text, INT64_C(10) << 30), 0);
		assert_int_equal(lstat(path.text, &before), 0);
		put(fixture->cache, 1);
		collect(fixture->cache);
		assert_false(file_exists(path_of(fixture, 1, 64, 1).text));
		assert_int_equal(fate(fixture->cache, 1), kind == 5 ? KILN_CACHE_EVICTED : KILN_CACHE_NEVER_SEEN);
		assert_int_equal(lstat(path.text, &after), 0);
		assert_int_equal(before.st_size, after.st_size);
		assert_int_equal(stat(other.text, &after), 0);
		assert_int_equal(after.st_size, 6);
		unlink(other.text);
	}
}

static void failing_calls_cost_the_fate_and_nothing_else(void **state)
{
	struct cache_fixture *fixture = *state;
	struct kiln_pipeline_identity identity = sample_identity(1, 64, 1);
	static const char *const calls[] = {"pread", "pwrite", "fstat"};

	for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
		struct failing_fs failing;
		struct kiln_cache *cache;
		size_t removed;

		unlink(gone_path(fixture).text);
		put(fixture->cache, 1);
		failing_fs_init(&failing, &kiln_fs_posix, 0, ENOSPC);
		cache = open_on(fixture, &failing.fs);
		failing.only = calls[i];
		failing.calls = 0;
		failing.fail_at = 1;
		failing.forever = true;
		assert_status(kiln_cache_invalidate(cache, &identity, &removed), KILN_OK);
		assert_int_equal(removed, 1);
		assert_true(failing.failed);
		(void)kiln_cache_fate(cache, &identity, NULL);
		failing.fail_at = 0;
		kiln_cache_close(&cache);
		assert_int_equal(failing_fs_open_files(&failing), 0);
	}
}

static int by_value(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* The bound is 20 us; a busy machine doubles what a quiet one takes. */
static void asking_costs_microseconds(void **state)
{
	struct cache_fixture *fixture = *state;
	uint64_t samples_ns[500];

	put(fixture->cache, 0);
	collect(fixture->cache);
	for (unsigned i = 0; i < 500; i++) {
		struct kiln_pipeline_identity identity = sample_identity(i, 64, 1);
		uint64_t start_ns = kiln_now_ns();

		kiln_cache_fate(fixture->cache, &identity, NULL);
		samples_ns[i] = kiln_now_ns() - start_ns;
	}
	qsort(samples_ns, 500, sizeof *samples_ns, by_value);
	print_message("fate of an entry: p50 %.1f us, p99 %.1f us\n", (double)samples_ns[250] / 1e3,
	              (double)samples_ns[495] / 1e3);
	assert_true(samples_ns[250] < 100000);
}

/* ---- Names of devices ---- */

static void device_is_called_what_it_was_called_last(void **state)
{
	struct cache_fixture *fixture = *state;
	struct kiln_fingerprint first = sample_device(1), second = sample_device(2);
	char name[KILN_CACHE_DEVICE_NAME_MAX + 1], longer[400];

	assert_false(kiln_cache_device_name(fixture->cache, &first, name, sizeof name));
	assert_string_equal(name, "");
	kiln_cache_name_device(fixture->cache, &first, "radv Mesa 22.3.6");
	kiln_cache_name_device(fixture->cache, &second, "tabs\tand\x1b[31m colours");
	assert_true(kiln_cache_device_name(fixture->cache, &first, name, sizeof name));
	assert_string_equal(name, "radv Mesa 22.3.6");
	assert_true(kiln_cache_device_name(fixture->cache, &second, name, sizeof name));
	assert_string_equal(name, "tabs?and?[31m colours");
	memset(longer, 'x', sizeof longer - 1);
	longer[sizeof longer - 1] = '\0';
	kiln_cache_name_device(fixture->cache, &first, longer);
	assert_true(kiln_cache_device_name(fixture->cache, &first, name, sizeof name));
	assert_int_equal(strlen(name), KILN_CACHE_DEVICE_NAME_MAX);
	kiln_cache_name_device(NULL, &first, "x");
	assert_false(kiln_cache_device_name(NULL, &first, name, sizeof name));
}

static void many_devices_keep_the_file_small(void **state)
{
	struct cache_fixture *fixture = *state;
	char name[KILN_CACHE_DEVICE_NAME_MAX + 1];
	struct stat facts;
	unsigned known = 0;

	for (unsigned i = 0; i < 3 * KILN_GONE_DEVICES; i++) {
		struct kiln_fingerprint device = sample_device(i);

		kiln_cache_name_device(fixture->cache, &device, "a driver");
	}
	for (unsigned i = 0; i < 3 * KILN_GONE_DEVICES; i++) {
		struct kiln_fingerprint device = sample_device(i);

		known += kiln_cache_device_name(fixture->cache, &device, name, sizeof name);
	}
	assert_int_equal(known, KILN_GONE_DEVICES);
	assert_int_equal(stat(gone_path(fixture).text, &facts), 0);
	assert_true(facts.st_size <= FILE_MAX);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, cache_setup, cache_teardown)
	const struct CMUnitTest tests[] = {
		TEST(never_seen_is_never_seen),
		TEST(evicted_entry_is_told_from_never_seen),
		TEST(dry_run_evicts_nothing_and_says_nothing),
		TEST(damaged_entry_is_told_from_never_seen),
		TEST(entry_set_aside_is_told_from_never_seen),
		TEST(invalidated_entry_is_told_from_never_seen),
		TEST(the_last_fate_counts),
		TEST(fates_outlive_the_cache_object),
		TEST(clear_forgets_all_fates),
		TEST(fates_have_stable_names),
		TEST(file_stays_small_and_remembers_the_last),
		TEST(it_is_no_entry_and_no_litter),
		TEST(read_only_cache_writes_no_fate),
		TEST(noise_tells_nothing),
		TEST(every_flipped_bit_of_a_record_is_noticed),
		TEST(file_that_is_not_ours_alone_is_left_alone),
		TEST(failing_calls_cost_the_fate_and_nothing_else),
		TEST(asking_costs_microseconds),
		TEST(device_is_called_what_it_was_called_last),
		TEST(many_devices_keep_the_file_small),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
