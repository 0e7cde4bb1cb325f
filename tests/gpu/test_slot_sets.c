/* Descriptor sets that streams keep: found again by what they bind, written only when nothing else binds them. The counts are
 * those of the first of the stream's slots, which takes every recording that was waited for. */
#include "harness.h"

#include <string.h>

#include <base/alloc.h>

#include "device.h"
#include "literal_spv.h"
#include "shift_spv.h"
#include "step_spv.h"
#include "stream_slot.h"

#define N 64u       /* words of one part */
#define STRIDE 256u /* bytes: what every device accepts as an offset */
#define PARTS 40u
#define SECOND UINT64_C(1000000000)
#define KNOWN_AT_MOST (1024u + 256u + 512u) /* slot_sets.c, and one recording more */

struct push {
	uint32_t n, k;
};

static unsigned allocations, fail_at; /* fail_at 0 = none */

static int allow(void *user)
{
	(void)user;
	return ++allocations != fail_at;
}

struct world {
	struct kiln_stream *stream;
	struct kiln_kernel *shift, *step;
	struct kiln_buffer *from, *to; /* of PARTS parts each */
	uint32_t host_from[PARTS][N], host_to[PARTS][N];
};

static void open_world(struct world *world)
{
	memset(world, 0, sizeof *world);
	gpu_ok(kiln_stream_create(gpu_device, NULL, &world->stream));
	world->shift = GPU_KERNEL(shift_spv);
	world->step = GPU_KERNEL(step_spv);
	for (uint32_t i = 0; i < PARTS * N; i++)
		world->host_from[i / N][i % N] = i;
	world->from = gpu_buffer(PARTS * STRIDE, world->host_from);
	world->to = gpu_buffer(PARTS * STRIDE, world->host_to);
}

static void close_world(struct world *world)
{
	kiln_stream_destroy(&world->stream);
	kiln_kernel_destroy(&world->shift);
	kiln_kernel_destroy(&world->step);
	kiln_buffer_destroy(&world->from);
	kiln_buffer_destroy(&world->to);
}

/* to[target] = from[source] moved by k, on the device and on the host. */
static enum kiln_status shift(struct world *world, uint32_t source, uint32_t target, uint32_t k)
{
	struct push push = {N, k};
	const struct kiln_arg args[] = {{.buffer = world->from, .offset = source * STRIDE, .bytes = N * 4},
	                                {.buffer = world->to, .offset = target * STRIDE, .bytes = N * 4}};
	enum kiln_status status = kiln_stream_launch(world->stream, world->shift,
	                                             &(struct kiln_launch_params){.threads = {N},
	                                                                          .args = args,
	                                                                          .arg_count = 2,
	                                                                          .push = &push,
	                                                                          .push_bytes = sizeof push});

	for (uint32_t i = 0; i < N && status == KILN_OK; i++)
		world->host_to[target][i] = world->host_from[source][(i + k) % N] * 3u + k;
	return status;
}

static void step(struct world *world, uint32_t target, uint32_t k)
{
	struct push push = {N, k};
	const struct kiln_arg arg = {.buffer = world->to, .offset = target * STRIDE, .bytes = N * 4};

	gpu_ok(kiln_stream_launch(world->stream, world->step,
	                          &(struct kiln_launch_params){.threads = {N},
	                                                       .args = &arg,
	                                                       .arg_count = 1,
	                                                       .push = &push,
	                                                       .push_bytes = sizeof push}));
	for (uint32_t i = 0; i < N; i++)
		world->host_to[target][i] = world->host_to[target][i] * 1664525u + k + i;
}

static void finish_and_compare(struct world *world)
{
	uint32_t *got;

	gpu_ok(kiln_stream_wait(world->stream, 60 * SECOND));
	got = gpu_read(world->to, PARTS * N);
	assert_memory_equal(got, world->host_to, sizeof world->host_to);
	free(got);
}

static const struct kiln_slot_sets *first_slot(const struct world *world)
{
	return &world->stream->slots[0].sets;
}

/* Three kinds of launch in turn, some of them twice in a row. */
static void mixture(struct world *world, uint32_t round)
{
	allocations = fail_at = 0;
	kiln_alloc_hook(allow, NULL);
	for (uint32_t i = 0; i < PARTS; i++) {
		gpu_ok(shift(world, i, (i + 3) % PARTS, i + round));
		step(world, (i + 3) % PARTS, round);
		step(world, (i + 3) % PARTS, 2 * round);
	}
	kiln_alloc_hook(NULL, NULL);
	finish_and_compare(world);
}

