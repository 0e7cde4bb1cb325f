/* Who wins, from the paired final rounds: the rule that lets nothing become slower and two runs agree. Pure. */
#ifndef AUTOTUNE_DECISION_H
#define AUTOTUNE_DECISION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The default loses only to what is at least 3 % faster, by more than it may err ... */
#define KILN_DECISION_GAIN 0.97
/* ... in nine of ten paired rounds, of which there are at least ten. */
#define KILN_DECISION_WON 0.9
#define KILN_DECISION_ROUNDS 10
/* Measured this close to the fastest counts as equal; to all that are hardly slower than it, as the lowest of several
 * numbers is lower than it should be. */
#define KILN_DECISION_TIE 1.03
/* Undecided while a number that matters is within so many standard errors of the line it is compared with. */
#define KILN_DECISION_ERRORS 2.0

struct kiln_decision_entry {
	size_t config; /* the smaller, the simpler */
	double ratio;  /* to the default, from the final rounds */
	double error;  /* standard error of `ratio`, relative */
	uint32_t won, paired;
};

struct kiln_decision {
	size_t winner;  /* configuration; 0 = the default stays */
	size_t fastest; /* configuration; 0 where there is no entry */
	bool decided;   /* false: more rounds could still change it */
	double line;    /* ties have a ratio up to here; 0 where there is no entry */
	double error;   /* relative, of the line */
	bool beaten;    /* something was 3 % faster by its ratio, whether it won its rounds or not */
};

/* `entries` without the default. */
struct kiln_decision kiln_decide(const struct kiln_decision_entry *entries, size_t count);

/* Has the entry beaten the default, by ratio and by rounds? */
bool kiln_decision_passes(const struct kiln_decision_entry *entry);

/* Is the entry, for certain, no tie of the fastest and no winner, so that it need not be measured any more? */
bool kiln_decision_is_out(const struct kiln_decision_entry *entry, const struct kiln_decision *decision);

/* How often to sample in a round and keep the shortest, when this share of the samples is disturbed: so often that
 * fewer than one round in twenty is disturbed altogether, and at most five times. */
uint32_t kiln_decision_passes_per_round(double slow_share);

#endif
