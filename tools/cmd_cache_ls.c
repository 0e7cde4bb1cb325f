/* kiln cache ls, kiln cache path: looking at the disk cache. Nothing here writes or removes. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "cache_tool.h"
#include "commands.h"
#include "json.h"
#include "text_table.h"
#include "tool.h"

struct listing {
	struct kiln_cache_job job;
	cJSON *array;
	struct kiln_text_table table;
	uint64_t entries, unreadable, bytes;
};

static void entry_row(struct kiln_text_table *table, const struct kiln_cache_listing *entry)
{
	char id[KILN_DIGEST_SHORT], program[KILN_DIGEST_SHORT] = "-", device[KILN_DIGEST_SHORT] = "-";
	char size[KILN_PRETTY_BYTES], compile[KILN_PRETTY_BYTES], when[KILN_TIME_BYTES];
	char *policy = entry->key ? kiln_policy_line(entry->key) : NULL;

	kiln_hex_short(entry->key ? &entry->identity->digest : entry->content_key, id);
	if (entry->key) {
		kiln_hex_short(&entry->identity->program, program);
		kiln_hex_short(&entry->identity->device, device);
	}
	kiln_text_table_add(table, "%s", id);
	kiln_text_table_add(table, "%s", program);
	kiln_text_table_add(table, "%s", device);
	kiln_text_table_add(table, "%s%s", kiln_pretty_size(entry->entry.payload_bytes, size),
	                    entry->entry.flags & KILN_ENTRY_STUB ? " stub" : "");
	kiln_text_table_add(table, "%s", kiln_pretty_ns(entry->entry.compile_ns, compile));
	kiln_text_table_add(table, "%s", kiln_print_time(entry->last_use_s, when));
	kiln_text_table_add(table, "%s", policy ? policy : "(other artefact)");
	free(policy);
}

static bool visit(void *user, const struct kiln_cache_listing *entry)
{
	struct listing *listing = user;

	listing->entries += entry->status == KILN_OK;
	listing->unreadable += entry->status != KILN_OK;
	listing->bytes += entry->bytes;
	if (listing->array) {
		kiln_listing_json(kiln_json_append(listing->array), entry);
	} else if (!entry->status) {
		entry_row(&listing->table, entry);
	} else {
		printf("unreadable (%s): ", kiln_status_name(entry->status));
		kiln_print_clean(entry->path, stdout);
		putchar('\n');
	}
	return true;
}

static void print_listing(const struct listing *listing)
{
	char size[KILN_PRETTY_BYTES];
	const struct kiln_cache_fact facts[] = {
		{"unreadable", listing->unreadable, "unreadable"},
		{"file_bytes", listing->bytes, NULL},
		{0},
	};

	if (listing->entries && !listing->array)
		kiln_text_table_print(&listing->table, 0, stdout);
	if (!listing->array) {
		kiln_print_clean(kiln_cache_root(listing->job.cache), stdout);
		printf(": %" PRIu64 " %s, %s", listing->entries, kiln_entries(listing->entries),
		       kiln_pretty_size(listing->bytes, size));
	}
	kiln_cache_tool_report(listing->job.tool, facts);
}

static enum kiln_exit list(struct kiln_cache_job *job)
{
	static const char *const titles[] = {"pipeline", "program",  "device", ">blob",
	                                     ">compile", "last use", "policy", NULL};
	struct listing *listing = (struct listing *)job;
	enum kiln_exit code;

	listing->array = job->tool->json ? kiln_json_array(job->tool->root, "entries") : NULL;
	kiln_text_table_init(&listing->table, titles);
	code = kiln_cache_tool_list(job->tool, job->cache, NULL, visit, listing);
	if (!code)
		print_listing(listing);
	kiln_text_table_finish(&listing->table);
	return code;
}

static enum kiln_exit run_ls(struct kiln_tool *tool, int argc, char **argv)
{
	struct listing listing = {.job = {.tool = tool}};

	return kiln_cache_tool_run(&listing.job, argc, argv, NULL, list);
}

static enum kiln_exit run_path(struct kiln_tool *tool, int argc, char **argv)
{
	char root[KILN_ROOT_BYTES];
	struct kiln_parse parse = {0};
	enum kiln_exit code;

	if (!kiln_options_parse(tool, argc, argv, &parse))
		return parse.code;
	code = kiln_cache_tool_root(tool, root);
	if (code)
		return code;
	if (tool->json)
		kiln_json_text(tool->root, "root", root);
	else
		puts(root);
	return KILN_EXIT_OK;
}

static const struct kiln_option *const tables[] = {kiln_options_common, NULL};

const struct kiln_command kiln_command_cache_ls = {
	.name = "cache ls",
	.arguments = "",
	.summary = "list what is on disk",
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
