#include <cache/evict.h>

#include <stdbool.h>

#define AGE_MAX ((uint64_t)1 << 40) /* seconds; leaves room for the fraction */
#define RANK_FRACTION_BITS 20

/* A use in the future (a clock was set back) is a use right now. */
static uint64_t age_of(const struct kiln_evict_item *item, int64_t now_s)
{
	uint64_t age;

	if (item->last_use_s >= now_s)
		return 0;
	age = (uint64_t)now_s - (uint64_t)item->last_use_s;
	return age < AGE_MAX ? age : AGE_MAX;
}

static unsigned bit_length(uint64_t value)
{
	unsigned bits = 0;

	for (; value != 0; value >>= 1)
		bits++;
	return bits;
}

uint64_t kiln_evict_rank(const struct kiln_evict_item *item, int64_t now_s)
{
	return ((age_of(item, now_s) + 1) << RANK_FRACTION_BITS) / (1 + bit_length(item->ns_per_byte));
}

/* What ranks above everything: too old to stay. */
static uint64_t rank_with_age(const struct kiln_evict_item *item, const struct kiln_evict_rules *rules)
{
	if (rules->max_age_s > 0 && age_of(item, rules->now_s) > (uint64_t)rules->max_age_s)
		return UINT64_MAX;
	return kiln_evict_rank(item, rules->now_s);
}

static bool goes_before(const struct kiln_evict_item *items, const struct kiln_evict_choice *a,
                        const struct kiln_evict_choice *b)
{
	const struct kiln_evict_item *item_a = &items[a->index], *item_b = &items[b->index];

	if (a->rank != b->rank)
		return a->rank > b->rank;
	if (item_a->ns_per_byte != item_b->ns_per_byte)
		return item_a->ns_per_byte < item_b->ns_per_byte;
	if (item_a->bytes != item_b->bytes)
		return item_a->bytes > item_b->bytes;
	return a->index < b->index;
}

/* ---- A heap, its top the next to go ---- */

static void swap(struct kiln_evict_choice *a, struct kiln_evict_choice *b)
{
	struct kiln_evict_choice kept = *a;

	*a = *b;
	*b = kept;
}

static void sink(const struct kiln_evict_item *items, struct kiln_evict_choice *heap, size_t count, size_t at)
{
	for (;;) {
		size_t child = 2 * at + 1;

		if (child >= count)
			return;
		if (child + 1 < count && goes_before(items, &heap[child + 1], &heap[child]))
			child++;
		if (!goes_before(items, &heap[child], &heap[at]))
			return;
		swap(&heap[child], &heap[at]);
		at = child;
	}
}

static void reverse(struct kiln_evict_choice *choices, size_t count)
{
	for (size_t i = 0; i < count / 2; i++)
		swap(&choices[i], &choices[count - 1 - i]);
}

size_t kiln_evict_choose(const struct kiln_evict_item *items, size_t count,
                         const struct kiln_evict_rules *rules, struct kiln_evict_choice *out_choices)
{
	uint64_t total = 0;
	size_t left = count;

	for (size_t i = 0; i < count; i++) {
		out_choices[i] = (struct kiln_evict_choice){.rank = rank_with_age(&items[i], rules),
		                                            .index = (uint32_t)i};
		total += items[i].bytes;
	}
	for (size_t i = count / 2; i-- > 0;)
		sink(items, out_choices, count, i);
	while (left > 0 && (out_choices[0].rank == UINT64_MAX || total > rules->max_bytes)) {
		total -= items[out_choices[0].index].bytes;
		left--;
		swap(&out_choices[0], &out_choices[left]);
		sink(items, out_choices, left, 0);
	}
	reverse(out_choices, count); /* the victims were put at the end, the first of them last */
	return count - left;
}
