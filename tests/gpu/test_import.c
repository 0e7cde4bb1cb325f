/* Kiln on a device that exists: results, order by semaphores, and nothing of the program's touched. */
#include "outside.h"

#include <stdatomic.h>
#include <string.h>

#include <base/alloc.h>

#include "harness.h"
#include "import_int64_spv.h"
#include "saxpy_spv.h"
#include "step_spv.h"

#define N 4096u
#define BYTES (N * UINT64_C(4))
#define MS UINT64_C(1000000)

struct scene {
	struct outside outside;
	struct kiln_device *device;
	struct kiln_kernel *step;
};

/* False: this driver cannot, and the scene is closed. */
static bool open_scene_with(struct scene *scene, enum outside_features features, const char *test)
{
	const struct kiln_device_params params = {.no_autotune = true};

	*scene = (struct scene){0};
	outside_open(&scene->outside, features);
	if (!scene->outside.can_launch) {
		outside_close(&scene->outside);
		gpu_skip(test, "this device has no memory or no timeline semaphores");
		return false;
	}
	scene->outside.import.params = &params;
	gpu_ok(kiln_device_import(&scene->outside.import, &scene->device));
	scene->outside.import.params = NULL;
	gpu_ok(kiln_kernel_create(scene->device,
	                          &(struct kiln_kernel_params){.spirv = step_spv,
	                                                       .spirv_bytes = sizeof step_spv},
	                          &scene->step));
	return true;
}

static bool open_scene(struct scene *scene, const char *test)
{
	return open_scene_with(scene, OUTSIDE_TIMELINE, test);
}

static void close_scene(struct scene *scene)
{
	kiln_kernel_destroy(&scene->step);
	kiln_device_close(&scene->device);
	outside_assert_usable(&scene->outside);
	outside_close(&scene->outside);
}

static enum kiln_status enqueue_step(struct scene *scene, struct kiln_stream *stream,
                                     struct kiln_buffer *data, uint32_t k)
{
	const uint32_t push[2] = {N, k};

	return kiln_stream_launch(stream, scene->step,
	                          &(struct kiln_launch_params){.threads = {N},
	                                                       .buffers = {data},
	                                                       .push = push,
	                                                       .push_bytes = sizeof push});
}

static uint32_t stepped(uint32_t from, uint32_t i, uint32_t k)
{
	return from * 1664525u + k + i;
}

static struct kiln_buffer *take(struct scene *scene, const struct outside_buffer *outside)
{
	struct kiln_buffer *buffer = NULL;

	gpu_ok(kiln_buffer_import(scene->device,
	                          &(struct kiln_vulkan_buffer_import){.handle = outside->handle,
	                                                              .bytes = outside->bytes,
	                                                              .usage = outside->usage,
	                                                              .name = "theirs"},
	                          &buffer));
	return buffer;
}

static void a_launch_on_a_device_that_exists_is_right(void **state)
{
	const struct {
		uint32_t n;
		float a;
	} push = {N, 3};
	static float ones[N], got[N];
	struct kiln_kernel *saxpy = NULL;
	struct kiln_buffer *x = NULL, *y = NULL;
	struct scene scene;

	(void)state;
	if (!open_scene(&scene, __func__))
		return;
	for (uint32_t i = 0; i < N; i++)
		ones[i] = 1;
	gpu_ok(kiln_kernel_create(scene.device,
	                          &(struct kiln_kernel_params){.spirv = saxpy_spv,
	                                                       .spirv_bytes = sizeof saxpy_spv},
	                          &saxpy));
	gpu_ok(kiln_buffer_create(scene.device,
	                          &(struct kiln_buffer_params){.bytes = sizeof ones, .contents = ones}, &x));
	gpu_ok(kiln_buffer_create(scene.device,
	                          &(struct kiln_buffer_params){.bytes = sizeof ones, .contents = ones}, &y));
	gpu_ok(kiln_launch(saxpy, &(struct kiln_launch_params){.threads = {N},
	                                                       .buffers = {x, y},
	                                                       .push = &push,
	                                                       .push_bytes = sizeof push}));
	gpu_ok(kiln_buffer_read(y, 0, got, sizeof got));
	for (uint32_t i = 0; i < N; i++)
		assert_true(got[i] == 4);
	kiln_buffer_destroy(&x);
	kiln_buffer_destroy(&y);
	kiln_kernel_destroy(&saxpy);
	close_scene(&scene);
}

