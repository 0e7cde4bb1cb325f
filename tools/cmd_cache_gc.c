/* kiln cache gc, kiln cache clear: making the cache smaller. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cache_tool.h"
#include "commands.h"
#include "json.h"
#include "number.h"
#include "progress.h"
#include "text_table.h"
#include "tool.h"

struct gc {
	struct kiln_cache_job job;
	struct kiln_cache_gc_params params;
};

static bool take_bytes(struct gc *gc, const char *value)
{
	uint64_t extents[3];
	unsigned count;

	if (kiln_number_extents(value, strlen(value), extents, &count) && count == 1) {
		gc->params.max_bytes = extents[0];
		return true;
	}
	kiln_tool_fail(gc->job.tool, KILN_EXIT_USAGE,
	               "--max-bytes '%s' is no size. Fix: write 500M, 2G, or a number of bytes above 0; kiln cache clear "
	               "removes everything",
	               value);
	return false;
}

static bool take(void *user, int id, const char *value)
{
	struct gc *gc = user;

	switch (id) {
	case KILN_OPT_MAX_BYTES:
		return take_bytes(gc, value);
	case KILN_OPT_MAX_AGE:
		if (kiln_number_duration(value, &gc->params.max_age_s))
			return true;
		kiln_tool_fail(gc->job.tool, KILN_EXIT_USAGE,
		               "--max-age '%s' is no age. Fix: write 30d, 12h, 90m or 3600s", value);
		return false;
	default:
		gc->params.dry_run = true;
		gc->job.change = false;
		return true;
	}
}

static void report_gc(const struct gc *gc, const struct kiln_cache_gc_report *report)
{
	const struct kiln_cache_fact facts[] = {
		{"entries", report->entries, NULL},
		{"bytes", report->bytes, NULL},
		{"removed", report->removed, NULL},
		{"removed_bytes", report->removed_bytes, NULL},
		{"litter", report->litter, "files left by dead processes"},
		{"litter_bytes", report->litter_bytes, NULL},
		{"spared", report->spared, "spared, as they were used meanwhile"},
		{"failed", report->failed, "could not be removed"},
		{0},
	};
	char found[KILN_PRETTY_BYTES], removed[KILN_PRETTY_BYTES];

	if (gc->job.tool->json)
		kiln_json_bool(gc->job.tool->root, "dry_run", gc->params.dry_run);
	else
		printf("%s %" PRIu64 " of %" PRIu64 " %s, %s of %s", gc->params.dry_run ? "would remove" : "removed",
		       report->removed, report->entries, kiln_entries(report->entries),
		       kiln_pretty_size(report->removed_bytes, removed), kiln_pretty_size(report->bytes, found));
	kiln_cache_tool_report(gc->job.tool, facts);
}

static enum kiln_exit collect(struct kiln_cache_job *job)
{
	struct gc *gc = (struct gc *)job;
	struct kiln_cache_gc_report report = {0};
	enum kiln_status status;
	enum kiln_exit code;

	gc->params.progress = kiln_cache_tool_progress();
	status = kiln_cache_gc(job->cache, &gc->params, &report);
	code = kiln_cache_tool_end(job->tool, status, "what was removed stays removed");
	report_gc(gc, &report);
	return code;
}

static enum kiln_exit run_gc(struct kiln_tool *tool, int argc, char **argv)
{
	struct gc gc = {.job = {.tool = tool, .change = true}};
	struct kiln_parse parse = {.take = take, .user = &gc};

	return kiln_cache_tool_run(&gc.job, argc, argv, &parse, collect);
}

/* Ctrl-C ends it at once, which is safe: each entry is there or gone. */
static enum kiln_exit clear(struct kiln_cache_job *job)
{
	struct kiln_cache_clear_report report = {0};
	enum kiln_status forgiven;
	enum kiln_exit code;
	char size[KILN_PRETTY_BYTES];

	kiln_progress_start("removing", 0);
	code = kiln_cache_tool_end(job->tool, kiln_cache_clear(job->cache, &report), "");
	/* Also where an entry could not be removed. */
	forgiven = kiln_cache_forgive(job->cache);
	if (forgiven && !code)
		code = kiln_tool_fail_status(job->tool, forgiven);
	if (job->tool->json)
		kiln_json_bool(job->tool->root, "forgiven", !forgiven);
	else
		printf("removed %" PRIu64 " %s, %s%s", report.removed, kiln_entries(report.removed),
		       kiln_pretty_size(report.removed_bytes, size), forgiven ? "" : "; crashes are forgiven");
	kiln_cache_tool_report(job->tool, (const struct kiln_cache_fact[]){
						  {"removed", report.removed, NULL},
						  {"removed_bytes", report.removed_bytes, NULL},
						  {"failed", report.failed, "could not be removed"},
						  {0},
					  });
	return code;
}

static enum kiln_exit run_clear(struct kiln_tool *tool, int argc, char **argv)
{
	return kiln_cache_tool_run(&(struct kiln_cache_job){.tool = tool, .change = true}, argc, argv, NULL, clear);
}

static const struct kiln_option own[] = {
	{"max-bytes", 0, "SIZE", "keep at most this much: 500M, 2G\n(default: KILN_CACHE_MAX_BYTES, else 1 GiB)",
         KILN_OPT_MAX_BYTES},
	{"max-age", 0, "AGE", "remove what was not used for so long: 30d, 12h, 90m, 3600s (default: any age)",
         KILN_OPT_MAX_AGE},
	{"dry-run", 'n', NULL, "say what would be removed, and remove nothing", KILN_OPT_DRY_RUN},
	{0},
};

static const struct kiln_option *const gc_tables[] = {own, kiln_options_common, NULL};
static const struct kiln_option *const clear_tables[] = {kiln_options_common, NULL};

const struct kiln_command kiln_command_cache_gc = {
	.name = "cache gc",
	.arguments = "",
	.summary = "remove what is old, least used and cheap to build again",
	.description = "First what is older than --max-age, then the least recently used, those that are cheap to\n"
		       "build first, until the rest fits --max-bytes; and what dead processes left. The last use is\n"
		       "known to the hour. Safe next to readers and writers, and to interrupt.",
	.examples = "kiln cache gc\nkiln cache gc --max-bytes 200M --max-age 30d --dry-run",
	.options = gc_tables,
	.run = run_gc,
};

const struct kiln_command kiln_command_cache_clear = {
	.name = "cache clear",
	.arguments = "",
	.summary = "remove every entry and forgive every crash",
	.description = "Entries of all versions go, and so does what was set aside because a driver crashed on it.\n"
		       "Tuned sizes, packs and files that are not Kiln's stay.",
	.examples = "kiln cache clear",
	.options = clear_tables,
	.run = run_clear,
};
