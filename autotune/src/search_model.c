/* A guess at what has not been measured, from what has: a Gaussian process over the positions on the axes, on the logarithm
 * of the ratio to the default. Source: Rasmussen and Williams, Gaussian Processes for Machine Learning, algorithm 2.1, with
 * a Matern 3/2 kernel and fixed length scales: there are too few points to fit any. */
#include "search_state.h"

#include <math.h>
#include <string.h>

#include <base/alloc.h>

#define POINTS 64    /* the fastest so many are used */
#define WORST 1.1    /* log: three times the best. Beyond that, how bad it is tells nothing */
#define ADDITIVE 0.4 /* weight of what each axis does by itself */
#define NOISE 0.02   /* of one point, log */

struct search_model {
	size_t points[POINTS];
	double values[POINTS]; /* then the weights */
	double factor[POINTS][POINTS];
	size_t count;
	double mean, deviation;
	double kernels[KILN_SPACE_AXES][KILN_SPACE_VALUES]; /* by axis and steps */
};

static void tabulate(const struct kiln_search *search, struct search_model *model)
{
	const struct kiln_space *space = search->params.space;

	for (size_t axis = 0; axis < kiln_space_axis_count(space); axis++)
		for (size_t steps = 0; steps < KILN_SPACE_VALUES; steps++) {
			double distance = 1.7320508 * (double)steps * kiln_space_axis_unit(space, axis);

			model->kernels[axis][steps] = (1 + distance) * exp(-distance);
		}
}

static double kernel(const struct kiln_search *search, const struct search_model *model, size_t a, size_t b)
{
	size_t axes = kiln_space_axis_count(search->params.space);
	double sum = 0, product = 1;

	for (size_t axis = 0; axis < axes; axis++) {
		double k = model->kernels[axis][kiln_space_axis_distance(search->params.space, a, b, axis)];

		sum += k;
		product *= k;
	}
	return axes != 0 ? ADDITIVE * sum / (double)axes + (1 - ADDITIVE) * product : 0;
}

/* Insertion by score: the slowest fall out at the end. */
static void insert_point(const struct kiln_search *search, struct search_model *model, size_t config)
{
	double score = search->configs[config].score;
	size_t at = model->count < POINTS ? model->count++ : POINTS - 1;

	if (at == POINTS - 1 && model->count == POINTS && model->points[at] != 0 &&
	    search->configs[model->points[at]].score <= score)
		return;
	for (; at > 0 && search->configs[model->points[at - 1]].score > score; at--)
		model->points[at] = model->points[at - 1];
	model->points[at] = config;
}

static void collect(const struct kiln_search *search, struct search_model *model)
{
	double sum = 0, squares = 0, best;

	for (size_t i = 0; i < search->count; i++)
		if (search->configs[i].score > 0)
			insert_point(search, model, i);
	best = model->count != 0 ? log(search->configs[model->points[0]].score) : 0;
	for (size_t i = 0; i < model->count; i++) {
		model->values[i] = fmin(log(search->configs[model->points[i]].score), best + WORST);
		sum += model->values[i];
	}
	model->mean = model->count != 0 ? sum / (double)model->count : 0;
	for (size_t i = 0; i < model->count; i++) {
		model->values[i] -= model->mean;
		squares += model->values[i] * model->values[i];
	}
	model->deviation = fmax(sqrt(squares / fmax((double)model->count, 1)), 0.03);
}

static void decompose(const struct kiln_search *search, struct search_model *model)
{
	double nugget = pow(NOISE / model->deviation, 2);

	for (size_t i = 0; i < model->count; i++)
		for (size_t j = 0; j <= i; j++) {
			double sum = kernel(search, model, model->points[i], model->points[j]);

			for (size_t k = 0; k < j; k++)
				sum -= model->factor[i][k] * model->factor[j][k];
			model->factor[i][j] =
				i == j ? sqrt(fmax(sum + nugget, 1e-9)) : sum / model->factor[j][j];
		}
}

static void solve(struct search_model *model)
{
	double *v = model->values;

	for (size_t i = 0; i < model->count; i++) {
		for (size_t k = 0; k < i; k++)
			v[i] -= model->factor[i][k] * v[k];
		v[i] /= model->factor[i][i];
	}
	for (size_t i = model->count; i-- > 0;) {
		for (size_t k = i + 1; k < model->count; k++)
			v[i] -= model->factor[k][i] * v[k];
		v[i] /= model->factor[i][i];
	}
}

/* The lower end of what the configuration may turn out to be; far from every point it may be anything. */
static double promise(const struct kiln_search *search, const struct search_model *model, size_t config,
                      double boldness)
{
	double sum = model->mean, nearest = 0;

	for (size_t i = 0; i < model->count; i++) {
		double k = kernel(search, model, config, model->points[i]);

		sum += k * model->values[i];
		nearest = fmax(nearest, k);
	}
	return sum - boldness * model->deviation * sqrt(fmax(1 - nearest * nearest, 0));
}

static size_t most_promising(const struct kiln_search *search, const struct search_model *model,
                             double boldness)
{
	size_t found = KILN_SPACE_NONE;
	double best = INFINITY, best_known = log(search->configs[search_best(search)].score);
	bool tight = search->params.budget_ns != 0 && search_expected(search) < search->max_configs;

	for (size_t i = 1; i < search->count; i++) {
		double value;

		if (!search_is_new(search, i))
			continue;
		value = promise(search, model, i, boldness);
		/* What is slow takes long to find slow: not with a tight budget, where even luck would not make it win. */
		if (tight && promise(search, model, i, 1.0) > best_known)
			continue;
		if (value < best) {
			best = value;
			found = i;
		}
	}
	return found;
}

size_t search_model_promising(const struct kiln_search *search, const struct search_model *model, bool bold)
{
	/* One that is likely good, or one that may be. */
	return most_promising(search, model, bold ? 1.0 : 0.25);
}

double search_model_guess(const struct kiln_search *search, const struct search_model *model, size_t config)
{
	return exp(promise(search, model, config, 0));
}

size_t search_model_simpler(const struct kiln_search *search, const struct search_model *model, size_t than,
                            double bound)
{
	size_t found = KILN_SPACE_NONE;

	for (size_t i = 1; i < than; i++) {
		double guess = search_is_new(search, i) ? search_model_guess(search, model, i) : INFINITY;

		if (guess <= bound) {
			bound = guess;
			found = i;
		}
	}
	return found;
}

struct search_model *search_model_create(struct kiln_search *search)
{
	struct search_model *model = kiln_alloc_zero(1, sizeof(*model));

	if (model == NULL) {
		search->failed = KILN_ERR_OUT_OF_MEMORY;
		return NULL;
	}
	tabulate(search, model);
	collect(search, model);
	decompose(search, model);
	solve(model);
	return model;
}
