/* Indirect launches, and what a kernel is made for. */
#include "harness.h"

#include <string.h>

#include "device.h"
#include "modes_counts_spv.h"
#include "modes_tally_spv.h"

#define HITS 4096u
#define GROUP 32u

struct tally {
	uint32_t threads, groups, hits[HITS];
};

static struct kiln_kernel *tally_kernel(uint32_t modes)
{
	struct kiln_kernel *kernel = NULL;

	gpu_ok(kiln_kernel_create(gpu_device,
	                          &(struct kiln_kernel_params){.spirv = modes_tally_spv,
	                                                       .spirv_bytes = sizeof modes_tally_spv,
	                                                       .name = "tally",
	                                                       .modes = modes},
	                          &kernel));
	return kernel;
}

static struct kiln_kernel *indirect_kernel(void)
{
	return tally_kernel(KILN_FEATURE_INDIRECT_DISPATCH);
}

/* A kernel writes the counts, so that only a barrier makes the launch see them. */
static void write_counts(struct kiln_kernel *writer, struct kiln_buffer *counts, uint32_t at, uint32_t x,
                         uint32_t y, uint32_t z)
{
	const uint32_t push[4] = {at, x, y, z};

	gpu_ok(kiln_launch(writer, &(struct kiln_launch_params){.threads = {1},
	                                                        .buffers = {counts},
	                                                        .push = push,
	                                                        .push_bytes = sizeof push}));
}

static enum kiln_status launch_at(struct kiln_kernel *kernel, struct kiln_buffer *data,
                                  struct kiln_buffer *counts, uint32_t at, bool threads)
{
	return kiln_launch(kernel,
	                   &(struct kiln_launch_params){.buffers = {data},
	                                                .indirect = {.buffer = counts, .offset = 4 * at},
	                                                .indirect_threads = threads});
}

static struct tally *read_tally(struct kiln_buffer *data)
{
	static struct tally tally;

	gpu_ok(kiln_buffer_read(data, 0, &tally, sizeof tally));
	return &tally;
}

static void counts_written_on_the_device_are_launched(void **state)
{
	static const uint32_t counts[][3] = {{1, 1, 1}, {7, 1, 1}, {3, 4, 5},
	                                     {0, 1, 1}, {2, 0, 1}, {128, 1, 1}};
	struct kiln_kernel *writer, *kernel;
	struct kiln_buffer *place;

	(void)state;
	GPU_NEEDS_LAUNCH();
	writer = GPU_KERNEL(modes_counts_spv);
	kernel = indirect_kernel();
	place = gpu_buffer(256, NULL);
	for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
		const uint32_t *n = counts[i];
		struct kiln_buffer *data = gpu_buffer(sizeof(struct tally), NULL);
		const struct tally *tally;

		write_counts(writer, place, 5 * (uint32_t)i, n[0], n[1], n[2]); /* aligned to 4 and no more */
		gpu_ok(launch_at(kernel, data, place, 5 * (uint32_t)i, false));
		tally = read_tally(data);
		assert_int_equal(tally->groups, n[0] * n[1] * n[2]);
		assert_int_equal(tally->threads, tally->groups * GROUP);
		for (uint32_t j = 0; j < HITS; j++)
			assert_int_equal(tally->hits[j], tally->groups > 0 && j < n[0] * GROUP);
		kiln_buffer_destroy(&data);
	}
	gpu_ok(kiln_device_wait(gpu_device));
	kiln_buffer_destroy(&place);
	kiln_kernel_destroy(&writer);
	kiln_kernel_destroy(&kernel);
}

static void threads_are_rounded_up_to_whole_workgroups(void **state)
{
	static const uint32_t threads[] = {0, 1, GROUP - 1, GROUP, GROUP + 1, 1000};
	struct kiln_kernel *kernel;

	(void)state;
	GPU_NEEDS_LAUNCH();
	kernel = indirect_kernel();
	for (size_t i = 0; i < sizeof threads / sizeof *threads; i++) {
		const uint32_t counts[3] = {threads[i], 1, 1};
		struct kiln_buffer *place = gpu_buffer(sizeof counts, counts);
		struct kiln_buffer *data = gpu_buffer(sizeof(struct tally), NULL);

		gpu_ok(launch_at(kernel, data, place, 0, true));
		assert_int_equal(read_tally(data)->groups, (threads[i] + GROUP - 1) / GROUP);
		kiln_buffer_destroy(&data);
		kiln_buffer_destroy(&place);
	}
	kiln_kernel_destroy(&kernel);
}

