/* The manual page, from the same tables as --help. */
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "tool.h"

/* Text as roff takes it: no control lines, no escapes, hyphens that can be copied. */
static void put(const char *text)
{
	bool line_start = true;

	for (; *text; text++) {
		if (line_start && (*text == '.' || *text == '\''))
			fputs("\\&", stdout);
		if (*text == '\\')
			fputs("\\e", stdout);
		else if (*text == '-')
			fputs("\\-", stdout);
		else
			putchar(*text);
		line_start = *text == '\n';
	}
}

static void put_option(const struct kiln_option *option)
{
	printf(".TP\n");
	if (option->letter)
		printf("\\fB\\-%c\\fR, ", option->letter);
	printf("\\fB\\-\\-");
	put(option->name);
	printf("\\fR");
	if (option->argument) {
		printf(" \\fI");
		put(option->argument);
		printf("\\fR");
	}
	putchar('\n');
	put(option->help);
	putchar('\n');
}

static void put_command(const struct kiln_command *command)
{
	printf(".SS kiln ");
	put(command->name);
	printf("\n\\fBkiln ");
	put(command->name);
	printf("\\fR [options]%s\\fI", *command->arguments ? " " : "");
	put(command->arguments);
	printf("\\fR\n.PP\n");
	put(command->summary);
	printf(".\n");
	if (*command->description) {
		printf(".PP\n.nf\n");
		put(command->description);
		printf("\n.fi\n");
	}
	for (const struct kiln_option *const *table = command->options; *table; table++)
		for (const struct kiln_option *option = *table; option->name; option++)
			put_option(option);
	if (command->examples) {
		printf(".PP\nExamples:\n.PP\n.nf\n");
		put(command->examples);
		printf("\n.fi\n");
	}
}

static void put_environment(void)
{
	printf(".SH ENVIRONMENT\n"
	       "A value that makes no sense keeps the default; \\fBkiln env\\fR flags it. A secret of a wrong length\n"
	       "keeps the cache closed.\n");
	for (size_t i = 0; i < kiln_env_count(); i++) {
		struct kiln_env_fact fact = kiln_env_fact(i);

		printf(".TP\n\\fB");
		put(fact.name);
		printf("\\fR\n");
		put(fact.meaning);
		printf(": ");
		put(fact.accepts);
		printf(" (default: ");
		put(fact.default_value);
		printf(")\n");
	}
}

void kiln_man_print(void)
{
	printf(".TH KILN 1 \"\" \"Kiln %s\" \"User Commands\"\n", KILN_VERSION);
	printf(".SH NAME\nkiln \\- run, compile and inspect Vulkan compute kernels\n"
	       ".SH SYNOPSIS\n\\fBkiln\\fR \\fICOMMAND\\fR [options]\n"
	       ".SH DESCRIPTION\n"
	       "Runs compute kernels from SPIR\\-V or GLSL, and keeps their compiled pipelines on disk so that "
	       "the next\nprocess finds them warm. Results go to standard output, messages to standard error. "
	       "Every command\ntakes \\fB\\-\\-json\\fR.\n");
	printf(".SH COMMANDS\n");
	for (const struct kiln_command *const *command = kiln_commands; *command; command++)
		put_command(*command);
	put_environment();
	printf(".SH EXIT STATUS\n");
	for (const struct kiln_exit_meaning *row = kiln_exit_meanings; row->meaning; row++) {
		printf(".TP\n\\fB%d\\fR\n", (int)row->code);
		put(row->meaning);
		putchar('\n');
	}
}
