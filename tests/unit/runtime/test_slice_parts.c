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
		cmocka_unit_test(independent_workgroups_may_be_parted),
		cmocka_unit_test(loops_are_seen),
		cmocka_unit_test(memory_that_others_may_watch_keeps_them_together),
		cmocka_unit_test(workgroups_that_may_wait_for_others_stay_together),
	};

	return cmocka_run_group_tests_name("slice parts", tests, NULL, NULL);
}
