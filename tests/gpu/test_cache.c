/* What a resolve says it did, by evidence: a fresh cache root for each test, a new device object or a new
 * process for each "next run". Drivers with real blobs must come back from disk; drivers with stub caches
 * must never claim to. */
#include "harness.h"

#include <ftw.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "reduce_spv.h"
#include "saxpy_spv.h"
#include "spec_spv.h"

extern char **environ;

static bool stub_driver; /* this driver's blobs carry no code */

struct run {
	const void *spirv;
	size_t bytes;
	const struct kiln_spec_value *spec;
	uint32_t workgroup_x;
	bool robust;
};

#define RUN(spv, ...) (&(struct run){.spirv = (spv), .bytes = sizeof(spv), __VA_ARGS__})

/* One process's worth: open, create, resolve, close. Returns the facts, without their pointers. */
static struct kiln_build resolve(const char *root, const struct run *run)
{
	struct kiln_cache *cache = NULL;
	struct kiln_kernel *kernel = NULL;
	struct kiln_build build;
	gpu_ok(kiln_cache_open(&(struct kiln_cache_params){.root = root, .mode = KILN_CACHE_READ_WRITE},
	                       &cache));
	struct kiln_device *device =
		gpu_open(&(struct kiln_device_params){.cache = cache,
	                                              .robustness = run->robust ? KILN_ROBUSTNESS_BUFFERS
	                                                                        : KILN_ROBUSTNESS_OFF});
	gpu_ok(kiln_kernel_create(device,
	                          &(struct kiln_kernel_params){.spirv = run->spirv,
	                                                       .spirv_bytes = run->bytes,
	                                                       .spec = run->spec,
	                                                       .spec_count = run->spec ? 1 : 0,
	                                                       .workgroup = {run->workgroup_x}},
	                          &kernel));
	gpu_ok(kiln_kernel_resolve(kernel, &build));
	kiln_kernel_destroy(&kernel);
	gpu_close(&device);
	kiln_cache_close(&cache);
	build.policy = build.workgroup_note = NULL;
	return build;
}

/* Compiled now, by evidence or, where the driver gives none, at least not claimed to be warm. */
static void assert_made(const struct kiln_build *build, enum kiln_miss_reason reason)
{
	assert_true(build->outcome == KILN_OUTCOME_COMPILED ||
	            (stub_driver && build->outcome == KILN_OUTCOME_UNKNOWN));
	assert_true(build->cache_hit ==
	            (build->outcome == KILN_OUTCOME_COMPILED ? KILN_HIT_FALSE : KILN_HIT_UNKNOWN));
	assert_string_equal(kiln_miss_reason_name(build->miss_reason), kiln_miss_reason_name(reason));
	assert_true(build->compile_ns > 0);
	assert_true(build->resolve_ns >= build->compile_ns);
}

static void assert_from_disk(const struct kiln_build *build)
{
	assert_string_equal(kiln_outcome_name(build->outcome), "disk");
	assert_int_equal(build->cache_hit, KILN_HIT_TRUE);
	assert_int_equal(build->miss_reason, KILN_MISS_NONE);
	assert_true(build->blob_bytes > 0);
	assert_false(build->stub);
}

#define NEEDS_BLOBS()                                                                       \
	do {                                                                                \
		if (stub_driver)                                                            \
			gpu_skip(__func__, "this driver's pipeline cache carries no code"); \
	} while (0)

/* ---- Files ---- */

static size_t entry_count, entry_bytes;
static char entry_path[4096];

static int visit(const char *path, const struct stat *facts, int kind, struct FTW *walk)
{
	(void)walk;
	size_t length = strlen(path);
	if (kind == FTW_F && length > 4 && strcmp(path + length - 4, ".bin") == 0) {
		entry_count++;
		entry_bytes += (size_t)facts->st_size;
		snprintf(entry_path, sizeof entry_path, "%s", path);
	}
	return 0;
}

/* Counts entries below `root`; entry_path is the last one. */
static void scan(const char *root)
{
	entry_count = entry_bytes = 0;
	assert_int_equal(nftw(root, visit, 16, FTW_PHYS), 0);
}

static void damage(const char *root, long offset, bool cut)
{
	scan(root);
	assert_int_equal(entry_count, 1);
	if (cut) {
		assert_int_equal(truncate(entry_path, offset), 0);
		return;
	}
	FILE *file = fopen(entry_path, "r+b");
	assert_non_null(file);
	fseek(file, offset, offset < 0 ? SEEK_END : SEEK_SET);
	int byte = fgetc(file);
	fseek(file, -1, SEEK_CUR);
	fputc(byte ^ 0x40, file);
	fclose(file);
}

/* ---- Tests ---- */

