/* Tuning runs as JSON: what --report writes and --from reads. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "json.h"
#include "tune_story.h"

#define SCHEMA 1
#define FORMAT "kiln-tune-report"
#define FILE_BYTES_MAX (64u << 20)
#define CANDIDATES_MAX 65536
#define SAMPLES_MAX 65536

/* ---- Writing ---- */

/* Six digits say more than a clock does, and keep the file readable. */
static void add_real(cJSON *object, const char *name, double value)
{
	char text[32];

	snprintf(text, sizeof text, "%.6g", isfinite(value) ? value : 0);
	cJSON_AddItemToObject(object, name, cJSON_CreateRaw(text));
}

static void add_config(cJSON *object, const struct kiln_tune_config *config)
{
	char text[KILN_TUNE_CONFIG_BYTES];
	cJSON *constants;

	kiln_tune_config_text(config, text, sizeof text);
	kiln_json_text(object, "config", text);
	kiln_json_u32s(object, "workgroup_size", config->workgroup, 3);
	kiln_json_u64(object, "unroll", config->unroll);
	kiln_json_u32s(object, "tile", config->tile, 3);
	constants = kiln_json_array(object, "constants");
	for (uint32_t i = 0; i < config->constant_count; i++) {
		cJSON *constant = kiln_json_append(constants);

		kiln_json_u64(constant, "id", config->constants[i].id);
		kiln_json_u64(constant, "value", config->constants[i].value);
		kiln_json_bool(constant, "named", config->constants[i].named);
	}
}

/* [round, final, ns, ratio]: short, because there are many. */
static void add_samples(cJSON *object, const struct kiln_tune_candidate *candidate)
{
	cJSON *array = kiln_json_array(object, "samples");
	char text[96];

	for (size_t i = 0; i < candidate->sample_count; i++) {
		const struct kiln_tune_sample *sample = &candidate->samples[i];

		snprintf(text, sizeof text, "[%u, %s, %.6g, %.6g]", sample->round,
		         sample->final ? "true" : "false", isfinite(sample->ns) ? sample->ns : 0,
		         isfinite(sample->ratio) ? sample->ratio : 0);
		cJSON_AddItemToArray(array, cJSON_CreateRaw(text));
	}
}

static void add_candidate(cJSON *array, const struct kiln_tune_candidate *candidate)
{
	cJSON *object = kiln_json_append(array);

	add_config(object, &candidate->config);
	kiln_json_text(object, "verdict", kiln_tune_verdict_name(candidate->verdict));
	add_real(object, "ns", candidate->ns);
	add_real(object, "ratio", candidate->ratio);
	add_real(object, "ratio_low", candidate->ratio_low);
	add_real(object, "ratio_high", candidate->ratio_high);
	kiln_json_u64(object, "rounds_won", candidate->rounds_won);
	kiln_json_u64(object, "rounds_paired", candidate->rounds_paired);
	add_samples(object, candidate);
}

void kiln_tune_story_json(cJSON *object, const struct kiln_tune_story *story)
{
	const struct kiln_tune_report *report = story->report;
	cJSON *array;

	kiln_json_text(object, "kernel", story->kernel);
	kiln_json_text(object, "entry", story->entry);
	kiln_json_text(object, "device", story->device);
	kiln_json_text(object, "adapter", story->adapter);
	kiln_json_text(object, "driver", story->driver);
	kiln_json_text(object, "date", story->date);
	kiln_json_u32s(object, "threads", story->threads, 3);
	kiln_json_text(object, "method", kiln_tune_method_name(report->method));
	kiln_json_u64(object, "seed", report->seed);
	kiln_json_u64(object, "winner", report->winner);
	kiln_json_u64(object, "tried", report->tried);
	kiln_json_u64(object, "spent_ns", report->spent_ns);
	kiln_json_u64(object, "measured_ns", report->measured_ns);
	kiln_json_u64(object, "rounds", report->rounds);
	kiln_json_u64(object, "final_rounds", report->final_rounds);
	add_real(object, "control_drift", report->control_drift);
	add_real(object, "control_spread", report->control_spread);
	kiln_json_bool(object, "provisional", report->provisional);
	kiln_json_text(object, "reason", report->reason);
	array = kiln_json_array(object, "candidates");
	for (size_t i = 0; i < report->candidate_count; i++)
		add_candidate(array, &report->candidates[i]);
}

