/* Removing everything that is ours. */
#include <errno.h>

#include <base/error.h>
#include <cache/care.h>
#include <cache/gone.h>
#include <cache/scan.h>

struct clearing {
	struct kiln_cache *cache;
	struct kiln_cache_clear_report report;
	enum kiln_status status; /* the first failure */
};

static bool remove_file(void *user, const struct kiln_scan_item *item)
{
	struct clearing *clearing = user;
	struct kiln_cache *cache = clearing->cache;

	if (item->kind != KILN_SCAN_ENTRY && item->kind != KILN_SCAN_LITTER &&
	    item->kind != KILN_SCAN_SIDECAR)
		return true;
	if (cache->fs->unlinkat(cache->fs->user, item->dir, item->name, 0) == 0) {
		clearing->report.removed += item->kind == KILN_SCAN_ENTRY;
		clearing->report.removed_bytes += kiln_allocated_bytes(item->facts);
		if (item->shard != NULL)
			kiln_pending_touch(cache, item->shard->kind, item->shard->number);
	} else if (errno != ENOENT) {
		if (clearing->status == KILN_OK)
			clearing->status = kiln_error_errno(errno, "cannot remove '%s/%s/%s'", cache->root,
			                                    item->dir_path, item->name);
		clearing->report.failed++;
	}
	return true;
}

enum kiln_status kiln_refuse_read_only(const struct kiln_cache *cache)
{
	return kiln_error(KILN_ERR_READ_ONLY,
	                  "the cache '%s' is open read-only; nothing was changed. Fix: open it read-write",
	                  cache->root);
}

enum kiln_status kiln_cache_clear(struct kiln_cache *cache, struct kiln_cache_clear_report *out_report)
{
	struct clearing clearing = {.cache = cache};
	enum kiln_status status;

	if (out_report != NULL)
		*out_report = clearing.report;
	if (cache == NULL)
		return KILN_OK;
	if (cache->read_only)
		return kiln_refuse_read_only(cache);
	kiln_later_drain(cache);
	status = kiln_scan(cache, cache->clock->wall_s(cache->clock->user), remove_file, &clearing);
	if (out_report != NULL)
		*out_report = clearing.report;
	if (status == KILN_OK)
		status = clearing.status;
	if (status == KILN_OK && kiln_gone_clear(cache) != 0)
		status =
			kiln_error_errno(errno, "cannot remove what the cache '%s' remembers of gone entries",
		                         cache->root);
	if (status == KILN_OK)
		status = kiln_cache_forgive(cache);
	return status;
}
