#include "statistics.h"

#include <inttypes.h>
#include <stdio.h>

#include "json.h"

const char *const kiln_statistics_titles[] = {"file", "entry", "statistic", ">value", NULL};

static void print_value(const struct kiln_statistic *statistic, char *out_text, size_t bytes)
{
	switch (statistic->type) {
	case KILN_STATISTIC_BOOL:
		snprintf(out_text, bytes, "%s", statistic->value.boolean ? "yes" : "no");
		break;
	case KILN_STATISTIC_I64:
		snprintf(out_text, bytes, "%" PRId64, statistic->value.i64);
		break;
	case KILN_STATISTIC_U64:
		snprintf(out_text, bytes, "%" PRIu64, statistic->value.u64);
		break;
	case KILN_STATISTIC_F64:
		snprintf(out_text, bytes, "%g", statistic->value.f64);
		break;
	}
}

static void add_json(cJSON *object, const struct kiln_statistic *statistic)
{
	switch (statistic->type) {
	case KILN_STATISTIC_BOOL:
		kiln_json_bool(object, "value", statistic->value.boolean);
		break;
	case KILN_STATISTIC_I64:
		kiln_json_i64(object, "value", statistic->value.i64);
		break;
	case KILN_STATISTIC_U64:
		kiln_json_u64(object, "value", statistic->value.u64);
		break;
	case KILN_STATISTIC_F64:
		cJSON_AddNumberToObject(object, "value", statistic->value.f64);
		break;
	}
}

static void add_row(struct kiln_text_table *table, const char *file, const char *entry, const char *name,
                    const char *value)
{
	kiln_text_table_add(table, "%s", file);
	kiln_text_table_add(table, "%s", entry);
	kiln_text_table_add(table, "%s", name);
	kiln_text_table_add(table, "%s", value);
}

enum kiln_exit kiln_statistics_note(struct kiln_tool *tool, struct kiln_kernel *kernel, const char *file,
                                    const char *entry, struct kiln_text_table *table, cJSON *object)
{
	struct kiln_statistics statistics = {0};
	enum kiln_status status = kiln_kernel_statistics(kernel, &statistics);
	cJSON *array = object && !status ? kiln_json_array(object, "statistics") : NULL;
	char value[32];

	if (status)
		return kiln_tool_fail_for(tool, status, KILN_EXIT_OK, "'%s'", file);
	snprintf(value, sizeof value, "%" PRIu32, statistics.subgroup_size);
	add_row(table, file, entry, "Subgroup size", statistics.subgroup_size ? value : "unknown");
	if (object)
		kiln_json_u64(object, "subgroup_size", statistics.subgroup_size);
	for (size_t i = 0; i < statistics.count; i++) {
		cJSON *one = array ? kiln_json_append(array) : NULL;

		print_value(&statistics.items[i], value, sizeof value);
		add_row(table, file, entry, statistics.items[i].name, value);
		kiln_json_text(one, "name", statistics.items[i].name);
		kiln_json_text(one, "description", statistics.items[i].description);
		add_json(one, &statistics.items[i]);
	}
	kiln_statistics_finish(&statistics);
	return KILN_EXIT_OK;
}
