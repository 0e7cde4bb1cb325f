/* What the code does to each binding, and which entry point reaches which. */
#include "reflect_test.h"

#include <string.h>

#define RW (KILN_ACCESS_READ | KILN_ACCESS_WRITE)

static struct spirv_build build;

enum {
	BLOCK = 20,
	POINTER,
	ELEMENT,
	A, /* three buffers at bindings 0, 1, 2 */
	B,
	C,
	IMAGE_TYPE,
	IMAGE_POINTER,
	IMAGE, /* and an image at binding 3 */
	TEXEL_POINTER,
	VEC4,
	FREE,
};

static void annotate(uint32_t variable, uint32_t binding)
{
	OP(&build, SpvOpDecorate, variable, SpvDecorationDescriptorSet, 0);
	OP(&build, SpvOpDecorate, variable, SpvDecorationBinding, binding);
}

static void declare(void)
{
	OP(&build, SpvOpDecorate, BLOCK, SpvDecorationBlock);
	OP(&build, SpvOpMemberDecorate, BLOCK, 0, SpvDecorationOffset, 0);
	for (uint32_t i = 0; i < 3; i++)
		annotate(A + i, i);
	annotate(IMAGE, 3);
	spirv_types(&build);
	OP(&build, SpvOpTypeStruct, BLOCK, ID_UINT);
	OP(&build, SpvOpTypePointer, POINTER, SpvStorageClassStorageBuffer, BLOCK);
	OP(&build, SpvOpTypePointer, ELEMENT, SpvStorageClassStorageBuffer, ID_UINT);
	for (uint32_t i = 0; i < 3; i++)
		OP(&build, SpvOpVariable, POINTER, A + i, SpvStorageClassStorageBuffer);
	OP(&build, SpvOpTypeImage, IMAGE_TYPE, ID_UINT, SpvDim2D, 0, 0, 0, 2, SpvImageFormatR32ui);
	OP(&build, SpvOpTypePointer, IMAGE_POINTER, SpvStorageClassUniformConstant, IMAGE_TYPE);
	OP(&build, SpvOpVariable, IMAGE_POINTER, IMAGE, SpvStorageClassUniformConstant);
	OP(&build, SpvOpTypePointer, TEXEL_POINTER, SpvStorageClassImage, ID_UINT);
	OP(&build, SpvOpTypeVector, VEC4, ID_UINT, 4);
}

static void open_main(void)
{
	spirv_open(&build, 0x00010300);
	spirv_local_size(&build, 1, 1, 1);
	declare();
	spirv_function(&build, ID_MAIN, 500);
}

/* Ends main and compares the accesses of bindings 0 to 3. */
static void expect(uint32_t a, uint32_t b, uint32_t c, uint32_t image)
{
	const uint32_t expected[] = {a, b, c, image};
	struct kiln_reflection *reflection;

	spirv_function_end(&build);
	reflection = reflect(&build);
	assert_int_equal(reflection->entries[0].binding_count, 4);
	for (uint32_t i = 0; i < 4; i++) {
		assert_int_equal(reflection->entries[0].bindings[i].layout.binding, i);
		assert_int_equal(reflection->entries[0].bindings[i].layout.access, expected[i]);
	}
	kiln_reflection_destroy(&reflection);
}

static void untouched_bindings_are_there_without_access(void **state)
{
	(void)state;
	open_main();
	expect(0, 0, 0, 0);
}

static void loads_read_and_stores_write(void **state)
{
	(void)state;
	open_main();
	OP(&build, SpvOpAccessChain, ELEMENT, 50, A, ID_ZERO);
	OP(&build, SpvOpLoad, ID_UINT, 51, 50);
	OP(&build, SpvOpInBoundsAccessChain, ELEMENT, 52, B, ID_ZERO);
	OP(&build, SpvOpCopyObject, ELEMENT, 53, 52);
	OP(&build, SpvOpStore, 53, 51);
	OP(&build, SpvOpArrayLength, ID_UINT, 54, C, 0);
	expect(KILN_ACCESS_READ, KILN_ACCESS_WRITE, KILN_ACCESS_READ, 0);
}

