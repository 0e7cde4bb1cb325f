/* What every command shares: its context, its place in the command table, exit codes, and how it fails. */
#ifndef TOOLS_TOOL_H
#define TOOLS_TOOL_H

#include <stdbool.h>
#include <stddef.h>

#include <cjson/cJSON.h>
#include <kiln/kiln.h>

#include "options.h"

enum kiln_exit kiln_exit_of_status(enum kiln_status status);
/* Of creating a kernel: the argument it calls invalid is then a workgroup size it cannot have. */
enum kiln_exit kiln_exit_of_kernel(enum kiln_status status);

struct kiln_tool;

struct kiln_command {
	const char *name;                         /* "run", "cache ls" */
	const char *arguments;                    /* "FILE"; "" = none */
	const char *summary;                      /* one line */
	const char *description;                  /* paragraphs, wrapped by hand */
	const char *examples;                     /* one command per line */
	const struct kiln_option *const *options; /* NULL-terminated list of option tables */
	enum kiln_exit (*run)(struct kiln_tool *tool, int argc, char **argv);
};

/* Every command, in the order of --help; ends with a NULL name. */
extern const struct kiln_command *const kiln_commands[];

struct kiln_tool {
	const struct kiln_command *command;
	bool json;
	bool quiet; /* no notes */
	cJSON *root;       /* the answer under --json; a command adds to it, main prints it */
	cJSON *last_error; /* what the last failure added, for a command that reports each apart */
};

/* Reports a failure: "kiln run: <sentence>" on stderr, and in the answer under --json. Returns `code`. */
enum kiln_exit kiln_tool_fail(struct kiln_tool *tool, enum kiln_exit code, const char *format, ...)
	KILN_PRINTF(3, 4);
/* The same for a failed Kiln call, with kiln_error_message(). */
enum kiln_exit kiln_tool_fail_status(struct kiln_tool *tool, enum kiln_status status);
/* The same with "<format>: " in front, and `code` instead of the status's own unless it is 0. */
enum kiln_exit kiln_tool_fail_for(struct kiln_tool *tool, enum kiln_status status, enum kiln_exit code,
                                  const char *format, ...) KILN_PRINTF(4, 5);
/* A note for people on stderr that changes nothing about success. */
void kiln_tool_note(const struct kiln_tool *tool, const char *format, ...) KILN_PRINTF(2, 3);

#endif
