/* Changing a literal workgroup size: what is changed, what stays, and who is refused. */
#include "reflect_test.h"

#include <stdlib.h>
#include <string.h>

static struct spirv_build build;
static uint32_t resized[SPIRV_BUILD_WORDS + KILN_RESIZE_WORDS];
static size_t resized_count;

enum { INPUT = 60, INPUT_TYPE, INPUT_POINTER, SIZE, LOADED };

struct kind {
	bool size_id;   /* LocalSizeId instead of LocalSize */
	bool no_mode;   /* the built-in alone */
	bool constant;  /* gl_WorkGroupSize is declared */
	bool reads;     /* ... and read */
	uint32_t input; /* SpvBuiltIn + 1 of an input, 0 = none */
	uint32_t capability;
	bool shared, barrier, specialised, second;
};

static void build_kind(const struct kind *kind)
{
	spirv_begin(&build, 0x00010300);
	OP(&build, SpvOpCapability, SpvCapabilityShader);
	if (kind->capability)
		OP(&build, SpvOpCapability, kind->capability);
	OP(&build, SpvOpMemoryModel, SpvAddressingModelLogical, SpvMemoryModelGLSL450);
	spirv_entry(&build, ID_MAIN, "main");
	if (kind->input)
		spirv_word(&build, INPUT);
	if (kind->second)
		spirv_entry(&build, 50, "other");
	if (kind->size_id)
		OP(&build, SpvOpExecutionModeId, ID_MAIN, SpvExecutionModeLocalSizeId, ID_FOUR, ID_TWO, ID_ONE);
	else if (!kind->no_mode)
		spirv_local_size(&build, 4, 2, 1);
	if (kind->constant)
		OP(&build, SpvOpName, SIZE), spirv_text(&build, "gl_WorkGroupSize");
	if (kind->specialised)
		OP(&build, SpvOpDecorate, 30, SpvDecorationSpecId, 3);
	if (kind->input)
		OP(&build, SpvOpDecorate, INPUT, SpvDecorationBuiltIn, kind->input - 1);
	if (kind->constant)
		OP(&build, SpvOpDecorate, SIZE, SpvDecorationBuiltIn, SpvBuiltInWorkgroupSize);
	spirv_types(&build);
	OP(&build, SpvOpTypeVector, INPUT_TYPE, ID_UINT, 3);
	OP(&build, SpvOpTypePointer, INPUT_POINTER, SpvStorageClassInput, INPUT_TYPE);
	if (kind->input)
		OP(&build, SpvOpVariable, INPUT_POINTER, INPUT, SpvStorageClassInput);
	if (kind->specialised)
		OP(&build, SpvOpSpecConstant, ID_UINT, 30, 4);
	if (kind->constant)
		OP(&build, SpvOpConstantComposite, INPUT_TYPE, SIZE, kind->specialised ? 30 : ID_FOUR, ID_TWO, ID_ONE);
	if (kind->shared) {
		OP(&build, SpvOpTypePointer, 31, SpvStorageClassWorkgroup, ID_FLOAT);
		OP(&build, SpvOpVariable, 31, 32, SpvStorageClassWorkgroup);
	}
	OP(&build, SpvOpConstant, ID_UINT, 33, SIZE); /* a number that is the constant's id */
	spirv_function(&build, ID_MAIN, 40);
	if (kind->input)
		OP(&build, SpvOpLoad, INPUT_TYPE, LOADED, INPUT);
	if (kind->reads)
		OP(&build, SpvOpCompositeExtract, ID_UINT, 41, SIZE, 0);
	if (kind->barrier)
		OP(&build, SpvOpControlBarrier, ID_TWO, ID_TWO, ID_ZERO);
	spirv_function_end(&build);
	if (kind->second) {
		spirv_function(&build, 50, 51);
		spirv_function_end(&build);
	}
}

static enum kiln_status resize(uint32_t x, uint32_t y, uint32_t z)
{
	const uint32_t size[3] = {x, y, z};

	return kiln_reflect_resize(build.words, build.count * 4, NULL, size, resized, &resized_count);
}

/* The new words reflect to the new size, and differ in nothing else that reflection sees. */
static void assert_resized(const struct kind *kind)
{
	struct kiln_reflection *before, *after = NULL, *again = NULL;
	uint32_t copy[SPIRV_BUILD_WORDS + KILN_RESIZE_WORDS];
	size_t count;

	build_kind(kind);
	before = reflect(&build);
	assert_status(resize(32, 1, 3), KILN_OK);
	assert_true(resized_count <= build.count + KILN_RESIZE_WORDS);
	assert_status(kiln_reflect(resized, resized_count * 4, &after), KILN_OK);
	assert_int_equal(after->entries[0].workgroup[0].size, 32);
	assert_int_equal(after->entries[0].workgroup[1].size, 1);
	assert_int_equal(after->entries[0].workgroup[2].size, 3);
	assert_false(kiln_digest_equal(&before->program, &after->program));
	/* Back to the first size and forth again: the same words, so the same digest. */
	count = resized_count;
	memcpy(copy, resized, count * 4);
	assert_status(kiln_reflect_resize(copy, count * 4, NULL, (const uint32_t[3]){4, 2, 1}, resized, &resized_count),
	              KILN_OK);
	assert_int_equal(resized_count, count);
	memcpy(copy, resized, count * 4);
	assert_status(kiln_reflect_resize(copy, count * 4, NULL, (const uint32_t[3]){32, 1, 3}, resized, &resized_count),
	              KILN_OK);
	assert_status(kiln_reflect(resized, resized_count * 4, &again), KILN_OK);
	assert_true(kiln_digest_equal(&after->program, &again->program));
	kiln_reflection_destroy(&before);
	kiln_reflection_destroy(&after);
	kiln_reflection_destroy(&again);
}

