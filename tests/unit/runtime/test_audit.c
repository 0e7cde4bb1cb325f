/* The audit: what counts, what the rate is, when it alarms. */
#include "test.h"

#include <kiln/audit.h>

static struct kiln_audit_report report_of(uint64_t hits, uint64_t misses, uint64_t unknowns, uint32_t alarm)
{
	struct kiln_audit audit = {hits, misses, unknowns, alarm};

	return kiln_audit_report(&audit);
}

static void no_data_has_no_rate_and_alarms_never(void **state)
{
	struct kiln_audit_report report = report_of(0, 0, 0, 10000);

	(void)state;
	assert_false(report.has_rate);
	assert_int_equal(report.rate_basis_points, 0);
	assert_false(report.below_alarm);
}

static void unknowns_are_counted_and_do_not_count(void **state)
{
	struct kiln_audit audit;
	struct kiln_audit_report report;

	(void)state;
	kiln_audit_init(&audit, 5000);
	kiln_audit_add(&audit, KILN_HIT_UNKNOWN);
	kiln_audit_add(&audit, (enum kiln_hit)7);
	assert_false(kiln_audit_report(&audit).has_rate);
	assert_false(kiln_audit_report(&audit).below_alarm);
	kiln_audit_add(&audit, KILN_HIT_TRUE);
	report = kiln_audit_report(&audit);
	assert_int_equal(report.hits, 1);
	assert_int_equal(report.misses, 0);
	assert_int_equal(report.unknowns, 2);
	assert_true(report.has_rate);
	assert_int_equal(report.rate_basis_points, 10000);
}

static void rate_is_of_hits_and_misses_rounded_down(void **state)
{
	static const struct {
		uint64_t hits, misses;
		uint32_t rate;
	} rows[] = {
		{1, 0, 10000},
		{0, 1, 0},
		{1, 1, 5000},
		{1, 2, 3333},
		{2, 1, 6666},
		{9999, 1, 9999},
		{99999, 1, 9999}, /* not 100 % */
		{1, 9999, 1},
		{1, 10000, 0},
		{UINT64_MAX, 0, 10000},
		{0, UINT64_MAX, 0},
		{UINT64_MAX, UINT64_MAX, 5000},
		{UINT64_MAX / 3, UINT64_MAX - UINT64_MAX / 3, 3333},
		{UINT64_MAX - 1, 1, 9999},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(report_of(rows[i].hits, rows[i].misses, 5, 0).rate_basis_points, rows[i].rate);
		assert_true(report_of(rows[i].hits, rows[i].misses, 5, 0).has_rate);
	}
}

static void rate_is_right_for_every_small_audit(void **state)
{
	(void)state;
	for (uint64_t hits = 0; hits < 80; hits++)
		for (uint64_t misses = hits == 0; misses < 80; misses++)
			assert_int_equal(report_of(hits, misses, 0, 0).rate_basis_points, hits * 10000 / (hits + misses));
}

static void alarm_is_below_and_zero_is_none(void **state)
{
	(void)state;
	assert_true(report_of(89, 11, 0, 9000).below_alarm);
	assert_false(report_of(90, 10, 0, 9000).below_alarm);
	assert_false(report_of(0, 10, 0, 0).below_alarm);
	assert_true(report_of(0, 10, 0, 1).below_alarm);
}

static void alarm_over_all_of_it_is_all_of_it(void **state)
{
	struct kiln_audit audit;

	(void)state;
	kiln_audit_init(&audit, 10001);
	assert_int_equal(audit.alarm_basis_points, 10000);
	kiln_audit_add(&audit, KILN_HIT_TRUE);
	assert_false(kiln_audit_report(&audit).below_alarm);
	kiln_audit_add(&audit, KILN_HIT_FALSE);
	assert_true(kiln_audit_report(&audit).below_alarm);
	kiln_audit_init(&audit, 0);
	assert_int_equal(kiln_audit_report(&audit).hits, 0);
}

static void counters_stop_at_the_largest_value(void **state)
{
	struct kiln_audit audit = {UINT64_MAX, UINT64_MAX, UINT64_MAX, 0};

	(void)state;
	kiln_audit_add(&audit, KILN_HIT_TRUE);
	kiln_audit_add(&audit, KILN_HIT_FALSE);
	kiln_audit_add(&audit, KILN_HIT_UNKNOWN);
	assert_true(audit.hits == UINT64_MAX && audit.misses == UINT64_MAX && audit.unknowns == UINT64_MAX);
}

static void null_is_fine(void **state)
{
	(void)state;
	kiln_audit_init(NULL, 1);
	kiln_audit_add(NULL, KILN_HIT_TRUE);
	assert_false(kiln_audit_report(NULL).has_rate);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(alarm_is_below_and_zero_is_none),
		cmocka_unit_test(alarm_over_all_of_it_is_all_of_it),
		cmocka_unit_test(counters_stop_at_the_largest_value),
		cmocka_unit_test(no_data_has_no_rate_and_alarms_never),
		cmocka_unit_test(null_is_fine),
		cmocka_unit_test(rate_is_of_hits_and_misses_rounded_down),
		cmocka_unit_test(rate_is_right_for_every_small_audit),
		cmocka_unit_test(unknowns_are_counted_and_do_not_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
