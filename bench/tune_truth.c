#include "tune_truth.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_ROUNDS 4
#define SAMPLE_NS 1.5e6
#define LAUNCHES_MAX 64
#define NEAR 1.25 /* times the best: what more rounds might still make the best */
#define HOPELESS 4.0

/* One sample: launches in one go, and the wait for them. */
static double sample(const struct tune_truths *truths, struct kiln_kernel *kernel)
{
	uint64_t start = bench_now_ns();

	for (unsigned i = 0; i < truths->launches; i++)
		tune_check(kiln_launch(kernel, &truths->place->launch), "launch");
	tune_check(kiln_device_wait(truths->place->device), "wait");
	return (double)(bench_now_ns() - start) / truths->launches;
}

static void create_kernel(struct tune_truths *truths, struct tune_truth *truth)
{
	struct kiln_kernel_params params = truths->place->kernel.params;
	struct kiln_spec_value spec[KILN_TUNE_CONSTANTS];

	for (uint32_t i = 0; i < truth->config.constant_count; i++)
		spec[i] = (struct kiln_spec_value){truth->config.constants[i].id, 4,
		                                   truth->config.constants[i].value};
	params.spec = spec;
	params.spec_count = truth->config.constant_count;
	if (kiln_kernel_create(truths->place->device, &params, &truth->kernel) != KILN_OK ||
	    kiln_kernel_resolve(truth->kernel, NULL) != KILN_OK ||
	    kiln_launch(truth->kernel, &truths->place->launch) != KILN_OK)
		kiln_kernel_destroy(&truth->kernel);
	tune_check(kiln_device_wait(truths->place->device), "wait");
}

/* The tuner lists the space even when it measures next to nothing of it. */
static void list(struct tune_truths *truths)
{
	struct kiln_tune_params params = tune_params_of(truths->place);
	struct kiln_tune_report *report = NULL;

	params.max_configs = 1;
	params.budget_ns = 1;
	tune_check(kiln_tune(truths->place->handle, &params, &report), truths->place->kernel.name);
	truths->count = report->candidate_count;
	truths->all = calloc(truths->count, sizeof *truths->all);
	if (!truths->all)
		bench_die("out of memory");
	for (size_t i = 0; i < truths->count; i++)
		truths->all[i].config = report->candidates[i].config;
	kiln_tune_report_destroy(&report);
}

static void score(struct tune_truths *truths)
{
	for (size_t i = truths->count; i-- > 0;)
		for (int turn = 0; turn < 2; turn++) {
			struct tune_truth *truth = &truths->all[i];
			double own = bench_median(&truths->all[0].ratios[turn]);

			truth->ratio[turn] = truth->ratios[turn].count ? bench_median(&truth->ratios[turn]) / own : 0;
		}
}

/* One round over those that `live` takes, the default before and after each. Of the two the shorter counts: a pause that
 * falls on the default must not make another look fast. The default is rated in the same way. */
static void round_of(struct tune_truths *truths, bool (*live)(const struct tune_truths *truths, size_t at))
{
	struct bench_series own = {0};
	double before;

	tune_place_move(truths->place);
	before = sample(truths, truths->all[0].kernel);
	for (size_t i = 0; i < truths->count; i++) {
		double it, after;

		if (!truths->all[i].kernel || (i != 0 && !live(truths, i)))
			continue;
		it = sample(truths, truths->all[i].kernel);
		after = sample(truths, truths->all[0].kernel);
		bench_add(&truths->all[i].ratios[truths->round % 2], it / (before < after ? before : after));
		bench_add(&own, after);
		before = after;
	}
	truths->default_ns = bench_median(&own);
	truths->round++;
	bench_finish(&own);
	score(truths);
}

static bool is_possible(const struct tune_truths *truths, size_t at)
{
	return truths->all[at].ratio[0] < HOPELESS;
}

static bool is_near(const struct tune_truths *truths, size_t at)
{
	return truths->all[at].chosen ||
	       truths->all[at].ratio[0] <= NEAR * truths->all[tune_truth_best(truths)].ratio[0];
}

void tune_truth_open(struct tune_truths *truths, struct tune_place *place)
{
	double once;

	*truths = (struct tune_truths){.place = place, .launches = 1};
	list(truths);
	for (size_t i = 0; i < truths->count; i++)
		create_kernel(truths, &truths->all[i]);
	if (!truths->all[0].kernel)
		bench_die("%s: the default cannot be launched: %s", place->kernel.name, kiln_error_message());
	once = sample(truths, truths->all[0].kernel);
	truths->launches = once >= SAMPLE_NS ? 1 : (unsigned)(SAMPLE_NS / once) + 1;
	if (truths->launches > LAUNCHES_MAX)
		truths->launches = LAUNCHES_MAX;
	for (int i = 0; i < FIRST_ROUNDS; i++)
		round_of(truths, is_possible);
}

void tune_truth_refine(struct tune_truths *truths, unsigned rounds)
{
	for (unsigned i = 0; i < rounds; i++)
		round_of(truths, is_near);
}

size_t tune_truth_find(const struct tune_truths *truths, const struct kiln_tune_config *config)
{
	for (size_t i = 0; i < truths->count; i++) {
		const struct kiln_tune_config *own = &truths->all[i].config;
		bool same = !memcmp(own->workgroup, config->workgroup, sizeof own->workgroup);

		for (uint32_t c = 0; same && c < config->constant_count; c++)
			same = own->constants[c].value == config->constants[c].value;
		if (same)
			return i;
	}
	bench_die("%s: the tuner chose what is not in its space", truths->place->kernel.name);
}

size_t tune_truth_best(const struct tune_truths *truths)
{
	size_t best = 0;

	for (size_t i = 1; i < truths->count; i++)
		if (truths->all[i].ratio[0] > 0 && truths->all[i].ratio[0] < truths->all[best].ratio[0])
			best = i;
	return best;
}

double tune_truth_ratio(const struct tune_truths *truths, size_t at)
{
	return truths->all[at].ratio[1];
}

void tune_truth_close(struct tune_truths *truths)
{
	for (size_t i = 0; i < truths->count; i++) {
		kiln_kernel_destroy(&truths->all[i].kernel);
		for (int turn = 0; turn < 2; turn++)
			bench_finish(&truths->all[i].ratios[turn]);
	}
	free(truths->all);
}
