/* How streams end: waits that run out, drivers that never answer, destruction in any order, two devices, a fork. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <kiln/kiln.h>

#include "place.h"
#include "random_program.h"
#include "test.h"

#define MS UINT64_C(1000000)
#define SECOND (1000 * MS)

enum { COUNT = 256 };

static struct place place;

struct scene {
	struct kiln_device *device;
	struct program_kernels kernels;
	struct kiln_stream *streams[2];
	struct kiln_buffer *buffer;
	struct kiln_graph *graph; /* NULL = none */
};

static void open_scene(struct scene *scene, const char *script)
{
	const struct kiln_device_params params = {.no_cache = true, .no_autotune = true};

	*scene = (struct scene){0};
	setenv("HOSTILE", script, 1);
	assert_status(kiln_device_open(&params, &scene->device), KILN_OK);
	assert_status(program_kernels_create(scene->device, &scene->kernels), KILN_OK);
	for (int i = 0; i < 2; i++)
		assert_status(kiln_stream_create(scene->device, NULL, &scene->streams[i]), KILN_OK);
	assert_status(kiln_buffer_create(scene->device, &(struct kiln_buffer_params){.bytes = COUNT * 4},
	                                 &scene->buffer),
	              KILN_OK);
}

static void close_scene(struct scene *scene)
{
	kiln_graph_destroy(&scene->graph);
	for (int i = 0; i < 2; i++)
		kiln_stream_destroy(&scene->streams[i]);
	kiln_buffer_destroy(&scene->buffer);
	program_kernels_destroy(&scene->kernels);
	kiln_device_close(&scene->device);
	assert_null(scene->device);
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

/* Two steps, recorded on the first stream. */
static void record_graph(struct scene *scene)
{
	assert_status(kiln_graph_begin(scene->streams[0]), KILN_OK);
	assert_status(step(scene, 0, 3), KILN_OK);
	assert_status(step(scene, 0, 4), KILN_OK);
	assert_status(kiln_graph_end(scene->streams[0], &scene->graph), KILN_OK);
}

static void step_on_host(uint32_t *data, uint32_t k)
{
	for (uint32_t i = 0; i < COUNT; i++)
		data[i] = data[i] * 1664525u + k + i;
}

static uint64_t now(void)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	return (uint64_t)at.tv_sec * SECOND + (uint64_t)at.tv_nsec;
}

/* ---- Waits that run out ---- */

static void assert_times_out(struct scene *scene, struct kiln_ticket ticket)
{
	uint64_t start = now();
	size_t index = 9;

	assert_status(kiln_stream_wait(scene->streams[0], 20 * MS), KILN_ERR_TIMEOUT);
	assert_non_null(strstr(kiln_error_message(), "Fix: "));
	assert_status(kiln_ticket_wait(scene->device, ticket, 20 * MS), KILN_ERR_TIMEOUT);
	assert_status(kiln_ticket_wait(scene->device, ticket, 0), KILN_ERR_TIMEOUT);
	assert_status(kiln_ticket_wait_any(scene->device, &ticket, 1, 20 * MS, &index), KILN_ERR_TIMEOUT);
	assert_int_equal(index, 9);
	assert_false(kiln_ticket_is_done(scene->device, ticket));
	assert_true(now() - start >= 60 * MS);
	assert_true(now() - start < 5 * SECOND);
}

static void wait_for_a_device_that_hangs_times_out_and_then_it_is_lost(void **state)
{
	struct scene scene;
	struct kiln_ticket ticket;

	(void)state;
	open_scene(&scene, "hang=400");
	assert_status(step(&scene, 0, 1), KILN_OK);
	assert_status(kiln_stream_submit(scene.streams[0], &ticket), KILN_OK);
	assert_times_out(&scene, ticket);
	assert_status(kiln_stream_wait(scene.streams[0], KILN_WAIT_FOREVER), KILN_ERR_DEVICE_LOST);
	assert_status(step(&scene, 0, 2), KILN_ERR_DEVICE_LOST);
	assert_false(kiln_ticket_is_done(scene.device, ticket));
	close_scene(&scene);
}

static void program_closes_while_the_device_hangs(void **state)
{
	struct scene scene;
	uint64_t start;

	(void)state;
	open_scene(&scene, "hang=300");
	assert_status(step(&scene, 0, 1), KILN_OK);
	assert_status(step(&scene, 1, 2), KILN_OK);
	start = now();
	close_scene(&scene);
	assert_true(now() - start < 10 * SECOND);
}

/* The device is idle and the fence will never say so. */
static void fence_that_is_never_signalled_does_not_keep_the_program_from_closing(void **state)
{
	struct scene scene;
	struct kiln_ticket ticket;
	uint64_t start;

	(void)state;
	open_scene(&scene, "fence_dead@1");
	assert_status(step(&scene, 0, 1), KILN_OK);
	assert_status(kiln_stream_submit(scene.streams[0], &ticket), KILN_OK);
	assert_times_out(&scene, ticket);
	start = now();
	close_scene(&scene);
	assert_true(now() - start < 30 * SECOND);
}

