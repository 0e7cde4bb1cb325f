/* kiln cache gc, kiln cache clear: making the cache smaller. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cache_tool.h"
#include "commands.h"
#include "json.h"
#include "number.h"
#include "text_table.h"
#include "tool.h"

struct gc {
	struct kiln_tool *tool;
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
	kiln_tool_fail(gc->tool, KILN_EXIT_USAGE,
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
		kiln_tool_fail(gc->tool, KILN_EXIT_USAGE,
		               "--max-age '%s' is no age. Fix: write 30d, 12h, 90m or 3600s", value);
		return false;
	default:
		gc->params.dry_run = true;
		return true;
	}
}

static void gc_json(struct kiln_tool *tool, const struct kiln_cache_gc_report *report, bool dry_run)
{
	kiln_json_bool(tool->root, "dry_run", dry_run);
	kiln_json_u64(tool->root, "entries", report->entries);
	kiln_json_u64(tool->root, "bytes", report->bytes);
	kiln_json_u64(tool->root, "removed", report->removed);
	kiln_json_u64(tool->root, "removed_bytes", report->removed_bytes);
	kiln_json_u64(tool->root, "litter", report->litter);
	kiln_json_u64(tool->root, "litter_bytes", report->litter_bytes);
	kiln_json_u64(tool->root, "spared", report->spared);
	kiln_json_u64(tool->root, "failed", report->failed);
}

static void gc_text(const struct kiln_cache_gc_report *report, bool dry_run)
{
	char found[KILN_PRETTY_BYTES], removed[KILN_PRETTY_BYTES], litter[KILN_PRETTY_BYTES];

	printf("%s %" PRIu64 " of %" PRIu64 " entries, %s of %s", dry_run ? "would remove" : "removed",
	       report->removed, report->entries, kiln_pretty_size(report->removed_bytes, removed),
	       kiln_pretty_size(report->bytes, found));
	if (report->litter)
		printf("; %" PRIu64 " files left by dead processes, %s", report->litter,
		       kiln_pretty_size(report->litter_bytes, litter));
	if (report->spared)
		printf("; %" PRIu64 " spared, as they were used meanwhile", report->spared);
	if (report->failed)
		printf("; %" PRIu64 " could not be removed", report->failed);
	putchar('\n');
}

static enum kiln_exit collect(struct gc *gc, struct kiln_cache *cache)
{
	struct kiln_cache_gc_report report = {0};
	enum kiln_status status;
	enum kiln_exit code;

	gc->params.progress = kiln_cache_tool_progress();
	status = kiln_cache_gc(cache, &gc->params, &report);
	code = kiln_cache_tool_end(gc->tool, status, "what was removed stays removed");
	if (gc->tool->json)
		gc_json(gc->tool, &report, gc->params.dry_run);
	else
		gc_text(&report, gc->params.dry_run);
	return code;
}

static enum kiln_exit run_gc(struct kiln_tool *tool, int argc, char **argv)
{
	struct gc gc = {.tool = tool};
	struct kiln_parse parse = {.take = take, .user = &gc};
	struct kiln_cache *cache = NULL;
	enum kiln_exit code;

	if (!kiln_options_parse(tool, argc, argv, &parse))
		return parse.code;
	code = kiln_cache_tool_open(tool, !gc.params.dry_run, &cache);
	if (!code)
		code = collect(&gc, cache);
	kiln_cache_close(&cache);
	return code;
}

static enum kiln_exit clear(struct kiln_tool *tool, struct kiln_cache *cache)
{
	struct kiln_cache_clear_report report = {0};
	enum kiln_status status = kiln_cache_clear(cache, &report), forgiven = KILN_OK;
	enum kiln_exit code = status ? kiln_tool_fail_status(tool, status) : KILN_EXIT_OK;
	char size[KILN_PRETTY_BYTES];

	forgiven = kiln_cache_forgive(cache);
	if (forgiven && !code)
		code = kiln_tool_fail_status(tool, forgiven);
	if (!tool->json) {
		printf("removed %" PRIu64 " %s, %s", report.removed, kiln_entries(report.removed),
		       kiln_pretty_size(report.removed_bytes, size));
		if (report.failed)
			printf("; %" PRIu64 " could not be removed", report.failed);
		puts(forgiven ? "" : "; crashes are forgiven");
		return code;
	}
	kiln_json_u64(tool->root, "removed", report.removed);
	kiln_json_u64(tool->root, "removed_bytes", report.removed_bytes);
	kiln_json_u64(tool->root, "failed", report.failed);
	kiln_json_bool(tool->root, "forgiven", !forgiven);
	return code;
}

static enum kiln_exit run_clear(struct kiln_tool *tool, int argc, char **argv)
{
	struct kiln_parse parse = {0};
	struct kiln_cache *cache = NULL;
	enum kiln_exit code;

	if (!kiln_options_parse(tool, argc, argv, &parse))
		return parse.code;
	code = kiln_cache_tool_open(tool, true, &cache);
	if (!code)
		code = clear(tool, cache);
	kiln_cache_close(&cache);
	return code;
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
