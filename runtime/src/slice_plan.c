/* How a grid is cut. Slices are boxes that follow one another in the order x, y, z, so each is one dispatch with a base, and
 * neighbours stay together. */
#include "slice.h"

#include <string.h>

static uint64_t multiply(uint64_t a, uint64_t b)
{
	return b != 0 && a > UINT64_MAX / b ? UINT64_MAX : a * b;
}

static uint64_t round_up(uint64_t a, uint64_t b)
{
	return a / b + (a % b != 0);
}

uint64_t kiln_slice_total(const uint32_t groups[3])
{
	return multiply((uint64_t)groups[0] * groups[1], groups[2]);
}

uint64_t kiln_slice_fitting(uint64_t group_ps, uint64_t budget_ns)
{
	return group_ps == 0 ? UINT64_MAX : multiply(budget_ns, 1000) / group_ps;
}

uint64_t kiln_slice_lesson(uint64_t known_ps, uint64_t groups, uint64_t ns, bool first)
{
	uint64_t fresh = groups == 0 ? 0 : multiply(ns, 1000) / groups;

	if (fresh == 0)
		fresh = 1;
	if (groups == 0)
		return known_ps;
	if (first || known_ps == 0 || fresh > known_ps)
		return fresh;
	return known_ps - (known_ps - fresh) / 4;
}

void kiln_slice_plan_init(struct kiln_slice_plan *plan, const uint32_t groups[3], uint64_t budget_ns,
                          uint64_t floor, uint64_t group_ps)
{
	*plan = (struct kiln_slice_plan){
		.total = kiln_slice_total(groups),
		.budget_ns = budget_ns,
		.floor = floor ? floor : 1,
		.group_ps = group_ps,
	};
	memcpy(plan->groups, groups, sizeof(plan->groups));
	plan->done = plan->total == 0;
}

/* Workgroups the next slice should have. */
static uint64_t wanted(const struct kiln_slice_plan *plan)
{
	uint64_t least = round_up(plan->total, KILN_SLICES_MAX), want, most;

	if (plan->budget_ns == 0)
		return UINT64_MAX;
	if (least < plan->floor)
		least = plan->floor;
	most = plan->last ? multiply(plan->last, KILN_SLICE_GROWTH) : UINT64_MAX;
	if (plan->group_ps == 0)
		want = plan->last ? most : KILN_SLICE_FIRST;
	else
		want = kiln_slice_fitting(plan->group_ps, plan->budget_ns);
	if (want > most)
		want = most;
	return want < least ? least : want;
}

/* Of `left` pieces, at most `want` and at least one, so that those that follow are about as large. */
static uint32_t share(uint32_t left, uint64_t want)
{
	if (want == 0)
		want = 1;
	return want >= left ? left : (uint32_t)round_up(left, round_up(left, want));
}

static void advance(struct kiln_slice_plan *plan, int dimension, uint32_t by)
{
	plan->at[dimension] += by;
	for (int d = dimension; d < 2 && plan->at[d] == plan->groups[d]; d++) {
		plan->at[d] = 0;
		plan->at[d + 1]++;
	}
	plan->done = plan->at[2] == plan->groups[2];
}

bool kiln_slice_next(struct kiln_slice_plan *plan, struct kiln_slice *out_slice)
{
	uint64_t want = wanted(plan), row = plan->groups[0], plane = row * plan->groups[1];
	int dimension = 0;

	if (plan->done)
		return false;
	if (plan->at[0] == 0 && plan->at[1] == 0 && want >= plane)
		dimension = 2;
	else if (plan->at[0] == 0 && want >= row)
		dimension = 1;
	memcpy(out_slice->base, plan->at, sizeof(plan->at));
	for (int d = 0; d < 3; d++)
		out_slice->groups[d] = d < dimension ? plan->groups[d] : 1;
	out_slice->groups[dimension] =
		share(plan->groups[dimension] - plan->at[dimension], dimension == 2   ? want / plane
	                                                             : dimension == 1 ? want / row
	                                                                              : want);
	plan->last = kiln_slice_total(out_slice->groups);
	plan->handed += plan->last;
	advance(plan, dimension, out_slice->groups[dimension]);
	return true;
}