static void first_resolve_is_compiled_for_an_empty_cache(void **state)
{
	(void)state;
	char *root = gpu_folder();
	struct kiln_build build = resolve(root, RUN(saxpy_spv));
	assert_made(&build, KILN_MISS_EMPTY_CACHE);
	scan(root);
	assert_true(entry_count <= 1);
	free(root);
}

static void second_run_comes_from_disk_by_the_drivers_word(void **state)
{
	(void)state;
	NEEDS_BLOBS();
	char *root = gpu_folder();
	struct kiln_build first = resolve(root, RUN(saxpy_spv)), second = resolve(root, RUN(saxpy_spv));
	assert_made(&first, KILN_MISS_EMPTY_CACHE);
	assert_from_disk(&second);
	assert_true(kiln_digest_equal(&first.identity.digest, &second.identity.digest));
	assert_int_equal(first.blob_bytes, second.blob_bytes);
	free(root);
}

/* The child prints the outcome of one resolve with the default cache of its environment. */
static int child(void)
{
	struct kiln_device *device = NULL;
	struct kiln_kernel *kernel = NULL;
	struct kiln_build build = {0};
	enum kiln_status status = kiln_device_open(NULL, &device);
	if (status == KILN_OK)
		status = kiln_kernel_create(device,
		                            &(struct kiln_kernel_params){.spirv = saxpy_spv,
		                                                         .spirv_bytes = sizeof saxpy_spv},
		                            &kernel);
	if (status == KILN_OK)
		status = kiln_kernel_resolve(kernel, &build);
	printf("%s\n", status == KILN_OK ? kiln_outcome_name(build.outcome) : kiln_status_name(status));
	kiln_kernel_destroy(&kernel);
	kiln_device_close(&device);
	return 0;
}

static void run_child(char *out, size_t bytes)
{
	int ends[2];
	pid_t pid;
	char *argv[] = {"test_cache", "--child", NULL};
	posix_spawn_file_actions_t actions;
	assert_int_equal(pipe(ends), 0);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
	assert_int_equal(posix_spawn(&pid, "/proc/self/exe", &actions, NULL, argv, environ), 0);
	posix_spawn_file_actions_destroy(&actions);
	close(ends[1]);
	ssize_t got = read(ends[0], out, bytes - 1);
	close(ends[0]);
	int status = 0;
	waitpid(pid, &status, 0);
	assert_int_equal(status, 0);
	assert_true(got > 0);
	out[got] = '\0';
	out[strcspn(out, "\n")] = '\0';
}

static void second_process_is_warm(void **state)
{
	(void)state;
	char *root = gpu_folder(), first[64], second[64];
	char *saved = strdup(getenv("KILN_CACHE_DIR"));
	setenv("KILN_CACHE_DIR", root, 1);
	run_child(first, sizeof first);
	run_child(second, sizeof second);
	setenv("KILN_CACHE_DIR", saved, 1);
	if (stub_driver) {
		assert_true(strcmp(first, "compiled") == 0 || strcmp(first, "unknown") == 0);
		assert_string_equal(second, first);
	} else {
		assert_string_equal(first, "compiled");
		assert_string_equal(second, "disk");
	}
	free(saved);
	free(root);
}

static void same_device_answers_from_memory(void **state)
{
	(void)state;
	struct kiln_build first, second, third;
	struct kiln_kernel *a = GPU_KERNEL(reduce_spv), *b = GPU_KERNEL(reduce_spv);
	gpu_ok(kiln_kernel_resolve(a, &first));
	gpu_ok(kiln_kernel_resolve(a, &second));
	gpu_ok(kiln_kernel_resolve(b, &third));
	assert_int_equal(second.outcome, KILN_OUTCOME_MEMORY);
	assert_int_equal(third.outcome, KILN_OUTCOME_MEMORY);
	assert_int_equal(third.cache_hit, KILN_HIT_TRUE);
	assert_int_equal(third.compile_ns, 0);
	kiln_kernel_destroy(&a);
	kiln_kernel_destroy(&b);
}

static void another_program_misses_because_the_program_changed(void **state)
{
	(void)state;
	char *root = gpu_folder();
	resolve(root, RUN(saxpy_spv));
	struct kiln_build build = resolve(root, RUN(reduce_spv));
	assert_made(&build, KILN_MISS_PROGRAM_CHANGED);
	free(root);
}

