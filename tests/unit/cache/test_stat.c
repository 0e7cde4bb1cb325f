/* Counting, checking and clearing. */
#include <kiln/cache.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "failing_alloc.h"
#include "failing_fs.h"
#include "fixture.h"
#include "test.h"

static void put_content(struct kiln_cache *cache, const char *name)
{
	struct kiln_digest key = kiln_digest_of(name, strlen(name));
	struct kiln_cache_entry entry = sample_entry("spirv", 5);

	assert_status(kiln_cache_content_write(cache, &key, &entry), KILN_OK);
}

/* Three pipelines, one content entry. */
static void fill(struct kiln_cache *cache)
{
	for (unsigned i = 1; i <= 3; i++)
		assert_status(write_text(cache, i, 64, 1, "payload"), KILN_OK);
	put_content(cache, "glsl");
}

static void damage(const struct cache_fixture *fixture, unsigned program)
{
	save_file(path_of(fixture, program, 64, 1).text, "damaged", 7);
}

/* Its format version becomes 9, its digest wrong: no matter. */
static void age_format(const struct cache_fixture *fixture, unsigned program)
{
	struct path path = path_of(fixture, program, 64, 1);
	uint8_t data[1000];
	size_t bytes = load_file(path.text, data, sizeof data);

	data[8] = 9;
	save_file(path.text, data, bytes);
}

static void plant(const struct cache_fixture *fixture, unsigned program, const char *name)
{
	struct path path = path_of(fixture, program, 64, 1);

	memcpy(strrchr(path.text, '/') + 1, name, strlen(name) + 1);
	save_file(path.text, "x", 1);
}

static void stat_counts_what_lies_there(void **state)
{
	struct cache_fixture *fixture = *state;
	struct kiln_cache_stat stat;

	assert_status(kiln_cache_stat(fixture->cache, &stat), KILN_OK);
	assert_int_equal(stat.pipelines + stat.contents + stat.foreign + stat.litter + stat.compile_ns, 0);
	assert_int_equal(stat.oldest_use_s + stat.newest_use_s, 0);
	fill(fixture->cache);
	damage(fixture, 1);
	age_format(fixture, 2);
	plant(fixture, 3, "README");
	plant(fixture, 3, ".tmp.x");
	assert_status(kiln_cache_stat(fixture->cache, &stat), KILN_OK);
	assert_int_equal(stat.pipelines, 3);
	assert_int_equal(stat.contents, 1);
	assert_int_equal(stat.stubs, 2);
	assert_int_equal(stat.other_versions, 1);
	assert_int_equal(stat.unreadable, 1);
	assert_int_equal(stat.foreign, 1);
	assert_int_equal(stat.litter, 0); /* that temp file is new */
	assert_int_equal(stat.compile_ns, 3 * 59000000);
	assert_true(stat.pipeline_bytes >= 3 * 512 && stat.content_bytes >= 512);
	assert_true(stat.oldest_use_s > 1700000000 && stat.newest_use_s >= stat.oldest_use_s);
	assert_int_equal(stat.max_bytes, UINT64_C(1) << 30);
	assert_status(kiln_cache_stat(NULL, &stat), KILN_OK);
	assert_int_equal(stat.pipelines, 0);
}

/* ---- Verify ---- */

struct problems {
	unsigned count;
	enum kiln_status last;
	char path[512];
};

static void note_problem(void *user, const char *path, enum kiln_status status)
{
	struct problems *problems = user;

	problems->count++;
	problems->last = status;
	snprintf(problems->path, sizeof problems->path, "%s", path);
}

static struct kiln_cache_verify_report verify(struct kiln_cache *cache, bool remove,
                                              struct problems *problems)
{
	const struct kiln_cache_verify_params params = {.remove = remove,
	                                                .problem = note_problem,
	                                                .user = problems};
	struct kiln_cache_verify_report report;

	*problems = (struct problems){0};
	assert_status(kiln_cache_verify(cache, &params, &report), KILN_OK);
	return report;
}

