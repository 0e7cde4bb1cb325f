/* Buffers of a graph changed between launches. Where the device lets sets change that recorded commands bind, nothing is
 * recorded again; elsewhere the operation alone is. Both give what doing it anew would, so both are run where both exist. */
#include "harness.h"

#include <string.h>

#include <base/alloc.h>

#include "device.h"
#include "kernel.h"
#include "pipeline.h"
#include "shift_spv.h"
#include "step_spv.h"
#include "uniform_spv.h"

#define N 256u
#define BUFFERS 6u
#define SECOND UINT64_C(1000000000)

struct push {
	uint32_t n, k;
};

struct world {
	struct kiln_device *device;
	struct kiln_stream *stream;
	struct kiln_kernel *shift, *step;
	struct kiln_buffer *buffers[BUFFERS];
	uint32_t host[BUFFERS][N];
};

static struct kiln_kernel *kernel_of(struct kiln_device *device, const uint32_t *words, size_t bytes)
{
	struct kiln_kernel *kernel = NULL;

	gpu_ok(kiln_kernel_create(device, &(struct kiln_kernel_params){.spirv = words, .spirv_bytes = bytes},
	                          &kernel));
	return kernel;
}

/* `in_place` false: as on a device that cannot. */
static void open_world(struct world *world, bool in_place)
{
	memset(world, 0, sizeof *world);
	world->device = gpu_open(&(struct kiln_device_params){.no_cache = true, .no_autotune = true});
	if (!in_place)
		world->device->rebindable = 0;
	gpu_ok(kiln_stream_create(world->device, NULL, &world->stream));
	world->shift = kernel_of(world->device, shift_spv, sizeof shift_spv);
	world->step = kernel_of(world->device, step_spv, sizeof step_spv);
	for (uint32_t b = 0; b < BUFFERS; b++) {
		for (uint32_t i = 0; i < N; i++)
			world->host[b][i] = 1000 * b + i;
		gpu_ok(kiln_buffer_create(world->device,
		                          &(struct kiln_buffer_params){.bytes = N * 4,
		                                                       .contents = world->host[b]},
		                          &world->buffers[b]));
	}
}

static void close_world(struct world *world)
{
	kiln_stream_destroy(&world->stream);
	kiln_kernel_destroy(&world->shift);
	kiln_kernel_destroy(&world->step);
	for (uint32_t b = 0; b < BUFFERS; b++)
		kiln_buffer_destroy(&world->buffers[b]);
	gpu_close(&world->device);
}

static bool in_place(const struct world *world)
{
	return (world->device->rebindable >> KILN_BINDING_STORAGE_BUFFER & 1) != 0;
}

static void launch(struct world *world, struct kiln_kernel *kernel, uint32_t a, uint32_t b, uint32_t k)
{
	struct push push = {N, k};

	gpu_ok(kiln_stream_launch(world->stream, kernel,
	                          &(struct kiln_launch_params){.threads = {N},
	                                                       .buffers = {world->buffers[a],
	                                                                   b < BUFFERS ? world->buffers[b]
	                                                                               : NULL},
	                                                       .push = &push,
	                                                       .push_bytes = sizeof push}));
}

static void shift_on_host(struct world *world, uint32_t a, uint32_t b, uint32_t k)
{
	for (uint32_t i = 0; i < N; i++)
		world->host[b][i] = world->host[a][(i + k) % N] * 3u + k;
}

static void step_on_host(struct world *world, uint32_t a, uint32_t k)
{
	for (uint32_t i = 0; i < N; i++)
		world->host[a][i] = world->host[a][i] * 1664525u + k + i;
}

static void rebind(struct world *world, struct kiln_graph *graph, size_t node, size_t argument,
                   uint32_t buffer)
{
	gpu_ok(kiln_graph_set_arg(graph, node, argument,
	                          &(struct kiln_arg){.buffer = world->buffers[buffer]}));
}

static void finish_and_compare(struct world *world)
{
	gpu_ok(kiln_stream_wait(world->stream, 60 * SECOND));
	for (uint32_t b = 0; b < BUFFERS; b++) {
		uint32_t got[N];

		gpu_ok(kiln_buffer_read(world->buffers[b], 0, got, sizeof got));
		assert_memory_equal(got, world->host[b], sizeof got);
	}
}

static void say(const char *test, const struct world *world)
{
	print_message("%s: this device %s\n", test,
	              in_place(world) ? "rebinds in place" : "records again what is rebound");
}

