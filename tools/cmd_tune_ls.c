/* kiln tune ls, kiln tune show: what the store of tuned configurations holds. */
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "json.h"
#include "tune_record.h"
#include "tune_story.h"

struct listing {
	cJSON *array; /* NULL = for people */
	struct kiln_text_table table;
};

static bool list_one(void *user, const struct kiln_tune_record *record)
{
	struct listing *listing = user;

	if (listing->array)
		kiln_tune_record_json(kiln_json_append(listing->array), record);
	else
		kiln_tune_record_row(&listing->table, record);
	return true;
}

static enum kiln_exit list(struct kiln_tool *tool, struct kiln_store *store)
{
	struct listing listing = {.array = tool->json ? kiln_json_array(tool->root, "records") : NULL};
	const struct kiln_tune_choice all = {0};
	size_t count = 0;
	enum kiln_exit code;

	if (tool->json)
		kiln_json_text(tool->root, "path", kiln_store_path(store));
	kiln_text_table_init(&listing.table, kiln_tune_record_titles);
	code = kiln_tune_choice_each(tool, store, &all, list_one, &listing, &count);
	if (!code && !tool->json) {
		printf("%s: %zu record%s\n", kiln_store_path(store), count, count == 1 ? "" : "s");
		if (count)
			kiln_text_table_print(&listing.table, 0, stdout);
	}
	kiln_text_table_finish(&listing.table);
	return code;
}

static enum kiln_exit run_ls(struct kiln_tool *tool, int argc, char **argv)
{
	struct kiln_store *store = NULL;
	enum kiln_exit code;
	struct kiln_parse parse = {.max_operands = 1};

	if (!kiln_options_parse(tool, argc, argv, &parse))
		return parse.code;
	code = kiln_tune_store_open(tool, parse.first < argc ? argv[parse.first] : NULL, false, &store);
	if (!code)
		code = list(tool, store);
	kiln_store_close(&store);
	return code;
}

/* ---- show ---- */

static void print_line(const char *label, const char *text)
{
	printf("  %-12s ", label);
	kiln_print_clean(text, stdout);
	putchar('\n');
}

static void print_bad(const char *bad)
{
	while (bad && *bad) {
		size_t length = strcspn(bad, "\n");

		printf("  %-12s %.*s\n", "never again", (int)length, bad);
		bad += length + (bad[length] == '\n');
	}
}

static bool show_one(void *user, const struct kiln_tune_record *record)
{
	const struct listing *listing = user;
	const uint32_t *size = record->workgroup_size, *tile = record->tile;
	const char *status = kiln_tune_status_name(record->status);
	char text[KILN_TUNE_CONFIG_BYTES], key[KILN_TUNE_KEY_HEX];

	if (listing->array)
		return list_one(user, record);
	kiln_tune_key_encode(&record->key, key);
	printf("%s\n", key);
	print_line("adapter", record->adapter);
	if (record->driver)
		print_line("driver", record->driver);
	print_line("for", kiln_tune_bucket_text(record->bucket, text));
	printf("  %-12s %ux%ux%u, unroll %u", "workgroup", size[0], size[1], size[2], record->unroll);
	if (tile[0] || tile[1] || tile[2])
		printf(", tile %ux%ux%u", tile[0], tile[1], tile[2]);
	putchar('\n');
	if (record->ratio_default > 0)
		print_line("speed", kiln_tune_speed(record->ratio_default, text));
	if (record->rounds)
		printf("  %-12s %u\n", "rounds", record->rounds);
	if (status)
		print_line("status", status);
	print_line("recorded", record->recorded_at ? record->recorded_at : "-");
	print_bad(record->bad);
	return true;
}

struct showing {
	struct kiln_tool *tool;
	const char *adapter;
	struct kiln_glsl_args glsl;
};

static bool take_showing(void *user, int id, const char *value)
{
	struct showing *showing = user;

	if (id != KILN_OPT_ADAPTER)
		return kiln_glsl_args_take(showing->tool, &showing->glsl, id, value);
	showing->adapter = value;
	return true;
}

static enum kiln_exit show(struct showing *showing, struct kiln_store *store, const char *which)
{
	struct kiln_tool *tool = showing->tool;
	struct listing listing = {.array = tool->json ? kiln_json_array(tool->root, "records") : NULL};
	struct kiln_tune_choice choice;
	size_t count = 0;
	enum kiln_exit code = kiln_tune_choice_make(tool, which, showing->adapter, &showing->glsl, &choice);

	if (!code)
		code = kiln_tune_choice_each(tool, store, &choice, show_one, &listing, &count);
	if (!code && !count)
		code = kiln_tool_fail(tool, KILN_EXIT_FILE,
		                      "'%s' has no record in '%s'. Fix: see kiln tune ls", which,
		                      kiln_store_path(store));
	kiln_tune_choice_finish(&choice);
	return code;
}

static enum kiln_exit run_show(struct kiln_tool *tool, int argc, char **argv)
{
	struct kiln_store *store = NULL;
	struct showing showing = {.tool = tool};
	enum kiln_exit code;
	struct kiln_parse parse = {.take = take_showing,
	                           .user = &showing,
	                           .min_operands = 1,
	                           .max_operands = 1};

	if (!kiln_options_parse(tool, argc, argv, &parse))
		return parse.code;
	code = kiln_tune_store_open(tool, NULL, false, &store);
	if (!code)
		code = show(&showing, store, argv[parse.first]);
	kiln_store_close(&store);
	return code;
}

static const struct kiln_option own[] = {
	{"adapter", 'a', "TEXT", "only records of adapters whose id has TEXT in it", KILN_OPT_ADAPTER},
	{0},
};

static const struct kiln_option *const ls_tables[] = {kiln_options_common, NULL};
static const struct kiln_option *const show_tables[] = {own, kiln_options_glsl, kiln_options_common, NULL};

const struct kiln_command kiln_command_tune_ls = {
	.name = "tune ls",
	.arguments = "[FILE]",
	.summary = "list the records of the store of tuned sizes",
	.description =
		"Without FILE: the store the environment gives. A missing file is an empty store. Size is the number of\n"
		"threads a record is for, rounded down to a power of two; ratio is the time by the default's.",
	.examples = "kiln tune ls\nkiln tune ls other.toml --json",
	.options = ls_tables,
	.run = run_ls,
};

const struct kiln_command kiln_command_tune_show = {
	.name = "tune show",
	.arguments = "KEY|KERNEL",
	.summary = "show records in full",
	.description =
		"By the first 4 or more digits of a key, or by a kernel file: all its records, whatever the size and\n"
		"constants they are for.",
	.examples = "kiln tune show 8100\nkiln tune show saxpy.spv --adapter llvmpipe",
	.options = show_tables,
	.run = run_show,
};
