/* A little assembler: SPIR-V written by hand, instruction by instruction.
 *
 *	struct spirv_build build;
 *
 *	spirv_begin(&build, 0x00010300);
 *	OP(&build, SpvOpCapability, SpvCapabilityShader);
 *	OP(&build, SpvOpName, 4), spirv_text(&build, "x");
 */
#ifndef TESTS_SPIRV_BUILD_H
#define TESTS_SPIRV_BUILD_H

#include <stdint.h>
#include <string.h>

#include <spirv/unified1/spirv.h>

#define SPIRV_BUILD_WORDS 16384
#define SPIRV_BUILD_BOUND 512

struct spirv_build {
	uint32_t words[SPIRV_BUILD_WORDS];
	size_t count;
	size_t op; /* of the instruction that grows */
};

static inline void spirv_begin(struct spirv_build *build, uint32_t version)
{
	const uint32_t header[] = {SpvMagicNumber, version, 0, SPIRV_BUILD_BOUND, 0};

	memcpy(build->words, header, sizeof(header));
	build->count = 5;
}

/* Appends one operand to the last instruction. */
static inline void spirv_word(struct spirv_build *build, uint32_t word)
{
	build->words[build->count++] = word;
	build->words[build->op] += 1u << 16;
}

static inline void spirv_op_words(struct spirv_build *build, uint32_t opcode, const uint32_t *operands,
                                  size_t count)
{
	build->op = build->count++;
	build->words[build->op] = 1u << 16 | opcode;
	for (size_t i = 0; i < count; i++)
		spirv_word(build, operands[i]);
}

/* Appends a string operand. */
static inline void spirv_text(struct spirv_build *build, const char *text)
{
	size_t bytes = strlen(text) + 1;

	for (size_t i = 0; i < bytes; i += 4) {
		uint32_t word = 0;

		memcpy(&word, text + i, bytes - i < 4 ? bytes - i : 4);
		spirv_word(build, word);
	}
}

/* An instruction and its operands; OP0 for one without. */
#define OP(build, opcode, ...)                                             \
	spirv_op_words((build), (opcode), (const uint32_t[]){__VA_ARGS__}, \
	               sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))
#define OP0(build, opcode) spirv_op_words((build), (opcode), NULL, 0)

/* ---- The parts nearly every module has, in order. Ids below 16 are theirs. ---- */

enum {
	ID_MAIN = 1,
	ID_VOID,
	ID_VOID_FUNCTION,
	ID_UINT,
	ID_FLOAT,
	ID_ZERO,
	ID_ONE,
	ID_TWO,
	ID_FOUR,
	ID_OWN = 16, /* first free */
};

static inline void spirv_entry(struct spirv_build *build, uint32_t function, const char *name)
{
	OP(build, SpvOpEntryPoint, SpvExecutionModelGLCompute, function);
	spirv_text(build, name);
}

/* Capability to the entry point, without a workgroup size; interface ids may be appended. */
static inline void spirv_open(struct spirv_build *build, uint32_t version)
{
	spirv_begin(build, version);
	OP(build, SpvOpCapability, SpvCapabilityShader);
	OP(build, SpvOpMemoryModel, SpvAddressingModelLogical, SpvMemoryModelGLSL450);
	spirv_entry(build, ID_MAIN, "main");
}

static inline void spirv_local_size(struct spirv_build *build, uint32_t x, uint32_t y, uint32_t z)
{
	OP(build, SpvOpExecutionMode, ID_MAIN, SpvExecutionModeLocalSize, x, y, z);
}

static inline void spirv_types(struct spirv_build *build)
{
	OP(build, SpvOpTypeVoid, ID_VOID);
	OP(build, SpvOpTypeFunction, ID_VOID_FUNCTION, ID_VOID);
	OP(build, SpvOpTypeInt, ID_UINT, 32, 0);
	OP(build, SpvOpTypeFloat, ID_FLOAT, 32);
	OP(build, SpvOpConstant, ID_UINT, ID_ZERO, 0);
	OP(build, SpvOpConstant, ID_UINT, ID_ONE, 1);
	OP(build, SpvOpConstant, ID_UINT, ID_TWO, 2);
	OP(build, SpvOpConstant, ID_UINT, ID_FOUR, 4);
}

static inline void spirv_function(struct spirv_build *build, uint32_t id, uint32_t label)
{
	OP(build, SpvOpFunction, ID_VOID, id, SpvFunctionControlMaskNone, ID_VOID_FUNCTION);
	OP(build, SpvOpLabel, label);
}

static inline void spirv_function_end(struct spirv_build *build)
{
	OP0(build, SpvOpReturn);
	OP0(build, SpvOpFunctionEnd);
}

/* An empty main: the end of a module that only declares. */
static inline void spirv_close(struct spirv_build *build)
{
	spirv_function(build, ID_MAIN, SPIRV_BUILD_BOUND - 1);
	spirv_function_end(build);
}

/* Everything there must be and nothing else. */
static inline void spirv_minimal(struct spirv_build *build)
{
	spirv_open(build, 0x00010300);
	spirv_local_size(build, 64, 1, 1);
	spirv_types(build);
	spirv_close(build);
}

#endif
