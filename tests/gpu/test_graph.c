/* Graphs: recorded once, launched many times, changed in between; results are those of doing it anew each time. */
#include "harness.h"

#include <string.h>

#include "shift_spv.h"
#include "step_spv.h"

#define N 1024u
#define SECOND UINT64_C(1000000000)

struct push {
	uint32_t n, k;
};

static struct kiln_stream *stream_new(void)
{
	struct kiln_stream *stream = NULL;

	gpu_ok(kiln_stream_create(gpu_device, NULL, &stream));
	return stream;
}

static void launch(struct kiln_stream *stream, struct kiln_kernel *kernel, struct kiln_buffer *a,
                   struct kiln_buffer *b, uint32_t k)
{
	struct push push = {N, k};

	gpu_ok(kiln_stream_launch(stream, kernel,
	                          &(struct kiln_launch_params){.threads = {N},
	                                                       .buffers = {a, b},
	                                                       .push = &push,
	                                                       .push_bytes = sizeof push}));
}

static void step_on_host(uint32_t *data, uint32_t k)
{
	for (uint32_t i = 0; i < N; i++)
		data[i] = data[i] * 1664525u + k + i;
}

static void shift_on_host(const uint32_t *from, uint32_t *to, uint32_t k)
{
	for (uint32_t i = 0; i < N; i++)
		to[i] = from[(i + k) % N] * 3u + k;
}

static void assert_holds(struct kiln_buffer *buffer, const uint32_t *expected)
{
	uint32_t *got = gpu_read(buffer, N);

	assert_memory_equal(got, expected, N * 4);
	free(got);
}

static void run(struct kiln_graph *graph, struct kiln_stream *stream)
{
	struct kiln_ticket ticket;

	gpu_ok(kiln_graph_launch(graph, stream, &ticket));
	gpu_ok(kiln_ticket_wait(gpu_device, ticket, 60 * SECOND));
}

static void every_launch_of_a_graph_does_it_all_again(void **state)
{
	static uint32_t a_host[N], b_host[N];
	struct kiln_stream *stream;
	struct kiln_kernel *step, *shift;
	struct kiln_buffer *a, *b;
	struct kiln_graph *graph;
	struct kiln_graph_counters counters;

	(void)state;
	GPU_NEEDS_LAUNCH();
	stream = stream_new();
	step = GPU_KERNEL(step_spv);
	shift = GPU_KERNEL(shift_spv);
	a = gpu_buffer(N * 4, NULL);
	b = gpu_buffer(N * 4, NULL);
	memset(a_host, 0, sizeof a_host);
	gpu_ok(kiln_graph_begin(stream));
	for (uint32_t k = 0; k < 300; k++)
		launch(stream, step, a, NULL, k);
	launch(stream, shift, a, b, 7);
	gpu_ok(kiln_stream_copy(stream, b, 0, a, 0, N * 2));
	gpu_ok(kiln_stream_fill(stream, b, N * 2, N * 2, 0xabcd));
	gpu_ok(kiln_graph_end(stream, &graph));
	assert_int_equal(kiln_graph_length(graph), 303);
	assert_holds(a, a_host); /* recording does nothing */
	for (int round = 0; round < 3; round++) {
		struct kiln_ticket ticket;

		gpu_ok(kiln_graph_launch(graph, stream, &ticket)); /* in flight one after the other */
		for (uint32_t k = 0; k < 300; k++)
			step_on_host(a_host, k);
		shift_on_host(a_host, b_host, 7);
		memcpy(a_host, b_host, N * 2);
		for (uint32_t i = N / 2; i < N; i++)
			b_host[i] = 0xabcd;
	}
	assert_holds(a, a_host);
	assert_holds(b, b_host);
	counters = kiln_graph_counters(graph);
	assert_int_equal(counters.launches, 3);
	assert_int_equal(counters.recorded, 303); /* once */
	assert_int_equal(counters.barriers, 301); /* the fill beside the copy needs none */
	kiln_graph_destroy(&graph);
	assert_null(graph);
	kiln_stream_destroy(&stream);
	kiln_buffer_destroy(&a);
	kiln_buffer_destroy(&b);
	kiln_kernel_destroy(&step);
	kiln_kernel_destroy(&shift);
}

