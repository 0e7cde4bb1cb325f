/* Which uses of one buffer get a barrier between them, and which wait for another stream. */
#include "test.h"

#include <stdlib.h>

#include <kiln/identity.h>

#include "hazard.h"

#define R KILN_ACCESS_READ
#define W KILN_ACCESS_WRITE

static struct kiln_access access_at(uint64_t begin, uint64_t end, uint32_t access, uint64_t epoch)
{
	return (struct kiln_access){{begin, end}, access, epoch, epoch, 0};
}

/* Does `second` need a barrier after `first` in the same epoch? */
static bool needs(struct kiln_access first, struct kiln_access second)
{
	struct kiln_stream_use use = {0};

	assert_false(kiln_hazard(&use, &first));
	kiln_hazard_note(&use, &first, 0);
	return kiln_hazard(&use, &second);
}

static bool whole_needs(uint32_t first, uint32_t second)
{
	return needs(access_at(0, 64, first, 5), access_at(0, 64, second, 5));
}

static void reads_share_an_epoch_and_writes_share_with_nothing(void **state)
{
	(void)state;
	assert_false(whole_needs(R, R));
	assert_true(whole_needs(R, W));
	assert_true(whole_needs(R, R | W));
	assert_true(whole_needs(W, R));
	assert_true(whole_needs(W, W));
	assert_true(whole_needs(R | W, R));
}

static void bound_and_never_touched_counts_as_read(void **state)
{
	(void)state;
	assert_false(whole_needs(0, R));
	assert_false(whole_needs(R, 0));
	assert_true(whole_needs(0, W));
	assert_true(whole_needs(W, 0));
}

static void what_the_host_knows_to_be_done_needs_no_barrier(void **state)
{
	struct kiln_access first = {{0, 64}, W, 5, 7, 0}, second = {{0, 64}, R | W, 5, 8, 6};
	struct kiln_stream_use use = {0};

	(void)state;
	kiln_hazard_note(&use, &first, 0);
	assert_true(kiln_hazard(&use, &second));
	second.done = 7;
	assert_false(kiln_hazard(&use, &second));
	second.done = 0;
	first.ticket = 0; /* of a graph, which knows no submissions */
	use = (struct kiln_stream_use){0};
	kiln_hazard_note(&use, &first, 0);
	assert_true(kiln_hazard(&use, &second));
}

static void ranges_that_touch_do_not_overlap(void **state)
{
	(void)state;
	assert_false(needs(access_at(0, 64, W, 5), access_at(64, 128, W, 5)));
	assert_false(needs(access_at(64, 128, W, 5), access_at(0, 64, W, 5)));
	assert_true(needs(access_at(0, 65, W, 5), access_at(64, 128, W, 5)));
	assert_true(needs(access_at(0, 256, W, 5), access_at(64, 65, R, 5)));
	assert_true(needs(access_at(64, 65, W, 5), access_at(0, 256, R, 5)));
}

static void a_barrier_clears_every_hazard(void **state)
{
	struct kiln_stream_use use = {0};
	struct kiln_access write = access_at(0, 64, R | W, 5), read = access_at(0, 64, R, 5);
	struct kiln_access later = access_at(0, 64, R | W, 6);

	(void)state;
	kiln_hazard_note(&use, &write, 0);
	kiln_hazard_note(&use, &read, 0);
	assert_false(kiln_hazard(&use, &later));
}

/* One buffer bound twice by one launch: noted as read and as written, in either order. */
static void bound_twice_is_both_read_and_written(void **state)
{
	(void)state;
	for (int order = 0; order < 2; order++) {
		struct kiln_stream_use use = {0};
		struct kiln_access first = access_at(0, 64, order ? W : R, 5);
		struct kiln_access second = access_at(0, 64, order ? R : W, 5);

		kiln_hazard_note(&use, &first, 0);
		kiln_hazard_note(&use, &second, 0);
		assert_true(kiln_hazard(&use, &(struct kiln_access){{0, 64}, R, 5, 5}));
		assert_true(kiln_hazard(&use, &(struct kiln_access){{0, 64}, W, 5, 5}));
	}
}

static void tickets_remember_the_last_use_and_the_last_write(void **state)
{
	struct kiln_stream_use use = {0};
	struct kiln_access write = {{0, 64}, W, 5, 3}, read = {{0, 64}, R, 6, 4};

	(void)state;
	kiln_hazard_note(&use, &write, 0);
	kiln_hazard_note(&use, &read, 0);
	assert_int_equal(use.ticket, 4);
	assert_int_equal(use.write_ticket, 3);
}

