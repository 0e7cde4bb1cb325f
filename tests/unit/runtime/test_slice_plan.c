/* How a grid is cut: every workgroup once, slices about as long as the budget, on a clock that the test turns. */
#include "test.h"

#include <stdlib.h>
#include <string.h>

#include "slice.h"

#define MS 1000000u

/* A device on which a workgroup takes so long, and a submission so long by itself. */
struct machine {
	uint64_t group_ps, submit_ns;
};

struct course {
	uint64_t slices, groups, longest_ns, longest_late_ns; /* late: behind the first 16 */
};

static uint64_t time_of(const struct machine *machine, uint64_t groups)
{
	return machine->submit_ns + groups * machine->group_ps / 1000;
}

/* What slice.c does, without a device. */
static struct course run(struct kiln_slice_plan *plan, const struct machine *machine)
{
	struct course course = {0};
	struct kiln_slice slice;
	bool probing = plan->group_ps == 0;

	while (kiln_slice_next(plan, &slice)) {
		uint64_t groups = kiln_slice_total(slice.groups), ns = time_of(machine, groups);

		plan->group_ps = kiln_slice_lesson(plan->group_ps, groups, ns, probing);
		probing = probing && ns < plan->budget_ns / 8;
		course.longest_ns = ns > course.longest_ns ? ns : course.longest_ns;
		if (course.slices >= 16 && ns > course.longest_late_ns)
			course.longest_late_ns = ns;
		course.slices++;
		course.groups += groups;
	}
	return course;
}

static struct kiln_slice_plan plan_of(uint32_t x, uint32_t y, uint32_t z, uint64_t budget_ns)
{
	struct kiln_slice_plan plan;

	kiln_slice_plan_init(&plan, (uint32_t[]){x, y, z}, budget_ns, 64, 0);
	return plan;
}

/* ---- Cutting ---- */

static void assert_covers(const uint32_t groups[3], uint64_t floor, uint64_t group_ps, uint64_t budget_ns)
{
	uint64_t total = kiln_slice_total(groups);
	uint8_t *seen = calloc(total ? total : 1, 1);
	struct kiln_slice_plan plan;
	struct kiln_slice s;

	kiln_slice_plan_init(&plan, groups, budget_ns, floor, group_ps);
	while (kiln_slice_next(&plan, &s))
		for (uint32_t z = s.base[2]; z < s.base[2] + s.groups[2]; z++)
			for (uint32_t y = s.base[1]; y < s.base[1] + s.groups[1]; y++)
				for (uint32_t x = s.base[0]; x < s.base[0] + s.groups[0]; x++) {
					assert_true(x < groups[0] && y < groups[1] && z < groups[2]);
					seen[((uint64_t)z * groups[1] + y) * groups[0] + x]++;
				}
	for (uint64_t i = 0; i < total; i++)
		assert_int_equal(seen[i], 1);
	assert_int_equal(plan.handed, total);
	free(seen);
}

static void every_workgroup_is_in_one_slice(void **state)
{
	static const uint32_t grids[][3] = {{1, 1, 1},   {65, 1, 1}, {1, 1000, 1}, {1, 1, 777},
	                                    {7, 11, 13}, {64, 3, 5}, {3, 1, 100},  {100, 100, 2}};
	static const uint64_t speeds[] = {0, 1, 1000000, 33000000, 1000000000, UINT64_MAX};

	(void)state;
	for (size_t g = 0; g < sizeof(grids) / sizeof(*grids); g++)
		for (size_t s = 0; s < sizeof(speeds) / sizeof(*speeds); s++)
			for (uint64_t floor = 0; floor < 80; floor += 7)
				assert_covers(grids[g], floor, speeds[s], MS);
}

static void empty_grid_has_no_slices(void **state)
{
	struct kiln_slice_plan plan = plan_of(5, 0, 7, MS);
	struct kiln_slice slice;

	(void)state;
	assert_false(kiln_slice_next(&plan, &slice));
}

static void no_budget_is_one_slice(void **state)
{
	struct kiln_slice_plan plan = plan_of(UINT32_MAX, 3, 7, 0);
	struct kiln_slice slice;

	(void)state;
	assert_true(kiln_slice_next(&plan, &slice));
	assert_memory_equal(slice.groups, ((uint32_t[]){UINT32_MAX, 3, 7}), 12);
	assert_false(kiln_slice_next(&plan, &slice));
}

/* 65 with slices of at most 64 are 33 and 32, not 64 and 1. */
static void pieces_of_a_row_are_about_equal(void **state)
{
	struct kiln_slice_plan plan = plan_of(65, 4, 1, MS);
	struct kiln_slice slice;

	(void)state;
	assert_true(kiln_slice_next(&plan, &slice));
	assert_int_equal(slice.groups[0], 33);
	assert_true(kiln_slice_next(&plan, &slice));
	assert_int_equal(slice.base[0], 33);
	assert_int_equal(slice.groups[0], 32);
}

/* ---- Time ---- */

