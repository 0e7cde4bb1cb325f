/* May the workgroups of a module run in several dispatches? */
#include "rebase.h"

#include <base/alloc.h>
#include <base/error.h>

#include "spirv_ops.h"

#define HEADER_WORDS 5u
#define WIDE_MEMORY                                                                         \
	(SpvMemorySemanticsUniformMemoryMask | SpvMemorySemanticsCrossWorkgroupMemoryMask | \
	 SpvMemorySemanticsImageMemoryMask | SpvMemorySemanticsAtomicCounterMemoryMask)
#define ORDERING                                                         \
	(SpvMemorySemanticsAcquireMask | SpvMemorySemanticsReleaseMask | \
	 SpvMemorySemanticsAcquireReleaseMask | SpvMemorySemanticsSequentiallyConsistentMask)
#define SHARED_ACCESS                                                            \
	(SpvMemoryAccessVolatileMask | SpvMemoryAccessMakePointerAvailableMask | \
	 SpvMemoryAccessMakePointerVisibleMask | SpvMemoryAccessNonPrivatePointerMask)
#define SHARED_TEXEL                                                                  \
	(SpvImageOperandsVolatileTexelMask | SpvImageOperandsMakeTexelAvailableMask | \
	 SpvImageOperandsMakeTexelVisibleMask | SpvImageOperandsNonPrivateTexelMask)

struct walk {
	const uint32_t *words;
	size_t count;
	uint32_t bound;
	uint32_t *at;       /* where each id is defined */
	bool *read;         /* ids that a function's code mentions */
	uint32_t entry;     /* function of the last entry point */
	uint32_t function;  /* the one at hand */
	uint32_t loop_end;  /* of the loops begun so far in this function */
	bool loops;         /* anywhere */
	bool block, looped; /* an atomic whose result is read: in the block at hand, in a loop */
	bool outside;       /* ... in a function that others call */
	const char *reason;
};

static uint32_t length_of(const struct walk *walk, size_t at)
{
	return walk->words[at] >> 16;
}

/* Operand `index`, 0 when the instruction is shorter. */
static uint32_t operand(const struct walk *walk, size_t at, uint32_t index)
{
	return index < length_of(walk, at) ? walk->words[at + index] : 0;
}

static size_t defined_at(const struct walk *walk, uint32_t id)
{
	return id < walk->bound ? walk->at[id] : 0;
}

/* ---- First pass: definitions, and what is mentioned ---- */

static void define(struct walk *walk, size_t at, bool in_function)
{
	enum spirv_result result = SPIRV_OP_RESULT(spirv_op((uint16_t)walk->words[at]));
	uint32_t own = 0;

	if (result == SPIRV_RESULT_UNKNOWN)
		walk->reason = "it has instructions Kiln does not know";
	else if (result != SPIRV_RESULT_NONE)
		own = operand(walk, at, result);
	if (own && own < walk->bound)
		walk->at[own] = (uint32_t)at;
	for (uint32_t i = 1; in_function && i < length_of(walk, at); i++)
		if (walk->words[at + i] < walk->bound && walk->words[at + i] != own)
			walk->read[walk->words[at + i]] = true;
}

static void gather(struct walk *walk)
{
	bool in_function = false;

	for (size_t at = HEADER_WORDS; at < walk->count; at += length_of(walk, at)) {
		uint16_t op = (uint16_t)walk->words[at];

		in_function |= op == SpvOpFunction;
		define(walk, at, in_function);
		if (op == SpvOpEntryPoint)
			walk->entry = operand(walk, at, 2);
		walk->loops |= op == SpvOpLoopMerge;
	}
}

/* ---- Facts of ids ---- */

/* Of the constant; all bits where it is none that is known. */
static uint32_t constant(const struct walk *walk, uint32_t id)
{
	size_t at = defined_at(walk, id);

	return at && (uint16_t)walk->words[at] == SpvOpConstant ? operand(walk, at, 3) : UINT32_MAX;
}

static bool is_wide(const struct walk *walk, uint32_t scope)
{
	uint32_t value = constant(walk, scope);

	return value != SpvScopeWorkgroup && value != SpvScopeSubgroup && value != SpvScopeInvocation;
}

/* Memory of the workgroup or the thread alone. */
static bool is_own(const struct walk *walk, uint32_t pointer)
{
	size_t at = defined_at(walk, pointer), type;
	uint32_t storage;

	if (!at || SPIRV_OP_RESULT(spirv_op((uint16_t)walk->words[at])) != SPIRV_RESULT_TYPED)
		return false;
	type = defined_at(walk, operand(walk, at, 1));
	if (!type || (uint16_t)walk->words[type] != SpvOpTypePointer)
		return false;
	storage = operand(walk, type, 2);
	return storage == SpvStorageClassWorkgroup || storage == SpvStorageClassFunction ||
	       storage == SpvStorageClassPrivate;
}

/* ---- Second pass ---- */

static void barrier(struct walk *walk, size_t at, bool control)
{
	uint32_t scope = operand(walk, at, control ? 2 : 1), memory = operand(walk, at, control ? 3 : 2);

	if (control && is_wide(walk, operand(walk, at, 1)))
		walk->reason = "it has a barrier wider than the workgroup";
	if (is_wide(walk, scope) && (constant(walk, memory) & WIDE_MEMORY))
		walk->reason = "it has a memory barrier wider than the workgroup";
}