/* The device may have it or not: what counts is what was enabled. */
static void a_kernel_may_use_what_was_enabled_and_nothing_else(void **state)
{
	static const enum outside_features features[] = {OUTSIDE_TIMELINE, OUTSIDE_ALL};
	const struct kiln_kernel_params params = {.spirv = import_int64_spv,
	                                          .spirv_bytes = sizeof import_int64_spv};

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct kiln_kernel *kernel = NULL;
		struct scene scene;

		if (!open_scene_with(&scene, features[i], __func__))
			return;
		if (!scene.outside.core.shaderInt64) {
			gpu_refused(kiln_kernel_create(scene.device, &params, &kernel),
			            KILN_ERR_SPIRV_CAPABILITY);
			assert_non_null(strstr(kiln_error_message(), "shaderInt64"));
		} else {
			gpu_ok(kiln_kernel_create(scene.device, &params, &kernel));
			gpu_ok(kiln_kernel_resolve(kernel, NULL));
		}
		kiln_kernel_destroy(&kernel);
		close_scene(&scene);
	}
}

/* Update-after-bind, device addresses and the rest: whatever Kiln makes of them, the result is the same. */
static void everything_enabled_works_too(void **state)
{
	struct kiln_graph *graph = NULL;
	struct kiln_stream *stream = NULL;
	struct kiln_buffer *data[2] = {NULL};
	struct scene scene;

	(void)state;
	if (!open_scene_with(&scene, OUTSIDE_ALL, __func__))
		return;
	gpu_ok(kiln_stream_create(scene.device, NULL, &stream));
	for (int i = 0; i < 2; i++)
		gpu_ok(kiln_buffer_create(scene.device, &(struct kiln_buffer_params){.bytes = BYTES},
		                          &data[i]));
	gpu_ok(kiln_graph_begin(stream));
	gpu_ok(enqueue_step(&scene, stream, data[0], 3));
	gpu_ok(kiln_graph_end(stream, &graph));
	gpu_ok(kiln_graph_launch(graph, stream, NULL));
	gpu_ok(kiln_graph_set_arg(graph, 0, 0, &(struct kiln_arg){.buffer = data[1]}));
	gpu_ok(kiln_graph_launch(graph, stream, NULL));
	gpu_ok(enqueue_step(&scene, stream, data[1], 4));
	for (int i = 0; i < 2; i++) {
		uint32_t *got = gpu_read(data[i], N);

		for (uint32_t j = 0; j < N; j++)
			assert_int_equal(got[j], i ? stepped(stepped(0, j, 3), j, 4) : stepped(0, j, 3));
		free(got);
		kiln_buffer_destroy(&data[i]);
	}
	kiln_graph_destroy(&graph);
	kiln_stream_destroy(&stream);
	close_scene(&scene);
}

/* The program fills its buffer, Kiln steps it, the program copies it: ordered by nothing but semaphores. */
static void semaphores_order_the_program_and_kiln(void **state)
{
	struct outside_buffer data, result;
	struct outside_running running[2];
	struct kiln_buffer *ours;
	struct kiln_ticket ticket;
	struct scene scene;
	struct outside *out = &scene.outside;
	struct outside_work fill = {.signal_value = 7, .bytes = BYTES, .value = 40}, copy = {.bytes = BYTES};

	(void)state;
	if (!open_scene(&scene, __func__))
		return;
	outside_buffer_create(out, BYTES, &data);
	outside_buffer_create(out, BYTES, &result);
	ours = take(&scene, &data);
	fill.signal = outside_timeline(out);
	fill.target = data.handle;
	outside_start(out, &fill, &running[0]);
	gpu_ok(kiln_stream_after_vulkan(kiln_device_stream(scene.device), fill.signal, 7));
	gpu_ok(enqueue_step(&scene, kiln_device_stream(scene.device), ours, 2));
	gpu_ok(kiln_stream_submit(kiln_device_stream(scene.device), &ticket));
	gpu_ok(kiln_ticket_vulkan(scene.device, ticket, &copy.wait, &copy.wait_value));
	assert_true(copy.wait_value > 0);
	copy.source = data.handle;
	copy.target = result.handle;
	outside_start(out, &copy, &running[1]);
	outside_finish(out, &running[1]);
	outside_finish(out, &running[0]);
	for (uint32_t i = 0; i < N; i++)
		assert_int_equal(result.data[i], stepped(40, i, 2));
	gpu_ok(kiln_device_wait(scene.device));
	kiln_buffer_destroy(&ours);
	out->vk.vkDestroySemaphore(out->device, fill.signal, NULL);
	outside_buffer_destroy(out, &data);
	outside_buffer_destroy(out, &result);
	close_scene(&scene);
}

