/* kiln cache why: what a launch would find now, and the reason. Compiles and changes nothing. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "args.h"
#include "cache_tool.h"
#include "commands.h"
#include "json.h"
#include "number.h"
#include "program.h"
#include "session.h"
#include "text_table.h"
#include "tool.h"

enum verdict { FOUND, STUB, OFF, SUSPENDED, QUARANTINED, DAMAGED, OTHER_VERSION, TOO_LARGE, UNREADABLE, NOT_FOUND };

/* What each means for a launch. */
static const struct {
	const char *name, *text;
} verdicts[] = {
	[FOUND] = {"found", "a launch loads it from disk, unless the driver refuses its own blob"},
	[STUB] = {"stub", "the entry holds no code, as this driver gives none: a launch compiles"},
	[OFF] = {"off", "the cache is off: a launch compiles and keeps nothing"},
	[SUSPENDED] = {"suspended", "the driver died with several entries, so the cache rests for this device for up to "
                                    "24 hours: a launch compiles and keeps nothing. Fix: kiln cache clear ends that"},
	[QUARANTINED] = {"quarantined", "a process died while the driver had the entry, so it was set aside: a launch "
                                        "compiles and stores it anew"},
	[DAMAGED] = {"damaged", "the entry is damaged: a launch removes it, compiles, and stores it anew"},
	[OTHER_VERSION] = {"other_version", "the entry is of another version of Kiln, or sealed with another secret: a "
                                            "launch compiles and writes over it"},
	[TOO_LARGE] = {"too_large", "the entry is larger than what is read: a launch compiles"},
	[UNREADABLE] = {"unreadable", "the entry cannot be read: a launch compiles"},
	[NOT_FOUND] = {"not_found", "there is no such entry: a launch compiles and stores it"},
};

struct why {
	struct kiln_tool *tool;
	struct kiln_device_params params;
	struct kiln_glsl_args glsl;
	const char *file, *entry;
	const char *spec_texts[KILN_ARGS_SPEC_MAX];
	size_t spec_count;
	uint32_t workgroup[3];

	struct kiln_program_file program;
	struct kiln_cache *cache;
	struct kiln_device *device;
	struct kiln_kernel *kernel;
	struct kiln_build build;

	enum verdict verdict;
	struct kiln_cache_entry found;
	struct kiln_cache_explanation explained;
	enum kiln_miss_reason reason;
	char read_error[1024];
	unsigned nearest_fields; /* 0 = nothing near */
	int64_t nearest_use_s;
	char nearest_id[KILN_DIGEST_HEX];
	char difference[2048];
};

/* ---- The command line ---- */

static bool take(void *user, int id, const char *value)
{
	struct why *why = user;

	if (kiln_session_take(&why->params, id, value))
		return true;
	switch (id) {
	case KILN_OPT_ENTRY:
		why->entry = value;
		return true;
	case KILN_OPT_SPEC:
		return kiln_args_append(why->tool, why->spec_texts, &why->spec_count, KILN_ARGS_SPEC_MAX, "--spec",
		                        value);
	case KILN_OPT_WORKGROUP:
		return kiln_args_triple(why->tool, "--workgroup", value, why->workgroup);
	default:
		return kiln_glsl_args_take(why->tool, &why->glsl, id, value);
	}
}

/* ---- Finding out ---- */

static enum kiln_exit open_all(struct why *why)
{
	enum kiln_exit code = kiln_cache_tool_open(why->tool, false, &why->cache);

	if (code)
		return code;
	why->glsl.cache = why->params.no_cache ? NULL : why->cache;
	code = kiln_program_load(why->tool, why->file, &why->glsl, &why->program);
	return code ? code : kiln_session_open_on(why->tool, why->cache, &why->params, &why->device);
}

