/* Which entries go: a pure decision on plain numbers. */
#ifndef CACHE_EVICT_H
#define CACHE_EVICT_H

#include <stddef.h>
#include <stdint.h>

struct kiln_evict_item {
	uint64_t bytes;       /* what removing it frees */
	uint64_t ns_per_byte; /* what building it again costs, for each of them */
	int64_t last_use_s;
};

struct kiln_evict_rules {
	uint64_t max_bytes;
	int64_t max_age_s; /* 0 = any age may stay */
	int64_t now_s;
};

/* Filled by kiln_evict_choose(); room for one per item is the caller's. */
struct kiln_evict_choice {
	uint64_t rank;
	uint32_t index; /* of the item */
};

/* Victims: every item older than max_age_s, then the highest ranks until the rest fits max_bytes. Ties go
 * to the item that is cheaper to build, then the larger one, then the first, so that two processes agree.
 * Returns how many; they are the first of `out_choices`, the one to go first in front. */
size_t kiln_evict_choose(const struct kiln_evict_item *items, size_t count,
                         const struct kiln_evict_rules *rules, struct kiln_evict_choice *out_choices);

/* Seconds since the last use, divided by a weight that grows with the logarithm of the cost: what costs
 * nothing goes by age alone; what costs 1 ms a kilobyte (a usual pipeline) is kept eleven times as long. */
uint64_t kiln_evict_rank(const struct kiln_evict_item *item, int64_t now_s);

#endif
