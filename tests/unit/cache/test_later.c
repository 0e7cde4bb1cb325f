/* Writes off the hot path: found at once, on the disk soon, in order, bounded, and never lost without a
 * word. */
#include <kiln/cache.h>

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <base/clock.h>

#include "failing_alloc.h"
#include "failing_fs.h"
#include "fixture.h"
#include "test.h"

static enum kiln_status write_later_leased(struct kiln_cache *cache, unsigned program, const char *text,
                                           struct kiln_cache_lease *lease)
{
	struct kiln_pipeline_key key = sample_key(program, 64);
	struct kiln_fingerprint device = sample_device(1);
	struct kiln_cache_entry entry = sample_entry(text, strlen(text));

	return kiln_cache_write_later(cache, &key, &device, &entry, lease);
}

static enum kiln_status write_later(struct kiln_cache *cache, unsigned program, const char *text)
{
	return write_later_leased(cache, program, text, NULL);
}

static bool is_on_disk(const struct cache_fixture *fixture, unsigned program)
{
	return file_exists(path_of(fixture, program, 64, 1).text);
}

static bool comes_to_disk(const struct cache_fixture *fixture, unsigned program, unsigned timeout_ms)
{
	for (unsigned ms = 0; ms < timeout_ms && !is_on_disk(fixture, program); ms++)
		usleep(1000);
	return is_on_disk(fixture, program);
}

static void queued_entry_is_found_at_once_and_on_disk_soon(void **state)
{
	struct cache_fixture *fixture = *state;
	struct kiln_cache_counters counters;
	struct kiln_cache *other;

	assert_status(write_later(fixture->cache, 1, "payload"), KILN_OK);
	assert_status(read_text(fixture->cache, 1, 64, 1, "payload"), KILN_OK);
	assert_status(read_text(fixture->cache, 2, 64, 1, ""), KILN_ERR_NOT_FOUND);
	assert_true(comes_to_disk(fixture, 1, 5000));
	other = open_again(fixture, KILN_CACHE_READ_ONLY, 0);
	assert_status(read_text(other, 1, 64, 1, "payload"), KILN_OK);
	kiln_cache_close(&other);
	assert_status(kiln_cache_flush(fixture->cache), KILN_OK);
	assert_status(read_text(fixture->cache, 1, 64, 1, "payload"), KILN_OK);
	counters = kiln_cache_counters(fixture->cache);
	assert_int_equal(counters.writes_later, 1);
	assert_int_equal(counters.writes, 1);
	assert_int_equal(counters.reads, counters.found + counters.not_found);
}

static void burst_is_written_when_it_is_over(void **state)
{
	struct cache_fixture *fixture = *state;

	assert_status(write_later(fixture->cache, 0, "payload"), KILN_OK);
	for (unsigned i = 1; i < 20; i++) { /* 100 ms, never 50 of them quiet */
		usleep(5000);
		assert_status(write_later(fixture->cache, i, "payload"), KILN_OK);
	}
	/* A slow machine may have seen a pause: only then may anything be there. */
	print_message("first entry on disk at the end of the burst: %s\n",
	              is_on_disk(fixture, 0) ? "yes" : "no");
	for (unsigned i = 0; i < 20; i++)
		assert_true(comes_to_disk(fixture, i, 5000));
}

static void flush_and_close_write_what_is_queued(void **state)
{
	struct cache_fixture *fixture = *state;
	struct kiln_digest key = kiln_digest_of("glsl", 4);
	struct kiln_cache_entry entry = sample_entry("spirv", 5), read = {0};
	struct kiln_cache *cache = open_again(fixture, KILN_CACHE_READ_WRITE, 0);

	for (unsigned i = 0; i < 100; i++)
		assert_status(write_later(cache, i, "payload"), KILN_OK);
	assert_status(kiln_cache_flush(cache), KILN_OK);
	for (unsigned i = 0; i < 100; i++)
		assert_true(is_on_disk(fixture, i));
	assert_status(kiln_cache_content_write_later(cache, &key, &entry, NULL), KILN_OK);
	assert_status(kiln_cache_content_read(cache, &key, &read), KILN_OK);
	assert_int_equal(read.payload_bytes, 5);
	assert_int_equal(read.compile_ns, 59000000);
	assert_int_equal(read.flags, KILN_ENTRY_STUB);
	kiln_cache_entry_finish(&read);
	assert_status(write_later(cache, 100, "payload"), KILN_OK);
	kiln_cache_close(&cache);
	assert_true(is_on_disk(fixture, 100));
	assert_status(kiln_cache_content_read(fixture->cache, &key, &read), KILN_OK);
	kiln_cache_entry_finish(&read);
}

