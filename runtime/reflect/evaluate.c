/* OpSpecConstantOp on scalars: the integer and boolean operations front ends make sizes of. Anything else
 * leaves the value unknown, which only matters to whoever needs it. Source: the SPIR-V specification 3.42.7
 * and 3.42.13 to 3.42.15. */
#include "module.h"

struct operand {
	const struct spirv_type *type;
	uint64_t bits;
};

/* Sign-extends whatever the type says: signed operations treat the bits as signed. */
static int64_t as_signed(const struct operand *operand)
{
	struct spirv_type type = *operand->type;

	type.flags |= SPIRV_TYPE_SIGNED;
	return kiln_spirv_extend(&type, operand->bits);
}

/* Is the product right neither for signed nor for unsigned numbers of the type? Only then something went wrong: -1 is
 * also the largest unsigned number. */
static bool product_wraps(const struct operand *a, const struct operand *b)
{
	int64_t x = as_signed(a), y = as_signed(b), signed_product;
	uint64_t product;
	struct operand back = {.type = a->type};

	if (!__builtin_mul_overflow(a->bits, b->bits, &product) &&
	    kiln_spirv_mask(a->type, product) == product)
		return false;
	if (__builtin_mul_overflow(x, y, &signed_product))
		return true;
	back.bits = kiln_spirv_mask(a->type, (uint64_t)signed_product);
	return as_signed(&back) != signed_product;
}

static bool wraps(uint16_t opcode, const struct operand *a, const struct operand *b)
{
	struct operand factor = {.type = a->type};

	if (opcode == SpvOpIMul)
		return product_wraps(a, b);
	if (opcode != SpvOpShiftLeftLogical || b->bits >= a->type->size * 8)
		return false;
	factor.bits = UINT64_C(1) << b->bits;
	return product_wraps(a, &factor);
}

static bool divide(uint16_t opcode, const struct operand *a, const struct operand *b, uint64_t *out_bits)
{
	int64_t x = as_signed(a), y = as_signed(b), rest;

	if (b->bits == 0)
		return false;
	if (opcode == SpvOpUDiv || opcode == SpvOpUMod) {
		*out_bits = opcode == SpvOpUDiv ? a->bits / b->bits : a->bits % b->bits;
		return true;
	}
	if (x == INT64_MIN && y == -1)
		return false;
	rest = x % y;
	if (opcode == SpvOpSMod && rest != 0 && (rest < 0) != (y < 0))
		rest += y;
	*out_bits = (uint64_t)(opcode == SpvOpSDiv ? x / y : rest);
	return true;
}

static bool shift(uint16_t opcode, const struct operand *a, const struct operand *b, uint64_t *out_bits)
{
	if (b->bits >= a->type->size * 8)
		return false;
	if (opcode == SpvOpShiftLeftLogical)
		*out_bits = a->bits << b->bits;
	else if (opcode == SpvOpShiftRightLogical || as_signed(a) >= 0)
		*out_bits = a->bits >> b->bits;
	else
		*out_bits = ~(~(uint64_t)as_signed(a) >> b->bits);
	return true;
}

static bool compare(uint16_t opcode, const struct operand *a, const struct operand *b, uint64_t *out_bits)
{
	switch (opcode) {
	case SpvOpIEqual:
	case SpvOpLogicalEqual:
		*out_bits = a->bits == b->bits;
		return true;
	case SpvOpINotEqual:
	case SpvOpLogicalNotEqual:
		*out_bits = a->bits != b->bits;
		return true;
	case SpvOpUGreaterThan:
		*out_bits = a->bits > b->bits;
		return true;
	case SpvOpUGreaterThanEqual:
		*out_bits = a->bits >= b->bits;
		return true;
	case SpvOpULessThan:
		*out_bits = a->bits < b->bits;
		return true;
	case SpvOpULessThanEqual:
		*out_bits = a->bits <= b->bits;
		return true;
	case SpvOpSGreaterThan:
		*out_bits = as_signed(a) > as_signed(b);
		return true;
	case SpvOpSGreaterThanEqual:
		*out_bits = as_signed(a) >= as_signed(b);
		return true;
	case SpvOpSLessThan:
		*out_bits = as_signed(a) < as_signed(b);
		return true;
	case SpvOpSLessThanEqual:
		*out_bits = as_signed(a) <= as_signed(b);
		return true;
	default:
		return false;
	}
}

