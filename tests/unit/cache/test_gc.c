/* Collection: what goes, what stays, what dead processes left, and a full disk. */
#include <kiln/cache.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <base/settings.h>
#include <cache/care.h>
#include <cache/gc.h>

#include "failing_alloc.h"
#include "failing_fs.h"
#include "fixture.h"
#include "test.h"

#define BLOCK 4096
#define NOW 1800000000

/* An entry of about `blocks` blocks, last used `age_s` before NOW. */
static void put(const struct cache_fixture *fixture, unsigned program, unsigned blocks, uint64_t compile_ns,
                int64_t age_s)
{
	const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = NOW - age_s}};
	struct kiln_pipeline_key key = sample_key(program, 64);
	struct kiln_fingerprint device = sample_device(1);
	size_t bytes = (size_t)blocks * BLOCK - 1000;
	char *payload = calloc(1, bytes);
	struct kiln_cache_entry entry = sample_entry(payload, bytes);

	memset(payload, 'p', bytes);
	entry.compile_ns = compile_ns;
	assert_status(kiln_cache_write(fixture->cache, &key, &device, &entry), KILN_OK);
	free(payload);
	assert_int_equal(utimensat(AT_FDCWD, path_of(fixture, program, 64, 1).text, times, 0), 0);
}

static bool has(const struct cache_fixture *fixture, unsigned program)
{
	return file_exists(path_of(fixture, program, 64, 1).text);
}

static struct kiln_cache_gc_report collect(struct kiln_cache *cache, struct kiln_cache_gc_params params)
{
	struct kiln_cache_gc_report report;

	params.now_s = params.now_s != 0 ? params.now_s : NOW;
	assert_status(kiln_cache_gc(cache, &params, &report), KILN_OK);
	assert_int_equal(report.failed, 0);
	return report;
}

static uint64_t allocated(const struct cache_fixture *fixture, unsigned program)
{
	struct stat facts;

	assert_int_equal(stat(path_of(fixture, program, 64, 1).text, &facts), 0);
	return (uint64_t)facts.st_blocks * 512;
}

static void budget_is_met_by_the_least_recently_used(void **state)
{
	struct cache_fixture *fixture = *state;
	struct kiln_cache_gc_report report;
	uint64_t total = 0;

	for (unsigned i = 0; i < 5; i++) {
		put(fixture, i, 2, 0, 1000 + 100 * ((i * 3) % 5)); /* ages in the order 0, 2, 4, 1, 3 */
		total += allocated(fixture, i);
	}
	report = collect(fixture->cache, (struct kiln_cache_gc_params){.max_bytes = total});
	assert_int_equal(report.entries, 5);
	assert_int_equal(report.bytes, total);
	assert_int_equal(report.removed, 0);
	report = collect(fixture->cache,
	                 (struct kiln_cache_gc_params){.max_bytes = total - 1, .dry_run = true});
	assert_int_equal(report.removed, 1);
	assert_true(has(fixture, 3));
	report = collect(fixture->cache, (struct kiln_cache_gc_params){.max_bytes = total - 1});
	assert_int_equal(report.removed, 1);
	assert_int_equal(report.removed_bytes, total / 5);
	assert_false(has(fixture, 3));
	report = collect(fixture->cache, (struct kiln_cache_gc_params){.max_bytes = total / 5 * 2});
	assert_int_equal(report.removed, 2);
	assert_true(has(fixture, 0) && has(fixture, 2) && !has(fixture, 4) && !has(fixture, 1));
	assert_status(read_text(fixture->cache, 1, 64, 1, ""), KILN_ERR_NOT_FOUND);
	assert_int_equal(kiln_cache_counters(fixture->cache).damaged, 0);
}

static void rebuild_cost_outweighs_some_age(void **state)
{
	struct cache_fixture *fixture = *state;

	put(fixture, 1, 2, UINT64_C(8000000000), 5000); /* a million ns a byte */
	put(fixture, 2, 2, 0, 1000);
	collect(fixture->cache, (struct kiln_cache_gc_params){.max_bytes = allocated(fixture, 1)});
	assert_true(has(fixture, 1) && !has(fixture, 2));
}

