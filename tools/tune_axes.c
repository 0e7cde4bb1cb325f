#include "tune_axes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS_MAX 20
#define ROWS_MAX 24
#define BARS_MAX 24
#define ALL_CELLS_MAX 180 /* above, rows and columns that nothing was tried of are left out */
#define FIELDS (7 + KILN_TUNE_CONSTANTS)

static const char *const field_names[7] = {"workgroup x", "workgroup y", "workgroup z", "unroll",
                                           "tile x",      "tile y",      "tile z"};

static uint32_t field(const struct kiln_tune_config *config, size_t at)
{
	if (at < 3)
		return config->workgroup[at];
	if (at == 3)
		return config->unroll;
	if (at < 7)
		return config->tile[at - 4];
	at -= 7;
	return at < config->constant_count && !config->constants[at].named ? config->constants[at].value : 0;
}

/* Fields that make up an axis, or none. */
struct axis {
	size_t fields[FIELDS], count;
};

static bool varies(const struct kiln_tune_report *report, size_t at)
{
	for (size_t i = 1; i < report->candidate_count; i++)
		if (field(&report->candidates[i].config, at) != field(&report->candidates[0].config, at))
			return true;
	return false;
}

static bool same_field(const struct kiln_tune_report *report, size_t a, size_t b)
{
	for (size_t i = 0; i < report->candidate_count; i++)
		if (field(&report->candidates[i].config, a) != field(&report->candidates[i].config, b))
			return false;
	return true;
}

/* What varies; of two that always vary together, the first. */
static struct axis find_varying(const struct kiln_tune_report *report)
{
	struct axis all = {0};

	for (size_t at = 0; at < FIELDS; at++) {
		bool is_new = varies(report, at);

		for (size_t i = 0; is_new && i < all.count; i++)
			is_new = !same_field(report, all.fields[i], at);
		if (is_new)
			all.fields[all.count++] = at;
	}
	return all;
}

/* Two are the two axes; of more, the workgroup is one and the rest the other. */
static void split(const struct axis *all, struct axis *x, struct axis *y)
{
	size_t workgroup = 0, first;

	for (size_t i = 0; i < all->count; i++)
		workgroup += all->fields[i] < 3;
	first = all->count <= 2 || workgroup == 0 || workgroup == all->count ? 1 : workgroup;
	for (size_t i = 0; i < all->count; i++) {
		struct axis *to = i < first ? x : y;

		to->fields[to->count++] = all->fields[i];
	}
}

static int compare_on(const struct axis *axis, const struct kiln_tune_config *a,
                      const struct kiln_tune_config *b)
{
	uint64_t x = 1, y = 1;

	/* Workgroups by their threads, then by their shape. */
	for (size_t i = 0; i < axis->count && axis->fields[i] < 3; i++) {
		x *= field(a, axis->fields[i]);
		y *= field(b, axis->fields[i]);
	}
	if (x != y)
		return x < y ? -1 : 1;
	for (size_t i = 0; i < axis->count; i++) {
		uint32_t p = field(a, axis->fields[i]), q = field(b, axis->fields[i]);

		if (p != q)
			return p < q ? -1 : 1;
	}
	return 0;
}

/* `alone`: the other dimensions of the workgroup are what they are. */
static void title_of(const struct axis *axis, bool alone, char *out)
{
	size_t at = 0;

	*out = '\0';
	if (alone || (axis->count > 1 && axis->fields[axis->count - 1] < 3)) {
		snprintf(out, KILN_TUNE_LABEL_BYTES, "workgroup size");
		return;
	}
	for (size_t i = 0; i < axis->count && at < KILN_TUNE_LABEL_BYTES; i++) {
		size_t f = axis->fields[i];

		at += (size_t)snprintf(out + at, KILN_TUNE_LABEL_BYTES - at, "%s%s", i ? ", " : "",
		                       f < 7 ? field_names[f] : "constant");
	}
}

static void label_of(const struct axis *axis, const struct kiln_tune_config *config, char *out)
{
	const char *separator = axis->count && axis->fields[axis->count - 1] < 3 ? "\xc3\x97" : " \xc2\xb7 ";
	size_t at = 0;

	*out = '\0';
	for (size_t i = 0; i < axis->count && at < KILN_TUNE_LABEL_BYTES; i++)
		at += (size_t)snprintf(out + at, KILN_TUNE_LABEL_BYTES - at, "%s%u", i ? separator : "",
		                       field(config, axis->fields[i]));
}

/* Of equal ones the first of the report stands first. */
static int compare_places(const void *a, const void *b, void *axis)
{
	const struct kiln_tune_candidate *x = *(const struct kiln_tune_candidate *const *)a;
	const struct kiln_tune_candidate *y = *(const struct kiln_tune_candidate *const *)b;
	int order = compare_on(axis, &x->config, &y->config);

	return order ? order : x < y ? -1 : x > y;
}

/* The distinct places on one axis, as candidates that have them, in order. */
struct places {
	const struct kiln_tune_candidate **of;
	size_t count;
};

static bool collect(const struct kiln_tune_report *report, const struct axis *axis, bool tried_only,
                    struct places *out)
{
	size_t all = 0;

