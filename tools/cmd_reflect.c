/* kiln reflect: what a kernel declares. No device. */
#include "args.h"
#include "commands.h"
#include "describe.h"
#include "program.h"
#include "tool.h"

struct options {
	struct kiln_tool *tool;
	const char *entry;
	struct kiln_glsl_args glsl;
};

static bool take(void *user, int id, const char *value)
{
	struct options *options = user;

	if (id != KILN_OPT_ENTRY)
		return kiln_glsl_args_take(options->tool, &options->glsl, id, value);
	options->entry = value;
	return true;
}

static enum kiln_exit run(struct kiln_tool *tool, int argc, char **argv)
{
	struct options options = {.tool = tool};
	struct kiln_parse parse = {.take = take, .user = &options, .min_operands = 1, .max_operands = 1};
	struct kiln_program_file program = {0};
	const struct kiln_entry_point *entry;
	enum kiln_exit code;

	if (!kiln_options_parse(tool, argc, argv, &parse))
		return parse.code;
	code = kiln_program_load(tool, argv[parse.first], &options.glsl, &program);
	if (!code && options.entry)
		code = kiln_args_entry(tool, program.reflection, options.entry, &entry);
	if (!code && tool->json)
		kiln_describe_json(tool->root, program.reflection, options.entry);
	else if (!code)
		kiln_describe_print(program.reflection, options.entry);
	kiln_program_finish(&program);
	return code;
}

static const struct kiln_option own[] = {
	{"entry", 'e', "NAME", "show only this entry point", KILN_OPT_ENTRY},
	{0},
};

static const struct kiln_option *const tables[] = {own, kiln_options_glsl, kiln_options_common, NULL};

const struct kiln_command kiln_command_reflect = {
	.name = "reflect",
	.arguments = "FILE.spv|FILE.comp",
	.summary = "show what a kernel declares",
	.description =
		"Entry points, workgroup size, bindings, specialisation constants, push constants, capabilities\n"
		"and the program digest. Needs no device. FILE is SPIR-V, or GLSL when its name ends in .comp or\n"
		".glsl.",
	.examples = "kiln reflect saxpy.spv\nkiln reflect -I include -D WIDTH=32 filter.comp\n"
		    "kiln reflect saxpy.spv --json | jq '.entry_points[0].bindings'",
	.options = tables,
	.run = run,
};
