#include <kiln/glsl.h>

#include <limits.h>
#include <stdint.h>
#include <string.h>

#include <base/alloc.h>
#include <base/bytes.h>
#include <base/clock.h>
#include <base/error.h>
#include <base/log.h>

#include "glsl_cache.h"
#include "glsl_include.h"
#include "glsl_loader.h"

#define SOURCE_BYTES_MAX (16u << 20)
#define DEFINES_MAX 4096u
#define LEASE_BOUND_NS 5000000000u /* a few times what a large shader takes */

/* One compile: what the module's callbacks work on. */
struct compile {
	const char *file_name;
	struct kiln_glsl_includes includes;
	struct kiln_glsl_questions questions;
	struct kiln_writer preamble;
	struct kiln_glsl_kept result;
};

static const struct kiln_glsl_include *on_include(void *user, const char *name, const char *includer,
                                                  size_t depth, bool local)
{
	struct compile *compile = user;
	const struct kiln_glsl_include *found =
		kiln_glsl_include_find(&compile->includes, name, includer, depth, local);

	kiln_glsl_asked(&compile->questions, name, includer, depth, local, found);
	return found;
}

static void *on_words(void *user, size_t bytes)
{
	struct compile *compile = user;

	compile->result.words = kiln_alloc(bytes);
	compile->result.bytes = bytes;
	return compile->result.words;
}

/* glslang ends its log with blank lines. */
static void on_message(void *user, const char *text)
{
	struct compile *compile = user;
	size_t length = strlen(text);

	kiln_free(compile->result.message);
	compile->result.message = kiln_strdup(text);
	while (compile->result.message && length && strchr("\n\r\t ", compile->result.message[length - 1]))
		compile->result.message[--length] = '\0';
}