/* A value that only the host gives later: what came before does not wait for it, what comes after does. */
static void a_stream_waits_for_a_value_to_come(void **state)
{
	struct kiln_ticket before, after;
	struct kiln_stream *stream = NULL;
	struct kiln_buffer *data = NULL;
	uint32_t *got;
	struct scene scene;
	VkSemaphore semaphore;

	(void)state;
	if (!open_scene(&scene, __func__))
		return;
	semaphore = outside_timeline(&scene.outside);
	gpu_ok(kiln_stream_create(scene.device, NULL, &stream));
	gpu_ok(kiln_buffer_create(scene.device, &(struct kiln_buffer_params){.bytes = BYTES}, &data));
	gpu_ok(enqueue_step(&scene, stream, data, 1));
	gpu_ok(kiln_stream_after_vulkan(stream, semaphore, 3));
	gpu_ok(kiln_stream_submit(stream, &before));
	before.value--; /* the launch's own submission: the wait is in the next */
	gpu_ok(enqueue_step(&scene, stream, data, 2));
	gpu_ok(kiln_stream_submit(stream, &after));
	gpu_ok(kiln_ticket_wait(scene.device, before, 5000 * MS));
	gpu_refused(kiln_ticket_wait(scene.device, after, 50 * MS), KILN_ERR_TIMEOUT);
	outside_signal(&scene.outside, semaphore, 2);
	gpu_refused(kiln_ticket_wait(scene.device, after, 50 * MS), KILN_ERR_TIMEOUT);
	outside_signal(&scene.outside, semaphore, 3);
	gpu_ok(kiln_ticket_wait(scene.device, after, KILN_WAIT_FOREVER));
	got = gpu_read(data, N);
	for (uint32_t i = 0; i < N; i++)
		assert_int_equal(got[i], stepped(stepped(0, i, 1), i, 2));
	free(got);
	kiln_buffer_destroy(&data);
	kiln_stream_destroy(&stream);
	scene.outside.vk.vkDestroySemaphore(scene.outside.device, semaphore, NULL);
	close_scene(&scene);
}

/* As many as a stream has in flight: only a fifth would wait for the value. */
static void four_submissions_are_enqueued_before_the_value_comes(void **state)
{
	struct kiln_stream *stream = NULL;
	struct kiln_buffer *data = NULL;
	struct kiln_ticket ticket = {0};
	struct scene scene;
	VkSemaphore semaphore;
	uint32_t word, expected = 0;

	(void)state;
	if (!open_scene(&scene, __func__))
		return;
	semaphore = outside_timeline(&scene.outside);
	gpu_ok(kiln_stream_create(scene.device, NULL, &stream));
	gpu_ok(kiln_buffer_create(scene.device, &(struct kiln_buffer_params){.bytes = BYTES}, &data));
	gpu_ok(kiln_stream_after_vulkan(stream, semaphore, 1));
	for (uint32_t k = 0; k < 4; k++) {
		gpu_ok(enqueue_step(&scene, stream, data, k));
		gpu_ok(kiln_stream_submit(stream, &ticket));
		expected = stepped(expected, 9, k);
	}
	assert_false(kiln_ticket_is_done(scene.device, ticket));
	outside_signal(&scene.outside, semaphore, 1);
	gpu_ok(kiln_stream_wait(stream, KILN_WAIT_FOREVER));
	gpu_ok(kiln_buffer_read(data, 9 * sizeof(word), &word, sizeof(word)));
	assert_int_equal(word, expected);
	kiln_buffer_destroy(&data);
	kiln_stream_destroy(&stream);
	scene.outside.vk.vkDestroySemaphore(scene.outside.device, semaphore, NULL);
	close_scene(&scene);
}

