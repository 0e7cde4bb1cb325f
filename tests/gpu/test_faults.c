/* Vulkan calls that fail or block at a chosen moment, through the device's own function table. Each failure is a status;
 * nothing that was accepted is lost; everything works afterwards. */
#include "harness.h"

#include <pthread.h>
#include <semaphore.h>
#include <string.h>

#include "count_spv.h"
#include "device.h"
#include "shift_spv.h"
#include "step_spv.h"

#define N 2048u

struct push {
	uint32_t n, k;
};

/* ---- The faults ---- */

static struct VolkDeviceTable real;
static VkResult fault;   /* what the next `faults` calls return */
static unsigned faults;

static bool strikes(void)
{
	return faults > 0 && faults--;
}

static VKAPI_ATTR VkResult VKAPI_CALL submit(VkQueue queue, uint32_t count, const VkSubmitInfo *infos, VkFence fence)
{
	return strikes() ? fault : real.vkQueueSubmit(queue, count, infos, fence);
}

static VKAPI_ATTR VkResult VKAPI_CALL end(VkCommandBuffer commands)
{
	return strikes() ? fault : real.vkEndCommandBuffer(commands);
}

static VKAPI_ATTR VkResult VKAPI_CALL wait_fences(VkDevice device, uint32_t count, const VkFence *fences, VkBool32 all,
                                                  uint64_t timeout_ns)
{
	return strikes() ? fault : real.vkWaitForFences(device, count, fences, all, timeout_ns);
}

/* As Vulkan has it, what a failed creation leaves behind is undefined. */
#define RUBBISH(handle) memset((handle), 0x5a, sizeof *(handle))

static VKAPI_ATTR VkResult VKAPI_CALL create_buffer(VkDevice device, const VkBufferCreateInfo *info,
                                                    const VkAllocationCallbacks *callbacks, VkBuffer *out_buffer)
{
	if (!strikes())
		return real.vkCreateBuffer(device, info, callbacks, out_buffer);
	RUBBISH(out_buffer);
	return fault;
}

static VKAPI_ATTR VkResult VKAPI_CALL create_pool(VkDevice device, const VkDescriptorPoolCreateInfo *info,
                                                  const VkAllocationCallbacks *callbacks, VkDescriptorPool *out_pool)
{
	if (!strikes())
		return real.vkCreateDescriptorPool(device, info, callbacks, out_pool);
	RUBBISH(out_pool);
	return fault;
}

static VKAPI_ATTR VkResult VKAPI_CALL create_fence(VkDevice device, const VkFenceCreateInfo *info,
                                                   const VkAllocationCallbacks *callbacks, VkFence *out_fence)
{
	if (!strikes())
		return real.vkCreateFence(device, info, callbacks, out_fence);
	RUBBISH(out_fence);
	return fault;
}

static VKAPI_ATTR VkResult VKAPI_CALL create_module(VkDevice device, const VkShaderModuleCreateInfo *info,
                                                    const VkAllocationCallbacks *callbacks, VkShaderModule *out_module)
{
	if (!strikes())
		return real.vkCreateShaderModule(device, info, callbacks, out_module);
	RUBBISH(out_module);
	return fault;
}

static VKAPI_ATTR VkResult VKAPI_CALL create_pipelines(VkDevice device, VkPipelineCache cache, uint32_t count,
                                                       const VkComputePipelineCreateInfo *infos,
                                                       const VkAllocationCallbacks *callbacks, VkPipeline *out_pipelines)
{
	if (!strikes())
		return real.vkCreateComputePipelines(device, cache, count, infos, callbacks, out_pipelines);
	RUBBISH(out_pipelines);
	return fault;
}

/* ---- Their victim ---- */

struct victim {
	struct kiln_device *device;
	struct kiln_kernel *step;
	struct kiln_buffer *data;
	uint32_t host[N];
};

static struct victim b;

