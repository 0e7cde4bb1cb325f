/* Manifests beside their entries: written whole or not at all, no entry to anyone, and gone with their entry. */
#include <kiln/cache.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <base/clock.h>
#include <cache/gc.h>
#include <cache/sidecar.h>

#include "failing_alloc.h"
#include "failing_fs.h"
#include "fixture.h"
#include "test.h"

#define TEXT "{\"schema\":1}"

static struct path sidecar_of(const struct cache_fixture *fixture, unsigned program)
{
	struct path path = path_of(fixture, program, 64, 1);

	memcpy(path.text + strlen(path.text) - 4, ".json", 6);
	return path;
}

static enum kiln_status annotate(struct kiln_cache *cache, unsigned program)
{
	struct kiln_pipeline_identity identity = sample_identity(program, 64, 1);

	return kiln_cache_write_sidecar(cache, &identity, TEXT);
}

static void put_both(struct cache_fixture *fixture, unsigned program)
{
	assert_status(write_text(fixture->cache, program, 64, 1, "payload"), KILN_OK);
	assert_status(annotate(fixture->cache, program), KILN_OK);
	assert_true(file_exists(sidecar_of(fixture, program).text));
}

static bool count(void *user, const struct kiln_cache_listing *listing)
{
	assert_status(listing->status, KILN_OK);
	++*(unsigned *)user;
	return true;
}

static void sidecar_lies_beside_its_entry(void **state)
{
	struct cache_fixture *fixture = *state;
	uint8_t text[64];

	put_both(fixture, 1);
	assert_int_equal(load_file(sidecar_of(fixture, 1).text, text, sizeof text), strlen(TEXT));
	assert_memory_equal(text, TEXT, strlen(TEXT));
	assert_status(annotate(NULL, 1), KILN_OK);
}

static void sidecar_is_no_entry(void **state)
{
	struct cache_fixture *fixture = *state;
	struct kiln_cache_verify_report verified;
	struct kiln_cache_gc_report collected;
	struct kiln_cache_stat stat;
	unsigned listed = 0;

	put_both(fixture, 1);
	assert_status(kiln_cache_list(fixture->cache, count, &listed), KILN_OK);
	assert_int_equal(listed, 1);
	assert_status(kiln_cache_verify(fixture->cache, NULL, &verified), KILN_OK);
	assert_int_equal(verified.good, 1);
	assert_int_equal(verified.foreign + verified.damaged + verified.errors, 0);
	assert_status(kiln_cache_stat(fixture->cache, &stat), KILN_OK);
	assert_int_equal(stat.pipelines, 1);
	assert_int_equal(stat.foreign + stat.litter, 0);
	assert_status(kiln_cache_gc(fixture->cache, NULL, &collected), KILN_OK);
	assert_int_equal(collected.entries, 1);
	assert_true(file_exists(sidecar_of(fixture, 1).text));
}

static void gc_counts_its_bytes_and_removes_it_with_its_entry(void **state)
{
	struct cache_fixture *fixture = *state;
	struct kiln_cache_gc_params params = {.max_bytes = UINT64_MAX};
	struct kiln_cache_gc_report bare, both;
	struct stat facts;

	assert_status(write_text(fixture->cache, 1, 64, 1, "payload"), KILN_OK);
	assert_status(kiln_cache_gc(fixture->cache, &params, &bare), KILN_OK);
	assert_status(annotate(fixture->cache, 1), KILN_OK);
	assert_int_equal(stat(sidecar_of(fixture, 1).text, &facts), 0);
	assert_status(kiln_cache_gc(fixture->cache, &params, &both), KILN_OK);
	assert_int_equal(both.bytes, bare.bytes + (uint64_t)facts.st_blocks * 512);
	assert_int_equal(both.removed, 0);
	/* The entry alone would fit. */
	params.max_bytes = both.bytes - 1;
	assert_status(kiln_cache_gc(fixture->cache, &params, &both), KILN_OK);
	assert_int_equal(both.removed, 1);
	assert_int_equal(both.removed_bytes, both.bytes);
	assert_false(file_exists(path_of(fixture, 1, 64, 1).text));
	assert_false(file_exists(sidecar_of(fixture, 1).text));
}

static void invalidating_and_clearing_remove_it_too(void **state)
{
	struct cache_fixture *fixture = *state;
	struct kiln_pipeline_identity identity = sample_identity(1, 64, 1);
	struct kiln_cache_clear_report report;
	size_t removed;

	for (unsigned program = 1; program <= 4; program++)
		put_both(fixture, program);
	assert_status(kiln_cache_invalidate(fixture->cache, &identity, &removed), KILN_OK);
	assert_int_equal(removed, 1);
	identity = sample_identity(2, 64, 1);
	assert_status(kiln_cache_invalidate_program(fixture->cache, &identity.program, &removed), KILN_OK);
	assert_int_equal(removed, 1);
	assert_status(kiln_cache_clear(fixture->cache, &report), KILN_OK);
	assert_int_equal(report.removed, 2);
	for (unsigned program = 1; program <= 4; program++)
		assert_false(file_exists(sidecar_of(fixture, program).text));
}

