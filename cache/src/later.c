/* The queue of writes for later; who writes them is in later_thread.c. */
#include <cache/later.h>

#include <string.h>
#include <unistd.h>

#include <base/alloc.h>
#include <base/clock.h>
#include <base/error.h>
#include <cache/store.h>

enum kiln_status kiln_later_init(struct kiln_later *later)
{
	KILN_TRY(kiln_mutex_init(&later->mutex));
	if (kiln_cond_init(&later->changed) == KILN_OK)
		return KILN_OK;
	kiln_mutex_finish(&later->mutex);
	return KILN_ERR_THREAD;
}

static size_t bytes_of(const struct kiln_later_item *item)
{
	return sizeof *item + item->subject_bytes + item->entry.payload_bytes;
}

bool kiln_later_is_ours(const struct kiln_later *later)
{
	pid_t owner = atomic_load(&later->owner);

	return owner == 0 || owner == getpid();
}

/* ---- The list; the mutex is held ---- */

static void append(struct kiln_later *later, struct kiln_later_item *item)
{
	item->previous = later->last;
	item->next = NULL;
	if (later->last != NULL)
		later->last->next = item;
	else
		later->first = item;
	later->last = item;
	later->newest_ns = kiln_now_ns();
	if (later->first == item)
		later->oldest_ns = later->newest_ns;
	later->bytes += bytes_of(item);
	atomic_fetch_add(&later->count, 1);
}

void kiln_later_unlink(struct kiln_later *later, struct kiln_later_item *item)
{
	if (item->previous != NULL)
		item->previous->next = item->next;
	else
		later->first = item->next;
	if (item->next != NULL)
		item->next->previous = item->previous;
	else
		later->last = item->previous;
}

void kiln_later_forget(struct kiln_later *later, struct kiln_later_item *item)
{
	if (kiln_table_get(&later->items, &item->place.id) == item)
		kiln_table_remove(&later->items, &item->place.id);
	later->bytes -= bytes_of(item);
	atomic_fetch_sub(&later->count, 1);
	kiln_cache_lease_end(&item->lease);
	kiln_free(item);
}

static void move_lease(struct kiln_cache_lease *from, struct kiln_cache_lease *to)
{
	*to = *from;
	*from = (struct kiln_cache_lease){0};
}

/* ---- What the rest of the cache asks for ---- */

void kiln_later_drop(struct kiln_cache *cache, const struct kiln_place *place,
                     struct kiln_cache_lease *out_lease)
{
	struct kiln_later *later = &cache->later;
	struct kiln_later_item *item;

	*out_lease = (struct kiln_cache_lease){0};
	if (atomic_load(&later->count) == 0 || !kiln_later_is_ours(later))
		return;
	kiln_mutex_lock(&later->mutex);
	while (later->writing != NULL && kiln_digest_equal(&later->writing->place.id, &place->id))
		kiln_cond_wait(&later->changed, &later->mutex);
	item = kiln_table_get(&later->items, &place->id);
	if (item != NULL) {
		move_lease(&item->lease, out_lease);
		kiln_later_unlink(later, item);
		kiln_later_forget(later, item);
	}
	kiln_mutex_unlock(&later->mutex);
}

/* The mutex is held, so that the item stays. */
static enum kiln_status copy_out(const struct kiln_later_item *item, const struct kiln_subject *subject,
                                 struct kiln_cache_entry *out_entry)
{
	struct kiln_cache_entry entry = item->entry;

	if (!kiln_subject_is(subject, item->data, item->subject_bytes))
		return KILN_ERR_NOT_FOUND;
	entry.memory = kiln_memdup(entry.payload, entry.payload_bytes);
	if (entry.memory == NULL)
		return kiln_error(KILN_ERR_OUT_OF_MEMORY,
		                  "no memory to read a cache entry of %zu bytes. Fix: free some",
		                  entry.payload_bytes);
	entry.payload = entry.memory;
	*out_entry = entry;
	return KILN_OK;
}

enum kiln_status kiln_later_read(struct kiln_cache *cache, const struct kiln_subject *subject,
                                 const struct kiln_place *place, struct kiln_cache_entry *out_entry)
{
	struct kiln_later *later = &cache->later;
	const struct kiln_later_item *item;
	enum kiln_status status = KILN_ERR_NOT_FOUND;

	if (atomic_load_explicit(&later->count, memory_order_acquire) == 0 || !kiln_later_is_ours(later))
		return status;
	kiln_mutex_lock(&later->mutex);
	item = kiln_table_get(&later->items, &place->id);
	if (item != NULL)
		status = copy_out(item, subject, out_entry);
	kiln_mutex_unlock(&later->mutex);
	return status;
}

