/* Launches that cannot be right: each mistake its own status and sentence, nothing is enqueued, no data
 * changes, and the next good launch is right. */
#include "harness.h"

#include <string.h>

#include "empty_spv.h"
#include "header_spv.h"
#include "saxpy_spv.h"
#include "sets_spv.h"
#include "uniform_spv.h"

#define N 256u

struct push {
	uint32_t n;
	float a;
};

static const struct push good_push = {N, 2.0f};

struct fixture {
	struct kiln_kernel *saxpy;
	struct kiln_buffer *x, *y;
};

static struct fixture f;

static int make(void **state)
{
	(void)state;
	if (!gpu_info()->can_launch)
		return 0;
	f.saxpy = GPU_KERNEL(saxpy_spv);
	f.x = gpu_buffer_counting(N, 0);
	f.y = gpu_buffer_counting(N, 0);
	gpu_ok(kiln_kernel_resolve(f.saxpy, NULL));
	return 0;
}

static int drop(void **state)
{
	(void)state;
	kiln_kernel_destroy(&f.saxpy);
	kiln_buffer_destroy(&f.x);
	kiln_buffer_destroy(&f.y);
	return 0;
}

/* Refused with `status`, counted nowhere, and the data as it was. */
static void refused(struct kiln_kernel *kernel, const struct kiln_launch_params *params,
                    enum kiln_status status)
{
	struct kiln_device_counters before = kiln_device_counters(gpu_device);
	gpu_refused(kiln_launch(kernel, params), status);
	struct kiln_device_counters after = kiln_device_counters(gpu_device);
	assert_int_equal(after.launches, before.launches);
	uint32_t *got = gpu_read(f.y, N);
	for (uint32_t i = 0; i < N; i++)
		assert_int_equal(got[i], i);
	free(got);
	gpu_assert_usable();
}

#define SAXPY(...)                                                    \
	(&(struct kiln_launch_params){.threads = {N},                 \
	                              .push = &good_push,             \
	                              .push_bytes = sizeof good_push, \
	                              __VA_ARGS__})

static void too_few_buffers_are_refused(void **state)
{
	(void)state;
	GPU_NEEDS_LAUNCH();
	refused(f.saxpy, SAXPY(.buffers = {0}), KILN_ERR_TOO_FEW_BUFFERS);
	refused(f.saxpy, SAXPY(.buffers = {f.x}), KILN_ERR_TOO_FEW_BUFFERS);
	refused(f.saxpy, SAXPY(.args = (struct kiln_arg[]){{f.x, 0, 0}}, .arg_count = 1),
	        KILN_ERR_TOO_FEW_BUFFERS);
}

static void too_many_buffers_are_refused(void **state)
{
	(void)state;
	GPU_NEEDS_LAUNCH();
	refused(f.saxpy, SAXPY(.buffers = {f.x, f.y, f.x}), KILN_ERR_TOO_MANY_BUFFERS);
	struct kiln_kernel *empty = GPU_KERNEL(empty_spv);
	refused(empty, &(struct kiln_launch_params){.threads = {1}, .buffers = {f.x}},
	        KILN_ERR_TOO_MANY_BUFFERS);
	kiln_kernel_destroy(&empty);
}

static void null_buffers_are_refused(void **state)
{
	(void)state;
	GPU_NEEDS_LAUNCH();
	refused(f.saxpy, SAXPY(.args = (struct kiln_arg[]){{f.x, 0, 0}, {NULL, 0, 0}}, .arg_count = 2),
	        KILN_ERR_NULL_BUFFER);
	refused(f.saxpy, SAXPY(.args = (struct kiln_arg[]){{NULL, 0, 0}, {f.y, 0, 0}}, .arg_count = 2),
	        KILN_ERR_NULL_BUFFER);
}

static void hole_in_the_buffers_is_refused(void **state)
{
	(void)state;
	GPU_NEEDS_LAUNCH();
	refused(f.saxpy, SAXPY(.buffers = {NULL, f.y}), KILN_OK);
}

static void writing_a_read_only_buffer_is_refused(void **state)
{
	(void)state;
	GPU_NEEDS_LAUNCH();
	struct kiln_buffer *locked = NULL;
	gpu_ok(kiln_buffer_create(gpu_device,
	                          &(struct kiln_buffer_params){.bytes = N * 4,
	                                                       .read_only = true,
	                                                       .name = "locked"},
	                          &locked));
	refused(f.saxpy, SAXPY(.buffers = {f.x, locked}), KILN_ERR_BUFFER_ACCESS);
	gpu_refused(kiln_launch(f.saxpy, SAXPY(.buffers = {f.x, locked})), KILN_ERR_BUFFER_ACCESS);
	assert_non_null(strstr(kiln_error_message(), "locked"));
	kiln_buffer_destroy(&locked);
}

