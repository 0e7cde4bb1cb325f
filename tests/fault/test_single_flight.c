/* Single flight under attack: many processes miss the same entries at once, some of them are killed, and still
 * every entry is compiled, once where nobody dies, and nobody hangs. The compiler is a sleep and a line in a file.
 *	test_single_flight [ROUNDS [SEED]]   of random killing: 1 by default, 20 for a campaign */
#include <kiln/cache.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <base/clock.h>

#include "fixture.h"
#include "test.h"

#define PROCESSES 16
#define KEYS 24
#define COMPILE_US 3000
#define BOUND_NS UINT64_C(30000000000)
#define MS UINT64_C(1000000)

static unsigned seed;

/* Until killed, or the test that should have done so is long dead. */
static void stay(void)
{
	alarm(60);
	for (;;)
		pause();
}

/* ---- The protocol of cache.h, as the runtime follows it ---- */

static void compile(const struct cache_fixture *fixture, unsigned key)
{
	char path[400];
	int fd;

	snprintf(path, sizeof path, "%s/compiled-%u", fixture->dir.path, key);
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
	usleep(COMPILE_US);
	if (fd < 0 || write(fd, "c", 1) != 1)
		_exit(2);
	close(fd);
}

static unsigned compiles(const struct cache_fixture *fixture, unsigned key)
{
	struct stat facts;
	char path[400];

	snprintf(path, sizeof path, "%s/compiled-%u", fixture->dir.path, key);
	return stat(path, &facts) == 0 ? (unsigned)facts.st_size : 0;
}

static unsigned all_compiles(const struct cache_fixture *fixture)
{
	unsigned sum = 0;

	for (unsigned key = 0; key < KEYS; key++)
		sum += compiles(fixture, key);
	return sum;
}

/* Whether the entry is there afterwards, by whoever's work. */
static bool resolve(const struct cache_fixture *fixture, struct kiln_cache *cache, unsigned key,
                    uint64_t bound_ns)
{
	struct kiln_pipeline_identity identity = sample_identity(key, 64, 1);
	enum kiln_status status = read_text(cache, key, 64, 1, "code");
	struct kiln_cache_lease lease;

	if (status == KILN_OK)
		return true;
	if (kiln_cache_lease_begin(cache, &identity, bound_ns, &lease) != KILN_OK)
		return false;
	if (lease.look_again)
		status = read_text(cache, key, 64, 1, "code");
	if (status != KILN_OK) {
		compile(fixture, key);
		status = write_text(cache, key, 64, 1, "code");
	}
	kiln_cache_lease_end(&lease);
	return status == KILN_OK;
}

static int resolve_all(const struct cache_fixture *fixture, unsigned start, uint64_t bound_ns)
{
	struct kiln_cache *cache = open_again(fixture, KILN_CACHE_READ_WRITE, 0);
	bool good = true;

	for (unsigned i = 0; i < KEYS; i++)
		good = resolve(fixture, cache, (start + i) % KEYS, bound_ns) && good;
	kiln_cache_close(&cache);
	return good ? 0 : 1;
}

/* All of them wait at a gate, so that they start at once. */
static void start_all(const struct cache_fixture *fixture, pid_t *pids, unsigned stride, uint64_t bound_ns)
{
	int gate[2];

	assert_int_equal(pipe(gate), 0);
	for (unsigned i = 0; i < PROCESSES; i++) {
		pids[i] = fork();
		assert_true(pids[i] >= 0);
		if (pids[i] == 0) {
			char byte;

			close(gate[1]);
			if (read(gate[0], &byte, 1) != 0)
				_exit(3);
			_exit(resolve_all(fixture, i * stride, bound_ns));
		}
	}
	close(gate[0]);
	close(gate[1]);
}

