/* Descriptors, push constants, workgroup memory: kinds, counts, sizes. */
#include "reflect_test.h"

#include <string.h>

static struct spirv_build build;

/* Up to the annotations; then decorate(), then spirv_types(). */
static void open_module(uint32_t version)
{
	spirv_open(&build, version);
	spirv_local_size(&build, 8, 4, 2);
}

static void place(uint32_t variable, uint32_t set, uint32_t binding)
{
	OP(&build, SpvOpDecorate, variable, SpvDecorationDescriptorSet, set);
	OP(&build, SpvOpDecorate, variable, SpvDecorationBinding, binding);
}

static void offset(uint32_t type, uint32_t member, uint32_t bytes)
{
	OP(&build, SpvOpMemberDecorate, type, member, SpvDecorationOffset, bytes);
}

static void variable(uint32_t id, uint32_t pointer, uint32_t storage, uint32_t type)
{
	OP(&build, SpvOpTypePointer, pointer, storage, type);
	OP(&build, SpvOpVariable, pointer, id, storage);
}

static struct kiln_reflection *finish(void)
{
	spirv_close(&build);
	return reflect(&build);
}

static void assert_binding(const struct kiln_binding *binding, uint32_t set, uint32_t number, uint32_t type,
                           uint32_t count)
{
	assert_int_equal(binding->layout.set, set);
	assert_int_equal(binding->layout.binding, number);
	assert_string_equal(kiln_binding_type_name(binding->layout.type), kiln_binding_type_name(type));
	assert_int_equal(binding->layout.count, count);
	assert_int_equal(binding->layout.stages, KILN_STAGE_COMPUTE);
}

static void storage_buffer_has_fixed_part_and_stride(void **state)
{
	struct kiln_reflection *reflection;
	const struct kiln_entry_point *entry;

	(void)state;
	open_module(0x00010300);
	OP(&build, SpvOpName, 22), spirv_text(&build, "Data");
	OP(&build, SpvOpDecorate, 20, SpvDecorationArrayStride, 16);
	OP(&build, SpvOpDecorate, 22, SpvDecorationBlock);
	offset(22, 0, 0);
	offset(22, 1, 48);
	place(24, 2, 7);
	spirv_types(&build);
	OP(&build, SpvOpTypeVector, 21, ID_FLOAT, 3);
	OP(&build, SpvOpTypeRuntimeArray, 20, 21);
	OP(&build, SpvOpTypeStruct, 22, ID_UINT, 20);
	variable(24, 23, SpvStorageClassStorageBuffer, 22);
	reflection = finish();
	entry = kiln_reflection_entry(reflection, NULL);
	assert_int_equal(entry->binding_count, 1);
	assert_binding(&entry->bindings[0], 2, 7, KILN_BINDING_STORAGE_BUFFER, 1);
	assert_int_equal(entry->bindings[0].min_bytes, 48);
	assert_int_equal(entry->bindings[0].runtime_stride, 16);
	assert_string_equal(entry->bindings[0].name, "Data");
	assert_int_equal(entry->workgroup[0].size, 8);
	assert_int_equal(entry->workgroup[1].size, 4);
	assert_int_equal(entry->workgroup[2].size, 2);
	assert_false(entry->workgroup[0].specialised);
	kiln_reflection_destroy(&reflection);
	assert_null(reflection);
}

static void old_and_new_forms_of_buffers_are_told_apart(void **state)
{
	struct kiln_reflection *reflection;
	const struct kiln_binding *bindings;

	(void)state;
	open_module(0x00010000);
	OP(&build, SpvOpDecorate, 20, SpvDecorationBufferBlock);
	OP(&build, SpvOpDecorate, 21, SpvDecorationBlock);
	offset(20, 0, 0);
	offset(21, 0, 4);
	place(31, 0, 1);
	place(33, 0, 0);
	spirv_types(&build);
	OP(&build, SpvOpTypeStruct, 20, ID_UINT);
	OP(&build, SpvOpTypeStruct, 21, ID_UINT);
	variable(31, 30, SpvStorageClassUniform, 20);
	variable(33, 32, SpvStorageClassUniform, 21);
	reflection = finish();
	bindings = reflection->entries[0].bindings;
	assert_int_equal(reflection->entries[0].binding_count, 2);
	assert_binding(&bindings[0], 0, 0, KILN_BINDING_UNIFORM_BUFFER, 1);
	assert_int_equal(bindings[0].allowed, KILN_ACCESS_READ);
	assert_int_equal(bindings[0].min_bytes, 8);
	assert_null(bindings[0].name);
	assert_binding(&bindings[1], 0, 1, KILN_BINDING_STORAGE_BUFFER, 1);
	assert_int_equal(bindings[1].allowed, KILN_ACCESS_READ | KILN_ACCESS_WRITE);
	kiln_reflection_destroy(&reflection);
}

