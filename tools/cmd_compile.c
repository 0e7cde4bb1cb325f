/* kiln compile: makes pipelines ready for the processes to come. */
#include <stdio.h>
#include <string.h>

#include "args.h"
#include "build_report.h"
#include "commands.h"
#include "json.h"
#include "number.h"
#include "program.h"
#include "progress.h"
#include "session.h"
#include "statistics.h"
#include "text_table.h"
#include "tool.h"

struct compile {
	struct kiln_tool *tool;
	struct kiln_device_params params;
	struct kiln_glsl_args glsl;
	const char *entry;
	const char *specs[KILN_ARGS_SPEC_MAX];
	size_t spec_count;
	uint32_t workgroup[3];

	struct kiln_device *device;
	struct kiln_text_table table, statistics;
	bool with_statistics;
	cJSON *kernels;
	enum kiln_exit code; /* of the first failure */
	size_t done, failed;
};

static bool take(void *user, int id, const char *value)
{
	struct compile *compile = user;

	if (kiln_session_take(&compile->params, id, value))
		return true;
	switch (id) {
	case KILN_OPT_ENTRY:
		compile->entry = value;
		return true;
	case KILN_OPT_SPEC:
		return kiln_args_append(compile->tool, compile->specs, &compile->spec_count, KILN_ARGS_SPEC_MAX, "--spec",
		                        value);
	case KILN_OPT_STATISTICS:
		compile->with_statistics = true;
		return true;
	case KILN_OPT_WORKGROUP:
		return kiln_args_triple(compile->tool, "--workgroup", value, compile->workgroup);
	default:
		return kiln_glsl_args_take(compile->tool, &compile->glsl, id, value);
	}
}

static void note_failure(struct compile *compile, enum kiln_exit code, const char *file, const char *entry)
{
	const char *cells[] = {file, entry ? entry : "-", "failed", "-", "-", "-", "-", "-", "-", "-"};

	compile->code = compile->code ? compile->code : code;
	compile->failed++;
	for (size_t i = 0; i < sizeof cells / sizeof cells[0]; i++)
		kiln_text_table_add(&compile->table, "%s", cells[i]);
	if (compile->kernels) {
		cJSON *object = kiln_json_append(compile->kernels);

		kiln_json_text(object, "file", file);
		kiln_json_text(object, "entry", entry);
		kiln_json_bool(object, "ok", false);
		cJSON_AddItemToObject(object, "error", cJSON_Duplicate(compile->tool->last_error, true));
	}
}

/* A driver that tells nothing leaves the kernel compiled. */
static void note_statistics(struct compile *compile, const char *file, const char *entry,
                            struct kiln_kernel *kernel, cJSON *object)
{
	enum kiln_exit code;

	if (!compile->with_statistics)
		return;
	code = kiln_statistics_note(compile->tool, kernel, file, entry, &compile->statistics, object);
	compile->code = compile->code ? compile->code : code;
}

static void note_success(struct compile *compile, const char *file, const char *entry,
                         const struct kiln_build *build, struct kiln_kernel *kernel)
{
	cJSON *object = NULL;
	char resolve[KILN_PRETTY_BYTES], driver[KILN_PRETTY_BYTES], blob[KILN_PRETTY_BYTES],
		id[KILN_DIGEST_SHORT];
	struct kiln_text_table *table = &compile->table;

	compile->done++;
	kiln_hex_short(&build->identity.digest, id);
	kiln_text_table_add(table, "%s", file);
	kiln_text_table_add(table, "%s", entry);
	kiln_text_table_add(table, "%s", kiln_outcome_name(build->outcome));
	kiln_text_table_add(table, "%s", kiln_hit_name(build->cache_hit));
	kiln_text_table_add(table, "%s",
	                    build->miss_reason ? kiln_miss_reason_name(build->miss_reason) : "-");
	kiln_text_table_add(table, "%ux%ux%u %s", build->workgroup[0], build->workgroup[1],
	                    build->workgroup[2], kiln_workgroup_source_name(build->workgroup_source));
	kiln_text_table_add(table, "%s", kiln_pretty_ns(build->resolve_ns, resolve));
	kiln_text_table_add(table, "%s", build->compile_ns ? kiln_pretty_ns(build->compile_ns, driver) : "-");
	kiln_text_table_add(table, "%s%s", kiln_pretty_size(build->blob_bytes, blob),
	                    build->stub ? " stub" : "");
	kiln_text_table_add(table, "%s", id);
	if (compile->kernels) {
		object = kiln_json_append(compile->kernels);
		kiln_json_text(object, "file", file);
		kiln_json_text(object, "entry", entry);
		kiln_json_bool(object, "ok", true);
		kiln_build_json(object, build);
		kiln_manifest_json(object, kernel);
	}
	note_statistics(compile, file, entry, kernel, object);
}

