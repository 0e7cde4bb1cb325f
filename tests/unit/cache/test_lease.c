/* The lease: one compiles, the others wait, and nothing waits for ever. */
#include <kiln/cache.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "failing_fs.h"
#include "fixture.h"
#include "test.h"

#define MS UINT64_C(1000000)
#define OTHER_USER 65534

/* Until killed, or the test that should have done so is long dead. */
static void stay(void)
{
	alarm(60);
	for (;;)
		pause();
}

static struct kiln_cache_lease begin(struct kiln_cache *cache, unsigned program, uint64_t bound_ns)
{
	struct kiln_pipeline_identity identity = sample_identity(program, 64, 1);
	struct kiln_cache_lease lease = {.held = true};

	assert_status(kiln_cache_lease_begin(cache, &identity, bound_ns, &lease), KILN_OK);
	return lease;
}

static struct path lease_path(const struct cache_fixture *fixture)
{
	struct path path;

	snprintf(path.text, sizeof path.text, "%s/v1/lease", fixture->root);
	return path;
}

static void first_comer_holds_and_need_not_look(void **state)
{
	struct cache_fixture *fixture = *state;
	struct kiln_cache_lease lease = begin(fixture->cache, 1, 1000 * MS);

	assert_true(lease.held);
	assert_false(lease.look_again);
	assert_int_equal(lease.waited_ns, 0);
	kiln_cache_lease_end(&lease);
	assert_false(lease.held);
	kiln_cache_lease_end(&lease);
	kiln_cache_lease_end(NULL);
	assert_int_equal(kiln_cache_counters(fixture->cache).lease_waits, 0);
}

static void second_gives_up_after_its_bound(void **state)
{
	struct cache_fixture *fixture = *state;
	struct kiln_cache_lease first = begin(fixture->cache, 1, 0);
	struct kiln_cache_lease second = begin(fixture->cache, 1, 30 * MS);

	assert_true(first.held);
	assert_false(second.held || second.look_again);
	assert_true(second.waited_ns >= 30 * MS && second.waited_ns < 1000 * MS);
	kiln_cache_lease_end(&second);
	second = begin(fixture->cache, 1, 0);
	assert_false(second.held || second.look_again);
	assert_true(second.waited_ns < 30 * MS);
	kiln_cache_lease_end(&first);
	second = begin(fixture->cache, 1, 0);
	assert_true(second.held);
	kiln_cache_lease_end(&second);
	assert_int_equal(kiln_cache_counters(fixture->cache).lease_waits, 2);
	assert_int_equal(kiln_cache_counters(fixture->cache).lease_timeouts, 2);
}

static void other_keys_do_not_wait(void **state)
{
	struct cache_fixture *fixture = *state;
	struct kiln_digest content = kiln_digest_of("artefact", 8);
	struct kiln_cache_lease leases[8], artefact;

	for (unsigned i = 0; i < 8; i++) {
		leases[i] = begin(fixture->cache, i, 0);
		assert_true(leases[i].held);
	}
	assert_status(kiln_cache_content_lease_begin(fixture->cache, &content, 0, &artefact), KILN_OK);
	assert_true(artefact.held);
	for (unsigned i = 0; i < 8; i++)
		kiln_cache_lease_end(&leases[i]);
	kiln_cache_lease_end(&artefact);
	assert_int_equal(kiln_cache_counters(fixture->cache).lease_waits, 0);
}

static void new_holder_is_told_to_look_where_an_entry_lies(void **state)
{
	struct cache_fixture *fixture = *state;
	struct kiln_cache_lease lease;

	assert_status(write_text(fixture->cache, 1, 64, 1, "payload"), KILN_OK);
	lease = begin(fixture->cache, 1, 0);
	assert_true(lease.held && lease.look_again);
	kiln_cache_lease_end(&lease);
	/* Also where it turns out to be nothing: then the holder compiles. */
	save_file(path_of(fixture, 1, 64, 1).text, "x", 1);
	lease = begin(fixture->cache, 1, 0);
	assert_true(lease.held && lease.look_again);
	assert_status(read_text(fixture->cache, 1, 64, 1, ""), KILN_ERR_DAMAGED);
	kiln_cache_lease_end(&lease);
}

struct helper {
	struct kiln_thread thread;
	struct kiln_cache *cache;
	struct kiln_cache_lease lease;
	_Atomic unsigned *inside;
	unsigned seed, failures, held;
};

