/* The asynchronous queue, on a device with two families that compute: it is used, it overlaps, and where the two touch the
 * same bytes a semaphore orders them. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <kiln/kiln.h>

#include "happens.h"
#include "place.h"
#include "random_program.h"
#include "test.h"
#include "tracing.h"

enum { COUNT = 256 };

static struct place place;

struct scene {
	struct kiln_device *device;
	struct program_kernels kernels;
	struct kiln_stream *streams[2]; /* on the main queue, and on the asynchronous one */
	struct kiln_buffer *buffers[2];
};

static void open_scene(struct scene *scene, const char *script)
{
	const struct kiln_device_params params = {.no_cache = true, .no_autotune = true};

	*scene = (struct scene){0};
	setenv("HOSTILE", script, 1);
	assert_status(kiln_device_open(&params, &scene->device), KILN_OK);
	assert_status(program_kernels_create(scene->device, &scene->kernels), KILN_OK);
	for (int i = 0; i < 2; i++) {
		const struct kiln_stream_params stream = {.queue = i ? KILN_QUEUE_ASYNC : KILN_QUEUE_MAIN};

		assert_status(kiln_stream_create(scene->device, &stream, &scene->streams[i]), KILN_OK);
		assert_status(kiln_buffer_create(scene->device,
		                                 &(struct kiln_buffer_params){.bytes = COUNT * 4},
		                                 &scene->buffers[i]),
		              KILN_OK);
	}
}

static void close_scene(struct scene *scene)
{
	for (int i = 0; i < 2; i++) {
		kiln_stream_destroy(&scene->streams[i]);
		kiln_buffer_destroy(&scene->buffers[i]);
	}
	program_kernels_destroy(&scene->kernels);
	kiln_device_close(&scene->device);
	assert_int_equal(place_events(&place, "misuse"), 0);
}

static void step(struct scene *scene, int stream, int buffer, uint32_t k)
{
	const uint32_t push[2] = {COUNT, k};

	assert_status(kiln_stream_launch(scene->streams[stream], scene->kernels.step,
	                                 &(struct kiln_launch_params){
						 .threads = {COUNT},
						 .buffers = {scene->buffers[buffer]},
						 .push = push,
						 .push_bytes = sizeof(push),
					 }),
	              KILN_OK);
}

static void assert_holds(struct scene *scene, int buffer, uint32_t steps)
{
	uint32_t expected[COUNT] = {0}, got[COUNT];

	for (uint32_t k = 0; k < steps; k++)
		for (uint32_t i = 0; i < COUNT; i++)
			expected[i] = expected[i] * 1664525u + k + i;
	assert_status(kiln_buffer_read(scene->buffers[buffer], 0, got, sizeof(got)), KILN_OK);
	assert_memory_equal(got, expected, sizeof(got));
}

static unsigned count_events(const struct trace_event *events, size_t count, enum trace_kind kind,
                             uint32_t queue)
{
	unsigned found = 0;

	for (size_t i = 0; i < count; i++)
		found += events[i].kind == kind && events[i].queue == queue;
	return found;
}

static void each_stream_submits_to_its_queue(void **state)
{
	struct trace_event *events;
	struct scene scene;
	size_t count;

	(void)state;
	open_scene(&scene, "async_family");
	assert_true(kiln_device_info(scene.device)->has_async_queue);
	tracing_begin();
	step(&scene, 1, 1, 0);
	assert_status(kiln_stream_wait(scene.streams[1], KILN_WAIT_FOREVER), KILN_OK);
	count = tracing_end(&events);
	assert_int_equal(count_events(events, count, TRACE_SUBMIT, 0), 0);
	assert_int_equal(count_events(events, count, TRACE_SUBMIT, 1), 1);
	free(events);
	tracing_begin();
	step(&scene, 0, 0, 0);
	assert_status(kiln_stream_wait(scene.streams[0], KILN_WAIT_FOREVER), KILN_OK);
	count = tracing_end(&events);
	assert_int_equal(count_events(events, count, TRACE_SUBMIT, 0), 1);
	assert_int_equal(count_events(events, count, TRACE_SUBMIT, 1), 0);
	free(events);
	close_scene(&scene);
}