static void early_timeouts_of_the_driver_are_not_the_callers(void **state)
{
	uint32_t expected[COUNT] = {0}, got[COUNT];
	struct scene scene;

	(void)state;
	open_scene(&scene, "dispatch_ms=30,wait_timeout@1");
	assert_status(step(&scene, 0, 3), KILN_OK);
	step_on_host(expected, 3);
	assert_status(kiln_stream_wait(scene.streams[0], 10 * SECOND), KILN_OK);
	assert_status(kiln_buffer_read(scene.buffer, 0, got, sizeof(got)), KILN_OK);
	assert_memory_equal(got, expected, sizeof(got));
	close_scene(&scene);
}

/* ---- In any order ---- */

static void destroy(struct scene *scene, unsigned what)
{
	switch (what) {
	case 0:
	case 1:
		kiln_stream_destroy(&scene->streams[what]);
		break;
	case 2:
		kiln_buffer_destroy(&scene->buffer);
		break;
	case 3:
		program_kernels_destroy(&scene->kernels);
		break;
	case 4:
		kiln_graph_destroy(&scene->graph);
		break;
	default:
		kiln_device_close(&scene->device);
		break;
	}
}

enum { OBJECTS = 6, ORDERS = 720 };

/* The n-th permutation of 0 to 5. */
static void permute(unsigned n, unsigned order[OBJECTS])
{
	unsigned left[OBJECTS] = {0, 1, 2, 3, 4, 5};

	for (unsigned i = 0; i < OBJECTS; i++) {
		unsigned at = n % (OBJECTS - i);

		n /= OBJECTS - i;
		order[i] = left[at];
		memmove(&left[at], &left[at + 1], (OBJECTS - 1 - at) * sizeof(left[0]));
		left[OBJECTS - 1] = 9;
	}
}

static void objects_can_be_destroyed_in_any_order_with_work_in_flight(void **state)
{
	static const char *const scripts[] = {"lazy", "dispatch_ms=1", "discrete", "submit_lost@2",
	                                      "submit_lost@3"};

	(void)state;
	for (unsigned i = 0, n = 0; i < ORDERS / 3; i++, n = (n + 7) % ORDERS) { /* a third, of all kinds */
		struct scene scene;
		unsigned order[OBJECTS];

		open_scene(&scene, scripts[i % 5]);
		record_graph(&scene);
		(void)step(&scene, 0, 1);
		(void)kiln_stream_submit(scene.streams[0], NULL);
		(void)kiln_graph_launch(scene.graph, scene.streams[1], NULL);
		(void)step(&scene, 1, 2);
		permute(n, order);
		for (int at = 0; at < OBJECTS; at++)
			destroy(&scene, order[at]);
		assert_int_equal(place_events(&place, "misuse"), 0);
	}
}

static void closing_waits_for_work_in_flight(void **state)
{
	struct scene scene;

	(void)state;
	(void)remove(place.log);
	open_scene(&scene, "dispatch_ms=50");
	assert_status(step(&scene, 0, 1), KILN_OK);
	assert_status(step(&scene, 1, 2), KILN_OK);
	kiln_device_close(&scene.device);
	assert_int_equal(place_events(&place, "dispatch"), 2);
	close_scene(&scene);
}

/* ---- Two devices ---- */

static void two_devices_with_streams_each_know_nothing_of_one_another(void **state)
{
	uint32_t expected[2][COUNT] = {{0}}, got[COUNT];
	struct scene scenes[2];
	struct kiln_ticket ticket;

	(void)state;
	open_scene(&scenes[0], "lazy=2");
	open_scene(&scenes[1], "discrete");
	for (uint32_t k = 0; k < 40; k++) {
		assert_status(step(&scenes[k & 1], k / 2 & 1, k), KILN_OK);
		step_on_host(expected[k & 1], k);
	}
	assert_status(kiln_stream_submit(scenes[0].streams[0], &ticket), KILN_OK);
	assert_status(kiln_stream_copy(scenes[1].streams[0], scenes[0].buffer, 0, scenes[0].buffer, 64, 64),
	              KILN_ERR_FOREIGN_OBJECT);
	for (int i = 0; i < 2; i++) {
		record_graph(&scenes[i]);
		assert_status(kiln_graph_launch(scenes[i].graph, scenes[i].streams[1], NULL), KILN_OK);
		assert_status(kiln_graph_launch(scenes[i].graph, scenes[1 - i].streams[1], NULL),
		              KILN_ERR_FOREIGN_OBJECT);
		step_on_host(expected[i], 3);
		step_on_host(expected[i], 4);
	}
	for (int i = 0; i < 2; i++) {
		assert_status(kiln_buffer_read(scenes[i].buffer, 0, got, sizeof(got)), KILN_OK);
		assert_memory_equal(got, expected[i], sizeof(got));
	}
	assert_status(step(&scenes[0], 0, 1), KILN_OK);
	close_scene(&scenes[0]); /* with work in flight */
	assert_status(step(&scenes[1], 0, 1), KILN_OK);
	step_on_host(expected[1], 1);
	assert_status(kiln_buffer_read(scenes[1].buffer, 0, got, sizeof(got)), KILN_OK);
	assert_memory_equal(got, expected[1], sizeof(got));
	close_scene(&scenes[1]);
}