static void *write_after_20ms(void *user)
{
	struct helper *helper = user;

	usleep(20000);
	helper->failures = write_text(helper->cache, 1, 64, 1, "payload") != KILN_OK;
	return NULL;
}

static void *end_after_20ms(void *user)
{
	struct helper *helper = user;

	usleep(20000);
	kiln_cache_lease_end(&helper->lease);
	return NULL;
}

/* As soon as it is there, whether or not the holder has let go. */
static void waiter_comes_back_when_the_entry_appears(void **state)
{
	struct cache_fixture *fixture = *state;
	struct kiln_cache_lease first = begin(fixture->cache, 1, 0), second;
	struct helper helper = {.cache = fixture->cache};

	assert_status(kiln_thread_start(&helper.thread, write_after_20ms, &helper), KILN_OK);
	second = begin(fixture->cache, 1, 20000 * MS);
	kiln_thread_join(&helper.thread);
	assert_int_equal(helper.failures, 0);
	assert_true(!second.held && second.look_again);
	assert_true(second.waited_ns < 5000 * MS);
	assert_status(read_text(fixture->cache, 1, 64, 1, "payload"), KILN_OK);
	kiln_cache_lease_end(&first);
	kiln_cache_lease_end(&second);
}

/* What lay there before is not news: an entry of another version must not end the wait. */
static void waiter_is_not_misled_by_an_old_entry(void **state)
{
	struct cache_fixture *fixture = *state;
	struct kiln_cache_lease first, second;

	assert_status(write_text(fixture->cache, 1, 64, 1, "old"), KILN_OK);
	first = begin(fixture->cache, 1, 0);
	second = begin(fixture->cache, 1, 20 * MS);
	assert_false(second.held || second.look_again);
	kiln_cache_lease_end(&first);
	kiln_cache_lease_end(&second);
}

static void copy_may_be_ended_by_another_thread(void **state)
{
	struct cache_fixture *fixture = *state;
	struct helper helper = {.lease = begin(fixture->cache, 1, 0)};
	struct kiln_cache_lease second;

	assert_status(kiln_thread_start(&helper.thread, end_after_20ms, &helper), KILN_OK);
	second = begin(fixture->cache, 1, 20000 * MS);
	kiln_thread_join(&helper.thread);
	assert_true(second.held && second.waited_ns > 0);
	kiln_cache_lease_end(&second);
}

static void no_cache_to_write_means_no_lease(void **state)
{
	struct cache_fixture *fixture = *state;
	struct kiln_cache *cache = open_again(fixture, KILN_CACHE_READ_ONLY, 0);
	struct kiln_cache_lease lease = begin(NULL, 1, 1000 * MS);

	assert_false(lease.held || lease.look_again);
	kiln_cache_lease_end(&lease);
	lease = begin(cache, 1, 1000 * MS);
	assert_false(lease.held || lease.look_again);
	kiln_cache_lease_end(&lease);
	kiln_cache_close(&cache);
	assert_false(file_exists(lease_path(fixture).text));
}

static void missing_arguments_are_refused(void **state)
{
	struct cache_fixture *fixture = *state;
	struct kiln_pipeline_identity identity = sample_identity(1, 64, 1);
	struct kiln_cache_lease lease;

	assert_status(kiln_cache_lease_begin(fixture->cache, NULL, 0, &lease), KILN_ERR_INVALID_ARGUMENT);
	assert_status(kiln_cache_lease_begin(fixture->cache, &identity, 0, NULL), KILN_ERR_INVALID_ARGUMENT);
	assert_status(kiln_cache_content_lease_begin(fixture->cache, NULL, 0, &lease),
	              KILN_ERR_INVALID_ARGUMENT);
}

/* ---- Threads ---- */

#define THREADS 16
#define ROUNDS 63 /* times 16: a thousand */
#define KEYS 3

static void *contend(void *user)
{
	struct helper *helper = user;

	for (unsigned round = 0; round < ROUNDS; round++) {
		unsigned key = (round + helper->seed) % KEYS;
		struct kiln_cache_lease lease = begin(helper->cache, key, 20 * MS);

		if (!lease.held)
			continue;
		helper->held++;
		helper->failures += atomic_fetch_add(&helper->inside[key], 1) != 0;
		sched_yield();
		atomic_fetch_sub(&helper->inside[key], 1);
		kiln_cache_lease_end(&lease);
	}
	return NULL;
}

