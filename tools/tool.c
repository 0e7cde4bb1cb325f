#include "tool.h"

#include <stdarg.h>
#include <stdio.h>

#include "json.h"
#include "progress.h"
#include "text_table.h"

const struct kiln_exit_meaning kiln_exit_meanings[] = {
	{KILN_EXIT_OK, "success"},
	{KILN_EXIT_FAILURE, "any other failure: out of memory, a driver error, a lost device"},
	{KILN_EXIT_USAGE, "the command line makes no sense"},
	{KILN_EXIT_EXPECTED_WARM,
         "--expect-warm or KILN_CACHE_EXPECT=warm, and a pipeline had to be compiled"},
	{KILN_EXIT_NO_DEVICE,
         "no Vulkan loader, no driver, not the device asked for, or one that cannot do this"},
	{KILN_EXIT_BAD_KERNEL,
         "the kernel is refused: bad SPIR-V or GLSL, no such entry point, missing capability"},
	{KILN_EXIT_BAD_LAUNCH, "the kernel does not accept these buffers, constants, threads or workgroup"},
	{KILN_EXIT_FILE, "a file cannot be read, written or understood"},
	{KILN_EXIT_INTERRUPTED, "interrupted (Ctrl-C)"},
	{KILN_EXIT_OK, NULL},
};

enum kiln_exit kiln_exit_of_status(enum kiln_status status)
{
	if (status == KILN_OK)
		return KILN_EXIT_OK;
	if (status == KILN_ERR_EXPECTED_WARM)
		return KILN_EXIT_EXPECTED_WARM;
	if (status <= KILN_ERR_NO_LOADER && status >= KILN_ERR_COMPILE_ONLY)
		return KILN_EXIT_NO_DEVICE;
	if (status <= KILN_ERR_SPIRV_MAGIC && status >= KILN_ERR_SPIRV_CAPABILITY)
		return KILN_EXIT_BAD_KERNEL;
	if (status == KILN_ERR_SPECIALIZATION ||
	    (status <= KILN_ERR_TOO_FEW_BUFFERS && status >= KILN_ERR_IMAGE_MISMATCH))
		return KILN_EXIT_BAD_LAUNCH;
	if (status <= KILN_ERR_NOT_FOUND && status >= KILN_ERR_TOML_HOSTILE)
		return KILN_EXIT_FILE;
	return KILN_EXIT_FAILURE;
}

enum kiln_exit kiln_exit_of_kernel(enum kiln_status status)
{
	if (status == KILN_ERR_UNSUPPORTED)
		return KILN_EXIT_BAD_KERNEL;
	return status == KILN_ERR_INVALID_ARGUMENT ? KILN_EXIT_BAD_LAUNCH : kiln_exit_of_status(status);
}

static void fail(struct kiln_tool *tool, enum kiln_exit code, const char *status, const char *message)
{
	kiln_progress_stop();
	fprintf(stderr, "kiln%s%s: ", tool->command ? " " : "", tool->command ? tool->command->name : "");
	kiln_print_clean(message, stderr); /* names from files and drivers may be in it */
	fputc('\n', stderr);
	if (!tool->root)
		return;
	cJSON_Delete(tool->last_error);
	tool->last_error = cJSON_CreateObject();
	kiln_json_text(tool->last_error, "message", message);
	kiln_json_text(tool->last_error, "status", status);
	kiln_json_u64(tool->last_error, "exit_code", (uint64_t)code);
	/* The first failure is the one that explains the exit code. */
	if (!cJSON_HasObjectItem(tool->root, "error"))
		cJSON_AddItemToObject(tool->root, "error", cJSON_Duplicate(tool->last_error, true));
}

enum kiln_exit kiln_tool_fail(struct kiln_tool *tool, enum kiln_exit code, const char *format, ...)
{
	char message[4096];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(message, sizeof message, format, arguments);
	va_end(arguments);
	fail(tool, code, NULL, message);
	return code;
}

static const char *sentence(enum kiln_status status)
{
	const char *message = kiln_error_message();

	return *message ? message : kiln_status_text(status);
}

enum kiln_exit kiln_tool_fail_for(struct kiln_tool *tool, enum kiln_status status, enum kiln_exit code,
                                  const char *format, ...)
{
	char message[4096];
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(message, sizeof message, format, arguments);
	va_end(arguments);
	if (length >= 0 && (size_t)length < sizeof message)
		snprintf(message + length, sizeof message - (size_t)length, ": %s", sentence(status));
	code = code ? code : kiln_exit_of_status(status);
	fail(tool, code, kiln_status_name(status), message);
	return code;
}

enum kiln_exit kiln_tool_fail_status(struct kiln_tool *tool, enum kiln_status status)
{
	fail(tool, kiln_exit_of_status(status), kiln_status_name(status), sentence(status));
	return kiln_exit_of_status(status);
}

void kiln_tool_note(const struct kiln_tool *tool, const char *format, ...)
{
	va_list arguments;

	if (tool->quiet)
		return;
	fprintf(stderr, "kiln %s: note: ", tool->command->name);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
}
