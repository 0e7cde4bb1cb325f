/* Bad input: each mistake has its own status, names its word, and says how to fix it. */
#include <stdlib.h>

#include "reflect_test.h"

static struct spirv_build build;

static void empty_input_is_truncated(void **state)
{
	(void)state;
	refuse_bytes(&build, 0, KILN_ERR_SPIRV_TRUNCATED);
	refuse_bytes(&build, 3, KILN_ERR_SPIRV_TRUNCATED);
}

static void missing_arguments_are_refused(void **state)
{
	struct kiln_reflection *reflection = NULL;
	struct kiln_digest digest;

	(void)state;
	spirv_minimal(&build);
	assert_status(kiln_reflect(NULL, 20, &reflection), KILN_ERR_INVALID_ARGUMENT);
	assert_status(kiln_reflect(build.words, 20, NULL), KILN_ERR_INVALID_ARGUMENT);
	assert_status(kiln_reflect((const char *)build.words + 1, 20, &reflection),
	              KILN_ERR_INVALID_ARGUMENT);
	assert_status(kiln_program_digest(NULL, 20, &digest), KILN_ERR_INVALID_ARGUMENT);
	assert_status(kiln_reflect_specialized(build.words, build.count * 4, NULL, 1, &reflection),
	              KILN_ERR_INVALID_ARGUMENT);
	kiln_reflection_destroy(NULL);
	kiln_reflection_destroy(&reflection);
	assert_null(kiln_reflection_entry(NULL, "main"));
}

static void other_files_are_told_by_their_magic(void **state)
{
	(void)state;
	spirv_minimal(&build);
	build.words[0] = 0x464c457f;
	refuse_saying(&build, KILN_ERR_SPIRV_MAGIC, "got 0x464c457f");
}

static void byte_swapped_module_is_told_apart(void **state)
{
	(void)state;
	spirv_minimal(&build);
	for (size_t i = 0; i < build.count; i++)
		build.words[i] = __builtin_bswap32(build.words[i]);
	refuse(&build, KILN_ERR_SPIRV_BYTE_SWAPPED);
}

static void unknown_version_is_refused(void **state)
{
	(void)state;
	spirv_minimal(&build);
	for (uint32_t minor = 0; minor <= 6; minor++) {
		struct kiln_reflection *reflection;

		build.words[1] = 0x00010000 | minor << 8;
		reflection = reflect(&build);
		assert_int_equal(reflection->version, build.words[1]);
		kiln_reflection_destroy(&reflection);
	}
	build.words[1] = 0x00010700;
	refuse_saying(&build, KILN_ERR_SPIRV_INVALID, "word 1 (header)");
	build.words[1] = 0x00000900;
	refuse(&build, KILN_ERR_SPIRV_INVALID);
	build.words[1] = 0x00010301;
	refuse(&build, KILN_ERR_SPIRV_INVALID);
}

static void absurd_bound_is_refused_and_a_large_one_is_not(void **state)
{
	struct kiln_reflection *reflection;

	(void)state;
	spirv_minimal(&build);
	build.words[3] = 0x3fffff;
	reflection = reflect(&build);
	kiln_reflection_destroy(&reflection);
	build.words[3] = 0x400000;
	refuse_saying(&build, KILN_ERR_SPIRV_LENGTH, "word 3 (header)");
	build.words[3] = UINT32_MAX;
	refuse(&build, KILN_ERR_SPIRV_LENGTH);
	build.words[3] = 0;
	refuse(&build, KILN_ERR_SPIRV_LENGTH);
	build.words[3] = 1;
	refuse_saying(&build, KILN_ERR_SPIRV_INVALID, "outside the header's bound");
	build.words[3] = SPIRV_BUILD_BOUND;
	build.words[4] = 1;
	refuse_saying(&build, KILN_ERR_SPIRV_INVALID, "schema");
}

static void every_prefix_is_refused(void **state)
{
	(void)state;
	spirv_minimal(&build);
	for (size_t bytes = 0; bytes < build.count * 4; bytes++) {
		struct kiln_reflection *reflection = NULL;
		struct kiln_digest digest;
		void *copy = malloc(bytes + 1);

		memcpy(copy, build.words, bytes);
		assert_status(kiln_reflect(copy, bytes, &reflection), KILN_ERR_SPIRV_TRUNCATED);
		assert_status(kiln_program_digest(copy, bytes, &digest), KILN_ERR_SPIRV_TRUNCATED);
		free(copy);
	}
}

static void cut_between_functions_is_noticed_by_the_missing_callee(void **state)
{
	(void)state;
	spirv_open(&build, 0x00010300);
	spirv_local_size(&build, 1, 1, 1);
	spirv_types(&build);
	spirv_function(&build, ID_MAIN, 20);
	OP(&build, SpvOpFunctionCall, ID_VOID, 21, 22);
	spirv_function_end(&build);
	refuse_saying(&build, KILN_ERR_SPIRV_INVALID,
	              "(OpFunctionCall): refers to id 22, which nothing defines");
	spirv_function(&build, 22, 23);
	spirv_function_end(&build);
	struct kiln_reflection *reflection = reflect(&build);
	kiln_reflection_destroy(&reflection);
}

