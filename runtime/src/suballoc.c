#include "suballoc.h"

#include <assert.h>
#include <string.h>

#include <base/alloc.h>

static const uint32_t NONE = UINT32_MAX;

/* Class of a size: its exponent and the three bits below its leading one. Sizes are in granules, at least
 * 1. */
static uint32_t class_below(uint64_t size)
{
	uint32_t exponent = 63 - (uint32_t)__builtin_clzll(size);
	uint64_t fraction = exponent >= 3 ? size >> (exponent - 3) : size << (3 - exponent);

	return exponent * 8 + (uint32_t)(fraction & 7);
}

/* The first class all of whose ranges hold `size`. KILN_SUBALLOC_CLASSES when there is none. */
static uint32_t class_above(uint64_t size)
{
	uint32_t exponent = 63 - (uint32_t)__builtin_clzll(size);
	uint64_t step = exponent >= 3 ? UINT64_C(1) << (exponent - 3) : 1;

	return class_below(size) + ((size & (step - 1)) != 0);
}

/* The first class from `from` on that has a free range, or KILN_SUBALLOC_CLASSES. */
static uint32_t filled_from(const struct kiln_suballoc *block, uint32_t from)
{
	for (uint32_t word = from / 64; word < KILN_SUBALLOC_CLASSES / 64; word++) {
		uint64_t bits = block->filled[word];

		if (word == from / 64)
			bits &= UINT64_MAX << (from % 64);
		if (bits)
			return word * 64 + (uint32_t)__builtin_ctzll(bits);
	}
	return KILN_SUBALLOC_CLASSES;
}

static void link_free(struct kiln_suballoc *block, uint32_t index)
{
	struct kiln_suballoc_node *node = &block->nodes[index];
	uint32_t class = class_below(node->bytes / block->granule);

	node->used = false;
	node->previous = NONE;
	node->next = block->heads[class];
	if (node->next != NONE)
		block->nodes[node->next].previous = index;
	block->heads[class] = index;
	block->filled[class / 64] |= UINT64_C(1) << (class % 64);
}

static void unlink_free(struct kiln_suballoc *block, uint32_t index)
{
	struct kiln_suballoc_node *node = &block->nodes[index];
	uint32_t class = class_below(node->bytes / block->granule);

	if (node->next != NONE)
		block->nodes[node->next].previous = node->previous;
	if (node->previous != NONE)
		block->nodes[node->previous].next = node->next;
	else
		block->heads[class] = node->next;
	if (block->heads[class] == NONE)
		block->filled[class / 64] &= ~(UINT64_C(1) << (class % 64));
}

/* Makes sure that two nodes can be had, so that nothing fails half-way through a split. */
static bool reserve_nodes(struct kiln_suballoc *block)
{
	uint32_t spare = block->node_capacity - block->node_count;
	uint32_t capacity = block->node_capacity ? block->node_capacity * 2 : 16;
	struct kiln_suballoc_node *nodes;

	if (block->unused != NONE)
		spare += block->nodes[block->unused].next != NONE ? 2 : 1;
	if (spare >= 2)
		return true;
	if (capacity > NONE / 2)
		return false;
	nodes = kiln_realloc(block->nodes, capacity * sizeof(*nodes));
	if (!nodes)
		return false;
	block->nodes = nodes;
	block->node_capacity = capacity;
	return true;
}

static uint32_t new_node(struct kiln_suballoc *block)
{
	uint32_t index = block->unused;

	if (index != NONE)
		block->unused = block->nodes[index].next;
	else
		index = block->node_count++;
	assert(index < block->node_capacity);
	return index;
}

static void drop_node(struct kiln_suballoc *block, uint32_t index)
{
	block->nodes[index] = (struct kiln_suballoc_node){.next = block->unused};
	block->unused = index;
}

/* Cuts a node in two; the first keeps `bytes`. Both are unlinked. Returns the second. */
static uint32_t split(struct kiln_suballoc *block, uint32_t index, uint64_t bytes)
{
	uint32_t second = new_node(block);
	struct kiln_suballoc_node *a = &block->nodes[index], *b = &block->nodes[second];

	*b = (struct kiln_suballoc_node){
		.offset = a->offset + bytes,
		.bytes = a->bytes - bytes,
		.before = index,
		.after = a->after,
	};
	if (a->after != NONE)
		block->nodes[a->after].before = second;
	a->after = second;
	a->bytes = bytes;
	return second;
}

/* The first node swallows its neighbour. Both are unlinked. */
static void merge(struct kiln_suballoc *block, uint32_t first, uint32_t second)
{
	struct kiln_suballoc_node *a = &block->nodes[first], *b = &block->nodes[second];

	a->bytes += b->bytes;
	a->after = b->after;
	if (b->after != NONE)
		block->nodes[b->after].before = first;
	drop_node(block, second);
}

static uint64_t padding_of(const struct kiln_suballoc_node *node, uint64_t alignment)
{
	return (alignment - (node->offset & (alignment - 1))) & (alignment - 1);
}

static bool fits(const struct kiln_suballoc_node *node, uint64_t bytes, uint64_t alignment)
{
	uint64_t padding = padding_of(node, alignment);

	return padding <= node->bytes && bytes <= node->bytes - padding;
}

