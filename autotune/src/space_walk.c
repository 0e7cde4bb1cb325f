/* Going from one configuration to the next. */
#include "space_state.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static size_t index_of(const struct kiln_space *space, const struct space_place *place)
{
	uint16_t found = space->by_code[space_code(space, place)];

	return found != 0 ? (size_t)found - 1 : KILN_SPACE_NONE;
}

size_t kiln_space_axis_count(const struct kiln_space *space)
{
	return space->walk_count;
}

size_t kiln_space_axis_values(const struct kiln_space *space, size_t axis)
{
	return space->axes[space->walk[axis]].value_count;
}

uint32_t kiln_space_axis_distance(const struct kiln_space *space, size_t a, size_t b, size_t axis)
{
	size_t at = space->walk[axis];

	return (uint32_t)abs(space->places[a].at[at] - space->places[b].at[at]);
}

double kiln_space_axis_unit(const struct kiln_space *space, size_t axis)
{
	return fmin(2 / (double)kiln_space_axis_values(space, axis), 1);
}

double kiln_space_apart(const struct kiln_space *space, size_t a, size_t b)
{
	double sum = 0;

	for (size_t i = 0; i < space->walk_count; i++) {
		double apart = kiln_space_axis_distance(space, a, b, i) * kiln_space_axis_unit(space, i);

		sum += apart * apart;
	}
	return sqrt(sum);
}

size_t kiln_space_step(const struct kiln_space *space, size_t index, size_t axis, int direction)
{
	struct space_place place = space->places[index];
	size_t at = space->walk[axis], count = space->axes[at].value_count;

	while (direction > 0 ? place.at[at] + 1u < count : place.at[at] > 0) {
		size_t found;

		place.at[at] = (uint8_t)(direction > 0 ? place.at[at] + 1 : place.at[at] - 1);
		found = index_of(space, &place);
		if (found != KILN_SPACE_NONE)
			return found;
	}
	return KILN_SPACE_NONE;
}

/* What a record holds, no more: two configurations that differ in other constants only are the same to it. */
static bool same(const struct kiln_tune_config *a, const struct kiln_tune_config *b)
{
	return memcmp(a->workgroup, b->workgroup, sizeof(a->workgroup)) == 0 && a->unroll == b->unroll &&
	       memcmp(a->tile, b->tile, sizeof(a->tile)) == 0;
}

size_t kiln_space_find(const struct kiln_space *space, const struct kiln_tune_config *config)
{
	for (size_t i = 0; i < space->count; i++)
		if (same(&space->configs[i], config))
			return i;
	return KILN_SPACE_NONE;
}
