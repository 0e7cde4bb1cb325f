/* Flushing much at once: everything exactly once, in parallel, and again after a failure. */
#include <kiln/cache.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <base/clock.h>

#include "failing_alloc.h"
#include "fixture.h"
#include "test.h"

#define ENTRIES 200

/* Counts syncs, fails some, and takes its time. */
struct meter {
	struct kiln_fs fs;
	_Atomic unsigned files, dirs, everything;
	_Atomic unsigned at_once, most_at_once;
	_Atomic unsigned fail_files, fail_dirs, fail_everything; /* so many of the next ones */
	unsigned pause_us;
	bool real;
};

static bool take(_Atomic unsigned *left)
{
	unsigned now = *left;

	while (now > 0 && !atomic_compare_exchange_weak(left, &now, now - 1))
		;
	return now > 0;
}

static int pass(struct meter *meter, _Atomic unsigned *count, _Atomic unsigned *failures)
{
	unsigned now = atomic_fetch_add(&meter->at_once, 1) + 1, most = meter->most_at_once;

	while (now > most && !atomic_compare_exchange_weak(&meter->most_at_once, &most, now))
		;
	if (meter->pause_us > 0)
		usleep(meter->pause_us);
	atomic_fetch_sub(&meter->at_once, 1);
	if (take(failures)) {
		errno = EIO;
		return -1;
	}
	(*count)++;
	return 0;
}

static int meter_fdatasync(void *user, int fd)
{
	struct meter *meter = user;
	int result = pass(meter, &meter->files, &meter->fail_files);

	return result == 0 && meter->real ? kiln_fs_posix.fdatasync(NULL, fd) : result;
}

static int meter_fsync(void *user, int fd)
{
	struct meter *meter = user;
	int result = pass(meter, &meter->dirs, &meter->fail_dirs);

	return result == 0 && meter->real ? kiln_fs_posix.fsync(NULL, fd) : result;
}