/* ---- Graphs ---- */

/* Steps 0 to 4 on the first buffer; none of them alone is right without the one before. */
static struct kiln_graph *record_steps(struct scene *scene)
{
	struct kiln_graph *graph = NULL;

	assert_status(kiln_graph_begin(scene->streams[1]), KILN_OK);
	for (uint32_t k = 0; k < 5; k++)
		step(scene, 1, 0, k);
	assert_status(kiln_graph_end(scene->streams[1], &graph), KILN_OK);
	return graph;
}

static void assert_ordered(const struct trace_event *events, size_t count)
{
	struct happens found = happens_check(events, count, NULL, 0);

	if (found.unordered)
		happens_explain(events, count, &found);
	assert_int_equal(found.unordered, 0);
	assert_true(found.conflicts > 0);
	assert_true(happens_without_each(events, count, HAPPENS_WAITS).caught > 0);
	assert_true(happens_without_each(events, count, HAPPENS_BARRIERS).caught > 0);
}

static void assert_repeats(struct scene *scene, uint32_t *cells, const uint32_t *ks, uint32_t count)
{
	uint32_t got[COUNT];

	for (uint32_t k = 0; k < count; k++)
		for (uint32_t i = 0; i < COUNT; i++)
			cells[i] = cells[i] * 1664525u + ks[k] + i;
	assert_status(kiln_buffer_read(scene->buffers[0], 0, got, sizeof(got)), KILN_OK);
	assert_memory_equal(got, cells, sizeof(got));
}

/* Once for the family it was recorded on, once for the other; a change costs one operation at hand, and all aside. */
static void a_graph_is_recorded_once_for_each_family(void **state)
{
	static const char *const scripts[] = {"lazy,async_family,non_coherent", "async_family",
	                                      "lazy=3,async_family,no_timeline"};
	static const struct {
		uint32_t stream, recorded;
		bool change; /* before it */
	} turns[] = {{1, 5, false},  {0, 10, false}, {1, 10, false}, {0, 10, false}, {0, 15, true},
	             {0, 15, false}, {1, 20, false}, {0, 20, false}, {1, 25, true},  {0, 30, false}};
	uint32_t ks[5] = {0, 1, 2, 3, 4}, cells[COUNT];
	struct trace_event *events;
	struct kiln_graph *graph;
	struct scene scene;
	size_t count;

	(void)state;
	for (size_t s = 0; s < sizeof(scripts) / sizeof(*scripts); s++) {
		open_scene(&scene, scripts[s]);
		graph = record_steps(&scene);
		memset(cells, 0, sizeof(cells));
		ks[2] = 2;
		tracing_begin();
		for (size_t i = 0; i < sizeof(turns) / sizeof(*turns); i++) {
			if (turns[i].change)
				ks[2] += 100;
			if (turns[i].change)
				assert_status(kiln_graph_set_push(graph, 2, (uint32_t[]){COUNT, ks[2]}, 8),
				              KILN_OK);
			assert_status(kiln_graph_launch(graph, scene.streams[turns[i].stream], NULL),
			              KILN_OK);
			assert_int_equal(kiln_graph_counters(graph).recorded, turns[i].recorded);
			if (i % 3 == 2)
				assert_repeats(&scene, cells, ks, 5);
			else
				for (uint32_t k = 0; k < 5; k++)
					for (uint32_t c = 0; c < COUNT; c++)
						cells[c] = cells[c] * 1664525u + ks[k] + c;
		}
		assert_repeats(&scene, cells, ks, 0);
		count = tracing_end(&events);
		if (s == 0)
			assert_ordered(events, count);
		free(events);
		kiln_graph_destroy(&graph);
		close_scene(&scene);
	}
}

