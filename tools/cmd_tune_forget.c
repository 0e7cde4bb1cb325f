/* kiln tune forget: removes records, so that the next run measures again. */
#include <stdio.h>
#include <stdlib.h>

#include "commands.h"
#include "json.h"
#include "tune_record.h"

struct forgetting {
	struct kiln_tool *tool;
	struct kiln_store *store;
	const char *adapter;
	struct kiln_glsl_args glsl;
	bool dry_run;
	cJSON *array;
	enum kiln_status status;
};

static bool forget_one(void *user, const struct kiln_tune_record *record)
{
	struct forgetting *forgetting = user;
	char key[KILN_TUNE_KEY_HEX];

	if (forgetting->array)
		kiln_tune_record_json(kiln_json_append(forgetting->array), record);
	kiln_tune_key_encode(&record->key, key);
	if (!forgetting->array && forgetting->dry_run) {
		printf("%s ", key);
		kiln_print_clean(record->adapter, stdout);
		putchar('\n');
	}
	if (!forgetting->dry_run)
		forgetting->status =
			kiln_store_forget(forgetting->store, &record->key, record->adapter, NULL);
	return forgetting->status == KILN_OK;
}

static enum kiln_exit forget(struct forgetting *forgetting, const char *which)
{
	struct kiln_tool *tool = forgetting->tool;
	struct kiln_tune_choice choice;
	size_t count = 0;
	enum kiln_exit code =
		kiln_tune_choice_make(tool, which, forgetting->adapter, &forgetting->glsl, &choice);

	if (tool->json)
		forgetting->array = kiln_json_array(tool->root, "records");
	if (!code)
		code = kiln_tune_choice_each(tool, forgetting->store, &choice, forget_one, forgetting,
		                             &count);
	if (!code && !forgetting->status)
		forgetting->status = kiln_store_save_if_dirty(forgetting->store, NULL);
	if (!code && forgetting->status)
		code = kiln_tool_fail_status(tool, forgetting->status);
	if (!code && tool->json) {
		kiln_json_u64(tool->root, "forgotten", forgetting->dry_run ? 0 : count);
		kiln_json_bool(tool->root, "dry_run", forgetting->dry_run);
	} else if (!code) {
		printf("%s %zu record%s\n", forgetting->dry_run ? "would forget" : "forgot", count,
		       count == 1 ? "" : "s");
	}
	kiln_tune_choice_finish(&choice);
	return code;
}

static bool take(void *user, int id, const char *value)
{
	struct forgetting *forgetting = user;

	if (id == KILN_OPT_DRY_RUN)
		return forgetting->dry_run = true;
	if (id != KILN_OPT_ADAPTER)
		return kiln_glsl_args_take(forgetting->tool, &forgetting->glsl, id, value);
	forgetting->adapter = value;
	return true;
}

static enum kiln_exit run(struct kiln_tool *tool, int argc, char **argv)
{
	struct forgetting forgetting = {.tool = tool};
	struct kiln_parse parse = {.take = take, .user = &forgetting, .max_operands = 1};
	const char *which;
	enum kiln_exit code;

	if (!kiln_options_parse(tool, argc, argv, &parse))
		return parse.code;
	which = parse.first < argc ? argv[parse.first] : NULL;
	if (!which && !forgetting.adapter)
		return kiln_tool_fail(
			tool, KILN_EXIT_USAGE,
			"what to forget is not said. Fix: name a key, a kernel file or --adapter");
	code = kiln_tune_store_open(tool, NULL, false, &forgetting.store);
	if (!code)
		code = forget(&forgetting, which);
	kiln_store_close(&forgetting.store);
	return code;
}

static const struct kiln_option own[] = {
	{"adapter", 'a', "TEXT", "only records of adapters whose id has TEXT in it", KILN_OPT_ADAPTER},
	{"dry-run", 'n', NULL, "say what would be forgotten, and forget nothing", KILN_OPT_DRY_RUN},
	{0},
};

static const struct kiln_option *const tables[] = {own, kiln_options_glsl, kiln_options_common, NULL};

const struct kiln_command kiln_command_tune_forget = {
	.name = "tune forget",
	.arguments = "[KEY|KERNEL]",
	.summary = "remove records from the store",
	.description =
		"By the first 4 or more digits of a key, by a kernel file (all its records), by adapter, or by both. What\n"
		"is known of configurations that hang or compute wrongly goes with them.",
	.examples =
		"kiln tune forget 81000100\nkiln tune forget saxpy.spv\nkiln tune forget --adapter llvmpipe --dry-run",
	.options = tables,
	.run = run,
};
