/* The search against callbacks that misbehave. */
#include "search_test.h"

#include <math.h>
#include <string.h>

#include <autotune/decision.h>
#include <autotune/search.h>
#include <autotune/statistics.h>

#include "failing_alloc.h"

#define CONFIGS 44

/* A device whose default takes 200 us; 8 threads and unroll 2 are best. What `bad` says happens to all but the default,
 * or with `also_default` to that too. */
struct fake {
	struct kiln_space *space;
	enum kiln_tune_outcome prove, measure;
	double answer; /* instead of a time, unless 0 */
	bool also_default;
	size_t only;         /* this one misbehaves; 0 = all */
	unsigned lost_after; /* measurements; 0 = never */
	uint64_t slow_ns;    /* what each takes longer from then on, because the machine is busy with something else */
	unsigned slow_after; /* measurements */
	uint64_t now;
	uint64_t prove_ns; /* of each proof, by the clock; 0 = a millisecond */
	int64_t jump;      /* added once, at the 30th look at the clock */
	bool stopped_clock;
	unsigned looks, measured, proven[CONFIGS], progressed, stop_at;
	uint64_t random;
};

static double true_ns(const struct fake *fake, size_t config)
{
	const struct kiln_tune_config *c = kiln_space_config(fake->space, config);

	return 100e3 * (1 + 0.3 * fabs(log2(c->workgroup[0] / 8.0))) *
	       (1 + 0.2 * fabs(log2(c->unroll / 2.0)));
}

static bool is_bad(const struct fake *fake, size_t config)
{
	return fake->only != 0 ? config == fake->only : config != 0 || fake->also_default;
}

static enum kiln_tune_outcome prove(void *user, size_t config)
{
	struct fake *fake = user;

	fake->proven[config]++;
	fake->now += fake->prove_ns != 0 ? fake->prove_ns : 1000000;
	return is_bad(fake, config) ? fake->prove : KILN_OUTCOME_OK;
}

static struct kiln_measurement measure(void *user, size_t config, uint32_t dispatches)
{
	struct fake *fake = user;
	double noise = 0.01 * (double)(kiln_stat_random(&fake->random) % 1000) / 1000;
	double ns = true_ns(fake, config) * dispatches * (1 + noise);

	assert_true(dispatches >= 1 && dispatches <= 1024);
	fake->now += (uint64_t)ns;
	fake->now += fake->measured >= fake->slow_after ? fake->slow_ns : 0;
	if (++fake->measured == fake->lost_after)
		return (struct kiln_measurement){KILN_OUTCOME_LOST, 0};
	if (is_bad(fake, config) && fake->measure != KILN_OUTCOME_OK)
		return (struct kiln_measurement){fake->measure, 0};
	if (is_bad(fake, config) && fake->answer != 0)
		ns = fake->answer;
	return (struct kiln_measurement){KILN_OUTCOME_OK, ns};
}

static uint64_t now_ns(void *user)
{
	struct fake *fake = user;

	if (++fake->looks == 30)
		fake->now += (uint64_t)fake->jump;
	return fake->stopped_clock ? 5 : fake->now;
}

static bool progress(void *user, const struct kiln_search_progress *seen)
{
	struct fake *fake = user;

	assert_true(seen->configs_done <= seen->configs_budget && seen->configs_budget <= seen->space_count);
	assert_true(seen->best_ratio > 0 && seen->best_ratio <= 1);
	return ++fake->progressed != fake->stop_at;
}

static void setup(struct fake *fake)
{
	struct kiln_space_axis axes[] = {{.roles = KILN_ROLE_WORKGROUP_X, .default_value = 64},
	                                 {.roles = KILN_ROLE_UNROLL, .default_value = 1}};

	*fake = (struct fake){.now = 1000000000, .random = 9};
	kiln_space_powers(&axes[0], 1, 1024);
	kiln_space_powers(&axes[1], 1, 8);
	assert_status(kiln_space_create(&(struct kiln_space_params){.axes = axes,
	                                                            .axis_count = 2,
	                                                            .device = KILN_SPACE_CPU,
	                                                            .subgroup_size = 8},
	                                &fake->space),
	              KILN_OK);
	assert_int_equal(kiln_space_count(fake->space), CONFIGS);
}

