/* Specialisation constants, workgroup sizes made of them, and features. */
#include "reflect_test.h"

#include <string.h>

static struct spirv_build build;

static void open_module(void)
{
	spirv_open(&build, 0x00010300);
}

static void constants_of_every_type_are_listed_by_id(void **state)
{
	struct kiln_reflection *reflection;
	const struct kiln_spec_constant *constants;

	(void)state;
	open_module();
	spirv_local_size(&build, 1, 1, 1);
	OP(&build, SpvOpName, 31), spirv_text(&build, "LARGE");
	for (uint32_t i = 0; i < 7; i++)
		OP(&build, SpvOpDecorate, 30 + i, SpvDecorationSpecId, 90 - i * 10);
	spirv_types(&build);
	OP(&build, SpvOpTypeBool, 20);
	OP(&build, SpvOpTypeInt, 21, 64, 1);
	OP(&build, SpvOpTypeInt, 22, 16, 1);
	OP(&build, SpvOpTypeInt, 23, 8, 0);
	OP(&build, SpvOpTypeFloat, 24, 16, 0); /* bfloat16 */
	OP(&build, SpvOpTypeFloat, 25, 64);
	OP(&build, SpvOpSpecConstantTrue, 20, 30);
	OP(&build, SpvOpSpecConstant, 21, 31, 0xfffffffe, 0xffffffff);
	OP(&build, SpvOpSpecConstant, 22, 32, 0xffffff80);
	OP(&build, SpvOpSpecConstant, 23, 33, 0xff);
	OP(&build, SpvOpSpecConstant, 24, 34, 0x3f80);
	OP(&build, SpvOpSpecConstant, 25, 35, 0, 0x3ff00000);
	OP(&build, SpvOpSpecConstantFalse, 20, 36);
	OP(&build, SpvOpSpecConstant, ID_UINT, 37, 4); /* without SpecId */
	spirv_close(&build);
	reflection = reflect(&build);
	constants = reflection->constants;
	assert_int_equal(reflection->constant_count, 7);
	for (uint32_t i = 0; i < 7; i++)
		assert_int_equal(constants[i].id, 30 + i * 10);
	assert_int_equal(constants[0].type, KILN_SPEC_BOOL);
	assert_int_equal(constants[0].default_value, 0);
	assert_int_equal(constants[1].type, KILN_SPEC_F64);
	assert_true(constants[1].default_value == UINT64_C(0x3ff0000000000000));
	assert_int_equal(constants[2].type, KILN_SPEC_BF16);
	assert_int_equal(constants[2].size, 2);
	assert_int_equal(constants[3].type, KILN_SPEC_U8);
	assert_int_equal(constants[4].type, KILN_SPEC_I16);
	assert_int_equal(constants[4].default_value, 0xff80);
	assert_int_equal(constants[5].type, KILN_SPEC_I64);
	assert_true(constants[5].default_value == UINT64_MAX - 1);
	assert_string_equal(constants[5].name, "LARGE");
	assert_int_equal(constants[6].type, KILN_SPEC_BOOL);
	assert_int_equal(constants[6].size, 4);
	assert_int_equal(constants[6].default_value, 1);
	assert_null(constants[6].name);
	assert_false(reflection->spec_sized);
	kiln_reflection_destroy(&reflection);
}

static void one_id_on_constants_of_two_types_is_refused(void **state)
{
	(void)state;
	for (uint32_t same = 0; same < 2; same++) {
		open_module();
		spirv_local_size(&build, 1, 1, 1);
		OP(&build, SpvOpDecorate, 30, SpvDecorationSpecId, 5);
		OP(&build, SpvOpDecorate, 31, SpvDecorationSpecId, 5);
		spirv_types(&build);
		OP(&build, SpvOpSpecConstant, ID_UINT, 30, 1);
		OP(&build, SpvOpSpecConstant, same ? ID_UINT : ID_FLOAT, 31, 1);
		spirv_close(&build);
		if (same) {
			struct kiln_reflection *reflection = reflect(&build);

			assert_int_equal(reflection->constant_count, 1);
			kiln_reflection_destroy(&reflection);
		} else {
			refuse_saying(&build, KILN_ERR_SPIRV_INVALID, "constant 5 is declared as");
		}
	}
}

/* A workgroup of {constant 3 = 16, constant 3 * 2, 1}, by built-in or by LocalSizeId, and an array of that
 * size. */
