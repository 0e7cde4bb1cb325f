/* Making what was written durable: files first, then the folders that name them. */
#include <cache/store.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include <base/alloc.h>
#include <base/error.h>

#define WORKERS_MAX 16
#define WORK_PER_WORKER 4 /* below that a thread costs more than it saves */
#define MANY 64           /* from here on the whole file system is told to write first */

/* One flush: what it took off the list, and how it went. */
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

/* 0 also when the file or folder has vanished, or cannot be synced on this file system. Links are followed above the root
 * only: there they are the user's. */
static int sync_path(const struct kiln_cache *cache, int dir, const char *path, bool is_dir)
{
	const struct kiln_fs *fs = cache->fs;
	int flags = O_RDONLY | O_CLOEXEC | (is_dir ? O_DIRECTORY : O_NONBLOCK) |
	            (dir == AT_FDCWD ? 0 : O_NOFOLLOW);
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

/* ---- Many at once ---- */

/* Work on items 0 to count - 1, each by whoever comes first. An item is its own thread's alone. */
struct work {
	const struct kiln_cache *cache;
	struct batch *batch;
	/* Returns the errno, 0 = done. */
	int (*sync)(const struct work *work, size_t item);
	size_t count;
	_Atomic size_t next;
	/* The failure that is told: that of the lowest item, so that it does not depend on chance. */
	struct kiln_mutex mutex;
	size_t failed_item;
	int failure;
};

static void note_work_failure(struct work *work, size_t item, int failure)
{
	kiln_mutex_lock(&work->mutex);
	if (work->failure == 0 || item < work->failed_item) {
		work->failed_item = item;
		work->failure = failure;
	}
	kiln_mutex_unlock(&work->mutex);
}

static void *work_on(void *user)
{
	struct work *work = user;
	size_t item;

	while ((item = atomic_fetch_add(&work->next, 1)) < work->count) {
		int failure = work->sync(work, item);

		if (failure != 0)
			note_work_failure(work, item, failure);
	}
	return NULL;
}

/* With `items` of the work worth doing. Threads that do not start are missed by nobody: this one works too. They wait
 * for the disk, not for a processor, so there may be more of them than processors. */
static bool run_work(struct work *work, size_t items)
{
	struct kiln_thread threads[WORKERS_MAX - 1];
	size_t started = 0, wanted = items / WORK_PER_WORKER;

	if (kiln_mutex_init(&work->mutex) != KILN_OK)
		return false;
	if (wanted > WORKERS_MAX)
		wanted = WORKERS_MAX;
	while (started + 1 < wanted && kiln_thread_start(&threads[started], work_on, work) == KILN_OK)
		started++;
	work_on(work);
	for (size_t i = 0; i < started; i++)
		kiln_thread_join(&threads[i]);
	kiln_mutex_finish(&work->mutex);
	return true;
}

/* ---- Files ---- */

static int sync_slot(const struct work *work, size_t item)
{
	struct kiln_table_slot *slot = &work->batch->files.slots[item];

	if (slot->value == NULL)
		return 0;
	if (sync_path(work->cache, work->cache->root_fd, slot->value, false) != 0)
		return errno;
	kiln_free(slot->value);
	slot->value = NULL; /* the table is only walked from here on */
	return 0;
}

/* What failed stays in the batch. */
static void keep_unsynced(struct batch *batch)
{
	struct kiln_table left = {0};
	const struct kiln_table_slot *slot;
	size_t cursor = 0;

	while ((slot = kiln_table_next(&batch->files, &cursor)) != NULL) {
		if (kiln_table_put(&left, &slot->key, slot->value))
			continue;
		batch->dirty.everything = true;
		kiln_free(slot->value);
	}
	kiln_table_finish(&batch->files);
	batch->files = left;
}

/* One system call writes out everything, in the disk's own order; after it the syncs of each file and folder find
 * nothing left to do, and tell about errors as it cannot. Those of what is on no list it tells about, and only once. */
static void write_ahead(const struct kiln_cache *cache, struct batch *batch)
{
	if (batch->files.count >= MANY && cache->fs->syncfs(cache->fs->user, cache->root_fd) != 0 &&
	    batch->dirty.everything)
		note_failure(cache, batch, ".");
}

/* Synced files leave the batch; the others stay in it. */
static void sync_files(const struct kiln_cache *cache, struct batch *batch)
{
	struct work work = {
		.cache = cache, .batch = batch, .sync = sync_slot, .count = batch->files.capacity};

	if (!run_work(&work, batch->files.count)) {
		batch->status = KILN_ERR_THREAD;
		return;
	}
	if (work.failure != 0) {
		errno = work.failure;
		note_failure(cache, batch, batch->files.slots[work.failed_item].value);
	}
	keep_unsynced(batch);
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

static int sync_shard(const struct work *work, size_t item)
{
	bool *dirty = &work->batch->dirty.shards[item / 256][item % 256];
	char dir[8];

	if (!*dirty)
		return 0;
	kiln_shard_dir(item / 256 != 0 ? KILN_KIND_CONTENT : KILN_KIND_PIPELINE, (uint8_t)(item % 256), dir);
	if (sync_path(work->cache, work->cache->root_fd, dir, true) != 0)
		return errno;
	*dirty = false;
	return 0;
}

static size_t count_dirty(const struct batch *batch, enum kiln_kind kind)
{
	const bool *dirty = batch->dirty.shards[kind == KILN_KIND_CONTENT];
	size_t count = 0;

	for (size_t i = 0; i < 256; i++)
		count += dirty[i];
	return count;
}

static void sync_shards(const struct kiln_cache *cache, struct batch *batch, size_t dirty)
{
	struct work work = {.cache = cache, .batch = batch, .sync = sync_shard, .count = 2 * 256};
	char dir[8];

	if (!run_work(&work, dirty)) {
		if (batch->status == KILN_OK)
			batch->status = KILN_ERR_THREAD;
		return;
	}
	if (work.failure == 0)
		return;
	kiln_shard_dir(work.failed_item / 256 != 0 ? KILN_KIND_CONTENT : KILN_KIND_PIPELINE,
	               (uint8_t)(work.failed_item % 256), dir);
	errno = work.failure;
	note_failure(cache, batch, dir);
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

/* Whether `path` may be the work of a process like us, a moment ago: 1, 0, or -1 with errno. */
static int may_be_new(const struct kiln_cache *cache, const char *path)
{
	struct stat facts;

	if (cache->fs->fstatat(cache->fs->user, AT_FDCWD, path, &facts) != 0)
		return -1;
	return facts.st_uid == geteuid() && (facts.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

/* The folders above the root, from its parent up to the deepest that was there before us; and on from there as far as
 * another process may have made them, which has not flushed yet, or never will. Once is enough.
 * What we may not open we cannot sync. */
static void sync_above(const struct kiln_cache *cache, struct batch *batch)
{
	size_t bytes = strlen(cache->root);
	char path[PATH_MAX]; /* a longer one could not be opened */
	int further;

	if (!batch->dirty.above || bytes >= sizeof path)
		return;
	memcpy(path, cache->root, bytes + 1);
	do {
		while (bytes > 0 && path[bytes - 1] != '/')
			bytes--;
		while (bytes > 1 && path[bytes - 1] == '/')
			bytes--;
		path[bytes] = '\0';
		further = 0;
		if (sync_path(cache, AT_FDCWD, bytes > 0 ? path : ".", true) != 0 && errno != EACCES)
			further = -1;
		else if (bytes > 1 || (bytes == 1 && path[0] != '/' && path[0] != '.'))
			further = bytes > cache->above_bytes ? 1 : may_be_new(cache, path);
	} while (further > 0);
	batch->dirty.above = further != 0;
	if (further < 0)
		note_failure(cache, batch, bytes > 0 ? path : ".");
}

static void sync_dirs(const struct kiln_cache *cache, struct batch *batch)
{
	size_t content = count_dirty(batch, KILN_KIND_CONTENT), pipelines = count_dirty(batch, KILN_KIND_PIPELINE);

	if (content + pipelines == 0)
		return;
	sync_shards(cache, batch, content + pipelines);
	sync_upper(cache, batch, content > 0);
	sync_above(cache, batch);
	/* As in sync_upper(). */
	if (batch->dirty.above)
		batch->dirty.shards[content > 0][0] = true;
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

static enum kiln_status flush_list(struct kiln_cache *cache)
{
	struct batch batch;

	kiln_mutex_lock(&cache->pending.flushing);
	take(&cache->pending, &batch);
	write_ahead(cache, &batch);
	sync_files(cache, &batch);
	sync_everything(cache, &batch);
	sync_dirs(cache, &batch);
	give_back(&cache->pending, &batch);
	kiln_mutex_unlock(&cache->pending.flushing);
	return batch.status;
}

static enum kiln_status flush_without_list(const struct kiln_cache *cache)
{
	if (cache->fs->syncfs(cache->fs->user, cache->root_fd) == 0)
		return KILN_OK;
	return kiln_error_errno(errno, "cannot make the cache '%s' durable", cache->root);
}

enum kiln_status kiln_cache_flush(struct kiln_cache *cache)
{
	enum kiln_status status, flushed;

	if (cache == NULL || cache->read_only)
		return KILN_OK;
	status = kiln_later_settle(cache);
	flushed = kiln_cache_is_inherited(cache) ? flush_without_list(cache) : flush_list(cache);
	kiln_count(&cache->counts.flushes);
	if (status == KILN_OK)
		status = flushed;
	if (status != KILN_OK)
		kiln_count(&cache->counts.flush_errors);
	return status;
}
