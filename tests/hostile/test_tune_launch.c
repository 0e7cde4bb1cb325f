/* Launches that are tuned unasked: how long they may be, and the tuner's lock meanwhile. */
#include "tuning.h"

#include <stdio.h>
#include <string.h>

#include "saxpy_spv.h"
#include "tune_intent.h"

enum { MANY = 9000, SOME = 1500, REFUSALS = 24 };

struct seen {
	unsigned launches; /* until there was a record */
	unsigned held;     /* after so many of them nobody else could have tuned */
	bool recorded;
	bool is_cpu;
};

static struct seen launches_under(const char *script, void (*work)(struct tuning *tuning, void *user))
{
	const struct tuning_process process = {
		.script = script,
		.mode = "tune",
		.spirv = saxpy_spv,
		.spirv_bytes = sizeof(saxpy_spv),
		.work = work,
	};
	struct place place;
	struct seen seen;

	place_create(&place);
	tuning_run(&place, &process, &seen, sizeof(seen));
	(void)fprintf(stderr, "%s: %u launches, recorded: %d\n", script, seen.launches, seen.recorded);
	place_remove(&place);
	return seen;
}

/* ---- How long they may be ---- */

static void launch_until_recorded(struct tuning *tuning, void *user)
{
	struct seen *seen = user;

	seen->is_cpu = kiln_device_info(tuning->device)->type == KILN_DEVICE_CPU;
	while (seen->launches < MANY && kiln_store_is_empty(tuning->store) &&
	       kiln_launch(tuning->kernel, &tuning->launch) == KILN_OK)
		seen->launches++;
	seen->recorded = !kiln_store_is_empty(tuning->store);
}

/* Two launches tell the tuner what one takes, so that only they need to be that long. */
#define MS_30 "dispatch_ms=30@1,group_us=1000@2"
#define MS_120 "dispatch_ms=120@1,group_us=4000@2"

static void launch_that_watchdogs_may_end_is_tuned_unasked_on_cpu_devices_only(void **state)
{
	struct seen seen;

	(void)state;
	seen = launches_under(MS_120, launch_until_recorded);
	assert_false(seen.is_cpu);
	assert_int_equal(seen.launches, MANY);
	assert_false(seen.recorded);
	seen = launches_under(MS_120 ",cpu", launch_until_recorded);
	assert_true(seen.is_cpu);
	assert_true(seen.recorded);
	/* It is the length that matters. */
	seen = launches_under(MS_30, launch_until_recorded);
	assert_false(seen.is_cpu);
	assert_true(seen.recorded);
}

static void first_launch_is_not_too_long_for_having_compiled(void **state)
{
	struct seen seen = launches_under("compile_ms=120", launch_until_recorded);

	(void)state;
	assert_false(seen.is_cpu);
	assert_true(seen.recorded);
}

/* ---- The lock ---- */

static bool is_held(const struct tuning *tuning)
{
	const char *adapter = kiln_device_info(tuning->device)->adapter;
	struct kiln_tune_remains remains;
	struct kiln_tune_intent other;
	bool held;

	if (kiln_tune_intent_open(&other, &kiln_fs_posix, kiln_store_path(tuning->store), adapter, false) !=
	    KILN_OK)
		return true;
	held = kiln_tune_intent_take(&other, 0, &remains) != KILN_OK;
	kiln_tune_intent_close(&other);
	return held;
}

/* The kernel stays, and with it what its tuning has open: a program need not end when its device is lost. */
static void launch_and_watch_the_lock(struct tuning *tuning, void *user)
{
	struct seen *seen = user;
	enum kiln_status status = KILN_OK;

	while (seen->launches < SOME && kiln_store_is_empty(tuning->store) && status == KILN_OK) {
		status = kiln_launch(tuning->kernel, &tuning->launch);
		seen->launches++;
		seen->held += is_held(tuning);
	}
	seen->recorded = !kiln_store_is_empty(tuning->store);
}

/* Launches of 2 ms earn their tuning, so that each of their own waits and the tuner's is one of the first. */
static unsigned recorded_with(const char *rule)
{
	unsigned recorded = 0;

	for (unsigned call = 1; call <= REFUSALS; call++) {
		char script[80];
		struct seen seen;

		(void)snprintf(script, sizeof(script), "dispatch_ms=2@1,group_us=70@2,%s@%u", rule, call);
		seen = launches_under(script, launch_and_watch_the_lock);
		assert_int_equal(seen.held, 0);
		recorded += seen.recorded;
	}
	return recorded;
}

static void lock_is_free_after_each_launch_whatever_submission_was_refused(void **state)
{
	(void)state;
	assert_true(recorded_with("submit_oom") > 0);
}

static void lock_is_free_after_each_launch_whenever_the_device_was_lost(void **state)
{
	(void)state;
	(void)recorded_with("wait_lost");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(launch_that_watchdogs_may_end_is_tuned_unasked_on_cpu_devices_only),
		cmocka_unit_test(first_launch_is_not_too_long_for_having_compiled),
		cmocka_unit_test(lock_is_free_after_each_launch_whatever_submission_was_refused),
		cmocka_unit_test(lock_is_free_after_each_launch_whenever_the_device_was_lost),
	};

	return cmocka_run_group_tests_name("hostile tune launch", tests, NULL, NULL);
}