static bool is_identifier(const char *name)
{
	if (!name || !*name || strspn(name, "0123456789") > 0)
		return false;
	return name[strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz0123456789")] == '\0';
}

/* A line of its own each, so a newline in a value would smuggle in source text. */
static enum kiln_status write_preamble(const struct kiln_glsl_params *params, struct kiln_writer *preamble)
{
	kiln_write_format(preamble, "#extension GL_GOOGLE_include_directive : enable\n");
	for (size_t i = 0; i < params->define_count; i++) {
		const char *name = params->defines[i].name;
		const char *value = params->defines[i].value ? params->defines[i].value : "1";

		KILN_CHECK(is_identifier(name),
		           "cannot define '%s' for a GLSL shader: expected letters, digits and _, no digit "
		           "first. Fix: rename it",
		           name ? name : "(null)");
		KILN_CHECK(!strpbrk(value, "\n\r\\"),
		           "cannot define '%s' for a GLSL shader: expected one line without a "
		           "backslash. Fix: put longer text into an include file",
		           name);
		kiln_write_format(preamble, "#define %s %s\n", name, value);
	}
	kiln_write_u8(preamble, 0);
	if (preamble->bad)
		return kiln_error(KILN_ERR_OUT_OF_MEMORY,
		                  "cannot compile GLSL: out of memory for %zu defines. "
		                  "Fix: free memory, or pass fewer",
		                  params->define_count);
	return KILN_OK;
}

static bool is_spirv_version(uint32_t version)
{
	return version >= 0x00010000 && version <= 0x00010600 && (version & 0xff) == 0;
}

static enum kiln_status check_params(const struct kiln_glsl_params *params)
{
	KILN_CHECK(params, "kiln_glsl_compile: params is NULL. Fix: pass at least .source");
	KILN_CHECK(params->source, "kiln_glsl_compile: .source is NULL. Fix: pass the text of the shader");
	KILN_CHECK(
		!params->include_path_count || params->include_paths,
		"kiln_glsl_compile: .include_paths is NULL, expected %zu paths. Fix: pass them, or count 0",
		params->include_path_count);
	KILN_CHECK(!params->define_count || params->defines,
	           "kiln_glsl_compile: .defines is NULL, expected %zu. Fix: pass them, or count 0",
	           params->define_count);
	KILN_CHECK(params->define_count <= DEFINES_MAX,
	           "kiln_glsl_compile: %zu defines, expected at most %u. "
	           "Fix: put them into an include file",
	           params->define_count, DEFINES_MAX);
	KILN_CHECK(!params->spirv_version || is_spirv_version(params->spirv_version),
	           "kiln_glsl_compile: .spirv_version is 0x%08x, expected 0x00010000 to 0x00010600. "
	           "Fix: 0 takes the default",
	           params->spirv_version);
	for (size_t i = 0; i < params->include_path_count; i++)
		KILN_CHECK(params->include_paths[i],
		           "kiln_glsl_compile: include path %zu is NULL. Fix: pass a folder", i);
	if (strnlen(params->source, SOURCE_BYTES_MAX + 1) > SOURCE_BYTES_MAX)
		return kiln_error(KILN_ERR_TOO_LARGE,
		                  "GLSL source is longer than %u bytes. Fix: split it, or compile it to "
		                  "SPIR-V beforehand",
		                  SOURCE_BYTES_MAX);
	return KILN_OK;
}

static void warn(const struct compile *compile)
{
	if (compile->result.message && *compile->result.message)
		kiln_log(KILN_LOG_WARN, "GLSL '%s': %s", compile->file_name, compile->result.message);
}

static enum kiln_status report(const struct compile *compile, enum kiln_glsl_result result)
{
	const char *message = compile->result.message ? compile->result.message : "no message";

	if (compile->includes.failure)
		return kiln_error(compile->includes.failure, "cannot compile GLSL '%s': %s",
		                  compile->file_name, compile->includes.failure_message);
	if (result == KILN_GLSL_REFUSED)
		return kiln_error(KILN_ERR_INVALID_ARGUMENT,
		                  "GLSL '%s' is refused:\n%s\nFix: correct the shader", compile->file_name,
		                  message);
	if (result == KILN_GLSL_OUT_OF_MEMORY)
		return kiln_error(KILN_ERR_OUT_OF_MEMORY,
		                  "cannot compile GLSL '%s': out of memory. Fix: free memory",
		                  compile->file_name);
	return KILN_OK;
}

static void compile_finish(struct compile *compile)
{
	kiln_glsl_includes_finish(&compile->includes);
	kiln_writer_finish(&compile->questions.encoded);
	kiln_writer_finish(&compile->preamble);
	kiln_free(compile->result.words);
	kiln_free(compile->result.message);
}

/* Runs the front end; `key` NULL = the result is not kept. Takes the lease over where it is. */
static enum kiln_status run_front_end(struct compile *compile, const struct kiln_glsl_job *job,
                                      struct kiln_cache *cache, const struct kiln_digest *key,
                                      struct kiln_cache_lease *lease)
{
	const struct kiln_glsl_module *module;
	uint64_t start;

	KILN_TRY(kiln_glsl_load(&module));
	start = kiln_now_ns();
	KILN_TRY(report(compile, module->compile(job)));
	/* A module of another version than the key says is a mix of two builds. */
	if (key && !strcmp(module->front_end, KILN_GLSL_FRONT_END))
		kiln_glsl_cache_keep(cache, key, &compile->questions, &compile->result, kiln_now_ns() - start, lease);
	return KILN_OK;
}

static bool find(struct compile *compile, const struct kiln_glsl_params *params, const struct kiln_digest *key)
{
	return kiln_glsl_cache_find(params->cache, key, params->include_paths, params->include_path_count,
	                            &compile->result);
}

/* Of all who miss at once, in whatever process, one runs the front end and the others take what it left. */
static enum kiln_status find_or_run_front_end(struct compile *compile, const struct kiln_glsl_params *params,
                                              const struct kiln_glsl_job *job, const struct kiln_digest *key)
{
	struct kiln_cache_lease lease;
	enum kiln_status status = KILN_OK;

	if (find(compile, params, key))
		return KILN_OK;
	KILN_TRY(kiln_cache_content_lease_begin(params->cache, key, LEASE_BOUND_NS, &lease));
	if (!lease.look_again || !find(compile, params, key))
		status = run_front_end(compile, job, params->cache, key, &lease);
	kiln_cache_lease_end(&lease);
	return status;
}

static enum kiln_status find_or_compile(struct compile *compile, const struct kiln_glsl_params *params)
{
	struct kiln_glsl_job job = {
		.source = params->source,
		.source_bytes = strlen(params->source),
		.file_name = compile->file_name,
		.preamble = (const char *)compile->preamble.data,
		.spirv_version = params->spirv_version ? params->spirv_version : 0x00010300,
		.include = on_include,
		.words = on_words,
		.message = on_message,
		.user = compile,
	};
	struct kiln_digest key;
	bool keyed = params->cache && *KILN_GLSL_FRONT_END &&
	             kiln_glsl_cache_key(&job, params->include_paths, params->include_path_count, &key);

	return keyed ? find_or_run_front_end(compile, params, &job, &key)
	             : run_front_end(compile, &job, NULL, NULL, NULL);
}

enum kiln_status kiln_glsl_compile(const struct kiln_glsl_params *params, uint32_t **out_words,
                                   size_t *out_bytes)
{
	struct compile compile = {0};
	enum kiln_status status;

	KILN_CHECK(out_words && out_bytes, "kiln_glsl_compile: a result pointer is NULL. Fix: pass both");
	KILN_TRY(check_params(params));

	compile.file_name = params->file_name ? params->file_name : "kernel.comp";
	compile.includes.paths = params->include_paths;
	compile.includes.path_count = params->include_path_count;
	status = write_preamble(params, &compile.preamble);
	if (status == KILN_OK)
		status = find_or_compile(&compile, params);
	if (status == KILN_OK) {
		warn(&compile);
		*out_words = compile.result.words;
		*out_bytes = compile.result.bytes;
		compile.result.words = NULL;
	}
	compile_finish(&compile);
	return status;
}

void kiln_glsl_free(uint32_t **words)
{
	if (!words)
		return;
	kiln_free(*words);
	*words = NULL;
}