/* Sources change between two buffers that nothing writes: no barrier moves. */
static void run_rebinding(bool wanted)
{
	struct world world;
	struct kiln_graph *graph;
	uint64_t recorded;

	open_world(&world, wanted);
	say(__func__, &world);
	gpu_ok(kiln_graph_begin(world.stream));
	for (uint32_t i = 0; i < 20; i++)
		launch(&world, world.shift, 0, 2 + i % 2, i);
	gpu_ok(kiln_graph_end(world.stream, &graph));
	for (uint32_t round = 0; round < 6; round++) {
		uint32_t source = round & 1;

		rebind(&world, graph, 19, 0, source);
		recorded = kiln_graph_counters(graph).recorded;
		gpu_ok(kiln_graph_launch(graph, world.stream, NULL));
		if (in_place(&world))
			assert_int_equal(kiln_graph_counters(graph).recorded, recorded);
		else if (round > 0)
			assert_int_equal(kiln_graph_counters(graph).recorded, recorded + 1);
		shift_on_host(&world, 0, 2, 18);
		shift_on_host(&world, source, 3, 19);
		finish_and_compare(&world);
	}
	kiln_graph_destroy(&graph);
	close_world(&world);
}

static void rebinding_in_place_records_nothing(void **state)
{
	(void)state;
	GPU_NEEDS_LAUNCH();
	run_rebinding(true);
}

static void rebinding_elsewhere_records_the_operation_alone(void **state)
{
	(void)state;
	GPU_NEEDS_LAUNCH();
	run_rebinding(false);
}

/* Nobody waits: the sets of work in flight may not change under it. */
static void run_rebinding_in_flight(bool wanted)
{
	struct world world;
	struct kiln_graph *graph;

	open_world(&world, wanted);
	gpu_ok(kiln_graph_begin(world.stream));
	launch(&world, world.step, 0, BUFFERS, 1);
	launch(&world, world.shift, 0, 1, 2);
	gpu_ok(kiln_graph_end(world.stream, &graph));
	for (uint32_t round = 0; round < 40; round++) {
		uint32_t buffer = 2 + round % 4;

		rebind(&world, graph, 0, 0, buffer);
		rebind(&world, graph, 1, 0, buffer);
		gpu_ok(kiln_graph_launch(graph, world.stream, NULL));
		step_on_host(&world, buffer, 1);
		shift_on_host(&world, buffer, 1, 2);
	}
	finish_and_compare(&world);
	kiln_graph_destroy(&graph);
	close_world(&world);
}

static void work_in_flight_keeps_its_buffers(void **state)
{
	(void)state;
	GPU_NEEDS_LAUNCH();
	run_rebinding_in_flight(true);
	run_rebinding_in_flight(false);
}

/* Two launches that had nothing to do with each other, until the second reads what the first writes; and back. */
static void run_new_conflict(bool wanted)
{
	struct world world;
	struct kiln_graph *graph;

	open_world(&world, wanted);
	gpu_ok(kiln_graph_begin(world.stream));
	launch(&world, world.shift, 0, 2, 1);
	launch(&world, world.shift, 1, 3, 2);
	gpu_ok(kiln_graph_end(world.stream, &graph));
	assert_int_equal(kiln_graph_counters(graph).barriers, 0);
	rebind(&world, graph, 1, 0, 2);
	gpu_ok(kiln_graph_launch(graph, world.stream, NULL));
	assert_int_equal(kiln_graph_counters(graph).barriers, 1);
	shift_on_host(&world, 0, 2, 1);
	shift_on_host(&world, 2, 3, 2);
	finish_and_compare(&world);
	rebind(&world, graph, 1, 0, 1);
	gpu_ok(kiln_graph_launch(graph, world.stream, NULL));
	shift_on_host(&world, 0, 2, 1);
	shift_on_host(&world, 1, 3, 2);
	finish_and_compare(&world);
	kiln_graph_destroy(&graph);
	close_world(&world);
}

static void a_new_conflict_gets_its_barrier(void **state)
{
	(void)state;
	GPU_NEEDS_LAUNCH();
	run_new_conflict(true);
	run_new_conflict(false);
}

/* What the graph came to write is the stream's concern at once: the copy behind it waits, and the graph waits for the fill
 * before it. */
static void run_around(bool wanted)
{
	struct world world;
	struct kiln_graph *graph;

	open_world(&world, wanted);
	gpu_ok(kiln_graph_begin(world.stream));
	launch(&world, world.shift, 0, 2, 1);
	gpu_ok(kiln_graph_end(world.stream, &graph));
	for (uint32_t round = 0; round < 10; round++) {
		uint32_t target = 3 + round % 2;

		rebind(&world, graph, 0, 1, target);
		gpu_ok(kiln_stream_fill(world.stream, world.buffers[target], 0, N * 4, 7));
		gpu_ok(kiln_graph_launch(graph, world.stream, NULL));
		gpu_ok(kiln_stream_copy(world.stream, world.buffers[target], 0, world.buffers[5], 0, N * 4));
		shift_on_host(&world, 0, target, 1);
		memcpy(world.host[5], world.host[target], N * 4);
		step_on_host(&world, 0, round);
		launch(&world, world.step, 0, BUFFERS, round);
	}
	finish_and_compare(&world);
	kiln_graph_destroy(&graph);
	close_world(&world);
}

