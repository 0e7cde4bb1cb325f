/* The device is lost, or out of memory, in the middle of a sliced launch: a status, what is known of how far it came, and
 * nothing left behind. */
#include <kiln/kiln.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "place.h"
#include "test.h"

#include "count_spv.h"

#define THREADS (64u * 3000)

struct attempt {
	enum kiln_status status;
	struct kiln_slice_report report;
	uint32_t counted;
};

static struct attempt attempt(struct place *place, const char *script)
{
	const struct kiln_device_params open = {.no_cache = true};
	const uint32_t threads = THREADS;
	struct attempt seen = {0};
	struct kiln_device *device = NULL;
	struct kiln_kernel *kernel = NULL;
	struct kiln_buffer *buffer = NULL;

	setenv("HOSTILE", script, 1);
	setenv("HOSTILE_LOG", place->log, 1);
	assert_int_equal(kiln_device_open(&open, &device), KILN_OK);
	assert_int_equal(kiln_kernel_create(device,
	                                    &(struct kiln_kernel_params){.spirv = count_spv,
	                                                                 .spirv_bytes = sizeof(count_spv)},
	                                    &kernel),
	                 KILN_OK);
	assert_int_equal(kiln_buffer_create(device, &(struct kiln_buffer_params){.bytes = 4}, &buffer),
	                 KILN_OK);
	seen.status = kiln_buffer_fill(buffer, 0, 4, 0);
	assert_int_equal(seen.status, KILN_OK);
	seen.status = kiln_stream_launch_sliced(kiln_device_stream(device), kernel,
	                                        &(struct kiln_launch_params){.threads = {THREADS},
	                                                                     .buffers = {buffer},
	                                                                     .push = &threads,
	                                                                     .push_bytes = 4},
	                                        &(struct kiln_slice_params){.budget_ns = 1}, &seen.report);
	if (seen.status != KILN_OK)
		assert_non_null(strstr(kiln_error_message(), "Fix: "));
	if (seen.status == KILN_ERR_DEVICE_LOST)
		assert_int_equal(kiln_device_wait(device), KILN_ERR_DEVICE_LOST);
	else
		assert_int_equal(kiln_buffer_read(buffer, 0, &seen.counted, 4), KILN_OK);
	kiln_buffer_destroy(&buffer);
	kiln_kernel_destroy(&kernel);
	kiln_device_close(&device); /* says what was left behind */
	assert_int_equal(place_events(place, "misuse"), 0);
	return seen;
}

static void slices_count_every_thread_once(void **state)
{
	struct place place;
	struct attempt seen;

	(void)state;
	place_create(&place);
	seen = attempt(&place, "");
	assert_int_equal(seen.status, KILN_OK);
	assert_int_equal(seen.counted, THREADS);
	assert_int_equal(seen.report.done_groups, 3000);
	assert_true(seen.report.slices > 4);
	place_remove(&place);
}

static void lost_at(const char *rule, unsigned n)
{
	struct place place;
	struct attempt seen;
	char script[64];

	place_create(&place);
	(void)snprintf(script, sizeof(script), "%s@%u,dispatch_ms=1", rule, n);
	seen = attempt(&place, script);
	assert_int_equal(seen.status, KILN_ERR_DEVICE_LOST);
	assert_true(seen.report.done_groups < 3000);
	assert_true(seen.report.slices <= n + 1); /* two may be in flight */
	place_remove(&place);
}

static void device_lost_between_slices_is_sticky_and_leaves_nothing_behind(void **state)
{
	(void)state;
	for (unsigned n = 1; n <= 5; n++)
		lost_at("submit_lost", n);
	for (unsigned n = 1; n <= 4; n++)
		lost_at("wait_lost", n);
}

static void memory_out_once_between_slices_is_waited_out(void **state)
{
	static const char *const rules[] = {"submit_oom@3", "begin_oom@3", "sets_oom@2", "pool_oom@2"};

	(void)state;
	for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++) {
		struct place place;
		struct attempt seen;

		place_create(&place);
		seen = attempt(&place, rules[i]);
		assert_int_equal(seen.status, KILN_OK);
		assert_int_equal(seen.counted, THREADS);
		place_remove(&place);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(device_lost_between_slices_is_sticky_and_leaves_nothing_behind),
		cmocka_unit_test(memory_out_once_between_slices_is_waited_out),
		cmocka_unit_test(slices_count_every_thread_once),
	};

	return cmocka_run_group_tests_name("hostile slice", tests, NULL, NULL);
}
