#include "search_test.h"

#include <autotune/decision.h>

static struct kiln_decision_entry entry(size_t config, double ratio, uint32_t won, uint32_t paired)
{
	return (struct kiln_decision_entry){config, ratio, 0.001, won, paired};
}

static void a_clear_winner_wins(void **state)
{
	const struct kiln_decision_entry entries[] = {entry(3, 0.8, 10, 10), entry(5, 0.9, 10, 10)};
	struct kiln_decision decision = kiln_decide(entries, 2);

	(void)state;
	assert_int_equal(decision.winner, 3);
	assert_int_equal(decision.fastest, 3);
	assert_true(decision.decided);
}

static void less_than_three_percent_is_not_worth_it(void **state)
{
	const struct kiln_decision_entry entries[] = {entry(3, 0.975, 10, 10)};

	(void)state;
	assert_int_equal(kiln_decide(entries, 1).winner, 0);
	assert_true(kiln_decide(entries, 1).decided);
	assert_false(kiln_decide(entries, 1).beaten);
}

static void eight_of_ten_rounds_are_not_enough(void **state)
{
	struct kiln_decision_entry entries[] = {entry(3, 0.8, 8, 10)};

	(void)state;
	assert_int_equal(kiln_decide(entries, 1).winner, 0);
	assert_true(kiln_decide(entries, 1).beaten);
	assert_false(kiln_decide(entries, 1).decided);
	entries[0].won = 9;
	assert_int_equal(kiln_decide(entries, 1).winner, 3);
}

static void nine_of_nine_rounds_are_not_ten(void **state)
{
	const struct kiln_decision_entry entries[] = {entry(3, 0.5, 9, 9)};

	(void)state;
	assert_int_equal(kiln_decide(entries, 1).winner, 0);
	assert_false(kiln_decide(entries, 1).decided);
}

static void the_simplest_of_a_tie_wins(void **state)
{
	const struct kiln_decision_entry entries[] = {entry(9, 0.800, 10, 10), entry(4, 0.812, 10, 10),
	                                              entry(2, 0.86, 10, 10)};

	(void)state;
	assert_int_equal(kiln_decide(entries, 3).winner, 4);
	assert_int_equal(kiln_decide(entries, 3).fastest, 9);
}

/* The lowest of three that are equal is lower than they are. */
static void the_line_is_drawn_from_all_that_are_fastest(void **state)
{
	const struct kiln_decision_entry entries[] = {entry(9, 0.800, 10, 10), entry(8, 0.802, 10, 10),
	                                              entry(7, 0.803, 10, 10), entry(2, 0.8245, 10, 10)};

	(void)state;
	assert_true(0.8245 > 0.800 * KILN_DECISION_TIE);
	assert_int_equal(kiln_decide(entries, 4).winner, 2);
	/* With one that is much faster than the rest, it alone counts. */
	assert_int_equal(kiln_decide((const struct kiln_decision_entry[]){entries[0], entries[3]}, 2).winner,
	                 9);
}

static void a_tie_that_lost_its_rounds_does_not_win(void **state)
{
	const struct kiln_decision_entry entries[] = {entry(9, 0.80, 10, 10), entry(4, 0.81, 8, 10)};

	(void)state;
	assert_int_equal(kiln_decide(entries, 2).winner, 9);
}

static void what_is_near_the_line_stays_open(void **state)
{
	struct kiln_decision_entry entries[] = {entry(9, 0.8, 10, 10), entry(4, 0.8 * 1.0302, 10, 10)};

	(void)state;
	assert_false(kiln_decide(entries, 2).decided);
	/* A less simple one cannot change the winner, wherever it is. */
	entries[1].config = 11;
	assert_true(kiln_decide(entries, 2).decided);
	entries[0].ratio = 0.9705;
	assert_false(kiln_decide(entries, 1).decided);
}

static void nothing_at_all_keeps_the_default(void **state)
{
	(void)state;
	assert_int_equal(kiln_decide(NULL, 0).winner, 0);
	assert_true(kiln_decide(NULL, 0).decided);
}

static void the_hopeless_is_out_and_the_near_is_not(void **state)
{
	const struct kiln_decision_entry entries[] = {entry(1, 0.8, 5, 5), entry(2, 0.9, 5, 5),
	                                              entry(3, 0.821, 5, 5)};
	struct kiln_decision decision = kiln_decide(entries, 3);

	(void)state;
	assert_true(kiln_decision_is_out(&entries[1], &decision));
	assert_false(kiln_decision_is_out(&entries[2], &decision));
	assert_false(kiln_decision_is_out(&entries[0], &decision));
}

/* The line is not the fastest's own: something that wins as a tie must not be dropped before it does. */
static void what_ties_is_never_out(void **state)
{
	struct kiln_decision_entry entries[] = {entry(9, 0.800, 10, 10), entry(8, 0.802, 10, 10),
	                                        entry(7, 0.803, 10, 10), entry(2, 0.8250, 10, 10)};
	struct kiln_decision decision;

	(void)state;
	for (size_t i = 0; i < 4; i++)
		entries[i].error = 0;
	decision = kiln_decide(entries, 4);
	assert_int_equal(decision.winner, 2);
	assert_false(kiln_decision_is_out(&entries[3], &decision));
}

static void a_disturbed_machine_is_sampled_more_often(void **state)
{
	(void)state;
	assert_int_equal(kiln_decision_passes_per_round(0), 1);
	assert_int_equal(kiln_decision_passes_per_round(0.2), 2);
	assert_int_equal(kiln_decision_passes_per_round(0.4), 4);
	assert_int_equal(kiln_decision_passes_per_round(1), 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_clear_winner_wins),
		cmocka_unit_test(less_than_three_percent_is_not_worth_it),
		cmocka_unit_test(eight_of_ten_rounds_are_not_enough),
		cmocka_unit_test(nine_of_nine_rounds_are_not_ten),
		cmocka_unit_test(the_simplest_of_a_tie_wins),
		cmocka_unit_test(the_line_is_drawn_from_all_that_are_fastest),
		cmocka_unit_test(a_tie_that_lost_its_rounds_does_not_win),
		cmocka_unit_test(what_is_near_the_line_stays_open),
		cmocka_unit_test(nothing_at_all_keeps_the_default),
		cmocka_unit_test(the_hopeless_is_out_and_the_near_is_not),
		cmocka_unit_test(what_ties_is_never_out),
		cmocka_unit_test(a_disturbed_machine_is_sampled_more_often),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
