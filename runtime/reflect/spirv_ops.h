/* Opcodes as reflection sees them: does an instruction define an id, and what may it do with a pointer. */
#ifndef REFLECT_SPIRV_OPS_H
#define REFLECT_SPIRV_OPS_H

#include <stdint.h>

#include <spirv/unified1/spirv.h>

enum spirv_result {
	SPIRV_RESULT_NONE = 0,
	SPIRV_RESULT_ID = 1,      /* result id in word 1 */
	SPIRV_RESULT_TYPED = 2,   /* type in word 1, result id in word 2 */
	SPIRV_RESULT_UNKNOWN = 3, /* an opcode this table does not have */
};

enum spirv_class {
	SPIRV_CLASS_OTHER,  /* may do anything with its operands */
	SPIRV_CLASS_PURE,   /* never takes a pointer or a resource */
	SPIRV_CLASS_DEBUG,  /* stripped */
	SPIRV_CLASS_MODULE, /* capabilities to execution modes */
	SPIRV_CLASS_ANNOTATION,
	SPIRV_CLASS_TYPE,
	SPIRV_CLASS_CONSTANT,
	SPIRV_CLASS_VARIABLE,
	SPIRV_CLASS_FUNCTION, /* function, parameter, end, call */
	SPIRV_CLASS_EXT_INST,
	SPIRV_CLASS_CHAIN,  /* derives a pointer from the one in word 3 */
	SPIRV_CLASS_MEMORY, /* load, store, copy, array length */
	SPIRV_CLASS_ATOMIC,
	SPIRV_CLASS_IMAGE,
};

#define SPIRV_OP(class, result) ((class) << 2 | (result))
#define SPIRV_OP_CLASS(op) ((enum spirv_class)((op) >> 2))
#define SPIRV_OP_RESULT(op) ((enum spirv_result)((op)&3))

#define SPIRV_CORE_OPS 404

/* Newer than the SPIR-V headers of Debian 12. */
enum {
	SPIRV_OP_EXT_INST_WITH_FORWARD_REFS = 4433,
	SPIRV_OP_COOPERATIVE_MATRIX_LOAD_KHR = 4457,
	SPIRV_OP_COOPERATIVE_MATRIX_STORE_KHR = 4458,
	SPIRV_CAPABILITY_BFLOAT16_TYPE = 5116,
	SPIRV_CAPABILITY_BFLOAT16_DOT_PRODUCT = 5117,
	SPIRV_CAPABILITY_BFLOAT16_COOPERATIVE_MATRIX = 5118,
	SPIRV_CAPABILITY_COOPERATIVE_MATRIX_KHR = 6022,
	SPIRV_FP_ENCODING_BFLOAT16 = 0,
};

extern const uint8_t kiln_spirv_core_ops[SPIRV_CORE_OPS];
uint8_t kiln_spirv_extended_op(uint16_t opcode);

static inline uint8_t spirv_op(uint16_t opcode)
{
	return opcode < SPIRV_CORE_OPS ? kiln_spirv_core_ops[opcode] : kiln_spirv_extended_op(opcode);
}

/* "OpTypeStruct"; NULL for one that no message of ours has to name. */
const char *kiln_spirv_op_name(uint16_t opcode);

#endif
