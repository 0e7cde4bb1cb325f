/* kiln cache export, kiln cache import: moving entries between caches and machines. */
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "cache_tool.h"
#include "commands.h"
#include "json.h"
#include "program.h"
#include "session.h"
#include "text_table.h"
#include "tool.h"

#define PREFIX_MIN 8 /* digits: "0" is a device's index, "cafe" may be a file */

/* What an export is limited to. */
struct filter {
	struct kiln_cache_job job;
	const char *program_text, *device_text;
	struct kiln_digest program, device;
};

/* Looks for digests that begin with `prefix` among the entries. */
struct lookup {
	const char *prefix;
	bool of_device;
	struct kiln_digest found;
	unsigned count; /* of different ones */
};

static bool look(void *user, const struct kiln_cache_listing *entry)
{
	struct lookup *lookup = user;
	const struct kiln_digest *digest;

	if (entry->status || !entry->key)
		return true;
	digest = lookup->of_device ? &entry->identity->device : &entry->identity->program;
	if (!kiln_has_hex_prefix(digest, lookup->prefix) ||
	    (lookup->count && kiln_digest_equal(digest, &lookup->found)))
		return true;
	lookup->found = *digest;
	lookup->count++;
	return true;
}

static enum kiln_exit find_digest(const struct kiln_cache_job *job, const char *prefix, bool of_device,
                                  struct kiln_digest *out_digest)
{
	struct lookup lookup = {.prefix = prefix, .of_device = of_device};
	enum kiln_exit code = kiln_cache_tool_list(job->tool, job->cache, NULL, look, &lookup);

	if (code)
		return code;
	if (lookup.count != 1)
		return kiln_tool_fail(job->tool, KILN_EXIT_USAGE, "%u %s of the cache begin with '%s'. Fix: see kiln cache ls",
		                      lookup.count, of_device ? "devices" : "programs", prefix);
	*out_digest = lookup.found;
	return KILN_EXIT_OK;
}

static bool is_digits(const char *text)
{
	size_t length = 0;

	while (text[length])
		length++;
	return length >= PREFIX_MIN && kiln_is_hex_prefix(text);
}

static enum kiln_exit program_of(struct filter *filter)
{
	struct kiln_program_file program = {0};
	struct kiln_glsl_args args = {0};
	enum kiln_exit code;

	if (is_digits(filter->program_text) && access(filter->program_text, F_OK) != 0)
		return find_digest(&filter->job, filter->program_text, false, &filter->program);
	code = kiln_program_load(filter->job.tool, filter->program_text, &args, &program);
	if (!code)
		filter->program = program.reflection->program;
	kiln_program_finish(&program);
	return code;
}

static enum kiln_exit device_of(struct filter *filter)
{
	struct kiln_device_params params = {
		.select = filter->device_text, .cache = NULL, .no_cache = true, .no_autotune = true};
	struct kiln_device *device = NULL;
	enum kiln_exit code;

	if (is_digits(filter->device_text))
		return find_digest(&filter->job, filter->device_text, true, &filter->device);
	code = kiln_session_open(filter->job.tool, &params, &device);
	if (!code)
		filter->device = kiln_fingerprint_digest(kiln_device_fingerprint(device));
	kiln_device_close(&device);
	return code;
}

static bool take(void *user, int id, const char *value)
{
	struct filter *filter = user;

	*(id == KILN_OPT_DEVICE ? &filter->device_text : &filter->program_text) = value;
	return true;
}

static void report(const struct kiln_cache_job *job, const char *verb, const struct kiln_cache_pack_report *report)
{
	const struct kiln_cache_fact facts[] = {
		{"entries", report->entries, NULL},
		{"bytes", report->bytes, NULL},
		{"present", report->present, "were there"},
		{"skipped", report->skipped, "skipped"},
		{0},
	};
	char size[KILN_PRETTY_BYTES];

	if (job->tool->json)
		kiln_json_text(job->tool->root, "file", job->operand);
	else
		printf("%s %" PRIu64 " %s, %s", verb, report->entries, kiln_entries(report->entries),
		       kiln_pretty_size(report->bytes, size));
	kiln_cache_tool_report(job->tool, facts);
}

