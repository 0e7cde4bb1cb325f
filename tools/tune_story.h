/* One tuning run as something to tell: what was tuned where and when, and the report. Fresh, or from a file. */
#ifndef TOOLS_TUNE_STORY_H
#define TOOLS_TUNE_STORY_H

#include "tool.h"

#define KILN_TUNE_CONFIG_BYTES 128
#define KILN_TUNE_DATE_BYTES 11

struct kiln_tune_story {
	char *kernel, *entry, *device, *adapter, *driver;
	char date[KILN_TUNE_DATE_BYTES]; /* "YYYY-MM-DD" */
	uint32_t threads[3];
	struct kiln_tune_report *report;
	bool from_file; /* who made the report has to free it */
};

/* Adds everything to `object`; --report files and answers have the same shape. */
void kiln_tune_story_json(cJSON *object, const struct kiln_tune_story *story);
/* Writes what kiln_tune_story_load() reads. Both report failures themselves. */
enum kiln_exit kiln_tune_story_save(struct kiln_tool *tool, const struct kiln_tune_story *story,
                                    const char *path);
enum kiln_exit kiln_tune_story_load(struct kiln_tool *tool, const char *path,
                                    struct kiln_tune_story *out_story);
void kiln_tune_story_finish(struct kiln_tune_story *story);

/* The configuration, short: "64", "16x16 unroll 4 tile 8x8". */
const char *kiln_tune_config_short(const struct kiln_tune_config *config,
                                   char out_text[KILN_TUNE_CONFIG_BYTES]);
const char *kiln_tune_size_short(const uint32_t size[3], char out_text[KILN_TUNE_CONFIG_BYTES]);

/* "2.31 times as fast as the default", "as fast as the default". */
const char *kiln_tune_speed(double ratio, char out_text[KILN_TUNE_CONFIG_BYTES]);

/* For qsort() of pointers to candidates: the fastest first; what has no time comes last, in the report's order. */
int kiln_tune_by_ratio(const void *a, const void *b);

/* A few lines for people: who won, why, and after how much work. */
void kiln_tune_story_print(const struct kiln_tune_story *story);

#endif