/* More launches than have a place for their counts at once; each one's counts are overwritten right behind it. */
static void a_chain_of_indirect_launches_keeps_its_order(void **state)
{
	struct kiln_kernel *writer, *kernel;
	struct kiln_buffer *place, *data;
	uint64_t groups = 0, launches;

	(void)state;
	GPU_NEEDS_LAUNCH();
	writer = GPU_KERNEL(modes_counts_spv);
	kernel = indirect_kernel();
	place = gpu_buffer(12, NULL);
	data = gpu_buffer(sizeof(struct tally), NULL);
	launches = kiln_device_counters(gpu_device).launches;
	for (uint32_t i = 0; i < 400; i++) {
		write_counts(writer, place, 0, i % 7, 1 + i % 3, 1);
		gpu_ok(launch_at(kernel, data, place, 0, false));
		groups += (uint64_t)(i % 7) * (1 + i % 3);
	}
	assert_int_equal(read_tally(data)->groups, groups);
	assert_int_equal(kiln_device_counters(gpu_device).launches, launches + 800);
	kiln_buffer_destroy(&place);
	kiln_buffer_destroy(&data);
	kiln_kernel_destroy(&writer);
	kiln_kernel_destroy(&kernel);
}

static void counts_beyond_the_limits_launch_nothing_and_a_wait_says_so(void **state)
{
	struct kiln_kernel *kernel;
	struct kiln_buffer *data;

	(void)state;
	GPU_NEEDS_LAUNCH();
	kernel = indirect_kernel();
	data = gpu_buffer(sizeof(struct tally), NULL);
	for (int d = 0; d < 3; d++) {
		uint32_t counts[6] = {1, 1, 1, 2, 1, 1};
		struct kiln_buffer *place;

		if (gpu_info()->max_workgroup_count[d] == UINT32_MAX)
			continue;
		counts[d] = gpu_info()->max_workgroup_count[d] + 1;
		place = gpu_buffer(sizeof counts, counts);
		gpu_ok(launch_at(kernel, data, place, 0, false));
		gpu_ok(launch_at(kernel, data, place, 3, false)); /* others are not touched by it */
		gpu_refused(kiln_device_wait(gpu_device), KILN_ERR_THREADS_LIMIT);
		assert_non_null(strstr(kiln_error_message(), "'tally'"));
		gpu_ok(kiln_device_wait(gpu_device)); /* told once */
		assert_int_equal(read_tally(data)->groups, 2 * (d + 1));
		kiln_buffer_destroy(&place);
	}
	kiln_buffer_destroy(&data);
	kiln_kernel_destroy(&kernel);
	gpu_assert_usable();
}

static void refusals_of_several_launches_are_counted(void **state)
{
	const uint32_t counts[6] = {UINT32_MAX, 1, 1, UINT32_MAX, UINT32_MAX, UINT32_MAX};
	struct kiln_stream *stream = NULL;
	struct kiln_buffer *data, *place;
	struct kiln_kernel *kernel;

	(void)state;
	GPU_NEEDS_LAUNCH();
	if (gpu_info()->max_workgroup_count[0] == UINT32_MAX)
		gpu_skip(__func__, "this device takes any count");
	kernel = indirect_kernel();
	data = gpu_buffer(sizeof(struct tally), NULL);
	place = gpu_buffer(sizeof counts, counts);
	gpu_ok(kiln_stream_create(gpu_device, NULL, &stream));
	for (uint32_t i = 0; i < 21; i++)
		gpu_ok(kiln_stream_launch(stream, kernel,
		                          &(struct kiln_launch_params){
						  .buffers = {data},
						  .indirect = {.buffer = place, .offset = 12 * (i & 1)},
					  }));
	gpu_refused(kiln_stream_wait(stream, KILN_WAIT_FOREVER), KILN_ERR_THREADS_LIMIT);
	assert_non_null(strstr(kiln_error_message(), "(21 such"));
	assert_int_equal(read_tally(data)->groups, 0);
	gpu_ok(kiln_stream_launch(stream, kernel,
	                          &(struct kiln_launch_params){.buffers = {data},
	                                                       .indirect = {.buffer = place}}));
	gpu_forget_log();
	kiln_stream_destroy(&stream); /* nobody waited: it is in the log */
	assert_true(gpu_logged("'tally'"));
	kiln_buffer_destroy(&data);
	kiln_buffer_destroy(&place);
	kiln_kernel_destroy(&kernel);
}

