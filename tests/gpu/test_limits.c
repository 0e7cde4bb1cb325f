/* Every limit of a device that a program can run into: refused before the driver hears of it, by a sentence that names the limit
 * and both numbers. The limits are lowered for the test, so that every driver has them in reach. */
#include "harness.h"

#include <stdio.h>
#include <string.h>

#include "count_spv.h"
#include "device.h"
#include "push_spv.h"
#include "reduce_spv.h"
#include "saxpy_spv.h"
#include "sets_spv.h"
#include "uniform_spv.h"

#define N 1024u

static struct kiln_device *as_it_is; /* its limits, to come back to */

static int remember(void **state)
{
	(void)state;
	as_it_is = malloc(sizeof(*as_it_is));
	assert_non_null(as_it_is);
	as_it_is->limits = gpu_device->limits;
	as_it_is->info = gpu_device->info;
	as_it_is->memory.max_bytes = gpu_device->memory.max_bytes;
	as_it_is->memory.max_why = gpu_device->memory.max_why;
	as_it_is->memory.limits = gpu_device->memory.limits;
	return 0;
}

static int restore(void **state)
{
	(void)state;
	gpu_device->limits = as_it_is->limits;
	gpu_device->info = as_it_is->info;
	gpu_device->memory.max_bytes = as_it_is->memory.max_bytes;
	gpu_device->memory.max_why = as_it_is->memory.max_why;
	gpu_device->memory.limits = as_it_is->memory.limits;
	free(as_it_is);
	return 0;
}

static void refused(enum kiln_status status, enum kiln_status expected, const char *limit, const char *asked,
                    const char *given)
{
	const char *const texts[] = {limit, asked, given};

	gpu_refused(status, expected);
	for (int i = 0; i < 3; i++)
		if (!strstr(kiln_error_message(), texts[i]))
			fail_msg("no \"%s\" in: %s", texts[i], kiln_error_message());
}

/* ---- Memory ---- */

static void buffer_over_the_largest_is_refused_by_name(void **state)
{
	struct kiln_buffer_params params = {.bytes = gpu_device->memory.max_bytes + 4};
	struct kiln_buffer *buffer = NULL;
	char asked[32], given[32];

	(void)state;
	GPU_NEEDS_LAUNCH();
	snprintf(asked, sizeof(asked), "%llu bytes", (unsigned long long)params.bytes);
	snprintf(given, sizeof(given), "%llu bytes", (unsigned long long)params.bytes - 4);
	refused(kiln_buffer_create(gpu_device, &params, &buffer), KILN_ERR_TOO_LARGE,
	        gpu_device->memory.max_why, asked, given);
	assert_null(buffer);
}

static void each_limit_of_a_buffer_has_its_name(void **state)
{
	static const char *const names[] = {"maxMemoryAllocationSize", "maxBufferSize",
	                                    "the size of its largest heap"};
	struct kiln_buffer *buffer = NULL;

	(void)state;
	GPU_NEEDS_LAUNCH();
	for (int i = 0; i < 3; i++) {
		struct kiln_memory_limits limits = as_it_is->memory.limits;
		struct kiln_memory_pool pool;

		limits.max_allocation_bytes = i == 0 ? 5000 : 0;
		limits.max_buffer_bytes = i == 1 ? 5000 : 0;
		for (uint32_t heap = 0; i == 2 && heap < limits.properties.memoryHeapCount; heap++)
			limits.properties.memoryHeaps[heap].size = 5000;
		gpu_ok(kiln_memory_pool_init(&pool, &limits));
		gpu_device->memory.max_bytes = pool.max_bytes;
		gpu_device->memory.max_why = pool.max_why;
		refused(kiln_buffer_create(gpu_device, &(struct kiln_buffer_params){.bytes = 5004}, &buffer),
		        KILN_ERR_TOO_LARGE, names[i], "5004 bytes", "5000 bytes");
		kiln_mutex_finish(&pool.lock);
	}
}

