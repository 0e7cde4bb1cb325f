/* Single flight: processes that miss the same kernels at once compile each once, whatever becomes of the one that does.
 *	hostile_herd [KERNELS [SEED]]   10 by default, 50 for a campaign
 * The driver's compile sleeps, so that times tell who waited for whom. */
#include "herd.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "place.h"
#include "test.h"

#include "saxpy_spv.h"

#define SECOND_NS UINT64_C(1000000000)

static unsigned kernels = 10, seed;
static struct place place;
static int scout;

static struct herd herd_under(const char *script)
{
	place_create(&place);
	setenv("HOSTILE", script, 1);
	setenv("HOSTILE_LOG", place.log, 1);
	return (struct herd){
		.spirv = saxpy_spv,
		.spirv_bytes = sizeof(saxpy_spv),
		.cache = place.cache,
		.kernels = kernels,
	};
}

static bool has_lease_file(void)
{
	char path[400];

	(void)snprintf(path, sizeof(path), "%s/v1/lease", place.cache);
	return access(path, F_OK) == 0;
}

static void assert_all_warm_but(const struct herd_result *result, unsigned compiled)
{
	assert_int_equal(place_events(&place, "misuse"), 0);
	assert_int_equal(result->failed, 0);
	assert_int_equal(result->outcomes[KILN_OUTCOME_COMPILED], compiled);
	assert_int_equal(result->outcomes[KILN_OUTCOME_DISK], HERD_MAX * kernels - compiled);
}

static void kernels_missed_by_all_at_once_are_compiled_once(void **state)
{
	struct herd herd = herd_under("compile_ms=20");
	struct herd_result result;

	(void)state;
	herd_run(&herd, &result);
	assert_int_equal(place_events(&place, "compile saxpy\n"), kernels);
	assert_all_warm_but(&result, kernels);
	assert_int_equal(place_entries(&place), kernels);
	assert_true(has_lease_file());
	place_remove(&place);
}

static void kill_scout(const struct herd *herd)
{
	(void)herd;
	usleep(200000); /* all wait for it by now */
	assert_int_equal(kill(scout, SIGKILL), 0);
	assert_int_equal(waitpid(scout, NULL, 0), scout);
}

/* Its compile takes longer than anybody's patience. */
static void kernel_of_a_killed_process_is_compiled_by_another(void **state)
{
	struct herd herd = herd_under("compile_ms=60000");
	struct herd_result result;

	(void)state;
	herd.meanwhile = kill_scout;
	scout = herd_scout(&herd);
	for (int i = 0; i < 10000 && !place_events(&place, "compile saxpy\n"); i++)
		usleep(1000);
	assert_int_equal(place_events(&place, "compile saxpy\n"), 1);
	setenv("HOSTILE", "compile_ms=20", 1);
	herd_run(&herd, &result);
	assert_int_equal(place_events(&place, "compile saxpy\n"), kernels + 1);
	assert_all_warm_but(&result, kernels);
	assert_true(result.longest_ns < 8 * SECOND_NS + kernels * SECOND_NS / 10); /* the bound is 10 s */
	place_remove(&place);
}

static void lease_of_a_forked_process_ends_in_time(void **state)
{
	struct herd herd = herd_under("compile_ms=20");
	struct herd_result result;

	(void)state;
	herd.before = herd_fork_soon;
	herd_run(&herd, &result);
	assert_int_equal(place_events(&place, "compile saxpy\n"), kernels);
	assert_all_warm_but(&result, kernels);
	assert_true(result.longest_ns < 8 * SECOND_NS + kernels * SECOND_NS / 10);
	place_remove(&place);
}

/* ---- The holder forks and is killed: its child has the lock until it ends, and nobody can tell ---- */

static char orphan_path[400];

/* The orphan's id appears under its name only once it is written. */
static void announce(pid_t id)
{
	char beside[sizeof(orphan_path) + 2];
	FILE *file;

	(void)snprintf(beside, sizeof(beside), "%s~", orphan_path);
	file = fopen(beside, "w");
	if (file) {
		(void)fprintf(file, "%ld\n", (long)id);
		(void)fclose(file);
		(void)rename(beside, orphan_path);
	}
}

static void *fork_in_compile(void *unused)
{
	pid_t id;

	(void)unused;
	while (!place_events(&place, "compile saxpy\n"))
		usleep(1000);
	id = fork();
	if (id == 0) {
		close(STDOUT_FILENO);
		close(STDERR_FILENO);
		sleep(120); /* until killed */
		_exit(0);
	}
	announce(id);
	return NULL;
}

static void fork_in_compile_meanwhile(const struct herd *herd)
{
	pthread_t thread;

	(void)herd;
	if (pthread_create(&thread, NULL, fork_in_compile, NULL) == 0)
		pthread_detach(thread);
}

static pid_t wait_for_orphan(void)
{
	FILE *file = NULL;
	long id = 0;

	for (int i = 0; i < 30000 && !file; i++) {
		file = fopen(orphan_path, "r");
		usleep(1000);
	}
	assert_non_null(file);
	assert_int_equal(fscanf(file, "%ld", &id), 1);
	(void)fclose(file);
	assert_true(id > 0);
	return (pid_t)id;
}

