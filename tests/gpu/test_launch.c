/* Launches and their results: every shape of kernel interface, on real threads. */
#include "harness.h"

#include <string.h>

#include "count_spv.h"
#include "empty_spv.h"
#include "grid2d_spv.h"
#include "grid3d_spv.h"
#include "header_spv.h"
#include "push_spv.h"
#include "reduce_spv.h"
#include "saxpy_spv.h"
#include "sets_spv.h"
#include "spec_spv.h"
#include "uniform_spv.h"

struct saxpy_push {
	uint32_t n;
	float a;
};

static void saxpy_is_right_for_awkward_sizes(void **state)
{
	(void)state;
	GPU_NEEDS_LAUNCH();
	const uint32_t sizes[] = {1, 63, 64, 65, 1000, 65537, 1u << 20};
	struct kiln_kernel *kernel = GPU_KERNEL(saxpy_spv);
	for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
		uint32_t n = sizes[s];
		float *data = malloc(n * sizeof *data);
		assert_non_null(data);
		for (uint32_t i = 0; i < n; i++)
			data[i] = (float)(i % 1024);
		struct kiln_buffer *x = gpu_buffer(n * 4u, data), *y = gpu_buffer(n * 4u, data);
		struct saxpy_push push = {n, 2.0f};
		gpu_ok(kiln_launch(kernel, &(struct kiln_launch_params){.threads = {n},
		                                                        .buffers = {x, y},
		                                                        .push = &push,
		                                                        .push_bytes = sizeof push}));
		gpu_ok(kiln_buffer_read(y, 0, data, n * 4u));
		for (uint32_t i = 0; i < n; i++)
			assert_true(data[i] == 3.0f * (float)(i % 1024));
		kiln_buffer_destroy(&x);
		kiln_buffer_destroy(&y);
		free(data);
	}
	kiln_kernel_destroy(&kernel);
}

static void reduction_in_several_launches_is_right(void **state)
{
	(void)state;
	GPU_NEEDS_LAUNCH();
	uint32_t n = 100000, left = n;
	struct kiln_kernel *kernel = GPU_KERNEL(reduce_spv);
	struct kiln_buffer *from = gpu_buffer_counting(n, 0), *to = gpu_buffer(n * 4u, NULL);
	while (left > 1) {
		gpu_ok(kiln_launch(kernel, &(struct kiln_launch_params){.threads = {left},
		                                                        .buffers = {from, to},
		                                                        .push = &left,
		                                                        .push_bytes = 4}));
		struct kiln_buffer *swap = from;
		from = to;
		to = swap;
		left = (left + 63) / 64;
	}
	uint32_t sum = 0;
	gpu_ok(kiln_buffer_read(from, 0, &sum, 4));
	assert_int_equal(sum, (uint32_t)((uint64_t)n * (n - 1) / 2));
	kiln_buffer_destroy(&from);
	kiln_buffer_destroy(&to);
	kiln_kernel_destroy(&kernel);
}

static void two_dimensional_grid_covers_every_element_once(void **state)
{
	(void)state;
	GPU_NEEDS_LAUNCH();
	const uint32_t push[2] = {123, 77};
	struct kiln_kernel *kernel = GPU_KERNEL(grid2d_spv);
	struct kiln_buffer *out = gpu_buffer(push[0] * push[1] * 4, NULL);
	gpu_ok(kiln_launch(kernel, &(struct kiln_launch_params){.threads = {push[0], push[1]},
	                                                        .buffers = {out},
	                                                        .push = push,
	                                                        .push_bytes = sizeof push}));
	uint32_t *got = gpu_read(out, push[0] * push[1]);
	for (uint32_t y = 0; y < push[1]; y++)
		for (uint32_t x = 0; x < push[0]; x++)
			assert_int_equal(got[y * push[0] + x], y << 16 | x);
	free(got);
	kiln_buffer_destroy(&out);
	kiln_kernel_destroy(&kernel);
}

