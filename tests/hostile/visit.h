/* One visit = one process that opens the hostile driver's device and does a day's work on it, twice: create,
 * resolve, launch, copy, fill, read, compare. Nothing is asserted there: the process reports what it saw, and
 * how it ended. */
#ifndef TESTS_HOSTILE_VISIT_H
#define TESTS_HOSTILE_VISIT_H

#include <stdbool.h>

#include <kiln/kiln.h>

#include "place.h"
#include "test.h"

enum step {
	STEP_DONE, /* nothing failed and every byte was right */
	STEP_OPEN,
	STEP_RESOLVE,
	STEP_RUN,
	STEP_WRONG, /* nothing failed, and the results are wrong */
};

struct attempt {
	enum step stopped; /* where */
	enum kiln_status status;
	enum kiln_outcome outcome; /* 0 = not resolved */
	enum kiln_miss_reason miss;
	char message[1024]; /* of a failure */
};

struct visit {
	struct attempt first, second; /* of one device, unless it did not open the first time */
	int signal;                   /* that ended the process; 0 = none */
	unsigned warnings;            /* in Kiln's log */
	unsigned devices;             /* listed */
	struct kiln_device_info info;
};

/* Runs a visit under these rules (driver/script.h) in a process of its own; one that hangs is ended by SIGALRM.
 * Asserts that no rule of Vulkan was broken, and that every rule of the script struck. */
void visit(const struct place *place, const char *script, struct visit *out_visit);
/* The same for rules that have no occasion to strike: asserts that none did. */
void visit_in_peace(const struct place *place, const char *script, struct visit *out_visit);

/* Asserts where an attempt stopped, and that a failure says how to fix it. */
void assert_attempt(const struct attempt *attempt, enum step stopped, enum kiln_status status);
void assert_outcome(const struct attempt *attempt, enum kiln_outcome outcome);
/* Both attempts did everything right; the first resolve was `outcome`, the second came from memory. */
void assert_good(const struct visit *visit, enum kiln_outcome outcome);

#endif