/* A buffer the host sees, so that nothing but the semaphore is in the way of a copy. */
static struct kiln_buffer *lent_buffer(struct scene *scene, uint32_t word, VkBuffer *out_handle)
{
	struct kiln_buffer *buffer = NULL;
	struct kiln_vulkan_buffer vulkan;
	uint32_t *words = malloc(BYTES);

	assert_non_null(words);
	for (uint32_t i = 0; i < N; i++)
		words[i] = word;
	gpu_ok(kiln_buffer_create(scene->device,
	                          &(struct kiln_buffer_params){.bytes = BYTES, .contents = words}, &buffer));
	free(words);
	gpu_ok(kiln_buffer_vulkan(buffer, &vulkan));
	*out_handle = vulkan.handle;
	return buffer;
}

static void assert_all_are(const uint32_t *words, uint32_t expected)
{
	for (uint32_t i = 0; i < N; i++)
		assert_int_equal(words[i], expected);
}

/* The program still reads the old bytes of a buffer, and gives the value when it has done so. */
static void an_upload_waits_for_a_value_to_come(void **state)
{
	static uint32_t words[N], got[N];
	struct outside_work copy = {.bytes = BYTES};
	struct outside_buffer theirs;
	struct kiln_stream *stream = NULL;
	struct kiln_buffer *ours;
	struct scene scene;
	VkSemaphore semaphore;

	(void)state;
	if (!open_scene(&scene, __func__))
		return;
	semaphore = outside_timeline(&scene.outside);
	outside_buffer_create(&scene.outside, BYTES, &theirs);
	ours = lent_buffer(&scene, 1, &copy.source);
	for (uint32_t i = 0; i < N; i++)
		words[i] = 7;
	gpu_ok(kiln_stream_create(scene.device, NULL, &stream));
	gpu_ok(kiln_stream_after_vulkan(stream, semaphore, 1));
	gpu_ok(kiln_stream_upload(stream, ours, 0, words, sizeof words));
	copy.target = theirs.handle;
	outside_run(&scene.outside, &copy);
	assert_all_are(theirs.data, 1);
	outside_signal(&scene.outside, semaphore, 1);
	gpu_ok(kiln_stream_wait(stream, KILN_WAIT_FOREVER));
	gpu_ok(kiln_buffer_read(ours, 0, got, sizeof got));
	assert_all_are(got, 7);
	kiln_stream_destroy(&stream);
	kiln_buffer_destroy(&ours);
	outside_buffer_destroy(&scene.outside, &theirs);
	scene.outside.vk.vkDestroySemaphore(scene.outside.device, semaphore, NULL);
	close_scene(&scene);
}

/* The program has not written yet what is to be downloaded. Once it has, and said so, nothing holds anything back. */
static void a_download_waits_for_a_value_to_come(void **state)
{
	static uint32_t got[N], later[N];
	struct outside_work fill = {.bytes = BYTES, .value = 9};
	struct kiln_stream *stream = NULL;
	struct kiln_buffer *ours;
	struct scene scene;
	VkSemaphore semaphore;

	(void)state;
	if (!open_scene(&scene, __func__))
		return;
	memset(got, 0, sizeof got);
	semaphore = outside_timeline(&scene.outside);
	ours = lent_buffer(&scene, 1, &fill.target);
	gpu_ok(kiln_stream_create(scene.device, NULL, &stream));
	gpu_ok(kiln_stream_after_vulkan(stream, semaphore, 1));
	gpu_ok(kiln_stream_download(stream, ours, 0, got, sizeof got));
	assert_all_are(got, 0);
	outside_run(&scene.outside, &fill);
	outside_signal(&scene.outside, semaphore, 1);
	gpu_ok(kiln_stream_wait(stream, KILN_WAIT_FOREVER));
	assert_all_are(got, 9);
	gpu_ok(kiln_stream_download(stream, ours, 0, later, sizeof later));
	gpu_ok(kiln_stream_wait(stream, KILN_WAIT_FOREVER));
	assert_all_are(later, 9);
	kiln_stream_destroy(&stream);
	kiln_buffer_destroy(&ours);
	scene.outside.vk.vkDestroySemaphore(scene.outside.device, semaphore, NULL);
	close_scene(&scene);
}

