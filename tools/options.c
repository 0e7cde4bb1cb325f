#include "options.h"

#include <getopt.h>
#include <string.h>

#include "progress.h"
#include "tool.h"

#define OPTIONS_MAX 64
#define HELP_COLUMN 30

const struct kiln_option kiln_options_common[] = {
	{"json", 0, NULL, "answer in JSON on standard output", KILN_OPT_JSON},
	{"quiet", 'q', NULL, "no progress line and no notes; log errors only (as KILN_LOG=error)", KILN_OPT_QUIET},
	{"verbose", 'v', NULL, "log what Kiln does to standard error (as KILN_LOG=info)", KILN_OPT_VERBOSE},
	{"help", 'h', NULL, "this text", KILN_OPT_HELP},
	{0},
};

/* The tables of a command in getopt's two forms. */
struct getopt_tables {
	struct option longs[OPTIONS_MAX + 1];
	char shorts[3 * OPTIONS_MAX + 2];
	size_t count, short_length;
};

static void add_option(struct getopt_tables *tables, const struct kiln_option *option)
{
	if (tables->count == OPTIONS_MAX)
		return;
	tables->longs[tables->count++] = (struct option){
		.name = option->name,
		.has_arg = option->argument ? required_argument : no_argument,
		.val = option->id,
	};
	if (!option->letter)
		return;
	tables->shorts[tables->short_length++] = option->letter;
	if (option->argument)
		tables->shorts[tables->short_length++] = ':';
}

static void build_tables(const struct kiln_command *command, struct getopt_tables *tables)
{
	memset(tables, 0, sizeof *tables);
	tables->shorts[tables->short_length++] =
		':'; /* report a missing argument apart from an unknown option */
	for (const struct kiln_option *const *table = command->options; *table; table++)
		for (const struct kiln_option *option = *table; option->name; option++)
			add_option(tables, option);
}

static int id_of_letter(const struct kiln_command *command, int letter)
{
	for (const struct kiln_option *const *table = command->options; *table; table++)
		for (const struct kiln_option *option = *table; option->name; option++)
			if (option->letter && option->letter == letter)
				return option->id;
	return letter;
}

static enum kiln_exit bad_option(struct kiln_tool *tool, int code, char **argv)
{
	const char *given = argv[optind - 1];
	char letter[3] = {'-', (char)optopt, '\0'};

	/* optopt holds a letter for short options, an id or 0 for long ones. */
	if (optopt > 0 && optopt < 256)
		given = letter;
	return kiln_tool_fail(tool, KILN_EXIT_USAGE, "option '%s' %s. Fix: see kiln %s --help", given,
	                      code == ':' ? "needs a value"
	                                  : "is unknown, or takes no value, or is short for several",
	                      tool->command->name);
}

static void answer_in_json(struct kiln_tool *tool)
{
	tool->json = true;
	if (!tool->root)
		tool->root = cJSON_CreateObject();
}

/* Before real parsing, so that a mistake in any option already answers in JSON. */
static void look_for_json(struct kiln_tool *tool, int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--"); i++)
		if (!strcmp(argv[i], "--json"))
			answer_in_json(tool);
}

/* One option as getopt_long returned it; false ends the command. */
static bool take_option(struct kiln_tool *tool, int code, char **argv, struct kiln_parse *parse)
{
	parse->code = KILN_EXIT_USAGE;
	if (code == '?' || code == ':') {
		bad_option(tool, code, argv);
		return false;
	}
	code = id_of_letter(tool->command, code);
	if (code == KILN_OPT_HELP) {
		tool->json = false;
		kiln_options_help(tool->command, stdout);
		parse->code = KILN_EXIT_OK;
		return false;
	}
	if (code == KILN_OPT_JSON) /* which getopt_long takes shortened, too */
		answer_in_json(tool);
	if (code == KILN_OPT_VERBOSE)
		kiln_log_set(kiln_log_stderr, NULL, KILN_LOG_INFO);
	if (code == KILN_OPT_QUIET) {
		tool->quiet = true;
		kiln_progress_quiet();
		kiln_log_set(kiln_log_stderr, NULL, KILN_LOG_ERROR);
	}
	return code == KILN_OPT_QUIET || code == KILN_OPT_VERBOSE || code == KILN_OPT_JSON ||
	       parse->take(parse->user, code, optarg);
}

bool kiln_options_parse(struct kiln_tool *tool, int argc, char **argv, struct kiln_parse *parse)
{
	struct getopt_tables tables;
	int code;

	look_for_json(tool, argc, argv);
	build_tables(tool->command, &tables);
	opterr = 0;
	optind = 1;
	while ((code = getopt_long(argc, argv, tables.shorts, tables.longs, NULL)) != -1)
		if (!take_option(tool, code, argv, parse))
			return false;
	parse->first = optind;
	parse->code = KILN_EXIT_USAGE;
	if (argc - optind < parse->min_operands) {
		kiln_tool_fail(tool, KILN_EXIT_USAGE, "%s is missing. Fix: see kiln %s --help",
		               tool->command->arguments, tool->command->name);
		return false;
	}
	if (argc - optind > parse->max_operands) {
		kiln_tool_fail(tool, KILN_EXIT_USAGE,
		               "'%s' is one argument too many. Fix: see kiln %s --help",
		               argv[optind + parse->max_operands], tool->command->name);
		return false;
	}
	return true;
}

/* Help text with '\n' in it, each line after the first indented to the column. */
static void print_help(const char *help, FILE *file)
{
	for (const char *end; (end = strchr(help, '\n')); help = end + 1)
		fprintf(file, "%.*s\n%*s", (int)(end - help), help, HELP_COLUMN, "");
	fprintf(file, "%s\n", help);
}

static void print_option(const struct kiln_option *option, FILE *file)
{
	int width = fprintf(file, "  %c%c%s --%s%s%s", option->letter ? '-' : ' ',
	                    option->letter ? option->letter : ' ', option->letter ? "," : " ", option->name,
	                    option->argument ? " " : "", option->argument ? option->argument : "");

	if (width >= HELP_COLUMN)
		width = fprintf(file, "\n") - 1;
	fprintf(file, "%*s", HELP_COLUMN - width, "");
	print_help(option->help, file);
}

static void print_exits(FILE *file)
{
	fprintf(file, "\nExit status:\n");
	for (const struct kiln_exit_meaning *row = kiln_exit_meanings; row->meaning; row++)
		fprintf(file, "  %3d  %s\n", (int)row->code, row->meaning);
}

static void print_examples(const char *examples, FILE *file)
{
	fprintf(file, "\nExamples:\n");
	for (const char *end; (end = strchr(examples, '\n')); examples = end + 1)
		fprintf(file, "  %.*s\n", (int)(end - examples), examples);
	fprintf(file, "  %s\n", examples);
}

void kiln_options_help(const struct kiln_command *command, FILE *file)
{
	fprintf(file, "kiln %s: %s\n\nUsage: kiln %s [options]%s%s\n", command->name, command->summary,
	        command->name, *command->arguments ? " " : "", command->arguments);
	if (*command->description)
		fprintf(file, "\n%s\n", command->description);
	fprintf(file, "\nOptions:\n");
	for (const struct kiln_option *const *table = command->options; *table; table++)
		for (const struct kiln_option *option = *table; option->name; option++)
			print_option(option, file);
	if (command->examples)
		print_examples(command->examples, file);
	print_exits(file);
}
