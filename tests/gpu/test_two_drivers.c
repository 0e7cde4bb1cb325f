/* Two drivers in one process at once: their functions must not get mixed up, their cache entries neither.
 * The environment lists both manifests; KILN_TEST_FIRST and KILN_TEST_SECOND are the manifests alone. */
#include "harness.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "saxpy_spv.h"

static const char *first_manifest, *second_manifest;
static char first_name[256], second_name[256];

static void use(const char *manifests)
{
	setenv("VK_DRIVER_FILES", manifests, 1);
	setenv("VK_ICD_FILENAMES", manifests, 1);
}

static void use_both(void)
{
	char both[1024];
	snprintf(both, sizeof both, "%s:%s", first_manifest, second_manifest);
	use(both);
}

/* gpu_assert_usable() on each in turn: calls alternate between the drivers. */
static void assert_both_work(struct kiln_device *a, struct kiln_device *b)
{
	for (int i = 0; i < 3; i++) {
		gpu_device = a;
		gpu_assert_usable();
		gpu_device = b;
		gpu_assert_usable();
	}
	gpu_device = NULL;
}

static void each_manifest_names_another_device(void **state)
{
	(void)state;
	use(first_manifest);
	struct kiln_device *device = gpu_open(NULL);
	snprintf(first_name, sizeof first_name, "%s", kiln_device_info(device)->name);
	gpu_close(&device);
	use(second_manifest);
	device = gpu_open(NULL);
	snprintf(second_name, sizeof second_name, "%s", kiln_device_info(device)->name);
	gpu_close(&device);
	print_message("first: %s, second: %s\n", first_name, second_name);
	assert_string_not_equal(first_name, second_name);
}

static void environment_changed_between_opens_gives_two_drivers(void **state)
{
	(void)state;
	use(first_manifest);
	struct kiln_device *a = gpu_open(NULL);
	use(second_manifest);
	struct kiln_device *b = gpu_open(NULL);
	assert_string_equal(kiln_device_info(a)->name, first_name);
	assert_string_equal(kiln_device_info(b)->name, second_name);
	assert_both_work(a, b);
	gpu_close(&a);
	gpu_device = b;
	gpu_assert_usable();
	gpu_close(&gpu_device);
}

static void both_drivers_listed_are_selected_by_name(void **state)
{
	(void)state;
	use_both();
	struct kiln_device *a = gpu_open(&(struct kiln_device_params){.select = first_name});
	struct kiln_device *b = gpu_open(&(struct kiln_device_params){.select = second_name});
	assert_string_equal(kiln_device_info(a)->name, first_name);
	assert_string_equal(kiln_device_info(b)->name, second_name);
	assert_both_work(a, b);
	gpu_close(&b);
	gpu_device = a;
	gpu_assert_usable();
	gpu_close(&gpu_device);
}

static void best_of_both_can_launch_when_one_can(void **state)
{
	(void)state;
	struct kiln_device_info *infos = NULL;
	size_t count = 0;
	bool any = false;
	use_both();
	gpu_ok(kiln_device_list(&infos, &count));
	assert_true(count >= 2);
	for (size_t i = 0; i < count; i++)
		any |= infos[i].can_launch;
	assert_true(infos[0].can_launch == any);
	kiln_device_list_free(&infos);
}

static struct kiln_build resolve_on(const char *name, struct kiln_cache *cache)
{
	struct kiln_build build;
	struct kiln_kernel *kernel = NULL;
	struct kiln_device *device = gpu_open(&(struct kiln_device_params){.select = name, .cache = cache});
	gpu_ok(kiln_kernel_create(device,
	                          &(struct kiln_kernel_params){.spirv = saxpy_spv,
	                                                       .spirv_bytes = sizeof saxpy_spv},
	                          &kernel));
	gpu_ok(kiln_kernel_resolve(kernel, &build));
	kiln_kernel_destroy(&kernel);
	gpu_close(&device);
	return build;
}

static void the_other_drivers_entry_is_a_miss_that_says_so(void **state)
{
	(void)state;
	char *root = gpu_folder();
	struct kiln_cache *cache = NULL;
	use_both();
	gpu_ok(kiln_cache_open(&(struct kiln_cache_params){.root = root, .mode = KILN_CACHE_READ_WRITE},
	                       &cache));
	struct kiln_build first = resolve_on(first_name, cache), second = resolve_on(second_name, cache);
	assert_int_equal(first.miss_reason, KILN_MISS_EMPTY_CACHE);
	assert_true(kiln_digest_equal(&first.identity.program, &second.identity.program));
	assert_false(kiln_digest_equal(&first.identity.device, &second.identity.device));
	assert_true(second.outcome != KILN_OUTCOME_DISK && second.outcome != KILN_OUTCOME_MEMORY);
	assert_string_equal(kiln_miss_reason_name(second.miss_reason), "device_or_runtime_changed");
	kiln_cache_close(&cache);
	free(root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_manifest_names_another_device),
		cmocka_unit_test(best_of_both_can_launch_when_one_can),
		cmocka_unit_test(both_drivers_listed_are_selected_by_name),
		cmocka_unit_test(environment_changed_between_opens_gives_two_drivers),
		cmocka_unit_test(the_other_drivers_entry_is_a_miss_that_says_so),
	};
	first_manifest = getenv("KILN_TEST_FIRST");
	second_manifest = getenv("KILN_TEST_SECOND");
	if (!first_manifest || !second_manifest || access(first_manifest, R_OK) != 0 ||
	    access(second_manifest, R_OK) != 0) {
		printf("SKIP two_drivers: needs two drivers. Fix: tools/setup.sh\n");
		return 77;
	}
	return GPU_MAIN("two_drivers", tests, false);
}