static void atomics_and_copies_count(void **state)
{
	(void)state;
	open_main();
	OP(&build, SpvOpAccessChain, ELEMENT, 50, A, ID_ZERO);
	OP(&build, SpvOpAtomicIAdd, ID_UINT, 51, 50, ID_ONE, ID_ZERO, ID_ONE);
	OP(&build, SpvOpCopyMemory, B, C);
	expect(RW, KILN_ACCESS_WRITE, KILN_ACCESS_READ, 0);

	open_main();
	OP(&build, SpvOpAccessChain, ELEMENT, 50, A, ID_ZERO);
	OP(&build, SpvOpAtomicLoad, ID_UINT, 51, 50, ID_ONE, ID_ZERO);
	OP(&build, SpvOpAccessChain, ELEMENT, 52, B, ID_ZERO);
	OP(&build, SpvOpAtomicStore, 52, ID_ONE, ID_ZERO, ID_ONE);
	expect(KILN_ACCESS_READ, KILN_ACCESS_WRITE, 0, 0);
}

static void cooperative_matrices_load_and_store(void **state)
{
	/* load, store, matrix type: NVIDIA's form and the KHR one, which the headers do not have yet */
	static const uint32_t forms[2][3] = {
		{SpvOpCooperativeMatrixLoadNV, SpvOpCooperativeMatrixStoreNV, SpvOpTypeCooperativeMatrixNV},
		{4457, 4458, 4456},
	};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		spirv_open(&build, 0x00010600);
		for (uint32_t variable = A; variable <= C; variable++)
			spirv_word(&build, variable);
		spirv_word(&build, IMAGE);
		spirv_local_size(&build, 32, 1, 1);
		declare();
		OP(&build, SpvOpTypeFloat, 40, 16, 0); /* bfloat16 */
		OP(&build, forms[i][2], 41, 40, ID_FOUR, ID_TWO, ID_TWO, ID_ZERO);
		spirv_function(&build, ID_MAIN, 500);
		OP(&build, SpvOpAccessChain, ELEMENT, 50, A, ID_ZERO);
		OP(&build, SpvOpAccessChain, ELEMENT, 51, B, ID_ZERO);
		OP(&build, forms[i][0], 41, 52, 50, ID_ZERO, ID_ZERO);
		OP(&build, forms[i][1], 51, 52, ID_ZERO, ID_ZERO);
		expect(KILN_ACCESS_READ, KILN_ACCESS_WRITE, 0, 0);
	}
}

static void sizes_of_what_is_write_only_are_no_reads(void **state)
{
	struct kiln_reflection *reflection;

	(void)state;
	spirv_open(&build, 0x00010300);
	spirv_local_size(&build, 1, 1, 1);
	OP(&build, SpvOpDecorate, IMAGE, SpvDecorationNonReadable);
	declare();
	spirv_function(&build, ID_MAIN, 500);
	OP(&build, SpvOpLoad, IMAGE_TYPE, 50, IMAGE);
	OP(&build, SpvOpImageQuerySize, ID_UINT, 51, 50);
	spirv_function_end(&build);
	reflection = reflect(&build);
	assert_int_equal(reflection->entries[0].bindings[3].layout.access, KILN_ACCESS_WRITE);
	kiln_reflection_destroy(&reflection);
}

static void images_are_read_and_written_through_their_handle(void **state)
{
	(void)state;
	open_main();
	OP(&build, SpvOpLoad, IMAGE_TYPE, 50, IMAGE);
	OP(&build, SpvOpImageRead, VEC4, 51, 50, ID_ZERO);
	expect(0, 0, 0, KILN_ACCESS_READ);
	open_main();
	OP(&build, SpvOpLoad, IMAGE_TYPE, 50, IMAGE);
	OP(&build, SpvOpImageWrite, 50, ID_ZERO, ID_ZERO);
	expect(0, 0, 0, KILN_ACCESS_WRITE);
	open_main();
	OP(&build, SpvOpImageTexelPointer, TEXEL_POINTER, 50, IMAGE, ID_ZERO, ID_ZERO);
	OP(&build, SpvOpAtomicOr, ID_UINT, 51, 50, ID_ONE, ID_ZERO, ID_ONE);
	expect(0, 0, 0, RW);
}