static void build_sized(bool built_in)
{
	open_module();
	if (built_in)
		spirv_local_size(&build, 1, 1, 1);
	else
		OP(&build, SpvOpExecutionModeId, ID_MAIN, SpvExecutionModeLocalSizeId, 30, 31, ID_ONE);
	OP(&build, SpvOpDecorate, 30, SpvDecorationSpecId, 3);
	if (built_in)
		OP(&build, SpvOpDecorate, 33, SpvDecorationBuiltIn, SpvBuiltInWorkgroupSize);
	spirv_types(&build);
	OP(&build, SpvOpSpecConstant, ID_UINT, 30, 16);
	OP(&build, SpvOpSpecConstantOp, ID_UINT, 31, SpvOpIMul, 30, ID_TWO);
	OP(&build, SpvOpTypeVector, 32, ID_UINT, 3);
	OP(&build, SpvOpSpecConstantComposite, 32, 33, 30, 31, ID_ONE);
	OP(&build, SpvOpSpecConstantOp, ID_UINT, 34, SpvOpCompositeExtract, 33, 1);
	OP(&build, SpvOpTypeArray, 35, ID_UINT, 34);
	OP(&build, SpvOpTypePointer, 36, SpvStorageClassWorkgroup, 35);
	OP(&build, SpvOpVariable, 36, 37, SpvStorageClassWorkgroup);
	spirv_function(&build, ID_MAIN, 40);
	OP(&build, SpvOpLoad, 35, 41, 37);
	spirv_function_end(&build);
}

static void workgroup_size_may_be_specialised(void **state)
{
	(void)state;
	for (uint32_t built_in = 0; built_in < 2; built_in++) {
		const struct kiln_spec_value value = {3, 4, 5};
		struct kiln_reflection *reflection, *other = NULL;
		const struct kiln_workgroup_dim *dims;

		build_sized(built_in != 0);
		reflection = reflect(&build);
		dims = reflection->entries[0].workgroup;
		assert_int_equal(dims[0].size, 16);
		assert_true(dims[0].specialised);
		assert_int_equal(dims[0].spec_id, 3);
		assert_int_equal(dims[1].size, 32);
		assert_false(dims[1].specialised);
		assert_true(dims[1].derived);
		assert_int_equal(dims[2].size, 1);
		assert_false(dims[2].specialised || dims[2].derived);
		assert_true(reflection->spec_sized);
		assert_int_equal(reflection->entries[0].shared_bytes, 32 * 4);

		assert_status(kiln_reflect_specialized(build.words, build.count * 4, &value, 1, &other),
		              KILN_OK);
		assert_int_equal(other->entries[0].workgroup[0].size, 5);
		assert_int_equal(other->entries[0].workgroup[1].size, 10);
		assert_int_equal(other->entries[0].shared_bytes, 10 * 4);
		assert_int_equal(other->constants[0].default_value, 16);
		assert_true(kiln_digest_equal(&other->program, &reflection->program));
		kiln_reflection_destroy(&reflection);
		kiln_reflection_destroy(&other);
	}
}

static void values_that_do_not_fit_are_refused(void **state)
{
	const struct kiln_spec_value unknown = {4, 4, 5}, wide = {3, 8, 5}, zero = {3, 4, 0};
	struct kiln_reflection *reflection = NULL;

	(void)state;
	build_sized(true);
	assert_status(kiln_reflect_specialized(build.words, build.count * 4, &unknown, 1, &reflection),
	              KILN_ERR_SPECIALIZATION);
	assert_non_null(strstr(kiln_error_message(), "no specialisation constant 4"));
	assert_status(kiln_reflect_specialized(build.words, build.count * 4, &wide, 1, &reflection),
	              KILN_ERR_SPECIALIZATION);
	assert_status(kiln_reflect_specialized(build.words, build.count * 4, &zero, 1, &reflection),
	              KILN_ERR_SPIRV_INVALID);
	assert_null(reflection);
}

static void entry_point_without_workgroup_size_is_refused(void **state)
{
	(void)state;
	open_module();
	spirv_types(&build);
	spirv_close(&build);
	refuse_saying(&build, KILN_ERR_SPIRV_INVALID, "\"main\" declares no workgroup size");
	open_module();
	spirv_local_size(&build, 4, 0, 1);
	spirv_types(&build);
	spirv_close(&build);
	refuse_saying(&build, KILN_ERR_SPIRV_INVALID, "a workgroup dimension is 0");
	open_module();
	spirv_local_size(&build, 4, 1, 1);
	spirv_local_size(&build, 8, 1, 1);
	spirv_types(&build);
	spirv_close(&build);
	refuse_saying(&build, KILN_ERR_SPIRV_INVALID, "a second time");
}

