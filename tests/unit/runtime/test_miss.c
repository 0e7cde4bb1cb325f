/* The words for a miss, from what is known about it. */
#include "miss.h"

#include <stdio.h>
#include <string.h>

#include "test.h"

static const char *words(const struct kiln_cache_explanation *explanation, enum kiln_miss_reason reason)
{
	static char text[640];

	kiln_miss_print(explanation, reason, text, sizeof text);
	return text;
}

static void nearest_key_is_the_culprit(void **state)
{
	struct kiln_cache_explanation told = {.nearest = {.fields = 1, .difference = "wg 64x1x1 -> 128x1x1"}};

	(void)state;
	assert_string_equal(words(&told, KILN_MISS_DISPATCH_POLICY_CHANGED), "wg 64x1x1 -> 128x1x1");
}

static void fate_comes_before_the_nearest_key(void **state)
{
	struct kiln_cache_explanation told = {.nearest = {.fields = 1, .difference = "wg 64x1x1 -> 128x1x1"},
	                                      .fate_s = 1789000000};
	static const char *const expected[] = {
		[KILN_CACHE_EVICTED] = "its entry was evicted on 2026-09-10 00:26 UTC, as the cache was over its bounds",
		[KILN_CACHE_DAMAGED] = "its entry was damaged, and removed on 2026-09-10 00:26 UTC",
		[KILN_CACHE_SET_ASIDE] = "its entry was set aside on 2026-09-10 00:26 UTC, as a process died while the "
	                                 "driver had it",
		[KILN_CACHE_INVALIDATED] = "its entry was invalidated on 2026-09-10 00:26 UTC",
	};

	(void)state;
	for (unsigned fate = KILN_CACHE_EVICTED; fate <= KILN_CACHE_INVALIDATED; fate++) {
		told.fate = (enum kiln_cache_fate)fate;
		assert_string_equal(words(&told, KILN_MISS_KEY_ABSENT), expected[fate]);
	}
}

/* Times come from a file anyone of us may have written. */
static void any_time_is_tolerated(void **state)
{
	static const int64_t times[] = {0, -1, INT64_MIN, INT64_MAX, INT64_C(1) << 55};
	struct kiln_cache_explanation told = {.fate = KILN_CACHE_INVALIDATED};

	(void)state;
	for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
		told.fate_s = times[i];
		assert_memory_equal(words(&told, KILN_MISS_KEY_ABSENT), "its entry was invalidated", 25);
		assert_true(strlen(words(&told, KILN_MISS_KEY_ABSENT)) < 60);
	}
}

static void every_reason_has_words_of_its_own(void **state)
{
	const struct kiln_cache_explanation nothing = {0};
	char before[640];

	(void)state;
	for (unsigned a = KILN_MISS_EMPTY_CACHE; a <= KILN_MISS_KEY_ABSENT; a++) {
		snprintf(before, sizeof before, "%s", words(&nothing, (enum kiln_miss_reason)a));
		assert_true(strlen(before) > 10);
		for (unsigned b = KILN_MISS_EMPTY_CACHE; b < a; b++)
			assert_string_not_equal(words(&nothing, (enum kiln_miss_reason)b), before);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nearest_key_is_the_culprit),
		cmocka_unit_test(fate_comes_before_the_nearest_key),
		cmocka_unit_test(any_time_is_tolerated),
		cmocka_unit_test(every_reason_has_words_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
