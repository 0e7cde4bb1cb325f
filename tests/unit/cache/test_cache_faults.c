/* Every system call and every allocation fails once: a status, never a crash, a leak, a wrong payload, or
 * litter. */
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

static const int errors[] = {EIO, ENOSPC, EACCES, EMFILE, ENOMEM, EROFS};

#define ERRORS (sizeof errors / sizeof errors[0])

/* Opens on `failing` with nothing failing, then arms it. */
static struct kiln_cache *open_armed(const struct cache_fixture *fixture, struct failing_fs *failing,
                                     unsigned n, int errnum)
{
	struct kiln_cache *cache;

	failing_fs_init(failing, &kiln_fs_posix, 0, errnum);
	cache = open_on(fixture, &failing->fs);
	failing->calls = 0;
	failing->fail_at = n;
	return cache;
}

static void disarm(struct failing_fs *failing)
{
	failing->fail_at = 0;
}

static void open_survives_every_failing_call(void **state)
{
	struct cache_fixture *fixture = *state;

	for (size_t e = 0; e < ERRORS; e += 3) {
		bool failed = true;

		for (unsigned n = 1; failed; n++) {
			struct failing_fs failing;
			struct kiln_cache *cache = NULL;
			enum kiln_status status;
			char root[400];

			snprintf(root, sizeof root, "%s/%zu-%u/deep/root", fixture->dir.path, e, n);
			failing_fs_init(&failing, &kiln_fs_posix, n, errors[e]);
			status =
				kiln_cache_open_on(&(struct kiln_cache_host){.fs = &failing.fs},
			                           &(struct kiln_cache_params){.root = root,
			                                                       .mode = KILN_CACHE_READ_WRITE},
			                           &cache);
			failed = failing.failed;
			disarm(&failing);
			assert_int_equal(status == KILN_OK, cache != NULL);
			if (status == KILN_OK)
				assert_status(write_text(cache, 1, 64, 1, "x"), KILN_OK);
			else
				assert_non_null(strstr(kiln_error_message(), "Fix: "));
			kiln_cache_close(&cache);
			assert_int_equal(failing_fs_open_files(&failing), 0);
		}
	}
}

static void write_survives_every_failing_call(void **state)
{
	struct cache_fixture *fixture = *state;
	unsigned failures = 0;

	for (size_t e = 0; e < ERRORS; e++) {
		bool failed = true;

		for (unsigned n = 1; failed; n++) {
			struct failing_fs failing;
			/* A new shard each time, so that making it fails too. */
			unsigned program = (unsigned)(e * 100 + n);
			struct kiln_cache *cache = open_armed(fixture, &failing, n, errors[e]);
			enum kiln_status status = write_text(cache, program, 64, 1, "payload");

			failed = failing.failed;
			disarm(&failing);
			failures += status != KILN_OK;
			assert_int_equal(kiln_cache_counters(cache).write_errors, status != KILN_OK);
			assert_int_equal(count_temp_files(fixture->root), 0);
			if (status == KILN_OK)
				assert_status(read_text(cache, program, 64, 1, "payload"), KILN_OK);
			else
				assert_status(read_text(cache, program, 64, 1, ""), KILN_ERR_NOT_FOUND);
			assert_status(write_text(cache, program, 64, 1, "again"), KILN_OK);
			assert_status(read_text(cache, program, 64, 1, "again"), KILN_OK);
			kiln_cache_close(&cache);
			assert_int_equal(failing_fs_open_files(&failing), 0);
		}
	}
	assert_true(failures > ERRORS * 3);
}

static void failed_overwrite_keeps_the_old_entry(void **state)
{
	struct cache_fixture *fixture = *state;
	bool failed = true;

	for (unsigned n = 1; failed; n++) {
		struct failing_fs failing;
		struct kiln_cache *cache = open_armed(fixture, &failing, n, ENOSPC);
		enum kiln_status status;

		assert_status(write_text(fixture->cache, 1, 64, 1, "old"), KILN_OK);
		status = write_text(cache, 1, 64, 1, "new");
		failed = failing.failed;
		disarm(&failing);
		assert_status(read_text(cache, 1, 64, 1, status == KILN_OK ? "new" : "old"), KILN_OK);
		assert_int_equal(count_temp_files(fixture->root), 0);
		kiln_cache_close(&cache);
	}
}