struct operation {
	uint32_t opcode;
	uint32_t a, b;
	uint32_t expected; /* of an array length, so at least 1 */
};

/* `type` is a 32-bit integer; the result of the operation is the length of an array of samplers. */
static void check_operation(const struct operation *operation, uint32_t is_signed)
{
	struct kiln_reflection *reflection;

	open_module();
	spirv_local_size(&build, 1, 1, 1);
	OP(&build, SpvOpDecorate, 42, SpvDecorationDescriptorSet, 0);
	OP(&build, SpvOpDecorate, 42, SpvDecorationBinding, 0);
	spirv_types(&build);
	OP(&build, SpvOpTypeInt, 20, 32, 1);
	OP(&build, SpvOpTypeBool, 21);
	OP(&build, SpvOpSpecConstant, is_signed ? 20 : ID_UINT, 30, operation->a);
	OP(&build, SpvOpSpecConstant, is_signed ? 20 : ID_UINT, 31, operation->b);
	if (operation->opcode == SpvOpSNegate || operation->opcode == SpvOpNot)
		OP(&build, SpvOpSpecConstantOp, is_signed ? 20 : ID_UINT, 32, operation->opcode, 30);
	else if (operation->opcode >= SpvOpIEqual && operation->opcode <= SpvOpSLessThanEqual)
		OP(&build, SpvOpSpecConstantOp, 21, 33, operation->opcode, 30, 31),
			OP(&build, SpvOpSpecConstantOp, ID_UINT, 32, SpvOpSelect, 33, ID_FOUR, ID_TWO);
	else
		OP(&build, SpvOpSpecConstantOp, is_signed ? 20 : ID_UINT, 32, operation->opcode, 30, 31);
	OP(&build, SpvOpTypeSampler, 34);
	OP(&build, SpvOpTypeArray, 35, 34, 32);
	OP(&build, SpvOpTypePointer, 41, SpvStorageClassUniformConstant, 35);
	OP(&build, SpvOpVariable, 41, 42, SpvStorageClassUniformConstant);
	spirv_close(&build);
	reflection = reflect(&build);
	if (reflection->entries[0].bindings[0].layout.count != operation->expected)
		fail_msg("opcode %u of %d and %d gives %u, expected %u", operation->opcode, (int)operation->a,
		         (int)operation->b, reflection->entries[0].bindings[0].layout.count,
		         operation->expected);
	kiln_reflection_destroy(&reflection);
}

static void expressions_are_worked_out(void **state)
{
	static const struct operation unsigned_ones[] = {
		{SpvOpIAdd, 7, 5, 12},
		{SpvOpISub, 7, 5, 2},
		{SpvOpIMul, 7, 5, 35},
		{SpvOpUDiv, 37, 5, 7},
		{SpvOpUMod, 37, 5, 2},
		{SpvOpShiftLeftLogical, 3, 4, 48},
		{SpvOpShiftRightLogical, 0x80000000, 28, 8},
		{SpvOpBitwiseAnd, 12, 6, 4},
		{SpvOpBitwiseOr, 12, 6, 14},
		{SpvOpBitwiseXor, 12, 6, 10},
		{SpvOpNot, 0xfffffffa, 0, 5},
		{SpvOpIEqual, 3, 3, 4},
		{SpvOpINotEqual, 3, 3, 2},
		{SpvOpUGreaterThan, 0xffffffff, 1, 4},
		{SpvOpULessThanEqual, 0xffffffff, 1, 2},
	};
	static const struct operation signed_ones[] = {
		{SpvOpSDiv, -35u, -5u, 7},           {SpvOpSRem, 37, -5u, 2},  {SpvOpSMod, -37u, 5, 3},
		{SpvOpSNegate, -9u, 0, 9},           {SpvOpISub, -2u, -5u, 3}, {SpvOpSLessThan, -1u, 1, 4},
		{SpvOpSGreaterThanEqual, -1u, 1, 2},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(unsigned_ones) / sizeof(unsigned_ones[0]); i++)
		check_operation(&unsigned_ones[i], 0);
	for (size_t i = 0; i < sizeof(signed_ones) / sizeof(signed_ones[0]); i++)
		check_operation(&signed_ones[i], 1);
}

