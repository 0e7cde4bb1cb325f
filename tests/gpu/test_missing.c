/* A machine without a loader or a driver: each its own status and sentence, and the process goes on when
 * they are back. */
#include "harness.h"

#include <stdio.h>
#include <string.h>

#include "loader.h"

static void missing_loader_is_a_sentence(void **state)
{
	(void)state;
	PFN_vkGetInstanceProcAddr get = NULL;
	gpu_refused(kiln_loader_open("libno-such-vulkan.so.1", &get), KILN_ERR_NO_LOADER);
	assert_null(get);
	gpu_ok(kiln_loader_open(NULL, &get));
	assert_non_null(get);
}

static void missing_driver_is_a_sentence(void **state)
{
	(void)state;
	char *files = strdup(getenv("VK_DRIVER_FILES"));
	setenv("VK_DRIVER_FILES", "/nonexistent/icd.json", 1);
	setenv("VK_ICD_FILENAMES", "/nonexistent/icd.json", 1);

	struct kiln_device *device = NULL;
	struct kiln_device_info *infos = NULL;
	size_t count = 0;
	gpu_refused(kiln_device_open(NULL, &device), KILN_ERR_NO_DRIVER);
	assert_null(device);
	gpu_refused(kiln_device_list(&infos, &count), KILN_ERR_NO_DRIVER);
	assert_null(infos);

	setenv("VK_DRIVER_FILES", files, 1);
	setenv("VK_ICD_FILENAMES", files, 1);
	free(files);
	gpu_device = gpu_open(NULL);
	gpu_assert_usable();
	gpu_close(&gpu_device);
}

/* The loader of 1.3.239 calls a manifest that does not parse "out of host memory", hence any error. */
static void damaged_manifest_is_an_error(void **state)
{
	(void)state;
	char *folder = gpu_folder(), *manifest = NULL;
	char *files = strdup(getenv("VK_DRIVER_FILES"));
	assert_true(asprintf(&manifest, "%s/icd.json", folder) > 0);
	FILE *file = fopen(manifest, "w");
	assert_non_null(file);
	fputs("{ \"file_format_version\": ", file);
	fclose(file);
	setenv("VK_DRIVER_FILES", manifest, 1);
	setenv("VK_ICD_FILENAMES", manifest, 1);

	struct kiln_device *device = NULL;
	enum kiln_status status = kiln_device_open(NULL, &device);
	setenv("VK_DRIVER_FILES", files, 1);
	setenv("VK_ICD_FILENAMES", files, 1);
	gpu_refused(status, KILN_OK);
	assert_null(device);
	gpu_device = gpu_open(NULL);
	gpu_assert_usable();
	gpu_close(&gpu_device);
	free(manifest);
	free(folder);
	free(files);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(damaged_manifest_is_an_error),
		cmocka_unit_test(missing_driver_is_a_sentence),
		cmocka_unit_test(missing_loader_is_a_sentence),
	};
	return GPU_MAIN("missing", tests, false);
}
