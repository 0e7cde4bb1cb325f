/* What passes between libkiln and its GLSL module: plain C, no symbol of either side needed by the other.
 * The module compiles; everything that touches files, memory handed out, or messages stays in libkiln. */
#ifndef RUNTIME_GLSL_MODULE_H
#define RUNTIME_GLSL_MODULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kiln/export.h>

/* The version of the front end this build knows of: part of the key of what is kept in the cache, which is looked up
 * before the module is opened. "" = none, nothing is kept. */
#if __has_include(<glslang/build_info.h>)
#include <glslang/build_info.h>
#define KILN_GLSL_TEXT2(x) #x
#define KILN_GLSL_TEXT(x) KILN_GLSL_TEXT2(x)
#define KILN_GLSL_FRONT_END                                                                             \
	"glslang " KILN_GLSL_TEXT(GLSLANG_VERSION_MAJOR) "." KILN_GLSL_TEXT(GLSLANG_VERSION_MINOR) "." KILN_GLSL_TEXT( \
		GLSLANG_VERSION_PATCH)
#else
#define KILN_GLSL_FRONT_END ""
#endif

KILN_BEGIN_DECLS

#define KILN_GLSL_MODULE_FILE "libkiln-glsl.so"
#define KILN_GLSL_MODULE_SYMBOL "kiln_glsl_module"
#define KILN_GLSL_MODULE_ABI 1u /* raised by any change of this file */

/* The text of one included file. Valid until the compile ends. */
struct kiln_glsl_include {
	const char *name; /* the path it was found under: what messages and its own includes refer to */
	const char *text;
	size_t bytes;
};

struct kiln_glsl_job {
	const char *source;
	size_t source_bytes;
	const char *file_name;
	const char *preamble; /* comes before the source: defines */
	uint32_t spirv_version;

	/* Finds an included file; NULL when there is none. `local`: beside `includer` only, else in the
	 * include paths. */
	const struct kiln_glsl_include *(*include)(void *user, const char *name, const char *includer,
	                                           size_t depth, bool local);
	/* Memory for the finished words; NULL = out of memory. Called once, last. */
	void *(*words)(void *user, size_t bytes);
	/* The front end's messages: errors, and the warnings of a shader it accepts. Called at most once. */
	void (*message)(void *user, const char *text);
	void *user;
};

enum kiln_glsl_result {
	KILN_GLSL_COMPILED = 0,
	KILN_GLSL_REFUSED = 1, /* the shader is wrong; messages say how */
	KILN_GLSL_OUT_OF_MEMORY = 2,
};

struct kiln_glsl_module {
	uint32_t abi;             /* KILN_GLSL_MODULE_ABI; checked before anything else is read */
	const char *kiln_version; /* KILN_VERSION of the build */
	const char *front_end;    /* "glslang 12.0.0" */
	enum kiln_glsl_result (*compile)(const struct kiln_glsl_job *job); /* any thread */
};

/* The module's one exported symbol. */
KILN_API extern const struct kiln_glsl_module kiln_glsl_module;

KILN_END_DECLS

#endif
