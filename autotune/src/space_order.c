/* The fixed order of simplicity: what decides between configurations that are equally fast. */
#include "space_state.h"

#include <stdlib.h>

#include <base/alloc.h>

#define KEYS 7

struct keyed {
	uint64_t keys[KEYS]; /* compared one after the other, smaller first */
	struct space_place place;
};

static uint32_t distance(const struct kiln_space *space, const struct space_place *a,
                         const struct space_place *b)
{
	uint32_t steps = 0;

	for (size_t i = 0; i < space->axis_count; i++)
		steps += (uint32_t)abs(a->at[i] - b->at[i]);
	return steps;
}

uint32_t kiln_space_distance(const struct kiln_space *space, size_t a, size_t b)
{
	return distance(space, &space->places[a], &space->places[b]);
}

static uint64_t product(const struct kiln_space *space, const struct space_place *place, uint32_t roles)
{
	uint64_t result = 1;

	for (size_t a = 0; a < space->axis_count; a++)
		for (uint32_t bit = space->axes[a].roles & roles; bit != 0; bit &= bit - 1) {
			uint64_t value = space->axes[a].values[place->at[a]];

			result = value != 0 && result > UINT32_MAX / value ? UINT32_MAX : result * value;
		}
	return result;
}

static uint64_t largest(const struct kiln_space *space, const struct space_place *place, uint32_t roles)
{
	uint64_t result = 0;

	for (size_t a = 0; a < space->axis_count; a++)
		if ((space->axes[a].roles & roles) != 0 && space->axes[a].values[place->at[a]] > result)
			result = space->axes[a].values[place->at[a]];
	return result;
}

static void fill_keys(const struct kiln_space *space, const struct space_place *start, struct keyed *item)
{
	const uint32_t workgroup = KILN_ROLE_WORKGROUP_X | KILN_ROLE_WORKGROUP_Y | KILN_ROLE_WORKGROUP_Z;
	const uint32_t tile = KILN_ROLE_TILE_X | KILN_ROLE_TILE_Y | KILN_ROLE_TILE_Z;
	const struct space_place *place = &item->place;

	item->keys[0] = 0;
	for (size_t a = 0; a < space->axis_count; a++)
		item->keys[0] += place->at[a] != space->default_at[a];
	item->keys[1] = distance(space, place, start);
	item->keys[2] = product(space, place, KILN_ROLE_UNROLL);
	item->keys[3] = product(space, place, tile);
	item->keys[4] = product(space, place, workgroup);
	item->keys[5] = largest(space, place, workgroup);
	item->keys[6] = space_code(space, place);
}

static int by_keys(const void *a, const void *b)
{
	const struct keyed *x = a, *y = b;

	for (int i = 0; i < KEYS; i++)
		if (x->keys[i] != y->keys[i])
			return x->keys[i] < y->keys[i] ? -1 : 1;
	return 0;
}

bool space_sort(const struct kiln_space *space, struct space_place *places, size_t count,
                const struct space_place *start)
{
	struct keyed *items = kiln_alloc_zero(count, sizeof(*items));

	if (items == NULL)
		return false;
	for (size_t i = 0; i < count; i++) {
		items[i].place = places[i];
		fill_keys(space, start, &items[i]);
	}
	qsort(items, count, sizeof(*items), by_keys);
	for (size_t i = 0; i < count; i++)
		places[i] = items[i].place;
	kiln_free(items);
	return true;
}
