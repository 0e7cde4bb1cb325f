/* Many threads on one device. The driver executes on a thread of its own and is built with whatever the tests
 * are built with, so under ThreadSanitizer (-Db_sanitize=thread) every access of host and device to shared
 * bytes is judged, those through mapped memory included. */
#include <pthread.h>
#include <stdlib.h>

#include <kiln/kiln.h>

#include "place.h"
#include "test.h"

#include "count_spv.h"
#include "saxpy_spv.h"

enum { THREADS = 12, ROUNDS = 12, COUNT = 700, LAUNCHES = 200 };

/* cmocka's assertions belong to the main thread: workers count. */
struct worker {
	pthread_t thread;
	unsigned number;
	unsigned wrong, lost;
	struct kiln_device *device;
	struct kiln_kernel *kernel;
	struct kiln_buffer *buffer;
};

static struct place place;

static struct kiln_device *open_under(const char *script)
{
	struct kiln_device *device = NULL;

	place_create(&place);
	setenv("HOSTILE", script, 1);
	setenv("HOSTILE_LOG", place.log, 1);
	setenv("KILN_CACHE_DIR", place.cache, 1);
	assert_status(kiln_device_open(NULL, &device), KILN_OK);
	return device;
}

static void close_all(struct kiln_device **device)
{
	kiln_device_close(device);
	assert_int_equal(place_events(&place, "misuse"), 0);
	place_remove(&place);
}

static void run_workers(struct worker *workers, void *(*work)(void *))
{
	for (unsigned i = 0; i < THREADS; i++) {
		workers[i].number = i;
		assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
	}
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(workers[i].thread, NULL);
}

static void assert_none_wrong(const struct worker *workers)
{
	for (unsigned i = 0; i < THREADS; i++)
		assert_int_equal(workers[i].wrong, 0);
}

/* ---- One round: a kernel, two buffers, a launch, a read in two of three, everything destroyed ---- */

struct round {
	struct kiln_kernel *kernel;
	struct kiln_buffer *x, *y;
	uint32_t width; /* of a workgroup */
	bool reads;     /* else all is destroyed while the launch may be in flight */
	float in[COUNT], out[COUNT];
};

static enum kiln_status launch(struct worker *worker, struct round *round)
{
	const struct kiln_kernel_params kernel = {
		.spirv = saxpy_spv,
		.spirv_bytes = sizeof(saxpy_spv),
		.workgroup = {round->width},
		.guarded = true,
	};
	const struct kiln_buffer_params buffer = {.bytes = sizeof(round->in), .contents = round->in};
	const struct {
		uint32_t n;
		float a;
	} push = {COUNT, 3.0f};

	KILN_TRY(kiln_kernel_create(worker->device, &kernel, &round->kernel));
	KILN_TRY(kiln_kernel_resolve(round->kernel, NULL));
	KILN_TRY(kiln_buffer_create(worker->device, &buffer, &round->x));
	KILN_TRY(kiln_buffer_create(worker->device, &buffer, &round->y));
	KILN_TRY(kiln_launch(round->kernel, &(struct kiln_launch_params){
						    .threads = {COUNT},
						    .buffers = {round->x, round->y},
						    .push = &push,
						    .push_bytes = sizeof(push),
					    }));
	return round->reads ? kiln_buffer_read(round->y, 0, round->out, sizeof(round->out)) : KILN_OK;
}

static void one_round(struct worker *worker, uint32_t width, bool reads)
{
	struct round round = {.width = width, .reads = reads};
	enum kiln_status status;

	for (int i = 0; i < COUNT; i++)
		round.in[i] = (float)(i + (int)worker->number);
	status = launch(worker, &round);
	worker->lost += status == KILN_ERR_DEVICE_LOST;
	worker->wrong += status != KILN_OK && status != KILN_ERR_DEVICE_LOST;
	for (int i = 0; i < COUNT && status == KILN_OK && reads; i++)
		worker->wrong += round.out[i] != 4.0f * round.in[i];
	kiln_kernel_destroy(&round.kernel);
	kiln_buffer_destroy(&round.x);
	kiln_buffer_destroy(&round.y);
}

static void *work_through(void *data)
{
	struct worker *worker = data;

	for (unsigned i = 0; i < ROUNDS; i++)
		one_round(worker, 16u << (i + worker->number) % 5, i % 3 != 2);
	return NULL;
}

static void assert_all_work(const char *script)
{
	struct worker workers[THREADS] = {0};
	struct kiln_device *device = open_under(script);

	for (int i = 0; i < THREADS; i++)
		workers[i].device = device;
	run_workers(workers, work_through);
	assert_none_wrong(workers);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(workers[i].lost, 0);
	assert_status(kiln_device_wait(device), KILN_OK);
	assert_int_equal(place_events(&place, "dispatch"), THREADS * ROUNDS);
	close_all(&device);
}

static void threads_create_resolve_launch_and_destroy_at_once(void **state)
{
	(void)state;
	assert_all_work("");
}

static void threads_share_the_staging_of_memory_the_host_cannot_see(void **state)
{
	(void)state;
	assert_all_work("discrete");
}

static void threads_share_memory_that_is_not_coherent(void **state)
{
	(void)state;
	assert_all_work("non_coherent");
	assert_all_work("discrete,non_coherent");
}

static void threads_evict_each_others_pipelines(void **state)
{
	(void)state;
	setenv("KILN_PIPELINE_CACHE_ENTRIES", "1", 1);
	assert_all_work("");
	unsetenv("KILN_PIPELINE_CACHE_ENTRIES");
}

