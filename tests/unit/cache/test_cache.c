/* The cache as its users see it: what is written is found, what is wrong is dropped, what is not ours
 * stays. */
#include <kiln/cache.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <kiln/log.h>

#include "fixture.h"
#include "test.h"

#define COUNTS(cache) kiln_cache_counters(cache)

/* ---- Round trips ---- */

static void written_entry_is_found_by_another_cache(void **state)
{
	struct cache_fixture *fixture = *state;
	struct kiln_pipeline_key key = sample_key(1, 64);
	struct kiln_fingerprint device = sample_device(1);
	struct kiln_cache *other = open_again(fixture, KILN_CACHE_READ_ONLY, 0);
	struct kiln_cache_entry entry;

	assert_status(write_text(fixture->cache, 1, 64, 1, "code"), KILN_OK);
	assert_status(kiln_cache_read(other, &key, &device, &entry), KILN_OK);
	assert_int_equal(entry.payload_bytes, 4);
	assert_memory_equal(entry.payload, "code", 4);
	assert_int_equal(entry.flags, KILN_ENTRY_STUB);
	assert_int_equal(entry.compile_ns, 59000000);
	assert_int_equal(entry.created_s, 1777680000);
	assert_string_equal(entry.kiln_version, KILN_VERSION);
	kiln_cache_entry_finish(&entry);
	assert_null(entry.memory);
	kiln_cache_close(&other);
	assert_null(other);
}

static void each_identity_has_its_own_entry(void **state)
{
	struct cache_fixture *fixture = *state;

	assert_status(write_text(fixture->cache, 1, 64, 1, "a"), KILN_OK);
	assert_status(write_text(fixture->cache, 2, 64, 1, "b"), KILN_OK);
	assert_status(write_text(fixture->cache, 1, 65, 1, "c"), KILN_OK);
	assert_status(write_text(fixture->cache, 1, 64, 2, "d"), KILN_OK);
	assert_status(read_text(fixture->cache, 1, 64, 1, "a"), KILN_OK);
	assert_status(read_text(fixture->cache, 2, 64, 1, "b"), KILN_OK);
	assert_status(read_text(fixture->cache, 1, 65, 1, "c"), KILN_OK);
	assert_status(read_text(fixture->cache, 1, 64, 2, "d"), KILN_OK);
	assert_status(read_text(fixture->cache, 2, 64, 2, ""), KILN_ERR_NOT_FOUND);
	assert_int_equal(COUNTS(fixture->cache).found, 4);
	assert_int_equal(COUNTS(fixture->cache).not_found, 1);
	assert_int_equal(COUNTS(fixture->cache).reads, 5);
	assert_int_equal(COUNTS(fixture->cache).writes, 4);
}

static void later_write_replaces_an_earlier_one(void **state)
{
	struct cache_fixture *fixture = *state;

	assert_status(write_text(fixture->cache, 1, 64, 1, "first"), KILN_OK);
	assert_status(write_text(fixture->cache, 1, 64, 1, "second, longer"), KILN_OK);
	assert_status(read_text(fixture->cache, 1, 64, 1, "second, longer"), KILN_OK);
	assert_int_equal(count_temp_files(fixture->root), 0);
}

static void creation_time_defaults_to_now(void **state)
{
	struct cache_fixture *fixture = *state;
	struct kiln_pipeline_key key = sample_key(1, 64);
	struct kiln_fingerprint device = sample_device(1);
	struct kiln_cache_entry entry = {.payload = "x", .payload_bytes = 1, .kiln_version = "liar"};
	int64_t now = kiln_clock_system.wall_s(kiln_clock_system.user);

	assert_status(kiln_cache_write(fixture->cache, &key, &device, &entry), KILN_OK);
	assert_status(kiln_cache_read(fixture->cache, &key, &device, &entry), KILN_OK);
	assert_in_range(entry.created_s, now, now + 5);
	assert_string_equal(entry.kiln_version, KILN_VERSION);
	kiln_cache_entry_finish(&entry);
}

static void content_has_entries_of_its_own(void **state)
{
	struct cache_fixture *fixture = *state;
	struct kiln_digest key = kiln_digest_of("glsl", 4), other = kiln_digest_of("hlsl", 4);
	struct kiln_cache_entry entry = sample_entry("spirv", 5);
	char path[512];

	assert_status(kiln_cache_content_write(fixture->cache, &key, &entry), KILN_OK);
	assert_status(kiln_cache_content_read(fixture->cache, &key, &entry), KILN_OK);
	assert_memory_equal(entry.payload, "spirv", 5);
	kiln_cache_entry_finish(&entry);
	assert_status(kiln_cache_content_read(fixture->cache, &other, &entry), KILN_ERR_NOT_FOUND);
	kiln_cache_content_path_for(fixture->root, &key, path, sizeof path);
	assert_true(file_exists(path));
}