static void allocation_over_the_count_is_refused(void **state)
{
	struct kiln_memory_pool *pool = &gpu_device->memory;
	struct kiln_buffer_params params = {.bytes = UINT64_C(40) << 20};
	struct kiln_buffer *buffer = NULL;
	char given[16];

	(void)state;
	GPU_NEEDS_LAUNCH();
	pool->limits.max_allocations = pool->allocation_count;
	snprintf(given, sizeof(given), "(%u, ", pool->allocation_count);
	refused(kiln_buffer_create(gpu_device, &params, &buffer), KILN_ERR_OUT_OF_DEVICE_MEMORY,
	        "maxMemoryAllocationCount", "41943040 bytes", given);
	assert_null(buffer);
}

/* ---- Launches ---- */

static void launch_saxpy(uint32_t threads, const struct kiln_arg args[2], enum kiln_status expected,
                         const char *limit, const char *asked, const char *given)
{
	const struct {
		uint32_t n;
		float a;
	} push = {N, 1.0f};
	struct kiln_kernel *kernel = GPU_KERNEL(saxpy_spv);
	struct kiln_launch_params params = {.threads = {threads},
	                                    .args = args,
	                                    .arg_count = 2,
	                                    .push = &push,
	                                    .push_bytes = sizeof(push)};

	gpu_ok(kiln_kernel_resolve(kernel, NULL));
	refused(kiln_launch(kernel, &params), expected, limit, asked, given);
	kiln_kernel_destroy(&kernel);
}

static void storage_ranges_and_offsets_are_bounded(void **state)
{
	struct kiln_buffer *x, *y;

	(void)state;
	GPU_NEEDS_LAUNCH();
	x = gpu_buffer(N * 4, NULL);
	y = gpu_buffer(N * 4, NULL);
	gpu_device->limits.maxStorageBufferRange = 1000;
	launch_saxpy(N, (struct kiln_arg[]){{x, 0, 0}, {y, 0, 0}}, KILN_ERR_TOO_LARGE,
	             "(maxStorageBufferRange)", "is 4096 bytes", "at most 1000");
	gpu_device->limits = as_it_is->limits;
	gpu_device->limits.minStorageBufferOffsetAlignment = 512;
	launch_saxpy(N, (struct kiln_arg[]){{x, 0, 0}, {y, 256, 0}}, KILN_ERR_INVALID_ARGUMENT,
	             "(minStorageBufferOffsetAlignment)", "offset 256", "multiple of 512");
	gpu_device->limits = as_it_is->limits;
	gpu_device->info.max_workgroup_count[0] = 3;
	launch_saxpy(N, (struct kiln_arg[]){{x, 0, 0}, {y, 0, 0}}, KILN_ERR_THREADS_LIMIT,
	             "(maxComputeWorkGroupCount)", "1024 threads", "counts to 3");
	kiln_buffer_destroy(&x);
	kiln_buffer_destroy(&y);
}

static void uniform_ranges_and_offsets_are_bounded(void **state)
{
	struct kiln_kernel *kernel;
	struct kiln_buffer *facts, *data;
	struct kiln_arg args[2] = {0};
	const struct kiln_launch_params params = {.threads = {1}, .args = args, .arg_count = 2};

	(void)state;
	GPU_NEEDS_LAUNCH();
	kernel = GPU_KERNEL(uniform_spv);
	facts = gpu_buffer(4096, NULL);
	data = gpu_buffer(4096, NULL);
	args[0].buffer = facts;
	args[1].buffer = data;
	gpu_device->limits.maxUniformBufferRange = 1000;
	refused(kiln_launch(kernel, &params), KILN_ERR_TOO_LARGE, "(maxUniformBufferRange)", "is 4096 bytes",
	        "at most 1000");
	gpu_device->limits = as_it_is->limits;
	gpu_device->limits.minUniformBufferOffsetAlignment = 512;
	args[0].offset = 256;
	args[0].bytes = 64;
	refused(kiln_launch(kernel, &params), KILN_ERR_INVALID_ARGUMENT, "(minUniformBufferOffsetAlignment)",
	        "offset 256", "multiple of 512");
	kiln_buffer_destroy(&facts);
	kiln_buffer_destroy(&data);
	kiln_kernel_destroy(&kernel);
}

