/* Outcomes and reasons off the common path: the driver's own cache, entries that were dropped, pipelines that were evicted. */
#include "harness.h"

#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "saxpy_spv.h"
#include "shift_spv.h"
#include "sized_spv.h"

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

/* ---- The culprit in words ---- */

struct told {
	enum kiln_miss_reason reason;
	char text[640];
};

static struct told tell(struct kiln_cache *cache, uint32_t workgroup, bool robust)
{
	struct kiln_device *device = gpu_open(&(struct kiln_device_params){
		.cache = cache, .robustness = robust ? KILN_ROBUSTNESS_BUFFERS : KILN_ROBUSTNESS_OFF });
	struct kiln_kernel *kernel = NULL;
	struct kiln_build build;
	struct told told;
	gpu_ok(kiln_kernel_create(device,
	                          &(struct kiln_kernel_params){ .spirv = saxpy_spv, .spirv_bytes = sizeof saxpy_spv,
	                                                        .workgroup = { workgroup } },
	                          &kernel));
	gpu_ok(kiln_kernel_resolve(kernel, &build));
	told.reason = build.miss_reason;
	snprintf(told.text, sizeof told.text, "%s", build.miss_text);
	/* Found in memory now: nothing is missed. */
	gpu_ok(kiln_kernel_resolve(kernel, &build));
	assert_string_equal(build.miss_text, "");
	kiln_kernel_destroy(&kernel);
	gpu_close(&device);
	return told;
}

static struct kiln_cache *fresh_cache(void)
{
	struct kiln_cache *cache = NULL;
	char *root = gpu_folder();
	gpu_ok(kiln_cache_open(&(struct kiln_cache_params){ .root = root, .mode = KILN_CACHE_READ_WRITE }, &cache));
	free(root);
	return cache;
}

static void miss_names_the_field_that_moved(void **state)
{
	(void)state;
	struct kiln_cache *cache = fresh_cache();
	assert_string_equal(tell(cache, 64, false).text, "the cache is empty");
	assert_non_null(strstr(tell(cache, 128, false).text, "wg 64x1x1 -> 128x1x1")); /* it waits to be written */
	gpu_ok(kiln_cache_flush(cache));
	assert_non_null(strstr(tell(cache, 64, true).text, "robust 0 -> 1"));
	kiln_cache_close(&cache);
}

static void miss_names_the_driver_that_moved(void **state)
{
	(void)state;
	struct kiln_cache *cache = fresh_cache();
	struct kiln_kernel *kernel = create_on(gpu_device, saxpy_spv, sizeof saxpy_spv);
	const struct kiln_fingerprint *device = kiln_device_fingerprint(gpu_device);
	struct kiln_fingerprint old = *device;
	struct kiln_build build;
	old.driver.bytes[0] ^= 1;
	gpu_ok(kiln_kernel_describe(kernel, &build));
	gpu_ok(kiln_cache_write(cache, build.key, &old, &(struct kiln_cache_entry){ .payload = "x", .payload_bytes = 1 }));
	kiln_cache_name_device(cache, &old, "Mesa 1.2.3");
	kiln_cache_name_device(cache, device, "Mesa 4.5.6");
	struct told told = tell(cache, 0, false);
	assert_string_equal(kiln_miss_reason_name(told.reason), "device_or_runtime_changed");
	assert_string_equal(told.text, "driver Mesa 1.2.3 -> Mesa 4.5.6");
	kiln_kernel_destroy(&kernel);
	kiln_cache_close(&cache);
}

static void driver_is_remembered_by_its_name(void **state)
{
	(void)state;
	struct kiln_cache *cache = fresh_cache();
	char name[KILN_CACHE_DEVICE_NAME_MAX + 1];
	tell(cache, 0, false);
	assert_true(kiln_cache_device_name(cache, kiln_device_fingerprint(gpu_device), name, sizeof name));
	assert_int_equal(strncmp(name, gpu_info()->driver_name, strlen(gpu_info()->driver_name)), 0);
	assert_non_null(strstr(name, gpu_info()->driver_info));
	kiln_cache_close(&cache);
}

