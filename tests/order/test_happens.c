/* The checker on records written by hand: what orders two accesses, and every way in which it may be missing. */
#include <stdlib.h>
#include <string.h>

#include <vulkan/vulkan_core.h>

#include "happens.h"
#include "test.h"

#define COMPUTE VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT
#define TRANSFER VK_PIPELINE_STAGE_TRANSFER_BIT
#define HOST VK_PIPELINE_STAGE_HOST_BIT
#define ALL VK_PIPELINE_STAGE_ALL_COMMANDS_BIT
#define SHADER_R VK_ACCESS_SHADER_READ_BIT
#define SHADER_W VK_ACCESS_SHADER_WRITE_BIT
#define TRANSFER_R VK_ACCESS_TRANSFER_READ_BIT
#define TRANSFER_W VK_ACCESS_TRANSFER_WRITE_BIT
#define HOST_R VK_ACCESS_HOST_READ_BIT
#define HOST_W VK_ACCESS_HOST_WRITE_BIT

/* Queue 0 and numbers by position unless said otherwise; every access is to bytes 0 to 64. */
#define SUBMIT(q, batch)                                              \
	{                                                             \
		.kind = TRACE_SUBMIT, .queue = (q), .object = (batch) \
	}
#define ON(q, n, s, a)                                                                                     \
	{                                                                                                  \
		.kind = TRACE_ACCESS, .queue = (q), .number = (n), .end = 64, .stages = (s), .access = (a) \
	}
#define AT(n, s, a, from, to)                                                                     \
	{                                                                                         \
		.kind = TRACE_ACCESS, .number = (n), .begin = (from), .end = (to), .stages = (s), \
		.access = (a)                                                                     \
	}
#define BARRIER_ON(q, n, s, a, s2, a2)                                                                \
	{                                                                                             \
		.kind = TRACE_BARRIER, .queue = (q), .number = (n), .end = UINT64_MAX, .stages = (s), \
		.access = (a), .stages_after = (s2), .access_after = (a2)                             \
	}
#define BARRIER(n, s, a, s2, a2) BARRIER_ON(0, n, s, a, s2, a2)
#define SIGNAL(q, id, v)                                                         \
	{                                                                        \
		.kind = TRACE_SIGNAL, .queue = (q), .object = (id), .value = (v) \
	}
#define WAIT(q, n, id, v, s)                                                                   \
	{                                                                                      \
		.kind = TRACE_WAIT, .queue = (q), .number = (n), .object = (id), .value = (v), \
		.stages_after = (s)                                                            \
	}
#define KNOWN(q, batch)                                             \
	{                                                           \
		.kind = TRACE_DONE, .queue = (q), .object = (batch) \
	}
#define HOST_DOES(a)                                                         \
	{                                                                    \
		.kind = TRACE_HOST, .end = 64, .stages = HOST, .access = (a) \
	}

#define CHECK(events) happens_check((events), sizeof(events) / sizeof((events)[0]), NULL, 0)
#define ASSERT_ORDERED(events, pairs)                        \
	do {                                                 \
		struct happens found_ = CHECK(events);       \
		assert_int_equal(found_.conflicts, (pairs)); \
		assert_int_equal(found_.unordered, 0);       \
	} while (0)
#define ASSERT_UNORDERED(events, pairs) assert_int_equal(CHECK(events).unordered, (pairs))

static void reads_need_no_order(void **state)
{
	const struct trace_event events[] = {
		SUBMIT(0, 1),
		ON(0, 1, COMPUTE, SHADER_R),
		ON(0, 2, TRANSFER, TRANSFER_R),
		ON(0, 3, COMPUTE, SHADER_R),
	};

	(void)state;
	ASSERT_ORDERED(events, 0);
}

static void other_bytes_need_no_order(void **state)
{
	const struct trace_event events[] = {
		SUBMIT(0, 1),
		AT(1, COMPUTE, SHADER_W, 0, 64),
		AT(2, COMPUTE, SHADER_W, 64, 128),
	};

	(void)state;
	ASSERT_ORDERED(events, 0);
}

static void accesses_of_one_command_are_its_own_affair(void **state)
{
	const struct trace_event events[] = {
		SUBMIT(0, 1),
		ON(0, 1, COMPUTE, SHADER_R),
		ON(0, 1, COMPUTE, SHADER_W),
	};

	(void)state;
	ASSERT_ORDERED(events, 0);
}