enum kiln_exit kiln_tune_story_save(struct kiln_tool *tool, const struct kiln_tune_story *story,
                                    const char *path)
{
	cJSON *root = cJSON_CreateObject();
	struct kiln_why why;
	char *text;
	bool wrote;

	kiln_json_text(root, "format", FORMAT);
	kiln_json_u64(root, "schema", SCHEMA);
	kiln_tune_story_json(root, story);
	text = cJSON_Print(root);
	cJSON_Delete(root);
	if (!text)
		return kiln_tool_fail(tool, KILN_EXIT_FAILURE,
		                      "out of memory for the report. Fix: free memory");
	wrote = kiln_file_write(path, text, strlen(text), &why);
	cJSON_free(text);
	return wrote ? KILN_EXIT_OK : kiln_tool_fail(tool, KILN_EXIT_FILE, "--report: %s", why.text);
}

/* ---- Reading: every answer of these is safe to use, and `bad` says whether all were there. ---- */

struct reading {
	bool bad;
};

static double number(struct reading *reading, const cJSON *item, double low, double high)
{
	if (!cJSON_IsNumber(item) || !(item->valuedouble >= low && item->valuedouble <= high)) {
		reading->bad = true;
		return low;
	}
	return item->valuedouble;
}

static double real_of(struct reading *reading, const cJSON *object, const char *name)
{
	return number(reading, cJSON_GetObjectItemCaseSensitive(object, name), 0, 1e18);
}

static uint32_t u32_of(struct reading *reading, const cJSON *object, const char *name)
{
	return (uint32_t)number(reading, cJSON_GetObjectItemCaseSensitive(object, name), 0, UINT32_MAX);
}

static void triple_of(struct reading *reading, const cJSON *object, const char *name, uint32_t out[3])
{
	const cJSON *array = cJSON_GetObjectItemCaseSensitive(object, name);

	reading->bad |= !cJSON_IsArray(array) || cJSON_GetArraySize(array) != 3;
	for (int i = 0; i < 3; i++)
		out[i] = (uint32_t)number(reading, cJSON_GetArrayItem(array, i), 0, UINT32_MAX);
}

static bool bool_of(struct reading *reading, const cJSON *object, const char *name)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);

	reading->bad |= !cJSON_IsBool(item);
	return cJSON_IsTrue(item);
}

static char *text_of(struct reading *reading, const cJSON *object, const char *name)
{
	const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));
	char *copy = strdup(text ? text : "");

	reading->bad |= !text || !copy;
	return copy;
}

static void read_constants(struct reading *reading, const cJSON *object, struct kiln_tune_config *config)
{
	const cJSON *array = cJSON_GetObjectItemCaseSensitive(object, "constants"), *item;

	reading->bad |= !cJSON_IsArray(array) || cJSON_GetArraySize(array) > KILN_TUNE_CONSTANTS;
	cJSON_ArrayForEach(item, array)
	{
		if (config->constant_count < KILN_TUNE_CONSTANTS)
			config->constants[config->constant_count++] =
				(struct kiln_tune_constant){u32_of(reading, item, "id"),
			                                    u32_of(reading, item, "value"),
			                                    bool_of(reading, item, "named")};
	}
}

static void read_samples(struct reading *reading, const cJSON *object, struct kiln_tune_candidate *candidate)
{
	const cJSON *array = cJSON_GetObjectItemCaseSensitive(object, "samples"), *item;
	int count = cJSON_GetArraySize(array);
	struct kiln_tune_sample *samples = calloc(count > 0 ? (size_t)count : 1, sizeof *samples);

	candidate->samples = samples;
	reading->bad |= !cJSON_IsArray(array) || count > SAMPLES_MAX || !samples;
	if (reading->bad)
		return;
	cJSON_ArrayForEach(item, array)
	{
		reading->bad |= cJSON_GetArraySize(item) != 4 || !cJSON_IsBool(cJSON_GetArrayItem(item, 1));
		samples[candidate->sample_count++] = (struct kiln_tune_sample){
			.round = (uint32_t)number(reading, cJSON_GetArrayItem(item, 0), 0, UINT32_MAX),
			.final = cJSON_IsTrue(cJSON_GetArrayItem(item, 1)),
			.ns = number(reading, cJSON_GetArrayItem(item, 2), 0, 1e18),
			.ratio = number(reading, cJSON_GetArrayItem(item, 3), 0, 1e18),
		};
	}
}

static enum kiln_tune_verdict verdict_of(struct reading *reading, const cJSON *object)
{
	const char *name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, "verdict"));

	for (enum kiln_tune_verdict v = KILN_TUNE_NOT_TRIED; name && v <= KILN_TUNE_HUNG; v++)
		if (!strcmp(name, kiln_tune_verdict_name(v)))
			return v;
	reading->bad = true;
	return KILN_TUNE_NOT_TRIED;
}

