/* Reading spaces/<name>.csv. */
#include "simulate.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct header {
	enum kiln_space_device device;
	uint32_t subgroup;
	struct kiln_tune_config config;
};

static void fail(const struct simulated_space *space, const char *line)
{
	fprintf(stderr, "%s.csv is no space: %s\n", space->name, line);
	abort();
}

static bool read_config(const char *text, struct kiln_tune_config *out, double *out_ns)
{
	int fields =
		sscanf(text, "%u,%u,%u,%u,%u,%u,%u,%lf", &out->workgroup[0], &out->workgroup[1],
	               &out->workgroup[2], &out->unroll, &out->tile[0], &out->tile[1], &out->tile[2], out_ns);

	return fields >= 7 && out->workgroup[0] != 0 && out->workgroup[1] != 0 && out->workgroup[2] != 0 &&
	       out->unroll != 0;
}

static bool read_header(const char *line, struct header *out)
{
	char class[16], config[96];
	double none;

	if (sscanf(line, "# device %15s subgroup %u default %95s", class, &out->subgroup, config) != 3)
		return false;
	out->device = strcmp(class, "cpu") == 0          ? KILN_SPACE_CPU
	              : strcmp(class, "integrated") == 0 ? KILN_SPACE_INTEGRATED
	                                                 : KILN_SPACE_DISCRETE;
	return read_config(config, &out->config, &none);
}

static void read_rows(FILE *file, struct simulated_space *space, struct header *out_header)
{
	char line[256];

	while (fgets(line, sizeof(line), file) != NULL) {
		struct simulated_row *row = &space->rows[space->row_count];

		if (line[0] == '#') {
			read_header(line, out_header);
		} else if (line[0] >= '0' && line[0] <= '9') {
			if (space->row_count == SIMULATED_ROWS ||
			    !read_config(line, &row->config, &row->ns) || row->ns <= 0)
				fail(space, line);
			space->row_count++;
		}
	}
}

static const uint32_t *field(const struct kiln_tune_config *config, int axis)
{
	return axis < 3 ? &config->workgroup[axis] : axis == 3 ? &config->unroll : &config->tile[axis - 4];
}

static void add_value(struct kiln_space_axis *axis, uint32_t value)
{
	for (size_t i = 0; i < axis->value_count; i++)
		if (axis->values[i] == value)
			return;
	if (axis->value_count == KILN_SPACE_VALUES)
		abort();
	axis->values[axis->value_count++] = value;
}

static const struct simulated_row *row_of(const struct simulated_space *space,
                                          const struct kiln_tune_config *config)
{
	for (size_t i = 0; i < space->row_count; i++) {
		const struct kiln_tune_config *row = &space->rows[i].config;
		bool same = true;

		for (int a = 0; a < 7; a++)
			same = same && *field(row, a) == *field(config, a);
		if (same)
			return &space->rows[i];
	}
	return NULL;
}

static bool has_row(void *user, const struct kiln_tune_config *config)
{
	return row_of(user, config) != NULL;
}

/* Tiles that are the same in two dimensions are one axis, as where one constant sets both. */
static size_t make_axes(const struct simulated_space *space, const struct header *header,
                        struct kiln_space_axis axes[7])
{
	static const uint32_t roles[] = {KILN_ROLE_WORKGROUP_X, KILN_ROLE_WORKGROUP_Y, KILN_ROLE_WORKGROUP_Z,
	                                 KILN_ROLE_UNROLL,      KILN_ROLE_TILE_X,      KILN_ROLE_TILE_Y,
	                                 KILN_ROLE_TILE_Z};
	size_t count = 0;
	bool square = true;

	for (size_t i = 0; i < space->row_count; i++)
		square = square && space->rows[i].config.tile[0] == space->rows[i].config.tile[1];
	for (int a = 0; a < 7; a++) {
		struct kiln_space_axis axis = {.roles = roles[a],
		                               .default_value = *field(&header->config, a)};

		for (size_t i = 0; i < space->row_count; i++)
			add_value(&axis, *field(&space->rows[i].config, a));
		if (a == 4 && square)
			axis.roles |= KILN_ROLE_TILE_Y;
		if (axis.value_count > 1 && !(a == 5 && square))
			axes[count++] = axis;
	}
	return count;
}

static void make_space(struct simulated_space *space, const struct header *header)
{
	struct kiln_space_axis axes[7];
	struct kiln_space_params params = {
		.axes = axes,
		.axis_count = make_axes(space, header, axes),
		.base = header->config,
		.device = header->device,
		.subgroup_size = header->subgroup,
		.allow = has_row,
		.user = space,
	};

	if (kiln_space_create(&params, &space->space) != KILN_OK)
		fail(space, kiln_error_message());
	for (size_t i = 0; i < kiln_space_count(space->space); i++) {
		const struct simulated_row *row = row_of(space, kiln_space_config(space->space, i));

		if (row == NULL)
			fail(space, "the default has no row");
		space->times[i] = row->ns;
		if (space->best == 0 || row->ns < space->best)
			space->best = row->ns;
	}
}

static void load(struct simulated_space *space, const char *folder, const char *name)
{
	struct header header = {0};
	char path[4096];
	FILE *file;

	snprintf(space->name, sizeof(space->name), "%.*s", (int)strlen(name) - 4, name);
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "r");
	if (file == NULL)
		fail(space, "cannot be opened");
	read_rows(file, space, &header);
	fclose(file);
	if (space->row_count == 0 || header.device == 0)
		fail(space, "no rows, or no `# device` line");
	make_space(space, &header);
}

static int is_csv(const struct dirent *entry)
{
	size_t length = strlen(entry->d_name);

	return length > 4 && strcmp(entry->d_name + length - 4, ".csv") == 0;
}

size_t simulated_load(const char *folder, struct simulated_space **out_spaces)
{
	struct dirent **names;
	int count = scandir(folder, &names, is_csv, alphasort);

	if (count <= 0)
		abort();
	*out_spaces = calloc((size_t)count, sizeof(**out_spaces));
	if (*out_spaces == NULL)
		abort();
	for (int i = 0; i < count; i++) {
		load(&(*out_spaces)[i], folder, names[i]->d_name);
		free(names[i]);
	}
	free(names);
	return (size_t)count;
}

void simulated_free(struct simulated_space **spaces, size_t count)
{
	for (size_t i = 0; i < count; i++)
		kiln_space_destroy(&(*spaces)[i].space);
	free(*spaces);
	*spaces = NULL;
}
