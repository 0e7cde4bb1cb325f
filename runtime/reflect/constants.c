/* Constants: their values, because array lengths and workgroup sizes are made of them, and which of them the
 * caller can specialise. */
#include "module.h"

#define FIX "Fix: check the module with spirv-val and compile it again."

const struct spirv_value *kiln_spirv_value(const struct spirv_module *module, uint32_t id)
{
	if (id >= module->bound || module->ids[id].kind != SPIRV_KIND_VALUE)
		return NULL;
	return &module->values.items[module->ids[id].index];
}

uint64_t kiln_spirv_mask(const struct spirv_type *type, uint64_t bits)
{
	if (type->kind == SPIRV_TYPE_BOOL)
		return bits != 0;
	return type->size < 8 ? bits & ((UINT64_C(1) << (type->size * 8)) - 1) : bits;
}

int64_t kiln_spirv_extend(const struct spirv_type *type, uint64_t bits)
{
	unsigned unused = type->size < 8 ? 64 - (unsigned)type->size * 8 : 0;

	if (type->kind != SPIRV_TYPE_INT || !(type->flags & SPIRV_TYPE_SIGNED) || unused == 0)
		return (int64_t)bits;
	return (int64_t)(bits << unused) >> unused;
}

static uint32_t integer_spec_type(const struct spirv_type *type)
{
	bool is_signed = (type->flags & SPIRV_TYPE_SIGNED) != 0;

	switch (type->size) {
	case 1:
		return is_signed ? KILN_SPEC_I8 : KILN_SPEC_U8;
	case 2:
		return is_signed ? KILN_SPEC_I16 : KILN_SPEC_U16;
	case 4:
		return is_signed ? KILN_SPEC_I32 : KILN_SPEC_U32;
	default:
		return is_signed ? KILN_SPEC_I64 : KILN_SPEC_U64;
	}
}

static uint32_t float_spec_type(const struct spirv_type *type)
{
	if (type->flags & SPIRV_TYPE_BF16)
		return KILN_SPEC_BF16;
	return type->size == 2   ? KILN_SPEC_F16
	       : type->size == 4 ? KILN_SPEC_F32
	       : type->size == 8 ? KILN_SPEC_F64
	                         : 0;
}

uint32_t kiln_spirv_spec_type(const struct spirv_type *type, uint32_t *out_bytes)
{
	*out_bytes = type->kind == SPIRV_TYPE_BOOL ? 4 : (uint32_t)type->size;
	switch (type->kind) {
	case SPIRV_TYPE_BOOL:
		return KILN_SPEC_BOOL;
	case SPIRV_TYPE_INT:
		return integer_spec_type(type);
	case SPIRV_TYPE_FLOAT:
		return float_spec_type(type);
	default:
		return 0;
	}
}

static enum kiln_status literal(const struct spirv_module *module, uint32_t at, const struct spirv_type *type,
                                struct spirv_value *value)
{
	uint32_t words = type->size > 4 ? 2 : 1;

	KILN_TRY(kiln_spirv_need(module, at, 3 + words));
	value->bits = module->words[at + 3];
	if (words == 2)
		value->bits |= (uint64_t)module->words[at + 4] << 32;
	value->bits = kiln_spirv_mask(type, value->bits);
	value->known = true;
	return KILN_OK;
}

static enum kiln_status add_value(struct spirv_module *module, uint32_t at, const struct spirv_value *value)
{
	if (!SPIRV_ROOM(module->values))
		return kiln_spirv_out_of_memory(module);
	spirv_define(module, module->words[at + 2], SPIRV_KIND_VALUE, module->values.count);
	module->values.items[module->values.count++] = *value;
	return KILN_OK;
}

static void override_value(const struct spirv_module *module, const struct spirv_type *type,
                           struct spirv_value *value)
{
	for (size_t i = 0; i < module->override_count; i++)
		if (module->overrides[i].id == value->spec_id)
			value->bits = kiln_spirv_mask(type, module->overrides[i].value);
}

