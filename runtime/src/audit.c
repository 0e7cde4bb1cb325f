#include <kiln/audit.h>

static void count(uint64_t *counter)
{
	*counter += *counter < UINT64_MAX;
}

void kiln_audit_init(struct kiln_audit *audit, uint32_t alarm_basis_points)
{
	if (!audit)
		return;
	if (alarm_basis_points > KILN_BASIS_POINTS)
		alarm_basis_points = KILN_BASIS_POINTS;
	*audit = (struct kiln_audit){.alarm_basis_points = alarm_basis_points};
}

void kiln_audit_add(struct kiln_audit *audit, enum kiln_hit hit)
{
	if (audit)
		count(hit == KILN_HIT_TRUE    ? &audit->hits
		      : hit == KILN_HIT_FALSE ? &audit->misses
		                              : &audit->unknowns);
}

/* floor(10000 part / whole) for part <= whole, whole > 0. Long division, digit by digit: 10000 part may not fit. */
static uint32_t basis_points(uint64_t part, uint64_t whole)
{
	uint32_t points = (uint32_t)(part / whole);

	part %= whole;
	for (int digit = 0; digit < 4; digit++) {
		uint32_t next = 0;

		/* part = 10 part, less whole as often as it goes; neither overflows, as part < whole. */
		for (uint64_t tenth = part, i = 0; i < 9; i++) {
			if (part >= whole - tenth) {
				part -= whole - tenth;
				next++;
			} else {
				part += tenth;
			}
		}
		points = points * 10 + next;
	}
	return points;
}

struct kiln_audit_report kiln_audit_report(const struct kiln_audit *audit)
{
	struct kiln_audit_report report = {0};
	uint64_t hits, misses;

	if (!audit)
		return report;
	report.hits = hits = audit->hits;
	report.misses = misses = audit->misses;
	report.unknowns = audit->unknowns;
	if (hits > UINT64_MAX - misses) { /* both are so large that halves tell as much */
		hits /= 2;
		misses /= 2;
	}
	report.has_rate = hits + misses > 0;
	if (report.has_rate)
		report.rate_basis_points = basis_points(hits, hits + misses);
	report.below_alarm = report.has_rate && report.rate_basis_points < audit->alarm_basis_points;
	return report;
}
