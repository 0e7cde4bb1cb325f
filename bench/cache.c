/* What the disk cache costs by itself, without Vulkan: a read with every check against a plain read and one digest of
 * the same bytes; a write without a flush against a plain write to a new file; the note around a load; and opening a
 * filled cache against an empty one. All from a warm page cache. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <kiln/cache.h>
#include <kiln/kiln.h>

#include "common.h"

#define PAYLOAD_BYTES (50u << 10)
#define SMALL_BYTES 1024
#define FILL_ENTRIES 2000
#define NOTES_PER_SAMPLE 1000
#define WARM_UP 50

#define READ_LIMIT 1.5
#define READ_TAIL_LIMIT 4.0
#define WRITE_LIMIT 3.0
#define NOTE_LIMIT_NS 100.0

/* A measured thing, its yardstick, and medians divided. */
struct pair {
	struct bench_series raw, ours, ratio;
};

struct bench {
	char *folder, *raw_file, *raw_new, *root, *empty_root, *full_root;
	struct kiln_cache *cache;
	struct kiln_fingerprint fingerprint;
	struct pair read, add, add_folder, open;
	struct bench_series read_tail, note;
	uint32_t next; /* numbers what is new */
	uint8_t payload[PAYLOAD_BYTES], buffer[PAYLOAD_BYTES];
};

static void try(enum kiln_status status)
{
	if (status != KILN_OK)
		bench_die("%s: %s", kiln_status_name(status), kiln_error_message());
}

static double us_since(uint64_t start)
{
	return (double)(bench_now_ns() - start) / 1e3;
}

static struct kiln_cache *open_cache(const char *root)
{
	struct kiln_cache *cache = NULL;
	try(kiln_cache_open(&(struct kiln_cache_params){.root = root,
	                                                .mode = KILN_CACHE_READ_WRITE,
	                                                .packs = ""},
	                    &cache));
	return cache;
}

/* Program and variant by number; the entries of one program share a folder. */
static struct kiln_pipeline_key make_key(uint32_t program, uint32_t variant)
{
	return (struct kiln_pipeline_key){
		.program = kiln_digest_of(&program, sizeof program),
		.push_bytes = variant,
		.workgroup = {64, 1, 1},
	};
}

static void put(struct bench *bench, struct kiln_cache *cache, const struct kiln_pipeline_key *key,
                size_t bytes)
{
	struct kiln_cache_entry entry = {.payload = bench->payload,
	                                 .payload_bytes = bytes,
	                                 .compile_ns = 1000000};
	try(kiln_cache_write(cache, key, &bench->fingerprint, &entry));
}

static double plain_write(const struct bench *bench, const char *path)
{
	uint64_t start = bench_now_ns();
	int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (file < 0 || write(file, bench->payload, PAYLOAD_BYTES) != PAYLOAD_BYTES || close(file) != 0)
		bench_die("cannot write %s", path);
	return us_since(start);
}

/* ---- Read ---- */

static double read_raw(struct bench *bench, const struct kiln_digest *expect)
{
	uint64_t start = bench_now_ns();
	int file = open(bench->raw_file, O_RDONLY | O_CLOEXEC);
	if (file < 0 || read(file, bench->buffer, PAYLOAD_BYTES) != PAYLOAD_BYTES || close(file) != 0)
		bench_die("cannot read %s", bench->raw_file);
	struct kiln_digest digest = kiln_digest_of(bench->buffer, PAYLOAD_BYTES);
	double us = us_since(start);
	if (!kiln_digest_equal(&digest, expect))
		bench_die("%s has other bytes than were written", bench->raw_file);
	return us;
}

static double read_kiln(struct bench *bench, const struct kiln_pipeline_key *key)
{
	struct kiln_cache_entry entry = {0};
	uint64_t start = bench_now_ns();
	try(kiln_cache_read(bench->cache, key, &bench->fingerprint, &entry));
	kiln_cache_entry_finish(&entry);
	return us_since(start);
}

static void measure_read(struct bench *bench, unsigned rounds)
{
	struct kiln_pipeline_key key = make_key(0, 0);
	struct kiln_digest digest = kiln_digest_of(bench->payload, PAYLOAD_BYTES);
	struct kiln_cache_entry entry = {0};
	put(bench, bench->cache, &key, PAYLOAD_BYTES);
	plain_write(bench, bench->raw_file);
	try(kiln_cache_read(bench->cache, &key, &bench->fingerprint, &entry));
	if (entry.payload_bytes != PAYLOAD_BYTES || memcmp(entry.payload, bench->payload, PAYLOAD_BYTES) != 0)
		bench_die("the cache gave other bytes than were written");
	kiln_cache_entry_finish(&entry);

	for (unsigned round = 0; round < rounds + WARM_UP; round++) {
		double raw = read_raw(bench, &digest);
		double ours = read_kiln(bench, &key);
		if (round < WARM_UP)
			continue;
		bench_add(&bench->read.raw, raw);
		bench_add(&bench->read.ours, ours);
	}
	bench_add(&bench->read_tail,
	          bench_percentile(&bench->read.ours, 99) / bench_median(&bench->read.ours));
}

/* ---- Write: what is new goes away again, so that the disk does not fill ---- */

static double write_raw(struct bench *bench)
{
	double us = plain_write(bench, bench->raw_new);
	unlink(bench->raw_new);
	return us;
}

static double write_kiln(struct bench *bench, uint32_t program)
{
	struct kiln_pipeline_key key = make_key(program, ++bench->next);
	struct kiln_pipeline_identity identity;
	try(kiln_pipeline_identity(&key, &bench->fingerprint, &identity));
	uint64_t start = bench_now_ns();
	put(bench, bench->cache, &key, PAYLOAD_BYTES);
	double us = us_since(start);
	try(kiln_cache_invalidate(bench->cache, &identity, NULL));
	return us;
}

