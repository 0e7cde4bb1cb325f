/* Inside a search: shared by search*.c. */
#ifndef AUTOTUNE_SEARCH_STATE_H
#define AUTOTUNE_SEARCH_STATE_H

#include <autotune/decision.h>
#include <autotune/search.h>
#include <autotune/statistics.h>

#define SEARCH_BATCH 4      /* new configurations that race each other */
#define SEARCH_FINALISTS 12 /* beside the default */
#define SEARCH_PASSES 9     /* samples in a final round at most */
#define SEARCH_GROUP (SEARCH_BATCH + 2)
#define SEARCH_QUEUE ((SEARCH_FINALISTS + 1) * SEARCH_PASSES)
#define SEARCH_CONTROL_ROUNDS 5 /* of the default alone, to know the noise */
#define SEARCH_FIRST_ROUNDS 2   /* of them whatever the budget */

#define SEARCH_EXPLORE_ROUNDS 16
#define SEARCH_NOISY_ROUNDS 30   /* where more than a tenth of the samples is disturbed */
#define SEARCH_RESERVED 2        /* finalists that the budget is kept for, */
#define SEARCH_RESERVED_SHARE 4  /* and more of them where they cost no more than one part in so many */
#define SEARCH_DECIDE_EVERY 5    /* final rounds */
#define SEARCH_SETTLED_ROUNDS 20 /* neighbouring rounds are alike: fewer decide too soon, budget permitting */
#define SEARCH_FINAL_ROUNDS 40   /* while undecided */
#define SEARCH_EARLY_CUT 1.5
#define SEARCH_FIRST_CUT 6.0 /* against the one discarded sample, which is slower than those to come */
#define SEARCH_FINAL_MARGIN 1.06
#define SEARCH_NOISY_MARGIN 1.5 /* scores of different rounds compare badly: let the paired rounds tell */
#define SEARCH_LEAST_TRIED 4    /* with fewer, a default that stays is not settled */
#define SEARCH_STRIKES 3        /* unusable samples in a row */

enum search_phase {
	SEARCH_CONTROL, /* the default is run in */
	SEARCH_EXPLORE,
	SEARCH_FINAL,
	SEARCH_DONE,
};

/* Why it ended before the final rounds decided. */
enum search_end {
	SEARCH_END_DECIDED,
	SEARCH_END_NOTHING_FASTER, /* nothing came near the default */
	SEARCH_END_ALONE,          /* nothing else in the space that runs */
	SEARCH_END_BUDGET,
	SEARCH_END_CONTROL, /* the default itself could not be timed */
	SEARCH_END_LOST,
};

struct search_config {
	enum kiln_tune_verdict gone; /* what ended it; NOT_TRIED while it is in */
	bool tried, proven, warm;
	uint32_t dispatches; /* in one sample */
	uint32_t strikes;
	double score; /* ratio to the default so far; 0 = none */
	double ns;    /* of one dispatch, last usable sample */
	double cost;  /* of one sample on the clock, its own time included; as it usually is */
	struct kiln_tune_sample *samples;
	size_t sample_count, sample_room;
};

struct kiln_search {
	struct kiln_search_params params;
	size_t count;       /* configurations in the space */
	size_t max_configs; /* to try */
	struct search_config *configs;
	size_t *order; /* of proposals, for the methods that have one */
	size_t order_at;
	size_t axis; /* the one that steps are taken on */

	enum search_phase phase;
	enum search_end end;
	enum kiln_status failed; /* sticky: cancelled, no memory */
	uint64_t random;

	/* Running in: proofs and discarded samples. */
	size_t batch[SEARCH_BATCH];
	size_t batch_count, batch_at;
	size_t batch_limit; /* what the budget is enough for */
	bool starved;       /* more would have been tried with more budget */
	bool no_memory;     /* for one at least */
	double prove_cost;  /* of one proof on the clock, as it usually is */

	/* The round that is being sampled. */
	size_t queue[SEARCH_QUEUE];
	size_t queue_count, queue_at;
	uint32_t round, final_rounds;
	uint32_t explore_left; /* rounds of this group to come */
	bool noisy;            /* more rounds, and slower cuts */
	size_t group[SEARCH_GROUP];
	size_t group_count;
	size_t finalists[SEARCH_FINALISTS];
	size_t finalist_count;
	uint32_t passes; /* samples of each configuration in a round */