static void one_byte_in_common_is_enough(void **state)
{
	const struct trace_event events[] = {
		SUBMIT(0, 1),
		AT(1, COMPUTE, SHADER_W, 0, 64),
		AT(2, COMPUTE, SHADER_R, 63, 128),
	};

	(void)state;
	ASSERT_UNORDERED(events, 1);
}

static void every_conflict_without_a_barrier_is_found(void **state)
{
	const struct trace_event events[] = {
		SUBMIT(0, 1),
		ON(0, 1, COMPUTE, SHADER_W),
		ON(0, 2, COMPUTE, SHADER_R),
		ON(0, 3, TRANSFER, TRANSFER_W),
	};
	struct happens found = CHECK(events);

	(void)state;
	assert_int_equal(found.conflicts, 3); /* read after write, write after read, write after write */
	assert_int_equal(found.unordered, 3);
	assert_int_equal(found.first, 1);
	assert_int_equal(found.second, 2);
}

static void barrier_orders_what_it_names(void **state)
{
	const struct trace_event events[] = {
		SUBMIT(0, 1),
		ON(0, 1, COMPUTE, SHADER_W),
		BARRIER(2, COMPUTE, SHADER_W, TRANSFER | COMPUTE, TRANSFER_R | SHADER_W),
		ON(0, 3, TRANSFER, TRANSFER_R),
		ON(0, 4, COMPUTE, SHADER_W),
	};

	(void)state;
	/* 1-3 and 1-4 are; 3-4 comes behind the barrier */
	assert_int_equal(CHECK(events).conflicts, 3);
	ASSERT_UNORDERED(events, 1);
}

static void barrier_orders_nothing_else(void **state)
{
	static const struct {
		struct trace_event barrier;
	} wrong[] = {
		{BARRIER(2, TRANSFER, SHADER_W, COMPUTE, SHADER_R)},      /* another stage before */
		{BARRIER(2, COMPUTE, SHADER_W, TRANSFER, SHADER_R)},      /* another stage after */
		{BARRIER(2, COMPUTE, 0, COMPUTE, SHADER_R)},              /* not made available */
		{BARRIER(2, COMPUTE, TRANSFER_W, COMPUTE, SHADER_R)},     /* another access before */
		{BARRIER(2, COMPUTE, SHADER_W, COMPUTE, 0)},              /* not made visible */
		{BARRIER(2, COMPUTE, SHADER_W, COMPUTE, SHADER_W)},       /* another access after */
		{BARRIER(2, COMPUTE, SHADER_W, HOST, HOST_R)},            /* for the host alone */
		{BARRIER_ON(1, 2, COMPUTE, SHADER_W, COMPUTE, SHADER_R)}, /* another queue */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		const struct trace_event events[] = {
			SUBMIT(0, 1),
			ON(0, 1, COMPUTE, SHADER_W),
			wrong[i].barrier,
			ON(0, 3, COMPUTE, SHADER_R),
		};

		ASSERT_UNORDERED(events, 1);
	}
}

static void barrier_of_a_buffer_orders_its_bytes(void **state)
{
	struct trace_event events[] = {
		SUBMIT(0, 1),
		AT(1, COMPUTE, SHADER_W, 0, 64),
		BARRIER(2, COMPUTE, SHADER_W, COMPUTE, SHADER_R),
		AT(3, COMPUTE, SHADER_R, 32, 96),
	};

	(void)state;
	events[2].begin = 32;
	events[2].end = 64;
	ASSERT_ORDERED(events, 1);
	events[2].begin = 33;
	ASSERT_UNORDERED(events, 1);
}

static void write_after_read_needs_execution_only(void **state)
{
	const struct trace_event events[] = {
		SUBMIT(0, 1),
		ON(0, 1, COMPUTE, SHADER_R),
		BARRIER(2, COMPUTE, 0, TRANSFER, 0),
		ON(0, 3, TRANSFER, TRANSFER_W),
	};

	(void)state;
	ASSERT_ORDERED(events, 1);
}

static void write_after_write_needs_memory(void **state)
{
	const struct trace_event events[] = {
		SUBMIT(0, 1),
		ON(0, 1, COMPUTE, SHADER_W),
		BARRIER(2, COMPUTE, 0, TRANSFER, 0),
		ON(0, 3, TRANSFER, TRANSFER_W),
	};

	(void)state;
	ASSERT_UNORDERED(events, 1);
}

