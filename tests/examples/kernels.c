/* The kernels of shaders/ that no example launches, each against the processor, at several workgroup sizes:
 * odd ones too, because a tuner may pick any. Skips on a device that cannot launch. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <kiln/kiln.h>
#include <kiln/shaders/histogram.h>
#include <kiln/shaders/matmul.h>
#include <kiln/shaders/reduce.h>
#include <kiln/shaders/scan.h>
#include <kiln/shaders/scan_add.h>
#include <kiln/shaders/subgroup_sum.h>

#ifdef NDEBUG
#error "test programs need assertions. Fix: configure with -Db_ndebug=false"
#endif

#define N 10007u

static struct kiln_device *device;
static const uint32_t SIZES[] = {1, 7, 64, 100, 256};

#define ok(call)                                                         \
	do {                                                             \
		if ((call) != KILN_OK)                                   \
			fail_msg("%s: %s", #call, kiln_error_message()); \
	} while (0)

static uint32_t noise(uint32_t i)
{
	i = (i ^ 61u ^ i >> 16) * 9u;
	i = (i ^ i >> 4) * 0x27d4eb2du;
	return i ^ i >> 15;
}

static uint32_t *noise_array(uint32_t count)
{
	uint32_t *values = calloc(count, sizeof *values);
	assert_non_null(values);
	for (uint32_t i = 0; i < count; i++)
		values[i] = noise(i);
	return values;
}

static struct kiln_buffer *buffer_of(const void *contents, uint64_t bytes)
{
	struct kiln_buffer *buffer = NULL;
	ok(kiln_buffer_create(device, &(struct kiln_buffer_params){.bytes = bytes, .contents = contents},
	                      &buffer));
	return buffer;
}

/* Launches once with these buffers and forgets the kernel again. */
static void launch(struct kiln_kernel_params params, struct kiln_launch_params how)
{
	struct kiln_kernel *kernel = NULL;
	ok(kiln_kernel_create(device, &params, &kernel));
	ok(kiln_launch(kernel, &how));
	kiln_kernel_destroy(&kernel);
}

static void histogram_counts_every_byte(void **state)
{
	(void)state;
	uint32_t *data = noise_array(N), expected[256] = {0}, bins[256], n = N;
	for (uint32_t i = 0; i < N; i++)
		for (int shift = 0; shift < 32; shift += 8)
			expected[data[i] >> shift & 255]++;
	for (size_t s = 0; s < sizeof SIZES / sizeof *SIZES; s++) {
		struct kiln_buffer *in = buffer_of(data, sizeof *data * N),
				   *out = buffer_of(NULL, sizeof bins);
		launch((struct kiln_kernel_params){KILN_SHADER(histogram), .workgroup = {SIZES[s], 1, 1}},
		       (struct kiln_launch_params){.threads = {N},
		                                   .buffers = {in, out},
		                                   .push = &n,
		                                   .push_bytes = 4});
		ok(kiln_buffer_read(out, 0, bins, sizeof bins));
		assert_memory_equal(bins, expected, sizeof bins);
		kiln_buffer_destroy(&in);
		kiln_buffer_destroy(&out);
	}
	free(data);
}

static void matmul_is_right_for_shapes_that_fit_no_tile(void **state)
{
	(void)state;
	static const uint32_t GROUPS[][2] = {{8, 8}, {16, 4}, {3, 5}, {1, 32}};
	enum { ROWS = 37, COLUMNS = 29, DEPTH = 53 };
	struct {
		uint32_t rows, columns, depth;
	} push = {ROWS, COLUMNS, DEPTH};
	static float a[ROWS * DEPTH], b[DEPTH * COLUMNS], expected[ROWS * COLUMNS], c[ROWS * COLUMNS];
	for (uint32_t i = 0; i < ROWS * DEPTH; i++)
		a[i] = (float)(noise(i) % 17) - 8;
	for (uint32_t i = 0; i < DEPTH * COLUMNS; i++)
		b[i] = (float)(noise(i + 99999) % 17) - 8;
	for (uint32_t row = 0; row < ROWS; row++)
		for (uint32_t column = 0; column < COLUMNS; column++)
			for (uint32_t k = 0; k < DEPTH; k++) /* small integers: exact */
				expected[row * COLUMNS + column] +=
					a[row * DEPTH + k] * b[k * COLUMNS + column];
	for (size_t g = 0; g < sizeof GROUPS / sizeof *GROUPS; g++) {
		struct kiln_buffer *buffers[] = {
			buffer_of(a, sizeof a),
			buffer_of(b, sizeof b),
			buffer_of(NULL, sizeof c),
		};
		launch((struct kiln_kernel_params){KILN_SHADER(matmul),
		                                   .workgroup = {GROUPS[g][0], GROUPS[g][1], 1}},
		       (struct kiln_launch_params){
			       .threads = {COLUMNS, ROWS},
			       .buffers = {buffers[0], buffers[1], buffers[2]},
			       .push = &push,
			       .push_bytes = sizeof push,
		       });
		ok(kiln_buffer_read(buffers[2], 0, c, sizeof c));
		assert_memory_equal(c, expected, sizeof c);
		for (int i = 0; i < 3; i++)
			kiln_buffer_destroy(&buffers[i]);
	}
}