static void last_write_of_a_key_wins(void **state)
{
	struct cache_fixture *fixture = *state;

	for (unsigned round = 0; round < 30; round++) {
		assert_status(write_later(fixture->cache, 1, "first"), KILN_OK);
		assert_status(write_later(fixture->cache, 1, "second"), KILN_OK);
		assert_status(read_text(fixture->cache, 1, 64, 1, "second"), KILN_OK);
		if (round % 3 == 0)
			assert_status(kiln_cache_flush(fixture->cache), KILN_OK);
		assert_status(write_text(fixture->cache, 1, 64, 1, "third"),
		              KILN_OK); /* at once, past the queue */
		assert_status(read_text(fixture->cache, 1, 64, 1, "third"), KILN_OK);
		assert_status(kiln_cache_flush(fixture->cache), KILN_OK);
		assert_status(read_text(fixture->cache, 1, 64, 1, "third"), KILN_OK);
	}
}

static bool count_listing(void *user, const struct kiln_cache_listing *listing)
{
	(void)listing;
	++*(unsigned *)user;
	return true;
}

static void what_looks_at_the_folder_sees_queued_entries(void **state)
{
	struct cache_fixture *fixture = *state;
	struct kiln_pipeline_identity identity = sample_identity(1, 64, 1);
	struct kiln_cache_gc_report report;
	struct kiln_cache_stat stat;
	unsigned listed = 0;
	size_t removed;

	assert_status(write_later(fixture->cache, 1, "x"), KILN_OK);
	assert_status(kiln_cache_list(fixture->cache, count_listing, &listed), KILN_OK);
	assert_int_equal(listed, 1);
	assert_status(write_later(fixture->cache, 2, "x"), KILN_OK);
	assert_status(kiln_cache_stat(fixture->cache, &stat), KILN_OK);
	assert_int_equal(stat.pipelines, 2);
	assert_status(write_later(fixture->cache, 3, "x"), KILN_OK);
	assert_status(kiln_cache_gc(fixture->cache, NULL, &report), KILN_OK);
	assert_int_equal(report.entries, 3);
	assert_status(write_later(fixture->cache, 1, "y"), KILN_OK);
	assert_status(kiln_cache_invalidate(fixture->cache, &identity, &removed), KILN_OK);
	assert_int_equal(removed, 1);
	assert_status(read_text(fixture->cache, 1, 64, 1, ""), KILN_ERR_NOT_FOUND);
	assert_status(write_later(fixture->cache, 4, "x"), KILN_OK);
	assert_status(kiln_cache_clear(fixture->cache, NULL), KILN_OK);
	usleep(100000);
	assert_status(read_text(fixture->cache, 4, 64, 1, ""), KILN_ERR_NOT_FOUND);
}

/* ---- Bounds ---- */

/* A disk whose writes wait for a gate. */
struct gate {
	struct kiln_fs fs;
	pthread_mutex_t mutex;
	pthread_cond_t opened;
	bool open;
	_Atomic unsigned waiting;
};

static ssize_t gated_write(void *user, int fd, const void *data, size_t bytes)
{
	struct gate *gate = user;

	pthread_mutex_lock(&gate->mutex);
	gate->waiting++;
	while (!gate->open)
		pthread_cond_wait(&gate->opened, &gate->mutex);
	gate->waiting--;
	pthread_mutex_unlock(&gate->mutex);
	return kiln_fs_posix.write(NULL, fd, data, bytes);
}

static struct kiln_cache *open_gated(const struct cache_fixture *fixture, struct gate *gate)
{
	*gate = (struct gate){.fs = kiln_fs_posix};
	pthread_mutex_init(&gate->mutex, NULL);
	pthread_cond_init(&gate->opened, NULL);
	gate->fs.write = gated_write;
	gate->fs.user = gate;
	return open_on(fixture, &gate->fs);
}

static void open_gate(struct gate *gate)
{
	pthread_mutex_lock(&gate->mutex);
	gate->open = true;
	pthread_cond_broadcast(&gate->opened);
	pthread_mutex_unlock(&gate->mutex);
}

