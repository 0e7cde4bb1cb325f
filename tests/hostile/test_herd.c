/* Single flight: processes that miss the same kernels at once compile each once, whatever becomes of the one that does.
 *	hostile_herd [KERNELS]   10 by default, 50 for a campaign
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

static unsigned kernels = 10;
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

#define CHILD_S 15 /* longer than anybody waits */

static void *fork_soon(void *unused)
{
	(void)unused;
	usleep(10000);
	if (fork() == 0) {
		close(STDOUT_FILENO); /* whoever reads this test's output shall not wait for it */
		close(STDERR_FILENO);
		sleep(CHILD_S); /* has every descriptor, and so any lease that was held */
		_exit(0);
	}
	return NULL;
}

static void fork_meanwhile(const struct herd *herd)
{
	pthread_t thread;

	(void)herd;
	if (pthread_create(&thread, NULL, fork_soon, NULL) == 0)
		pthread_detach(thread);
}

static void lease_of_a_forked_process_ends_in_time(void **state)
{
	struct herd herd = herd_under("compile_ms=20");
	struct herd_result result;

	(void)state;
	herd.before = fork_meanwhile;
	herd_run(&herd, &result);
	assert_int_equal(place_events(&place, "compile saxpy\n"), kernels);
	assert_all_warm_but(&result, kernels);
	assert_true(result.longest_ns < 8 * SECOND_NS + kernels * SECOND_NS / 10);
	place_remove(&place);
}

static void nobody_waits_for_a_cpu_driver(void **state)
{
	struct herd herd = herd_under("cpu,data_header_only,compile_ms=20");
	struct herd_result result;

	(void)state;
	herd_run(&herd, &result);
	assert_int_equal(result.failed, 0);
	assert_int_equal(place_events(&place, "compile saxpy\n"), HERD_MAX * kernels);
	assert_int_equal(result.outcomes[KILN_OUTCOME_COMPILED], HERD_MAX * kernels);
	assert_false(has_lease_file());
	place_remove(&place);
}

/* Of a driver that is no CPU's they can know only from its first blob: one compile is waited for, not one per kernel
 * and process, which would be 16 * 10 * 50 ms. */
static void nobody_waits_twice_for_a_driver_without_code_in_its_blobs(void **state)
{
	struct herd herd = herd_under("data_header_only,compile_ms=50");
	struct herd_result result;

	(void)state;
	herd_run(&herd, &result);
	assert_int_equal(result.failed, 0);
	assert_int_equal(place_events(&place, "compile saxpy\n"), HERD_MAX * kernels);
	assert_true(result.longest_ns < 3 * SECOND_NS + kernels * 2 * SECOND_NS / 20);
	place_remove(&place);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kernel_of_a_killed_process_is_compiled_by_another),
		cmocka_unit_test(kernels_missed_by_all_at_once_are_compiled_once),
		cmocka_unit_test(lease_of_a_forked_process_ends_in_time),
		cmocka_unit_test(nobody_waits_for_a_cpu_driver),
		cmocka_unit_test(nobody_waits_twice_for_a_driver_without_code_in_its_blobs),
	};

	kernels = herd_kernels(argc, argv, kernels);
	return cmocka_run_group_tests_name("hostile herd", tests, NULL, NULL);
}