static struct kiln_search_params params_of(struct fake *fake)
{
	return (struct kiln_search_params){
		.space = fake->space,
		.calls = {prove, measure, now_ns, progress, fake},
		.seed = 3,
		.min_sample_ns = 1000,
	};
}

static struct kiln_tune_report *run(struct fake *fake)
{
	struct kiln_search_params params = params_of(fake);
	struct kiln_tune_report *report = NULL;

	assert_status(kiln_search_run(&params, &report), KILN_OK);
	assert_non_null(report);
	assert_true(strlen(report->reason) > 10);
	return report;
}

static void finish(struct fake *fake, struct kiln_tune_report **report)
{
	kiln_tune_report_destroy(report);
	assert_null(*report);
	kiln_space_destroy(&fake->space);
}

static void assert_default_kept(const struct kiln_tune_report *report)
{
	assert_int_equal(report->winner, 0);
	assert_int_equal(report->candidates[0].verdict, KILN_TUNE_WON);
}

static size_t count_of(const struct kiln_tune_report *report, enum kiln_tune_verdict verdict)
{
	size_t count = 0;

	for (size_t i = 0; i < report->candidate_count; i++)
		count += report->candidates[i].verdict == verdict;
	return count;
}

static void the_report_says_everything(void **state)
{
	struct fake fake;
	struct kiln_tune_report *report;
	const struct kiln_tune_candidate *winner;

	(void)state;
	setup(&fake);
	report = run(&fake);
	winner = &report->candidates[report->winner];
	assert_int_equal(winner->config.workgroup[0], 8);
	assert_int_equal(winner->config.unroll, 2);
	assert_int_equal(winner->verdict, KILN_TUNE_WON);
	assert_true(winner->ratio_low < winner->ratio && winner->ratio < winner->ratio_high);
	assert_true(winner->rounds_paired >= 10 && winner->rounds_won == winner->rounds_paired);
	assert_true(fabs(winner->ratio - true_ns(&fake, report->winner) / true_ns(&fake, 0)) < 0.02);
	assert_int_equal(report->candidates[0].verdict, KILN_TUNE_DEFAULT);
	assert_int_equal(report->candidate_count, CONFIGS);
	assert_int_equal(report->tried, 11);
	assert_int_equal(count_of(report, KILN_TUNE_NOT_TRIED), CONFIGS - 11);
	assert_false(report->provisional);
	assert_true(report->measured_ns > 0 && report->measured_ns <= report->spent_ns);
	for (size_t i = 0; i < CONFIGS; i++)
		assert_true(fake.proven[i] <= 1);
	assert_int_equal(fake.proven[0], 0);
	finish(&fake, &report);
}

static void two_runs_of_one_seed_measure_the_same(void **state)
{
	struct fake a, b;
	struct kiln_tune_report *first, *second;

	(void)state;
	setup(&a);
	setup(&b);
	first = run(&a);
	second = run(&b);
	assert_int_equal(first->winner, second->winner);
	assert_int_equal(a.measured, b.measured);
	assert_memory_equal(a.proven, b.proven, sizeof(a.proven));
	kiln_tune_report_destroy(&first);
	kiln_space_destroy(&b.space);
	finish(&a, &second);
}

static void what_fails_is_named_and_the_default_stays(void **state)
{
	const struct {
		enum kiln_tune_outcome prove, measure;
		enum kiln_tune_verdict verdict;
	} cases[] = {
		{KILN_OUTCOME_WRONG, KILN_OUTCOME_OK, KILN_TUNE_WRONG},
		{KILN_OUTCOME_HUNG, KILN_OUTCOME_OK, KILN_TUNE_HUNG},
		{KILN_OUTCOME_FAILED, KILN_OUTCOME_OK, KILN_TUNE_FAILED},
		{KILN_OUTCOME_NO_MEMORY, KILN_OUTCOME_OK, KILN_TUNE_FAILED},
		{KILN_OUTCOME_REJECTED, KILN_OUTCOME_OK, KILN_TUNE_FAILED},
		{KILN_OUTCOME_OK, KILN_OUTCOME_HUNG, KILN_TUNE_HUNG},
		{KILN_OUTCOME_OK, KILN_OUTCOME_FAILED, KILN_TUNE_FAILED},
		{KILN_OUTCOME_OK, KILN_OUTCOME_REJECTED, KILN_TUNE_BELOW_FLOOR},
		{(enum kiln_tune_outcome)99, KILN_OUTCOME_OK, KILN_TUNE_FAILED},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fake fake;
		struct kiln_tune_report *report;

		setup(&fake);
		fake.prove = cases[i].prove;
		fake.measure = cases[i].measure;
		report = run(&fake);
		assert_default_kept(report);
		assert_int_equal(count_of(report, cases[i].verdict), 10);
		for (size_t c = 0; c < CONFIGS; c++)
			assert_true(fake.proven[c] <= 1);
		finish(&fake, &report);
	}
}