/* Looks one class after another, range by range, in the classes where some ranges fit and some do not. */
static uint32_t find_by_walk(const struct kiln_suballoc *block, uint64_t bytes, uint64_t alignment,
                             uint32_t end)
{
	uint32_t class = filled_from(block, class_below(bytes / block->granule));

	for (; class < end; class = filled_from(block, class + 1)) {
		for (uint32_t i = block->heads[class]; i != NONE; i = block->nodes[i].next) {
			if (fits(&block->nodes[i], bytes, alignment))
				return i;
		}
	}
	return NONE;
}

static uint32_t find(const struct kiln_suballoc *block, uint64_t bytes, uint64_t alignment)
{
	uint64_t slack = alignment > block->granule ? alignment - block->granule : 0;
	uint32_t sure = KILN_SUBALLOC_CLASSES, class;

	if (bytes > block->bytes)
		return NONE;
	if (slack <= block->bytes - bytes)
		sure = class_above((bytes + slack) / block->granule);
	class = filled_from(block, sure);
	if (class < KILN_SUBALLOC_CLASSES)
		return block->heads[class];
	return find_by_walk(block, bytes, alignment, sure);
}

bool kiln_suballoc_init(struct kiln_suballoc *block, uint64_t bytes, uint64_t granule)
{
	assert(granule && (granule & (granule - 1)) == 0 && bytes >= granule);

	*block = (struct kiln_suballoc){.bytes = bytes & ~(granule - 1), .granule = granule, .unused = NONE};
	memset(block->heads, 0xff, sizeof(block->heads));
	if (!reserve_nodes(block))
		return false;
	block->nodes[new_node(block)] =
		(struct kiln_suballoc_node){.bytes = block->bytes, .before = NONE, .after = NONE};
	link_free(block, 0);
	return true;
}

void kiln_suballoc_finish(struct kiln_suballoc *block)
{
	kiln_free(block->nodes);
	*block = (struct kiln_suballoc){0};
}

bool kiln_suballoc_take(struct kiln_suballoc *block, uint64_t bytes, uint64_t alignment,
                        struct kiln_suballoc_range *out_range)
{
	uint64_t padding;
	uint32_t index;

	assert(bytes && alignment && (alignment & (alignment - 1)) == 0);
	if (bytes > block->bytes)
		return false;
	bytes = (bytes + block->granule - 1) & ~(block->granule - 1);
	index = find(block, bytes, alignment);
	if (index == NONE || !reserve_nodes(block))
		return false;

	unlink_free(block, index);
	padding = padding_of(&block->nodes[index], alignment);
	if (padding) {
		uint32_t front = index;

		index = split(block, front, padding);
		link_free(block, front);
	}
	if (block->nodes[index].bytes > bytes)
		link_free(block, split(block, index, bytes));

	block->nodes[index].used = true;
	block->used_bytes += bytes;
	block->used_count++;
	*out_range = (struct kiln_suballoc_range){block->nodes[index].offset, bytes, index};
	return true;
}

void kiln_suballoc_free(struct kiln_suballoc *block, uint32_t node)
{
	uint32_t before, after;

	assert(node < block->node_count && block->nodes[node].used);
	before = block->nodes[node].before;
	after = block->nodes[node].after;
	block->used_bytes -= block->nodes[node].bytes;
	block->used_count--;

	if (after != NONE && !block->nodes[after].used) {
		unlink_free(block, after);
		merge(block, node, after);
	}
	if (before != NONE && !block->nodes[before].used) {
		unlink_free(block, before);
		merge(block, before, node);
		node = before;
	}
	link_free(block, node);
}

/* Node 0 is always the first by address: it is never merged away, since nothing comes before it. */
static bool check_neighbours(const struct kiln_suballoc *block, uint32_t *out_free)
{
	uint64_t offset = 0, used = 0;
	uint32_t count = 0, before = NONE, free_ranges = 0;
	bool was_free = false;

	for (uint32_t i = 0; i != NONE; before = i, i = block->nodes[i].after) {
		const struct kiln_suballoc_node *node = &block->nodes[i];

		if (node->offset != offset || node->before != before || !node->bytes ||
		    (was_free && !node->used))
			return false;
		offset += node->bytes;
		used += node->used ? node->bytes : 0;
		count += node->used;
		free_ranges += !node->used;
		was_free = !node->used;
	}
	*out_free = free_ranges;
	return offset == block->bytes && used == block->used_bytes && count == block->used_count;
}

bool kiln_suballoc_check(const struct kiln_suballoc *block)
{
	uint32_t free_ranges = 0, listed = 0;

	if (!check_neighbours(block, &free_ranges))
		return false;
	for (uint32_t class = 0; class < KILN_SUBALLOC_CLASSES; class ++) {
		bool filled = block->filled[class / 64] >> (class % 64) & 1;

		if (filled != (block->heads[class] != NONE))
			return false;
		for (uint32_t i = block->heads[class]; i != NONE; i = block->nodes[i].next, listed++) {
			if (block->nodes[i].used ||
			    class_below(block->nodes[i].bytes / block->granule) != class)
				return false;
		}
	}
	return listed == free_ranges;
}