static void a_program_that_repeats_itself_writes_hashes_and_allocates_nothing(void **state)
{
	struct world world;
	uint64_t written, hashed;

	(void)state;
	GPU_NEEDS_LAUNCH();
	open_world(&world);
	mixture(&world, 0);
	written = first_slot(&world)->written;
	hashed = first_slot(&world)->hashed;
	assert_int_equal(written, 2 * PARTS);
	assert_int_equal(hashed, 2 * PARTS);
	assert_true(allocations > 0);
	for (uint32_t round = 1; round < 4; round++) {
		mixture(&world, round);
		assert_int_equal(allocations, 0);
	}
	assert_int_equal(first_slot(&world)->written, written);
	assert_int_equal(first_slot(&world)->hashed, hashed);
	close_world(&world);
}

static void the_same_buffers_in_another_order_find_their_sets(void **state)
{
	struct world world;
	uint64_t written;

	(void)state;
	GPU_NEEDS_LAUNCH();
	open_world(&world);
	for (uint32_t i = 0; i < PARTS; i++)
		gpu_ok(shift(&world, i, i, i));
	finish_and_compare(&world);
	written = first_slot(&world)->written;
	for (uint32_t i = PARTS; i-- > 0;)
		gpu_ok(shift(&world, i, i, i + 7));
	finish_and_compare(&world);
	for (uint32_t i = 0; i < PARTS; i++)
		gpu_ok(shift(&world, i * 11 % PARTS, i * 11 % PARTS, i));
	finish_and_compare(&world);
	assert_int_equal(first_slot(&world)->written, written);
	close_world(&world);
}

/* The same two buffers, told apart by where they are bound, how many bytes of them, and by which kernel. */
static void ranges_and_kernels_have_sets_of_their_own(void **state)
{
	struct world world;
	const struct push push = {N / 2, 5};
	const uint32_t all = N;
	struct kiln_kernel *literal;

	(void)state;
	GPU_NEEDS_LAUNCH();
	open_world(&world);
	gpu_ok(shift(&world, 0, 0, 1));
	gpu_ok(shift(&world, 1, 0, 2));
	gpu_ok(shift(&world, 0, 1, 3));
	step(&world, 0, 4);
	step(&world, 1, 5);
	finish_and_compare(&world);
	assert_int_equal(first_slot(&world)->written, 5);
	gpu_ok(kiln_stream_launch(
		world.stream, world.shift,
		&(struct kiln_launch_params){.threads = {N / 2},
	                                     .args = (const struct kiln_arg[]){{.buffer = world.from,
	                                                                        .bytes = N * 2},
	                                                                       {.buffer = world.to,
	                                                                        .bytes = N * 2}},
	                                     .arg_count = 2,
	                                     .push = &push,
	                                     .push_bytes = sizeof push}));
	for (uint32_t i = 0; i < N / 2; i++)
		world.host_to[0][i] = world.host_from[0][(i + 5) % (N / 2)] * 3u + 5;
	finish_and_compare(&world);
	assert_int_equal(first_slot(&world)->written, 6);
	literal = GPU_KERNEL(literal_spv);
	step(&world, 0,
	     6); /* bound where the other one will be: the layouts are the same, the pipelines are not */
	gpu_ok(kiln_stream_launch(world.stream, literal,
	                          &(struct kiln_launch_params){.threads = {N},
	                                                       .args =
	                                                               (const struct kiln_arg[]){
									       {.buffer = world.to,
	                                                                        .bytes = N * 4}},
	                                                       .arg_count = 1,
	                                                       .push = &all,
	                                                       .push_bytes = sizeof all}));
	for (uint32_t i = 0; i < N; i++)
		world.host_to[0][i] = i * 3u + 1u;
	finish_and_compare(&world);
	assert_int_equal(first_slot(&world)->written, 7);
	kiln_kernel_destroy(&literal);
	close_world(&world);
}

/* More contents than are ever kept, in submissions that overlap: a set that work in flight reads, or that this recording has
 * bound, may not be written, or the validation layer speaks and results are wrong. */
static void more_contents_than_are_kept_stay_right_and_bounded(void **state)
{
	struct world world;
	uint32_t next = 0, most = 0;

	(void)state;
	GPU_NEEDS_LAUNCH();
	open_world(&world);
	for (uint32_t round = 0; round < 12; round++) {
		for (uint32_t i = 0; i < 1300; i++, next++)
			gpu_ok(shift(&world, next % PARTS, next / PARTS % PARTS, next));
		finish_and_compare(&world);
		for (uint32_t slot = 0; slot < KILN_STREAM_SLOTS; slot++) {
			const struct kiln_slot_sets *sets = &world.stream->slots[slot].sets;

			assert_true(sets->known_count <= KNOWN_AT_MOST);
			most = sets->known_count > most ? sets->known_count : most;
		}
	}
	assert_true(most >= 1024);
	close_world(&world);
}