static int meter_syncfs(void *user, int fd)
{
	struct meter *meter = user;
	int result = pass(meter, &meter->everything, &meter->fail_everything);

	return result == 0 && meter->real ? kiln_fs_posix.syncfs(NULL, fd) : result;
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

static void write_big(struct kiln_cache *cache, unsigned program, unsigned workgroup)
{
	static char text[50000];

	memset(text, 'b', sizeof text - 1);
	assert_status(write_text(cache, program, workgroup, 1, text), KILN_OK);
}

static unsigned write_many(struct kiln_cache *cache, unsigned count)
{
	bool shards[256] = {false};
	unsigned used = 0;

	for (unsigned i = 0; i < count; i++) {
		bool *shard = &shards[sample_identity(i, 64, 1).program.bytes[0]];

		used += !*shard;
		*shard = true;
		assert_status(write_text(cache, i, 64, 1, "payload"), KILN_OK);
	}
	return used;
}

static void many_files_and_folders_are_synced_once_each(void **state)
{
	struct cache_fixture *fixture = *state;
	struct meter meter;
	struct kiln_cache *cache = open_metered(fixture, &meter);
	unsigned shards;

	/* The first flush also syncs what the root lies in. */
	assert_status(write_text(cache, ENTRIES, 64, 1, "first"), KILN_OK);
	assert_status(kiln_cache_flush(cache), KILN_OK);
	meter.files = meter.dirs = 0;
	shards = write_many(cache, ENTRIES);
	meter.pause_us = 500;
	assert_status(kiln_cache_flush(cache), KILN_OK);
	assert_int_equal(meter.files, ENTRIES);
	assert_int_equal(meter.dirs, shards + 2);
	assert_true(meter.everything <= 1);
	assert_in_range(meter.most_at_once, 2, 16);
	assert_status(kiln_cache_flush(cache), KILN_OK);
	assert_int_equal(meter.files + meter.dirs, ENTRIES + shards + 2);
	kiln_cache_close(&cache);
}

/* From 64 files on the whole file system is told to write first; a small batch must not wait for everybody's data. */
static void large_batch_is_written_ahead_by_one_call(void **state)
{
	struct cache_fixture *fixture = *state;
	struct meter meter;
	struct kiln_cache *cache = open_metered(fixture, &meter);

	write_many(cache, 63);
	assert_status(kiln_cache_flush(cache), KILN_OK);
	assert_int_equal(meter.everything, 0);
	assert_int_equal(meter.files, 63);
	write_many(cache, 64);
	assert_status(kiln_cache_flush(cache), KILN_OK);
	assert_int_equal(meter.everything, 1);
	assert_int_equal(meter.files, 63 + 64);
	/* It hastens the others and stands for none of them: its failure is no failure. */
	write_many(cache, 64);
	meter.fail_everything = 1;
	assert_status(kiln_cache_flush(cache), KILN_OK);
	assert_int_equal(meter.files, 63 + 64 + 64);
	kiln_cache_close(&cache);
}

static void what_failed_is_tried_again_and_nothing_else(void **state)
{
	struct cache_fixture *fixture = *state;
	struct meter meter;
	struct kiln_cache *cache = open_metered(fixture, &meter);
	unsigned shards = write_many(cache, ENTRIES);

	meter.fail_files = 7;
	meter.fail_dirs = 3;
	meter.fail_everything = 1; /* which was only to save time */
	assert_status(kiln_cache_flush(cache), KILN_ERR_IO);
	assert_non_null(strstr(kiln_error_message(), "Fix: "));
	assert_non_null(strstr(kiln_error_message(), ".bin"));
	assert_int_equal(meter.files, ENTRIES - 7);
	meter.files = meter.dirs = 0;
	meter.fail_dirs = 1;
	assert_status(kiln_cache_flush(cache), KILN_ERR_IO);
	assert_int_equal(meter.files, 7);
	assert_in_range(meter.dirs, 3, 12);
	assert_status(kiln_cache_flush(cache), KILN_OK);
	meter.files = meter.dirs = 0;
	assert_status(kiln_cache_flush(cache), KILN_OK);
	assert_int_equal(meter.files + meter.dirs, 0);
	assert_true(shards > 50);
	kiln_cache_close(&cache);
}

/* The system tells of an error once: the sync that only saves time must not swallow it. */
static void failure_to_write_ahead_is_told_where_not_all_is_on_the_list(void **state)
{
	struct cache_fixture *fixture = *state;
	struct meter meter;
	struct kiln_cache *cache = open_metered(fixture, &meter);

	write_many(cache, ENTRIES);
	cache->pending.dirty.everything = true; /* as without memory for the list */
	meter.fail_everything = 1;
	assert_status(kiln_cache_flush(cache), KILN_ERR_IO);
	assert_status(kiln_cache_flush(cache), KILN_OK);
	kiln_cache_close(&cache);
}

static void vanished_files_count_as_flushed(void **state)
{
	struct cache_fixture *fixture = *state;
	struct meter meter;
	struct kiln_cache *cache = open_metered(fixture, &meter);

	write_many(cache, ENTRIES);
	for (unsigned i = 0; i < ENTRIES; i += 2)
		assert_int_equal(unlink(path_of(fixture, i, 64, 1).text), 0);
	assert_status(kiln_cache_flush(cache), KILN_OK);
	assert_int_equal(meter.files, ENTRIES / 2);
	kiln_cache_close(&cache);
}

/* A removal too is only durable with its folder. */
static void folder_of_a_damaged_entry_is_synced(void **state)
{
	struct cache_fixture *fixture = *state;
	struct meter meter;
	struct kiln_cache *cache = open_metered(fixture, &meter);

	assert_status(write_text(cache, 1, 64, 1, "payload"), KILN_OK);
	assert_status(kiln_cache_flush(cache), KILN_OK);
	save_file(path_of(fixture, 1, 64, 1).text, "x", 1);
	meter.dirs = 0;
	assert_status(read_text(cache, 1, 64, 1, ""), KILN_ERR_DAMAGED);
	assert_status(kiln_cache_flush(cache), KILN_OK);
	assert_true(meter.dirs > 0);
	kiln_cache_close(&cache);
}

/* `user` counts openings of the working folder. */
static int watched_openat(void *user, int dir, const char *name, int flags, mode_t mode)
{
	*(unsigned *)user += dir == AT_FDCWD && strcmp(name, ".") == 0;
	return kiln_fs_posix.openat(NULL, dir, name, flags, mode);
}

static void relative_root_is_synced_up_to_the_working_folder(void **state)
{
	struct cache_fixture *fixture = *state;
	static const char *const roots[] = {"caches/p", "c/p", "q"};
	int before = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct kiln_fs fs = kiln_fs_posix;
	unsigned opened;

	fs.openat = watched_openat;
	fs.user = &opened;
	assert_int_equal(chdir(fixture->dir.path), 0);
	for (unsigned i = 0; i < sizeof roots / sizeof roots[0]; i++) {
		const struct kiln_cache_params params = {.root = roots[i], .mode = KILN_CACHE_READ_WRITE};
		struct kiln_cache *cache = NULL;

		assert_status(kiln_cache_open_on(&(struct kiln_cache_host){.fs = &fs}, &params, &cache),
		              KILN_OK);
		assert_status(write_text(cache, 1, 64, 1, "payload"), KILN_OK);
		opened = 0;
		assert_status(kiln_cache_flush(cache), KILN_OK);
		assert_int_equal(opened, 1);
		kiln_cache_close(&cache);
	}
	assert_int_equal(fchdir(before), 0);
	close(before);
}

static void flush_survives_every_failing_allocation(void **state)
{
	struct cache_fixture *fixture = *state;
	bool failed = true;

	for (unsigned n = 1; failed; n++) {
		struct meter meter;
		struct kiln_cache *cache = open_metered(fixture, &meter);

		write_many(cache, 70);
		meter.fail_files = 5;
		failing_alloc_begin(n);
		assert_status(kiln_cache_flush(cache), KILN_ERR_IO);
		failed = failing_alloc_end();
		meter.files = 0;
		assert_status(kiln_cache_flush(cache), KILN_OK);
		/* What could not be kept on the list is covered by syncing all. */
		assert_true(meter.files == 5 || meter.everything > 1);
		kiln_cache_close(&cache);
	}
}

/* ---- Speed ---- */

static double flush_ms(struct kiln_cache *cache)
{
	uint64_t start_ns = kiln_now_ns();

	assert_status(kiln_cache_flush(cache), KILN_OK);
	return (double)(kiln_now_ns() - start_ns) / 1e6;
}

static double one_by_one_ms(struct meter *meter)
{
	uint64_t start_ns = kiln_now_ns();

	for (unsigned i = 0; i < ENTRIES; i++) {
		meter->fs.fdatasync(meter, -1);
		meter->fs.fsync(meter, -1);
	}
	return (double)(kiln_now_ns() - start_ns) / 1e6;
}

/* On a disk that needs 1 ms for each, however many it has to do. A machine with other load gets some tries. */
static void two_hundred_entries_are_flushed_five_times_faster_than_one_by_one(void **state)
{
	struct cache_fixture *fixture = *state;
	struct meter meter;
	struct kiln_cache *cache = open_metered(fixture, &meter);
	double one_by_one = 0, together = 1;

	meter.pause_us = 1000;
	for (int tries = 0; tries < 5 && together * 5 > one_by_one; tries++) {
		write_many(cache, ENTRIES);
		one_by_one = one_by_one_ms(&meter);
		together = flush_ms(cache);
		print_message("1 ms a sync: %.1f ms one by one, %.1f ms by flush: %.1fx\n", one_by_one,
		              together, one_by_one / together);
	}
	assert_true(together * 5 <= one_by_one);
	kiln_cache_close(&cache);
}

/* Of a real disk: printed, as nobody knows what it does meanwhile. */
static void real_disk_is_measured(void **state)
{
	struct cache_fixture *fixture = *state;
	double one_by_one, together;
	uint64_t start_ns;

	for (unsigned i = 0; i < ENTRIES; i++)
		write_big(fixture->cache, i, 64);
	start_ns = kiln_now_ns();
	for (unsigned i = 0; i < ENTRIES; i++) {
		struct path path = path_of(fixture, i, 64, 1);
		int fd = open(path.text, O_RDONLY);

		fdatasync(fd);
		close(fd);
		*strrchr(path.text, '/') = '\0';
		fd = open(path.text, O_RDONLY | O_DIRECTORY);
		fsync(fd);
		close(fd);
	}
	one_by_one = (double)(kiln_now_ns() - start_ns) / 1e6;
	for (unsigned i = 0; i < ENTRIES; i++) /* new files: replacing one makes some systems write at once */
		write_big(fixture->cache, i, 65);
	together = flush_ms(fixture->cache);
	print_message("this disk: %.1f ms one by one, %.1f ms by flush: %.1fx\n", one_by_one, together,
	              one_by_one / together);
}

static void *flush(void *user)
{
	return kiln_cache_flush(user) == KILN_OK ? user : NULL;
}

/* What a thread holds at the fork nobody lets go of in the child. */
static void child_forked_during_a_flush_writes_and_flushes(void **state)
{
	struct cache_fixture *fixture = *state;
	struct meter meter;
	struct kiln_cache *cache = open_metered(fixture, &meter);
	pthread_t thread;
	void *result;
	int status;
	pid_t pid;

	assert_status(write_text(cache, 1, 64, 1, "parent's"), KILN_OK);
	meter.pause_us = 200000;
	assert_int_equal(pthread_create(&thread, NULL, flush, cache), 0);
	while (meter.at_once == 0)
		usleep(1000);
	pid = fork();
	if (pid == 0) {
		bool good;

		alarm(5);
		good = write_text(cache, 2, 64, 1, "child's") == KILN_OK &&
		       kiln_cache_flush(cache) == KILN_OK && meter.everything == 1;
		kiln_cache_close(&cache);
		_exit(good ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	pthread_join(thread, &result);
	assert_ptr_equal(result, cache);
	assert_status(read_text(cache, 2, 64, 1, "child's"), KILN_OK);
	kiln_cache_close(&cache);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, cache_setup, cache_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(child_forked_during_a_flush_writes_and_flushes),
		TEST(failure_to_write_ahead_is_told_where_not_all_is_on_the_list),
		TEST(flush_survives_every_failing_allocation),
		TEST(folder_of_a_damaged_entry_is_synced),
		TEST(large_batch_is_written_ahead_by_one_call),
		TEST(many_files_and_folders_are_synced_once_each),
		TEST(real_disk_is_measured),
		TEST(relative_root_is_synced_up_to_the_working_folder),
		TEST(two_hundred_entries_are_flushed_five_times_faster_than_one_by_one),
		TEST(vanished_files_count_as_flushed),
		TEST(what_failed_is_tried_again_and_nothing_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