static void queue_behind_a_hanging_disk_drops_instead_of_waiting(void **state)
{
	struct cache_fixture *fixture = *state;
	struct gate gate;
	struct kiln_cache *cache = open_gated(fixture, &gate);
	uint64_t start_ns;
	unsigned queued = 0;

	assert_status(write_later(cache, 0, "x"), KILN_OK);
	while (gate.waiting == 0)
		usleep(1000);
	for (queued = 1; queued < KILN_LATER_ENTRIES_MAX; queued++)
		assert_status(write_later(cache, queued, "x"), KILN_OK);
	kiln_mutex_lock(&cache->later.mutex);
	cache->later.write_began_ns -= KILN_LATER_STUCK_NS; /* by now it hangs */
	kiln_mutex_unlock(&cache->later.mutex);
	start_ns = kiln_now_ns();
	assert_status(write_later(cache, queued, "x"), KILN_OK);
	assert_true(kiln_now_ns() - start_ns < UINT64_C(1000000000));
	assert_int_equal(kiln_cache_counters(cache).later_drops, 1);
	assert_status(read_text(cache, queued, 64, 1, ""), KILN_ERR_NOT_FOUND);
	assert_status(read_text(cache, 0, 64, 1, "x"), KILN_OK);
	open_gate(&gate);
	assert_status(kiln_cache_flush(cache), KILN_OK);
	assert_int_equal(kiln_cache_counters(cache).writes, KILN_LATER_ENTRIES_MAX);
	assert_status(read_text(cache, 5, 64, 1, "x"), KILN_OK);
	kiln_cache_close(&cache);
}

static void big_entry_is_written_at_once(void **state)
{
	struct cache_fixture *fixture = *state;
	struct kiln_cache *cache = open_again(fixture, KILN_CACHE_READ_WRITE, UINT64_C(128) << 20);
	size_t bytes = KILN_LATER_BYTES_MAX + 1;
	struct kiln_cache_entry entry = sample_entry(calloc(1, bytes), bytes);
	struct kiln_pipeline_key key = sample_key(1, 64);
	struct kiln_fingerprint device = sample_device(1);

	assert_status(kiln_cache_write_later(cache, &key, &device, &entry, NULL), KILN_OK);
	assert_true(is_on_disk(fixture, 1));
	assert_int_equal(kiln_cache_counters(cache).writes_later, 0);
	free((void *)entry.payload);
	kiln_cache_close(&cache);
}

/* ---- Leases ---- */

static void lease_goes_along_and_ends_after_the_write(void **state)
{
	struct cache_fixture *fixture = *state;
	struct kiln_pipeline_identity identity = sample_identity(1, 64, 1);
	struct kiln_cache_lease lease, second;
	struct gate gate;
	struct kiln_cache *cache = open_gated(fixture, &gate),
			  *other = open_again(fixture, KILN_CACHE_READ_WRITE, 0);

	assert_status(kiln_cache_lease_begin(cache, &identity, 0, &lease), KILN_OK);
	assert_true(lease.held);
	assert_status(write_later_leased(cache, 1, "x", &lease), KILN_OK);
	assert_false(lease.held);
	while (gate.waiting == 0)
		usleep(1000);
	assert_status(kiln_cache_lease_begin(other, &identity, 0, &second), KILN_OK);
	assert_false(second.held);
	kiln_cache_lease_end(&second);
	open_gate(&gate);
	assert_status(kiln_cache_lease_begin(other, &identity, UINT64_C(5000000000), &second), KILN_OK);
	assert_true(second.look_again);
	assert_status(read_text(other, 1, 64, 1, "x"), KILN_OK);
	kiln_cache_lease_end(&second);
	/* Also where nothing is written. */
	assert_status(kiln_cache_lease_begin(cache, &identity, 0, &lease), KILN_OK);
	assert_status(kiln_cache_write_later(cache, NULL, NULL, NULL, &lease), KILN_ERR_INVALID_ARGUMENT);
	assert_false(lease.held);
	kiln_cache_close(&other);
	kiln_cache_close(&cache);
}

static void *write_over(void *user)
{
	return write_text(user, 1, 64, 1, "third") == KILN_OK ? user : NULL;
}

static bool is_leased(struct kiln_cache *other)
{
	struct kiln_pipeline_identity identity = sample_identity(1, 64, 1);
	struct kiln_cache_lease lease;
	bool leased;

	assert_status(kiln_cache_lease_begin(other, &identity, 0, &lease), KILN_OK);
	leased = !lease.held;
	kiln_cache_lease_end(&lease);
	return leased;
}

