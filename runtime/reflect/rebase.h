/* What running a dispatch in parts asks of a module. `words` are what kiln_reflect() gave: a module it refuses is nothing for
 * these functions, one it accepts is read with care. Pure. */
#ifndef REFLECT_REBASE_H
#define REFLECT_REBASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kiln/status.h>

struct kiln_parts_facts {
	const char *reason; /* why its workgroups must run in one dispatch; NULL = they need not */
	bool loops;         /* how long a workgroup takes is not bounded by its code */
};

/* Workgroups that may wait for one another, or see what others wrote, must not be torn apart: atomics in a loop that looks at
 * what they return, coherent or volatile memory, barriers and orderings wider than the workgroup. Errs on the safe side.
 * Returns: KILN_ERR_OUT_OF_MEMORY. */
enum kiln_status kiln_spirv_parts(const uint32_t *words, size_t count, struct kiln_parts_facts *out_facts);

/* A copy of the module in which gl_NumWorkGroups is read from push constants, 12 bytes at *out_offset, behind the
 * `push_bytes` of its only entry point. The rest is the same.
 * Returns: KILN_ERR_UNSUPPORTED where the module uses it in a way that is not understood; KILN_ERR_OUT_OF_MEMORY.
 * Ownership: kiln_free(). */
enum kiln_status kiln_spirv_rebase(const uint32_t *words, size_t count, uint32_t push_bytes,
                                   uint32_t **out_words, size_t *out_count, uint32_t *out_offset);

#endif
