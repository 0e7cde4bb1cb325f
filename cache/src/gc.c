/* Collection: scan, weigh, choose (evict.c), remove. */
#include <cache/gc.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <base/alloc.h>
#include <base/error.h>
#include <cache/care.h>
#include <cache/evict.h>
#include <cache/gone.h>
#include <cache/later.h>
#include <cache/scan.h>
#include <cache/sidecar.h>

/* Where an entry lies, and what it looked like when it was chosen. */
struct found {
	uint32_t name; /* offset in `names` */
	uint8_t kind;
	uint8_t shard;
	struct timespec mtime;
};

struct collection {
	struct kiln_cache *cache;
	struct kiln_cache_gc_params params;
	struct kiln_cache_gc_report report;
	struct kiln_gc_demand demand;
	struct kiln_writer names; /* each with its NUL */
	struct found *found;
	struct kiln_evict_item *items;
	struct kiln_evict_choice *choices;
	size_t count, capacity;
	uint64_t sidecar_bytes;  /* of all of them; 0 = there are none to look for */
	struct kiln_gone *gone;  /* what is removed, for those who miss it */
	enum kiln_status status; /* the first failure */
};

static void note(struct collection *gc, enum kiln_status status)
{
	if (gc->status == KILN_OK)
		gc->status = status;
}

static bool step(struct collection *gc, const char *phase, uint64_t done, uint64_t total)
{
	if (kiln_progress_step(&gc->params.progress, phase, done, total))
		return true;
	note(gc, kiln_error(KILN_ERR_CANCELLED, "collecting the cache '%s' was cancelled", gc->cache->root));
	return false;
}

static bool out_of_memory(struct collection *gc)
{
	note(gc, kiln_error(KILN_ERR_OUT_OF_MEMORY,
	                    "no memory to collect the cache '%s' (%zu entries so far). Fix: free some",
	                    gc->cache->root, gc->count));
	return false;
}

/* ---- Scan ---- */

/* By half, not by double: gc of 100 000 entries is to fit in little memory. */
static bool grow(struct collection *gc)
{
	size_t capacity = gc->capacity + gc->capacity / 2 + 1024;
	struct found *found;
	struct kiln_evict_item *items;

	if (gc->count < gc->capacity)
		return true;
	found = kiln_realloc(gc->found, capacity * sizeof *found);
	if (found == NULL)
		return out_of_memory(gc);
	gc->found = found;
	items = kiln_realloc(gc->items, capacity * sizeof *items);
	if (items == NULL)
		return out_of_memory(gc);
	gc->items = items;
	gc->capacity = capacity;
	return true;
}

static bool is_spared(const struct collection *gc, const struct kiln_scan_item *item)
{
	const struct kiln_place *spare = gc->demand.spare;

	return spare != NULL && strcmp(item->shard->dir, spare->dir) == 0 &&
	       strcmp(item->name, spare->name) == 0;
}

static bool add_entry(struct collection *gc, const struct kiln_scan_item *item)
{
	uint64_t bytes = kiln_allocated_bytes(item->facts);

	gc->report.entries++;
	gc->report.bytes += bytes;
	if (is_spared(gc, item))
		return true;
	if (!grow(gc) || gc->names.bytes > UINT32_MAX - 256)
		return gc->status != KILN_OK ? false : out_of_memory(gc);
	gc->found[gc->count] = (struct found){.name = (uint32_t)gc->names.bytes,
	                                      .kind = (uint8_t)item->shard->kind,
	                                      .shard = item->shard->number,
	                                      .mtime = item->facts->st_mtim};
	gc->items[gc->count] =
		(struct kiln_evict_item){.bytes = bytes, .last_use_s = (int64_t)item->facts->st_mtime};
	kiln_write_bytes(&gc->names, item->name, strlen(item->name) + 1);
	gc->count++;
	return gc->names.bad ? out_of_memory(gc) : true;
}

/* Left by the dead: nobody will rename it any more. */
static void remove_litter(struct collection *gc, const struct kiln_scan_item *item)
{
	const struct kiln_fs *fs = gc->cache->fs;

	if (!gc->params.dry_run && fs->unlinkat(fs->user, item->dir, item->name, 0) != 0) {
		if (errno == ENOENT)
			return;
		gc->report.failed++;
		note(gc, kiln_error_errno(errno, "cannot remove '%s/%s/%s'", gc->cache->root, item->dir_path,
		                          item->name));
		return;
	}
	gc->report.litter++;
	gc->report.litter_bytes += kiln_allocated_bytes(item->facts);
}

