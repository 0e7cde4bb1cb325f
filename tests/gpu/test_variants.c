/* One kernel at two sizes: threads are never rounded up further than the kernel's own size does, unless it is declared
 * guarded, or the caller asked for the size. */
#include "harness.h"

#include "spec_spv.h"

/* The workgroup size that a launch of `threads` ran with, as the kernel itself saw it. */
static uint32_t width_seen(struct kiln_kernel_params params, uint32_t threads)
{
	uint32_t got[7];
	struct kiln_kernel *kernel = NULL;
	struct kiln_buffer *out = gpu_buffer(sizeof got, NULL);
	params.spirv = spec_spv;
	params.spirv_bytes = sizeof spec_spv;
	gpu_ok(kiln_kernel_create(gpu_device, &params, &kernel));
	gpu_ok(kiln_launch(kernel, &(struct kiln_launch_params){ .threads = { threads }, .buffers = { out } }));
	gpu_ok(kiln_buffer_read(out, 0, got, sizeof got));
	kiln_buffer_destroy(&out);
	kiln_kernel_destroy(&kernel);
	return got[4];
}

#define WIDTH(threads, ...) width_seen((struct kiln_kernel_params){ __VA_ARGS__ }, (threads))

static void size_that_rounds_no_further_is_used(void **state)
{
	(void)state;
	GPU_NEEDS_LAUNCH();
	assert_int_equal(WIDTH(64, .name = NULL), 64);
	assert_int_equal(WIDTH(128, .name = NULL), 64);
}

static void unguarded_kernel_keeps_its_own_size_elsewhere(void **state)
{
	(void)state;
	GPU_NEEDS_LAUNCH();
	assert_int_equal(WIDTH(1, .name = NULL), 1);
	assert_int_equal(WIDTH(65, .name = NULL), 1);
}

static void guarded_kernel_has_one_size(void **state)
{
	(void)state;
	GPU_NEEDS_LAUNCH();
	assert_int_equal(WIDTH(1, .guarded = true), 64);
	assert_int_equal(WIDTH(65, .guarded = true), 64);
}

static void size_that_was_asked_for_stands(void **state)
{
	(void)state;
	GPU_NEEDS_LAUNCH();
	const struct kiln_spec_value width = { .id = 10, .size = 4, .value = 16 };
	assert_int_equal(WIDTH(1, .workgroup = { 32 }), 32);
	assert_int_equal(WIDTH(1, .spec = &width, .spec_count = 1), 16);
}

static void bytes_beyond_a_constants_size_do_not_count(void **state)
{
	(void)state;
	struct kiln_build builds[2];
	const struct kiln_spec_value values[2] = { { .id = 0, .size = 4, .value = 5 }, { .id = 0, .size = 4, .value = 5 | 1ull << 40 } };
	for (int i = 0; i < 2; i++) {
		struct kiln_kernel *kernel = NULL;
		struct kiln_kernel_params params = {
			.spirv = spec_spv, .spirv_bytes = sizeof spec_spv, .spec = &values[i], .spec_count = 1,
		};
		gpu_ok(kiln_kernel_create(gpu_device, &params, &kernel));
		gpu_ok(kiln_kernel_resolve(kernel, &builds[i]));
		kiln_kernel_destroy(&kernel);
	}
	assert_memory_equal(&builds[0].identity, &builds[1].identity, sizeof builds[0].identity);
	assert_memory_equal(&builds[0].tune_key, &builds[1].tune_key, sizeof builds[0].tune_key);
	assert_int_equal(builds[1].outcome, KILN_OUTCOME_MEMORY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_beyond_a_constants_size_do_not_count),
		cmocka_unit_test(guarded_kernel_has_one_size),
		cmocka_unit_test(size_that_rounds_no_further_is_used),
		cmocka_unit_test(size_that_was_asked_for_stands),
		cmocka_unit_test(unguarded_kernel_keeps_its_own_size_elsewhere),
	};
	return GPU_MAIN("variants", tests, true);
}
