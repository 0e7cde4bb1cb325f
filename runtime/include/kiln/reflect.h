/* What a SPIR-V module declares, in one bounded pass: pure, no device, no Vulkan.
 * Source: the SPIR-V 1.6 specification, sections 2.3 (physical layout) and 3 (binary form). */
#ifndef KILN_REFLECT_H
#define KILN_REFLECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kiln/identity.h>

KILN_BEGIN_DECLS

enum kiln_spec_type {
	KILN_SPEC_BOOL = 1,
	KILN_SPEC_I8,
	KILN_SPEC_U8,
	KILN_SPEC_I16,
	KILN_SPEC_U16,
	KILN_SPEC_I32,
	KILN_SPEC_U32,
	KILN_SPEC_I64,
	KILN_SPEC_U64,
	KILN_SPEC_F16,
	KILN_SPEC_F32,
	KILN_SPEC_F64,
	KILN_SPEC_BF16,
};

/** A constant the caller can set. Constants without a SpecId are not listed. */
struct kiln_spec_constant {
	uint32_t id;            /* SpecId */
	uint32_t type;          /* enum kiln_spec_type */
	uint32_t size;          /* bytes as Vulkan wants them: booleans are 4 */
	uint64_t default_value; /* bits, in the low `size` bytes */
	const char *name;       /* from OpName; NULL when the module carries none */
};

/** What an image binding declares; all 0 for buffers and samplers. No part of the layout's digest: Vulkan asks it of the
 *  image that is bound, not of the pipeline. */
struct kiln_binding_image {
	uint32_t dimensions; /* 1, 2, 3; 0 = cube, buffer, or no image */
	uint32_t format;     /* SpvImageFormat; 0 = none declared, as for everything sampled */
	uint32_t component;  /* enum kiln_spec_type of what reading gives: KILN_SPEC_F32, KILN_SPEC_I32, KILN_SPEC_U32 ... */
	bool arrayed;
	bool multisampled;
};

/** One descriptor. `layout.access` is what the entry point's code does to it: no write is ever missed, and
 * where a pointer escapes (is chosen among others, passed to a function, stored) all that is allowed counts;
 * 0 = declared and not touched. `allowed` is what the qualifiers leave (readonly, writeonly, on the variable
 * or on all members). Variables that alias one descriptor are one binding: access and `allowed` joined, the
 * larger `min_bytes`, the smaller `runtime_stride`. Memory reached by address (PhysicalStorageBufferAddresses
 * is among the capabilities then) is no binding and is not followed. */
struct kiln_binding {
	struct kiln_layout_binding layout; /* set, binding, type, count, access, stages */
	uint32_t allowed;                  /* KILN_ACCESS_* */
	uint64_t min_bytes; /* of the block's fixed part: end of its last member, a trailing run-time array
	                       counting as empty; what a buffer must at least hold; 0 for images */
	uint64_t runtime_stride; /* bytes per element of the trailing run-time array; 0 = none */
	const char *name;        /* variable's or block's; NULL when the module carries none */
	struct kiln_binding_image image; /* of variables that alias one descriptor, the first declared */
};

/** Where one workgroup dimension comes from. */
struct kiln_workgroup_dim {
	uint32_t size;    /* the value with no specialisation given */
	bool specialised; /* true: `spec_id` sets it (LocalSizeId or the WorkgroupSize built-in) */
	bool derived;     /* true: an expression of other specialisation constants sets it;
	                     kiln_reflect_specialized() */
	uint32_t spec_id;
};

/** What a tuner may set in a kernel beside its workgroup size. */
enum kiln_tunable {
	KILN_TUNABLE_UNROLL = 0, /* the specialisation constant named UNROLL */
	KILN_TUNABLE_TILE_X,     /* TILE_X, TILE_Y and TILE_Z the same way */
	KILN_TUNABLE_TILE_Y,
	KILN_TUNABLE_TILE_Z,
};
#define KILN_TUNABLES 4

