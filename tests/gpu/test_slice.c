/* Sliced launches: the same results as whole ones, progress, stopping, and what is never sliced. */
#include "harness.h"

#include <string.h>

#include "slice_counts_spv.h"
#include "slice_ids_spv.h"
#include "slice_plain_spv.h"
#include "slice_spin_spv.h"

struct push {
	uint32_t size[3], salt;
};

/* Grids of one, two and three dimensions; odd sizes; long in x, in y, in z. Workgroups are 2 x 2 x 1. */
static const uint32_t grids[][3] = {{1, 1, 1},     {40001, 1, 1}, {1, 9001, 1}, {1, 1, 7001},
                                    {331, 211, 1}, {3, 4001, 2},  {67, 41, 13}, {129, 1, 301}};
enum { GRIDS = sizeof grids / sizeof *grids };

static struct kiln_stream *stream(void)
{
	return kiln_device_stream(gpu_device);
}

static struct kiln_launch_params params_of(const struct push *push, struct kiln_buffer *buffer)
{
	return (struct kiln_launch_params){
		.threads = {push->size[0], push->size[1], push->size[2]},
		.buffers = {buffer},
		.push = push,
		.push_bytes = sizeof *push,
	};
}

static uint32_t *run(struct kiln_kernel *kernel, const struct push *push, uint64_t budget_ns,
                     struct kiln_slice_report *report)
{
	uint32_t count = push->size[0] * push->size[1] * push->size[2], *words;
	const struct kiln_slice_params slice = {.budget_ns = budget_ns};
	struct kiln_buffer *buffer = gpu_buffer((uint64_t)count * 4, NULL);
	struct kiln_launch_params params = params_of(push, buffer);

	gpu_ok(kiln_buffer_fill(buffer, 0, (uint64_t)count * 4, 5));
	gpu_ok(kiln_stream_launch_sliced(stream(), kernel, &params, &slice, report));
	words = gpu_read(buffer, count);
	kiln_buffer_destroy(&buffer);
	return words;
}

static void assert_sliced_is_whole(const void *spirv, size_t bytes, uint32_t salt)
{
	uint64_t slices = 0;

	for (size_t i = 0; i < GRIDS; i++) {
		struct kiln_kernel *kernel =
			gpu_kernel(spirv, bytes); /* one that knows nothing of its time */
		struct push push = {{grids[i][0], grids[i][1], grids[i][2]}, salt};
		struct kiln_slice_report report = {0}, whole = {0};
		uint32_t *a = run(kernel, &push, 1, &report),
			 *b = run(kernel, &push, KILN_SLICE_NEVER, &whole);

		assert_memory_equal(a, b, (size_t)push.size[0] * push.size[1] * push.size[2] * 4);
		assert_null(report.whole);
		assert_non_null(whole.whole);
		assert_int_equal(whole.slices, 1);
		assert_int_equal(report.done_groups, report.total_groups);
		assert_int_equal(report.total_groups, whole.done_groups);
		slices += report.slices;
		free(a);
		free(b);
		kiln_kernel_destroy(&kernel);
	}
	assert_true(slices > 4 * GRIDS);
}

static void sliced_and_whole_give_the_same(void **state)
{
	(void)state;
	GPU_NEEDS_LAUNCH();
	assert_sliced_is_whole(slice_plain_spv, sizeof slice_plain_spv, 500);
}

static void kernel_that_reads_every_built_in_sees_its_own_grid(void **state)
{
	(void)state;
	GPU_NEEDS_LAUNCH();
	assert_sliced_is_whole(slice_ids_spv, sizeof slice_ids_spv, 1);
}

static void number_of_workgroups_is_the_launchs_without_push_constants_too(void **state)
{
	struct kiln_slice_report report;
	struct kiln_kernel *kernel;
	struct kiln_buffer *buffer;
	uint32_t *words;

	(void)state;
	GPU_NEEDS_LAUNCH();
	kernel = GPU_KERNEL(slice_counts_spv);
	buffer = gpu_buffer(40 * 30 * 5 * 16, NULL);
	gpu_ok(kiln_stream_launch_sliced(stream(), kernel,
	                                 &(struct kiln_launch_params){.threads = {80, 59, 5},
	                                                              .buffers = {buffer}},
	                                 &(struct kiln_slice_params){.budget_ns = 1}, &report));
	assert_true(report.slices > 3);
	words = gpu_read(buffer, 40 * 30 * 5 * 4);
	for (uint32_t i = 0; i < 40 * 30 * 5; i++)
		assert_memory_equal(words + 4 * i, ((uint32_t[]){40, 30, 5, i}), 16);
	free(words);
	kiln_buffer_destroy(&buffer);
	kiln_kernel_destroy(&kernel);
}

