/* Listing the entries of one program: all of them, nothing else, at the cost of these alone. */
#include <kiln/cache.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "failing_alloc.h"
#include "failing_fs.h"
#include "fixture.h"
#include "test.h"

struct seen {
	struct kiln_digest program;
	unsigned good, failed, stop_after;
	enum kiln_status failure;
	char last_path[600];
};

static bool see(void *user, const struct kiln_cache_listing *listing)
{
	struct seen *seen = user;

	assert_true(strcmp(seen->last_path, listing->path) < 0);
	snprintf(seen->last_path, sizeof seen->last_path, "%s", listing->path);
	if (listing->status == KILN_OK) {
		seen->good++;
		assert_non_null(listing->key);
		assert_true(kiln_digest_equal(&listing->identity->program, &seen->program));
	} else {
		seen->failed++;
		seen->failure = listing->status;
	}
	return seen->good + seen->failed != seen->stop_after;
}

static struct seen list(struct kiln_cache *cache, unsigned program, unsigned stop_after)
{
	struct kiln_pipeline_identity identity = sample_identity(program, 64, 1);
	struct seen seen = {.program = identity.program, .stop_after = stop_after};

	assert_status(kiln_cache_list_program(cache, &identity.program, see, &seen), KILN_OK);
	return seen;
}

static void fill(struct kiln_cache *cache)
{
	struct kiln_digest key = kiln_digest_of("content", 7);
	struct kiln_cache_entry entry = sample_entry("spirv", 5);

	for (unsigned program = 0; program < 300; program++)
		assert_status(write_text(cache, program, 64, 1, "x"), KILN_OK);
	for (unsigned i = 0; i < 5; i++)
		assert_status(write_text(cache, 7, 1 + i, 1 + i % 2, "x"), KILN_OK);
	assert_status(kiln_cache_content_write(cache, &key, &entry), KILN_OK);
}

static void every_entry_of_the_program_and_no_other_is_met(void **state)
{
	struct cache_fixture *fixture = *state;

	assert_int_equal(list(fixture->cache, 7, 0).good, 0);
	fill(fixture->cache);
	assert_int_equal(list(fixture->cache, 7, 0).good, 6);
	assert_int_equal(list(fixture->cache, 8, 0).good, 1);
	assert_int_equal(list(fixture->cache, 300, 0).good, 0);
	assert_int_equal(list(fixture->cache, 7, 4).good, 4);
	assert_int_equal(kiln_cache_counters(fixture->cache).reads, 0);
}

static void queued_entries_are_met(void **state)
{
	struct cache_fixture *fixture = *state;
	struct kiln_pipeline_key key = sample_key(7, 64);
	struct kiln_fingerprint device = sample_device(1);
	struct kiln_cache_entry entry = sample_entry("x", 1);

	assert_status(kiln_cache_write_later(fixture->cache, &key, &device, &entry, NULL), KILN_OK);
	assert_int_equal(list(fixture->cache, 7, 0).good, 1);
}

static void damage_is_met_and_stays(void **state)
{
	struct cache_fixture *fixture = *state;
	struct path path = path_of(fixture, 7, 64, 1);
	struct seen seen;

	fill(fixture->cache);
	assert_int_equal(truncate(path.text, 20), 0);
	seen = list(fixture->cache, 7, 0);
	assert_int_equal(seen.good, 5);
	assert_int_equal(seen.failed, 1);
	assert_int_equal(seen.failure, KILN_ERR_DAMAGED);
	assert_true(file_exists(path.text));
}

/* Half of a program's digest is in the name: an entry of another program under it lies in the wrong place. */
static void entry_under_another_programs_name_is_damage(void **state)
{
	struct cache_fixture *fixture = *state;
	struct path of_7 = path_of(fixture, 7, 64, 1), of_8 = path_of(fixture, 8, 64, 1);
	struct seen seen;

	fill(fixture->cache);
	assert_int_equal(rename(of_8.text, of_7.text), 0);
	seen = list(fixture->cache, 7, 0);
	assert_int_equal(seen.good, 5);
	assert_int_equal(seen.failure, KILN_ERR_DAMAGED);
}

static void other_programs_files_are_not_opened(void **state)
{
	struct cache_fixture *fixture = *state;
	struct failing_fs few, many;
	struct kiln_cache *cache;
	unsigned calls;

	assert_status(write_text(fixture->cache, 7, 64, 1, "x"), KILN_OK);
	failing_fs_init(&few, &kiln_fs_posix, 0, 0);
	cache = open_on(fixture, &few.fs);
	few.calls = 0;
	assert_int_equal(list(cache, 7, 0).good, 1);
	calls = few.calls;
	kiln_cache_close(&cache);
	for (unsigned program = 8; program < 600; program++)
		assert_status(write_text(fixture->cache, program, 64, 1, "x"), KILN_OK);
	failing_fs_init(&many, &kiln_fs_posix, 0, 0);
	cache = open_on(fixture, &many.fs);
	many.calls = 0;
	assert_int_equal(list(cache, 7, 0).good, 1);
	/* Its folder has a few more names now. */
	assert_true(many.calls <= calls + 20);
	kiln_cache_close(&cache);
}

static bool accept(void *user, const struct kiln_cache_listing *listing)
{
	*(unsigned *)user += listing->status == KILN_OK;
	return true;
}

static void every_failing_allocation_and_call_is_survived(void **state)
{
	struct cache_fixture *fixture = *state;
	struct kiln_pipeline_identity identity = sample_identity(7, 64, 1);
	bool failed = true;

	fill(fixture->cache);
	for (unsigned n = 1; failed; n++) {
		enum kiln_status status;
		unsigned good = 0;

		failing_alloc_begin(n);
		status = kiln_cache_list_program(fixture->cache, &identity.program, accept, &good);
		failed = failing_alloc_end();
		assert_true(status == KILN_OK || status == KILN_ERR_OUT_OF_MEMORY);
		assert_true(failed ? good < 6 : good == 6);
	}
	failed = true;
	for (unsigned n = 1; failed; n++) {
		struct failing_fs failing;
		struct kiln_cache *cache;
		unsigned good = 0;

		failing_fs_init(&failing, &kiln_fs_posix, 0, EIO);
		cache = open_on(fixture, &failing.fs);
		failing.calls = 0;
		failing.fail_at = n;
		kiln_cache_list_program(cache, &identity.program, accept, &good);
		failed = failing.failed;
		failing.fail_at = 0;
		assert_true(failed || good == 6);
		kiln_cache_close(&cache);
		assert_int_equal(failing_fs_open_files(&failing), 0);
	}
}

static void missing_arguments_are_refused_and_no_cache_is_empty(void **state)
{
	struct cache_fixture *fixture = *state;
	struct kiln_digest program = sample_identity(7, 64, 1).program;
	unsigned good = 0;

	assert_status(kiln_cache_list_program(fixture->cache, NULL, accept, &good), KILN_ERR_INVALID_ARGUMENT);
	assert_status(kiln_cache_list_program(fixture->cache, &program, NULL, &good), KILN_ERR_INVALID_ARGUMENT);
	assert_status(kiln_cache_list_program(NULL, &program, accept, &good), KILN_OK);
	assert_int_equal(good, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, cache_setup, cache_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(damage_is_met_and_stays),
		TEST(entry_under_another_programs_name_is_damage),
		TEST(every_entry_of_the_program_and_no_other_is_met),
		TEST(every_failing_allocation_and_call_is_survived),
		TEST(missing_arguments_are_refused_and_no_cache_is_empty),
		TEST(other_programs_files_are_not_opened),
		TEST(queued_entries_are_met),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