static void sidecar_without_an_entry_is_litter_after_an_hour(void **state)
{
	struct cache_fixture *fixture = *state;
	struct kiln_cache_gc_params params = {.now_s = kiln_clock_system.wall_s(NULL)};
	struct kiln_cache_gc_report report;

	put_both(fixture, 2);
	assert_status(annotate(fixture->cache, 1), KILN_OK); /* its entry waits to be written, say */
	assert_status(kiln_cache_gc(fixture->cache, &params, &report), KILN_OK);
	assert_int_equal(report.litter, 0);
	params.now_s += 3700;
	assert_status(kiln_cache_gc(fixture->cache, &params, &report), KILN_OK);
	assert_int_equal(report.litter, 1);
	assert_false(file_exists(sidecar_of(fixture, 1).text));
	assert_true(file_exists(sidecar_of(fixture, 2).text));
}

static void other_json_files_are_left_alone(void **state)
{
	struct cache_fixture *fixture = *state;
	struct kiln_cache_gc_params params = {.now_s = kiln_clock_system.wall_s(NULL) + 10000};
	struct kiln_cache_stat facts;
	struct path path;

	assert_status(write_text(fixture->cache, 1, 64, 1, "payload"), KILN_OK);
	path = path_of(fixture, 1, 64, 1);
	memcpy(strrchr(path.text, 0x2f), "/notes.json", 12);
	save_file(path.text, TEXT, strlen(TEXT));
	assert_status(kiln_cache_gc(fixture->cache, &params, NULL), KILN_OK);
	assert_status(kiln_cache_stat(fixture->cache, &facts), KILN_OK);
	assert_int_equal(facts.foreign, 1);
	assert_true(file_exists(path.text));
}

static void read_only_cache_skips_it(void **state)
{
	struct cache_fixture *fixture = *state;
	struct kiln_cache *reader;

	assert_status(write_text(fixture->cache, 1, 64, 1, "payload"), KILN_OK);
	reader = open_again(fixture, KILN_CACHE_READ_ONLY, 0);
	assert_status(annotate(reader, 1), KILN_OK);
	kiln_cache_close(&reader);
	assert_false(file_exists(sidecar_of(fixture, 1).text));
}

static void every_failing_call_leaves_the_old_one_whole(void **state)
{
	struct cache_fixture *fixture = *state;
	struct kiln_pipeline_identity identity = sample_identity(1, 64, 1);
	bool failed = true;
	uint8_t text[64];
	size_t bytes;

	put_both(fixture, 1);
	for (unsigned n = 1; failed; n++) {
		struct failing_fs failing;
		struct kiln_cache *cache;
		enum kiln_status status;

		failing_fs_init(&failing, &kiln_fs_posix, 0, ENOSPC);
		cache = open_on(fixture, &failing.fs);
		failing.calls = 0;
		failing.fail_at = n;
		status = kiln_cache_write_sidecar(cache, &identity, "{\"new\":2}");
		failed = failing.failed;
		failing.fail_at = 0;
		kiln_cache_close(&cache);
		assert_int_equal(failing_fs_open_files(&failing), 0);
		assert_int_equal(count_temp_files(fixture->root), 0);
		bytes = load_file(sidecar_of(fixture, 1).text, text, sizeof text);
		if (status != KILN_OK) {
			assert_true(failed);
			assert_int_equal(bytes, strlen(TEXT));
			assert_memory_equal(text, TEXT, bytes);
		} else {
			assert_memory_equal(text, "{\"new\":2}", bytes);
			assert_status(annotate(fixture->cache, 1), KILN_OK);
		}
	}
}

/* A link under its name is replaced, not followed. */
static void link_in_its_place_is_replaced(void **state)
{
	struct cache_fixture *fixture = *state;
	struct path victim;
	struct stat facts;

	put_both(fixture, 1);
	snprintf(victim.text, sizeof victim.text, "%s/victim", fixture->dir.path);
	save_file(victim.text, "", 0);
	remove(sidecar_of(fixture, 1).text);
	assert_int_equal(symlink(victim.text, sidecar_of(fixture, 1).text), 0);
	assert_status(annotate(fixture->cache, 1), KILN_OK);
	assert_int_equal(lstat(sidecar_of(fixture, 1).text, &facts), 0);
	assert_true(S_ISREG(facts.st_mode));
	assert_int_equal(facts.st_mode & 0777, 0600);
	assert_int_equal(stat(victim.text, &facts), 0);
	assert_int_equal(facts.st_size, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, cache_setup, cache_teardown)
	const struct CMUnitTest tests[] = {
		TEST(sidecar_lies_beside_its_entry),
		TEST(sidecar_is_no_entry),
		TEST(gc_counts_its_bytes_and_removes_it_with_its_entry),
		TEST(invalidating_and_clearing_remove_it_too),
		TEST(sidecar_without_an_entry_is_litter_after_an_hour),
		TEST(other_json_files_are_left_alone),
		TEST(read_only_cache_skips_it),
		TEST(every_failing_call_leaves_the_old_one_whole),
		TEST(link_in_its_place_is_replaced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