static bool look(void *user, const struct kiln_scan_item *item)
{
	struct collection *gc = user;

	if (item->kind == KILN_SCAN_LITTER)
		remove_litter(gc, item);
	else if (item->kind == KILN_SCAN_SIDECAR)
		gc->sidecar_bytes += kiln_allocated_bytes(item->facts);
	else if (item->kind == KILN_SCAN_ENTRY)
		return add_entry(gc, item) && step(gc, "scan", gc->report.entries, 0);
	return true;
}

/* ---- Weigh ---- */

/* One folder held open for the entries of it that follow one another. */
struct open_shard {
	int dir;
	int number; /* kind and shard in one; -1 = none */
};

static int open_dir_of(const struct collection *gc, const struct found *found, struct open_shard *shard)
{
	const struct kiln_fs *fs = gc->cache->fs;
	int number = found->kind << 8 | found->shard;
	char path[8];

	if (shard->number == number)
		return shard->dir;
	if (shard->dir >= 0)
		fs->close(fs->user, shard->dir);
	kiln_shard_dir((enum kiln_kind)found->kind, found->shard, path);
	shard->number = number;
	shard->dir = kiln_fs_open_dir(fs, gc->cache->root_fd, path, true);
	return shard->dir;
}

static void close_shard(const struct collection *gc, const struct open_shard *shard)
{
	if (shard->dir >= 0)
		gc->cache->fs->close(gc->cache->fs->user, shard->dir);
}

/* What cannot be read, or is of a format that is read no more, costs nothing to lose. */
static uint64_t ns_per_byte(const struct collection *gc, int dir, const char *name, uint64_t bytes)
{
	struct kiln_entry_head head;

	if (!kiln_head_read(gc->cache, dir, name, &head) || head.outdated)
		return 0;
	return head.compile_ns / (bytes > 0 ? bytes : 1);
}

static bool weigh(struct collection *gc)
{
	struct open_shard shard = {.dir = -1, .number = -1};
	bool go_on = true;

	for (size_t i = 0; i < gc->count && go_on; i++) {
		int dir = open_dir_of(gc, &gc->found[i], &shard);
		const char *name = (const char *)gc->names.data + gc->found[i].name;

		if (dir >= 0)
			gc->items[i].ns_per_byte = ns_per_byte(gc, dir, name, gc->items[i].bytes);
		go_on = step(gc, "weigh", i + 1, gc->count);
	}
	close_shard(gc, &shard);
	return go_on;
}

/* A manifest goes with its entry, so it weighs with it. */
static void add_sidecars(struct collection *gc)
{
	struct open_shard shard = {.dir = -1, .number = -1};

	for (size_t i = 0; i < gc->count && gc->sidecar_bytes > 0; i++) {
		int dir = open_dir_of(gc, &gc->found[i], &shard);
		const char *name = (const char *)gc->names.data + gc->found[i].name;

		if (dir >= 0 && gc->found[i].kind == KILN_KIND_PIPELINE)
			gc->items[i].bytes += kiln_sidecar_bytes(gc->cache, dir, name);
	}
	close_shard(gc, &shard);
	gc->report.bytes += gc->sidecar_bytes;
}

/* ---- Remove ---- */

/* A hit or a write since the scan: the decision is stale. What comes between this look and the unlink is
 * lost, and costs building one entry again. */
static bool is_unchanged(const struct collection *gc, int dir, const char *name, const struct found *found)
{
	struct stat facts;

	return gc->cache->fs->fstatat(gc->cache->fs->user, dir, name, &facts) == 0 &&
	       facts.st_mtim.tv_sec == found->mtime.tv_sec && facts.st_mtim.tv_nsec == found->mtime.tv_nsec;
}

static void remove_entry(struct collection *gc, int dir, const struct found *found, uint64_t bytes)
{
	const struct kiln_fs *fs = gc->cache->fs;
	const char *name = (const char *)gc->names.data + found->name;

	if (!gc->params.dry_run) {
		if (!is_unchanged(gc, dir, name, found)) {
			gc->report.spared++;
			return;
		}
		if (fs->unlinkat(fs->user, dir, name, 0) != 0) {
			if (errno == ENOENT)
				return;
			gc->report.failed++;
			note(gc, kiln_error_errno(errno, "cannot remove an entry of the cache '%s'",
			                          gc->cache->root));
			return;
		}
		if (gc->sidecar_bytes > 0 && found->kind == KILN_KIND_PIPELINE)
			kiln_sidecar_remove(gc->cache, dir, name);
		kiln_gone_add(gc->gone, name, KILN_CACHE_EVICTED);
		kiln_pending_touch(gc->cache, (enum kiln_kind)found->kind, found->shard);
	}
	gc->report.removed++;
	gc->report.removed_bytes += bytes;
}

