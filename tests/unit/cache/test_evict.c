/* The eviction decision against a slow model of it, and its rules one by one. */
#include <cache/evict.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test.h"

#define ITEMS 40
#define NOW 1000000

static size_t choose(const struct kiln_evict_item *items, size_t count, uint64_t max_bytes, int64_t max_age_s,
                     struct kiln_evict_choice *choices)
{
	const struct kiln_evict_rules rules = {.max_bytes = max_bytes, .max_age_s = max_age_s, .now_s = NOW};

	return kiln_evict_choose(items, count, &rules, choices);
}

static void least_recently_used_goes_first(void **state)
{
	const struct kiln_evict_item items[] = {{10, 0, NOW - 20}, {10, 0, NOW - 40}, {10, 0, NOW - 30}};
	struct kiln_evict_choice choices[3];

	(void)state;
	assert_int_equal(choose(items, 3, 30, 0, choices), 0);
	assert_int_equal(choose(items, 3, 29, 0, choices), 1);
	assert_int_equal(choices[0].index, 1);
	assert_int_equal(choose(items, 3, 10, 0, choices), 2);
	assert_int_equal(choices[0].index, 1);
	assert_int_equal(choices[1].index, 2);
	assert_int_equal(choose(items, 3, 0, 0, choices), 3);
	assert_int_equal(choose(items, 0, 0, 0, choices), 0);
}

static void what_is_expensive_to_build_stays_longer(void **state)
{
	/* 1 ms a kilobyte: eleven times as long, and no longer. */
	struct kiln_evict_item items[] = {{10, 1000, NOW - 10000}, {10, 0, NOW - 1000}};
	struct kiln_evict_choice choices[2];

	(void)state;
	assert_int_equal(choose(items, 2, 10, 0, choices), 1);
	assert_int_equal(choices[0].index, 1);
	items[0].last_use_s = NOW - 12000;
	assert_int_equal(choose(items, 2, 10, 0, choices), 1);
	assert_int_equal(choices[0].index, 0);
	assert_true(kiln_evict_rank(&items[0], NOW) < UINT64_MAX);
}

static void age_is_a_limit_of_its_own(void **state)
{
	const struct kiln_evict_item items[] = {{10, UINT64_MAX, NOW - 101},
	                                        {10, 0, NOW - 100},
	                                        {10, 0, NOW + 50},
	                                        {10, 0, INT64_MIN}};
	struct kiln_evict_choice choices[4];

	(void)state;
	assert_int_equal(choose(items, 4, UINT64_MAX, 100, choices), 2);
	assert_int_equal(choices[0].index + choices[1].index, 3);
	assert_int_equal(choose(items, 4, UINT64_MAX, 0, choices), 0);
}

static void use_in_the_future_is_use_now(void **state)
{
	const struct kiln_evict_item items[] = {{10, 0, NOW + 1000000}, {10, 0, NOW}, {10, 0, NOW - 1}};
	struct kiln_evict_choice choices[3];

	(void)state;
	assert_int_equal(kiln_evict_rank(&items[0], NOW), kiln_evict_rank(&items[1], NOW));
	assert_int_equal(choose(items, 3, 20, 0, choices), 1);
	assert_int_equal(choices[0].index, 2);
}

static void ties_have_one_order(void **state)
{
	const struct kiln_evict_item items[] = {{10, 0, 5}, {20, 0, 5}, {20, 0, 5}, {10, 0, 5}};
	struct kiln_evict_choice choices[4];

	(void)state;
	assert_int_equal(choose(items, 4, 0, 0, choices), 4);
	assert_int_equal(choices[0].index, 1);
	assert_int_equal(choices[1].index, 2);
	assert_int_equal(choices[2].index, 0);
	assert_int_equal(choices[3].index, 3);
}

/* ---- Against a model ---- */

static struct kiln_evict_item random_item(void)
{
	return (struct kiln_evict_item){.bytes = (uint64_t)(rand() % 8) * 512,
	                                .ns_per_byte = rand() % 3 == 0 ? 0 : (uint64_t)rand() % 5000,
	                                .last_use_s = NOW - rand() % 60 * (rand() % 4 == 0 ? 40 : 1)};
}

/* The one to go next among those that are left, by looking at each. */
static size_t next_to_go(const struct kiln_evict_item *items, const bool *gone, int64_t max_age_s,
                         bool *out_too_old)
{
	size_t best = ITEMS;

	*out_too_old = false;
	for (size_t i = 0; i < ITEMS; i++) {
		bool old = max_age_s > 0 && NOW - items[i].last_use_s > max_age_s;
		uint64_t rank = old ? UINT64_MAX : kiln_evict_rank(&items[i], NOW), best_rank;

		if (gone[i])
			continue;
		if (best == ITEMS)
			goto take;
		best_rank = *out_too_old ? UINT64_MAX : kiln_evict_rank(&items[best], NOW);
		if (rank < best_rank)
			continue;
		if (rank == best_rank && items[i].ns_per_byte > items[best].ns_per_byte)
			continue;
		if (rank == best_rank && items[i].ns_per_byte == items[best].ns_per_byte &&
		    items[i].bytes <= items[best].bytes)
			continue;
take:
		best = i;
		*out_too_old = old;
	}
	return best;
}

static void check_against_model(void)
{
	struct kiln_evict_item items[ITEMS];
	struct kiln_evict_choice choices[ITEMS];
	bool gone[ITEMS] = {false}, too_old;
	uint64_t total = 0, max_bytes = (uint64_t)(rand() % 100) * 1024;
	int64_t max_age_s = rand() % 2 == 0 ? 0 : 30;
	size_t victims, expected = 0;

	for (size_t i = 0; i < ITEMS; i++) {
		items[i] = random_item();
		total += items[i].bytes;
	}
	victims = choose(items, ITEMS, max_bytes, max_age_s, choices);
	for (;; expected++) {
		size_t next = expected < ITEMS ? next_to_go(items, gone, max_age_s, &too_old) : ITEMS;

		if (next == ITEMS || (!too_old && total <= max_bytes))
			break;
		assert_true(expected < victims);
		assert_int_equal(choices[expected].index, next);
		gone[next] = true;
		total -= items[next].bytes;
	}
	assert_int_equal(victims, expected);
	/* All of them are named, once. */
	for (size_t i = victims; i < ITEMS; i++) {
		assert_false(gone[choices[i].index]);
		gone[choices[i].index] = true;
	}
}

static void choices_are_those_of_the_model(void **state)
{
	unsigned seed = 20260502;

	(void)state;
	printf("seed %u\n", seed);
	srand(seed);
	for (unsigned i = 0; i < 3000; i++)
		check_against_model();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(age_is_a_limit_of_its_own),
		cmocka_unit_test(choices_are_those_of_the_model),
		cmocka_unit_test(least_recently_used_goes_first),
		cmocka_unit_test(ties_have_one_order),
		cmocka_unit_test(use_in_the_future_is_use_now),
		cmocka_unit_test(what_is_expensive_to_build_stays_longer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
