/* Any module that reflection accepts: looked at, and refused with a sentence or changed to one that reflection accepts too,
 * with the same interface but for its push constants, and without gl_NumWorkGroups. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <base/alloc.h>
#include <kiln/reflect.h>

#include "reflect/rebase.h"

static void check_changed(const struct kiln_entry_point *before, const uint32_t *words, size_t count,
                          uint32_t offset)
{
	struct kiln_reflection *reflection = NULL;
	const struct kiln_entry_point *after;

	/* Reflection reads little of a module: what it overlooked before it may refuse now, with a sentence. */
	if (kiln_reflect(words, count * 4, &reflection) != KILN_OK) {
		assert(strstr(kiln_error_message(), "Fix: ") != NULL);
		return;
	}
	after = &reflection->entries[0];
	assert(strcmp(before->name, after->name) == 0);
	assert(offset % 16 == 0 && offset >= before->push_bytes);
	assert(!after->uses_num_workgroups);
	assert(before->binding_count == after->binding_count);
	for (size_t i = 0; i < before->binding_count; i++)
		assert(memcmp(&before->bindings[i].layout, &after->bindings[i].layout,
		              sizeof(before->bindings[i].layout)) == 0);
	kiln_reflection_destroy(&reflection);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct kiln_reflection *reflection = NULL;
	void *code = malloc(bytes != 0 ? bytes : 1); /* aligned */
	struct kiln_parts_facts facts;
	uint32_t *words, offset;
	size_t count;

	if (code == NULL)
		return 0;
	if (bytes != 0)
		memcpy(code, data, bytes);
	if (kiln_reflect(code, bytes, &reflection) == KILN_OK) {
		assert(kiln_spirv_parts(reflection->words, reflection->word_count, &facts) == KILN_OK);
		if (kiln_spirv_rebase(reflection->words, reflection->word_count,
		                      reflection->entries[0].push_bytes, &words, &count,
		                      &offset) == KILN_OK) {
			check_changed(&reflection->entries[0], words, count, offset);
			kiln_free(words);
		} else {
			assert(strstr(kiln_error_message(), "Fix: ") != NULL);
		}
	}
	kiln_reflection_destroy(&reflection);
	free(code);
	return 0;
}