static void refused_keys_are_refused_by_reads_and_writes(void **state)
{
	struct cache_fixture *fixture = *state;
	const struct kiln_spec_value twice[] = {{.id = 5, .size = 4}, {.id = 5, .size = 4}};
	struct kiln_pipeline_key key = {.spec = twice, .spec_count = 2};
	struct kiln_fingerprint device = sample_device(1);
	struct kiln_cache_entry entry = sample_entry("x", 1);

	assert_status(kiln_cache_write(fixture->cache, &key, &device, &entry), KILN_ERR_INVALID_ARGUMENT);
	assert_status(kiln_cache_read(fixture->cache, &key, &device, &entry), KILN_ERR_INVALID_ARGUMENT);
}

static void known_identity_reads_the_same_entry(void **state)
{
	struct cache_fixture *fixture = *state;
	struct kiln_pipeline_key key = sample_key(1, 64);
	struct kiln_fingerprint device = sample_device(1);
	struct kiln_pipeline_identity identity = sample_identity(1, 64, 1);
	struct kiln_cache_entry entry;

	assert_status(kiln_cache_read_known(fixture->cache, &key, &device, &identity, &entry), KILN_ERR_NOT_FOUND);
	assert_status(write_text(fixture->cache, 1, 64, 1, "known"), KILN_OK);
	assert_status(kiln_cache_read_known(fixture->cache, &key, &device, &identity, &entry), KILN_OK);
	assert_memory_equal(entry.payload, "known", 5);
	kiln_cache_entry_finish(&entry);
	assert_status(kiln_cache_read_known(NULL, &key, &device, &identity, &entry), KILN_ERR_NOT_FOUND);
	assert_int_equal(kiln_cache_counters(fixture->cache).reads, 2);
}

/* ---- Damage ---- */

static unsigned warnings;
static char last_warning[1024];

static void count_warning(void *user, enum kiln_log_level level, const char *message)
{
	(void)user;
	warnings += level == KILN_LOG_WARN;
	snprintf(last_warning, sizeof last_warning, "%s", message);
}

static void damaged_entry_is_dropped_counted_and_logged_once(void **state)
{
	struct cache_fixture *fixture = *state;
	uint8_t data[4096];

	warnings = 0;
	kiln_log_set(count_warning, NULL, KILN_LOG_WARN);
	for (unsigned i = 0; i < 3; i++) {
		struct path path = path_of(fixture, i, 64, 1);
		size_t bytes;

		assert_status(write_text(fixture->cache, i, 64, 1, "some payload"), KILN_OK);
		bytes = load_file(path.text, data, sizeof data);
		data[bytes - 40] ^= 1;
		save_file(path.text, data, bytes);
		assert_status(read_text(fixture->cache, i, 64, 1, ""), KILN_ERR_DAMAGED);
		assert_non_null(strstr(kiln_error_message(), path.text));
		assert_non_null(strstr(kiln_error_message(), "Fix: "));
		assert_false(file_exists(path.text));
		assert_status(read_text(fixture->cache, i, 64, 1, ""), KILN_ERR_NOT_FOUND);
	}
	kiln_log_set(NULL, NULL, 0);
	assert_int_equal(warnings, 1);
	assert_non_null(strstr(last_warning, "is damaged"));
	assert_int_equal(COUNTS(fixture->cache).damaged, 3);
	assert_int_equal(COUNTS(fixture->cache).not_found, 3);
	assert_int_equal(COUNTS(fixture->cache).reads, 6);
	assert_int_equal(count_temp_files(fixture->root), 0);
}

/* Format, key version, kind, compression and sealing: FORMAT.md, "An entry". */
static bool is_version_byte(size_t at)
{
	return (at >= 8 && at < 20) || (at >= 24 && at < 28);
}

/* Through files: whatever bit flips, no wrong payload ever comes back. A third of the bits, for the disk's
 * sake; all of them flip in test_cache_entry.c. */
static void no_flipped_bit_yields_a_payload(void **state)
{
	struct cache_fixture *fixture = *state;
	struct path path = path_of(fixture, 1, 64, 1);
	uint8_t data[1024];
	size_t bytes;
	uint64_t misses = 0, reads = 0;

	assert_status(write_text(fixture->cache, 1, 64, 1, "the payload of a small entry"), KILN_OK);
	bytes = load_file(path.text, data, sizeof data);
	for (size_t bit = 0; bit < bytes * 8; bit += 3) {
		bool other_version = is_version_byte(bit / 8);

		data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
		save_file(path.text, data, bytes);
		data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
		assert_status(read_text(fixture->cache, 1, 64, 1, ""),
		              other_version ? KILN_ERR_NOT_FOUND : KILN_ERR_DAMAGED);
		assert_int_equal(file_exists(path.text), other_version);
		misses += other_version;
		reads++;
	}
	assert_int_equal(COUNTS(fixture->cache).other_version, misses);
	assert_int_equal(COUNTS(fixture->cache).damaged, reads - misses);
}