static void full_and_read_only_disks_have_their_own_status(void **state)
{
	struct cache_fixture *fixture = *state;
	static const char *const calls[] = {"write", "renameat", "openat", "mkdirat"};
	static const enum kiln_status expected[] = {KILN_ERR_NO_SPACE, KILN_ERR_READ_ONLY};
	static const int errnums[] = {ENOSPC, EROFS};

	for (unsigned i = 0; i < 8; i++) {
		struct failing_fs failing;
		struct kiln_cache *cache = open_armed(fixture, &failing, 1, errnums[i % 2]);

		failing.only = calls[i / 2];
		failing.forever = true;
		assert_status(write_text(cache, i, 64, 1, "payload"), expected[i % 2]);
		assert_non_null(strstr(kiln_error_message(), fixture->root));
		disarm(&failing);
		assert_status(write_text(cache, i, 64, 1, "payload"), KILN_OK);
		kiln_cache_close(&cache);
	}
}

static void read_survives_every_failing_call_and_keeps_the_entry(void **state)
{
	struct cache_fixture *fixture = *state;
	struct path path = path_of(fixture, 1, 64, 1);

	assert_status(write_text(fixture->cache, 1, 64, 1, "payload"), KILN_OK);
	for (size_t e = 0; e < ERRORS; e++) {
		bool failed = true;

		for (unsigned n = 1; failed; n++) {
			struct failing_fs failing;
			struct kiln_cache *cache = open_armed(fixture, &failing, n, errors[e]);
			enum kiln_status status = read_text(cache, 1, 64, 1, "payload");

			failed = failing.failed;
			disarm(&failing);
			/* A failing close of a file that was only read changes nothing. */
			assert_int_equal(status == KILN_OK,
			                 !failed || strcmp(failing.failed_call, "close") == 0);
			assert_int_equal(kiln_cache_counters(cache).read_errors, status != KILN_OK);
			assert_true(file_exists(path.text));
			assert_status(read_text(cache, 1, 64, 1, "payload"), KILN_OK);
			kiln_cache_close(&cache);
			assert_int_equal(failing_fs_open_files(&failing), 0);
		}
	}
}

static void read_errors_have_their_own_status(void **state)
{
	static const enum kiln_status expected[ERRORS] = {KILN_ERR_IO,
	                                                  KILN_ERR_NO_SPACE,
	                                                  KILN_ERR_PERMISSION,
	                                                  KILN_ERR_IO,
	                                                  KILN_ERR_OUT_OF_MEMORY,
	                                                  KILN_ERR_READ_ONLY};
	struct cache_fixture *fixture = *state;

	assert_status(write_text(fixture->cache, 1, 64, 1, "payload"), KILN_OK);
	for (size_t e = 0; e < ERRORS; e++) {
		struct failing_fs failing;
		struct kiln_cache *cache = open_armed(fixture, &failing, 1, errors[e]);

		failing.only = "read";
		assert_status(read_text(cache, 1, 64, 1, ""), expected[e]);
		kiln_cache_close(&cache);
	}
}

static void short_reads_and_writes_are_continued(void **state)
{
	struct cache_fixture *fixture = *state;
	struct failing_fs failing;
	struct kiln_cache *cache = open_armed(fixture, &failing, 0, EIO);

	failing.largest_write = 7;
	assert_status(write_text(cache, 1, 64, 1, "a payload longer than seven bytes"), KILN_OK);
	assert_status(read_text(cache, 1, 64, 1, "a payload longer than seven bytes"), KILN_OK);
	assert_true(failing.calls > 100);
	kiln_cache_close(&cache);
}

/* The file says it is longer than what can be read of it. */
static int boasting_fstat(void *user, int fd, struct stat *out)
{
	(void)user;
	if (kiln_fs_posix.fstat(NULL, fd, out) != 0)
		return -1;
	out->st_size += S_ISREG(out->st_mode) ? 10 : 0;
	return 0;
}

static void file_that_shrinks_under_the_reader_is_damage(void **state)
{
	struct cache_fixture *fixture = *state;
	struct kiln_fs fs = kiln_fs_posix;
	struct kiln_cache *cache;

	fs.fstat = boasting_fstat;
	cache = open_on(fixture, &fs);
	assert_status(write_text(cache, 1, 64, 1, "payload"), KILN_OK);
	assert_status(read_text(cache, 1, 64, 1, ""), KILN_ERR_DAMAGED);
	assert_status(read_text(cache, 1, 64, 1, ""), KILN_ERR_NOT_FOUND);
	kiln_cache_close(&cache);
}