static void instruction_of_no_words_is_refused(void **state)
{
	(void)state;
	spirv_minimal(&build);
	build.words[5] &= 0xffff;
	refuse_saying(&build, KILN_ERR_SPIRV_LENGTH, "word 5 (OpCapability)");
}

static void instruction_longer_than_the_module_is_truncated(void **state)
{
	(void)state;
	spirv_minimal(&build);
	build.words[5] |= 0xffff0000u;
	refuse_saying(&build, KILN_ERR_SPIRV_TRUNCATED, "claims 65535 words");
}

static void too_short_instructions_are_refused(void **state)
{
	static const uint32_t short_ones[] = {
		SpvOpTypeInt,        SpvOpTypeFloat, SpvOpTypeVector,         SpvOpTypeArray,
		SpvOpTypePointer,    SpvOpTypeImage, SpvOpTypeSampledImage,   SpvOpConstant,
		SpvOpSpecConstantOp, SpvOpVariable,  SpvOpTypeForwardPointer,
	};

	(void)state;
	for (size_t i = 0; i < sizeof(short_ones) / sizeof(short_ones[0]); i++) {
		spirv_open(&build, 0x00010300);
		spirv_local_size(&build, 1, 1, 1);
		spirv_types(&build);
		if (short_ones[i] == SpvOpConstant || short_ones[i] == SpvOpSpecConstantOp ||
		    short_ones[i] == SpvOpVariable)
			OP(&build, short_ones[i], ID_UINT, 20);
		else
			OP(&build, short_ones[i], 20);
		spirv_close(&build);
		refuse(&build, KILN_ERR_SPIRV_LENGTH);
	}
}

static void module_without_compute_entry_point_has_its_own_status(void **state)
{
	struct kiln_digest digest;

	(void)state;
	spirv_begin(&build, 0x00010300);
	OP(&build, SpvOpCapability, SpvCapabilityLinkage);
	OP(&build, SpvOpMemoryModel, 0, 1);
	spirv_types(&build);
	spirv_close(&build);
	refuse_saying(&build, KILN_ERR_SPIRV_ENTRY_POINT, "0 entry points");
	assert_status(kiln_program_digest(build.words, build.count * 4, &digest), KILN_OK);
	spirv_minimal(&build);
	build.words[11] = SpvExecutionModelFragment;
	assert_int_equal((uint16_t)build.words[10], SpvOpEntryPoint);
	refuse_saying(&build, KILN_ERR_SPIRV_ENTRY_POINT, "1 entry points");
}

static void entry_point_without_its_function_is_refused(void **state)
{
	(void)state;
	spirv_open(&build, 0x00010300);
	spirv_local_size(&build, 1, 1, 1);
	spirv_types(&build);
	spirv_function(&build, 30, 31);
	spirv_function_end(&build);
	refuse_saying(&build, KILN_ERR_SPIRV_INVALID, "(OpEntryPoint): refers to id 1");
	/* And one whose id is something else. */
	spirv_begin(&build, 0x00010300);
	OP(&build, SpvOpCapability, SpvCapabilityShader);
	OP(&build, SpvOpMemoryModel, 0, 1);
	spirv_entry(&build, ID_UINT, "main");
	spirv_types(&build);
	spirv_close(&build);
	refuse_saying(&build, KILN_ERR_SPIRV_INVALID, "id 4 is no function");
}

static void id_defined_twice_is_refused(void **state)
{
	(void)state;
	spirv_open(&build, 0x00010300);
	spirv_local_size(&build, 1, 1, 1);
	spirv_types(&build);
	OP(&build, SpvOpTypeInt, ID_UINT, 32, 1);
	spirv_close(&build);
	refuse_saying(&build, KILN_ERR_SPIRV_INVALID, "id 4 is already defined");
}

static void decoration_of_nothing_is_refused(void **state)
{
	(void)state;
	spirv_open(&build, 0x00010300);
	spirv_local_size(&build, 1, 1, 1);
	OP(&build, SpvOpDecorate, 40, SpvDecorationRelaxedPrecision);
	spirv_types(&build);
	spirv_close(&build);
	refuse_saying(&build, KILN_ERR_SPIRV_INVALID, "(OpDecorate): refers to id 40");
}

static void sections_out_of_order_are_refused(void **state)
{
	(void)state;
	spirv_open(&build, 0x00010300);
	spirv_local_size(&build, 1, 1, 1);
	spirv_types(&build);
	OP(&build, SpvOpDecorate, ID_UINT, SpvDecorationBlock);
	spirv_close(&build);
	refuse_saying(&build, KILN_ERR_SPIRV_INVALID, "comes too late");

	spirv_minimal(&build);
	OP(&build, SpvOpTypeBool, 50);
	refuse_saying(&build, KILN_ERR_SPIRV_INVALID, "comes too late");
}

