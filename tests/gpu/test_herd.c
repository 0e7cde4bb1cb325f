/* Single flight on real drivers, by what they say of each resolve: 16 processes, the same kernels at once.
 *	gpu_herd [KERNELS]   10 by default, 50 for a campaign
 * Without the validation layer, which would be loaded 16 times. */
#include "harness.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../hostile/herd.h"
#include "saxpy_spv.h"

static unsigned kernels = 10;

static bool has_lease_file(const char *root)
{
	char path[4096];

	(void)snprintf(path, sizeof path, "%s/v1/lease", root);
	return access(path, F_OK) == 0;
}

static void kernels_missed_by_all_at_once_are_compiled_once_or_by_all(void **state)
{
	(void)state;
	char *root = gpu_folder();
	struct herd herd = {.spirv = saxpy_spv, .spirv_bytes = sizeof saxpy_spv, .cache = root, .kernels = kernels};
	struct herd_result result;
	const char *driver = getenv("KILN_TEST_DRIVER");

	herd_run(&herd, &result);
	print_message("%s: %u processes x %u kernels: %u compiled, %u from disk, %u unknown, longest %.2f s\n",
	              driver ? driver : "?", (unsigned)HERD_MAX, kernels, result.outcomes[KILN_OUTCOME_COMPILED],
	              result.outcomes[KILN_OUTCOME_DISK], result.outcomes[KILN_OUTCOME_UNKNOWN],
	              (double)result.longest_ns * 1e-9);
	assert_int_equal(result.failed, 0);
	if (result.outcomes[KILN_OUTCOME_DISK]) {
		assert_int_equal(result.outcomes[KILN_OUTCOME_COMPILED], kernels);
		assert_int_equal(result.outcomes[KILN_OUTCOME_DISK], (HERD_MAX - 1) * kernels);
	} else { /* blobs without code: nobody has anything to wait for */
		assert_int_equal(result.outcomes[KILN_OUTCOME_COMPILED] + result.outcomes[KILN_OUTCOME_UNKNOWN],
		                 HERD_MAX * kernels);
		assert_false(has_lease_file(root));
	}
	if (driver && strcmp(driver, "radv_null") == 0)
		assert_int_equal(result.outcomes[KILN_OUTCOME_COMPILED], kernels);
	free(root);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kernels_missed_by_all_at_once_are_compiled_once_or_by_all),
	};

	kernels = herd_kernels(argc, argv, kernels);
	setenv("KILN_VALIDATION", "0", 1);
	return GPU_MAIN("herd", tests, false);
}
