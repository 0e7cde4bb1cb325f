#include "tune_work.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "number.h"
#include "progress.h"
#include "session.h"

#define NS_PER_MS UINT64_C(1000000)
#define BUDGET_MS_MAX UINT64_C(86400000)
#define REDRAW_NS (100 * NS_PER_MS)

const struct kiln_option kiln_options_search[] = {
	{"budget", 'B', "TIME", "time to spend: 300 or 300ms, 2s, 1m (default: 1s)", KILN_OPT_BUDGET},
	{"configs", 'c', "N",
         "configurations to try at most, the default among them (default: a quarter of\nall, at least 8)",
         KILN_OPT_CONFIGS},
	{"method", 0, "HOW", "race (default), exhaustive, which wants a larger budget, or random",
         KILN_OPT_METHOD},
	{"cold", 0, NULL, "flush caches before each launch: for kernels that run rarely", KILN_OPT_COLD},
	{"tolerance", 0, "REL[,ABS]",
         "how far outputs may be from the default's, as f32: ABS + REL * |value|\n(default: they must be the same)",
         KILN_OPT_TOLERANCE},
	{"resizable", 0, NULL,
         "the kernel does not depend on its workgroup size: one that is literal in the\nmodule may be changed",
         KILN_OPT_RESIZABLE},
	{"no-cache", 0, NULL, "keep and read no pipelines on disk", KILN_OPT_NO_CACHE},
	{"validation", 0, NULL, "Khronos validation layer; its messages go to standard error",
         KILN_OPT_VALIDATION},
	{"report", 0, "FILE",
         "save everything that was measured (JSON), for kiln tune explain and plot --from", KILN_OPT_REPORT},
	{0},
};

const struct kiln_option kiln_options_from[] = {
	{"from", 0, "FILE", "tell of a run saved by --report, and measure nothing", KILN_OPT_FROM},
	{0},
};

/* ---- Options ---- */

static bool take_budget(struct kiln_tune_work *work, const char *value)
{
	static const struct {
		const char *name;
		uint64_t ms;
	} units[] = {{"", 1}, {"ms", 1}, {"s", 1000}, {"m", 60000}};
	size_t digits = strspn(value, "0123456789");
	uint64_t number;

	for (size_t i = 0; digits && i < sizeof units / sizeof units[0]; i++) {
		if (strcmp(value + digits, units[i].name) != 0 || !kiln_number_u64(value, digits, &number) ||
		    !number || number > BUDGET_MS_MAX / units[i].ms)
			continue;
		work->budget_ns = number * units[i].ms * NS_PER_MS;
		return true;
	}
	kiln_tool_fail(work->run.tool, KILN_EXIT_USAGE,
	               "--budget '%s' is no time up to a day. Fix: give one such as 300ms, 2s or 1m", value);
	return false;
}

static bool take_method(struct kiln_tune_work *work, const char *value)
{
	for (enum kiln_tune_method m = KILN_TUNE_RACE; m <= KILN_TUNE_RANDOM; m++) {
		if (strcmp(value, kiln_tune_method_name(m)) != 0)
			continue;
		work->method = m;
		return true;
	}
	kiln_tool_fail(work->run.tool, KILN_EXIT_USAGE,
	               "--method '%s' is none. Fix: give race, exhaustive or random", value);
	return false;
}

static bool take_tolerance(struct kiln_tune_work *work, const char *value)
{
	const char *comma = strchr(value, ',');
	size_t length = comma ? (size_t)(comma - value) : strlen(value);

	if (kiln_number_f64(value, length, &work->relative) && work->relative >= 0 &&
	    isfinite(work->relative) &&
	    (!comma || (kiln_number_f64(comma + 1, strlen(comma + 1), &work->absolute) &&
	                work->absolute >= 0 && isfinite(work->absolute))))
		return true;
	kiln_tool_fail(work->run.tool, KILN_EXIT_USAGE,
	               "--tolerance '%s' is none. Fix: give one such as 1e-5 or 1e-5,1e-6", value);
	return false;
}

static bool take_configs(struct kiln_tune_work *work, const char *value)
{
	if (kiln_number_u32(value, &work->configs) && work->configs >= 1)
		return true;
	kiln_tool_fail(work->run.tool, KILN_EXIT_USAGE, "--configs '%s' is no number from 1. Fix: give one",
	               value);
	return false;
}

