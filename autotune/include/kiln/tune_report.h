/* What tuning found: every configuration with its samples and its verdict, the choice, and why. Plain data. */
#ifndef KILN_TUNE_REPORT_H
#define KILN_TUNE_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kiln/status.h>

KILN_BEGIN_DECLS

/** How the configurations to measure are found. */
enum kiln_tune_method {
	KILN_TUNE_RACE =
		0, /* the default: coordinate steps from the device class' rule, halving, paired final rounds */
	KILN_TUNE_EXHAUSTIVE, /* every configuration of the space */
	KILN_TUNE_RANDOM,     /* as many as the budget allows, drawn by the seed */
};

#define KILN_TUNE_CONSTANTS 12

struct kiln_tune_constant {
	uint32_t id; /* SpecId */
	uint32_t value;
	bool named; /* sets a named field of the configuration */
};

/** One way to launch a kernel. The named fields are what a record of the store holds; `constants` is what to set in the
 *  module to get them, tunables without a named field included. */
struct kiln_tune_config {
	uint32_t workgroup[3]; /* threads */
	uint32_t unroll;       /* 1: not unrolled, or the kernel has no such constant */
	uint32_t tile[3];      /* all zero: not tile-shaped */
	uint32_t constant_count;
	struct kiln_tune_constant constants[KILN_TUNE_CONSTANTS];
};

/** What became of a configuration. Values never change meaning. */
enum kiln_tune_verdict {
	KILN_TUNE_NOT_TRIED = 0,
	KILN_TUNE_DEFAULT = 1,     /* the control, and not what was chosen */
	KILN_TUNE_WON = 2,         /* what is recorded; the default, where nothing beats it */
	KILN_TUNE_TIE = 3,         /* as fast as the winner within 3 %, and the winner is the simpler one */
	KILN_TUNE_SLOWER = 4,      /* slower than the winner */
	KILN_TUNE_UNSURE = 5,      /* looked faster than the default, not by 3 % in 9 of 10 paired rounds */
	KILN_TUNE_CUT_EARLY = 6,   /* more than 1.5 times the best after the first rounds, and dropped */
	KILN_TUNE_BELOW_FLOOR = 7, /* no usable time: zero, negative, or below what the clock can tell */
	KILN_TUNE_FAILED = 8,      /* the driver refused it */
	KILN_TUNE_WRONG = 9,       /* its output differs from the default's: never timed */
	KILN_TUNE_HUNG = 10, /* did not come back, or took the device with it, now or in an earlier run */
};

/** One timing of one configuration. */
struct kiln_tune_sample {
	uint32_t round; /* samples of one round were taken next to each other */
	bool final;     /* of the paired final rounds, which alone decide */
	double ns;      /* of one dispatch */
	double ratio;   /* to the default at the same time: below 1 is faster */
};

struct kiln_tune_candidate {
	struct kiln_tune_config config;
	enum kiln_tune_verdict verdict;
	const struct kiln_tune_sample *samples; /* in the order they were taken */
	size_t sample_count;
	double ns;                    /* of one dispatch, median of the faster half; 0 = never timed */
	double ratio;                 /* to the default; 0 = never timed */
	double ratio_low, ratio_high; /* 95 % interval of `ratio`; both 0: too few samples for one */
	uint32_t rounds_won;          /* final rounds in which it beat the default */
	uint32_t rounds_paired;       /* final rounds it took part in */
};

/** The result of one tuning run. Candidates are in order of simplicity: of two that tie, the earlier one is chosen. */
struct kiln_tune_report {
	const struct kiln_tune_candidate *candidates; /* [0] is the default */
	size_t candidate_count;                       /* the whole space */
	size_t winner;                                /* 0: keep the default */
	size_t tried; /* candidates that were proven or timed, the default included */
	enum kiln_tune_method method;
	uint64_t seed;
	uint64_t spent_ns;     /* on the caller's clock */
	uint64_t measured_ns;  /* of it inside timed dispatches */
	uint32_t rounds;       /* in all */
	uint32_t final_rounds; /* of them paired ones at the end */
	double control_drift;  /* how far the default's own time moved over the run: 0.1 = 10 % */
	double control_spread; /* share of the default's samples that were more than 10 % above its faster half */
	bool provisional; /* other load, a jumping clock or the budget got in the way: worth trying again later */
	bool recorded;    /* by kiln_tune(), in the store. A provisional result replaces no settled one */
	char reason[240]; /* why the winner is the winner, as one sentence */
};

/** Frees a report and sets NULL; NULL and a pointer to NULL are fine.  Threads: any.  Blocks: no. */
KILN_API void kiln_tune_report_destroy(struct kiln_tune_report **report);

/** Whether the verdict ends a configuration for good: WRONG and HUNG are never tried again.
 *  Threads: any.  Blocks: no. */
KILN_API bool kiln_tune_verdict_is_final(enum kiln_tune_verdict verdict);

/** Names for printing, "won", "cut early", "race"; "?" for unknown values.  Threads: any.  Blocks: no. */
KILN_API const char *kiln_tune_verdict_name(enum kiln_tune_verdict verdict);
KILN_API const char *kiln_tune_method_name(enum kiln_tune_method method);

/** The configuration in words, "128x1x1 unroll 4 tile 16x16x1 #7=2": what has no named field as #id=value. Writes at
 *  most `bytes`, NUL-terminated.
 *  Returns: the length needed, without NUL.  Threads: any.  Blocks: no. */
KILN_API size_t kiln_tune_config_text(const struct kiln_tune_config *config, char *out_text, size_t bytes);

KILN_END_DECLS

#endif