static void every_way_to_say_a_literal_size_is_changed(void **state)
{
	(void)state;
	assert_resized(&(struct kind){0});
	assert_resized(&(struct kind){.size_id = true});
	assert_resized(&(struct kind){.constant = true});
	assert_resized(&(struct kind){.constant = true, .size_id = true});
	assert_resized(&(struct kind){.constant = true, .no_mode = true});
	assert_resized(&(struct kind){.input = SpvBuiltInGlobalInvocationId + 1});
}

static void only_three_words_change_in_the_common_case(void **state)
{
	size_t changed = 0;

	(void)state;
	build_kind(&(struct kind){.input = SpvBuiltInGlobalInvocationId + 1});
	assert_status(resize(32, 7, 3), KILN_OK);
	assert_int_equal(resized_count, build.count);
	for (size_t i = 0; i < build.count; i++)
		changed += resized[i] != build.words[i];
	assert_int_equal(changed, 3);
}

static void the_same_size_gives_the_same_words(void **state)
{
	(void)state;
	build_kind(&(struct kind){0});
	assert_status(resize(4, 2, 1), KILN_OK);
	assert_int_equal(resized_count, build.count);
	assert_memory_equal(resized, build.words, build.count * 4);
}

static void names_do_not_change_the_digest(void **state)
{
	struct kiln_reflection *named, *bare = NULL;
	struct kiln_digest digests[2];

	(void)state;
	build_kind(&(struct kind){.constant = true});
	named = reflect(&build);
	assert_status(resize(32, 1, 1), KILN_OK);
	assert_status(kiln_program_digest(resized, resized_count * 4, &digests[0]), KILN_OK);
	assert_status(kiln_reflect_resize(named->words, named->word_count * 4, NULL, (const uint32_t[3]){32, 1, 1},
	                                  resized, &resized_count),
	              KILN_OK);
	assert_status(kiln_reflect(resized, resized_count * 4, &bare), KILN_OK);
	assert_true(kiln_digest_equal(&digests[0], &bare->program));
	kiln_reflection_destroy(&named);
	kiln_reflection_destroy(&bare);
}

static void a_module_that_sees_its_size_is_refused(void **state)
{
	const struct {
		struct kind kind;
		const char *says;
	} cases[] = {
		{{.constant = true, .reads = true}, "gl_WorkGroupSize"},
		{{.input = SpvBuiltInLocalInvocationId + 1}, "gl_LocalInvocationID"},
		{{.input = SpvBuiltInLocalInvocationIndex + 1}, "gl_LocalInvocationIndex"},
		{{.input = SpvBuiltInWorkgroupId + 1}, "gl_WorkGroupID"},
		{{.input = SpvBuiltInNumWorkgroups + 1}, "gl_NumWorkGroups"},
		{{.input = SpvBuiltInSubgroupId + 1}, "gl_SubgroupID"},
		{{.input = SpvBuiltInDeviceIndex + 1}, "an input"},
		{{.shared = true}, "shared memory"},
		{{.barrier = true}, "barrier"},
		{{.capability = SpvCapabilityGroupNonUniformArithmetic}, "subgroup"},
		{{.capability = SpvCapabilityComputeDerivativeGroupLinearNV}, "derivatives"},
		{{.constant = true, .specialised = true}, "specialisation constants"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		build_kind(&cases[i].kind);
		resized_count = 7;
		assert_status(resize(32, 1, 1), KILN_ERR_UNSUPPORTED);
		assert_int_equal(resized_count, 7);
		if (strstr(kiln_error_message(), cases[i].says) == NULL ||
		    strstr(kiln_error_message(), "Fix: ") == NULL)
			fail_msg("\"%s\" does not say \"%s\"", kiln_error_message(), cases[i].says);
	}
}

static void an_unknown_instruction_is_refused(void **state)
{
	(void)state;
	build_kind(&(struct kind){0});
	build.count -= 2; /* OpReturn and OpFunctionEnd */
	OP(&build, 60000, 1);
	spirv_function_end(&build);
	assert_status(resize(32, 1, 1), KILN_ERR_UNSUPPORTED);
	assert_non_null(strstr(kiln_error_message(), "does not know"));
}

/* Without the built-in that one would have no size at all. */
static void another_entry_point_that_lives_by_the_built_in_is_left_alone(void **state)
{
	(void)state;
	build_kind(&(struct kind){.constant = true, .second = true});
	assert_status(resize(32, 1, 1), KILN_ERR_UNSUPPORTED);
	assert_non_null(strstr(kiln_error_message(), "\"other\""));
}

static void arguments_are_checked(void **state)
{
	(void)state;
	build_kind(&(struct kind){0});
	assert_status(resize(0, 1, 1), KILN_ERR_INVALID_ARGUMENT);
	assert_status(kiln_reflect_resize(build.words, build.count * 4, "other", (const uint32_t[3]){1, 1, 1}, resized,
	                                  &resized_count),
	              KILN_ERR_SPIRV_ENTRY_POINT);
	assert_status(kiln_reflect_resize(build.words, 12, NULL, (const uint32_t[3]){1, 1, 1}, resized, &resized_count),
	              KILN_ERR_SPIRV_TRUNCATED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_module_that_sees_its_size_is_refused),
		cmocka_unit_test(an_unknown_instruction_is_refused),
		cmocka_unit_test(another_entry_point_that_lives_by_the_built_in_is_left_alone),
		cmocka_unit_test(arguments_are_checked),
		cmocka_unit_test(every_way_to_say_a_literal_size_is_changed),
		cmocka_unit_test(names_do_not_change_the_digest),
		cmocka_unit_test(only_three_words_change_in_the_common_case),
		cmocka_unit_test(the_same_size_gives_the_same_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
