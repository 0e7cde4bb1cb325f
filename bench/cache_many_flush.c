/* A flush against syncing each entry by itself. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cache_many.h"

#define FLUSHED 200u
#define FLUSHED_BYTES 4096
#define FLUSH_ROUNDS 20u

static uint8_t payload[FLUSHED_BYTES];

static void sync_and_close(int file)
{
	if (file < 0 || fsync(file) != 0 || close(file) != 0)
		bench_die("cannot sync");
}

/* What a cache without a pending list would do: the new file, then its folder. Only the syncs are timed. */
static double sync_one(const char *root, uint32_t program)
{
	struct kiln_pipeline_identity identity = parts_identity(program, 0);
	char folder[4000], path[4096];
	snprintf(folder, sizeof folder, "%s/%02x", root, identity.program.bytes[0]);
	snprintf(path, sizeof path, "%s/%u", folder, program);
	mkdir(folder, 0700);
	int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (file < 0 || write(file, payload, FLUSHED_BYTES) != FLUSHED_BYTES)
		bench_die("cannot write %s", path);
	uint64_t start = bench_now_ns();
	sync_and_close(file);
	sync_and_close(open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	return parts_us_since(start);
}

static double flush_raw(const char *folder)
{
	char *root = bench_path(folder, "raw");
	double us = 0;
	if (mkdir(root, 0700) != 0)
		bench_die("cannot make %s", root);
	for (uint32_t i = 0; i < FLUSHED; i++)
		us += sync_one(root, i);
	bench_remove_folder(root);
	free(root);
	return us;
}

static double flush_kiln(const char *folder)
{
	char *root = bench_path(folder, "flushed");
	struct kiln_cache *cache = parts_open(root);
	for (uint32_t i = 0; i < FLUSHED; i++) {
		struct kiln_pipeline_key key = parts_key(i, 0);
		parts_put(cache, &key, payload, FLUSHED_BYTES);
	}
	uint64_t start = bench_now_ns();
	parts_try(kiln_cache_flush(cache));
	double us = parts_us_since(start);
	kiln_cache_close(&cache);
	bench_remove_folder(root);
	free(root);
	return us;
}

void many_flush(const char *folder, unsigned rounds, struct pair *out_flush)
{
	parts_fill(payload, sizeof payload);
	sync(); /* what earlier measurements left */
	for (unsigned round = 0; round < rounds && round < FLUSH_ROUNDS; round++) {
		bench_add(&out_flush->raw, flush_raw(folder) / 1e3);
		bench_add(&out_flush->ours, flush_kiln(folder) / 1e3);
	}
}
