/* Paired rounds of the few that may win, with fresh samples: having looked best before counts for nothing here. */
#include "search_state.h"

void search_finish(struct kiln_search *search, enum search_end end)
{
	search->phase = SEARCH_DONE;
	search->end = end;
	search->queue_count = search->batch_count = 0;
}

static bool is_finalist(const struct kiln_search *search, size_t config)
{
	for (size_t i = 0; i < search->finalist_count; i++)
		if (search->finalists[i] == config)
			return true;
	return false;
}

/* The fastest that is not in yet. */
static size_t fastest_left(const struct kiln_search *search)
{
	size_t found = 0;

	for (size_t i = 1; i < search->count; i++)
		if (search_alive(search, i) && !is_finalist(search, i) &&
		    (found == 0 || search->configs[i].score < search->configs[found].score))
			found = i;
	return found;
}

static size_t simplest_left(const struct kiln_search *search, double bound)
{
	for (size_t i = 1; i < search->count; i++)
		if (search_alive(search, i) && !is_finalist(search, i) && search->configs[i].score <= bound)
			return i;
	return 0;
}

/* By turns the fastest and the simplest of those that may tie with it. */
static void choose_finalists(struct kiln_search *search)
{
	double margin = search->noisy ? SEARCH_NOISY_MARGIN : SEARCH_FINAL_MARGIN;
	double bound = search->configs[search_best(search)].score * margin;

	while (search->finalist_count < SEARCH_FINALISTS) {
		size_t next =
			search->finalist_count % 2 == 0 ? fastest_left(search) : simplest_left(search, bound);

		if (next == 0 || search->configs[next].score > bound)
			break;
		search->finalists[search->finalist_count++] = next;
	}
}

static enum search_end end_without_finalists(const struct kiln_search *search)
{
	bool any = false;

	/* Hardly anything was compared with the default: it has not been kept, only left. */
	if (search->starved && search->tried < SEARCH_LEAST_TRIED && search->tried < search->max_configs)
		return SEARCH_END_BUDGET;
	for (size_t i = 1; i < search->count; i++)
		any = any || search->configs[i].sample_count != 0;
	return any ? SEARCH_END_NOTHING_FASTER : SEARCH_END_ALONE;
}

void search_enter_final(struct kiln_search *search)
{
	choose_finalists(search);
	if (search->finalist_count == 0) {
		search_finish(search, end_without_finalists(search));
		return;
	}
	search->phase = SEARCH_FINAL;
	search_fit_final(search);
}

static size_t entries_of(const struct kiln_search *search, struct kiln_decision_entry out[SEARCH_FINALISTS])
{
	size_t count = 0;

	for (size_t i = 0; i < search->finalist_count; i++) {
		struct kiln_decision_entry *entry = &out[count];

		entry->config = search->finalists[i];
		if (search->configs[entry->config].gone != KILN_TUNE_NOT_TRIED ||
		    !search_score(search, entry->config, true, &entry->ratio, &entry->error))
			continue;
		search_pairs(search, entry->config, &entry->won, &entry->paired);
		count++;
	}
	return count;
}

static const struct kiln_decision_entry *entry_of(const struct kiln_decision_entry *entries, size_t count,
                                                  size_t config)
{
	for (size_t i = 0; i < count; i++)
		if (entries[i].config == config)
			return &entries[i];
	return NULL;
}

/* Those that are out are not measured any longer. */
static void drop_losers(struct kiln_search *search, const struct kiln_decision_entry *entries, size_t count)
{
	size_t kept = 0;

	for (size_t i = 0; i < search->finalist_count; i++) {
		const struct kiln_decision_entry *entry = entry_of(entries, count, search->finalists[i]);

		if (entry != NULL && !(entry->paired >= 5 && kiln_decision_is_out(entry, &search->decision)))
			search->finalists[kept++] = search->finalists[i];
	}
	search->finalist_count = kept;
}

static void queue_final(struct kiln_search *search)
{
	size_t configs[SEARCH_FINALISTS + 1] = {0}, count = 1;

	for (size_t i = 0; i < search->finalist_count; i++)
		configs[count++] = search->finalists[i];
	search_queue_round(search, configs, count, search->passes);
}

static bool ended(struct kiln_search *search)
{
	struct kiln_decision_entry entries[SEARCH_FINALISTS] = {0};
	size_t count = entries_of(search, entries);

	search->decision = kiln_decide(entries, count);
	drop_losers(search, entries, count);
	if (search->finalist_count == 0)
		search_finish(search, SEARCH_END_NOTHING_FASTER);
	else if (search->final_rounds >= SEARCH_SETTLED_ROUNDS &&
	         (search->decision.decided || search->final_rounds >= SEARCH_FINAL_ROUNDS))
		search_finish(search, SEARCH_END_DECIDED);
	return search->phase == SEARCH_DONE;
}

/* Ten rounds are a decision, if not as sharp a one as more; and where nothing was faster there is nothing to try again. */
static enum search_end end_of_budget(const struct kiln_search *search)
{
	const struct kiln_decision *decision = &search->decision;

	if (decision->winner == 0 && decision->beaten)
		return SEARCH_END_BUDGET;
	return SEARCH_END_DECIDED;
}

void search_plan_final(struct kiln_search *search)
{
	if (search->queue_count != 0) {
		search->queue_count = 0;
		search_close_round(search);
		if (search->final_rounds % SEARCH_DECIDE_EVERY == 0 && ended(search))
			return;
		if (search_final_is_over(search)) {
			/* So few rounds say nothing of those that were to be compared, not even that they are slower. */
			if (search->final_rounds < KILN_DECISION_ROUNDS)
				search_finish(search, SEARCH_END_BUDGET);
			else if (!ended(search))
				search_finish(search, end_of_budget(search));
			return;
		}
		search_fit_final(search);
	}
	queue_final(search);
}
