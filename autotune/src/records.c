#include "records.h"

#include <stdlib.h>
#include <string.h>

#include <base/alloc.h>

#include "strings.h"

void kiln_records_finish(struct kiln_records *records)
{
	kiln_free(records->entries);
	kiln_free(records->slots);
	*records = (struct kiln_records){0};
}

/* Every bit of `x` reaches every bit of the result (MurmurHash3's finaliser). */
static uint64_t mix(uint64_t x)
{
	x = (x ^ x >> 33) * 0xff51afd7ed558ccdu;
	x = (x ^ x >> 33) * 0xc4ceb9fe1a85ec53u;
	return x ^ x >> 33;
}

static uint64_t hash_of(const struct kiln_tune_key *key, const char *adapter)
{
	uint64_t hash = kiln_strings_hash(adapter, strlen(adapter));
	uint64_t half[2];

	memcpy(half, key->bytes, sizeof(half));
	return mix(mix(hash ^ half[0]) ^ half[1]);
}

static bool is_of(const struct kiln_entry *entry, uint64_t hash, const struct kiln_tune_key *key,
                  const char *adapter)
{
	return entry->hash == hash && memcmp(&entry->record.key, key, sizeof(*key)) == 0 &&
	       strcmp(entry->record.adapter, adapter) == 0;
}

static uint32_t *find_slot(const struct kiln_records *records, uint64_t hash, const struct kiln_tune_key *key,
                           const char *adapter)
{
	size_t i = hash & (records->slot_count - 1);

	while (records->slots[i] != 0 && !is_of(&records->entries[records->slots[i] - 1], hash, key, adapter))
		i = (i + 1) & (records->slot_count - 1);
	return &records->slots[i];
}

struct kiln_entry *kiln_records_find(const struct kiln_records *records, const struct kiln_tune_key *key,
                                     const char *adapter)
{
	uint32_t *slot;

	if (records->slot_count == 0)
		return NULL;
	slot = find_slot(records, hash_of(key, adapter), key, adapter);
	return *slot != 0 ? &records->entries[*slot - 1] : NULL;
}

static bool grow_entries(struct kiln_records *records)
{
	size_t capacity = records->capacity != 0 ? records->capacity * 2 : 16;
	struct kiln_entry *entries;

	if (records->count < records->capacity)
		return true;
	entries = kiln_realloc(records->entries, capacity * sizeof(*entries));
	if (entries == NULL)
		return false;
	records->entries = entries;
	records->capacity = capacity;
	return true;
}

/* At most half full. */
static bool grow_slots(struct kiln_records *records)
{
	size_t slot_count = records->slot_count != 0 ? records->slot_count * 2 : 64;
	uint32_t *slots;

	if ((records->count + 1) * 2 <= records->slot_count)
		return true;
	slots = kiln_alloc_zero(slot_count, sizeof(*slots));
	if (slots == NULL)
		return false;
	for (size_t n = 0; n < records->count; n++) {
		size_t i = records->entries[n].hash & (slot_count - 1);

		while (slots[i] != 0)
			i = (i + 1) & (slot_count - 1);
		slots[i] = (uint32_t)n + 1;
	}
	kiln_free(records->slots);
	records->slots = slots;
	records->slot_count = slot_count;
	return true;
}

static void count_entry(struct kiln_records *records, const struct kiln_entry *entry, bool add)
{
	size_t live = entry->live, pending = entry->pending != KILN_PENDING_NOTHING;

	records->live = add ? records->live + live : records->live - live;
	records->pending = add ? records->pending + pending : records->pending - pending;
}

bool kiln_records_set(struct kiln_records *records, const struct kiln_tune_record *record, size_t source,
                      enum kiln_pending pending)
{
	struct kiln_entry *entry;
	uint64_t hash = hash_of(&record->key, record->adapter);
	uint32_t *slot;

	if (!grow_entries(records) || !grow_slots(records))
		return false;
	slot = find_slot(records, hash, &record->key, record->adapter);
	if (*slot == 0)
		*slot = (uint32_t)++records->count;
	else
		count_entry(records, &records->entries[*slot - 1], false);
	entry = &records->entries[*slot - 1];
	*entry = (struct kiln_entry){
		.record = *record,
		.hash = hash,
		.source = source,
		.pending = pending,
		.live = pending != KILN_PENDING_FORGET,
	};
	count_entry(records, entry, true);
	return true;
}

void kiln_records_settle(struct kiln_records *records)
{
	for (size_t i = 0; i < records->count; i++)
		records->entries[i].pending = KILN_PENDING_NOTHING;
	records->pending = 0;
}

static int compare(const void *left, const void *right)
{
	const struct kiln_entry *a = *(struct kiln_entry *const *)left;
	const struct kiln_entry *b = *(struct kiln_entry *const *)right;
	int order = memcmp(&a->record.key, &b->record.key, sizeof(a->record.key));

	return order != 0 ? order : strcmp(a->record.adapter, b->record.adapter);
}

struct kiln_entry **kiln_records_sorted(const struct kiln_records *records)
{
	struct kiln_entry **sorted = kiln_alloc((records->live + 1) * sizeof(struct kiln_entry *));
	size_t count = 0;

	if (sorted == NULL)
		return NULL;
	for (size_t i = 0; i < records->count; i++) {
		if (records->entries[i].live)
			sorted[count++] = &records->entries[i];
	}
	qsort(sorted, count, sizeof(*sorted), compare);
	return sorted;
}