static void matrices_count_their_strides(void **state)
{
	struct kiln_reflection *reflection;
	const struct kiln_binding *bindings;

	(void)state;
	open_module(0x00010300);
	for (uint32_t type = 20; type < 22; type++) {
		OP(&build, SpvOpDecorate, type, SpvDecorationBlock);
		offset(type, 0, 0);
		OP(&build, SpvOpMemberDecorate, type, 0, SpvDecorationMatrixStride, 16);
	}
	OP(&build, SpvOpMemberDecorate, 20, 0, SpvDecorationColMajor);
	OP(&build, SpvOpMemberDecorate, 21, 0, SpvDecorationRowMajor);
	place(31, 0, 0);
	place(33, 0, 1);
	spirv_types(&build);
	OP(&build, SpvOpTypeVector, 24, ID_FLOAT, 3);
	OP(&build, SpvOpTypeMatrix, 25, 24, 2); /* two columns of three */
	OP(&build, SpvOpTypeStruct, 20, 25);
	OP(&build, SpvOpTypeStruct, 21, 25);
	variable(31, 30, SpvStorageClassUniform, 20);
	variable(33, 32, SpvStorageClassUniform, 21);
	reflection = finish();
	bindings = reflection->entries[0].bindings;
	assert_int_equal(bindings[0].min_bytes, 2 * 16);
	assert_int_equal(bindings[1].min_bytes, 3 * 16);
	kiln_reflection_destroy(&reflection);
}

/* A member may lie in the padding at the end of an array before it. */
static void padding_at_the_end_counts_for_the_furthest_member_only(void **state)
{
	struct kiln_reflection *reflection;

	(void)state;
	for (uint32_t last = 0; last < 2; last++) {
		open_module(0x00010300);
		OP(&build, SpvOpDecorate, 20, SpvDecorationArrayStride, 16);
		OP(&build, SpvOpDecorate, 21, SpvDecorationBlock);
		offset(21, 0, 0);
		if (last)
			offset(21, 1, 20);
		place(31, 0, 0);
		spirv_types(&build);
		OP(&build, SpvOpTypeArray, 20, ID_FLOAT, ID_TWO);
		if (last)
			OP(&build, SpvOpTypeStruct, 21, 20, ID_FLOAT);
		else
			OP(&build, SpvOpTypeStruct, 21, 20);
		variable(31, 30, SpvStorageClassUniform, 21);
		reflection = finish();
		assert_int_equal(reflection->entries[0].bindings[0].min_bytes, last ? 24 : 32);
		kiln_reflection_destroy(&reflection);
	}
}

static void physical_pointers_are_eight_bytes_even_ahead_of_their_type(void **state)
{
	struct kiln_reflection *reflection;

	(void)state;
	open_module(0x00010300);
	OP(&build, SpvOpDecorate, 20, SpvDecorationBlock);
	offset(20, 0, 0);
	offset(20, 1, 8);
	place(31, 0, 0);
	spirv_types(&build);
	OP(&build, SpvOpTypeForwardPointer, 21, SpvStorageClassPhysicalStorageBuffer);
	OP(&build, SpvOpTypeStruct, 20, ID_UINT, 21);
	OP(&build, SpvOpTypePointer, 21, SpvStorageClassPhysicalStorageBuffer, 20);
	variable(31, 30, SpvStorageClassStorageBuffer, 20);
	reflection = finish();
	assert_int_equal(reflection->entries[0].bindings[0].min_bytes, 16);
	kiln_reflection_destroy(&reflection);
}

