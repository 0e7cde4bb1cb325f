/* kiln env: every variable Kiln reads, as it stands. */
#include <stdio.h>

#include "commands.h"
#include "json.h"
#include "text_table.h"
#include "tool.h"

static void print_json(struct kiln_tool *tool)
{
	cJSON *array = kiln_json_array(tool->root, "variables");

	for (size_t i = 0; i < kiln_env_count(); i++) {
		struct kiln_env_fact fact = kiln_env_fact(i);
		cJSON *object = kiln_json_append(array);

		kiln_json_text(object, "name", fact.name);
		kiln_json_text(object, "value", fact.value);
		kiln_json_text(object, "default", fact.default_value);
		kiln_json_bool(object, "valid", fact.valid);
		kiln_json_text(object, "accepts", fact.accepts);
		kiln_json_text(object, "meaning", fact.meaning);
	}
}

static void print_table(void)
{
	static const char *const titles[] = {"variable", "value", "default", "meaning", NULL};
	struct kiln_text_table table;

	kiln_text_table_init(&table, titles);
	for (size_t i = 0; i < kiln_env_count(); i++) {
		struct kiln_env_fact fact = kiln_env_fact(i);

		kiln_text_table_add(&table, "%s", fact.name);
		kiln_text_table_add(&table, "%s", fact.value ? fact.value : "-");
		kiln_text_table_add(&table, "%s", fact.default_value);
		kiln_text_table_add(&table, "%s", fact.meaning);
	}
	kiln_text_table_print(&table, 0, stdout);
	kiln_text_table_finish(&table);
}

static enum kiln_exit run(struct kiln_tool *tool, int argc, char **argv)
{
	struct kiln_parse parse = {0};

	if (!kiln_options_parse(tool, argc, argv, &parse))
		return parse.code;
	if (tool->json)
		print_json(tool);
	else
		print_table();
	for (size_t i = 0; i < kiln_env_count(); i++) {
		struct kiln_env_fact fact = kiln_env_fact(i);

		if (!fact.valid)
			kiln_tool_note(
				tool, "%s='%s' makes no sense, so it is not used. Fix: set it to %s",
				fact.name, fact.value, fact.accepts);
	}
	return KILN_EXIT_OK;
}

static const struct kiln_option *const tables[] = {kiln_options_common, NULL};

const struct kiln_command kiln_command_env = {
	.name = "env",
	.arguments = "",
	.summary = "show every environment variable Kiln reads, and flag values that make no sense",
	.description =
		"A value that makes no sense is never an error: the default is in force and a note says so. The\n"
		"exception is a secret: then the cache stays closed, as nothing would keep out what the secret was\n"
		"to keep out. KILN_CACHE_SECRET is never shown; yet other processes of the same user can read it,\n"
		"and child processes get it, so prefer KILN_CACHE_SECRET_FILE. The same bytes in either are the same\n"
		"secret; of the two, set one.",
	.examples = "kiln env\nKILN_CACHE=ro kiln env --json",
	.options = tables,
	.run = run,
};
