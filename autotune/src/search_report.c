/* What the search knows, as one block of plain data that outlives it. */
#include "search_state.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include <base/alloc.h>
#include <base/error.h>

#define DRIFT_LIMIT 0.10
#define SPREAD_LIMIT 0.25

static size_t winner_of(const struct kiln_search *search)
{
	return search->phase == SEARCH_DONE && search->end == SEARCH_END_DECIDED ? search->decision.winner
	                                                                         : 0;
}

static void copy_samples(const struct kiln_search *search, size_t config, struct kiln_tune_sample *out)
{
	const struct search_config *state = &search->configs[config];

	for (size_t i = 0; i < state->sample_count; i++) {
		double level = search_level(search, state->samples[i].round);

		out[i] = state->samples[i];
		out[i].ratio = level > 0 ? out[i].ns / level : 0;
	}
}

/* From the final rounds where it took part in them. */
static void fill_ratio(const struct kiln_search *search, size_t config, struct kiln_tune_candidate *out)
{
	double error = 0, ratio = 0, own_ratio, own_error = 0;
	bool final = search_score(search, config, true, &ratio, &error);

	if (!final && !search_score(search, config, false, &ratio, &error) && out->sample_count != 0) {
		/* Cut at the discarded sample: that is all there is. */
		ratio = search->configs[0].ns > 0 ? out->samples[0].ns / search->configs[0].ns : 0;
		error = 1;
	}
	search_score(search, 0, final, &own_ratio, &own_error);
	error = config != 0 ? 1.96 * hypot(error, own_error) : 0;
	out->ratio = config != 0 ? ratio : out->sample_count != 0;
	if (error < 1) {
		out->ratio_low = out->ratio * (1 - error);
		out->ratio_high = out->ratio * (1 + error);
	}
	search_pairs(search, config, &out->rounds_won, &out->rounds_paired);
}

static enum kiln_tune_verdict verdict_of(const struct kiln_search *search, size_t config,
                                         const struct kiln_tune_candidate *candidate, double winner_ratio)
{
	const struct search_config *state = &search->configs[config];

	if (config == winner_of(search))
		return KILN_TUNE_WON;
	if (state->gone != KILN_TUNE_NOT_TRIED)
		return state->gone;
	if (config == 0)
		return KILN_TUNE_DEFAULT;
	if (candidate->sample_count == 0 || candidate->ratio <= 0)
		return KILN_TUNE_NOT_TRIED;
	if (winner_of(search) == 0 && candidate->ratio < KILN_DECISION_GAIN)
		return KILN_TUNE_UNSURE;
	/* It would have won, had it won its rounds. */
	if (config < winner_of(search) && candidate->ratio < winner_ratio)
		return KILN_TUNE_UNSURE;
	return config > winner_of(search) && candidate->ratio <= winner_ratio * KILN_DECISION_TIE
	               ? KILN_TUNE_TIE
	               : KILN_TUNE_SLOWER;
}

static void fill_candidates(const struct kiln_search *search, struct kiln_tune_candidate *candidates,
                            struct kiln_tune_sample *samples)
{
	double winner_ratio;

	for (size_t i = 0; i < search->count; i++) {
		struct kiln_tune_candidate *out = &candidates[i];

		copy_samples(search, i, samples);
		out->config = *kiln_space_config(search->params.space, i);
		out->samples = samples;
		out->sample_count = search->configs[i].sample_count;
		out->ns = search_fast_ns(&search->configs[i]);
		fill_ratio(search, i, out);
		samples += out->sample_count;
	}
	winner_ratio = candidates[winner_of(search)].ratio;
	for (size_t i = 0; i < search->count; i++)
		candidates[i].verdict = verdict_of(search, i, &candidates[i], winner_ratio);
}