static void instructions_in_the_wrong_place_are_refused(void **state)
{
	(void)state;
	spirv_open(&build, 0x00010300);
	spirv_local_size(&build, 1, 1, 1);
	spirv_types(&build);
	OP0(&build, SpvOpReturn);
	spirv_close(&build);
	refuse_saying(&build, KILN_ERR_SPIRV_INVALID, "(OpReturn): stands outside of any function");

	spirv_open(&build, 0x00010300);
	spirv_local_size(&build, 1, 1, 1);
	spirv_types(&build);
	spirv_function(&build, ID_MAIN, 20);
	OP(&build, SpvOpTypeBool, 50);
	spirv_function_end(&build);
	refuse_saying(&build, KILN_ERR_SPIRV_INVALID, "(OpTypeBool): stands inside a function");

	spirv_open(&build, 0x00010300);
	spirv_local_size(&build, 1, 1, 1);
	spirv_types(&build);
	spirv_function(&build, ID_MAIN, 20);
	spirv_function(&build, 21, 22);
	spirv_function_end(&build);
	refuse_saying(&build, KILN_ERR_SPIRV_INVALID, "a function begins inside another");

	spirv_open(&build, 0x00010300);
	spirv_local_size(&build, 1, 1, 1);
	spirv_types(&build);
	spirv_function(&build, ID_MAIN, 20);
	OP(&build, SpvOpString, 50), spirv_text(&build, "late");
	spirv_function_end(&build);
	refuse_saying(&build, KILN_ERR_SPIRV_INVALID, "(OpString): stands inside a function");

	spirv_minimal(&build);
	OP0(&build, SpvOpFunctionEnd);
	refuse_saying(&build, KILN_ERR_SPIRV_INVALID, "(OpFunctionEnd): stands outside");
}

static void string_without_end_is_refused(void **state)
{
	(void)state;
	spirv_begin(&build, 0x00010300);
	OP(&build, SpvOpCapability, SpvCapabilityShader);
	OP(&build, SpvOpExtension, 0x41414141);
	refuse_saying(&build, KILN_ERR_SPIRV_INVALID, "no terminating zero");
}

static void type_that_contains_itself_is_refused(void **state)
{
	(void)state;
	spirv_open(&build, 0x00010300);
	spirv_local_size(&build, 1, 1, 1);
	spirv_types(&build);
	OP(&build, SpvOpTypeStruct, 20, 20);
	spirv_close(&build);
	refuse_saying(&build, KILN_ERR_SPIRV_INVALID, "id 20 is no type declared before");

	spirv_open(&build, 0x00010300);
	spirv_local_size(&build, 1, 1, 1);
	spirv_types(&build);
	OP(&build, SpvOpTypeArray, 21, 22, ID_TWO);
	OP(&build, SpvOpTypeStruct, 22, 21);
	spirv_close(&build);
	refuse_saying(&build, KILN_ERR_SPIRV_INVALID, "id 22 is no type declared before");
}

static void nested_types_do_not_multiply_the_work(void **state)
{
	struct kiln_reflection *reflection;

	(void)state;
	/* 400 structs, each holding the one before twice: 2^400 leaves. */
	spirv_open(&build, 0x00010300);
	spirv_local_size(&build, 1, 1, 1);
	spirv_types(&build);
	OP(&build, SpvOpTypeStruct, 20, ID_UINT, ID_UINT);
	for (uint32_t id = 21; id < 420; id++)
		OP(&build, SpvOpTypeStruct, id, id - 1, id - 1);
	OP(&build, SpvOpTypePointer, 420, SpvStorageClassWorkgroup, 419);
	OP(&build, SpvOpVariable, 420, 421, SpvStorageClassWorkgroup);
	spirv_function(&build, ID_MAIN, 430);
	OP(&build, SpvOpLoad, 419, 431, 421);
	spirv_function_end(&build);
	reflection = reflect(&build);
	assert_true(reflection->entries[0].shared_bytes == UINT64_MAX);
	kiln_reflection_destroy(&reflection);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty_input_is_truncated),
		cmocka_unit_test(missing_arguments_are_refused),
		cmocka_unit_test(other_files_are_told_by_their_magic),
		cmocka_unit_test(byte_swapped_module_is_told_apart),
		cmocka_unit_test(unknown_version_is_refused),
		cmocka_unit_test(absurd_bound_is_refused_and_a_large_one_is_not),
		cmocka_unit_test(every_prefix_is_refused),
		cmocka_unit_test(cut_between_functions_is_noticed_by_the_missing_callee),
		cmocka_unit_test(instruction_of_no_words_is_refused),
		cmocka_unit_test(instruction_longer_than_the_module_is_truncated),
		cmocka_unit_test(too_short_instructions_are_refused),
		cmocka_unit_test(module_without_compute_entry_point_has_its_own_status),
		cmocka_unit_test(entry_point_without_its_function_is_refused),
		cmocka_unit_test(id_defined_twice_is_refused),
		cmocka_unit_test(decoration_of_nothing_is_refused),
		cmocka_unit_test(sections_out_of_order_are_refused),
		cmocka_unit_test(instructions_in_the_wrong_place_are_refused),
		cmocka_unit_test(string_without_end_is_refused),
		cmocka_unit_test(type_that_contains_itself_is_refused),
		cmocka_unit_test(nested_types_do_not_multiply_the_work),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