/* Steps on two buffers in turns, so that every other one needs a barrier. */
static struct kiln_graph *record_turns(struct scene *scene, uint32_t count)
{
	struct kiln_graph *graph = NULL;

	assert_status(kiln_graph_begin(scene->streams[0]), KILN_OK);
	for (uint32_t k = 0; k < count; k++)
		step(scene, 0, (int)(k & 1), k);
	assert_status(kiln_graph_end(scene->streams[0], &graph), KILN_OK);
	return graph;
}

/* What was changed at one family is known there; at the other only the barrier that moves then is news to its segment. */
static void a_graph_changed_for_one_family_is_right_on_the_other(void **state)
{
	enum { STEPS = 100 };
	uint32_t ks[STEPS], cells[2][COUNT] = {{0}}, got[COUNT];
	struct kiln_graph *graph;
	struct scene scene;

	(void)state;
	open_scene(&scene, "async_family");
	graph = record_turns(&scene, STEPS);
	for (int turn = 0; turn < 3; turn++) {
		for (uint32_t k = 0; k < STEPS; k++)
			ks[k] = turn == 2 && k % 9 == 0 && k < 90 ? 1000 + k : k;
		for (uint32_t k = 0; k < STEPS; k++)
			if (ks[k] >= 1000)
				assert_status(kiln_graph_set_push(graph, k, (uint32_t[]){COUNT, ks[k]}, 8),
				              KILN_OK);
		if (turn == 2)
			assert_status(kiln_graph_set_arg(graph, STEPS - 2, 0,
			                                 &(struct kiln_arg){.buffer = scene.buffers[1]}),
			              KILN_OK);
		assert_status(kiln_graph_launch(graph, scene.streams[turn & 1], NULL), KILN_OK);
		if (turn == 2)
			assert_status(kiln_graph_launch(graph, scene.streams[1], NULL), KILN_OK);
		for (uint32_t at = 0; at < (turn == 2 ? 2 : 1) * STEPS; at++) {
			uint32_t k = at % STEPS, b = turn == 2 && k == STEPS - 2 ? 1 : k & 1;

			for (uint32_t c = 0; c < COUNT; c++)
				cells[b][c] = cells[b][c] * 1664525u + ks[k] + c;
		}
	}
	for (int b = 0; b < 2; b++) {
		assert_status(kiln_buffer_read(scene.buffers[b], 0, got, sizeof(got)), KILN_OK);
		assert_memory_equal(got, cells[b], sizeof(got));
	}
	kiln_graph_destroy(&graph);
	close_scene(&scene);
}

/* Each hand-over is a semaphore from one queue to the other; without one, the slow dispatches would overtake each other. */
static void shared_bytes_are_ordered_by_semaphores(void **state)
{
	struct trace_event *events;
	struct scene scene;
	size_t count;

	(void)state;
	open_scene(&scene, "async_family,dispatch_ms=2");
	tracing_begin();
	for (uint32_t k = 0; k < 20; k++)
		step(&scene, k & 1, 0, k);
	assert_holds(&scene, 0, 20);
	count = tracing_end(&events);
	assert_true(count_events(events, count, TRACE_WAIT, 0) >= 9);
	assert_true(count_events(events, count, TRACE_WAIT, 1) >= 9);
	free(events);
	close_scene(&scene);
}

static void without_timelines_the_host_waits(void **state)
{
	struct scene scene;

	(void)state;
	open_scene(&scene, "async_family,no_timeline,dispatch_ms=2");
	for (uint32_t k = 0; k < 20; k++)
		step(&scene, k & 1, 0, k);
	assert_holds(&scene, 0, 20);
	close_scene(&scene);
}

