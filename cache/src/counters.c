#include <cache/store.h>

struct kiln_cache_counters kiln_cache_counters(const struct kiln_cache *cache)
{
	struct kiln_cache_counters counters = {0};

	if (cache == NULL)
		return counters;
	counters.reads = atomic_load_explicit(&cache->counts.reads, memory_order_relaxed);
	counters.found = atomic_load_explicit(&cache->counts.found, memory_order_relaxed);
	counters.not_found = atomic_load_explicit(&cache->counts.not_found, memory_order_relaxed);
	counters.damaged = atomic_load_explicit(&cache->counts.damaged, memory_order_relaxed);
	counters.other_version = atomic_load_explicit(&cache->counts.other_version, memory_order_relaxed);
	counters.too_large = atomic_load_explicit(&cache->counts.too_large, memory_order_relaxed);
	counters.read_errors = atomic_load_explicit(&cache->counts.read_errors, memory_order_relaxed);
	counters.writes = atomic_load_explicit(&cache->counts.writes, memory_order_relaxed);
	counters.write_errors = atomic_load_explicit(&cache->counts.write_errors, memory_order_relaxed);
	counters.write_skips = atomic_load_explicit(&cache->counts.write_skips, memory_order_relaxed);
	counters.no_space = atomic_load_explicit(&cache->counts.no_space, memory_order_relaxed);
	counters.writes_later = atomic_load_explicit(&cache->counts.writes_later, memory_order_relaxed);
	counters.later_drops = atomic_load_explicit(&cache->counts.later_drops, memory_order_relaxed);
	counters.layer_found = atomic_load_explicit(&cache->counts.layer_found, memory_order_relaxed);
	counters.flushes = atomic_load_explicit(&cache->counts.flushes, memory_order_relaxed);
	counters.set_aside = atomic_load_explicit(&cache->counts.set_aside, memory_order_relaxed);
	counters.lease_waits = atomic_load_explicit(&cache->counts.lease_waits, memory_order_relaxed);
	counters.lease_timeouts = atomic_load_explicit(&cache->counts.lease_timeouts, memory_order_relaxed);
	counters.flush_errors = atomic_load_explicit(&cache->counts.flush_errors, memory_order_relaxed);
	return counters;
}
