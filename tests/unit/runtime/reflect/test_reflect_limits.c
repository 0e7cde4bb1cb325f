/* Failing allocations, and modules made to cost more than they weigh. */
#include "reflect_test.h"

#include <stdlib.h>
#include <string.h>

#include <failing_alloc.h>

static struct spirv_build build;

/* A module that fills every table: it has some of everything, and more than the first growth of some. */
static void build_rich(void)
{
	spirv_begin(&build, 0x00010300);
	for (uint32_t capability = 1; capability < 40; capability++)
		OP(&build, SpvOpCapability, capability);
	OP(&build, SpvOpExtension), spirv_text(&build, "SPV_KHR_something");
	OP(&build, SpvOpMemoryModel, 0, 1);
	spirv_entry(&build, ID_MAIN, "main");
	spirv_local_size(&build, 1, 1, 1);
	OP(&build, SpvOpDecorate, 20, SpvDecorationBlock);
	OP(&build, SpvOpMemberDecorate, 20, 0, SpvDecorationOffset, 0);
	OP(&build, SpvOpDecorate, 30, SpvDecorationSpecId, 0);
	for (uint32_t i = 0; i < 40; i++) {
		OP(&build, SpvOpDecorate, 100 + i, SpvDecorationDescriptorSet, 0);
		OP(&build, SpvOpDecorate, 100 + i, SpvDecorationBinding, i);
	}
	spirv_types(&build);
	OP(&build, SpvOpTypeStruct, 20, ID_UINT);
	OP(&build, SpvOpTypePointer, 21, SpvStorageClassStorageBuffer, 20);
	OP(&build, SpvOpSpecConstant, ID_UINT, 30, 1);
	for (uint32_t i = 0; i < 40; i++)
		OP(&build, SpvOpVariable, 21, 100 + i, SpvStorageClassStorageBuffer);
	spirv_function(&build, ID_MAIN, 200);
	for (uint32_t i = 0; i < 30; i++)
		OP(&build, SpvOpLoad, 20, 210 + i, 100 + i);
	OP(&build, SpvOpFunctionCall, ID_VOID, 201, 202);
	spirv_function_end(&build);
	spirv_function(&build, 202, 203);
	spirv_function_end(&build);
}

static void every_failing_allocation_is_reported(void **state)
{
	unsigned n;

	(void)state;
	build_rich();
	for (n = 1;; n++) {
		struct kiln_reflection *reflection = NULL;
		enum kiln_status status;

		failing_alloc_begin(n);
		status = kiln_reflect(build.words, build.count * 4, &reflection);
		if (!failing_alloc_end()) {
			assert_status(status, KILN_OK);
			assert_int_equal(reflection->entries[0].binding_count, 40);
			kiln_reflection_destroy(&reflection);
			break;
		}
		assert_int_equal(status, KILN_ERR_OUT_OF_MEMORY);
		assert_null(reflection);
	}
	/* All tables, so that the loop has met each of them. */
	assert_true(n > 15);
}

static void result_is_few_allocations(void **state)
{
	struct kiln_reflection *reflection = NULL;

	(void)state;
	spirv_minimal(&build);
	failing_alloc_begin(0);
	assert_status(kiln_reflect(build.words, build.count * 4, &reflection), KILN_OK);
	failing_alloc_end();
	assert_true(failing_alloc_count() <= 12);
	kiln_reflection_destroy(&reflection);
}

/* ---- Large modules ---- */

struct large {
	uint32_t *words;
	size_t count;
};

static void put(struct large *large, uint32_t opcode, const uint32_t *operands, uint32_t count)
{
	large->words[large->count++] = (count + 1) << 16 | opcode;
	for (uint32_t i = 0; i < count; i++)
		large->words[large->count++] = operands[i];
}

#define PUT(large, opcode, ...) \
	put((large), (opcode), (const uint32_t[]){__VA_ARGS__}, sizeof((const uint32_t[]){__VA_ARGS__}) / 4)

static struct large begin_large(uint32_t bound)
{
	struct large large = {malloc(8 << 20), 0};

	assert_non_null(large.words);
	spirv_begin(&build, 0x00010300);
	OP(&build, SpvOpCapability, SpvCapabilityShader);
	OP(&build, SpvOpMemoryModel, 0, 1);
	memcpy(large.words, build.words, build.count * 4);
	large.count = build.count;
	large.words[3] = bound;
	return large;
}

