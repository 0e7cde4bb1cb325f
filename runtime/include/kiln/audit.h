/* How well the cache serves: resolves of any span, device or process, added up. A plain value: no lock, no memory of its own. */
#ifndef KILN_AUDIT_H
#define KILN_AUDIT_H

#include <stdbool.h>
#include <stdint.h>

#include <kiln/kernel.h>

KILN_BEGIN_DECLS

#define KILN_BASIS_POINTS 10000u /* of a whole */

/** Zeroed = an audit without an alarm. Copy it, add two up, keep it where you like. */
struct kiln_audit {
	uint64_t hits, misses, unknowns; /* stop at the largest value there is */
	uint32_t alarm_basis_points;     /* 0 = never alarms */
};

struct kiln_audit_report {
	uint64_t hits, misses, unknowns;
	bool has_rate;              /* there was a hit or a miss: unknowns tell nothing, and no data is not 0 % */
	uint32_t rate_basis_points; /* hits of hits and misses, rounded down; 0 without a rate */
	bool below_alarm;           /* there is a rate, and it is lower than the alarm's */
};

/** Starts anew. An alarm over 10000 counts as 10000. NULL is fine here and below.  Threads: one at a time for an audit.
 *  Blocks: no. */
KILN_API void kiln_audit_init(struct kiln_audit *audit, uint32_t alarm_basis_points);
/** Adds one resolve: kiln_build.cache_hit. Any other value counts as unknown. */
KILN_API void kiln_audit_add(struct kiln_audit *audit, enum kiln_hit hit);
KILN_API struct kiln_audit_report kiln_audit_report(const struct kiln_audit *audit);

KILN_END_DECLS

#endif
