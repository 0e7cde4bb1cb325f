/* kiln tune: the store of tuned launch configurations. */
#include <stdio.h>
#include <stdlib.h>

#include "commands.h"
#include "json.h"
#include "text_table.h"
#include "tool.h"

#define PATH_BYTES 4096

/* An explicit cache root carries the store with it. */
void kiln_default_store_path(char *out_path, size_t bytes)
{
	const char *explicit_root = getenv("KILN_CACHE_DIR");
	char root[PATH_BYTES];

	kiln_cache_default_root(root, sizeof root);
	kiln_store_default_path(explicit_root && *explicit_root ? root : NULL, out_path, bytes);
}

struct listing {
	cJSON *array;
	struct kiln_text_table table;
};

static bool visit(void *user, const struct kiln_tune_record *record)
{
	struct listing *listing = user;
	char key[KILN_TUNE_KEY_HEX];
	const uint32_t *size = record->workgroup_size, *tile = record->tile;

	kiln_tune_key_encode(&record->key, key);
	if (listing->array) {
		cJSON *object = kiln_json_append(listing->array);

		kiln_json_text(object, "key", key);
		kiln_json_text(object, "adapter", record->adapter);
		kiln_json_u32s(object, "workgroup_size", size, 3);
		kiln_json_u64(object, "unroll", record->unroll);
		kiln_json_u32s(object, "tile", tile, 3);
		kiln_json_text(object, "recorded_at", record->recorded_at);
		return true;
	}
	kiln_text_table_add(&listing->table, "%s", key);
	kiln_text_table_add(&listing->table, "%s", record->adapter);
	kiln_text_table_add(&listing->table, "%ux%ux%u", size[0], size[1], size[2]);
	kiln_text_table_add(&listing->table, "%u", record->unroll);
	if (tile[0] || tile[1] || tile[2])
		kiln_text_table_add(&listing->table, "%ux%ux%u", tile[0], tile[1], tile[2]);
	else
		kiln_text_table_add(&listing->table, "-");
	kiln_text_table_add(&listing->table, "%s", record->recorded_at ? record->recorded_at : "-");
	return true;
}

static enum kiln_exit list(struct kiln_tool *tool, struct kiln_store *store)
{
	static const char *const titles[] = {"key",  "adapter",  "workgroup", ">unroll",
	                                     "tile", "recorded", NULL};
	struct listing listing = {.array = tool->json ? kiln_json_array(tool->root, "records") : NULL};
	enum kiln_status status = kiln_store_load(store);

	if (tool->json)
		kiln_json_text(tool->root, "path", kiln_store_path(store));
	kiln_text_table_init(&listing.table, titles);
	if (!status)
		status = kiln_store_each(store, visit, &listing);
	if (!status && !tool->json) {
		printf("%s: %zu record%s\n", kiln_store_path(store), kiln_store_len(store),
		       kiln_store_len(store) == 1 ? "" : "s");
		if (kiln_store_len(store))
			kiln_text_table_print(&listing.table, 0, stdout);
	}
	kiln_text_table_finish(&listing.table);
	return status ? kiln_tool_fail_status(tool, status) : KILN_EXIT_OK;
}

static enum kiln_exit run(struct kiln_tool *tool, int argc, char **argv)
{
	char path[PATH_BYTES];
	struct kiln_store *store = NULL;
	enum kiln_status status;
	enum kiln_exit code;
	struct kiln_parse parse = {.max_operands = 1};

	if (!kiln_options_parse(tool, argc, argv, &parse))
		return parse.code;
	kiln_default_store_path(path, sizeof path);
	status = kiln_store_open(parse.first < argc ? argv[parse.first] : path, &store);
	code = status ? kiln_tool_fail_status(tool, status) : list(tool, store);
	kiln_store_close(&store);
	return code;
}

static const struct kiln_option *const tables[] = {kiln_options_common, NULL};

const struct kiln_command kiln_command_tune_ls = {
	.name = "tune ls",
	.arguments = "[FILE]",
	.summary = "list the records of the store of tuned sizes",
	.description = "Without FILE: the store the environment gives. A missing file is an empty store.",
	.examples = "kiln tune ls\nkiln tune ls other.toml --json",
	.options = tables,
	.run = run,
};