static void reading_a_read_only_buffer_is_fine(void **state)
{
	(void)state;
	GPU_NEEDS_LAUNCH();
	struct kiln_buffer *locked = NULL, *out = gpu_buffer(N * 4, NULL);
	gpu_ok(kiln_buffer_create(gpu_device, &(struct kiln_buffer_params){.bytes = N * 4, .read_only = true},
	                          &locked));
	gpu_ok(kiln_launch(f.saxpy, SAXPY(.buffers = {locked, out})));
	gpu_ok(kiln_device_wait(gpu_device));
	kiln_buffer_destroy(&locked);
	kiln_buffer_destroy(&out);
}

static void buffer_shorter_than_the_declared_block_is_refused(void **state)
{
	(void)state;
	GPU_NEEDS_LAUNCH();
	struct kiln_kernel *header = GPU_KERNEL(header_spv), *uniform = GPU_KERNEL(uniform_spv);
	struct kiln_buffer *just_short = gpu_buffer(60, NULL), *long_enough = gpu_buffer(256, NULL);
	struct kiln_buffer *block = gpu_buffer(20, NULL);
	struct kiln_launch_params params = {.threads = {1}, .buffers = {just_short}};
	refused(header, &params, KILN_ERR_BUFFER_TOO_SHORT);
	const struct kiln_arg range = {long_enough, 0, 60};
	refused(header, &(struct kiln_launch_params){.threads = {1}, .args = &range, .arg_count = 1},
	        KILN_ERR_BUFFER_TOO_SHORT);
	refused(uniform, &(struct kiln_launch_params){.threads = {1}, .buffers = {block, long_enough}},
	        KILN_ERR_BUFFER_TOO_SHORT);
	kiln_buffer_destroy(&just_short);
	kiln_buffer_destroy(&long_enough);
	kiln_buffer_destroy(&block);
	kiln_kernel_destroy(&header);
	kiln_kernel_destroy(&uniform);
}

static void ranges_outside_the_buffer_are_refused(void **state)
{
	(void)state;
	GPU_NEEDS_LAUNCH();
	const struct kiln_arg bad[] = {
		{f.y, 0, N * 4 + 4},          /* longer than the buffer */
		{f.y, N * 4, 0},              /* begins at the end */
		{f.y, N * 4096, 0},           /* begins beyond it */
		{f.y, 512, N * 4},            /* ends beyond it */
		{f.y, UINT64_MAX - 255, 512}, /* the sum wraps */
		{f.y, 256, UINT64_MAX - 255},
	};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		refused(f.saxpy, SAXPY(.args = (struct kiln_arg[]){{f.x, 0, 0}, bad[i]}, .arg_count = 2),
		        KILN_OK);
}

static void misaligned_ranges_are_refused(void **state)
{
	(void)state;
	GPU_NEEDS_LAUNCH();
	refused(f.saxpy, SAXPY(.args = (struct kiln_arg[]){{f.x, 0, 0}, {f.y, 2, 0}}, .arg_count = 2),
	        KILN_OK);
}

static void missing_push_constants_are_refused(void **state)
{
	(void)state;
	GPU_NEEDS_LAUNCH();
	refused(f.saxpy, &(struct kiln_launch_params){.threads = {N}, .buffers = {f.x, f.y}},
	        KILN_ERR_PUSH_MISSING);
}

static void short_push_constants_are_refused(void **state)
{
	(void)state;
	GPU_NEEDS_LAUNCH();
	refused(f.saxpy,
	        &(struct kiln_launch_params){.threads = {N},
	                                     .buffers = {f.x, f.y},
	                                     .push = &good_push,
	                                     .push_bytes = 4},
	        KILN_ERR_PUSH_TOO_SHORT);
}

static void long_push_constants_are_refused(void **state)
{
	(void)state;
	GPU_NEEDS_LAUNCH();
	const uint32_t many[32] = {0};
	refused(f.saxpy,
	        &(struct kiln_launch_params){.threads = {N},
	                                     .buffers = {f.x, f.y},
	                                     .push = many,
	                                     .push_bytes = sizeof many},
	        KILN_ERR_PUSH_TOO_LONG);
	struct kiln_kernel *empty = GPU_KERNEL(empty_spv);
	refused(empty, &(struct kiln_launch_params){.threads = {1}, .push = many, .push_bytes = 4},
	        KILN_ERR_PUSH_TOO_LONG);
	kiln_kernel_destroy(&empty);
}

static void push_bytes_without_push_are_refused(void **state)
{
	(void)state;
	GPU_NEEDS_LAUNCH();
	refused(f.saxpy,
	        &(struct kiln_launch_params){.threads = {N},
	                                     .buffers = {f.x, f.y},
	                                     .push_bytes = sizeof good_push},
	        KILN_OK);
}

