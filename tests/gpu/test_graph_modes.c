/* Launch modes in graphs: each launch of the graph does what the calls would have done. */
#include "harness.h"

#include "modes_confirm_spv.h"
#include "modes_counts_spv.h"
#include "modes_mark_spv.h"
#include "modes_tally_spv.h"
#include "modes_tree_spv.h"

#define GROUP 32u
#define HITS 4096u

struct tally {
	uint32_t threads, groups, hits[HITS];
};

static struct kiln_stream *stream;

static int make_stream(void **state)
{
	(void)state;
	if (gpu_info()->can_launch)
		gpu_ok(kiln_stream_create(gpu_device, NULL, &stream));
	return 0;
}

static int drop_stream(void **state)
{
	(void)state;
	kiln_stream_destroy(&stream);
	return 0;
}

static struct kiln_kernel *kernel_for(const void *words, size_t bytes, uint32_t modes)
{
	const struct kiln_kernel_params params = {.spirv = words, .spirv_bytes = bytes, .modes = modes};
	struct kiln_kernel *kernel = NULL;

	gpu_ok(kiln_kernel_create(gpu_device, &params, &kernel));
	return kernel;
}

static void run(struct kiln_graph *graph)
{
	gpu_ok(kiln_graph_launch(graph, stream, NULL));
	gpu_ok(kiln_stream_wait(stream, KILN_WAIT_FOREVER));
}

/* ---- Indirect ---- */

struct counted {
	struct kiln_kernel *writer, *tally;
	struct kiln_buffer *place, *data;
};

static struct counted counted_new(void)
{
	return (struct counted){
		.writer = GPU_KERNEL(modes_counts_spv),
		.tally = kernel_for(modes_tally_spv, sizeof modes_tally_spv, KILN_FEATURE_INDIRECT_DISPATCH),
		.place = gpu_buffer(16, NULL),
		.data = gpu_buffer(sizeof(struct tally), NULL),
	};
}

static void counted_destroy(struct counted *counted)
{
	kiln_kernel_destroy(&counted->writer);
	kiln_kernel_destroy(&counted->tally);
	kiln_buffer_destroy(&counted->place);
	kiln_buffer_destroy(&counted->data);
}

static void write_counts(const struct counted *counted, uint32_t x, uint32_t y)
{
	const uint32_t push[4] = {0, x, y, 1};

	gpu_ok(kiln_stream_launch(stream, counted->writer,
	                          &(struct kiln_launch_params){.threads = {1},
	                                                       .buffers = {counted->place},
	                                                       .push = push,
	                                                       .push_bytes = sizeof push}));
}

static void launch_counted(const struct counted *counted)
{
	gpu_ok(kiln_stream_launch(stream, counted->tally,
	                          &(struct kiln_launch_params){.buffers = {counted->data},
	                                                       .indirect = {.buffer = counted->place}}));
}

static uint32_t groups_in(struct kiln_buffer *data)
{
	struct tally tally;

	gpu_ok(kiln_buffer_read(data, 0, &tally, sizeof tally));
	assert_int_equal(tally.threads, tally.groups * GROUP);
	return tally.groups;
}

/* The counts are written before the launch and overwritten behind it, in the same graph. */
static struct kiln_graph *record_counted(const struct counted *counted, uint32_t x, uint32_t y)
{
	struct kiln_graph *graph = NULL;

	gpu_ok(kiln_graph_begin(stream));
	write_counts(counted, x, y);
	launch_counted(counted);
	gpu_ok(kiln_stream_fill(stream, counted->place, 0, 16, 3));
	gpu_ok(kiln_graph_end(stream, &graph));
	return graph;
}

static void counts_written_in_a_graph_are_launched(void **state)
{
	struct counted counted;
	struct kiln_graph *graph;
	struct kiln_buffer *other;
	uint32_t groups = 0;

	(void)state;
	GPU_NEEDS_LAUNCH();
	counted = counted_new();
	other = gpu_buffer(sizeof(struct tally), NULL);
	graph = record_counted(&counted, 5, 1);
	assert_int_equal(kiln_graph_length(graph), 3); /* what makes the counts safe is not told */
	assert_int_equal(groups_in(counted.data), 0);
	for (uint32_t i = 0; i < 10; i++) {
		const uint32_t push[4] = {0, i, 2, 1};

		gpu_ok(kiln_graph_set_push(graph, 0, push, sizeof push));
		gpu_ok(kiln_graph_launch(graph, stream, NULL));
		groups += 2 * i;
	}
	assert_int_equal(groups_in(counted.data), groups);
	gpu_ok(kiln_graph_set_arg(graph, 1, 0, &(struct kiln_arg){.buffer = other}));
	run(graph);
	assert_int_equal(groups_in(counted.data), groups);
	assert_int_equal(groups_in(other), 18);
	gpu_refused(kiln_graph_set_arg(graph, 2, 0, &(struct kiln_arg){.buffer = other}),
	            KILN_ERR_INVALID_ARGUMENT);
	kiln_graph_destroy(&graph);
	kiln_buffer_destroy(&other);
	counted_destroy(&counted);
}