static void barriers_form_a_chain_where_their_stages_meet(void **state)
{
	struct trace_event events[] = {
		SUBMIT(0, 1),
		ON(0, 1, COMPUTE, SHADER_W),
		BARRIER(2, COMPUTE, SHADER_W, TRANSFER, 0),
		BARRIER(3, TRANSFER, 0, COMPUTE, SHADER_R),
		ON(0, 4, COMPUTE, SHADER_R),
	};

	(void)state;
	ASSERT_ORDERED(events, 1);
	events[3].stages = VK_PIPELINE_STAGE_DRAW_INDIRECT_BIT;
	ASSERT_UNORDERED(events, 1);
	events[3].stages = ALL;
	ASSERT_ORDERED(events, 1);
}

static void barrier_reaches_across_batches_of_its_queue(void **state)
{
	const struct trace_event events[] = {
		SUBMIT(0, 1), ON(0, 1, COMPUTE, SHADER_W),
		SUBMIT(0, 2), BARRIER(2, COMPUTE, SHADER_W, COMPUTE, SHADER_R),
		SUBMIT(0, 3), ON(0, 3, COMPUTE, SHADER_R),
	};

	(void)state;
	ASSERT_ORDERED(events, 1);
}

static void batches_of_one_queue_are_not_ordered_by_themselves(void **state)
{
	const struct trace_event events[] = {
		SUBMIT(0, 1),
		ON(0, 1, COMPUTE, SHADER_W),
		SUBMIT(0, 2),
		ON(0, 2, COMPUTE, SHADER_R),
	};

	(void)state;
	ASSERT_UNORDERED(events, 1);
}

static void semaphore_orders_batches(void **state)
{
	struct trace_event events[] = {
		SUBMIT(0, 1), ON(0, 1, COMPUTE, SHADER_W), SIGNAL(0, 7, 1),
		SUBMIT(1, 2), WAIT(1, 2, 7, 1, ALL),       ON(1, 3, TRANSFER, TRANSFER_R),
	};

	(void)state;
	ASSERT_ORDERED(events, 1);
	events[4].stages_after = COMPUTE; /* the copy does not wait */
	ASSERT_UNORDERED(events, 1);
	events[4].stages_after = TRANSFER;
	ASSERT_ORDERED(events, 1);
	events[4].object = 8; /* another semaphore */
	ASSERT_UNORDERED(events, 1);
	events[4].object = 7;
	events[4].value = 2; /* a value nobody signalled */
	ASSERT_UNORDERED(events, 1);
}

static void semaphore_orders_what_was_submitted_before_its_signal(void **state)
{
	struct trace_event events[] = {
		SUBMIT(0, 1), ON(0, 1, COMPUTE, SHADER_W), SUBMIT(0, 2), SIGNAL(0, 7, 5),
		SUBMIT(1, 3), WAIT(1, 2, 7, 3, ALL), /* 5 is more than 3 */
		SUBMIT(1, 4), ON(1, 3, COMPUTE, SHADER_W),
	};

	(void)state;
	ASSERT_ORDERED(events, 1);
	events[3].value = 2;
	ASSERT_UNORDERED(events, 1);
}

static void work_behind_the_signal_is_not_ordered(void **state)
{
	const struct trace_event events[] = {
		SUBMIT(0, 1),
		SIGNAL(0, 7, 1),
		SUBMIT(0, 2),
		ON(0, 1, COMPUTE, SHADER_W),
		SUBMIT(1, 3),
		WAIT(1, 2, 7, 1, ALL),
		ON(1, 3, COMPUTE, SHADER_R),
	};

	(void)state;
	ASSERT_UNORDERED(events, 1);
}

static void semaphores_form_a_chain(void **state)
{
	struct trace_event events[] = {
		SUBMIT(0, 1), ON(0, 1, COMPUTE, SHADER_W), SIGNAL(0, 7, 1),
		SUBMIT(1, 2), WAIT(1, 2, 7, 1, ALL),       SIGNAL(1, 8, 1),
		SUBMIT(2, 3), WAIT(2, 3, 8, 1, ALL),       ON(2, 4, COMPUTE, SHADER_R),
	};

	(void)state;
	ASSERT_ORDERED(events, 1);
	events[4].object = 9;
	ASSERT_UNORDERED(events, 1);
}

static void semaphore_and_barrier_form_a_chain(void **state)
{
	struct trace_event events[] = {
		SUBMIT(0, 1),
		ON(0, 1, COMPUTE, SHADER_W),
		SIGNAL(0, 7, 1),
		SUBMIT(1, 2),
		WAIT(1, 2, 7, 1, TRANSFER),
		BARRIER_ON(1, 3, TRANSFER, 0, COMPUTE, SHADER_R),
		ON(1, 4, COMPUTE, SHADER_R),
	};

	(void)state;
	ASSERT_ORDERED(events, 1);
	events[5].stages = COMPUTE; /* which did not wait */
	ASSERT_UNORDERED(events, 1);
}