/* A device of its own, whose calls can be told to fail. */
static void set_up(void)
{
	memset(&b, 0, sizeof b);
	faults = 0;
	b.device = gpu_open(&(struct kiln_device_params){ .no_cache = true });
	real = b.device->vk;
	gpu_ok(kiln_kernel_create(b.device, &(struct kiln_kernel_params){ .spirv = step_spv, .spirv_bytes = sizeof step_spv },
	                          &b.step));
	gpu_ok(kiln_kernel_resolve(b.step, NULL));
	gpu_ok(kiln_buffer_create(b.device, &(struct kiln_buffer_params){ .bytes = N * 4 }, &b.data));
}

static void tear_down(void)
{
	b.device->vk = real;
	kiln_buffer_destroy(&b.data);
	kiln_kernel_destroy(&b.step);
	gpu_close(&b.device);
	gpu_assert_usable();
}

static void strike(unsigned times, VkResult result)
{
	faults = times;
	fault = result;
}

static enum kiln_status launch(uint32_t k)
{
	const struct push push = { N, k };
	return kiln_launch(b.step, &(struct kiln_launch_params){
					   .threads = { N }, .buffers = { b.data }, .push = &push, .push_bytes = sizeof push });
}

/* Launches, and does the same on the host. */
static void step(uint32_t k)
{
	gpu_ok(launch(k));
	for (uint32_t i = 0; i < N; i++)
		b.host[i] = b.host[i] * 1664525u + k + i;
}

static void assert_data(void)
{
	uint32_t *got = gpu_read(b.data, N);
	assert_memory_equal(got, b.host, sizeof b.host);
	free(got);
}

/* ---- Tests ---- */

static void submission_that_fails_is_tried_again(void **state)
{
	(void)state;
	GPU_NEEDS_LAUNCH();
	set_up();
	b.device->vk.vkQueueSubmit = submit;
	step(1);
	strike(2, VK_ERROR_OUT_OF_HOST_MEMORY);
	gpu_refused(kiln_device_wait(b.device), KILN_ERR_OUT_OF_MEMORY);
	gpu_refused(launch(2), KILN_ERR_OUT_OF_MEMORY);
	assert_int_equal(faults, 0);
	step(3);
	assert_data();
	tear_down();
}

static void long_list_whose_submission_fails_stays_enqueued(void **state)
{
	(void)state;
	GPU_NEEDS_LAUNCH();
	set_up();
	b.device->vk.vkQueueSubmit = submit;
	strike(1, VK_ERROR_OUT_OF_DEVICE_MEMORY);
	for (uint32_t k = 0; k < 1200; k++)
		step(k);
	assert_int_equal(faults, 0);
	assert_data();
	tear_down();
}

static void device_is_closed_though_its_last_submission_fails(void **state)
{
	(void)state;
	GPU_NEEDS_LAUNCH();
	set_up();
	b.device->vk.vkQueueSubmit = submit;
	step(1);
	strike(100, VK_ERROR_OUT_OF_HOST_MEMORY);
	kiln_buffer_destroy(&b.data);
	kiln_kernel_destroy(&b.step);
	kiln_device_close(&b.device);
	assert_true(gpu_logged("closing device"));
	gpu_assert_usable();
}

static void wait_that_fails_waits_another_way(void **state)
{
	(void)state;
	GPU_NEEDS_LAUNCH();
	set_up();
	b.device->vk.vkWaitForFences = wait_fences;
	strike(1, VK_ERROR_OUT_OF_HOST_MEMORY);
	step(1);
	assert_data();
	assert_int_equal(faults, 0);
	step(2);
	assert_data();
	tear_down();
}