static void earlier_format_is_collected_before_what_can_be_read(void **state)
{
	const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = NOW - 1000}};
	struct cache_fixture *fixture = *state;
	struct path path = path_of(fixture, 1, 64, 1);
	int file;

	put(fixture, 1, 2, UINT64_C(8000000000), 1000);
	put(fixture, 2, 2, UINT64_C(8000000000), 5000);
	file = open(path.text, O_WRONLY);
	assert_int_equal(pwrite(file, "\1", 1, 8), 1);
	assert_int_equal(futimens(file, times), 0);
	close(file);
	collect(fixture->cache, (struct kiln_cache_gc_params){.max_bytes = allocated(fixture, 2)});
	assert_true(!has(fixture, 1) && has(fixture, 2));
}

static void age_removes_whatever_the_budget(void **state)
{
	struct cache_fixture *fixture = *state;
	struct kiln_cache_gc_report report;

	put(fixture, 1, 2, UINT64_C(8000000000), 5001);
	put(fixture, 2, 2, 0, 5000);
	report = collect(fixture->cache, (struct kiln_cache_gc_params){.max_age_s = 5000});
	assert_int_equal(report.removed, 1);
	assert_true(!has(fixture, 1) && has(fixture, 2));
	assert_status(kiln_cache_gc(fixture->cache, &(struct kiln_cache_gc_params){.max_age_s = -1}, NULL),
	              KILN_ERR_INVALID_ARGUMENT);
	assert_status(kiln_cache_gc(fixture->cache, NULL, NULL), KILN_OK);
}

static void budget_comes_from_the_environment(void **state)
{
	struct cache_fixture *fixture = *state;

	put(fixture, 1, 4, 0, 10);
	put(fixture, 2, 4, 0, 20);
	assert_int_equal(kiln_gc_budget(), UINT64_C(1) << 30);
	setenv("KILN_CACHE_MAX_BYTES", "20K", 1);
	collect(fixture->cache, (struct kiln_cache_gc_params){0});
	unsetenv("KILN_CACHE_MAX_BYTES");
	assert_true(has(fixture, 1) && !has(fixture, 2));
}

/* ---- Litter ---- */

static void plant(const struct cache_fixture *fixture, const char *below, const char *name, int64_t age_s)
{
	const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = NOW - age_s}};
	char path[512];

	snprintf(path, sizeof path, "%s/%s/%s", fixture->root, below, name);
	save_file(path, "litter", 6);
	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static pid_t dead_process(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	waitpid(pid, NULL, 0);
	return pid;
}

static void litter_of_the_dead_goes_and_that_of_the_living_stays(void **state)
{
	struct cache_fixture *fixture = *state;
	struct kiln_cache_gc_report report;
	char name[64], shard[8];

	put(fixture, 1, 1, 0, 10);
	kiln_shard_dir(KILN_KIND_PIPELINE, sample_identity(1, 64, 1).program.bytes[0], shard);
	snprintf(name, sizeof name, ".tmp.%ld.1", (long)dead_process());
	plant(fixture, shard, name, 0);
	plant(fixture, "v1", name, 0);
	snprintf(name, sizeof name, ".tmp.%ld.bad1", (long)dead_process());
	plant(fixture, shard, name, 0);
	snprintf(name, sizeof name, ".tmp.%ld.77", (long)getpid());
	plant(fixture, shard, name, 10);
	snprintf(name, sizeof name, ".tmp.%ld.78", (long)getpid());
	plant(fixture, shard, name, 3601);
	plant(fixture, shard, ".tmp.nobody", 3599);
	plant(fixture, shard, ".tmp.999999999999999999999.1", 3601);
	plant(fixture, shard, "not ours", 1000000);
	report = collect(fixture->cache, (struct kiln_cache_gc_params){0});
	assert_int_equal(report.litter, 5);
	assert_true(report.litter_bytes >= 5 * 512);
	assert_int_equal(report.entries, 1);
	assert_int_equal(count_temp_files(fixture->root), 2);
	assert_true(has(fixture, 1));
}

