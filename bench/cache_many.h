/* The parts of cache_many.c. */
#ifndef BENCH_CACHE_MANY_H
#define BENCH_CACHE_MANY_H

#include "cache_parts.h"

/* A flush of 200 entries, in ms; raw syncs each by itself. In folders of its own below `folder`. */
void many_flush(const char *folder, unsigned rounds, struct pair *out_flush);

/* Seconds, and the peak memory of the collecting process. */
struct many_gc {
	struct bench_series look, look_mib; /* nothing has to go */
	struct pair half;                   /* half of it goes; raw only unlinks as many plain files */
	struct bench_series half_mib;
};

/* Collects the cache at `root`, which holds `entries` small ones. */
void many_gc(const char *folder, const char *root, unsigned entries, unsigned rounds, struct many_gc *out_gc);
void many_gc_finish(struct many_gc *gc);

#endif
