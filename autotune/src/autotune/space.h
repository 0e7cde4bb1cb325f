/* The configurations a kernel can be launched with: axes of candidate values, cut by limits and rules before anything is
 * compiled, in order of simplicity. Pure. */
#ifndef AUTOTUNE_SPACE_H
#define AUTOTUNE_SPACE_H

#include <kiln/tune_report.h>

#define KILN_SPACE_AXES KILN_TUNE_CONSTANTS
#define KILN_SPACE_VALUES 32    /* candidates on one axis */
#define KILN_SPACE_CONFIGS 4096 /* in a space, at most */
#define KILN_SPACE_RULES 16
#define KILN_SPACE_NONE SIZE_MAX

/* What an axis sets; several where one constant sets several (two dimensions of one id). None: a plain constant. */
enum kiln_space_role {
	KILN_ROLE_WORKGROUP_X = 1 << 0,
	KILN_ROLE_WORKGROUP_Y = 1 << 1,
	KILN_ROLE_WORKGROUP_Z = 1 << 2,
	KILN_ROLE_UNROLL = 1 << 3,
	KILN_ROLE_TILE_X = 1 << 4,
	KILN_ROLE_TILE_Y = 1 << 5,
	KILN_ROLE_TILE_Z = 1 << 6,
};

/* One tunable. `values` need no order and may repeat; the default is added where it is missing. */
struct kiln_space_axis {
	uint32_t roles;    /* enum kiln_space_role */
	bool has_constant; /* set through constant `id`; false: rewritten in the module by the caller */
	uint32_t id;
	uint32_t default_value;
	uint32_t values[KILN_SPACE_VALUES];
	size_t value_count;
};

/* The device classes the rule knows. */
enum kiln_space_device {
	KILN_SPACE_CPU = 1,
	KILN_SPACE_INTEGRATED,
	KILN_SPACE_DISCRETE, /* also for what is none of the three */
};

/* The value of `axis` must divide the value of `of`, or, where `of` is KILN_SPACE_NONE, `number`. 0 never divides. */
struct kiln_space_rule {
	size_t axis;
	size_t of;
	uint64_t number;
};

struct kiln_space_params {
	const struct kiln_space_axis *axes;
	size_t axis_count;
	/* What no axis sets. Values of axes in it do not matter. */
	struct kiln_tune_config base;

	enum kiln_space_device device; /* 0: discrete */
	uint32_t subgroup_size;        /* 0: 32 */
	uint32_t max_workgroup[3];     /* 0: no limit */
	uint32_t max_threads;          /* of a workgroup; 0: no limit */
	uint64_t max_shared_bytes;     /* 0: no limit */
	size_t max_configs;            /* 0 or more than KILN_SPACE_CONFIGS: that many */

	const struct kiln_space_rule *rules;
	size_t rule_count;
	/* Workgroup memory of a configuration; UINT64_MAX where it cannot be had. NULL: not limited. */
	uint64_t (*shared_bytes)(void *user, const struct kiln_tune_config *config);
	/* The caller's own word. NULL: everything goes. */
	bool (*allow)(void *user, const struct kiln_tune_config *config);
	void *user;
};

/* A space. Configuration 0 is the default, whatever the limits say of it: it is what the program runs without tuning.
 * The others follow in order of simplicity, which is fixed: fewer axes that differ from the default, then fewer steps
 * (positions on the axes) from the rule's start, then smaller unroll, smaller product of tile, fewer threads, rounder
 * workgroup (smaller largest dimension), then by the axes' values. */
struct kiln_space;

/* KILN_ERR_INVALID_ARGUMENT for no axis, too many of anything or a value 0 on a workgroup axis; KILN_ERR_OUT_OF_MEMORY. */
enum kiln_status kiln_space_create(const struct kiln_space_params *params, struct kiln_space **out_space);
void kiln_space_destroy(struct kiln_space **space);

size_t kiln_space_count(const struct kiln_space *space); /* at least 1 */
const struct kiln_tune_config *kiln_space_config(const struct kiln_space *space, size_t index);

/* How many were cut by `max_configs`: the least simple ones, after the axes' values were thinned. */
size_t kiln_space_dropped(const struct kiln_space *space);

/* What the device class' rule would take: where the search starts. May be 0. */
size_t kiln_space_start(const struct kiln_space *space);

/* Axes with more than one value left, in the order in which steps are worth taking. */
size_t kiln_space_axis_count(const struct kiln_space *space);

/* The next valid configuration up (+1) or down (-1) one axis, the others as they are; KILN_SPACE_NONE at the end. */
size_t kiln_space_step(const struct kiln_space *space, size_t index, size_t axis, int direction);

/* Steps apart, summed over the axes. */
uint32_t kiln_space_distance(const struct kiln_space *space, size_t a, size_t b);

/* On one axis, and what a step there is worth: the length of half the axis is 1, and a step never more. */
uint32_t kiln_space_axis_distance(const struct kiln_space *space, size_t a, size_t b, size_t axis);
double kiln_space_axis_unit(const struct kiln_space *space, size_t axis);
/* Root of the squares over all axes, in those units: how little one tells about the other. */
double kiln_space_apart(const struct kiln_space *space, size_t a, size_t b);

/* Values on the axis, at least 2. */
size_t kiln_space_axis_values(const struct kiln_space *space, size_t axis);

/* The configuration with these named fields (a record's); KILN_SPACE_NONE. */
size_t kiln_space_find(const struct kiln_space *space, const struct kiln_tune_config *config);

/* Fills an axis with the powers of two from `low` to `high`, both at most 2^31, and the default. */
void kiln_space_powers(struct kiln_space_axis *axis, uint32_t low, uint32_t high);

#endif
