/* The command line: exit codes, and options as tables that drive getopt_long, --help and the manual. */
#ifndef TOOLS_OPTIONS_H
#define TOOLS_OPTIONS_H

#include <stdbool.h>
#include <stdio.h>

struct kiln_command;
struct kiln_tool;

/* Scripts rely on these numbers: they are listed in --help and the manual, and never change meaning. */
enum kiln_exit {
	KILN_EXIT_OK = 0,
	KILN_EXIT_FAILURE = 1,
	KILN_EXIT_USAGE = 2,
	KILN_EXIT_EXPECTED_WARM = 3,
	KILN_EXIT_NO_DEVICE = 4,
	KILN_EXIT_BAD_KERNEL = 5,
	KILN_EXIT_BAD_LAUNCH = 6,
	KILN_EXIT_FILE = 7,
	KILN_EXIT_INTERRUPTED = 130,
};

struct kiln_exit_meaning {
	enum kiln_exit code;
	const char *meaning;
};

/* Ends with a NULL meaning. */
extern const struct kiln_exit_meaning kiln_exit_meanings[];

/* Above any letter, so that ids and short options share one number space. */
enum kiln_option_id {
	KILN_OPT_BUFFER = 256,
	KILN_OPT_DEFINE,
	KILN_OPT_DEVICE,
	KILN_OPT_DRY_RUN,
	KILN_OPT_ENTRY,
	KILN_OPT_EXPECT_WARM,
	KILN_OPT_HELP,
	KILN_OPT_INCLUDE,
	KILN_OPT_JSON,
	KILN_OPT_MAN,
	KILN_OPT_MANIFEST,
	KILN_OPT_MAX_AGE,
	KILN_OPT_MAX_BYTES,
	KILN_OPT_NO_AUTOTUNE,
	KILN_OPT_NO_CACHE,
	KILN_OPT_OUT,
	KILN_OPT_PROGRAM,
	KILN_OPT_PUSH,
	KILN_OPT_QUIET,
	KILN_OPT_REMOVE,
	KILN_OPT_REPEAT,
	KILN_OPT_SPEC,
	KILN_OPT_SPIRV,
	KILN_OPT_STATISTICS,
	KILN_OPT_THREADS,
	KILN_OPT_TRACE,
	KILN_OPT_VALIDATION,
	KILN_OPT_VERBOSE,
	KILN_OPT_WORKGROUP,
	KILN_OPT_GUARDED,
	KILN_OPT_ADAPTER,
	KILN_OPT_BUDGET,
	KILN_OPT_COLD,
	KILN_OPT_CONFIGS,
	KILN_OPT_FROM,
	KILN_OPT_METHOD,
	KILN_OPT_NO_RECORD,
	KILN_OPT_ONLY_MISSING,
	KILN_OPT_REPLACE,
	KILN_OPT_REPORT,
	KILN_OPT_RESIZABLE,
	KILN_OPT_TOLERANCE,
};

struct kiln_option {
	const char *name;     /* long form */
	char letter;          /* short form; 0 = none */
	const char *argument; /* "FILE"; NULL = a flag */
	const char *help;     /* '\n' separates lines */
	int id;               /* enum kiln_option_id */
};

/* --json, --quiet, --verbose, --help; handled by kiln_options_parse() itself. Tables end with a NULL name. */
extern const struct kiln_option kiln_options_common[];

struct kiln_parse {
	bool (*take)(void *user, int id,
	             const char *value); /* every option that is not a common one; false after reporting a
	                                                      * bad value. NULL = the command has none */
	void *user;
	int min_operands, max_operands;

	int first;           /* out: index of the first operand, as getopt leaves them */
	enum kiln_exit code; /* out, when parsing ends the command */
};

/* Parses argv[1...] by the command's tables, operands and options in any order. false: --help was printed
 * or a mistake reported; return parse->code. */
bool kiln_options_parse(struct kiln_tool *tool, int argc, char **argv, struct kiln_parse *parse);

void kiln_options_help(const struct kiln_command *command, FILE *file);

#endif
