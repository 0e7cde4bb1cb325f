/* Quarantine: what was with the driver when its process died is set aside, before anyone loads it again. */
#include <cache/notes.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <base/alloc.h>
#include <base/error.h>
#include <base/log.h>
#include <cache/byte_order.h>
#include <cache/gone.h>
#include <cache/store.h>

#define QUARANTINE_DIR KILN_QUARANTINE_DIR
#define KEPT_MAX 64 /* files */

/* One sweep. However many processes died, it is one event: a Ctrl-C ends all of a session at once, and must
 * cost no more than compiling again. So a sweep gives a device one strike at most. */
struct sweep {
	struct kiln_cache *cache;
	unsigned found;
	bool all_aside; /* of the slot at hand */
	struct {
		uint64_t device[2];
		bool suspended;
	} struck[KILN_STRIKE_RECORDS];
	unsigned struck_count;
};

/* A note has what the entry's place is made of. */
static void place_of(const uint64_t names[6], struct kiln_place *out_place)
{
	struct kiln_pipeline_identity identity = {0};

	memcpy(identity.program.bytes, names, 16);
	memcpy(identity.policy.bytes, names + 2, 16);
	memcpy(identity.device.bytes, names + 4, 16);
	kiln_place_pipeline(&identity, out_place);
}

static void aside_path(const char *name, char out_path[KILN_PLACE_MAX + 16])
{
	snprintf(out_path, KILN_PLACE_MAX + 16, QUARANTINE_DIR "/%s", name);
}

/* An empty file under the name: the entry lies in a read-only layer, or is gone. */
static bool mark(const struct kiln_cache *cache, const char *aside)
{
	const struct kiln_fs *fs = cache->fs;
	int fd = fs->openat(fs->user, cache->root_fd, aside,
	                    O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0600);

	if (fd >= 0)
		fs->close(fs->user, fd);
	return fd >= 0;
}

/* Whether the entry is not in its place any more: renamed, or unlinked where that does not work. *out_kept: it
 * is in quarantine. Of a rename that finds nothing nobody knows what was not there: entry or quarantine. */
static bool take_away(const struct kiln_cache *cache, const struct kiln_place *place, const char *aside,
                      bool *out_kept)
{
	const struct kiln_fs *fs = cache->fs;

	*out_kept = fs->renameat(fs->user, cache->root_fd, place->path, cache->root_fd, aside) == 0;
	return *out_kept || fs->unlinkat(fs->user, cache->root_fd, place->path, 0) == 0 || errno == ENOENT;
}

/* Returns whether nobody will load the entry again. */
static bool set_aside(struct kiln_cache *cache, const struct kiln_place *place)
{
	char aside[KILN_PLACE_MAX + 16];
	bool kept;

	aside_path(place->name, aside);
	cache->fs->mkdirat(cache->fs->user, cache->root_fd, QUARANTINE_DIR, 0700);
	if (!take_away(cache, place, aside, &kept))
		return false;
	kiln_gone_note(cache, place->name, KILN_CACHE_SET_ASIDE);
	if (kept)
		kiln_pending_touch(cache, place->kind, place->shard);
	if (!kept && !mark(cache, aside))
		return cache->layers.list == NULL; /* from a layer it would come back */
	atomic_store_explicit(&cache->notes.file->any_set_aside, kiln_le64(1), memory_order_release);
	kiln_count(&cache->counts.set_aside);
	return true;
}

static void strike(struct sweep *sweep, const uint64_t names[6], uint64_t entry)
{
	unsigned i = 0;

	while (i < sweep->struck_count && memcmp(sweep->struck[i].device, names + 4, 16) != 0)
		i++;
	if (i < sweep->struck_count || i == KILN_STRIKE_RECORDS)
		return;
	memcpy(sweep->struck[i].device, names + 4, 16);
	sweep->struck[i].suspended = kiln_strikes_add(sweep->cache, names + 4, entry);
	sweep->struck_count++;
}

static void sweep_lane(struct sweep *sweep, struct kiln_note_lane *lane)
{
	struct kiln_place place;
	uint64_t names[6];

	if (kiln_notes_lane_read(lane, names)) {
		place_of(names, &place);
		/* First the entry, then the note: if we die in between, the next sweep finds both. */
		if (!set_aside(sweep->cache, &place)) {
			sweep->all_aside = false;
			return;
		}
		strike(sweep, names, atomic_load_explicit(&lane->check, memory_order_relaxed));
		sweep->found++;
	}
	atomic_store_explicit(&lane->check, 0, memory_order_release);
}

static void sweep_slot(struct sweep *sweep, unsigned slot)
{
	struct kiln_notes_file *file = sweep->cache->notes.file;

	sweep->all_aside = true;
	for (unsigned lane = 0; lane < KILN_NOTE_LANES; lane++)
		sweep_lane(sweep, &file->lanes[slot][lane]);
	if (sweep->all_aside)
		atomic_store_explicit(&file->owned[slot], 0, memory_order_release);
}

static bool any_dead(const struct kiln_cache *cache)
{
	for (unsigned slot = 0; slot < KILN_NOTE_SLOTS; slot++) {
		if (kiln_notes_owner_is_dead(cache, slot))
			return true;
	}
	return false;
}

static void log_sweep(const struct sweep *sweep)
{
	const char *root = sweep->cache->root;

	if (sweep->found > 0)
		kiln_log(
			KILN_LOG_INFO,
			"%u entries of the cache '%s' were with the driver when their process died; they are "
			"set aside and will be compiled again",
			sweep->found, root);
	for (unsigned i = 0; i < sweep->struck_count; i++) {
		if (sweep->struck[i].suspended)
			kiln_log(KILN_LOG_WARN,
			         "the driver died with %d different entries of the cache '%s' and loaded "
			         "none in between: the cache rests for this device for 24 hours. "
			         "Fix: update the driver, then run `kiln cache clear`",
			         KILN_STRIKES, root);
	}
}