static void foreign_files_are_left_alone(void **state)
{
	struct cache_fixture *fixture = *state;
	struct kiln_cache_gc_report report;
	struct path path = path_of(fixture, 1, 64, 1), other = path_of(fixture, 1, 65, 1);

	put(fixture, 1, 1, 0, 10);
	assert_int_equal(unlink(path.text), 0);
	assert_int_equal(symlink("/etc/passwd", path.text), 0);
	assert_int_equal(mkfifo(other.text, 0600), 0);
	plant(fixture, ".", "autotune.toml", 1000000);
	report = collect(fixture->cache, (struct kiln_cache_gc_params){.max_bytes = 1, .max_age_s = 1});
	assert_int_equal(report.entries + report.litter, 0);
	assert_true(file_exists(path.text) && file_exists(other.text));
}

/* ---- Others at work ---- */

/* Refreshes the victim when it is about to be looked at for the second time. */
struct meddler {
	struct kiln_fs fs;
	const char *path;
	unsigned looks;
};

static int meddling_fstatat(void *user, int dir, const char *name, struct stat *out)
{
	struct meddler *meddler = user;

	if (strstr(meddler->path, name) != NULL && strstr(name, ".bin") != NULL && ++meddler->looks == 2)
		utimensat(AT_FDCWD, meddler->path, NULL, 0);
	return kiln_fs_posix.fstatat(NULL, dir, name, out);
}

static void entry_used_since_the_scan_is_spared(void **state)
{
	struct cache_fixture *fixture = *state;
	struct path path = path_of(fixture, 1, 64, 1);
	struct meddler meddler = {.fs = kiln_fs_posix, .path = path.text};
	struct kiln_cache_gc_report report;
	struct kiln_cache *cache;

	meddler.fs.fstatat = meddling_fstatat;
	meddler.fs.user = &meddler;
	put(fixture, 1, 2, 0, 100);
	put(fixture, 2, 2, 0, 100);
	cache = open_on(fixture, &meddler.fs);
	report = collect(cache, (struct kiln_cache_gc_params){.max_bytes = 1});
	assert_int_equal(report.removed, 1);
	assert_int_equal(report.spared, 1);
	assert_true(has(fixture, 1) && !has(fixture, 2));
	kiln_cache_close(&cache);
}

static void read_only_cache_collects_nothing(void **state)
{
	struct cache_fixture *fixture = *state;
	struct kiln_cache *cache = open_again(fixture, KILN_CACHE_READ_ONLY, 0);
	struct kiln_cache_gc_params params = {.max_bytes = 1};
	struct kiln_cache_gc_report report;

	put(fixture, 1, 1, 0, 10);
	assert_status(kiln_cache_gc(cache, &params, NULL), KILN_ERR_READ_ONLY);
	params.dry_run = true;
	assert_status(kiln_cache_gc(cache, &params, &report), KILN_OK);
	assert_int_equal(report.removed, 1);
	assert_true(has(fixture, 1));
	assert_status(kiln_cache_gc(NULL, &params, &report), KILN_OK);
	assert_int_equal(report.entries, 0);
	kiln_cache_close(&cache);
}

struct watch {
	unsigned calls;
	unsigned stop_at;
	const char *phase;
};

static bool watch_step(void *user, const char *phase, uint64_t done, uint64_t total)
{
	struct watch *watch = user;

	assert_true(total == 0 || done <= total);
	watch->phase = phase;
	return ++watch->calls != watch->stop_at;
}