static enum kiln_exit parse_specs(struct compile *compile, const struct kiln_reflection *reflection,
                                  struct kiln_spec_value *values)
{
	for (size_t i = 0; i < compile->spec_count; i++) {
		enum kiln_exit code =
			kiln_args_spec(compile->tool, reflection, compile->specs[i], &values[i]);

		if (code)
			return code;
	}
	return KILN_EXIT_OK;
}

static enum kiln_exit compile_kernel(struct compile *compile, const char *file,
                                     const struct kiln_program_file *program, const char *entry,
                                     const struct kiln_spec_value *values)
{
	struct kiln_kernel_params params = {
		.spirv = program->words,
		.spirv_bytes = program->bytes,
		.entry = entry,
		.spec = values,
		.spec_count = compile->spec_count,
		.workgroup = {compile->workgroup[0], compile->workgroup[1], compile->workgroup[2]},
		.name = file,
	};
	struct kiln_kernel *kernel = NULL;
	struct kiln_build build;
	enum kiln_exit code = KILN_EXIT_OK;
	enum kiln_status status = kiln_kernel_create(compile->device, &params, &kernel);

	if (!status)
		status = kiln_kernel_resolve(kernel, &build);
	if (status)
		code = kiln_tool_fail_for(compile->tool, status, kiln_exit_of_kernel(status), "'%s'", file);
	else
		note_success(compile, file, entry, &build, kernel);
	kiln_kernel_destroy(&kernel);
	return code;
}

static void compile_entries(struct compile *compile, const char *file,
                            const struct kiln_program_file *program)
{
	const struct kiln_reflection *reflection = program->reflection;
	struct kiln_spec_value values[KILN_ARGS_SPEC_MAX];
	const struct kiln_entry_point *only = NULL;
	enum kiln_exit code = parse_specs(compile, reflection, values);

	if (!code && compile->entry)
		code = kiln_args_entry(compile->tool, reflection, compile->entry, &only);
	if (code)
		note_failure(compile, code, file, compile->entry);
	for (size_t i = 0; !code && i < reflection->entry_count && !kiln_interrupted(); i++) {
		enum kiln_exit one;

		if (only && only != &reflection->entries[i])
			continue;
		one = compile_kernel(compile, file, program, reflection->entries[i].name, values);
		if (one)
			note_failure(compile, one, file, reflection->entries[i].name);
	}
}

static void compile_file(struct compile *compile, const char *file)
{
	struct kiln_program_file program = {0};
	enum kiln_exit code = kiln_program_load(compile->tool, file, &compile->glsl, &program);

	if (code)
		note_failure(compile, code, file, NULL);
	else
		compile_entries(compile, file, &program);
	kiln_program_finish(&program);
}

