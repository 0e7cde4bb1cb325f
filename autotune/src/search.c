#include "search_state.h"

#include <string.h>

#include <base/alloc.h>
#include <base/error.h>

#define DEFAULT_SAMPLE_NS 100e3
#define DEFAULT_DISPATCHES 1024
#define LONGEST_STEP_NS UINT64_C(10000000000)

static enum kiln_status check(const struct kiln_search_params *params)
{
	KILN_CHECK(params != NULL && params->space != NULL,
	           "a search without a space has nothing to look for. Fix: pass one of kiln_space_create()");
	KILN_CHECK(params->calls.measure != NULL && params->calls.now_ns != NULL,
	           "a search needs the callbacks `measure` and `now_ns`. Fix: pass both");
	KILN_CHECK((unsigned)params->method <= KILN_TUNE_RANDOM,
	           "%d is no tuning method. Fix: use one of enum kiln_tune_method", (int)params->method);
	KILN_CHECK(params->min_sample_ns >= 0 && params->target_sample_ns >= 0 &&
	                   params->min_sample_ns < 1e12 && params->target_sample_ns < 1e12,
	           "the length of a sample must be 0 to 1000 s, not %g and %g ns. Fix: give nanoseconds",
	           params->min_sample_ns, params->target_sample_ns);
	return KILN_OK;
}

static void take_defaults(struct kiln_search *search)
{
	struct kiln_search_params *params = &search->params;
	size_t quarter = search->count / 4 > 8 ? search->count / 4 : 8;

	if (params->target_sample_ns == 0)
		params->target_sample_ns = DEFAULT_SAMPLE_NS;
	if (params->longest_step_ns == 0)
		params->longest_step_ns = LONGEST_STEP_NS;
	if (params->max_dispatches == 0)
		params->max_dispatches = DEFAULT_DISPATCHES;
	search->max_configs = params->max_configs;
	if (search->max_configs == 0)
		search->max_configs = params->method == KILN_TUNE_EXHAUSTIVE ? search->count : quarter;
	if (search->max_configs > search->count)
		search->max_configs = search->count;
	search->random = params->seed;
	for (size_t i = 0; i < search->count; i++) {
		enum kiln_tune_verdict known =
			params->known != NULL && i != 0 ? params->known[i] : KILN_TUNE_NOT_TRIED;

		search->configs[i].dispatches = 1;
		if (kiln_tune_verdict_is_final(known))
			search->configs[i].gone = known;
	}
	params->known = NULL; /* the caller's, and read */
}

/* The methods that do not learn from what they measure. */
static bool make_order(struct kiln_search *search)
{
	if (search->params.method == KILN_TUNE_RACE)
		return true;
	search->order = kiln_alloc_zero(search->count, sizeof(*search->order));
	if (search->order == NULL)
		return false;
	for (size_t i = 0; i < search->count; i++)
		search->order[i] = i;
	if (search->params.method == KILN_TUNE_RANDOM)
		kiln_stat_shuffle(search->order, search->count, &search->random);
	return true;
}

static bool build(struct kiln_search *search, const struct kiln_search_params *params)
{
	search->params = *params;
	search->count = kiln_space_count(params->space);
	search->configs = kiln_alloc_zero(search->count, sizeof(*search->configs));
	if (search->configs == NULL)
		return false;
	take_defaults(search);
	if (!make_order(search))
		return false;
	/* The default is run in first: everything is measured against it. */
	search->batch_count = 1;
	search->last_now = params->calls.now_ns(params->calls.user);
	return true;
}

enum kiln_status kiln_search_create(const struct kiln_search_params *params, struct kiln_search **out_search)
{
	struct kiln_search *search;

	KILN_CHECK(out_search != NULL,
	           "kiln_search_create() has nowhere to put the search. Fix: pass a pointer");
	KILN_TRY(check(params));
	search = kiln_alloc_zero(1, sizeof(*search));
	if (search == NULL || !build(search, params)) {
		kiln_search_destroy(&search);
		return kiln_error(KILN_ERR_OUT_OF_MEMORY,
		                  "no memory to search %zu configurations. Fix: free some",
		                  kiln_space_count(params->space));
	}
	*out_search = search;
	return KILN_OK;
}