/* kiln_launch() of more than 4096 workgroups of a kernel with a loop: the library decides. */
static void long_launch_is_sliced_by_itself_and_stays_in_order(void **state)
{
	const struct kiln_device_params open = {.slice_budget_ns = 1000000};
	const struct push push = {{1501, 301, 3}, 400};
	const uint32_t count = 1501 * 301 * 3;
	uint32_t *words, *expected;
	struct kiln_device *device;
	struct kiln_kernel *kernel;
	struct kiln_buffer *buffer;
	struct kiln_device_counters counters;
	struct kiln_launch_params params;

	(void)state;
	GPU_NEEDS_LAUNCH();
	device = gpu_open(&open);
	gpu_ok(kiln_kernel_create(device,
	                          &(struct kiln_kernel_params){.spirv = slice_plain_spv,
	                                                       .spirv_bytes = sizeof slice_plain_spv},
	                          &kernel));
	gpu_ok(kiln_buffer_create(device, &(struct kiln_buffer_params){.bytes = count * 4}, &buffer));
	params = params_of(&push, buffer);
	words = malloc(count * 4);
	expected = calloc(count, 4);
	gpu_ok(kiln_buffer_fill(buffer, 0, count * 4, 0));
	for (int i = 0; i < 3; i++) /* each adds to what the one before left */
		gpu_ok(kiln_launch(kernel, &params));
	gpu_ok(kiln_buffer_read(buffer, 0, words, count * 4));
	counters = kiln_device_counters(device);
	assert_int_equal(counters.launches, 3);
	assert_true(counters.submits > 6);
	assert_true(counters.barriers <= 8); /* of what came before and after, not of slices */
	for (uint32_t i = 0; i < count; i++) {
		uint32_t x = i % 1501, y = i / 1501 % 301, z = i / 1501 / 301, value = x;

		for (uint32_t k = 0; k < push.salt; k++)
			value = value * 1664525u + 1013904223u;
		expected[i] = 3 * (1 + value + y * 5 + z * 7);
	}
	assert_memory_equal(words, expected, count * 4);
	free(words);
	free(expected);
	kiln_buffer_destroy(&buffer);
	kiln_kernel_destroy(&kernel);
	gpu_close(&device);
}

/* ---- Invalidation ---- */

static uint64_t made(struct kiln_device *device)
{
	struct kiln_device_counters counters = kiln_device_counters(device);

	return counters.disk + counters.driver + counters.compiled + counters.unknown;
}

static void assert_makes_slices_anew(struct kiln_device *device, const void *spirv, size_t bytes)
{
	const struct kiln_slice_params slice = {.budget_ns = 1};
	const struct push push = {{301, 201, 1}, 9};
	struct kiln_buffer *buffer = NULL;
	struct kiln_launch_params params;
	struct kiln_kernel *kernel;
	struct kiln_build build;
	uint64_t before, loaded;

	gpu_ok(kiln_kernel_create(device, &(struct kiln_kernel_params){.spirv = spirv, .spirv_bytes = bytes},
	                          &kernel));
	gpu_ok(kiln_buffer_create(device, &(struct kiln_buffer_params){.bytes = 301 * 201 * 4}, &buffer));
	params = params_of(&push, buffer);
	gpu_ok(kiln_stream_launch_sliced(kiln_device_stream(device), kernel, &params, &slice, NULL));
	gpu_ok(kiln_kernel_resolve(kernel, &build));
	loaded = kiln_device_counters(device).disk;
	for (int i = 0; i < 2; i++) {
		before = made(device);
		gpu_ok(kiln_device_invalidate_program(device, &build.identity.program, NULL));
		gpu_ok(kiln_stream_launch_sliced(kiln_device_stream(device), kernel, &params, &slice, NULL));
		assert_int_equal(made(device), before + 2); /* the kernel's own, and the one for slices */
		gpu_ok(kiln_stream_launch_sliced(kiln_device_stream(device), kernel, &params, &slice, NULL));
		assert_int_equal(made(device), before + 2);
	}
	assert_int_equal(kiln_device_counters(device).disk, loaded); /* nothing of before */
	kiln_buffer_destroy(&buffer);
	kiln_kernel_destroy(&kernel);
}