static void threads_exclude_each_other(void **state)
{
	struct cache_fixture *fixture = *state;
	static _Atomic unsigned inside[KEYS];
	struct helper helpers[THREADS];
	unsigned held = 0;

	for (unsigned i = 0; i < THREADS; i++) {
		helpers[i] = (struct helper){.cache = fixture->cache, .inside = inside, .seed = i};
		assert_status(kiln_thread_start(&helpers[i].thread, contend, &helpers[i]), KILN_OK);
	}
	for (unsigned i = 0; i < THREADS; i++) {
		kiln_thread_join(&helpers[i].thread);
		assert_int_equal(helpers[i].failures, 0);
		held += helpers[i].held;
	}
	assert_true(held > ROUNDS);
}

/* ---- Processes ---- */

/* A child that holds the lease of program 1, says so through the pipe, and stays. */
static pid_t start_holder(const struct cache_fixture *fixture)
{
	int ends[2];
	pid_t pid;
	char byte;

	assert_int_equal(pipe(ends), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct kiln_cache *cache = open_again(fixture, KILN_CACHE_READ_WRITE, 0);
		struct kiln_cache_lease lease = begin(cache, 1, 0);

		if (write(ends[1], lease.held ? "y" : "n", 1) != 1)
			_exit(1);
		stay();
	}
	close(ends[1]);
	assert_int_equal(read(ends[0], &byte, 1), 1);
	assert_int_equal(byte, 'y');
	close(ends[0]);
	return pid;
}

static void lease_of_a_killed_process_is_free_at_once(void **state)
{
	struct cache_fixture *fixture = *state;

	for (unsigned i = 0; i < 10; i++) {
		pid_t holder = start_holder(fixture);
		struct kiln_cache_lease lease = begin(fixture->cache, 1, 0);
		uint64_t start;

		assert_false(lease.held);
		kill(holder, SIGKILL);
		start = kiln_now_ns();
		lease = begin(fixture->cache, 1, 20000 * MS);
		assert_true(lease.held && !lease.look_again);
		assert_true(kiln_now_ns() - start < 1000 * MS);
		kiln_cache_lease_end(&lease);
		assert_int_equal(waitpid(holder, NULL, 0), holder);
	}
}

static void lease_ends_though_a_forked_child_lives(void **state)
{
	struct cache_fixture *fixture = *state;
	struct kiln_cache_lease first = begin(fixture->cache, 1, 0), second;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		stay();
	}
	second = begin(fixture->cache, 1, 5 * MS);
	assert_false(second.held);
	kiln_cache_lease_end(&first);
	second = begin(fixture->cache, 1, 0);
	assert_true(second.held);
	kiln_cache_lease_end(&second);
	kill(child, SIGKILL);
	assert_int_equal(waitpid(child, NULL, 0), child);
}

static void forked_child_cannot_end_its_parents_lease(void **state)
{
	struct cache_fixture *fixture = *state;
	struct kiln_cache_lease first = begin(fixture->cache, 1, 0), second;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		kiln_cache_lease_end(&first);
		_exit(0);
	}
	assert_int_equal(waitpid(child, NULL, 0), child);
	second = begin(fixture->cache, 1, 0);
	assert_false(second.held);
	kiln_cache_lease_end(&first);
}

/* The holder dies and its child lives on with the open file: only the bound helps. */
static void lease_orphaned_by_a_fork_costs_no_more_than_the_bound(void **state)
{
	struct cache_fixture *fixture = *state;
	int ends[2];
	pid_t holder, orphan;
	struct kiln_cache_lease lease;

	assert_int_equal(pipe(ends), 0);
	holder = fork();
	assert_true(holder >= 0);
	if (holder == 0) {
		struct kiln_cache *cache = open_again(fixture, KILN_CACHE_READ_WRITE, 0);
		struct kiln_cache_lease held = begin(cache, 1, 0);

		orphan = fork();
		if (orphan == 0) {
			stay();
		}
		_exit(write(ends[1], &orphan, sizeof orphan) == sizeof orphan && held.held ? 0 : 1);
	}
	assert_int_equal(read(ends[0], &orphan, sizeof orphan), sizeof orphan);
	assert_int_equal(waitpid(holder, NULL, 0), holder);
	lease = begin(fixture->cache, 1, 50 * MS);
	assert_false(lease.held || lease.look_again);
	assert_true(lease.waited_ns >= 50 * MS && lease.waited_ns < 1000 * MS);
	kill(orphan, SIGKILL);
	lease = begin(fixture->cache, 1, 20000 * MS);
	assert_true(lease.held);
	kiln_cache_lease_end(&lease);
	close(ends[0]);
	close(ends[1]);
}