static void another_stream_waits_for_writes_and_to_write_for_reads(void **state)
{
	struct kiln_stream_use use = {0};
	struct kiln_access write = {{0, 64}, W, 5, 3}, read = {{0, 64}, R, 6, 4};
	struct kiln_byte_range whole = {0, 64}, beyond = {64, 128};

	(void)state;
	kiln_hazard_note(&use, &write, 0);
	kiln_hazard_note(&use, &read, 0);
	assert_int_equal(kiln_hazard_foreign(&use, whole, R), 3);
	assert_int_equal(kiln_hazard_foreign(&use, whole, W), 4);
	assert_int_equal(kiln_hazard_foreign(&use, beyond, W), 0);
}

/* ---- Against a model that remembers every byte ---- */

#define BYTES 96u

struct model {
	uint64_t read_epoch[BYTES], write_epoch[BYTES], read_ticket[BYTES], write_ticket[BYTES];
};

static bool model_hazard(const struct model *model, const struct kiln_access *access)
{
	for (uint64_t i = access->range.begin; i < access->range.end; i++)
		if (model->write_epoch[i] == access->epoch ||
		    ((access->access & W) && model->read_epoch[i] == access->epoch))
			return true;
	return false;
}

static uint64_t model_foreign(const struct model *model, const struct kiln_access *access)
{
	uint64_t ticket = 0;

	for (uint64_t i = access->range.begin; i < access->range.end; i++) {
		if (model->write_ticket[i] > ticket)
			ticket = model->write_ticket[i];
		if ((access->access & W) && model->read_ticket[i] > ticket)
			ticket = model->read_ticket[i];
	}
	return ticket;
}

static void model_note(struct model *model, const struct kiln_access *access)
{
	for (uint64_t i = access->range.begin; i < access->range.end; i++) {
		*((access->access & W) ? &model->write_epoch[i] : &model->read_epoch[i]) = access->epoch;
		*((access->access & W) ? &model->write_ticket[i] : &model->read_ticket[i]) = access->ticket;
	}
}

static uint64_t random_state = 20261120;

static uint32_t pick(uint32_t below)
{
	random_state = random_state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(random_state >> 33) % below;
}

/* `ranges` distinct ones at most: as many as are remembered are remembered exactly. */
static void compare(uint32_t ranges, bool exact)
{
	struct kiln_byte_range choice[16];
	struct kiln_stream_use use = {0};
	static struct model model;
	uint64_t epoch = 1, ticket = 1, done = 0;

	model = (struct model){0};
	for (uint32_t i = 0; i < ranges; i++) {
		choice[i].begin = pick(BYTES - 1);
		choice[i].end = choice[i].begin + 1 + pick(BYTES - (uint32_t)choice[i].begin - 1);
	}
	for (int step = 0; step < 200; step++) {
		struct kiln_access access = {choice[pick(ranges)], 1 + pick(3), epoch, ticket};
		bool hazard = kiln_hazard(&use, &access), wanted = model_hazard(&model, &access);
		uint64_t foreign = kiln_hazard_foreign(&use, access.range, access.access);
		uint64_t foreign_wanted = model_foreign(&model, &access);

		assert_true(hazard || !wanted);
		assert_true(foreign >= foreign_wanted || foreign_wanted <= done);
		if (exact) {
			assert_int_equal(hazard, wanted);
			assert_int_equal(foreign, foreign_wanted);
		}
		if (hazard)
			access.epoch = ++epoch;
		kiln_hazard_note(&use, &access, done);
		model_note(&model, &access);
		if (pick(10) == 0)
			done = pick(2) ? ticket++ : done;
	}
}

static void few_ranges_are_remembered_exactly(void **state)
{
	(void)state;
	print_message("seed %llu\n", (unsigned long long)random_state);
	for (int trial = 0; trial < 2000; trial++)
		compare(1 + pick(KILN_USE_RANGES), true);
}

static void many_ranges_never_hide_a_hazard(void **state)
{
	(void)state;
	print_message("seed %llu\n", (unsigned long long)random_state);
	for (int trial = 0; trial < 2000; trial++)
		compare(16, false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_barrier_clears_every_hazard),
		cmocka_unit_test(another_stream_waits_for_writes_and_to_write_for_reads),
		cmocka_unit_test(bound_and_never_touched_counts_as_read),
		cmocka_unit_test(bound_twice_is_both_read_and_written),
		cmocka_unit_test(few_ranges_are_remembered_exactly),
		cmocka_unit_test(many_ranges_never_hide_a_hazard),
		cmocka_unit_test(ranges_that_touch_do_not_overlap),
		cmocka_unit_test(reads_share_an_epoch_and_writes_share_with_nothing),
		cmocka_unit_test(tickets_remember_the_last_use_and_the_last_write),
		cmocka_unit_test(what_the_host_knows_to_be_done_needs_no_barrier),
	};
	return cmocka_run_group_tests_name("hazard", tests, NULL, NULL);
}