/* That of a kernel as it is, and that of a changed copy, whose name nobody outside knows; in memory, and on disk. */
static void invalidated_slices_are_made_again(void **state)
{
	(void)state;
	GPU_NEEDS_LAUNCH();
	for (int disk = 0; disk < 2; disk++) {
		struct kiln_device *device = gpu_open(&(struct kiln_device_params){.no_cache = !disk});

		assert_makes_slices_anew(device, slice_plain_spv, sizeof slice_plain_spv);
		assert_makes_slices_anew(device, slice_ids_spv, sizeof slice_ids_spv);
		gpu_close(&device);
	}
}

/* ---- Progress ---- */

struct watch {
	uint64_t last, total, calls, stop_at;
};

static bool watch(void *user, uint64_t done, uint64_t total)
{
	struct watch *seen = user;

	assert_true(done > seen->last && done <= total);
	seen->last = done;
	seen->total = total;
	return ++seen->calls != seen->stop_at;
}

static void progress_grows_to_the_whole(void **state)
{
	struct kiln_kernel *kernel;
	struct kiln_buffer *buffer;
	const struct push push = {{40001, 1, 1}, 1000};
	struct watch seen = {0};
	struct kiln_launch_params params;

	(void)state;
	GPU_NEEDS_LAUNCH();
	kernel = GPU_KERNEL(slice_plain_spv);
	buffer = gpu_buffer(40001 * 4, NULL);
	params = params_of(&push, buffer);
	gpu_ok(kiln_stream_launch_sliced(stream(), kernel, &params,
	                                 &(struct kiln_slice_params){1, watch, &seen}, NULL));
	assert_int_equal(seen.total, 20001);
	assert_int_equal(seen.last, seen.total);
	assert_true(seen.calls > 3);
	kiln_buffer_destroy(&buffer);
	kiln_kernel_destroy(&kernel);
}

/* What was done is a prefix of the grid, and nothing behind it was touched. */
static void stopped_launch_has_done_a_prefix(void **state)
{
	const struct push push = {{40001, 1, 1}, 0};
	struct watch seen = {.stop_at = 3};
	struct kiln_slice_report report;
	struct kiln_launch_params params;
	struct kiln_kernel *kernel;
	struct kiln_buffer *buffer;
	uint32_t *words;

	(void)state;
	GPU_NEEDS_LAUNCH();
	kernel = GPU_KERNEL(slice_plain_spv);
	buffer = gpu_buffer(40001 * 4, NULL);
	params = params_of(&push, buffer);
	gpu_ok(kiln_buffer_fill(buffer, 0, 40001 * 4, 0));
	gpu_refused(kiln_stream_launch_sliced(stream(), kernel, &params,
	                                      &(struct kiln_slice_params){1, watch, &seen}, &report),
	            KILN_ERR_CANCELLED);
	assert_int_equal(seen.calls, 3);
	assert_in_range(report.done_groups, seen.last, 20000);
	words = gpu_read(buffer, 40001);
	for (uint32_t i = 0; i < 40001; i++)
		assert_int_equal(words[i], i < 2 * report.done_groups ? 1 + i : 0);
	free(words);
	kiln_buffer_destroy(&buffer);
	kiln_kernel_destroy(&kernel);
	gpu_assert_usable();
}

/* ---- What is not sliced ---- */

