/* Traces, timers, markers and statistics: what they say parses, and agrees with what was done. */
#include "harness.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cjson/cJSON.h>

#include "step_spv.h"

#define N 4096u
#define LAUNCHES 20u

struct text {
	char *data;
	size_t bytes;
	int stop;
};

static int append(void *user, const void *data, size_t bytes)
{
	struct text *text = user;

	text->data = realloc(text->data, text->bytes + bytes + 1);
	assert_non_null(text->data);
	memcpy(text->data + text->bytes, data, bytes);
	text->bytes += bytes;
	text->data[text->bytes] = '\0';
	return text->stop;
}

static struct kiln_trace *begin(struct text *text, size_t max_events)
{
	struct kiln_trace *trace = NULL;

	gpu_ok(kiln_trace_begin(gpu_device,
	                        &(struct kiln_trace_params){.max_events = max_events,
	                                                    .write = append,
	                                                    .user = text},
	                        &trace));
	return trace;
}

static cJSON *end(struct kiln_trace **trace, struct text *text)
{
	cJSON *json;

	gpu_ok(kiln_trace_end(trace));
	assert_null(*trace);
	json = cJSON_Parse(text->data);
	if (!json)
		print_error("%s\n", text->data);
	assert_non_null(json);
	free(text->data);
	*text = (struct text){0};
	return json;
}

static struct kiln_kernel *named_kernel(const char *name)
{
	struct kiln_kernel *kernel = NULL;

	gpu_ok(kiln_kernel_create(gpu_device,
	                          &(struct kiln_kernel_params){.spirv = step_spv,
	                                                       .spirv_bytes = sizeof step_spv,
	                                                       .name = name},
	                          &kernel));
	return kernel;
}

static void launch(struct kiln_stream *stream, struct kiln_kernel *kernel, struct kiln_buffer *data)
{
	const uint32_t push[2] = {N, 1};

	gpu_ok(kiln_stream_launch(stream, kernel,
	                          &(struct kiln_launch_params){.threads = {N},
	                                                       .buffers = {data},
	                                                       .push = push,
	                                                       .push_bytes = sizeof push}));
}

static const char *text_of(const cJSON *object, const char *name)
{
	const char *text = cJSON_GetStringValue(cJSON_GetObjectItem(object, name));

	return text ? text : "";
}

static double number_of(const cJSON *object, const char *name)
{
	const cJSON *item = cJSON_GetObjectItem(object, name);

	if (!cJSON_IsNumber(item))
		fail_msg("no number '%s'", name);
	return item->valuedouble;
}

static double fact(const cJSON *json, const char *name)
{
	return number_of(cJSON_GetObjectItem(json, "otherData"), name);
}

static unsigned count(const cJSON *json, const char *category, const char *name)
{
	const cJSON *event;
	unsigned found = 0;

	cJSON_ArrayForEach(event, cJSON_GetObjectItem(json, "traceEvents")) found +=
		strcmp(text_of(event, "cat"), category) == 0 &&
		(!name || strcmp(text_of(event, "name"), name) == 0);
	return found;
}

static const cJSON *find_ticket(const cJSON *json, const char *category, double ticket, const char *stream)
{
	const cJSON *event;
	char name[64];

	snprintf(name, sizeof name, "%s %s", category, stream);
	cJSON_ArrayForEach(event, cJSON_GetObjectItem(json, "traceEvents")) if (
		strcmp(text_of(event, "name"), name) == 0 &&
		number_of(cJSON_GetObjectItem(event, "args"), "ticket") == ticket) return event;
	return NULL;
}

/* Microseconds with three digits behind the point are exact to a nanosecond, and sums of them nearly. */
#define NEARLY 0.002

struct span {
	double from, to;
};

static int by_start(const void *a, const void *b)
{
	const struct span *x = a, *y = b;

	return x->from != y->from ? (x->from < y->from ? -1 : 1) : (x->to > y->to) - (x->to < y->to);
}