static void changed_policy_misses_because_the_policy_changed(void **state)
{
	(void)state;
	const struct kiln_spec_value value = {.id = 0, .size = 4, .value = 8};
	const struct run *const changes[] = {
		RUN(spec_spv, .spec = &value),
		RUN(spec_spv, .workgroup_x = 32),
		RUN(spec_spv, .robust = true),
	};
	char *root = gpu_folder();
	resolve(root, RUN(spec_spv));
	for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
		struct kiln_build build = resolve(root, changes[i]);
		/* Robustness is also an enabled device feature, so it may count as another device. */
		if (changes[i]->robust && build.miss_reason == KILN_MISS_DEVICE_OR_RUNTIME_CHANGED)
			continue;
		assert_made(&build, KILN_MISS_DISPATCH_POLICY_CHANGED);
	}
	scan(root);
	if (!stub_driver)
		assert_int_equal(entry_count, 4);
	free(root);
}

static void the_default_given_explicitly_is_the_same_pipeline(void **state)
{
	(void)state;
	NEEDS_BLOBS();
	char *root = gpu_folder();
	resolve(root, RUN(spec_spv));
	struct kiln_build build = resolve(root, RUN(spec_spv, .workgroup_x = 64));
	assert_from_disk(&build);
	assert_int_equal(build.workgroup_source, KILN_WORKGROUP_EXPLICIT);
	free(root);
}

static void damaged_entries_are_recompiled_and_replaced(void **state)
{
	(void)state;
	NEEDS_BLOBS();
	const struct {
		long offset;
		bool cut;
	} damages[] = {
		{0, false},    {9, false}, {60, false}, {-1, false},
		{-500, false}, {0, true},  {7, true},   {200, true},
	};
	for (size_t i = 0; i < sizeof damages / sizeof *damages; i++) {
		char *root = gpu_folder();
		resolve(root, RUN(saxpy_spv));
		damage(root, damages[i].offset, damages[i].cut);
		struct kiln_build second = resolve(root, RUN(saxpy_spv)),
				  third = resolve(root, RUN(saxpy_spv));
		assert_string_equal(kiln_outcome_name(second.outcome), "compiled");
		assert_from_disk(&third);
		free(root);
	}
}

static void stub_entries_do_not_grow_from_run_to_run(void **state)
{
	(void)state;
	char *root = gpu_folder();
	size_t bytes = 0;
	for (int i = 0; i < 5; i++) {
		struct kiln_build build = resolve(root, RUN(saxpy_spv));
		if (stub_driver) {
			assert_true(build.stub);
			assert_true(build.outcome != KILN_OUTCOME_DISK && build.cache_hit != KILN_HIT_TRUE);
		}
		scan(root);
		if (i > 0)
			assert_int_equal(entry_bytes, bytes);
		bytes = entry_bytes;
		assert_true(entry_count <= 1);
	}
	free(root);
}

static void expecting_warm_makes_a_compile_an_error(void **state)
{
	(void)state;
	char *root = gpu_folder();
	struct kiln_cache *cache = NULL;
	struct kiln_kernel *kernel = NULL;
	gpu_ok(kiln_cache_open(&(struct kiln_cache_params){.root = root, .mode = KILN_CACHE_READ_WRITE},
	                       &cache));
	struct kiln_device *device =
		gpu_open(&(struct kiln_device_params){.cache = cache, .expect_warm = true});
	gpu_ok(kiln_kernel_create(device,
	                          &(struct kiln_kernel_params){.spirv = saxpy_spv,
	                                                       .spirv_bytes = sizeof saxpy_spv},
	                          &kernel));
	gpu_refused(kiln_kernel_resolve(kernel, NULL), KILN_ERR_EXPECTED_WARM);
	assert_non_null(strstr(kiln_error_message(), "empty_cache"));
	gpu_refused(kiln_kernel_resolve(kernel, NULL), KILN_ERR_EXPECTED_WARM); /* nothing was left behind */
	kiln_kernel_destroy(&kernel);
	gpu_close(&device);
	kiln_cache_close(&cache);
	scan(root);
	assert_int_equal(entry_count, 0);
	free(root);
}

static void environment_can_expect_warm_too(void **state)
{
	(void)state;
	char *root = gpu_folder(), outcome[64];
	char *saved = strdup(getenv("KILN_CACHE_DIR"));
	setenv("KILN_CACHE_DIR", root, 1);
	setenv("KILN_CACHE_EXPECT", "warm", 1);
	run_child(outcome, sizeof outcome);
	assert_string_equal(outcome, "KILN_ERR_EXPECTED_WARM");
	unsetenv("KILN_CACHE_EXPECT");
	run_child(outcome, sizeof outcome);
	setenv("KILN_CACHE_EXPECT", "warm", 1);
	run_child(outcome, sizeof outcome);
	if (!stub_driver)
		assert_string_equal(outcome, "disk");
	unsetenv("KILN_CACHE_EXPECT");
	setenv("KILN_CACHE_DIR", saved, 1);
	free(saved);
	free(root);
}

