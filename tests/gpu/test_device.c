/* Opening, closing, listing and choosing devices on a real driver. */
#include "harness.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void device_opens_and_closes_again_and_again(void **state)
{
	(void)state;
	for (int i = 0; i < 5; i++) {
		struct kiln_device *device = gpu_open(NULL);
		gpu_close(&device);
	}
	gpu_assert_usable();
}

static void closing_nothing_is_fine(void **state)
{
	(void)state;
	struct kiln_device *none = NULL;
	kiln_device_close(NULL);
	kiln_device_close(&none);
	assert_null(kiln_device_info(NULL));
}

static void info_is_sane(void **state)
{
	(void)state;
	const struct kiln_device_info *info = gpu_info();
	assert_non_null(info);
	assert_true(strlen(info->name) > 0);
	assert_true(strncmp(info->adapter, "vulkan-", 7) == 0);
	assert_true(info->can_compute);
	assert_true(info->score >= 0);
	assert_true(strlen(info->why) > 0);
	assert_true(info->max_workgroup_threads >= 128);
	assert_true(info->max_push_bytes >= 128);
	assert_true(info->max_shared_bytes >= 16384);
	assert_true(info->max_bindings >= 4);
	for (int i = 0; i < 3; i++) {
		assert_true(info->max_workgroup_size[i] >= 64);
		assert_true(info->max_workgroup_count[i] >= 65535);
	}
	assert_true(info->timestamp_period_ns >= 0 && info->timestamp_period_ns < 1e6);
	if (info->can_launch)
		assert_true(info->device_memory_bytes + info->host_memory_bytes > 0);
}

