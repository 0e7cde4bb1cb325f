/* Several threads on one device, and objects destroyed while the device still uses them. */
#include "harness.h"

#include <pthread.h>
#include <string.h>
#include <time.h>

#include "device.h"
#include "stream.h"

#include "count_spv.h"
#include "saxpy_spv.h"
#include "shift_spv.h"
#include "spec_spv.h"
#include "step_spv.h"

#define THREADS 6
#define N 2048u
#define STREAMS 300u /* of each thread */

struct push {
	uint32_t n, k;
};

/* cmocka's assertions belong to the main thread: workers count what went wrong. */
struct worker {
	pthread_t thread;
	unsigned seed;
	unsigned wrong;
	struct kiln_kernel *kernel;
	struct kiln_buffer *shared;
	struct kiln_device *device;
	struct kiln_stream *streams[STREAMS];
};

static void run_workers(struct worker *workers, void *(*run)(void *))
{
	for (unsigned i = 0; i < THREADS; i++) {
		workers[i].seed = i;
		assert_int_equal(pthread_create(&workers[i].thread, NULL, run, &workers[i]), 0);
	}
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(workers[i].thread, NULL);
	for (unsigned i = 0; i < THREADS; i++)
		assert_int_equal(workers[i].wrong, 0);
}

static bool fails(struct worker *worker, enum kiln_status status)
{
	if (status != KILN_OK)
		worker->wrong++;
	return status != KILN_OK;
}

static void *own_chain(void *data)
{
	struct worker *worker = data;
	struct kiln_kernel *step = NULL;
	struct kiln_buffer *buffer = NULL;
	uint32_t host[N] = {0}, got[N];
	if (fails(worker, kiln_kernel_create(worker->device,
	                                     &(struct kiln_kernel_params){.spirv = step_spv,
	                                                                  .spirv_bytes = sizeof step_spv},
	                                     &step)) ||
	    fails(worker,
	          kiln_buffer_create(worker->device, &(struct kiln_buffer_params){.bytes = N * 4}, &buffer)))
		return NULL;
	for (uint32_t k = 0; k < 60; k++) {
		struct push push = {N, k * 7 + worker->seed};
		fails(worker, kiln_launch(step, &(struct kiln_launch_params){.threads = {N},
		                                                             .buffers = {buffer},
		                                                             .push = &push,
		                                                             .push_bytes = sizeof push}));
		for (uint32_t i = 0; i < N; i++)
			host[i] = host[i] * 1664525u + push.k + i;
		if (k % 10 == 9 && !fails(worker, kiln_buffer_read(buffer, 0, got, sizeof got)))
			worker->wrong += memcmp(got, host, sizeof got) != 0;
	}
	kiln_buffer_destroy(&buffer);
	kiln_kernel_destroy(&step);
	return NULL;
}

static void threads_with_their_own_objects_do_not_disturb_each_other(void **state)
{
	(void)state;
	GPU_NEEDS_LAUNCH();
	struct worker workers[THREADS] = {0};
	for (int i = 0; i < THREADS; i++)
		workers[i].device = gpu_device;
	run_workers(workers, own_chain);
	gpu_assert_usable();
}

static void *count_up(void *data)
{
	struct worker *worker = data;
	uint32_t n = 3;
	for (int i = 0; i < 100; i++)
		fails(worker,
		      kiln_launch(worker->kernel, &(struct kiln_launch_params){.threads = {n},
		                                                               .buffers = {worker->shared},
		                                                               .push = &n,
		                                                               .push_bytes = 4}));
	return NULL;
}

static void threads_may_share_a_kernel_and_a_buffer(void **state)
{
	(void)state;
	GPU_NEEDS_LAUNCH();
	struct worker workers[THREADS] = {0};
	struct kiln_kernel *count = GPU_KERNEL(count_spv);
	struct kiln_buffer *out = gpu_buffer(8, NULL);
	for (int i = 0; i < THREADS; i++) {
		workers[i].kernel = count;
		workers[i].shared = out;
	}
	run_workers(workers, count_up);
	uint32_t got[2];
	gpu_ok(kiln_buffer_read(out, 0, got, sizeof got));
	assert_int_equal(got[0], THREADS * 100 * 3);
	kiln_buffer_destroy(&out);
	kiln_kernel_destroy(&count);
}

