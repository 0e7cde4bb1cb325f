/* Many threads, many keys, one device: each key is compiled once, the counters add up, the results are right. */
#include "harness.h"

#include <pthread.h>

#include "spec_spv.h"

enum { THREADS = 8, KEYS = 6, ROUNDS = 4 };

struct worker {
	pthread_t thread;
	struct kiln_device *device;
	unsigned seed, wrong, resolves;
};

/* What the kernel of key `key` writes: its constant. */
static void run_key(struct worker *worker, uint32_t key)
{
	const struct kiln_spec_value spec = { .id = 0, .size = 4, .value = key + 100 };
	const struct kiln_kernel_params params = {
		.spirv = spec_spv, .spirv_bytes = sizeof spec_spv, .spec = &spec, .spec_count = 1, .workgroup = { 4, 1, 1 },
	};
	struct kiln_kernel *kernel = NULL;
	struct kiln_buffer *out = NULL;
	uint32_t got = 0;
	worker->wrong += kiln_kernel_create(worker->device, &params, &kernel) != KILN_OK;
	worker->wrong += kiln_kernel_resolve(kernel, NULL) != KILN_OK;
	worker->resolves++;
	if (kiln_device_info(worker->device)->can_launch) {
		worker->wrong += kiln_buffer_create(worker->device, &(struct kiln_buffer_params){ .bytes = 28 }, &out) != KILN_OK;
		worker->wrong += kiln_launch(kernel, &(struct kiln_launch_params){ .threads = { 1 }, .buffers = { out } }) != KILN_OK;
		worker->wrong += kiln_buffer_read(out, 0, &got, 4) != KILN_OK;
		worker->wrong += got != key + 100;
	}
	kiln_buffer_destroy(&out);
	kiln_kernel_destroy(&kernel);
}

static void *run_keys(void *data)
{
	struct worker *worker = data;
	for (uint32_t i = 0; i < KEYS * ROUNDS; i++)
		run_key(worker, (i + worker->seed) % KEYS);
	return NULL;
}

static void threads_with_many_keys_compile_each_once(void **state)
{
	(void)state;
	struct worker workers[THREADS] = { 0 };
	unsigned resolves = 0;
	struct kiln_device *device = gpu_open(&(struct kiln_device_params){ .no_cache = true });
	for (unsigned i = 0; i < THREADS; i++) {
		workers[i].device = device;
		workers[i].seed = i / 2; /* pairs race for the same key */
		assert_int_equal(pthread_create(&workers[i].thread, NULL, run_keys, &workers[i]), 0);
	}
	for (unsigned i = 0; i < THREADS; i++) {
		pthread_join(workers[i].thread, NULL);
		assert_int_equal(workers[i].wrong, 0);
		resolves += workers[i].resolves;
	}
	struct kiln_device_counters counters = kiln_device_counters(device);
	assert_int_equal(counters.compiled + counters.unknown + counters.driver, KEYS);
	assert_int_equal(counters.memory, resolves - KEYS);
	assert_int_equal(counters.failed, 0);
	assert_int_equal(counters.launches, gpu_info()->can_launch ? resolves : 0);
	gpu_close(&device);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(threads_with_many_keys_compile_each_once),
	};
	return GPU_MAIN("counters", tests, true);
}