static void every_truncated_file_is_damage(void **state)
{
	struct cache_fixture *fixture = *state;
	struct path path = path_of(fixture, 1, 64, 1);
	uint8_t data[1024];
	size_t bytes;

	assert_status(write_text(fixture->cache, 1, 64, 1, "the payload of a small entry"), KILN_OK);
	bytes = load_file(path.text, data, sizeof data);
	for (size_t length = 0; length < bytes; length += 1 + length / 64) {
		save_file(path.text, data, length);
		assert_status(read_text(fixture->cache, 1, 64, 1, ""), KILN_ERR_DAMAGED);
		assert_false(file_exists(path.text));
	}
	save_file(path.text, data, bytes);
	assert_status(read_text(fixture->cache, 1, 64, 1, "the payload of a small entry"), KILN_OK);
}

/* As if the shortened digests of two keys collided. */
static void entry_of_another_key_is_dropped(void **state)
{
	struct cache_fixture *fixture = *state;
	struct path path = path_of(fixture, 1, 64, 1);
	const struct path others[] = {path_of(fixture, 2, 64, 1), path_of(fixture, 1, 65, 1),
	                              path_of(fixture, 1, 64, 2)};
	uint8_t data[1024];
	size_t bytes;

	assert_status(write_text(fixture->cache, 1, 64, 1, "mine"), KILN_OK);
	assert_status(write_text(fixture->cache, 2, 64, 1, "makes the folder"), KILN_OK);
	bytes = load_file(path.text, data, sizeof data);
	for (size_t i = 0; i < 3; i++)
		save_file(others[i].text, data, bytes);
	assert_status(read_text(fixture->cache, 2, 64, 1, ""), KILN_ERR_DAMAGED);
	assert_status(read_text(fixture->cache, 1, 65, 1, ""), KILN_ERR_DAMAGED);
	assert_status(read_text(fixture->cache, 1, 64, 2, ""), KILN_ERR_DAMAGED);
	for (size_t i = 0; i < 3; i++)
		assert_false(file_exists(others[i].text));
	assert_status(read_text(fixture->cache, 1, 64, 1, "mine"), KILN_OK);
}

static void pipeline_in_the_place_of_content_is_dropped(void **state)
{
	struct cache_fixture *fixture = *state;
	struct kiln_digest key = kiln_digest_of("glsl", 4);
	struct kiln_cache_entry entry = sample_entry("spirv", 5);
	uint8_t data[1024];
	char path[512];

	assert_status(write_text(fixture->cache, 1, 64, 1, "mine"), KILN_OK);
	assert_status(kiln_cache_content_write(fixture->cache, &key, &entry), KILN_OK);
	kiln_cache_content_path_for(fixture->root, &key, path, sizeof path);
	save_file(path, data, load_file(path_of(fixture, 1, 64, 1).text, data, sizeof data));
	assert_status(kiln_cache_content_read(fixture->cache, &key, &entry), KILN_ERR_DAMAGED);
	assert_false(file_exists(path));
}

static void read_only_cache_writes_and_removes_nothing(void **state)
{
	struct cache_fixture *fixture = *state;
	struct kiln_cache *cache = open_again(fixture, KILN_CACHE_READ_ONLY, 0);
	struct kiln_pipeline_identity identity = sample_identity(1, 64, 1);
	struct path path = path_of(fixture, 1, 64, 1);
	size_t removed = 7;

	assert_status(write_text(fixture->cache, 1, 64, 1, "x"), KILN_OK);
	save_file(path.text, "short", 5);
	assert_status(read_text(cache, 1, 64, 1, ""), KILN_ERR_DAMAGED);
	assert_true(file_exists(path.text));
	assert_status(write_text(cache, 2, 64, 1, "x"), KILN_OK);
	assert_false(file_exists(path_of(fixture, 2, 64, 1).text));
	assert_status(kiln_cache_invalidate(cache, &identity, &removed), KILN_ERR_READ_ONLY);
	assert_int_equal(removed, 0);
	assert_true(file_exists(path.text));
	assert_status(kiln_cache_flush(cache), KILN_OK);
	assert_int_equal(COUNTS(cache).write_skips, 1);
	assert_int_equal(COUNTS(cache).writes, 0);
	assert_int_equal(COUNTS(cache).damaged, 1);
	kiln_cache_close(&cache);
}

