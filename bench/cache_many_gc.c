/* Collection of a large cache, in a process of its own, so that its memory can be told from ours. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cache_many.h"

#define GC_ROUNDS 5u
#define FOLDERS 256u

static void collect_here(const char *root, uint64_t max_bytes, int answer)
{
	const struct kiln_cache_gc_params params = {.max_bytes = max_bytes};
	struct kiln_cache *cache = parts_open(root);
	struct kiln_cache_gc_report report;
	uint64_t start = bench_now_ns();
	parts_try(kiln_cache_gc(cache, &params, &report));
	double values[2] = {parts_us_since(start) / 1e6, (double)report.bytes};
	if (write(answer, values, sizeof values) != sizeof values)
		bench_die("cannot report");
	_exit(0);
}

/* Returns the bytes that were found. */
static double collect(const char *root, uint64_t max_bytes, struct bench_series *seconds,
                      struct bench_series *mib)
{
	double values[2];
	int ends[2], status;
	struct rusage usage;
	if (pipe(ends) != 0)
		bench_die("no pipe");
	fflush(stdout);
	pid_t child = fork();
	if (child == 0)
		collect_here(root, max_bytes, ends[1]);
	close(ends[1]);
	if (child < 0 || read(ends[0], values, sizeof values) != sizeof values ||
	    wait4(child, &status, 0, &usage) != child || status != 0)
		bench_die("the collecting process failed");
	close(ends[0]);
	bench_add(seconds, values[0]);
	bench_add(mib, (double)usage.ru_maxrss / 1024);
	return values[1];
}

/* ---- The yardstick: as many small files in as many folders ---- */

static void plain_path(const char *folder, unsigned number, unsigned count, char *out_path, size_t bytes)
{
	unsigned at = (unsigned)((uint64_t)number * FOLDERS / count);
	snprintf(out_path, bytes, "%s/plain/%02x/%090u", folder, at, number);
}

static void make_plain(const char *folder, unsigned count)
{
	static const char content[512] = "content";
	char path[4096];
	snprintf(path, sizeof path, "%s/plain", folder);
	mkdir(path, 0700);
	for (unsigned i = 0; i < FOLDERS; i++) {
		snprintf(path, sizeof path, "%s/plain/%02x", folder, i);
		mkdir(path, 0700);
	}
	for (unsigned i = 0; i < count; i++) {
		plain_path(folder, i, count, path, sizeof path);
		int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		if (file < 0 || write(file, content, sizeof content) != sizeof content || close(file) != 0)
			bench_die("cannot write %s", path);
	}
}

static double remove_plain(const char *folder, unsigned count)
{
	char path[4096];
	uint64_t start = bench_now_ns();
	for (unsigned i = 0; i < count; i++) {
		plain_path(folder, i, count, path, sizeof path);
		if (unlink(path) != 0)
			bench_die("cannot remove %s", path);
	}
	return parts_us_since(start) / 1e6;
}

void many_gc(const char *folder, const char *root, unsigned entries, unsigned rounds, struct many_gc *out_gc)
{
	double bytes = 0;
	for (unsigned round = 0; round < rounds && round < GC_ROUNDS; round++)
		bytes = collect(root, UINT64_MAX, &out_gc->look, &out_gc->look_mib);
	make_plain(folder, entries / 2);
	sync();
	bench_add(&out_gc->half.raw, remove_plain(folder, entries / 2));
	sync();
	collect(root, (uint64_t)bytes / 2, &out_gc->half.ours, &out_gc->half_mib);
}

void many_gc_finish(struct many_gc *gc)
{
	bench_finish(&gc->look);
	bench_finish(&gc->look_mib);
	pair_finish(&gc->half);
	bench_finish(&gc->half_mib);
}
