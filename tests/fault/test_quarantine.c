/* Quarantine under attack: processes that die with blobs at the driver, by every signal and at random moments. */
#include <kiln/cache.h>

#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <base/clock.h>

#include "fixture.h"
#include "test.h"

#define KEYS 8

static struct kiln_cache_note begin(struct kiln_cache *cache, unsigned program)
{
	struct kiln_pipeline_identity identity = sample_identity(program, 64, 1);

	return kiln_cache_note_begin(cache, &identity);
}

static bool quarantined(const struct kiln_cache *cache, unsigned program)
{
	struct kiln_pipeline_identity identity = sample_identity(program, 64, 1);

	return kiln_cache_quarantined(cache, &identity);
}

static bool suspended(const struct kiln_cache *cache)
{
	struct kiln_digest device = sample_identity(0, 64, 1).device;

	return kiln_cache_suspended(cache, &device);
}

static void reopen(struct cache_fixture *fixture)
{
	kiln_cache_close(&fixture->cache);
	fixture->cache = open_again(fixture, KILN_CACHE_READ_WRITE, 0);
}

/* ---- By every signal ---- */

/* Sanitizers and core files have no say in it. */
static void die_by(int signal_number)
{
	setrlimit(RLIMIT_CORE, &(struct rlimit){0});
	signal(signal_number, SIG_DFL);
	raise(signal_number);
	_exit(1);
}

static void driver_that_dies_by_any_signal_is_noticed_at_the_next_start(void **state)
{
	struct cache_fixture *fixture = *state;
	static const int signals[] = {SIGSEGV, SIGABRT, SIGBUS, SIGILL, SIGFPE, SIGKILL, SIGTERM, SIGINT};

	for (unsigned i = 0; i < sizeof signals / sizeof signals[0]; i++) {
		pid_t pid;
		int status;

		assert_status(write_text(fixture->cache, i, 64, 1, "poison"), KILN_OK);
		assert_status(write_text(fixture->cache, 100 + i, 64, 1, "good"), KILN_OK);
		pid = fork();
		assert_true(pid >= 0);
		if (pid == 0) {
			struct kiln_cache *cache = open_again(fixture, KILN_CACHE_READ_WRITE, 0);

			kiln_cache_note_end(cache, begin(cache, 100 + i), true);
			begin(cache, i);
			die_by(signals[i]);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status));
		reopen(fixture);
		assert_int_equal(kiln_cache_counters(fixture->cache).set_aside, 1);
		assert_true(quarantined(fixture->cache, i));
		assert_status(read_text(fixture->cache, i, 64, 1, ""), KILN_ERR_NOT_FOUND);
		assert_status(read_text(fixture->cache, 100 + i, 64, 1, "good"), KILN_OK);
		assert_false(suspended(fixture->cache));
	}
}

/* ---- Dead by lock, never by number ---- */

/* A child with the number of one that is dead; -1 where that is not allowed. */
static pid_t fork_as(pid_t number)
{
#ifdef SYS_clone3
	struct clone_args arguments = {
		.exit_signal = SIGCHLD, .set_tid = (uint64_t)(uintptr_t)&number, .set_tid_size = 1};

	return (pid_t)syscall(SYS_clone3, &arguments, sizeof arguments);
#else
	(void)number;
	return -1;
#endif
}

/* The number of the dead belongs to a living process again, which even has the cache open: the note is found all the
 * same, and the living one's own note is left alone. */
static void number_that_lives_again_does_not_hide_a_death(void **state)
{
	struct cache_fixture *fixture = *state;
	int status, ready[2], end[2];
	pid_t dead, alive;
	char byte = 0;

	assert_status(write_text(fixture->cache, 1, 64, 1, "poison"), KILN_OK);
	assert_status(write_text(fixture->cache, 2, 64, 1, "good"), KILN_OK);
	assert_int_equal(pipe(ready) | pipe(end), 0);
	dead = fork();
	if (dead == 0) {
		begin(open_again(fixture, KILN_CACHE_READ_WRITE, 0), 1);
		_exit(0);
	}
	assert_int_equal(waitpid(dead, &status, 0), dead);
	alive = fork_as(dead);
	if (alive == 0) {
		/* Without opening for writing, which would sweep: the parent is to find the note. */
		close(end[1]);
		(void)!write(ready[1], &byte, 1);
		_exit((int)read(end[0], &byte, 1));
	}
	if (alive < 0) {
		print_message("SKIP number_that_lives_again_does_not_hide_a_death: no process may choose its number "
		              "here\n");
		skip();
	}
	assert_int_equal(alive, dead);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	assert_int_equal(kill(dead, 0), 0);
	reopen(fixture);
	assert_int_equal(kiln_cache_counters(fixture->cache).set_aside, 1);
	assert_true(quarantined(fixture->cache, 1));
	assert_status(read_text(fixture->cache, 2, 64, 1, "good"), KILN_OK);
	close(end[1]);
	assert_int_equal(waitpid(alive, &status, 0), alive);
	for (int i = 0; i < 2; i++)
		close(ready[i]);
	close(end[0]);
}

