/* What is left to spend, and on what: enough for ten paired rounds is kept back, the rest goes into looking for more. One slow
 * sample must not look like a slow kernel, or the search would end before it began. */
#include "search_state.h"

#include <math.h>

#define CREEP 1.1       /* a sample may raise an estimate by so much: load raises it soon, one spike hardly */
#define PROVE_CREEP 1.5 /* compiling differs more */
#define LEAST_ROUNDS 2  /* of a group that is explored */
#define LAST_ROUNDS_SHARE 10 /* of the budget, that the rounds missing from ten may go beyond it */

bool search_over_budget(const struct kiln_search *search, double reserve_ns)
{
	return search->params.budget_ns != 0 &&
	       (double)search->spent_ns + reserve_ns >= (double)search->params.budget_ns;
}

double search_creep(double known, double now, bool proof)
{
	return known > 0 ? fmin(now, known * (proof ? PROVE_CREEP : CREEP)) : now;
}

static double round_cost(const struct kiln_search *search, const size_t *configs, size_t count)
{
	double cost = search->configs[0].cost;

	for (size_t i = 0; i < count; i++)
		cost += search->configs[configs[i]].cost;
	return cost;
}

double search_rounds_cost(const struct kiln_search *search, const size_t *configs, size_t count)
{
	uint32_t rounds =
		search->final_rounds < KILN_DECISION_ROUNDS ? KILN_DECISION_ROUNDS - search->final_rounds : 1;

	return rounds * round_cost(search, configs, count);
}

/* The default, and as many finalists as a part of the budget pays for; just one before anything was compared at all. */
static double reserve(const struct kiln_search *search)
{
	size_t best = search_best(search), likely[SEARCH_FINALISTS], count = SEARCH_FINALISTS;

	for (size_t i = 0; i < count; i++)
		likely[i] = best;
	while (count > SEARCH_RESERVED && search_rounds_cost(search, likely, count) >
	                                          (double)search->params.budget_ns / SEARCH_RESERVED_SHARE)
		count--;
	return search_rounds_cost(search, likely, search->tried < SEARCH_LEAST_TRIED ? 1 : count);
}

bool search_is_enough(const struct kiln_search *search, double more_ns)
{
	return search->params.budget_ns != 0 && search_over_budget(search, more_ns + reserve(search));
}

/* Proof, the discarded sample, and the rounds of the one that is new. */
static double cost_of_new(const struct kiln_search *search)
{
	return search->prove_cost + (1 + LEAST_ROUNDS) * search->configs[search_best(search)].cost;
}

static double to_explore(const struct kiln_search *search)
{
	return fmax((double)search->params.budget_ns - (double)search->spent_ns - reserve(search), 0);
}

size_t search_affordable(const struct kiln_search *search)
{
	double group = LEAST_ROUNDS * 2 * search->configs[0].cost;
	double count = (to_explore(search) - group) / cost_of_new(search);

	if (search->params.budget_ns == 0)
		return SEARCH_BATCH;
	return count < 1 ? 0 : (size_t)fmin(count, SEARCH_BATCH);
}

size_t search_expected(const struct kiln_search *search)
{
	double share = 2 * search->configs[0].cost * LEAST_ROUNDS / SEARCH_BATCH;
	double more = to_explore(search) / (cost_of_new(search) + share);

	if (search->params.budget_ns == 0)
		return search->max_configs;
	return (size_t)fmin((double)search->tried + more, (double)search->max_configs);
}

/* So many that all there is to try can have as many. */
uint32_t search_explore_rounds(const struct kiln_search *search)
{
	uint32_t most = search->noisy ? SEARCH_NOISY_ROUNDS : SEARCH_EXPLORE_ROUNDS;
	double groups = 1 + ceil((double)(search->max_configs - search->tried) / SEARCH_BATCH);
	double share = to_explore(search) / groups - SEARCH_BATCH * search->prove_cost;
	double rounds = share / round_cost(search, search->group, search->group_count);

	if (search->params.budget_ns == 0)
		return most;
	return (uint32_t)fmin(fmax(rounds, LEAST_ROUNDS), most);
}

/* Samples of one round steady it, and a steady round is won by what is faster: as many as let the rounds be twice what
 * a decision needs, or else as many as the noise asks for. */
static void fit_passes(struct kiln_search *search)
{
	double once = search_rounds_cost(search, search->finalists, search->finalist_count);
	uint32_t least = kiln_decision_passes_per_round(search_slow_share(search));

	for (search->passes = SEARCH_PASSES; search->passes > 1; search->passes--)
		if (!search_over_budget(search, (search->passes > least ? 2 : 1) * search->passes * once))
			return;
}

void search_fit_final(struct kiln_search *search)
{
	if (search->final_rounds >= KILN_DECISION_ROUNDS && search->passes != 0)
		return;
	while (search->finalist_count > 1 &&
	       search_over_budget(search,
	                          search_rounds_cost(search, search->finalists, search->finalist_count)))
		search->finalist_count--;
	fit_passes(search);
}

bool search_final_is_over(const struct kiln_search *search)
{
	double rest = search_rounds_cost(search, search->finalists, search->finalist_count);

	if (search->final_rounds >= KILN_DECISION_ROUNDS)
		return search_over_budget(search, 0);
	return search_over_budget(search, rest - (double)(search->params.budget_ns / LAST_ROUNDS_SHARE));
}