static void assert_lost(void)
{
	struct kiln_kernel *other = NULL;
	struct kiln_buffer *buffer = NULL;
	uint32_t word = 0;
	gpu_refused(launch(9), KILN_ERR_DEVICE_LOST);
	gpu_refused(kiln_buffer_read(b.data, 0, &word, 4), KILN_ERR_DEVICE_LOST);
	gpu_refused(kiln_buffer_write(b.data, 0, &word, 4), KILN_ERR_DEVICE_LOST);
	gpu_refused(kiln_buffer_create(b.device, &(struct kiln_buffer_params){ .bytes = 4 }, &buffer), KILN_ERR_DEVICE_LOST);
	gpu_refused(kiln_kernel_create(b.device,
	                               &(struct kiln_kernel_params){ .spirv = count_spv, .spirv_bytes = sizeof count_spv }, &other),
	            KILN_ERR_DEVICE_LOST);
	gpu_refused(kiln_kernel_resolve(b.step, NULL), KILN_ERR_DEVICE_LOST);
	gpu_refused(kiln_device_wait(b.device), KILN_ERR_DEVICE_LOST);
}

static void lost_device_says_so_ever_after(void **state)
{
	(void)state;
	GPU_NEEDS_LAUNCH();
	for (int at = 0; at < 3; at++) {
		set_up();
		b.device->vk.vkQueueSubmit = at == 0 ? submit : real.vkQueueSubmit;
		b.device->vk.vkWaitForFences = at == 1 ? wait_fences : real.vkWaitForFences;
		b.device->vk.vkEndCommandBuffer = at == 2 ? end : real.vkEndCommandBuffer;
		step(1);
		/* A list that cannot be ended can never run: as good as lost. */
		strike(1, at == 2 ? VK_ERROR_OUT_OF_HOST_MEMORY : VK_ERROR_DEVICE_LOST);
		gpu_refused(kiln_device_wait(b.device), at == 2 ? KILN_ERR_OUT_OF_MEMORY : KILN_ERR_DEVICE_LOST);
		assert_lost();
		b.device->vk = real;
		kiln_buffer_destroy(&b.data);
		kiln_kernel_destroy(&b.step);
		kiln_device_close(&b.device);
		gpu_assert_usable();
	}
}

static void launch_that_fails_enqueues_nothing(void **state)
{
	(void)state;
	GPU_NEEDS_LAUNCH();
	set_up();
	b.device->vk.vkCreateDescriptorPool = create_pool;
	b.device->vk.vkCreateFence = create_fence;
	for (unsigned left = 2; left > 0; left--) {
		strike(1, VK_ERROR_OUT_OF_HOST_MEMORY); /* the slot's fence, then its first pool */
		gpu_refused(launch(5), KILN_ERR_OUT_OF_MEMORY);
		if (left == 2)
			b.device->vk.vkCreateFence = real.vkCreateFence;
	}
	assert_int_equal(kiln_device_counters(b.device).launches, 0);
	assert_data();
	step(6);
	assert_data();
	tear_down();
}

static void failed_compile_leaves_nothing_behind(void **state)
{
	(void)state;
	struct kiln_device *device = gpu_open(&(struct kiln_device_params){ .no_cache = true });
	struct kiln_kernel *kernel = NULL;
	real = device->vk;
	gpu_ok(kiln_kernel_create(device, &(struct kiln_kernel_params){ .spirv = shift_spv, .spirv_bytes = sizeof shift_spv },
	                          &kernel));
	for (int call = 0; call < 2; call++) {
		device->vk = real;
		device->vk.vkCreateShaderModule = call == 0 ? create_module : real.vkCreateShaderModule;
		device->vk.vkCreateComputePipelines = call == 1 ? create_pipelines : real.vkCreateComputePipelines;
		strike(1, VK_ERROR_OUT_OF_HOST_MEMORY);
		gpu_refused(kiln_kernel_resolve(kernel, NULL), KILN_ERR_OUT_OF_MEMORY);
		assert_null(kiln_kernel_manifest(kernel));
	}
	device->vk = real;
	gpu_ok(kiln_kernel_resolve(kernel, NULL));
	struct kiln_device_counters counters = kiln_device_counters(device);
	assert_int_equal(counters.failed, 2);
	assert_int_equal(counters.compiled + counters.unknown + counters.driver, 1);
	assert_int_equal(counters.memory, 0);
	kiln_kernel_destroy(&kernel);
	gpu_close(&device);
}