static void sizes_nobody_can_work_out_are_refused(void **state)
{
	/* opcode, right operand, status */
	static const struct {
		uint32_t opcode, right;
		enum kiln_status status;
	} cases[] = {
		{SpvOpUDiv, 0, KILN_ERR_UNSUPPORTED},
		{SpvOpShiftLeftLogical, 32, KILN_ERR_UNSUPPORTED},
		{SpvOpFAdd, 1, KILN_ERR_UNSUPPORTED},
		{SpvOpIMul, 0, KILN_ERR_SPIRV_INVALID},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		open_module();
		spirv_local_size(&build, 1, 1, 1);
		spirv_types(&build);
		OP(&build, SpvOpConstant, ID_UINT, 30, cases[i].right);
		OP(&build, SpvOpSpecConstantOp, ID_UINT, 31, cases[i].opcode, ID_FOUR, 30);
		OP(&build, SpvOpTypeArray, 32, ID_UINT, 31);
		spirv_close(&build);
		if (cases[i].status == KILN_ERR_UNSUPPORTED)
			refuse_saying(&build, cases[i].status, "an expression that Kiln does not evaluate");
		else
			refuse_saying(&build, cases[i].status, "the length is 0");
	}
}

static void features_come_from_capabilities_and_types(void **state)
{
	static const struct {
		uint32_t capability, bits;
	} cases[] = {
		{SpvCapabilityInt64, 0},
		{SpvCapabilityGroupNonUniform, KILN_FEATURE_SUBGROUP_OPS},
		{SpvCapabilityGroupNonUniformQuad, KILN_FEATURE_SUBGROUP_OPS},
		{SpvCapabilitySubgroupBallotKHR, KILN_FEATURE_SUBGROUP_OPS},
		{SpvCapabilityFloat16, KILN_FEATURE_F16},
		{5116, KILN_FEATURE_BF16},
		{SpvCapabilityCooperativeMatrixNV, KILN_FEATURE_TENSOR_CORES},
		{6022, KILN_FEATURE_TENSOR_CORES},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct kiln_reflection *reflection;

		spirv_begin(&build, 0x00010600);
		OP(&build, SpvOpCapability, SpvCapabilityShader);
		OP(&build, SpvOpCapability, cases[i].capability);
		OP(&build, SpvOpCapability, SpvCapabilityShader);
		OP(&build, SpvOpExtension), spirv_text(&build, "SPV_KHR_something");
		OP(&build, SpvOpMemoryModel, 0, 1);
		spirv_entry(&build, ID_MAIN, "main");
		spirv_local_size(&build, 1, 1, 1);
		spirv_types(&build);
		spirv_close(&build);
		reflection = reflect(&build);
		assert_int_equal(reflection->entries[0].features.bits, cases[i].bits);
		assert_int_equal(reflection->capability_count, 2);
		assert_int_equal(reflection->capabilities[1], cases[i].capability);
		assert_string_not_equal(kiln_capability_name(cases[i].capability), "?");
		assert_int_equal(reflection->extension_count, 1);
		assert_string_equal(reflection->extensions[0], "SPV_KHR_something");
		kiln_reflection_destroy(&reflection);
	}
	assert_string_equal(kiln_capability_name(1), "Shader");
	assert_string_equal(kiln_capability_name(123456), "?");
	assert_string_equal(kiln_spec_type_name(0), "?");
	assert_string_equal(kiln_spec_type_name(KILN_SPEC_BF16), "bf16");
	assert_string_equal(kiln_binding_type_name(99), "?");
}

static void sixteen_bit_floats_are_a_feature_without_arithmetic_too(void **state)
{
	(void)state;
	for (uint32_t bf16 = 0; bf16 < 2; bf16++) {
		struct kiln_reflection *reflection;

		open_module();
		spirv_local_size(&build, 1, 1, 1);
		spirv_types(&build);
		OP(&build, SpvOpTypeFloat, 20, 16);
		if (bf16)
			spirv_word(&build, 0);
		spirv_close(&build);
		reflection = reflect(&build);
		assert_int_equal(reflection->entries[0].features.bits,
		                 bf16 ? KILN_FEATURE_BF16 : KILN_FEATURE_F16);
		kiln_reflection_destroy(&reflection);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(constants_of_every_type_are_listed_by_id),
		cmocka_unit_test(one_id_on_constants_of_two_types_is_refused),
		cmocka_unit_test(workgroup_size_may_be_specialised),
		cmocka_unit_test(values_that_do_not_fit_are_refused),
		cmocka_unit_test(entry_point_without_workgroup_size_is_refused),
		cmocka_unit_test(expressions_are_worked_out),
		cmocka_unit_test(sizes_nobody_can_work_out_are_refused),
		cmocka_unit_test(features_come_from_capabilities_and_types),
		cmocka_unit_test(sixteen_bit_floats_are_a_feature_without_arithmetic_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
