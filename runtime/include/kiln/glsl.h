/* GLSL compute shaders at run time, through glslang in a module of its own that is opened at the first call:
 * a program that ships SPIR-V pays nothing for it. */
#ifndef KILN_GLSL_H
#define KILN_GLSL_H

#include <stddef.h>
#include <stdint.h>

#include <kiln/status.h>

KILN_BEGIN_DECLS

struct kiln_cache;

struct kiln_glsl_define {
	const char *name;
	const char *value; /* NULL = 1 */
};

struct kiln_glsl_params {
	const char *source;                     /* NUL-terminated GLSL, stage compute */
	const char *file_name;                  /* for messages and relative includes; NULL = "kernel.comp" */
	const char *const *include_paths;       /* searched for #include */
	size_t include_path_count;
	const struct kiln_glsl_define *defines;
	size_t define_count;
	uint32_t spirv_version;                 /* SPIR-V version word; 0 = 0x00010300 (Vulkan 1.1) */
	struct kiln_cache *cache;               /* keeps the SPIR-V, so that the next time only files are read; NULL = none */
};

/** Compiles to SPIR-V, or takes it from the cache: the same words, without opening the module, as long as the source,
 *  every included file, the defines, paths, target and front-end version are the same. Threads and processes that share
 *  a cache and miss the same source at once run the front end once.
 *  Returns: KILN_ERR_INVALID_ARGUMENT with the front end's own messages for a shader it refuses; KILN_ERR_UNSUPPORTED when this
 *  build or installation has no GLSL module; KILN_ERR_TOO_LARGE and KILN_ERR_IO for sources and included files,
 *  KILN_ERR_OUT_OF_MEMORY.
 *  Ownership: the caller kiln_glsl_free()s the words.  Threads: any.  Blocks: tens of ms at the first call; on
 *  the disk; up to 5 s while another compiles the same, after which it does so itself. */
KILN_API enum kiln_status kiln_glsl_compile(const struct kiln_glsl_params *params, uint32_t **out_words,
                                            size_t *out_bytes);
/** Frees the words and sets NULL; NULL and *words NULL are fine. */
KILN_API void kiln_glsl_free(uint32_t **words);

KILN_END_DECLS

#endif