/* A specialisation constant with a SpecId can be set; without one it is a constant like any other. */
static enum kiln_status specialise(struct spirv_module *module, uint32_t at, const struct spirv_type *type,
                                   struct spirv_value *value)
{
	const struct spirv_decoration *decoration = kiln_spirv_first(module, module->words[at + 2]);

	for (; decoration != NULL; decoration = kiln_spirv_next(module, decoration))
		if (decoration->what == SpvDecorationSpecId)
			value->spec_id = decoration->value;
	if (value->spec_id == SPIRV_NONE)
		return KILN_OK;
	value->specialised = true;
	override_value(module, type, value);
	if (!SPIRV_ROOM(module->constants))
		return kiln_spirv_out_of_memory(module);
	module->constants.items[module->constants.count++] = at;
	return KILN_OK;
}

static enum kiln_status scalar(struct spirv_module *module, uint32_t at, const struct spirv_type *type,
                               struct spirv_value *value)
{
	uint16_t opcode = (uint16_t)module->words[at];
	bool boolean = type->kind == SPIRV_TYPE_BOOL;
	bool specialisable = opcode == SpvOpSpecConstant || opcode == SpvOpSpecConstantTrue ||
	                     opcode == SpvOpSpecConstantFalse;

	if (opcode == SpvOpConstant || opcode == SpvOpSpecConstant) {
		if (type->kind != SPIRV_TYPE_INT && type->kind != SPIRV_TYPE_FLOAT)
			return KILN_OK; /* a number of a kind we do not follow */
		KILN_TRY(literal(module, at, type, value));
	} else {
		if (!boolean)
			return kiln_spirv_fail(module, KILN_ERR_SPIRV_INVALID, at,
			                       "a truth value of a type that is not bool. " FIX);
		value->bits = opcode == SpvOpConstantTrue || opcode == SpvOpSpecConstantTrue;
		value->known = true;
	}
	if (specialisable)
		KILN_TRY(specialise(module, at, type, value));
	return add_value(module, at, value);
}

static bool is_scalar(const struct spirv_type *type)
{
	return type->kind == SPIRV_TYPE_INT || type->kind == SPIRV_TYPE_FLOAT ||
	       type->kind == SPIRV_TYPE_BOOL;
}

static enum kiln_status null_constant(struct spirv_module *module, uint32_t at, const struct spirv_type *type,
                                      struct spirv_value *value)
{
	value->known = true;
	return is_scalar(type) ? add_value(module, at, value) : KILN_OK;
}

static enum kiln_status operation(struct spirv_module *module, uint32_t at, const struct spirv_type *type,
                                  struct spirv_value *value)
{
	KILN_TRY(kiln_spirv_need(module, at, 4));
	if (!is_scalar(type))
		return KILN_OK;
	kiln_spirv_evaluate(module, at, value);
	return add_value(module, at, value);
}

enum kiln_status kiln_spirv_constant(struct spirv_module *module, uint32_t at)
{
	struct spirv_value value = {.spec_id = SPIRV_NONE};
	struct spirv_type type;

	KILN_TRY(kiln_spirv_type_index(module, at, module->words[at + 1], &value.type));
	type = module->types.items[value.type];
	switch ((uint16_t)module->words[at]) {
	case SpvOpConstantComposite:
	case SpvOpSpecConstantComposite:
		spirv_define(module, module->words[at + 2], SPIRV_KIND_COMPOSITE, 0);
		return KILN_OK;
	case SpvOpConstantNull:
		return null_constant(module, at, &type, &value);
	case SpvOpSpecConstantOp:
		return operation(module, at, &type, &value);
	case SpvOpConstantTrue:
	case SpvOpConstantFalse:
	case SpvOpConstant:
	case SpvOpSpecConstantTrue:
	case SpvOpSpecConstantFalse:
	case SpvOpSpecConstant:
		return scalar(module, at, &type, &value);
	default:
		return KILN_OK;
	}
}
