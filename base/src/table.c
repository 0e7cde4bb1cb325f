#include <base/table.h>

#include <assert.h>
#include <stdint.h>
#include <string.h>

#include <base/alloc.h>

#define MIN_CAPACITY 16

static size_t home(const struct kiln_table *table, const struct kiln_digest *key)
{
	uint64_t hash;

	memcpy(&hash, key->bytes, sizeof(hash));
	return (size_t)hash & (table->capacity - 1);
}

/* The slot that holds `key`, or the free one where it belongs. Never full, so it ends. */
static struct kiln_table_slot *find(const struct kiln_table *table, const struct kiln_digest *key)
{
	size_t at = home(table, key);

	while (table->slots[at].value != NULL && !kiln_digest_equal(&table->slots[at].key, key))
		at = (at + 1) & (table->capacity - 1);
	return &table->slots[at];
}

static bool grow(struct kiln_table *table)
{
	struct kiln_table larger = {.count = table->count};

	if (table->capacity > SIZE_MAX / 2)
		return false;
	larger.capacity = table->capacity != 0 ? table->capacity * 2 : MIN_CAPACITY;
	larger.slots = kiln_alloc_zero(larger.capacity, sizeof(*larger.slots));
	if (larger.slots == NULL)
		return false;
	for (size_t i = 0; i < table->capacity; i++) {
		if (table->slots[i].value != NULL)
			*find(&larger, &table->slots[i].key) = table->slots[i];
	}
	kiln_free(table->slots);
	*table = larger;
	return true;
}

void kiln_table_finish(struct kiln_table *table)
{
	kiln_free(table->slots);
	*table = (struct kiln_table){0};
}

void *kiln_table_get(const struct kiln_table *table, const struct kiln_digest *key)
{
	return table->count != 0 ? find(table, key)->value : NULL;
}

bool kiln_table_put(struct kiln_table *table, const struct kiln_digest *key, void *value)
{
	struct kiln_table_slot *slot;

	assert(value != NULL);
	if (table->capacity != 0) {
		slot = find(table, key);
		if (slot->value != NULL) {
			slot->value = value;
			return true;
		}
	}
	/* At most three quarters full. */
	if (table->count >= table->capacity / 4 * 3 && !grow(table))
		return false;
	*find(table, key) = (struct kiln_table_slot){.key = *key, .value = value};
	table->count++;
	return true;
}

/* Moves later members of the run into the hole, so that no look-up stops short; no tombstones. */
static void close_hole(struct kiln_table *table, size_t hole)
{
	size_t mask = table->capacity - 1;

	for (size_t at = (hole + 1) & mask; table->slots[at].value != NULL; at = (at + 1) & mask) {
		size_t wish = home(table, &table->slots[at].key);

		if (((at - wish) & mask) < ((at - hole) & mask))
			continue; /* its home lies behind the hole: it is reachable where it is */
		table->slots[hole] = table->slots[at];
		hole = at;
	}
	table->slots[hole].value = NULL;
}

void *kiln_table_remove(struct kiln_table *table, const struct kiln_digest *key)
{
	struct kiln_table_slot *slot;
	void *value;

	if (table->count == 0)
		return NULL;
	slot = find(table, key);
	value = slot->value;
	if (value == NULL)
		return NULL;
	close_hole(table, (size_t)(slot - table->slots));
	table->count--;
	return value;
}

const struct kiln_table_slot *kiln_table_next(const struct kiln_table *table, size_t *cursor)
{
	while (*cursor < table->capacity) {
		const struct kiln_table_slot *slot = &table->slots[(*cursor)++];

		if (slot->value != NULL)
			return slot;
	}
	return NULL;
}
