#include "test.h"

#include <stdbool.h>
#include <string.h>

#include <base/table.h>

#include "failing_alloc.h"

#define KEYS 200

/* xorshift: the same walk on every machine. */
static uint32_t next_random(uint32_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 17;
	*seed ^= *seed << 5;
	return *seed;
}

/* Few different homes, so that runs collide and wrap; the last byte keeps keys apart. */
static struct kiln_digest crowded_key(unsigned index)
{
	struct kiln_digest key = {0};

	key.bytes[0] = (uint8_t)(0xf8 + index % 9);
	key.bytes[31] = (uint8_t)index;
	return key;
}

static struct kiln_digest spread_key(unsigned index)
{
	return kiln_digest_of(&index, sizeof(index));
}

static unsigned count_by_walking(const struct kiln_table *table, void *const model[KEYS], const char *values)
{
	const struct kiln_table_slot *slot;
	size_t cursor = 0;
	unsigned count = 0;

	while ((slot = kiln_table_next(table, &cursor)) != NULL) {
		assert_ptr_equal(model[(const char *)slot->value - values], slot->value);
		count++;
	}
	return count;
}

static void agree_with_model(struct kiln_digest (*key_of)(unsigned), uint32_t seed)
{
	static char values[KEYS]; /* their addresses are the values */
	void *model[KEYS] = {0};
	struct kiln_table table = {0};
	unsigned count = 0;

	for (int step = 0; step < 20000; step++) {
		unsigned index = next_random(&seed) % KEYS;
		struct kiln_digest key = key_of(index);
		/* Phases of growing and of shrinking. */
		bool put = next_random(&seed) % 100 < (step / 4000 % 2 == 0 ? 70u : 30u);

		if (put) {
			assert_true(kiln_table_put(&table, &key, &values[index]));
			count += model[index] == NULL;
			model[index] = &values[index];
		} else {
			assert_ptr_equal(kiln_table_remove(&table, &key), model[index]);
			count -= model[index] != NULL;
			model[index] = NULL;
		}
		assert_int_equal(table.count, count);
		index = next_random(&seed) % KEYS;
		key = key_of(index);
		assert_ptr_equal(kiln_table_get(&table, &key), model[index]);
		if (step % 100 == 0)
			assert_int_equal(count_by_walking(&table, model, values), count);
	}
	kiln_table_finish(&table);
}

static void spread_keys_agree_with_a_model(void **state)
{
	(void)state;
	agree_with_model(spread_key, 1);
}

static void crowded_keys_agree_with_a_model(void **state)
{
	(void)state;
	agree_with_model(crowded_key, 2);
}

static void empty_table_knows_nothing(void **state)
{
	struct kiln_digest key = spread_key(1);
	struct kiln_table table = {0};
	size_t cursor = 0;

	(void)state;
	assert_null(kiln_table_get(&table, &key));
	assert_null(kiln_table_remove(&table, &key));
	assert_null(kiln_table_next(&table, &cursor));
	kiln_table_finish(&table);
}

static void put_replaces(void **state)
{
	struct kiln_digest key = spread_key(1);
	struct kiln_table table = {0};
	char a, b;

	(void)state;
	assert_true(kiln_table_put(&table, &key, &a));
	assert_true(kiln_table_put(&table, &key, &b));
	assert_int_equal(table.count, 1);
	assert_ptr_equal(kiln_table_get(&table, &key), &b);
	kiln_table_finish(&table);
}

static void failed_growth_leaves_the_table_as_it_was(void **state)
{
	struct kiln_table table = {0};
	struct kiln_digest key;
	unsigned stored = 0;
	char value;

	(void)state;
	failing_alloc_begin(2);
	for (;; stored++) {
		key = spread_key(stored);
		if (!kiln_table_put(&table, &key, &value))
			break;
	}
	assert_true(failing_alloc_end());
	assert_int_equal(table.count, stored);
	for (unsigned i = 0; i < stored; i++) {
		key = spread_key(i);
		assert_ptr_equal(kiln_table_get(&table, &key), &value);
	}
	key = spread_key(stored);
	assert_null(kiln_table_get(&table, &key));
	assert_true(kiln_table_put(&table, &key, &value));
	kiln_table_finish(&table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty_table_knows_nothing),
		cmocka_unit_test(put_replaces),
		cmocka_unit_test(spread_keys_agree_with_a_model),
		cmocka_unit_test(crowded_keys_agree_with_a_model),
		cmocka_unit_test(failed_growth_leaves_the_table_as_it_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