static void cache_that_is_off_leaves_no_trace(void **state)
{
	(void)state;
	char *root = gpu_folder(), outcome[64];
	char *saved = strdup(getenv("KILN_CACHE_DIR"));
	setenv("KILN_CACHE_DIR", root, 1);
	setenv("KILN_CACHE", "off", 1);
	for (int i = 0; i < 2; i++) {
		run_child(outcome, sizeof outcome);
		assert_true(strcmp(outcome, "compiled") == 0 ||
		            (stub_driver && strcmp(outcome, "unknown") == 0));
	}
	unsetenv("KILN_CACHE");
	setenv("KILN_CACHE_DIR", saved, 1);
	scan(root);
	assert_int_equal(entry_count, 0);
	free(saved);
	free(root);
}

static void counters_add_up_to_the_outcomes(void **state)
{
	(void)state;
	struct kiln_device *device = gpu_open(&(struct kiln_device_params){.no_cache = true});
	struct kiln_kernel *kernel = NULL;
	gpu_ok(kiln_kernel_create(device,
	                          &(struct kiln_kernel_params){.spirv = saxpy_spv,
	                                                       .spirv_bytes = sizeof saxpy_spv},
	                          &kernel));
	for (int i = 0; i < 4; i++)
		gpu_ok(kiln_kernel_resolve(kernel, NULL));
	struct kiln_device_counters counters = kiln_device_counters(device);
	assert_int_equal(counters.memory, 3);
	assert_int_equal(counters.compiled + counters.unknown + counters.driver, 1);
	assert_int_equal(counters.disk, 0);
	assert_int_equal(counters.failed, 0);
	kiln_kernel_destroy(&kernel);
	gpu_close(&device);
}

static void manifest_says_what_the_build_says(void **state)
{
	(void)state;
	struct kiln_build build;
	char hex[KILN_DIGEST_HEX];
	struct kiln_kernel *kernel = GPU_KERNEL(saxpy_spv);
	assert_null(kiln_kernel_manifest(kernel));
	gpu_ok(kiln_kernel_resolve(kernel, &build));
	const char *manifest = kiln_kernel_manifest(kernel);
	assert_non_null(manifest);
	const char *const fields[] = {"\"schema\":1,",          "\"backend_id\":\"vulkan\"",
	                              "\"pipeline_id\":\"",     "\"program_digest\":\"",
	                              "\"dispatch_policy\":\"", "\"cache_hit\":",
	                              "\"device\":\"",          "\"workgroup\":[",
	                              "\"compile_ns\":"};
	for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
		assert_non_null(strstr(manifest, fields[i]));
	kiln_hex_encode(&build.identity.digest, hex);
	assert_non_null(strstr(manifest, hex));
	kiln_hex_encode(&build.identity.program, hex);
	assert_non_null(strstr(manifest, hex));
	assert_non_null(strstr(manifest, build.policy));
	kiln_kernel_destroy(&kernel);
}

/* First, because the others depend on it. */
static void blobs_of_the_driver_are_looked_at(void **state)
{
	(void)state;
	struct kiln_build build;
	struct kiln_kernel *kernel = GPU_KERNEL(saxpy_spv);
	gpu_ok(kiln_kernel_resolve(kernel, &build));
	stub_driver = build.stub;
	print_message("blobs of this driver: %s, %llu bytes\n", stub_driver ? "stub" : "real",
	              (unsigned long long)build.blob_bytes);
	assert_true(stub_driver || build.blob_bytes > 32);
	kiln_kernel_destroy(&kernel);
}

int main(int argc, char **argv)
{
	(void)argv;
	if (argc > 1)
		return child();
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blobs_of_the_driver_are_looked_at),
		cmocka_unit_test(the_default_given_explicitly_is_the_same_pipeline),
		cmocka_unit_test(another_program_misses_because_the_program_changed),
		cmocka_unit_test(cache_that_is_off_leaves_no_trace),
		cmocka_unit_test(changed_policy_misses_because_the_policy_changed),
		cmocka_unit_test(counters_add_up_to_the_outcomes),
		cmocka_unit_test(damaged_entries_are_recompiled_and_replaced),
		cmocka_unit_test(environment_can_expect_warm_too),
		cmocka_unit_test(expecting_warm_makes_a_compile_an_error),
		cmocka_unit_test(first_resolve_is_compiled_for_an_empty_cache),
		cmocka_unit_test(manifest_says_what_the_build_says),
		cmocka_unit_test(same_device_answers_from_memory),
		cmocka_unit_test(second_process_is_warm),
		cmocka_unit_test(second_run_comes_from_disk_by_the_drivers_word),
		cmocka_unit_test(stub_entries_do_not_grow_from_run_to_run),
	};
	return GPU_MAIN("cache", tests, true);
}
