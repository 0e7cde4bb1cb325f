/* Structs: members with their declared offsets, the size, and what all members share. The size is the offset
 * of the furthest member plus its size, where a run-time array counts as empty. That member may stand in the
 * padding of the one before it, so the others count without theirs. */
#include "module.h"

#define FIX "Fix: check the module with spirv-val and compile it again."

static enum kiln_status clear_members(struct spirv_module *module, uint32_t count)
{
	while (module->members.capacity < count)
		if (!kiln_spirv_grow(&module->members.items, &module->members.capacity,
		                     sizeof(*module->members.items)))
			return kiln_spirv_out_of_memory(module);
	for (uint32_t i = 0; i < count; i++)
		module->members.items[i] = (struct spirv_member){.offset = SPIRV_NONE};
	return KILN_OK;
}

static void apply_to_member(struct spirv_member *member, const struct spirv_decoration *decoration)
{
	switch (decoration->what) {
	case SpvDecorationOffset:
		member->offset = decoration->value;
		break;
	case SpvDecorationMatrixStride:
		member->matrix_stride = decoration->value;
		break;
	case SpvDecorationRowMajor:
		member->row_major = true;
		break;
	case SpvDecorationNonWritable:
		member->non_writable = true;
		break;
	case SpvDecorationNonReadable:
		member->non_readable = true;
		break;
	default:
		break;
	}
}

/* One walk over the decorations, however many members there are. */
static enum kiln_status apply_decorations(struct spirv_module *module, uint32_t at, uint32_t count,
                                          struct spirv_type *type)
{
	const struct spirv_decoration *decoration = kiln_spirv_first(module, module->words[at + 1]);

	for (; decoration != NULL; decoration = kiln_spirv_next(module, decoration)) {
		if (decoration->member == SPIRV_NONE && decoration->what == SpvDecorationBlock)
			type->flags |= SPIRV_TYPE_BLOCK;
		else if (decoration->member == SPIRV_NONE && decoration->what == SpvDecorationBufferBlock)
			type->flags |= SPIRV_TYPE_BUFFER_BLOCK;
		else if (decoration->member == SPIRV_NONE)
			continue;
		else if (decoration->member >= count)
			return kiln_spirv_fail(module, KILN_ERR_SPIRV_INVALID, decoration->at,
			                       "member %u of a struct with %u. " FIX, decoration->member,
			                       count);
		else
			apply_to_member(&module->members.items[decoration->member], decoration);
	}
	return KILN_OK;
}

/* The type of a member; a pointer that was only announced has a size and nothing else. */
static enum kiln_status member_type(const struct spirv_module *module, uint32_t at, uint32_t id,
                                    struct spirv_type *out_type)
{
	uint32_t index;

	KILN_TRY(kiln_spirv_check_id(module, at, id));
	if (module->ids[id].kind == SPIRV_KIND_FORWARD) {
		bool physical = module->ids[id].index != 0;

		*out_type = (struct spirv_type){.kind = SPIRV_TYPE_POINTER,
		                                .flags = physical ? 0 : SPIRV_TYPE_LOOSE};
		out_type->size = out_type->extent = out_type->tight = physical ? 8 : 0;
		return KILN_OK;
	}
	KILN_TRY(kiln_spirv_type_index(module, at, id, &index));
	*out_type = module->types.items[index];
	return KILN_OK;
}

/* A matrix has a layout only as a member: so many lines, one stride apart. */
static void lay_out_matrix(const struct spirv_module *module, const struct spirv_member *member,
                           struct spirv_type *type)
{
	const struct spirv_type *column = &module->types.items[type->element];
	uint32_t lines = member->row_major ? column->count : type->count;
	uint64_t line_bytes = member->row_major ? column->size / column->count * type->count : column->size;

	type->size = (uint64_t)lines * member->matrix_stride;
	type->extent = (uint64_t)(lines - 1) * member->matrix_stride + line_bytes;
	if (member->matrix_stride == 0)
		type->flags |= SPIRV_TYPE_LOOSE;
}

struct furthest {
	uint32_t offset;
	uint64_t end;
};

static void add_member(const struct spirv_member *member, const struct spirv_type *type,
                       struct spirv_type *whole, struct furthest *furthest)
{
	uint64_t extent = kiln_spirv_add(member->offset, type->extent);

	whole->tight = kiln_spirv_add(whole->tight, type->tight);
	whole->flags |= type->flags & (SPIRV_TYPE_LOOSE | SPIRV_TYPE_SPEC_SIZED | SPIRV_TYPE_WRAPPED);
	if (type->kind == SPIRV_TYPE_RUNTIME_ARRAY)
		whole->stride = type->stride;
	if (member->offset == SPIRV_NONE) {
		whole->flags |= SPIRV_TYPE_LOOSE;
		return;
	}
	if (member->offset < whole->lowest)
		whole->lowest = member->offset;
	if (extent > whole->extent)
		whole->extent = extent;
	if (furthest->end == 0 || member->offset > furthest->offset)
		*furthest = (struct furthest){member->offset, kiln_spirv_add(member->offset, type->size)};
}

static enum kiln_status add_members(const struct spirv_module *module, uint32_t at, uint32_t count,
                                    struct spirv_type *type)
{
	uint16_t shared = SPIRV_TYPE_NON_WRITABLE | SPIRV_TYPE_NON_READABLE;
	struct furthest furthest = {0};

	for (uint32_t i = 0; i < count; i++) {
		const struct spirv_member *member = &module->members.items[i];
		struct spirv_type part;

		KILN_TRY(member_type(module, at, module->words[at + 2 + i], &part));
		if (part.kind == SPIRV_TYPE_RUNTIME_ARRAY && i + 1 < count)
			return kiln_spirv_fail(module, KILN_ERR_SPIRV_INVALID, at,
			                       "member %u is a run-time array; expected it to "
			                       "be the last of %u. " FIX,
			                       i, count);
		if (part.kind == SPIRV_TYPE_MATRIX)
			lay_out_matrix(module, member, &part);
		add_member(member, &part, type, &furthest);
		shared &= (uint16_t)((member->non_writable ? SPIRV_TYPE_NON_WRITABLE : 0) |
		                     (member->non_readable ? SPIRV_TYPE_NON_READABLE : 0));
	}
	type->flags |= count != 0 ? shared : 0;
	type->size = furthest.end > type->extent ? furthest.end : type->extent;
	return KILN_OK;
}

enum kiln_status kiln_spirv_struct(struct spirv_module *module, uint32_t at, struct spirv_type *type)
{
	uint32_t count = spirv_words_of(module, at) - 2;

	type->kind = SPIRV_TYPE_STRUCT;
	type->flags = 0;
	type->lowest = SPIRV_NONE;
	KILN_TRY(clear_members(module, count));
	KILN_TRY(apply_decorations(module, at, count, type));
	KILN_TRY(add_members(module, at, count, type));
	if (type->lowest == SPIRV_NONE)
		type->lowest = 0;
	return KILN_OK;
}
