/* Any bytes as SPIR-V whose literal workgroup size is to be another: refused with a sentence, or words that reflect to that
 * size and to nothing else than before. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <kiln/reflect.h>

/* Everything but the size, the words and what follows from them. */
static void check_rest(const struct kiln_reflection *a, const struct kiln_reflection *b)
{
	assert(a->version == b->version && a->entry_count == b->entry_count);
	assert(a->constant_count == b->constant_count && a->capability_count == b->capability_count);
	assert(a->extension_count == b->extension_count);
	for (size_t i = 0; i < a->entry_count; i++) {
		const struct kiln_entry_point *x = &a->entries[i], *y = &b->entries[i];

		assert(strcmp(x->name, y->name) == 0 && x->features.bits == y->features.bits);
		assert(x->push_bytes == y->push_bytes && x->shared_bytes == y->shared_bytes);
		assert(x->binding_count == y->binding_count);
		for (size_t k = 0; k < x->binding_count; k++)
			assert(memcmp(&x->bindings[k].layout, &y->bindings[k].layout,
			              sizeof(x->bindings[k].layout)) == 0 &&
			       x->bindings[k].min_bytes == y->bindings[k].min_bytes);
	}
}

static void check_size(const struct kiln_entry_point *entry, const uint32_t size[3])
{
	for (int d = 0; d < 3; d++)
		assert(entry->workgroup[d].size == size[d] && !entry->workgroup[d].specialised &&
		       !entry->workgroup[d].derived);
	assert(!entry->uses_num_workgroups && !entry->uses_workgroup_id && entry->shared_bytes == 0);
}

static void resize(const uint32_t *code, size_t bytes, const struct kiln_reflection *before, uint32_t *words)
{
	const uint32_t size[3] = {5, 3, 1u << 20};
	struct kiln_reflection *after = NULL;
	size_t count = SIZE_MAX, again;
	uint32_t *copy;

	if (kiln_reflect_resize(code, bytes, before->entries[0].name, size, words, &count) != KILN_OK) {
		assert(strstr(kiln_error_message(), "Fix: ") != NULL && count == SIZE_MAX);
		return;
	}
	assert(count <= bytes / 4 + KILN_RESIZE_WORDS);
	assert(kiln_reflect(words, count * 4, &after) == KILN_OK);
	check_size(&after->entries[0], size);
	check_rest(before, after);
	/* Once more with the same size: nothing is left to do. */
	copy = malloc((count + KILN_RESIZE_WORDS) * 4);
	if (copy != NULL) {
		assert(kiln_reflect_resize(words, count * 4, before->entries[0].name, size, copy, &again) ==
		       KILN_OK);
		assert(again == count && memcmp(copy, words, count * 4) == 0);
	}
	free(copy);
	kiln_reflection_destroy(&after);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	uint32_t *code = malloc(bytes != 0 ? bytes : 1);
	uint32_t *words = malloc(bytes / 4 * 4 + KILN_RESIZE_WORDS * 4); /* exactly what is promised */
	struct kiln_reflection *reflection = NULL;

	if (code != NULL && bytes != 0)
		memcpy(code, data, bytes);
	if (code != NULL && words != NULL && kiln_reflect(code, bytes, &reflection) == KILN_OK)
		resize(code, bytes, reflection, words);
	kiln_reflection_destroy(&reflection);
	free(words);
	free(code);
	return 0;
}
