/* What a large cache costs: opening it against an empty one, the evidence of a miss against listing the same folder,
 * collecting it; and a flush against syncing each entry by itself. From a warm page cache. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache_many.h"

#define ENTRIES 100000u
#define ENTRIES_MAX 10000000u
#define SMALL_BYTES 64
#define UNKNOWN (1u << 30) /* programs from here on have no entry */

#define EVIDENCE_LIMIT_US 200.0
#define GC_LIMIT_S 3.0
#define GC_LIMIT_MIB 64.0
#define FLUSH_LIMIT 5.0

static unsigned entries = ENTRIES;

struct bench {
	char *folder, *empty_root, *full_root;
	struct kiln_cache *cache; /* the full one */
	struct pair open, known, unknown, flush;
	struct many_gc gc;
	struct bench_series gain;
	uint8_t payload[SMALL_BYTES];
};

static struct bench *begin(void)
{
	struct bench *bench = calloc(1, sizeof *bench);
	if (!bench)
		bench_die("out of memory");
	parts_fill(bench->payload, sizeof bench->payload);
	bench->folder = bench_make_folder();
	bench->empty_root = bench_path(bench->folder, "empty");
	bench->full_root = bench_path(bench->folder, "full");
	bench->cache = parts_open(bench->full_root);
	for (uint32_t i = 0; i < entries; i++) {
		struct kiln_pipeline_key key = parts_key(i, 0);
		parts_put(bench->cache, &key, bench->payload, SMALL_BYTES);
	}
	/* Or the kernel's own writing back is measured with whatever comes next. */
	parts_try(kiln_cache_flush(bench->cache));
	return bench;
}

/* ---- Open ---- */

static double open_once(const char *root)
{
	uint64_t start = bench_now_ns();
	struct kiln_cache *cache = parts_open(root);
	double us = parts_us_since(start);
	kiln_cache_close(&cache);
	return us;
}

static void measure_open(struct bench *bench, unsigned rounds)
{
	open_once(bench->empty_root); /* makes it */
	for (unsigned round = 0; round < rounds; round++) {
		bench_add(&bench->open.raw, open_once(bench->empty_root));
		bench_add(&bench->open.ours, open_once(bench->full_root));
	}
}

/* ---- Evidence ---- */

static double list_folder(const struct bench *bench, const struct kiln_pipeline_identity *identity)
{
	char path[4096];
	snprintf(path, sizeof path, "%s/v1/%02x", bench->full_root, identity->program.bytes[0]);
	uint64_t start = bench_now_ns();
	DIR *stream = opendir(path);
	while (stream && readdir(stream))
		;
	if (stream)
		closedir(stream);
	return parts_us_since(start);
}

static double ask(const struct bench *bench, const struct kiln_pipeline_identity *identity, uint64_t programs)
{
	struct kiln_cache_evidence evidence;
	uint64_t start = bench_now_ns();
	parts_try(kiln_cache_evidence(bench->cache, identity, &evidence));
	double us = parts_us_since(start);
	if (evidence.same_program != programs || evidence.total_entries == 0)
		bench_die("wrong evidence");
	return us;
}

/* Every round asks about another program, so in another folder; who goes first takes turns. */
static void evidence_round(const struct bench *bench, struct pair *pair, uint32_t program, uint64_t programs)
{
	struct kiln_pipeline_identity identity = parts_identity(program, 1);
	if (program % 2 == 0)
		bench_add(&pair->raw, list_folder(bench, &identity));
	bench_add(&pair->ours, ask(bench, &identity, programs));
	if (program % 2 != 0)
		bench_add(&pair->raw, list_folder(bench, &identity));
}

static void measure_evidence(struct bench *bench, unsigned rounds)
{
	for (unsigned round = 0; round < rounds; round++) {
		evidence_round(bench, &bench->known, round % entries, 1);
		evidence_round(bench, &bench->unknown, UNKNOWN + round, 0);
	}
}

static void report(struct bench *bench, const struct bench_options *options)
{
	const char *most = "at most", *median = "median at most";
	const struct bench_result results[] = {
		{"open, raw = an empty cache", "us", &bench->open.raw, &bench->open.ours, 0, NULL},
		{"evidence, known, raw = listing", "us", &bench->known.raw, &bench->known.ours,
	         EVIDENCE_LIMIT_US, median},
		{"evidence, unknown, raw = listing", "us", &bench->unknown.raw, &bench->unknown.ours,
	         EVIDENCE_LIMIT_US, median},
		{"flush of 200, raw = one by one", "ms", &bench->flush.raw, &bench->flush.ours, 0, NULL},
		{"flush: raw median / median", "x", NULL, &bench->gain, FLUSH_LIMIT,
	         "where a sync costs, at least"},
		{"gc within its budget", "s", NULL, &bench->gc.look, GC_LIMIT_S, most},
		{"  peak memory of its process", "MiB", NULL, &bench->gc.look_mib, GC_LIMIT_MIB, most},
		{"gc down to a half, raw = unlinks", "s", &bench->gc.half.raw, &bench->gc.half.ours,
	         GC_LIMIT_S, most},
		{"  peak memory of its process", "MiB", NULL, &bench->gc.half_mib, GC_LIMIT_MIB, most},
	};

	bench_print("cache_many", options, results, sizeof results / sizeof *results);
}

static void finish(struct bench *bench)
{
	struct pair *pairs[] = {&bench->open, &bench->known, &bench->unknown, &bench->flush};

	kiln_cache_close(&bench->cache);
	bench_remove_folder(bench->folder);
	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
		pair_finish(pairs[i]);
	many_gc_finish(&bench->gc);
	bench_finish(&bench->gain);
	free(bench->empty_root);
	free(bench->full_root);
	free(bench->folder);
	free(bench);
}

/* "--entries N" before what all benchmarks know. */
static void take_entries(int *argc, char ***argv)
{
	if (*argc < 3 || strcmp((*argv)[1], "--entries") != 0)
		return;
	entries = (unsigned)strtoul((*argv)[2], NULL, 10);
	if (entries < 2 || entries > ENTRIES_MAX)
		bench_die("--entries takes 2 to %u", ENTRIES_MAX);
	(*argv)[2] = (*argv)[0];
	*argc -= 2;
	*argv += 2;
}

int main(int argc, char **argv)
{
	take_entries(&argc, &argv);
	struct bench_options options =
		bench_parse(argc, argv,
	                    "A large disk cache: open, evidence, flush and collection.\n"
	                    "--entries N (default 100000) may come before the other options.",
	                    2000);
	unsetenv("KILN_CACHE_SECRET");
	unsetenv("KILN_CACHE_SECRET_FILE");
	kiln_log_set(kiln_log_stderr, NULL, 0);
	struct bench *bench = begin();

	measure_open(bench, options.rounds);
	measure_evidence(bench, options.rounds);
	many_flush(bench->folder, options.rounds, &bench->flush);
	bench_add(&bench->gain, bench_median(&bench->flush.raw) / bench_median(&bench->flush.ours));
	many_gc(bench->folder, bench->full_root, entries, options.rounds, &bench->gc);
	report(bench, &options);

	finish(bench);
	return 0;
}