static void dropping_damage_survives_every_failing_call(void **state)
{
	struct cache_fixture *fixture = *state;
	struct path path = path_of(fixture, 1, 64, 1);
	bool failed = true;

	assert_status(write_text(fixture->cache, 1, 64, 1, "payload"), KILN_OK);
	for (unsigned n = 1; failed; n++) {
		struct failing_fs failing;
		struct kiln_cache *cache = open_armed(fixture, &failing, n, EIO);
		enum kiln_status status;

		save_file(path.text, "damaged", 7);
		status = read_text(cache, 1, 64, 1, "");
		failed = failing.failed;
		disarm(&failing);
		assert_true(status == KILN_ERR_DAMAGED || status == KILN_ERR_IO);
		status = read_text(cache, 1, 64, 1, "");
		assert_true(status == KILN_ERR_DAMAGED || status == KILN_ERR_NOT_FOUND);
		assert_status(write_text(cache, 1, 64, 1, "payload"), KILN_OK);
		assert_status(read_text(cache, 1, 64, 1, "payload"), KILN_OK);
		kiln_cache_close(&cache);
		assert_int_equal(failing_fs_open_files(&failing), 0);
	}
}

/* ---- Flush ---- */

/* Counts what is synced, and saves the disk the trouble. */
struct meter {
	struct kiln_fs fs;
	unsigned files, dirs, everything;
};

static int meter_fdatasync(void *user, int fd)
{
	(void)fd;
	((struct meter *)user)->files++;
	return 0;
}

static int meter_fsync(void *user, int fd)
{
	(void)fd;
	((struct meter *)user)->dirs++;
	return 0;
}

static int meter_syncfs(void *user, int fd)
{
	(void)fd;
	((struct meter *)user)->everything++;
	return 0;
}

static struct kiln_cache *open_metered(const struct cache_fixture *fixture, struct meter *meter)
{
	*meter = (struct meter){.fs = kiln_fs_posix};
	meter->fs.fdatasync = meter_fdatasync;
	meter->fs.fsync = meter_fsync;
	meter->fs.syncfs = meter_syncfs;
	meter->fs.user = meter;
	return open_on(fixture, &meter->fs);
}

/* The first flush also syncs what the root lies in, as far up as another process may just have made it. */
static void flush_once(struct kiln_cache *cache, struct meter *meter)
{
	assert_status(write_text(cache, 1000, 64, 1, "first"), KILN_OK);
	assert_status(kiln_cache_flush(cache), KILN_OK);
	assert_true(meter->dirs > 3);
	meter->files = meter->dirs = 0;
}

static void flush_syncs_each_file_and_folder_once(void **state)
{
	struct cache_fixture *fixture = *state;
	struct kiln_digest content = kiln_digest_of("glsl", 4);
	struct kiln_cache_entry entry = sample_entry("spirv", 5);
	struct meter meter;
	struct kiln_cache *cache = open_metered(fixture, &meter);

	assert_status(kiln_cache_flush(cache), KILN_OK);
	assert_int_equal(meter.files + meter.dirs, 0);
	flush_once(cache, &meter);
	assert_status(write_text(cache, 1, 64, 1, "a"), KILN_OK);
	assert_status(write_text(cache, 1, 64, 1, "b"), KILN_OK);
	assert_status(write_text(cache, 1, 65, 1, "c"), KILN_OK);
	assert_int_equal(meter.files + meter.dirs, 0);
	assert_status(kiln_cache_flush(cache), KILN_OK);
	assert_int_equal(meter.files, 2);
	assert_int_equal(meter.dirs, 3); /* shard, v1, root */
	assert_status(kiln_cache_flush(cache), KILN_OK);
	assert_int_equal(meter.files + meter.dirs, 5);
	assert_status(kiln_cache_content_write(cache, &content, &entry), KILN_OK);
	assert_status(write_text(cache, 2, 64, 1, "d"), KILN_OK);
	assert_status(kiln_cache_flush(cache), KILN_OK);
	assert_int_equal(meter.files, 4);
	assert_int_equal(meter.dirs, 3 + 5); /* two shards, c, v1, root */
	assert_int_equal(meter.everything, 0);
	assert_int_equal(kiln_cache_counters(cache).flushes, 5);
	assert_int_equal(kiln_cache_counters(cache).flush_errors, 0);
	kiln_cache_close(&cache);
}