/* A file system on which, just before the n-th look or rename of a removal, another process stores a good
 * entry. */
struct meddler {
	struct kiln_fs fs;
	struct kiln_cache *other;
	unsigned looks, renames, at_look, at_rename;
};

static int meddling_fstatat(void *user, int dir, const char *name, struct stat *out)
{
	struct meddler *meddler = user;

	if (++meddler->looks == meddler->at_look)
		assert_status(write_text(meddler->other, 1, 64, 1, "good"), KILN_OK);
	return kiln_fs_posix.fstatat(NULL, dir, name, out);
}

static int meddling_renameat(void *user, int from, const char *old_name, int to, const char *new_name)
{
	struct meddler *meddler = user;

	if (++meddler->renames == meddler->at_rename)
		assert_status(write_text(meddler->other, 1, 64, 1, "good"), KILN_OK);
	return kiln_fs_posix.renameat(NULL, from, old_name, to, new_name);
}

static void dropping_damage_never_takes_an_entry_renamed_over_it(void **state)
{
	struct cache_fixture *fixture = *state;
	struct path path = path_of(fixture, 1, 64, 1);

	/* Before the look, before the rename, before the second look; and, when the rename took the good
	 * entry along, before it goes back. */
	for (unsigned moment = 0; moment < 4; moment++) {
		struct meddler meddler = {.fs = kiln_fs_posix, .other = fixture->cache};
		struct kiln_cache *cache;

		meddler.fs.fstatat = meddling_fstatat;
		meddler.fs.renameat = meddling_renameat;
		meddler.fs.user = &meddler;
		cache = open_on(fixture, &meddler.fs);
		assert_status(write_text(fixture->cache, 1, 64, 1, "soon damaged"), KILN_OK);
		save_file(path.text, "damaged", 7);
		meddler.looks = meddler.renames = 0;
		meddler.at_look = moment == 0 ? 1 : moment == 2 ? 2 : 0;
		meddler.at_rename = moment == 1 || moment == 3 ? 1 : 0;
		if (moment == 3)
			meddler.at_look = 2;
		assert_status(read_text(cache, 1, 64, 1, ""), KILN_ERR_DAMAGED);
		assert_status(read_text(cache, 1, 64, 1, "good"), KILN_OK);
		assert_int_equal(count_temp_files(fixture->root), 0);
		kiln_cache_close(&cache);
	}
}

/* ---- What stays ---- */

static void entry_of_another_version_is_a_miss_and_stays(void **state)
{
	struct cache_fixture *fixture = *state;
	struct path path = path_of(fixture, 1, 64, 1);
	uint8_t data[1024];
	size_t bytes;

	assert_status(write_text(fixture->cache, 1, 64, 1, "x"), KILN_OK);
	bytes = load_file(path.text, data, sizeof data);
	for (uint8_t format = 1; format <= 3; format += 2) {
		data[8] = format;
		save_file(path.text, data, bytes);
		assert_status(read_text(fixture->cache, 1, 64, 1, ""), KILN_ERR_NOT_FOUND);
		assert_non_null(strstr(kiln_error_message(), "another format version"));
		assert_true(file_exists(path.text));
	}
	assert_int_equal(COUNTS(fixture->cache).other_version, 2);
	assert_int_equal(COUNTS(fixture->cache).not_found, 0);
	assert_status(write_text(fixture->cache, 1, 64, 1, "y"), KILN_OK);
	assert_status(read_text(fixture->cache, 1, 64, 1, "y"), KILN_OK);
}

/* Under its own name, as the version before this one left it. */
static void entry_of_version_1_is_a_miss_that_stays_until_it_is_written_over(void **state)
{
	struct cache_fixture *fixture = *state;
	struct path path = path_of(fixture, 1, 64, 1);
	uint8_t old[1024], now[1024];
	size_t bytes = load_file(KILN_TEST_GOLDEN "/pipeline_v1.bin", old, sizeof old);
	struct kiln_cache_verify_report report;

	assert_status(write_text(fixture->cache, 1, 64, 1, "x"), KILN_OK);
	save_file(path.text, old, bytes);
	assert_status(read_text(fixture->cache, 1, 64, 1, ""), KILN_ERR_NOT_FOUND);
	assert_int_equal(COUNTS(fixture->cache).other_version, 1);
	assert_status(kiln_cache_verify(fixture->cache, NULL, &report), KILN_OK);
	assert_int_equal(report.other_version, 1);
	assert_int_equal(report.damaged, 0);
	assert_int_equal(load_file(path.text, now, sizeof now), bytes);
	assert_memory_equal(now, old, bytes);
	assert_status(write_text(fixture->cache, 1, 64, 1, "y"), KILN_OK);
	assert_status(read_text(fixture->cache, 1, 64, 1, "y"), KILN_OK);
}