static void arrays_of_descriptors_are_counted_over_all_levels(void **state)
{
	struct kiln_reflection *reflection;
	const struct kiln_binding *bindings;

	(void)state;
	open_module(0x00010300);
	place(31, 0, 0);
	place(33, 0, 1);
	spirv_types(&build);
	OP(&build, SpvOpTypeSampler, 20);
	OP(&build, SpvOpTypeArray, 21, 20, ID_TWO);
	OP(&build, SpvOpTypeArray, 22, 21, ID_FOUR);
	OP(&build, SpvOpTypeRuntimeArray, 23, 20);
	variable(31, 30, SpvStorageClassUniformConstant, 22);
	variable(33, 32, SpvStorageClassUniformConstant, 23);
	reflection = finish();
	bindings = reflection->entries[0].bindings;
	assert_binding(&bindings[0], 0, 0, KILN_BINDING_SAMPLER, 8);
	assert_binding(&bindings[1], 0, 1, KILN_BINDING_SAMPLER, 0);
	kiln_reflection_destroy(&reflection);
}

static void images_are_told_apart(void **state)
{
	/* dimension, sampled, behind a sampled image, expected */
	static const uint32_t cases[][4] = {
		{SpvDim2D, 1, 0, KILN_BINDING_SAMPLED_IMAGE},
		{SpvDim2D, 2, 0, KILN_BINDING_STORAGE_IMAGE},
		{SpvDimBuffer, 1, 0, KILN_BINDING_UNIFORM_TEXEL_BUFFER},
		{SpvDimBuffer, 2, 0, KILN_BINDING_STORAGE_TEXEL_BUFFER},
		{SpvDimCube, 1, 1, KILN_BINDING_COMBINED_IMAGE_SAMPLER},
		{SpvDimBuffer, 1, 1, KILN_BINDING_UNIFORM_TEXEL_BUFFER},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct kiln_reflection *reflection;

		open_module(0x00010300);
		place(31, 0, 0);
		spirv_types(&build);
		OP(&build, SpvOpTypeImage, 20, ID_FLOAT, cases[i][0], 0, 0, 0, cases[i][1],
		   SpvImageFormatR32f);
		OP(&build, SpvOpTypeSampledImage, 21, 20);
		variable(31, 30, SpvStorageClassUniformConstant, cases[i][2] ? 21 : 20);
		reflection = finish();
		assert_binding(&reflection->entries[0].bindings[0], 0, 0, cases[i][3], 1);
		assert_int_equal(reflection->entries[0].bindings[0].min_bytes, 0);
		kiln_reflection_destroy(&reflection);
	}
}

static void images_say_what_they_declare(void **state)
{
	/* dimension, component type, arrayed, multisampled, sampled, behind a sampled image, format; expected dimensions
	 * and component */
	static const uint32_t cases[][9] = {
		{SpvDim1D, ID_FLOAT, 0, 0, 2, 0, SpvImageFormatR32f, 1, KILN_SPEC_F32},
		{SpvDim2D, ID_UINT, 0, 0, 2, 0, SpvImageFormatRgba8ui, 2, KILN_SPEC_U32},
		{SpvDim3D, ID_FLOAT, 0, 0, 1, 1, SpvImageFormatUnknown, 3, KILN_SPEC_F32},
		{SpvDim2D, ID_UINT, 1, 1, 1, 0, SpvImageFormatUnknown, 2, KILN_SPEC_U32},
		{SpvDimCube, ID_FLOAT, 0, 0, 1, 1, SpvImageFormatUnknown, 0, KILN_SPEC_F32},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const uint32_t *c = cases[i];
		const struct kiln_binding_image *image;
		struct kiln_reflection *reflection;

		open_module(0x00010300);
		place(31, 0, 0);
		spirv_types(&build);
		OP(&build, SpvOpTypeImage, 20, c[1], c[0], 0, c[2], c[3], c[4], c[6]);
		OP(&build, SpvOpTypeSampledImage, 21, 20);
		variable(31, 30, SpvStorageClassUniformConstant, c[5] ? 21 : 20);
		reflection = finish();
		image = &reflection->entries[0].bindings[0].image;
		assert_int_equal(image->dimensions, c[7]);
		assert_int_equal(image->component, c[8]);
		assert_int_equal(image->format, c[6]);
		assert_int_equal(image->arrayed, c[2]);
		assert_int_equal(image->multisampled, c[3]);
		kiln_reflection_destroy(&reflection);
	}
}