/* More than have a place for their counts at once. */
static void many_indirect_launches_in_a_graph_keep_their_order(void **state)
{
	struct counted counted;
	struct kiln_graph *graph = NULL;
	uint32_t groups = 0;

	(void)state;
	GPU_NEEDS_LAUNCH();
	counted = counted_new();
	gpu_ok(kiln_graph_begin(stream));
	for (uint32_t i = 0; i < 200; i++) {
		write_counts(&counted, i % 7, 1 + i % 3);
		launch_counted(&counted);
		groups += (i % 7) * (1 + i % 3);
	}
	gpu_ok(kiln_graph_end(stream, &graph));
	for (int i = 0; i < 3; i++)
		gpu_ok(kiln_graph_launch(graph, stream, NULL));
	assert_int_equal(groups_in(counted.data), 3 * groups);
	kiln_graph_destroy(&graph);
	counted_destroy(&counted);
}

static void counts_over_the_limits_in_a_graph_are_told_by_a_wait(void **state)
{
	struct counted counted;
	struct kiln_graph *graph;
	uint32_t most;

	(void)state;
	GPU_NEEDS_LAUNCH();
	most = kiln_device_info(gpu_device)->max_workgroup_count[0];
	if (most == UINT32_MAX)
		gpu_skip(__func__, "it counts as far as 32 bits do");
	counted = counted_new();
	graph = record_counted(&counted, most + 1, 1);
	for (int i = 0; i < 2; i++) {
		gpu_ok(kiln_graph_launch(graph, stream, NULL));
		gpu_refused(kiln_stream_wait(stream, KILN_WAIT_FOREVER), KILN_ERR_THREADS_LIMIT);
		gpu_ok(kiln_stream_wait(stream, KILN_WAIT_FOREVER)); /* once */
	}
	gpu_ok(kiln_graph_launch(graph, stream, NULL));
	kiln_graph_destroy(&graph); /* in flight: the stream remembers */
	gpu_refused(kiln_stream_wait(stream, KILN_WAIT_FOREVER), KILN_ERR_THREADS_LIMIT);
	gpu_ok(kiln_stream_wait(stream, KILN_WAIT_FOREVER));
	assert_int_equal(groups_in(counted.data), 0);
	counted_destroy(&counted);
}

/* ---- A work queue ---- */

enum { TREE_DEPTH = 5, TREE_NODES = 364, TREE_LEAVES = 243 };

static void a_work_queue_is_drained_by_every_launch_of_a_graph(void **state)
{
	struct kiln_work_queue *queue = NULL;
	struct kiln_launch_params params = {0};
	struct kiln_graph *graph = NULL;
	struct kiln_kernel *kernel;
	uint32_t *visits;

	(void)state;
	GPU_NEEDS_LAUNCH();
	kernel = kernel_for(modes_tree_spv, sizeof modes_tree_spv, KILN_FEATURE_PERSISTENT_THREAD);
	gpu_ok(kiln_work_queue_create(gpu_device,
	                              &(struct kiln_work_queue_params){.capacity = TREE_LEAVES,
	                                                               .item_words = 2},
	                              &queue));
	params.buffers[0] = kiln_work_queue_buffer(queue);
	params.buffers[1] = gpu_buffer(TREE_NODES * 4, NULL);
	gpu_ok(kiln_graph_begin(stream));
	gpu_refused(kiln_work_queue_drain(stream, queue, kernel, &params), KILN_ERR_UNSUPPORTED);
	gpu_ok(kiln_work_queue_launch(stream, queue, kernel, &params));
	gpu_ok(kiln_graph_end(stream, &graph));
	assert_int_equal(kiln_graph_length(graph), 1);
	for (int i = 0; i < 4; i++) {
		gpu_ok(kiln_work_queue_push(queue, (uint32_t[]){0, TREE_DEPTH}, 1));
		gpu_ok(kiln_graph_launch(graph, stream, NULL));
	}
	visits = gpu_read(params.buffers[1], TREE_NODES);
	for (uint32_t i = 0; i < TREE_NODES; i++)
		assert_int_equal(visits[i], 4);
	free(visits);
	kiln_graph_destroy(&graph);
	kiln_buffer_destroy(&params.buffers[1]);
	kiln_work_queue_destroy(&queue);
	kiln_kernel_destroy(&kernel);
}

/* ---- Speculation ---- */

enum { SPECULATIONS = 3, MOST = 40000 };

struct speculation {
	struct kiln_kernel *mark, *confirm;
	struct kiln_buffer *values, *order, *survivors, *results[SPECULATIONS];
};

/* Each larger than the one before: what the first one needs is replaced, and stays part of the graph. */
static const uint32_t sizes[SPECULATIONS] = {100, 3000, MOST};