/* One slot alone sees new contents for ever: it begins to write sets anew, and its pools stop growing. */
static void sets_are_written_anew_once_many_are_known(void **state)
{
	struct world world;
	uint32_t known = 0, next = 0;

	(void)state;
	GPU_NEEDS_LAUNCH();
	open_world(&world);
	for (uint32_t round = 0; round < 16; round++) {
		for (uint32_t i = 0; i < 100; i++, next++)
			gpu_ok(shift(&world, next % PARTS, next / PARTS % PARTS, next));
		finish_and_compare(&world);
		if (round == 10)
			known = first_slot(&world)->known_count;
	}
	assert_true(known >= 1024);
	assert_int_equal(first_slot(&world)->known_count, known);
	assert_int_equal(first_slot(&world)->written, next); /* 1600 contents, all different */
	close_world(&world);
}

/* One after the other every launch binds again what an earlier one of the recording bound, so that nothing may be rewritten:
 * in the end everything is forgotten, and learned again. */
static void what_is_forgotten_is_learned_again(void **state)
{
	struct world world;
	uint32_t next = 0;
	bool forgot = false;

	(void)state;
	GPU_NEEDS_LAUNCH();
	open_world(&world);
	for (uint32_t round = 0; round < 24; round++) {
		uint32_t before = world.stream->slots ? first_slot(&world)->known_count : 0;

		for (uint32_t i = 0; i < 200; i++, next++) {
			gpu_ok(shift(&world, 0, 0, 1));
			gpu_ok(shift(&world, (next + 1) % PARTS, (next + 1) / PARTS % PARTS, next));
		}
		finish_and_compare(&world);
		forgot = forgot || first_slot(&world)->known_count < before;
		assert_true(first_slot(&world)->known_count <= KNOWN_AT_MOST);
	}
	assert_true(forgot);
	assert_true(first_slot(&world)->pools.count <= KNOWN_AT_MOST / 128 + 1); /* sets of a pool */
	close_world(&world);
}

static void a_destroyed_buffer_leaves_no_set_that_fits_the_next(void **state)
{
	struct world world;

	(void)state;
	GPU_NEEDS_LAUNCH();
	open_world(&world);
	for (uint32_t round = 0; round < 50; round++) {
		struct kiln_buffer *old = world.from;

		for (uint32_t i = 0; i < N; i++)
			world.host_from[0][i] = 1000 * round + i;
		world.from = gpu_buffer(PARTS * STRIDE, world.host_from);
		kiln_buffer_destroy(&old); /* its memory and its handle come back soon */
		gpu_ok(shift(&world, 0, 0, round));
		finish_and_compare(&world);
		assert_int_equal(first_slot(&world)->written, round + 1);
	}
	close_world(&world);
}

/* ---- Failing memory ---- */

/* Enough for the lists to grow, and for a second pool. */
static void no_allocation_that_fails_binds_the_wrong_set(void **state)
{
	struct world world;
	unsigned refused = 0;

	(void)state;
	GPU_NEEDS_LAUNCH();
	open_world(&world);
	gpu_ok(shift(&world, 0, 0, 0)); /* the pipeline is there */
	finish_and_compare(&world);
	for (fail_at = 1;; fail_at++) {
		kiln_stream_destroy(&world.stream);
		gpu_ok(kiln_stream_create(gpu_device, NULL, &world.stream));
		allocations = 0;
		kiln_alloc_hook(allow, NULL);
		for (uint32_t i = 0; i < 150; i++) {
			enum kiln_status status = shift(&world, i % PARTS, i * 7 / 5 % PARTS, i + fail_at);

			if (status != KILN_OK)
				gpu_refused(status, KILN_ERR_OUT_OF_MEMORY);
			refused += status != KILN_OK;
		}
		kiln_alloc_hook(NULL, NULL);
		finish_and_compare(&world);
		if (allocations < fail_at)
			break;
	}
	print_message("%u allocations, %u launches refused\n", fail_at - 1, refused);
	assert_true(refused >= 8);
	close_world(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_destroyed_buffer_leaves_no_set_that_fits_the_next),
		cmocka_unit_test(a_program_that_repeats_itself_writes_hashes_and_allocates_nothing),
		cmocka_unit_test(more_contents_than_are_kept_stay_right_and_bounded),
		cmocka_unit_test(no_allocation_that_fails_binds_the_wrong_set),
		cmocka_unit_test(ranges_and_kernels_have_sets_of_their_own),
		cmocka_unit_test(sets_are_written_anew_once_many_are_known),
		cmocka_unit_test(the_same_buffers_in_another_order_find_their_sets),
		cmocka_unit_test(what_is_forgotten_is_learned_again),
	};

	return GPU_MAIN("slot_sets", tests, true);
}