static enum kiln_exit create_kernel(struct why *why)
{
	const struct kiln_entry_point *entry = NULL;
	struct kiln_spec_value values[KILN_ARGS_SPEC_MAX];
	struct kiln_kernel_params params = {
		.spirv = why->program.words,
		.spirv_bytes = why->program.bytes,
		.spec = values,
		.spec_count = why->spec_count,
		.workgroup = {why->workgroup[0], why->workgroup[1], why->workgroup[2]},
		.name = why->file,
	};
	enum kiln_exit code = kiln_args_entry(why->tool, why->program.reflection, why->entry, &entry);
	enum kiln_status status;

	for (size_t i = 0; !code && i < why->spec_count; i++)
		code = kiln_args_spec(why->tool, why->program.reflection, why->spec_texts[i], &values[i]);
	if (code)
		return code;
	params.entry = entry->name;
	status = kiln_kernel_create(why->device, &params, &why->kernel);
	if (!status)
		status = kiln_kernel_describe(why->kernel, &why->build);
	return status ? kiln_tool_fail_for(why->tool, status, kiln_exit_of_kernel(status), "'%s'", why->file)
	              : KILN_EXIT_OK;
}

/* Would a launch have a cache at all? */
static bool is_off(const struct why *why)
{
	return why->params.no_cache || kiln_session_env_is("KILN_CACHE", "off");
}

/* `before` the read: the same cache may have been asked for a GLSL source's module, too. */
static enum verdict judge_miss(struct why *why, enum kiln_status status, struct kiln_cache_counters before)
{
	struct kiln_cache_counters after = kiln_cache_counters(why->cache);

	snprintf(why->read_error, sizeof why->read_error, "%s", kiln_error_message());
	if (status == KILN_ERR_DAMAGED)
		return DAMAGED;
	if (status != KILN_ERR_NOT_FOUND)
		return UNREADABLE;
	if (kiln_cache_quarantined(why->cache, &why->build.identity))
		return QUARANTINED;
	return after.other_version != before.other_version ? OTHER_VERSION
	       : after.too_large != before.too_large       ? TOO_LARGE
	                                                   : NOT_FOUND;
}

static enum verdict judge(struct why *why)
{
	const struct kiln_fingerprint *fingerprint = kiln_device_fingerprint(why->device);
	struct kiln_cache_counters before;
	enum kiln_status status;

	if (is_off(why))
		return OFF;
	if (kiln_cache_suspended(why->cache, &why->build.identity.device))
		return SUSPENDED;
	before = kiln_cache_counters(why->cache);
	status = kiln_cache_read(why->cache, why->build.key, fingerprint, &why->found);
	if (status)
		return judge_miss(why, status, before);
	return why->found.flags & KILN_ENTRY_STUB ? STUB : FOUND;
}

/* A launch looks at a few entries only, for the sake of time; here the nearest of all is wanted. */
static bool compare(void *user, const struct kiln_cache_listing *listing)
{
	struct why *why = user;
	const struct kiln_fingerprint *fingerprint = kiln_device_fingerprint(why->device);
	char text[sizeof why->difference];
	unsigned fields;

	if (listing->status || !listing->key ||
	    !kiln_digest_equal(&listing->identity->program, &why->build.identity.program))
		return true;
	kiln_key_diff_print(listing->key, listing->fingerprint, why->build.key, fingerprint, text, sizeof text, &fields);
	if (!fields || (why->nearest_fields && fields > why->nearest_fields) ||
	    (fields == why->nearest_fields && listing->last_use_s <= why->nearest_use_s))
		return true;
	why->nearest_fields = fields;
	why->nearest_use_s = listing->last_use_s;
	kiln_hex_encode(&listing->identity->digest, why->nearest_id);
	snprintf(why->difference, sizeof why->difference, "%s", text);
	return true;
}