/* Others would compile what is about to be on the disk. */
static void lease_of_a_superseded_write_ends_after_the_newer_one(void **state)
{
	struct cache_fixture *fixture = *state;
	struct kiln_pipeline_identity identity = sample_identity(1, 64, 1);
	struct kiln_cache_lease lease;
	struct gate gate;
	struct kiln_cache *cache = open_gated(fixture, &gate),
			  *other = open_again(fixture, KILN_CACHE_READ_WRITE, 0);
	pthread_t thread;
	void *result;

	assert_status(write_later(cache, 0, "x"), KILN_OK);
	while (gate.waiting == 0)
		usleep(1000);
	assert_status(kiln_cache_lease_begin(cache, &identity, 0, &lease), KILN_OK);
	assert_status(write_later_leased(cache, 1, "first", &lease), KILN_OK);
	assert_status(write_later(cache, 1, "second"), KILN_OK);
	assert_true(is_leased(other));
	/* Also when the newer one does not wait in the queue. */
	assert_int_equal(pthread_create(&thread, NULL, write_over, cache), 0);
	while (gate.waiting < 2)
		usleep(1000);
	assert_true(is_leased(other));
	open_gate(&gate);
	pthread_join(thread, &result);
	assert_ptr_equal(result, cache);
	assert_status(read_text(other, 1, 64, 1, "third"), KILN_OK);
	assert_false(is_leased(other));
	kiln_cache_close(&other);
	kiln_cache_close(&cache);
}

/* ---- Failures ---- */

static void failed_write_is_counted_and_told_by_the_next_flush(void **state)
{
	struct cache_fixture *fixture = *state;
	struct failing_fs failing;
	struct kiln_cache *cache;

	failing_fs_init(&failing, &kiln_fs_posix, 0, EIO);
	cache = open_on(fixture, &failing.fs);
	failing.only = "write";
	failing.calls = 0;
	failing.fail_at = 1;
	assert_status(write_later(cache, 1, "x"), KILN_OK);
	while (kiln_cache_counters(cache).write_errors == 0)
		usleep(1000);
	assert_status(read_text(cache, 1, 64, 1, ""), KILN_ERR_NOT_FOUND);
	assert_status(kiln_cache_flush(cache), KILN_ERR_IO);
	assert_non_null(strstr(kiln_error_message(), "Fix: "));
	assert_status(kiln_cache_flush(cache), KILN_OK);
	assert_int_equal(kiln_cache_counters(cache).flush_errors, 1);
	kiln_cache_close(&cache);
	assert_int_equal(failing_fs_open_files(&failing), 0);
}

static void every_failing_allocation_is_survived(void **state)
{
	struct cache_fixture *fixture = *state;
	bool failed = true;
	unsigned refused = 0;

	for (unsigned n = 1; failed; n++) {
		struct kiln_cache *cache = open_again(fixture, KILN_CACHE_READ_WRITE, 0);
		enum kiln_status status, flushed, read;

		failing_alloc_begin(n);
		status = write_later(cache, n, "x");
		read = status == KILN_OK ? read_text(cache, n, 64, 1, "x") : KILN_OK;
		flushed = kiln_cache_flush(cache);
		failed = failing_alloc_end();
		assert_true(status == KILN_OK || status == KILN_ERR_OUT_OF_MEMORY);
		assert_true(read == KILN_OK || read == KILN_ERR_OUT_OF_MEMORY);
		assert_true(flushed == KILN_OK || flushed == KILN_ERR_OUT_OF_MEMORY);
		assert_true(failed || (status == KILN_OK && flushed == KILN_OK && read == KILN_OK));
		refused += status != KILN_OK || flushed != KILN_OK;
		read = read_text(cache, n, 64, 1, "x");
		assert_true(read == KILN_OK ||
		            (read == KILN_ERR_NOT_FOUND && (status != KILN_OK || flushed != KILN_OK)));
		kiln_cache_close(&cache);
	}
	assert_true(refused > 0);
}

static void null_and_read_only_caches_write_nothing(void **state)
{
	struct cache_fixture *fixture = *state;
	struct kiln_cache *reader = open_again(fixture, KILN_CACHE_READ_ONLY, 0);
	struct kiln_digest key = kiln_digest_of("glsl", 4);
	struct kiln_cache_entry entry = sample_entry("spirv", 5);

	assert_status(write_later(NULL, 1, "x"), KILN_OK);
	assert_status(kiln_cache_content_write_later(NULL, &key, &entry, NULL), KILN_OK);
	assert_status(kiln_cache_content_write_later(reader, NULL, &entry, NULL), KILN_ERR_INVALID_ARGUMENT);
	assert_status(write_later(reader, 1, "x"), KILN_OK);
	assert_int_equal(kiln_cache_counters(reader).write_skips, 1);
	assert_int_equal(kiln_cache_counters(reader).writes_later, 0);
	assert_status(read_text(reader, 1, 64, 1, ""), KILN_ERR_NOT_FOUND);
	kiln_cache_close(&reader);
}