static void three_dimensional_grid_covers_every_element_once(void **state)
{
	(void)state;
	GPU_NEEDS_LAUNCH();
	const uint32_t size[3] = {21, 10, 7};
	struct kiln_kernel *kernel = GPU_KERNEL(grid3d_spv);
	struct kiln_buffer *out = gpu_buffer(size[0] * size[1] * size[2] * 4, NULL);
	gpu_ok(kiln_launch(kernel, &(struct kiln_launch_params){.threads = {size[0], size[1], size[2]},
	                                                        .buffers = {out},
	                                                        .push = size,
	                                                        .push_bytes = sizeof size}));
	uint32_t *got = gpu_read(out, size[0] * size[1] * size[2]);
	for (uint32_t z = 0; z < size[2]; z++)
		for (uint32_t y = 0; y < size[1]; y++)
			for (uint32_t x = 0; x < size[0]; x++)
				assert_int_equal(got[(z * size[1] + y) * size[0] + x], z << 20 | y << 10 | x);
	free(got);
	kiln_buffer_destroy(&out);
	kiln_kernel_destroy(&kernel);
}

static void push_constants_arrive_whole(void **state)
{
	(void)state;
	GPU_NEEDS_LAUNCH();
	uint32_t push[32];
	for (uint32_t i = 0; i < 32; i++)
		push[i] = 0x01010101u * i + 7u;
	struct kiln_kernel *kernel = GPU_KERNEL(push_spv);
	struct kiln_buffer *out = gpu_buffer(sizeof push, NULL);
	gpu_ok(kiln_launch(kernel, &(struct kiln_launch_params){.threads = {32},
	                                                        .buffers = {out},
	                                                        .push = push,
	                                                        .push_bytes = sizeof push}));
	uint32_t *got = gpu_read(out, 32);
	assert_memory_equal(got, push, sizeof push);
	free(got);
	kiln_buffer_destroy(&out);
	kiln_kernel_destroy(&kernel);
}

static void assert_spec(const struct kiln_kernel_params *params, const uint32_t expected[7])
{
	struct kiln_kernel *kernel = NULL;
	gpu_ok(kiln_kernel_create(gpu_device, params, &kernel));
	struct kiln_buffer *out = gpu_buffer(28, NULL);
	gpu_ok(kiln_launch(kernel, &(struct kiln_launch_params){.threads = {1}, .buffers = {out}}));
	uint32_t *got = gpu_read(out, 7);
	for (int i = 0; i < 7; i++)
		assert_int_equal(got[i], expected[i]);
	free(got);
	kiln_buffer_destroy(&out);
	kiln_kernel_destroy(&kernel);
}

static void specialisation_reaches_the_kernel(void **state)
{
	(void)state;
	GPU_NEEDS_LAUNCH();
	const struct kiln_spec_value values[] = {
		{.id = 3, .size = 4, .value = 0xffffff9cu}, /* -100 */
		{.id = 0, .size = 4, .value = 42},
		{.id = 2, .size = 4, .value = 1},
		{.id = 1, .size = 4, .value = 0x40490fdb}, /* pi */
	};
	struct kiln_kernel_params params = {
		.spirv = spec_spv,
		.spirv_bytes = sizeof spec_spv,
		.spec = values,
		.spec_count = 4,
		.workgroup = {8, 4, 2},
	};
	assert_spec(&params, (const uint32_t[]){42, 0x40490fdb, 1, 0xffffff9cu, 8, 4, 2});
}

static void constants_not_named_keep_their_defaults(void **state)
{
	(void)state;
	GPU_NEEDS_LAUNCH();
	const struct kiln_spec_value value = {.id = 0, .size = 4, .value = 9};
	struct kiln_kernel_params params = {
		.spirv = spec_spv,
		.spirv_bytes = sizeof spec_spv,
		.spec = &value,
		.spec_count = 1,
		.workgroup = {2, 1, 1},
	};
	assert_spec(&params, (const uint32_t[]){9, 0x3fc00000, 0, 0xfffffffdu, 2, 1, 1});
}

static void size_that_is_all_ones_gets_the_rule(void **state)
{
	(void)state;
	struct kiln_build build;
	struct kiln_kernel *kernel = GPU_KERNEL(spec_spv);
	gpu_ok(kiln_kernel_resolve(kernel, &build));
	assert_int_equal(build.workgroup_source, KILN_WORKGROUP_RULE);
	assert_int_equal(build.workgroup[0], 64);
	assert_int_equal(build.workgroup[1], 1);
	assert_int_equal(build.workgroup[2], 1);
	kiln_kernel_destroy(&kernel);
}

