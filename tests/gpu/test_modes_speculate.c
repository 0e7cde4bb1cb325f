/* Speculation: the same results as the confirmer on everything, for any share of survivors. */
#include "harness.h"

#include <string.h>

#include "modes_confirm_spv.h"
#include "modes_mark_blocks_spv.h"
#include "modes_mark_spv.h"

struct push {
	uint32_t n, below;
};

struct kernels {
	struct kiln_kernel *mark, *mark_blocks, *confirm;
};

static struct kiln_kernel *kernel_for_speculation(const void *words, size_t bytes, uint32_t width)
{
	struct kiln_kernel *kernel = NULL;

	gpu_ok(kiln_kernel_create(gpu_device,
	                          &(struct kiln_kernel_params){.spirv = words,
	                                                       .spirv_bytes = bytes,
	                                                       .workgroup = {width},
	                                                       .guarded = true,
	                                                       .modes = KILN_FEATURE_SPECULATIVE},
	                          &kernel));
	return kernel;
}

static struct kernels kernels_new(uint32_t width)
{
	return (struct kernels){
		kernel_for_speculation(modes_mark_spv, sizeof modes_mark_spv, width),
		kernel_for_speculation(modes_mark_blocks_spv, sizeof modes_mark_blocks_spv, width),
		kernel_for_speculation(modes_confirm_spv, sizeof modes_confirm_spv, width),
	};
}

static void kernels_destroy(struct kernels *kernels)
{
	kiln_kernel_destroy(&kernels->mark);
	kiln_kernel_destroy(&kernels->mark_blocks);
	kiln_kernel_destroy(&kernels->confirm);
}

static uint32_t *values_new(uint32_t n)
{
	uint32_t *values = malloc(n * sizeof *values), random = n;

	assert_non_null(values);
	for (uint32_t i = 0; i < n; i++) {
		random = random * 1664525u + 1013904223u;
		values[i] = random >> 7;
	}
	return values;
}

/* What one run leaves behind. */
struct outcome {
	uint32_t *results, *order, survivors;
};

static struct outcome run(const struct kernels *kernels, struct kiln_kernel *prefilter,
                          struct kiln_buffer *values, const struct push *push)
{
	struct kiln_buffer *results = gpu_buffer(push->n * 4, NULL), *order = gpu_buffer(push->n * 4, NULL);
	struct kiln_buffer *survivors = gpu_buffer(8, (uint32_t[]){77, 77});
	struct kiln_speculate_params params = {
		.prefilter = prefilter,
		.prefilter_launch = {.buffers = {values}, .push = push, .push_bytes = sizeof *push},
		.confirmer = kernels->confirm,
		.confirmer_launch = {.buffers = {values, results, order},
	                             .push = push,
	                             .push_bytes = sizeof *push},
		.count = push->n,
		.survivors = {.buffer = survivors, .offset = 4},
	};
	struct outcome outcome;
	uint32_t counted[2];

	if (prefilter == kernels->mark_blocks)
		params.prefilter_launch.threads[0] = (push->n + 31) / 32;
	gpu_ok(kiln_speculate(kiln_device_stream(gpu_device), &params));
	outcome.results = gpu_read(results, push->n);
	outcome.order = gpu_read(order, push->n);
	gpu_ok(kiln_buffer_read(survivors, 0, counted, sizeof counted));
	assert_int_equal(counted[0], 77);
	outcome.survivors = counted[1];
	kiln_buffer_destroy(&results);
	kiln_buffer_destroy(&order);
	kiln_buffer_destroy(&survivors);
	return outcome;
}

static void outcome_free(struct outcome *outcome)
{
	free(outcome->results);
	free(outcome->order);
}

static void assert_order(const struct outcome *outcome, const uint32_t *values, const struct push *push)
{
	uint32_t at = 0;

	for (uint32_t i = 0; i < push->n; i++)
		if (values[i] % 1000 < push->below)
			assert_int_equal(outcome->order[at++], i);
	assert_int_equal(outcome->survivors, at);
	for (; at < push->n; at++)
		assert_int_equal(outcome->order[at], 0);
}