/* A stream that comes after one that waits outside waits with it. */
static void a_download_waits_for_a_stream_that_waits_outside(void **state)
{
	static uint32_t got[N];
	struct kiln_stream *streams[2] = {NULL};
	struct kiln_buffer *ours;
	struct kiln_ticket ticket;
	struct scene scene;
	VkSemaphore semaphore;
	VkBuffer handle;

	(void)state;
	if (!open_scene(&scene, __func__))
		return;
	memset(got, 0, sizeof got);
	semaphore = outside_timeline(&scene.outside);
	ours = lent_buffer(&scene, 1, &handle);
	for (int i = 0; i < 2; i++)
		gpu_ok(kiln_stream_create(scene.device, NULL, &streams[i]));
	gpu_ok(kiln_stream_after_vulkan(streams[0], semaphore, 1));
	gpu_ok(kiln_stream_submit(streams[0], &ticket));
	gpu_ok(kiln_stream_after(streams[1], ticket));
	gpu_ok(kiln_stream_download(streams[1], ours, 0, got, sizeof got));
	assert_all_are(got, 0);
	outside_signal(&scene.outside, semaphore, 1);
	gpu_ok(kiln_stream_wait(streams[1], KILN_WAIT_FOREVER));
	assert_all_are(got, 1);
	for (int i = 0; i < 2; i++)
		kiln_stream_destroy(&streams[i]);
	kiln_buffer_destroy(&ours);
	scene.outside.vk.vkDestroySemaphore(scene.outside.device, semaphore, NULL);
	close_scene(&scene);
}

static void an_imported_buffer_is_a_buffer(void **state)
{
	static uint32_t words[N], got[N];
	struct outside_buffer outside;
	struct kiln_vulkan_buffer vulkan;
	struct kiln_buffer *ours, *copy = NULL;
	struct scene scene;
	void *address;

	(void)state;
	if (!open_scene(&scene, __func__))
		return;
	outside_buffer_create(&scene.outside, BYTES, &outside);
	ours = take(&scene, &outside);
	for (uint32_t i = 0; i < N; i++)
		words[i] = i * 3;
	assert_int_equal(kiln_buffer_bytes(ours), BYTES);
	gpu_ok(kiln_buffer_write(ours, 0, words, sizeof words));
	gpu_ok(kiln_buffer_fill(ours, 16, 16, 9));
	gpu_ok(enqueue_step(&scene, kiln_device_stream(scene.device), ours, 5));
	gpu_ok(kiln_buffer_create(scene.device, &(struct kiln_buffer_params){.bytes = BYTES}, &copy));
	gpu_ok(kiln_buffer_copy(ours, 0, copy, 0, BYTES));
	gpu_ok(kiln_buffer_read(ours, 0, got, sizeof got));
	for (uint32_t i = 0; i < N; i++) {
		assert_int_equal(got[i], stepped(i >= 4 && i < 8 ? 9 : i * 3, i, 5));
		assert_int_equal(outside.data[i], got[i]);
	}
	gpu_ok(kiln_buffer_read(copy, 0, words, sizeof words));
	assert_memory_equal(words, got, sizeof got);
	gpu_refused(kiln_buffer_map(ours, &address), KILN_ERR_UNSUPPORTED);
	gpu_ok(kiln_buffer_vulkan(ours, &vulkan));
	assert_true(vulkan.handle == outside.handle && vulkan.bytes == BYTES && vulkan.offset == 0 &&
	            vulkan.usage == outside.usage);
	kiln_buffer_destroy(&ours);
	gpu_ok(kiln_device_wait(scene.device));
	outside_run(&scene.outside,
	            &(struct outside_work){.target = outside.handle, .bytes = BYTES, .value = 77});
	assert_int_equal(outside.data[N - 1], 77); /* it is the program's, and alive */
	kiln_buffer_destroy(&copy);
	outside_buffer_destroy(&scene.outside, &outside);
	close_scene(&scene);
}