static void launches_around_a_graph_are_in_order_with_it(void **state)
{
	static uint32_t host[N];
	struct kiln_stream *stream, *other;
	struct kiln_kernel *step;
	struct kiln_buffer *a;
	struct kiln_graph *graph;

	(void)state;
	GPU_NEEDS_LAUNCH();
	stream = stream_new();
	other = stream_new();
	step = GPU_KERNEL(step_spv);
	a = gpu_buffer(N * 4, NULL);
	memset(host, 0, sizeof host);
	gpu_ok(kiln_graph_begin(stream));
	launch(stream, step, a, NULL, 1);
	launch(stream, step, a, NULL, 2);
	gpu_ok(kiln_graph_end(stream, &graph));
	for (int round = 0; round < 20; round++) {
		launch(round & 1 ? stream : other, step, a, NULL, 100);
		gpu_ok(kiln_graph_launch(graph, round & 2 ? stream : other, NULL));
		launch(stream, step, a, NULL, 200);
		step_on_host(host, 100);
		step_on_host(host, 1);
		step_on_host(host, 2);
		step_on_host(host, 200);
	}
	assert_holds(a, host);
	kiln_graph_destroy(&graph);
	kiln_stream_destroy(&stream);
	kiln_stream_destroy(&other);
	kiln_buffer_destroy(&a);
	kiln_kernel_destroy(&step);
}

static void changed_constants_cost_one_operation(void **state)
{
	static uint32_t host[N];
	struct kiln_stream *stream;
	struct kiln_kernel *step;
	struct kiln_buffer *a;
	struct kiln_graph *graph;
	uint64_t before;

	(void)state;
	GPU_NEEDS_LAUNCH();
	stream = stream_new();
	step = GPU_KERNEL(step_spv);
	a = gpu_buffer(N * 4, NULL);
	memset(host, 0, sizeof host);
	gpu_ok(kiln_graph_begin(stream));
	for (uint32_t k = 0; k < 1000; k++)
		launch(stream, step, a, NULL, k);
	gpu_ok(kiln_graph_end(stream, &graph));
	for (uint32_t round = 0; round < 4; round++) {
		struct push push = {N, 5000 + round};

		gpu_ok(kiln_graph_set_push(graph, 700, &push, sizeof push));
		before = kiln_graph_counters(graph).recorded;
		run(graph, stream);
		if (round > 0) /* the first change splits the segment */
			assert_int_equal(kiln_graph_counters(graph).recorded, before + 1);
		for (uint32_t k = 0; k < 1000; k++)
			step_on_host(host, k == 700 ? push.k : k);
	}
	assert_holds(a, host);
	kiln_graph_destroy(&graph);
	kiln_stream_destroy(&stream);
	kiln_buffer_destroy(&a);
	kiln_kernel_destroy(&step);
}

/* Measuring has everything recorded anew, what was changed before too: only the change after it is news to its segment. */
static void a_graph_changed_before_and_after_measuring_is_right(void **state)
{
	enum { STEPS = 100, CHANGES = 12 };
	static const uint32_t changed[CHANGES] = {0, 9, 18, 27, 36, 45, 54, 63, 72, 81, 90, 50};
	static uint32_t host[N];
	struct kiln_stream *stream;
	struct kiln_kernel *step;
	struct kiln_buffer *a;
	struct kiln_graph *graph;
	uint32_t ks[STEPS];
	enum kiln_status measured = KILN_OK;

	(void)state;
	GPU_NEEDS_LAUNCH();
	stream = stream_new();
	step = GPU_KERNEL(step_spv);
	a = gpu_buffer(N * 4, NULL);
	memset(host, 0, sizeof host);
	gpu_ok(kiln_graph_begin(stream));
	for (uint32_t k = 0; k < STEPS; k++)
		launch(stream, step, a, NULL, ks[k] = k);
	gpu_ok(kiln_graph_end(stream, &graph));
	for (uint32_t i = 0; i < CHANGES; i++) {
		struct push push = {N, ks[changed[i]] = 1000 + i};

		if (i == CHANGES - 1)
			measured = kiln_graph_measure(graph, true);
		gpu_ok(kiln_graph_set_push(graph, changed[i], &push, sizeof push));
	}
	run(graph, stream);
	for (uint32_t i = 0; i < STEPS; i++)
		step_on_host(host, ks[i]);
	assert_holds(a, host);
	assert_int_equal(kiln_graph_counters(graph).segments,
	                 2 * CHANGES); /* the first has nothing before it */
	kiln_graph_destroy(&graph);
	kiln_stream_destroy(&stream);
	kiln_buffer_destroy(&a);
	kiln_kernel_destroy(&step);
	if (measured != KILN_OK)
		gpu_skip(__func__, "this device has no timestamps");
}