static void assert_results(const struct outcome *outcome, const uint32_t *values, const struct push *push)
{
	for (uint32_t i = 0; i < push->n; i++) {
		bool confirmed = values[i] % 1000 < push->below && values[i] % 3 != 0;

		assert_int_equal(outcome->results[i], confirmed ? values[i] * 2654435761u | 1u : 0);
	}
}

static void check_one(const struct kernels *kernels, uint32_t n, uint32_t below)
{
	const struct push push = {n, below};
	uint32_t *values = values_new(n);
	struct kiln_buffer *buffer = gpu_buffer(n * 4, values);
	struct outcome all = run(kernels, NULL, buffer, &push);
	struct outcome some = run(kernels, kernels->mark, buffer, &push);
	struct outcome blocks = run(kernels, kernels->mark_blocks, buffer, &push);

	assert_int_equal(all.survivors, n);
	assert_results(&all, values, &push);
	assert_memory_equal(some.results, all.results, n * 4);
	assert_memory_equal(blocks.results, all.results, n * 4);
	assert_order(&some, values, &push);
	assert_order(&blocks, values, &push);
	outcome_free(&all);
	outcome_free(&some);
	outcome_free(&blocks);
	kiln_buffer_destroy(&buffer);
	free(values);
}

/* Around every width that is cut into: a word of marks, a workgroup, a block of marks, as many blocks as one scan takes. */
static void survivors_give_the_results_that_everything_gives(void **state)
{
	static const uint32_t sizes[] = {1,     31,    32,    33,    63,     64,
	                                 65,    127,   128,   129,   1000,   16383,
	                                 16384, 16385, 32768, 33001, 200000, 128 * 16384 + 1};
	static const uint32_t shares[] = {0, 10, 500, 1000};
	struct kernels kernels;

	(void)state;
	GPU_NEEDS_LAUNCH();
	kernels = kernels_new(64);
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
		for (size_t j = 0; j < sizeof shares / sizeof *shares; j++)
			check_one(&kernels, sizes[i], shares[j]);
	kernels_destroy(&kernels);
}

static void workgroups_of_any_width_will_do(void **state)
{
	static const uint32_t widths[] = {1, 7, 128};

	(void)state;
	GPU_NEEDS_LAUNCH();
	for (size_t i = 0; i < sizeof widths / sizeof *widths; i++) {
		struct kernels kernels = kernels_new(widths[i]);

		check_one(&kernels, 3000, 100);
		kernels_destroy(&kernels);
	}
}

/* They share the stream's memory for marks and lists, and nothing waits in between. */
static void speculations_follow_one_another_without_a_wait(void **state)
{
	enum { N = 5000, ROUNDS = 30 };
	struct kiln_buffer *values[ROUNDS], *results[ROUNDS], *order;
	uint32_t *host[ROUNDS];
	struct kernels kernels;

	(void)state;
	GPU_NEEDS_LAUNCH();
	kernels = kernels_new(64);
	order = gpu_buffer(N * 4, NULL);
	for (uint32_t i = 0; i < ROUNDS; i++) {
		const struct push push = {N - 100 * i, 300};

		host[i] = values_new(N + i);
		values[i] = gpu_buffer(N * 4, host[i]);
		results[i] = gpu_buffer(N * 4, NULL);
		gpu_ok(kiln_speculate(kiln_device_stream(gpu_device),
		                      &(struct kiln_speculate_params){
					      .prefilter = kernels.mark,
					      .prefilter_launch = {.buffers = {values[i]},
		                                                   .push = &push,
		                                                   .push_bytes = 8},
					      .confirmer = kernels.confirm,
					      .confirmer_launch =
						      {
							      .buffers = {values[i], results[i], order},
							      .push = &push,
							      .push_bytes = 8,
						      },
					      .count = push.n,
				      }));
	}
	for (uint32_t i = 0; i < ROUNDS; i++) {
		struct outcome outcome = {.results = gpu_read(results[i], N)};

		assert_results(&outcome, host[i], &(struct push){N - 100 * i, 300});
		free(outcome.results);
		free(host[i]);
		kiln_buffer_destroy(&values[i]);
		kiln_buffer_destroy(&results[i]);
	}
	kiln_buffer_destroy(&order);
	kernels_destroy(&kernels);
}