static void flush_syncs_the_folders_a_new_root_hangs_on(void **state)
{
	struct cache_fixture *fixture = *state;
	struct meter meter;
	struct kiln_cache *cache = open_metered(fixture, &meter);
	char root[400];

	kiln_cache_close(&cache);
	snprintf(root, sizeof root, "%s/a/b/c", fixture->dir.path);
	assert_status(kiln_cache_open_on(&(struct kiln_cache_host){.fs = &meter.fs},
	                                 &(struct kiln_cache_params){.root = root,
	                                                             .mode = KILN_CACHE_READ_WRITE},
	                                 &cache),
	              KILN_OK);
	assert_status(write_text(cache, 1, 64, 1, "x"), KILN_OK);
	assert_status(kiln_cache_flush(cache), KILN_OK);
	/* Shard, v1, root; b, a, and the folder that was there; and that may be new itself. */
	assert_true(meter.dirs >= 3 + 3 + 1);
	meter.dirs = 0;
	assert_status(write_text(cache, 1, 64, 1, "y"), KILN_OK);
	assert_status(kiln_cache_flush(cache), KILN_OK);
	assert_int_equal(meter.dirs, 3);
	kiln_cache_close(&cache);
}

static void vanished_file_counts_as_flushed(void **state)
{
	struct cache_fixture *fixture = *state;
	struct meter meter;
	struct kiln_cache *cache = open_metered(fixture, &meter);

	assert_status(write_text(cache, 1, 64, 1, "x"), KILN_OK);
	assert_status(write_text(cache, 2, 64, 1, "x"), KILN_OK);
	assert_int_equal(unlink(path_of(fixture, 1, 64, 1).text), 0);
	assert_status(kiln_cache_flush(cache), KILN_OK);
	assert_int_equal(meter.files, 1);
	kiln_cache_close(&cache);
}

static void removal_is_made_durable_too(void **state)
{
	struct cache_fixture *fixture = *state;
	struct kiln_pipeline_identity identity = sample_identity(1, 64, 1);
	struct meter meter;
	struct kiln_cache *cache = open_metered(fixture, &meter);

	flush_once(cache, &meter);
	assert_status(write_text(fixture->cache, 1, 64, 1, "x"), KILN_OK);
	assert_status(kiln_cache_invalidate(cache, &identity, NULL), KILN_OK);
	assert_status(kiln_cache_flush(cache), KILN_OK);
	assert_int_equal(meter.files, 0);
	assert_int_equal(meter.dirs, 3);
	kiln_cache_close(&cache);
}

static void failed_flush_is_retried_until_everything_is_durable(void **state)
{
	struct cache_fixture *fixture = *state;
	bool failed = true;
	unsigned failures = 0;

	for (unsigned n = 1; failed; n++) {
		struct failing_fs failing;
		struct meter meter;
		struct kiln_cache *cache = open_metered(fixture, &meter);
		enum kiln_status status;

		kiln_cache_close(&cache);
		failing_fs_init(&failing, &meter.fs, 0, EIO);
		cache = open_on(fixture, &failing.fs);
		for (unsigned i = 0; i < 3; i++)
			assert_status(write_text(cache, i, 64, 1, "x"), KILN_OK);
		failing.calls = 0;
		failing.fail_at = n;
		status = kiln_cache_flush(cache);
		failed = failing.failed;
		disarm(&failing);
		assert_int_equal(status == KILN_OK, !failed || strcmp(failing.failed_call, "close") == 0);
		failures += status != KILN_OK;
		if (status != KILN_OK) {
			assert_int_equal(status, KILN_ERR_IO);
			assert_non_null(strstr(kiln_error_message(), "Fix: "));
			assert_status(kiln_cache_flush(cache), KILN_OK);
		}
		/* Each file exactly once, however often it took; the folders at least once. */
		assert_int_equal(meter.files, 3);
		assert_true(meter.dirs >= 4);
		meter.files = meter.dirs = 0;
		assert_status(kiln_cache_flush(cache), KILN_OK);
		assert_int_equal(meter.files + meter.dirs, 0);
		kiln_cache_close(&cache);
		assert_int_equal(failing_fs_open_files(&failing), 0);
	}
	assert_true(failures >= 6);
}

