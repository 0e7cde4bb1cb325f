/* Devices that exist, with queues of two families and with a driver that lets everybody down. The VkDevice is one of Kiln's
 * own, lent and imported: the two Kiln devices know nothing of each other. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "vulkan_api.h"

#include <kiln/kiln.h>
#include <kiln/loss.h>
#include <kiln/vulkan.h>

#include "place.h"
#include "random_program.h"
#include "test.h"
#include "tracing.h"

enum { COUNT = 256 };

static struct place place;

struct lock {
	atomic_uint taken, given, held;
};

struct scene {
	struct kiln_device *owner; /* has the VkDevice */
	struct kiln_vulkan_device vulkan;
	VkPhysicalDeviceTimelineSemaphoreFeatures enabled;
	struct kiln_vulkan_queue queues[2];
	struct lock locks[2];
	struct kiln_vulkan_import import;
	struct kiln_device *device; /* imported */
	struct program_kernels kernels;
	struct kiln_stream *streams[2];
	struct kiln_buffer *buffer;
};

static const struct kiln_device_params plain = {.no_cache = true, .no_autotune = true};

static void take(void *user)
{
	struct lock *lock = user;

	assert_int_equal(atomic_fetch_add(&lock->held, 1), 0);
	atomic_fetch_add(&lock->taken, 1);
}

static void give(void *user)
{
	struct lock *lock = user;

	atomic_fetch_add(&lock->given, 1);
	assert_int_equal(atomic_fetch_sub(&lock->held, 1), 1);
}

static void lend(struct scene *scene, const char *script)
{
	*scene = (struct scene){0};
	setenv("HOSTILE", script, 1);
	assert_status(kiln_device_open(&plain, &scene->owner), KILN_OK);
	assert_status(kiln_device_vulkan(scene->owner, &scene->vulkan), KILN_OK);
	scene->enabled = (VkPhysicalDeviceTimelineSemaphoreFeatures){
		.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_TIMELINE_SEMAPHORE_FEATURES,
		.timelineSemaphore = VK_TRUE,
	};
	for (int i = 0; i < 2; i++)
		scene->queues[i] = (struct kiln_vulkan_queue){
			.family = scene->vulkan.queues[i].family,
			.index = scene->vulkan.queues[i].index,
			.handle = scene->vulkan.queues[i].handle,
			.lock = take,
			.unlock = give,
			.user = &scene->locks[i],
		};
	scene->import = (struct kiln_vulkan_import){
		.instance = scene->vulkan.instance,
		.physical_device = scene->vulkan.physical_device,
		.device = scene->vulkan.device,
		.get_instance_proc_addr = scene->vulkan.get_instance_proc_addr,
		.api_version = VK_API_VERSION_1_3,
		.queues = scene->queues,
		.queue_count = scene->vulkan.queue_count,
		.features = &scene->enabled,
		.params = &plain,
	};
}

static void open_scene(struct scene *scene, const char *script)
{
	lend(scene, script);
	assert_status(kiln_device_import(&scene->import, &scene->device), KILN_OK);
	assert_status(program_kernels_create(scene->device, &scene->kernels), KILN_OK);
	for (int i = 0; i < 2; i++) {
		const struct kiln_stream_params stream = {.queue = i ? KILN_QUEUE_ASYNC : KILN_QUEUE_MAIN};

		assert_status(kiln_stream_create(scene->device, &stream, &scene->streams[i]), KILN_OK);
	}
	assert_status(kiln_buffer_create(scene->device, &(struct kiln_buffer_params){.bytes = COUNT * 4},
	                                 &scene->buffer),
	              KILN_OK);
}

static void close_scene(struct scene *scene)
{
	for (int i = 0; i < 2; i++)
		kiln_stream_destroy(&scene->streams[i]);
	kiln_buffer_destroy(&scene->buffer);
	program_kernels_destroy(&scene->kernels);
	kiln_device_close(&scene->device);
	for (int i = 0; i < 2; i++)
		assert_int_equal(atomic_load(&scene->locks[i].taken), atomic_load(&scene->locks[i].given));
	kiln_device_close(&scene->owner);
	assert_int_equal(place_events(&place, "misuse"), 0);
}

static enum kiln_status step(struct scene *scene, int stream, uint32_t k)
{
	const uint32_t push[2] = {COUNT, k};

	return kiln_stream_launch(scene->streams[stream], scene->kernels.step,
	                          &(struct kiln_launch_params){
					  .threads = {COUNT},
					  .buffers = {scene->buffer},
					  .push = push,
					  .push_bytes = sizeof(push),
				  });
}

