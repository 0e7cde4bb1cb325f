/* Compiled GLSL as entries of the cache, so that a warm start never runs the front end.
 *
 * The content key covers the source, its name, the defines, the include paths, the target and the front end's
 * version. What is included cannot be known without running the front end; so an entry holds every question the
 * front end asked (which file, from where) and a digest of the answer, and is good exactly when all of them are
 * answered alike today: then the front end would do the same again. A file that was absent is an answer too.
 * Format: FORMAT.md. */
#ifndef RUNTIME_GLSL_CACHE_H
#define RUNTIME_GLSL_CACHE_H

#include <kiln/cache.h>
#include <kiln/glsl.h>

#include <base/bytes.h>

#include "glsl_include.h"
#include "glsl_module.h"

/* The questions of one compile. Zero-initialised is none; kiln_writer_finish(&questions.encoded). */
struct kiln_glsl_questions {
	struct kiln_writer encoded;
	uint32_t count;
};

/* `found` NULL: there was none. */
void kiln_glsl_asked(struct kiln_glsl_questions *questions, const char *name, const char *includer, size_t depth,
                     bool local, const struct kiln_glsl_include *found);

/* `job` with source, file_name, preamble and spirv_version. false: out of memory. */
bool kiln_glsl_cache_key(const struct kiln_glsl_job *job, const char *const *paths, size_t path_count,
                         struct kiln_digest *out_key);

/* What a compile leaves; `message` is what the front end had to say, or NULL. */
struct kiln_glsl_kept {
	uint32_t *words; /* kiln_free() both */
	size_t bytes;
	char *message;
};

/* Looks the key up and asks all questions again, reading the included files. false: not there, or not good any
 * more. */
bool kiln_glsl_cache_find(struct kiln_cache *cache, const struct kiln_digest *key, const char *const *paths,
                          size_t path_count, struct kiln_glsl_kept *out_kept);

/* Failing is logged by the cache's own means and otherwise of no consequence. `lease` is zeroed where it was taken
 * over: it ends once the entry is in place. */
void kiln_glsl_cache_keep(struct kiln_cache *cache, const struct kiln_digest *key,
                          const struct kiln_glsl_questions *questions, const struct kiln_glsl_kept *kept,
                          uint64_t compile_ns, struct kiln_cache_lease *lease);

#endif
