#include "space_state.h"

#include <string.h>

#include <base/alloc.h>
#include <base/error.h>

size_t space_code(const struct kiln_space *space, const struct space_place *place)
{
	size_t code = 0;

	for (size_t a = 0; a < space->axis_count; a++)
		code = code * space->axes[a].value_count + place->at[a];
	return code;
}

void space_decode(const struct kiln_space *space, size_t code, struct space_place *out_place)
{
	memset(out_place, 0, sizeof(*out_place));
	for (size_t a = space->axis_count; a-- > 0;) {
		out_place->at[a] = (uint8_t)(code % space->axes[a].value_count);
		code /= space->axes[a].value_count;
	}
}

static void apply(struct kiln_tune_config *config, const struct kiln_space_axis *axis, uint32_t value)
{
	for (int d = 0; d < 3; d++) {
		if (axis->roles & KILN_ROLE_WORKGROUP_X << d)
			config->workgroup[d] = value;
		if (axis->roles & KILN_ROLE_TILE_X << d)
			config->tile[d] = value;
	}
	if (axis->roles & KILN_ROLE_UNROLL)
		config->unroll = value;
	if (axis->has_constant)
		config->constants[config->constant_count++] =
			(struct kiln_tune_constant){axis->id, value, axis->roles != 0};
}

void space_config_at(const struct kiln_space *space, const struct kiln_space_params *params,
                     const struct space_place *place, struct kiln_tune_config *out_config)
{
	*out_config = params->base;
	for (size_t a = 0; a < space->axis_count; a++)
		apply(out_config, &space->axes[a], space->axes[a].values[place->at[a]]);
	/* The store wants positive numbers: what is not tunable counts once. */
	if (out_config->unroll == 0)
		out_config->unroll = 1;
	for (int d = 0; d < 3; d++)
		if (out_config->workgroup[d] == 0)
			out_config->workgroup[d] = 1;
	if (out_config->tile[0] != 0 || out_config->tile[1] != 0 || out_config->tile[2] != 0)
		for (int d = 0; d < 3; d++)
			if (out_config->tile[d] == 0)
				out_config->tile[d] = 1;
}

static enum kiln_status check_axis(const struct kiln_space_axis *axis, size_t index)
{
	const uint32_t positive =
		KILN_ROLE_WORKGROUP_X | KILN_ROLE_WORKGROUP_Y | KILN_ROLE_WORKGROUP_Z | KILN_ROLE_UNROLL;

	KILN_CHECK(axis->value_count <= KILN_SPACE_VALUES,
	           "axis %zu of the tuning space has %zu values. Fix: give at most %d", index,
	           axis->value_count, KILN_SPACE_VALUES);
	KILN_CHECK(
		!(axis->roles & positive) || axis->default_value != 0,
		"axis %zu of the tuning space has the default 0, and a workgroup or an unroll depth of 0 means "
		"nothing. Fix: give the kernel's own value",
		index);
	for (size_t i = 0; i < axis->value_count; i++)
		KILN_CHECK(
			!(axis->roles & positive) || axis->values[i] != 0,
			"axis %zu of the tuning space has a value 0, and a workgroup or an unroll depth of 0 means "
			"nothing. Fix: leave it out",
			index);
	return KILN_OK;
}

static enum kiln_status check(const struct kiln_space_params *params)
{
	KILN_CHECK(params != NULL && params->axes != NULL && params->axis_count != 0,
	           "a tuning space without an axis has nothing to tune. Fix: give at least one tunable");
	KILN_CHECK(params->axis_count + params->base.constant_count <= KILN_SPACE_AXES,
	           "a tuning space of %zu axes and %u constants is too large. Fix: give at most %d together",
	           params->axis_count, params->base.constant_count, KILN_SPACE_AXES);
	KILN_CHECK(params->rule_count <= KILN_SPACE_RULES &&
	                   (params->rules != NULL || params->rule_count == 0),
	           "a tuning space has %zu rules. Fix: give at most %d", params->rule_count,
	           KILN_SPACE_RULES);
	for (size_t i = 0; i < params->rule_count; i++)
		KILN_CHECK(
			params->rules[i].axis < params->axis_count &&
				(params->rules[i].of == KILN_SPACE_NONE ||
		                 params->rules[i].of < params->axis_count),
			"rule %zu of the tuning space names an axis that does not exist. Fix: use an index below %zu",
			i, params->axis_count);
	for (size_t i = 0; i < params->axis_count; i++)
		KILN_TRY(check_axis(&params->axes[i], i));
	return KILN_OK;
}