void kiln_search_destroy(struct kiln_search **search)
{
	if (search == NULL || *search == NULL)
		return;
	for (size_t i = 0; (*search)->configs != NULL && i < (*search)->count; i++)
		kiln_free((*search)->configs[i].samples);
	kiln_free((*search)->configs);
	kiln_free((*search)->order);
	kiln_free((*search)->control);
	kiln_free((*search)->level);
	kiln_free(*search);
	*search = NULL;
}

/* A guess: what is left to try takes what the tried ones took, and the final rounds as long as twenty of its samples. */
static uint64_t eta(const struct kiln_search *search)
{
	uint64_t left = 0, budget = search->params.budget_ns;

	if (search->phase == SEARCH_DONE)
		return 0;
	if (search->tried < 2)
		return UINT64_MAX;
	if (search->phase == SEARCH_EXPLORE)
		left = (search->max_configs - search->tried) * (search->spent_ns / search->tried);
	left += (uint64_t)(20 * search->configs[0].ns * search->configs[0].dispatches);
	if (budget != 0 && left > budget - (search->spent_ns < budget ? search->spent_ns : budget))
		left = budget - (search->spent_ns < budget ? search->spent_ns : budget);
	return left;
}

static void tell(struct kiln_search *search)
{
	const struct kiln_search_calls *calls = &search->params.calls;
	struct kiln_search_progress progress = {
		.configs_done = search->tried,
		.configs_budget = search->max_configs,
		.space_count = search->count,
		.best_ratio = 1,
		.spent_ns = search->spent_ns,
		.final = search->phase == SEARCH_FINAL,
	};

	if (calls->progress == NULL || search->failed != KILN_OK)
		return;
	progress.best = search_best(search);
	progress.eta_ns = eta(search);
	if (progress.best != 0)
		progress.best_ratio = search->configs[progress.best].score;
	if (!calls->progress(calls->user, &progress))
		search->failed = KILN_ERR_CANCELLED;
}

/* Proves the next of the batch, or runs it in. */
static void run_in(struct kiln_search *search)
{
	size_t config = search->batch[search->batch_at];
	const struct search_config *state = &search->configs[config];

	/* Others took longer than was thought. */
	if (config != 0 && search->tried > 1 && !state->tried && search_is_enough(search, 0)) {
		search->batch_count = search->batch_at;
		search->starved = true;
		return;
	}
	if (!state->tried)
		search_prove(search, config);
	else
		search_warm(search, config);
	if (state->warm || state->gone != KILN_TUNE_NOT_TRIED)
		search->batch_at++;
	tell(search);
}

static void plan(struct kiln_search *search)
{
	if (search->phase == SEARCH_CONTROL) {
		search->phase = SEARCH_EXPLORE;
		search->configs[0].score = 1;
		search->batch_count = search->batch_at = 0;
		search->group_count = 1;
		search->explore_left = SEARCH_CONTROL_ROUNDS;
	}
	if (search->phase == SEARCH_EXPLORE)
		search_plan_explore(search);
	if (search->phase == SEARCH_FINAL)
		search_plan_final(search);
}

enum kiln_status kiln_search_step(struct kiln_search *search, bool *out_done)
{
	if (search->failed == KILN_OK && search->phase != SEARCH_DONE) {
		if (search->batch_at < search->batch_count) {
			run_in(search);
		} else if (search->queue_at < search->queue_count) {
			search_sample(search, search->queue[search->queue_at++]);
			tell(search);
		} else {
			plan(search);
		}
	}
	if (search->failed == KILN_ERR_CANCELLED)
		return kiln_error(search->failed,
		                  "tuning was stopped by its progress callback. Fix: none needed");
	if (search->failed != KILN_OK)
		return kiln_error(search->failed,
		                  "no memory for the samples of a tuning run. Fix: free some");
	*out_done = search->phase == SEARCH_DONE;
	return KILN_OK;
}

enum kiln_status kiln_search_run(const struct kiln_search_params *params,
                                 struct kiln_tune_report **out_report)
{
	struct kiln_search *search = NULL;
	enum kiln_status status;
	bool done = false;

	KILN_CHECK(out_report != NULL,
	           "kiln_search_run() has nowhere to put the report. Fix: pass a pointer");
	KILN_TRY(kiln_search_create(params, &search));
	do
		status = kiln_search_step(search, &done);
	while (status == KILN_OK && !done);
	if (status == KILN_OK)
		status = kiln_search_report(search, out_report);
	kiln_search_destroy(&search);
	return status;
}