/* ---- Locks ---- */

struct busy {
	struct outside *outside;
	atomic_bool stop;
	unsigned submissions;
};

static void *submit_on_and_on(void *user)
{
	struct busy *busy = user;
	struct outside_buffer buffer;

	outside_buffer_create(busy->outside, 256, &buffer);
	while (!atomic_load(&busy->stop) || busy->submissions < 20) {
		outside_run(busy->outside,
		            &(struct outside_work){.target = buffer.handle, .bytes = 256, .value = 1});
		busy->submissions++;
	}
	outside_buffer_destroy(busy->outside, &buffer);
	return NULL;
}

/* The layer tells of two threads on one queue, and the lock's own assertions of a call without it. */
static void program_and_kiln_share_a_queue_under_the_programs_lock(void **state)
{
	struct busy busy = {0};
	struct kiln_buffer *data = NULL;
	struct scene scene;
	pthread_t thread;

	(void)state;
	if (!open_scene(&scene, __func__))
		return;
	busy.outside = &scene.outside;
	gpu_ok(kiln_buffer_create(scene.device, &(struct kiln_buffer_params){.bytes = BYTES}, &data));
	assert_int_equal(pthread_create(&thread, NULL, submit_on_and_on, &busy), 0);
	for (uint32_t k = 0; k < 60; k++) {
		gpu_ok(enqueue_step(&scene, kiln_device_stream(scene.device), data, k));
		gpu_ok(kiln_device_wait(scene.device));
	}
	atomic_store(&busy.stop, true);
	pthread_join(thread, NULL);
	assert_true(scene.outside.locks >= busy.submissions + 60);
	kiln_buffer_destroy(&data);
	close_scene(&scene);
}

/* ---- Life ---- */

static void what_outlives_the_device_keeps_it_and_the_vkdevice_stays(void **state)
{
	struct kiln_stream *stream = NULL;
	struct kiln_buffer *data = NULL;
	struct scene scene;

	(void)state;
	if (!open_scene(&scene, __func__))
		return;
	gpu_ok(kiln_stream_create(scene.device, NULL, &stream));
	gpu_ok(kiln_buffer_create(scene.device, &(struct kiln_buffer_params){.bytes = BYTES}, &data));
	gpu_ok(enqueue_step(&scene, stream, data, 1));
	kiln_device_close(&scene.device);
	outside_assert_usable(&scene.outside);
	kiln_kernel_destroy(&scene.step);
	kiln_buffer_destroy(&data);
	kiln_stream_destroy(&stream);
	close_scene(&scene); /* the layer would name what is left on the VkDevice */
}

static void a_device_is_imported_again_after_it_was_closed(void **state)
{
	struct scene scene;

	(void)state;
	if (!open_scene(&scene, __func__))
		return;
	for (int i = 0; i < 3; i++) {
		struct kiln_fingerprint first = *kiln_device_fingerprint(scene.device);
		struct kiln_buffer *data = NULL;

		gpu_ok(kiln_buffer_create(scene.device, &(struct kiln_buffer_params){.bytes = BYTES}, &data));
		gpu_ok(enqueue_step(&scene, kiln_device_stream(scene.device), data, 1));
		kiln_buffer_destroy(&data);
		kiln_kernel_destroy(&scene.step);
		kiln_device_close(&scene.device);
		gpu_ok(kiln_device_import(&scene.outside.import, &scene.device));
		assert_memory_equal(&first, kiln_device_fingerprint(scene.device), sizeof first);
		gpu_ok(kiln_kernel_create(scene.device,
		                          &(struct kiln_kernel_params){.spirv = step_spv,
		                                                       .spirv_bytes = sizeof step_spv},
		                          &scene.step));
	}
	close_scene(&scene);
}

