/* What the disk cache costs by itself, without Vulkan: a read with every check against a plain read and one digest of
 * the same bytes; a write without a flush against a plain write to a new file; and the note around a load. From a warm
 * page cache. What a large cache costs: cache_many.c. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cache_parts.h"

#define PAYLOAD_BYTES (50u << 10)
#define NOTES_PER_SAMPLE 1000
#define WARM_UP 50

#define READ_LIMIT 1.5
#define READ_TAIL_LIMIT 4.0
#define WRITE_LIMIT 3.0
#define NOTE_LIMIT_NS 100.0

struct bench {
	char *folder, *raw_file, *raw_new, *root;
	struct kiln_cache *cache;
	struct kiln_fingerprint fingerprint;
	struct pair read, add, add_folder;
	struct bench_series read_tail, note;
	uint32_t next; /* numbers what is new */
	uint8_t payload[PAYLOAD_BYTES], buffer[PAYLOAD_BYTES];
};

static double plain_write(const struct bench *bench, const char *path)
{
	uint64_t start = bench_now_ns();
	int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (file < 0 || write(file, bench->payload, PAYLOAD_BYTES) != PAYLOAD_BYTES || close(file) != 0)
		bench_die("cannot write %s", path);
	return parts_us_since(start);
}

/* ---- Read ---- */

static double read_raw(struct bench *bench, const struct kiln_digest *expect)
{
	uint64_t start = bench_now_ns();
	int file = open(bench->raw_file, O_RDONLY | O_CLOEXEC);
	if (file < 0 || read(file, bench->buffer, PAYLOAD_BYTES) != PAYLOAD_BYTES || close(file) != 0)
		bench_die("cannot read %s", bench->raw_file);
	struct kiln_digest digest = kiln_digest_of(bench->buffer, PAYLOAD_BYTES);
	double us = parts_us_since(start);
	if (!kiln_digest_equal(&digest, expect))
		bench_die("%s has other bytes than were written", bench->raw_file);
	return us;
}

static double read_kiln(struct bench *bench, const struct kiln_pipeline_key *key)
{
	struct kiln_cache_entry entry = {0};
	uint64_t start = bench_now_ns();
	parts_try(kiln_cache_read(bench->cache, key, &bench->fingerprint, &entry));
	kiln_cache_entry_finish(&entry);
	return parts_us_since(start);
}

static void measure_read(struct bench *bench, unsigned rounds)
{
	struct kiln_pipeline_key key = parts_key(0, 0);
	struct kiln_digest digest = kiln_digest_of(bench->payload, PAYLOAD_BYTES);
	struct kiln_cache_entry entry = {0};
	parts_put(bench->cache, &key, bench->payload, PAYLOAD_BYTES);
	plain_write(bench, bench->raw_file);
	parts_try(kiln_cache_read(bench->cache, &key, &bench->fingerprint, &entry));
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
	struct kiln_pipeline_key key = parts_key(program, ++bench->next);
	struct kiln_pipeline_identity identity = parts_identity(program, bench->next);
	uint64_t start = bench_now_ns();
	parts_put(bench->cache, &key, bench->payload, PAYLOAD_BYTES);
	double us = parts_us_since(start);
	parts_try(kiln_cache_invalidate(bench->cache, &identity, NULL));
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
	struct kiln_pipeline_identity identity = parts_identity(0, 0);
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

static void report(struct bench *bench, const struct bench_options *options)
{
	const char *most = "at most";
	const struct bench_result results[] = {
		{"read 50 KiB, every check", "us", &bench->read.raw, &bench->read.ours, 0, NULL},
		{"read: median / raw median", "x", NULL, pair_divide(&bench->read), READ_LIMIT, most},
		{"read: p99 / median", "x", NULL, &bench->read_tail, READ_TAIL_LIMIT, most},
		{"write 50 KiB, known program", "us", &bench->add.raw, &bench->add.ours, 0, NULL},
		{"write: median / raw median", "x", NULL, pair_divide(&bench->add), WRITE_LIMIT, most},
		{"write 50 KiB, new program", "us", &bench->add_folder.raw, &bench->add_folder.ours, 0, NULL},
		{"write, new: median / raw median", "x", NULL, pair_divide(&bench->add_folder), WRITE_LIMIT,
	         most},
		{"note: begin + end", "ns", NULL, &bench->note, NOTE_LIMIT_NS, "median at most"},
	};

	bench_print("cache", options, results, sizeof results / sizeof *results);
}

static void finish(struct bench *bench)
{
	struct pair *pairs[] = {&bench->read, &bench->add, &bench->add_folder};
	char *paths[] = {bench->raw_file, bench->raw_new, bench->root, bench->folder};

	kiln_cache_close(&bench->cache);
	bench_remove_folder(bench->folder);
	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
		pair_finish(pairs[i]);
	bench_finish(&bench->read_tail);
	bench_finish(&bench->note);
	for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
		free(paths[i]);
	free(bench);
}

static struct bench *begin(void)
{
	struct bench *bench = calloc(1, sizeof *bench);
	if (!bench)
		bench_die("out of memory");
	parts_fill(bench->payload, PAYLOAD_BYTES);
	bench->fingerprint = parts_device();
	bench->folder = bench_make_folder();
	bench->raw_file = bench_path(bench->folder, "raw.bin");
	bench->raw_new = bench_path(bench->folder, "new.bin");
	bench->root = bench_path(bench->folder, "kiln");
	bench->cache = parts_open(bench->root);
	return bench;
}

int main(int argc, char **argv)
{
	struct bench_options options =
		bench_parse(argc, argv, "The disk cache alone: read, write and note, against plain files.",
	                    2000);
	unsetenv("KILN_CACHE_SECRET");
	unsetenv("KILN_CACHE_SECRET_FILE");
	kiln_log_set(kiln_log_stderr, NULL, 0);
	struct bench *bench = begin();

	measure_read(bench, options.rounds);
	measure_write(bench, options.rounds);
	measure_note(bench, options.rounds);
	report(bench, &options);

	finish(bench);
	return 0;
}