/* Whatever is not followed counts as everything that is allowed: no write is missed. */
static void pointers_that_escape_count_fully(void **state)
{
	(void)state;
	open_main();
	OP(&build, SpvOpSelect, ELEMENT, 50, ID_ZERO, A, B);
	expect(RW, RW, 0, 0);
	open_main();
	OP(&build, SpvOpFunctionCall, ID_VOID, 50, ID_MAIN, C);
	expect(0, 0, RW, 0);
	open_main();
	OP(&build, SpvOpStore, A, B);
	expect(KILN_ACCESS_WRITE, RW, 0, 0);
	open_main();
	OP(&build, 9999, B); /* not in any table */
	expect(0, RW, 0, 0);
}

static void debug_information_does_nothing_to_what_it_mentions(void **state)
{
	(void)state;
	for (uint32_t semantic = 0; semantic < 2; semantic++) {
		spirv_begin(&build, 0x00010300);
		OP(&build, SpvOpCapability, SpvCapabilityShader);
		OP(&build, SpvOpExtInstImport, 100);
		spirv_text(&build, semantic ? "GLSL.std.450" : "NonSemantic.Shader.DebugInfo.100");
		OP(&build, SpvOpMemoryModel, 0, 1);
		spirv_entry(&build, ID_MAIN, "main");
		spirv_local_size(&build, 1, 1, 1);
		declare();
		spirv_function(&build, ID_MAIN, 500);
		OP(&build, SpvOpExtInst, ID_VOID, 50, 100, 35, A);
		expect(semantic ? RW : 0, 0, 0, 0);
	}
}

static void a_phi_over_pointers_makes_the_function_suspect(void **state)
{
	(void)state;
	open_main();
	OP(&build, SpvOpPhi, ELEMENT, 50, 60, 500); /* 60 comes later */
	OP(&build, SpvOpAccessChain, ELEMENT, 60, B, ID_ZERO);
	OP(&build, SpvOpStore, 50, ID_ONE);
	expect(0, RW, 0, 0);
}

static void variable_that_starts_with_an_address_lets_it_escape(void **state)
{
	struct kiln_reflection *reflection;

	(void)state;
	spirv_open(&build, 0x00010300);
	spirv_local_size(&build, 1, 1, 1);
	declare();
	OP(&build, SpvOpTypePointer, FREE, SpvStorageClassPrivate, POINTER);
	OP(&build, SpvOpVariable, FREE, FREE + 1, SpvStorageClassPrivate, B);
	spirv_close(&build);
	reflection = reflect(&build);
	assert_int_equal(reflection->entries[0].bindings[0].layout.access, 0);
	assert_int_equal(reflection->entries[0].bindings[1].layout.access, RW);
	kiln_reflection_destroy(&reflection);
}

static void qualifiers_limit_what_is_allowed(void **state)
{
	struct kiln_reflection *reflection;

	(void)state;
	spirv_open(&build, 0x00010300);
	spirv_local_size(&build, 1, 1, 1);
	OP(&build, SpvOpMemberDecorate, BLOCK, 0, SpvDecorationNonWritable);
	OP(&build, SpvOpDecorate, B, SpvDecorationNonReadable);
	OP(&build, SpvOpDecorate, IMAGE, SpvDecorationNonReadable);
	declare();
	spirv_close(&build);
	reflection = reflect(&build);
	assert_int_equal(reflection->entries[0].bindings[0].allowed, KILN_ACCESS_READ);
	assert_int_equal(reflection->entries[0].bindings[1].allowed, 0);
	assert_int_equal(reflection->entries[0].bindings[3].allowed, KILN_ACCESS_WRITE);
	kiln_reflection_destroy(&reflection);
}

