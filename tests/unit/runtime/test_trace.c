/* The pure parts of traces: the ring, the time line, the JSON; and the device's clock. */
#include "test.h"

#include <math.h>
#include <string.h>

#include "json_text.h"
#include "timestamp.h"
#include "trace.h"

/* ---- The clock ---- */

static void a_clock_that_overflows_goes_on(void **state)
{
	(void)state;
	assert_int_equal(kiln_ticks_between(0xfffffff0u, 0x10u, 32), 0x20);
	assert_int_equal(kiln_ticks_between((UINT64_C(1) << 36) - 1, 1, 36), 2);
	assert_int_equal(kiln_ticks_between(UINT64_MAX, 3, 64), 4);
	/* What lies above the valid bits means nothing. */
	assert_int_equal(kiln_ticks_between(UINT64_C(0xabcd00000000) | 5, 7, 32), 2);
	assert_int_equal(kiln_ticks_apart(0x10, 0xfffffff0u, 32), -0x20);
	assert_int_equal(kiln_ticks_apart(0xfffffff0u, 0x10, 32), 0x20);
	assert_int_equal(kiln_ticks_apart(7, 5, 64), -2);
}

static void no_clock_has_no_period(void **state)
{
	(void)state;
	assert_true(kiln_timestamps_period(1.0f) == 1.0);
	assert_true(kiln_timestamps_period(0.0f) == 0);
	assert_true(kiln_timestamps_period(-1.0f) == 0);
	assert_true(kiln_timestamps_period(INFINITY) == 0);
	assert_true(kiln_timestamps_period(NAN) == 0);
	assert_int_equal(kiln_ticks_ns(1000, 52.0833), 52083);
	assert_int_equal(kiln_ticks_ns(UINT64_MAX - 1, 1.0), UINT64_MAX - 1); /* exact */
}

static void a_calibration_holds_before_and_after_its_moment(void **state)
{
	const struct kiln_calibration at = {.ticks = 100, .host_ns = 5000};

	(void)state;
	assert_int_equal(kiln_calibrated_ns(&at, 110, 64, 2.0), 5020);
	assert_int_equal(kiln_calibrated_ns(&at, 90, 64, 2.0), 4980);
	assert_int_equal(kiln_calibrated_ns(&at, (UINT64_C(1) << 36) - 10, 36, 2.0), 4780);
}

static void submissions_bracket_the_distance_of_the_clocks(void **state)
{
	struct kiln_clock_fit fit = {0};
	uint64_t uncertainty;

	(void)state;
	assert_int_equal(kiln_clock_fit_offset(&fit, &uncertainty), 0);
	/* The host's clock is 1000 ahead. */
	kiln_clock_fit_add(&fit, 1050, 100, 200, 1400); /* 950 to 1200 */
	assert_int_equal(kiln_clock_fit_offset(&fit, &uncertainty), 1075);
	assert_int_equal(uncertainty, 125);
	kiln_clock_fit_add(&fit, 2000, 1010, 1100, 2120); /* 990 to 1020 */
	assert_int_equal(kiln_clock_fit_offset(&fit, &uncertainty), 1005);
	assert_int_equal(uncertainty, 15);
	kiln_clock_fit_add(&fit, 3000, 2500, 2600, 9000); /* tells nothing new */
	assert_int_equal(kiln_clock_fit_offset(&fit, &uncertainty), 1005);
}

/* ---- The trace ---- */

static struct kiln_trace_event events[4];

static struct kiln_trace empty_trace(void)
{
	return (struct kiln_trace){.events = events, .capacity = 4, .fd = -1};
}

static void a_full_ring_holds_the_latest(void **state)
{
	struct kiln_trace trace = empty_trace();

	(void)state;
	for (uint64_t i = 0; i < 6; i++)
		kiln_trace_add(&trace, &(struct kiln_trace_event){.kind = KILN_TRACE_WAIT, .ticket = i});
	assert_int_equal(trace.added, 6);
	assert_int_equal(events[0].ticket, 4);
	assert_int_equal(events[1].ticket, 5);
	assert_int_equal(events[2].ticket, 2);
}

static void device_times_are_moved_onto_the_hosts_line_and_into_their_submission(void **state)
{
	struct kiln_trace trace = empty_trace();
	const struct kiln_trace_event fits = {.kind = KILN_TRACE_LAUNCH,
	                                      .unfitted = true,
	                                      .begin = 100,
	                                      .end = 150,
	                                      .submitted = 1050,
	                                      .done = 1200};
	struct kiln_trace_event early = {.kind = KILN_TRACE_COPY,
	                                 .begin = 900,
	                                 .end = 1100,
	                                 .submitted = 1000,
	                                 .done = 1200};

	(void)state;
	kiln_clock_fit_add(&trace.fit, 1050, 100, 150, 1200); /* 950 to 1050 */
	kiln_trace_add(&trace, &fits);
	kiln_trace_add(&trace, &early);
	kiln_trace_add(&trace, &(struct kiln_trace_event){.kind = KILN_TRACE_WAIT, .begin = 5, .end = 6});
	kiln_trace_fit(&trace);
	assert_int_equal(events[0].begin, 1100);
	assert_int_equal(events[0].end, 1150);
	assert_int_equal(events[1].begin, 1000);
	assert_int_equal(events[1].end, 1100);
	assert_int_equal(events[2].begin, 5); /* the host's are what they are */
	assert_int_equal(trace.clamped, 1);
}

/* ---- JSON ---- */

static void assert_text(const char *text, const char *expected)
{
	struct kiln_writer json = {0};

	kiln_write_json_text(&json, text);
	kiln_write_u8(&json, 0);
	assert_false(json.bad);
	assert_string_equal((const char *)json.data, expected);
	kiln_writer_finish(&json);
}

static void any_bytes_become_a_json_string(void **state)
{
	(void)state;
	assert_text("", "\"\"");
	assert_text("plain", "\"plain\"");
	assert_text("a\"b\\c/", "\"a\\\"b\\\\c/\"");
	assert_text("\n\t\x01\x1f", "\"\\u000a\\u0009\\u0001\\u001f\"");
	assert_text("\xc3\xa9\xe2\x82\xac\xf0\x9f\x94\xa5", "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x94\xa5\"");
	assert_text("\xff", "\"\\ufffd\"");
	assert_text("\xc3", "\"\\ufffd\"");                       /* cut short */
	assert_text("\xc0\xaf", "\"\\ufffd\\ufffd\"");            /* overlong */
	assert_text("\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\""); /* a surrogate */
	assert_text("\xf4\x90\x80\x80", "\"\\ufffd\\ufffd\\ufffd\\ufffd\"");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_clock_that_overflows_goes_on),
		cmocka_unit_test(no_clock_has_no_period),
		cmocka_unit_test(a_calibration_holds_before_and_after_its_moment),
		cmocka_unit_test(submissions_bracket_the_distance_of_the_clocks),
		cmocka_unit_test(a_full_ring_holds_the_latest),
		cmocka_unit_test(device_times_are_moved_onto_the_hosts_line_and_into_their_submission),
		cmocka_unit_test(any_bytes_become_a_json_string),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
