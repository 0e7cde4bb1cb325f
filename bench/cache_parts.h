/* What the benchmarks of the disk cache share: a cache, and entries by number. */
#ifndef BENCH_CACHE_PARTS_H
#define BENCH_CACHE_PARTS_H

#include <stddef.h>
#include <stdint.h>

#include <kiln/cache.h>
#include <kiln/kiln.h>

#include "common.h"

/* A measured thing, its yardstick, and medians divided. */
struct pair {
	struct bench_series raw, ours, ratio;
};

/* Fills `ratio` with ours / raw. */
const struct bench_series *pair_divide(struct pair *pair);
void pair_finish(struct pair *pair);

/* Exits with Kiln's sentence on anything but KILN_OK. */
void parts_try(enum kiln_status status);
double parts_us_since(uint64_t start_ns);

/* For writing, without layers. */
struct kiln_cache *parts_open(const char *root);
/* Program and variant by number; the entries of one program share a folder. */
struct kiln_pipeline_key parts_key(uint32_t program, uint32_t variant);
struct kiln_pipeline_identity parts_identity(uint32_t program, uint32_t variant);
struct kiln_fingerprint parts_device(void);
void parts_put(struct kiln_cache *cache, const struct kiln_pipeline_key *key, const void *payload,
               size_t bytes);
/* Of `bytes` that do not compress. */
void parts_fill(uint8_t *out_payload, size_t bytes);

#endif