/* On the device nothing happens before its submission begins or after the wait for it ended; and nothing overlaps. */
static void assert_sound(const cJSON *json, const char *stream)
{
	static struct span spans[4096];
	const cJSON *event;
	size_t spans_count = 0;

	cJSON_ArrayForEach(event, cJSON_GetObjectItem(json, "traceEvents"))
	{
		const cJSON *args = cJSON_GetObjectItem(event, "args"), *other;
		double from, to;

		if (strcmp(text_of(event, "ph"), "X") != 0 || number_of(event, "pid") != 2)
			continue;
		from = number_of(event, "ts");
		to = from + number_of(event, "dur");
		assert_true(from >= number_of(args, "submitted") - NEARLY);
		assert_true(to <= number_of(args, "done") + NEARLY);
		other = find_ticket(json, "submit", number_of(args, "ticket"), stream);
		assert_non_null(other);
		assert_true(from >= number_of(other, "ts") - NEARLY);
		other = find_ticket(json, "wait", number_of(args, "ticket"), stream);
		if (other)
			assert_true(to <= number_of(other, "ts") + number_of(other, "dur") + NEARLY);
		assert_true(spans_count < sizeof spans / sizeof *spans);
		spans[spans_count++] = (struct span){from, to};
	}
	qsort(spans, spans_count, sizeof *spans, by_start);
	for (size_t i = 1; i < spans_count; i++)
		assert_true(spans[i].from >= spans[i - 1].to - NEARLY);
}

static void a_trace_shows_every_operation_once_and_within_its_submission(void **state)
{
	struct text text = {0};
	struct kiln_stream *stream = NULL;
	struct kiln_kernel *kernel;
	struct kiln_buffer *data, *copy;
	struct kiln_trace *trace;
	uint32_t *words;
	cJSON *json;

	(void)state;
	GPU_NEEDS_LAUNCH();
	trace = begin(&text, 0);
	gpu_ok(kiln_stream_create(gpu_device, &(struct kiln_stream_params){.name = "traced"}, &stream));
	kernel = named_kernel("step");
	data = gpu_buffer_counting(N, 0);
	copy = gpu_buffer(N * 4, NULL);
	gpu_ok(kiln_kernel_resolve(kernel, NULL));
	gpu_ok(kiln_stream_fill(stream, data, 0, N * 4, 7));
	for (uint32_t i = 0; i < LAUNCHES; i++)
		launch(stream, kernel, data);
	gpu_ok(kiln_stream_marker(stream, "half"));
	gpu_ok(kiln_stream_copy(stream, data, 0, copy, 0, N * 4));
	gpu_ok(kiln_stream_wait(stream, KILN_WAIT_FOREVER));
	json = end(&trace, &text);
	assert_int_equal(count(json, "launch", "step"), LAUNCHES);
	assert_int_equal(count(json, "record", "record step"), LAUNCHES);
	assert_int_equal(count(json, "marker", "half"), 1);
	assert_true(count(json, "fill", NULL) >= 1);
	assert_true(count(json, "copy", NULL) >= 1);
	assert_int_equal(count(json, "resolve", "resolve step"), 1);
	assert_true(count(json, "compile", NULL) >= 1);
	assert_true(count(json, "submit", "submit traced") >= 1);
	assert_int_equal(count(json, "wait", "wait traced"), 1);
	assert_true(fact(json, "dropped") == 0);
	assert_true(fact(json, "unmeasured") == 0);
	assert_true(fact(json, "clamped") == 0);
	print_message("clock %s, uncertainty %.0f ns\n",
	              text_of(cJSON_GetObjectItem(json, "otherData"), "device_clock"),
	              fact(json, "uncertainty_ns"));
	assert_sound(json, "traced");
	cJSON_Delete(json);
	words = gpu_read(copy, N); /* and it computed what it should */
	assert_true(words[0] != 7);
	free(words);
	kiln_kernel_destroy(&kernel);
	kiln_buffer_destroy(&data);
	kiln_buffer_destroy(&copy);
	kiln_stream_destroy(&stream);
}

static void names_from_anywhere_are_written_as_json(void **state)
{
	static const char hostile[] = "a\"b\\c\n\t\x01</script>\xff\xc3\xa9{}";
	struct text text = {0};
	struct kiln_kernel *kernel;
	struct kiln_buffer *data;
	struct kiln_trace *trace;
	cJSON *json;

	(void)state;
	GPU_NEEDS_LAUNCH();
	kernel = named_kernel(hostile);
	gpu_ok(kiln_buffer_create(gpu_device, &(struct kiln_buffer_params){.bytes = N * 4, .name = hostile},
	                          &data));
	trace = begin(&text, 0);
	launch(kiln_device_stream(gpu_device), kernel, data);
	gpu_ok(kiln_stream_marker(kiln_device_stream(gpu_device), hostile));
	json = end(&trace, &text);
	assert_int_equal(count(json, "launch", "a\"b\\c\n\t\x01</script>\xef\xbf\xbd\xc3\xa9{}"), 1);
	cJSON_Delete(json);
	kiln_kernel_destroy(&kernel);
	kiln_buffer_destroy(&data);
}