static void what_surrounds_a_rebound_graph_stays_in_order(void **state)
{
	(void)state;
	GPU_NEEDS_LAUNCH();
	run_around(true);
	run_around(false);
}

/* Software runs submissions one after the other, barrier or not: so the barrier is counted. */
static void run_behind(bool wanted)
{
	struct world world;
	struct kiln_graph *graph;
	uint64_t barriers;

	open_world(&world, wanted);
	gpu_ok(kiln_graph_begin(world.stream));
	launch(&world, world.shift, 0, 2, 1);
	gpu_ok(kiln_graph_end(world.stream, &graph));
	rebind(&world, graph, 0, 1, 3);
	gpu_ok(kiln_graph_launch(graph, world.stream, NULL));
	barriers = world.stream->barriers;
	gpu_ok(kiln_stream_copy(world.stream, world.buffers[3], 0, world.buffers[5], 0, N * 4));
	assert_int_equal(world.stream->barriers, barriers + 1);
	shift_on_host(&world, 0, 3, 1);
	memcpy(world.host[5], world.host[3], N * 4);
	finish_and_compare(&world);
	kiln_graph_destroy(&graph);
	close_world(&world);
}

static void the_stream_knows_what_a_rebound_graph_writes(void **state)
{
	(void)state;
	GPU_NEEDS_LAUNCH();
	run_behind(true);
	run_behind(false);
}

/* Binding by binding, the same random changes as on the host. */
static void run_random(bool wanted, uint32_t seed)
{
	struct world world;
	struct kiln_graph *graph;
	uint32_t source[12], target[12];

	open_world(&world, wanted);
	gpu_ok(kiln_graph_begin(world.stream));
	for (uint32_t i = 0; i < 12; i++) {
		source[i] = i % 3;
		target[i] = 3 + i % 3;
		launch(&world, world.shift, source[i], target[i], i);
	}
	gpu_ok(kiln_graph_end(world.stream, &graph));
	for (uint32_t round = 0; round < 60; round++) {
		for (uint32_t change = 0; change < round % 4; change++) {
			uint32_t node = (seed = seed * 1664525u + 1013904223u) >> 24,
				 buffer = seed >> 16 & 0xff;

			node %= 12;
			buffer %= BUFFERS;
			if (seed & 0x800 ? buffer == target[node] : buffer == source[node])
				continue; /* in place shifting has no result */
			rebind(&world, graph, node, seed & 0x800 ? 0 : 1, buffer);
			*(seed & 0x800 ? &source[node] : &target[node]) = buffer;
		}
		gpu_ok(kiln_graph_launch(graph, world.stream, NULL));
		for (uint32_t i = 0; i < 12; i++)
			shift_on_host(&world, source[i], target[i], i);
	}
	finish_and_compare(&world);
	kiln_graph_destroy(&graph);
	close_world(&world);
}

static void random_changes_give_what_doing_it_anew_would(void **state)
{
	(void)state;
	GPU_NEEDS_LAUNCH();
	for (uint32_t seed = 1; seed < 4; seed++) {
		run_random(true, seed);
		run_random(false, seed);
	}
}

/* Some devices rebind storage buffers only: then a kernel with a uniform buffer is recorded again, whichever changes. */
static void every_kind_of_binding_must_be_rebindable(void **state)
{
	struct world world;
	struct kiln_kernel *kernel;
	const struct kiln_pipeline *pipeline;
	bool both;

	(void)state;
	GPU_NEEDS_LAUNCH();
	open_world(&world, true);
	kernel = kernel_of(world.device, uniform_spv, sizeof uniform_spv);
	gpu_ok(kiln_kernel_resolve(kernel, NULL));
	gpu_ok(kiln_kernel_resolve(world.shift, NULL));
	pipeline = kernel->variants[KILN_VARIANT_PREFERRED].pipeline;
	both = in_place(&world) && (world.device->rebindable >> KILN_BINDING_UNIFORM_BUFFER & 1) != 0;
	assert_int_equal(pipeline->rebindable, both);
	pipeline = world.shift->variants[KILN_VARIANT_PREFERRED].pipeline;
	assert_int_equal(pipeline->rebindable, in_place(&world));
	kiln_kernel_destroy(&kernel);
	close_world(&world);
}