static void failed_upload_spoils_no_earlier_one(void **state)
{
	(void)state;
	GPU_NEEDS_LAUNCH();
	enum { PIECE = 60000, PIECES = 3 };
	static unsigned char from[PIECES][PIECE], got[PIECES * PIECE], large[1 << 20];
	struct kiln_buffer *target = NULL;
	set_up();
	b.device->memory.pretend = KILN_PRETEND_NOT_VISIBLE; /* so that writes are staged */
	b.device->vk.vkCreateBuffer = create_buffer;
	gpu_ok(kiln_buffer_create(b.device, &(struct kiln_buffer_params){ .bytes = sizeof got }, &target));
	for (int i = 0; i < PIECES; i++) {
		memset(from[i], i + 1, PIECE);
		if (i == PIECES - 1) { /* both staging buffers hold data that is still to be copied */
			strike(1, VK_ERROR_OUT_OF_HOST_MEMORY);
			gpu_refused(kiln_buffer_write(target, 0, large, sizeof got), KILN_ERR_OUT_OF_MEMORY);
			assert_int_equal(faults, 0);
		}
		gpu_ok(kiln_buffer_write(target, (uint64_t)i * PIECE, from[i], PIECE));
	}
	gpu_ok(kiln_buffer_read(target, 0, got, sizeof got));
	assert_memory_equal(got, from, sizeof got);
	kiln_buffer_destroy(&target);
	tear_down();
}

static sem_t waiting, released;

static VKAPI_ATTR VkResult VKAPI_CALL slow_wait(VkDevice device, uint32_t count, const VkFence *fences, VkBool32 all,
                                                uint64_t timeout_ns)
{
	if (strikes()) {
		sem_post(&waiting);
		sem_wait(&released);
	}
	return real.vkWaitForFences(device, count, fences, all, timeout_ns);
}

static void *wait_for_device(void *data)
{
	return kiln_device_wait(data) == KILN_OK ? data : NULL;
}

/* A deadlock ends in the suite's time limit. */
static void launching_and_destroying_do_not_wait_for_a_waiting_thread(void **state)
{
	(void)state;
	GPU_NEEDS_LAUNCH();
	pthread_t thread;
	void *result = NULL;
	struct kiln_buffer *other = NULL;
	set_up();
	sem_init(&waiting, 0, 0);
	sem_init(&released, 0, 0);
	gpu_ok(kiln_buffer_create(b.device, &(struct kiln_buffer_params){ .bytes = 4 }, &other));
	b.device->vk.vkWaitForFences = slow_wait;
	step(1);
	strike(1, VK_SUCCESS);
	assert_int_equal(pthread_create(&thread, NULL, wait_for_device, b.device), 0);
	sem_wait(&waiting);
	/* More lists than there are slots: a fence that is waited for is not reset under the waiter. */
	for (uint32_t k = 0; k < 10; k++) {
		step(k);
		gpu_ok(kiln_device_wait(b.device));
	}
	kiln_buffer_destroy(&other);
	assert_data();
	sem_post(&released);
	pthread_join(thread, &result);
	assert_non_null(result);
	sem_destroy(&waiting);
	sem_destroy(&released);
	tear_down();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(device_is_closed_though_its_last_submission_fails),
		cmocka_unit_test(failed_compile_leaves_nothing_behind),
		cmocka_unit_test(failed_upload_spoils_no_earlier_one),
		cmocka_unit_test(launch_that_fails_enqueues_nothing),
		cmocka_unit_test(launching_and_destroying_do_not_wait_for_a_waiting_thread),
		cmocka_unit_test(long_list_whose_submission_fails_stays_enqueued),
		cmocka_unit_test(lost_device_says_so_ever_after),
		cmocka_unit_test(submission_that_fails_is_tried_again),
		cmocka_unit_test(wait_that_fails_waits_another_way),
	};
	return GPU_MAIN("faults", tests, true);
}