/* What became of an entry that is not found; "" = nothing is known. */
static const char *history(const struct why *why)
{
	static const char *const texts[] = {
		[KILN_CACHE_EVICTED] = "it was collected, for the cache's size or its own age",
		[KILN_CACHE_DAMAGED] = "it was damaged, and removed",
		[KILN_CACHE_SET_ASIDE] = "a process died while the driver had it",
		[KILN_CACHE_INVALIDATED] = "it was invalidated",
	};
	size_t fate = why->explained.fate;

	return why->verdict == NOT_FOUND && fate < sizeof texts / sizeof texts[0] && texts[fate] ? texts[fate] : "";
}

static enum kiln_exit investigate(struct why *why)
{
	enum kiln_status status;

	why->verdict = judge(why);
	if (why->verdict == FOUND || why->verdict == OFF)
		return KILN_EXIT_OK;
	status = kiln_cache_explain(why->cache, why->build.key, kiln_device_fingerprint(why->device), &why->explained);
	if (status)
		return kiln_tool_fail_status(why->tool, status);
	if (why->verdict != STUB)
		why->reason = why->verdict == DAMAGED ? KILN_MISS_KEY_ABSENT : kiln_miss_classify(&why->explained.evidence);
	/* What was there once needs no other entry to explain it. */
	if (why->verdict != NOT_FOUND || !why->explained.evidence.same_program)
		return KILN_EXIT_OK;
	why->nearest_fields = why->explained.nearest.fields;
	why->nearest_use_s = INT64_MAX;
	kiln_hex_encode(&why->explained.nearest.pipeline_id, why->nearest_id);
	snprintf(why->difference, sizeof why->difference, "%s", why->explained.nearest.difference);
	return kiln_cache_tool_list(why->tool, why->cache, &why->build.identity.program, compare, why);
}

/* ---- Telling ---- */

static void report_json(const struct why *why)
{
	const struct kiln_cache_evidence *evidence = &why->explained.evidence;
	char when[KILN_TIME_BYTES];
	cJSON *root = why->tool->root, *object;

	kiln_json_text(root, "file", why->file);
	kiln_json_text(root, "entry", kiln_kernel_entry(why->kernel)->name);
	kiln_session_json(why->tool, why->device);
	kiln_json_digest(root, "pipeline_id", &why->build.identity.digest);
	kiln_json_digest(root, "program_digest", &why->build.identity.program);
	kiln_json_text(root, "dispatch_policy", why->build.policy);
	kiln_json_u32s(root, "workgroup", why->build.workgroup, 3);
	kiln_json_text(root, "workgroup_source", kiln_workgroup_source_name(why->build.workgroup_source));
	kiln_json_text(root, "verdict", verdicts[why->verdict].name);
	kiln_json_text(root, "explanation", verdicts[why->verdict].text);
	kiln_json_bool(root, "compiles", why->verdict != FOUND);
	kiln_json_text(root, "miss_reason", kiln_miss_reason_name(why->reason));
	kiln_json_text(root, "fate", *history(why) ? kiln_cache_fate_name(why->explained.fate) : NULL);
	kiln_json_text(root, "fate_time",
	               *history(why) && why->explained.fate_s ? kiln_print_time(why->explained.fate_s, when) : NULL);
	kiln_json_text(root, "message",
	               why->verdict == DAMAGED || why->verdict == UNREADABLE ? why->read_error : NULL);
	object = kiln_json_object(root, "evidence");
	kiln_json_u64(object, "total_entries", evidence->total_entries);
	kiln_json_u64(object, "same_program", evidence->same_program);
	kiln_json_u64(object, "same_program_policy", evidence->same_program_policy);
	kiln_json_u64(object, "same_program_policy_device", evidence->same_program_policy_device);
	if (!why->nearest_fields) {
		cJSON_AddNullToObject(root, "nearest");
		return;
	}
	object = kiln_json_object(root, "nearest");
	kiln_json_text(object, "pipeline_id", why->nearest_id);
	kiln_json_text(object, "difference", why->difference);
	kiln_json_u64(object, "fields", why->nearest_fields);
}