static int by_index(const void *a, const void *b)
{
	const struct kiln_evict_choice *x = a, *y = b;

	return (x->index > y->index) - (x->index < y->index);
}

static void remove_victims(struct collection *gc, size_t victims)
{
	struct open_shard shard = {.dir = -1, .number = -1};
	struct kiln_gone gone = kiln_gone_begin(gc->cache);
	bool go_on = true;

	gc->gone = &gone;
	/* All of them go, so folder by folder will do, as they were found. */
	qsort(gc->choices, victims, sizeof *gc->choices, by_index);
	for (size_t i = 0; i < victims && go_on; i++) {
		uint32_t index = gc->choices[i].index;
		int dir = open_dir_of(gc, &gc->found[index], &shard);

		if (dir >= 0) {
			remove_entry(gc, dir, &gc->found[index], gc->items[index].bytes);
		} else {
			gc->report.failed++;
			note(gc, kiln_error_errno(errno, "cannot open a folder of the cache '%s'",
			                          gc->cache->root));
		}
		go_on = step(gc, "remove", i + 1, victims);
	}
	kiln_gone_end(&gone);
	close_shard(gc, &shard);
}

/* The budget, and less where somebody needs room. */
static uint64_t most_bytes(const struct collection *gc)
{
	uint64_t bytes = gc->report.bytes, excess = gc->demand.bytes;

	if (gc->demand.spare == NULL)
		return gc->params.max_bytes;
	if (excess < bytes / 8)
		excess = bytes / 8;
	bytes = excess < bytes ? bytes - excess : 0;
	return bytes < gc->params.max_bytes ? bytes : gc->params.max_bytes;
}

static void choose_and_remove(struct collection *gc)
{
	struct kiln_evict_rules rules = {.max_age_s = gc->params.max_age_s, .now_s = gc->params.now_s};

	add_sidecars(gc);
	rules.max_bytes = most_bytes(gc);
	/* Only when something must go for its size does it matter what things cost. */
	if (gc->report.bytes > rules.max_bytes && !weigh(gc))
		return;
	gc->choices = kiln_alloc((gc->count + 1) * sizeof *gc->choices);
	if (gc->choices == NULL)
		out_of_memory(gc);
	else
		remove_victims(gc, kiln_evict_choose(gc->items, gc->count, &rules, gc->choices));
}

/* ---- The whole ---- */

static void finish(struct collection *gc)
{
	kiln_writer_finish(&gc->names);
	kiln_free(gc->found);
	kiln_free(gc->items);
	kiln_free(gc->choices);
}

static void collect(struct collection *gc)
{
	note(gc, kiln_scan(gc->cache, gc->params.now_s, look, gc));
	/* A folder that cannot be read is no reason to keep the others. */
	if (gc->status != KILN_ERR_CANCELLED && gc->status != KILN_ERR_OUT_OF_MEMORY)
		choose_and_remove(gc);
	finish(gc);
}

enum kiln_status kiln_gc_collect(struct kiln_cache *cache, const struct kiln_cache_gc_params *params,
                                 const struct kiln_gc_demand *demand, struct kiln_cache_gc_report *out_report)
{
	struct collection gc = {.cache = cache, .params = *params};

	if (demand != NULL)
		gc.demand = *demand;
	if (gc.params.max_bytes == 0)
		gc.params.max_bytes = kiln_gc_budget();
	if (gc.params.now_s == 0)
		gc.params.now_s = cache->clock->wall_s(cache->clock->user);
	collect(&gc);
	if (out_report != NULL)
		*out_report = gc.report;
	return gc.status;
}

enum kiln_status kiln_cache_gc(struct kiln_cache *cache, const struct kiln_cache_gc_params *params,
                               struct kiln_cache_gc_report *out_report)
{
	static const struct kiln_cache_gc_params defaults = {0};

	if (params == NULL)
		params = &defaults;
	KILN_CHECK(params->max_age_s >= 0 && params->now_s >= 0,
	           "kiln_cache_gc was given an age of %lld s and the time %lld; expected neither below 0. "
	           "Fix: pass 0 for any age and for now",
	           (long long)params->max_age_s, (long long)params->now_s);
	if (out_report != NULL)
		*out_report = (struct kiln_cache_gc_report){0};
	if (cache == NULL)
		return KILN_OK;
	if (cache->read_only && !params->dry_run)
		return kiln_refuse_read_only(cache);
	kiln_later_drain(cache);
	return kiln_gc_collect(cache, params, NULL, out_report);
}
