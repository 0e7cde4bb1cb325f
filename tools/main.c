/* The kiln command: finds the command, runs it, prints its answer. */
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "json.h"
#include "tool.h"

const struct kiln_command *const kiln_commands[] = {
	&kiln_command_info,
	&kiln_command_run,
	&kiln_command_reflect,
	&kiln_command_compile,
	&kiln_command_cache_ls,
	&kiln_command_cache_show,
	&kiln_command_cache_path,
	&kiln_command_cache_stat,
	&kiln_command_cache_why,
	&kiln_command_cache_verify,
	&kiln_command_cache_gc,
	&kiln_command_cache_clear,
	&kiln_command_cache_export,
	&kiln_command_cache_import,
	&kiln_command_tune_run,
	&kiln_command_tune_explain,
	&kiln_command_tune_plot,
	&kiln_command_tune_ls,
	&kiln_command_tune_show,
	&kiln_command_tune_forget,
	&kiln_command_tune_export,
	&kiln_command_tune_import,
	&kiln_command_env,
	NULL,
};

static void print_help(FILE *file)
{
	fputs("kiln: Vulkan compute kernels that are compiled once and stay warm.\n\n"
	      "Usage: kiln COMMAND [options]\n\nCommands:\n",
	      file);
	for (const struct kiln_command *const *command = kiln_commands; *command; command++)
		fprintf(file, "  %-12s %s\n", (*command)->name, (*command)->summary);
	fputs("\n  kiln COMMAND --help explains a command, kiln --version says which Kiln this is.\n"
	      "  Every command takes --json.\n\n"
	      "Exit status:\n",
	      file);
	for (const struct kiln_exit_meaning *row = kiln_exit_meanings; row->meaning; row++)
		fprintf(file, "  %3d  %s\n", (int)row->code, row->meaning);
}

/* Words of argv that name the command: "cache ls" is two. 0 = none. */
static int match(const struct kiln_command *command, int argc, char **argv)
{
	const char *space = strchr(command->name, ' ');
	size_t length = space ? (size_t)(space - command->name) : strlen(command->name);

	if (argc < 2 || strlen(argv[1]) != length || memcmp(argv[1], command->name, length))
		return 0;
	if (!space)
		return 1;
	return argc > 2 && !strcmp(argv[2], space + 1) ? 2 : 0;
}

static const struct kiln_command *find(int argc, char **argv, int *out_words)
{
	for (const struct kiln_command *const *command = kiln_commands; *command; command++) {
		*out_words = match(*command, argc, argv);
		if (*out_words)
			return *command;
	}
	return NULL;
}

static bool is_of_family(const struct kiln_command *command, const char *word)
{
	size_t length = strlen(word);

	return !strncmp(command->name, word, length) && command->name[length] == ' ';
}

static bool is_family(const char *word)
{
	for (const struct kiln_command *const *command = kiln_commands; *command; command++)
		if (is_of_family(*command, word))
			return true;
	return false;
}

/* The commands of one family, for "kiln cache" and "kiln cache --help". */
static bool print_family(const char *word, FILE *file)
{
	if (!is_family(word))
		return false;
	fprintf(file, "Usage: kiln %s COMMAND [options]\n\nCommands:\n", word);
	for (const struct kiln_command *const *command = kiln_commands; *command; command++)
		if (is_of_family(*command, word))
			fprintf(file, "  %-12s %s\n", (*command)->name, (*command)->summary);
	return true;
}

static bool wants_help(const char *word)
{
	return !strcmp(word, "--help") || !strcmp(word, "-h") || !strcmp(word, "help");
}

/* No command knows its options, and a program that asked for JSON is to get it. */
static enum kiln_exit refuse(struct kiln_tool *tool, int argc, char **argv)
{
	for (int i = 2; i < argc; i++)
		tool->json = tool->json || !strcmp(argv[i], "--json");
	if (tool->json)
		tool->root = cJSON_CreateObject();
	if (argc > 2 && is_family(argv[1]) && argv[2][0] != '-')
		return kiln_tool_fail(tool, KILN_EXIT_USAGE, "'%s %s' is no command. Fix: see kiln %s --help",
		                      argv[1], argv[2], argv[1]);
	if (!is_family(argv[1]))
		return kiln_tool_fail(tool, KILN_EXIT_USAGE, "'%s' is no command. Fix: see kiln --help", argv[1]);
	if (tool->json)
		return kiln_tool_fail(tool, KILN_EXIT_USAGE, "'%s' alone is no command. Fix: see kiln %s --help",
		                      argv[1], argv[1]);
	print_family(argv[1], stderr);
	return KILN_EXIT_USAGE;
}

static enum kiln_exit run_other(struct kiln_tool *tool, int argc, char **argv)
{
	if (argc < 2) {
		print_help(stderr);
		return KILN_EXIT_USAGE;
	}
	if (!strcmp(argv[1], "help") && argc == 3 && !strcmp(argv[2], "--man")) {
		kiln_man_print();
		return KILN_EXIT_OK;
	}
	if (wants_help(argv[1])) {
		print_help(stdout);
		return KILN_EXIT_OK;
	}
	if (!strcmp(argv[1], "--version")) {
		printf("kiln %s\n", KILN_VERSION);
		return KILN_EXIT_OK;
	}
	if (argc == 3 && wants_help(argv[2]) && print_family(argv[1], stdout))
		return KILN_EXIT_OK;
	return refuse(tool, argc, argv);
}

static enum kiln_exit print_answer(struct kiln_tool *tool, enum kiln_exit code)
{
	cJSON *answer = cJSON_CreateObject();
	char *text;

	kiln_json_u64(answer, "schema", 1);
	kiln_json_text(answer, "kiln_version", KILN_VERSION);
	kiln_json_text(answer, "command", tool->command ? tool->command->name : NULL);
	kiln_json_bool(answer, "ok", code == KILN_EXIT_OK);
	for (cJSON *item; answer && tool->root && (item = tool->root->child);) {
		cJSON_DetachItemViaPointer(tool->root, item);
		cJSON_AddItemToObject(answer, item->string, item);
	}
	text = cJSON_Print(answer);
	if (text)
		puts(text);
	else
		fputs("kiln: out of memory for the answer. Fix: free memory\n", stderr);
	cJSON_Delete(answer);
	cJSON_free(text);
	return text ? code : KILN_EXIT_FAILURE;
}

/* A full disk or a closed pipe must not look like success. */
static enum kiln_exit check_output(const struct kiln_tool *tool, enum kiln_exit code)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return code;
	fprintf(stderr, "kiln %s: cannot write to standard output. Fix: see that there is room\n",
	        tool->command ? tool->command->name : "help");
	return code ? code : KILN_EXIT_FILE;
}

int main(int argc, char **argv)
{
	struct kiln_tool tool = {0};
	enum kiln_exit code;
	int words = 0;

	kiln_log_set(kiln_log_stderr, NULL, 0);
	tool.command = find(argc, argv, &words);
	code = tool.command ? tool.command->run(&tool, argc - words, argv + words) : run_other(&tool, argc, argv);
	if (tool.json)
		code = print_answer(&tool, code);
	cJSON_Delete(tool.last_error);
	cJSON_Delete(tool.root);
	return check_output(&tool, code);
}