static void entry_over_the_limit_is_a_miss_and_stays(void **state)
{
	struct cache_fixture *fixture = *state;
	struct kiln_cache *small = open_again(fixture, KILN_CACHE_READ_WRITE, 10);
	static char big[60000];

	memset(big, 'b', sizeof big - 1);
	assert_status(write_text(fixture->cache, 1, 64, 1, "eleven char"), KILN_OK);
	assert_status(write_text(fixture->cache, 2, 64, 1, big), KILN_OK);
	assert_status(read_text(small, 1, 64, 1, ""), KILN_ERR_NOT_FOUND);
	assert_status(read_text(small, 2, 64, 1, ""), KILN_ERR_NOT_FOUND);
	assert_non_null(strstr(kiln_error_message(), "expected a payload of at most 10"));
	assert_int_equal(COUNTS(small).too_large, 2);
	assert_int_equal(COUNTS(small).reads, 2);
	assert_status(read_text(fixture->cache, 1, 64, 1, "eleven char"), KILN_OK);
	assert_status(read_text(fixture->cache, 2, 64, 1, big), KILN_OK);
	assert_status(write_text(small, 3, 64, 1, "eleven char"), KILN_ERR_TOO_LARGE);
	assert_status(write_text(small, 3, 64, 1, "ten chars."), KILN_OK);
	assert_status(read_text(small, 3, 64, 1, "ten chars."), KILN_OK);
	assert_int_equal(COUNTS(small).write_errors, 1);
	kiln_cache_close(&small);
}

/* ---- Last use ---- */

static int64_t mtime_of(const char *path)
{
	struct stat facts;

	assert_int_equal(stat(path, &facts), 0);
	return (int64_t)facts.st_mtime;
}

static void set_age(const char *path, int64_t age_s)
{
	struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}};

	times[1].tv_sec = (time_t)(kiln_clock_system.wall_s(NULL) - age_s);
	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void hit_refreshes_the_last_use_once_an_hour(void **state)
{
	struct cache_fixture *fixture = *state;
	struct kiln_cache *reader = open_again(fixture, KILN_CACHE_READ_ONLY, 0);
	struct path path = path_of(fixture, 1, 64, 1);
	int64_t now = kiln_clock_system.wall_s(NULL), before;

	assert_status(write_text(fixture->cache, 1, 64, 1, "x"), KILN_OK);
	set_age(path.text, 3000);
	before = mtime_of(path.text);
	assert_status(read_text(fixture->cache, 1, 64, 1, "x"), KILN_OK);
	assert_int_equal(mtime_of(path.text), before);
	set_age(path.text, 4000);
	before = mtime_of(path.text);
	assert_status(read_text(reader, 1, 64, 1, "x"), KILN_OK);
	assert_int_equal(mtime_of(path.text), before);
	assert_status(read_text(fixture->cache, 1, 64, 1, "x"), KILN_OK);
	assert_in_range(mtime_of(path.text), now, now + 10);
	set_age(path.text, -100000); /* a clock that was wrong once must not pin an entry for ever */
	assert_status(read_text(fixture->cache, 1, 64, 1, "x"), KILN_OK);
	assert_in_range(mtime_of(path.text), now, now + 10);
	kiln_cache_close(&reader);
}

/* ---- Invalidation ---- */

/* Programs 1..3, workgroups 64 and 128, devices 1 and 2: twelve entries. */
static void fill(const struct cache_fixture *fixture)
{
	for (unsigned i = 0; i < 12; i++)
		assert_status(write_text(fixture->cache, 1 + i % 3, i / 3 % 2 == 0 ? 64 : 128, 1 + i / 6,
		                         "x"),
		              KILN_OK);
}

static unsigned count_left(const struct cache_fixture *fixture, unsigned program, unsigned device)
{
	unsigned left = 0;

	for (unsigned i = 0; i < 12; i++) {
		unsigned p = 1 + i % 3, d = 1 + i / 6;

		if ((program == 0 || p == program) && (device == 0 || d == device))
			left += file_exists(path_of(fixture, p, i / 3 % 2 == 0 ? 64 : 128, d).text);
	}
	return left;
}

static void invalidating_an_identity_removes_it_alone(void **state)
{
	struct cache_fixture *fixture = *state;
	struct kiln_pipeline_identity identity = sample_identity(2, 64, 1);
	size_t removed;

	fill(fixture);
	assert_status(kiln_cache_invalidate(fixture->cache, &identity, &removed), KILN_OK);
	assert_int_equal(removed, 1);
	assert_int_equal(count_left(fixture, 0, 0), 11);
	assert_false(file_exists(path_of(fixture, 2, 64, 1).text));
	assert_status(kiln_cache_invalidate(fixture->cache, &identity, &removed), KILN_OK);
	assert_int_equal(removed, 0);
	assert_status(kiln_cache_invalidate(fixture->cache, &identity, NULL), KILN_OK);
}

