/* What replacing gl_NumWorkGroups knows of a module: found by rebase.c, written anew by rebase_write.c. */
#ifndef REFLECT_REBASE_STATE_H
#define REFLECT_REBASE_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "spirv_ops.h"

#define REBASE_HEADER_WORDS 5u

struct spirv_rebase {
	const uint32_t *words;
	size_t count;
	uint32_t bound;
	uint32_t *at;                      /* where each id is defined */
	bool *component;                   /* ids that point at a component of the built-in */
	uint32_t built_in, vector, scalar; /* the variable, uvec3, uint */
	uint32_t push, block, members;     /* the variable, its struct, and how many it has now; 0 = none */
	uint32_t offset;
	uint32_t to_vector, to_scalar, to_block, index; /* new ids, or ids of what is there already */
	bool new_to_vector, new_to_scalar;
	size_t first_type;
	uint32_t *out;
	size_t used;
	const char *why;
};

static inline uint32_t rebase_length_of(const struct spirv_rebase *r, size_t at)
{
	return r->words[at] >> 16;
}

static inline uint16_t rebase_op_of(const struct spirv_rebase *r, size_t at)
{
	return (uint16_t)r->words[at];
}

static inline uint32_t rebase_operand(const struct spirv_rebase *r, size_t at, uint32_t index)
{
	return index < rebase_length_of(r, at) ? r->words[at + index] : 0;
}

static inline bool rebase_is(const struct spirv_rebase *r, uint32_t id, uint16_t op)
{
	return id < r->bound && r->at[id] && rebase_op_of(r, r->at[id]) == op;
}

/* Writes the module to r->out, which has room. */
void kiln_spirv_rebase_write(struct spirv_rebase *r);

static inline bool rebase_is_chain(uint16_t op)
{
	return op == SpvOpAccessChain || op == SpvOpInBoundsAccessChain;
}

#endif
