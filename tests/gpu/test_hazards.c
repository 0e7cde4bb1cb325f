/* Order without asking for it: chains of launches, fills and copies whose result only the right order
 * gives, and no barrier where none is needed. The packaged synchronisation validation misses some of these,
 * so results decide. */
#include "harness.h"

#include "shift_spv.h"
#include "step_spv.h"

#define N 4096u

struct push {
	uint32_t n, k;
};

static void launch(struct kiln_kernel *kernel, struct kiln_buffer *a, struct kiln_buffer *b, uint32_t k)
{
	struct push push = {N, k};
	gpu_ok(kiln_launch(kernel, &(struct kiln_launch_params){.threads = {N},
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

static void read_modify_write_chain_keeps_its_order(void **state)
{
	(void)state;
	GPU_NEEDS_LAUNCH();
	static uint32_t host[N];
	for (uint32_t i = 0; i < N; i++)
		host[i] = i;
	struct kiln_kernel *step = GPU_KERNEL(step_spv);
	struct kiln_buffer *data = gpu_buffer_counting(N, 0);
	for (uint32_t k = 0; k < 500; k++) {
		launch(step, data, NULL, k);
		step_on_host(host, k);
	}
	assert_holds(data, host);
	kiln_buffer_destroy(&data);
	kiln_kernel_destroy(&step);
}

/* a -> b reads a and writes b, b -> a the reverse: each launch reads what the last wrote and overwrites
 * what it read. */
static void ping_pong_keeps_its_order(void **state)
{
	(void)state;
	GPU_NEEDS_LAUNCH();
	static uint32_t host[2][N];
	for (uint32_t i = 0; i < N; i++)
		host[0][i] = i;
	struct kiln_kernel *shift = GPU_KERNEL(shift_spv);
	struct kiln_buffer *buffers[2] = {gpu_buffer_counting(N, 0), gpu_buffer(N * 4, NULL)};
	for (uint32_t k = 0; k < 500; k++) {
		launch(shift, buffers[k & 1], buffers[~k & 1], k);
		shift_on_host(host[k & 1], host[~k & 1], k);
	}
	assert_holds(buffers[0], host[0]);
	assert_holds(buffers[1], host[1]);
	kiln_buffer_destroy(&buffers[0]);
	kiln_buffer_destroy(&buffers[1]);
	kiln_kernel_destroy(&shift);
}

static void write_after_write_keeps_the_last(void **state)
{
	(void)state;
	GPU_NEEDS_LAUNCH();
	static uint32_t host[2][N];
	struct kiln_kernel *shift = GPU_KERNEL(shift_spv);
	struct kiln_buffer *first = gpu_buffer_counting(N, 0), *second = gpu_buffer_counting(N, 1000000);
	struct kiln_buffer *out = gpu_buffer(N * 4, NULL);
	for (uint32_t i = 0; i < N; i++)
		host[0][i] = 1000000 + i;
	for (uint32_t k = 0; k < 200; k++) {
		launch(shift, first, out, k);
		launch(shift, second, out, k);
	}
	shift_on_host(host[0], host[1], 199);
	assert_holds(out, host[1]);
	kiln_buffer_destroy(&first);
	kiln_buffer_destroy(&second);
	kiln_buffer_destroy(&out);
	kiln_kernel_destroy(&shift);
}

static void fills_copies_and_launches_keep_their_order(void **state)
{
	(void)state;
	GPU_NEEDS_LAUNCH();
	static uint32_t host[2][N];
	struct kiln_kernel *step = GPU_KERNEL(step_spv), *shift = GPU_KERNEL(shift_spv);
	struct kiln_buffer *a = gpu_buffer(N * 4, NULL), *b = gpu_buffer(N * 4, NULL);
	for (uint32_t k = 0; k < 100; k++) {
		gpu_ok(kiln_buffer_fill(a, 0, N * 4, k));
		gpu_ok(kiln_buffer_fill(a, N * 2, N, ~k));
		launch(step, a, NULL, k);
		gpu_ok(kiln_buffer_copy(a, 0, b, N * 2, N * 2));
		launch(shift, b, a, k);
		gpu_ok(kiln_buffer_copy(a, N * 2, b, 0, N * 2));

		for (uint32_t i = 0; i < N; i++)
			host[0][i] = i >= N / 2 && i < N / 2 + N / 4 ? ~k : k;
		step_on_host(host[0], k);
		for (uint32_t i = 0; i < N / 2; i++)
			host[1][N / 2 + i] = host[0][i];
		shift_on_host(host[1], host[0], k);
		for (uint32_t i = 0; i < N / 2; i++)
			host[1][i] = host[0][N / 2 + i];
	}
	assert_holds(a, host[0]);
	assert_holds(b, host[1]);
	kiln_buffer_destroy(&a);
	kiln_buffer_destroy(&b);
	kiln_kernel_destroy(&step);
	kiln_kernel_destroy(&shift);
}

static void host_writes_and_reads_take_their_turn(void **state)
{
	(void)state;
	GPU_NEEDS_LAUNCH();
	static uint32_t host[N];
	struct kiln_kernel *step = GPU_KERNEL(step_spv);
	struct kiln_buffer *data = gpu_buffer(N * 4, NULL);
	for (uint32_t k = 0; k < 50; k++) {
		for (uint32_t i = 0; i < N; i++)
			host[i] = i ^ k;
		gpu_ok(kiln_buffer_write(data, 0, host, N * 4));
		launch(step, data, NULL, k);
		launch(step, data, NULL, k + 1);
		step_on_host(host, k);
		step_on_host(host, k + 1);
		assert_holds(data, host);
	}
	kiln_buffer_destroy(&data);
	kiln_kernel_destroy(&step);
}

static uint64_t barriers(void)
{
	return kiln_device_counters(gpu_device).barriers;
}

static void independent_launches_need_no_barrier(void **state)
{
	(void)state;
	GPU_NEEDS_LAUNCH();
	struct kiln_kernel *shift = GPU_KERNEL(shift_spv);
	struct kiln_buffer *in = gpu_buffer_counting(N, 0);
	struct kiln_buffer *out[4];
	for (int i = 0; i < 4; i++)
		out[i] = gpu_buffer(N * 4, NULL);
	gpu_ok(kiln_device_wait(gpu_device));
	uint64_t before = barriers();
	launch(shift, in, out[0], 0);
	uint64_t first = barriers() - before;
	for (uint32_t i = 1; i < 4; i++)
		launch(shift, in, out[i], i);
	assert_true(first <= 1);
	assert_int_equal(barriers() - before, first);
	gpu_ok(kiln_device_wait(gpu_device));
	kiln_buffer_destroy(&in);
	for (int i = 0; i < 4; i++)
		kiln_buffer_destroy(&out[i]);
	kiln_kernel_destroy(&shift);
}

static void dependent_launches_get_a_barrier_each(void **state)
{
	(void)state;
	GPU_NEEDS_LAUNCH();
	struct kiln_kernel *step = GPU_KERNEL(step_spv);
	struct kiln_buffer *data = gpu_buffer_counting(N, 0);
	launch(step, data, NULL, 0);
	uint64_t before = barriers();
	for (uint32_t k = 0; k < 3; k++)
		launch(step, data, NULL, k);
	assert_int_equal(barriers() - before, 3);
	kiln_buffer_destroy(&data);
	kiln_kernel_destroy(&step);
	gpu_ok(kiln_device_wait(gpu_device));
}

/* What an operation does to the buffer in question; the other one is always a bystander of its own. */
enum operation { READ, WRITE, MODIFY, FILL, COPY_FROM, COPY_TO };

struct scene {
	struct kiln_kernel *step, *shift;
	struct kiln_buffer *buffer, *others[2];
};

static void perform(const struct scene *scene, enum operation operation, struct kiln_buffer *other)
{
	switch (operation) {
	case READ:
		launch(scene->shift, scene->buffer, other, 1);
		break;
	case WRITE:
		launch(scene->shift, other, scene->buffer, 1);
		break;
	case MODIFY:
		launch(scene->step, scene->buffer, NULL, 1);
		break;
	case FILL:
		gpu_ok(kiln_buffer_fill(scene->buffer, 0, N * 4, 1));
		break;
	case COPY_FROM:
		gpu_ok(kiln_buffer_copy(scene->buffer, 0, other, 0, N * 4));
		break;
	case COPY_TO:
		gpu_ok(kiln_buffer_copy(other, 0, scene->buffer, 0, N * 4));
		break;
	}
}

/* Software drivers run dispatches one after the other, barrier or not: so the barriers themselves are
 * counted. */
static void exactly_the_pairs_with_a_write_get_a_barrier(void **state)
{
	(void)state;
	GPU_NEEDS_LAUNCH();
	struct scene scene = {GPU_KERNEL(step_spv),
	                      GPU_KERNEL(shift_spv),
	                      gpu_buffer(N * 4, NULL),
	                      {gpu_buffer(N * 4, NULL), gpu_buffer(N * 4, NULL)}};
	for (int first = READ; first <= COPY_TO; first++) {
		for (int second = READ; second <= COPY_TO; second++) {
			bool both_read = (first == READ || first == COPY_FROM) &&
			                 (second == READ || second == COPY_FROM);
			gpu_ok(kiln_device_wait(gpu_device));
			perform(&scene, (enum operation)first, scene.others[0]);
			uint64_t before = barriers();
			perform(&scene, (enum operation)second, scene.others[1]);
			if (barriers() - before != !both_read)
				fail_msg("operation %d then %d: %llu barriers", first, second,
				         (unsigned long long)(barriers() - before));
		}
	}
	gpu_ok(kiln_device_wait(gpu_device));
	kiln_buffer_destroy(&scene.buffer);
	kiln_buffer_destroy(&scene.others[0]);
	kiln_buffer_destroy(&scene.others[1]);
	kiln_kernel_destroy(&scene.step);
	kiln_kernel_destroy(&scene.shift);
}

static void one_buffer_bound_twice_is_ordered_too(void **state)
{
	(void)state;
	GPU_NEEDS_LAUNCH();
	static uint32_t host[N];
	struct kiln_kernel *step = GPU_KERNEL(step_spv), *shift = GPU_KERNEL(shift_spv);
	struct kiln_buffer *data = gpu_buffer(N * 8, NULL);
	const struct kiln_arg halves[] = {{data, 0, N * 4}, {data, N * 4, N * 4}};
	struct push push = {N, 5};
	gpu_ok(kiln_launch(step, &(struct kiln_launch_params){.threads = {N},
	                                                      .args = halves,
	                                                      .arg_count = 1,
	                                                      .push = &push,
	                                                      .push_bytes = sizeof push}));
	gpu_ok(kiln_launch(shift, &(struct kiln_launch_params){.threads = {N},
	                                                       .args = halves,
	                                                       .arg_count = 2,
	                                                       .push = &push,
	                                                       .push_bytes = sizeof push}));
	static uint32_t first[N];
	step_on_host(first, 5);
	shift_on_host(first, host, 5);
	uint32_t *got = gpu_read(data, 2 * N);
	assert_memory_equal(got, first, N * 4);
	assert_memory_equal(got + N, host, N * 4);
	free(got);
	kiln_buffer_destroy(&data);
	kiln_kernel_destroy(&step);
	kiln_kernel_destroy(&shift);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dependent_launches_get_a_barrier_each),
		cmocka_unit_test(exactly_the_pairs_with_a_write_get_a_barrier),
		cmocka_unit_test(fills_copies_and_launches_keep_their_order),
		cmocka_unit_test(host_writes_and_reads_take_their_turn),
		cmocka_unit_test(independent_launches_need_no_barrier),
		cmocka_unit_test(one_buffer_bound_twice_is_ordered_too),
		cmocka_unit_test(ping_pong_keeps_its_order),
		cmocka_unit_test(read_modify_write_chain_keeps_its_order),
		cmocka_unit_test(write_after_write_keeps_the_last),
	};
	return GPU_MAIN("hazards", tests, true);
}
