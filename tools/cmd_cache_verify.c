/* kiln cache verify: reads and checks every entry. */
#include <inttypes.h>
#include <stdio.h>

#include "cache_tool.h"
#include "commands.h"
#include "json.h"
#include "progress.h"
#include "text_table.h"
#include "tool.h"

struct verify {
	struct kiln_cache_job job; /* .change = --remove */
	cJSON *problems;
};

static bool take(void *user, int id, const char *value)
{
	struct verify *verify = user;

	(void)value;
	verify->job.change = id == KILN_OPT_REMOVE;
	return true;
}

static void problem(void *user, const char *path, enum kiln_status status)
{
	struct verify *verify = user;

	if (verify->problems) {
		cJSON *object = kiln_json_append(verify->problems);

		kiln_json_text(object, "path", path);
		kiln_json_text(object, "status", kiln_status_name(status));
		return;
	}
	printf("%s: ", kiln_status_name(status));
	kiln_print_clean(path, stdout);
	putchar('\n');
}

static void report(struct kiln_tool *tool, const struct kiln_cache_verify_report *report)
{
	const struct kiln_cache_fact facts[] = {
		{"good", report->good, NULL},
		{"good_bytes", report->good_bytes, NULL},
		{"damaged", report->damaged, "damaged"},
		{"removed", report->removed, "of them removed"},
		{"other_version", report->other_version, "of another version or secret"},
		{"too_large", report->too_large, "too large"},
		{"foreign", report->foreign, "not ours"},
		{"errors", report->errors, "that cannot be read"},
		{0},
	};
	char size[KILN_PRETTY_BYTES];

	if (!tool->json)
		printf("%" PRIu64 " good %s, %s", report->good, kiln_entries(report->good),
		       kiln_pretty_size(report->good_bytes, size));
	kiln_cache_tool_report(tool, facts);
}

/* What is left damaged, or could not be looked at, is no success. */
static enum kiln_exit judge(struct kiln_tool *tool, const struct kiln_cache_verify_report *report)
{
	uint64_t damaged = report->damaged - report->removed;

	if (damaged)
		return kiln_tool_fail(tool, KILN_EXIT_FILE,
		                      "%" PRIu64 " damaged %s; Kiln never uses such. Fix: kiln cache verify --remove",
		                      damaged, kiln_entries(damaged));
	if (report->errors)
		return kiln_tool_fail(tool, KILN_EXIT_FILE,
		                      "%" PRIu64 " %s cannot be read. Fix: see that the disk and its permissions are in "
		                      "order",
		                      report->errors, kiln_entries(report->errors));
	return KILN_EXIT_OK;
}

static enum kiln_exit check(struct kiln_cache_job *job)
{
	struct verify *verify = (struct verify *)job;
	struct kiln_cache_verify_params params = {
		.remove = job->change,
		.problem = problem,
		.user = verify,
		.progress = kiln_cache_tool_progress(),
	};
	struct kiln_cache_verify_report found = {0};
	enum kiln_status status;
	enum kiln_exit code;

	verify->problems = job->tool->json ? kiln_json_array(job->tool->root, "problems") : NULL;
	status = kiln_cache_verify(job->cache, &params, &found);
	code = kiln_cache_tool_end(job->tool, status, "what was removed stays removed");
	if (!code || code == KILN_EXIT_INTERRUPTED)
		report(job->tool, &found);
	return code ? code : judge(job->tool, &found);
}

static enum kiln_exit run(struct kiln_tool *tool, int argc, char **argv)
{
	struct verify verify = {.job = {.tool = tool}};
	struct kiln_parse parse = {.take = take, .user = &verify};

	return kiln_cache_tool_run(&verify.job, argc, argv, &parse, check);
}

static const struct kiln_option own[] = {
	{"remove", 0, NULL, "remove damaged entries", KILN_OPT_REMOVE},
	{0},
};

static const struct kiln_option *const tables[] = {own, kiln_options_common, NULL};

const struct kiln_command kiln_command_cache_verify = {
	.name = "cache verify",
	.arguments = "",
	.summary = "read and check every entry",
	.description = "Lists what is not a good entry. Damage that stays, or an entry that cannot be read, is exit\n"
		       "status 7; entries of another version and files that are not Kiln's are only named.",
	.examples = "kiln cache verify\nkiln cache verify --remove --json",
	.options = tables,
	.run = run,
};