/* Also where the bytes are not the host's to see, and come in pieces. */
static void a_read_tells_of_what_was_refused(void **state)
{
	const uint32_t counts[3] = {UINT32_MAX, 1, 1};
	const uint32_t pretend = gpu_device->memory.pretend;
	struct kiln_kernel *kernel;
	uint32_t word;

	(void)state;
	GPU_NEEDS_LAUNCH();
	if (gpu_info()->max_workgroup_count[0] == UINT32_MAX)
		gpu_skip(__func__, "this device takes any count");
	kernel = indirect_kernel();
	for (uint32_t staged = 0; staged < 2; staged++) {
		struct kiln_buffer *data, *place = gpu_buffer(sizeof counts, counts);

		gpu_device->memory.pretend = staged ? KILN_PRETEND_NOT_VISIBLE : 0;
		data = gpu_buffer(sizeof(struct tally), NULL);
		gpu_ok(launch_at(kernel, data, place, 0, false));
		gpu_refused(kiln_buffer_read(data, 0, &word, sizeof word), KILN_ERR_THREADS_LIMIT);
		gpu_ok(kiln_buffer_read(data, 0, &word, sizeof word));
		assert_int_equal(word, 0);
		kiln_buffer_destroy(&data);
		kiln_buffer_destroy(&place);
	}
	gpu_device->memory.pretend = pretend;
	kiln_kernel_destroy(&kernel);
}

/* Waiting for room in the staging is not what a program calls a wait. */
static void a_large_upload_is_whole_and_leaves_the_refusal_to_the_wait(void **state)
{
	const uint32_t counts[3] = {UINT32_MAX, 1, 1};
	const uint64_t bytes = UINT64_C(40) << 20;
	struct kiln_buffer *data, *place, *large;
	unsigned char *bytes_up = malloc(bytes);
	struct kiln_stream *stream = NULL;
	struct kiln_kernel *kernel;

	(void)state;
	assert_non_null(bytes_up);
	GPU_NEEDS_LAUNCH();
	if (gpu_info()->max_workgroup_count[0] == UINT32_MAX)
		gpu_skip(__func__, "this device takes any count");
	kernel = indirect_kernel();
	data = gpu_buffer(sizeof(struct tally), NULL);
	place = gpu_buffer(sizeof counts, counts);
	large = gpu_buffer(bytes, NULL);
	gpu_ok(kiln_stream_create(gpu_device, NULL, &stream));
	gpu_ok(kiln_stream_launch(stream, kernel,
	                          &(struct kiln_launch_params){.buffers = {data},
	                                                       .indirect = {.buffer = place}}));
	gpu_ok(kiln_stream_fill(stream, large, 0, bytes, 0)); /* busy: staged */
	memset(bytes_up, 5, bytes);
	gpu_ok(kiln_stream_upload(stream, large, 0, bytes_up, bytes));
	gpu_refused(kiln_stream_wait(stream, KILN_WAIT_FOREVER), KILN_ERR_THREADS_LIMIT);
	memset(bytes_up, 0, bytes);
	gpu_ok(kiln_buffer_read(large, 0, bytes_up, bytes));
	for (uint64_t i = 0; i < bytes; i++)
		assert_int_equal(bytes_up[i], 5);
	kiln_stream_destroy(&stream);
	kiln_buffer_destroy(&data);
	kiln_buffer_destroy(&place);
	kiln_buffer_destroy(&large);
	kiln_kernel_destroy(&kernel);
	free(bytes_up);
}

static void mistakes_are_refused_with_a_sentence(void **state)
{
	struct kiln_kernel *kernel, *plain, *none = NULL;
	struct kiln_buffer *data, *place;
	struct kiln_launch_params params;

	(void)state;
	GPU_NEEDS_LAUNCH();
	kernel = indirect_kernel();
	plain = tally_kernel(0);
	data = gpu_buffer(sizeof(struct tally), NULL);
	place = gpu_buffer(16, NULL);
	params = (struct kiln_launch_params){.buffers = {data}, .indirect = {.buffer = place}};
	gpu_refused(kiln_launch(plain, &params), KILN_ERR_INVALID_ARGUMENT);
	params.threads[0] = 1;
	gpu_refused(kiln_launch(kernel, &params), KILN_ERR_INVALID_ARGUMENT);
	params.threads[0] = 0;
	for (uint64_t offset = 1; offset < 16; offset++) {
		params.indirect.offset = offset;
		if (offset != 4)
			gpu_refused(kiln_launch(kernel, &params), KILN_ERR_INVALID_ARGUMENT);
	}
	params.indirect = (struct kiln_arg){.buffer = place, .bytes = 16};
	gpu_refused(kiln_launch(kernel, &params), KILN_ERR_INVALID_ARGUMENT);
	params = (struct kiln_launch_params){.indirect = {.buffer = place}};
	gpu_refused(kiln_launch(kernel, &params), KILN_ERR_TOO_FEW_BUFFERS);
	gpu_refused(kiln_kernel_create(gpu_device,
	                               &(struct kiln_kernel_params){.spirv = modes_tally_spv,
	                                                            .spirv_bytes = sizeof modes_tally_spv,
	                                                            .modes = KILN_FEATURE_F16},
	                               &none),
	            KILN_ERR_INVALID_ARGUMENT);
	assert_null(none);
	kiln_buffer_destroy(&data);
	kiln_buffer_destroy(&place);
	kiln_kernel_destroy(&kernel);
	kiln_kernel_destroy(&plain);
	gpu_assert_usable();
}