/* ---- A fork ---- */

#define EXPECT(call, status)                                                             \
	do {                                                                             \
		if ((call) != (status)) {                                                \
			fprintf(stderr, "child: %s: %s\n", #call, kiln_error_message()); \
			_exit(1);                                                        \
		}                                                                        \
	} while (0)

static _Noreturn void be_a_child(struct scene *scene, struct kiln_ticket ticket,
                                 struct kiln_stream *recording)
{
	const struct kiln_device_params params = {.no_cache = true, .no_autotune = true};
	struct kiln_device *own = NULL;
	struct kiln_buffer *buffer = NULL;
	struct kiln_graph *graph = NULL;
	uint32_t word;

	alarm(20);
	EXPECT(step(scene, 0, 1), KILN_ERR_DEVICE_LOST);
	EXPECT(kiln_stream_wait(scene->streams[0], KILN_WAIT_FOREVER), KILN_ERR_DEVICE_LOST);
	EXPECT(kiln_stream_submit(scene->streams[1], NULL), KILN_ERR_DEVICE_LOST);
	EXPECT(kiln_ticket_wait(scene->device, ticket, KILN_WAIT_FOREVER), KILN_ERR_DEVICE_LOST);
	EXPECT(kiln_ticket_is_done(scene->device, ticket), false);
	EXPECT(kiln_buffer_read(scene->buffer, 0, &word, 4), KILN_ERR_DEVICE_LOST);
	EXPECT(kiln_device_wait(scene->device), KILN_ERR_DEVICE_LOST);
	EXPECT(kiln_graph_launch(scene->graph, scene->streams[0], NULL), KILN_ERR_DEVICE_LOST);
	EXPECT(kiln_graph_begin(scene->streams[0]), KILN_ERR_DEVICE_LOST);
	EXPECT(kiln_graph_end(recording, &graph), KILN_ERR_DEVICE_LOST);
	EXPECT(graph == NULL, true);
	kiln_graph_destroy(&scene->graph);
	kiln_stream_destroy(&scene->streams[0]);
	kiln_buffer_destroy(&scene->buffer);
	program_kernels_destroy(&scene->kernels);
	kiln_device_close(&scene->device);
	EXPECT(kiln_device_open(&params, &own), KILN_OK);
	EXPECT(kiln_buffer_create(own, &(struct kiln_buffer_params){.bytes = 4}, &buffer), KILN_OK);
	EXPECT(kiln_buffer_read(buffer, 0, &word, 4), KILN_OK);
	kiln_buffer_destroy(&buffer);
	kiln_device_close(&own);
	_exit(0);
}

static void forked_child_is_refused_and_the_parent_goes_on(void **state)
{
	uint32_t expected[COUNT] = {0}, got[COUNT];
	struct kiln_stream *recording = NULL;
	struct scene scene;
	struct kiln_ticket ticket;
	pid_t child;
	int status;

	(void)state;
	open_scene(&scene, "lazy");
	record_graph(&scene);
	assert_status(kiln_stream_create(scene.device, NULL, &recording), KILN_OK);
	assert_status(kiln_graph_begin(recording), KILN_OK);
	assert_status(kiln_stream_fill(recording, scene.buffer, 0, 4, 0), KILN_OK);
	assert_status(step(&scene, 0, 1), KILN_OK);
	assert_status(kiln_stream_submit(scene.streams[0], &ticket), KILN_OK);
	assert_status(step(&scene, 1, 2), KILN_OK);
	assert_status(kiln_graph_launch(scene.graph, scene.streams[0], NULL), KILN_OK);
	fflush(NULL);
	child = fork();
	assert_true(child >= 0);
	if (child == 0)
		be_a_child(&scene, ticket, recording);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	kiln_stream_destroy(&recording);
	for (uint32_t k = 1; k <= 4; k++)
		step_on_host(expected, k);
	assert_status(kiln_buffer_read(scene.buffer, 0, got, sizeof(got)), KILN_OK);
	assert_memory_equal(got, expected, sizeof(got));
	close_scene(&scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(closing_waits_for_work_in_flight),
		cmocka_unit_test(early_timeouts_of_the_driver_are_not_the_callers),
		cmocka_unit_test(fence_that_is_never_signalled_does_not_keep_the_program_from_closing),
		cmocka_unit_test(forked_child_is_refused_and_the_parent_goes_on),
		cmocka_unit_test(objects_can_be_destroyed_in_any_order_with_work_in_flight),
		cmocka_unit_test(program_closes_while_the_device_hangs),
		cmocka_unit_test(two_devices_with_streams_each_know_nothing_of_one_another),
		cmocka_unit_test(wait_for_a_device_that_hangs_times_out_and_then_it_is_lost),
	};
	int failed;

	place_create(&place);
	setenv("HOSTILE_LOG", place.log, 1);
	setenv("KILN_CACHE_DIR", place.cache, 1);
	failed = cmocka_run_group_tests_name("hostile stream ends", tests, NULL, NULL);
	place_remove(&place);
	return failed;
}