static void invalidating_a_program_or_device_removes_all_of_it(void **state)
{
	struct cache_fixture *fixture = *state;
	struct kiln_pipeline_identity identity = sample_identity(2, 64, 1),
				      absent = sample_identity(9, 64, 9);
	size_t removed;

	fill(fixture);
	assert_status(kiln_cache_invalidate_program(fixture->cache, &identity.program, &removed), KILN_OK);
	assert_int_equal(removed, 4);
	assert_int_equal(count_left(fixture, 2, 0), 0);
	assert_int_equal(count_left(fixture, 0, 0), 8);
	assert_status(kiln_cache_invalidate_device(fixture->cache, &identity.device, &removed), KILN_OK);
	assert_int_equal(removed, 4);
	assert_int_equal(count_left(fixture, 0, 1), 0);
	assert_int_equal(count_left(fixture, 0, 2), 4);
	assert_status(kiln_cache_invalidate_program(fixture->cache, &absent.program, &removed), KILN_OK);
	assert_int_equal(removed, 0);
	assert_status(kiln_cache_invalidate_device(fixture->cache, &absent.device, &removed), KILN_OK);
	assert_int_equal(removed, 0);
}

static void invalidating_by_mask_spares_what_it_does_not_name(void **state)
{
	struct cache_fixture *fixture = *state;
	struct kiln_digest device = sample_identity(1, 64, 1).device;
	const struct kiln_digest programs[] = {sample_identity(1, 64, 1).program,
	                                       sample_identity(2, 64, 1).program,
	                                       sample_identity(3, 64, 1).program};
	const uint8_t mask[] = {1, 0, 200, 1, 1};
	size_t removed;

	fill(fixture);
	assert_status(kiln_cache_invalidate_mask(fixture->cache, &device, programs, 3, mask, 5, &removed),
	              KILN_OK);
	assert_int_equal(removed, 4);
	assert_int_equal(count_left(fixture, 0, 2), 6);
	assert_int_equal(count_left(fixture, 2, 1), 2);
	assert_int_equal(count_left(fixture, 0, 1), 2);
	assert_status(kiln_cache_invalidate_mask(fixture->cache, &device, programs, 3, mask, 1, &removed),
	              KILN_OK);
	assert_int_equal(removed, 0);
	assert_status(kiln_cache_invalidate_mask(fixture->cache, &device, NULL, 0, NULL, 0, &removed),
	              KILN_OK);
}

static void invalidation_goes_on_after_a_failure(void **state)
{
	struct cache_fixture *fixture = *state;
	struct kiln_pipeline_identity identity = sample_identity(2, 64, 1);
	struct path path = path_of(fixture, 2, 64, 1);
	size_t removed;

	fill(fixture);
	/* A folder in the place of an entry cannot be unlinked, even by root. */
	unlink(path.text);
	assert_int_equal(mkdir(path.text, 0700), 0);
	assert_int_not_equal(kiln_cache_invalidate_program(fixture->cache, &identity.program, &removed),
	                     KILN_OK);
	assert_non_null(strstr(kiln_error_message(), path.text));
	assert_int_equal(removed, 3);
	assert_int_equal(count_left(fixture, 2, 0), 1);
}

/* ---- Evidence ---- */

static struct kiln_cache_evidence evidence_of(struct kiln_cache *cache, unsigned program, unsigned workgroup,
                                              unsigned device)
{
	struct kiln_pipeline_identity identity = sample_identity(program, workgroup, device);
	struct kiln_cache_evidence evidence;

	assert_status(kiln_cache_evidence(cache, &identity, &evidence), KILN_OK);
	return evidence;
}

static void assert_evidence(struct kiln_cache_evidence evidence, bool any, uint64_t program, uint64_t policy,
                            uint64_t device)
{
	assert_int_equal(evidence.total_entries > 0, any);
	assert_int_equal(evidence.same_program, program);
	assert_int_equal(evidence.same_program_policy, policy);
	assert_int_equal(evidence.same_program_policy_device, device);
}