static void progress_is_told_and_stops_it(void **state)
{
	struct cache_fixture *fixture = *state;
	struct watch watch = {0};
	struct kiln_cache_gc_params params = {.max_bytes = 1, .now_s = NOW, .progress = {watch_step, &watch}};
	struct kiln_cache_gc_report report;

	for (unsigned i = 0; i < 3; i++)
		put(fixture, i, 1, 0, 10);
	watch.stop_at = 1; /* after weighing all */
	assert_status(kiln_cache_gc(fixture->cache, &params, &report), KILN_ERR_CANCELLED);
	assert_string_equal(watch.phase, "weigh");
	assert_int_equal(report.removed, 0);
	watch = (struct watch){0};
	assert_status(kiln_cache_gc(fixture->cache, &params, &report), KILN_OK);
	assert_string_equal(watch.phase, "remove");
	assert_int_equal(report.removed, 3);
}

/* ---- Failures ---- */

static void gc_survives_every_failing_call(void **state)
{
	struct cache_fixture *fixture = *state;
	static const int errors[] = {EIO, EACCES, EMFILE};

	for (size_t e = 0; e < 3; e++) {
		bool failed = true;

		for (unsigned n = 1; failed; n++) {
			struct failing_fs failing;
			struct kiln_cache *cache;
			struct kiln_cache_gc_params params = {.max_bytes = 1, .now_s = NOW};
			struct kiln_cache_gc_report report;
			enum kiln_status status;

			put(fixture, 1, 1, 1000, 10);
			put(fixture, 2, 1, 1000, 20);
			failing_fs_init(&failing, &kiln_fs_posix, 0, errors[e]);
			cache = open_on(fixture, &failing.fs);
			failing.calls = 0;
			failing.fail_at = n;
			status = kiln_cache_gc(cache, &params, &report);
			failed = failing.failed;
			failing.fail_at = 0;
			/* Either it says so, or the failure only made it choose or spare. */
			if (status != KILN_OK)
				assert_non_null(strstr(kiln_error_message(), "Fix: "));
			assert_true(report.removed == 2 || failed);
			assert_status(kiln_cache_gc(cache, &params, &report), KILN_OK);
			assert_true(!has(fixture, 1) && !has(fixture, 2));
			kiln_cache_close(&cache);
			assert_int_equal(failing_fs_open_files(&failing), 0);
		}
	}
}

static void gc_survives_every_failing_allocation(void **state)
{
	struct cache_fixture *fixture = *state;
	struct kiln_cache_gc_params params = {.max_bytes = 1, .now_s = NOW};
	bool failed = true;

	for (unsigned n = 1; failed; n++) {
		enum kiln_status status;

		put(fixture, 1, 1, 0, 10);
		failing_alloc_begin(n);
		status = kiln_cache_gc(fixture->cache, &params, NULL);
		failed = failing_alloc_end();
		assert_int_equal(status, failed ? KILN_ERR_OUT_OF_MEMORY : KILN_OK);
		assert_int_equal(has(fixture, 1), failed);
	}
}

/* ---- A full disk ---- */

/* A disk of a fixed number of entries: a write fails while there are more. */
struct small_disk {
	struct kiln_fs fs;
	unsigned entries, most;
};

static ssize_t small_write(void *user, int fd, const void *data, size_t bytes)
{
	struct small_disk *disk = user;

	if (disk->entries >= disk->most) {
		errno = ENOSPC;
		return -1;
	}
	return kiln_fs_posix.write(NULL, fd, data, bytes);
}

static int small_renameat(void *user, int old_dir, const char *old_name, int new_dir, const char *new_name)
{
	((struct small_disk *)user)->entries++;
	return kiln_fs_posix.renameat(NULL, old_dir, old_name, new_dir, new_name);
}

static int small_unlinkat(void *user, int dir, const char *name, int flags)
{
	int result = kiln_fs_posix.unlinkat(NULL, dir, name, flags);

	if (result == 0 && strstr(name, ".bin") != NULL)
		((struct small_disk *)user)->entries--;
	return result;
}

static struct kiln_cache *open_small(const struct cache_fixture *fixture, struct small_disk *disk,
                                     unsigned most)
{
	*disk = (struct small_disk){.fs = kiln_fs_posix, .most = most};
	disk->fs.write = small_write;
	disk->fs.renameat = small_renameat;
	disk->fs.unlinkat = small_unlinkat;
	disk->fs.user = disk;
	return open_on(fixture, &disk->fs);
}

