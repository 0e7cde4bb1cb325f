#include <autotune/decision.h>

#include <math.h>

#define HARDLY_SLOWER 0.005

bool kiln_decision_passes(const struct kiln_decision_entry *entry)
{
	return entry->paired >= KILN_DECISION_ROUNDS &&
	       entry->ratio * (1 + entry->error) <= KILN_DECISION_GAIN &&
	       entry->won >= KILN_DECISION_WON * entry->paired;
}

static const struct kiln_decision_entry *fastest_of(const struct kiln_decision_entry *entries, size_t count)
{
	const struct kiln_decision_entry *fastest = NULL;

	for (size_t i = 0; i < count; i++)
		if (fastest == NULL || entries[i].ratio < fastest->ratio)
			fastest = &entries[i];
	return fastest;
}

/* How fast the fastest ones are: the lowest ratio of several is lower than any of them really is, and moves more from run to
 * run, so what is hardly slower counts too. */
static double reference_of(const struct kiln_decision_entry *entries, size_t count,
                           const struct kiln_decision_entry *fastest)
{
	double sum = 0, weights = 0;

	for (size_t i = 0; i < count; i++) {
		double weight = exp((1 - entries[i].ratio / fastest->ratio) / HARDLY_SLOWER);

		sum += weight * entries[i].ratio;
		weights += weight;
	}
	return sum / weights;
}

/* The simplest that ties and has beaten the default. */
static const struct kiln_decision_entry *simplest_of(const struct kiln_decision_entry *entries, size_t count,
                                                     double line)
{
	const struct kiln_decision_entry *found = NULL;

	for (size_t i = 0; i < count; i++)
		if (entries[i].ratio <= line && kiln_decision_passes(&entries[i]) &&
		    (found == NULL || entries[i].config < found->config))
			found = &entries[i];
	return found;
}

static bool close_to(double ratio, double line, double error)
{
	return fabs(ratio / line - 1) < KILN_DECISION_ERRORS * error;
}

/* Could this entry's being a tie turn out differently? Only where it would change the winner. */
static bool tie_is_open(const struct kiln_decision_entry *entry, const struct kiln_decision_entry *fastest,
                        double line, size_t winner)
{
	if (entry == fastest || (winner != 0 && entry->config > winner))
		return false;
	return close_to(entry->ratio, line, hypot(entry->error, fastest->error));
}

struct kiln_decision kiln_decide(const struct kiln_decision_entry *entries, size_t count)
{
	const struct kiln_decision_entry *fastest = fastest_of(entries, count), *simplest;
	struct kiln_decision decision = {.decided = true};

	if (fastest == NULL)
		return decision;
	decision.line = reference_of(entries, count, fastest) * KILN_DECISION_TIE;
	decision.error = fastest->error;
	simplest = simplest_of(entries, count, decision.line);
	decision.winner = simplest != NULL ? simplest->config : 0;
	decision.fastest = fastest->config;
	decision.beaten = fastest->ratio <= KILN_DECISION_GAIN;
	/* Faster, and rounds lost to a spike or two: more rounds tell. */
	decision.decided = fastest->paired >= KILN_DECISION_ROUNDS &&
	                   !close_to(fastest->ratio, KILN_DECISION_GAIN, fastest->error) &&
	                   !(decision.beaten && decision.winner == 0);
	for (size_t i = 0; i < count && decision.winner != 0; i++)
		if (tie_is_open(&entries[i], fastest, decision.line, decision.winner))
			decision.decided = false;
	return decision;
}

bool kiln_decision_is_out(const struct kiln_decision_entry *entry, const struct kiln_decision *decision)
{
	double error = hypot(entry->error, decision->error);

	return entry->ratio > decision->line * (1 + 1.5 * KILN_DECISION_ERRORS * error);
}

uint32_t kiln_decision_passes_per_round(double slow_share)
{
	double passes;

	if (!(slow_share > 0.05))
		return 1;
	passes = ceil(log(0.05) / log(fmin(slow_share, 0.9)));
	return (uint32_t)fmin(passes, 5);
}
