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
};

/** Where one workgroup dimension comes from. */
struct kiln_workgroup_dim {
	uint32_t size;    /* the value with no specialisation given */
	bool specialised; /* true: `spec_id` sets it (LocalSizeId or the WorkgroupSize built-in) */
	bool derived;     /* true: an expression of other specialisation constants sets it;
	                     kiln_reflect_specialized() */
	uint32_t spec_id;
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

/** Digest of the module without its debug instructions. Two modules share it exactly when `spirv-opt
 *  --strip-debug` gives the same words; non-semantic instruction sets, which that tool keeps, go too, except
 *  DebugPrintf. The module needs no compute entry point.
 *  Returns: as kiln_reflect() for bytes that are not SPIR-V; nothing is hashed lossily.
 *  Threads: any.  Blocks: no; linear in `bytes`. */
KILN_API enum kiln_status kiln_program_digest(const void *code, size_t bytes, struct kiln_digest *out_digest);

/** Names for printing, "u32", "storage_buffer", "Shader"; "?" for unknown values. kiln_capability_name()
 *  knows those a compute module can declare.  Threads: any.  Blocks: no. */
KILN_API const char *kiln_spec_type_name(uint32_t type);
KILN_API const char *kiln_binding_type_name(uint32_t type);
KILN_API const char *kiln_capability_name(uint32_t capability);

KILN_END_DECLS

#endif
