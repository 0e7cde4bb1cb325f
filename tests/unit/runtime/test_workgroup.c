#include "test.h"

#include <string.h>

#include "workgroup.h"

static const struct kiln_workgroup_limits limits = {{1024, 1024, 64}, 1024};
static const uint32_t none[3];

/* An entry point whose dimensions have these sizes; `ids` 0 = literal. */
static struct kiln_entry_point entry_of(const uint32_t sizes[3], const uint32_t ids[3])
{
	struct kiln_entry_point entry = {.name = "main"};

	for (int d = 0; d < 3; d++)
		entry.workgroup[d] = (struct kiln_workgroup_dim){.size = sizes[d], .specialised = ids[d] != 0, .spec_id = ids[d]};
	return entry;
}

static struct kiln_workgroup_choice chosen(const uint32_t sizes[3], const uint32_t ids[3], const uint32_t wanted[3],
                                           const uint32_t *record)
{
	struct kiln_entry_point entry = entry_of(sizes, ids);
	struct kiln_workgroup_choice choice;

	assert_int_equal(kiln_workgroup_choose(&entry, sizes, wanted, record, &limits, false, &choice), KILN_OK);
	return choice;
}

#define V(x, y, z) ((const uint32_t[3]){x, y, z})
#define assert_choice(choice, x, y, z, from)                          \
	do {                                                          \
		struct kiln_workgroup_choice c_ = (choice);           \
		assert_memory_equal(c_.size, V(x, y, z), sizeof(c_.size)); \
		assert_int_equal(c_.source, from);                    \
	} while (0)

static void a_literal_size_is_fixed(void **state)
{
	(void)state;
	assert_choice(chosen(V(8, 8, 1), none, none, NULL), 8, 8, 1, KILN_WORKGROUP_FIXED);
	assert_choice(chosen(V(1, 1, 1), none, none, NULL), 1, 1, 1, KILN_WORKGROUP_FIXED);
}

static void the_kernels_own_size_stands_without_wish_or_record(void **state)
{
	(void)state;
	assert_choice(chosen(V(256, 1, 1), V(7, 0, 0), none, NULL), 256, 1, 1, KILN_WORKGROUP_KERNEL);
}

static void only_a_size_of_all_ones_gets_the_rule(void **state)
{
	(void)state;
	assert_choice(chosen(V(1, 1, 1), V(7, 8, 9), none, NULL), 64, 1, 1, KILN_WORKGROUP_RULE);
	assert_choice(chosen(V(1, 4, 1), V(7, 8, 9), none, NULL), 1, 4, 1, KILN_WORKGROUP_KERNEL);
	assert_choice(chosen(V(1, 4, 1), V(7, 0, 9), none, NULL), 64, 4, 1, KILN_WORKGROUP_RULE);
	assert_choice(chosen(V(1, 1, 1), V(7, 7, 0), none, NULL), 1, 1, 1, KILN_WORKGROUP_KERNEL);
}

static void a_record_beats_the_kernel_and_a_wish_beats_the_record(void **state)
{
	(void)state;
	assert_choice(chosen(V(256, 1, 1), V(7, 0, 0), none, V(32, 1, 1)), 32, 1, 1, KILN_WORKGROUP_STORE);
	assert_choice(chosen(V(256, 1, 1), V(7, 0, 0), V(16, 0, 0), V(32, 1, 1)), 16, 1, 1, KILN_WORKGROUP_EXPLICIT);
}

static void a_record_that_does_not_fit_is_passed_over_and_said(void **state)
{
	struct kiln_workgroup_choice choice;

	(void)state;
	choice = chosen(V(256, 1, 1), V(7, 0, 0), none, V(32, 2, 1)); /* y is literal */
	assert_choice(choice, 256, 1, 1, KILN_WORKGROUP_KERNEL);
	assert_string_not_equal(choice.note, "");
	assert_choice(chosen(V(256, 1, 1), V(7, 0, 0), none, V(4096, 1, 1)), 256, 1, 1, KILN_WORKGROUP_KERNEL);
	assert_choice(chosen(V(8, 8, 1), V(7, 7, 0), none, V(8, 4, 1)), 8, 8, 1, KILN_WORKGROUP_KERNEL);
}

