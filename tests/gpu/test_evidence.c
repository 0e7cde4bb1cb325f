/* Outcomes and reasons off the common path: the driver's own cache, entries that were dropped, pipelines that were evicted. */
#include "harness.h"

#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "saxpy_spv.h"
#include "shift_spv.h"

static bool has_blobs; /* this driver's pipeline caches carry code */

#define NEEDS_BLOBS()                                                                            \
	do {                                                                                     \
		if (!has_blobs)                                                                  \
			gpu_skip(__func__, "this driver's pipeline cache carries no code");      \
	} while (0)

static struct kiln_kernel *create_on(struct kiln_device *device, const void *spirv, size_t bytes)
{
	struct kiln_kernel *kernel = NULL;
	gpu_ok(kiln_kernel_create(device, &(struct kiln_kernel_params){ .spirv = spirv, .spirv_bytes = bytes }, &kernel));
	return kernel;
}

/* Opens, resolves, closes; the outcome, or what the resolve returned. */
static enum kiln_status once(const struct kiln_device_params *params, struct kiln_build *out_build)
{
	struct kiln_device *device = gpu_open(params);
	struct kiln_kernel *kernel = create_on(device, saxpy_spv, sizeof saxpy_spv);
	enum kiln_status status = kiln_kernel_resolve(kernel, out_build);
	kiln_kernel_destroy(&kernel);
	gpu_close(&device);
	return status;
}

static void what_the_driver_had_itself_is_its_outcome(void **state)
{
	(void)state;
	NEEDS_BLOBS();
	struct kiln_build build;
	char *folder = gpu_folder();
	setenv("MESA_SHADER_CACHE_DIR", folder, 1);
	setenv("MESA_SHADER_CACHE_DISABLE", "false", 1);
	gpu_ok(once(&(struct kiln_device_params){ .no_cache = true }, &build));
	assert_int_equal(build.outcome, KILN_OUTCOME_COMPILED);
	gpu_ok(once(&(struct kiln_device_params){ .no_cache = true }, &build));
	assert_string_equal(kiln_outcome_name(build.outcome), "driver");
	assert_int_equal(build.cache_hit, KILN_HIT_FALSE);
	/* No compile, so no broken promise either. */
	gpu_ok(once(&(struct kiln_device_params){ .no_cache = true, .expect_warm = true }, &build));
	assert_string_equal(kiln_outcome_name(build.outcome), "driver");
	setenv("MESA_SHADER_CACHE_DISABLE", "true", 1);
	gpu_refused(once(&(struct kiln_device_params){ .no_cache = true, .expect_warm = true }, &build), KILN_ERR_EXPECTED_WARM);
	free(folder);
}

static int spoil(const char *path, const struct stat *facts, int kind, struct FTW *walk)
{
	(void)walk;
	if (kind == FTW_F && strstr(path, ".bin"))
		assert_int_equal(truncate(path, facts->st_size - 1), 0);
	return 0;
}

static void dropped_entry_misses_for_its_key_alone(void **state)
{
	(void)state;
	struct kiln_build build;
	struct kiln_cache *cache = NULL;
	char *root = gpu_folder();
	gpu_ok(kiln_cache_open(&(struct kiln_cache_params){ .root = root, .mode = KILN_CACHE_READ_WRITE }, &cache));
	const struct kiln_device_params params = { .cache = cache };
	gpu_ok(once(&params, &build));
	assert_string_equal(kiln_miss_reason_name(build.miss_reason), "empty_cache");
	gpu_ok(kiln_cache_flush(cache)); /* it is written later otherwise */
	nftw(root, spoil, 16, FTW_PHYS);
	gpu_ok(once(&params, &build));
	assert_string_equal(kiln_miss_reason_name(build.miss_reason), "key_absent");
	kiln_cache_close(&cache);
	free(root);
}

static void stub_entry_misses_for_its_key_alone(void **state)
{
	(void)state;
	if (has_blobs)
		gpu_skip(__func__, "this driver's pipeline caches carry code");
	struct kiln_build build;
	struct kiln_cache *cache = NULL;
	char *root = gpu_folder();
	gpu_ok(kiln_cache_open(&(struct kiln_cache_params){ .root = root, .mode = KILN_CACHE_READ_WRITE }, &cache));
	gpu_ok(once(&(struct kiln_device_params){ .cache = cache }, &build));
	gpu_ok(once(&(struct kiln_device_params){ .cache = cache }, &build));
	assert_string_equal(kiln_miss_reason_name(build.miss_reason), "key_absent");
	kiln_cache_close(&cache);
	free(root);
}

static void pipeline_in_use_stays_in_memory_when_it_is_evicted(void **state)
{
	(void)state;
	struct kiln_build build;
	setenv("KILN_PIPELINE_CACHE_ENTRIES", "1", 1);
	struct kiln_device *device = gpu_open(&(struct kiln_device_params){ .no_cache = true });
	unsetenv("KILN_PIPELINE_CACHE_ENTRIES");
	struct kiln_kernel *first = create_on(device, saxpy_spv, sizeof saxpy_spv);
	struct kiln_kernel *second = create_on(device, shift_spv, sizeof shift_spv);
	gpu_ok(kiln_kernel_resolve(first, NULL));
	gpu_ok(kiln_kernel_resolve(second, NULL));
	gpu_ok(kiln_kernel_resolve(first, &build));
	assert_string_equal(kiln_outcome_name(build.outcome), "memory");
	/* For a new kernel it is gone. */
	struct kiln_kernel *again = create_on(device, saxpy_spv, sizeof saxpy_spv);
	gpu_ok(kiln_kernel_resolve(again, &build));
	assert_string_not_equal(kiln_outcome_name(build.outcome), "memory");
	kiln_kernel_destroy(&first);
	kiln_kernel_destroy(&second);
	kiln_kernel_destroy(&again);
	gpu_close(&device);
}

static void manifest_keeps_a_name_in_any_script(void **state)
{
	(void)state;
	struct kiln_kernel *kernel = NULL;
	gpu_ok(kiln_kernel_create(gpu_device,
	                          &(struct kiln_kernel_params){ .spirv = saxpy_spv, .spirv_bytes = sizeof saxpy_spv,
	                                                        .name = "ofen \xc3\xb6 \xff \"\\" },
	                          &kernel));
	gpu_ok(kiln_kernel_resolve(kernel, NULL));
	assert_non_null(strstr(kiln_kernel_manifest(kernel), "\"ofen \xc3\xb6 \\ufffd \\\"\\\\\""));
	kiln_kernel_destroy(&kernel);
}

/* First, because the others depend on it. */
static void blobs_of_the_driver_are_looked_at(void **state)
{
	(void)state;
	struct kiln_build build;
	gpu_ok(once(&(struct kiln_device_params){ .no_cache = true }, &build));
	has_blobs = !build.stub;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blobs_of_the_driver_are_looked_at),
		cmocka_unit_test(dropped_entry_misses_for_its_key_alone),
		cmocka_unit_test(manifest_keeps_a_name_in_any_script),
		cmocka_unit_test(pipeline_in_use_stays_in_memory_when_it_is_evicted),
		cmocka_unit_test(stub_entry_misses_for_its_key_alone),
		cmocka_unit_test(what_the_driver_had_itself_is_its_outcome),
	};
	return GPU_MAIN("evidence", tests, true);
}
