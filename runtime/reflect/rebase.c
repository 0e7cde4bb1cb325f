/* gl_NumWorkGroups from push constants. In a dispatch with a base the built-in counts only the part's workgroups, whereas
 * gl_WorkGroupID includes the base: so the one is replaced and the other stays.
 *
 * The block of push constants gets one more member, or there is a new one; loads of the built-in become loads of the member.
 * The member's type moves to the front of the declarations, where every block can use it. */
#include "rebase.h"

#include <string.h>

#include <base/alloc.h>
#include <base/error.h>

#include "rebase_state.h"

#define BOUND_MAX 0x3fffffu
#define ALIGNMENT 16u /* of a uvec3 */

static void refuse(struct spirv_rebase *r, const char *why)
{
	if (!r->why)
		r->why = why;
}

/* ---- What is there ---- */

static void decoration(struct spirv_rebase *r, size_t at)
{
	if (rebase_operand(r, at, 2) != SpvDecorationBuiltIn ||
	    rebase_operand(r, at, 3) != SpvBuiltInNumWorkgroups)
		return;
	if (r->built_in)
		refuse(r, "it declares gl_NumWorkGroups twice");
	r->built_in = rebase_operand(r, at, 1);
}

static void variable(struct spirv_rebase *r, size_t at)
{
	if (rebase_operand(r, at, 3) != SpvStorageClassPushConstant)
		return;
	if (r->push)
		refuse(r, "it has several blocks of push constants");
	r->push = rebase_operand(r, at, 2);
}

static void survey_one(struct spirv_rebase *r, size_t at, uint32_t *entries)
{
	enum spirv_result result = SPIRV_OP_RESULT(spirv_op(rebase_op_of(r, at)));
	enum spirv_class class = SPIRV_OP_CLASS(spirv_op(rebase_op_of(r, at)));
	uint32_t id = result == SPIRV_RESULT_NONE ? 0 : rebase_operand(r, at, result);

	if (result == SPIRV_RESULT_UNKNOWN)
		refuse(r, "it has instructions Kiln does not know");
	else if (id && id < r->bound)
		r->at[id] = (uint32_t)at;
	if (class == SPIRV_CLASS_TYPE && !r->first_type)
		r->first_type = at;
	switch (rebase_op_of(r, at)) {
	case SpvOpEntryPoint:
		if (++*entries > 1)
			refuse(r, "it has several entry points");
		break;
	case SpvOpDecorate:
		decoration(r, at);
		break;
	case SpvOpGroupDecorate:
	case SpvOpGroupMemberDecorate:
		refuse(r, "it decorates groups");
		break;
	case SpvOpVariable:
		variable(r, at);
		break;
	}
}

/* The type the variable points to, 0 = it is no variable of that storage class. */
static uint32_t pointee(const struct spirv_rebase *r, uint32_t variable, uint32_t storage)
{
	uint32_t pointer;

	if (!rebase_is(r, variable, SpvOpVariable) || rebase_operand(r, r->at[variable], 3) != storage)
		return 0;
	pointer = rebase_operand(r, r->at[variable], 1);
	if (!rebase_is(r, pointer, SpvOpTypePointer) || rebase_operand(r, r->at[pointer], 2) != storage)
		return 0;
	return rebase_operand(r, r->at[pointer], 3);
}

static bool is_uvec3(struct spirv_rebase *r)
{
	r->vector = pointee(r, r->built_in, SpvStorageClassInput);
	if (!rebase_is(r, r->vector, SpvOpTypeVector) || rebase_operand(r, r->at[r->vector], 3) != 3)
		return false;
	r->scalar = rebase_operand(r, r->at[r->vector], 2);
	return rebase_is(r, r->scalar, SpvOpTypeInt) && rebase_operand(r, r->at[r->scalar], 2) == 32 &&
	       rebase_operand(r, r->at[r->scalar], 3) == 0;
}

