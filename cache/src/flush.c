/* Making what was written durable: files first, then the folders that name them. */
#include <cache/store.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include <base/alloc.h>
#include <base/error.h>

/* One flush: what it took off the list, and how it went. Nothing here is shared, so files may be synced by
 * any number of threads. */
struct batch {
	struct kiln_table files;
	struct kiln_dirty dirty;
	enum kiln_status status; /* the first failure */
};

static void take(struct kiln_pending *pending, struct batch *out_batch)
{
	kiln_mutex_lock(&pending->mutex);
	*out_batch = (struct batch){.files = pending->files, .dirty = pending->dirty};
	pending->files = (struct kiln_table){0};
	pending->dirty = (struct kiln_dirty){0};
	kiln_mutex_unlock(&pending->mutex);
}

/* 0 also when the file or folder has vanished, or cannot be synced on this file system. */
static int sync_path(const struct kiln_cache *cache, int dir, const char *path, bool is_dir)
{
	const struct kiln_fs *fs = cache->fs;
	int flags = O_RDONLY | O_CLOEXEC | (is_dir ? O_DIRECTORY : O_NOFOLLOW | O_NONBLOCK);
	int fd = fs->openat(fs->user, dir, path, flags, 0);
	int result, failure;

	if (fd < 0)
		return errno == ENOENT ? 0 : -1;
	result = is_dir ? fs->fsync(fs->user, fd) : fs->fdatasync(fs->user, fd);
	failure = errno;
	fs->close(fs->user, fd);
	errno = failure;
	return result != 0 && failure == EINVAL ? 0 : result;
}

/* Keeps the first failure, with its sentence. */
static void note_failure(const struct kiln_cache *cache, struct batch *batch, const char *what)
{
	if (batch->status == KILN_OK)
		batch->status = kiln_error_errno(errno, "cannot make '%s' of the cache '%s' durable", what,
		                                 cache->root);
}

/* Synced files leave the batch; the others stay in it. */
static void sync_files(const struct kiln_cache *cache, struct batch *batch)
{
	struct kiln_table left = {0};
	const struct kiln_table_slot *slot;
	size_t cursor = 0;

	while ((slot = kiln_table_next(&batch->files, &cursor)) != NULL) {
		if (sync_path(cache, cache->root_fd, slot->value, false) != 0) {
			note_failure(cache, batch, slot->value);
			if (kiln_table_put(&left, &slot->key, slot->value))
				continue;
			batch->dirty.everything = true;
		}
		kiln_free(slot->value);
	}
	kiln_table_finish(&batch->files);
	batch->files = left;
}

static void sync_everything(const struct kiln_cache *cache, struct batch *batch)
{
	if (!batch->dirty.everything)
		return;
	if (cache->fs->syncfs(cache->fs->user, cache->root_fd) == 0)
		batch->dirty.everything = false;
	else
		note_failure(cache, batch, ".");
}

/* Returns whether there was anything to sync. */
static bool sync_shards(const struct kiln_cache *cache, struct batch *batch, enum kiln_kind kind)
{
	bool *dirty = batch->dirty.shards[kind == KILN_KIND_CONTENT];
	bool any = false;

	for (unsigned shard = 0; shard < 256; shard++) {
		char dir[8];

		if (!dirty[shard])
			continue;
		any = true;
		kiln_shard_dir(kind, (uint8_t)shard, dir);
		if (sync_path(cache, cache->root_fd, dir, true) == 0)
			dirty[shard] = false;
		else
			note_failure(cache, batch, dir);
	}
	return any;
}

/* Whoever created them: a shard is only as durable as the folders that name it.
 * A failure marks a shard again, since one shard brings back all that is above. */
static void sync_upper(const struct kiln_cache *cache, struct batch *batch, bool content)
{
	const char *const dirs[] = {content ? KILN_LAYOUT_DIR "/c" : NULL, KILN_LAYOUT_DIR, "."};

	for (size_t i = 0; i < sizeof dirs / sizeof dirs[0]; i++) {
		if (dirs[i] == NULL || sync_path(cache, cache->root_fd, dirs[i], true) == 0)
			continue;
		note_failure(cache, batch, dirs[i]);
		batch->dirty.shards[content][0] = true;
	}
}

/* The folders above the root, from its parent up to the deepest that was there before us. */
static void sync_above(const struct kiln_cache *cache, struct batch *batch)
{
	size_t bytes = strlen(cache->root);
	char *path;

	if (!batch->dirty.above)
		return;
	path = kiln_strdup(cache->root);
	if (path == NULL) {
		errno = ENOMEM;
		note_failure(cache, batch, "..");
		return;
	}
	do {
		while (bytes > 0 && path[bytes - 1] != '/')
			bytes--;
		while (bytes > 1 && path[bytes - 1] == '/')
			bytes--;
		path[bytes] = '\0';
		if (sync_path(cache, AT_FDCWD, bytes > 0 ? path : ".", true) != 0) {
			note_failure(cache, batch, bytes > 0 ? path : ".");
			goto out;
		}
	} while (bytes > cache->above_bytes && bytes > 1);
	batch->dirty.above = false;
out:
	kiln_free(path);
}

static void sync_dirs(const struct kiln_cache *cache, struct batch *batch)
{
	bool content = sync_shards(cache, batch, KILN_KIND_CONTENT);
	bool pipelines = sync_shards(cache, batch, KILN_KIND_PIPELINE);

	if (content || pipelines)
		sync_upper(cache, batch, content);
	sync_above(cache, batch);
}

/* Puts what failed back; a file written again meanwhile is on the list already. */
static void give_back(struct kiln_pending *pending, struct batch *batch)
{
	const struct kiln_table_slot *slot;
	size_t cursor = 0;

	kiln_mutex_lock(&pending->mutex);
	while ((slot = kiln_table_next(&batch->files, &cursor)) != NULL) {
		bool known = kiln_table_get(&pending->files, &slot->key) != NULL;

		if (known || !kiln_table_put(&pending->files, &slot->key, slot->value)) {
			pending->dirty.everything = pending->dirty.everything || !known;
			kiln_free(slot->value);
		}
	}
	for (unsigned i = 0; i < 2 * 256; i++)
		pending->dirty.shards[i / 256][i % 256] |= batch->dirty.shards[i / 256][i % 256];
	pending->dirty.above |= batch->dirty.above;
	pending->dirty.everything |= batch->dirty.everything;
	kiln_mutex_unlock(&pending->mutex);
	kiln_table_finish(&batch->files);
}

enum kiln_status kiln_cache_flush(struct kiln_cache *cache)
{
	struct batch batch;

	if (cache == NULL || cache->read_only)
		return KILN_OK;
	kiln_mutex_lock(&cache->pending.flushing);
	take(&cache->pending, &batch);
	sync_files(cache, &batch);
	sync_everything(cache, &batch);
	sync_dirs(cache, &batch);
	give_back(&cache->pending, &batch);
	kiln_mutex_unlock(&cache->pending.flushing);
	kiln_count(&cache->counts.flushes);
	if (batch.status != KILN_OK)
		kiln_count(&cache->counts.flush_errors);
	return batch.status;
}