static void both_queues_work_each_under_its_lock(void **state)
{
	uint32_t expected[COUNT] = {0}, got[COUNT];
	struct scene scene;

	(void)state;
	open_scene(&scene, "async_family,dispatch_ms=2");
	assert_true(kiln_device_info(scene.device)->has_async_queue);
	for (uint32_t k = 0; k < 20; k++) {
		assert_status(step(&scene, k & 1, k), KILN_OK);
		for (uint32_t i = 0; i < COUNT; i++)
			expected[i] = expected[i] * 1664525u + k + i;
	}
	assert_status(kiln_buffer_read(scene.buffer, 0, got, sizeof(got)), KILN_OK);
	assert_memory_equal(got, expected, sizeof(got));
	assert_true(atomic_load(&scene.locks[0].taken) >= 9);
	assert_true(atomic_load(&scene.locks[1].taken) >= 9);
	close_scene(&scene);
}

static void a_buffer_of_one_family_is_refused_where_there_are_two(void **state)
{
	struct kiln_buffer *theirs = NULL, *ours = NULL;
	struct kiln_vulkan_buffer vulkan;
	struct kiln_vulkan_buffer_import import;
	struct scene scene;

	(void)state;
	open_scene(&scene, "async_family");
	assert_status(kiln_buffer_create(scene.owner, &(struct kiln_buffer_params){.bytes = COUNT * 4},
	                                 &theirs),
	              KILN_OK);
	assert_status(kiln_buffer_vulkan(theirs, &vulkan), KILN_OK);
	import = (struct kiln_vulkan_buffer_import){.handle = vulkan.handle,
	                                            .bytes = vulkan.bytes,
	                                            .usage = vulkan.usage};
	assert_status(kiln_buffer_import(scene.device, &import, &ours), KILN_ERR_UNSUPPORTED);
	assert_non_null(strstr(kiln_error_message(), "VK_SHARING_MODE_CONCURRENT"));
	import.sharing = VK_SHARING_MODE_CONCURRENT;
	assert_status(kiln_buffer_import(scene.device, &import, &ours), KILN_OK);
	kiln_buffer_destroy(&ours);
	assert_status(kiln_device_wait(scene.device), KILN_OK);
	assert_status(kiln_buffer_fill(theirs, 0, COUNT * 4, 1), KILN_OK); /* still the owner's */
	kiln_buffer_destroy(&theirs);
	close_scene(&scene);
}

static void a_queue_that_cannot_compute_is_refused(void **state)
{
	struct kiln_device *device = NULL;
	struct scene scene;

	(void)state;
	lend(&scene, "two_families"); /* the first has graphics and copies, the second computes */
	scene.queues[0].family = 1 - scene.vulkan.queues[0].family;
	scene.import.queue_count = 1;
	assert_status(kiln_device_import(&scene.import, &device), KILN_ERR_NO_COMPUTE);
	assert_non_null(strstr(kiln_error_message(), "Fix: "));
	kiln_device_close(&scene.owner);
}

/* Sticky as ever, and bringing it back is the program's affair: its VkDevice is what is lost. */
static void a_lost_device_is_not_reopened_and_closes(void **state)
{
	struct scene scene;

	(void)state;
	open_scene(&scene, "async_family,submit_lost@2");
	assert_status(step(&scene, 0, 0), KILN_OK);
	assert_status(kiln_stream_submit(scene.streams[0], NULL), KILN_OK);
	assert_status(step(&scene, 1, 1), KILN_OK);
	assert_status(kiln_stream_submit(scene.streams[1], NULL), KILN_ERR_DEVICE_LOST);
	assert_status(kiln_device_wait(scene.device), KILN_ERR_DEVICE_LOST);
	assert_status(kiln_device_reopen(scene.device, NULL), KILN_ERR_UNSUPPORTED);
	assert_non_null(strstr(kiln_error_message(), "import another"));
	close_scene(&scene);
}

/* The queue is idle and the fence will never say so: only Kiln's own queues are asked. */
static void a_fence_that_stays_silent_does_not_keep_an_import_from_closing(void **state)
{
	struct scene scene;

	(void)state;
	open_scene(&scene, "fence_dead@1");
	assert_status(step(&scene, 0, 0), KILN_OK);
	assert_status(kiln_stream_submit(scene.streams[0], NULL), KILN_OK);
	close_scene(&scene);
}

static int prepare(void **state)
{
	(void)state;
	place_create(&place);
	setenv("HOSTILE_LOG", place.log, 1);
	return 0;
}

static int clean_up(void **state)
{
	(void)state;
	place_remove(&place);
	return 0;
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(both_queues_work_each_under_its_lock, prepare, clean_up),
		cmocka_unit_test_setup_teardown(a_buffer_of_one_family_is_refused_where_there_are_two,
	                                        prepare, clean_up),
		cmocka_unit_test_setup_teardown(a_queue_that_cannot_compute_is_refused, prepare, clean_up),
		cmocka_unit_test_setup_teardown(a_lost_device_is_not_reopened_and_closes, prepare, clean_up),
		cmocka_unit_test_setup_teardown(
			a_fence_that_stays_silent_does_not_keep_an_import_from_closing, prepare, clean_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