static void a_full_trace_keeps_the_latest_events_and_counts_the_others(void **state)
{
	struct text text = {0};
	struct kiln_kernel *kernel;
	struct kiln_buffer *data;
	struct kiln_trace *trace;
	cJSON *json;

	(void)state;
	GPU_NEEDS_LAUNCH();
	kernel = named_kernel("step");
	data = gpu_buffer(N * 4, NULL);
	gpu_ok(kiln_kernel_resolve(kernel, NULL));
	trace = begin(&text, 10);
	for (uint32_t i = 0; i < LAUNCHES; i++)
		launch(kiln_device_stream(gpu_device), kernel, data);
	json = end(&trace, &text);
	assert_true(fact(json, "events") == 10);
	assert_true(fact(json, "dropped") >= 2 * LAUNCHES - 10);
	assert_int_equal(count(json, "wait", NULL), 1); /* the last of all */
	cJSON_Delete(json);
	kiln_kernel_destroy(&kernel);
	kiln_buffer_destroy(&data);
}

static void more_operations_than_one_submission_holds_are_all_timed(void **state)
{
	struct text text = {0};
	struct kiln_kernel *kernel;
	struct kiln_buffer *data;
	struct kiln_trace *trace;
	cJSON *json;

	(void)state;
	GPU_NEEDS_LAUNCH();
	kernel = named_kernel("step");
	data = gpu_buffer(N * 4, NULL);
	trace = begin(&text, 0);
	for (uint32_t i = 0; i < 1500; i++)
		launch(kiln_device_stream(gpu_device), kernel, data);
	json = end(&trace, &text);
	assert_int_equal(count(json, "launch", "step"), 1500);
	assert_true(fact(json, "unmeasured") == 0);
	assert_sound(json, "default");
	cJSON_Delete(json);
	kiln_kernel_destroy(&kernel);
	kiln_buffer_destroy(&data);
}

static void a_graphs_launch_is_one_event_from_its_first_operation_to_its_last(void **state)
{
	struct text text = {0};
	struct kiln_stream *stream = NULL;
	struct kiln_graph *graph = NULL;
	struct kiln_kernel *kernel;
	struct kiln_buffer *data;
	struct kiln_trace *trace;
	cJSON *json;

	(void)state;
	GPU_NEEDS_LAUNCH();
	gpu_ok(kiln_stream_create(gpu_device, &(struct kiln_stream_params){.name = "graphs"}, &stream));
	kernel = named_kernel("step");
	data = gpu_buffer(N * 4, NULL);
	gpu_ok(kiln_graph_begin(stream));
	gpu_refused(kiln_stream_marker(stream, "here"), KILN_ERR_UNSUPPORTED);
	for (uint32_t i = 0; i < 100; i++)
		launch(stream, kernel, data);
	gpu_ok(kiln_graph_end(stream, &graph));
	trace = begin(&text, 0);
	for (uint32_t i = 0; i < 6; i++)
		gpu_ok(kiln_graph_launch(graph, stream, NULL));
	json = end(&trace, &text);
	assert_int_equal(count(json, "graph", "graph"), 6);
	assert_true(fact(json, "unmeasured") == 0);
	assert_sound(json, "graphs");
	cJSON_Delete(json);
	gpu_ok(kiln_graph_launch(graph, stream, NULL)); /* and without a trace again */
	kiln_graph_destroy(&graph);
	kiln_kernel_destroy(&kernel);
	kiln_buffer_destroy(&data);
	kiln_stream_destroy(&stream);
}