static void read_candidate(struct reading *reading, const cJSON *object,
                           struct kiln_tune_candidate *candidate)
{
	triple_of(reading, object, "workgroup_size", candidate->config.workgroup);
	triple_of(reading, object, "tile", candidate->config.tile);
	candidate->config.unroll = u32_of(reading, object, "unroll");
	read_constants(reading, object, &candidate->config);
	candidate->verdict = verdict_of(reading, object);
	candidate->ns = real_of(reading, object, "ns");
	candidate->ratio = real_of(reading, object, "ratio");
	candidate->ratio_low = real_of(reading, object, "ratio_low");
	candidate->ratio_high = real_of(reading, object, "ratio_high");
	candidate->rounds_won = u32_of(reading, object, "rounds_won");
	candidate->rounds_paired = u32_of(reading, object, "rounds_paired");
	read_samples(reading, object, candidate);
}

static void read_candidates(struct reading *reading, const cJSON *root, struct kiln_tune_report *report)
{
	const cJSON *array = cJSON_GetObjectItemCaseSensitive(root, "candidates"), *item;
	int count = cJSON_GetArraySize(array);
	struct kiln_tune_candidate *candidates;

	reading->bad |= !cJSON_IsArray(array) || count < 1 || count > CANDIDATES_MAX;
	if (reading->bad)
		return;
	candidates = calloc((size_t)count, sizeof *candidates);
	report->candidates = candidates;
	reading->bad |= !candidates;
	cJSON_ArrayForEach(item, array)
	{
		if (reading->bad)
			return;
		read_candidate(reading, item, &candidates[report->candidate_count++]);
	}
	reading->bad |= report->winner >= report->candidate_count;
}

static void read_report(struct reading *reading, const cJSON *root, struct kiln_tune_report *report)
{
	const char *method = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(root, "method"));
	char *reason = text_of(reading, root, "reason");

	for (enum kiln_tune_method m = KILN_TUNE_RACE; m <= KILN_TUNE_RANDOM; m++)
		if (method && !strcmp(method, kiln_tune_method_name(m)))
			report->method = m;
	if (reason)
		snprintf(report->reason, sizeof report->reason, "%s", reason);
	free(reason);
	report->winner = u32_of(reading, root, "winner");
	report->tried = u32_of(reading, root, "tried");
	report->spent_ns = (uint64_t)real_of(reading, root, "spent_ns");
	report->measured_ns = (uint64_t)real_of(reading, root, "measured_ns");
	report->rounds = u32_of(reading, root, "rounds");
	report->final_rounds = u32_of(reading, root, "final_rounds");
	report->control_drift = real_of(reading, root, "control_drift");
	report->control_spread = real_of(reading, root, "control_spread");
	report->provisional = bool_of(reading, root, "provisional");
	read_candidates(reading, root, report);
}

static void read_story(struct reading *reading, const cJSON *root, struct kiln_tune_story *story)
{
	const char *format = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(root, "format"));
	char *date = text_of(reading, root, "date");

	story->from_file = true;
	story->report = calloc(1, sizeof *story->report);
	reading->bad |= !story->report || !format || strcmp(format, FORMAT) != 0 ||
	                u32_of(reading, root, "schema") != SCHEMA;
	story->kernel = text_of(reading, root, "kernel");
	story->entry = text_of(reading, root, "entry");
	story->device = text_of(reading, root, "device");
	story->adapter = text_of(reading, root, "adapter");
	story->driver = text_of(reading, root, "driver");
	if (date)
		snprintf(story->date, sizeof story->date, "%s", date);
	free(date);
	triple_of(reading, root, "threads", story->threads);
	if (!reading->bad)
		read_report(reading, root, story->report);
}

enum kiln_exit kiln_tune_story_load(struct kiln_tool *tool, const char *path,
                                    struct kiln_tune_story *out_story)
{
	struct reading reading = {0};
	struct kiln_why why;
	uint8_t *data;
	size_t bytes;
	cJSON *root;

	if (!kiln_file_read(path, FILE_BYTES_MAX, &data, &bytes, &why))
		return kiln_tool_fail(tool, KILN_EXIT_FILE, "--from: %s", why.text);
	root = cJSON_ParseWithLength((const char *)data, bytes);
	free(data);
	read_story(&reading, root, out_story);
	cJSON_Delete(root);
	if (!reading.bad)
		return KILN_EXIT_OK;
	kiln_tune_story_finish(out_story);
	return kiln_tool_fail(
		tool, KILN_EXIT_FILE,
		"--from: '%s' is no report of a tuning run, expected what kiln tune run --report writes. "
		"Fix: write it anew",
		path);
}