static void evidence_tells_how_near_the_cache_comes(void **state)
{
	struct cache_fixture *fixture = *state;
	struct kiln_digest content = kiln_digest_of("glsl", 4);
	struct kiln_cache_entry entry = sample_entry("spirv", 5);
	struct kiln_pipeline_identity identity = sample_identity(1, 64, 1);

	assert_evidence(evidence_of(fixture->cache, 1, 64, 1), false, 0, 0, 0);
	assert_status(kiln_cache_content_write(fixture->cache, &content, &entry), KILN_OK);
	assert_evidence(evidence_of(fixture->cache, 1, 64, 1), false, 0, 0, 0);
	fill(fixture);
	assert_evidence(evidence_of(fixture->cache, 1, 64, 1), true, 4, 2, 1);
	assert_evidence(evidence_of(fixture->cache, 1, 64, 3), true, 4, 2, 0);
	assert_evidence(evidence_of(fixture->cache, 1, 96, 1), true, 4, 0, 0);
	for (unsigned program = 4; program < 300; program++)
		assert_evidence(evidence_of(fixture->cache, program, 64, 1), true, 0, 0, 0);
	/* Folders that invalidation emptied do not count as entries. */
	for (unsigned program = 1; program <= 3; program++) {
		identity = sample_identity(program, 64, 1);
		assert_status(kiln_cache_invalidate_program(fixture->cache, &identity.program, NULL),
		              KILN_OK);
	}
	assert_evidence(evidence_of(fixture->cache, 1, 64, 1), false, 0, 0, 0);
}

static void evidence_ignores_files_that_are_no_entries(void **state)
{
	struct cache_fixture *fixture = *state;
	struct path path = path_of(fixture, 1, 64, 1);
	char backup[sizeof(path.text) + 4];

	assert_status(write_text(fixture->cache, 1, 64, 1, "x"), KILN_OK);
	(void)snprintf(backup, sizeof(backup), "%s.bak", path.text);
	assert_int_equal(rename(path.text, backup), 0);
	assert_evidence(evidence_of(fixture->cache, 1, 64, 1), false, 0, 0, 0);
}

/* ---- Listing ---- */

struct seen {
	unsigned good, content, failed;
	uint64_t bytes, payload_bytes;
	enum kiln_status failure;
	char last_path[512];
	unsigned stop_after;
	bool in_order;
};

static bool see(void *user, const struct kiln_cache_listing *listing)
{
	struct seen *seen = user;

	seen->in_order = seen->in_order && strcmp(seen->last_path, listing->path) < 0;
	snprintf(seen->last_path, sizeof seen->last_path, "%s", listing->path);
	seen->bytes += listing->bytes;
	seen->payload_bytes += listing->entry.payload_bytes;
	assert_true(listing->entry.payload == NULL && listing->entry.memory == NULL &&
	            listing->last_use_s > 0);
	if (listing->status != KILN_OK) {
		seen->failed++;
		seen->failure = listing->status;
		assert_true(listing->key == NULL && listing->identity == NULL &&
		            listing->content_key == NULL);
	} else if (listing->content_key != NULL) {
		seen->content++;
		assert_true(listing->key == NULL && listing->identity == NULL &&
		            listing->fingerprint == NULL);
	} else {
		seen->good++;
		assert_string_equal(listing->key->entry, "saxpy");
		assert_string_equal(listing->entry.kiln_version, KILN_VERSION);
		assert_int_equal(listing->fingerprint->vendor_id, 0x10005);
		assert_true(kiln_digest_equal(&listing->identity->program, &listing->key->program));
	}
	return seen->good + seen->content + seen->failed != seen->stop_after;
}

static struct seen list_all(struct kiln_cache *cache, unsigned stop_after)
{
	struct seen seen = {.stop_after = stop_after, .in_order = true};

	assert_status(kiln_cache_list(cache, see, &seen), KILN_OK);
	assert_true(seen.in_order);
	return seen;
}

static void list_visits_every_entry_in_path_order(void **state)
{
	struct cache_fixture *fixture = *state;
	struct seen seen;

	assert_int_equal(list_all(fixture->cache, 0).good, 0);
	for (unsigned i = 0; i < 60; i++) {
		struct kiln_digest key = kiln_digest_of(&i, sizeof i);
		struct kiln_cache_entry entry = sample_entry("spirv", 5);

		assert_status(write_text(fixture->cache, i, 64, 1, "four"), KILN_OK);
		if (i < 20)
			assert_status(kiln_cache_content_write(fixture->cache, &key, &entry), KILN_OK);
	}
	seen = list_all(fixture->cache, 0);
	assert_int_equal(seen.good, 60);
	assert_int_equal(seen.content, 20);
	assert_int_equal(seen.payload_bytes, 60 * 4 + 20 * 5);
	assert_int_equal(seen.failed, 0);
	seen = list_all(fixture->cache, 17);
	assert_int_equal(seen.good + seen.content, 17);
	assert_int_equal(COUNTS(fixture->cache).reads, 0);
}