static void measure_write(struct bench *bench, unsigned rounds)
{
	for (unsigned round = 0; round < rounds; round++) {
		bench_add(&bench->add.raw, write_raw(bench));
		bench_add(&bench->add.ours,
		          write_kiln(bench, 0)); /* its folder holds the entry that was read */
		bench_add(&bench->add_folder.raw, write_raw(bench));
		bench_add(&bench->add_folder.ours, write_kiln(bench, bench->next + 1));
	}
}

/* ---- Notes ---- */

static void measure_note(struct bench *bench, unsigned rounds)
{
	struct kiln_pipeline_key key = make_key(0, 0);
	struct kiln_pipeline_identity identity;
	try(kiln_pipeline_identity(&key, &bench->fingerprint, &identity));
	for (unsigned round = 0; round < rounds; round++) {
		uint64_t start = bench_now_ns();
		for (int i = 0; i < NOTES_PER_SAMPLE; i++) {
			struct kiln_cache_note note = kiln_cache_note_begin(bench->cache, &identity);
			if (note.lane == 0)
				bench_die("no note was taken");
			kiln_cache_note_end(bench->cache, note, true);
		}
		bench_add(&bench->note, (double)(bench_now_ns() - start) / NOTES_PER_SAMPLE);
	}
}

/* ---- Open ---- */

static double open_once(const char *root)
{
	uint64_t start = bench_now_ns();
	struct kiln_cache *cache = open_cache(root);
	double us = us_since(start);
	kiln_cache_close(&cache);
	return us;
}

static void measure_open(struct bench *bench, unsigned rounds)
{
	struct kiln_cache *cache = open_cache(bench->full_root);
	for (uint32_t i = 0; i < FILL_ENTRIES; i++) {
		struct kiln_pipeline_key key = make_key(i, 0);
		put(bench, cache, &key, SMALL_BYTES);
	}
	kiln_cache_close(&cache);
	open_once(bench->empty_root); /* makes it */

	for (unsigned round = 0; round < rounds; round++) {
		bench_add(&bench->open.raw, open_once(bench->empty_root));
		bench_add(&bench->open.ours, open_once(bench->full_root));
	}
}

static const struct bench_series *divide(struct pair *pair)
{
	bench_add(&pair->ratio, bench_median(&pair->ours) / bench_median(&pair->raw));
	return &pair->ratio;
}

static void report(struct bench *bench, const struct bench_options *options)
{
	const char *most = "at most";
	const struct bench_result results[] = {
		{"read 50 KiB, every check", "us", &bench->read.raw, &bench->read.ours, 0, NULL},
		{"read: median / raw median", "x", NULL, divide(&bench->read), READ_LIMIT, most},
		{"read: p99 / median", "x", NULL, &bench->read_tail, READ_TAIL_LIMIT, most},
		{"write 50 KiB, known program", "us", &bench->add.raw, &bench->add.ours, 0, NULL},
		{"write: median / raw median", "x", NULL, divide(&bench->add), WRITE_LIMIT, most},
		{"write 50 KiB, new program", "us", &bench->add_folder.raw, &bench->add_folder.ours, 0, NULL},
		{"write, new: median / raw median", "x", NULL, divide(&bench->add_folder), WRITE_LIMIT, most},
		{"note: begin + end", "ns", NULL, &bench->note, NOTE_LIMIT_NS, "median at most"},
		{"open: 2000 entries, raw = empty", "us", &bench->open.raw, &bench->open.ours, 0, NULL},
	};

	bench_print("cache", options, results, sizeof results / sizeof *results);
}

static void finish(struct bench *bench)
{
	struct pair *pairs[] = {&bench->read, &bench->add, &bench->add_folder, &bench->open};
	char *paths[] = {bench->raw_file,   bench->raw_new,   bench->root,
	                 bench->empty_root, bench->full_root, bench->folder};

	kiln_cache_close(&bench->cache);
	bench_remove_folder(bench->folder);
	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
		bench_finish(&pairs[i]->raw);
		bench_finish(&pairs[i]->ours);
		bench_finish(&pairs[i]->ratio);
	}
	bench_finish(&bench->read_tail);
	bench_finish(&bench->note);
	for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
		free(paths[i]);
	free(bench);
}

static struct bench *begin(void)
{
	struct bench *bench = calloc(1, sizeof *bench);
	uint32_t random = 1;
	if (!bench)
		bench_die("out of memory");
	for (size_t i = 0; i < PAYLOAD_BYTES; i++) {
		random = random * 1664525u + 1013904223u;
		bench->payload[i] = (uint8_t)(random >> 24);
	}
	bench->fingerprint = kiln_fingerprint_from_parts(0x1002, 1, "driver 1", "benchmark");
	bench->folder = bench_make_folder();
	bench->raw_file = bench_path(bench->folder, "raw.bin");
	bench->raw_new = bench_path(bench->folder, "new.bin");
	bench->root = bench_path(bench->folder, "kiln");
	bench->empty_root = bench_path(bench->folder, "empty");
	bench->full_root = bench_path(bench->folder, "full");
	bench->cache = open_cache(bench->root);
	return bench;
}

int main(int argc, char **argv)
{
	struct bench_options options =
		bench_parse(argc, argv,
	                    "The disk cache alone: read, write, note and open, against plain files.", 2000);
	unsetenv("KILN_CACHE_SECRET_FILE");
	kiln_log_set(kiln_log_stderr, NULL, 0);
	struct bench *bench = begin();

	measure_read(bench, options.rounds);
	measure_write(bench, options.rounds);
	measure_note(bench, options.rounds);
	measure_open(bench, options.rounds);
	report(bench, &options);

	finish(bench);
	return 0;
}