static bool is_default(const struct kiln_space *space, const struct space_place *place)
{
	return memcmp(place->at, space->default_at, sizeof(place->at)) == 0;
}

/* Lists the valid places and finds the one nearest to the rule. The default counts as valid. */
static void enumerate(struct kiln_space *space, const struct kiln_space_params *params,
                      struct space_place *out_start)
{
	double nearest = -1;

	memcpy(out_start->at, space->default_at, sizeof(out_start->at));
	for (size_t code = 0; code < space->code_count; code++) {
		struct kiln_tune_config config;
		struct space_place place;
		double distance;

		space_decode(space, code, &place);
		space_config_at(space, params, &place, &config);
		if (!is_default(space, &place) && !space_allows(space, params, &place, &config))
			continue;
		space->places[space->count++] = place;
		distance = space_rule_distance(space, params, &place, &config);
		if (nearest < 0 || distance < nearest) {
			nearest = distance;
			*out_start = place;
		}
	}
}

/* After sorting: what is beyond the bound goes, the rest can be found by its place. */
static bool index_places(struct kiln_space *space, const struct kiln_space_params *params,
                         const struct space_place *start)
{
	size_t bound =
		params->max_configs - 1 < KILN_SPACE_CONFIGS ? params->max_configs : KILN_SPACE_CONFIGS;

	if (space->count > bound) {
		space->dropped = space->count - bound;
		space->count = bound;
	}
	space->configs = kiln_alloc_zero(space->count, sizeof(*space->configs));
	space->by_code = kiln_alloc_zero(space->code_count, sizeof(*space->by_code));
	if (space->configs == NULL || space->by_code == NULL)
		return false;
	for (size_t i = 0; i < space->count; i++) {
		space_config_at(space, params, &space->places[i], &space->configs[i]);
		space->by_code[space_code(space, &space->places[i])] = (uint16_t)(i + 1);
	}
	space->start = space->by_code[space_code(space, start)];
	space->start -= space->start != 0;
	return true;
}

static bool build(struct kiln_space *space, const struct kiln_space_params *params)
{
	struct space_place start;

	memcpy(space->axes, params->axes, params->axis_count * sizeof(space->axes[0]));
	space->axis_count = params->axis_count;
	space_prepare_axes(space);
	space->places = kiln_alloc_zero(space->code_count, sizeof(*space->places));
	if (space->places == NULL)
		return false;
	enumerate(space, params, &start);
	return space_sort(space, space->places, space->count, &start) && index_places(space, params, &start);
}

enum kiln_status kiln_space_create(const struct kiln_space_params *params, struct kiln_space **out_space)
{
	struct kiln_space *space;

	KILN_CHECK(out_space != NULL,
	           "kiln_space_create() has nowhere to put the space. Fix: pass a pointer");
	KILN_TRY(check(params));
	space = kiln_alloc_zero(1, sizeof(*space));
	if (space == NULL || !build(space, params)) {
		kiln_space_destroy(&space);
		return kiln_error(KILN_ERR_OUT_OF_MEMORY,
		                  "no memory for a tuning space of %zu axes. Fix: free some",
		                  params->axis_count);
	}
	*out_space = space;
	return KILN_OK;
}

void kiln_space_destroy(struct kiln_space **space)
{
	if (space == NULL || *space == NULL)
		return;
	kiln_free((*space)->configs);
	kiln_free((*space)->places);
	kiln_free((*space)->by_code);
	kiln_free(*space);
	*space = NULL;
}

size_t kiln_space_count(const struct kiln_space *space)
{
	return space->count;
}

size_t kiln_space_dropped(const struct kiln_space *space)
{
	return space->dropped;
}

size_t kiln_space_start(const struct kiln_space *space)
{
	return space->start;
}

const struct kiln_tune_config *kiln_space_config(const struct kiln_space *space, size_t index)
{
	return &space->configs[index];
}