static void *resolve_one(void *data)
{
	struct worker *worker = data;
	struct kiln_kernel *kernel = NULL;
	if (!fails(worker, kiln_kernel_create(worker->device,
	                                      &(struct kiln_kernel_params){.spirv = spec_spv,
	                                                                   .spirv_bytes = sizeof spec_spv},
	                                      &kernel)))
		fails(worker, kiln_kernel_resolve(kernel, NULL));
	kiln_kernel_destroy(&kernel);
	return NULL;
}

static void threads_that_miss_the_same_pipeline_compile_it_once(void **state)
{
	(void)state;
	struct worker workers[THREADS] = {0};
	struct kiln_device *device = gpu_open(&(struct kiln_device_params){.no_cache = true});
	for (int i = 0; i < THREADS; i++)
		workers[i].device = device;
	run_workers(workers, resolve_one);
	struct kiln_device_counters counters = kiln_device_counters(device);
	assert_int_equal(counters.compiled + counters.unknown + counters.driver, 1);
	assert_int_equal(counters.memory, THREADS - 1);
	gpu_close(&device);
}

static void *fail_somehow(void *data)
{
	struct worker *worker = data;
	const char *const names[] = {"alpha", "beta", "gamma"};
	for (int i = 0; i < 50; i++) {
		struct kiln_kernel *kernel = NULL;
		const char *name = names[worker->seed % 3];
		struct kiln_kernel_params params = {.spirv = saxpy_spv,
		                                    .spirv_bytes = sizeof saxpy_spv,
		                                    .entry = name};
		worker->wrong +=
			kiln_kernel_create(worker->device, &params, &kernel) != KILN_ERR_SPIRV_ENTRY_POINT;
		worker->wrong += strstr(kiln_error_message(), name) == NULL;
	}
	return NULL;
}

static void each_thread_reads_its_own_error_message(void **state)
{
	(void)state;
	struct worker workers[THREADS] = {0};
	for (int i = 0; i < THREADS; i++)
		workers[i].device = gpu_device;
	run_workers(workers, fail_somehow);
	gpu_assert_usable();
}

static void buffers_and_kernels_destroyed_right_after_the_launch_are_kept(void **state)
{
	(void)state;
	GPU_NEEDS_LAUNCH();
	static uint32_t host[N];
	struct kiln_buffer *out = gpu_buffer(N * 4, NULL);
	for (uint32_t k = 0; k < 50; k++) {
		struct push push = {N, k};
		struct kiln_kernel *shift = GPU_KERNEL(shift_spv);
		struct kiln_buffer *in = gpu_buffer_counting(N, k);
		gpu_ok(kiln_launch(shift, &(struct kiln_launch_params){.threads = {N},
		                                                       .buffers = {in, out},
		                                                       .push = &push,
		                                                       .push_bytes = sizeof push}));
		kiln_buffer_destroy(&in);
		kiln_kernel_destroy(&shift);
		assert_null(in);
		assert_null(shift);
	}
	for (uint32_t i = 0; i < N; i++)
		host[i] = (49 + (i + 49) % N) * 3u + 49;
	uint32_t *got = gpu_read(out, N);
	assert_memory_equal(got, host, sizeof host);
	free(got);
	kiln_buffer_destroy(&out);
}

