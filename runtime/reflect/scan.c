/* The walk: header, framing of instructions, definition of ids; everything an instruction means is handed to
 * the file that knows. Source: the SPIR-V 1.6 specification, 2.3 (physical layout), 2.17 (limits). */
#include "module.h"

#include <base/alloc.h>
#include <base/error.h>

#define FIX "Fix: check the module with spirv-val and compile it again."

#define WORDS_MAX (1u << 28) /* 1 GiB; indices into our tables have 28 bits */

/* Strings in words are packed little-endian and read in place. */
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "SPIR-V is read in place on little-endian hosts only");

static enum kiln_status define_result(struct spirv_module *module, uint32_t at, enum spirv_result result)
{
	uint32_t id;
	struct spirv_id *entry;

	KILN_TRY(kiln_spirv_need(module, at, result + 1u));
	id = module->words[at + result];
	KILN_TRY(kiln_spirv_check_id(module, at, id));
	entry = &module->ids[id];
	if (entry->at != 0)
		return kiln_spirv_fail(module, KILN_ERR_SPIRV_INVALID, at,
		                       "id %u is already defined at word %u. " FIX, id, entry->at);
	if (entry->kind == SPIRV_KIND_PENDING || entry->kind == SPIRV_KIND_FORWARD)
		module->pending--;
	module->needed = entry->kind == SPIRV_KIND_PENDING && entry->index != 0;
	entry->at = at;
	entry->kind = SPIRV_KIND_NONE;
	return KILN_OK;
}

static enum kiln_status dispatch(struct spirv_module *module, uint32_t at, enum spirv_class class)
{
	switch (class) {
	case SPIRV_CLASS_DEBUG:
	case SPIRV_CLASS_MODULE:
		return kiln_spirv_preamble(module, at);
	case SPIRV_CLASS_ANNOTATION:
		return kiln_spirv_annotate(module, at);
	case SPIRV_CLASS_TYPE:
		return kiln_spirv_type(module, at);
	case SPIRV_CLASS_CONSTANT:
		return kiln_spirv_constant(module, at);
	case SPIRV_CLASS_VARIABLE:
		return module->in_function ? kiln_spirv_body(module, at, class)
		                           : kiln_spirv_variable(module, at);
	case SPIRV_CLASS_FUNCTION:
		return kiln_spirv_function(module, at);
	case SPIRV_CLASS_PURE:
		return KILN_OK;
	default:
		return module->in_function ? kiln_spirv_body(module, at, class) : KILN_OK;
	}
}

static enum kiln_status scan_instruction(struct spirv_module *module, uint32_t at)
{
	uint16_t opcode = (uint16_t)module->words[at];
	uint8_t op = spirv_op(opcode);
	enum spirv_class class = SPIRV_OP_CLASS(op);
	enum spirv_result result = SPIRV_OP_RESULT(op);

	if (result == SPIRV_RESULT_UNKNOWN)
		module->unknown_ops = true;
	else if (result != SPIRV_RESULT_NONE)
		KILN_TRY(define_result(module, at, result));
	KILN_TRY(kiln_spirv_check_order(module, at, class));
	KILN_TRY(dispatch(module, at, class));
	return kiln_spirv_strip(module, at, class, result);
}

static enum kiln_status scan_words(struct spirv_module *module)
{
	uint32_t length;

	for (uint32_t at = SPIRV_HEADER_WORDS; at < module->count; at += length) {
		length = spirv_words_of(module, at);
		if (length == 0)
			return kiln_spirv_fail(module, KILN_ERR_SPIRV_LENGTH, at,
			                       "the instruction claims zero words; expected at "
			                       "least 1. " FIX);
		if (length > module->count - at)
			return kiln_spirv_fail(
				module, KILN_ERR_SPIRV_TRUNCATED, at,
				"the instruction claims %u words, but the "
				"module ends after %u. Fix: pass the whole file; it was cut short.",
				length, module->count - at);
		KILN_TRY(scan_instruction(module, at));
	}
	return KILN_OK;
}

/* Does the instruction at `at` name `id` where kiln_spirv_refer() looks? From word `from` on, up to `end`. */
static bool refers(const struct spirv_module *module, uint32_t at, uint32_t id)
{
	uint32_t from = 1, end = 2;

	switch ((uint16_t)module->words[at]) {
	case SpvOpName:
	case SpvOpMemberName:
	case SpvOpExecutionMode:
	case SpvOpExecutionModeId:
	case SpvOpDecorate:
	case SpvOpDecorateId:
	case SpvOpDecorateString:
	case SpvOpMemberDecorate:
	case SpvOpMemberDecorateString:
	case SpvOpTypeForwardPointer:
		break;
	case SpvOpTypePointer:
	case SpvOpFunctionCall:
		from = 3, end = 4;
		break;
	case SpvOpEntryPoint:
	case SpvOpGroupDecorate:
	case SpvOpGroupMemberDecorate:
		from = 2, end = spirv_words_of(module, at);
		break;
	default:
		return false;
	}
	for (uint32_t i = from; i < end; i++)
		if (module->words[at + i] == id)
			return true;
	return false;
}

/* Finds the id that nothing defines and who refers to it, for the message. */
static enum kiln_status fail_undefined(const struct spirv_module *module)
{
	uint32_t id = 1, at = SPIRV_HEADER_WORDS;

	while (id + 1 < module->bound && (module->ids[id].at != 0 || module->ids[id].kind == SPIRV_KIND_NONE))
		id++;
	while (at < module->count && !refers(module, at, id))
		at += spirv_words_of(module, at);
	return kiln_spirv_fail(module, KILN_ERR_SPIRV_INVALID, at,
	                       "refers to id %u, which nothing defines. Fix: pass the "
	                       "whole file, or check the module with spirv-val.",
	                       id);
}

