/* Which kernels may be run in parts. */
#include "test.h"

#include <string.h>

#include <kiln/reflect.h>

#include "reflect/rebase.h"

#include "parts_BARRIER.h"
#include "parts_COHERENT.h"
#include "parts_COMPACT.h"
#include "parts_HISTOGRAM.h"
#include "parts_ORDERED.h"
#include "parts_PLAIN.h"
#include "parts_PULL.h"
#include "parts_SHARED_BARRIER.h"
#include "parts_SHARED_SPIN.h"
#include "parts_SPIN.h"
#include "parts_VOLATILE.h"

static struct kiln_parts_facts facts_of(const uint32_t *words, size_t bytes)
{
	struct kiln_reflection *reflection = NULL;
	struct kiln_parts_facts facts;

	assert_int_equal(kiln_reflect(words, bytes, &reflection), KILN_OK);
	assert_int_equal(kiln_spirv_parts(reflection->words, reflection->word_count, &facts), KILN_OK);
	kiln_reflection_destroy(&reflection);
	return facts;
}

#define FACTS(name) facts_of(parts_##name, sizeof(parts_##name))
#define assert_whole(name, why)                                     \
	do {                                                        \
		assert_non_null(FACTS(name).reason);                \
		assert_non_null(strstr(FACTS(name).reason, (why))); \
	} while (0)

static void independent_workgroups_may_be_parted(void **state)
{
	(void)state;
	assert_null(FACTS(PLAIN).reason);
	assert_null(FACTS(HISTOGRAM).reason);
	assert_null(FACTS(COMPACT).reason);
	assert_null(FACTS(SHARED_SPIN).reason);
	assert_null(FACTS(SHARED_BARRIER).reason);
}

static void workgroups_that_may_wait_for_others_stay_together(void **state)
{
	(void)state;
	assert_whole(SPIN, "loop");
	assert_whole(PULL, "loop");
}

static void memory_that_others_may_watch_keeps_them_together(void **state)
{
	(void)state;
	assert_whole(COHERENT, "coherent");
	assert_whole(VOLATILE, "volatile");
	assert_whole(BARRIER, "wider than the workgroup");
	assert_whole(ORDERED, "orders memory");
}

/* Of a copy between a buffer, id 4, and the workgroup's own memory, id 5. */
static const char *reason_of_copy(const uint32_t *copy, uint32_t count)
{
	static const uint32_t head[] = {0x07230203, 0x10400,      0, 10, 0,  4 << 16 | 21, 1, 32,
	                                0,          4 << 16 | 32, 2, 12, 1,  4 << 16 | 32, 3, 4,
	                                1,          4 << 16 | 59, 2, 4,  12, 4 << 16 | 59, 3, 5,
	                                4};
	uint32_t words[sizeof head / sizeof head[0] + 8];
	struct kiln_parts_facts facts;

	memcpy(words, head, sizeof head);
	memcpy(words + sizeof head / sizeof head[0], copy, count * sizeof *copy);
	assert_int_equal(kiln_spirv_parts(words, sizeof head / sizeof head[0] + count, &facts), KILN_OK);
	return facts.reason;
}

#define COPY(op, ...) \
	reason_of_copy((const uint32_t[]){(1 + N(__VA_ARGS__)) << 16 | (op), __VA_ARGS__}, 1 + N(__VA_ARGS__))
#define N(...) (sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))

static void copies_are_looked_at_on_both_sides(void **state)
{
	(void)state;
	assert_null(COPY(63, 4, 5));
	assert_null(COPY(63, 5, 4, 2, 4));       /* aligned */
	assert_null(COPY(63, 5, 4, 2, 1, 2, 1)); /* an alignment is no mask */
	assert_null(COPY(63, 5, 5, 1));
	assert_null(COPY(64, 5, 4, 9)); /* nor is a size */
	assert_non_null(COPY(63, 4, 5, 1));
	assert_non_null(COPY(63, 5, 4, 1));
	assert_non_null(COPY(63, 5, 4, 0, 1));
	assert_non_null(COPY(63, 5, 4, 2, 4, 1));
	assert_non_null(COPY(64, 5, 4, 9, 1));
	assert_non_null(COPY(64, 4, 5, 9, 2, 4, 1));
}

static void loops_are_seen(void **state)
{
	(void)state;
	assert_false(FACTS(PLAIN).loops);
	assert_false(FACTS(SHARED_BARRIER).loops);
	assert_true(FACTS(COMPACT).loops);
	assert_true(FACTS(HISTOGRAM).loops);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(copies_are_looked_at_on_both_sides),
		cmocka_unit_test(independent_workgroups_may_be_parted),
		cmocka_unit_test(loops_are_seen),
		cmocka_unit_test(memory_that_others_may_watch_keeps_them_together),
		cmocka_unit_test(workgroups_that_may_wait_for_others_stay_together),
	};

	return cmocka_run_group_tests_name("slice parts", tests, NULL, NULL);
}
