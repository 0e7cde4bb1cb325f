/* Another literal workgroup size for a module that does not depend on it. LocalSize and LocalSizeId become LocalSize with
 * the new numbers; the WorkgroupSize built-in, which would win over them, loses its decoration and stays a constant. */
#include "resize.h"

#include <string.h>

#include <base/error.h>

struct resize {
	const struct spirv_module *module;
	const struct spirv_entry *entry;
	const uint32_t *size;
	uint32_t *out;
	size_t count;
};

static void copy(struct resize *resize, uint32_t at)
{
	uint32_t words = spirv_words_of(resize->module, at);

	memcpy(resize->out + resize->count, resize->module->words + at, words * sizeof(uint32_t));
	resize->count += words;
}

static void write_mode(struct resize *resize)
{
	const uint32_t words[] = {
		KILN_RESIZE_WORDS << 16 | SpvOpExecutionMode,
		resize->entry->function,
		SpvExecutionModeLocalSize,
		resize->size[0],
		resize->size[1],
		resize->size[2],
	};

	memcpy(resize->out + resize->count, words, sizeof(words));
	resize->count += KILN_RESIZE_WORDS;
}

static bool is_size_mode(const struct resize *resize, uint32_t at)
{
	const uint32_t *words = resize->module->words + at;
	uint16_t opcode = (uint16_t)words[0];

	return (opcode == SpvOpExecutionMode || opcode == SpvOpExecutionModeId) &&
	       words[1] == resize->entry->function &&
	       (words[2] == SpvExecutionModeLocalSize || words[2] == SpvExecutionModeLocalSizeId);
}

static bool is_size_decoration(const struct resize *resize, uint32_t at)
{
	const uint32_t *words = resize->module->words + at;

	return (uint16_t)words[0] == SpvOpDecorate && resize->module->workgroup_size != 0 &&
	       words[1] == resize->module->workgroup_size && words[2] == SpvDecorationBuiltIn &&
	       words[3] == SpvBuiltInWorkgroupSize;
}

static void write_all(struct resize *resize)
{
	const struct spirv_module *module = resize->module;
	bool has_mode = kiln_spirv_mode(module, resize->entry->function) != NULL;
	uint32_t last_entry = module->entries.items[module->entries.count - 1].at;

	memcpy(resize->out, module->words, SPIRV_HEADER_WORDS * sizeof(uint32_t));
	resize->count = SPIRV_HEADER_WORDS;
	for (uint32_t at = SPIRV_HEADER_WORDS; at < module->count; at += spirv_words_of(module, at)) {
		if (is_size_mode(resize, at))
			write_mode(resize);
		else if (!is_size_decoration(resize, at))
			copy(resize, at);
		if (at == last_entry && !has_mode)
			write_mode(resize);
	}
}

static enum kiln_status resize_module(struct spirv_module *module, const char *name, const uint32_t size[3],
                                      uint32_t *out_words, size_t *out_word_count)
{
	struct resize resize = {.module = module, .size = size, .out = out_words};

	KILN_TRY(kiln_spirv_walk(module));
	KILN_TRY(kiln_spirv_find_entry(module, name, &resize.entry));
	kiln_spirv_sort_modes(module);
	KILN_TRY(kiln_spirv_check_resize(module, resize.entry));
	write_all(&resize);
	*out_word_count = resize.count;
	return KILN_OK;
}

enum kiln_status kiln_reflect_resize(const void *code, size_t bytes, const char *entry,
                                     const uint32_t size[3], uint32_t *out_words, size_t *out_word_count)
{
	struct spirv_module module;
	enum kiln_status status;

	KILN_TRY(kiln_spirv_check_code("kiln_reflect_resize", code, out_words));
	KILN_CHECK(size != NULL && out_word_count != NULL,
	           "kiln_reflect_resize: size or out_word_count is NULL. Fix: pass both.");
	KILN_CHECK(size[0] != 0 && size[1] != 0 && size[2] != 0,
	           "kiln_reflect_resize: a workgroup of %ux%ux%u; expected at least 1 in every dimension. "
	           "Fix: give all three.",
	           size[0], size[1], size[2]);
	status = kiln_spirv_scan(&module, code, bytes, NULL, 0);
	if (status == KILN_OK)
		status = resize_module(&module, entry, size, out_words, out_word_count);
	kiln_spirv_finish(&module);
	return status;
}