static bool ended_well(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* ---- The attacks ---- */

static void assert_one_compile_each(struct cache_fixture *fixture, unsigned stride)
{
	pid_t pids[PROCESSES];
	uint64_t start = kiln_now_ns();

	start_all(fixture, pids, stride, BOUND_NS);
	for (unsigned i = 0; i < PROCESSES; i++)
		assert_true(ended_well(pids[i]));
	for (unsigned key = 0; key < KEYS; key++)
		assert_int_equal(compiles(fixture, key), 1);
	print_message("%u processes, %u keys: %u compiles in %llu ms\n", PROCESSES, KEYS,
	              all_compiles(fixture), (unsigned long long)((kiln_now_ns() - start) / MS));
}

static void sixteen_processes_in_step_compile_each_key_once(void **state)
{
	assert_one_compile_each(*state, 0);
}

static void sixteen_processes_out_of_step_compile_each_key_once(void **state)
{
	assert_one_compile_each(*state, 5);
}

/* Each death costs at most the compile it interrupted; the others go on. */
static void killed_holders_are_succeeded(void **state)
{
	struct cache_fixture *fixture = *state;
	pid_t pids[PROCESSES];
	uint64_t start = kiln_now_ns();

	print_message("seed %u\n", seed);
	srand(seed);
	start_all(fixture, pids, 0, BOUND_NS);
	for (unsigned i = 0; i < PROCESSES / 2; i++) {
		usleep((unsigned)rand() % 8000);
		kill(pids[2 * i], SIGKILL);
	}
	for (unsigned i = 0; i < PROCESSES; i++) {
		bool good = ended_well(pids[i]);

		assert_true(good || i % 2 == 0);
	}
	for (unsigned key = 0; key < KEYS; key++)
		assert_status(read_text(fixture->cache, key, 64, 1, "code"), KILN_OK);
	assert_true(all_compiles(fixture) <= KEYS + PROCESSES / 2);
	assert_int_equal(kiln_cache_counters(fixture->cache).damaged, 0);
	print_message("%u of %u processes killed: %u compiles of %u keys in %llu ms\n", PROCESSES / 2,
	              PROCESSES, all_compiles(fixture), KEYS,
	              (unsigned long long)((kiln_now_ns() - start) / MS));
}

/* A process that holds key 0's lease in the middle of its compile; with a fork, its child holds it too. */
static pid_t start_stuck_holder(const struct cache_fixture *fixture, bool forks, pid_t *out_orphan)
{
	int ends[2];
	pid_t pid;

	assert_int_equal(pipe(ends), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct kiln_pipeline_identity identity = sample_identity(0, 64, 1);
		struct kiln_cache *cache = open_again(fixture, KILN_CACHE_READ_WRITE, 0);
		struct kiln_cache_lease lease;
		pid_t orphan = 0;

		kiln_cache_lease_begin(cache, &identity, 0, &lease);
		if (forks)
			orphan = fork();
		if ((orphan != 0 || !forks) &&
		    (!lease.held || write(ends[1], &orphan, sizeof orphan) != sizeof orphan))
			_exit(1);
		stay();
	}
	assert_int_equal(read(ends[0], out_orphan, sizeof *out_orphan), sizeof *out_orphan);
	close(ends[0]);
	close(ends[1]);
	return pid;
}

static void successor_of_a_killed_holder_starts_within_a_second(void **state)
{
	struct cache_fixture *fixture = *state;
	pid_t orphan, holder = start_stuck_holder(fixture, false, &orphan), waiter;
	uint64_t killed;

	waiter = fork();
	assert_true(waiter >= 0);
	if (waiter == 0) {
		struct kiln_cache *cache = open_again(fixture, KILN_CACHE_READ_WRITE, 0);

		_exit(resolve(fixture, cache, 0, BOUND_NS) ? 0 : 1);
	}
	usleep(50000);
	assert_int_equal(compiles(fixture, 0), 0); /* it waits */
	killed = kiln_now_ns();
	kill(holder, SIGKILL);
	assert_true(ended_well(waiter));
	print_message("entry there %llu ms after the holder was killed\n",
	              (unsigned long long)((kiln_now_ns() - killed) / MS));
	assert_true(kiln_now_ns() - killed < 1000 * MS);
	assert_int_equal(compiles(fixture, 0), 1);
	assert_int_equal(waitpid(holder, NULL, 0), holder);
}

/* The holder dies, its child keeps the open file and never ends: everybody gives up at the bound. */
static void forked_holder_delays_by_the_bound_and_no_more(void **state)
{
	struct cache_fixture *fixture = *state;
	pid_t orphan, holder = start_stuck_holder(fixture, true, &orphan), pids[PROCESSES];
	uint64_t start;

	kill(holder, SIGKILL);
	assert_int_equal(waitpid(holder, NULL, 0), holder);
	start = kiln_now_ns();
	start_all(fixture, pids, 0, 200 * MS);
	for (unsigned i = 0; i < PROCESSES; i++)
		assert_true(ended_well(pids[i]));
	kill(orphan, SIGKILL);
	assert_true(kiln_now_ns() - start < 20000 * MS);
	assert_true(compiles(fixture, 0) >= 1 && compiles(fixture, 0) <= PROCESSES);
	for (unsigned key = 1; key < KEYS; key++)
		assert_int_equal(compiles(fixture, key), 1);
	print_message("lease orphaned by a fork: key 0 compiled %u times, the others once, in %llu ms\n",
	              compiles(fixture, 0), (unsigned long long)((kiln_now_ns() - start) / MS));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, cache_setup, cache_teardown)

int main(int argc, char **argv)
{
	unsigned rounds = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 1;
	const struct CMUnitTest tests[] = {
		TEST(forked_holder_delays_by_the_bound_and_no_more),
		TEST(killed_holders_are_succeeded),
		TEST(sixteen_processes_in_step_compile_each_key_once),
		TEST(sixteen_processes_out_of_step_compile_each_key_once),
		TEST(successor_of_a_killed_holder_starts_within_a_second),
	};

	const struct CMUnitTest again[] = {
		TEST(killed_holders_are_succeeded),
	};
	int failed;

	seed = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : (unsigned)kiln_now_ns();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	for (unsigned round = 1; round < rounds; round++) {
		seed++;
		failed += cmocka_run_group_tests_name("another round", again, NULL, NULL);
	}
	return failed;
}
