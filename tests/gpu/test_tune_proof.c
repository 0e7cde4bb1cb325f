/* Seeded mistakes: a kernel that is right at its own size and wrong, each time in another way, at larger ones. None of them
 * may be timed, let alone win. */
#include "harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tune_faulty_spv.h"

enum { N = 12002, OWN = 16, FAULTS = 13, UNROLL_FAULT = 6, BIT_FAULT = 9 };

/* Sums of two such are 2.0 and a little more when they are looked at as f32. */
#define HALF_OF_TWO 0x20000000u

struct work {
	struct kiln_kernel *kernel;
	struct kiln_buffer *buffers[4];
	uint32_t n;
};

static void begin(struct work *work, uint32_t fault)
{
	const struct kiln_spec_value value = {.id = 1, .size = 4, .value = fault};
	work->kernel = NULL;
	gpu_ok(kiln_kernel_create(gpu_device,
	                          &(struct kiln_kernel_params){.spirv = tune_faulty_spv,
	                                                       .spirv_bytes = sizeof tune_faulty_spv,
	                                                       .spec = &value,
	                                                       .spec_count = 1,
	                                                       .guarded = true},
	                          &work->kernel));
	uint32_t *source = malloc(N * 4);
	assert_non_null(source);
	for (uint32_t i = 0; i < N; i++)
		source[i] = HALF_OF_TWO + 7 * i;
	work->buffers[0] = gpu_buffer(N * 4, source);
	free(source);
	work->buffers[1] = gpu_buffer(N * 4, NULL);
	work->buffers[2] = gpu_buffer(4, NULL);
	work->buffers[3] = gpu_buffer(64, NULL);
	work->n = N;
}

static void end(struct work *work)
{
	for (int i = 0; i < 4; i++)
		kiln_buffer_destroy(&work->buffers[i]);
	kiln_kernel_destroy(&work->kernel);
}

/* Sizes on both sides of the kernel's own, with and without unrolling. */
static bool a_few(void *user, const struct kiln_tune_config *config)
{
	(void)user;
	return config->workgroup[0] >= 8 && config->unroll <= 2;
}

static struct kiln_tune_report *tune(struct work *work, double tolerance)
{
	struct kiln_tune_report *report = NULL;
	struct kiln_tune_params params = {
		.launch = {.threads = {N}, .push = &work->n, .push_bytes = 4},
		.method = KILN_TUNE_EXHAUSTIVE,
		.budget_ns = 60000000000u,
		.no_record = true,
		.tolerance_absolute = tolerance,
		.allow = a_few,
	};
	memcpy(params.launch.buffers, work->buffers, sizeof work->buffers);
	gpu_ok(kiln_tune(work->kernel, &params, &report));
	return report;
}

static bool is_seeded(uint32_t fault, const struct kiln_tune_config *config)
{
	return fault == UNROLL_FAULT ? config->unroll > 1 : config->workgroup[0] > OWN;
}

/* Counts what came through of the seeded and of the sound ones. */
static void judge(uint32_t fault, double tolerance, unsigned *seeded, unsigned *through, unsigned *sound, unsigned *refused)
{
	struct work work;
	begin(&work, fault);
	struct kiln_tune_report *report = tune(&work, tolerance);
	*seeded = *through = *sound = *refused = 0;
	for (size_t i = 1; i < report->candidate_count; i++) {
		const struct kiln_tune_candidate *candidate = &report->candidates[i];
		bool wrong = candidate->verdict == KILN_TUNE_WRONG;
		if (candidate->verdict == KILN_TUNE_NOT_TRIED)
			continue;
		if (is_seeded(fault, &candidate->config)) {
			(*seeded)++;
			*through += !wrong;
			assert_true(wrong ? candidate->sample_count == 0 : true);
		} else {
			(*sound)++;
			*refused += wrong;
		}
	}
	kiln_tune_report_destroy(&report);
	end(&work);
}

static void seeded_mistake_is_never_timed(void **state)
{
	static const char *const names[FAULTS + 1] = {
		"",
		"a race",
		"a missing barrier",
		"off by one",
		"out of bounds by one",
		"an ignored tail",
		"a wrong unroll remainder",
		"uninitialised workgroup memory",
		"results left undone",
		"one wrong bit",
		"counted twice",
		"depends on the number of workgroups",
		"writes another buffer",
		"reads beyond the end",
	};
	unsigned seeded, through, sound, refused, failed = 0;
	(void)state;
	GPU_NEEDS_LAUNCH();
	for (uint32_t fault = 1; fault <= FAULTS; fault++) {
		judge(fault, 0, &seeded, &through, &sound, &refused);
		printf("%-36s %u of %u rejected, %u of %u sound ones refused\n", names[fault],
		       seeded - through, seeded, refused, sound);
		failed += through != 0 || refused != 0 || seeded == 0;
	}
	assert_int_equal(failed, 0);
}

static void sound_kernel_is_not_suspected(void **state)
{
	unsigned seeded, through, sound, refused;
	(void)state;
	GPU_NEEDS_LAUNCH();
	judge(0, 0, &seeded, &through, &sound, &refused);
	assert_true(seeded > 0);
	assert_int_equal(through, seeded);
	assert_int_equal(refused, 0);
}

/* One bit of a number a little above two. */
static void tolerance_accepts_what_it_covers_and_no_tolerance_does_not(void **state)
{
	unsigned seeded, through, sound, refused;
	(void)state;
	GPU_NEEDS_LAUNCH();
	judge(BIT_FAULT, 1e-3, &seeded, &through, &sound, &refused);
	assert_true(seeded > 0);
	assert_int_equal(through, seeded);
	judge(BIT_FAULT, 0, &seeded, &through, &sound, &refused);
	assert_int_equal(through, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(seeded_mistake_is_never_timed),
		cmocka_unit_test(sound_kernel_is_not_suspected),
		cmocka_unit_test(tolerance_accepts_what_it_covers_and_no_tolerance_does_not),
	};
	return GPU_MAIN("tune_proof", tests, true);
}
