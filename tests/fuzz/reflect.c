/* Any bytes as SPIR-V: refused with a sentence, or reflected to something that holds together, whose stripped words
 * reflect to the same again. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <kiln/reflect.h>

static void check_name(const char *name)
{
	/* Reads to the end, under the address sanitizer. */
	assert(name == NULL || strlen(name) < SIZE_MAX);
}

static void check_entry(const struct kiln_entry_point *entry)
{
	assert(entry->name != NULL);
	check_name(entry->name);
	assert(entry->push_bytes == 0 || entry->push_offset <= entry->push_bytes);
	for (size_t i = 0; i < 3; i++)
		assert(entry->workgroup[i].size != 0 &&
		       !(entry->workgroup[i].specialised && entry->workgroup[i].derived));
	for (size_t i = 0; i < entry->binding_count; i++) {
		const struct kiln_layout_binding *layout = &entry->bindings[i].layout;
		const struct kiln_layout_binding *last = i > 0 ? &entry->bindings[i - 1].layout : NULL;

		check_name(entry->bindings[i].name);
		assert(strcmp(kiln_binding_type_name(layout->type), "?") != 0 &&
		       layout->stages == KILN_STAGE_COMPUTE);
		assert(layout->access <= 3 && entry->bindings[i].allowed <= 3);
		assert(last == NULL || last->set < layout->set ||
		       (last->set == layout->set && last->binding < layout->binding));
	}
}

static void check_reflection(const struct kiln_reflection *reflection)
{
	assert(reflection->entry_count != 0 && reflection->word_count >= 5);
	for (size_t i = 0; i < reflection->entry_count; i++)
		check_entry(&reflection->entries[i]);
	for (size_t i = 0; i < reflection->constant_count; i++) {
		const struct kiln_spec_constant *constant = &reflection->constants[i];

		check_name(constant->name);
		assert(strcmp(kiln_spec_type_name(constant->type), "?") != 0);
		assert(constant->size == 8 || constant->default_value >> (constant->size * 8) == 0);
		assert(i == 0 || reflection->constants[i - 1].id < constant->id);
	}
	for (size_t i = 0; i < reflection->extension_count; i++)
		check_name(reflection->extensions[i]);
}

static void check_same(const struct kiln_reflection *a, const struct kiln_reflection *b)
{
	assert(a->word_count == b->word_count && memcmp(a->words, b->words, a->word_count * 4) == 0);
	assert(kiln_digest_equal(&a->program, &b->program));
	assert(a->entry_count == b->entry_count && a->constant_count == b->constant_count);
	assert(a->capability_count == b->capability_count && a->spec_sized == b->spec_sized);
	for (size_t i = 0; i < a->entry_count; i++) {
		const struct kiln_entry_point *x = &a->entries[i], *y = &b->entries[i];

		assert(memcmp(x->workgroup, y->workgroup, sizeof(x->workgroup)) == 0);
		assert(x->binding_count == y->binding_count && x->features.bits == y->features.bits);
		assert(x->push_bytes == y->push_bytes && x->shared_bytes == y->shared_bytes);
		for (size_t k = 0; k < x->binding_count; k++)
			assert(memcmp(&x->bindings[k].layout, &y->bindings[k].layout,
			              sizeof(x->bindings[k].layout)) == 0 &&
			       x->bindings[k].min_bytes == y->bindings[k].min_bytes &&
			       x->bindings[k].runtime_stride == y->bindings[k].runtime_stride);
	}
}

/* Setting a constant to its default changes nothing. */
static void check_default(const void *code, size_t bytes, const struct kiln_reflection *reflection)
{
	const struct kiln_spec_constant *constant = reflection->constants;
	struct kiln_spec_value value;
	struct kiln_reflection *again = NULL;

	if (reflection->constant_count == 0)
		return;
	value = (struct kiln_spec_value){constant->id, constant->size, constant->default_value};
	/* Several constants may share the id, with other defaults: then it may fail or differ, but not crash. */
	if (kiln_reflect_specialized(code, bytes, &value, 1, &again) == KILN_OK)
		check_reflection(again);
	kiln_reflection_destroy(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	void *code = malloc(bytes != 0 ? bytes : 1); /* aligned */
	struct kiln_reflection *reflection = NULL, *again = NULL;
	struct kiln_digest digest;

	if (code == NULL)
		return 0;
	if (bytes != 0)
		memcpy(code, data, bytes);
	if (kiln_reflect(code, bytes, &reflection) != KILN_OK) {
		assert(strstr(kiln_error_message(), "Fix: ") != NULL);
	} else {
		check_reflection(reflection);
		assert(kiln_program_digest(code, bytes, &digest) == KILN_OK);
		assert(kiln_digest_equal(&digest, &reflection->program));
		assert(kiln_reflect(reflection->words, reflection->word_count * 4, &again) == KILN_OK);
		check_same(reflection, again);
		check_default(code, bytes, reflection);
	}
	kiln_reflection_destroy(&again);
	kiln_reflection_destroy(&reflection);
	free(code);
	return 0;
}

/* ---- Mutations that know words and instructions; only libFuzzer calls them. ---- */

__attribute__((weak)) size_t LLVMFuzzerMutate(uint8_t *data, size_t bytes, size_t room);

static size_t instruction_at(const uint32_t *words, size_t count, size_t target)
{
	size_t at = 5;

	while (at < count && words[at] >> 16 != 0 && at + (words[at] >> 16) <= target)
		at += words[at] >> 16;
	return at;
}

static size_t drop_instruction(uint32_t *words, size_t count, size_t at)
{
	size_t length = at < count ? words[at] >> 16 : 0;

	if (length == 0 || length > count - at)
		return count;
	memmove(words + at, words + at + length, (count - at - length) * 4);
	return count - length;
}

static size_t repeat_instruction(uint32_t *words, size_t count, size_t at, size_t to, size_t room)
{
	size_t length = at < count ? words[at] >> 16 : 0;
	uint32_t copy[64];

	if (length == 0 || length > count - at || length > 64 || count + length > room)
		return count;
	memcpy(copy, words + at, length * 4);
	memmove(words + to + length, words + to, (count - to) * 4);
	memcpy(words + to, copy, length * 4);
	return count + length;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t bytes, size_t room, unsigned seed)
{
	uint32_t *words = (uint32_t *)(void *)data;
	size_t count = bytes / 4, at, to;

	if (count < 6 || (uintptr_t)data % 4 != 0 || seed % 8 == 0)
		return LLVMFuzzerMutate(data, bytes, room);
	seed = seed * 2654435761u;
	at = instruction_at(words, count, 5 + (seed >> 8) % (count - 5));
	to = instruction_at(words, count, 5 + (seed >> 4) % (count - 5));
	switch (seed % 6) {
	case 0:
		return drop_instruction(words, count, at) * 4;
	case 1:
		return repeat_instruction(words, count, at, to < count ? to : count, room / 4) * 4;
	case 2: /* an operand becomes another id or a small number */
		words[5 + (seed >> 8) % (count - 5)] = (seed >> 3) % (words[3] % 1024 + 2);
		return bytes;
	case 3:
		words[5 + (seed >> 8) % (count - 5)] = words[5 + (seed >> 12) % (count - 5)];
		return bytes;
	case 4: /* another opcode of the same length */
		if (at < count)
			words[at] = (words[at] & 0xffff0000u) | (seed >> 7) % 404;
		return bytes;
	default:
		return LLVMFuzzerMutate(data, bytes, room);
	}
}