static void buffers_go_in_set_and_binding_order(void **state)
{
	(void)state;
	GPU_NEEDS_LAUNCH();
	uint32_t n = 500;
	struct kiln_kernel *kernel = GPU_KERNEL(sets_spv);
	struct kiln_buffer *a0 = gpu_buffer_counting(n, 1), *a1 = gpu_buffer_counting(n, 2);
	struct kiln_buffer *b = gpu_buffer_counting(n, 3), *out = gpu_buffer(n * 4, NULL);
	gpu_ok(kiln_launch(kernel, &(struct kiln_launch_params){.threads = {n},
	                                                        .buffers = {a0, a1, b, out},
	                                                        .push = &n,
	                                                        .push_bytes = 4}));
	uint32_t *got = gpu_read(out, n);
	for (uint32_t i = 0; i < n; i++)
		assert_int_equal(got[i], (i + 1) + 10 * (i + 2) + 100 * (i + 3));
	free(got);
	kiln_buffer_destroy(&a0);
	kiln_buffer_destroy(&a1);
	kiln_buffer_destroy(&b);
	kiln_buffer_destroy(&out);
	kiln_kernel_destroy(&kernel);
}

static void uniform_blocks_are_buffers_too(void **state)
{
	(void)state;
	GPU_NEEDS_LAUNCH();
	enum { N = 200 };
	const struct {
		float scale[4];
		uint32_t n, offset, pad[2];
	} facts = {{1, 2, 3, 4}, N, 5, {0, 0}};
	float data[N * 4];
	for (int i = 0; i < N * 4; i++)
		data[i] = (float)i;
	struct kiln_kernel *kernel = GPU_KERNEL(uniform_spv);
	struct kiln_buffer *block = gpu_buffer(sizeof facts, &facts), *out = gpu_buffer(sizeof data, data);
	gpu_ok(kiln_launch(kernel, &(struct kiln_launch_params){.threads = {N}, .buffers = {block, out}}));
	gpu_ok(kiln_buffer_read(out, 0, data, sizeof data));
	for (int i = 0; i < N * 4; i++)
		assert_true(data[i] == (float)i * facts.scale[i % 4] + 5.0f);
	kiln_buffer_destroy(&block);
	kiln_buffer_destroy(&out);
	kiln_kernel_destroy(&kernel);
}

static void ranges_of_buffers_are_arguments(void **state)
{
	(void)state;
	GPU_NEEDS_LAUNCH();
	enum { N = 1024 };
	float ones[N];
	for (int i = 0; i < N; i++)
		ones[i] = 1.0f;
	struct saxpy_push push = {256, 10.0f};
	struct kiln_kernel *kernel = GPU_KERNEL(saxpy_spv);
	struct kiln_buffer *x = gpu_buffer(sizeof ones, ones), *y = gpu_buffer(sizeof ones, ones);
	const struct kiln_arg args[] = {{x, 0, 1024}, {y, 1024, 1024}};
	gpu_ok(kiln_launch(kernel, &(struct kiln_launch_params){.threads = {256},
	                                                        .args = args,
	                                                        .arg_count = 2,
	                                                        .push = &push,
	                                                        .push_bytes = sizeof push}));
	gpu_ok(kiln_buffer_read(y, 0, ones, sizeof ones));
	for (int i = 0; i < N; i++)
		assert_true(ones[i] == (i >= 256 && i < 512 ? 11.0f : 1.0f));
	kiln_buffer_destroy(&x);
	kiln_buffer_destroy(&y);
	kiln_kernel_destroy(&kernel);
}

static void range_length_is_what_the_kernel_sees(void **state)
{
	(void)state;
	GPU_NEEDS_LAUNCH();
	struct kiln_kernel *kernel = GPU_KERNEL(header_spv);
	struct kiln_buffer *data = gpu_buffer(4096, NULL);
	const struct {
		struct kiln_arg arg;
		uint32_t length;
	} cases[] = {
		{{data, 0, 0}, (4096 - 64) / 4},
		{{data, 0, 64 + 40}, 10},
		{{data, 1024, 0}, (3072 - 64) / 4},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		uint32_t length = 0;
		gpu_ok(kiln_launch(kernel, &(struct kiln_launch_params){.threads = {1},
		                                                        .args = &cases[i].arg,
		                                                        .arg_count = 1}));
		gpu_ok(kiln_buffer_read(data, cases[i].arg.offset + 64, &length, 4));
		assert_int_equal(length, cases[i].length);
	}
	kiln_buffer_destroy(&data);
	kiln_kernel_destroy(&kernel);
}

