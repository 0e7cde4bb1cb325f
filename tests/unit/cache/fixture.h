/* What the cache tests share: sample keys, devices and entries, and a cache in a folder of its own. */
#ifndef TESTS_CACHE_FIXTURE_H
#define TESTS_CACHE_FIXTURE_H

#include <kiln/cache.h>

#include <cache/store.h>

#include "temp_dir.h"

/* A key with every field set; programs and workgroups by number. */
struct kiln_pipeline_key sample_key(unsigned program, unsigned workgroup);
struct kiln_fingerprint sample_device(unsigned number);
struct kiln_pipeline_identity sample_identity(unsigned program, unsigned workgroup, unsigned device);
struct kiln_cache_entry sample_entry(const void *payload, size_t bytes);

struct cache_fixture {
	struct temp_dir dir;
	char root[300]; /* dir/pipelines, made by the cache */
	struct kiln_cache *cache;
};

/* cmocka setup and teardown: *state is a struct cache_fixture with an open read-write cache. */
int cache_setup(void **state);
int cache_teardown(void **state);

/* Another cache object on the same root. */
struct kiln_cache *open_again(const struct cache_fixture *fixture, enum kiln_cache_mode mode,
                              uint64_t max_entry_bytes);
struct kiln_cache *open_on(const struct cache_fixture *fixture, const struct kiln_fs *fs);

enum kiln_status write_text(struct kiln_cache *cache, unsigned program, unsigned workgroup, unsigned device,
                            const char *text);
/* The status of a read; with KILN_OK the payload must be `text`. */
enum kiln_status read_text(struct kiln_cache *cache, unsigned program, unsigned workgroup, unsigned device,
                           const char *text);

/* Where an entry lies. */
struct path {
	char text[512];
};
struct path path_of(const struct cache_fixture *fixture, unsigned program, unsigned workgroup,
                    unsigned device);
int file_exists(const char *path);
/* Whole files, with plain libc. */
size_t load_file(const char *path, uint8_t *out_data, size_t capacity);
void save_file(const char *path, const void *data, size_t bytes);
/* Files below a folder whose names start with ".tmp". */
unsigned count_temp_files(const char *folder);

#endif
