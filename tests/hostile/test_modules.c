/* Shader modules: the variants of one program share one, and none outlives its last kernel. */
#include <kiln/kiln.h>

#include <stdlib.h>

#include "place.h"
#include "test.h"

#include "saxpy_spv.h"

static struct kiln_kernel *variant(struct kiln_device *device, uint32_t width)
{
	struct kiln_kernel *kernel = NULL;

	assert_int_equal(kiln_kernel_create(device,
	                                    &(struct kiln_kernel_params){.spirv = saxpy_spv,
	                                                                 .spirv_bytes = sizeof(saxpy_spv),
	                                                                 .workgroup = {width},
	                                                                 .guarded = true},
	                                    &kernel),
	                 KILN_OK);
	return kernel;
}

static struct kiln_device *open_at(const struct place *place)
{
	struct kiln_device *device = NULL;

	setenv("HOSTILE", "", 1);
	setenv("HOSTILE_LOG", place->log, 1);
	setenv("KILN_CACHE_DIR", place->cache, 1);
	assert_int_equal(kiln_device_open(NULL, &device), KILN_OK);
	return device;
}

static void variants_of_one_program_share_its_module(void **state)
{
	struct kiln_kernel *kernels[4];
	struct kiln_device *device;
	struct place place;

	(void)state;
	place_create(&place);
	device = open_at(&place);
	for (unsigned i = 0; i < 4; i++)
		kernels[i] = variant(device, 1u << i);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(kiln_kernel_resolve(kernels[i], NULL), KILN_OK);
	assert_int_equal(place_events(&place, "compile saxpy\n"), 4);
	assert_int_equal(place_events(&place, "module\n"), 1);
	for (unsigned i = 0; i < 4; i++)
		kiln_kernel_destroy(&kernels[i]);
	kiln_device_close(&device); /* says what was left behind */
	assert_int_equal(place_events(&place, "misuse"), 0);
	place_remove(&place);
}

/* It went with the last of its kernels, and a lone kernel's with its resolve. */
static void module_of_a_lone_kernel_is_not_kept(void **state)
{
	struct kiln_device *device;
	struct place place;

	(void)state;
	place_create(&place);
	device = open_at(&place);
	for (unsigned i = 0; i < 3; i++) {
		struct kiln_kernel *kernel = variant(device, 1u << i);

		assert_int_equal(kiln_kernel_resolve(kernel, NULL), KILN_OK);
		kiln_kernel_destroy(&kernel);
	}
	assert_int_equal(place_events(&place, "module\n"), 3);
	kiln_device_close(&device);
	assert_int_equal(place_events(&place, "misuse"), 0);
	place_remove(&place);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(module_of_a_lone_kernel_is_not_kept),
		cmocka_unit_test(variants_of_one_program_share_its_module),
	};

	return cmocka_run_group_tests_name("hostile modules", tests, NULL, NULL);
}
