#include "tune_story.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text_table.h"

const char *kiln_tune_size_short(const uint32_t size[3], char out_text[KILN_TUNE_CONFIG_BYTES])
{
	if (size[2] > 1)
		snprintf(out_text, KILN_TUNE_CONFIG_BYTES, "%ux%ux%u", size[0], size[1], size[2]);
	else if (size[1] > 1)
		snprintf(out_text, KILN_TUNE_CONFIG_BYTES, "%ux%u", size[0], size[1]);
	else
		snprintf(out_text, KILN_TUNE_CONFIG_BYTES, "%u", size[0]);
	return out_text;
}

const char *kiln_tune_config_short(const struct kiln_tune_config *config,
                                   char out_text[KILN_TUNE_CONFIG_BYTES])
{
	char full[KILN_TUNE_CONFIG_BYTES], size[KILN_TUNE_CONFIG_BYTES];
	const char *rest;

	kiln_tune_config_text(config, full, sizeof full);
	rest = strchr(full, ' ');
	snprintf(out_text, KILN_TUNE_CONFIG_BYTES, "%s%s", kiln_tune_size_short(config->workgroup, size),
	         rest ? rest : "");
	return out_text;
}

const char *kiln_tune_speed(double ratio, char out_text[KILN_TUNE_CONFIG_BYTES])
{
	double speed = ratio > 0 ? 1 / ratio : 0;

	if (speed < 1.005 && speed > 0.995)
		snprintf(out_text, KILN_TUNE_CONFIG_BYTES, "as fast as the default");
	else
		snprintf(out_text, KILN_TUNE_CONFIG_BYTES, "%.2f times as fast as the default", speed);
	return out_text;
}

static size_t count_of(const struct kiln_tune_report *report, enum kiln_tune_verdict verdict)
{
	size_t count = 0;

	for (size_t i = 0; i < report->candidate_count; i++)
		count += report->candidates[i].verdict == verdict;
	return count;
}

static void print_unusable(const struct kiln_tune_report *report)
{
	const char *lead = "  unusable   ";

	for (enum kiln_tune_verdict v = KILN_TUNE_BELOW_FLOOR; v <= KILN_TUNE_HUNG; v++) {
		size_t count = count_of(report, v);

		if (!count)
			continue;
		printf("%s%zu %s", lead, count, kiln_tune_verdict_name(v));
		lead = ", ";
	}
	if (*lead == ',')
		putchar('\n');
}

void kiln_tune_story_print(const struct kiln_tune_story *story)
{
	const struct kiln_tune_report *report = story->report;
	const struct kiln_tune_candidate *won = &report->candidates[report->winner];
	char name[KILN_TUNE_CONFIG_BYTES], own[KILN_TUNE_CONFIG_BYTES], speed[KILN_TUNE_CONFIG_BYTES];
	char a[KILN_PRETTY_BYTES], b[KILN_PRETTY_BYTES];

	kiln_print_clean(story->kernel, stdout);
	printf(": ");
	kiln_print_clean(story->entry, stdout);
	printf(", %ux%ux%u threads on ", story->threads[0], story->threads[1], story->threads[2]);
	kiln_print_clean(story->device, stdout);
	printf("\n  default    %s, %s\n", kiln_tune_config_short(&report->candidates[0].config, own),
	       kiln_pretty_ns((uint64_t)report->candidates[0].ns, a));
	if (report->winner)
		printf("  best       %s, %s: %s\n", kiln_tune_config_short(&won->config, name),
		       kiln_pretty_ns((uint64_t)won->ns, b), kiln_tune_speed(won->ratio, speed));
	else
		printf("  best       the default\n");
	printf("  because    ");
	kiln_print_clean(report->reason, stdout);
	printf("\n  searched   %zu of %zu configurations (%s), %u rounds, %u of them paired, in %s%s\n",
	       report->tried, report->candidate_count, kiln_tune_method_name(report->method), report->rounds,
	       report->final_rounds, kiln_pretty_ns(report->spent_ns, a),
	       report->provisional ? "; provisional" : "");
	print_unusable(report);
}

void kiln_tune_story_finish(struct kiln_tune_story *story)
{
	free(story->kernel);
	free(story->entry);
	free(story->device);
	free(story->adapter);
	free(story->driver);
	if (story->from_file && story->report) {
		for (size_t i = 0; i < story->report->candidate_count; i++)
			free((void *)story->report->candidates[i].samples);
		free((void *)story->report->candidates);
		free(story->report);
	} else {
		kiln_tune_report_destroy(&story->report);
	}
	*story = (struct kiln_tune_story){0};
}

int kiln_tune_by_ratio(const void *a, const void *b)
{
	const struct kiln_tune_candidate *x = *(const struct kiln_tune_candidate *const *)a;
	const struct kiln_tune_candidate *y = *(const struct kiln_tune_candidate *const *)b;

	if ((x->ratio > 0) != (y->ratio > 0))
		return x->ratio > 0 ? -1 : 1;
	if (x->ratio != y->ratio)
		return x->ratio < y->ratio ? -1 : 1;
	return x < y ? -1 : x > y;
}
