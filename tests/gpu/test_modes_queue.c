/* Work queues: every item once, none lost, and an end on every device. */
#include "harness.h"

#include <string.h>

#include "modes_graph_spv.h"
#include "modes_tree_spv.h"

#define DEPTH 8u
#define NODES 9841u  /* of a tree with three children each, DEPTH levels below the root */
#define LEAVES 6561u /* of them on the last level */

static struct kiln_kernel *kernel_for_queues(const void *words, size_t bytes)
{
	struct kiln_kernel *kernel = NULL;

	gpu_ok(kiln_kernel_create(gpu_device,
	                          &(struct kiln_kernel_params){.spirv = words,
	                                                       .spirv_bytes = bytes,
	                                                       .name = "puller",
	                                                       .modes = KILN_FEATURE_PERSISTENT_THREAD},
	                          &kernel));
	return kernel;
}

static struct kiln_work_queue *queue_new(struct kiln_work_queue_params params)
{
	struct kiln_work_queue *queue = NULL;

	gpu_ok(kiln_work_queue_create(gpu_device, &params, &queue));
	return queue;
}

static struct kiln_work_queue_counts counts_of(struct kiln_work_queue *queue)
{
	struct kiln_work_queue_counts counts;

	gpu_ok(kiln_work_queue_count(queue, &counts));
	return counts;
}

static void assert_all_are(struct kiln_buffer *buffer, uint32_t count, uint32_t expected)
{
	uint32_t *words = gpu_read(buffer, count);

	for (uint32_t i = 0; i < count; i++)
		assert_int_equal(words[i], expected);
	free(words);
}

/* The tree's root is in the queue; one launch, or as many as it takes. */
static void visit_tree(struct kiln_work_queue *queue, bool once)
{
	struct kiln_kernel *kernel = kernel_for_queues(modes_tree_spv, sizeof modes_tree_spv);
	struct kiln_buffer *visits = gpu_buffer(NODES * 4, NULL);
	const struct kiln_launch_params params = {.buffers = {kiln_work_queue_buffer(queue), visits}};
	struct kiln_work_queue_counts before = counts_of(queue), after;

	gpu_ok(kiln_work_queue_push(queue, (uint32_t[]){0, DEPTH}, 1));
	gpu_ok((once ? kiln_work_queue_launch : kiln_work_queue_drain)(kiln_device_stream(gpu_device), queue,
	                                                               kernel, &params));
	after = counts_of(queue);
	assert_int_equal(after.pushed - before.pushed, NODES);
	assert_int_equal(after.pulled - before.pulled, NODES);
	assert_int_equal(after.refused, 0);
	assert_all_are(visits, NODES, 1);
	kiln_buffer_destroy(&visits);
	kiln_kernel_destroy(&kernel);
}

static void one_launch_visits_every_node_of_a_tree_once(void **state)
{
	static const uint32_t groups[] = {1, 2, 7, 0};
	struct kiln_work_queue *queue;

	(void)state;
	GPU_NEEDS_LAUNCH();
	for (size_t i = 0; i < sizeof groups / sizeof *groups; i++) {
		queue = queue_new((struct kiln_work_queue_params){.capacity = LEAVES,
		                                                  .item_words = 2,
		                                                  .groups = groups[i]});
		visit_tree(queue, true);
		kiln_work_queue_destroy(&queue);
		assert_null(queue);
	}
}

/* Tickets go round the places many times. */
static void a_queue_is_used_again_and_again(void **state)
{
	struct kiln_work_queue *queue;

	(void)state;
	GPU_NEEDS_LAUNCH();
	queue = queue_new((struct kiln_work_queue_params){.capacity = LEAVES, .item_words = 2, .groups = 3});
	for (int i = 0; i < 12; i++)
		visit_tree(queue, true);
	assert_int_equal(counts_of(queue).pulled, 12 * NODES);
	kiln_work_queue_destroy(&queue);
}

static void draining_takes_as_many_launches_as_pulls_allow(void **state)
{
	struct kiln_work_queue *queue;
	uint64_t launches;

	(void)state;
	GPU_NEEDS_LAUNCH();
	queue = queue_new((struct kiln_work_queue_params){.capacity = LEAVES,
	                                                  .item_words = 2,
	                                                  .groups = 2,
	                                                  .pulls = 3});
	launches = kiln_device_counters(gpu_device).launches;
	visit_tree(queue, false);
	launches = kiln_device_counters(gpu_device).launches - launches;
	assert_true(launches >= NODES / (2 * 64 * 3)); /* each workgroup of 64 pulls three times */
	kiln_work_queue_destroy(&queue);
}