static void times_that_are_none_are_rejected(void **state)
{
	const double answers[] = {NAN, INFINITY, -INFINITY, -5, 1e300, 1e-300, 5};

	(void)state;
	for (size_t i = 0; i < 2 * sizeof(answers) / sizeof(answers[0]); i++) {
		struct fake fake;
		struct kiln_tune_report *report;

		setup(&fake);
		fake.answer = answers[i / 2];
		fake.also_default = i % 2;
		report = run(&fake);
		assert_default_kept(report);
		assert_int_equal(count_of(report, KILN_TUNE_UNSURE), 0);
		finish(&fake, &report);
	}
}

static void a_lost_device_ends_it_and_blames_the_one_that_ran(void **state)
{
	struct fake fake;
	struct kiln_tune_report *report;

	(void)state;
	setup(&fake);
	fake.lost_after = 25;
	report = run(&fake);
	assert_default_kept(report);
	assert_true(report->provisional);
	assert_int_equal(fake.measured, 25);
	finish(&fake, &report);
}

static void what_hung_before_is_not_tried_again(void **state)
{
	enum kiln_tune_verdict known[CONFIGS] = {0};
	struct kiln_search_params params;
	struct kiln_tune_report *report = NULL;
	struct fake fake;
	size_t best;

	(void)state;
	setup(&fake);
	report = run(&fake);
	best = report->winner;
	kiln_tune_report_destroy(&report);
	memset(fake.proven, 0, sizeof(fake.proven));
	known[best] = KILN_TUNE_HUNG;
	params = params_of(&fake);
	params.known = known;
	assert_status(kiln_search_run(&params, &report), KILN_OK);
	assert_int_equal(fake.proven[best], 0);
	assert_int_equal(report->candidates[best].verdict, KILN_TUNE_HUNG);
	assert_true(report->winner != best && report->winner != 0);
	finish(&fake, &report);
}

static void a_clock_that_jumps_changes_nothing_but_the_trust(void **state)
{
	const int64_t jumps[] = {-900000000, INT64_MAX / 2, 86400000000000, -1};

	(void)state;
	for (size_t i = 0; i < sizeof(jumps) / sizeof(jumps[0]); i++) {
		struct kiln_search_params params;
		struct kiln_tune_report *report = NULL;
		struct fake fake;

		setup(&fake);
		fake.jump = jumps[i];
		params = params_of(&fake);
		params.budget_ns = 2000000000;
		assert_status(kiln_search_run(&params, &report), KILN_OK);
		assert_int_equal(report->candidates[report->winner].config.workgroup[0], 8);
		assert_true(report->provisional == (jumps[i] != -1));
		assert_true(report->spent_ns < params.budget_ns);
		finish(&fake, &report);
	}
}

static struct kiln_tune_report *run_slowly(struct fake *fake, uint64_t longest_step_ns, uint64_t budget_ns)
{
	struct kiln_tune_report *report = NULL;
	struct kiln_search_params params;

	setup(fake);
	fake->prove_ns = UINT64_C(60000000000);
	params = params_of(fake);
	params.longest_step_ns = longest_step_ns;
	params.budget_ns = budget_ns;
	assert_status(kiln_search_run(&params, &report), KILN_OK);
	return report;
}