static void full_disk_is_collected_once_and_the_write_tried_again(void **state)
{
	struct cache_fixture *fixture = *state;
	struct small_disk disk;
	struct kiln_cache *cache = open_small(fixture, &disk, 3);

	for (unsigned i = 0; i < 4; i++)
		assert_status(write_text(cache, i, 64, 1, "x"), KILN_OK);
	assert_int_equal(kiln_cache_counters(cache).write_errors, 0);
	assert_status(read_text(cache, 3, 64, 1, "x"), KILN_OK);
	assert_int_equal(count_temp_files(fixture->root), 0);
	/* The next time is too soon: a disk that fills again at once is not emptied of everything. */
	while (disk.entries < disk.most)
		assert_status(write_text(cache, 10 + disk.entries, 64, 1, "x"), KILN_OK);
	assert_status(write_text(cache, 20, 64, 1, "x"), KILN_ERR_NO_SPACE);
	assert_int_equal(kiln_cache_counters(cache).no_space, 1);
	assert_int_equal(kiln_cache_counters(cache).write_errors, 1);
	assert_int_equal(disk.entries, disk.most);
	kiln_cache_close(&cache);
}

static void room_is_never_made_by_what_is_being_replaced(void **state)
{
	struct cache_fixture *fixture = *state;
	struct small_disk disk;
	struct kiln_cache *cache = open_small(fixture, &disk, 1);

	assert_status(write_text(cache, 1, 64, 1, "old"), KILN_OK);
	assert_status(write_text(cache, 1, 64, 1, "new"), KILN_ERR_NO_SPACE);
	assert_status(read_text(cache, 1, 64, 1, "old"), KILN_OK);
	kiln_cache_close(&cache);
}

/* Another process's gc takes the temp file for litter, as it cannot see this process. */
static int stealing_renameat(void *user, int old_dir, const char *old_name, int new_dir, const char *new_name)
{
	if ((*(unsigned *)user)++ == 0)
		unlinkat(old_dir, old_name, 0);
	return kiln_fs_posix.renameat(NULL, old_dir, old_name, new_dir, new_name);
}

static void stolen_temp_file_is_written_again(void **state)
{
	struct cache_fixture *fixture = *state;
	struct kiln_fs fs = kiln_fs_posix;
	unsigned renames = 0;
	struct kiln_cache *cache;

	fs.renameat = stealing_renameat;
	fs.user = &renames;
	cache = open_on(fixture, &fs);
	renames = 0;
	assert_status(write_text(cache, 1, 64, 1, "x"), KILN_OK);
	assert_int_equal(renames, 2);
	assert_status(read_text(cache, 1, 64, 1, "x"), KILN_OK);
	kiln_cache_close(&cache);
}

/* ---- By itself ---- */

static void cache_nobody_collected_for_a_day_is_collected(void **state)
{
	const struct timespec long_ago[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = 1000}};
	const struct kiln_cache_progress silent = {0};
	struct cache_fixture *fixture = *state;
	char stamp[400];

	snprintf(stamp, sizeof stamp, "%s/v1/collected", fixture->root);
	put(fixture, 1, 8, 0, 10);
	setenv("KILN_CACHE_MAX_BYTES", "1M", 1);
	atomic_store(&fixture->cache->uncollected_bytes, 0);
	kiln_gc_if_due(fixture->cache, &silent);
	assert_true(file_exists(stamp) && has(fixture, 1));
	setenv("KILN_CACHE_MAX_BYTES", "1K", 1);
	atomic_store(&fixture->cache->uncollected_bytes, 0);
	kiln_gc_if_due(fixture->cache, &silent); /* not due */
	assert_true(has(fixture, 1));
	assert_int_equal(utimensat(AT_FDCWD, stamp, long_ago, 0), 0);
	kiln_gc_if_due(fixture->cache, &silent);
	assert_false(has(fixture, 1));
	/* Or when much was written since. */
	put(fixture, 1, 8, 0, 10);
	kiln_gc_if_due(fixture->cache, &silent);
	unsetenv("KILN_CACHE_MAX_BYTES");
	assert_false(has(fixture, 1));
}

