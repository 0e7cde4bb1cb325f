/* A graph with launches that go in slices: every two accesses of the same bytes are ordered, across its command buffers and
 * what lies between them; and a driver that fails in the middle of it leaves nothing behind. */
#include <kiln/kiln.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "happens.h"
#include "place.h"
#include "test.h"
#include "tracing.h"

#include "count_spv.h"

/* More than a million workgroups: a kernel without loops is taken for short up to there. */
#define WIDE (64u * 60000)
#define HIGH 20u

static struct place place;

struct scene {
	struct kiln_device *device;
	struct kiln_kernel *kernel;
	struct kiln_stream *streams[2];
	struct kiln_buffer *total, *copy;
	struct kiln_graph *graph;
};

static enum kiln_status count_all(struct scene *scene)
{
	const uint32_t n = 64;

	return kiln_stream_launch(scene->streams[0], scene->kernel,
	                          &(struct kiln_launch_params){.threads = {WIDE, HIGH},
	                                                       .buffers = {scene->total},
	                                                       .push = &n,
	                                                       .push_bytes = 4});
}

/* In the middle and at the end; each depends on what is before it, and what is after on it. */
static enum kiln_status record(struct scene *scene)
{
	KILN_TRY(kiln_graph_begin(scene->streams[0]));
	KILN_TRY(kiln_stream_fill(scene->streams[0], scene->total, 0, 4, 5));
	KILN_TRY(count_all(scene));
	KILN_TRY(kiln_stream_copy(scene->streams[0], scene->total, 0, scene->copy, 0, 4));
	KILN_TRY(kiln_stream_fill(scene->streams[0], scene->total, 0, 4, 7));
	KILN_TRY(count_all(scene));
	return kiln_graph_end(scene->streams[0], &scene->graph);
}

static enum kiln_status open_scene(struct scene *scene, const char *script)
{
	const struct kiln_device_params open = {.no_cache = true, .no_autotune = true, .slice_budget_ns = 1};
	const struct kiln_kernel_params kernel = {.spirv = count_spv, .spirv_bytes = sizeof(count_spv)};
	const struct kiln_buffer_params buffer = {.bytes = 4};

	*scene = (struct scene){0};
	setenv("HOSTILE", script, 1);
	KILN_TRY(kiln_device_open(&open, &scene->device));
	KILN_TRY(kiln_kernel_create(scene->device, &kernel, &scene->kernel));
	for (int i = 0; i < 2; i++)
		KILN_TRY(kiln_stream_create(scene->device, &(struct kiln_stream_params){.queue = i},
		                            &scene->streams[i]));
	KILN_TRY(kiln_buffer_create(scene->device, &buffer, &scene->total));
	return kiln_buffer_create(scene->device, &buffer, &scene->copy);
}

static void close_scene(struct scene *scene)
{
	kiln_graph_destroy(&scene->graph);
	for (int i = 0; i < 2; i++)
		kiln_stream_destroy(&scene->streams[i]);
	kiln_buffer_destroy(&scene->total);
	kiln_buffer_destroy(&scene->copy);
	kiln_kernel_destroy(&scene->kernel);
	kiln_device_close(&scene->device);
	assert_int_equal(place_events(&place, "misuse"), 0);
}

static enum kiln_status launch_often(struct scene *scene)
{
	for (int i = 0; i < 6; i++)
		KILN_TRY(kiln_graph_launch(scene->graph, scene->streams[i / 2 % 2], NULL));
	return kiln_device_wait(scene->device);
}

/* Slices are one launch, as far as order is concerned: nothing else comes between them. */
static void join_slices(struct trace_event *events, size_t count)
{
	const struct trace_event *last = NULL;

	for (size_t i = 0; i < count; i++) {
		if (events[i].kind != TRACE_ACCESS)
			continue;
		if (last && strcmp(last->name, "count") == 0 && strcmp(events[i].name, "count") == 0)
			events[i].number = last->number;
		last = &events[i];
	}
}

