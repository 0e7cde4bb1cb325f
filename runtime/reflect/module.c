/* The small parts every handler shares: growing tables, failing with an offset, checking ids and strings. */
#include "module.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <base/alloc.h>
#include <base/error.h>

#define MESSAGE_BYTES 512

bool kiln_spirv_grow(void *items_field, size_t *capacity, size_t item_bytes)
{
	size_t wanted = *capacity != 0 ? *capacity * 2 : 32;
	void *items, *grown;

	/* By memcpy, because the field is a pointer to some other type. */
	memcpy(&items, items_field, sizeof(items));
	grown = kiln_realloc(items, wanted * item_bytes);
	if (grown == NULL)
		return false;
	memcpy(items_field, &grown, sizeof(grown));
	*capacity = wanted;
	return true;
}

enum kiln_status kiln_spirv_fail(const struct spirv_module *module, enum kiln_status status, uint32_t at,
                                 const char *format, ...)
{
	uint16_t opcode = at >= SPIRV_HEADER_WORDS && at < module->count ? (uint16_t)module->words[at] : 0;
	const char *name = at >= SPIRV_HEADER_WORDS ? kiln_spirv_op_name(opcode) : "header";
	char detail[MESSAGE_BYTES];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(detail, sizeof(detail), format, arguments);
	va_end(arguments);
	if (name != NULL)
		return kiln_error(status, "SPIR-V word %u (%s): %s", at, name, detail);
	return kiln_error(status, "SPIR-V word %u (opcode %u): %s", at, opcode, detail);
}

enum kiln_status kiln_spirv_out_of_memory(const struct spirv_module *module)
{
	return kiln_error(KILN_ERR_OUT_OF_MEMORY,
	                  "Reflecting %u words of SPIR-V ran out of memory. Fix: free memory "
	                  "and try again.",
	                  module->count);
}

enum kiln_status kiln_spirv_need(const struct spirv_module *module, uint32_t at, uint32_t words)
{
	if (spirv_words_of(module, at) >= words)
		return KILN_OK;
	return kiln_spirv_fail(module, KILN_ERR_SPIRV_LENGTH, at,
	                       "the instruction has %u words; expected at least %u. "
	                       "Fix: check the module with spirv-val and compile it again.",
	                       spirv_words_of(module, at), words);
}

enum kiln_status kiln_spirv_check_id(const struct spirv_module *module, uint32_t at, uint32_t id)
{
	if (id != 0 && id < module->bound)
		return KILN_OK;
	return kiln_spirv_fail(module, KILN_ERR_SPIRV_INVALID, at,
	                       "id %u is outside the header's bound; expected 1 to "
	                       "%u. Fix: check the module with spirv-val and compile it again.",
	                       id, module->bound - 1);
}

enum kiln_status kiln_spirv_refer_name(struct spirv_module *module, uint32_t at, uint32_t id)
{
	KILN_TRY(kiln_spirv_check_id(module, at, id));
	if (module->ids[id].at == 0 && module->ids[id].kind == SPIRV_KIND_NONE) {
		spirv_define(module, id, SPIRV_KIND_PENDING, 0);
		module->pending++;
	}
	return KILN_OK;
}

static bool is_stripped(const struct spirv_id *id)
{
	return id->kind == SPIRV_KIND_DEBUG || (id->kind == SPIRV_KIND_SET && id->index == SPIRV_SET_STRIPPED);
}

enum kiln_status kiln_spirv_refer(struct spirv_module *module, uint32_t at, uint32_t id)
{
	KILN_TRY(kiln_spirv_refer_name(module, at, id));
	if (module->ids[id].kind == SPIRV_KIND_PENDING)
		module->ids[id].index = 1;
	if (is_stripped(&module->ids[id]))
		return kiln_spirv_fail(module, KILN_ERR_SPIRV_INVALID, at,
		                       "refers to id %u, which is debug information. "
		                       "Fix: check the module with spirv-val and compile it again.",
		                       id);
	return KILN_OK;
}

enum kiln_status kiln_spirv_string(const struct spirv_module *module, uint32_t at, uint32_t from,
                                   const char **out_text, uint32_t *out_bytes)
{
	const char *text = (const char *)(module->words + at + from);
	const char *end;

	KILN_TRY(kiln_spirv_need(module, at, from + 1));
	end = memchr(text, '\0', (size_t)(spirv_words_of(module, at) - from) * 4);
	if (end == NULL)
		return kiln_spirv_fail(module, KILN_ERR_SPIRV_INVALID, at,
		                       "its string has no terminating zero. "
		                       "Fix: check the module with spirv-val and compile it again.");
	*out_text = text;
	*out_bytes = (uint32_t)(end - text);
	return KILN_OK;
}
