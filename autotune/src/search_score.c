/* From samples to ratios. A single disturbed sample of the default would make everything else of its round look fast, and
 * the median of the faster half would then pick just those rounds. So times are compared with what the default can do in the
 * rounds nearby, and the default is scored in the same way: whatever bias is left is in both, and cancels. */
#include "search_state.h"

#include <math.h>

#include <base/alloc.h>

#define WINDOW 2 /* rounds to either side: slow drift is followed, bursts are not */

/* Makes room for the round that is about to be sampled. */
bool search_open_round(struct kiln_search *search)
{
	size_t room = search->round_room != 0 ? 2 * search->round_room : 64;
	double *control, *level;

	if (search->round + 1 < search->round_room)
		return true;
	control = kiln_realloc(search->control, room * sizeof(*control));
	if (control != NULL)
		search->control = control;
	level = kiln_realloc(search->level, room * sizeof(*level));
	if (level != NULL)
		search->level = level;
	if (control == NULL || level == NULL) {
		search->failed = KILN_ERR_OUT_OF_MEMORY;
		return false;
	}
	for (size_t i = search->round_room; i < room; i++)
		search->control[i] = search->level[i] = 0;
	search->round_room = room;
	return true;
}

static double smoothed(const struct kiln_search *search, uint32_t round)
{
	double near[2 * WINDOW + 1];
	size_t count = 0;

	for (uint32_t r = round > WINDOW ? round - WINDOW : 0; r <= round + WINDOW && r <= search->round; r++)
		if (search->control[r] > 0)
			near[count++] = search->control[r];
	return kiln_stat_fast(near, count);
}

double search_level(const struct kiln_search *search, uint32_t round)
{
	return round < search->round_room ? search->level[round] : 0;
}

/* What one round says: the mean of the shortest quarter of its samples. It begins before `*at`, which ends up where the round
 * does. Samples of a round lie together. */
static double round_time(const struct search_config *state, size_t *at)
{
	double values[SEARCH_PASSES];
	uint32_t round = state->samples[*at - 1].round;
	size_t count = 0;

	while (*at > 0 && state->samples[*at - 1].round == round) {
		double ns = state->samples[--*at].ns;

		if (count < SEARCH_PASSES)
			values[count++] = ns;
	}
	return kiln_stat_shortest(values, count);
}

static size_t ratios(const struct kiln_search *search, size_t config, bool final,
                     double out[KILN_STAT_VALUES])
{
	const struct search_config *state = &search->configs[config];
	size_t count = 0, i = state->sample_count;

	/* The newest first: they are the ones that count where there are too many. */
	while (i > 0 && count < KILN_STAT_VALUES) {
		const struct kiln_tune_sample *last = &state->samples[i - 1];
		double level = search_level(search, last->round), ns = round_time(state, &i);

		if (last->final == final && level > 0)
			out[count++] = ns / level;
	}
	return count;
}

bool search_score(const struct kiln_search *search, size_t config, bool final, double *out_ratio,
                  double *out_error)
{
	double values[KILN_STAT_VALUES], own = search->own[final];
	size_t count = ratios(search, config, final, values);

	if (count == 0 || own <= 0)
		return false;
	*out_ratio = kiln_stat_fast(values, count) / own;
	*out_error = kiln_stat_error(values, count);
	return true;
}

void search_pairs(const struct kiln_search *search, size_t config, uint32_t *out_won, uint32_t *out_paired)
{
	const struct search_config *state = &search->configs[config];
	uint32_t won = 0, paired = 0;

	for (size_t i = state->sample_count; i > 0;) {
		const struct kiln_tune_sample *last = &state->samples[i - 1];
		double control = last->final ? search->control[last->round] : 0, ns = round_time(state, &i);

		if (control > 0) {
			paired++;
			won += ns < control;
		}
	}
	*out_won = won;
	*out_paired = paired;
}

static void score_control(struct kiln_search *search, bool final)
{
	double values[KILN_STAT_VALUES];
	size_t count = ratios(search, 0, final, values);

	search->own[final] = count != 0 ? kiln_stat_fast(values, count) : 0;
	search->configs[0].score = 1;
}

void search_close_round(struct kiln_search *search)
{
	const struct search_config *control = &search->configs[0];
	bool final = search->phase == SEARCH_FINAL;
	size_t last = control->sample_count;
	double ratio, error;

	if (last > 0 && control->samples[last - 1].round == search->round)
		search->control[search->round] = round_time(control, &last);
	for (uint32_t r = search->round > WINDOW ? search->round - WINDOW : 0; r <= search->round; r++)
		search->level[r] = smoothed(search, r);
	/* The final rounds are looked at now and then. */
	if (!final || (search->final_rounds + 1) % SEARCH_DECIDE_EVERY == 0)
		score_control(search, final);
	for (size_t i = 0; i < search->group_count && !final; i++)
		if (search_score(search, search->group[i], false, &ratio, &error))
			search->configs[search->group[i]].score = ratio;
	search->final_rounds += final;
	search->round++;
}

double search_fast_ns(const struct search_config *config)
{
	double values[KILN_STAT_VALUES];
	size_t count = config->sample_count < KILN_STAT_VALUES ? config->sample_count : KILN_STAT_VALUES;

	for (size_t i = 0; i < count; i++)
		values[i] = config->samples[config->sample_count - count + i].ns;
	return kiln_stat_fast(values, count);
}

bool search_alive(const struct kiln_search *search, size_t config)
{
	const struct search_config *state = &search->configs[config];

	return state->gone == KILN_TUNE_NOT_TRIED && state->score > 0;
}

size_t search_best(const struct kiln_search *search)
{
	size_t best = 0;

	for (size_t i = 1; i < search->count; i++)
		if (search_alive(search, i) && search->configs[i].score < search->configs[best].score)
			best = i;
	return best;
}

static size_t control_times(const struct kiln_search *search, double out[KILN_STAT_VALUES])
{
	const struct search_config *control = &search->configs[0];
	size_t count = 0;

	/* Evenly over the run, whatever its length. */
	size_t stride = control->sample_count / KILN_STAT_VALUES + 1;

	for (size_t i = 0; i < control->sample_count && count < KILN_STAT_VALUES; i += stride)
		out[count++] = control->samples[i].ns;
	return count;
}

double search_slow_share(const struct kiln_search *search)
{
	double times[KILN_STAT_VALUES];
	size_t count = control_times(search, times);

	return kiln_stat_slow_share(times, count, 0.1);
}

double search_drift(const struct kiln_search *search)
{
	double times[KILN_STAT_VALUES];
	size_t count = control_times(search, times);

	return kiln_stat_drift(times, count);
}
