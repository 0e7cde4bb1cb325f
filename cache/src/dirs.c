/* Walking the folders of the cache. */
#include <cache/store.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <base/alloc.h>
#include <base/error.h>

enum kiln_status kiln_dir_visit(const struct kiln_cache *cache, const char *path,
                                bool (*visit)(void *user, const char *name), void *user)
{
	const struct kiln_fs *fs = cache->fs;
	enum kiln_status status = KILN_OK;
	int dir;

	if (cache->root_fd < 0)
		return KILN_OK;
	dir = kiln_fs_open_dir(fs, cache->root_fd, path, true);
	if (dir < 0 && errno == ENOENT)
		return KILN_OK;
	if (dir < 0)
		return kiln_error_errno(errno, "cannot open the cache folder '%s/%s'", cache->root, path);
	if (fs->list(fs->user, dir, visit, user) != 0)
		status = kiln_error_errno(errno, "cannot list the cache folder '%s/%s'", cache->root, path);
	fs->close(fs->user, dir);
	return status;
}

struct collection {
	bool (*wanted)(const void *user, const char *name);
	const void *user;
	struct kiln_names *names;
};

static bool collect(void *user, const char *name)
{
	struct collection *collection = user;
	struct kiln_names *names = collection->names;

	if (collection->wanted != NULL && !collection->wanted(collection->user, name))
		return true;
	kiln_write_bytes(&names->text, name, strlen(name) + 1);
	names->count++;
	return !names->text.bad;
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static enum kiln_status sort(struct kiln_names *names)
{
	const char *at = (const char *)names->text.data;

	names->sorted = kiln_alloc((names->count + 1) * sizeof *names->sorted);
	if (names->sorted == NULL || names->text.bad)
		return kiln_error(KILN_ERR_OUT_OF_MEMORY, "no memory to list a cache folder. Fix: free some");
	for (size_t i = 0; i < names->count; i++) {
		names->sorted[i] = at;
		at += strlen(at) + 1;
	}
	qsort(names->sorted, names->count, sizeof *names->sorted, compare);
	return KILN_OK;
}

enum kiln_status kiln_dir_names(const struct kiln_cache *cache, const char *path,
                                bool (*wanted)(const void *user, const char *name), const void *user,
                                struct kiln_names *out_names)
{
	struct kiln_names names = {0};
	struct collection collection = {.wanted = wanted, .user = user, .names = &names};
	enum kiln_status status = kiln_dir_visit(cache, path, collect, &collection);

	if (status == KILN_OK)
		status = sort(&names);
	if (status == KILN_OK)
		*out_names = names;
	else
		kiln_names_finish(&names);
	return status;
}

void kiln_names_finish(struct kiln_names *names)
{
	kiln_writer_finish(&names->text);
	kiln_free(names->sorted);
	*names = (struct kiln_names){0};
}

static bool is_shard(const char *name)
{
	return strspn(name, "0123456789abcdef") == 2 && name[2] == '\0';
}

static bool is_shard_or_content(const void *user, const char *name)
{
	(void)user;
	return is_shard(name) || strcmp(name, "c") == 0;
}

/* What a walk carries along. */
struct walk {
	const struct kiln_cache *cache;
	bool (*visit)(void *user, const struct kiln_shard *shard);
	void *user;
	bool stopped;
};

static enum kiln_status visit_content(struct walk *walk);

static enum kiln_status visit_names(struct walk *walk, enum kiln_kind kind, const struct kiln_names *names)
{
	for (size_t i = 0; i < names->count && !walk->stopped; i++) {
		struct kiln_shard shard = {.kind = kind};

		if (!is_shard(names->sorted[i])) {
			if (kind == KILN_KIND_PIPELINE)
				KILN_TRY(visit_content(walk));
			continue;
		}
		shard.number = (uint8_t)strtoul(names->sorted[i], NULL, 16);
		kiln_shard_dir(kind, shard.number, shard.dir);
		walk->stopped = !walk->visit(walk->user, &shard);
	}
	return KILN_OK;
}

static enum kiln_status visit_dir(struct walk *walk, enum kiln_kind kind, const char *path)
{
	struct kiln_names names;
	enum kiln_status status = kiln_dir_names(walk->cache, path, is_shard_or_content, NULL, &names);

	if (status != KILN_OK)
		return status;
	status = visit_names(walk, kind, &names);
	kiln_names_finish(&names);
	return status;
}

static enum kiln_status visit_content(struct walk *walk)
{
	return visit_dir(walk, KILN_KIND_CONTENT, KILN_LAYOUT_DIR "/c");
}

enum kiln_status kiln_shards_visit(const struct kiln_cache *cache,
                                   bool (*visit)(void *user, const struct kiln_shard *shard), void *user)
{
	struct walk walk = {.cache = cache, .visit = visit, .user = user};

	return visit_dir(&walk, KILN_KIND_PIPELINE, KILN_LAYOUT_DIR);
}