static void a_wish_against_a_literal_size_is_refused(void **state)
{
	struct kiln_entry_point entry = entry_of(V(8, 8, 1), none);
	struct kiln_workgroup_choice choice;

	(void)state;
	assert_int_equal(kiln_workgroup_choose(&entry, V(8, 8, 1), V(16, 0, 0), NULL, &limits, false, &choice),
	                 KILN_ERR_INVALID_ARGUMENT);
	assert_non_null(strstr(kiln_error_message(), "Fix:"));
	assert_int_equal(kiln_workgroup_choose(&entry, V(8, 8, 1), V(8, 8, 1), NULL, &limits, false, &choice), KILN_OK);
}

static void dimensions_set_by_one_constant_follow_a_wish(void **state)
{
	struct kiln_entry_point entry = entry_of(V(8, 8, 1), V(7, 7, 0));
	struct kiln_workgroup_choice choice;

	(void)state;
	assert_choice(chosen(V(8, 8, 1), V(7, 7, 0), V(16, 0, 0), NULL), 16, 16, 1, KILN_WORKGROUP_EXPLICIT);
	assert_choice(chosen(V(8, 8, 1), V(7, 7, 0), V(0, 4, 0), NULL), 4, 4, 1, KILN_WORKGROUP_EXPLICIT);
	assert_int_equal(kiln_workgroup_choose(&entry, V(8, 8, 1), V(16, 8, 0), NULL, &limits, false, &choice),
	                 KILN_ERR_INVALID_ARGUMENT);
}

static void sizes_beyond_the_device_are_refused(void **state)
{
	static const uint32_t sizes[][3] = {{2048, 1, 1}, {64, 64, 1}, {1, 1, 65}, {0xffffffff, 0xffffffff, 1}};
	struct kiln_workgroup_choice choice;

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct kiln_entry_point entry = entry_of(sizes[i], none);

		assert_int_equal(kiln_workgroup_choose(&entry, sizes[i], none, NULL, &limits, false, &choice),
		                 KILN_ERR_WORKGROUP_LIMIT);
	}
}

static void callers_constants_change_the_own_size(void **state)
{
	struct kiln_entry_point entry = entry_of(V(64, 2, 1), V(7, 0, 0));
	const struct kiln_spec_value spec[] = {{3, 4, 5}, {7, 4, 96}};
	uint32_t size[3];

	(void)state;
	kiln_workgroup_default(&entry, spec, 2, size);
	assert_memory_equal(size, V(96, 2, 1), sizeof(size));
}

static void rounding_further_is_noticed_in_any_dimension(void **state)
{
	(void)state;
	assert_false(kiln_workgroup_rounds_further(V(64, 1, 1), V(1, 1, 1), V(128, 1, 1)));
	assert_true(kiln_workgroup_rounds_further(V(64, 1, 1), V(1, 1, 1), V(100, 1, 1)));
	assert_false(kiln_workgroup_rounds_further(V(64, 1, 1), V(256, 1, 1), V(100, 1, 1)));
	assert_true(kiln_workgroup_rounds_further(V(8, 8, 1), V(64, 1, 1), V(64, 3, 1)));
	assert_true(kiln_workgroup_rounds_further(V(0xfffffffe, 1, 1), V(1, 1, 1), V(0xffffffff, 1, 1)));
}

static void a_literal_size_of_a_resizable_kernel_may_be_asked_for_and_tuned(void **state)
{
	struct kiln_entry_point entry = entry_of(V(8, 8, 1), none);
	struct kiln_workgroup_choice choice;

	(void)state;
	assert_int_equal(kiln_workgroup_choose(&entry, V(8, 8, 1), V(16, 0, 0), NULL, &limits, true, &choice), KILN_OK);
	assert_choice(choice, 16, 8, 1, KILN_WORKGROUP_EXPLICIT);
	assert_int_equal(kiln_workgroup_choose(&entry, V(8, 8, 1), none, V(64, 1, 1), &limits, true, &choice), KILN_OK);
	assert_choice(choice, 64, 1, 1, KILN_WORKGROUP_STORE);
	assert_int_equal(kiln_workgroup_choose(&entry, V(8, 8, 1), none, NULL, &limits, true, &choice), KILN_OK);
	assert_choice(choice, 8, 8, 1, KILN_WORKGROUP_FIXED);
	entry.workgroup[1].specialised = true; /* then the others are fixed */
	assert_int_equal(kiln_workgroup_choose(&entry, V(8, 8, 1), none, V(64, 1, 1), &limits, true, &choice), KILN_OK);
	assert_choice(choice, 8, 8, 1, KILN_WORKGROUP_KERNEL);
}