static void kernel_whose_workgroups_wait_for_others_is_never_sliced(void **state)
{
	struct kiln_slice_report report;
	struct kiln_kernel *kernel;
	struct kiln_buffer *buffer;

	(void)state;
	GPU_NEEDS_LAUNCH();
	kernel = GPU_KERNEL(slice_spin_spv);
	buffer = gpu_buffer(4 + 4 * 200, NULL);
	gpu_ok(kiln_buffer_fill(buffer, 0, 4 + 4 * 200, 0));
	gpu_ok(kiln_stream_launch_sliced(stream(), kernel,
	                                 &(struct kiln_launch_params){.threads = {200}, .buffers = {buffer}},
	                                 &(struct kiln_slice_params){.budget_ns = 1}, &report));
	assert_int_equal(report.slices, 1);
	assert_non_null(strstr(report.whole, "coherent"));
	kiln_buffer_destroy(&buffer);
	kiln_kernel_destroy(&kernel);
}

static void launch_that_is_known_to_be_short_is_one_submission(void **state)
{
	const struct push push = {{400, 1, 1}, 0};
	struct kiln_slice_report report;
	struct kiln_kernel *kernel;

	(void)state;
	GPU_NEEDS_LAUNCH();
	kernel = GPU_KERNEL(slice_plain_spv);
	free(run(kernel, &push, KILN_SLICE_NEVER, &report));
	free(run(kernel, &push, 60000000000u, &report));
	assert_int_equal(report.slices, 1);
	assert_null(report.whole);
	assert_true(report.group_ps > 0);
	kiln_kernel_destroy(&kernel);
}

static void wrong_calls_are_refused_with_a_fix(void **state)
{
	struct kiln_kernel *kernel = GPU_KERNEL(slice_plain_spv);
	struct kiln_buffer *buffer;
	struct kiln_graph *graph = NULL;
	struct kiln_stream *recording;
	const struct push push = {{4, 1, 1}, 0};
	struct kiln_launch_params params = {.threads = {4}};

	(void)state;
	gpu_refused(kiln_stream_launch_sliced(NULL, kernel, &params, NULL, NULL), KILN_ERR_INVALID_ARGUMENT);
	gpu_refused(kiln_stream_launch_sliced(stream(), NULL, &params, NULL, NULL),
	            KILN_ERR_INVALID_ARGUMENT);
	gpu_refused(kiln_stream_launch_sliced(stream(), kernel, NULL, NULL, NULL), KILN_ERR_INVALID_ARGUMENT);
	if (gpu_info()->can_launch) {
		gpu_refused(kiln_stream_launch_sliced(stream(), kernel, &params, NULL, NULL),
		            KILN_ERR_TOO_FEW_BUFFERS);
		buffer = gpu_buffer(64, NULL);
		params = params_of(&push, buffer);
		gpu_ok(kiln_stream_create(gpu_device, NULL, &recording));
		gpu_ok(kiln_graph_begin(recording));
		gpu_refused(kiln_stream_launch_sliced(recording, kernel, &params, NULL, NULL),
		            KILN_ERR_UNSUPPORTED);
		gpu_ok(kiln_stream_fill(recording, buffer, 0, 64, 0)); /* a graph holds something */
		gpu_ok(kiln_graph_end(recording, &graph));
		kiln_graph_destroy(&graph);
		kiln_stream_destroy(&recording);
		params.indirect.buffer = buffer;
		gpu_refused(kiln_stream_launch_sliced(stream(), kernel, &params, NULL, NULL),
		            KILN_ERR_UNSUPPORTED);
		kiln_buffer_destroy(&buffer);
	}
	kiln_kernel_destroy(&kernel);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(invalidated_slices_are_made_again),
		cmocka_unit_test(kernel_that_reads_every_built_in_sees_its_own_grid),
		cmocka_unit_test(kernel_whose_workgroups_wait_for_others_is_never_sliced),
		cmocka_unit_test(launch_that_is_known_to_be_short_is_one_submission),
		cmocka_unit_test(long_launch_is_sliced_by_itself_and_stays_in_order),
		cmocka_unit_test(number_of_workgroups_is_the_launchs_without_push_constants_too),
		cmocka_unit_test(progress_grows_to_the_whole),
		cmocka_unit_test(sliced_and_whole_give_the_same),
		cmocka_unit_test(stopped_launch_has_done_a_prefix),
		cmocka_unit_test(wrong_calls_are_refused_with_a_fix),
	};

	return GPU_MAIN("slice", tests, true);
}