static void threads_meet_a_lost_device_and_all_get_away(void **state)
{
	struct worker workers[THREADS] = {0};
	struct kiln_device *device = open_under("submit_lost@20");
	unsigned lost = 0;

	(void)state;
	for (int i = 0; i < THREADS; i++)
		workers[i].device = device;
	run_workers(workers, work_through);
	assert_none_wrong(workers);
	for (int i = 0; i < THREADS; i++)
		lost += workers[i].lost;
	assert_true(lost >= THREADS);
	close_all(&device);
}

/* ---- One pipeline ---- */

static void *resolve_once(void *data)
{
	struct worker *worker = data;
	struct kiln_kernel *kernel = NULL;
	const struct kiln_kernel_params params = {.spirv = saxpy_spv, .spirv_bytes = sizeof(saxpy_spv)};

	worker->wrong += kiln_kernel_create(worker->device, &params, &kernel) != KILN_OK;
	worker->wrong += kiln_kernel_resolve(kernel, NULL) != KILN_OK;
	kiln_kernel_destroy(&kernel);
	return NULL;
}

static void threads_that_miss_one_pipeline_compile_it_once(void **state)
{
	struct worker workers[THREADS] = {0};
	struct kiln_device *device = open_under("compile_ms=50");

	(void)state;
	for (int i = 0; i < THREADS; i++)
		workers[i].device = device;
	run_workers(workers, resolve_once);
	assert_none_wrong(workers);
	assert_int_equal(place_events(&place, "compile saxpy\n"), 1);
	assert_int_equal(kiln_device_counters(device).compiled, 1);
	assert_int_equal(kiln_device_counters(device).memory, THREADS - 1);
	close_all(&device);
}

static void failed_compile_is_taken_over_by_a_thread_that_waited(void **state)
{
	struct worker workers[THREADS] = {0};
	struct kiln_device *device = open_under("compile_oom_host@1,compile_oom_device@1");
	unsigned wrong = 0;

	(void)state;
	for (int i = 0; i < THREADS; i++)
		workers[i].device = device;
	run_workers(workers, resolve_once);
	for (int i = 0; i < THREADS; i++)
		wrong += workers[i].wrong;
	assert_int_equal(wrong, 2);
	assert_int_equal(place_events(&place, "compile saxpy\n"), 1);
	close_all(&device);
}

/* ---- One kernel and one buffer ---- */

static void *count_up(void *data)
{
	struct worker *worker = data;
	const uint32_t n = 3;

	for (int i = 0; i < LAUNCHES; i++)
		worker->wrong += kiln_launch(worker->kernel, &(struct kiln_launch_params){
								     .threads = {n},
								     .buffers = {worker->buffer},
								     .push = &n,
								     .push_bytes = sizeof(n),
							     }) != KILN_OK;
	return NULL;
}

static void threads_share_a_kernel_and_a_buffer(void **state)
{
	struct worker workers[THREADS] = {0};
	struct kiln_device *device = open_under("");
	struct kiln_kernel *kernel = NULL;
	struct kiln_buffer *buffer = NULL;
	const struct kiln_kernel_params params = {.spirv = count_spv, .spirv_bytes = sizeof(count_spv)};
	uint32_t total = 0;

	(void)state;
	assert_status(kiln_kernel_create(device, &params, &kernel), KILN_OK);
	assert_status(kiln_buffer_create(device, &(struct kiln_buffer_params){.bytes = 4}, &buffer), KILN_OK);
	for (int i = 0; i < THREADS; i++) {
		workers[i].kernel = kernel;
		workers[i].buffer = buffer;
	}
	run_workers(workers, count_up);
	assert_none_wrong(workers);
	assert_status(kiln_buffer_read(buffer, 0, &total, sizeof(total)), KILN_OK);
	assert_int_equal(total, 3 * LAUNCHES * THREADS);
	kiln_buffer_destroy(&buffer);
	kiln_kernel_destroy(&kernel);
	close_all(&device);
}

/* ---- Devices of their own ---- */

static void *open_and_work(void *data)
{
	struct worker *worker = data;

	if (kiln_device_open(NULL, &worker->device) != KILN_OK) {
		worker->wrong++;
		return NULL;
	}
	for (int i = 0; i < 3; i++)
		one_round(worker, 64, true);
	kiln_device_close(&worker->device);
	return NULL;
}

static void threads_open_devices_of_their_own_on_one_cache(void **state)
{
	struct worker workers[THREADS] = {0};
	struct kiln_device *device = open_under("");

	(void)state;
	run_workers(workers, open_and_work);
	assert_none_wrong(workers);
	assert_int_equal(place_entries(&place), 1);
	close_all(&device);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(failed_compile_is_taken_over_by_a_thread_that_waited),
		cmocka_unit_test(threads_create_resolve_launch_and_destroy_at_once),
		cmocka_unit_test(threads_evict_each_others_pipelines),
		cmocka_unit_test(threads_meet_a_lost_device_and_all_get_away),
		cmocka_unit_test(threads_open_devices_of_their_own_on_one_cache),
		cmocka_unit_test(threads_share_a_kernel_and_a_buffer),
		cmocka_unit_test(threads_share_memory_that_is_not_coherent),
		cmocka_unit_test(threads_share_the_staging_of_memory_the_host_cannot_see),
		cmocka_unit_test(threads_that_miss_one_pipeline_compile_it_once),
	};

	return cmocka_run_group_tests_name("hostile threads", tests, NULL, NULL);
}
