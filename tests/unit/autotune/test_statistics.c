#include "search_test.h"

#include <math.h>

#include <autotune/statistics.h>

static void only_times_are_usable(void **state)
{
	(void)state;
	assert_true(kiln_stat_usable(1));
	assert_true(kiln_stat_usable(0.5));
	assert_false(kiln_stat_usable(0));
	assert_false(kiln_stat_usable(-1));
	assert_false(kiln_stat_usable(NAN));
	assert_false(kiln_stat_usable(INFINITY));
	assert_false(kiln_stat_usable(1e300));
}

static void the_faster_half_ignores_spikes(void **state)
{
	const double quiet[] = {10, 11, 12, 13, 14, 15, 16, 17};
	const double spiked[] = {10, 1500, 11, 1600, 12, 1700, 13, 900};

	(void)state;
	assert_near(kiln_stat_fast(quiet, 8), 11.5);
	assert_near(kiln_stat_fast(spiked, 8), 11.5);
	assert_near(kiln_stat_median(quiet, 8), 13.5);
	assert_near(kiln_stat_fast(quiet, 1), 10);
	assert_near(kiln_stat_fast(quiet, 0), 0);
}

static void the_error_is_that_of_the_estimate(void **state)
{
	double values[40], estimates[400], sum = 0, squares = 0, said = 0;
	uint64_t random = 7;

	(void)state;
	for (int trial = 0; trial < 400; trial++) {
		for (int i = 0; i < 40; i++) {
			double u = (double)(kiln_stat_random(&random) >> 11) / 9007199254740992.0;
			double v = (double)(kiln_stat_random(&random) >> 11) / 9007199254740992.0;

			values[i] = 100 * (1 + 0.02 * sqrt(-2 * log(1 - u)) * cos(6.2831853 * v));
		}
		estimates[trial] = kiln_stat_fast(values, 40);
		said += kiln_stat_error(values, 40) / 400;
		sum += estimates[trial];
		squares += estimates[trial] * estimates[trial];
	}
	sum /= 400;
	squares = sqrt(squares / 400 - sum * sum) / sum;
	/* Never too small, and not useless: within 0.9 and 2.5 of the truth. */
	assert_true(said > 0.9 * squares);
	assert_true(said < 2.5 * squares);
	assert_near(kiln_stat_error(values, 2), 1);
}

static void drift_and_disturbed_samples_are_seen(void **state)
{
	double steady[30], moved[30], hit[30];

	(void)state;
	for (int i = 0; i < 30; i++) {
		steady[i] = 100 + i % 3;
		moved[i] = steady[i] * (i >= 15 ? 1.3 : 1);
		hit[i] = steady[i] * (i % 3 == 0 ? 2 : 1);
	}
	assert_true(kiln_stat_drift(steady, 30) < 0.01);
	assert_true(kiln_stat_drift(moved, 30) > 0.25);
	assert_near(kiln_stat_drift(moved, 8), 0);
	assert_near(kiln_stat_slow_share(steady, 30, 0.1), 0);
	assert_near(kiln_stat_slow_share(hit, 30, 0.1), 1 / 3.0);
}

static void a_shuffle_is_the_same_for_one_seed_and_loses_nothing(void **state)
{
	size_t a[20], b[20], seen = 0, moved = 0;
	uint64_t first = 5, second = 5;

	(void)state;
	for (size_t i = 0; i < 20; i++)
		a[i] = b[i] = i;
	kiln_stat_shuffle(a, 20, &first);
	kiln_stat_shuffle(b, 20, &second);
	assert_memory_equal(a, b, sizeof(a));
	for (size_t i = 0; i < 20; i++) {
		seen |= (size_t)1 << a[i];
		moved += a[i] != i;
	}
	assert_int_equal(seen, (1 << 20) - 1);
	assert_true(moved > 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_times_are_usable),
		cmocka_unit_test(the_faster_half_ignores_spikes),
		cmocka_unit_test(the_error_is_that_of_the_estimate),
		cmocka_unit_test(drift_and_disturbed_samples_are_seen),
		cmocka_unit_test(a_shuffle_is_the_same_for_one_seed_and_loses_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
