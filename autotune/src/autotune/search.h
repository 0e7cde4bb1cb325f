/* Finding the fastest configuration by measuring few of them. Pure: clock, proof and measurement are callbacks, nothing
 * happens between two calls, no thread. */
#ifndef AUTOTUNE_SEARCH_H
#define AUTOTUNE_SEARCH_H

#include <autotune/space.h>

enum kiln_tune_outcome {
	KILN_OUTCOME_OK = 0,
	KILN_OUTCOME_REJECTED,  /* measure: no usable time */
	KILN_OUTCOME_FAILED,    /* the driver refused; the device still works */
	KILN_OUTCOME_WRONG,     /* prove: the output differs */
	KILN_OUTCOME_HUNG,      /* did not come back in time; the device still works */
	KILN_OUTCOME_LOST,      /* the device is gone: counts as hung, and ends the search */
	KILN_OUTCOME_NO_MEMORY, /* this one does not fit; counts as failed */
};

struct kiln_measurement {
	enum kiln_tune_outcome outcome;
	double ns; /* of all the dispatches together */
};

struct kiln_search_progress {
	size_t configs_done;   /* proven or given up */
	size_t configs_budget; /* how many there may be */
	size_t space_count;
	size_t best;       /* fastest so far */
	double best_ratio; /* of it to the default; 1 until something is known */
	uint64_t spent_ns;
	uint64_t eta_ns; /* a guess at what is left, never beyond the budget; UINT64_MAX = no idea yet */
	bool final;      /* in the paired rounds at the end */
};

struct kiln_search_calls {
	/* Compiles `config`, runs it on scratch copies and compares its whole output with the default's. Called once per
	 * configuration before it is measured, never for the default. NULL: everything is right. */
	enum kiln_tune_outcome (*prove)(void *user, size_t config);
	/* Times `dispatches` dispatches of `config`, back to back. The first call for a configuration is discarded. */
	struct kiln_measurement (*measure)(void *user, size_t config, uint32_t dispatches);
	uint64_t (*now_ns)(void *user);
	/* After every proof and every sample; false ends the search with KILN_ERR_CANCELLED. NULL: none. */
	bool (*progress)(void *user, const struct kiln_search_progress *progress);
	void *user;
};

struct kiln_search_params {
	const struct kiln_space *space; /* borrowed */
	struct kiln_search_calls calls;
	enum kiln_tune_method method;
	uint64_t seed;        /* from the key: the same kernel is measured in the same order */
	uint64_t budget_ns;   /* 0: none */
	size_t max_configs;   /* the default included; 0: a quarter of the space, at least 8 */
	double min_sample_ns; /* ten times what the clock can tell; samples get enough dispatches to pass it */
	double target_sample_ns; /* what a sample should last at least; 0: 100 us */
	uint32_t max_dispatches; /* in one sample; 0: 1024 */
	/* No callback takes longer, but for what it measured: beyond that the clock has leapt. 0: 10 s. */
	uint64_t longest_step_ns;
	/* Verdict per configuration from earlier runs, kiln_space_count() of them: WRONG and HUNG are not tried again, the
	 * rest does not matter. NULL: none. */
	const enum kiln_tune_verdict *known;
};

struct kiln_search;

/* KILN_ERR_INVALID_ARGUMENT, KILN_ERR_OUT_OF_MEMORY. */
enum kiln_status kiln_search_create(const struct kiln_search_params *params, struct kiln_search **out_search);
void kiln_search_destroy(struct kiln_search **search);

/* Does one thing - one proof, one sample, or a decision - and returns, so that tuning can be spread over a program's real
 * work. *out_done: nothing is left to do. KILN_ERR_CANCELLED, KILN_ERR_OUT_OF_MEMORY: the search is over, without a report.
 * Whatever callbacks answer is no failure of the search: it ends with the default and a reason. */
enum kiln_status kiln_search_step(struct kiln_search *search, bool *out_done);

/* What is known now, owned by the caller: before the search is done, the default with `provisional`. */
enum kiln_status kiln_search_report(const struct kiln_search *search, struct kiln_tune_report **out_report);

/* All of the above. *out_report only with KILN_OK. */
enum kiln_status kiln_search_run(const struct kiln_search_params *params,
                                 struct kiln_tune_report **out_report);

#endif
