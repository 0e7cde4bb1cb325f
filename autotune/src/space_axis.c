/* Making an axis orderly, and few enough values of all axes together. */
#include "space_state.h"

#include <stdlib.h>
#include <string.h>

static int by_value(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static bool has_value(const struct kiln_space_axis *axis, uint32_t value)
{
	for (size_t i = 0; i < axis->value_count; i++)
		if (axis->values[i] == value)
			return true;
	return false;
}

void kiln_space_powers(struct kiln_space_axis *axis, uint32_t low, uint32_t high)
{
	axis->value_count = 0;
	for (uint64_t power = 1; power <= high && power <= UINT64_C(1) << 31; power *= 2)
		if (power >= low && axis->value_count < KILN_SPACE_VALUES)
			axis->values[axis->value_count++] = (uint32_t)power;
	if (!has_value(axis, axis->default_value) && axis->value_count < KILN_SPACE_VALUES)
		axis->values[axis->value_count++] = axis->default_value;
	qsort(axis->values, axis->value_count, sizeof(axis->values[0]), by_value);
}

static uint8_t position(const struct kiln_space_axis *axis, uint32_t value)
{
	for (size_t i = 0; i < axis->value_count; i++)
		if (axis->values[i] == value)
			return (uint8_t)i;
	return 0;
}

static void tidy(struct kiln_space_axis *axis)
{
	size_t kept = 0;

	/* A full axis gives its last value up for the default. */
	if (!has_value(axis, axis->default_value)) {
		if (axis->value_count == KILN_SPACE_VALUES)
			axis->value_count--;
		axis->values[axis->value_count++] = axis->default_value;
	}
	qsort(axis->values, axis->value_count, sizeof(axis->values[0]), by_value);
	for (size_t i = 0; i < axis->value_count; i++)
		if (kept == 0 || axis->values[kept - 1] != axis->values[i])
			axis->values[kept++] = axis->values[i];
	axis->value_count = kept;
}

static size_t combinations(const struct kiln_space *space)
{
	size_t count = 1;

	for (size_t a = 0; a < space->axis_count; a++) {
		count *= space->axes[a].value_count;
		if (count > SPACE_RAW)
			return SPACE_RAW + 1;
	}
	return count;
}

/* Every second value goes, but for both ends and the default; from four on down, the end farther from the default. */
static void thin(struct kiln_space_axis *axis)
{
	size_t last = axis->value_count - 1, kept = 0;
	size_t at = position(axis, axis->default_value);

	if (axis->value_count <= 4) {
		if (at > last - at)
			memmove(axis->values, axis->values + 1, last * sizeof(axis->values[0]));
		axis->value_count--;
		return;
	}
	for (size_t i = 0; i <= last; i++)
		if (i % 2 == 0 || i == at || i == last)
			axis->values[kept++] = axis->values[i];
	axis->value_count = kept;
}

static struct kiln_space_axis *longest(struct kiln_space *space)
{
	struct kiln_space_axis *found = &space->axes[0];

	for (size_t a = 1; a < space->axis_count; a++)
		if (space->axes[a].value_count > found->value_count)
			found = &space->axes[a];
	return found;
}

/* Which axes are worth a step first: the workgroup moves time most, then the tile. */
static int rank(const struct kiln_space_axis *axis)
{
	if (axis->roles & (KILN_ROLE_WORKGROUP_X | KILN_ROLE_WORKGROUP_Y | KILN_ROLE_WORKGROUP_Z))
		return 0;
	if (axis->roles & (KILN_ROLE_TILE_X | KILN_ROLE_TILE_Y | KILN_ROLE_TILE_Z))
		return 1;
	return axis->roles & KILN_ROLE_UNROLL ? 2 : 3;
}

void space_prepare_axes(struct kiln_space *space)
{
	for (size_t a = 0; a < space->axis_count; a++)
		tidy(&space->axes[a]);
	while (combinations(space) > SPACE_RAW)
		thin(longest(space));
	space->code_count = combinations(space);
	for (size_t a = 0; a < space->axis_count; a++)
		space->default_at[a] = position(&space->axes[a], space->axes[a].default_value);
	for (int r = 0; r <= 3; r++)
		for (size_t a = 0; a < space->axis_count; a++)
			if (rank(&space->axes[a]) == r && space->axes[a].value_count > 1)
				space->walk[space->walk_count++] = a;
}