	*out = (struct places){.of = calloc(report->candidate_count, sizeof *out->of)};
	if (!out->of)
		return false;
	for (size_t i = 0; i < report->candidate_count; i++)
		if (!tried_only || report->candidates[i].verdict != KILN_TUNE_NOT_TRIED)
			out->of[all++] = &report->candidates[i];
	qsort_r(out->of, all, sizeof *out->of, compare_places, (void *)axis);
	for (size_t i = 0; i < all; i++)
		if (!out->count ||
		    compare_on(axis, &out->of[out->count - 1]->config, &out->of[i]->config) != 0)
			out->of[out->count++] = out->of[i];
	return true;
}

static bool allocate(struct kiln_tune_grid *grid)
{
	grid->x_labels = calloc(grid->columns, sizeof *grid->x_labels);
	grid->y_labels = calloc(grid->rows, sizeof *grid->y_labels);
	grid->cells = calloc(grid->columns * grid->rows, sizeof *grid->cells);
	return grid->x_labels && grid->y_labels && grid->cells;
}

static void fill(const struct kiln_tune_report *report, const struct axis *x, const struct axis *y,
                 const struct places *columns, const struct places *rows, struct kiln_tune_grid *grid)
{
	size_t shown = 0;

	title_of(x, x->count == 1 && x->fields[0] == 0 && !(y->count && y->fields[0] < 3), grid->x_title);
	title_of(y, false, grid->y_title);
	for (size_t c = 0; c < grid->columns; c++)
		label_of(x, &columns->of[c]->config, grid->x_labels[c]);
	for (size_t r = 0; r < grid->rows; r++)
		label_of(y, &rows->of[r]->config, grid->y_labels[r]);
	for (size_t i = 0; i < report->candidate_count; i++) {
		const struct kiln_tune_candidate *candidate = &report->candidates[i];
		size_t c = 0, r = 0;

		while (c < grid->columns && compare_on(x, &columns->of[c]->config, &candidate->config))
			c++;
		while (r < grid->rows && compare_on(y, &rows->of[r]->config, &candidate->config))
			r++;
		if (c == grid->columns || r == grid->rows)
			continue;
		grid->cells[r * grid->columns + c] = candidate;
		shown++;
	}
	grid->hidden = report->candidate_count - shown;
}

/* ---- A bar chart of the best, where a grid would be no picture any more ---- */

/* The default must be seen, however slow it is. */
static void keep_default(const struct kiln_tune_report *report, const struct kiln_tune_candidate **order)
{
	for (size_t i = 0; i < BARS_MAX; i++)
		if (order[i] == &report->candidates[0])
			return;
	order[BARS_MAX - 1] = &report->candidates[0];
}

static bool make_bars(const struct kiln_tune_report *report, struct kiln_tune_grid *grid)
{
	const struct kiln_tune_candidate **order = calloc(report->candidate_count, sizeof *order);
	size_t count = 0;

	if (!order)
		return false;
	for (size_t i = 0; i < report->candidate_count; i++)
		if (report->candidates[i].verdict != KILN_TUNE_NOT_TRIED)
			order[count++] = &report->candidates[i];
	qsort(order, count, sizeof *order, kiln_tune_by_ratio);
	if (count > BARS_MAX) {
		keep_default(report, order);
		count = BARS_MAX;
	}
	*grid = (struct kiln_tune_grid){.columns = count,
	                                .rows = 1,
	                                .hidden = report->candidate_count - count};
	if (count && allocate(grid)) {
		for (size_t i = 0; i < count; i++) {
			char text[KILN_TUNE_CONFIG_BYTES];

			grid->cells[i] = order[i];
			snprintf(grid->x_labels[i], KILN_TUNE_LABEL_BYTES, "%.60s",
			         kiln_tune_config_short(&order[i]->config, text));
		}
	}
	free(order);
	return grid->cells != NULL && grid->x_labels != NULL && grid->y_labels != NULL;
}

bool kiln_tune_grid_make(const struct kiln_tune_story *story, struct kiln_tune_grid *out_grid)
{
	const struct kiln_tune_report *report = story->report;
	struct axis all = find_varying(report), x = {0}, y = {0};
	struct kiln_tune_grid grid = {0};
	struct places columns = {0}, rows = {0};
	bool good;

	split(&all, &x, &y);
	good = collect(report, &x, false, &columns) && collect(report, &y, false, &rows);
	if (good && columns.count * rows.count > ALL_CELLS_MAX) {
		free(columns.of);
		free(rows.of);
		good = collect(report, &x, true, &columns);
		good = collect(report, &y, true, &rows) && good;
	}
	grid.columns = columns.count;
	grid.rows = rows.count;
	if (good && (grid.columns > COLUMNS_MAX || grid.rows > ROWS_MAX))
		good = make_bars(report, &grid);
	else if (good && (good = allocate(&grid)))
		fill(report, &x, &y, &columns, &rows, &grid);
	free(columns.of);
	free(rows.of);
	if (good)
		*out_grid = grid;
	else
		kiln_tune_grid_finish(&grid);
	return good;
}

void kiln_tune_grid_finish(struct kiln_tune_grid *grid)
{
	free(grid->x_labels);
	free(grid->y_labels);
	free(grid->cells);
	*grid = (struct kiln_tune_grid){0};
}
