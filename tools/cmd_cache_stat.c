/* kiln cache stat: what lies on disk, in numbers. */
#include <inttypes.h>
#include <stdio.h>

#include "cache_tool.h"
#include "commands.h"
#include "json.h"
#include "progress.h"
#include "text_table.h"
#include "tool.h"

struct row {
	const char *name, *label;
	uint64_t value;
	enum { COUNT, BYTES, NS } unit;
};

#define ROWS 15

static void rows_of(const struct kiln_cache_stat *stat, struct row out_rows[ROWS])
{
	const struct row rows[ROWS] = {
		{"pipelines", "pipelines", stat->pipelines, COUNT},
		{"pipeline_bytes", "  on disk", stat->pipeline_bytes, BYTES},
		{"stubs", "  of them without code", stat->stubs, COUNT},
		{"contents", "other artefacts", stat->contents, COUNT},
		{"content_bytes", "  on disk", stat->content_bytes, BYTES},
		{"other_versions", "of another version", stat->other_versions, COUNT},
		{"unreadable", "unreadable", stat->unreadable, COUNT},
		{"compile_ns", "building it all again", stat->compile_ns, NS},
		{"max_bytes", "budget", stat->max_bytes, BYTES},
		{"litter", "left by dead processes", stat->litter, COUNT},
		{"litter_bytes", "  on disk", stat->litter_bytes, BYTES},
		{"foreign", "files that are not ours", stat->foreign, COUNT},
		{"layers", "read-only layers", stat->layers, COUNT},
		{"layer_entries", "  entries in their packs", stat->layer_entries, COUNT},
		{"layers_refused", "  refused", stat->layers_refused, COUNT},
	};

	for (int i = 0; i < ROWS; i++)
		out_rows[i] = rows[i];
}

static void print_row(const struct row *row)
{
	char text[KILN_PRETTY_BYTES];

	printf("  %-24s ", row->label);
	if (row->unit == BYTES)
		puts(kiln_pretty_size(row->value, text));
	else if (row->unit == NS)
		puts(kiln_pretty_ns(row->value, text));
	else
		printf("%" PRIu64 "\n", row->value);
}

static void report(struct kiln_tool *tool, const struct kiln_cache *cache, const struct kiln_cache_stat *stat)
{
	bool any = stat->pipelines + stat->contents > 0;
	char oldest[KILN_TIME_BYTES] = "-", newest[KILN_TIME_BYTES] = "-";
	struct row rows[ROWS];

	rows_of(stat, rows);
	if (any) {
		kiln_print_time(stat->oldest_use_s, oldest);
		kiln_print_time(stat->newest_use_s, newest);
	}
	if (tool->json) {
		for (int i = 0; i < ROWS; i++)
			kiln_json_u64(tool->root, rows[i].name, rows[i].value);
		kiln_json_text(tool->root, "oldest_use", any ? oldest : NULL);
		kiln_json_text(tool->root, "newest_use", any ? newest : NULL);
		return;
	}
	kiln_print_clean(kiln_cache_root(cache), stdout);
	putchar('\n');
	for (int i = 0; i < ROWS; i++)
		print_row(&rows[i]);
	printf("  %-24s %s to %s\n", "last uses", oldest, newest);
}

static enum kiln_exit measure(struct kiln_cache_job *job)
{
	struct kiln_cache_stat stat = {0};
	enum kiln_exit code;

	kiln_progress_start("looking", 0);
	code = kiln_cache_tool_end(job->tool, kiln_cache_stat(job->cache, &stat), "");
	if (!code)
		report(job->tool, job->cache, &stat);
	return code;
}

static enum kiln_exit run(struct kiln_tool *tool, int argc, char **argv)
{
	return kiln_cache_tool_run(&(struct kiln_cache_job){.tool = tool}, argc, argv, NULL, measure);
}

static const struct kiln_option *const tables[] = {kiln_options_common, NULL};

const struct kiln_command kiln_command_cache_stat = {
	.name = "cache stat",
	.arguments = "",
	.summary = "show how much is on disk, and what it is worth",
	.description = "From the names and heads of the files; kiln cache verify reads all of them. Sizes on disk\n"
		       "are allocated blocks. Changes nothing.",
	.examples = "kiln cache stat\nkiln cache stat --json",
	.options = tables,
	.run = run,
};