static bool take(void *user, int id, const char *value)
{
	struct kiln_tune_work *work = user;

	work->measures |= id != KILN_OPT_FROM && id != KILN_OPT_OUT;
	switch (id) {
	case KILN_OPT_BUDGET:
		return take_budget(work, value);
	case KILN_OPT_CONFIGS:
		return take_configs(work, value);
	case KILN_OPT_METHOD:
		return take_method(work, value);
	case KILN_OPT_TOLERANCE:
		return take_tolerance(work, value);
	case KILN_OPT_COLD:
		return work->cold = true;
	case KILN_OPT_RESIZABLE:
		return work->resizable = true;
	case KILN_OPT_ONLY_MISSING:
		return work->only_missing = true;
	case KILN_OPT_NO_RECORD:
		return work->no_record = true;
	case KILN_OPT_REPORT:
		work->report = value;
		return true;
	case KILN_OPT_FROM:
		work->from = value;
		return true;
	case KILN_OPT_OUT:
		work->output = value;
		return true;
	default:
		return kiln_run_take(&work->run, id, value);
	}
}

/* ---- Progress ---- */

struct line {
	bool shown, drawn;
	uint64_t last_ns;
};

static void draw(struct line *line, const struct kiln_tune_progress *progress)
{
	char name[KILN_TUNE_CONFIG_BYTES];
	uint64_t now = kiln_tool_now_ns();

	if (!line->shown || (line->drawn && now - line->last_ns < REDRAW_NS))
		return;
	line->drawn = true;
	line->last_ns = now;
	fprintf(stderr, "\r\033[K%s  %zu/%zu configs", progress->final ? "deciding" : "tuning",
	        progress->configs_done, progress->configs_budget);
	if (progress->best && progress->best_ratio > 0 && progress->best_ratio < 0.995)
		fprintf(stderr, "  best %s: %.2fx", kiln_tune_config_short(progress->best, name),
		        1 / progress->best_ratio);
	else
		fprintf(stderr, "  best: the default");
	if (progress->eta_ns != UINT64_MAX)
		fprintf(stderr, "  %.1f s left", (double)progress->eta_ns / 1e9);
	fflush(stderr);
}

static bool on_progress(void *user, const struct kiln_tune_progress *progress)
{
	draw(user, progress);
	return !kiln_interrupted();
}

/* ---- The run ---- */

static enum kiln_exit create_kernel(struct kiln_tune_work *work)
{
	struct kiln_run *run = &work->run;
	struct kiln_kernel_params params = {
		.spirv = run->program.words,
		.spirv_bytes = run->program.bytes,
		.entry = run->entry->name,
		.spec = run->specs,
		.spec_count = run->options.spec_count,
		.name = run->file,
		.guarded = run->options.guarded,
		.resizable = work->resizable,
	};
	enum kiln_status status = kiln_kernel_create(run->device, &params, &run->kernel);

	return status ? kiln_tool_fail_status(run->tool, status) : KILN_EXIT_OK;
}

static enum kiln_exit cannot_tune(struct kiln_tune_work *work, enum kiln_status status)
{
	if (status == KILN_ERR_CANCELLED)
		return kiln_tool_fail(work->run.tool, KILN_EXIT_INTERRUPTED,
		                      "interrupted; nothing was recorded");
	return kiln_tool_fail_for(work->run.tool, status,
	                          status == KILN_ERR_UNSUPPORTED ? KILN_EXIT_BAD_KERNEL : KILN_EXIT_OK,
	                          "'%s'", work->run.file);
}

static enum kiln_exit tune(struct kiln_tune_work *work, struct kiln_tune_report **out_report)
{
	struct kiln_run *run = &work->run;
	struct line line = {.shown = isatty(STDERR_FILENO) && !run->tool->quiet};
	uint64_t sizes[KILN_BUFFERS_MAX];
	struct kiln_tune_params params = {
		.launch = {.push = run->push.bytes ? run->push.data : NULL,
	                   .push_bytes = (uint32_t)run->push.bytes},
		.budget_ns = work->budget_ns,
		.max_configs = work->configs,
		.method = work->method,
		.tolerance_absolute = work->absolute,
		.tolerance_relative = work->relative,
		.only_missing = work->only_missing,
		.no_record = work->no_record,
		.cold = work->cold,
		.progress = on_progress,
		.user = &line,
	};
	enum kiln_status status;