static void miss_says_what_became_of_the_entry(void **state)
{
	(void)state;
	struct kiln_cache *cache = fresh_cache();
	char *expected[] = { "its entry was evicted on 20", "its entry was invalidated on 20", "its entry was damaged" };
	for (int i = 0; i < 3; i++) {
		tell(cache, 64, false);
		gpu_ok(kiln_cache_flush(cache));
		if (i == 0)
			gpu_ok(kiln_cache_gc(cache, &(struct kiln_cache_gc_params){ .max_bytes = 1 }, NULL));
		if (i == 1) {
			struct kiln_digest device = kiln_fingerprint_digest(kiln_device_fingerprint(gpu_device));
			gpu_ok(kiln_cache_invalidate_device(cache, &device, NULL));
		} else if (i == 2) {
			nftw(kiln_cache_root(cache), spoil, 16, FTW_PHYS);
		}
		struct told told = tell(cache, 64, false);
		assert_memory_equal(told.text, expected[i], strlen(expected[i]));
	}
	kiln_cache_close(&cache);
}

/* ---- With and without telemetry ---- */

/* What an entry says of its pipeline, whoever asked for it. */
struct entry {
	uint32_t flags;
	size_t bytes;
	struct kiln_digest payload;
};

static struct entry entry_of(struct kiln_cache *cache, struct kiln_kernel *kernel)
{
	struct kiln_cache_entry found;
	struct kiln_build build;
	gpu_ok(kiln_kernel_describe(kernel, &build));
	gpu_ok(kiln_cache_read(cache, build.key, kiln_device_fingerprint(gpu_device), &found));
	struct entry entry = { found.flags, found.payload_bytes, kiln_digest_of(found.payload, found.payload_bytes) };
	kiln_cache_entry_finish(&found);
	return entry;
}

static void telemetry_changes_neither_pipeline_nor_outcome(void **state)
{
	(void)state;
	struct entry entries[2];
	struct kiln_device_counters counts[2][2];
	for (int with = 0; with < 2; with++) {
		struct kiln_cache *cache = fresh_cache();
		for (int visit = 0; visit < 2; visit++) {
			struct kiln_build build;
			struct kiln_device *device = gpu_open(&(struct kiln_device_params){ .cache = cache });
			struct kiln_kernel *kernel = create_on(device, saxpy_spv, sizeof saxpy_spv);
			gpu_ok(kiln_kernel_resolve(kernel, with ? &build : NULL));
			gpu_ok(kiln_kernel_resolve(kernel, with ? &build : NULL));
			counts[with][visit] = kiln_device_counters(device);
			if (visit == 0)
				entries[with] = entry_of(cache, kernel);
			kiln_kernel_destroy(&kernel);
			gpu_close(&device);
			if (visit == 0)
				gpu_ok(kiln_cache_flush(cache));
		}
		kiln_cache_close(&cache);
	}
	for (int visit = 0; visit < 2; visit++)
		assert_memory_equal(&counts[0][visit], &counts[1][visit], sizeof counts[0][visit]);
	assert_int_equal(entries[0].flags, entries[1].flags);
	assert_int_equal(entries[0].bytes, entries[1].bytes);
	assert_true(kiln_digest_equal(&entries[0].payload, &entries[1].payload));
}

/* ---- Sidecars ---- */

static char sidecar_path[4096];

static int find_sidecar(const char *path, const struct stat *facts, int kind, struct FTW *walk)
{
	(void)facts, (void)walk;
	if (kind == FTW_F && strstr(path, ".json"))
		snprintf(sidecar_path, sizeof sidecar_path, "%s", path);
	return 0;
}