static void flush_after_lost_bookkeeping_syncs_everything(void **state)
{
	struct cache_fixture *fixture = *state;
	struct meter meter;
	struct kiln_cache *cache = open_metered(fixture, &meter);
	unsigned n = 0;
	bool failed = true;

	/* The last allocations of a write are those that note it for flush: the write itself is done by
	 * then. */
	while (failed && meter.everything == 0) {
		enum kiln_status status;

		failing_alloc_begin(++n);
		status = write_text(cache, n, 64, 1, "x");
		failed = failing_alloc_end();
		assert_true(status == KILN_OK || status == KILN_ERR_OUT_OF_MEMORY);
		assert_status(kiln_cache_flush(cache), KILN_OK);
	}
	assert_int_equal(meter.everything, 1);
	assert_status(read_text(cache, n, 64, 1, "x"), KILN_OK);
	kiln_cache_close(&cache);
}

/* ---- Memory ---- */

/* One of everything, on a fresh root. */
static enum kiln_status use_everything(const char *root, bool *out_found)
{
	struct kiln_pipeline_identity identity = sample_identity(1, 64, 1);
	struct kiln_cache *cache = NULL;
	size_t removed;
	enum kiln_status status;

	*out_found = false;
	status = kiln_cache_open(&(struct kiln_cache_params){.root = root, .mode = KILN_CACHE_READ_WRITE},
	                         &cache);
	if (status == KILN_OK)
		status = write_text(cache, 1, 64, 1, "payload");
	if (status == KILN_OK)
		status = read_text(cache, 1, 64, 1, "payload");
	*out_found = status == KILN_OK;
	if (status == KILN_OK)
		status = kiln_cache_flush(cache);
	if (status == KILN_OK)
		status = kiln_cache_invalidate_program(cache, &identity.program, &removed);
	kiln_cache_close(&cache);
	return status;
}

static void every_failing_allocation_is_a_status(void **state)
{
	struct cache_fixture *fixture = *state;
	bool failed = true, found;
	unsigned n;

	for (n = 1; failed; n++) {
		enum kiln_status status;
		char root[400];

		snprintf(root, sizeof root, "%s/%u", fixture->dir.path, n);
		failing_alloc_begin(n);
		status = use_everything(root, &found);
		failed = failing_alloc_end();
		assert_true(status == KILN_OK || status == KILN_ERR_OUT_OF_MEMORY);
		assert_true(failed || (status == KILN_OK && found));
		assert_int_equal(count_temp_files(root), 0);
	}
	assert_true(n > 8);
}

static bool accept(void *user, const struct kiln_cache_listing *listing)
{
	*(unsigned *)user += listing->status == KILN_OK;
	return true;
}

static void listing_survives_every_failing_allocation_and_call(void **state)
{
	struct cache_fixture *fixture = *state;
	bool failed = true;

	for (unsigned i = 0; i < 5; i++)
		assert_status(write_text(fixture->cache, i, 64, 1, "x"), KILN_OK);
	for (unsigned n = 1; failed; n++) {
		enum kiln_status status;
		unsigned good = 0;

		failing_alloc_begin(n);
		status = kiln_cache_list(fixture->cache, accept, &good);
		failed = failing_alloc_end();
		assert_true(status == KILN_OK || status == KILN_ERR_OUT_OF_MEMORY);
		assert_true(failed || good == 5);
		assert_true(!failed || good < 5);
	}
	failed = true;
	for (unsigned n = 1; failed; n++) {
		struct failing_fs failing;
		struct kiln_cache *cache = open_armed(fixture, &failing, n, EIO);
		unsigned good = 0;

		kiln_cache_list(cache, accept, &good);
		failed = failing.failed;
		disarm(&failing);
		assert_true(failed || good == 5);
		kiln_cache_close(&cache);
		assert_int_equal(failing_fs_open_files(&failing), 0);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, cache_setup, cache_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(dropping_damage_survives_every_failing_call),
		TEST(every_failing_allocation_is_a_status),
		TEST(failed_flush_is_retried_until_everything_is_durable),
		TEST(failed_overwrite_keeps_the_old_entry),
		TEST(file_that_shrinks_under_the_reader_is_damage),
		TEST(flush_after_lost_bookkeeping_syncs_everything),
		TEST(flush_syncs_each_file_and_folder_once),
		TEST(flush_syncs_the_folders_a_new_root_hangs_on),
		TEST(full_and_read_only_disks_have_their_own_status),
		TEST(listing_survives_every_failing_allocation_and_call),
		TEST(open_survives_every_failing_call),
		TEST(read_errors_have_their_own_status),
		TEST(read_survives_every_failing_call_and_keeps_the_entry),
		TEST(removal_is_made_durable_too),
		TEST(short_reads_and_writes_are_continued),
		TEST(vanished_file_counts_as_flushed),
		TEST(write_survives_every_failing_call),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
