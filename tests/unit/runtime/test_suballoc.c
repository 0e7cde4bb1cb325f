/* The sub-allocator against a naive model of the same block. */
#ifdef NDEBUG
#error "tests need assert()"
#endif

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <base/alloc.h>

#include "suballoc.h"

#define GRANULE 256
#define BLOCK_GRANULES 4096
#define LIVE_MAX 512

/* One byte for each granule: 1 = taken. Slow, and obviously right. */
struct model {
	unsigned char taken[BLOCK_GRANULES];
};

struct live {
	struct kiln_suballoc_range range;
};

static uint64_t random_next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static bool model_fits(const struct model *model, uint64_t granules, uint64_t alignment_granules)
{
	for (uint64_t start = 0; start + granules <= BLOCK_GRANULES; start += alignment_granules) {
		if (!memchr(model->taken + start, 1, granules))
			return true;
	}
	return false;
}

static void model_take(struct model *model, struct kiln_suballoc_range range)
{
	assert_null(memchr(model->taken + range.offset / GRANULE, 1, range.bytes / GRANULE));
	memset(model->taken + range.offset / GRANULE, 1, range.bytes / GRANULE);
}

static void take_one(struct kiln_suballoc *block, struct model *model, struct live *live, uint32_t *count,
                     uint64_t *seed)
{
	uint64_t magnitude =
		random_next(seed) % 18; /* sizes up to a quarter of the block, small ones often */
	uint64_t bytes = 1 + random_next(seed) % (UINT64_C(1) << (magnitude + 1));
	uint64_t alignment = UINT64_C(1) << random_next(seed) % 14;
	uint64_t granules = (bytes + GRANULE - 1) / GRANULE;
	struct kiln_suballoc_range range;
	bool possible = model_fits(model, granules, alignment > GRANULE ? alignment / GRANULE : 1);

	assert_int_equal(kiln_suballoc_take(block, bytes, alignment, &range), possible);
	if (!possible)
		return;
	assert_int_equal(range.offset % alignment, 0);
	assert_int_equal(range.offset % GRANULE, 0);
	assert_int_equal(range.bytes, granules * GRANULE);
	assert_true(range.offset + range.bytes <= (uint64_t)BLOCK_GRANULES * GRANULE);
	model_take(model, range);
	live[(*count)++].range = range;
}

static void free_one(struct kiln_suballoc *block, struct model *model, struct live *live, uint32_t *count,
                     uint64_t pick)
{
	struct kiln_suballoc_range range = live[pick].range;

	kiln_suballoc_free(block, range.node);
	memset(model->taken + range.offset / GRANULE, 0, range.bytes / GRANULE);
	live[pick] = live[--*count];
}

static void random_use_agrees_with_the_model(void **state)
{
	static struct model model;
	static struct live live[LIVE_MAX];
	struct kiln_suballoc block;
	struct kiln_suballoc_range all;
	uint64_t seed = 0x9e3779b97f4a7c15;
	uint32_t count = 0;

	(void)state;
	assert_true(kiln_suballoc_init(&block, (uint64_t)BLOCK_GRANULES * GRANULE, GRANULE));
	for (uint32_t step = 0; step < 100000; step++) {
		bool crowded = step / 2000 % 2; /* phases of filling up and of draining */
		uint64_t dice = random_next(&seed) % 8;

		if (count < LIVE_MAX && (count == 0 || dice < (crowded ? 6 : 3)))
			take_one(&block, &model, live, &count, &seed);
		else
			free_one(&block, &model, live, &count, random_next(&seed) % count);
		if (step % 64 == 0)
			assert_true(kiln_suballoc_check(&block));
	}
	while (count)
		free_one(&block, &model, live, &count, random_next(&seed) % count);

	assert_true(kiln_suballoc_check(&block));
	assert_int_equal(block.used_bytes, 0);
	assert_int_equal(block.used_count, 0);
	assert_true(kiln_suballoc_take(&block, (uint64_t)BLOCK_GRANULES * GRANULE, 1, &all));
	assert_int_equal(all.offset, 0);
	kiln_suballoc_finish(&block);
}

static void whole_block_can_be_taken(void **state)
{
	struct kiln_suballoc block;
	struct kiln_suballoc_range range, more;

	(void)state;
	assert_true(kiln_suballoc_init(&block, 4096 + 100, GRANULE)); /* the odd end is never handed out */
	assert_true(kiln_suballoc_take(&block, 4096, 4096, &range));
	assert_int_equal(range.offset, 0);
	assert_false(kiln_suballoc_take(&block, 1, 1, &more));
	kiln_suballoc_free(&block, range.node);
	assert_false(kiln_suballoc_take(&block, 4097, 1, &range));
	kiln_suballoc_finish(&block);
}