static enum kiln_status check_end(const struct spirv_module *module)
{
	if (module->in_function)
		return kiln_error(KILN_ERR_SPIRV_TRUNCATED,
		                  "SPIR-V word %u: the module ends inside a function; expected "
		                  "OpFunctionEnd. Fix: pass the whole file; it was cut short.",
		                  module->count);
	if (module->functions.count == 0)
		return kiln_error(KILN_ERR_SPIRV_TRUNCATED,
		                  "SPIR-V word %u: the module ends before its first function. "
		                  "Fix: pass the whole file; it was cut short.",
		                  module->count);
	/* An instruction from outside our table may define what seems undefined. */
	if (module->pending != 0 && !module->unknown_ops)
		return fail_undefined(module);
	return KILN_OK;
}

/* ---- Header ---- */

static enum kiln_status check_size(const void *code, size_t bytes)
{
	uint32_t magic = bytes >= 4 ? *(const uint32_t *)code : 0;

	if (bytes >= 4 && magic == __builtin_bswap32(SpvMagicNumber))
		return kiln_error(KILN_ERR_SPIRV_BYTE_SWAPPED,
		                  "SPIR-V word 0: the module is of the other endianness; expected "
		                  "0x%08x, got 0x%08x. Fix: write the words in this machine's byte order.",
		                  SpvMagicNumber, magic);
	if (bytes >= 4 && magic != SpvMagicNumber)
		return kiln_error(KILN_ERR_SPIRV_MAGIC,
		                  "SPIR-V word 0: this is not SPIR-V; expected 0x%08x, got 0x%08x. "
		                  "Fix: compile the source first, for example with glslangValidator -V.",
		                  SpvMagicNumber, magic);
	if (bytes / 4 < SPIRV_HEADER_WORDS)
		return kiln_error(KILN_ERR_SPIRV_TRUNCATED,
		                  "SPIR-V word %zu: the module ends inside its header of 5 words. "
		                  "Fix: pass the whole file; it was cut short.",
		                  bytes / 4);
	if (bytes % 4 != 0)
		return kiln_error(KILN_ERR_SPIRV_TRUNCATED,
		                  "SPIR-V word %zu: the module ends inside a word; expected a multiple "
		                  "of 4 bytes, got %zu. Fix: pass the whole file; it was cut short.",
		                  bytes / 4, bytes);
	if (bytes / 4 > WORDS_MAX)
		return kiln_error(KILN_ERR_SPIRV_LENGTH,
		                  "SPIR-V word 0: the module has %zu words; expected at most %u. "
		                  "Fix: split it.",
		                  bytes / 4, WORDS_MAX);
	return KILN_OK;
}

static enum kiln_status check_header(const struct spirv_module *module)
{
	if (module->version < 0x00010000 || module->version > 0x000106ff || (module->version & 0xff) != 0)
		return kiln_spirv_fail(
			module, KILN_ERR_SPIRV_INVALID, 1,
			"version word 0x%08x is not SPIR-V 1.0 to 1.6. "
			"Fix: compile for an older target, for example --target-env vulkan1.3.",
			module->version);
	if (module->bound == 0 || module->bound > SPIRV_ID_BOUND_MAX)
		return kiln_spirv_fail(module, KILN_ERR_SPIRV_LENGTH, 3,
		                       "the id bound is %u; expected 1 to %u. Fix: renumber "
		                       "the ids with spirv-opt --compact-ids.",
		                       module->bound, SPIRV_ID_BOUND_MAX);
	if (module->words[4] != 0)
		return kiln_spirv_fail(module, KILN_ERR_SPIRV_INVALID, 4,
		                       "the schema word is %u; expected 0. " FIX, module->words[4]);
	return KILN_OK;
}

static enum kiln_status start(struct spirv_module *module, const void *code, size_t bytes)
{
	module->words = code;
	module->count = (uint32_t)(bytes / 4);
	module->version = module->words[1];
	module->bound = module->words[3];
	KILN_TRY(check_header(module));
	module->ids = kiln_alloc_zero(module->bound, sizeof(*module->ids));
	module->stripped = kiln_alloc(bytes);
	if (module->ids == NULL || module->stripped == NULL)
		return kiln_spirv_out_of_memory(module);
	return KILN_OK;
}

enum kiln_status kiln_spirv_scan(struct spirv_module *module, const void *code, size_t bytes,
                                 const struct kiln_spec_value *overrides, size_t override_count)
{
	*module = (struct spirv_module){
		.overrides = overrides,
		.override_count = override_count,
	};
	KILN_TRY(check_size(code, bytes));
	KILN_TRY(start(module, code, bytes));
	KILN_TRY(scan_words(module));
	KILN_TRY(check_end(module));
	kiln_spirv_strip_end(module);
	return KILN_OK;
}

void kiln_spirv_finish(struct spirv_module *module)
{
	kiln_free(module->ids);
	kiln_free(module->decorations.items);
	kiln_free(module->types.items);
	kiln_free(module->members.items);
	kiln_free(module->values.items);
	kiln_free(module->constants.items);
	kiln_free(module->variables.items);
	kiln_free(module->functions.items);
	kiln_free(module->uses.items);
	kiln_free(module->calls.items);
	kiln_free(module->entries.items);
	kiln_free(module->modes.items);
	kiln_free(module->capabilities.items);
	kiln_free(module->extensions.items);
	kiln_free(module->stack.items);
	kiln_free(module->reached.items);
	kiln_free(module->unclaimed.items);
	kiln_free(module->stripped);
}