static void work_queues_are_bounded(void **state)
{
	const struct kiln_work_queue_params params = {.capacity = 1024, .item_words = 4, .name = "victim"};
	struct kiln_work_queue *queue = NULL;

	(void)state;
	GPU_NEEDS_LAUNCH();
	gpu_device->limits.maxStorageBufferRange = 4096;
	refused(kiln_work_queue_create(gpu_device, &params, &queue), KILN_ERR_TOO_LARGE,
	        "(maxStorageBufferRange)", "1024 items of 4 words", "the 4096 bytes");
	assert_null(queue);
}

/* ---- Kernels ---- */

static void create(const void *words, size_t bytes, enum kiln_status expected, const char *limit,
                   const char *asked, const char *given)
{
	struct kiln_kernel_params params = {.spirv = words, .spirv_bytes = bytes, .name = "victim"};
	struct kiln_kernel *kernel = NULL;
	enum kiln_status status = kiln_kernel_create(gpu_device, &params, &kernel);

	if (status == KILN_OK)
		status = kiln_kernel_resolve(kernel, NULL);
	refused(status, expected, limit, asked, given);
	kiln_kernel_destroy(&kernel);
	gpu_device->limits = as_it_is->limits;
	gpu_device->info = as_it_is->info;
}

static void what_a_kernel_declares_is_bounded(void **state)
{
	(void)state;
	gpu_device->info.max_push_bytes = 4;
	create(saxpy_spv, sizeof(saxpy_spv), KILN_ERR_PUSH_TOO_LONG, "(maxPushConstantsSize)", "8 bytes",
	       "takes 4");
	gpu_device->info.max_shared_bytes = 16;
	create(reduce_spv, sizeof(reduce_spv), KILN_ERR_WORKGROUP_LIMIT, "(maxComputeSharedMemorySize)",
	       "bytes of shared memory", "has 16");
	gpu_device->info.max_bindings = 1;
	create(saxpy_spv, sizeof(saxpy_spv), KILN_ERR_UNSUPPORTED, "(maxPerStageResources)", "2 bindings",
	       "takes 1");
	gpu_device->limits.maxPerStageDescriptorStorageBuffers = 1;
	create(saxpy_spv, sizeof(saxpy_spv), KILN_ERR_UNSUPPORTED, "maxPerStageDescriptor*", "binds 2",
	       "takes 1");
	gpu_device->limits.maxDescriptorSetStorageBuffers = 1;
	create(saxpy_spv, sizeof(saxpy_spv), KILN_ERR_UNSUPPORTED, "maxDescriptorSet*", "binds 2", "takes 1");
	gpu_device->limits.maxBoundDescriptorSets = 1;
	create(sets_spv, sizeof(sets_spv), KILN_ERR_UNSUPPORTED, "(maxBoundDescriptorSets)", "set ",
	       "at most set 0");
	gpu_device->info.max_workgroup_threads = 32;
	create(count_spv, sizeof(count_spv), KILN_ERR_WORKGROUP_LIMIT, "(maxComputeWorkGroupInvocations)",
	       "64x1x1", "32 in all");
	gpu_device->info.max_workgroup_size[0] = 16;
	create(count_spv, sizeof(count_spv), KILN_ERR_WORKGROUP_LIMIT, "(maxComputeWorkGroupSize)", "64x1x1",
	       "at most 16x");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, remember, restore)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(allocation_over_the_count_is_refused),
		TEST(buffer_over_the_largest_is_refused_by_name),
		TEST(each_limit_of_a_buffer_has_its_name),
		TEST(storage_ranges_and_offsets_are_bounded),
		TEST(uniform_ranges_and_offsets_are_bounded),
		TEST(what_a_kernel_declares_is_bounded),
		TEST(work_queues_are_bounded),
	};

	return GPU_MAIN("limits", tests, true);
}