/* Drivers that compile for a minute, which no clock leaps where the caller says so. */
static void steps_as_long_as_they_may_be_are_counted_and_no_jump(void **state)
{
	const uint64_t minute = UINT64_C(60000000000);
	struct kiln_tune_report *report;
	struct fake fake;

	(void)state;
	report = run_slowly(&fake, 10 * minute, 0);
	assert_false(report->provisional);
	assert_int_equal(report->tried, 11);
	assert_true(report->spent_ns >= 10 * minute);
	assert_int_equal(report->candidates[report->winner].config.workgroup[0], 8);
	finish(&fake, &report);
	/* What is counted is paid for. */
	report = run_slowly(&fake, 10 * minute, 3 * minute);
	assert_true(report->tried < 11);
	assert_true(report->spent_ns >= minute && report->spent_ns < 5 * minute);
	finish(&fake, &report);
	/* And what is longer than a step may be is a jump, as ever. */
	report = run_slowly(&fake, minute / 2, 0);
	assert_true(report->provisional);
	assert_true(report->spent_ns < minute);
	finish(&fake, &report);
	report = run_slowly(&fake, 0, 0);
	assert_true(report->provisional);
	assert_true(report->spent_ns < minute);
	finish(&fake, &report);
}

static void a_budget_is_kept_even_if_the_clock_stands(void **state)
{
	(void)state;
	for (int stopped = 0; stopped <= 1; stopped++)
		for (uint64_t budget = 1000; budget < 100000000; budget *= 10) {
			struct kiln_search_params params;
			struct kiln_tune_report *report = NULL;
			struct fake fake;

			setup(&fake);
			fake.stopped_clock = stopped;
			params = params_of(&fake);
			params.budget_ns = budget;
			assert_status(kiln_search_run(&params, &report), KILN_OK);
			/* One sample, proof or round is begun before the end, no more. */
			assert_true(report->spent_ns < budget + 10000000);
			if (budget <= 1000000) {
				assert_default_kept(report);
				assert_true(report->provisional);
			}
			finish(&fake, &report);
		}
}

/* The search keeps time for the final rounds, and the machine takes it away: so few rounds say nothing of what was to be
 * compared. The default is left, not kept, and the next run has it to do. */
static void a_budget_that_ends_in_the_first_final_rounds_settles_nothing(void **state)
{
	unsigned cut[2] = {0}; /* before the fifth round, where losers go, and behind */

	(void)state;
	for (unsigned slow_after = 0; slow_after < 400; slow_after++) {
		struct kiln_search_params params;
		struct kiln_tune_report *report = NULL;
		struct fake fake;

		setup(&fake);
		fake.slow_after = slow_after;
		fake.slow_ns = 10000000;
		params = params_of(&fake);
		params.budget_ns = 400000000;
		assert_status(kiln_search_run(&params, &report), KILN_OK);
		if (report->final_rounds > 0 && report->final_rounds < KILN_DECISION_ROUNDS) {
			assert_default_kept(report);
			assert_true(report->provisional);
			assert_non_null(strstr(report->reason, "the budget ended"));
			cut[report->final_rounds >= 5]++;
		}
		finish(&fake, &report);
	}
	assert_true(cut[0] > 0 && cut[1] > 0);
}

/* Memory may be there the next time; a configuration that fails for another reason will fail again. */
static void lack_of_memory_settles_nothing(void **state)
{
	static const enum kiln_tune_outcome outcomes[] = {KILN_OUTCOME_NO_MEMORY, KILN_OUTCOME_FAILED};

	(void)state;
	for (int i = 0; i < 4; i++) {
		struct kiln_tune_report *report;
		struct fake fake;

		setup(&fake);
		*(i < 2 ? &fake.prove : &fake.measure) = outcomes[i % 2];
		report = run(&fake);
		assert_default_kept(report);
		assert_int_equal(count_of(report, KILN_TUNE_FAILED), 10);
		assert_int_equal(report->provisional, outcomes[i % 2] == KILN_OUTCOME_NO_MEMORY);
		finish(&fake, &report);
	}
}

static void the_caller_can_stop_at_any_time(void **state)
{
	unsigned stop = 1;
	bool stopped = true;

	(void)state;
	for (; stopped; stop++) {
		struct kiln_search_params params;
		struct kiln_tune_report *report = NULL;
		enum kiln_status status;
		struct fake fake;

		setup(&fake);
		fake.stop_at = stop;
		params = params_of(&fake);
		status = kiln_search_run(&params, &report);
		stopped = status != KILN_OK;
		if (stopped) {
			assert_status(status, KILN_ERR_CANCELLED);
			assert_null(report);
			assert_int_equal(fake.progressed, stop);
		}
		finish(&fake, &report);
	}
	assert_true(stop > 50);
}