	/* The default's time in each round, shortest of its samples, and that smoothed; 0 = not measured. */
	double *control, *level;
	size_t round_room;
	double own[2]; /* the default's score against its own smoothed time: exploring, final */

	struct kiln_decision decision;
	size_t tried;
	uint64_t last_now, spent_ns;
	double measured_ns;
	bool clock_jumped;
};

/* search_measure.c: one callback each. */
void search_prove(struct kiln_search *search, size_t config);
void search_warm(struct kiln_search *search, size_t config);
void search_sample(struct kiln_search *search, size_t config);
uint64_t search_clock(struct kiln_search *search, double measured_ns); /* what it took */

/* search_budget.c */
bool search_over_budget(const struct kiln_search *search, double reserve_ns);
/* What a thing costs, from what it was known to cost and what it cost now. */
double search_creep(double known, double now, bool proof);
/* Nanoseconds that the paired rounds still missing from ten take, of these and the default, once each. */
double search_rounds_cost(const struct kiln_search *search, const size_t *configs, size_t count);
/* Is the rest of the budget, after this, needed for the paired rounds at the end? */
bool search_is_enough(const struct kiln_search *search, double more_ns);
size_t search_affordable(const struct kiln_search *search); /* new configurations, SEARCH_BATCH at most */
size_t search_expected(const struct kiln_search *search);   /* configurations tried in the end, about */
uint32_t search_explore_rounds(const struct kiln_search *search); /* of the group that was formed */
/* Finalists, and samples of each in a round, so few that ten rounds fit the budget, if any do. */
void search_fit_final(struct kiln_search *search);
bool search_final_is_over(const struct kiln_search *search);

/* search_score.c */
bool search_open_round(struct kiln_search *search);
void search_close_round(struct kiln_search *search);
double search_level(const struct kiln_search *search, uint32_t round); /* 0: nothing known */
/* Ratio to the default and its relative standard error, from the final rounds or from the others. False: no sample. */
bool search_score(const struct kiln_search *search, size_t config, bool final, double *out_ratio,
                  double *out_error);
void search_pairs(const struct kiln_search *search, size_t config, uint32_t *out_won, uint32_t *out_paired);
double search_fast_ns(const struct search_config *config);
bool search_alive(const struct kiln_search *search, size_t config); /* tried, timed and not gone */
size_t search_best(const struct kiln_search *search);       /* fastest alive by score; 0 = the default */
double search_slow_share(const struct kiln_search *search); /* of the default's samples */
double search_drift(const struct kiln_search *search);

/* search_propose.c: fills `batch` with configurations to try next; none when there is nothing sensible left. */
void search_propose(struct kiln_search *search);
bool search_is_new(const struct kiln_search *search, size_t config); /* neither tried nor in the batch */

/* search_model.c: what the measured ones say of the others. kiln_free() it; NULL: no memory, and the search has failed. */
struct search_model;
struct search_model *search_model_create(struct kiln_search *search);
/* Ratio to the default, as far as one can guess. */
double search_model_guess(const struct kiln_search *search, const struct search_model *model, size_t config);
/* The new one that is simpler than `than` and most likely a tie; KILN_SPACE_NONE where none is guessed below `bound`. */
size_t search_model_simpler(const struct kiln_search *search, const struct search_model *model, size_t than,
                            double bound);
/* The new one most worth trying; KILN_SPACE_NONE. `bold` counts not knowing as a reason. */
size_t search_model_promising(const struct kiln_search *search, const struct search_model *model, bool bold);

/* search_explore.c, search_final.c: what comes after a round; leave `queue`, `batch` or another phase behind. */
void search_plan_explore(struct kiln_search *search);
void search_enter_final(struct kiln_search *search);
void search_plan_final(struct kiln_search *search);
void search_queue_round(struct kiln_search *search, const size_t *configs, size_t count, uint32_t passes);
void search_finish(struct kiln_search *search, enum search_end end);

#endif