static void a_trace_is_refused_where_it_makes_no_sense(void **state)
{
	struct text text = {.stop = 1};
	struct kiln_trace *trace = NULL, *second = NULL;
	struct kiln_trace_params params = {.write = append, .user = &text};

	(void)state;
	gpu_refused(kiln_trace_begin(NULL, &params, &trace), KILN_ERR_INVALID_ARGUMENT);
	gpu_refused(kiln_trace_begin(gpu_device, NULL, &trace), KILN_ERR_INVALID_ARGUMENT);
	gpu_refused(kiln_trace_begin(gpu_device, &(struct kiln_trace_params){0}, &trace),
	            KILN_ERR_INVALID_ARGUMENT);
	gpu_refused(kiln_trace_begin(gpu_device, &params, NULL), KILN_ERR_INVALID_ARGUMENT);
	gpu_refused(kiln_trace_begin(gpu_device, &(struct kiln_trace_params){.path = "/no/such/folder/x"},
	                             &trace),
	            KILN_OK);
	assert_null(trace);
	gpu_ok(kiln_trace_begin(gpu_device, &params, &trace));
	gpu_refused(kiln_trace_begin(gpu_device, &params, &second), KILN_ERR_INVALID_ARGUMENT);
	gpu_refused(kiln_trace_end(&trace), KILN_ERR_CANCELLED);
	assert_null(trace);
	gpu_ok(kiln_trace_end(&trace));
	gpu_ok(kiln_trace_end(NULL));
	free(text.data);
	gpu_assert_usable();
}