/* Random graphs, changed at random, against doing the same on the host. */
#define BUFFERS 5u
#define NODES 40u

struct node {
	bool shift;
	uint32_t from, to, k;
};

static uint64_t random_state = 20261120;

static uint32_t pick(uint32_t below)
{
	random_state = random_state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(random_state >> 33) % below;
}

static struct node random_node(void)
{
	struct node node = {pick(2), pick(BUFFERS), pick(BUFFERS - 1), pick(1000)};

	node.to += node.to >= node.from;
	return node;
}

static void change(struct kiln_graph *graph, struct node *nodes, struct kiln_buffer **buffers)
{
	uint32_t at = pick(NODES);
	struct node fresh = random_node();

	fresh.shift = nodes[at].shift;
	if (pick(2)) {
		struct push push = {N, fresh.k};

		gpu_ok(kiln_graph_set_push(graph, at, &push, sizeof push));
		nodes[at].k = fresh.k;
		return;
	}
	gpu_ok(kiln_graph_set_arg(graph, at, 0, &(struct kiln_arg){.buffer = buffers[fresh.from]}));
	if (fresh.shift)
		gpu_ok(kiln_graph_set_arg(graph, at, 1, &(struct kiln_arg){.buffer = buffers[fresh.to]}));
	nodes[at].from = fresh.from;
	nodes[at].to = fresh.to;
}

static void changed_graphs_give_what_recording_anew_would(void **state)
{
	static uint32_t host[BUFFERS][N];
	struct kiln_stream *stream;
	struct kiln_kernel *step, *shift;
	struct kiln_buffer *buffers[BUFFERS];

	(void)state;
	GPU_NEEDS_LAUNCH();
	print_message("seed %llu\n", (unsigned long long)random_state);
	stream = stream_new();
	step = GPU_KERNEL(step_spv);
	shift = GPU_KERNEL(shift_spv);
	for (int trial = 0; trial < 12; trial++) {
		struct node nodes[NODES];
		struct kiln_graph *graph;

		for (uint32_t b = 0; b < BUFFERS; b++) {
			buffers[b] = gpu_buffer(N * 4, NULL);
			memset(host[b], 0, sizeof host[b]);
		}
		gpu_ok(kiln_graph_begin(stream));
		for (uint32_t i = 0; i < NODES; i++) {
			nodes[i] = random_node();
			launch(stream, nodes[i].shift ? shift : step, buffers[nodes[i].from],
			       nodes[i].shift ? buffers[nodes[i].to] : NULL, nodes[i].k);
		}
		gpu_ok(kiln_graph_end(stream, &graph));
		for (int round = 0; round < 8; round++) {
			for (uint32_t i = pick(6); i > 0; i--)
				change(graph, nodes, buffers);
			gpu_ok(kiln_graph_launch(graph, stream, NULL));
			for (uint32_t i = 0; i < NODES; i++) {
				if (nodes[i].shift)
					shift_on_host(host[nodes[i].from], host[nodes[i].to], nodes[i].k);
				else
					step_on_host(host[nodes[i].from], nodes[i].k);
			}
		}
		for (uint32_t b = 0; b < BUFFERS; b++) {
			assert_holds(buffers[b], host[b]);
			kiln_buffer_destroy(&buffers[b]);
		}
		kiln_graph_destroy(&graph);
	}
	kiln_stream_destroy(&stream);
	kiln_kernel_destroy(&step);
	kiln_kernel_destroy(&shift);
}

static void a_graph_keeps_what_it_uses_alive(void **state)
{
	static uint32_t host[N];
	struct kiln_stream *stream;
	struct kiln_kernel *shift;
	struct kiln_buffer *a, *b;
	struct kiln_graph *graph;

	(void)state;
	GPU_NEEDS_LAUNCH();
	stream = stream_new();
	shift = GPU_KERNEL(shift_spv);
	a = gpu_buffer_counting(N, 0);
	b = gpu_buffer(N * 4, NULL);
	gpu_ok(kiln_graph_begin(stream));
	launch(stream, shift, a, b, 3);
	gpu_ok(kiln_graph_end(stream, &graph));
	kiln_buffer_destroy(&a);
	kiln_kernel_destroy(&shift);
	gpu_ok(kiln_graph_launch(graph, stream, NULL));
	kiln_graph_destroy(&graph); /* in flight */
	for (uint32_t i = 0; i < N; i++)
		host[i] = ((i + 3) % N) * 3u + 3;
	assert_holds(b, host);
	kiln_stream_destroy(&stream);
	kiln_buffer_destroy(&b);
}