static void reduce_loses_no_value_at_any_workgroup_size(void **state)
{
	(void)state;
	float *values = calloc(N, sizeof *values), sums[N];
	assert_non_null(values);
	uint32_t n = N, expected = 0;
	for (uint32_t i = 0; i < N; i++) {
		values[i] = (float)(noise(i) % 1000);
		expected += (uint32_t)values[i]; /* below 2^24: exact in any order */
	}
	for (size_t s = 0; s < sizeof SIZES / sizeof *SIZES; s++) {
		uint32_t per_group = SIZES[s] * 8, groups = (N + per_group - 1) / per_group, total = 0;
		struct kiln_buffer *in = buffer_of(values, sizeof *values * N),
				   *out = buffer_of(NULL, sizeof sums);
		launch((struct kiln_kernel_params){KILN_SHADER(reduce), .workgroup = {SIZES[s], 1, 1}},
		       (struct kiln_launch_params){.threads = {groups * SIZES[s]},
		                                   .buffers = {in, out},
		                                   .push = &n,
		                                   .push_bytes = 4});
		ok(kiln_buffer_read(out, 0, sums, sizeof sums));
		for (uint32_t g = 0; g < groups; g++)
			total += (uint32_t)sums[g];
		assert_int_equal(total, expected);
		kiln_buffer_destroy(&in);
		kiln_buffer_destroy(&out);
	}
	free(values);
}

/* One level of totals: `size` workgroups of `size` threads at least cover N. */
static void scan_once(const uint32_t *values, const uint32_t *expected, uint32_t size)
{
	uint32_t blocks = (N + size - 1) / size, n = N, got[N];
	struct {
		uint32_t n, block;
	} push = {N, size};
	struct kiln_buffer *data = buffer_of(values, sizeof got), *totals = buffer_of(NULL, 4 * blocks);
	struct kiln_buffer *top = buffer_of(NULL, 4);

	launch((struct kiln_kernel_params){KILN_SHADER(scan), .workgroup = {size, 1, 1}},
	       (struct kiln_launch_params){.threads = {N},
	                                   .buffers = {data, totals},
	                                   .push = &n,
	                                   .push_bytes = 4});
	launch((struct kiln_kernel_params){KILN_SHADER(scan), .workgroup = {size, 1, 1}},
	       (struct kiln_launch_params){.threads = {blocks},
	                                   .buffers = {totals, top},
	                                   .push = &blocks,
	                                   .push_bytes = 4});
	launch((struct kiln_kernel_params){KILN_SHADER(scan_add)},
	       (struct kiln_launch_params){.threads = {N},
	                                   .buffers = {data, totals},
	                                   .push = &push,
	                                   .push_bytes = sizeof push});
	ok(kiln_buffer_read(data, 0, got, sizeof got));
	assert_memory_equal(got, expected, sizeof got);
	kiln_buffer_destroy(&data);
	kiln_buffer_destroy(&totals);
	kiln_buffer_destroy(&top);
}

static void scan_of_blocks_is_the_prefix_sum(void **state)
{
	(void)state;
	uint32_t *values = noise_array(N), *expected = calloc(N, sizeof *expected), sum = 0;
	assert_non_null(expected);
	for (uint32_t i = 0; i < N; i++)
		expected[i] = sum += values[i];
	scan_once(values, expected, 101); /* 100 blocks, so that one workgroup scans the totals */
	scan_once(values, expected, 128);
	scan_once(values, expected, 250);
	free(values);
	free(expected);
}

static void subgroup_sum_is_the_sum(void **state)
{
	(void)state;
	uint32_t *values = noise_array(N), n = N, expected = 0, total = 0;
	for (uint32_t i = 0; i < N; i++)
		expected += values[i];
	for (size_t s = 0; s < sizeof SIZES / sizeof *SIZES; s++) {
		struct kiln_buffer *in = buffer_of(values, sizeof *values * N), *out = buffer_of(NULL, 4);
		launch((struct kiln_kernel_params){KILN_SHADER(subgroup_sum), .workgroup = {SIZES[s], 1, 1}},
		       (struct kiln_launch_params){.threads = {N},
		                                   .buffers = {in, out},
		                                   .push = &n,
		                                   .push_bytes = 4});
		ok(kiln_buffer_read(out, 0, &total, 4));
		assert_int_equal(total, expected);
		kiln_buffer_destroy(&in);
		kiln_buffer_destroy(&out);
	}
	free(values);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(histogram_counts_every_byte),
		cmocka_unit_test(matmul_is_right_for_shapes_that_fit_no_tile),
		cmocka_unit_test(reduce_loses_no_value_at_any_workgroup_size),
		cmocka_unit_test(scan_of_blocks_is_the_prefix_sum),
		cmocka_unit_test(subgroup_sum_is_the_sum),
	};
	kiln_log_set(kiln_log_stderr, NULL, 0);
	enum kiln_status status =
		kiln_device_open(&(struct kiln_device_params){.no_cache = true, .no_autotune = true},
	                         &device);
	if (status == KILN_ERR_NO_LOADER || status == KILN_ERR_NO_DRIVER ||
	    (status == KILN_OK && !kiln_device_info(device)->can_launch)) {
		printf("skip: no Vulkan device that can launch kernels\n");
		kiln_device_close(&device);
		return 77;
	}
	if (status != KILN_OK) {
		fprintf(stderr, "%s\n", kiln_error_message());
		return 1;
	}
	int failed = cmocka_run_group_tests_name("kernels", tests, NULL, NULL);
	kiln_device_close(&device);
	return failed;
}