/* The file and the callback are the parent's, and drivers do not follow into a child. */
static void a_forked_child_ends_no_trace_of_its_parents(void **state)
{
	struct text text = {0};
	struct kiln_trace *trace;
	pid_t child;
	int status;

	(void)state;
	trace = begin(&text, 0);
	fflush(NULL);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		alarm(20);
		_exit(kiln_trace_end(&trace) == KILN_ERR_DEVICE_LOST && !trace && text.bytes == 0 ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	cJSON_Delete(end(&trace, &text));
}

static void a_device_that_only_compiles_is_traced_too(void **state)
{
	struct text text = {0};
	struct kiln_kernel *kernel;
	struct kiln_trace *trace = begin(&text, 0);
	cJSON *json;

	(void)state;
	kernel = named_kernel("compiled");
	gpu_ok(kiln_kernel_resolve(kernel, NULL));
	gpu_ok(kiln_stream_marker(kiln_device_stream(gpu_device), "point"));
	json = end(&trace, &text);
	assert_int_equal(count(json, "resolve", "resolve compiled"), 1);
	cJSON_Delete(json);
	kiln_kernel_destroy(&kernel);
}

static void a_timer_measures_what_lies_between(void **state)
{
	struct kiln_stream *stream = NULL;
	struct kiln_timer *timer = NULL;
	struct kiln_kernel *kernel;
	struct kiln_buffer *data;
	uint64_t none, some;

	(void)state;
	GPU_NEEDS_LAUNCH();
	gpu_ok(kiln_stream_create(gpu_device, NULL, &stream));
	kernel = named_kernel("step");
	data = gpu_buffer(N * 4, NULL);
	launch(stream, kernel, data);
	gpu_ok(kiln_timer_create(stream, &timer));
	gpu_refused(kiln_timer_stop(timer), KILN_ERR_INVALID_ARGUMENT);
	gpu_refused(kiln_timer_read(timer, &some), KILN_ERR_INVALID_ARGUMENT);
	gpu_ok(kiln_timer_start(timer));
	gpu_ok(kiln_timer_stop(timer));
	gpu_ok(kiln_timer_read(timer, &none));
	gpu_ok(kiln_timer_start(timer)); /* used again; more than one submission in between */
	for (uint32_t i = 0; i < 700; i++)
		launch(stream, kernel, data);
	gpu_ok(kiln_timer_stop(timer));
	gpu_ok(kiln_timer_read(timer, &some));
	print_message("nothing: %llu ns, 700 launches: %llu ns\n", (unsigned long long)none,
	              (unsigned long long)some);
	assert_true(some > none);
	assert_true(some > 700 * 100 && some < UINT64_C(60000000000));
	gpu_ok(kiln_timer_start(timer)); /* destroyed while it runs */
	kiln_timer_destroy(&timer);
	assert_null(timer);
	kiln_timer_destroy(&timer);
	kiln_kernel_destroy(&kernel);
	kiln_buffer_destroy(&data);
	kiln_stream_destroy(&stream);
}

static void a_timer_is_read_after_its_stream_and_started_no_more(void **state)
{
	struct kiln_stream *stream = NULL;
	struct kiln_timer *timer = NULL, *unstopped = NULL;
	struct kiln_kernel *kernel;
	struct kiln_buffer *data;
	uint64_t ns = 0;

	(void)state;
	GPU_NEEDS_LAUNCH();
	gpu_ok(kiln_stream_create(gpu_device, NULL, &stream));
	kernel = named_kernel("step");
	data = gpu_buffer(N * 4, NULL);
	gpu_ok(kiln_timer_create(stream, &timer));
	gpu_ok(kiln_timer_create(stream, &unstopped));
	gpu_ok(kiln_timer_start(timer));
	gpu_ok(kiln_timer_start(unstopped));
	launch(stream, kernel, data);
	gpu_ok(kiln_timer_stop(timer));
	kiln_stream_destroy(&stream);
	gpu_ok(kiln_timer_read(timer, &ns));
	assert_true(ns > 0);
	gpu_refused(kiln_timer_stop(unstopped), KILN_ERR_INVALID_ARGUMENT);
	gpu_refused(kiln_timer_start(timer), KILN_ERR_INVALID_ARGUMENT);
	gpu_ok(kiln_timer_read(timer, &ns)); /* still the one of before */
	kiln_timer_destroy(&timer);
	kiln_timer_destroy(&unstopped);
	kiln_kernel_destroy(&kernel);
	kiln_buffer_destroy(&data);
}

static void a_queue_without_timestamps_has_no_timers(void **state)
{
	struct kiln_timer *timer = NULL;

	(void)state;
	gpu_refused(kiln_timer_create(NULL, &timer), KILN_ERR_INVALID_ARGUMENT);
	if (gpu_info()->can_launch)
		gpu_skip(__func__, "this device has timestamps");
	gpu_refused(kiln_timer_create(kiln_device_stream(gpu_device), &timer), KILN_ERR_UNSUPPORTED);
	assert_null(timer);
}

static void statistics_come_from_drivers_that_keep_them_and_leave_the_cache_alone(void **state)
{
	struct kiln_statistics statistics = {0};
	struct kiln_device_counters before, after;
	struct kiln_kernel *kernel = named_kernel("step");
	enum kiln_status status;
	bool registers = false;

	(void)state;
	gpu_refused(kiln_kernel_statistics(NULL, &statistics), KILN_ERR_INVALID_ARGUMENT);
	before = kiln_device_counters(gpu_device);
	status = kiln_kernel_statistics(kernel, &statistics);
	after = kiln_device_counters(gpu_device);
	assert_int_equal(before.compiled, after.compiled);
	if (status != KILN_OK) {
		gpu_refused(status, KILN_ERR_UNSUPPORTED);
		kiln_kernel_destroy(&kernel);
		gpu_skip(__func__, "this driver keeps no statistics; the refusal is tested");
	}
	for (size_t i = 0; i < statistics.count; i++) {
		assert_true(statistics.items[i].name[0] != '\0');
		registers = registers || (strcmp(statistics.items[i].name, "VGPRs") == 0 &&
		                          statistics.items[i].value.u64 > 0);
	}
	print_message("%zu statistics, subgroup of %u\n", statistics.count, statistics.subgroup_size);
	assert_true(registers);
	assert_true(statistics.subgroup_size == 32 || statistics.subgroup_size == 64);
	kiln_statistics_finish(&statistics);
	assert_null(statistics.items);
	kiln_statistics_finish(&statistics);
	kiln_kernel_destroy(&kernel);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_trace_shows_every_operation_once_and_within_its_submission),
		cmocka_unit_test(names_from_anywhere_are_written_as_json),
		cmocka_unit_test(a_full_trace_keeps_the_latest_events_and_counts_the_others),
		cmocka_unit_test(more_operations_than_one_submission_holds_are_all_timed),
		cmocka_unit_test(a_graphs_launch_is_one_event_from_its_first_operation_to_its_last),
		cmocka_unit_test(a_trace_is_refused_where_it_makes_no_sense),
		cmocka_unit_test(a_forked_child_ends_no_trace_of_its_parents),
		cmocka_unit_test(a_device_that_only_compiles_is_traced_too),
		cmocka_unit_test(a_timer_measures_what_lies_between),
		cmocka_unit_test(a_timer_is_read_after_its_stream_and_started_no_more),
		cmocka_unit_test(a_queue_without_timestamps_has_no_timers),
		cmocka_unit_test(statistics_come_from_drivers_that_keep_them_and_leave_the_cache_alone),
	};

	return GPU_MAIN("trace", tests, true);
}
