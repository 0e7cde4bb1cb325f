/* A kernel file on its way into Kiln: SPIR-V as it is, GLSL compiled. */
#ifndef TOOLS_PROGRAM_H
#define TOOLS_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tool.h"

#define KILN_PROGRAM_DEFINES 256
#define KILN_PROGRAM_PATHS 64

/* -I, -D and --spirv. Zero-initialised is none; the strings are argv's, cut apart in place. */
struct kiln_glsl_args {
	const char *paths[KILN_PROGRAM_PATHS];
	size_t path_count;
	struct kiln_glsl_define defines[KILN_PROGRAM_DEFINES];
	size_t define_count;
	uint32_t spirv_version; /* as in struct kiln_glsl_params */
	/* What keeps the SPIR-V; the caller's to close. NULL with .open_cache: opened at the first GLSL file, if it
	 * can be. */
	struct kiln_cache *cache;
	bool open_cache;
};

extern const struct kiln_option kiln_options_glsl[];

/* Takes the ids of kiln_options_glsl. false after reporting. */
bool kiln_glsl_args_take(struct kiln_tool *tool, struct kiln_glsl_args *args, int id, const char *value);

/* One loaded file. */
struct kiln_program_file {
	uint32_t *words;
	size_t bytes; /* of SPIR-V */
	bool from_glsl;
	struct kiln_reflection *reflection;
};

/* Loads, compiles if it is GLSL, and reflects. Reports failures itself. */
enum kiln_exit kiln_program_load(struct kiln_tool *tool, const char *path, struct kiln_glsl_args *args,
                                 struct kiln_program_file *out_program);
void kiln_program_finish(struct kiln_program_file *program);

#endif
