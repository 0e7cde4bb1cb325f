/* One callback at a time, and what its answer means. */
#include "search_state.h"

#include <math.h>

#include <base/alloc.h>
#include <base/error.h>

/* Clocks jump: a step back counts as nothing, a leap as what was measured meanwhile. And a clock that stands still
 * cannot make the budget endless. */
uint64_t search_clock(struct kiln_search *search, double measured_ns)
{
	uint64_t now = search->params.calls.now_ns(search->params.calls.user);
	uint64_t passed = now >= search->last_now ? now - search->last_now : 0;

	if (now < search->last_now || passed > search->params.longest_step_ns + (uint64_t)(2 * measured_ns)) {
		search->clock_jumped = true;
		passed = (uint64_t)measured_ns;
	}
	search->last_now = now;
	search->measured_ns += measured_ns;
	search->spent_ns += passed;
	if ((double)search->spent_ns < search->measured_ns)
		search->spent_ns = (uint64_t)search->measured_ns;
	return passed;
}

static void drop(struct kiln_search *search, size_t config, enum kiln_tune_verdict verdict)
{
	search->configs[config].gone = verdict;
	if (config == 0)
		search_finish(search, SEARCH_END_CONTROL);
}

/* True when the configuration is out. */
static bool judge(struct kiln_search *search, size_t config, enum kiln_tune_outcome outcome)
{
	switch (outcome) {
	case KILN_OUTCOME_OK:
	case KILN_OUTCOME_REJECTED:
		return false;
	case KILN_OUTCOME_WRONG:
		drop(search, config, KILN_TUNE_WRONG);
		return true;
	case KILN_OUTCOME_HUNG:
		drop(search, config, KILN_TUNE_HUNG);
		return true;
	case KILN_OUTCOME_LOST:
		search->configs[config].gone = KILN_TUNE_HUNG;
		search_finish(search, SEARCH_END_LOST);
		return true;
	default:
		search->no_memory = search->no_memory || outcome == KILN_OUTCOME_NO_MEMORY;
		drop(search, config, KILN_TUNE_FAILED);
		return true;
	}
}

void search_prove(struct kiln_search *search, size_t config)
{
	const struct kiln_search_calls *calls = &search->params.calls;
	struct search_config *state = &search->configs[config];
	enum kiln_tune_outcome outcome = KILN_OUTCOME_OK;
	uint64_t passed;

	state->tried = true;
	search->tried++;
	if (config != 0 && calls->prove != NULL)
		outcome = calls->prove(calls->user, config);
	passed = search_clock(search, 0);
	/* The default needs no proof, and its nothing says nothing. */
	if (config != 0)
		search->prove_cost = search_creep(search->prove_cost, (double)passed, true);
	/* A proof has no time to reject. */
	if (outcome == KILN_OUTCOME_REJECTED)
		outcome = KILN_OUTCOME_FAILED;
	state->proven = !judge(search, config, outcome);
}

static double measure(struct kiln_search *search, size_t config)
{
	const struct kiln_search_calls *calls = &search->params.calls;
	struct search_config *state = &search->configs[config];
	struct kiln_measurement got = calls->measure(calls->user, config, state->dispatches);
	bool usable = got.outcome == KILN_OUTCOME_OK && kiln_stat_usable(got.ns);
	double cost;

	cost = fmax((double)search_clock(search, usable ? got.ns : 0), usable ? got.ns : 0);
	state->cost = search_creep(state->cost, cost, false);
	if (judge(search, config, got.outcome))
		return 0;
	return usable ? got.ns : 0;
}

static uint32_t more_dispatches(const struct kiln_search *search, double wanted_ns, double have_ns,
                                uint32_t now)
{
	double want = ceil(wanted_ns / (have_ns / now));

	return (uint32_t)fmin(fmax(want, 1), search->params.max_dispatches);
}

/* What a sample costs grows with them, at most. */
static void set_dispatches(struct search_config *state, uint32_t dispatches)
{
	state->cost *= (double)dispatches / state->dispatches;
	state->dispatches = dispatches;
}

static bool keep(struct kiln_search *search, size_t config, double ns)
{
	struct search_config *state = &search->configs[config];

	if (state->sample_count == state->sample_room) {
		size_t room = state->sample_room != 0 ? 2 * state->sample_room : 8;
		void *grown = kiln_realloc(state->samples, room * sizeof(*state->samples));

		if (grown == NULL) {
			search->failed = KILN_ERR_OUT_OF_MEMORY;
			return false;
		}
		state->samples = grown;
		state->sample_room = room;
	}
	state->samples[state->sample_count++] = (struct kiln_tune_sample){
		.round = search->round,
		.final = search->phase == SEARCH_FINAL,
		.ns = ns,
	};
	state->ns = ns;
	return true;
}

/* The discarded sample still tells how many dispatches the next ones need, and what is hopeless. */
void search_warm(struct kiln_search *search, size_t config)
{
	struct search_config *state = &search->configs[config];
	double least = fmax(search->params.min_sample_ns, search->params.target_sample_ns);
	double ns = measure(search, config), best = search->configs[search_best(search)].ns;

	if (state->gone != KILN_TUNE_NOT_TRIED || search->phase == SEARCH_DONE)
		return;
	if (ns > 0) {
		double each = ns / state->dispatches;

		state->warm = true;
		set_dispatches(state, more_dispatches(search, least, ns, state->dispatches));
		if (config == 0 || best <= 0 || each <= SEARCH_FIRST_CUT * best)
			return;
		/* One sample may have been disturbed. */
		state->warm = ++state->strikes > 1;
		if (state->warm && keep(search, config, each))
			state->gone = KILN_TUNE_CUT_EARLY;
	} else if (state->dispatches < search->params.max_dispatches) {
		set_dispatches(state, (uint32_t)fmin(8.0 * state->dispatches, search->params.max_dispatches));
	} else {
		drop(search, config, KILN_TUNE_BELOW_FLOOR);
	}
}

void search_sample(struct kiln_search *search, size_t config)
{
	struct search_config *state = &search->configs[config];
	double ns;

	if (state->gone != KILN_TUNE_NOT_TRIED)
		return;
	ns = measure(search, config);
	if (state->gone != KILN_TUNE_NOT_TRIED || search->phase == SEARCH_DONE)
		return;
	if (ns > 0 && ns >= search->params.min_sample_ns) {
		state->strikes = 0;
		keep(search, config, ns / state->dispatches);
		return;
	}
	if (++state->strikes >= SEARCH_STRIKES && state->dispatches >= search->params.max_dispatches)
		drop(search, config, KILN_TUNE_BELOW_FLOOR);
	else if (state->strikes >= 4 * SEARCH_STRIKES)
		drop(search, config, KILN_TUNE_BELOW_FLOOR);
	set_dispatches(state, (uint32_t)fmin(2.0 * state->dispatches, search->params.max_dispatches));
}
