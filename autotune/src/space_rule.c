/* What may be launched at all, and what the rule of the device class would launch. */
#include "space_state.h"

#include <math.h>

static uint32_t axis_value(const struct kiln_space *space, const struct space_place *place, size_t axis)
{
	return space->axes[axis].values[place->at[axis]];
}

static bool within_limits(const struct kiln_space_params *params, const struct kiln_tune_config *config)
{
	uint64_t threads = 1;

	for (int d = 0; d < 3; d++) {
		if (config->workgroup[d] == 0)
			return false;
		if (params->max_workgroup[d] != 0 && config->workgroup[d] > params->max_workgroup[d])
			return false;
		threads *= config->workgroup[d];
		if (threads > UINT32_MAX || (params->max_threads != 0 && threads > params->max_threads))
			return false;
	}
	return true;
}

static bool divides(const struct kiln_space *space, const struct space_place *place,
                    const struct kiln_space_rule *rule)
{
	uint64_t divisor = axis_value(space, place, rule->axis);
	uint64_t number = rule->of == KILN_SPACE_NONE ? rule->number : axis_value(space, place, rule->of);

	return divisor != 0 && number % divisor == 0;
}

bool space_allows(const struct kiln_space *space, const struct kiln_space_params *params,
                  const struct space_place *place, const struct kiln_tune_config *config)
{
	if (!within_limits(params, config))
		return false;
	for (size_t i = 0; i < params->rule_count; i++)
		if (!divides(space, place, &params->rules[i]))
			return false;
	if (params->allow != NULL && !params->allow(params->user, config))
		return false;
	return params->shared_bytes == NULL || params->max_shared_bytes == 0 ||
	       params->shared_bytes(params->user, config) <= params->max_shared_bytes;
}

/* A CPU driver runs a workgroup on one core, lane by lane, and pays for every barrier with the whole group's state: two
 * vectors' worth is best there. Integrated parts like small groups, discrete ones four waves. */
static double wanted_threads(const struct kiln_space_params *params)
{
	double wave = params->subgroup_size != 0 ? params->subgroup_size : 32;

	switch (params->device) {
	case KILN_SPACE_CPU:
		return fmin(fmax(2 * wave, 8), 64);
	case KILN_SPACE_INTEGRATED:
		return fmin(fmax(2 * wave, 64), 128);
	default:
		return fmin(fmax(4 * wave, 128), 256);
	}
}

static double steps_from_default(const struct kiln_space *space, const struct space_place *place,
                                 uint32_t roles, bool of_these)
{
	double steps = 0;

	for (size_t a = 0; a < space->axis_count; a++)
		if (((space->axes[a].roles & roles) != 0) == of_these)
			steps += fabs((double)place->at[a] - space->default_at[a]);
	return steps;
}

double space_rule_distance(const struct kiln_space *space, const struct kiln_space_params *params,
                           const struct space_place *place, const struct kiln_tune_config *config)
{
	const uint32_t workgroup = KILN_ROLE_WORKGROUP_X | KILN_ROLE_WORKGROUP_Y | KILN_ROLE_WORKGROUP_Z;
	double x = log2(config->workgroup[0]), y = log2(config->workgroup[1]), z = log2(config->workgroup[2]);
	double distance = 8 * fabs(x + y + z - log2(wanted_threads(params)));

	/* Neighbours in x share cache lines: square, or twice as wide. */
	if (config->workgroup[1] > 1)
		distance += fabs(x - y - 0.5);
	distance += steps_from_default(space, place, KILN_ROLE_WORKGROUP_Z, true);
	distance += 4 * steps_from_default(space, place, workgroup, false);
	return distance + 0.01 * steps_from_default(space, place, workgroup, true);
}