static void report_text(const struct why *why)
{
	char id[KILN_DIGEST_SHORT], size[KILN_PRETTY_BYTES], compile[KILN_PRETTY_BYTES], when[KILN_TIME_BYTES];

	kiln_hex_short(&why->build.identity.digest, id);
	kiln_print_clean(why->file, stdout);
	printf(" on ");
	kiln_print_clean(kiln_device_info(why->device)->name, stdout);
	printf("\n  verdict    %s: %s\n", verdicts[why->verdict].name, verdicts[why->verdict].text);
	if (why->reason)
		printf("  reason     %s\n", kiln_miss_reason_name(why->reason));
	if (*history(why))
		printf("  history    %s%s%s\n", history(why), why->explained.fate_s ? ", " : "",
		       why->explained.fate_s ? kiln_print_time(why->explained.fate_s, when) : "");
	if (why->nearest_fields)
		printf("  nearest    %.12s: %s\n", why->nearest_id, why->difference);
	if (why->verdict == UNREADABLE || why->verdict == DAMAGED) {
		printf("  message    ");
		kiln_print_clean(why->read_error, stdout);
		putchar('\n');
	}
	if (why->verdict == FOUND)
		printf("  blob       %s, saves a compile of %s\n", kiln_pretty_size(why->found.payload_bytes, size),
		       kiln_pretty_ns(why->found.compile_ns, compile));
	printf("  pipeline   %s\n  workgroup  %ux%ux%u (%s)\n  policy     %s\n", id, why->build.workgroup[0],
	       why->build.workgroup[1], why->build.workgroup[2],
	       kiln_workgroup_source_name(why->build.workgroup_source), why->build.policy);
}

static void finish(struct why *why)
{
	kiln_cache_entry_finish(&why->found);
	kiln_kernel_destroy(&why->kernel);
	why->params.cache = why->cache;
	kiln_session_close(&why->params, &why->device);
	kiln_program_finish(&why->program);
}

static enum kiln_exit run(struct kiln_tool *tool, int argc, char **argv)
{
	static enum kiln_exit (*const steps[])(struct why *) = {open_all, create_kernel, investigate};
	struct why why = {.tool = tool};
	struct kiln_parse parse = {.take = take, .user = &why, .min_operands = 1, .max_operands = 1};
	enum kiln_exit code = KILN_EXIT_OK;

	if (!kiln_options_parse(tool, argc, argv, &parse))
		return parse.code;
	why.file = argv[parse.first];
	for (size_t i = 0; !code && i < sizeof steps / sizeof steps[0]; i++)
		code = steps[i](&why);
	if (!code && tool->json)
		report_json(&why);
	else if (!code)
		report_text(&why);
	finish(&why);
	return code;
}

static const struct kiln_option own[] = {
	{"entry", 'e', "NAME", "entry point (default: main, or the only one)", KILN_OPT_ENTRY},
	{"spec", 's', "ID=VALUE", "specialisation constant, by id or name; may be repeated", KILN_OPT_SPEC},
	{"workgroup", 'w', "X[,Y[,Z]]", "workgroup size in threads (default: store, else the kernel's own)",
         KILN_OPT_WORKGROUP},
	{0},
};

static const struct kiln_option *const tables[] =
	{own, kiln_options_device, kiln_options_work, kiln_options_glsl, kiln_options_common, NULL};

const struct kiln_command kiln_command_cache_why = {
	.name = "cache why",
	.arguments = "FILE.spv|FILE.comp",
	.summary = "explain what a launch would find in the cache now, and why",
	.description = "Opens the device and works out the pipeline's identity as a launch would, then looks on disk.\n"
		       "Where there is no entry, it says what became of it, if it was there, and compares the nearest\n"
		       "one of the same program field by field.\n"
		       "Compiles no pipeline and changes nothing, so a crash that no launch has noticed yet is not seen\n"
		       "either. Exit status 0 whatever the answer is.",
	.examples = "kiln cache why saxpy.spv\nkiln cache why --device cpu --workgroup 128 saxpy.spv --json",
	.options = tables,
	.run = run,
};
