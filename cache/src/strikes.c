/* Strikes: crashes with different entries and no successful load between switch persistence off for a while.
 * Kept in the notes file, so that they outlive the processes that crash. */
#include <cache/notes.h>

#include <string.h>

#include <base/error.h>
#include <cache/byte_order.h>
#include <cache/store.h>

#define RECORD_SEED UINT64_C(0x6b696c6e73747269)

/* A record in plain words, in the byte order of the file. */
struct record {
	uint64_t device[2];
	uint64_t until_s;
	uint64_t entries[KILN_STRIKES];
};

static bool load(const struct kiln_strike_record *from, struct record *out_record)
{
	uint64_t check = atomic_load_explicit(&from->check, memory_order_acquire);

	for (unsigned i = 0; i < 2; i++)
		out_record->device[i] = atomic_load_explicit(&from->device[i], memory_order_relaxed);
	out_record->until_s = atomic_load_explicit(&from->until_s, memory_order_relaxed);
	for (unsigned i = 0; i < KILN_STRIKES; i++)
		out_record->entries[i] = atomic_load_explicit(&from->entries[i], memory_order_relaxed);
	return check != 0 &&
	       check == kiln_notes_check((const uint64_t *)out_record, sizeof *out_record / 8, RECORD_SEED);
}

/* Readers have no lock: between the two stores of the check they see no record. */
static void store(struct kiln_strike_record *to, const struct record *record)
{
	atomic_store_explicit(&to->check, 0, memory_order_release);
	for (unsigned i = 0; i < 2; i++)
		atomic_store_explicit(&to->device[i], record->device[i], memory_order_relaxed);
	atomic_store_explicit(&to->until_s, record->until_s, memory_order_relaxed);
	for (unsigned i = 0; i < KILN_STRIKES; i++)
		atomic_store_explicit(&to->entries[i], record->entries[i], memory_order_relaxed);
	atomic_store_explicit(&to->check,
	                      kiln_notes_check((const uint64_t *)record, sizeof *record / 8, RECORD_SEED),
	                      memory_order_release);
}

/* A moment further ahead than a suspension lasts comes of a clock that was set back: it counts as past. */
static bool is_ahead(const struct kiln_cache *cache, const struct record *record)
{
	int64_t until = (int64_t)kiln_le64(record->until_s);
	int64_t now = cache->clock->wall_s(cache->clock->user);

	return until > now && until - KILN_SUSPENSION_S <= now;
}

/* The record of a device, or KILN_STRIKE_RECORDS. */
static unsigned find(const struct kiln_cache *cache, const uint64_t device[2], struct record *out_record)
{
	for (unsigned i = 0; i < KILN_STRIKE_RECORDS; i++) {
		if (load(&cache->notes.file->strikes[i], out_record) &&
		    memcmp(out_record->device, device, sizeof out_record->device) == 0)
			return i;
	}
	return KILN_STRIKE_RECORDS;
}

/* A free record, else one that suspends nobody any more, else the first. */
static unsigned make_room(const struct kiln_cache *cache)
{
	unsigned idle = 0;
	struct record record;

	for (unsigned i = KILN_STRIKE_RECORDS; i-- > 0;) {
		if (!load(&cache->notes.file->strikes[i], &record))
			return i;
		if (!is_ahead(cache, &record))
			idle = i;
	}
	return idle;
}

static void tell_if_any(struct kiln_cache *cache)
{
	uint64_t any = 0;
	struct record record;

	for (unsigned i = 0; i < KILN_STRIKE_RECORDS; i++)
		any |= load(&cache->notes.file->strikes[i], &record) ? kiln_le64(1) : 0;
	atomic_store_explicit(&cache->notes.file->any_strikes, any, memory_order_release);
}

/* Whether that was the last one allowed. */
static bool add_entry(struct record *record, uint64_t entry)
{
	for (unsigned i = 0; i < KILN_STRIKES; i++) {
		if (record->entries[i] == entry)
			return false;
		if (record->entries[i] == 0) {
			record->entries[i] = entry;
			return i == KILN_STRIKES - 1;
		}
	}
	return false;
}

bool kiln_strikes_add(struct kiln_cache *cache, const uint64_t device[2], uint64_t entry)
{
	struct record record;
	unsigned at = find(cache, device, &record);
	bool full;

	if (at == KILN_STRIKE_RECORDS || (record.until_s != 0 && !is_ahead(cache, &record))) {
		at = at < KILN_STRIKE_RECORDS ? at : make_room(cache);
		record = (struct record){.device = {device[0], device[1]}};
	}
	full = add_entry(&record, entry);
	if (full)
		record.until_s =
			kiln_le64((uint64_t)(cache->clock->wall_s(cache->clock->user) + KILN_SUSPENSION_S));
	store(&cache->notes.file->strikes[at], &record);
	tell_if_any(cache);
	return full;
}

void kiln_strikes_forget_all(struct kiln_cache *cache)
{
	for (unsigned i = 0; i < KILN_STRIKE_RECORDS; i++)
		atomic_store_explicit(&cache->notes.file->strikes[i].check, 0, memory_order_release);
	tell_if_any(cache);
}

void kiln_strikes_loaded(struct kiln_cache *cache, const uint64_t device[2])
{
	struct record record;
	unsigned at = find(cache, device, &record);

	/* A load that began before the suspension does not end it. Where the lock is taken, the next load
	 * does this. */
	if (at == KILN_STRIKE_RECORDS || is_ahead(cache, &record) || !kiln_notes_lock(cache, false))
		return;
	at = find(cache, device, &record);
	if (at < KILN_STRIKE_RECORDS && !is_ahead(cache, &record))
		atomic_store_explicit(&cache->notes.file->strikes[at].check, 0, memory_order_release);
	tell_if_any(cache);
	kiln_notes_unlock(cache);
}

bool kiln_strikes_suspended(const struct kiln_cache *cache, const struct kiln_digest *device)
{
	uint64_t name[2];
	struct record record;

	if (cache->notes.file == NULL ||
	    atomic_load_explicit(&cache->notes.file->any_strikes, memory_order_acquire) == 0)
		return false;
	memcpy(name, device->bytes, sizeof name);
	return find(cache, name, &record) < KILN_STRIKE_RECORDS && is_ahead(cache, &record);
}

bool kiln_cache_suspended(const struct kiln_cache *cache, const struct kiln_digest *device)
{
	return cache != NULL && device != NULL && kiln_strikes_suspended(cache, device);
}