/* ---- The file ---- */

static void lock_file_is_never_replaced(void **state)
{
	struct cache_fixture *fixture = *state;
	struct stat before, after;
	struct kiln_cache_lease lease = begin(fixture->cache, 1, 0);

	kiln_cache_lease_end(&lease);
	assert_int_equal(stat(lease_path(fixture).text, &before), 0);
	assert_int_equal(before.st_mode & 07777, 0600);
	for (unsigned i = 0; i < 10; i++) {
		lease = begin(fixture->cache, i, 0);
		kiln_cache_lease_end(&lease);
	}
	assert_int_equal(stat(lease_path(fixture).text, &after), 0);
	assert_int_equal(before.st_ino, after.st_ino);
	assert_int_equal(after.st_size, 0);
}

static void odd_lock_file_means_no_lease_and_no_harm(void **state)
{
	struct cache_fixture *fixture = *state;
	struct path path = lease_path(fixture), target;
	struct kiln_cache_lease lease;

	snprintf(target.text, sizeof target.text, "%s/target", fixture->dir.path);
	assert_int_equal(symlink(target.text, path.text), 0);
	lease = begin(fixture->cache, 1, 1000 * MS);
	assert_false(lease.held || lease.look_again);
	assert_false(file_exists(target.text));
	assert_int_equal(unlink(path.text), 0);
	assert_int_equal(mkfifo(path.text, 0600), 0);
	lease = begin(fixture->cache, 1, 1000 * MS);
	assert_false(lease.held || lease.look_again);
	assert_int_equal(unlink(path.text), 0);
	assert_int_equal(mkdir(path.text, 0700), 0);
	lease = begin(fixture->cache, 1, 1000 * MS);
	assert_false(lease.held || lease.look_again);
	assert_int_equal(rmdir(path.text), 0);
	if (geteuid() == 0) {
		save_file(path.text, "x", 1);
		assert_int_equal(chown(path.text, OTHER_USER, 0), 0);
		lease = begin(fixture->cache, 1, 1000 * MS);
		assert_false(lease.held || lease.look_again);
	}
}

static void no_failing_call_is_an_error_or_leaks(void **state)
{
	struct cache_fixture *fixture = *state;
	struct kiln_cache_lease holder = begin(fixture->cache, 2, 0);
	bool failed = true;
	unsigned n;

	for (n = 1; failed; n++) {
		struct kiln_cache_lease free_lease, taken_lease;
		struct failing_fs failing;
		struct kiln_cache *cache;

		failing_fs_init(&failing, &kiln_fs_posix, 0, n % 2 == 0 ? EIO : EMFILE);
		cache = open_on(fixture, &failing.fs);
		failing.calls = 0;
		failing.fail_at = n;
		free_lease = begin(cache, 1, 3 * MS);
		taken_lease = begin(cache, 2, 3 * MS);
		failed = failing.failed;
		assert_true(failed || free_lease.held);
		assert_false(taken_lease.held);
		kiln_cache_lease_end(&free_lease);
		kiln_cache_lease_end(&taken_lease);
		failing.fail_at = 0;
		free_lease = begin(cache, 1, 0);
		assert_true(free_lease.held);
		kiln_cache_lease_end(&free_lease);
		kiln_cache_close(&cache);
		assert_int_equal(failing_fs_open_files(&failing), 0);
	}
	assert_true(n > 6);
	kiln_cache_lease_end(&holder);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, cache_setup, cache_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(copy_may_be_ended_by_another_thread),
		TEST(first_comer_holds_and_need_not_look),
		TEST(forked_child_cannot_end_its_parents_lease),
		TEST(lease_ends_though_a_forked_child_lives),
		TEST(lease_of_a_killed_process_is_free_at_once),
		TEST(lease_orphaned_by_a_fork_costs_no_more_than_the_bound),
		TEST(lock_file_is_never_replaced),
		TEST(missing_arguments_are_refused),
		TEST(new_holder_is_told_to_look_where_an_entry_lies),
		TEST(no_cache_to_write_means_no_lease),
		TEST(no_failing_call_is_an_error_or_leaks),
		TEST(odd_lock_file_means_no_lease_and_no_harm),
		TEST(other_keys_do_not_wait),
		TEST(second_gives_up_after_its_bound),
		TEST(threads_exclude_each_other),
		TEST(waiter_comes_back_when_the_entry_appears),
		TEST(waiter_is_not_misled_by_an_old_entry),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