static void host_that_knows_orders_what_it_submits_later(void **state)
{
	struct trace_event events[] = {
		SUBMIT(0, 1), ON(0, 1, COMPUTE, SHADER_W), KNOWN(0, 1),
		SUBMIT(1, 2), ON(1, 2, COMPUTE, SHADER_R),
	};
	const struct trace_event too_late[] = {
		SUBMIT(0, 1), ON(0, 1, COMPUTE, SHADER_W), SUBMIT(1, 2), ON(1, 2, COMPUTE, SHADER_R),
		KNOWN(0, 1),
	};

	(void)state;
	ASSERT_ORDERED(events, 1);
	events[2].object = 9; /* of another batch */
	ASSERT_UNORDERED(events, 1);
	ASSERT_UNORDERED(too_late, 1);
}

static void host_that_knows_a_batch_knows_those_before_it(void **state)
{
	const struct trace_event events[] = {
		SUBMIT(0, 1), ON(0, 1, COMPUTE, SHADER_W),    SUBMIT(0, 2),
		SUBMIT(0, 3), ON(0, 2, TRANSFER, TRANSFER_R), KNOWN(0, 2),
		SUBMIT(0, 4), ON(0, 3, COMPUTE, SHADER_W),
	};

	(void)state;
	/* 1-2 and 2-3 are not ordered, 1-3 is: batch 3 is not known to be done */
	ASSERT_UNORDERED(events, 2);
}

static void host_reads_what_a_barrier_brought_it(void **state)
{
	struct trace_event events[] = {
		SUBMIT(0, 1), ON(0, 1, COMPUTE, SHADER_W), BARRIER(2, COMPUTE, SHADER_W, HOST, HOST_R),
		KNOWN(0, 1),  HOST_DOES(HOST_R),
	};

	(void)state;
	ASSERT_ORDERED(events, 1);
	events[2].access_after = 0;
	ASSERT_UNORDERED(events, 1);
	events[2].access_after = HOST_R;
	events[2].stages_after = COMPUTE;
	ASSERT_UNORDERED(events, 1);
	events[2].stages_after = HOST;
	events[3].object = 2;
	ASSERT_UNORDERED(events, 1);
}

static void host_barrier_behind_the_batch_that_is_known_is_no_use(void **state)
{
	const struct trace_event events[] = {
		SUBMIT(0, 1), ON(0, 1, COMPUTE, SHADER_W),
		SUBMIT(0, 2), BARRIER(2, COMPUTE, SHADER_W, HOST, HOST_R),
		KNOWN(0, 1),  HOST_DOES(HOST_R),
	};

	(void)state;
	ASSERT_UNORDERED(events, 1);
}

static void host_writes_when_readers_are_known_to_be_done(void **state)
{
	struct trace_event events[] = {
		SUBMIT(0, 1), ON(0, 1, COMPUTE, SHADER_R), KNOWN(0, 1), HOST_DOES(HOST_W),
		SUBMIT(0, 2), ON(0, 2, COMPUTE, SHADER_R),
	};

	(void)state;
	ASSERT_ORDERED(events, 2);
	events[2].object = 2;
	ASSERT_UNORDERED(events, 1);
}

static void left_out_barrier_counts_as_absent(void **state)
{
	const struct trace_event events[] = {
		SUBMIT(0, 1),
		ON(0, 1, COMPUTE, SHADER_W),
		BARRIER(2, COMPUTE, SHADER_W, COMPUTE, SHADER_R),
		ON(0, 3, COMPUTE, SHADER_R),
	};
	const bool ignored[] = {false, false, true, false};

	(void)state;
	assert_int_equal(happens_check(events, 4, NULL, 0).unordered, 0);
	assert_int_equal(happens_check(events, 4, ignored, 0).unordered, 1);
}

#define FULL(n)                                                                   \
	BARRIER(n, COMPUTE | TRANSFER, SHADER_W | TRANSFER_W, COMPUTE | TRANSFER, \
	        SHADER_R | SHADER_W | TRANSFER_R | TRANSFER_W)