static void without_a_second_family_the_main_queue_does_the_same(void **state)
{
	static const char *const scripts[] = {"dispatch_ms=1", "two_families", "families_fill"};
	struct trace_event *events;
	struct scene scene;
	size_t count;

	(void)state;
	for (size_t i = 0; i < sizeof(scripts) / sizeof(*scripts); i++) {
		open_scene(&scene, scripts[i]);
		assert_false(kiln_device_info(scene.device)->has_async_queue);
		tracing_begin();
		for (uint32_t k = 0; k < 20; k++)
			step(&scene, k & 1, 0, k);
		assert_holds(&scene, 0, 20);
		count = tracing_end(&events);
		assert_true(count_events(events, count, TRACE_SUBMIT, 0) == 0 ||
		            count_events(events, count, TRACE_SUBMIT, 1) == 0);
		free(events);
		close_scene(&scene);
	}
}

static double seconds(void)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

/* 20 dispatches of 20 ms on each queue: 800 ms one after the other. */
static double run_both_queues(struct scene *scene, uint32_t round)
{
	double start = seconds();

	for (uint32_t k = 0; k < 20; k++) {
		step(scene, 0, 0, 20 * round + k);
		step(scene, 1, 1, 20 * round + k);
	}
	for (int i = 0; i < 2; i++)
		assert_status(kiln_stream_submit(scene->streams[i], NULL), KILN_OK);
	for (int i = 0; i < 2; i++)
		assert_status(kiln_stream_wait(scene->streams[i], KILN_WAIT_FOREVER), KILN_OK);
	return seconds() - start;
}

/* Other load makes a round longer, but no load makes one shorter that is one after the other. */
static void queues_work_at_the_same_time(void **state)
{
	struct scene scene;
	uint32_t rounds = 0;
	double shortest = 1;

	(void)state;
	open_scene(&scene, "async_family,dispatch_ms=20");
	while (rounds < 5 && shortest >= 0.7) {
		double took = run_both_queues(&scene, rounds++);

		assert_true(took > 0.39);
		shortest = took < shortest ? took : shortest;
	}
	assert_true(shortest < 0.7);
	assert_holds(&scene, 0, 20 * rounds);
	assert_holds(&scene, 1, 20 * rounds);
	close_scene(&scene);
}

/* What was enqueued on either queue is waited for, and a lost device ends both. */
static void closing_waits_for_both_queues(void **state)
{
	struct scene scene;

	(void)state;
	open_scene(&scene, "async_family,dispatch_ms=30");
	step(&scene, 0, 0, 0);
	step(&scene, 1, 1, 0);
	for (int i = 0; i < 2; i++)
		assert_status(kiln_stream_submit(scene.streams[i], NULL), KILN_OK);
	close_scene(&scene);
	open_scene(&scene, "async_family,submit_lost@2");
	step(&scene, 0, 0, 0);
	step(&scene, 1, 1, 0);
	assert_status(kiln_stream_submit(scene.streams[0], NULL), KILN_OK);
	assert_status(kiln_stream_submit(scene.streams[1], NULL), KILN_ERR_DEVICE_LOST);
	assert_status(kiln_stream_wait(scene.streams[0], KILN_WAIT_FOREVER), KILN_ERR_DEVICE_LOST);
	close_scene(&scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_graph_changed_for_one_family_is_right_on_the_other),
		cmocka_unit_test(a_graph_is_recorded_once_for_each_family),
		cmocka_unit_test(closing_waits_for_both_queues),
		cmocka_unit_test(each_stream_submits_to_its_queue),
		cmocka_unit_test(queues_work_at_the_same_time),
		cmocka_unit_test(shared_bytes_are_ordered_by_semaphores),
		cmocka_unit_test(without_a_second_family_the_main_queue_does_the_same),
		cmocka_unit_test(without_timelines_the_host_waits),
	};
	int failed;

	place_create(&place);
	setenv("HOSTILE_LOG", place.log, 1);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	place_remove(&place);
	return failed;
}