static void more_threads_than_the_device_counts_are_refused(void **state)
{
	(void)state;
	GPU_NEEDS_LAUNCH();
	for (int i = 0; i < 3; i++) {
		uint64_t too_many = (uint64_t)gpu_info()->max_workgroup_count[i] * (i == 0 ? 64 : 1) + 1;
		if (too_many > UINT32_MAX)
			continue;
		struct kiln_launch_params params = *SAXPY(.buffers = {f.x, f.y});
		params.threads[i] = (uint32_t)too_many;
		refused(f.saxpy, &params, KILN_ERR_THREADS_LIMIT);
	}
	struct kiln_launch_params params = *SAXPY(.buffers = {f.x, f.y});
	params.threads[1] = params.threads[2] = UINT32_MAX; /* rounding up must not wrap */
	refused(f.saxpy, &params, KILN_ERR_THREADS_LIMIT);
}

static void buffer_of_another_device_is_refused(void **state)
{
	(void)state;
	GPU_NEEDS_LAUNCH();
	struct kiln_device *other = gpu_open(NULL);
	struct kiln_buffer *foreign = NULL;
	gpu_ok(kiln_buffer_create(other, &(struct kiln_buffer_params){.bytes = N * 4}, &foreign));
	refused(f.saxpy, SAXPY(.buffers = {f.x, foreign}), KILN_ERR_FOREIGN_OBJECT);
	gpu_refused(kiln_buffer_copy(f.x, 0, foreign, 0, 16), KILN_ERR_FOREIGN_OBJECT);
	kiln_buffer_destroy(&foreign);
	gpu_close(&other);
}

static void both_forms_of_arguments_at_once_are_refused(void **state)
{
	(void)state;
	GPU_NEEDS_LAUNCH();
	const struct kiln_arg args[] = {{f.x, 0, 0}, {f.y, 0, 0}};
	refused(f.saxpy, SAXPY(.buffers = {f.x, f.y}, .args = args, .arg_count = 2),
	        KILN_ERR_INVALID_ARGUMENT);
}

static void null_arguments_are_refused(void **state)
{
	(void)state;
	GPU_NEEDS_LAUNCH();
	gpu_refused(kiln_launch(NULL, SAXPY(.buffers = {f.x, f.y})), KILN_ERR_INVALID_ARGUMENT);
	refused(f.saxpy, NULL, KILN_ERR_INVALID_ARGUMENT);
	refused(f.saxpy, SAXPY(.args = NULL, .arg_count = 2), KILN_OK);
}

static void bindings_are_counted_over_all_sets(void **state)
{
	(void)state;
	GPU_NEEDS_LAUNCH();
	uint32_t n = 4;
	struct kiln_kernel *sets = GPU_KERNEL(sets_spv);
	refused(sets,
	        &(struct kiln_launch_params){.threads = {n},
	                                     .buffers = {f.x, f.x, f.x},
	                                     .push = &n,
	                                     .push_bytes = sizeof n},
	        KILN_ERR_TOO_FEW_BUFFERS);
	kiln_kernel_destroy(&sets);
}

static void launching_on_a_compile_only_device_is_refused(void **state)
{
	(void)state;
	if (gpu_info()->can_launch)
		gpu_skip(__func__, "this device can launch");
	struct kiln_kernel *empty = GPU_KERNEL(empty_spv);
	gpu_refused(kiln_launch(empty, &(struct kiln_launch_params){.threads = {1}}), KILN_ERR_COMPILE_ONLY);
	gpu_refused(kiln_launch(empty, &(struct kiln_launch_params){.threads = {1}}), KILN_ERR_COMPILE_ONLY);
	kiln_kernel_destroy(&empty);
	gpu_assert_usable();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make, drop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(both_forms_of_arguments_at_once_are_refused),
		TEST(buffer_of_another_device_is_refused),
		TEST(buffer_shorter_than_the_declared_block_is_refused),
		TEST(hole_in_the_buffers_is_refused),
		TEST(launching_on_a_compile_only_device_is_refused),
		TEST(long_push_constants_are_refused),
		TEST(misaligned_ranges_are_refused),
		TEST(missing_push_constants_are_refused),
		TEST(more_threads_than_the_device_counts_are_refused),
		TEST(null_arguments_are_refused),
		TEST(null_buffers_are_refused),
		TEST(push_bytes_without_push_are_refused),
		TEST(ranges_outside_the_buffer_are_refused),
		TEST(reading_a_read_only_buffer_is_fine),
		TEST(short_push_constants_are_refused),
		TEST(too_few_buffers_are_refused),
		TEST(too_many_buffers_are_refused),
		TEST(writing_a_read_only_buffer_is_refused),
		TEST(bindings_are_counted_over_all_sets),
	};
	return GPU_MAIN("refuse_launch", tests, true);
}