void kiln_later_visit(struct kiln_cache *cache, bool (*visit)(void *user, const char *name), void *user)
{
	struct kiln_later *later = &cache->later;
	bool go_on = true;

	if (atomic_load_explicit(&later->count, memory_order_acquire) == 0 || !kiln_later_is_ours(later))
		return;
	kiln_mutex_lock(&later->mutex);
	if (later->writing != NULL)
		go_on = visit(user, later->writing->place.name);
	for (const struct kiln_later_item *item = later->first; item != NULL && go_on; item = item->next)
		go_on = visit(user, item->place.name);
	kiln_mutex_unlock(&later->mutex);
}

void kiln_later_visit_subjects(struct kiln_cache *cache,
                               bool (*visit)(void *user, const struct kiln_place *place,
                                             const uint8_t *subject, size_t bytes),
                               void *user)
{
	struct kiln_later *later = &cache->later;
	const struct kiln_later_item *item;
	bool go_on = true;

	if (atomic_load_explicit(&later->count, memory_order_acquire) == 0 || !kiln_later_is_ours(later))
		return;
	kiln_mutex_lock(&later->mutex);
	if (later->writing != NULL)
		go_on = visit(user, &later->writing->place, later->writing->data,
		              later->writing->subject_bytes);
	for (item = later->last; item != NULL && go_on; item = item->previous)
		go_on = visit(user, &item->place, item->data, item->subject_bytes);
	kiln_mutex_unlock(&later->mutex);
}

/* ---- Adding ---- */

static struct kiln_later_item *make_item(const struct kiln_subject *subject, const struct kiln_place *place,
                                         const struct kiln_cache_entry *entry)
{
	struct kiln_later_item *item = NULL;
	struct kiln_writer encoded = {0};
	struct kiln_sink sink = kiln_sink_write(&encoded);

	kiln_subject_walk(subject, &sink);
	if (!encoded.bad)
		item = kiln_alloc(sizeof *item + encoded.bytes + entry->payload_bytes);
	if (item != NULL) {
		*item = (struct kiln_later_item){.entry = *entry,
		                                 .place = *place,
		                                 .subject_bytes = encoded.bytes};
		item->place.name = item->place.path + (place->name - place->path);
		memcpy(item->data, encoded.data, encoded.bytes);
		if (entry->payload_bytes > 0)
			memcpy(item->data + encoded.bytes, entry->payload, entry->payload_bytes);
		item->entry.payload = item->data + encoded.bytes;
		item->entry.memory = NULL;
	}
	kiln_writer_finish(&encoded);
	return item;
}

static bool has_room(const struct kiln_later *later, const struct kiln_later_item *item)
{
	return later->count < KILN_LATER_ENTRIES_MAX && later->bytes + bytes_of(item) <= KILN_LATER_BYTES_MAX;
}

/* The queue is full. Usually the caller then writes, which is a copy into the system's memory and slows a
 * flood down to what the disk takes; but not behind a write that does not return. */
static bool is_stuck(const struct kiln_later *later)
{
	return later->writing != NULL && kiln_now_ns() - later->write_began_ns > KILN_LATER_STUCK_NS;
}

/* An older write of the same key that nobody has begun is not worth doing any more. Those who wait for its lease wait
 * for the newer one. */
static void replace(struct kiln_later *later, struct kiln_later_item *old, struct kiln_later_item *item)
{
	if (old == NULL || old == later->writing)
		return;
	if (!item->lease.held)
		move_lease(&old->lease, &item->lease);
	kiln_later_unlink(later, old);
	kiln_later_forget(later, old);
}

bool kiln_later_add(struct kiln_cache *cache, const struct kiln_subject *subject,
                    const struct kiln_place *place, const struct kiln_cache_entry *entry,
                    struct kiln_cache_lease *lease, bool *out_dropped)
{
	struct kiln_later *later = &cache->later;
	struct kiln_later_item *item, *old = NULL;
	bool added = false;

	*out_dropped = false;
	if (!kiln_later_is_ours(later) || entry->payload_bytes > KILN_LATER_BYTES_MAX)
		return false;
	item = make_item(subject, place, entry);
	if (item == NULL)
		return false;
	kiln_mutex_lock(&later->mutex);
	if (!has_room(later, item)) {
		*out_dropped = is_stuck(later);
	} else if (kiln_later_start(cache)) {
		old = kiln_table_get(&later->items, &place->id);
		added = kiln_table_put(&later->items, &place->id, item);
	}
	if (added) {
		if (lease != NULL)
			move_lease(lease, &item->lease);
		append(later, item);
		replace(later, old, item);
		later->hurry = later->hurry || item->lease.held; /* other processes wait for it */
		kiln_cond_broadcast(&later->changed);
	}
	kiln_mutex_unlock(&later->mutex);
	if (!added)
		kiln_free(item);
	return added;
}