static void write_soon(struct kiln_cache *cache, unsigned program)
{
	struct kiln_pipeline_key key = sample_key(program, 64);
	struct kiln_fingerprint device = sample_device(1);
	struct kiln_cache_entry entry = sample_entry("x", 1);

	assert_status(kiln_cache_write_later(cache, &key, &device, &entry, NULL), KILN_OK);
}

static void set_stamp(const struct cache_fixture *fixture, int64_t age_s)
{
	const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = time(NULL) - age_s}};
	char path[400];

	snprintf(path, sizeof path, "%s/v1/collected", fixture->root);
	save_file(path, "", 0);
	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static int64_t stamp_age_s(const struct cache_fixture *fixture)
{
	char path[400];
	struct stat facts;

	snprintf(path, sizeof path, "%s/v1/collected", fixture->root);
	assert_int_equal(stat(path, &facts), 0);
	return time(NULL) - (int64_t)facts.st_mtime;
}

static bool comes_to_go(const struct cache_fixture *fixture, unsigned program)
{
	for (unsigned ms = 0; ms < 5000 && has(fixture, program); ms++)
		usleep(1000);
	return !has(fixture, program);
}

/* Or nobody else would collect for a day. */
static void process_that_closes_at_once_claims_no_collection(void **state)
{
	struct cache_fixture *fixture = *state;
	struct kiln_cache *cache;
	uint64_t start_ns;

	put(fixture, 1, 8, 0, 10);
	set_stamp(fixture, 2 * 86400);
	setenv("KILN_CACHE_MAX_BYTES", "1K", 1);
	cache = open_again(fixture, KILN_CACHE_READ_WRITE, 0);
	start_ns = kiln_now_ns();
	write_soon(cache, 2);
	kiln_cache_close(&cache);
	if (kiln_now_ns() - start_ns >= KILN_LATER_QUIET_NS) {
		unsetenv("KILN_CACHE_MAX_BYTES");
		print_message(
			"SKIP process_that_closes_at_once_claims_no_collection: this machine is too slow\n");
		skip();
	}
	assert_true(has(fixture, 1) && has(fixture, 2));
	assert_true(stamp_age_s(fixture) >= 2 * 86400);
	write_soon(fixture->cache, 3);
	assert_true(comes_to_go(fixture, 1));
	unsetenv("KILN_CACHE_MAX_BYTES");
	assert_true(stamp_age_s(fixture) < 86400);
}

/* Where all processes close at once, one has to in the end. */
static void closing_collects_what_nobody_has_for_days(void **state)
{
	struct cache_fixture *fixture = *state;
	struct kiln_cache *cache;

	put(fixture, 1, 8, 0, 10);
	set_stamp(fixture, 5 * 86400);
	setenv("KILN_CACHE_MAX_BYTES", "1K", 1);
	cache = open_again(fixture, KILN_CACHE_READ_WRITE, 0);
	write_soon(cache, 2);
	kiln_cache_close(&cache);
	unsetenv("KILN_CACHE_MAX_BYTES");
	assert_false(has(fixture, 1));
	assert_true(stamp_age_s(fixture) < 86400);
}

static bool stop(void *user, const char *phase, uint64_t done, uint64_t total)
{
	(void)user, (void)phase, (void)done, (void)total;
	return false;
}

static void cancelled_collection_stays_due(void **state)
{
	struct cache_fixture *fixture = *state;
	const struct kiln_cache_progress stopped = {.step = stop};
	uint64_t bytes;

	put(fixture, 1, 8, 0, 10);
	set_stamp(fixture, 2 * 86400);
	bytes = atomic_load(&fixture->cache->uncollected_bytes);
	setenv("KILN_CACHE_MAX_BYTES", "1K", 1);
	kiln_gc_if_due(fixture->cache, &stopped);
	unsetenv("KILN_CACHE_MAX_BYTES");
	assert_true(has(fixture, 1));
	assert_true(stamp_age_s(fixture) >= 2 * 86400);
	assert_int_equal(atomic_load(&fixture->cache->uncollected_bytes), bytes);
}