/* ---- A bounded folder ---- */

static bool is_set_aside(const void *user, const char *name)
{
	(void)user;
	return kiln_name_is_entry(KILN_KIND_PIPELINE, name);
}

static int remove_aside(const struct kiln_cache *cache, const char *name)
{
	char path[KILN_PLACE_MAX + 16];

	aside_path(name, path);
	return cache->fs->unlinkat(cache->fs->user, cache->root_fd, path, 0) == 0 || errno == ENOENT ? 0 : -1;
}

struct kept {
	const char *name;
	int64_t used_s;
};

static int oldest_first(const void *a, const void *b)
{
	const struct kept *x = a, *y = b;

	return (x->used_s > y->used_s) - (x->used_s < y->used_s);
}

static void remove_oldest(const struct kiln_cache *cache, const struct kiln_names *names, struct kept *kept)
{
	for (size_t i = 0; i < names->count; i++) {
		char path[KILN_PLACE_MAX + 16];
		struct stat facts;

		aside_path(names->sorted[i], path);
		kept[i].name = names->sorted[i];
		if (cache->fs->fstatat(cache->fs->user, cache->root_fd, path, &facts) == 0)
			kept[i].used_s = (int64_t)facts.st_mtime;
	}
	qsort(kept, names->count, sizeof *kept, oldest_first);
	for (size_t i = 0; i + KEPT_MAX < names->count; i++)
		remove_aside(cache, kept[i].name);
}

/* Failing to tidy up harms nobody. */
static void keep_newest(const struct kiln_cache *cache)
{
	struct kept *kept = NULL;
	struct kiln_names names;

	if (kiln_dir_names(cache, QUARANTINE_DIR, is_set_aside, NULL, &names) != KILN_OK)
		return;
	if (names.count > KEPT_MAX)
		kept = kiln_alloc_zero(names.count, sizeof *kept);
	if (kept != NULL)
		remove_oldest(cache, &names, kept);
	kiln_free(kept);
	kiln_names_finish(&names);
}

void kiln_quarantine_sweep(struct kiln_cache *cache)
{
	struct sweep sweep = {.cache = cache};

	/* A look without the lock first, as there usually is nothing. One process sweeps at a time: the dead
	 * of one event are found together. */
	if (!any_dead(cache) || !kiln_notes_lock(cache, true))
		return;
	for (unsigned slot = 0; slot < KILN_NOTE_SLOTS; slot++) {
		if (kiln_notes_owner_is_dead(cache, slot))
			sweep_slot(&sweep, slot);
	}
	if (sweep.found > 0)
		keep_newest(cache);
	kiln_notes_unlock(cache);
	log_sweep(&sweep);
}

void kiln_quarantine_clear(const struct kiln_cache *cache, const char *name)
{
	if (cache->notes.file != NULL &&
	    atomic_load_explicit(&cache->notes.file->any_set_aside, memory_order_relaxed) != 0)
		remove_aside(cache, name);
}

bool kiln_place_quarantined(const struct kiln_cache *cache, const struct kiln_place *place)
{
	char aside[KILN_PLACE_MAX + 16];
	struct stat facts;

	if (place->kind != KILN_KIND_PIPELINE || cache->root_fd < 0)
		return false;
	aside_path(place->name, aside);
	return cache->fs->fstatat(cache->fs->user, cache->root_fd, aside, &facts) == 0 &&
	       cache->fs->fstatat(cache->fs->user, cache->root_fd, place->path, &facts) != 0;
}

/* ---- Public ---- */

bool kiln_cache_quarantined(const struct kiln_cache *cache, const struct kiln_pipeline_identity *identity)
{
	struct kiln_place place;

	if (cache == NULL || identity == NULL)
		return false;
	kiln_place_pipeline(identity, &place);
	return kiln_place_quarantined(cache, &place);
}

static enum kiln_status remove_all_aside(struct kiln_cache *cache)
{
	enum kiln_status status;
	struct kiln_names names;

	KILN_TRY(kiln_dir_names(cache, QUARANTINE_DIR, is_set_aside, NULL, &names));
	status = KILN_OK;
	for (size_t i = 0; i < names.count; i++) {
		if (remove_aside(cache, names.sorted[i]) != 0 && status == KILN_OK)
			status = kiln_error_errno(errno, "cannot remove '%s/" QUARANTINE_DIR "/%s'",
			                          cache->root, names.sorted[i]);
	}
	kiln_names_finish(&names);
	return status;
}

enum kiln_status kiln_cache_forgive(struct kiln_cache *cache)
{
	if (cache == NULL)
		return KILN_OK;
	if (cache->read_only)
		return kiln_error(KILN_ERR_READ_ONLY,
		                  "the cache '%s' is open read-only; no crash was forgiven. "
		                  "Fix: open it read-write",
		                  cache->root);
	if (cache->notes.file != NULL) {
		if (!kiln_notes_lock(cache, true))
			return kiln_error(KILN_ERR_TIMEOUT,
			                  "others keep the notes of the cache '%s' locked. Fix: try again",
			                  cache->root);
		kiln_strikes_forget_all(cache);
		kiln_notes_unlock(cache);
	}
	KILN_TRY(remove_all_aside(cache));
	if (cache->notes.file != NULL)
		atomic_store_explicit(&cache->notes.file->any_set_aside, 0, memory_order_release);
	return KILN_OK;
}