/* Drivers compile differently with features that Kiln never asks for. */
static void what_the_program_enabled_is_part_of_the_fingerprint(void **state)
{
	struct scene scene;
	struct kiln_fingerprint first;

	(void)state;
	if (!open_scene(&scene, __func__))
		return;
	first = *kiln_device_fingerprint(scene.device);
	kiln_kernel_destroy(&scene.step);
	kiln_device_close(&scene.device);
	scene.outside.core.fillModeNonSolid = VK_TRUE;
	gpu_ok(kiln_device_import(&scene.outside.import, &scene.device));
	assert_false(kiln_digest_equal(&first.driver, &kiln_device_fingerprint(scene.device)->driver));
	close_scene(&scene);
}

static void a_device_without_memory_compiles(void **state)
{
	struct kiln_kernel *kernel = NULL;
	struct kiln_device *device = NULL;
	struct outside outside;

	(void)state;
	outside_open(&outside, OUTSIDE_TIMELINE);
	if (outside.memory.memoryTypeCount > 0 || !outside.features.timelineSemaphore) {
		outside_close(&outside);
		gpu_skip(__func__, "this device has memory, or no timeline semaphores");
		return;
	}
	gpu_ok(kiln_device_import(&outside.import, &device));
	gpu_ok(kiln_kernel_create(device,
	                          &(struct kiln_kernel_params){.spirv = step_spv,
	                                                       .spirv_bytes = sizeof step_spv},
	                          &kernel));
	gpu_ok(kiln_kernel_resolve(kernel, NULL));
	kiln_kernel_destroy(&kernel);
	kiln_device_close(&device);
	outside_close(&outside);
}

static atomic_uint allocations;
static unsigned fail_at;

static int allow(void *user)
{
	(void)user;
	return atomic_fetch_add(&allocations, 1) + 1 != fail_at;
}

static void every_allocation_of_an_import_may_fail(void **state)
{
	struct outside outside;
	unsigned refused = 0;

	(void)state;
	outside_open(&outside, OUTSIDE_TIMELINE);
	if (!outside.can_launch) {
		outside_close(&outside);
		gpu_skip(__func__, "this device has no memory or no timeline semaphores");
		return;
	}
	for (fail_at = 1;; fail_at++) {
		const struct kiln_device_params params = {.no_autotune = true, .no_cache = true};
		struct kiln_device *device = NULL;
		enum kiln_status status;

		outside.import.params = &params;
		atomic_store(&allocations, 0);
		kiln_alloc_hook(allow, NULL);
		status = kiln_device_import(&outside.import, &device);
		kiln_alloc_hook(NULL, NULL);
		kiln_device_close(&device);
		refused += status == KILN_ERR_OUT_OF_MEMORY;
		if (atomic_load(&allocations) < fail_at)
			break;
	}
	assert_true(refused >= 5);
	if (outside.can_launch)
		outside_assert_usable(&outside);
	outside_close(&outside);
}

/* ---- Kiln's own device in other hands ---- */

