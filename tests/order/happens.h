/* What happens before what in a record of commands, by the rules of the Vulkan specification (chapter "Synchronization and
 * Cache Control") and by nothing of Kiln's: for any two accesses of the same bytes, at least one of them a write, there must
 * be a chain of dependencies from the earlier to the later one.
 *
 * A dependency is a pipeline barrier, a semaphore that one batch signals and another waits for, or the host learning that a
 * batch is done and submitting another. Each has a first scope (what it waits for) and a second (what waits for it); two of
 * them form a chain where the second scope of one meets the first of the other. An access that read is ordered by any chain.
 * One that wrote needs memory too: the first dependency of the chain must make its kind of write available, the last must
 * make it visible to the other's kind of access. Signals and waits of semaphores, and fences, do so for all the device does;
 * what the host reads must have passed a barrier to the host's stage as well.
 *
 * Taken for granted: one thread makes all calls, so that the host's order is the record's; a batch waits only for semaphores
 * signalled by batches submitted before it; images and events do not occur. Every other doubt is reported as unordered. */
#ifndef TESTS_ORDER_HAPPENS_H
#define TESTS_ORDER_HAPPENS_H

#include <stdbool.h>
#include <stddef.h>

#include "trace.h"

struct happens {
	size_t conflicts;     /* pairs of accesses that must be ordered */
	size_t unordered;     /* of these, not ordered */
	size_t first, second; /* events of the first unordered pair */
};

/* `ignored` (may be NULL): barrier and wait events that are to be left out, by event. `enough`: stop at so many unordered
 * pairs, 0 = find all. */
struct happens happens_check(const struct trace_event *events, size_t count, const bool *ignored,
                             size_t enough);

/* ---- What the record could do without ---- */

struct happens_removal {
	size_t removed;   /* barriers and waits, each left out once */
	size_t caught;    /* leaving it out leaves a pair unordered */
	size_t redundant; /* it does not */
};

enum happens_part {
	HAPPENS_BARRIERS, /* between commands */
	HAPPENS_TO_HOST,  /* barriers whose second scope is the host alone */
	HAPPENS_WAITS,    /* for semaphores */
};

struct happens_removal happens_without_each(const struct trace_event *events, size_t count,
                                            enum happens_part part);

size_t happens_count(const struct trace_event *events, size_t count, enum happens_part part);

/* The fewest barriers of everything against everything, anywhere between the commands, that leave no pair unordered, by
 * trying them all; the record's own barriers between commands do not count. At most 16 commands on one queue. */
size_t happens_fewest_barriers(const struct trace_event *events, size_t count);

/* Prints the pair and what lies between. */
void happens_explain(const struct trace_event *events, size_t count, const struct happens *found);

#endif
