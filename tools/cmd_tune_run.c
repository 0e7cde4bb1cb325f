/* kiln tune run: measures one kernel's configurations and keeps the best. */
#include <stdio.h>

#include "commands.h"
#include "json.h"
#include "session.h"
#include "tune_work.h"

/* Where the answer is now; NULL = nowhere. */
static const char *recorded_in(const struct kiln_tune_work *work, const struct kiln_tune_story *story)
{
	return story->report->recorded ? kiln_store_path(kiln_device_store(work->run.device)) : NULL;
}

static const char *why_nowhere(const struct kiln_tune_work *work)
{
	if (work->no_record)
		return "--no-record";
	if (!kiln_device_store(work->run.device))
		return "there is no store: tuning is off, see kiln env, or the note above says what is wrong with it";
	return "the store keeps what it had, or could not be written";
}

static void report_json(struct kiln_tune_work *work, const struct kiln_tune_story *story)
{
	cJSON *root = work->run.tool->root;

	kiln_json_bool(root, "tuned", story->report != NULL);
	kiln_json_text(root, "recorded", story->report ? recorded_in(work, story) : NULL);
	if (story->report)
		kiln_tune_story_json(root, story);
	kiln_json_u64(root, "validation_messages",
	              kiln_device_counters(work->run.device).validation_messages);
}

static void report_text(struct kiln_tune_work *work, const struct kiln_tune_story *story)
{
	const char *path = story->report ? recorded_in(work, story) : NULL;

	if (!story->report) {
		printf("%s has a record for this size already: nothing to do\n", work->run.file);
		return;
	}
	kiln_tune_story_print(story);
	if (path)
		printf("  recorded   in %s\n", path);
	else
		printf("  recorded   nowhere: %s\n", why_nowhere(work));
}

static enum kiln_exit show(struct kiln_tune_work *work, const struct kiln_tune_story *story)
{
	if (work->run.tool->json)
		report_json(work, story);
	else if (!work->run.tool->quiet)
		report_text(work, story);
	return KILN_EXIT_OK;
}

static enum kiln_exit run_command(struct kiln_tool *tool, int argc, char **argv)
{
	return kiln_tune_work_main(tool, argc, argv, true, show);
}

static const struct kiln_option own[] = {
	{"only-missing", 0, NULL, "do nothing where the store has a usable record for this size",
         KILN_OPT_ONLY_MISSING},
	{"no-record", 0, NULL, "measure, and leave the store as it is", KILN_OPT_NO_RECORD},
	{0},
};

static const struct kiln_option *const tables[] =
	{kiln_options_launch, kiln_options_search, own, kiln_options_device,
         kiln_options_glsl,   kiln_options_common, NULL};

const struct kiln_command kiln_command_tune_run = {
	.name = "tune run",
	.arguments = "FILE.spv|FILE.comp",
	.summary = "find the fastest workgroup size, unroll depth and tile, and keep them",
	.description = KILN_TUNE_LAUNCH_HELP
	"\n"
	"\n"
	"What is recorded is at least 3 % faster than the default in 9 of 10 paired rounds, else it is the\n"
	"default; launches of this size use it from then on. Ctrl-C records nothing. With --quiet only\n"
	"errors are printed.",
	.examples =
		"kiln tune run row_sums.comp --threads 65536 --push u32:1024,1024 --tolerance 1e-5 --guarded\n"
		"kiln tune run saxpy.spv --threads 1M --push f32:2,u32:1048576 --budget 300ms --json\n"
		"kiln tune run matmul.spv --threads 512,512 --push u32:512,512,512 --report matmul.json",
	.options = tables,
	.run = run_command,
};