/** Says which constant a tunable is, whatever its name. */
struct kiln_tunable_id {
	uint32_t tunable; /* enum kiln_tunable */
	uint32_t spec_id;
};

/** One tunable of an entry point. */
struct kiln_tunable_constant {
	bool declared;
	uint32_t spec_id;
	uint32_t default_value; /* 1 to 2^31 */
	const char *name;       /* NULL when the module carries none; the reflection's */
	const char *note;       /* why a constant of that name is not tuned, or ""; static */
};

/** By enum kiln_tunable. */
struct kiln_tunables {
	struct kiln_tunable_constant constants[KILN_TUNABLES];
};

struct kiln_entry_point {
	const char *name;
	struct kiln_workgroup_dim workgroup[3];
	/* That this entry point can reach, sorted by (set, binding): by its interface list (from SPIR-V 1.4
	 * on), by its call tree, and before 1.4 those too that no entry point touches, so that a binding
	 * declared and unused is there whatever the version. */
	const struct kiln_binding *bindings;
	size_t binding_count;
	uint32_t push_offset; /* bytes; lowest declared offset */
	uint32_t push_bytes;  /* bytes from 0 to the end of the last member: what must be pushed; 0 = none */
	struct kiln_features features; /* bits 0-3 and 5 */
	bool uses_num_workgroups;
	bool uses_workgroup_id;
	uint64_t shared_bytes; /* workgroup memory with default constants; lower bound */
};

/** A reflected module. All pointers live as long as it does. */
struct kiln_reflection {
	uint32_t version;                       /* SPIR-V version word, 0x00010600 */
	const struct kiln_entry_point *entries; /* GLCompute only, in module order */
	size_t entry_count;
	const struct kiln_spec_constant *constants; /* sorted by id */
	size_t constant_count;
	const uint32_t *capabilities; /* SpvCapability, in module order without repeats */
	size_t capability_count;
	const char *const *extensions; /* OpExtension, in module order */
	size_t extension_count;
	const uint32_t *words; /* stripped of debug instructions: what the digest covers and drivers get */
	size_t word_count;
	struct kiln_digest program; /* program digest of `words` */
	bool spec_sized;            /* an array or workgroup size depends on specialisation beyond a plain
	                               `specialised` dimension: sizes here hold for the values reflected with */
};

/** Reflects `bytes` bytes of SPIR-V 1.0 to 1.6 at `code`, which must be 4-byte aligned; copies what it keeps.
 *  Checks what it reads and no more: a module that passes may still be one that spirv-val refuses.
 *  Returns: KILN_ERR_SPIRV_* naming the word offset; KILN_ERR_OUT_OF_MEMORY; KILN_ERR_UNSUPPORTED for a size
 *  given by an expression other than integer arithmetic. A module without a compute entry point is
 *  KILN_ERR_SPIRV_ENTRY_POINT.
 *  Ownership: the caller calls kiln_reflection_destroy().  Threads: any.  Blocks: no; linear in `bytes`. */
KILN_API enum kiln_status kiln_reflect(const void *code, size_t bytes,
                                       struct kiln_reflection **out_reflection);

/** As kiln_reflect(), with every size computed for these values of specialisation constants instead of their
 *  defaults: workgroups, array counts, `min_bytes`, `shared_bytes`. Words and digest are the same.
 *  Returns: also KILN_ERR_SPECIALIZATION for an id the module does not declare or a size it does not have.
 *  Ownership, Threads, Blocks: as kiln_reflect(). */
KILN_API enum kiln_status kiln_reflect_specialized(const void *code, size_t bytes,
                                                   const struct kiln_spec_value *values, size_t value_count,
                                                   struct kiln_reflection **out_reflection);

/** Frees a reflection and sets the pointer to NULL; NULL and a pointer to NULL are fine.
 *  Threads: any.  Blocks: no. */
KILN_API void kiln_reflection_destroy(struct kiln_reflection **reflection);

/** The entry point `name` (NULL = "main", or the only one there is); NULL when absent.
 *  Ownership: the reflection's.  Threads: any.  Blocks: no. */
