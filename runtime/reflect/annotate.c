/* Decorations. Only those reflection reads are kept, as a list per id; they all come before what they
 * decorate. */
#include "module.h"

#define FIX "Fix: check the module with spirv-val and compile it again."

const struct spirv_decoration *kiln_spirv_first(const struct spirv_module *module, uint32_t id)
{
	uint32_t first = module->ids[id].decoration;

	return first != 0 ? &module->decorations.items[first - 1] : NULL;
}

const struct spirv_decoration *kiln_spirv_next(const struct spirv_module *module,
                                               const struct spirv_decoration *decoration)
{
	return decoration->next != 0 ? &module->decorations.items[decoration->next - 1] : NULL;
}

/* Which decorations matter, and how many literals each must have. */
static bool is_kept(uint32_t what, uint32_t *out_literals)
{
	*out_literals = 0;
	switch (what) {
	case SpvDecorationBlock:
	case SpvDecorationBufferBlock:
	case SpvDecorationRowMajor:
	case SpvDecorationNonWritable:
	case SpvDecorationNonReadable:
		return true;
	case SpvDecorationSpecId:
	case SpvDecorationArrayStride:
	case SpvDecorationMatrixStride:
	case SpvDecorationBuiltIn:
	case SpvDecorationBinding:
	case SpvDecorationDescriptorSet:
	case SpvDecorationOffset:
		*out_literals = 1;
		return true;
	default:
		return false;
	}
}

/* Every decoration stands in the module once; only groups multiply them, and no real module nearly so far. */
static enum kiln_status attach(struct spirv_module *module, uint32_t at, uint32_t target,
                               const struct spirv_decoration *decoration)
{
	struct spirv_id *id = &module->ids[target];

	if (module->decorations.count >= module->count)
		return kiln_spirv_fail(module, KILN_ERR_SPIRV_LENGTH, at,
		                       "decoration groups expand to more decorations than "
		                       "the module has words. Fix: run spirv-opt --flatten-decorations.");
	if (!SPIRV_ROOM(module->decorations))
		return kiln_spirv_out_of_memory(module);
	module->decorations.items[module->decorations.count] = *decoration;
	module->decorations.items[module->decorations.count++].next = id->decoration;
	id->decoration = (uint32_t)module->decorations.count;
	return KILN_OK;
}

static enum kiln_status note_workgroup_size(struct spirv_module *module, uint32_t at, uint32_t target)
{
	if (module->workgroup_size != 0 && module->workgroup_size != target)
		return kiln_spirv_fail(module, KILN_ERR_SPIRV_INVALID, at,
		                       "ids %u and %u both claim to be WorkgroupSize; "
		                       "expected one. " FIX,
		                       module->workgroup_size, target);
	module->workgroup_size = target;
	return KILN_OK;
}

/* `from` is the word of the decoration: 2 for an id, 3 for a member. */
static enum kiln_status decorate(struct spirv_module *module, uint32_t at, uint32_t from)
{
	struct spirv_decoration decoration = {.at = at, .member = SPIRV_NONE};
	uint32_t target, literals;

	KILN_TRY(kiln_spirv_need(module, at, from + 1));
	target = module->words[at + 1];
	KILN_TRY(kiln_spirv_refer(module, at, target));
	decoration.what = module->words[at + from];
	if (from == 3)
		decoration.member = module->words[at + 2];
	if (!is_kept(decoration.what, &literals))
		return KILN_OK;
	KILN_TRY(kiln_spirv_need(module, at, from + 1 + literals));
	if (literals != 0)
		decoration.value = module->words[at + from + 1];
	if (from == 2 && decoration.what == SpvDecorationBuiltIn &&
	    decoration.value == SpvBuiltInWorkgroupSize)
		KILN_TRY(note_workgroup_size(module, at, target));
	return attach(module, at, target, &decoration);
}

static enum kiln_status check_group(const struct spirv_module *module, uint32_t at, uint32_t group)
{
	KILN_TRY(kiln_spirv_check_id(module, at, group));
	if (module->ids[group].at == 0 ||
	    (uint16_t)module->words[module->ids[group].at] != SpvOpDecorationGroup)
		return kiln_spirv_fail(module, KILN_ERR_SPIRV_INVALID, at,
		                       "id %u is no decoration group declared before. " FIX, group);
	return KILN_OK;
}

/* Gives every target the group's decorations; with `stride` 2 each target is followed by a member number. */
static enum kiln_status apply_group(struct spirv_module *module, uint32_t at, uint32_t stride)
{
	uint32_t group, end = at + spirv_words_of(module, at);

	KILN_TRY(kiln_spirv_need(module, at, 2));
	group = module->words[at + 1];
	KILN_TRY(check_group(module, at, group));
	for (uint32_t target = at + 2; target + stride <= end; target += stride) {
		KILN_TRY(kiln_spirv_refer(module, at, module->words[target]));
		if (module->words[target] == group)
			return kiln_spirv_fail(module, KILN_ERR_SPIRV_INVALID, at,
			                       "a group cannot decorate itself. " FIX);
		for (uint32_t i = module->ids[group].decoration; i != 0;
		     i = module->decorations.items[i - 1].next) {
			struct spirv_decoration copy = module->decorations.items[i - 1];

			if (stride == 2)
				copy.member = module->words[target + 1];
			KILN_TRY(attach(module, at, module->words[target], &copy));
		}
	}
	return KILN_OK;
}

enum kiln_status kiln_spirv_annotate(struct spirv_module *module, uint32_t at)
{
	switch ((uint16_t)module->words[at]) {
	case SpvOpDecorate:
		return decorate(module, at, 2);
	case SpvOpMemberDecorate:
		return decorate(module, at, 3);
	case SpvOpGroupDecorate:
		return apply_group(module, at, 1);
	case SpvOpGroupMemberDecorate:
		return apply_group(module, at, 2);
	case SpvOpDecorationGroup:
		return KILN_OK;
	default: /* OpDecorateId and the string forms: nothing we read */
		KILN_TRY(kiln_spirv_need(module, at, 3));
		return kiln_spirv_refer(module, at, module->words[at + 1]);
	}
}