/* ---- Forks and threads ---- */

static void forked_child_writes_for_itself_and_ends(void **state)
{
	struct cache_fixture *fixture = *state;
	int status;
	pid_t pid;

	assert_status(write_later(fixture->cache, 1, "parent's"), KILN_OK);
	pid = fork();
	if (pid == 0) {
		bool good = write_later(fixture->cache, 2, "child's") == KILN_OK && is_on_disk(fixture, 2) &&
		            kiln_cache_flush(fixture->cache) == KILN_OK;

		kiln_cache_close(&fixture->cache);
		_exit(good ? 0 : 1);
	}
	alarm(60);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	alarm(0);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	assert_true(comes_to_disk(fixture, 1, 5000));
	assert_status(read_text(fixture->cache, 2, 64, 1, "child's"), KILN_OK);
}

enum role { WRITER, LATER, READER, COLLECTOR, FLUSHER, DROPPER, ROLES };

struct worker {
	pthread_t thread;
	struct kiln_cache *cache;
	enum role role;
	unsigned failures;
};

/* Every text under a key is the same, so each read is right or a miss. */
static void work_once(struct worker *worker, unsigned round)
{
	struct kiln_cache_gc_params params = {.max_bytes = 8 * 4096};
	struct kiln_pipeline_identity identity = sample_identity(round % 20, 64, 1);
	enum kiln_status status = KILN_OK;

	switch (worker->role) {
	case WRITER:
		status = write_text(worker->cache, round % 20, 64, 1, "payload");
		break;
	case LATER:
		status = write_later(worker->cache, round % 20, "payload");
		break;
	case READER:
		status = read_text(worker->cache, round % 20, 64, 1, "payload");
		status = status == KILN_ERR_NOT_FOUND ? KILN_OK : status;
		break;
	case COLLECTOR:
		status = round % 20 == 0 ? kiln_cache_gc(worker->cache, &params, NULL) : KILN_OK;
		break;
	case FLUSHER:
		status = round % 50 == 0 ? kiln_cache_flush(worker->cache) : KILN_OK;
		break;
	default:
		status = round % 30 == 0 ? kiln_cache_invalidate(worker->cache, &identity, NULL) : KILN_OK;
		break;
	}
	worker->failures += status != KILN_OK;
}

static void *work(void *user)
{
	struct worker *worker = user;

	for (unsigned round = 0; round < 300; round++)
		work_once(worker, round);
	return NULL;
}

static void threads_write_read_collect_and_flush_together(void **state)
{
	struct cache_fixture *fixture = *state;
	static const enum role roles[] = {WRITER, LATER, LATER, READER, READER, COLLECTOR, FLUSHER, DROPPER};
	struct worker workers[8];

	for (size_t i = 0; i < 8; i++) {
		workers[i] = (struct worker){.cache = fixture->cache, .role = roles[i]};
		assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
	}
	for (size_t i = 0; i < 8; i++)
		pthread_join(workers[i].thread, NULL);
	for (size_t i = 0; i < 8; i++)
		assert_int_equal(workers[i].failures, 0);
	assert_status(kiln_cache_flush(fixture->cache), KILN_OK);
	assert_int_equal(kiln_cache_counters(fixture->cache).damaged, 0);
	assert_int_equal(kiln_cache_counters(fixture->cache).write_errors, 0);
	assert_int_equal(count_temp_files(fixture->root), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, cache_setup, cache_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(big_entry_is_written_at_once),
		TEST(burst_is_written_when_it_is_over),
		TEST(every_failing_allocation_is_survived),
		TEST(failed_write_is_counted_and_told_by_the_next_flush),
		TEST(flush_and_close_write_what_is_queued),
		TEST(forked_child_writes_for_itself_and_ends),
		TEST(last_write_of_a_key_wins),
		TEST(lease_goes_along_and_ends_after_the_write),
		TEST(lease_of_a_superseded_write_ends_after_the_newer_one),
		TEST(null_and_read_only_caches_write_nothing),
		TEST(queue_behind_a_hanging_disk_drops_instead_of_waiting),
		TEST(queued_entry_is_found_at_once_and_on_disk_soon),
		TEST(threads_write_read_collect_and_flush_together),
		TEST(what_looks_at_the_folder_sees_queued_entries),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
