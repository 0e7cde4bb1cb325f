/* What to try next. Racing takes coordinate steps from the fastest so far, axis by axis, starting where the rule of the
 * device class points; a model of what was measured fills in where they end. */
#include "search_state.h"

#include <math.h>

#include <base/alloc.h>

#define SEARCH_SIMPLER_MARGIN 1.15 /* of a guess */
#define SEARCH_LOOK_AROUND 32      /* configurations; fewer are all needed around the start */

static bool full(const struct kiln_search *search)
{
	return search->batch_count >= search->batch_limit ||
	       search->tried + search->batch_count >= search->max_configs;
}

bool search_is_new(const struct kiln_search *search, size_t config)
{
	if (config == KILN_SPACE_NONE || search->configs[config].tried ||
	    search->configs[config].gone != KILN_TUNE_NOT_TRIED)
		return false;
	for (size_t i = 0; i < search->batch_count; i++)
		if (search->batch[i] == config)
			return false;
	return true;
}

static void add(struct kiln_search *search, size_t config)
{
	if (!full(search) && search_is_new(search, config))
		search->batch[search->batch_count++] = config;
}

static size_t steps(const struct kiln_search *search, size_t from, size_t axis, int direction, size_t count)
{
	while (count-- > 0 && from != KILN_SPACE_NONE)
		from = kiln_space_step(search->params.space, from, axis, direction);
	return from;
}

/* One axis after the other, each as far as it leads; long strides first on long axes. */
static void add_steps(struct kiln_search *search, size_t base)
{
	size_t axes = kiln_space_axis_count(search->params.space);

	for (size_t divisor = 8; divisor <= 32 && search->batch_count == 0; divisor *= 2)
		for (size_t i = 0; i < axes && search->batch_count == 0; i++) {
			size_t axis = (search->axis + i) % axes;
			size_t stride = kiln_space_axis_values(search->params.space, axis) / divisor;

			for (int direction = 1; direction >= -1; direction -= 2)
				add(search, steps(search, base, axis, direction, stride != 0 ? stride : 1));
			if (search->batch_count != 0)
				search->axis = axis;
		}
}

/* More of one for less of another: where two share a resource, the way past its edge. */
static void add_trades(struct kiln_search *search, size_t base)
{
	size_t axes = kiln_space_axis_count(search->params.space);

	for (size_t up = 0; up < axes; up++)
		for (size_t down = 0; down < axes; down++)
			if (up != down)
				add(search, steps(search, steps(search, base, down, -1, 1), up, 1, 1));
}

/* What would be preferred to the best if it tied, and may. */
static void add_simpler(struct kiln_search *search, const struct search_model *model)
{
	size_t best = search_best(search);
	double bound = search->configs[best].score * SEARCH_SIMPLER_MARGIN;

	while (search->batch_count < 2) {
		size_t simpler = search_model_simpler(search, model, best, bound);

		if (simpler == KILN_SPACE_NONE || full(search))
			return;
		add(search, simpler);
	}
}

/* As far as can be from everything tried; the simplest of several. */
static size_t farthest(const struct kiln_search *search)
{
	size_t found = KILN_SPACE_NONE;
	double distance = 0;

	for (size_t i = 0; i < search->count; i++) {
		double nearest = INFINITY;

		for (size_t j = 0; j < search->count && search_is_new(search, i); j++)
			if (!search_is_new(search, j))
				nearest = fmin(nearest, kiln_space_apart(search->params.space, i, j));
		if (search_is_new(search, i) && nearest > distance * 1.000001) {
			distance = nearest;
			found = i;
		}
	}
	return found;
}

static void add_by_model(struct kiln_search *search, bool simpler)
{
	struct search_model *model = search_model_create(search);

	if (model == NULL)
		return;
	if (simpler)
		add_simpler(search, model);
	for (int bold = 0; bold <= 1 && search->batch_count < 2; bold++)
		add(search, search_model_promising(search, model, bold));
	kiln_free(model);
}

/* With a budget worth it, a look around first: a few far from each other, then what a model makes of them. Then
 * coordinate steps until they lead nowhere, then trades, then the model again. The last eighth of the budget goes to
 * what is simpler than the best. */
static void propose_around(struct kiln_search *search)
{
	size_t budget = search_expected(search);

	if (budget >= SEARCH_LOOK_AROUND && search->tried < 2 + budget / 5)
		for (int i = 0; i < SEARCH_BATCH && search->tried + search->batch_count < 2 + budget / 5; i++)
			add(search, farthest(search));
	if (budget >= SEARCH_LOOK_AROUND && search->batch_count == 0 && search->tried < budget / 2)
		add_by_model(search, false);
	if (search->batch_count == 0 && search->tried + budget / 8 >= budget && search->tried < budget)
		add_by_model(search, true);
	if (search->batch_count == 0)
		add_steps(search, search_best(search));
	if (search->batch_count == 0)
		add_trades(search, search_best(search));
	if (search->batch_count == 0)
		add_by_model(search, false);
}

static void propose_in_order(struct kiln_search *search)
{
	while (search->order_at < search->count && !full(search))
		add(search, search->order[search->order_at++]);
}

void search_propose(struct kiln_search *search)
{
	search->batch_count = search->batch_at = 0;
	if (search->order != NULL) {
		propose_in_order(search);
		return;
	}
	add(search, kiln_space_start(search->params.space));
	if (search->batch_count == 0)
		propose_around(search);
}