static void refuse_large(struct large *large, const char *text)
{
	refuse_bytes(large->words, large->count * 4, KILN_ERR_SPIRV_LENGTH);
	assert_non_null(strstr(kiln_error_message(), text));
	free(large->words);
}

static void decoration_groups_cannot_multiply(void **state)
{
	struct large large = begin_large(100000);

	(void)state;
	for (uint32_t i = 0; i < 20000; i++)
		PUT(&large, SpvOpDecorate, 1, SpvDecorationOffset, i);
	PUT(&large, SpvOpDecorationGroup, 1);
	for (uint32_t i = 0; i < 20000; i++)
		PUT(&large, SpvOpGroupDecorate, 1, 2 + i);
	refuse_large(&large, "--flatten-decorations");
}

/* Thousands of entry points that all reach all of thousands of buffers through one function. */
static struct large begin_many(uint32_t entries, uint32_t variables)
{
	struct large large = begin_large(200000);

	for (uint32_t i = 0; i < entries; i++)
		PUT(&large, SpvOpEntryPoint, SpvExecutionModelGLCompute, 1, 'a');
	PUT(&large, SpvOpTypeVoid, 2);
	PUT(&large, SpvOpTypeFunction, 3, 2);
	PUT(&large, SpvOpTypeSampler, 4);
	PUT(&large, SpvOpTypePointer, 5, SpvStorageClassUniformConstant, 4);
	for (uint32_t i = 0; i < variables; i++)
		PUT(&large, SpvOpVariable, 5, 10 + i, SpvStorageClassUniformConstant);
	PUT(&large, SpvOpFunction, 2, 1, 0, 3);
	PUT(&large, SpvOpLabel, 6);
	return large;
}

static void entry_points_times_variables_are_bounded(void **state)
{
	struct large large = begin_many(5000, 5000);

	(void)state;
	for (uint32_t i = 0; i < 5000; i++)
		PUT(&large, SpvOpLoad, 4, 20000 + i, 10 + i);
	put(&large, SpvOpReturn, NULL, 0);
	put(&large, SpvOpFunctionEnd, NULL, 0);
	refuse_large(&large, "the entry points reach more than");

	large = begin_many(5000, 5000);
	put(&large, SpvOpReturn, NULL, 0);
	put(&large, SpvOpFunctionEnd, NULL, 0);
	refuse_large(&large, "entry points may each use");
}

static void entry_points_times_calls_are_bounded(void **state)
{
	struct large large = begin_many(5000, 1);

	(void)state;
	for (uint32_t i = 0; i < 20000; i++)
		PUT(&large, SpvOpFunctionCall, 2, 20000 + i, 1);
	put(&large, SpvOpReturn, NULL, 0);
	put(&large, SpvOpFunctionEnd, NULL, 0);
	refuse_large(&large, "call graphs");
}

static void deep_call_chains_do_not_recurse(void **state)
{
	struct large large = begin_many(1, 0);
	uint32_t last = 150000;
	struct kiln_reflection *reflection = NULL;

	(void)state;
	PUT(&large, SpvOpFunctionCall, 2, 7, 100000);
	put(&large, SpvOpReturn, NULL, 0);
	put(&large, SpvOpFunctionEnd, NULL, 0);
	for (uint32_t i = 100000; i < last; i++) {
		PUT(&large, SpvOpFunction, 2, i, 0, 3);
		if (i + 1 < last)
			PUT(&large, SpvOpFunctionCall, 2, i + 50000, i + 1);
		put(&large, SpvOpFunctionEnd, NULL, 0);
	}
	/* All is well but for the workgroup size, which comes after the walk. */
	assert_status(kiln_reflect(large.words, large.count * 4, &reflection), KILN_ERR_SPIRV_INVALID);
	assert_non_null(strstr(kiln_error_message(), "declares no workgroup size"));
	free(large.words);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_failing_allocation_is_reported),
		cmocka_unit_test(result_is_few_allocations),
		cmocka_unit_test(decoration_groups_cannot_multiply),
		cmocka_unit_test(entry_points_times_variables_are_bounded),
		cmocka_unit_test(entry_points_times_calls_are_bounded),
		cmocka_unit_test(deep_call_chains_do_not_recurse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