/* What was refused is what was never visited below a node that was. */
static void items_without_room_are_counted_and_nothing_else_is_lost(void **state)
{
	struct kiln_kernel *kernel;
	struct kiln_work_queue *queue;
	struct kiln_work_queue_counts counts;
	struct kiln_buffer *visits;
	uint32_t *words, visited = 1, missing = 0;

	(void)state;
	GPU_NEEDS_LAUNCH();
	kernel = kernel_for_queues(modes_tree_spv, sizeof modes_tree_spv);
	visits = gpu_buffer(NODES * 4, NULL);
	queue = queue_new((struct kiln_work_queue_params){.capacity = 100, .item_words = 2, .name = "small"});
	gpu_ok(kiln_work_queue_push(queue, (uint32_t[]){0, DEPTH}, 1));
	gpu_refused(kiln_work_queue_drain(kiln_device_stream(gpu_device), queue, kernel,
	                                  &(struct kiln_launch_params){
						  .buffers = {kiln_work_queue_buffer(queue), visits}}),
	            KILN_ERR_TOO_LARGE);
	assert_non_null(strstr(kiln_error_message(), "'small' of 128 items"));
	counts = counts_of(queue);
	words = gpu_read(visits, NODES);
	assert_int_equal(words[0], 1);
	for (uint32_t i = 1; i < NODES; i++) {
		assert_true(words[i] <= words[(i - 1) / 3]);
		visited += words[i];
		missing += words[(i - 1) / 3] - words[i];
	}
	assert_int_equal(counts.pulled, visited);
	assert_int_equal(counts.pushed, visited);
	assert_int_equal(counts.refused, missing);
	assert_true(missing > 0);
	free(words);
	kiln_work_queue_destroy(&queue);
	kiln_buffer_destroy(&visits);
	kiln_kernel_destroy(&kernel);
}

/* ---- A graph, reached from several sides at once ---- */

#define GRAPH 20000u
#define DEGREE 6u

static uint32_t reach_on_host(const uint32_t *edges, uint32_t *seen)
{
	uint32_t *list = calloc(GRAPH, 4), first = 0, count = 1;

	assert_non_null(list);
	seen[0] = 1;
	for (; first < count; first++)
		for (uint32_t i = 0; i < DEGREE; i++) {
			uint32_t to = edges[list[first] * DEGREE + i];

			if (!seen[to])
				list[count++] = to;
			seen[to] = 1;
		}
	free(list);
	return count;
}

static void workgroups_visit_what_a_graph_reaches_once(void **state)
{
	static uint32_t edges[GRAPH * DEGREE], expected[GRAPH];
	const uint32_t degree = DEGREE, start = 0, one = 1;
	struct kiln_kernel *kernel;
	struct kiln_work_queue *queue;
	struct kiln_buffer *graph, *seen, *visits;
	uint32_t *words, random = 7, reached;

	(void)state;
	GPU_NEEDS_LAUNCH();
	for (uint32_t i = 0; i < GRAPH * DEGREE; i++) {
		random = random * 1664525u + 1013904223u;
		edges[i] = (uint32_t)((uint64_t)random * GRAPH >> 33); /* one half is never reached */
	}
	reached = reach_on_host(edges, expected);
	assert_true(reached > GRAPH / 3 && reached < GRAPH);
	kernel = kernel_for_queues(modes_graph_spv, sizeof modes_graph_spv);
	queue = queue_new((struct kiln_work_queue_params){.capacity = GRAPH, .item_words = 1, .groups = 5});
	graph = gpu_buffer(sizeof edges, edges);
	seen = gpu_buffer(GRAPH * 4, NULL);
	visits = gpu_buffer(GRAPH * 4, NULL);
	gpu_ok(kiln_buffer_write(seen, 0, &one, 4));
	gpu_ok(kiln_work_queue_push(queue, &start, 1));
	gpu_ok(kiln_work_queue_drain(kiln_device_stream(gpu_device), queue, kernel,
	                             &(struct kiln_launch_params){.buffers = {graph,
	                                                                      kiln_work_queue_buffer(queue),
	                                                                      seen, visits},
	                                                          .push = &degree,
	                                                          .push_bytes = 4}));
	words = gpu_read(visits, GRAPH);
	assert_memory_equal(words, expected, sizeof expected);
	assert_int_equal(counts_of(queue).pulled, reached);
	free(words);
	kiln_work_queue_destroy(&queue);
	kiln_buffer_destroy(&graph);
	kiln_buffer_destroy(&seen);
	kiln_buffer_destroy(&visits);
	kiln_kernel_destroy(&kernel);
}