static void manifest_lies_beside_its_entry_on_request(void **state)
{
	(void)state;
	struct kiln_cache *cache = fresh_cache();
	for (int wanted = 0; wanted < 2; wanted++) {
		struct kiln_device *device = gpu_open(&(struct kiln_device_params){ .cache = cache, .manifest_sidecars = wanted });
		struct kiln_kernel *kernel = create_on(device, saxpy_spv, sizeof saxpy_spv);
		struct kiln_build build;
		char text[4096] = "", expected[4096];
		gpu_ok(kiln_kernel_resolve(kernel, &build));
		gpu_ok(kiln_cache_flush(cache));
		sidecar_path[0] = '\0';
		nftw(kiln_cache_root(cache), find_sidecar, 16, FTW_PHYS);
		assert_int_equal(sidecar_path[0] != '\0', wanted);
		if (wanted) {
			kiln_cache_path_for(kiln_cache_root(cache), &build.identity, expected, sizeof expected);
			memcpy(strrchr(expected, '.'), ".json", 6);
			assert_string_equal(sidecar_path, expected);
			FILE *file = fopen(sidecar_path, "r");
			assert_non_null(file);
			assert_true(fread(text, 1, sizeof text - 1, file) > 0);
			fclose(file);
			assert_string_equal(text, kiln_kernel_manifest(kernel));
		}
		kiln_kernel_destroy(&kernel);
		gpu_close(&device);
		gpu_ok(kiln_cache_clear(cache, NULL)); /* so that the next one compiles */
	}
	kiln_cache_close(&cache);
}

static void sidecar_that_cannot_be_written_costs_a_warning(void **state)
{
	(void)state;
	struct kiln_cache *cache = fresh_cache();
	struct kiln_device *device = gpu_open(&(struct kiln_device_params){ .cache = cache, .manifest_sidecars = true });
	struct kiln_kernel *kernel = create_on(device, saxpy_spv, sizeof saxpy_spv);
	struct kiln_build build;
	char path[4096];
	/* A folder lies in its place. */
	gpu_ok(kiln_kernel_describe(kernel, &build));
	kiln_cache_path_for(kiln_cache_root(cache), &build.identity, path, sizeof path);
	memcpy(strrchr(path, '.'), ".json", 6);
	*strrchr(path, '/') = '\0';
	assert_int_equal(mkdir(path, 0700), 0);
	path[strlen(path)] = '/';
	assert_int_equal(mkdir(path, 0700), 0);
	gpu_forget_log();
	gpu_ok(kiln_kernel_resolve(kernel, &build));
	assert_int_equal(gpu_warnings(), 1);
	assert_true(gpu_logged("is not written"));
	kiln_kernel_destroy(&kernel);
	gpu_close(&device);
	kiln_cache_close(&cache);
}