static void aliased_variables_are_one_binding(void **state)
{
	struct kiln_reflection *reflection;
	const struct kiln_entry_point *entry;

	(void)state;
	open_module(0x00010300);
	OP(&build, SpvOpDecorate, 20, SpvDecorationBlock);
	OP(&build, SpvOpDecorate, 21, SpvDecorationBlock);
	offset(20, 0, 0);
	offset(21, 0, 12);
	place(31, 1, 1);
	place(33, 1, 1);
	OP(&build, SpvOpDecorate, 31, SpvDecorationNonWritable);
	spirv_types(&build);
	OP(&build, SpvOpTypeStruct, 20, ID_UINT);
	OP(&build, SpvOpTypeStruct, 21, ID_UINT);
	variable(31, 30, SpvStorageClassStorageBuffer, 20);
	variable(33, 32, SpvStorageClassStorageBuffer, 21);
	spirv_function(&build, ID_MAIN, 40);
	OP(&build, SpvOpLoad, 20, 41, 31);
	OP(&build, SpvOpStore, 33, 41);
	spirv_function_end(&build);
	reflection = reflect(&build);
	entry = &reflection->entries[0];
	assert_int_equal(entry->binding_count, 1);
	assert_int_equal(entry->bindings[0].min_bytes, 16);
	assert_int_equal(entry->bindings[0].allowed, KILN_ACCESS_READ | KILN_ACCESS_WRITE);
	assert_int_equal(entry->bindings[0].layout.access, KILN_ACCESS_READ | KILN_ACCESS_WRITE);
	kiln_reflection_destroy(&reflection);
}

static void aliases_of_different_kinds_are_refused(void **state)
{
	(void)state;
	open_module(0x00010300);
	place(31, 1, 1);
	place(33, 1, 1);
	spirv_types(&build);
	OP(&build, SpvOpTypeSampler, 20);
	OP(&build, SpvOpTypeArray, 21, 20, ID_TWO);
	variable(31, 30, SpvStorageClassUniformConstant, 20);
	variable(33, 32, SpvStorageClassUniformConstant, 21);
	spirv_close(&build);
	refuse_saying(&build, KILN_ERR_SPIRV_INVALID, "set 1 binding 1 is declared as");
}

static void variable_without_its_place_is_refused(void **state)
{
	(void)state;
	open_module(0x00010300);
	OP(&build, SpvOpName, 31), spirv_text(&build, "smooth");
	OP(&build, SpvOpDecorate, 31, SpvDecorationDescriptorSet, 0);
	spirv_types(&build);
	OP(&build, SpvOpTypeSampler, 20);
	variable(31, 30, SpvStorageClassUniformConstant, 20);
	spirv_close(&build);
	refuse_saying(&build, KILN_ERR_SPIRV_INVALID, "\"smooth\" has no Binding");
}

static void block_without_a_layout_is_refused(void **state)
{
	(void)state;
	for (uint32_t given = 0; given < 3; given++) {
		open_module(0x00010300);
		if (given != 0)
			OP(&build, SpvOpDecorate, 21, SpvDecorationBlock);
		if (given != 1)
			offset(21, 0, 0);
		place(31, 0, 0);
		spirv_types(&build);
		OP(&build, SpvOpTypeArray, 20, ID_FLOAT, ID_TWO); /* without ArrayStride */
		OP(&build, SpvOpTypeStruct, 21, given == 1 ? ID_FLOAT : 20);
		variable(31, 30, SpvStorageClassUniform, 21);
		spirv_close(&build);
		refuse_saying(&build, KILN_ERR_SPIRV_INVALID,
		              given == 0 ? "not a struct decorated Block" : "members without");
	}
}

