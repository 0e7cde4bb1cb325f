/* Long launches in graphs, and how long each operation of one takes. */
#include "harness.h"

#include <string.h>

#include <base/clock.h>

#include "slice_plain_spv.h"

enum { X = 701, Y = 301, CELLS = X * Y };

struct plain_push {
	uint32_t size[3], steps;
};

struct long_scene {
	struct kiln_device *device;
	struct kiln_stream *stream;
	struct kiln_kernel *kernel;
	struct kiln_buffer *a, *b;
};

static struct long_scene long_scene_new(uint64_t budget_ns)
{
	const struct kiln_device_params open = {.slice_budget_ns = budget_ns};
	const struct kiln_buffer_params cells = {.bytes = CELLS * 4};
	struct long_scene scene = {.device = gpu_open(&open)};

	gpu_ok(kiln_kernel_create(scene.device,
	                          &(struct kiln_kernel_params){.spirv = slice_plain_spv,
	                                                       .spirv_bytes = sizeof slice_plain_spv},
	                          &scene.kernel));
	gpu_ok(kiln_stream_create(scene.device, NULL, &scene.stream));
	gpu_ok(kiln_buffer_create(scene.device, &cells, &scene.a));
	gpu_ok(kiln_buffer_create(scene.device, &cells, &scene.b));
	return scene;
}

static void long_scene_destroy(struct long_scene *scene)
{
	kiln_stream_destroy(&scene->stream);
	kiln_kernel_destroy(&scene->kernel);
	kiln_buffer_destroy(&scene->a);
	kiln_buffer_destroy(&scene->b);
	gpu_close(&scene->device);
}

static void add_steps(struct long_scene *scene, struct kiln_buffer *to, uint32_t steps)
{
	const struct plain_push push = {{X, Y, 1}, steps};

	gpu_ok(kiln_stream_launch(scene->stream, scene->kernel,
	                          &(struct kiln_launch_params){.threads = {X, Y, 1},
	                                                       .buffers = {to},
	                                                       .push = &push,
	                                                       .push_bytes = sizeof push}));
}

static void add_on_host(uint32_t *cells, uint32_t steps)
{
	for (uint32_t i = 0; i < CELLS; i++) {
		uint32_t value = i % X;

		for (uint32_t k = 0; k < steps; k++)
			value = value * 1664525u + 1013904223u;
		cells[i] += 1 + value + i / X * 5;
	}
}

/* A long launch in the middle, one at each end, and work that depends on all of them in between. */
static struct kiln_graph *record_long(struct long_scene *scene, uint32_t steps)
{
	struct kiln_graph *graph = NULL;

	gpu_ok(kiln_graph_begin(scene->stream));
	add_steps(scene, scene->a, steps);
	gpu_ok(kiln_stream_copy(scene->stream, scene->a, 0, scene->b, 0, CELLS * 4));
	gpu_ok(kiln_stream_fill(scene->stream, scene->a, 0, CELLS * 2 / 4 * 4, 9));
	add_steps(scene, scene->b, steps + 1);
	gpu_ok(kiln_stream_copy(scene->stream, scene->b, 0, scene->a, 0, CELLS * 4));
	add_steps(scene, scene->a, steps + 2);
	gpu_ok(kiln_graph_end(scene->stream, &graph));
	assert_int_equal(kiln_graph_length(graph), 6);
	return graph;
}

static void assert_cells(struct kiln_buffer *buffer, const uint32_t *expected)
{
	uint32_t *got = malloc(CELLS * 4);

	gpu_ok(kiln_buffer_read(buffer, 0, got, CELLS * 4));
	assert_memory_equal(got, expected, CELLS * 4);
	free(got);
}

static void launch_long(struct long_scene *scene, struct kiln_graph *graph, uint32_t *cells, uint32_t steps)
{
	gpu_ok(kiln_graph_launch(graph, scene->stream, NULL));
	for (uint32_t i = 0; i < 3; i++)
		add_on_host(cells, steps + i);
	assert_cells(scene->a, cells);
}

