/* What was written and is not yet known to be on the disk. */
#include <cache/store.h>

#include <base/alloc.h>
#include <base/error.h>

enum kiln_status kiln_pending_init(struct kiln_pending *pending)
{
	KILN_TRY(kiln_mutex_init(&pending->mutex));
	if (kiln_mutex_init(&pending->flushing) == KILN_OK)
		return KILN_OK;
	kiln_mutex_finish(&pending->mutex);
	return KILN_ERR_THREAD;
}

void kiln_pending_finish(struct kiln_cache *cache)
{
	struct kiln_pending *pending = &cache->pending;
	const struct kiln_table_slot *slot;
	size_t cursor = 0;

	/* The list may be in the middle of a change: it is left to the system. */
	if (kiln_cache_is_inherited(cache))
		return;
	while ((slot = kiln_table_next(&pending->files, &cursor)) != NULL)
		kiln_free(slot->value);
	kiln_table_finish(&pending->files);
	kiln_mutex_finish(&pending->flushing);
	kiln_mutex_finish(&pending->mutex);
}

void kiln_pending_add(struct kiln_cache *cache, const struct kiln_place *place)
{
	struct kiln_pending *pending = &cache->pending;
	struct kiln_pending_file *file;

	if (kiln_cache_is_inherited(cache))
		return;
	kiln_mutex_lock(&pending->mutex);
	pending->dirty.shards[place->kind == KILN_KIND_CONTENT][place->shard] = true;
	if (kiln_table_get(&pending->files, &place->id) == NULL) {
		file = kiln_memdup(place->path, sizeof place->path);
		if (file == NULL || !kiln_table_put(&pending->files, &place->id, file)) {
			kiln_free(file);
			pending->dirty.everything = true;
		}
	}
	kiln_mutex_unlock(&pending->mutex);
}

void kiln_pending_touch(struct kiln_cache *cache, enum kiln_kind kind, uint8_t shard)
{
	struct kiln_pending *pending = &cache->pending;

	if (kiln_cache_is_inherited(cache))
		return;
	kiln_mutex_lock(&pending->mutex);
	pending->dirty.shards[kind == KILN_KIND_CONTENT][shard] = true;
	kiln_mutex_unlock(&pending->mutex);
}