#define EVENTS_MAX 4000

static void assert_ordered(struct trace_event *events, size_t count)
{
	struct happens found;

	join_slices(events, count);
	found = happens_check(events, count, NULL, 0);
	if (found.unordered)
		happens_explain(events, count, &found);
	assert_int_equal(found.unordered, 0);
	assert_true(found.conflicts > 50);
	/* Each barrier costs a look at all pairs. A loaded machine makes so many slices that it would take minutes. */
	if (count <= EVENTS_MAX)
		assert_true(happens_without_each(events, count, HAPPENS_BARRIERS).caught > 0);
}

static void slices_between_the_command_buffers_of_a_graph_are_in_order(void **state)
{
	static const char *const scripts[] = {"lazy,non_coherent", "lazy=3,async_family,non_coherent",
	                                      "async_family", "no_timeline,async_family"};
	uint32_t totals[2];
	struct trace_event *events;
	struct scene scene;
	size_t count;

	(void)state;
	for (size_t i = 0; i < sizeof(scripts) / sizeof(*scripts); i++) {
		assert_status(open_scene(&scene, scripts[i]), KILN_OK);
		tracing_begin();
		assert_status(record(&scene), KILN_OK);
		assert_int_equal(kiln_graph_counters(scene.graph).recorded, 3);
		assert_true(kiln_graph_counters(scene.graph).segments > 3);
		assert_status(launch_often(&scene), KILN_OK);
		count = tracing_end(&events);
		assert_ordered(events, count);
		free(events);
		assert_status(kiln_buffer_read(scene.copy, 0, &totals[0], 4), KILN_OK);
		assert_status(kiln_buffer_read(scene.total, 0, &totals[1], 4), KILN_OK);
		/* This driver counts 64 for each slice, and a loaded machine makes more of them of one launch than of the other:
		 * what is left of the fills tells whether each launch counted on its own one. */
		assert_true(totals[0] > 5 && totals[1] > 7);
		assert_int_equal(totals[0] % 64, 5);
		assert_int_equal(totals[1] % 64, 7);
		close_scene(&scene);
	}
}

/* Was there an n-th call to fail? */
static bool survives(const char *rule, unsigned n)
{
	enum kiln_status status;
	char script[80], strike[80];
	struct scene scene;

	(void)snprintf(script, sizeof(script), "async_family,%s@%u", rule, n);
	(void)snprintf(strike, sizeof(strike), "strike %s\n", rule);
	(void)remove(place.log);
	status = open_scene(&scene, script);
	if (status == KILN_OK)
		status = record(&scene);
	if (status == KILN_OK)
		status = launch_often(&scene);
	if (status != KILN_OK)
		assert_non_null(strstr(kiln_error_message(), "Fix: "));
	close_scene(&scene);
	return place_events(&place, strike) > 0;
}

static void driver_that_fails_in_the_middle_of_a_graph_is_survived(void **state)
{
	static const char *const rules[] = {"begin_oom",  "commands_oom", "end_oom",
	                                    "pool_oom",   "sets_oom",     "reset_oom",
	                                    "submit_oom", "submit_lost",  "fence_fails"};
	unsigned calls = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++)
		for (unsigned n = 1; n < 40 && survives(rules[i], n); n++)
			calls++;
	print_message("%u calls failed one by one\n", calls);
	assert_true(calls > 30);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(driver_that_fails_in_the_middle_of_a_graph_is_survived),
		cmocka_unit_test(slices_between_the_command_buffers_of_a_graph_are_in_order),
	};
	int failed;

	place_create(&place);
	setenv("HOSTILE_LOG", place.log, 1);
	setenv("KILN_CACHE_DIR", place.cache, 1);
	failed = cmocka_run_group_tests_name("hostile graph slices", tests, NULL, NULL);
	place_remove(&place);
	return failed;
}
