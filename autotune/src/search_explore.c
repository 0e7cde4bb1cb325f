/* Rounds of few new configurations against the default and the best so far. */
#include "search_state.h"

#include <math.h>
#include <string.h>

void search_queue_round(struct kiln_search *search, const size_t *configs, size_t count, uint32_t passes)
{
	search->queue_count = search->queue_at = 0;
	if (!search_open_round(search))
		return;
	for (uint32_t pass = 0; pass < passes; pass++) {
		size_t *part = &search->queue[search->queue_count];

		memcpy(part, configs, count * sizeof(*part));
		kiln_stat_shuffle(part, count, &search->random);
		search->queue_count += count;
	}
}

/* The new ones that run, the default, and the best as an anchor. */
static void form_group(struct kiln_search *search)
{
	size_t best = search_best(search), count = 0;

	search->group[count++] = 0;
	if (best != 0)
		search->group[count++] = best;
	for (size_t i = 0; i < search->batch_count; i++) {
		const struct search_config *state = &search->configs[search->batch[i]];

		if (state->warm && state->gone == KILN_TUNE_NOT_TRIED)
			search->group[count++] = search->batch[i];
	}
	search->group_count = count;
	search->noisy = search_slow_share(search) > 0.1;
	search->explore_left = search_explore_rounds(search);
	if (count == (best != 0 ? 2u : 1u))
		search->explore_left = 0;
	search->batch_count = search->batch_at = 0;
}

static bool is_hopeless(const struct kiln_search *search, size_t config, double best)
{
	const struct search_config *state = &search->configs[config];
	double shortest = INFINITY;

	for (size_t i = 0; i < state->sample_count; i++)
		shortest =
			fmin(shortest, state->samples[i].ns / search_level(search, state->samples[i].round));
	return state->sample_count >= (search->noisy ? 6u : 2u) && shortest > SEARCH_EARLY_CUT * best;
}

static void cut_early(struct kiln_search *search)
{
	double best = search->configs[search_best(search)].score;
	size_t kept = 0;

	for (size_t i = 0; i < search->group_count; i++) {
		size_t config = search->group[i];

		if (config != 0 && search_alive(search, config) && is_hopeless(search, config, best))
			search->configs[config].gone = KILN_TUNE_CUT_EARLY;
		if (search->configs[config].gone == KILN_TUNE_NOT_TRIED)
			search->group[kept++] = config;
	}
	/* The default alone races nobody. */
	if (kept < 2 && search->tried > 1)
		search->explore_left = 0;
	search->group_count = kept;
}

void search_plan_explore(struct kiln_search *search)
{
	if (search->queue_count != 0) {
		search->queue_count = 0;
		search_close_round(search);
		cut_early(search);
	}
	if (search->batch_count != 0)
		form_group(search);
	/* The first sample is slower than those to come: what the default costs, its first rounds tell. */
	if (search->explore_left != 0 &&
	    (search->round < SEARCH_FIRST_ROUNDS || !search_is_enough(search, 0))) {
		search->explore_left--;
		search_queue_round(search, search->group, search->group_count, 1);
		return;
	}
	search->explore_left = 0;
	search->batch_limit = search_affordable(search);
	search->starved = search->batch_limit == 0 && search->tried < search->max_configs;
	if (search->batch_limit != 0)
		search_propose(search);
	if (search->batch_count == 0)
		search_enter_final(search);
}