static void removal_tells_the_needed_from_the_redundant(void **state)
{
	const struct trace_event events[] = {
		SUBMIT(0, 1),
		ON(0, 1, COMPUTE, SHADER_W),
		FULL(2),
		ON(0, 3, COMPUTE, SHADER_R),
		FULL(4),
		ON(0, 5, TRANSFER, TRANSFER_R), /* reads behind reads: the second barrier is for nothing */
		BARRIER(6, COMPUTE | TRANSFER, SHADER_W, HOST, HOST_R),
	};
	const size_t count = sizeof(events) / sizeof(events[0]);
	struct happens_removal removal = happens_without_each(events, count, HAPPENS_BARRIERS);

	(void)state;
	assert_int_equal(removal.removed, 2);
	assert_int_equal(removal.caught, 1);
	assert_int_equal(removal.redundant, 1);
	assert_int_equal(happens_count(events, count, HAPPENS_TO_HOST), 1);
	assert_int_equal(happens_without_each(events, count, HAPPENS_TO_HOST).redundant, 1);
	assert_int_equal(happens_without_each(events, count, HAPPENS_WAITS).removed, 0);
}

static void removal_takes_the_whole_command(void **state)
{
	const struct trace_event events[] = {
		SUBMIT(0, 1), ON(0, 1, COMPUTE, SHADER_R), BARRIER(2, COMPUTE, 0, COMPUTE, 0),
		FULL(2),      ON(0, 3, COMPUTE, SHADER_W),
	};

	(void)state;
	assert_int_equal(happens_without_each(events, 5, HAPPENS_BARRIERS).removed, 1);
	assert_int_equal(happens_without_each(events, 5, HAPPENS_BARRIERS).caught, 1);
}

static void fewest_barriers_are_found(void **state)
{
	/* a chain over two buffers: one barrier may serve two conflicts where it stands between both */
	const struct trace_event one[] = {
		SUBMIT(0, 1),
		AT(1, COMPUTE, SHADER_W, 0, 64),
		AT(2, COMPUTE, SHADER_W, 64, 128),
		AT(3, COMPUTE, SHADER_R, 0, 64),
		AT(4, COMPUTE, SHADER_R, 64, 128),
	};
	const struct trace_event two[] = {
		SUBMIT(0, 1),
		ON(0, 1, COMPUTE, SHADER_W),
		ON(0, 2, COMPUTE, SHADER_W),
		ON(0, 3, COMPUTE, SHADER_W),
	};
	const struct trace_event none[] = {
		SUBMIT(0, 1), ON(0, 1, COMPUTE, SHADER_W), KNOWN(0, 1),
		SUBMIT(0, 2), ON(0, 2, COMPUTE, SHADER_W),
	};

	(void)state;
	assert_int_equal(happens_fewest_barriers(one, 5), 1);
	assert_int_equal(happens_fewest_barriers(two, 4), 2);
	assert_int_equal(happens_fewest_barriers(none, 5), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(accesses_of_one_command_are_its_own_affair),
		cmocka_unit_test(barrier_of_a_buffer_orders_its_bytes),
		cmocka_unit_test(barrier_orders_nothing_else),
		cmocka_unit_test(barrier_orders_what_it_names),
		cmocka_unit_test(barrier_reaches_across_batches_of_its_queue),
		cmocka_unit_test(barriers_form_a_chain_where_their_stages_meet),
		cmocka_unit_test(batches_of_one_queue_are_not_ordered_by_themselves),
		cmocka_unit_test(every_conflict_without_a_barrier_is_found),
		cmocka_unit_test(fewest_barriers_are_found),
		cmocka_unit_test(host_barrier_behind_the_batch_that_is_known_is_no_use),
		cmocka_unit_test(host_reads_what_a_barrier_brought_it),
		cmocka_unit_test(host_that_knows_a_batch_knows_those_before_it),
		cmocka_unit_test(host_that_knows_orders_what_it_submits_later),
		cmocka_unit_test(host_writes_when_readers_are_known_to_be_done),
		cmocka_unit_test(left_out_barrier_counts_as_absent),
		cmocka_unit_test(one_byte_in_common_is_enough),
		cmocka_unit_test(other_bytes_need_no_order),
		cmocka_unit_test(reads_need_no_order),
		cmocka_unit_test(removal_takes_the_whole_command),
		cmocka_unit_test(removal_tells_the_needed_from_the_redundant),
		cmocka_unit_test(semaphore_and_barrier_form_a_chain),
		cmocka_unit_test(semaphore_orders_batches),
		cmocka_unit_test(semaphore_orders_what_was_submitted_before_its_signal),
		cmocka_unit_test(semaphores_form_a_chain),
		cmocka_unit_test(work_behind_the_signal_is_not_ordered),
		cmocka_unit_test(write_after_read_needs_execution_only),
		cmocka_unit_test(write_after_write_needs_memory),
	};

	return cmocka_run_group_tests_name("happens", tests, NULL, NULL);
}
