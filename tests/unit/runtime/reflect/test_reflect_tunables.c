/* What may be tuned: constants by name and by id, and what they do to shared memory. */
#include "reflect_test.h"

#include <string.h>

static struct spirv_build build;

/* Names of constants with ids from 30 and SpecIds from 10 on, all uint = 4 but for what `type` and `value` say of the first. */
static void build_named(const char *const *names, uint32_t count, uint32_t type, uint32_t value)
{
	spirv_open(&build, 0x00010300);
	spirv_local_size(&build, 1, 1, 1);
	for (uint32_t i = 0; i < count; i++)
		OP(&build, SpvOpName, 30 + i), spirv_text(&build, names[i]);
	for (uint32_t i = 0; i < count; i++)
		OP(&build, SpvOpDecorate, 30 + i, SpvDecorationSpecId, 10 + i);
	spirv_types(&build);
	OP(&build, SpvOpTypeInt, 20, 32, 1);
	OP(&build, SpvOpTypeInt, 21, 16, 0);
	for (uint32_t i = 0; i < count; i++)
		OP(&build, SpvOpSpecConstant, i == 0 ? type : ID_UINT, 30 + i, i == 0 ? value : 4);
	spirv_close(&build);
}

static enum kiln_status tunables_of(const struct kiln_tunable_id *ids, size_t count, struct kiln_tunables *out)
{
	static struct kiln_reflection *reflection; /* owns the names */

	kiln_reflection_destroy(&reflection);
	reflection = reflect(&build);
	return kiln_reflection_tunables(reflection, &reflection->entries[0], ids, count, out);
}

static void constants_are_found_by_their_names(void **state)
{
	const char *const names[] = {"TILE_Y", "UNROLL", "TILE_X", "unroll", "TILE_Z"};
	struct kiln_tunables tunables;

	(void)state;
	build_named(names, 5, 20, 16);
	assert_status(tunables_of(NULL, 0, &tunables), KILN_OK);
	assert_true(tunables.constants[KILN_TUNABLE_UNROLL].declared);
	assert_int_equal(tunables.constants[KILN_TUNABLE_UNROLL].spec_id, 11);
	assert_int_equal(tunables.constants[KILN_TUNABLE_UNROLL].default_value, 4);
	assert_string_equal(tunables.constants[KILN_TUNABLE_UNROLL].name, "UNROLL");
	assert_int_equal(tunables.constants[KILN_TUNABLE_TILE_X].spec_id, 12);
	assert_int_equal(tunables.constants[KILN_TUNABLE_TILE_Y].spec_id, 10);
	assert_int_equal(tunables.constants[KILN_TUNABLE_TILE_Y].default_value, 16);
	assert_int_equal(tunables.constants[KILN_TUNABLE_TILE_Z].spec_id, 14);
}

static void a_kernel_without_any_has_none(void **state)
{
	struct kiln_tunables tunables;

	(void)state;
	spirv_minimal(&build);
	assert_status(tunables_of(NULL, 0, &tunables), KILN_OK);
	for (int i = 0; i < KILN_TUNABLES; i++) {
		assert_false(tunables.constants[i].declared);
		assert_string_equal(tunables.constants[i].note, "");
	}
}

static void a_constant_that_only_has_the_name_is_not_tuned(void **state)
{
	const struct {
		uint32_t type, value;
		const char *says;
	} cases[] = {
		{ID_FLOAT, 0x3f800000, "32-bit integer"},
		{21, 4, "32-bit integer"},
		{20, 0xffffffff, "default"},
		{ID_UINT, 0, "default"},
	};
	const char *const names[] = {"UNROLL"};
	const char *const twice[] = {"UNROLL", "UNROLL"};
	struct kiln_tunables tunables;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		build_named(names, 1, cases[i].type, cases[i].value);
		assert_status(tunables_of(NULL, 0, &tunables), KILN_OK);
		assert_false(tunables.constants[KILN_TUNABLE_UNROLL].declared);
		assert_non_null(strstr(tunables.constants[KILN_TUNABLE_UNROLL].note, cases[i].says));
	}
	build_named(twice, 2, ID_UINT, 4);
	assert_status(tunables_of(NULL, 0, &tunables), KILN_OK);
	assert_false(tunables.constants[KILN_TUNABLE_UNROLL].declared);
	assert_non_null(strstr(tunables.constants[KILN_TUNABLE_UNROLL].note, "two"));
}

static void the_callers_ids_win_over_names(void **state)
{
	const char *const names[] = {"DEPTH", "UNROLL", "TILE_X"};
	const struct kiln_tunable_id depth = {KILN_TUNABLE_UNROLL, 10};
	const struct kiln_tunable_id swapped = {KILN_TUNABLE_TILE_X, 11};
	struct kiln_tunables tunables;

	(void)state;
	build_named(names, 3, ID_UINT, 2);
	assert_status(tunables_of(&depth, 1, &tunables), KILN_OK);
	assert_int_equal(tunables.constants[KILN_TUNABLE_UNROLL].spec_id, 10);
	assert_int_equal(tunables.constants[KILN_TUNABLE_TILE_X].spec_id, 12);
	assert_status(tunables_of(&swapped, 1, &tunables), KILN_OK);
	assert_int_equal(tunables.constants[KILN_TUNABLE_TILE_X].spec_id, 11);
	assert_false(tunables.constants[KILN_TUNABLE_UNROLL].declared);
	assert_string_not_equal(tunables.constants[KILN_TUNABLE_UNROLL].note, "");
}