static const char *why_default(const struct kiln_search *search)
{
	switch (search->phase == SEARCH_DONE ? search->end : SEARCH_END_BUDGET) {
	case SEARCH_END_NOTHING_FASTER:
		return "the default stays: nothing that was tried came near it";
	case SEARCH_END_ALONE:
		return "the default stays: no other configuration could be timed";
	case SEARCH_END_BUDGET:
		return "the default stays: the budget ended before ten paired rounds decided";
	case SEARCH_END_CONTROL:
		return "the default stays: it could not be timed itself, so nothing can be compared with it";
	case SEARCH_END_LOST:
		return "the default stays: the device was lost while a configuration ran";
	default:
		return search->decision.beaten
		               ? "the default stays: what looked faster did not win nine of ten paired rounds"
		               : "the default stays: nothing is at least 3 % faster";
	}
}

static void write_reason(const struct kiln_search *search, struct kiln_tune_report *report)
{
	const struct kiln_tune_candidate *winner = &report->candidates[report->winner];
	char text[96];
	size_t ties = 0;

	if (report->winner == 0) {
		snprintf(report->reason, sizeof(report->reason), "%s", why_default(search));
		return;
	}
	for (size_t i = 0; i < report->candidate_count; i++)
		ties += report->candidates[i].verdict == KILN_TUNE_TIE;
	kiln_tune_config_text(&winner->config, text, sizeof(text));
	snprintf(report->reason, sizeof(report->reason),
	         "%s takes %.1f %% of the default's time and won %u of %u paired rounds%s", text,
	         100 * winner->ratio, winner->rounds_won, winner->rounds_paired,
	         ties != 0 ? "; it is the simplest of those that tie" : "");
}

static bool is_provisional(const struct kiln_search *search, const struct kiln_tune_report *report)
{
	if (search->phase != SEARCH_DONE || search->clock_jumped || report->control_drift > DRIFT_LIMIT ||
	    report->control_spread > SPREAD_LIMIT)
		return true;
	/* Of what it was to try it had no time for the larger part. */
	if (search->starved && 3 * search->tried < search->max_configs)
		return true;
	if (search->end == SEARCH_END_ALONE && search->no_memory)
		return true;
	if (search->end == SEARCH_END_CONTROL)
		return search->configs[0].gone != KILN_TUNE_BELOW_FLOOR;
	return search->end == SEARCH_END_BUDGET || search->end == SEARCH_END_LOST;
}

static size_t samples_in(const struct kiln_search *search)
{
	size_t count = 0;

	for (size_t i = 0; i < search->count; i++)
		count += search->configs[i].sample_count;
	return count;
}

static void fill_report(const struct kiln_search *search, struct kiln_tune_report *report)
{
	report->candidate_count = search->count;
	report->winner = winner_of(search);
	report->tried = search->tried;
	report->method = search->params.method;
	report->seed = search->params.seed;
	report->spent_ns = search->spent_ns;
	report->measured_ns = (uint64_t)search->measured_ns;
	report->rounds = search->round;
	report->final_rounds = search->final_rounds;
	report->control_drift = search_drift(search);
	report->control_spread = search_slow_share(search);
	report->provisional = is_provisional(search, report);
	write_reason(search, report);
}

enum kiln_status kiln_search_report(const struct kiln_search *search, struct kiln_tune_report **out_report)
{
	size_t candidate_bytes = search->count * sizeof(struct kiln_tune_candidate);
	size_t sample_bytes = samples_in(search) * sizeof(struct kiln_tune_sample);
	struct kiln_tune_report *report =
		kiln_alloc_zero(1, sizeof(*report) + candidate_bytes + sample_bytes);
	struct kiln_tune_candidate *candidates;

	if (report == NULL)
		return kiln_error(KILN_ERR_OUT_OF_MEMORY,
		                  "no memory for the report of a tuning run. Fix: free some");
	candidates = (struct kiln_tune_candidate *)(report + 1);
	fill_candidates(search, candidates, (struct kiln_tune_sample *)(candidates + search->count));
	report->candidates = candidates;
	fill_report(search, report);
	*out_report = report;
	return KILN_OK;
}
