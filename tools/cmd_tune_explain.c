/* kiln tune explain: every configuration, what was measured of it, and what it led to. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "json.h"
#include "session.h"
#include "text_table.h"
#include "tune_work.h"

#define WIDTH 110

static void add_row(struct kiln_text_table *table, const struct kiln_tune_candidate *candidate)
{
	char text[KILN_TUNE_CONFIG_BYTES], time[KILN_PRETTY_BYTES];

	kiln_text_table_add(table, "%s", kiln_tune_config_short(&candidate->config, text));
	kiln_text_table_add(table, "%s", kiln_tune_verdict_name(candidate->verdict));
	if (candidate->ratio > 0) {
		kiln_text_table_add(table, "%s", kiln_pretty_ns((uint64_t)candidate->ns, time));
		kiln_text_table_add(table, "%.3f", candidate->ratio);
	} else {
		kiln_text_table_add(table, "-");
		kiln_text_table_add(table, "-");
	}
	if (candidate->ratio_high > 0)
		kiln_text_table_add(table, "%.3f to %.3f", candidate->ratio_low, candidate->ratio_high);
	else
		kiln_text_table_add(table, "-");
	if (candidate->rounds_paired)
		kiln_text_table_add(table, "%u of %u", candidate->rounds_won, candidate->rounds_paired);
	else
		kiln_text_table_add(table, "-");
	kiln_text_table_add(table, "%zu", candidate->sample_count);
}

/* Words that fill lines. */
struct lines {
	size_t indent, at;
};

static void put_word(struct lines *lines, const char *word)
{
	size_t length = strlen(word);

	if (lines->at && lines->at + 2 + length > WIDTH) {
		putchar('\n');
		lines->at = 0;
	}
	if (!lines->at)
		lines->at = (size_t)printf("%*s", (int)lines->indent, "");
	lines->at += (size_t)printf("%s  ", word);
}

static void print_samples(const struct kiln_tune_candidate *candidate)
{
	struct lines lines = {.indent = 4};
	char text[KILN_TUNE_CONFIG_BYTES];

	printf("  %s\n", kiln_tune_config_short(&candidate->config, text));
	for (size_t i = 0; i < candidate->sample_count; i++) {
		const struct kiln_tune_sample *sample = &candidate->samples[i];

		snprintf(text, sizeof text, "%u%s: %.3f", sample->round, sample->final ? "*" : "",
		         sample->ratio);
		put_word(&lines, text);
	}
	putchar('\n');
}

static void print_untried(const struct kiln_tune_candidate *const *order, size_t count)
{
	struct lines lines = {.indent = 4};
	char text[KILN_TUNE_CONFIG_BYTES];
	size_t untried = 0;

	for (size_t i = 0; i < count; i++)
		untried += order[i]->verdict == KILN_TUNE_NOT_TRIED;
	if (!untried)
		return;
	printf("\nNot tried (%zu):\n", untried);
	for (size_t i = 0; i < count; i++) {
		if (order[i]->verdict != KILN_TUNE_NOT_TRIED)
			continue;
		put_word(&lines, kiln_tune_config_short(&order[i]->config, text));
	}
	putchar('\n');
}

static void explain(const struct kiln_tune_story *story, const struct kiln_tune_candidate *const *order)
{
	static const char *const titles[] = {"configuration", "verdict",     ">time",    ">ratio",
	                                     "95 % interval", ">paired won", ">samples", NULL};
	size_t count = story->report->candidate_count;
	struct kiln_text_table table;

	kiln_tune_story_print(story);
	printf("  drift      the default's own time moved by %.1f %%; %.0f %% of its samples were more than 10 %% slow\n\n",
	       story->report->control_drift * 100, story->report->control_spread * 100);
	kiln_text_table_init(&table, titles);
	for (size_t i = 0; i < count; i++)
		if (order[i]->verdict != KILN_TUNE_NOT_TRIED)
			add_row(&table, order[i]);
	kiln_text_table_print(&table, 0, stdout);
	kiln_text_table_finish(&table);
	printf("\nSamples, as round: ratio to the default at that time (* = paired final round)\n");
	for (size_t i = 0; i < count; i++)
		if (order[i]->sample_count)
			print_samples(order[i]);
	print_untried(order, count);
}

static enum kiln_exit explain_sorted(struct kiln_tool *tool, const struct kiln_tune_story *story)
{
	size_t count = story->report->candidate_count;
	const struct kiln_tune_candidate **order = calloc(count, sizeof *order);

	if (!order)
		return kiln_tool_fail(tool, KILN_EXIT_FAILURE, "out of memory. Fix: free some");
	for (size_t i = 0; i < count; i++)
		order[i] = &story->report->candidates[i];
	qsort(order, count, sizeof *order, kiln_tune_by_ratio);
	explain(story, order);
	free(order);
	return KILN_EXIT_OK;
}

static enum kiln_exit tell(struct kiln_tune_work *work, const struct kiln_tune_story *story)
{
	struct kiln_tool *tool = work->run.tool;

	if (!tool->json)
		return explain_sorted(tool, story);
	kiln_tune_story_json(tool->root, story);
	return KILN_EXIT_OK;
}

static enum kiln_exit run_command(struct kiln_tool *tool, int argc, char **argv)
{
	return kiln_tune_work_main(tool, argc, argv, false, tell);
}

static const struct kiln_option *const tables[] = {kiln_options_from,
                                                   kiln_options_launch,
                                                   kiln_options_search,
                                                   kiln_options_device,
                                                   kiln_options_glsl,
                                                   kiln_options_common,
                                                   NULL};

const struct kiln_command kiln_command_tune_explain = {
	.name = "tune explain",
	.arguments = "[FILE.spv|FILE.comp]",
	.summary = "show every configuration, its samples, and why the best is the best",
	.description =
		"Tunes as kiln tune run does and records nothing, or tells of a run saved with --report.\n"
		"\n" KILN_TUNE_LAUNCH_HELP,
	.examples = "kiln tune explain saxpy.spv --threads 1M --push f32:2,u32:1048576\n"
		    "kiln tune explain --from matmul.json",
	.options = tables,
	.run = run_command,
};