static void verify_tells_what_is_wrong_and_removes_on_request(void **state)
{
	struct cache_fixture *fixture = *state;
	struct kiln_cache_verify_report report;
	struct problems problems;

	fill(fixture->cache);
	report = verify(fixture->cache, true, &problems);
	assert_int_equal(report.good, 4);
	assert_true(report.good_bytes > 4 * 112);
	assert_int_equal(problems.count, 0);
	damage(fixture, 1);
	age_format(fixture, 2);
	plant(fixture, 3, "README");
	report = verify(fixture->cache, false, &problems);
	assert_int_equal(report.good, 2);
	assert_int_equal(report.damaged, 1);
	assert_int_equal(report.removed, 0);
	assert_int_equal(report.other_version, 1);
	assert_int_equal(report.foreign, 1);
	assert_int_equal(problems.count, 3);
	assert_true(strncmp(problems.path, fixture->root, strlen(fixture->root)) == 0);
	report = verify(fixture->cache, true, &problems);
	assert_int_equal(report.removed, 1);
	assert_false(file_exists(path_of(fixture, 1, 64, 1).text));
	assert_true(file_exists(path_of(fixture, 2, 64, 1).text));
	report = verify(fixture->cache, true, &problems);
	assert_int_equal(report.damaged, 0);
	assert_int_equal(kiln_cache_counters(fixture->cache).reads, 0);
}

static void links_and_misplaced_entries_are_found(void **state)
{
	struct cache_fixture *fixture = *state;
	struct path one = path_of(fixture, 1, 64, 1), two = path_of(fixture, 2, 64, 1);
	struct kiln_cache_verify_report report;
	struct problems problems;
	uint8_t data[1000];
	size_t bytes;

	fill(fixture->cache);
	bytes = load_file(one.text, data, sizeof data);
	save_file(two.text, data, bytes); /* intact, of another key */
	assert_int_equal(unlink(one.text), 0);
	assert_int_equal(symlink("/etc/passwd", one.text), 0);
	report = verify(fixture->cache, true, &problems);
	assert_int_equal(report.good, 2);
	assert_int_equal(report.damaged, 1);
	assert_int_equal(report.removed, 1);
	assert_int_equal(report.foreign, 1);
	assert_true(file_exists(one.text) && !file_exists(two.text));
}

static bool stop(void *user, const char *phase, uint64_t done, uint64_t total)
{
	++*(unsigned *)user;
	assert_string_equal(phase, "verify");
	assert_int_equal(done, total);
	return false;
}

static void verify_can_be_cancelled_and_minds_the_mode(void **state)
{
	struct cache_fixture *fixture = *state;
	unsigned steps = 0;
	struct kiln_cache_verify_params params = {.progress = {stop, &steps}};
	struct kiln_cache *reader = open_again(fixture, KILN_CACHE_READ_ONLY, 0);

	fill(fixture->cache);
	assert_status(kiln_cache_verify(fixture->cache, &params, NULL), KILN_ERR_CANCELLED);
	assert_int_equal(steps, 1);
	params = (struct kiln_cache_verify_params){.remove = true};
	assert_status(kiln_cache_verify(reader, &params, NULL), KILN_ERR_READ_ONLY);
	assert_status(kiln_cache_verify(reader, NULL, NULL), KILN_OK);
	assert_status(kiln_cache_verify(NULL, &params, NULL), KILN_OK);
	kiln_cache_close(&reader);
}

/* ---- Clear ---- */