static void no_items_are_no_survivors(void **state)
{
	struct kiln_buffer *survivors;
	struct kernels kernels;
	uint32_t counted = 0;

	(void)state;
	GPU_NEEDS_LAUNCH();
	kernels = kernels_new(64);
	survivors = gpu_buffer(4, &(uint32_t){5});
	gpu_ok(kiln_speculate(kiln_device_stream(gpu_device),
	                      &(struct kiln_speculate_params){.prefilter = kernels.mark,
	                                                      .confirmer = kernels.confirm,
	                                                      .survivors = {.buffer = survivors}}));
	gpu_ok(kiln_buffer_read(survivors, 0, &counted, 4));
	assert_int_equal(counted, 0);
	kiln_buffer_destroy(&survivors);
	kernels_destroy(&kernels);
}

static void mistakes_are_refused_with_a_sentence(void **state)
{
	struct kiln_stream *stream = kiln_device_stream(gpu_device);
	const struct push push = {64, 1};
	struct kiln_speculate_params params = {0}, good;
	struct kiln_kernel *plain;
	struct kiln_buffer *values;
	struct kernels kernels;

	(void)state;
	GPU_NEEDS_LAUNCH();
	kernels = kernels_new(64);
	plain = GPU_KERNEL(modes_mark_spv);
	values = gpu_buffer(256, NULL);
	good = (struct kiln_speculate_params){
		.prefilter = kernels.mark,
		.prefilter_launch = {.buffers = {values}, .push = &push, .push_bytes = 8},
		.confirmer = kernels.confirm,
		.confirmer_launch = {.buffers = {values, values, values}, .push = &push, .push_bytes = 8},
		.count = 64,
	};
	gpu_ok(kiln_speculate(stream, &good));
	gpu_refused(kiln_speculate(NULL, &good), KILN_ERR_INVALID_ARGUMENT);
	gpu_refused(kiln_speculate(stream, NULL), KILN_ERR_INVALID_ARGUMENT);
	gpu_refused(kiln_speculate(stream, &params), KILN_ERR_INVALID_ARGUMENT);
	params = good;
	params.prefilter = plain;
	gpu_refused(kiln_speculate(stream, &params), KILN_ERR_INVALID_ARGUMENT);
	params = good;
	params.confirmer_launch.threads[0] = 64;
	gpu_refused(kiln_speculate(stream, &params), KILN_ERR_INVALID_ARGUMENT);
	params = good;
	params.count = UINT32_MAX;
	gpu_refused(kiln_speculate(stream, &params), KILN_ERR_TOO_LARGE);
	params = good;
	params.survivors = (struct kiln_arg){.buffer = values, .offset = 254};
	gpu_refused(kiln_speculate(stream, &params), KILN_ERR_INVALID_ARGUMENT);
	params = good;
	params.prefilter_launch.buffers[1] = values;
	gpu_refused(kiln_speculate(stream, &params), KILN_ERR_TOO_MANY_BUFFERS);
	params = good;
	params.confirmer_launch.buffers[2] = NULL;
	gpu_refused(kiln_speculate(stream, &params), KILN_ERR_TOO_FEW_BUFFERS);
	params = good;
	params.prefilter_launch.push_bytes = 4;
	gpu_refused(kiln_speculate(stream, &params), KILN_ERR_PUSH_TOO_SHORT);
	gpu_ok(kiln_speculate(stream, &good));
	kiln_buffer_destroy(&values);
	kiln_kernel_destroy(&plain);
	kernels_destroy(&kernels);
	gpu_assert_usable();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mistakes_are_refused_with_a_sentence),
		cmocka_unit_test(no_items_are_no_survivors),
		cmocka_unit_test(speculations_follow_one_another_without_a_wait),
		cmocka_unit_test(survivors_give_the_results_that_everything_gives),
		cmocka_unit_test(workgroups_of_any_width_will_do),
	};
	return GPU_MAIN("modes_speculate", tests, true);
}