static void adapter_has_only_lower_case_digits_dots_and_dashes(void **state)
{
	(void)state;
	for (const char *c = gpu_info()->adapter; *c; c++)
		assert_true((*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9') || *c == '.' || *c == '-');
}

static void list_is_sorted_and_names_the_open_device(void **state)
{
	(void)state;
	struct kiln_device_info *infos = NULL;
	size_t count = 0;
	bool found = false;
	gpu_ok(kiln_device_list(&infos, &count));
	assert_true(count > 0);
	for (size_t i = 0; i < count; i++) {
		assert_true(i == 0 || infos[i - 1].score >= infos[i].score);
		found |= strcmp(infos[i].name, gpu_info()->name) == 0;
	}
	assert_true(found);
	kiln_device_list_free(&infos);
	assert_null(infos);
}

static void assert_selects(const char *select)
{
	struct kiln_device *device = gpu_open(&(struct kiln_device_params){.select = select});
	assert_string_equal(kiln_device_info(device)->name, gpu_info()->name);
	gpu_close(&device);
}

static void device_is_selected_by_index_name_part_and_uuid(void **state)
{
	(void)state;
	char text[64], upper[8];
	snprintf(text, sizeof text, "%u", gpu_info()->index);
	assert_selects(text);
	snprintf(upper, sizeof upper, "%.5s", gpu_info()->name);
	for (char *c = upper; *c; c++)
		*c = (char)toupper((unsigned char)*c);
	assert_selects(upper);
	for (int i = 0; i < 16; i++)
		snprintf(text + 2 * i, 3, "%02x", gpu_info()->uuid[i]);
	assert_selects(text);
}

static void device_is_selected_by_type(void **state)
{
	(void)state;
	assert_selects(gpu_info()->type == KILN_DEVICE_CPU ? "cpu" : "gpu");
}

static void selecting_what_is_not_there_is_refused(void **state)
{
	(void)state;
	struct kiln_device *device = NULL;
	const char *const absent[] = {"no such device", "4000000000", "00000000000000000000000000000bad"};
	for (size_t i = 0; i < sizeof absent / sizeof *absent; i++) {
		struct kiln_device_params params = {.select = absent[i]};
		gpu_refused(kiln_device_open(&params, &device), KILN_ERR_NO_DEVICE);
		assert_null(device);
	}
	gpu_assert_usable();
}

static void nonsense_in_the_environment_warns_and_is_not_an_error(void **state)
{
	(void)state;
	gpu_forget_log();
	setenv("KILN_DEVICE", "no such device", 1);
	setenv("KILN_PIPELINE_CACHE_ENTRIES", "minus seven", 1);
	setenv("KILN_CACHE_EXPECT", "lukewarm", 1);
	setenv("KILN_AUTOTUNE", "perhaps", 1);
	struct kiln_device *device = gpu_open(NULL);
	unsetenv("KILN_DEVICE");
	unsetenv("KILN_PIPELINE_CACHE_ENTRIES");
	unsetenv("KILN_CACHE_EXPECT");
	unsetenv("KILN_AUTOTUNE");
	assert_string_equal(kiln_device_info(device)->name, gpu_info()->name);
	assert_true(gpu_logged("KILN_DEVICE"));
	assert_true(gpu_logged("KILN_PIPELINE_CACHE_ENTRIES"));
	assert_true(gpu_logged("KILN_CACHE_EXPECT"));
	gpu_close(&device);
}

static void fingerprint_is_the_same_at_every_open(void **state)
{
	(void)state;
	struct kiln_device *other = gpu_open(NULL);
	struct kiln_digest a = kiln_fingerprint_digest(kiln_device_fingerprint(gpu_device));
	struct kiln_digest b = kiln_fingerprint_digest(kiln_device_fingerprint(other));
	assert_true(kiln_digest_equal(&a, &b));
	gpu_close(&other);
}

static void two_devices_of_one_driver_work_at_once(void **state)
{
	(void)state;
	struct kiln_device *first = gpu_device;
	struct kiln_device *second = gpu_open(NULL);
	struct kiln_ticket ticket;
	gpu_assert_usable();
	if (gpu_info()->can_launch) {
		gpu_ok(kiln_stream_submit(kiln_device_stream(gpu_device), &ticket));
		gpu_ok(kiln_ticket_wait(gpu_device, ticket, KILN_WAIT_FOREVER));
		gpu_refused(kiln_ticket_wait(second, ticket, 0), KILN_ERR_FOREIGN_OBJECT);
		gpu_refused(kiln_stream_after(kiln_device_stream(second), ticket), KILN_ERR_FOREIGN_OBJECT);
	}
	gpu_device = second;
	gpu_assert_usable();
	gpu_device = first;
	gpu_close(&second);
	gpu_assert_usable();
}

static void unusable_cache_root_costs_persistence_and_nothing_else(void **state)
{
	(void)state;
	char *folder = gpu_folder(), *file = NULL;
	assert_true(asprintf(&file, "%s/file", folder) > 0);
	FILE *made = fopen(file, "w");
	assert_non_null(made);
	fclose(made);
	const char *const roots[] = {file, "/proc/kiln-cache", "/sys/kiln-cache"};
	char *saved = strdup(getenv("KILN_CACHE_DIR"));
	struct kiln_device *shared = gpu_device;
	for (size_t i = 0; i < sizeof roots / sizeof *roots; i++) {
		gpu_forget_log();
		setenv("KILN_CACHE_DIR", roots[i], 1);
		gpu_device = gpu_open(NULL);
		assert_null(kiln_device_cache(gpu_device));
		assert_true(gpu_warnings() >= 1);
		assert_true(gpu_logged("Fix: "));
		gpu_assert_usable();
		gpu_close(&gpu_device);
	}
	gpu_device = shared;
	setenv("KILN_CACHE_DIR", saved, 1);
	free(saved);
	free(file);
	free(folder);
}

/* Warnings of a day's work on the default cache with this root. */
static unsigned warnings_at(const char *root)
{
	char *saved = strdup(getenv("KILN_CACHE_DIR"));
	struct kiln_device *shared = gpu_device;
	unsigned warnings;
	gpu_forget_log();
	setenv("KILN_CACHE_DIR", root, 1);
	gpu_device = gpu_open(NULL);
	assert_null(kiln_device_cache(gpu_device));
	gpu_assert_usable();
	gpu_assert_usable();
	gpu_close(&gpu_device);
	warnings = gpu_warnings();
	gpu_device = shared;
	setenv("KILN_CACHE_DIR", saved, 1);
	free(saved);
	return warnings;
}

static void refused_root_warns_exactly_once(void **state)
{
	(void)state;
	char *root = gpu_folder();
	assert_int_equal(chmod(root, 0777), 0);
	assert_int_equal(warnings_at(root), 1);
	assert_true(gpu_logged("others can write"));
	free(root);
}

static void root_of_someone_else_warns_exactly_once(void **state)
{
	(void)state;
	if (geteuid() != 0)
		gpu_skip(__func__, "only root can give a folder away");
	char *root = gpu_folder();
	assert_int_equal(chmod(root, 0700), 0);
	assert_int_equal(chown(root, 54321, 54321), 0);
	assert_int_equal(warnings_at(root), 1);
	assert_true(gpu_logged("belongs to user 54321"));
	assert_int_equal(chown(root, 0, 0), 0);
	free(root);
}

static void compile_only_device_refuses_buffers_and_still_compiles(void **state)
{
	(void)state;
	if (gpu_info()->can_launch)
		gpu_skip(__func__, "this device can launch");
	struct kiln_buffer *buffer = NULL;
	gpu_refused(kiln_buffer_create(gpu_device, &(struct kiln_buffer_params){.bytes = 64}, &buffer),
	            KILN_ERR_COMPILE_ONLY);
	assert_null(buffer);
	gpu_assert_usable();
}

static void waiting_for_an_idle_device_succeeds(void **state)
{
	(void)state;
	gpu_ok(kiln_device_wait(gpu_device));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(adapter_has_only_lower_case_digits_dots_and_dashes),
		cmocka_unit_test(closing_nothing_is_fine),
		cmocka_unit_test(compile_only_device_refuses_buffers_and_still_compiles),
		cmocka_unit_test(device_is_selected_by_index_name_part_and_uuid),
		cmocka_unit_test(device_is_selected_by_type),
		cmocka_unit_test(device_opens_and_closes_again_and_again),
		cmocka_unit_test(fingerprint_is_the_same_at_every_open),
		cmocka_unit_test(info_is_sane),
		cmocka_unit_test(list_is_sorted_and_names_the_open_device),
		cmocka_unit_test(nonsense_in_the_environment_warns_and_is_not_an_error),
		cmocka_unit_test(refused_root_warns_exactly_once),
		cmocka_unit_test(root_of_someone_else_warns_exactly_once),
		cmocka_unit_test(selecting_what_is_not_there_is_refused),
		cmocka_unit_test(two_devices_of_one_driver_work_at_once),
		cmocka_unit_test(unusable_cache_root_costs_persistence_and_nothing_else),
		cmocka_unit_test(waiting_for_an_idle_device_succeeds),
	};
	return GPU_MAIN("device", tests, true);
}
