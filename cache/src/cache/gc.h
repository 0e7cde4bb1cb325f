/* Collection from inside. */
#ifndef CACHE_GC_H
#define CACHE_GC_H

#include <cache/store.h>

/* Room somebody needs now. */
struct kiln_gc_demand {
	const struct kiln_place *spare; /* its writer's place: never chosen. NULL = no demand */
	uint64_t bytes;                 /* to free at least; an eighth of the cache if that is more */
};

/* kiln_cache_gc() without its checks; the background writer may call it. `demand` and `out_report` may be
 * NULL. */
enum kiln_status kiln_gc_collect(struct kiln_cache *cache, const struct kiln_cache_gc_params *params,
                                 const struct kiln_gc_demand *demand,
                                 struct kiln_cache_gc_report *out_report);

/* Frees at least twice `wanted` bytes, if there is so much, and an eighth of the cache; `place` stays, as
 * its writer may yet fail. At most once in ten seconds for one cache, since a full disk fails every write.
 * Returns whether anything was freed. */
bool kiln_gc_make_room(struct kiln_cache *cache, const struct kiln_place *place, uint64_t wanted);

/* Collects with the default budget when this cache has written a sixteenth of it since it last did, or when
 * nobody has collected this folder for a day. What stops it is nobody's business; cancelled, it stays due. */
void kiln_gc_if_due(struct kiln_cache *cache, const struct kiln_cache_progress *progress);
/* For a process that ends: only when nobody has for three days, as where all processes are short. */
void kiln_gc_if_overdue(struct kiln_cache *cache);

#endif