static void neighbours_grow_together_again(void **state)
{
	const uint32_t orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
	struct kiln_suballoc block;
	struct kiln_suballoc_range ranges[3], all;

	(void)state;
	assert_true(kiln_suballoc_init(&block, 3 * 1024, GRANULE));
	for (uint32_t i = 0; i < 6; i++) {
		for (uint32_t j = 0; j < 3; j++)
			assert_true(kiln_suballoc_take(&block, 1024, 1, &ranges[j]));
		for (uint32_t j = 0; j < 3; j++) {
			kiln_suballoc_free(&block, ranges[orders[i][j]].node);
			assert_true(kiln_suballoc_check(&block));
		}
		assert_true(kiln_suballoc_take(&block, 3 * 1024, 1, &all));
		kiln_suballoc_free(&block, all.node);
	}
	kiln_suballoc_finish(&block);
}

static void alignment_padding_stays_usable(void **state)
{
	struct kiln_suballoc block;
	struct kiln_suballoc_range small, aligned, filler;

	(void)state;
	assert_true(kiln_suballoc_init(&block, 16384, GRANULE));
	assert_true(kiln_suballoc_take(&block, 1, 1, &small));
	assert_true(kiln_suballoc_take(&block, 4096, 4096, &aligned));
	assert_int_equal(aligned.offset % 4096, 0);
	assert_true(aligned.offset != small.offset);
	/* whatever lies before and behind adds up to the rest */
	assert_int_equal(block.used_bytes, 256 + 4096);
	for (uint32_t i = 0; i < (16384 - 256 - 4096) / 256; i++)
		assert_true(kiln_suballoc_take(&block, 256, 1, &filler));
	assert_false(kiln_suballoc_take(&block, 1, 1, &filler));
	kiln_suballoc_finish(&block);
}

static void absurd_sizes_are_refused(void **state)
{
	struct kiln_suballoc block;
	struct kiln_suballoc_range range;

	(void)state;
	assert_true(kiln_suballoc_init(&block, 1 << 20, GRANULE));
	assert_false(kiln_suballoc_take(&block, UINT64_MAX, 1, &range));
	assert_false(kiln_suballoc_take(&block, UINT64_MAX - 255, 256, &range));
	assert_false(kiln_suballoc_take(&block, UINT64_C(1) << 63, UINT64_C(1) << 63, &range));
	assert_true(kiln_suballoc_take(&block, 1, UINT64_C(1) << 63, &range));
	assert_int_equal(range.offset, 0);
	assert_false(kiln_suballoc_take(&block, 1, UINT64_C(1) << 63, &range));
	assert_true(kiln_suballoc_check(&block));
	kiln_suballoc_finish(&block);
}

static void huge_blocks_work(void **state)
{
	struct kiln_suballoc block;
	struct kiln_suballoc_range ranges[2];

	(void)state;
	assert_true(kiln_suballoc_init(&block, UINT64_C(1) << 63, 1));
	assert_true(kiln_suballoc_take(&block, UINT64_C(1) << 62, 1, &ranges[0]));
	assert_true(kiln_suballoc_take(&block, UINT64_C(1) << 62, 1, &ranges[1]));
	assert_true(ranges[0].offset != ranges[1].offset);
	assert_true(kiln_suballoc_check(&block));
	kiln_suballoc_finish(&block);
}

static int refuse(void *user)
{
	(void)user;
	return 0;
}

static void failed_host_memory_leaves_the_block_unchanged(void **state)
{
	struct kiln_suballoc block;
	struct kiln_suballoc_range ranges[64], range;
	uint32_t count = 0;
	bool refused = false;

	(void)state;
	kiln_alloc_hook(refuse, NULL);
	assert_false(kiln_suballoc_init(&block, 1 << 20, GRANULE));
	kiln_alloc_hook(NULL, NULL);
	assert_true(kiln_suballoc_init(&block, 1 << 20, GRANULE));

	kiln_alloc_hook(refuse, NULL);
	while (count < 64 && !refused) {
		uint64_t used = block.used_bytes;

		refused = !kiln_suballoc_take(&block, 256, 512, &ranges[count]);
		count += !refused;
		if (refused)
			assert_int_equal(block.used_bytes, used);
		assert_true(kiln_suballoc_check(&block));
	}
	kiln_alloc_hook(NULL, NULL);
	assert_true(refused);
	assert_true(kiln_suballoc_take(&block, 256, 512, &range));
	kiln_suballoc_free(&block, range.node);
	while (count)
		kiln_suballoc_free(&block, ranges[--count].node);
	assert_int_equal(block.used_bytes, 0);
	assert_true(kiln_suballoc_check(&block));
	kiln_suballoc_finish(&block);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(absurd_sizes_are_refused),
		cmocka_unit_test(alignment_padding_stays_usable),
		cmocka_unit_test(failed_host_memory_leaves_the_block_unchanged),
		cmocka_unit_test(huge_blocks_work),
		cmocka_unit_test(neighbours_grow_together_again),
		cmocka_unit_test(random_use_agrees_with_the_model),
		cmocka_unit_test(whole_block_can_be_taken),
	};

	return cmocka_run_group_tests_name("suballoc", tests, NULL, NULL);
}
