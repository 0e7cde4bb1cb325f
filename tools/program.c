#include "program.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"

#define FILE_BYTES_MAX (256u << 20)
#define IDENTIFIER "ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz0123456789"

const struct kiln_option kiln_options_glsl[] = {
	{"include", 'I', "DIR", "GLSL: search DIR for #include", KILN_OPT_INCLUDE},
	{"define", 'D', "NAME[=VALUE]", "GLSL: define a macro (VALUE 1 when missing)", KILN_OPT_DEFINE},
	{"spirv", 0, "VERSION", "GLSL: SPIR-V version to compile to, 1.0 to 1.6 (default: 1.3)",
         KILN_OPT_SPIRV},
	{0},
};

static bool take_version(struct kiln_tool *tool, struct kiln_glsl_args *args, const char *value)
{
	if (strlen(value) != 3 || memcmp(value, "1.", 2) || value[2] < '0' || value[2] > '6') {
		kiln_tool_fail(tool, KILN_EXIT_USAGE, "--spirv '%s' is no version. Fix: give 1.0 to 1.6",
		               value);
		return false;
	}
	args->spirv_version = 0x00010000u | (uint32_t)(value[2] - '0') << 8;
	return true;
}

/* What kiln_glsl_compile() would refuse too, but not as a mistake of the command line. */
static bool take_define(struct kiln_tool *tool, struct kiln_glsl_args *args, const char *name, char *equals)
{
	const char *value = equals ? equals + 1 : NULL;

	if (equals)
		*equals = '\0';
	if (!*name || (*name >= '0' && *name <= '9') || name[strspn(name, IDENTIFIER)] ||
	    (value && strpbrk(value, "\n\r\\"))) {
		kiln_tool_fail(
			tool, KILN_EXIT_USAGE,
			"-D '%s' cannot be defined: expected letters, digits and _, no digit first, and a value of "
			"one line without a backslash. Fix: write -D WIDTH=32",
			name);
		return false;
	}
	args->defines[args->define_count++] = (struct kiln_glsl_define){name, value};
	return true;
}

bool kiln_glsl_args_take(struct kiln_tool *tool, struct kiln_glsl_args *args, int id, const char *value)
{
	if (id == KILN_OPT_SPIRV)
		return take_version(tool, args, value);
	if (id == KILN_OPT_INCLUDE && args->path_count < KILN_PROGRAM_PATHS) {
		args->paths[args->path_count++] = value;
		return true;
	}
	if (id != KILN_OPT_DEFINE || args->define_count == KILN_PROGRAM_DEFINES) {
		kiln_tool_fail(
			tool, KILN_EXIT_USAGE,
			"too many -I or -D options. Fix: put the definitions into a file and #include it");
		return false;
	}
	return take_define(tool, args, value, strchr(value, '='));
}

/* SPIR-V is known by its first word in either byte order, GLSL by its name; what is neither is called
 * SPIR-V, so that the message says what is wrong with it as such. */
static bool is_glsl(const char *path, const uint8_t *data, size_t bytes)
{
	if (bytes >= 4 && (!memcmp(data, "\x03\x02\x23\x07", 4) || !memcmp(data, "\x07\x23\x02\x03", 4)))
		return false;
	return kiln_file_has_extension(path, ".comp") || kiln_file_has_extension(path, ".glsl");
}

static enum kiln_exit compile_glsl(struct kiln_tool *tool, const char *path, const uint8_t *data,
                                   size_t bytes, struct kiln_glsl_args *args,
                                   struct kiln_program_file *program)
{
	struct kiln_glsl_params params = {
		.source = (const char *)data,
		.file_name = path,
		.include_paths = args->paths,
		.include_path_count = args->path_count,
		.defines = args->defines,
		.define_count = args->define_count,
		.spirv_version = args->spirv_version,
	};
	enum kiln_status status;

	if (strlen((const char *)data) != bytes)
		return kiln_tool_fail(
			tool, KILN_EXIT_BAD_KERNEL,
			"'%s' holds a NUL byte, so it is no GLSL. Fix: give GLSL text, or SPIR-V", path);
	/* A cache that cannot be opened is the device's to report. */
	if (args->open_cache && !args->cache)
		(void)kiln_cache_open(NULL, &args->cache);
	params.cache = args->cache;
	status = kiln_glsl_compile(&params, &program->words, &program->bytes);
	if (status == KILN_ERR_INVALID_ARGUMENT || status == KILN_ERR_TOO_LARGE)
		return kiln_tool_fail_for(tool, status, KILN_EXIT_BAD_KERNEL, "'%s'", path);
	if (status)
		return kiln_tool_fail_status(tool, status);
	program->from_glsl = true;
	return KILN_EXIT_OK;
}

/* Ownership of `data` goes to the program only for SPIR-V. */
static enum kiln_exit take_bytes(struct kiln_tool *tool, const char *path, uint8_t **data, size_t bytes,
                                 struct kiln_glsl_args *args, struct kiln_program_file *program)
{
	if (is_glsl(path, *data, bytes))
		return compile_glsl(tool, path, *data, bytes, args, program);
	program->words = (uint32_t *)(void *)*data; /* malloc aligns */
	program->bytes = bytes;
	*data = NULL;
	return KILN_EXIT_OK;
}

enum kiln_exit kiln_program_load(struct kiln_tool *tool, const char *path, struct kiln_glsl_args *args,
                                 struct kiln_program_file *out_program)
{
	struct kiln_program_file program = {0};
	struct kiln_why why;
	uint8_t *data = NULL;
	size_t bytes = 0;
	enum kiln_exit code = KILN_EXIT_OK;
	enum kiln_status status;

	if (!kiln_file_read(path, FILE_BYTES_MAX, &data, &bytes, &why))
		return kiln_tool_fail(tool, KILN_EXIT_FILE, "%s", why.text);
	code = take_bytes(tool, path, &data, bytes, args, &program);
	if (code)
		goto out;
	status = kiln_reflect(program.words, program.bytes, &program.reflection);
	if (status) {
		code = kiln_tool_fail_for(tool, status,
		                          status == KILN_ERR_UNSUPPORTED ? KILN_EXIT_BAD_KERNEL
		                                                         : KILN_EXIT_OK,
		                          "'%s'", path);
		goto out;
	}
	*out_program = program;
	program = (struct kiln_program_file){0};
out:
	free(data);
	kiln_program_finish(&program);
	return code;
}

void kiln_program_finish(struct kiln_program_file *program)
{
	kiln_reflection_destroy(&program->reflection);
	if (program->from_glsl)
		kiln_glsl_free(&program->words);
	else
		free(program->words);
	*program = (struct kiln_program_file){0};
}
