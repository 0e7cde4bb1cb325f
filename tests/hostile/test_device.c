/* What a device says about itself: devices that cannot be used are refused with a sentence, odd ones work,
 * and the facts that change compiled code change the cache entry too. */
#include "visit.h"

#include <string.h>

/* ---- Devices that cannot be used ---- */

static void assert_refused(const char *script, enum step stopped, enum kiln_status status)
{
	struct place place;
	struct visit seen;

	place_create(&place);
	visit(&place, script, &seen);
	assert_int_equal(seen.signal, 0);
	assert_attempt(&seen.first, stopped, status);
	assert_attempt(&seen.second, stopped, status);
	visit(&place, "", &seen);
	assert_int_equal(seen.signal, 0);
	assert_attempt(&seen.first, STEP_DONE, KILN_OK);
	place_remove(&place);
}

static void device_of_vulkan_1_0_is_refused(void **state)
{
	(void)state;
	assert_refused("api=10", STEP_OPEN, KILN_ERR_NO_COMPUTE);
}

static void device_without_compute_queue_is_refused(void **state)
{
	(void)state;
	assert_refused("no_compute", STEP_OPEN, KILN_ERR_NO_COMPUTE);
	assert_refused("no_compute,families_grow", STEP_OPEN, KILN_ERR_NO_COMPUTE);
}

static void driver_without_device_is_refused(void **state)
{
	(void)state;
	assert_refused("no_device", STEP_OPEN, KILN_ERR_NO_DRIVER);
}

static void device_without_memory_compiles_and_refuses_to_launch(void **state)
{
	(void)state;
	assert_refused("no_memory_types", STEP_RUN, KILN_ERR_COMPILE_ONLY);
}

/* ---- Odd devices ---- */

/* Works, keeps what it compiled, and finds it again. */
static struct visit assert_works(const char *script)
{
	struct place place;
	struct visit seen;

	place_create(&place);
	visit(&place, script, &seen);
	assert_good(&seen, KILN_OUTCOME_COMPILED);
	visit(&place, script, &seen);
	assert_good(&seen, KILN_OUTCOME_DISK);
	assert_int_equal(place_entries(&place), 1);
	place_remove(&place);
	return seen;
}

static void device_of_vulkan_1_1_works(void **state)
{
	(void)state;
	assert_works("api=11");
}

static void device_of_vulkan_1_2_works(void **state)
{
	(void)state;
	assert_works("api=12");
}

static void device_memory_the_host_cannot_see_is_staged(void **state)
{
	(void)state;
	assert_works("discrete");
}

static void memory_that_is_not_coherent_is_flushed_and_invalidated(void **state)
{
	(void)state;
	assert_works("non_coherent");
}

static void device_with_neither_coherent_nor_visible_memory_works(void **state)
{
	(void)state;
	assert_works("discrete,non_coherent");
}

static void second_queue_family_is_found(void **state)
{
	(void)state;
	assert_works("two_families");
}

static void queue_families_beyond_those_asked_for_are_ignored(void **state)
{
	(void)state;
	assert_works("families_grow,families_fill");
}

static void infinite_timestamp_period_is_no_period(void **state)
{
	struct visit seen = assert_works("timestamp_infinite");

	(void)state;
	assert_true(seen.info.timestamp_period_ns == 0);
}

static void device_listed_twice_is_listed_twice_and_works(void **state)
{
	struct visit seen = assert_works("twice");

	(void)state;
	assert_int_equal(seen.devices, 2);
}

static void driver_with_code_in_no_blob_is_never_warm(void **state)
{
	struct place place;
	struct visit seen;

	(void)state;
	place_create(&place);
	for (int i = 0; i < 3; i++) {
		visit(&place, "data_header_only", &seen);
		assert_good(&seen, KILN_OUTCOME_COMPILED);
		assert_int_equal(place_entries(&place), 1);
	}
	place_remove(&place);
}

/* ---- Facts and the cache ---- */

/* Compiles under one set of facts and comes back under another. */
static enum kiln_outcome outcome_after(const char *before, const char *after)
{
	struct place place;
	struct visit seen;
	enum kiln_outcome outcome;

	place_create(&place);
	visit(&place, before, &seen);
	assert_good(&seen, KILN_OUTCOME_COMPILED);
	visit(&place, after, &seen);
	outcome = seen.first.outcome;
	assert_good(&seen, outcome);
	assert_int_equal(place_entries(&place), outcome == KILN_OUTCOME_DISK ? 1 : 2);
	if (outcome == KILN_OUTCOME_COMPILED)
		assert_int_equal(seen.first.miss, KILN_MISS_DEVICE_OR_RUNTIME_CHANGED);
	/* The old driver comes back, and its entry is still there. */
	visit(&place, before, &seen);
	assert_good(&seen, KILN_OUTCOME_DISK);
	place_remove(&place);
	return outcome;
}

static void another_cache_uuid_is_another_device(void **state)
{
	(void)state;
	assert_int_equal(outcome_after("", "cache_uuid=2"), KILN_OUTCOME_COMPILED);
}

static void another_driver_uuid_is_another_device(void **state)
{
	(void)state;
	assert_int_equal(outcome_after("", "driver_uuid=2"), KILN_OUTCOME_COMPILED);
}

static void another_driver_version_is_another_device(void **state)
{
	(void)state;
	assert_int_equal(outcome_after("", "driver_version=2"), KILN_OUTCOME_COMPILED);
}

static void another_vulkan_version_is_another_device(void **state)
{
	(void)state;
	assert_int_equal(outcome_after("", "api=12"), KILN_OUTCOME_COMPILED);
}

static void another_card_of_the_same_kind_shares_the_cache(void **state)
{
	(void)state;
	assert_int_equal(outcome_after("discrete", "discrete,device_uuid=2"), KILN_OUTCOME_DISK);
}

static void another_uuid_of_a_cpu_device_is_another_device(void **state)
{
	(void)state;
	assert_int_equal(outcome_after("cpu", "cpu,device_uuid=2"), KILN_OUTCOME_COMPILED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(another_cache_uuid_is_another_device),
		cmocka_unit_test(another_card_of_the_same_kind_shares_the_cache),
		cmocka_unit_test(another_driver_uuid_is_another_device),
		cmocka_unit_test(another_driver_version_is_another_device),
		cmocka_unit_test(another_uuid_of_a_cpu_device_is_another_device),
		cmocka_unit_test(another_vulkan_version_is_another_device),
		cmocka_unit_test(device_listed_twice_is_listed_twice_and_works),
		cmocka_unit_test(device_memory_the_host_cannot_see_is_staged),
		cmocka_unit_test(device_of_vulkan_1_0_is_refused),
		cmocka_unit_test(device_of_vulkan_1_1_works),
		cmocka_unit_test(device_of_vulkan_1_2_works),
		cmocka_unit_test(device_with_neither_coherent_nor_visible_memory_works),
		cmocka_unit_test(device_without_compute_queue_is_refused),
		cmocka_unit_test(device_without_memory_compiles_and_refuses_to_launch),
		cmocka_unit_test(driver_with_code_in_no_blob_is_never_warm),
		cmocka_unit_test(driver_without_device_is_refused),
		cmocka_unit_test(infinite_timestamp_period_is_no_period),
		cmocka_unit_test(memory_that_is_not_coherent_is_flushed_and_invalidated),
		cmocka_unit_test(queue_families_beyond_those_asked_for_are_ignored),
		cmocka_unit_test(second_queue_family_is_found),
	};

	return cmocka_run_group_tests_name("hostile device", tests, NULL, NULL);
}