static void a_wrong_id_of_the_callers_is_an_error(void **state)
{
	const char *const names[] = {"DEPTH"};
	const struct kiln_tunable_id unknown = {KILN_TUNABLE_UNROLL, 77}, real = {KILN_TUNABLE_UNROLL, 10};
	const struct kiln_tunable_id twice[] = {{KILN_TUNABLE_UNROLL, 10}, {KILN_TUNABLE_TILE_X, 10}};
	const struct kiln_tunable_id beyond = {KILN_TUNABLES, 10};
	struct kiln_tunables tunables;

	(void)state;
	build_named(names, 1, ID_FLOAT, 0x3f800000);
	assert_status(tunables_of(&unknown, 1, &tunables), KILN_ERR_SPECIALIZATION);
	assert_non_null(strstr(kiln_error_message(), "constant 77"));
	assert_status(tunables_of(&real, 1, &tunables), KILN_ERR_SPECIALIZATION);
	assert_non_null(strstr(kiln_error_message(), "32-bit"));
	assert_status(tunables_of(twice, 2, &tunables), KILN_ERR_INVALID_ARGUMENT);
	assert_status(tunables_of(&beyond, 1, &tunables), KILN_ERR_INVALID_ARGUMENT);
}

/* LocalSizeId of a constant of `width` bits. */
static void build_sized_by(uint32_t width)
{
	spirv_open(&build, 0x00010300);
	OP(&build, SpvOpExecutionModeId, ID_MAIN, SpvExecutionModeLocalSizeId, 30, ID_ONE, ID_ONE);
	OP(&build, SpvOpName, 30), spirv_text(&build, "TILE_X");
	OP(&build, SpvOpDecorate, 30, SpvDecorationSpecId, 3);
	spirv_types(&build);
	if (width == 32) {
		OP(&build, SpvOpSpecConstant, ID_UINT, 30, 16);
	} else {
		OP(&build, SpvOpTypeInt, 20, width, 0);
		if (width == 64)
			OP(&build, SpvOpSpecConstant, 20, 30, 16, 0);
		else
			OP(&build, SpvOpSpecConstant, 20, 30, 16);
	}
	spirv_close(&build);
}

static void what_sets_the_workgroup_is_no_tile_of_its_own(void **state)
{
	struct kiln_tunables tunables;

	(void)state;
	build_sized_by(32);
	assert_status(tunables_of(NULL, 0, &tunables), KILN_OK);
	assert_false(tunables.constants[KILN_TUNABLE_TILE_X].declared);
	assert_non_null(strstr(tunables.constants[KILN_TUNABLE_TILE_X].note, "workgroup"));
}

static void a_workgroup_constant_of_another_width_is_refused(void **state)
{
	(void)state;
	build_sized_by(16);
	refuse_saying(&build, KILN_ERR_SPIRV_INVALID, "an integer of 16 bits; expected 32");
	build_sized_by(64);
	refuse_saying(&build, KILN_ERR_SPIRV_INVALID, "an integer of 64 bits; expected 32");
}

/* shared float a[C3 * C4], unused[4]; `both`: b[C3 << C4] too. */
static void build_shared(bool both)
{
	spirv_open(&build, 0x00010300);
	spirv_local_size(&build, 8, 1, 1);
	OP(&build, SpvOpDecorate, 30, SpvDecorationSpecId, 3);
	OP(&build, SpvOpDecorate, 31, SpvDecorationSpecId, 4);
	spirv_types(&build);
	OP(&build, SpvOpSpecConstant, ID_UINT, 30, 16);
	OP(&build, SpvOpSpecConstant, ID_UINT, 31, 2);
	OP(&build, SpvOpSpecConstantOp, ID_UINT, 32, SpvOpIMul, 30, 31);
	OP(&build, SpvOpSpecConstantOp, ID_UINT, 33, SpvOpShiftLeftLogical, 30, 31);
	OP(&build, SpvOpTypeArray, 34, ID_FLOAT, 32);
	OP(&build, SpvOpTypeArray, 35, ID_FLOAT, both ? 33 : ID_FOUR);
	OP(&build, SpvOpTypePointer, 36, SpvStorageClassWorkgroup, 34);
	OP(&build, SpvOpTypePointer, 37, SpvStorageClassWorkgroup, 35);
	OP(&build, SpvOpVariable, 36, 38, SpvStorageClassWorkgroup);
	OP(&build, SpvOpVariable, 37, 39, SpvStorageClassWorkgroup);
	spirv_function(&build, ID_MAIN, 40);
	OP(&build, SpvOpLoad, 34, 41, 38);
	if (both)
		OP(&build, SpvOpLoad, 35, 42, 39);
	spirv_function_end(&build);
}