static void device_closed_first_lives_until_its_last_buffer(void **state)
{
	(void)state;
	GPU_NEEDS_LAUNCH();
	struct kiln_device *device = gpu_open(NULL);
	struct kiln_buffer *x = NULL, *y = NULL;
	struct kiln_kernel *kernel = NULL;
	float ones[64], got[64];
	struct {
		uint32_t n;
		float a;
	} push = {64, 2.0f};
	for (int i = 0; i < 64; i++)
		ones[i] = 1.0f;
	gpu_ok(kiln_buffer_create(device, &(struct kiln_buffer_params){.bytes = 256, .contents = ones}, &x));
	gpu_ok(kiln_buffer_create(device, &(struct kiln_buffer_params){.bytes = 256, .contents = ones}, &y));
	gpu_ok(kiln_kernel_create(device,
	                          &(struct kiln_kernel_params){.spirv = saxpy_spv,
	                                                       .spirv_bytes = sizeof saxpy_spv},
	                          &kernel));
	kiln_device_close(&device);
	gpu_ok(kiln_launch(kernel, &(struct kiln_launch_params){.threads = {64},
	                                                        .buffers = {x, y},
	                                                        .push = &push,
	                                                        .push_bytes = sizeof push}));
	kiln_kernel_destroy(&kernel);
	gpu_ok(kiln_buffer_read(y, 0, got, sizeof got));
	for (int i = 0; i < 64; i++)
		assert_true(got[i] == 3.0f);
	kiln_buffer_destroy(&x);
	kiln_buffer_destroy(&y);
}

static void device_closes_with_work_in_flight(void **state)
{
	(void)state;
	GPU_NEEDS_LAUNCH();
	struct kiln_device *shared = gpu_device;
	gpu_device = gpu_open(NULL);
	uint32_t n = 1u << 16;
	struct kiln_kernel *count = GPU_KERNEL(count_spv);
	struct kiln_buffer *out = gpu_buffer(8, NULL);
	for (int i = 0; i < 20; i++)
		gpu_ok(kiln_launch(count, &(struct kiln_launch_params){.threads = {n},
		                                                       .buffers = {out},
		                                                       .push = &n,
		                                                       .push_bytes = 4}));
	kiln_kernel_destroy(&count);
	kiln_buffer_destroy(&out);
	gpu_close(&gpu_device);
	gpu_device = shared;
	gpu_assert_usable();
}

static void *create_streams(void *data)
{
	struct worker *worker = data;
	for (unsigned i = 0; i < STREAMS; i++)
		fails(worker, kiln_stream_create(worker->device, NULL, &worker->streams[i]));
	return NULL;
}

/* Who waits for all of a device walks down its streams by their numbers. */
static void streams_that_threads_create_at_once_are_all_waited_for(void **state)
{
	(void)state;
	GPU_NEEDS_LAUNCH();
	for (int round = 0; round < 4; round++) {
		struct worker workers[THREADS] = {0};
		for (int i = 0; i < THREADS; i++)
			workers[i].device = gpu_device;
		run_workers(workers, create_streams);
		for (const struct kiln_stream *at = gpu_device->streams; at->next; at = at->next)
			assert_true(at->next->id < at->id);
		for (unsigned i = 0; i < THREADS * STREAMS; i++)
			kiln_stream_destroy(&workers[i / STREAMS].streams[i % STREAMS]);
	}
	gpu_ok(kiln_device_wait(gpu_device));
}

/* ---- Races that are made to happen: what a thread needs next is held until the other has come between ---- */

/* Until a thread that was started has surely come to the lock that it waits for. */
static void let_it_come(void)
{
	nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
}

static void count_free(void *object)
{
	++*(unsigned *)object;
}

static void *collect(void *device)
{
	kiln_streams_collect(device);
	return NULL;
}