KILN_API const struct kiln_entry_point *kiln_reflection_entry(const struct kiln_reflection *reflection,
                                                              const char *name);

/** What may be tuned beside the workgroup size, whose own constants stand in `entry->workgroup`: 32-bit integer
 *  specialisation constants with a default from 1 to 2^31, found by their names or, where `ids` says so, by id. A
 *  constant that only has the name and not the rest, of whose name there are two, or that sets a workgroup
 *  dimension too is not declared, and `note` says why.
 *  Returns: KILN_ERR_SPECIALIZATION for an id of the caller's that is no such constant, KILN_ERR_INVALID_ARGUMENT
 *  for one that is given twice.
 *  Threads: any.  Blocks: no. */
KILN_API enum kiln_status kiln_reflection_tunables(const struct kiln_reflection *reflection,
                                                   const struct kiln_entry_point *entry,
                                                   const struct kiln_tunable_id *ids, size_t id_count,
                                                   struct kiln_tunables *out_tunables);

/** Workgroup memory of an entry point with these values of specialisation constants, in bytes: `shared_bytes` of
 *  kiln_reflect_specialized() without the rest of a reflection. It only depends on them where the reflection is
 *  `spec_sized`.
 *  Returns: as kiln_reflect_specialized(); KILN_ERR_TOO_LARGE where it is beyond 64 bits or the length of an array
 *  is a product beyond the width of its type, which would silently be a short array; KILN_ERR_SPIRV_ENTRY_POINT.
 *  Threads: any.  Blocks: no; linear in `bytes`. */
KILN_API enum kiln_status kiln_reflect_shared_bytes(const void *code, size_t bytes, const char *entry,
                                                    const struct kiln_spec_value *values, size_t value_count,
                                                    uint64_t *out_bytes);

#define KILN_RESIZE_WORDS 6 /* a resized module has at most so many words more */

/** Writes the module with another literal workgroup size of one entry point; all else stays word for word, but that
 *  gl_WorkGroupSize is decorated no more. Only a module that cannot tell the difference is resized: of what depends on
 *  the workgroup, it may read gl_GlobalInvocationID and nothing else. What its invocations compute is then the same
 *  at every size; how many of them there are is the launch's matter.
 *  `out_words` has room for bytes / 4 + KILN_RESIZE_WORDS words.
 *  Returns: KILN_ERR_UNSUPPORTED, saying what the kernel does with its workgroup, or that a specialisation constant sets
 *  the size already; KILN_ERR_INVALID_ARGUMENT for a size of 0; KILN_ERR_SPIRV_ENTRY_POINT; as kiln_reflect().
 *  Nothing is written then.
 *  Threads: any.  Blocks: no; linear in `bytes`. */
KILN_API enum kiln_status kiln_reflect_resize(const void *code, size_t bytes, const char *entry,
                                              const uint32_t size[3], uint32_t *out_words,
                                              size_t *out_word_count);

/** Digest of the module without its debug instructions. Two modules share it exactly when `spirv-opt
 *  --strip-debug` gives the same words; non-semantic instruction sets, which that tool keeps, go too, except
 *  DebugPrintf. The module needs no compute entry point.
 *  Returns: as kiln_reflect() for bytes that are not SPIR-V; nothing is hashed lossily.
 *  Threads: any.  Blocks: no; linear in `bytes`. */
KILN_API enum kiln_status kiln_program_digest(const void *code, size_t bytes, struct kiln_digest *out_digest);

/** Names for printing, "u32", "storage_buffer", "rgba8", "Shader"; "?" for unknown values. kiln_image_format_name() takes a
 *  SpvImageFormat and gives GLSL's name, "unknown" for 0. kiln_capability_name() knows those a compute module can declare.
 *  Threads: any.  Blocks: no. */
KILN_API const char *kiln_spec_type_name(uint32_t type);
KILN_API const char *kiln_binding_type_name(uint32_t type);
KILN_API const char *kiln_image_format_name(uint32_t format);
KILN_API const char *kiln_capability_name(uint32_t capability);

KILN_END_DECLS

#endif
