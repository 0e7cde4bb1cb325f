/* Types and their sizes, bottom-up as they are declared: a type names only types before it (pointers apart),
 * so there is no recursion and no cycle. Source: the SPIR-V specification 3.42.6 and Vulkan's "Offset and
 * Stride Assignment". */
#include "module.h"

#include <string.h>

#define FIX "Fix: check the module with spirv-val and compile it again."

uint64_t kiln_spirv_add(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

uint64_t kiln_spirv_multiply(uint64_t a, uint64_t b)
{
	return b != 0 && a > UINT64_MAX / b ? UINT64_MAX : a * b;
}

enum kiln_status kiln_spirv_type_index(const struct spirv_module *module, uint32_t at, uint32_t id,
                                       uint32_t *out_index)
{
	KILN_TRY(kiln_spirv_check_id(module, at, id));
	if (module->ids[id].kind != SPIRV_KIND_TYPE)
		return kiln_spirv_fail(module, KILN_ERR_SPIRV_INVALID, at,
		                       "id %u is no type declared before. " FIX, id);
	*out_index = module->ids[id].index;
	return KILN_OK;
}

static enum kiln_status numeric(struct spirv_module *module, uint32_t at, struct spirv_type *type)
{
	bool integer = (uint16_t)module->words[at] == SpvOpTypeInt;
	uint32_t width;

	KILN_TRY(kiln_spirv_need(module, at, integer ? 4 : 3));
	width = module->words[at + 2];
	if ((width != 8 || !integer) && width != 16 && width != 32 && width != 64)
		return KILN_OK; /* opaque: no size we could be sure of */
	type->kind = integer ? SPIRV_TYPE_INT : SPIRV_TYPE_FLOAT;
	type->flags = integer && module->words[at + 3] != 0 ? SPIRV_TYPE_SIGNED : 0;
	type->size = type->extent = type->tight = width / 8;
	if (!integer && width == 16) {
		bool bf16 =
			spirv_words_of(module, at) > 3 && module->words[at + 3] == SPIRV_FP_ENCODING_BFLOAT16;

		type->flags |= bf16 ? SPIRV_TYPE_BF16 : 0;
		module->has_bf16 |= bf16;
		module->has_f16 |= !bf16;
	}
	return KILN_OK;
}

/* Vectors and matrices: `count` of an element, without padding. A matrix's stride is its struct member's
 * matter. */
static enum kiln_status vector(struct spirv_module *module, uint32_t at, struct spirv_type *type)
{
	const struct spirv_type *element;

	KILN_TRY(kiln_spirv_need(module, at, 4));
	KILN_TRY(kiln_spirv_type_index(module, at, module->words[at + 2], &type->element));
	element = &module->types.items[type->element];
	type->kind = (uint16_t)module->words[at] == SpvOpTypeVector ? SPIRV_TYPE_VECTOR : SPIRV_TYPE_MATRIX;
	if (type->kind == SPIRV_TYPE_MATRIX && element->kind != SPIRV_TYPE_VECTOR)
		return kiln_spirv_fail(module, KILN_ERR_SPIRV_INVALID, at,
		                       "a matrix needs columns of a vector type. " FIX);
	type->count = module->words[at + 3];
	if (type->count < 2 || type->count > 16)
		return kiln_spirv_fail(module, KILN_ERR_SPIRV_INVALID, at,
		                       "%u components; expected 2 to 16. " FIX, type->count);
	type->size = type->extent = element->size * type->count;
	type->tight = element->tight * type->count;
	type->flags = element->flags & SPIRV_TYPE_LOOSE;
	return KILN_OK;
}

static void declared_stride(const struct spirv_module *module, uint32_t id, struct spirv_type *type)
{
	const struct spirv_decoration *decoration = kiln_spirv_first(module, id);

	type->stride = 0;
	for (; decoration != NULL; decoration = kiln_spirv_next(module, decoration))
		if (decoration->what == SpvDecorationArrayStride && decoration->member == SPIRV_NONE)
			type->stride = decoration->value;
	if (type->stride == 0)
		type->flags |= SPIRV_TYPE_LOOSE;
}

static enum kiln_status array_length(const struct spirv_module *module, uint32_t at, struct spirv_type *type)
{
	uint32_t id = module->words[at + 3];
	const struct spirv_value *length;
	int64_t count;

	KILN_TRY(kiln_spirv_check_id(module, at, id));
	length = kiln_spirv_value(module, id);
	if (length == NULL || module->types.items[length->type].kind != SPIRV_TYPE_INT)
		return kiln_spirv_fail(module, KILN_ERR_SPIRV_INVALID, at,
		                       "the length, id %u, is no integer constant declared "
		                       "before. " FIX,
		                       id);
	if (!length->known)
		return kiln_spirv_fail(
			module, KILN_ERR_UNSUPPORTED, at,
			"the length, id %u, is an expression that Kiln does "
			"not evaluate. Fix: use integer operations only, or a specialisation constant of "
			"its own.",
			id);
	count = kiln_spirv_extend(&module->types.items[length->type], length->bits);
	if (count < 1 || count > UINT32_MAX)
		return kiln_spirv_fail(module, KILN_ERR_SPIRV_INVALID, at,
		                       "the length is %lld; expected 1 to %u. " FIX, (long long)count,
		                       UINT32_MAX);
	type->count = (uint32_t)count;
	type->flags |= length->specialised ? SPIRV_TYPE_SPEC_SIZED : 0;
	type->flags |= length->wrapped ? SPIRV_TYPE_WRAPPED : 0;
	return KILN_OK;
}

static enum kiln_status array(struct spirv_module *module, uint32_t at, struct spirv_type *type)
{
	bool runtime = (uint16_t)module->words[at] == SpvOpTypeRuntimeArray;
	const struct spirv_type *element;

	KILN_TRY(kiln_spirv_need(module, at, runtime ? 3 : 4));
	KILN_TRY(kiln_spirv_type_index(module, at, module->words[at + 2], &type->element));
	element = &module->types.items[type->element];
	type->kind = runtime ? SPIRV_TYPE_RUNTIME_ARRAY : SPIRV_TYPE_ARRAY;
	type->flags = element->flags & (SPIRV_TYPE_LOOSE | SPIRV_TYPE_SPEC_SIZED | SPIRV_TYPE_WRAPPED);
	declared_stride(module, module->words[at + 1], type);
	if (!runtime)
		KILN_TRY(array_length(module, at, type));
	type->leaf = element->leaf;
	type->flat = kiln_spirv_multiply(type->count, element->flat);
	type->size = kiln_spirv_multiply(type->count, type->stride != 0 ? type->stride : element->size);
	type->tight = kiln_spirv_multiply(type->count, element->tight);
	if (!runtime) {
		type->extent = kiln_spirv_multiply(type->count - 1, type->size / type->count);
		type->extent = kiln_spirv_add(type->extent, element->extent);
		type->stride = 0;
	}
	return KILN_OK;
}

static enum kiln_status pointer(struct spirv_module *module, uint32_t at, struct spirv_type *type)
{
	KILN_TRY(kiln_spirv_need(module, at, 4));
	KILN_TRY(kiln_spirv_refer(module, at, module->words[at + 3]));
	type->kind = SPIRV_TYPE_POINTER;
	type->element = module->words[at + 3];
	if (module->words[at + 2] != SpvStorageClassPhysicalStorageBuffer)
		return KILN_OK;
	type->flags = 0;
	type->size = type->extent = type->tight = 8;
	return KILN_OK;
}

static enum kiln_status image(struct spirv_module *module, uint32_t at, struct spirv_type *type)
{
	KILN_TRY(kiln_spirv_need(module, at, 9));
	type->kind = SPIRV_TYPE_IMAGE;
	return KILN_OK;
}

static enum kiln_status sampled_image(struct spirv_module *module, uint32_t at, struct spirv_type *type)
{
	KILN_TRY(kiln_spirv_need(module, at, 3));
	KILN_TRY(kiln_spirv_type_index(module, at, module->words[at + 2], &type->element));
	if (module->types.items[type->element].kind != SPIRV_TYPE_IMAGE)
		return kiln_spirv_fail(module, KILN_ERR_SPIRV_INVALID, at, "id %u is no image type. " FIX,
		                       module->words[at + 2]);
	type->kind = SPIRV_TYPE_SAMPLED_IMAGE;
	return KILN_OK;
}

/* A pointer type that structs may use before it is declared; they need its size, which the class tells. */
static enum kiln_status forward_pointer(struct spirv_module *module, uint32_t at)
{
	uint32_t id;

	KILN_TRY(kiln_spirv_need(module, at, 3));
	id = module->words[at + 1];
	KILN_TRY(kiln_spirv_refer(module, at, id));
	if (module->ids[id].at == 0)
		spirv_define(module, id, SPIRV_KIND_FORWARD,
		             module->words[at + 2] == SpvStorageClassPhysicalStorageBuffer);
	return KILN_OK;
}

static enum kiln_status describe(struct spirv_module *module, uint32_t at, struct spirv_type *type)
{
	switch ((uint16_t)module->words[at]) {
	case SpvOpTypeBool:
		type->kind = SPIRV_TYPE_BOOL;
		type->tight = 4; /* as Vulkan counts workgroup memory; booleans have no layout in blocks */
		return KILN_OK;
	case SpvOpTypeInt:
	case SpvOpTypeFloat:
		return numeric(module, at, type);
	case SpvOpTypeVector:
	case SpvOpTypeMatrix:
		return vector(module, at, type);
	case SpvOpTypeArray:
	case SpvOpTypeRuntimeArray:
		return array(module, at, type);
	case SpvOpTypeStruct:
		return kiln_spirv_struct(module, at, type);
	case SpvOpTypePointer:
		return pointer(module, at, type);
	case SpvOpTypeImage:
		return image(module, at, type);
	case SpvOpTypeSampledImage:
		return sampled_image(module, at, type);
	case SpvOpTypeSampler:
		type->kind = SPIRV_TYPE_SAMPLER;
		return KILN_OK;
	case SpvOpTypeAccelerationStructureKHR:
		type->kind = SPIRV_TYPE_ACCELERATION_STRUCTURE;
		return KILN_OK;
	default:
		return KILN_OK;
	}
}

enum kiln_status kiln_spirv_type(struct spirv_module *module, uint32_t at)
{
	struct spirv_type type = {.at = at, .kind = SPIRV_TYPE_OPAQUE, .flags = SPIRV_TYPE_LOOSE, .flat = 1};

	if ((uint16_t)module->words[at] == SpvOpTypeForwardPointer)
		return forward_pointer(module, at);
	type.leaf = (uint32_t)module->types.count;
	KILN_TRY(describe(module, at, &type));
	if (!SPIRV_ROOM(module->types))
		return kiln_spirv_out_of_memory(module);
	spirv_define(module, module->words[at + 1], SPIRV_KIND_TYPE, module->types.count);
	module->types.items[module->types.count++] = type;
	return KILN_OK;
}