static void list_shows_what_is_wrong_and_removes_nothing(void **state)
{
	struct cache_fixture *fixture = *state;
	struct kiln_cache *small = open_again(fixture, KILN_CACHE_READ_WRITE, 10);
	struct path path = path_of(fixture, 1, 64, 1);
	uint8_t data[1024];
	size_t bytes;
	struct seen seen;

	assert_status(write_text(fixture->cache, 1, 64, 1, "eleven char"), KILN_OK);
	bytes = load_file(path.text, data, sizeof data);
	seen = list_all(small, 0);
	assert_int_equal(seen.failure, KILN_ERR_TOO_LARGE);
	assert_int_equal(seen.bytes, bytes);
	data[8] = 9;
	save_file(path.text, data, bytes);
	assert_int_equal(list_all(fixture->cache, 0).failure, KILN_ERR_UNSUPPORTED);
	save_file(path.text, data, 20);
	seen = list_all(fixture->cache, 0);
	assert_int_equal(seen.failure, KILN_ERR_DAMAGED);
	assert_int_equal(seen.failed, 1);
	assert_int_equal(seen.bytes, 20);
	unlink(path.text);
	assert_int_equal(symlink("/etc/passwd", path.text), 0);
	assert_int_equal(list_all(fixture->cache, 0).failure, KILN_ERR_PERMISSION);
	kiln_cache_close(&small);
}

/* ---- No cache ---- */

static void null_cache_means_no_persistence(void **state)
{
	const struct kiln_cache_counters zero = {0};
	struct kiln_cache_counters counters = kiln_cache_counters(NULL);
	struct kiln_pipeline_identity identity = sample_identity(1, 64, 1);
	struct kiln_digest key = kiln_digest_of("glsl", 4);
	struct kiln_cache_entry entry = sample_entry("x", 1);
	const uint8_t mask = 1;
	size_t removed = 7;

	(void)state;
	assert_status(write_text(NULL, 1, 64, 1, "x"), KILN_OK);
	assert_status(read_text(NULL, 1, 64, 1, ""), KILN_ERR_NOT_FOUND);
	assert_status(kiln_cache_content_write(NULL, &key, &entry), KILN_OK);
	assert_status(kiln_cache_content_read(NULL, &key, &entry), KILN_ERR_NOT_FOUND);
	assert_status(kiln_cache_flush(NULL), KILN_OK);
	assert_status(kiln_cache_invalidate(NULL, &identity, &removed), KILN_OK);
	assert_int_equal(removed, 0);
	assert_status(kiln_cache_invalidate_program(NULL, &key, &removed), KILN_OK);
	assert_status(kiln_cache_invalidate_device(NULL, &key, &removed), KILN_OK);
	assert_status(kiln_cache_invalidate_mask(NULL, &key, &key, 1, &mask, 1, &removed), KILN_OK);
	assert_evidence(evidence_of(NULL, 1, 64, 1), false, 0, 0, 0);
	assert_int_equal(list_all(NULL, 0).good, 0);
	assert_memory_equal(&counters, &zero, sizeof zero);
	assert_string_equal(kiln_cache_root(NULL), "");
	kiln_cache_close(NULL);
	kiln_cache_entry_finish(NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, cache_setup, cache_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(content_has_entries_of_its_own),
		TEST(creation_time_defaults_to_now),
		TEST(damaged_entry_is_dropped_counted_and_logged_once),
		TEST(dropping_damage_never_takes_an_entry_renamed_over_it),
		TEST(each_identity_has_its_own_entry),
		TEST(entry_of_another_key_is_dropped),
		TEST(entry_of_another_version_is_a_miss_and_stays),
		TEST(entry_of_version_1_is_a_miss_that_stays_until_it_is_written_over),
		TEST(entry_over_the_limit_is_a_miss_and_stays),
		TEST(every_truncated_file_is_damage),
		TEST(evidence_ignores_files_that_are_no_entries),
		TEST(evidence_tells_how_near_the_cache_comes),
		TEST(hit_refreshes_the_last_use_once_an_hour),
		TEST(invalidating_a_program_or_device_removes_all_of_it),
		TEST(invalidating_an_identity_removes_it_alone),
		TEST(invalidating_by_mask_spares_what_it_does_not_name),
		TEST(invalidation_goes_on_after_a_failure),
		TEST(known_identity_reads_the_same_entry),
		TEST(later_write_replaces_an_earlier_one),
		TEST(list_shows_what_is_wrong_and_removes_nothing),
		TEST(list_visits_every_entry_in_path_order),
		TEST(no_flipped_bit_yields_a_payload),
		cmocka_unit_test(null_cache_means_no_persistence),
		TEST(pipeline_in_the_place_of_content_is_dropped),
		TEST(read_only_cache_writes_and_removes_nothing),
		TEST(refused_keys_are_refused_by_reads_and_writes),
		TEST(written_entry_is_found_by_another_cache),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