static void mistakes_are_refused_and_leave_the_graph_as_it_was(void **state)
{
	static uint32_t host[N];
	struct kiln_stream *stream;
	struct kiln_kernel *step;
	struct kiln_buffer *a, *little;
	struct kiln_graph *graph = NULL;
	struct push push = {N, 1};
	uint32_t word = 0;

	(void)state;
	GPU_NEEDS_LAUNCH();
	stream = stream_new();
	step = GPU_KERNEL(step_spv);
	a = gpu_buffer(N * 4, NULL);
	little = gpu_buffer(N * 4, NULL);
	gpu_refused(kiln_graph_begin(NULL), KILN_ERR_INVALID_ARGUMENT);
	gpu_refused(kiln_graph_begin(kiln_device_stream(gpu_device)), KILN_ERR_INVALID_ARGUMENT);
	gpu_refused(kiln_graph_end(stream, &graph), KILN_ERR_INVALID_ARGUMENT);
	gpu_ok(kiln_graph_begin(stream));
	gpu_refused(kiln_graph_begin(stream), KILN_ERR_INVALID_ARGUMENT);
	gpu_refused(kiln_stream_upload(stream, a, 0, &word, 4), KILN_ERR_UNSUPPORTED);
	gpu_refused(kiln_stream_download(stream, a, 0, &word, 4), KILN_ERR_UNSUPPORTED);
	launch(stream, step, a, NULL, 1);
	gpu_ok(kiln_stream_fill(stream, little, 0, 4, 0));
	gpu_ok(kiln_graph_end(stream, &graph));
	gpu_refused(kiln_graph_set_push(graph, 0, &push, 4), KILN_ERR_PUSH_TOO_SHORT);
	gpu_refused(kiln_graph_set_push(graph, 1, &push, sizeof push), KILN_ERR_INVALID_ARGUMENT);
	gpu_refused(kiln_graph_set_push(graph, 2, &push, sizeof push), KILN_ERR_INVALID_ARGUMENT);
	gpu_refused(kiln_graph_set_arg(graph, 0, 0, &(struct kiln_arg){0}), KILN_ERR_NULL_BUFFER);
	gpu_refused(kiln_graph_set_arg(graph, 0, 1, &(struct kiln_arg){.buffer = a}),
	            KILN_ERR_INVALID_ARGUMENT);
	gpu_refused(kiln_graph_launch(NULL, stream, NULL), KILN_ERR_INVALID_ARGUMENT);
	gpu_refused(kiln_graph_launch(graph, NULL, NULL), KILN_ERR_INVALID_ARGUMENT);
	run(graph, stream);
	memset(host, 0, sizeof host);
	step_on_host(host, 1);
	assert_holds(a, host);
	kiln_graph_destroy(&graph);
	kiln_graph_destroy(&graph);
	gpu_ok(kiln_graph_begin(stream)); /* never ended */
	launch(stream, step, a, NULL, 1);
	kiln_stream_destroy(&stream);
	kiln_buffer_destroy(&a);
	kiln_buffer_destroy(&little);
	kiln_kernel_destroy(&step);
}

static void an_empty_graph_launches_nothing(void **state)
{
	struct kiln_stream *stream;
	struct kiln_graph *graph;

	(void)state;
	GPU_NEEDS_LAUNCH();
	stream = stream_new();
	gpu_ok(kiln_graph_begin(stream));
	gpu_ok(kiln_graph_end(stream, &graph));
	run(graph, stream);
	kiln_graph_destroy(&graph);
	kiln_stream_destroy(&stream);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_graph_changed_before_and_after_measuring_is_right),
		cmocka_unit_test(a_graph_keeps_what_it_uses_alive),
		cmocka_unit_test(an_empty_graph_launches_nothing),
		cmocka_unit_test(changed_constants_cost_one_operation),
		cmocka_unit_test(changed_graphs_give_what_recording_anew_would),
		cmocka_unit_test(every_launch_of_a_graph_does_it_all_again),
		cmocka_unit_test(launches_around_a_graph_are_in_order_with_it),
		cmocka_unit_test(mistakes_are_refused_and_leave_the_graph_as_it_was),
	};
	return GPU_MAIN("graph", tests, true);
}
