/* Inside a space: shared by space_axis.c, space_order.c, space_walk.c and space.c. */
#ifndef AUTOTUNE_SPACE_STATE_H
#define AUTOTUNE_SPACE_STATE_H

#include <autotune/space.h>

#define SPACE_RAW \
	16384 /* combinations looked at, at most: `shared_bytes` may have to reflect a module for each */

/* Positions of one configuration on the axes, in the caller's order of axes. */
struct space_place {
	uint8_t at[KILN_SPACE_AXES];
};

struct kiln_space {
	struct kiln_space_axis axes[KILN_SPACE_AXES]; /* values ascending, without repeats */
	uint8_t default_at[KILN_SPACE_AXES];
	size_t axis_count;
	size_t walk[KILN_SPACE_AXES]; /* axes with a choice, best first */
	size_t walk_count;
	struct kiln_tune_config *configs;
	struct space_place *places;
	uint16_t *by_code; /* code of a place -> index + 1; 0 = not valid */
	size_t code_count;
	size_t count, dropped, start;
};

/* Sorted, without repeats, default included, and thinned until all combinations are at most SPACE_RAW. */
void space_prepare_axes(struct kiln_space *space);

size_t space_code(const struct kiln_space *space, const struct space_place *place);
void space_decode(const struct kiln_space *space, size_t code, struct space_place *out_place);
void space_config_at(const struct kiln_space *space, const struct kiln_space_params *params,
                     const struct space_place *place, struct kiln_tune_config *out_config);
bool space_allows(const struct kiln_space *space, const struct kiln_space_params *params,
                  const struct space_place *place, const struct kiln_tune_config *config);

/* How far a configuration is from what the rule for the device class would take; the smallest is the start. */
double space_rule_distance(const struct kiln_space *space, const struct kiln_space_params *params,
                           const struct space_place *place, const struct kiln_tune_config *config);

/* Sorts places by simplicity, the default first. False without memory. */
bool space_sort(const struct kiln_space *space, struct space_place *places, size_t count,
                const struct space_place *start);

#endif
