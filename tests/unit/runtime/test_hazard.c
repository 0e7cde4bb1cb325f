/* Which uses of one buffer get a barrier between them. */
#include "test.h"

#include <kiln/identity.h>

#include "hazard.h"

#define R KILN_ACCESS_READ
#define W KILN_ACCESS_WRITE

/* Does `second` need a barrier after `first` in the same epoch? */
static bool needs(uint32_t first, uint32_t second)
{
	struct kiln_buffer_use use = {0};

	assert_false(kiln_hazard(&use, first, 5));
	kiln_hazard_note(&use, first, 5, 1);
	return kiln_hazard(&use, second, 5);
}

static void reads_share_an_epoch_and_writes_share_with_nothing(void **state)
{
	(void)state;
	assert_false(needs(R, R));
	assert_true(needs(R, W));
	assert_true(needs(R, R | W));
	assert_true(needs(W, R));
	assert_true(needs(W, W));
	assert_true(needs(R | W, R));
}

static void bound_and_never_touched_counts_as_read(void **state)
{
	(void)state;
	assert_false(needs(0, R));
	assert_false(needs(R, 0));
	assert_true(needs(0, W));
	assert_true(needs(W, 0));
}

static void a_barrier_clears_every_hazard(void **state)
{
	struct kiln_buffer_use use = {0};

	(void)state;
	kiln_hazard_note(&use, R | W, 5, 1);
	kiln_hazard_note(&use, R, 5, 1);
	assert_false(kiln_hazard(&use, R | W, 6));
}

/* One buffer bound twice by one launch: noted as read and as written, in either order. */
static void bound_twice_is_both_read_and_written(void **state)
{
	(void)state;
	for (int order = 0; order < 2; order++) {
		struct kiln_buffer_use use = {0};

		kiln_hazard_note(&use, order ? W : R, 5, 1);
		kiln_hazard_note(&use, order ? R : W, 5, 1);
		assert_true(kiln_hazard(&use, R, 5));
		assert_true(kiln_hazard(&use, W, 5));
	}
}

static void tickets_remember_the_last_use_and_the_last_write(void **state)
{
	struct kiln_buffer_use use = {0};

	(void)state;
	kiln_hazard_note(&use, W, 5, 3);
	kiln_hazard_note(&use, R, 6, 4);
	assert_int_equal(use.ticket, 4);
	assert_int_equal(use.write_ticket, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_share_an_epoch_and_writes_share_with_nothing),
		cmocka_unit_test(bound_and_never_touched_counts_as_read),
		cmocka_unit_test(a_barrier_clears_every_hazard),
		cmocka_unit_test(bound_twice_is_both_read_and_written),
		cmocka_unit_test(tickets_remember_the_last_use_and_the_last_write),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