/* An owner in another namespace of process numbers has a number that means somebody else here, or nobody: it lives by
 * its lock. */
static void living_owner_with_a_foreign_number_is_no_death(void **state)
{
	struct cache_fixture *fixture = *state;
	int status, ready[2], end[2];
	char byte = 0;
	pid_t outer;

	assert_status(write_text(fixture->cache, 1, 64, 1, "good"), KILN_OK);
	assert_int_equal(pipe(ready) | pipe(end), 0);
	outer = fork();
	if (outer == 0) {
		pid_t inner;

		close(end[1]);
		if (unshare(CLONE_NEWPID) != 0)
			_exit(77);
		inner = fork(); /* number 1, as it sees itself */
		if (inner == 0) {
			begin(open_again(fixture, KILN_CACHE_READ_WRITE, 0), 1);
			(void)!write(ready[1], &byte, 1);
			_exit((int)read(end[0], &byte, 1));
		}
		_exit(waitpid(inner, &status, 0) == inner ? 0 : 1);
	}
	close(ready[1]);
	if (read(ready[0], &byte, 1) != 1) {
		print_message("SKIP living_owner_with_a_foreign_number_is_no_death: no namespace of process numbers "
		              "may be made here\n");
		close(end[1]);
		waitpid(outer, &status, 0);
		skip();
	}
	reopen(fixture);
	assert_int_equal(kiln_cache_counters(fixture->cache).set_aside, 0);
	assert_status(read_text(fixture->cache, 1, 64, 1, "good"), KILN_OK);
	close(end[1]); /* now it goes, without a word to the notes */
	assert_int_equal(waitpid(outer, &status, 0), outer);
	reopen(fixture);
	assert_int_equal(kiln_cache_counters(fixture->cache).set_aside, 1);
	close(ready[0]);
	close(end[0]);
}

/* ---- A driver that dies of some blobs, and a program that is started until it works ---- */

/* One start: loads every entry, compiles and stores what is missing. The driver dies of what is poison. */
static int start_program(const struct cache_fixture *fixture, const char *compiled)
{
	struct kiln_cache *cache = open_again(fixture, KILN_CACHE_READ_WRITE, 0);

	for (unsigned key = 0; key < KEYS; key++) {
		struct kiln_cache_note note;

		if (read_text(cache, key, 64, 1, "poison") == KILN_OK) {
			begin(cache, key);
			die_by(SIGSEGV);
		}
		if (read_text(cache, key, 64, 1, "good") == KILN_OK) {
			note = begin(cache, key);
			kiln_cache_note_end(cache, note, true);
		} else if (write_text(cache, key, 64, 1, compiled) != KILN_OK) {
			return 1;
		}
	}
	kiln_cache_close(&cache);
	return 0;
}

/* How many starts it takes until one ends well. */
static unsigned starts_until_it_works(struct cache_fixture *fixture, const char *compiled)
{
	for (unsigned starts = 1; starts <= 2 * KEYS; starts++) {
		pid_t pid = fork();
		int status;

		assert_true(pid >= 0);
		if (pid == 0)
			_exit(start_program(fixture, compiled));
		assert_int_equal(waitpid(pid, &status, 0), pid);
		if (WIFEXITED(status)) {
			assert_int_equal(WEXITSTATUS(status), 0);
			return starts;
		}
	}
	fail_msg("it never worked");
	return 0;
}

static void one_poisoned_entry_costs_one_crash(void **state)
{
	struct cache_fixture *fixture = *state;

	for (unsigned key = 0; key < KEYS; key++)
		assert_status(write_text(fixture->cache, key, 64, 1, key == 3 ? "poison" : "good"), KILN_OK);
	assert_int_equal(starts_until_it_works(fixture, "good"), 2);
	reopen(fixture);
	assert_status(read_text(fixture->cache, 3, 64, 1, "good"), KILN_OK);
	assert_false(quarantined(fixture->cache, 3));
	assert_false(suspended(fixture->cache));
	assert_int_equal(starts_until_it_works(fixture, "good"), 1);
}