static void every_failing_allocation_is_an_error(void **state)
{
	(void)state;
	for (int method = KILN_TUNE_RACE; method <= KILN_TUNE_RANDOM; method++)
		for (unsigned n = 1;; n++) {
			struct kiln_search_params params;
			struct kiln_tune_report *report = NULL;
			enum kiln_status status;
			struct fake fake;
			bool failed;

			setup(&fake);
			params = params_of(&fake);
			params.method = (enum kiln_tune_method)method;
			failing_alloc_begin(n);
			status = kiln_search_run(&params, &report);
			failed = failing_alloc_end();
			assert_status(status, failed ? KILN_ERR_OUT_OF_MEMORY : KILN_OK);
			finish(&fake, &report);
			if (!failed)
				break;
		}
}

static void steps_can_be_spread_and_looked_at(void **state)
{
	struct kiln_search_params params;
	struct kiln_search *search = NULL;
	unsigned before, steps = 0;
	struct fake fake;
	bool done = false;

	(void)state;
	setup(&fake);
	params = params_of(&fake);
	assert_status(kiln_search_create(&params, &search), KILN_OK);
	while (!done) {
		struct kiln_tune_report *report = NULL;

		before = fake.measured;
		assert_status(kiln_search_step(search, &done), KILN_OK);
		assert_true(fake.measured - before <= 1);
		if (steps++ % 16 == 0 && !done) {
			assert_status(kiln_search_report(search, &report), KILN_OK);
			assert_default_kept(report);
			assert_true(report->provisional);
			kiln_tune_report_destroy(&report);
		}
	}
	assert_status(kiln_search_step(search, &done), KILN_OK);
	assert_true(done);
	kiln_search_destroy(&search);
	kiln_search_destroy(&search);
	kiln_space_destroy(&fake.space);
}

static void a_space_of_one_keeps_its_default(void **state)
{
	const struct kiln_space_axis axis = {.roles = KILN_ROLE_UNROLL, .default_value = 4};
	struct kiln_tune_report *report;
	struct fake fake;

	(void)state;
	setup(&fake);
	kiln_space_destroy(&fake.space);
	assert_status(kiln_space_create(&(struct kiln_space_params){.axes = &axis, .axis_count = 1},
	                                &fake.space),
	              KILN_OK);
	report = run(&fake);
	assert_default_kept(report);
	assert_false(report->provisional);
	finish(&fake, &report);
}

static void nonsense_is_refused(void **state)
{
	struct kiln_tune_report *report = NULL;
	struct kiln_search_params params;
	struct fake fake;

	(void)state;
	setup(&fake);
	assert_status(kiln_search_run(NULL, &report), KILN_ERR_INVALID_ARGUMENT);
	params = params_of(&fake);
	params.calls.measure = NULL;
	assert_status(kiln_search_run(&params, &report), KILN_ERR_INVALID_ARGUMENT);
	params = params_of(&fake);
	params.method = (enum kiln_tune_method)7;
	assert_status(kiln_search_run(&params, &report), KILN_ERR_INVALID_ARGUMENT);
	params = params_of(&fake);
	params.target_sample_ns = NAN;
	assert_status(kiln_search_run(&params, &report), KILN_ERR_INVALID_ARGUMENT);
	assert_null(report);
	kiln_space_destroy(&fake.space);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_report_says_everything),
		cmocka_unit_test(two_runs_of_one_seed_measure_the_same),
		cmocka_unit_test(what_fails_is_named_and_the_default_stays),
		cmocka_unit_test(times_that_are_none_are_rejected),
		cmocka_unit_test(a_lost_device_ends_it_and_blames_the_one_that_ran),
		cmocka_unit_test(what_hung_before_is_not_tried_again),
		cmocka_unit_test(a_clock_that_jumps_changes_nothing_but_the_trust),
		cmocka_unit_test(steps_as_long_as_they_may_be_are_counted_and_no_jump),
		cmocka_unit_test(a_budget_is_kept_even_if_the_clock_stands),
		cmocka_unit_test(a_budget_that_ends_in_the_first_final_rounds_settles_nothing),
		cmocka_unit_test(lack_of_memory_settles_nothing),
		cmocka_unit_test(the_caller_can_stop_at_any_time),
		cmocka_unit_test(every_failing_allocation_is_an_error),
		cmocka_unit_test(steps_can_be_spread_and_looked_at),
		cmocka_unit_test(a_space_of_one_keeps_its_default),
		cmocka_unit_test(nonsense_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
