/* The order of a module: its sections one after the other, declarations before functions, bodies inside them.
 * The walk relies on it: decorations come before what they decorate, types before what is made of them.
 * Source: the SPIR-V 1.6 specification, 2.4 (logical layout). */
#include "module.h"

#define FIX "Fix: check the module with spirv-val and compile it again."

/* Sections of the logical layout. Debug lines and unknown instructions have none. */
enum {
	SECTION_ANY = 0,
	SECTION_CAPABILITY = 1,
	SECTION_EXTENSION,
	SECTION_IMPORT,
	SECTION_MEMORY_MODEL,
	SECTION_ENTRY_POINT,
	SECTION_EXECUTION_MODE,
	SECTION_DEBUG,
	SECTION_ANNOTATION,
	SECTION_GLOBAL,
	SECTION_FUNCTION,
};

static uint32_t module_section(uint16_t opcode)
{
	switch (opcode) {
	case SpvOpCapability:
		return SECTION_CAPABILITY;
	case SpvOpExtension:
		return SECTION_EXTENSION;
	case SpvOpExtInstImport:
		return SECTION_IMPORT;
	case SpvOpEntryPoint:
		return SECTION_ENTRY_POINT;
	case SpvOpExecutionMode:
		return SECTION_EXECUTION_MODE;
	case SpvOpExecutionModeId:
		return SECTION_EXECUTION_MODE;
	default:
		return SECTION_MEMORY_MODEL;
	}
}

/* Section of an instruction outside of functions. */
static uint32_t section_of(uint16_t opcode, enum spirv_class class)
{
	switch (class) {
	case SPIRV_CLASS_MODULE:
		return module_section(opcode);
	case SPIRV_CLASS_DEBUG:
		return opcode == SpvOpLine || opcode == SpvOpNoLine || opcode == SpvOpNop ? SECTION_ANY
		                                                                          : SECTION_DEBUG;
	case SPIRV_CLASS_ANNOTATION:
		return SECTION_ANNOTATION;
	case SPIRV_CLASS_TYPE:
	case SPIRV_CLASS_CONSTANT:
	case SPIRV_CLASS_VARIABLE:
		return SECTION_GLOBAL;
	case SPIRV_CLASS_FUNCTION:
		return SECTION_FUNCTION;
	default:
		return SECTION_ANY;
	}
}

static enum kiln_status check_section(struct spirv_module *module, uint32_t at, enum spirv_class class)
{
	uint16_t opcode = (uint16_t)module->words[at];
	uint32_t section = section_of(opcode, class);

	/* Non-semantic instructions may follow functions too, but nothing of a section before the globals
	 * follows them. */
	if (class == SPIRV_CLASS_EXT_INST && module->section < SECTION_GLOBAL)
		module->section = SECTION_GLOBAL;
	if (section == SECTION_ANY) {
		if (class == SPIRV_CLASS_DEBUG || class == SPIRV_CLASS_OTHER ||
		    class == SPIRV_CLASS_EXT_INST || opcode == SpvOpUndef)
			return KILN_OK;
		return kiln_spirv_fail(module, KILN_ERR_SPIRV_INVALID, at,
		                       "stands outside of any function. " FIX);
	}
	if (section < module->section)
		return kiln_spirv_fail(module, KILN_ERR_SPIRV_INVALID, at,
		                       "comes too late: a later section of the module "
		                       "has begun before it. " FIX);
	module->section = section;
	return KILN_OK;
}

/* Inside a function everything but declarations of the module's own sections may stand. */
static enum kiln_status check_body(const struct spirv_module *module, uint32_t at, enum spirv_class class)
{
	uint32_t section = section_of((uint16_t)module->words[at], class);

	if (section == SECTION_ANY || class == SPIRV_CLASS_VARIABLE || class == SPIRV_CLASS_FUNCTION)
		return KILN_OK;
	return kiln_spirv_fail(module, KILN_ERR_SPIRV_INVALID, at,
	                       "stands inside a function; expected it before the first one. " FIX);
}

enum kiln_status kiln_spirv_check_order(struct spirv_module *module, uint32_t at, enum spirv_class class)
{
	return module->in_function ? check_body(module, at, class) : check_section(module, at, class);
}