static bool binary(uint16_t opcode, const struct operand *a, const struct operand *b, uint64_t *out_bits)
{
	switch (opcode) {
	case SpvOpIAdd:
		*out_bits = a->bits + b->bits;
		return true;
	case SpvOpISub:
		*out_bits = a->bits - b->bits;
		return true;
	case SpvOpIMul:
		*out_bits = a->bits * b->bits;
		return true;
	case SpvOpUDiv:
	case SpvOpSDiv:
	case SpvOpUMod:
	case SpvOpSRem:
	case SpvOpSMod:
		return divide(opcode, a, b, out_bits);
	case SpvOpShiftLeftLogical:
	case SpvOpShiftRightLogical:
	case SpvOpShiftRightArithmetic:
		return shift(opcode, a, b, out_bits);
	case SpvOpBitwiseAnd:
	case SpvOpLogicalAnd:
		*out_bits = a->bits & b->bits;
		return true;
	case SpvOpBitwiseOr:
	case SpvOpLogicalOr:
		*out_bits = a->bits | b->bits;
		return true;
	case SpvOpBitwiseXor:
		*out_bits = a->bits ^ b->bits;
		return true;
	default:
		return compare(opcode, a, b, out_bits);
	}
}

static bool unary(uint16_t opcode, const struct operand *a, uint64_t *out_bits)
{
	switch (opcode) {
	case SpvOpSNegate:
		*out_bits = 0 - a->bits;
		return true;
	case SpvOpNot:
		*out_bits = ~a->bits;
		return true;
	case SpvOpLogicalNot:
		*out_bits = a->bits == 0;
		return true;
	case SpvOpUConvert:
		*out_bits = a->bits;
		return true;
	case SpvOpSConvert:
		*out_bits = (uint64_t)as_signed(a);
		return true;
	default:
		return false;
	}
}

/* Operand `index` of the operation at `at`; notes a dependence on specialisation even when the value is
 * unknown. */
static bool operand(const struct spirv_module *module, uint32_t at, uint32_t index, struct spirv_value *value,
                    struct operand *out)
{
	const struct spirv_value *source = kiln_spirv_value(module, module->words[at + 4 + index]);

	if (source == NULL) {
		value->specialised = true; /* of some kind we do not follow: assume the worst */
		return false;
	}
	value->specialised |= source->specialised;
	value->wrapped |= source->wrapped;
	out->type = &module->types.items[source->type];
	out->bits = source->bits;
	return source->known && (out->type->kind == SPIRV_TYPE_INT || out->type->kind == SPIRV_TYPE_BOOL);
}

/* OpCompositeExtract: down through composites to a scalar. */
static void extract(const struct spirv_module *module, uint32_t at, struct spirv_value *value)
{
	uint32_t id = spirv_words_of(module, at) > 4 ? module->words[at + 4] : 0;
	const struct spirv_value *found;

	for (uint32_t i = at + 5; i < at + spirv_words_of(module, at); i++) {
		uint32_t composite = id < module->bound ? module->ids[id].at : 0;

		if (composite == 0 || module->ids[id].kind != SPIRV_KIND_COMPOSITE ||
		    module->words[i] >= spirv_words_of(module, composite) - 3)
			break;
		id = module->words[composite + 3 + module->words[i]];
	}
	found = kiln_spirv_value(module, id);
	value->specialised = found == NULL || found->specialised;
	value->wrapped = found != NULL && found->wrapped;
	value->known = found != NULL && found->known;
	value->bits = found != NULL ? found->bits : 0;
}

static bool apply(const struct spirv_module *module, uint32_t at, struct spirv_value *value)
{
	uint32_t operands = spirv_words_of(module, at) - 4;
	uint16_t opcode = (uint16_t)module->words[at + 3];
	struct operand in[3] = {0};
	bool known = true;

	if (operands == 0 || operands > 3)
		return false;
	for (uint32_t i = 0; i < operands; i++)
		known &= operand(module, at, i, value, &in[i]);
	if (!known)
		return false;
	if (operands == 1)
		return unary(opcode, &in[0], &value->bits);
	if (operands == 2)
		value->wrapped |= wraps(opcode, &in[0], &in[1]);
	if (operands == 2)
		return binary(opcode, &in[0], &in[1], &value->bits);
	value->bits = in[0].bits != 0 ? in[1].bits : in[2].bits;
	return opcode == SpvOpSelect;
}

void kiln_spirv_evaluate(const struct spirv_module *module, uint32_t at, struct spirv_value *value)
{
	const struct spirv_type *type = &module->types.items[value->type];

	if (module->words[at + 3] == SpvOpCompositeExtract)
		extract(module, at, value);
	else
		value->known = apply(module, at, value);
	value->bits = kiln_spirv_mask(type, value->bits);
	value->known &= type->kind == SPIRV_TYPE_INT || type->kind == SPIRV_TYPE_BOOL;
}
