/* What the autotune store costs: nothing to a program that looks nothing up, one load of 10 000 records at the first look-up,
 * and then each look-up. From a warm page cache. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <kiln/kiln.h>

#include "common.h"

#define RECORDS 10000
#define BATCH 256 /* look-ups in a sample */
#define SAMPLES_PER_ROUND 40

#define LOAD_LIMIT_MS 120.0
#define IDLE_LIMIT_US 2.0
#define GET_LIMIT_NS 200.0

static const char *const adapters[] = {
	"vulkan-llvmpipe-llvm-15.0.6-256-bits",
	"vulkan-nvidia-h200",
	"vulkan-swiftshader-device-subzero",
};

static void try(enum kiln_status status)
{
	if (status != KILN_OK)
		bench_die("%s: %s", kiln_status_name(status), kiln_error_message());
}

static const char *adapter_of(uint32_t number)
{
	return adapters[number % 3];
}

/* Spread as hashes are. */
static struct kiln_tune_key key_of(uint32_t number)
{
	struct kiln_digest digest = kiln_digest_of(&number, sizeof number);
	struct kiln_tune_key key;
	memcpy(key.bytes, digest.bytes, sizeof key.bytes);
	return key;
}

static struct kiln_store *open_store(const char *path)
{
	struct kiln_store *store = NULL;
	try(kiln_store_open(path, &store));
	return store;
}

static void put(struct kiln_store *store, uint32_t number)
{
	struct kiln_tune_record record = {
		.key = key_of(number),
		.adapter = adapter_of(number),
		.workgroup_size = {64u << number % 4, 1, 1},
		.unroll = 1u << number % 3,
		.tile = {16, 16, 1},
		.driver = "Mesa 22.3.6 (LLVM 15.0.6)",
		.bucket = number % 32 + 1,
		.rounds = 30,
		.ratio_default = 0.8312,
		.status = KILN_TUNE_TUNED,
		.bad = number % 100 == 0 ? "hung 1024x1x1 unroll 8" : NULL,
	};
	try(kiln_store_put(store, &record));
}

struct bench {
	char *folder, *path, *missing;
	struct bench_series load, idle, idle_raw, hit, miss, nearest, save;
};

static double idle_us(const char *path)
{
	uint64_t start = bench_now_ns();
	for (int i = 0; i < 64; i++) {
		struct kiln_store *store = open_store(path);
		kiln_store_close(&store);
	}
	return (double)(bench_now_ns() - start) / 64e3;
}

static void measure_start(struct bench *bench)
{
	bench_add(&bench->idle_raw, idle_us(bench->missing));
	bench_add(&bench->idle, idle_us(bench->path));
	struct kiln_store *store = open_store(bench->path);
	uint64_t start = bench_now_ns();
	try(kiln_store_load(store));
	bench_add(&bench->load, (double)(bench_now_ns() - start) / 1e6);
	if (kiln_store_len(store) < RECORDS)
		bench_die("%zu records were read", kiln_store_len(store));
	kiln_store_close(&store);
}

static double get_ns(struct kiln_store *store, uint32_t from, enum kiln_status expected)
{
	struct kiln_tune_key keys[BATCH];
	struct kiln_tune_record record;
	unsigned right = 0;
	for (uint32_t i = 0; i < BATCH; i++)
		keys[i] = key_of(from + i);
	uint64_t start = bench_now_ns();
	for (uint32_t i = 0; i < BATCH; i++)
		right += kiln_store_get(store, &keys[i], adapter_of(from + i), &record) == expected;
	double ns = (double)(bench_now_ns() - start) / BATCH;
	if (right != BATCH)
		bench_die("%u of %u look-ups were right", right, BATCH);
	return ns;
}

static struct kiln_tune_key absent(void *user, uint32_t bucket)
{
	struct kiln_tune_key key = *(struct kiln_tune_key *)user;
	key.bytes[0] ^= (uint8_t)bucket;
	return key;
}

static void measure_lookups(struct bench *bench, struct kiln_store *store, unsigned round)
{
	struct kiln_tune_key key = key_of(3 * RECORDS);
	struct kiln_tune_record record;
	for (uint32_t i = 0; i < SAMPLES_PER_ROUND; i++) {
		uint32_t from = (round * SAMPLES_PER_ROUND + i) * 977 % (RECORDS - BATCH);
		bench_add(&bench->hit, get_ns(store, from, KILN_OK));
		bench_add(&bench->miss, get_ns(store, from + 2 * RECORDS, KILN_ERR_NOT_FOUND));
	}
	uint64_t start = bench_now_ns();
	if (kiln_store_nearest(store, adapters[0], 20, absent, &key, &record, NULL, NULL) != KILN_ERR_NOT_FOUND)
		bench_die("a record was found that nobody put");
	bench_add(&bench->nearest, (double)(bench_now_ns() - start) / 1e3);
}

static void measure_save(struct bench *bench, struct kiln_store *store, unsigned round)
{
	put(store, RECORDS + round);
	uint64_t start = bench_now_ns();
	try(kiln_store_save_if_dirty(store, NULL));
	bench_add(&bench->save, (double)(bench_now_ns() - start) / 1e6);
}

int main(int argc, char **argv)
{
	struct bench_options options = bench_parse(argc, argv, "The autotune store with 10 000 records.", 20);
	struct bench bench = {.folder = bench_make_folder()};
	bench.path = bench_path(bench.folder, "autotune.toml");
	bench.missing = bench_path(bench.folder, "missing.toml");
	struct kiln_store *store = open_store(bench.path);
	for (uint32_t i = 0; i < RECORDS; i++)
		put(store, i);
	try(kiln_store_save_if_dirty(store, NULL));
	for (unsigned round = 0; round < options.rounds; round++) {
		measure_start(&bench);
		measure_lookups(&bench, store, round);
		if (round % 5 == 0)
			measure_save(&bench, store, round);
	}
	struct bench_result results[] = {
		{"load of 10 000 records", "ms", NULL, &bench.load, LOAD_LIMIT_MS, "median"},
		{"open and close, nothing looked up", "us", &bench.idle_raw, &bench.idle, IDLE_LIMIT_US,
	         "median - raw median"},
		{"look-up, found", "ns", NULL, &bench.hit, GET_LIMIT_NS, "median"},
		{"look-up, not there", "ns", NULL, &bench.miss, GET_LIMIT_NS, "median"},
		{"nearest bucket, none in 97", "us", NULL, &bench.nearest, 0, NULL},
		{"save of one record among them", "ms", NULL, &bench.save, 0, NULL},
	};
	bench_print("store", &options, results, sizeof results / sizeof *results);
	kiln_store_close(&store);
	bench_remove_folder(bench.folder);
	free(bench.missing);
	free(bench.path);
	free(bench.folder);
	struct bench_series *series[] = {&bench.load, &bench.idle, &bench.idle_raw, &bench.hit,
	                                 &bench.miss, &bench.nearest, &bench.save};
	for (size_t i = 0; i < sizeof series / sizeof *series; i++)
		bench_finish(series[i]);
	return 0;
}
