/* kiln cache: looking at the disk cache. Nothing here writes or removes. */
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "commands.h"
#include "json.h"
#include "text_table.h"
#include "tool.h"

#define PATH_BYTES 4096
#define POLICY_BYTES 8192
#define TIME_BYTES 32

struct listing {
	cJSON *array;
	struct kiln_text_table table;
	uint64_t entries, unreadable, bytes;
};

static const char *print_time(int64_t seconds, char out_text[TIME_BYTES])
{
	time_t when = (time_t)seconds;
	struct tm parts;

	if (!gmtime_r(&when, &parts) || !strftime(out_text, TIME_BYTES, "%Y-%m-%dT%H:%M:%SZ", &parts))
		snprintf(out_text, TIME_BYTES, "-");
	return out_text;
}

static void entry_json(cJSON *object, const struct kiln_cache_listing *entry, const char *policy)
{
	char text[TIME_BYTES];

	kiln_json_text(object, "path", entry->path);
	kiln_json_u64(object, "file_bytes", entry->bytes);
	kiln_json_text(object, "status", kiln_status_name(entry->status));
	if (entry->status)
		return;
	kiln_json_digest(object, "pipeline_id", &entry->identity->digest);
	kiln_json_digest(object, "program_digest", &entry->identity->program);
	kiln_json_digest(object, "device_digest", &entry->identity->device);
	kiln_json_text(object, "dispatch_policy", policy);
	kiln_json_u64(object, "payload_bytes", entry->entry.payload_bytes);
	kiln_json_bool(object, "stub", entry->entry.flags & KILN_ENTRY_STUB);
	kiln_json_u64(object, "compile_ns", entry->entry.compile_ns);
	kiln_json_text(object, "created", print_time(entry->entry.created_s, text));
	kiln_json_text(object, "last_use", print_time(entry->last_use_s, text));
	kiln_json_text(object, "kiln_version", entry->entry.kiln_version);
}

static void entry_row(struct kiln_text_table *table, const struct kiln_cache_listing *entry,
                      const char *policy)
{
	char id[KILN_DIGEST_SHORT], program[KILN_DIGEST_SHORT], device[KILN_DIGEST_SHORT];
	char size[KILN_PRETTY_BYTES], compile[KILN_PRETTY_BYTES], when[TIME_BYTES];

	kiln_hex_short(&entry->identity->digest, id);
	kiln_hex_short(&entry->identity->program, program);
	kiln_hex_short(&entry->identity->device, device);
	kiln_text_table_add(table, "%s", id);
	kiln_text_table_add(table, "%s", program);
	kiln_text_table_add(table, "%s", device);
	kiln_text_table_add(table, "%s%s", kiln_pretty_size(entry->entry.payload_bytes, size),
	                    entry->entry.flags & KILN_ENTRY_STUB ? " stub" : "");
	kiln_text_table_add(table, "%s", kiln_pretty_ns(entry->entry.compile_ns, compile));
	kiln_text_table_add(table, "%s", print_time(entry->last_use_s, when));
	kiln_text_table_add(table, "%s", policy);
}

static bool visit(void *user, const struct kiln_cache_listing *entry)
{
	struct listing *listing = user;
	char policy[POLICY_BYTES] = "";

	listing->entries += entry->status == KILN_OK;
	listing->unreadable += entry->status != KILN_OK;
	listing->bytes += entry->bytes;
	if (!entry->status)
		kiln_policy_print(entry->key, policy, sizeof policy);
	if (listing->array) {
		entry_json(kiln_json_append(listing->array), entry, policy);
	} else if (!entry->status) {
		entry_row(&listing->table, entry, policy);
	} else {
		printf("unreadable (%s): ", kiln_status_name(entry->status));
		kiln_print_clean(entry->path, stdout);
		putchar('\n');
	}
	return true;
}

static void print_listing(struct kiln_tool *tool, const struct listing *listing, const char *root)
{
	char size[KILN_PRETTY_BYTES];

	if (tool->json) {
		kiln_json_u64(tool->root, "unreadable", listing->unreadable);
		kiln_json_u64(tool->root, "file_bytes", listing->bytes);
		return;
	}
	if (listing->entries)
		kiln_text_table_print(&listing->table, 0, stdout);
	kiln_print_clean(root, stdout);
	printf(": %" PRIu64 " entr%s, %s", listing->entries, listing->entries == 1 ? "y" : "ies",
	       kiln_pretty_size(listing->bytes, size));
	if (listing->unreadable)
		printf(", %" PRIu64 " unreadable", listing->unreadable);
	putchar('\n');
}

static enum kiln_exit list(struct kiln_tool *tool, const char *root)
{
	static const char *const titles[] = {"pipeline", "program",  "device", ">blob",
	                                     ">compile", "last use", "policy", NULL};
	struct kiln_cache_params params = {.root = root, .mode = KILN_CACHE_READ_ONLY};
	struct listing listing = {.array = tool->json ? kiln_json_array(tool->root, "entries") : NULL};
	struct kiln_cache *cache = NULL;
	enum kiln_status status = kiln_cache_open(&params, &cache);
	enum kiln_exit code;

	kiln_text_table_init(&listing.table, titles);
	if (!status)
		status = kiln_cache_list(cache, visit, &listing);
	code = status ? kiln_tool_fail_status(tool, status) : KILN_EXIT_OK;
	if (tool->json)
		kiln_json_text(tool->root, "root", root);
	if (!status)
		print_listing(tool, &listing, root);
	kiln_text_table_finish(&listing.table);
	kiln_cache_close(&cache);
	return code;
}

static enum kiln_exit path(struct kiln_tool *tool, const char *root)
{
	if (tool->json)
		kiln_json_text(tool->root, "root", root);
	else
		puts(root);
	return KILN_EXIT_OK;
}

static enum kiln_exit run(struct kiln_tool *tool, int argc, char **argv,
                          enum kiln_exit (*act)(struct kiln_tool *tool, const char *root))
{
	char root[PATH_BYTES];
	struct kiln_parse parse = {0};

	if (!kiln_options_parse(tool, argc, argv, &parse))
		return parse.code;
	if (kiln_cache_default_root(root, sizeof root) >= sizeof root)
		return kiln_tool_fail(
			tool, KILN_EXIT_FILE,
			"the cache root's path is longer than %zu bytes. Fix: set KILN_CACHE_DIR",
			sizeof root - 1);
	return act(tool, root);
}

static enum kiln_exit run_ls(struct kiln_tool *tool, int argc, char **argv)
{
	return run(tool, argc, argv, list);
}

static enum kiln_exit run_path(struct kiln_tool *tool, int argc, char **argv)
{
	return run(tool, argc, argv, path);
}

static const struct kiln_option *const tables[] = {kiln_options_common, NULL};

const struct kiln_command kiln_command_cache_ls = {
	.name = "cache ls",
	.arguments = "",
	.summary = "list the pipelines on disk",
	.description = "Reads and verifies every entry; removes nothing, not even damaged ones. The root is\n"
		       "KILN_CACHE_DIR or its default; see kiln cache path.",
	.examples = "kiln cache ls\nKILN_CACHE_DIR=/tmp/other kiln cache ls --json",
	.options = tables,
	.run = run_ls,
};

const struct kiln_command kiln_command_cache_path = {
	.name = "cache path",
	.arguments = "",
	.summary = "print the root of the disk cache",
	.description = "",
	.examples = "kiln cache path\ndu -sh \"$(kiln cache path)\"",
	.options = tables,
	.run = run_path,
};
