/* Collections nobody asked for: because the disk is full, or because it is time. */
#include <cache/gc.h>

#include <fcntl.h>

#include <base/settings.h>
#include <cache/care.h>

uint64_t kiln_gc_budget(void)
{
	return kiln_setting_number(&kiln_env_process, KILN_SETTING_CACHE_MAX_BYTES);
}

/* ---- A full disk ---- */

#define FORCED_INTERVAL_NS UINT64_C(10000000000)

/* Whether this caller is the one to do it. */
static bool take_turn(struct kiln_cache *cache)
{
	uint64_t now_ns = cache->clock->monotonic_ns(cache->clock->user);
	uint64_t next_ns = atomic_load(&cache->next_forced_gc_ns);

	return now_ns >= next_ns && atomic_compare_exchange_strong(&cache->next_forced_gc_ns, &next_ns,
	                                                           now_ns + FORCED_INTERVAL_NS);
}

bool kiln_gc_make_room(struct kiln_cache *cache, const struct kiln_place *place, uint64_t wanted)
{
	static const struct kiln_cache_gc_params defaults = {0};
	const struct kiln_gc_demand demand = {.spare = place, .bytes = 2 * wanted};
	struct kiln_cache_gc_report report;

	if (!take_turn(cache))
		return false;
	kiln_gc_collect(cache, &defaults, &demand, &report);
	return report.removed + report.litter > 0;
}

/* ---- Time ---- */

#define STAMP_PATH KILN_LAYOUT_DIR "/collected" /* its time is that of the last collection by any process */
#define STAMP_INTERVAL_S (24 * 60 * 60)
#define OVERDUE_S (3 * STAMP_INTERVAL_S)

struct stamp {
	bool there;
	struct timespec time;
};

static struct stamp look(const struct kiln_cache *cache)
{
	struct stat facts;

	if (cache->fs->fstatat(cache->fs->user, cache->root_fd, STAMP_PATH, &facts) != 0)
		return (struct stamp){0};
	return (struct stamp){.there = true, .time = facts.st_mtim};
}

/* A stamp from the future is as good as none. */
static bool is_younger(const struct kiln_cache *cache, const struct stamp *stamp, int64_t age_s)
{
	int64_t now_s = cache->clock->wall_s(cache->clock->user);

	return stamp->there && (int64_t)stamp->time.tv_sec <= now_s + STAMP_INTERVAL_S &&
	       (int64_t)stamp->time.tv_sec > now_s - age_s;
}

static bool put_stamp(const struct kiln_cache *cache, struct timespec time)
{
	const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, time};
	const int flags = O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK;
	const struct kiln_fs *fs = cache->fs;
	int fd = fs->openat(fs->user, cache->root_fd, STAMP_PATH, flags, 0600);
	bool stamped;

	if (fd < 0)
		return false;
	stamped = fs->futimens(fs->user, fd, times) == 0;
	fs->close(fs->user, fd);
	return stamped;
}

/* First the stamp, then the work: others need not do it too. Without a stamp every burst would collect. But what was
 * cancelled is as due as before. */
static void collect(struct kiln_cache *cache, const struct stamp *before,
                    const struct kiln_cache_progress *progress)
{
	const struct kiln_cache_gc_params params = {.progress = *progress};
	uint64_t bytes = atomic_exchange(&cache->uncollected_bytes, 0);

	if (!put_stamp(cache, (struct timespec){.tv_nsec = UTIME_NOW}) ||
	    kiln_gc_collect(cache, &params, NULL, NULL) != KILN_ERR_CANCELLED)
		return;
	atomic_fetch_add(&cache->uncollected_bytes, bytes);
	if (before->there)
		put_stamp(cache, before->time);
	else
		cache->fs->unlinkat(cache->fs->user, cache->root_fd, STAMP_PATH, 0);
}

void kiln_gc_if_due(struct kiln_cache *cache, const struct kiln_cache_progress *progress)
{
	const struct stamp stamp = look(cache);

	if (atomic_load(&cache->uncollected_bytes) >= kiln_gc_budget() / 16 ||
	    !is_younger(cache, &stamp, STAMP_INTERVAL_S))
		collect(cache, &stamp, progress);
}

void kiln_gc_if_overdue(struct kiln_cache *cache)
{
	static const struct kiln_cache_progress silent = {0};
	const struct stamp stamp = look(cache);

	if (!is_younger(cache, &stamp, OVERDUE_S))
		collect(cache, &stamp, &silent);
}