static void push_constants_have_offset_and_end(void **state)
{
	struct kiln_reflection *reflection;
	const struct kiln_entry_point *entry;

	(void)state;
	open_module(0x00010300);
	OP(&build, SpvOpDecorate, 20, SpvDecorationBlock);
	offset(20, 0, 32);
	offset(20, 1, 16);
	spirv_types(&build);
	OP(&build, SpvOpTypeStruct, 20, ID_UINT, ID_FLOAT);
	variable(31, 30, SpvStorageClassPushConstant, 20);
	reflection = finish();
	entry = &reflection->entries[0];
	assert_int_equal(entry->push_offset, 16);
	assert_int_equal(entry->push_bytes, 36);
	assert_int_equal(entry->binding_count, 0);
	assert_int_equal(entry->features.bits, KILN_FEATURE_PUSH_CONSTANTS);
	kiln_reflection_destroy(&reflection);
}

static void workgroup_memory_is_summed_when_used(void **state)
{
	struct kiln_reflection *reflection;

	(void)state;
	open_module(0x00010300);
	spirv_types(&build);
	OP(&build, SpvOpTypeArray, 20, ID_FLOAT, ID_FOUR);
	OP(&build, SpvOpTypeBool, 21);
	variable(31, 30, SpvStorageClassWorkgroup, 20);
	variable(33, 32, SpvStorageClassWorkgroup, 21);
	variable(35, 34, SpvStorageClassWorkgroup, ID_UINT);
	spirv_function(&build, ID_MAIN, 40);
	OP(&build, SpvOpLoad, 20, 41, 31);
	OP(&build, SpvOpLoad, 21, 42, 33);
	spirv_function_end(&build);
	reflection = reflect(&build);
	assert_int_equal(reflection->entries[0].shared_bytes, 4 * 4 + 4);
	kiln_reflection_destroy(&reflection);
}

/* With an explicit layout all blocks lie over one another. */
static void workgroup_blocks_count_the_largest(void **state)
{
	static const uint32_t orders[2][2] = {{31, 33}, {33, 31}};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct kiln_reflection *reflection;

		open_module(0x00010400);
		for (uint32_t type = 20; type < 22; type++) {
			OP(&build, SpvOpDecorate, type, SpvDecorationBlock);
			offset(type, 0, type == 20 ? 60 : 4);
		}
		spirv_types(&build);
		OP(&build, SpvOpTypeStruct, 20, ID_UINT);
		OP(&build, SpvOpTypeStruct, 21, ID_UINT);
		variable(31, 30, SpvStorageClassWorkgroup, 20);
		variable(33, 32, SpvStorageClassWorkgroup, 21);
		spirv_function(&build, ID_MAIN, 40);
		OP(&build, SpvOpStore, orders[i][0], ID_ONE);
		OP(&build, SpvOpStore, orders[i][1], ID_ONE);
		spirv_function_end(&build);
		reflection = reflect(&build);
		assert_int_equal(reflection->entries[0].shared_bytes, 64);
		kiln_reflection_destroy(&reflection);
	}
}

static void long_names_are_cut_at_a_whole_character(void **state)
{
	struct kiln_reflection *reflection;
	char name[301];
	const char *got;

	(void)state;
	/* 254 letters, then two-byte characters: the 255th byte is the first half of one. */
	memset(name, 'a', 254);
	for (size_t i = 254; i < 300; i += 2)
		memcpy(name + i, "\xc3\xa4", 2);
	name[300] = '\0';
	open_module(0x00010300);
	OP(&build, SpvOpName, 31), spirv_text(&build, name);
	place(31, 0, 0);
	spirv_types(&build);
	OP(&build, SpvOpTypeSampler, 20);
	variable(31, 30, SpvStorageClassUniformConstant, 20);
	reflection = finish();
	got = reflection->entries[0].bindings[0].name;
	assert_int_equal(strlen(got), 254);
	assert_memory_equal(got, name, 254);
	kiln_reflection_destroy(&reflection);
}