static void atomic(struct walk *walk, size_t at)
{
	bool store = (uint16_t)walk->words[at] == SpvOpAtomicStore ||
	             (uint16_t)walk->words[at] == SpvOpAtomicFlagClear;
	uint32_t first = store ? 1 : 3, result = store ? 0 : operand(walk, at, 2);

	if (is_own(walk, operand(walk, at, first)))
		return;
	if (is_wide(walk, operand(walk, at, first + 1)) &&
	    (constant(walk, operand(walk, at, first + 2)) & ORDERING))
		walk->reason = "it orders memory between workgroups by atomics";
	if (!result || result >= walk->bound || !walk->read[result])
		return;
	walk->block = true;
	walk->looped |= at < walk->loop_end;
	walk->outside |= walk->function != walk->entry;
}

/* The loop's blocks stand between its header and its end, where compilers keep to the usual order. */
static void loop(struct walk *walk, size_t at)
{
	size_t merge = defined_at(walk, operand(walk, at, 1)), next = defined_at(walk, operand(walk, at, 2));
	size_t end = merge > next ? merge : (size_t)UINT32_MAX;

	walk->looped |= walk->block; /* it stands in the header */
	if (end > walk->loop_end)
		walk->loop_end = (uint32_t)end;
}

static void access(struct walk *walk, size_t at, uint32_t mask_at, uint32_t pointer_at)
{
	if ((operand(walk, at, mask_at) & SHARED_ACCESS) && !is_own(walk, operand(walk, at, pointer_at)))
		walk->reason = "it reads or writes volatile or coherent memory";
}

/* Into the first operand from the second; the one mask is of both, or a second one is the source's. A mask's
 * alignment and scopes follow it. */
static void copy(struct walk *walk, size_t at, uint32_t mask_at)
{
	uint32_t mask = operand(walk, at, mask_at);

	mask_at += 1 + !!(mask & SpvMemoryAccessAlignedMask) +
	           !!(mask & SpvMemoryAccessMakePointerAvailableMask) +
	           !!(mask & SpvMemoryAccessMakePointerVisibleMask);
	mask |= operand(walk, at, mask_at);
	if ((mask & SHARED_ACCESS) &&
	    !(is_own(walk, operand(walk, at, 1)) && is_own(walk, operand(walk, at, 2))))
		walk->reason = "it reads or writes volatile or coherent memory";
}

static void decoration(struct walk *walk, uint32_t what)
{
	if (what == SpvDecorationCoherent || what == SpvDecorationVolatile)
		walk->reason = "it declares coherent or volatile memory";
}

static void look(struct walk *walk, size_t at)
{
	switch ((uint16_t)walk->words[at]) {
	case SpvOpDecorate:
		decoration(walk, operand(walk, at, 2));
		break;
	case SpvOpMemberDecorate:
		decoration(walk, operand(walk, at, 3));
		break;
	case SpvOpFunction:
		walk->function = operand(walk, at, 2);
		walk->loop_end = 0;
		break;
	case SpvOpLabel:
		walk->block = false;
		break;
	case SpvOpLoopMerge:
		loop(walk, at);
		break;
	case SpvOpControlBarrier:
		barrier(walk, at, true);
		break;
	case SpvOpMemoryBarrier:
		barrier(walk, at, false);
		break;
	case SpvOpLoad:
		access(walk, at, 4, 3);
		break;
	case SpvOpStore:
		access(walk, at, 3, 1);
		break;
	case SpvOpCopyMemory:
		copy(walk, at, 3);
		break;
	case SpvOpCopyMemorySized:
		copy(walk, at, 4);
		break;
	case SpvOpImageRead:
		if (operand(walk, at, 5) & SHARED_TEXEL)
			walk->reason = "it reads volatile or coherent images";
		break;
	case SpvOpImageWrite:
		if (operand(walk, at, 4) & SHARED_TEXEL)
			walk->reason = "it writes volatile or coherent images";
		break;
	default:
		if (SPIRV_OP_CLASS(spirv_op((uint16_t)walk->words[at])) == SPIRV_CLASS_ATOMIC)
			atomic(walk, at);
	}
}

enum kiln_status kiln_spirv_parts(const uint32_t *words, size_t count, struct kiln_parts_facts *out_facts)
{
	struct walk walk = {.words = words, .count = count, .bound = words[3]};

	walk.at = kiln_alloc_zero(walk.bound, sizeof(*walk.at) + sizeof(*walk.read));
	if (!walk.at)
		return kiln_error(KILN_ERR_OUT_OF_MEMORY,
		                  "out of memory looking at a kernel. Fix: free memory and call again");
	walk.read = (bool *)(walk.at + walk.bound);
	gather(&walk);
	for (size_t at = HEADER_WORDS; at < count && !walk.reason; at += length_of(&walk, at))
		look(&walk, at);
	if (!walk.reason && (walk.looped || (walk.outside && walk.loops)))
		walk.reason =
			"it looks at the results of atomics in a loop, and may wait for other workgroups";
	kiln_free(walk.at);
	*out_facts = (struct kiln_parts_facts){walk.reason, walk.loops};
	return KILN_OK;
}
