/* The module with gl_NumWorkGroups read from push constants: what stays is copied, instruction by instruction. */
#include "rebase_state.h"

#include <string.h>

static void put(struct spirv_rebase *r, uint16_t op, uint32_t count, const uint32_t *operands)
{
	r->out[r->used++] = (count + 1) << 16 | op;
	memcpy(r->out + r->used, operands, count * sizeof(*operands));
	r->used += count;
}

#define PUT(r, op, ...)                                                              \
	put(r, op, (uint32_t)(sizeof((uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t)), \
	    (uint32_t[]){__VA_ARGS__})

static void copy(struct spirv_rebase *r, size_t at)
{
	memcpy(r->out + r->used, r->words + at, rebase_length_of(r, at) * sizeof(uint32_t));
	r->used += rebase_length_of(r, at);
}

/* Where annotations end and types begin. */
static void put_first_types(struct spirv_rebase *r)
{
	if (!r->members)
		PUT(r, SpvOpDecorate, r->block, SpvDecorationBlock);
	PUT(r, SpvOpMemberDecorate, r->block, r->members, SpvDecorationOffset, r->offset);
	copy(r, r->at[r->scalar]);
	copy(r, r->at[r->vector]);
}

/* Behind all declarations, before the first function. */
static void put_declarations(struct spirv_rebase *r)
{
	if (!r->members) {
		PUT(r, SpvOpTypeStruct, r->block, r->vector);
		PUT(r, SpvOpTypePointer, r->to_block, SpvStorageClassPushConstant, r->block);
		PUT(r, SpvOpVariable, r->to_block, r->push, SpvStorageClassPushConstant);
	}
	if (r->new_to_vector)
		PUT(r, SpvOpTypePointer, r->to_vector, SpvStorageClassPushConstant, r->vector);
	if (r->new_to_scalar)
		PUT(r, SpvOpTypePointer, r->to_scalar, SpvStorageClassPushConstant, r->scalar);
	PUT(r, SpvOpConstant, r->scalar, r->index, r->members);
}

/* The variable goes from the list; from SPIR-V 1.4 on the block must be on it. */
static void put_entry(struct spirv_rebase *r, size_t at)
{
	size_t begin = r->used;
	bool listed = r->words[1] < 0x00010400;
	uint32_t i = 3;

	while (i < rebase_length_of(r, at) && r->words[at + i] >> 24 != 0)
		i++; /* the name, to the word that ends it */
	memcpy(r->out + begin, r->words + at, (i + 1) * sizeof(uint32_t));
	r->used += i + 1;
	for (i++; i < rebase_length_of(r, at); i++) {
		listed |= r->words[at + i] == r->push;
		if (r->words[at + i] != r->built_in)
			r->out[r->used++] = r->words[at + i];
	}
	if (!listed)
		r->out[r->used++] = r->push;
	r->out[begin] = (uint32_t)(r->used - begin) << 16 | SpvOpEntryPoint;
}

static void put_code(struct spirv_rebase *r, size_t at)
{
	uint32_t pointer;

	if (rebase_op_of(r, at) == SpvOpLoad && rebase_operand(r, at, 3) == r->built_in) {
		pointer = r->bound++;
		PUT(r, SpvOpAccessChain, r->to_vector, pointer, r->push, r->index);
		PUT(r, SpvOpLoad, rebase_operand(r, at, 1), rebase_operand(r, at, 2), pointer);
	} else if (rebase_is_chain(rebase_op_of(r, at)) && rebase_operand(r, at, 3) == r->built_in) {
		PUT(r, rebase_op_of(r, at), r->to_scalar, rebase_operand(r, at, 2), r->push, r->index,
		    rebase_operand(r, at, 4));
	} else {
		copy(r, at);
	}
}

static void put_one(struct spirv_rebase *r, size_t at)
{
	uint16_t op = rebase_op_of(r, at);

	if (at == r->first_type)
		put_first_types(r);
	if (at == r->at[r->scalar] || at == r->at[r->vector] || at == r->at[r->built_in])
		return;
	if (op == SpvOpEntryPoint) {
		put_entry(r, at);
	} else if ((op == SpvOpDecorate || op == SpvOpName) && rebase_operand(r, at, 1) == r->built_in) {
		return;
	} else {
		put_code(r, at);
		if (r->members && at == r->at[r->block]) {
			r->out[r->used - rebase_length_of(r, at)] += 1u << 16;
			r->out[r->used++] = r->vector;
		}
	}
}

void kiln_spirv_rebase_write(struct spirv_rebase *r)
{
	bool declared = false;

	memcpy(r->out, r->words, REBASE_HEADER_WORDS * sizeof(uint32_t));
	r->used = REBASE_HEADER_WORDS;
	for (size_t at = REBASE_HEADER_WORDS; at < r->count; at += rebase_length_of(r, at)) {
		if (rebase_op_of(r, at) == SpvOpFunction && !declared)
			put_declarations(r);
		declared |= rebase_op_of(r, at) == SpvOpFunction;
		put_one(r, at);
	}
	r->out[3] = r->bound;
}
