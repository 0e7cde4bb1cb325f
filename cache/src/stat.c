/* What lies in the cache, from names and heads. */
#include <string.h>

#include <base/error.h>
#include <cache/care.h>
#include <cache/layers.h>
#include <cache/scan.h>

struct census {
	const struct kiln_cache *cache;
	struct kiln_cache_stat stat;
};

static void count_head(struct census *census, const struct kiln_scan_item *item)
{
	struct kiln_cache_stat *stat = &census->stat;
	struct kiln_entry_head head;

	if (!kiln_head_read(census->cache, item->dir, item->name, &head)) {
		stat->unreadable++;
		return;
	}
	stat->other_versions += !head.known_version;
	stat->stubs += item->shard->kind == KILN_KIND_PIPELINE && (head.flags & KILN_ENTRY_STUB) != 0;
	/* Unverified: a damaged head must not make the sum turn over. */
	if (stat->compile_ns + head.compile_ns >= stat->compile_ns)
		stat->compile_ns += head.compile_ns;
	else
		stat->compile_ns = UINT64_MAX;
}

static void count_entry(struct census *census, const struct kiln_scan_item *item)
{
	struct kiln_cache_stat *stat = &census->stat;
	int64_t used_s = (int64_t)item->facts->st_mtime;
	bool first = stat->pipelines + stat->contents == 0;

	if (item->shard->kind == KILN_KIND_CONTENT) {
		stat->contents++;
		stat->content_bytes += kiln_allocated_bytes(item->facts);
	} else {
		stat->pipelines++;
		stat->pipeline_bytes += kiln_allocated_bytes(item->facts);
	}
	if (first || used_s < stat->oldest_use_s)
		stat->oldest_use_s = used_s;
	if (first || used_s > stat->newest_use_s)
		stat->newest_use_s = used_s;
	count_head(census, item);
}

static bool count(void *user, const struct kiln_scan_item *item)
{
	struct census *census = user;

	switch (item->kind) {
	case KILN_SCAN_ENTRY:
		count_entry(census, item);
		break;
	case KILN_SCAN_LITTER:
		census->stat.litter++;
		census->stat.litter_bytes += kiln_allocated_bytes(item->facts);
		break;
	case KILN_SCAN_FOREIGN:
		census->stat.foreign++;
		break;
	default:
		break;
	}
	return true;
}

enum kiln_status kiln_cache_stat(struct kiln_cache *cache, struct kiln_cache_stat *out_stat)
{
	struct census census = {.cache = cache, .stat = {.max_bytes = kiln_gc_budget()}};

	KILN_CHECK(out_stat != NULL, "kiln_cache_stat has nowhere to put its numbers. Fix: pass out_stat");
	if (cache != NULL) {
		kiln_later_drain(cache);
		KILN_TRY(kiln_scan(cache, cache->clock->wall_s(cache->clock->user), count, &census));
		kiln_layers_count(cache, &census.stat);
	}
	*out_stat = census.stat;
	return KILN_OK;
}