static void clear_removes_every_entry_and_nothing_else(void **state)
{
	struct cache_fixture *fixture = *state;
	struct kiln_cache *reader = open_again(fixture, KILN_CACHE_READ_ONLY, 0);
	struct kiln_cache_clear_report report;
	struct kiln_cache_stat stat;
	char store[400];

	fill(fixture->cache);
	damage(fixture, 1);
	age_format(fixture, 2);
	plant(fixture, 3, "README");
	snprintf(store, sizeof store, "%s/autotune.toml", fixture->root);
	save_file(store, "x", 1);
	assert_status(kiln_cache_clear(reader, &report), KILN_ERR_READ_ONLY);
	assert_status(kiln_cache_clear(fixture->cache, &report), KILN_OK);
	assert_int_equal(report.removed, 4);
	assert_int_equal(report.failed, 0);
	assert_true(report.removed_bytes >= 4 * 512);
	assert_status(kiln_cache_stat(fixture->cache, &stat), KILN_OK);
	assert_int_equal(stat.pipelines + stat.contents, 0);
	assert_int_equal(stat.foreign, 1);
	assert_true(file_exists(store));
	assert_status(write_text(fixture->cache, 1, 64, 1, "again"), KILN_OK);
	assert_status(read_text(fixture->cache, 1, 64, 1, "again"), KILN_OK);
	assert_status(kiln_cache_clear(NULL, &report), KILN_OK);
	kiln_cache_close(&reader);
}

/* ---- Failures ---- */

enum action { STAT, VERIFY, CLEAR, ACTIONS };

static enum kiln_status act(struct kiln_cache *cache, enum action action)
{
	static const struct kiln_cache_verify_params removing = {.remove = true};
	struct kiln_cache_stat stat;

	switch (action) {
	case STAT:
		return kiln_cache_stat(cache, &stat);
	case VERIFY:
		return kiln_cache_verify(cache, &removing, NULL);
	default:
		return kiln_cache_clear(cache, NULL);
	}
}

static void every_failing_call_is_survived(void **state)
{
	const struct kiln_cache_gc_params later = {.now_s = (int64_t)time(NULL) + 7200};
	struct cache_fixture *fixture = *state;

	for (enum action action = STAT; action < ACTIONS; action++) {
		bool failed = true;

		for (unsigned n = 1; failed; n++) {
			struct failing_fs failing;
			struct kiln_cache *cache;
			enum kiln_status status;

			fill(fixture->cache);
			damage(fixture, 2);
			failing_fs_init(&failing, &kiln_fs_posix, 0, EIO);
			cache = open_on(fixture, &failing.fs);
			failing.calls = 0;
			failing.fail_at = n;
			status = act(cache, action);
			failed = failing.failed;
			failing.fail_at = 0;
			if (status != KILN_OK)
				assert_non_null(strstr(kiln_error_message(), "Fix: "));
			assert_true(failed || status == KILN_OK);
			assert_status(act(cache, action), KILN_OK);
			/* Good entries are only ever cleared. */
			assert_status(read_text(cache, 1, 64, 1, "payload"),
			              action == CLEAR ? KILN_ERR_NOT_FOUND : KILN_OK);
			/* What was set aside and could not be removed: litter, two hours later. */
			assert_status(kiln_cache_gc(cache, &later, NULL), KILN_OK);
			assert_int_equal(count_temp_files(fixture->root), 0);
			kiln_cache_close(&cache);
			assert_int_equal(failing_fs_open_files(&failing), 0);
		}
	}
}

static void every_failing_allocation_is_survived(void **state)
{
	struct cache_fixture *fixture = *state;

	for (enum action action = STAT; action < ACTIONS; action++) {
		bool failed = true;

		for (unsigned n = 1; failed; n++) {
			enum kiln_status status;

			fill(fixture->cache);
			damage(fixture, 2);
			failing_alloc_begin(n);
			status = act(fixture->cache, action);
			failed = failing_alloc_end();
			/* Verifying counts an entry there is no memory for, and goes on. */
			assert_true(status == KILN_ERR_OUT_OF_MEMORY || status == KILN_OK);
			assert_status(act(fixture->cache, action), KILN_OK);
			assert_status(read_text(fixture->cache, 1, 64, 1, "payload"),
			              action == CLEAR ? KILN_ERR_NOT_FOUND : KILN_OK);
		}
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, cache_setup, cache_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(clear_removes_every_entry_and_nothing_else),
		TEST(every_failing_allocation_is_survived),
		TEST(every_failing_call_is_survived),
		TEST(links_and_misplaced_entries_are_found),
		TEST(stat_counts_what_lies_there),
		TEST(verify_can_be_cancelled_and_minds_the_mode),
		TEST(verify_tells_what_is_wrong_and_removes_on_request),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