/* "one" calls a helper that writes A; "two" reads B; nobody touches C and the image. */
static struct kiln_reflection *two_entry_points(uint32_t version)
{
	spirv_begin(&build, version);
	OP(&build, SpvOpCapability, SpvCapabilityShader);
	OP(&build, SpvOpMemoryModel, 0, 1);
	spirv_entry(&build, 100, "one");
	if (version >= 0x00010400)
		spirv_word(&build, A);
	spirv_entry(&build, 101, "two");
	if (version >= 0x00010400)
		spirv_word(&build, B), spirv_word(&build, C);
	OP(&build, SpvOpExecutionMode, 101, SpvExecutionModeLocalSize, 2, 2, 2);
	OP(&build, SpvOpExecutionMode, 100, SpvExecutionModeLocalSize, 1, 1, 1);
	declare();
	spirv_function(&build, 100, 110);
	OP(&build, SpvOpFunctionCall, ID_VOID, 111, 102);
	spirv_function_end(&build);
	spirv_function(&build, 101, 120);
	OP(&build, SpvOpLoad, BLOCK, 121, B);
	spirv_function_end(&build);
	spirv_function(&build, 102, 130);
	OP(&build, SpvOpStore, A, ID_ONE);
	OP(&build, SpvOpFunctionCall, ID_VOID, 131, 102); /* recursion ends the walk, not the process */
	spirv_function_end(&build);
	return reflect(&build);
}

static void entry_points_have_what_their_call_tree_uses(void **state)
{
	struct kiln_reflection *reflection = two_entry_points(0x00010300);
	const struct kiln_entry_point *one = kiln_reflection_entry(reflection, "one");
	const struct kiln_entry_point *two = kiln_reflection_entry(reflection, "two");

	(void)state;
	assert_null(kiln_reflection_entry(reflection, NULL));
	assert_null(kiln_reflection_entry(reflection, "three"));
	assert_int_equal(one->binding_count, 3);
	assert_int_equal(one->bindings[0].layout.access, KILN_ACCESS_WRITE);
	assert_int_equal(one->bindings[1].layout.binding, 2);
	assert_int_equal(one->bindings[2].layout.binding, 3);
	assert_int_equal(two->binding_count, 3);
	assert_int_equal(two->bindings[0].layout.binding, 1);
	assert_int_equal(two->bindings[0].layout.access, KILN_ACCESS_READ);
	assert_int_equal(one->workgroup[2].size, 1);
	assert_int_equal(two->workgroup[2].size, 2);
	kiln_reflection_destroy(&reflection);
}

static void interface_lists_decide_from_version_1_4_on(void **state)
{
	struct kiln_reflection *reflection = two_entry_points(0x00010400);
	const struct kiln_entry_point *one = kiln_reflection_entry(reflection, "one");
	const struct kiln_entry_point *two = kiln_reflection_entry(reflection, "two");

	(void)state;
	assert_int_equal(one->binding_count, 1);
	assert_int_equal(one->bindings[0].layout.binding, 0);
	assert_int_equal(two->binding_count, 2);
	assert_int_equal(two->bindings[1].layout.binding, 2);
	assert_int_equal(two->bindings[1].layout.access, 0);
	kiln_reflection_destroy(&reflection);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(untouched_bindings_are_there_without_access),
		cmocka_unit_test(loads_read_and_stores_write),
		cmocka_unit_test(atomics_and_copies_count),
		cmocka_unit_test(cooperative_matrices_load_and_store),
		cmocka_unit_test(sizes_of_what_is_write_only_are_no_reads),
		cmocka_unit_test(images_are_read_and_written_through_their_handle),
		cmocka_unit_test(pointers_that_escape_count_fully),
		cmocka_unit_test(debug_information_does_nothing_to_what_it_mentions),
		cmocka_unit_test(a_phi_over_pointers_makes_the_function_suspect),
		cmocka_unit_test(variable_that_starts_with_an_address_lets_it_escape),
		cmocka_unit_test(qualifiers_limit_what_is_allowed),
		cmocka_unit_test(entry_points_have_what_their_call_tree_uses),
		cmocka_unit_test(interface_lists_decide_from_version_1_4_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