static void report(struct compile *compile)
{
	struct kiln_device_counters counters = kiln_device_counters(compile->device);
	struct kiln_tool *tool = compile->tool;

	if (!tool->json) {
		kiln_text_table_print(&compile->table, 0, stdout);
		if (compile->with_statistics) {
			putchar('\n');
			kiln_text_table_print(&compile->statistics, 0, stdout);
		}
		return;
	}
	kiln_session_json(tool, compile->device);
	kiln_json_u64(tool->root, "compiled", counters.compiled);
	kiln_json_u64(tool->root, "failed", compile->failed);
	kiln_json_u64(tool->root, "validation_messages", counters.validation_messages);
	kiln_json_text(tool->root, "cache_root", kiln_cache_root(kiln_device_cache(compile->device)));
}

static void compile_files(struct compile *compile, int count, char **files)
{
	static const char *const titles[] = {"file",        "entry",     "outcome",  "hit",
	                                     "miss reason", "workgroup", ">resolve", ">driver",
	                                     ">blob",       "pipeline",  NULL};

	kiln_text_table_init(&compile->table, titles);
	kiln_text_table_init(&compile->statistics, kiln_statistics_titles);
	if (compile->tool->json)
		compile->kernels = kiln_json_array(compile->tool->root, "kernels");
	kiln_interrupt_watch();
	for (int i = 0; i < count && !kiln_interrupted(); i++) {
		/* A failure's message ends the line; this begins it anew. */
		kiln_progress_start(files[i], (size_t)count);
		kiln_progress_step((size_t)i, files[i]);
		compile_file(compile, files[i]);
	}
	kiln_progress_stop();
	report(compile);
	kiln_text_table_finish(&compile->table);
	kiln_text_table_finish(&compile->statistics);
	if (kiln_interrupted())
		compile->code = kiln_tool_fail(compile->tool, KILN_EXIT_INTERRUPTED,
		                               "interrupted after %zu kernels; what is compiled is kept",
		                               compile->done);
}

static enum kiln_exit run(struct kiln_tool *tool, int argc, char **argv)
{
	struct compile compile = {.tool = tool};
	struct kiln_parse parse = {.take = take, .user = &compile, .min_operands = 1, .max_operands = argc};

	if (!kiln_options_parse(tool, argc, argv, &parse))
		return parse.code;
	compile.code = kiln_session_open(tool, &compile.params, &compile.device);
	compile.glsl.cache = kiln_device_cache(compile.device);
	if (compile.device)
		compile_files(&compile, argc - parse.first, argv + parse.first);
	kiln_device_close(&compile.device);
	return compile.code;
}

static const struct kiln_option own[] = {
	{"entry", 'e', "NAME", "compile only this entry point (default: all)", KILN_OPT_ENTRY},
	{"spec", 's', "ID=VALUE", "specialisation constant, by id or name; may be repeated", KILN_OPT_SPEC},
	{"workgroup", 'w', "X[,Y[,Z]]", "workgroup size in threads (default: store, else the kernel's own)",
         KILN_OPT_WORKGROUP},
	{"statistics", 0, NULL,
         "compile once more, asking the driver for registers, spills, instructions and the like",
         KILN_OPT_STATISTICS},
	{0},
};

static const struct kiln_option *const tables[] =
	{own, kiln_options_device, kiln_options_warm, kiln_options_work, kiln_options_glsl, kiln_options_common, NULL};

const struct kiln_command kiln_command_compile = {
	.name = "compile",
	.arguments = "FILE...",
	.summary = "make pipelines warm: memory, else disk, else compile and store",
	.description =
		"Resolves every entry point of every FILE (SPIR-V, or GLSL when its name ends in .comp or\n"
		".glsl) and says how each became ready, by the driver's own evidence. Works on devices that can\n"
		"only compile. A file that fails does not stop the others; the exit status is that of the first\n"
		"failure.",
	.examples = "kiln compile shaders/*.spv\nkiln compile --expect-warm shaders/*.spv\n"
		    "kiln compile --spec 0=128 saxpy.comp --json",
	.options = tables,
	.run = run,
};