/* Whoever flushes writes what waits itself. */
static void process_that_flushes_collects_too(void **state)
{
	struct cache_fixture *fixture = *state;

	put(fixture, 1, 8, 0, 10);
	set_stamp(fixture, 2 * 86400);
	setenv("KILN_CACHE_MAX_BYTES", "1K", 1);
	write_soon(fixture->cache, 2);
	assert_status(kiln_cache_flush(fixture->cache), KILN_OK);
	assert_true(comes_to_go(fixture, 1));
	unsetenv("KILN_CACHE_MAX_BYTES");
}

static int slow_unlinkat(void *user, int dir, const char *name, int flags)
{
	++*(_Atomic unsigned *)user;
	usleep(1000);
	return kiln_fs_posix.unlinkat(NULL, dir, name, flags);
}

static void collection_does_not_keep_others_waiting_for_a_lease(void **state)
{
	struct cache_fixture *fixture = *state;
	struct kiln_pipeline_identity identity = sample_identity(5001, 64, 1);
	struct kiln_pipeline_key key = sample_key(5001, 64);
	struct kiln_fingerprint device = sample_device(1);
	struct kiln_cache_entry entry = sample_entry("x", 1);
	struct kiln_cache_lease lease;
	static _Atomic unsigned removed; /* both outlive a test that fails */
	static struct kiln_fs fs;
	struct kiln_cache *cache;

	fs = kiln_fs_posix;
	for (unsigned i = 0; i < 1200; i++) /* it looks up every 512 */
		put(fixture, i, 1, 0, 10);
	set_stamp(fixture, 2 * 86400);
	setenv("KILN_CACHE_MAX_BYTES", "1K", 1);
	fs.unlinkat = slow_unlinkat;
	fs.user = &removed;
	cache = open_on(fixture, &fs);
	write_soon(cache, 5000);
	while (removed == 0)
		usleep(1000);
	assert_status(kiln_cache_lease_begin(cache, &identity, 0, &lease), KILN_OK);
	assert_status(kiln_cache_write_later(cache, &key, &device, &entry, &lease), KILN_OK);
	for (unsigned ms = 0; ms < 10000 && !has(fixture, 5001); ms++)
		usleep(1000);
	unsetenv("KILN_CACHE_MAX_BYTES");
	assert_true(removed < 1200);
	assert_true(has(fixture, 5001));
	kiln_cache_close(&cache);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, cache_setup, cache_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(age_removes_whatever_the_budget),
		TEST(budget_comes_from_the_environment),
		TEST(budget_is_met_by_the_least_recently_used),
		TEST(cache_nobody_collected_for_a_day_is_collected),
		TEST(cancelled_collection_stays_due),
		TEST(closing_collects_what_nobody_has_for_days),
		TEST(collection_does_not_keep_others_waiting_for_a_lease),
		TEST(earlier_format_is_collected_before_what_can_be_read),
		TEST(entry_used_since_the_scan_is_spared),
		TEST(foreign_files_are_left_alone),
		TEST(full_disk_is_collected_once_and_the_write_tried_again),
		TEST(gc_survives_every_failing_allocation),
		TEST(gc_survives_every_failing_call),
		TEST(litter_of_the_dead_goes_and_that_of_the_living_stays),
		TEST(process_that_closes_at_once_claims_no_collection),
		TEST(process_that_flushes_collects_too),
		TEST(progress_is_told_and_stops_it),
		TEST(read_only_cache_collects_nothing),
		TEST(rebuild_cost_outweighs_some_age),
		TEST(room_is_never_made_by_what_is_being_replaced),
		TEST(stolen_temp_file_is_written_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