static void error_of_a_cold_cache_names_the_culprit(void **state)
{
	(void)state;
	NEEDS_BLOBS();
	struct kiln_cache *cache = fresh_cache();
	struct kiln_kernel *kernel = NULL;
	tell(cache, 64, false);
	gpu_ok(kiln_cache_flush(cache));
	struct kiln_device *device = gpu_open(&(struct kiln_device_params){ .cache = cache, .expect_warm = true });
	gpu_ok(kiln_kernel_create(device,
	                          &(struct kiln_kernel_params){ .spirv = saxpy_spv, .spirv_bytes = sizeof saxpy_spv,
	                                                        .workgroup = { 128 } },
	                          &kernel));
	gpu_refused(kiln_kernel_resolve(kernel, NULL), KILN_ERR_EXPECTED_WARM);
	assert_non_null(strstr(kiln_error_message(), "dispatch_policy_changed (wg 64x1x1 -> 128x1x1"));
	kiln_kernel_destroy(&kernel);
	gpu_close(&device);
	kiln_cache_close(&cache);
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

static void invalidated_pipeline_is_made_again_for_the_kernel_that_has_it(void **state)
{
	(void)state;
	struct kiln_build first, second;
	struct kiln_invalidated report;
	struct kiln_device *device = gpu_open(&(struct kiln_device_params){ .no_cache = true });
	struct kiln_kernel *kernel = create_on(device, saxpy_spv, sizeof saxpy_spv);
	struct kiln_kernel *other = create_on(device, shift_spv, sizeof shift_spv);
	gpu_ok(kiln_kernel_resolve(other, NULL));
	gpu_ok(kiln_kernel_resolve(kernel, &first));
	gpu_ok(kiln_device_invalidate_program(device, &first.identity.program, &report));
	assert_int_equal(report.pipelines, 1);
	gpu_ok(kiln_kernel_resolve(kernel, &second));
	assert_string_equal(kiln_outcome_name(second.outcome), kiln_outcome_name(first.outcome));
	gpu_ok(kiln_kernel_resolve(kernel, &second));
	assert_string_equal(kiln_outcome_name(second.outcome), "memory");
	gpu_ok(kiln_kernel_resolve(other, &second));
	assert_string_equal(kiln_outcome_name(second.outcome), "memory");
	kiln_kernel_destroy(&kernel);
	kiln_kernel_destroy(&other);
	gpu_close(&device);
}

/* Its arrays have the size of a constant, so its interface is computed again when it is compiled. */
static struct kiln_kernel *create_sized(struct kiln_device *device, bool borrow)
{
	static uint32_t copy[sizeof sized_spv / sizeof(uint32_t)];
	const struct kiln_spec_value spec = { .id = 0, .size = 4, .value = 24 };
	struct kiln_kernel *kernel = NULL;
	memcpy(copy, sized_spv, sizeof copy);
	gpu_ok(kiln_kernel_create(device,
	                          &(struct kiln_kernel_params){ .spirv = copy, .spirv_bytes = sizeof copy,
	                                                        .spec = &spec, .spec_count = 1, .borrow = borrow },
	                          &kernel));
	assert_true(kiln_kernel_reflection(kernel)->spec_sized);
	memset(copy, 0xee, sizeof copy);
	return kernel;
}

static void borrowed_module_is_the_same_as_a_copied_one(void **state)
{
	(void)state;
	struct kiln_build builds[2];
	for (int borrow = 0; borrow < 2; borrow++) {
		struct kiln_device *device = gpu_open(&(struct kiln_device_params){ .no_cache = true });
		struct kiln_kernel *kernel = create_sized(device, borrow);
		gpu_ok(kiln_kernel_resolve(kernel, &builds[borrow]));
		kiln_kernel_destroy(&kernel);
		gpu_close(&device);
	}
	assert_memory_equal(&builds[0].identity, &builds[1].identity, sizeof builds[0].identity);
	assert_int_equal(builds[0].outcome, builds[1].outcome);
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
		cmocka_unit_test(driver_is_remembered_by_its_name),
		cmocka_unit_test(borrowed_module_is_the_same_as_a_copied_one),
		cmocka_unit_test(dropped_entry_misses_for_its_key_alone),
		cmocka_unit_test(error_of_a_cold_cache_names_the_culprit),
		cmocka_unit_test(invalidated_pipeline_is_made_again_for_the_kernel_that_has_it),
		cmocka_unit_test(manifest_keeps_a_name_in_any_script),
		cmocka_unit_test(manifest_lies_beside_its_entry_on_request),
		cmocka_unit_test(miss_names_the_driver_that_moved),
		cmocka_unit_test(miss_names_the_field_that_moved),
		cmocka_unit_test(miss_says_what_became_of_the_entry),
		cmocka_unit_test(pipeline_in_use_stays_in_memory_when_it_is_evicted),
		cmocka_unit_test(sidecar_that_cannot_be_written_costs_a_warning),
		cmocka_unit_test(stub_entry_misses_for_its_key_alone),
		cmocka_unit_test(telemetry_changes_neither_pipeline_nor_outcome),
		cmocka_unit_test(what_the_driver_had_itself_is_its_outcome),
	};
	return GPU_MAIN("evidence", tests, true);
}