static enum kiln_exit export(struct kiln_cache_job *job)
{
	struct filter *filter = (struct filter *)job;
	struct kiln_cache_export_params params = {0};
	struct kiln_cache_pack_report done = {0};
	enum kiln_exit code = KILN_EXIT_OK;
	enum kiln_status status;

	if (!code && filter->program_text)
		code = program_of(filter);
	if (!code && filter->device_text)
		code = device_of(filter);
	if (code)
		return code;
	params.program = filter->program_text ? &filter->program : NULL;
	params.device = filter->device_text ? &filter->device : NULL;
	params.progress = kiln_cache_tool_progress();
	status = kiln_cache_export(job->cache, job->operand, &params, &done);
	code = kiln_cache_tool_end(job->tool, status, "no file was written");
	if (!code)
		report(job, "exported", &done);
	return code;
}

static enum kiln_exit run_export(struct kiln_tool *tool, int argc, char **argv)
{
	struct filter filter = {.job = {.tool = tool}};
	struct kiln_parse parse = {.take = take, .user = &filter, .min_operands = 1, .max_operands = 1};

	return kiln_cache_tool_run(&filter.job, argc, argv, &parse, export);
}

static enum kiln_exit import(struct kiln_cache_job *job)
{
	struct kiln_cache_progress progress = kiln_cache_tool_progress();
	struct kiln_cache_pack_report done = {0};
	enum kiln_status status = kiln_cache_import(job->cache, job->operand, &progress, &done);
	enum kiln_exit code;

	if (!status)
		status = kiln_cache_flush(job->cache);
	code = kiln_cache_tool_end(job->tool, status, "what was imported stays");
	if (!code || code == KILN_EXIT_INTERRUPTED)
		report(job, "imported", &done);
	return code;
}

static enum kiln_exit run_import(struct kiln_tool *tool, int argc, char **argv)
{
	struct kiln_parse parse = {.min_operands = 1, .max_operands = 1};

	return kiln_cache_tool_run(&(struct kiln_cache_job){.tool = tool, .change = true}, argc, argv, &parse, import);
}

static const struct kiln_option own[] = {
	{"program", 'p', "WHICH", "only pipelines of this program: a kernel file, or 8 to 64 digits of\nits digest",
         KILN_OPT_PROGRAM},
	{"device", 'd', "WHICH",
         "only pipelines for this device: index, part of the name, UUID, gpu or\ncpu of one that is here, or 8 to "
         "64 digits of a device digest",
         KILN_OPT_DEVICE},
	{0},
};

static const struct kiln_option *const export_tables[] = {own, kiln_options_common, NULL};
static const struct kiln_option *const import_tables[] = {kiln_options_common, NULL};

const struct kiln_command kiln_command_cache_export = {
	.name = "cache export",
	.arguments = "FILE",
	.summary = "write entries into one file, a pack",
	.description = "Only good entries; the pack appears at once or not at all, and survives a power cut. An\n"
		       "older file is replaced; a folder, link, pipe or device is not. Use it by\n"
		       "KILN_CACHE_PACKS=FILE, read-only and without copying, or by kiln cache import.",
	.examples = "kiln cache export everything.pack\n"
		    "kiln cache export --program saxpy.spv --device gpu saxpy.pack",
	.options = export_tables,
	.run = run_export,
};

const struct kiln_command kiln_command_cache_import = {
	.name = "cache import",
	.arguments = "FILE",
	.summary = "copy the entries of a pack into the cache",
	.description = "Each is verified; those the cache has are left alone. A pack that others could have written is\n"
		       "refused, unless its entries are sealed with the secret that is set (KILN_CACHE_SECRET_FILE,\n"
		       "KILN_CACHE_SECRET).",
	.examples = "kiln cache import everything.pack",
	.options = import_tables,
	.run = run_import,
};