static void built_in_inputs_are_noticed(void **state)
{
	struct kiln_reflection *reflection;

	(void)state;
	spirv_begin(&build, 0x00010000);
	OP(&build, SpvOpCapability, SpvCapabilityShader);
	OP(&build, SpvOpMemoryModel, 0, 1);
	spirv_entry(&build, ID_MAIN, "main");
	spirv_word(&build, 31);
	spirv_local_size(&build, 1, 1, 1);
	OP(&build, SpvOpDecorate, 31, SpvDecorationBuiltIn, SpvBuiltInNumWorkgroups);
	OP(&build, SpvOpDecorate, 33, SpvDecorationBuiltIn, SpvBuiltInWorkgroupId);
	spirv_types(&build);
	OP(&build, SpvOpTypeVector, 20, ID_UINT, 3);
	variable(31, 30, SpvStorageClassInput, 20);
	variable(33, 32, SpvStorageClassInput, 20);
	reflection = finish();
	assert_true(reflection->entries[0].uses_num_workgroups);
	assert_false(reflection->entries[0].uses_workgroup_id);
	kiln_reflection_destroy(&reflection);
}

static void groups_decorate_each_of_their_targets(void **state)
{
	struct kiln_reflection *reflection;
	const struct kiln_binding *bindings;

	(void)state;
	open_module(0x00010000);
	OP(&build, SpvOpDecorate, 40, SpvDecorationDescriptorSet, 3);
	OP(&build, SpvOpDecorate, 40, SpvDecorationNonWritable);
	OP(&build, SpvOpDecorationGroup, 40);
	OP(&build, SpvOpGroupDecorate, 40, 31, 33);
	OP(&build, SpvOpDecorate, 41, SpvDecorationOffset, 8);
	OP(&build, SpvOpDecorationGroup, 41);
	OP(&build, SpvOpGroupMemberDecorate, 41, 20, 0);
	OP(&build, SpvOpDecorate, 20, SpvDecorationBufferBlock);
	OP(&build, SpvOpDecorate, 31, SpvDecorationBinding, 5);
	OP(&build, SpvOpDecorate, 33, SpvDecorationBinding, 6);
	spirv_types(&build);
	OP(&build, SpvOpTypeStruct, 20, ID_UINT);
	variable(31, 30, SpvStorageClassUniform, 20);
	variable(33, 32, SpvStorageClassUniform, 20);
	reflection = finish();
	bindings = reflection->entries[0].bindings;
	for (uint32_t i = 0; i < 2; i++) {
		assert_binding(&bindings[i], 3, 5 + i, KILN_BINDING_STORAGE_BUFFER, 1);
		assert_int_equal(bindings[i].allowed, KILN_ACCESS_READ);
		assert_int_equal(bindings[i].min_bytes, 12);
	}
	kiln_reflection_destroy(&reflection);
}

static void runtime_array_before_the_end_is_refused(void **state)
{
	(void)state;
	open_module(0x00010300);
	spirv_types(&build);
	OP(&build, SpvOpTypeRuntimeArray, 20, ID_UINT);
	OP(&build, SpvOpTypeStruct, 21, 20, ID_UINT);
	spirv_close(&build);
	refuse_saying(&build, KILN_ERR_SPIRV_INVALID, "member 0 is a run-time array");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(storage_buffer_has_fixed_part_and_stride),
		cmocka_unit_test(old_and_new_forms_of_buffers_are_told_apart),
		cmocka_unit_test(matrices_count_their_strides),
		cmocka_unit_test(padding_at_the_end_counts_for_the_furthest_member_only),
		cmocka_unit_test(physical_pointers_are_eight_bytes_even_ahead_of_their_type),
		cmocka_unit_test(arrays_of_descriptors_are_counted_over_all_levels),
		cmocka_unit_test(images_are_told_apart),
		cmocka_unit_test(images_say_what_they_declare),
		cmocka_unit_test(aliased_variables_are_one_binding),
		cmocka_unit_test(aliases_of_different_kinds_are_refused),
		cmocka_unit_test(variable_without_its_place_is_refused),
		cmocka_unit_test(block_without_a_layout_is_refused),
		cmocka_unit_test(push_constants_have_offset_and_end),
		cmocka_unit_test(workgroup_memory_is_summed_when_used),
		cmocka_unit_test(workgroup_blocks_count_the_largest),
		cmocka_unit_test(long_names_are_cut_at_a_whole_character),
		cmocka_unit_test(built_in_inputs_are_noticed),
		cmocka_unit_test(groups_decorate_each_of_their_targets),
		cmocka_unit_test(runtime_array_before_the_end_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