static enum kiln_status shared_of(uint32_t three, uint32_t four, uint64_t *out_bytes)
{
	const struct kiln_spec_value values[] = {{3, 4, three}, {4, 4, four}};

	return kiln_reflect_shared_bytes(build.words, build.count * 4, NULL, values, 2, out_bytes);
}

static void shared_memory_follows_the_constants(void **state)
{
	uint64_t bytes = 7;

	(void)state;
	build_shared(false);
	assert_status(kiln_reflect_shared_bytes(build.words, build.count * 4, "main", NULL, 0, &bytes), KILN_OK);
	assert_int_equal(bytes, 16 * 2 * 4);
	assert_status(shared_of(5, 7, &bytes), KILN_OK);
	assert_int_equal(bytes, 5 * 7 * 4);
	build_shared(true);
	assert_status(shared_of(5, 7, &bytes), KILN_OK);
	assert_int_equal(bytes, 5 * 7 * 4 + (5 << 7) * 4);
}

static void a_length_that_wraps_around_is_refused(void **state)
{
	uint64_t bytes = 7;

	(void)state;
	build_shared(false);
	assert_status(shared_of(65537, 65536, &bytes), KILN_ERR_TOO_LARGE); /* 65536 after wrapping */
	assert_non_null(strstr(kiln_error_message(), "Fix: "));
	assert_status(shared_of(65536, 65536, &bytes), KILN_ERR_SPIRV_INVALID); /* 0 after wrapping */
	assert_status(shared_of(65536, 65535, &bytes), KILN_OK);
	build_shared(true);
	assert_status(shared_of(0x18000000, 4, &bytes), KILN_ERR_TOO_LARGE); /* the shift */
	assert_status(shared_of(5, 30, &bytes), KILN_ERR_TOO_LARGE);
}

/* N * -1 as an unsigned product goes beyond the type and is right all the same. */
static void a_negative_factor_is_no_overflow(void **state)
{
	uint64_t bytes = 0;

	(void)state;
	spirv_open(&build, 0x00010300);
	spirv_local_size(&build, 8, 1, 1);
	OP(&build, SpvOpDecorate, 30, SpvDecorationSpecId, 3);
	spirv_types(&build);
	OP(&build, SpvOpSpecConstant, ID_UINT, 30, 0xfffffff0); /* -16 */
	OP(&build, SpvOpConstant, ID_UINT, 31, 0xffffffff);
	OP(&build, SpvOpSpecConstantOp, ID_UINT, 32, SpvOpIMul, 30, 31);
	OP(&build, SpvOpTypeArray, 34, ID_FLOAT, 32);
	OP(&build, SpvOpTypePointer, 36, SpvStorageClassWorkgroup, 34);
	OP(&build, SpvOpVariable, 36, 38, SpvStorageClassWorkgroup);
	spirv_function(&build, ID_MAIN, 40);
	OP(&build, SpvOpLoad, 34, 41, 38);
	spirv_function_end(&build);
	assert_status(kiln_reflect_shared_bytes(build.words, build.count * 4, NULL, NULL, 0, &bytes), KILN_OK);
	assert_int_equal(bytes, 16 * 4);
}

static void what_the_module_does_not_have_is_refused(void **state)
{
	const struct kiln_spec_value unknown = {9, 4, 1}, wide = {3, 8, 1};
	uint64_t bytes = 7;

	(void)state;
	build_shared(false);
	assert_status(kiln_reflect_shared_bytes(build.words, build.count * 4, NULL, &unknown, 1, &bytes),
	              KILN_ERR_SPECIALIZATION);
	assert_status(kiln_reflect_shared_bytes(build.words, build.count * 4, NULL, &wide, 1, &bytes),
	              KILN_ERR_SPECIALIZATION);
	assert_status(kiln_reflect_shared_bytes(build.words, build.count * 4, "other", NULL, 0, &bytes),
	              KILN_ERR_SPIRV_ENTRY_POINT);
	assert_status(kiln_reflect_shared_bytes(build.words, 8, NULL, NULL, 0, &bytes), KILN_ERR_SPIRV_TRUNCATED);
	assert_int_equal(bytes, 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_constant_that_only_has_the_name_is_not_tuned),
		cmocka_unit_test(a_kernel_without_any_has_none),
		cmocka_unit_test(a_length_that_wraps_around_is_refused),
		cmocka_unit_test(a_negative_factor_is_no_overflow),
		cmocka_unit_test(a_workgroup_constant_of_another_width_is_refused),
		cmocka_unit_test(a_wrong_id_of_the_callers_is_an_error),
		cmocka_unit_test(constants_are_found_by_their_names),
		cmocka_unit_test(shared_memory_follows_the_constants),
		cmocka_unit_test(the_callers_ids_win_over_names),
		cmocka_unit_test(what_sets_the_workgroup_is_no_tile_of_its_own),
		cmocka_unit_test(what_the_module_does_not_have_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