static void long_launches_of_a_graph_go_in_slices(void **state)
{
	enum { STEPS = 300 };
	static uint32_t cells[CELLS];
	const struct plain_push push = {{X, Y, 1}, STEPS};
	struct kiln_graph_counters counters;
	struct long_scene scene;
	struct kiln_graph *graph;
	uint64_t submits;

	(void)state;
	GPU_NEEDS_LAUNCH();
	scene = long_scene_new(1000000);
	memset(cells, 0, sizeof cells);
	graph = record_long(&scene, STEPS);
	gpu_ok(kiln_buffer_fill(scene.a, 0, CELLS * 4, 0));
	for (int i = 0; i < 3; i++) {
		submits = kiln_device_counters(scene.device).submits;
		launch_long(&scene, graph, cells, STEPS);
		assert_true(kiln_device_counters(scene.device).submits > submits + 6);
	}
	gpu_ok(kiln_graph_set_push(graph, 0, &push, sizeof push)); /* they can be changed like any */
	launch_long(&scene, graph, cells, STEPS);
	counters = kiln_graph_counters(graph);
	assert_int_equal(counters.launches, 4);
	assert_int_equal(counters.recorded, 3 + 4 * 3); /* the others once */
	kiln_graph_destroy(&graph);
	long_scene_destroy(&scene);
}

/* The kernel is not known when the graph is recorded, and turns out to be quick. */
static void launches_that_turn_out_to_be_short_join_the_graph(void **state)
{
	enum { STEPS = 3 };
	static uint32_t cells[CELLS];
	struct long_scene scene;
	struct kiln_graph *graph;
	uint64_t recorded, submits;

	(void)state;
	GPU_NEEDS_LAUNCH();
	scene = long_scene_new(UINT64_C(20000000000));
	memset(cells, 0, sizeof cells);
	graph = record_long(&scene, STEPS);
	assert_int_equal(kiln_graph_counters(graph).recorded, 3);
	gpu_ok(kiln_buffer_fill(scene.a, 0, CELLS * 4, 0));
	for (int i = 0; i < 2; i++)
		launch_long(&scene, graph, cells, STEPS);
	recorded = kiln_graph_counters(graph).recorded;
	assert_int_equal(kiln_graph_counters(graph).segments, 1);
	submits = kiln_device_counters(scene.device).submits;
	launch_long(&scene, graph, cells, STEPS);
	assert_int_equal(kiln_graph_counters(graph).recorded, recorded);
	assert_int_equal(kiln_device_counters(scene.device).submits, submits + 1);
	kiln_graph_destroy(&graph);
	long_scene_destroy(&scene);
}

/* ---- Times ---- */

static bool measure(struct kiln_graph *graph)
{
	enum kiln_status status = kiln_graph_measure(graph, true);

	if (status != KILN_ERR_UNSUPPORTED)
		gpu_ok(status);
	return status == KILN_OK;
}

static void operations_of_a_graph_are_timed_one_by_one(void **state)
{
	uint64_t times[6], wall, total = 0;
	struct long_scene scene;
	struct kiln_graph *graph;

	(void)state;
	GPU_NEEDS_LAUNCH();
	scene = long_scene_new(1000000);
	graph = record_long(&scene, 300);
	gpu_refused(kiln_graph_times(graph, times, 6), KILN_ERR_INVALID_ARGUMENT);
	if (!measure(graph)) {
		kiln_graph_destroy(&graph);
		long_scene_destroy(&scene);
		gpu_skip(__func__, "this device has no timestamps");
	}
	gpu_refused(kiln_graph_times(graph, times, 6), KILN_ERR_INVALID_ARGUMENT);
	for (int i = 0; i < 2; i++) {
		wall = kiln_now_ns();
		gpu_ok(kiln_graph_launch(graph, scene.stream, NULL));
		gpu_refused(kiln_graph_times(graph, times, 5), KILN_ERR_INVALID_ARGUMENT);
		gpu_ok(kiln_graph_times(graph, times, 6));
		wall = kiln_now_ns() - wall;
	}
	for (int i = 0; i < 6; i++)
		total += times[i];
	assert_true(total <= wall);
	assert_true(times[0] > times[2] && times[3] > times[2] &&
	            times[5] > times[2]); /* 300 steps, a fill */
	gpu_ok(kiln_graph_measure(graph, false));
	gpu_ok(kiln_graph_launch(graph, scene.stream, NULL));
	gpu_refused(kiln_graph_times(graph, times, 6), KILN_ERR_INVALID_ARGUMENT);
	kiln_graph_destroy(&graph);
	long_scene_destroy(&scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(launches_that_turn_out_to_be_short_join_the_graph),
		cmocka_unit_test(long_launches_of_a_graph_go_in_slices),
		cmocka_unit_test(operations_of_a_graph_are_timed_one_by_one),
	};

	return GPU_MAIN("graph_slices", tests, true);
}