	memcpy(params.launch.threads, run->threads, sizeof params.launch.threads);
	for (size_t i = 0; i < run->buffer_count; i++) {
		params.launch.buffers[i] = run->buffers[i].buffer;
		sizes[i] = run->buffers[i].array.bytes;
	}
	if (!run->options.input_count && run->buffer_count) {
		params.buffer_bytes = sizes;
		params.buffer_count = run->buffer_count;
	}
	status = kiln_tune(run->kernel, &params, out_report);
	if (line.drawn)
		fputs("\r\033[K", stderr);
	return status ? cannot_tune(work, status) : KILN_EXIT_OK;
}

static enum kiln_exit tell(struct kiln_tune_work *work, struct kiln_tune_report *report,
                           struct kiln_tune_story *out_story)
{
	const struct kiln_device_info *info = kiln_device_info(work->run.device);
	struct kiln_tune_story story = {.report = report};
	const char *slash = strrchr(work->run.file, '/');
	time_t now = time(NULL);
	struct tm day;

	story.kernel = strdup(slash ? slash + 1 : work->run.file);
	story.entry = strdup(work->run.entry->name);
	story.device = strdup(info->name);
	story.adapter = strdup(info->adapter);
	if (asprintf(&story.driver, "%s %s", info->driver_name, info->driver_info) < 0)
		story.driver = NULL;
	memcpy(story.threads, work->run.threads, sizeof story.threads);
	if (gmtime_r(&now, &day))
		strftime(story.date, sizeof story.date, "%Y-%m-%d", &day);
	if (!story.kernel || !story.entry || !story.device || !story.adapter || !story.driver) {
		kiln_tune_story_finish(&story);
		return kiln_tool_fail(work->run.tool, KILN_EXIT_FAILURE, "out of memory. Fix: free some");
	}
	*out_story = story;
	return KILN_EXIT_OK;
}

/* Without a report, only_missing found a record. A device that was lost leaves one, of what it was lost by. */
static enum kiln_exit run_work(struct kiln_tune_work *work, struct kiln_tune_story *out_story)
{
	struct kiln_run *run = &work->run;
	struct kiln_tune_report *report = NULL;
	enum kiln_exit code = kiln_run_prepare(run), told = KILN_EXIT_OK;

	kiln_interrupt_watch();
	if (!code)
		code = kiln_run_open_device(run);
	if (!code)
		code = create_kernel(work);
	if (!code && run->options.input_count)
		code = kiln_run_upload(run);
	if (!code)
		code = tune(work, &report);
	if (!code || report)
		told = tell(work, report, out_story);
	if (!told && report && work->report)
		told = kiln_tune_story_save(run->tool, out_story, work->report);
	return code ? code : told;
}

static enum kiln_exit tune_or_load(struct kiln_tune_work *work, int argc, char **argv, int first,
                                   struct kiln_tune_story *out_story)
{
	if (work->from && first < argc)
		return kiln_tool_fail(work->run.tool, KILN_EXIT_USAGE,
		                      "both a kernel, '%s', and --from are given. Fix: drop one",
		                      argv[first]);
	if (work->from && work->measures)
		return kiln_tool_fail(
			work->run.tool, KILN_EXIT_USAGE,
			"both --from, which measures nothing, and an option for measuring are given. "
			"Fix: drop one");
	if (work->from)
		return kiln_tune_story_load(work->run.tool, work->from, out_story);
	if (first == argc)
		return kiln_tool_fail(
			work->run.tool, KILN_EXIT_USAGE,
			"the kernel is missing. Fix: name a file, or a saved report with --from");
	work->run.file = argv[first];
	return run_work(work, out_story);
}

enum kiln_exit kiln_tune_work_main(struct kiln_tool *tool, int argc, char **argv, bool recording,
                                   enum kiln_exit (*show)(struct kiln_tune_work *work,
                                                          const struct kiln_tune_story *story))
{
	struct kiln_tune_work *work = calloc(1, sizeof *work);
	struct kiln_parse parse = {.take = take, .user = work, .min_operands = recording, .max_operands = 1};
	struct kiln_tune_story story = {0};
	enum kiln_exit code;

	if (!work)
		return kiln_tool_fail(tool, KILN_EXIT_FAILURE, "out of memory. Fix: free some");
	work->run.tool = tool;
	work->no_record = !recording;
	if (kiln_options_parse(tool, argc, argv, &parse)) {
		code = tune_or_load(work, argc, argv, parse.first, &story);
		if (!code)
			code = show(work, &story);
	} else {
		code = parse.code;
	}
	kiln_tune_story_finish(&story);
	kiln_run_finish(&work->run);
	free(work);
	return code;
}