static void a_derived_dimension_of_a_record_follows(void **state)
{
	struct kiln_entry_point entry = entry_of(V(8, 16, 1), V(7, 0, 0));
	struct kiln_workgroup_choice choice;

	(void)state;
	entry.workgroup[1].derived = true;
	assert_int_equal(kiln_workgroup_choose(&entry, V(8, 16, 1), none, V(4, 8, 1), &limits, false, &choice), KILN_OK);
	assert_choice(choice, 4, 8, 1, KILN_WORKGROUP_STORE);
	assert_int_equal(kiln_workgroup_choose(&entry, V(8, 16, 1), V(4, 4, 1), NULL, &limits, false, &choice),
	                 KILN_ERR_INVALID_ARGUMENT);
}

static const char *why_not(const struct kiln_workgroup_tuning *tuning, const uint32_t size[3])
{
	const char *reason = NULL;
	bool may = kiln_workgroup_tunable(tuning, size, &limits, &reason);

	assert_int_equal(may, reason[0] == '\0');
	return reason;
}

#define assert_says(text, part) assert_non_null(strstr((text), (part)))

static void a_tuner_needs_the_proof_and_may_not_round_further(void **state)
{
	struct kiln_entry_point entry = entry_of(V(64, 1, 1), V(7, 0, 0));
	struct kiln_workgroup_tuning tuning = {.entry = &entry, .own = {64, 1, 1}, .threads = {256, 1, 1}};

	(void)state;
	assert_string_equal(why_not(&tuning, V(64, 1, 1)), ""); /* its own needs nothing */
	assert_says(why_not(&tuning, V(128, 1, 1)), "not compared");
	tuning.on_copies = true;
	assert_string_equal(why_not(&tuning, V(128, 1, 1)), "");
	assert_says(why_not(&tuning, V(512, 1, 1)), "round the threads up");
	tuning.on_copies = false;
	tuning.proven = true;
	assert_string_equal(why_not(&tuning, V(128, 1, 1)), "");
	assert_string_equal(why_not(&tuning, V(32, 1, 1)), "");
	assert_says(why_not(&tuning, V(512, 1, 1)), "round the threads up");
	assert_says(why_not(&tuning, V(2048, 1, 1)), "device");
	assert_says(why_not(&tuning, V(64, 2, 1)), "fixes");
	tuning.threads[0] = 0;
	assert_says(why_not(&tuning, V(128, 1, 1)), "not known");
	tuning.guarded = true;
	assert_string_equal(why_not(&tuning, V(128, 1, 1)), "");
	tuning.threads[0] = 100;
	assert_string_equal(why_not(&tuning, V(512, 1, 1)), "");
}

static void a_literal_size_is_tuned_where_it_may_be_changed(void **state)
{
	struct kiln_entry_point entry = entry_of(V(64, 1, 1), none);
	struct kiln_workgroup_tuning tuning = {
		.entry = &entry, .own = {64, 1, 1}, .threads = {256, 1, 1}, .proven = true};

	(void)state;
	assert_says(why_not(&tuning, V(128, 1, 1)), "fixes");
	tuning.resizable = true;
	assert_string_equal(why_not(&tuning, V(128, 1, 1)), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_derived_dimension_of_a_record_follows),
		cmocka_unit_test(a_literal_size_is_tuned_where_it_may_be_changed),
		cmocka_unit_test(a_literal_size_of_a_resizable_kernel_may_be_asked_for_and_tuned),
		cmocka_unit_test(a_tuner_needs_the_proof_and_may_not_round_further),
		cmocka_unit_test(a_literal_size_is_fixed),
		cmocka_unit_test(the_kernels_own_size_stands_without_wish_or_record),
		cmocka_unit_test(only_a_size_of_all_ones_gets_the_rule),
		cmocka_unit_test(a_record_beats_the_kernel_and_a_wish_beats_the_record),
		cmocka_unit_test(a_record_that_does_not_fit_is_passed_over_and_said),
		cmocka_unit_test(a_wish_against_a_literal_size_is_refused),
		cmocka_unit_test(dimensions_set_by_one_constant_follow_a_wish),
		cmocka_unit_test(sizes_beyond_the_device_are_refused),
		cmocka_unit_test(callers_constants_change_the_own_size),
		cmocka_unit_test(rounding_further_is_noticed_in_any_dimension),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