/* Bounds are not checked on every device for what was rebound in place, so that is left out where they are asked for. */
static void a_bounds_checked_device_records_again(void **state)
{
	struct kiln_device *device =
		gpu_open(&(struct kiln_device_params){.no_cache = true,
	                                              .robustness = KILN_ROBUSTNESS_BUFFERS});

	(void)state;
	assert_int_equal(device->rebindable, 0);
	gpu_close(&device);
}

/* ---- Failing memory ---- */

#define MANY 24u /* buffers, more than a graph's first lists hold */
#define LAUNCHES 40u

static unsigned allocations, fail_at;

static int allow(void *user)
{
	(void)user;
	return ++allocations != fail_at;
}

/* Rebinds a few launches to buffers that are new to the graph; true = all were, and it was launched. */
static bool change_and_launch(struct world *world, struct kiln_graph *graph, struct kiln_buffer **many,
                              uint32_t *source)
{
	bool whole = true;

	for (uint32_t i = 0; i < MANY; i++) {
		uint32_t node = 3 + i % 4 * 9; /* few of the launches, so that the graph is cut around them */
		enum kiln_status status =
			kiln_graph_set_arg(graph, node, 0, &(struct kiln_arg){.buffer = many[i]});

		if (status == KILN_OK)
			source[node] = i;
		else
			gpu_refused(status, KILN_ERR_OUT_OF_MEMORY);
		whole = whole && status == KILN_OK;
	}
	return kiln_graph_launch(graph, world->stream, NULL) == KILN_OK && whole;
}

static void run_without_memory(bool wanted)
{
	struct world world;
	struct kiln_buffer *many[MANY];
	unsigned refused = 0;

	open_world(&world, wanted);
	for (uint32_t b = 0; b < MANY; b++) {
		uint32_t host[N];

		for (uint32_t i = 0; i < N; i++)
			host[i] = 77 * b + i;
		gpu_ok(kiln_buffer_create(world.device,
		                          &(struct kiln_buffer_params){.bytes = N * 4, .contents = host},
		                          &many[b]));
	}
	for (fail_at = 1;; fail_at++) {
		struct kiln_graph *graph;
		uint32_t source[LAUNCHES];

		gpu_ok(kiln_graph_begin(world.stream));
		for (uint32_t i = 0; i < LAUNCHES; i++) {
			source[i] = UINT32_MAX;
			launch(&world, world.shift, 0, 1 + i % 2, i);
		}
		gpu_ok(kiln_graph_end(world.stream, &graph));
		allocations = 0;
		kiln_alloc_hook(allow, NULL);
		refused += !change_and_launch(&world, graph, many, source);
		kiln_alloc_hook(NULL, NULL);
		gpu_ok(kiln_graph_launch(graph, world.stream, NULL));
		for (uint32_t i = 0; i < LAUNCHES; i++)
			for (uint32_t e = 0; e < N; e++) {
				uint32_t at = (e + i) % N;
				uint32_t from =
					source[i] == UINT32_MAX ? world.host[0][at] : 77 * source[i] + at;

				world.host[1 + i % 2][e] = from * 3u + i;
			}
		finish_and_compare(&world);
		kiln_graph_destroy(&graph);
		if (allocations < fail_at)
			break;
	}
	print_message("%u allocations, %u of them missed\n", fail_at - 1, refused);
	assert_true(refused > 0);
	for (uint32_t b = 0; b < MANY; b++)
		kiln_buffer_destroy(&many[b]);
	close_world(&world);
}

static void no_allocation_that_fails_breaks_a_graph(void **state)
{
	(void)state;
	GPU_NEEDS_LAUNCH();
	run_without_memory(true);
	run_without_memory(false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_bounds_checked_device_records_again),
		cmocka_unit_test(a_new_conflict_gets_its_barrier),
		cmocka_unit_test(every_kind_of_binding_must_be_rebindable),
		cmocka_unit_test(no_allocation_that_fails_breaks_a_graph),
		cmocka_unit_test(random_changes_give_what_doing_it_anew_would),
		cmocka_unit_test(rebinding_elsewhere_records_the_operation_alone),
		cmocka_unit_test(rebinding_in_place_records_nothing),
		cmocka_unit_test(the_stream_knows_what_a_rebound_graph_writes),
		cmocka_unit_test(what_surrounds_a_rebound_graph_stays_in_order),
		cmocka_unit_test(work_in_flight_keeps_its_buffers),
	};

	return GPU_MAIN("graph_rebind", tests, true);
}