static void many_items_from_the_host_are_pulled_once(void **state)
{
	enum { COUNT = 5000 };
	static uint32_t items[COUNT][2];
	struct kiln_kernel *kernel;
	struct kiln_work_queue *queue;
	struct kiln_buffer *visits;

	(void)state;
	GPU_NEEDS_LAUNCH();
	for (uint32_t i = 0; i < COUNT; i++)
		items[i][0] = i;
	kernel = kernel_for_queues(modes_tree_spv, sizeof modes_tree_spv);
	queue = queue_new((struct kiln_work_queue_params){.capacity = COUNT, .item_words = 2});
	visits = gpu_buffer(COUNT * 4, NULL);
	for (uint32_t round = 1; round <= 5; round++) { /* 8192 places: some rounds go over the end */
		gpu_ok(kiln_work_queue_push(queue, &items[0][0], COUNT));
		gpu_ok(kiln_work_queue_drain(kiln_device_stream(gpu_device), queue, kernel,
		                             &(struct kiln_launch_params){
						     .buffers = {kiln_work_queue_buffer(queue), visits}}));
		assert_all_are(visits, COUNT, round);
	}
	kiln_work_queue_destroy(&queue);
	kiln_buffer_destroy(&visits);
	kiln_kernel_destroy(&kernel);
}

static void mistakes_are_refused_with_a_sentence(void **state)
{
	static const uint32_t items[9][2];
	struct kiln_stream *stream = kiln_device_stream(gpu_device);
	struct kiln_work_queue *queue = NULL, *other;
	struct kiln_work_queue_counts counts;
	struct kiln_launch_params params;
	struct kiln_kernel *kernel, *plain;
	struct kiln_buffer *visits;

	(void)state;
	GPU_NEEDS_LAUNCH();
	gpu_refused(kiln_work_queue_create(gpu_device, &(struct kiln_work_queue_params){.item_words = 1},
	                                   &queue),
	            KILN_ERR_INVALID_ARGUMENT);
	gpu_refused(kiln_work_queue_create(gpu_device, &(struct kiln_work_queue_params){.capacity = 1},
	                                   &queue),
	            KILN_ERR_INVALID_ARGUMENT);
	gpu_refused(kiln_work_queue_create(NULL, NULL, &queue), KILN_ERR_INVALID_ARGUMENT);
	gpu_refused(kiln_work_queue_count(NULL, &counts), KILN_ERR_INVALID_ARGUMENT);
	gpu_refused(kiln_work_queue_push(NULL, NULL, 0), KILN_ERR_INVALID_ARGUMENT);
	queue = queue_new((struct kiln_work_queue_params){.capacity = 8, .item_words = 2});
	other = queue_new((struct kiln_work_queue_params){.capacity = 8, .item_words = 3});
	kernel = kernel_for_queues(modes_tree_spv, sizeof modes_tree_spv);
	plain = GPU_KERNEL(modes_tree_spv);
	visits = gpu_buffer(64, NULL);
	params = (struct kiln_launch_params){.buffers = {kiln_work_queue_buffer(queue), visits}};
	gpu_refused(kiln_work_queue_push(queue, items[0], 9), KILN_ERR_TOO_LARGE);
	gpu_refused(kiln_work_queue_launch(stream, queue, plain, &params), KILN_ERR_INVALID_ARGUMENT);
	gpu_refused(kiln_work_queue_launch(stream, other, kernel, &params), KILN_ERR_INVALID_ARGUMENT);
	params.threads[0] = 1;
	gpu_refused(kiln_work_queue_launch(stream, queue, kernel, &params), KILN_ERR_INVALID_ARGUMENT);
	params = (struct kiln_launch_params){.buffers = {kiln_work_queue_buffer(other), visits}};
	gpu_ok(kiln_work_queue_launch(stream, other, kernel,
	                              &params)); /* items of another size: nothing is pulled */
	gpu_refused(kiln_work_queue_count(other, &counts), KILN_ERR_INVALID_ARGUMENT);
	kiln_work_queue_destroy(&queue);
	kiln_work_queue_destroy(&other);
	kiln_work_queue_destroy(NULL);
	kiln_buffer_destroy(&visits);
	kiln_kernel_destroy(&kernel);
	kiln_kernel_destroy(&plain);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_queue_is_used_again_and_again),
		cmocka_unit_test(draining_takes_as_many_launches_as_pulls_allow),
		cmocka_unit_test(items_without_room_are_counted_and_nothing_else_is_lost),
		cmocka_unit_test(many_items_from_the_host_are_pulled_once),
		cmocka_unit_test(mistakes_are_refused_with_a_sentence),
		cmocka_unit_test(one_launch_visits_every_node_of_a_tree_once),
		cmocka_unit_test(workgroups_visit_what_a_graph_reaches_once),
	};
	return GPU_MAIN("modes_queue", tests, true);
}