static void speculate(const struct speculation *s, int at)
{
	const uint32_t push[2] = {sizes[at], 300};
	const struct kiln_speculate_params params = {
		.prefilter = s->mark,
		.prefilter_launch = {.buffers = {s->values}, .push = push, .push_bytes = sizeof push},
		.confirmer = s->confirm,
		.confirmer_launch = {.buffers = {s->values, s->results[at], s->order},
	                             .push = push,
	                             .push_bytes = sizeof push},
		.count = sizes[at],
		.survivors = {.buffer = s->survivors, .offset = 4 * (uint64_t)at},
	};

	gpu_ok(kiln_speculate(stream, &params));
}

static struct kiln_graph *record_speculations(const struct speculation *s)
{
	struct kiln_graph *graph = NULL;

	gpu_ok(kiln_graph_begin(stream));
	for (int i = 0; i < SPECULATIONS; i++) {
		gpu_ok(kiln_stream_fill(stream, s->results[i], 0, sizes[i] * 4, 0));
		speculate(s, i);
	}
	gpu_ok(kiln_graph_end(stream, &graph));
	return graph;
}

static void assert_confirmed(const struct speculation *s, const uint32_t *values)
{
	uint32_t counts[SPECULATIONS], survivors;

	gpu_ok(kiln_buffer_read(s->survivors, 0, counts, sizeof counts));
	for (int at = 0; at < SPECULATIONS; at++) {
		uint32_t *results = gpu_read(s->results[at], sizes[at]);

		survivors = 0;
		for (uint32_t i = 0; i < sizes[at]; i++) {
			bool marked = values[i] % 1000 < 300;

			survivors += marked;
			assert_int_equal(results[i],
			                 marked && values[i] % 3 != 0 ? values[i] * 2654435761u | 1u : 0);
		}
		assert_int_equal(counts[at], survivors);
		free(results);
	}
}

static void speculations_in_a_graph_look_at_what_is_there_then(void **state)
{
	static uint32_t values[MOST];
	struct speculation s;
	struct kiln_graph *graph;

	(void)state;
	GPU_NEEDS_LAUNCH();
	s.mark = kernel_for(modes_mark_spv, sizeof modes_mark_spv, KILN_FEATURE_SPECULATIVE);
	s.confirm = kernel_for(modes_confirm_spv, sizeof modes_confirm_spv, KILN_FEATURE_SPECULATIVE);
	s.values = gpu_buffer(MOST * 4, NULL);
	s.order = gpu_buffer(MOST * 4, NULL);
	s.survivors = gpu_buffer(SPECULATIONS * 4, NULL);
	for (int i = 0; i < SPECULATIONS; i++)
		s.results[i] = gpu_buffer(sizes[i] * 4, NULL);
	graph = record_speculations(&s);
	assert_int_equal(kiln_graph_length(graph), 2 * SPECULATIONS);
	gpu_refused(kiln_graph_set_push(graph, 1, values, 8), KILN_ERR_INVALID_ARGUMENT);
	for (uint32_t round = 1; round <= 3; round++) {
		for (uint32_t i = 0; i < MOST; i++)
			values[i] = (i * 2654435761u + round * 977u) >> 9;
		gpu_ok(kiln_buffer_write(s.values, 0, values, sizeof values));
		gpu_ok(kiln_graph_launch(graph, stream, NULL));
		assert_confirmed(&s, values);
	}
	kiln_graph_destroy(&graph);
	for (int i = 0; i < SPECULATIONS; i++)
		kiln_buffer_destroy(&s.results[i]);
	kiln_buffer_destroy(&s.values);
	kiln_buffer_destroy(&s.order);
	kiln_buffer_destroy(&s.survivors);
	kiln_kernel_destroy(&s.mark);
	kiln_kernel_destroy(&s.confirm);
}

/* ---- Times ---- */

static bool measure(struct kiln_graph *graph)
{
	enum kiln_status status = kiln_graph_measure(graph, true);

	if (status != KILN_ERR_UNSUPPORTED)
		gpu_ok(status);
	return status == KILN_OK;
}

static void steps_of_a_launch_mode_count_for_their_operation(void **state)
{
	struct counted counted;
	struct kiln_graph *graph;
	uint64_t times[3] = {UINT64_MAX, UINT64_MAX, UINT64_MAX};

	(void)state;
	GPU_NEEDS_LAUNCH();
	counted = counted_new();
	graph = record_counted(&counted, 100, 1);
	if (measure(graph)) {
		run(graph);
		gpu_ok(kiln_graph_times(graph, times, 3));
		for (int i = 0; i < 3; i++)
			assert_true(times[i] < UINT64_C(60000000000));
		assert_int_equal(groups_in(counted.data), 100);
	}
	kiln_graph_destroy(&graph);
	counted_destroy(&counted);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_stream, drop_stream)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_work_queue_is_drained_by_every_launch_of_a_graph),
		TEST(counts_over_the_limits_in_a_graph_are_told_by_a_wait),
		TEST(counts_written_in_a_graph_are_launched),
		TEST(many_indirect_launches_in_a_graph_keep_their_order),
		TEST(speculations_in_a_graph_look_at_what_is_there_then),
		TEST(steps_of_a_launch_mode_count_for_their_operation),
	};

	return GPU_MAIN("graph_modes", tests, true);
}
