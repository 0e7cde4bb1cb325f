/* Single flight on real drivers, by what they say of each resolve: 16 processes, the same kernels at once.
 *	gpu_herd [KERNELS [SEED [big]]]   10 small ones by default; 50, and 50 big ones, for a campaign
 * Without the validation layer, which would be loaded 16 times. */
#include "harness.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../hostile/herd.h"
#include "big_spv.h"
#include "saxpy_spv.h"

#define VICTIMS (HERD_MAX / 2)

static unsigned kernels = 10, seed;
static bool big; /* some 50 ms of compiling each, on RADV */

static bool has_lease_file(const char *root)
{
	char path[4096];

	(void)snprintf(path, sizeof path, "%s/v1/lease", root);
	return access(path, F_OK) == 0;
}

static const char *driver(void)
{
	const char *name = getenv("KILN_TEST_DRIVER");

	return name ? name : "?";
}

static struct herd herd_at(const char *root)
{
	return (struct herd){
		.spirv = big ? (const void *)big_spv : saxpy_spv,
		.spirv_bytes = big ? sizeof big_spv : sizeof saxpy_spv,
		.by_constant = big,
		.cache = root,
		.kernels = kernels,
	};
}

static void tell(const struct herd_result *result, const char *what)
{
	print_message("%s: %u processes x %u %s kernels, %s, seed %u: %u compiled, %u from disk, %u unknown, %u waits, "
	              "%u to the bound, %u killed, longest %.2f s\n",
	              driver(), (unsigned)HERD_MAX, kernels, big ? "big" : "small", what, seed,
	              result->outcomes[KILN_OUTCOME_COMPILED], result->outcomes[KILN_OUTCOME_DISK],
	              result->outcomes[KILN_OUTCOME_UNKNOWN], result->lease_waits, result->lease_timeouts,
	              result->killed, (double)result->longest_ns * 1e-9);
}

/* Blobs without code: nobody has anything to wait for. */
static bool assert_nobody_waited(const struct herd_result *result, const char *root)
{
	if (result->outcomes[KILN_OUTCOME_DISK])
		return false;
	assert_int_not_equal(strcmp(driver(), "radv_null"), 0);
	assert_int_equal(result->lease_waits, 0);
	assert_false(has_lease_file(root));
	return true;
}

static void assert_once_or_by_all(void (*before)(const struct herd *herd), const char *what)
{
	char *root = gpu_folder();
	struct herd herd = herd_at(root);
	struct herd_result result;

	herd.before = before;
	herd_run(&herd, &result);
	tell(&result, what);
	assert_int_equal(result.failed, 0);
	if (assert_nobody_waited(&result, root)) {
		assert_int_equal(result.outcomes[KILN_OUTCOME_COMPILED] + result.outcomes[KILN_OUTCOME_UNKNOWN],
		                 HERD_MAX * kernels);
	} else {
		assert_int_equal(result.outcomes[KILN_OUTCOME_COMPILED], kernels);
		assert_int_equal(result.outcomes[KILN_OUTCOME_DISK], (HERD_MAX - 1) * kernels);
		assert_int_equal(result.lease_timeouts, 0);
	}
	free(root);
}

static void kernels_missed_by_all_at_once_are_compiled_once_or_by_all(void **state)
{
	(void)state;
	assert_once_or_by_all(NULL, "all at once");
}

static void kernels_of_processes_that_fork_are_compiled_once_or_by_all(void **state)
{
	(void)state;
	assert_once_or_by_all(herd_fork_soon, "each forks");
}

/* What the dead have compiled nobody can tell; what is left is whole, and there for the next. */
static void processes_killed_at_random_leave_all_to_the_others(void **state)
{
	(void)state;
	char *root = gpu_folder();
	struct herd herd = herd_at(root);
	struct herd_result result, after;

	herd.victims = VICTIMS;
	herd.killing_us = kernels * (big ? 40000 : 1000);
	herd.seed = seed;
	herd_run(&herd, &result);
	tell(&result, "half of them killed");
	assert_int_equal(result.failed, 0);
	if (!assert_nobody_waited(&result, root)) {
		assert_true(result.outcomes[KILN_OUTCOME_COMPILED] <= kernels);
		assert_int_equal(result.outcomes[KILN_OUTCOME_COMPILED] + result.outcomes[KILN_OUTCOME_DISK],
		                 (HERD_MAX - VICTIMS) * kernels);
		assert_int_equal(result.lease_timeouts, 0);
		herd.victims = 0;
		herd.processes = 1;
		herd_run(&herd, &after);
		assert_int_equal(after.outcomes[KILN_OUTCOME_DISK], kernels);
	}
	free(root);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kernels_missed_by_all_at_once_are_compiled_once_or_by_all),
		cmocka_unit_test(kernels_of_processes_that_fork_are_compiled_once_or_by_all),
		cmocka_unit_test(processes_killed_at_random_leave_all_to_the_others),
	};

	kernels = herd_kernels(argc, argv, kernels);
	seed = herd_seed(argc, argv);
	big = argc > 3 && strcmp(argv[3], "big") == 0;
	setenv("KILN_VALIDATION", "0", 1);
	return GPU_MAIN("herd", tests, false);
}