static void a_mode_is_part_of_the_pipelines_key(void **state)
{
	static const struct {
		uint32_t mode;
		const char *name;
	} modes[] = {
		{KILN_FEATURE_ASYNC_COMPUTE, "async_compute"},
		{KILN_FEATURE_INDIRECT_DISPATCH, "indirect_dispatch"},
		{KILN_FEATURE_SPECULATIVE, "speculative"},
		{KILN_FEATURE_PERSISTENT_THREAD, "persistent_thread"},
	};
	struct kiln_kernel *plain = tally_kernel(0);
	struct kiln_build build;
	struct kiln_digest plain_id;

	(void)state;
	gpu_ok(kiln_kernel_resolve(plain, &build));
	plain_id = build.identity.digest;
	for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
		struct kiln_kernel *kernel = tally_kernel(modes[i].mode);

		gpu_ok(kiln_kernel_resolve(kernel, &build));
		assert_non_null(strstr(build.policy, modes[i].name));
		assert_true(build.key->features.bits & modes[i].mode);
		assert_memory_not_equal(&build.identity.digest, &plain_id, sizeof plain_id);
		kiln_kernel_destroy(&kernel);
	}
	kiln_kernel_destroy(&plain);
}

static void a_kernel_made_for_modes_can_be_launched_plainly(void **state)
{
	struct kiln_kernel *kernel;
	struct kiln_buffer *data;

	(void)state;
	GPU_NEEDS_LAUNCH();
	kernel = tally_kernel(KILN_FEATURE_INDIRECT_DISPATCH | KILN_FEATURE_SPECULATIVE);
	data = gpu_buffer(sizeof(struct tally), NULL);
	gpu_ok(kiln_launch(kernel, &(struct kiln_launch_params){.threads = {100}, .buffers = {data}}));
	assert_int_equal(read_tally(data)->groups, 4);
	kiln_buffer_destroy(&data);
	kiln_kernel_destroy(&kernel);
}

/* Where the device has one queue, the asynchronous one is the main one. */
static void an_asynchronous_stream_gives_the_same_results_on_any_device(void **state)
{
	struct kiln_stream *streams[2] = {kiln_device_stream(gpu_device), NULL};
	struct kiln_kernel *kernel;
	struct kiln_buffer *data;
	struct kiln_stream_params params = {.queue = KILN_QUEUE_ASYNC, .name = "async"};

	(void)state;
	GPU_NEEDS_LAUNCH();
	kernel = tally_kernel(KILN_FEATURE_ASYNC_COMPUTE);
	data = gpu_buffer(sizeof(struct tally), NULL);
	gpu_ok(kiln_stream_create(gpu_device, &params, &streams[1]));
	for (uint32_t i = 0; i < 50; i++)
		gpu_ok(kiln_stream_launch(streams[i & 1], kernel,
		                          &(struct kiln_launch_params){.threads = {HITS},
		                                                       .buffers = {data}}));
	for (uint32_t i = 0; i < HITS; i++)
		assert_int_equal(read_tally(data)->hits[i], 50);
	kiln_stream_destroy(&streams[1]);
	kiln_buffer_destroy(&data);
	kiln_kernel_destroy(&kernel);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_chain_of_indirect_launches_keeps_its_order),
		cmocka_unit_test(a_kernel_made_for_modes_can_be_launched_plainly),
		cmocka_unit_test(a_large_upload_is_whole_and_leaves_the_refusal_to_the_wait),
		cmocka_unit_test(a_mode_is_part_of_the_pipelines_key),
		cmocka_unit_test(a_read_tells_of_what_was_refused),
		cmocka_unit_test(an_asynchronous_stream_gives_the_same_results_on_any_device),
		cmocka_unit_test(counts_beyond_the_limits_launch_nothing_and_a_wait_says_so),
		cmocka_unit_test(counts_written_on_the_device_are_launched),
		cmocka_unit_test(mistakes_are_refused_with_a_sentence),
		cmocka_unit_test(refusals_of_several_launches_are_counted),
		cmocka_unit_test(threads_are_rounded_up_to_whole_workgroups),
	};
	return GPU_MAIN("modes", tests, true);
}