/* It dies of the first, of the second, of the first as it was compiled again, and of the third. */
static void driver_that_dies_of_everything_is_left_alone_after_three(void **state)
{
	struct cache_fixture *fixture = *state;

	for (unsigned key = 0; key < KEYS; key++)
		assert_status(write_text(fixture->cache, key, 64, 1, "poison"), KILN_OK);
	assert_int_equal(starts_until_it_works(fixture, "poison"), 5);
	reopen(fixture);
	assert_true(suspended(fixture->cache));
	/* The rest was kept, and is used again when the user says so. */
	assert_status(kiln_cache_forgive(fixture->cache), KILN_OK);
	assert_status(read_text(fixture->cache, KEYS - 1, 64, 1, "poison"), KILN_OK);
}

/* ---- Kills at random moments ---- */

static void load_for_ever(const struct cache_fixture *fixture, unsigned seed)
{
	struct kiln_cache *cache = open_again(fixture, KILN_CACHE_READ_WRITE, 0);

	alarm(60); /* should the test have died */
	for (unsigned round = seed;; round++) {
		struct kiln_cache_note note;

		if (read_text(cache, round % KEYS, 64, 1, "good") != KILN_OK) {
			write_text(cache, round % KEYS, 64, 1, "good");
			continue;
		}
		note = begin(cache, round % KEYS);
		/* What a small pipeline takes a driver. */
		for (volatile unsigned spin = 0; spin < 20000; spin++)
			continue;
		kiln_cache_note_end(cache, note, true);
	}
}

#define ROUNDS 60
#define GROUP 4

static void killed_sessions_cost_a_recompile_and_never_the_cache(void **state)
{
	struct cache_fixture *fixture = *state;
	unsigned seed = (unsigned)kiln_now_ns(), set_aside = 0;

	print_message("seed %u\n", seed);
	srand(seed);
	for (unsigned round = 0; round < ROUNDS; round++) {
		pid_t pids[GROUP];
		uint64_t here;

		for (unsigned i = 0; i < GROUP; i++) {
			pids[i] = fork();
			assert_true(pids[i] >= 0);
			if (pids[i] == 0)
				load_for_ever(fixture, i);
		}
		usleep(4000 + (unsigned)rand() % 6000);
		for (unsigned i = 0; i < GROUP; i++)
			kill(pids[i], SIGKILL);
		for (unsigned i = 0; i < GROUP; i++)
			assert_int_equal(waitpid(pids[i], NULL, 0), pids[i]);
		reopen(fixture);
		here = kiln_cache_counters(fixture->cache).set_aside;
		assert_true(here <= GROUP);
		set_aside += (unsigned)here;
		assert_false(suspended(fixture->cache));
		/* What was set aside is the only thing missing, and a write brings it back. */
		for (unsigned key = 0; key < KEYS; key++) {
			enum kiln_status status = read_text(fixture->cache, key, 64, 1, "good");

			assert_true(status == KILN_OK || status == KILN_ERR_NOT_FOUND);
		}
	}
	assert_int_equal(kiln_cache_counters(fixture->cache).damaged, 0);
	print_message("%u kills: %u entries set aside, cache never suspended\n", ROUNDS * GROUP, set_aside);
}

/* ---- What it costs ---- */

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void note_costs_little(void **state)
{
	struct cache_fixture *fixture = *state;
	struct kiln_pipeline_identity identity = sample_identity(1, 64, 1);
	enum { BATCHES = 200, NOTES = 1000 };
	uint64_t times[BATCHES];

	for (unsigned batch = 0; batch < BATCHES; batch++) {
		uint64_t start = kiln_now_ns();

		for (unsigned i = 0; i < NOTES; i++)
			kiln_cache_note_end(fixture->cache, kiln_cache_note_begin(fixture->cache, &identity),
			                    true);
		times[batch] = kiln_now_ns() - start;
	}
	qsort(times, BATCHES, sizeof times[0], compare);
	print_message("begin and end of a note: p50 %.1f ns, p99 %.1f ns (promised: 100 ns)\n",
	              (double)times[BATCHES / 2] / NOTES, (double)times[BATCHES * 99 / 100] / NOTES);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, cache_setup, cache_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(driver_that_dies_by_any_signal_is_noticed_at_the_next_start),
		TEST(driver_that_dies_of_everything_is_left_alone_after_three),
		TEST(killed_sessions_cost_a_recompile_and_never_the_cache),
		TEST(living_owner_with_a_foreign_number_is_no_death),
		TEST(note_costs_little),
		TEST(number_that_lives_again_does_not_hide_a_death),
		TEST(one_poisoned_entry_costs_one_crash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