static void assert_count(uint32_t threads, uint32_t all)
{
	uint32_t got[2];
	struct kiln_kernel *kernel = GPU_KERNEL(count_spv);
	struct kiln_buffer *out = gpu_buffer(8, NULL);
	gpu_ok(kiln_launch(kernel, &(struct kiln_launch_params){.threads = {threads},
	                                                        .buffers = {out},
	                                                        .push = &threads,
	                                                        .push_bytes = 4}));
	gpu_ok(kiln_buffer_read(out, 0, got, sizeof got));
	assert_int_equal(got[0], threads);
	assert_int_equal(got[1], all);
	kiln_buffer_destroy(&out);
	kiln_kernel_destroy(&kernel);
}

static void threads_are_rounded_up_to_whole_workgroups(void **state)
{
	(void)state;
	GPU_NEEDS_LAUNCH();
	assert_count(1, 64);
	assert_count(64, 64);
	assert_count(65, 128);
	assert_count(1000, 1024);
}

static void launch_of_no_threads_succeeds_and_does_nothing(void **state)
{
	(void)state;
	GPU_NEEDS_LAUNCH();
	assert_count(0, 0);
	struct kiln_kernel *kernel = GPU_KERNEL(empty_spv);
	uint64_t before = kiln_device_counters(gpu_device).submits;
	gpu_ok(kiln_launch(kernel, &(struct kiln_launch_params){.threads = {0, 5, 5}}));
	gpu_ok(kiln_device_wait(gpu_device));
	assert_int_equal(kiln_device_counters(gpu_device).submits, before);
	kiln_kernel_destroy(&kernel);
}

static void biggest_grid_of_the_device_runs(void **state)
{
	(void)state;
	GPU_NEEDS_LAUNCH();
	uint32_t groups = gpu_info()->max_workgroup_count[0];
	if (groups > 65535)
		groups = 65535;
	assert_count(groups * 64, groups * 64);
}

static void kernel_without_an_interface_launches(void **state)
{
	(void)state;
	GPU_NEEDS_LAUNCH();
	struct kiln_kernel *kernel = GPU_KERNEL(empty_spv);
	gpu_ok(kiln_launch(kernel, &(struct kiln_launch_params){.threads = {1000, 3, 2}}));
	gpu_ok(kiln_device_wait(gpu_device));
	kiln_kernel_destroy(&kernel);
}

static void thousands_of_launches_in_a_row_stay_right(void **state)
{
	(void)state;
	GPU_NEEDS_LAUNCH();
	enum { LAUNCHES = 5000 };
	uint32_t n = 10, got[2];
	struct kiln_kernel *kernel = GPU_KERNEL(count_spv);
	struct kiln_buffer *out = gpu_buffer(8, NULL);
	for (int i = 0; i < LAUNCHES; i++)
		gpu_ok(kiln_launch(kernel, &(struct kiln_launch_params){.threads = {n},
		                                                        .buffers = {out},
		                                                        .push = &n,
		                                                        .push_bytes = 4}));
	gpu_ok(kiln_buffer_read(out, 0, got, sizeof got));
	assert_int_equal(got[0], LAUNCHES * 10);
	assert_int_equal(got[1], LAUNCHES * 64);
	kiln_buffer_destroy(&out);
	kiln_kernel_destroy(&kernel);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(biggest_grid_of_the_device_runs),
		cmocka_unit_test(buffers_go_in_set_and_binding_order),
		cmocka_unit_test(constants_not_named_keep_their_defaults),
		cmocka_unit_test(kernel_without_an_interface_launches),
		cmocka_unit_test(launch_of_no_threads_succeeds_and_does_nothing),
		cmocka_unit_test(push_constants_arrive_whole),
		cmocka_unit_test(range_length_is_what_the_kernel_sees),
		cmocka_unit_test(ranges_of_buffers_are_arguments),
		cmocka_unit_test(reduction_in_several_launches_is_right),
		cmocka_unit_test(saxpy_is_right_for_awkward_sizes),
		cmocka_unit_test(size_that_is_all_ones_gets_the_rule),
		cmocka_unit_test(specialisation_reaches_the_kernel),
		cmocka_unit_test(thousands_of_launches_in_a_row_stay_right),
		cmocka_unit_test(threads_are_rounded_up_to_whole_workgroups),
		cmocka_unit_test(three_dimensional_grid_covers_every_element_once),
		cmocka_unit_test(two_dimensional_grid_covers_every_element_once),
		cmocka_unit_test(uniform_blocks_are_buffers_too),
	};
	return GPU_MAIN("launch", tests, true);
}