static void kilns_own_handles_work_in_other_hands(void **state)
{
	struct kiln_vulkan_device vulkan;
	struct kiln_buffer *data;
	struct kiln_vulkan_buffer buffer;
	struct kiln_ticket ticket;
	VkSemaphore semaphore;
	uint64_t value, reached = 0;
	struct VolkDeviceTable vk;

	(void)state;
	GPU_NEEDS_LAUNCH();
	data = gpu_buffer(BYTES, NULL);
	gpu_ok(kiln_buffer_fill(data, 0, BYTES, 5));
	gpu_ok(kiln_stream_submit(kiln_device_stream(gpu_device), &ticket));
	gpu_ok(kiln_ticket_vulkan(gpu_device, ticket, &semaphore, &value)); /* of before anybody asked */
	gpu_ok(kiln_device_vulkan(gpu_device, &vulkan));
	assert_true(vulkan.queue_count >= 1 && vulkan.queues[0].handle && vulkan.queues[1].handle);
	volkLoadDeviceTable(&vk, vulkan.device);
	assert_int_equal(vk.vkGetSemaphoreCounterValue(vulkan.device, semaphore, &reached), VK_SUCCESS);
	assert_true(reached >= value);
	gpu_ok(kiln_buffer_fill(data, 0, BYTES, 6));
	gpu_ok(kiln_stream_submit(kiln_device_stream(gpu_device), &ticket));
	gpu_ok(kiln_ticket_vulkan(gpu_device, ticket, &semaphore, &value));
	assert_true(value > 0);
	assert_int_equal(vk.vkWaitSemaphores(vulkan.device,
	                                     &(VkSemaphoreWaitInfo){
						     .sType = VK_STRUCTURE_TYPE_SEMAPHORE_WAIT_INFO,
						     .semaphoreCount = 1,
						     .pSemaphores = &semaphore,
						     .pValues = &value,
					     },
	                                     5000 * MS),
	                 VK_SUCCESS);
	gpu_ok(kiln_ticket_wait(gpu_device, ticket, 5000 * MS)); /* its fence may come a little later */
	gpu_ok(kiln_buffer_vulkan(data, &buffer));
	assert_true(buffer.handle && buffer.bytes == BYTES && buffer.offset == 0);
	kiln_vulkan_queue_lock(gpu_device, KILN_QUEUE_MAIN);
	assert_int_equal(vk.vkQueueWaitIdle(vulkan.queues[0].handle), VK_SUCCESS);
	kiln_vulkan_queue_unlock(gpu_device, KILN_QUEUE_MAIN);
	kiln_buffer_destroy(&data);
}

static void a_ticket_of_a_stream_that_is_gone_is_reached(void **state)
{
	struct kiln_stream *stream = NULL;
	struct kiln_buffer *data = NULL;
	struct kiln_ticket ticket;
	VkSemaphore semaphore = VK_NULL_HANDLE;
	uint64_t value = 1, reached = 0;
	struct scene scene;

	(void)state;
	if (!open_scene(&scene, __func__))
		return;
	gpu_ok(kiln_stream_create(scene.device, NULL, &stream));
	gpu_ok(kiln_buffer_create(scene.device, &(struct kiln_buffer_params){.bytes = BYTES}, &data));
	gpu_ok(enqueue_step(&scene, stream, data, 1));
	gpu_ok(kiln_stream_submit(stream, &ticket));
	kiln_stream_destroy(&stream);
	gpu_ok(kiln_ticket_vulkan(scene.device, ticket, &semaphore, &value));
	assert_int_equal(scene.outside.vk.vkGetSemaphoreCounterValue(scene.outside.device, semaphore,
	                                                             &reached),
	                 VK_SUCCESS);
	assert_true(reached >= value);
	kiln_buffer_destroy(&data);
	close_scene(&scene);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_launch_on_a_device_that_exists_is_right),
		cmocka_unit_test(a_kernel_may_use_what_was_enabled_and_nothing_else),
		cmocka_unit_test(everything_enabled_works_too),
		cmocka_unit_test(semaphores_order_the_program_and_kiln),
		cmocka_unit_test(a_stream_waits_for_a_value_to_come),
		cmocka_unit_test(four_submissions_are_enqueued_before_the_value_comes),
		cmocka_unit_test(an_upload_waits_for_a_value_to_come),
		cmocka_unit_test(a_download_waits_for_a_value_to_come),
		cmocka_unit_test(a_download_waits_for_a_stream_that_waits_outside),
		cmocka_unit_test(an_imported_buffer_is_a_buffer),
		cmocka_unit_test(program_and_kiln_share_a_queue_under_the_programs_lock),
		cmocka_unit_test(what_outlives_the_device_keeps_it_and_the_vkdevice_stays),
		cmocka_unit_test(a_device_is_imported_again_after_it_was_closed),
		cmocka_unit_test(what_the_program_enabled_is_part_of_the_fingerprint),
		cmocka_unit_test(a_device_without_memory_compiles),
		cmocka_unit_test(every_allocation_of_an_import_may_fail),
		cmocka_unit_test(kilns_own_handles_work_in_other_hands),
		cmocka_unit_test(a_ticket_of_a_stream_that_is_gone_is_reached),
	};

	return GPU_MAIN("import", tests, true);
}