static void survey(struct spirv_rebase *r, uint32_t push_bytes)
{
	uint32_t entries = 0;

	for (size_t at = REBASE_HEADER_WORDS; at < r->count; at += rebase_length_of(r, at))
		survey_one(r, at, &entries);
	if (!r->first_type || !is_uvec3(r))
		refuse(r, "it declares gl_NumWorkGroups in an unusual way");
	if (r->push) {
		r->block = pointee(r, r->push, SpvStorageClassPushConstant);
		if (!rebase_is(r, r->block, SpvOpTypeStruct) || push_bytes == 0)
			refuse(r, "its push constants are no block");
		else
			r->members = rebase_length_of(r, r->at[r->block]) - 2;
	}
	if (push_bytes > UINT16_MAX)
		refuse(r, "its push constants are too large");
	r->offset = (push_bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

/* A pointer type of the module, else a new id. */
static uint32_t pointer_to(struct spirv_rebase *r, uint32_t type, bool *out_new)
{
	for (size_t at = REBASE_HEADER_WORDS; at < r->count; at += rebase_length_of(r, at))
		if (rebase_op_of(r, at) == SpvOpTypePointer &&
		    rebase_operand(r, at, 2) == SpvStorageClassPushConstant &&
		    rebase_operand(r, at, 3) == type)
			return rebase_operand(r, at, 1);
	*out_new = true;
	return r->bound++;
}

static void name(struct spirv_rebase *r)
{
	r->to_vector = pointer_to(r, r->vector, &r->new_to_vector);
	r->to_scalar = pointer_to(r, r->scalar, &r->new_to_scalar);
	r->index = r->bound++;
	if (r->push)
		return;
	r->block = r->bound++;
	r->to_block = r->bound++;
	r->push = r->bound++;
}

/* ---- Is everything understood? ---- */

/* Is it a type whose layout would change, or a value of it? */
static bool holds_block(const struct spirv_rebase *r, size_t at)
{
	uint32_t first = 0, end = 0;

	if (!r->members)
		return false;
	switch (rebase_op_of(r, at)) {
	case SpvOpTypePointer:
		return rebase_operand(r, at, 3) == r->block &&
		       rebase_operand(r, at, 2) != SpvStorageClassPushConstant;
	case SpvOpTypeArray:
	case SpvOpTypeRuntimeArray:
		first = 2, end = 3;
		break;
	case SpvOpTypeStruct:
	case SpvOpTypeFunction:
		first = 2, end = rebase_length_of(r, at);
		break;
	default:
		if (SPIRV_OP_RESULT(spirv_op(rebase_op_of(r, at))) == SPIRV_RESULT_TYPED)
			first = 1, end = 2;
	}
	for (uint32_t i = first; i < end; i++)
		if (rebase_operand(r, at, i) == r->block)
			return true;
	return false;
}

static bool mentions(const struct spirv_rebase *r, size_t at, uint32_t from)
{
	for (uint32_t i = from; i < rebase_length_of(r, at); i++)
		if (r->words[at + i] == r->built_in ||
		    (r->words[at + i] < r->bound && r->component[r->words[at + i]]))
			return true;
	return false;
}

static void check_code(struct spirv_rebase *r, size_t at)
{
	uint16_t op = rebase_op_of(r, at);
	uint32_t id;

	if (op == SpvOpLoad) {
		if (mentions(r, at, 3) && rebase_length_of(r, at) != 4)
			refuse(r, "it loads gl_NumWorkGroups in an unusual way");
		if (rebase_operand(r, at, 3) == r->built_in && rebase_operand(r, at, 1) != r->vector)
			refuse(r, "it loads gl_NumWorkGroups as another type");
		return;
	}
	if (rebase_is_chain(op) && rebase_operand(r, at, 3) == r->built_in && rebase_length_of(r, at) == 5) {
		id = rebase_operand(r, at, 2);
		if (id < r->words[3] && !mentions(r, at, 4))
			r->component[id] = true;
		else
			refuse(r, "it indexes gl_NumWorkGroups in an unusual way");
		return;
	}
	if (SPIRV_OP_CLASS(spirv_op(op)) != SPIRV_CLASS_PURE &&
	    mentions(r, at, SPIRV_OP_CLASS(spirv_op(op)) == SPIRV_CLASS_EXT_INST ? 5 : 1))
		refuse(r, "it uses gl_NumWorkGroups in an unusual way");
}

static void check(struct spirv_rebase *r)
{
	bool in_function = false;

	for (size_t at = REBASE_HEADER_WORDS; at < r->count; at += rebase_length_of(r, at)) {
		in_function |= rebase_op_of(r, at) == SpvOpFunction;
		if (holds_block(r, at))
			refuse(r, "it uses its push constants as a whole");
		if (in_function)
			check_code(r, at);
		else if (rebase_op_of(r, at) == SpvOpVariable && rebase_length_of(r, at) > 4 &&
		         mentions(r, at, 4))
			refuse(r, "it takes the address of gl_NumWorkGroups");
	}
}

#define NEW_WORDS 64u /* that stand before the code, at most */

static enum kiln_status run(struct spirv_rebase *r, uint32_t push_bytes)
{
	survey(r, push_bytes);
	if (!r->why)
		check(r);
	if (!r->why)
		name(r);
	if (r->why || (uint64_t)r->bound + r->count / 4 > BOUND_MAX)
		return kiln_error(
			KILN_ERR_UNSUPPORTED,
			"gl_NumWorkGroups of a kernel cannot be replaced: %s. Fix: pass the count as a "
			"push constant",
			r->why ? r->why : "it has too many ids");
	r->out = kiln_alloc((r->count * 5 / 2 + NEW_WORDS) * sizeof(uint32_t));
	if (!r->out)
		return kiln_error(KILN_ERR_OUT_OF_MEMORY,
		                  "out of memory changing a kernel. Fix: free memory and call again");
	kiln_spirv_rebase_write(r);
	return KILN_OK;
}

enum kiln_status kiln_spirv_rebase(const uint32_t *words, size_t count, uint32_t push_bytes,
                                   uint32_t **out_words, size_t *out_count, uint32_t *out_offset)
{
	struct spirv_rebase r = {.words = words, .count = count, .bound = words[3]};
	enum kiln_status status;

	r.at = kiln_alloc_zero(words[3] + 8u, sizeof(*r.at) + sizeof(*r.component));
	if (!r.at)
		return kiln_error(KILN_ERR_OUT_OF_MEMORY,
		                  "out of memory changing a kernel. Fix: free memory and call again");
	r.component = (bool *)(r.at + words[3] + 8u);
	status = run(&r, push_bytes);
	kiln_free(r.at);
	if (status != KILN_OK)
		return status;
	*out_words = r.out;
	*out_count = r.used;
	*out_offset = r.offset;
	return KILN_OK;
}