static void slices_keep_to_the_budget_on_machines_of_every_speed(void **state)
{
	(void)state;
	for (uint64_t group_ps = 10; group_ps <= UINT64_C(1000000000); group_ps *= 10) {
		const struct machine machine = {group_ps, 20000};
		struct kiln_slice_plan plan = plan_of(4000, 500, 1, 100 * MS);
		struct course course = run(&plan, &machine);
		uint64_t all_ns = time_of(&machine, 2000000);

		assert_int_equal(course.groups, 2000000);
		assert_true(course.longest_ns <= 101 * MS);
		assert_true(course.slices <= 20 + 2 * (all_ns / (100 * MS) + 1));
	}
}

static void unknown_kernel_begins_small_and_grows_geometrically(void **state)
{
	struct kiln_slice_plan plan = plan_of(1u << 20, 1, 1, 100 * MS);
	const uint32_t expected[] = {64, 128, 256, 512};
	struct kiln_slice slice;

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		assert_true(kiln_slice_next(&plan, &slice));
		assert_in_range(slice.groups[0], expected[i] * 9 / 10, expected[i]);
		plan.group_ps = 1; /* very fast, it seems */
	}
}

/* Known to be fast, and a hundred times slower this time: the first slice is too long, and no other. */
static void kernel_that_became_slow_is_cut_finer_at_once(void **state)
{
	const struct machine machine = {100000000, 0}; /* 0.1 ms a group */
	struct kiln_slice_plan plan = plan_of(1000000, 1, 1, 100 * MS);
	struct course course;

	(void)state;
	plan.group_ps = 1000000;
	course = run(&plan, &machine);
	assert_true(course.longest_ns > 5000ull * MS);
	assert_in_range(course.longest_late_ns, 50 * MS, 100 * MS);
}

static void first_measurements_with_a_compile_in_them_are_forgotten(void **state)
{
	uint64_t known =
		kiln_slice_lesson(0, 64, 15 * MS, true); /* 15 ms for 64 groups: the driver compiled */

	(void)state;
	assert_int_equal(known, 15ull * MS * 1000 / 64);
	known = kiln_slice_lesson(known, 256, 30000, true);
	assert_int_equal(known, 30000ull * 1000 / 256);
}

static void slower_counts_at_once_and_faster_little_by_little(void **state)
{
	(void)state;
	assert_int_equal(kiln_slice_lesson(1000, 1, 4, false), 4000);
	assert_int_equal(kiln_slice_lesson(4000, 1, 2, false), 3500);
	assert_int_equal(kiln_slice_lesson(4000, 0, 2, false), 4000);
	assert_int_equal(kiln_slice_lesson(0, 1000000, 0, false), 1);
	assert_int_equal(kiln_slice_lesson(0, 1, UINT64_MAX, false), UINT64_MAX);
}

/* ---- Absurd inputs ---- */

static void number_of_slices_is_bounded_whatever_is_believed(void **state)
{
	const struct machine stopped = {UINT64_C(1) << 50, 0};
	struct kiln_slice_plan plan = plan_of(65535, 65535, 64, 1);
	struct course course;

	(void)state;
	course = run(&plan, &stopped);
	assert_int_equal(course.groups, 65535ull * 65535 * 64);
	assert_true(course.slices <= 3 * KILN_SLICES_MAX);
}

static void largest_grid_overflows_nothing(void **state)
{
	struct kiln_slice_plan plan = plan_of(UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT64_MAX - 1);
	struct kiln_slice slice;

	(void)state;
	assert_int_equal(plan.total, UINT64_MAX);
	for (int i = 0; i < 1000; i++) {
		assert_true(kiln_slice_next(&plan, &slice));
		for (int d = 0; d < 3; d++) {
			assert_true(slice.groups[d] > 0);
			assert_true((uint64_t)slice.base[d] + slice.groups[d] <= UINT32_MAX);
		}
		plan.group_ps = i % 3 ? UINT64_MAX : (uint64_t)i;
	}
	assert_int_equal(kiln_slice_fitting(0, 5), UINT64_MAX);
	assert_int_equal(kiln_slice_fitting(1, UINT64_MAX), UINT64_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty_grid_has_no_slices),
		cmocka_unit_test(every_workgroup_is_in_one_slice),
		cmocka_unit_test(first_measurements_with_a_compile_in_them_are_forgotten),
		cmocka_unit_test(kernel_that_became_slow_is_cut_finer_at_once),
		cmocka_unit_test(largest_grid_overflows_nothing),
		cmocka_unit_test(no_budget_is_one_slice),
		cmocka_unit_test(number_of_slices_is_bounded_whatever_is_believed),
		cmocka_unit_test(pieces_of_a_row_are_about_equal),
		cmocka_unit_test(slices_keep_to_the_budget_on_machines_of_every_speed),
		cmocka_unit_test(slower_counts_at_once_and_faster_little_by_little),
		cmocka_unit_test(unknown_kernel_begins_small_and_grows_geometrically),
	};

	return cmocka_run_group_tests_name("slice plan", tests, NULL, NULL);
}