static void what_is_retired_while_another_thread_collects_outlives_its_use(void **state)
{
	(void)state;
	GPU_NEEDS_LAUNCH();
	struct kiln_retirement *retirement = &gpu_device->retirement;
	unsigned old_freed = 0, young_freed = 0;
	struct kiln_retired old = {.free = count_free, .object = &old_freed};
	struct kiln_retired young = {.free = count_free, .object = &young_freed};
	struct kiln_buffer *buffer = gpu_buffer(N * 4, NULL);
	struct kiln_stream *stream = NULL;
	pthread_t thread;
	gpu_ok(kiln_stream_create(gpu_device, NULL, &stream));
	gpu_ok(kiln_device_wait(gpu_device));
	kiln_retirement_add(retirement, &old);
	kiln_mutex_lock(&retirement->lock);
	assert_int_equal(pthread_create(&thread, NULL, collect, gpu_device), 0);
	let_it_come(); /* it has seen that no stream does anything */
	gpu_ok(kiln_stream_fill(stream, buffer, 0, N * 4, 1));
	young.clock = atomic_fetch_add(&retirement->clock, 1); /* kiln_retirement_add(), with the lock held */
	young.next = atomic_load(&retirement->list);
	atomic_store(&retirement->list, &young);
	kiln_mutex_unlock(&retirement->lock);
	pthread_join(thread, NULL);
	assert_int_equal(old_freed, 1);
	assert_int_equal(young_freed, 0); /* the fill is not even submitted */
	gpu_ok(kiln_stream_wait(stream, KILN_WAIT_FOREVER));
	assert_int_equal(young_freed, 1);
	kiln_stream_destroy(&stream);
	kiln_buffer_destroy(&buffer);
}

struct access {
	pthread_t thread;
	enum kiln_status status;
	struct kiln_stream *stream;
	struct kiln_buffer *buffer;
	uint32_t word;
};

static void *fill_end(void *data)
{
	struct access *access = data;
	access->status = kiln_stream_fill(access->stream, access->buffer, N * 2, N * 2, access->word);
	return NULL;
}

static void *read_begin(void *data)
{
	struct access *access = data;
	access->status = kiln_buffer_read(access->buffer, 0, &access->word, 4);
	return NULL;
}

/* It is shared when the read looks, and the first stream's again when the read gets to see by whom. */
static void read_of_a_buffer_that_changes_hands_waits_for_what_was_enqueued(void **state)
{
	(void)state;
	GPU_NEEDS_LAUNCH();
	struct kiln_stream *first = NULL, *second = NULL;
	struct kiln_buffer *buffer = gpu_buffer(N * 4, NULL);
	gpu_ok(kiln_stream_create(gpu_device, NULL, &first));
	gpu_ok(kiln_stream_create(gpu_device, NULL, &second));
	gpu_ok(kiln_stream_fill(second, buffer, 0, N * 4, 1));
	gpu_ok(kiln_stream_fill(first, buffer, 0, N * 4, 2));
	gpu_ok(kiln_stream_wait(second, KILN_WAIT_FOREVER));
	struct access filling = {.stream = first, .buffer = buffer, .word = 3}, reading = {.buffer = buffer};
	kiln_mutex_lock(&second->lock);
	assert_int_equal(pthread_create(&filling.thread, NULL, fill_end, &filling), 0);
	let_it_come(); /* it holds the order, and asks whether the second is done */
	assert_int_equal(pthread_create(&reading.thread, NULL, read_begin, &reading), 0);
	let_it_come();
	kiln_mutex_unlock(&second->lock);
	pthread_join(filling.thread, NULL);
	pthread_join(reading.thread, NULL);
	gpu_ok(filling.status);
	gpu_ok(reading.status);
	assert_int_equal(reading.word, 2);
	kiln_stream_destroy(&first);
	kiln_stream_destroy(&second);
	kiln_buffer_destroy(&buffer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(buffers_and_kernels_destroyed_right_after_the_launch_are_kept),
		cmocka_unit_test(device_closed_first_lives_until_its_last_buffer),
		cmocka_unit_test(device_closes_with_work_in_flight),
		cmocka_unit_test(each_thread_reads_its_own_error_message),
		cmocka_unit_test(read_of_a_buffer_that_changes_hands_waits_for_what_was_enqueued),
		cmocka_unit_test(streams_that_threads_create_at_once_are_all_waited_for),
		cmocka_unit_test(threads_may_share_a_kernel_and_a_buffer),
		cmocka_unit_test(threads_that_miss_the_same_pipeline_compile_it_once),
		cmocka_unit_test(threads_with_their_own_objects_do_not_disturb_each_other),
		cmocka_unit_test(what_is_retired_while_another_thread_collects_outlives_its_use),
	};
	return GPU_MAIN("threads", tests, true);
}