/* All wait for the first kernel as long as they are ready to, then each compiles it; the others are compiled once. */
static void lease_of_a_killed_process_with_a_child_delays_by_the_bound(void **state)
{
	struct herd herd = herd_under("compile_ms=60000");
	struct herd_result result;
	unsigned compiles;
	pid_t orphan;

	(void)state;
	(void)snprintf(orphan_path, sizeof(orphan_path), "%s/orphan", place.dir.path);
	herd.before = fork_in_compile_meanwhile;
	scout = herd_scout(&herd);
	orphan = wait_for_orphan();
	assert_int_equal(kill(scout, SIGKILL), 0);
	assert_int_equal(waitpid(scout, NULL, 0), scout);
	herd.before = NULL;
	setenv("HOSTILE", "compile_ms=20", 1);
	herd_run(&herd, &result);
	assert_int_equal(kill(orphan, SIGKILL), 0); /* it lived till now */

	compiles = place_events(&place, "compile saxpy\n") - 1; /* the scout's */
	print_message("lease orphaned by a fork: %u compiles of %u kernels, %u waits to the bound, longest %.1f s\n",
	              compiles, kernels, result.lease_timeouts, (double)result.longest_ns * 1e-9);
	assert_true(result.lease_timeouts >= 1 && result.lease_timeouts <= HERD_MAX);
	assert_true(compiles >= kernels && compiles <= kernels - 1 + result.lease_timeouts);
	assert_all_warm_but(&result, compiles);
	assert_int_equal(place_entries(&place), kernels);
	assert_true(result.longest_ns < 18 * SECOND_NS + kernels * SECOND_NS / 10);
	place_remove(&place);
}

/* ---- Holders are killed at random ---- */

#define VICTIMS (HERD_MAX / 2)

static void processes_killed_at_random_leave_all_to_the_others(void **state)
{
	struct herd herd = herd_under("compile_ms=20");
	struct herd_result result;
	unsigned compiles;

	(void)state;
	herd.victims = VICTIMS;
	herd.killing_us = kernels * 20000;
	herd.seed = seed;
	herd_run(&herd, &result);
	compiles = place_events(&place, "compile saxpy\n");
	print_message("seed %u: %u of %u processes killed, %u compiles of %u kernels, longest %.2f s\n", seed, result.killed,
	              (unsigned)HERD_MAX, compiles, kernels, (double)result.longest_ns * 1e-9);
	assert_int_equal(place_events(&place, "misuse"), 0);
	assert_int_equal(result.failed, 0);
	assert_int_equal(result.outcomes[KILN_OUTCOME_COMPILED] + result.outcomes[KILN_OUTCOME_DISK],
	                 (HERD_MAX - VICTIMS) * kernels);
	assert_true(compiles >= kernels && compiles <= kernels + result.killed);
	assert_int_equal(result.lease_timeouts, 0);
	assert_int_equal(place_entries(&place), kernels);
	place_remove(&place);
}

/* ---- Nothing worth waiting for ---- */

static void nobody_waits_for_a_cpu_driver(void **state)
{
	struct herd herd = herd_under("cpu,data_header_only,compile_ms=20");
	struct herd_result result;

	(void)state;
	herd_run(&herd, &result);
	assert_int_equal(result.failed, 0);
	assert_int_equal(place_events(&place, "compile saxpy\n"), HERD_MAX * kernels);
	assert_int_equal(result.outcomes[KILN_OUTCOME_COMPILED], HERD_MAX * kernels);
	assert_int_equal(result.lease_waits, 0);
	assert_false(has_lease_file());
	place_remove(&place);
}

/* Of a driver that is no CPU's they can know only from its first blob: each process waits for one compile, not for one
 * per kernel. */
static void nobody_waits_twice_for_a_driver_without_code_in_its_blobs(void **state)
{
	struct herd herd = herd_under("data_header_only,compile_ms=50");
	struct herd_result result;

	(void)state;
	herd_run(&herd, &result);
	assert_int_equal(result.failed, 0);
	assert_int_equal(place_events(&place, "compile saxpy\n"), HERD_MAX * kernels);
	assert_true(result.lease_waits <= HERD_MAX);
	assert_int_equal(result.lease_timeouts, 0);
	place_remove(&place);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kernel_of_a_killed_process_is_compiled_by_another),
		cmocka_unit_test(kernels_missed_by_all_at_once_are_compiled_once),
		cmocka_unit_test(lease_of_a_forked_process_ends_in_time),
		cmocka_unit_test(lease_of_a_killed_process_with_a_child_delays_by_the_bound),
		cmocka_unit_test(nobody_waits_for_a_cpu_driver),
		cmocka_unit_test(nobody_waits_twice_for_a_driver_without_code_in_its_blobs),
		cmocka_unit_test(processes_killed_at_random_leave_all_to_the_others),
	};

	kernels = herd_kernels(argc, argv, kernels);
	seed = herd_seed(argc, argv);
	return cmocka_run_group_tests_name("hostile herd", tests, NULL, NULL);
}
