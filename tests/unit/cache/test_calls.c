/* Which calls the cache makes, and which it does not: no lock to read or write, no link followed, nothing open beyond exec. */
#include <kiln/cache.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fixture.h"
#include "test.h"

#define MIB ((size_t)1 << 20)

/* The real file system, watched. */
struct watch {
	struct kiln_fs fs; /* hand this out */
	unsigned opened, temp_files, lock_calls, listings;
	unsigned absolute; /* opened by a path, not below a folder */
	unsigned followed, inherited, shared, misnamed;
};

/* Names such as "v1/ab/.tmp.<pid>.<counter>". */
static bool is_ours(const char *name)
{
	char expected[40];
	const char *counter;

	snprintf(expected, sizeof expected, ".tmp.%ld.", (long)getpid());
	if (strncmp(name, expected, strlen(expected)) != 0)
		return false;
	counter = name + strlen(expected);
	return *counter != '\0' && strspn(counter, "0123456789") == strlen(counter);
}

static int watched_openat(void *user, int dir, const char *name, int flags, mode_t mode)
{
	struct watch *watch = user;
	const char *last = strrchr(name, '/') ? strrchr(name, '/') + 1 : name;

	watch->opened++;
	watch->absolute += dir == AT_FDCWD;
	watch->followed += !(flags & O_NOFOLLOW);
	watch->inherited += !(flags & O_CLOEXEC);
	if (strncmp(last, ".tmp", 4) == 0) {
		watch->temp_files++;
		watch->shared += (flags & (O_CREAT | O_EXCL)) != (O_CREAT | O_EXCL);
		watch->misnamed += !is_ours(last);
	}
	return kiln_fs_posix.openat(kiln_fs_posix.user, dir, name, flags, mode);
}

static int watched_lock(void *user, int fd)
{
	((struct watch *)user)->lock_calls++;
	return kiln_fs_posix.lock(kiln_fs_posix.user, fd);
}

static int watched_try_lock(void *user, int fd, uint64_t offset, uint64_t bytes)
{
	((struct watch *)user)->lock_calls++;
	return kiln_fs_posix.try_lock(kiln_fs_posix.user, fd, offset, bytes);
}

static int watched_is_locked(void *user, int fd, uint64_t offset, uint64_t bytes)
{
	((struct watch *)user)->lock_calls++;
	return kiln_fs_posix.is_locked(kiln_fs_posix.user, fd, offset, bytes);
}

static int watched_list(void *user, int dir, bool (*visit)(void *visit_user, const char *name),
                        void *visit_user)
{
	((struct watch *)user)->listings++;
	return kiln_fs_posix.list(kiln_fs_posix.user, dir, visit, visit_user);
}

static struct kiln_cache *open_watched(const struct cache_fixture *fixture, struct watch *watch)
{
	*watch = (struct watch){.fs = kiln_fs_posix};
	watch->fs.openat = watched_openat;
	watch->fs.lock = watched_lock;
	watch->fs.try_lock = watched_try_lock;
	watch->fs.is_locked = watched_is_locked;
	watch->fs.list = watched_list;
	watch->fs.user = watch;
	return open_on(fixture, &watch->fs);
}

static void forget(struct watch *watch)
{
	struct kiln_fs fs = watch->fs;

	*watch = (struct watch){.fs = fs};
}

/* Everything a cache does in its root. */
static void use_all_of_it(struct kiln_cache *cache)
{
	struct kiln_pipeline_identity identity = sample_identity(1, 64, 1);
	struct kiln_digest key = kiln_digest_of("glsl", 4);
	struct kiln_cache_entry entry = sample_entry("words", 5);
	struct kiln_cache_lease lease;
	struct kiln_cache_stat stat;

	assert_status(write_text(cache, 1, 64, 1, "payload"), KILN_OK);
	assert_status(write_text(cache, 2, 64, 1, "payload"), KILN_OK);
	assert_status(read_text(cache, 1, 64, 1, "payload"), KILN_OK);
	assert_status(read_text(cache, 3, 64, 1, ""), KILN_ERR_NOT_FOUND);
	assert_status(kiln_cache_content_write(cache, &key, &entry), KILN_OK);
	assert_status(kiln_cache_write_sidecar(cache, &identity, "{}"), KILN_OK);
	assert_status(kiln_cache_lease_begin(cache, &identity, 0, &lease), KILN_OK);
	kiln_cache_lease_end(&lease);
	kiln_cache_fate(cache, &identity, NULL);
	assert_status(kiln_cache_stat(cache, &stat), KILN_OK);
	assert_status(kiln_cache_verify(cache, NULL, NULL), KILN_OK);
	assert_status(kiln_cache_flush(cache), KILN_OK);
	assert_status(kiln_cache_gc(cache, NULL, NULL), KILN_OK);
	assert_status(kiln_cache_invalidate(cache, &identity, NULL), KILN_OK);
	assert_status(kiln_cache_clear(cache, NULL), KILN_OK);
}

static void everything_is_opened_below_the_root_and_no_link_is_followed(void **state)
{
	struct watch watch;
	struct kiln_cache *cache = open_watched(*state, &watch);

	assert_int_equal(watch.inherited, 0);
	/* The first flush also syncs the folders above the root, which are the user's and may be links. */
	assert_status(write_text(cache, 9, 64, 1, "payload"), KILN_OK);
	assert_status(kiln_cache_flush(cache), KILN_OK);
	assert_int_equal(watch.inherited, 0);
	forget(&watch);
	use_all_of_it(cache);
	assert_true(watch.opened > 20);
	assert_int_equal(watch.absolute, 0);
	assert_int_equal(watch.followed, 0);
	assert_int_equal(watch.inherited, 0);
	kiln_cache_close(&cache);
}

static void temp_files_are_made_exclusively_under_the_process_number_and_a_counter(void **state)
{
	struct watch watch;
	struct kiln_cache *cache = open_watched(*state, &watch);

	use_all_of_it(cache);
	assert_true(watch.temp_files >= 4);
	assert_int_equal(watch.shared, 0);
	assert_int_equal(watch.misnamed, 0);
	kiln_cache_close(&cache);
}

static void neither_readers_nor_writers_take_a_lock(void **state)
{
	struct cache_fixture *fixture = *state;
	struct watch watch;
	struct kiln_cache *cache = open_watched(fixture, &watch);
	struct kiln_pipeline_identity identity = sample_identity(1, 64, 1);
	struct kiln_cache_lease lease;

	forget(&watch);
	/* Somebody compiles just this entry. */
	assert_status(kiln_cache_lease_begin(fixture->cache, &identity, 0, &lease), KILN_OK);
	assert_true(lease.held);
	assert_status(read_text(cache, 1, 64, 1, ""), KILN_ERR_NOT_FOUND);
	assert_status(write_text(cache, 1, 64, 1, "ours"), KILN_OK);
	assert_status(read_text(cache, 1, 64, 1, "ours"), KILN_OK);
	assert_status(write_text(fixture->cache, 1, 64, 1, "theirs"), KILN_OK);
	assert_status(read_text(cache, 1, 64, 1, "theirs"), KILN_OK);
	kiln_cache_lease_end(&lease);
	assert_int_equal(watch.lock_calls, 0);
	assert_status(kiln_cache_lease_begin(cache, &identity, 0, &lease), KILN_OK);
	assert_true(watch.lock_calls > 0); /* or the watch sees none */
	kiln_cache_lease_end(&lease);
	kiln_cache_close(&cache);
}

static void near_misses_cost_one_listing_of_one_folder(void **state)
{
	struct watch watch;
	struct kiln_cache *cache = open_watched(*state, &watch);
	struct kiln_pipeline_identity identity = sample_identity(1, 128, 1);
	struct kiln_cache_evidence evidence;

	for (unsigned program = 1; program < 40; program++)
		assert_status(write_text(cache, program, 64, 1, "payload"), KILN_OK);
	forget(&watch);
	assert_status(kiln_cache_evidence(cache, &identity, &evidence), KILN_OK);
	assert_int_equal(evidence.same_program, 1);
	assert_int_equal(watch.listings, 1);
	assert_int_equal(watch.opened, 1); /* that folder */
	kiln_cache_close(&cache);
}

static void payloads_are_bounded_by_64_mib_where_nothing_is_said(void **state)
{
	struct cache_fixture *fixture = *state;
	struct kiln_pipeline_key key = sample_key(1, 64);
	struct kiln_fingerprint device = sample_device(1);
	char *payload = calloc(1, 64 * MIB + 1);
	struct kiln_cache_entry entry = sample_entry(payload, 64 * MIB + 1), found = {0};
	struct kiln_cache *wide;

	assert_non_null(payload);
	assert_status(kiln_cache_write(fixture->cache, &key, &device, &entry), KILN_ERR_TOO_LARGE);
	wide = open_again(fixture, KILN_CACHE_READ_WRITE, 65 * MIB);
	assert_status(kiln_cache_write(wide, &key, &device, &entry), KILN_OK);
	assert_status(kiln_cache_read(fixture->cache, &key, &device, &found), KILN_ERR_NOT_FOUND);
	assert_int_equal(kiln_cache_counters(fixture->cache).too_large, 1);
	entry.payload_bytes--;
	assert_status(kiln_cache_write(fixture->cache, &key, &device, &entry), KILN_OK);
	assert_status(kiln_cache_read(fixture->cache, &key, &device, &found), KILN_OK);
	assert_int_equal(found.payload_bytes, 64 * MIB);
	kiln_cache_entry_finish(&found);
	kiln_cache_close(&wide);
	free(payload);
}

static bool never_met(void *user, const struct kiln_cache_listing *listing)
{
	(void)user;
	(void)listing;
	fail_msg("no cache lists an entry");
	return false;
}

static void every_call_takes_a_null_cache(void **state)
{
	struct kiln_pipeline_key key = sample_key(1, 64);
	struct kiln_fingerprint device = sample_device(1);
	struct kiln_pipeline_identity identity = sample_identity(1, 64, 1);
	struct kiln_cache_entry entry = sample_entry("x", 1);
	struct kiln_cache_explanation explanation;
	struct kiln_cache_lease lease = {.held = true};
	struct kiln_cache_stat stat;
	char name[8];

	(void)state;
	assert_status(kiln_cache_read_known(NULL, &key, &device, &identity, &entry), KILN_ERR_NOT_FOUND);
	assert_status(kiln_cache_write_later(NULL, &key, &device, &entry, NULL), KILN_OK);
	assert_status(kiln_cache_content_write_later(NULL, &identity.digest, &entry, NULL), KILN_OK);
	assert_status(kiln_cache_write_sidecar(NULL, &identity, "{}"), KILN_OK);
	assert_status(kiln_cache_lease_begin(NULL, &identity, 0, &lease), KILN_OK);
	assert_false(lease.held || lease.look_again);
	assert_status(kiln_cache_content_lease_begin(NULL, &identity.digest, 0, &lease), KILN_OK);
	assert_false(lease.held || lease.look_again);
	assert_int_equal(kiln_cache_note_begin(NULL, &identity).lane, 0);
	kiln_cache_note_end(NULL, (struct kiln_cache_note){0}, true);
	assert_false(kiln_cache_quarantined(NULL, &identity));
	assert_false(kiln_cache_suspended(NULL, &identity.device));
	assert_status(kiln_cache_forgive(NULL), KILN_OK);
	assert_int_equal(kiln_cache_fate(NULL, &identity, NULL), KILN_CACHE_NEVER_SEEN);
	assert_status(kiln_cache_explain(NULL, &key, &device, &explanation), KILN_OK);
	assert_int_equal(explanation.nearest.fields, 0);
	kiln_cache_name_device(NULL, &device, "name");
	assert_false(kiln_cache_device_name(NULL, &device, name, sizeof name));
	assert_status(kiln_cache_list(NULL, never_met, NULL), KILN_OK);
	assert_status(kiln_cache_list_program(NULL, &identity.program, never_met, NULL), KILN_OK);
	assert_status(kiln_cache_gc(NULL, NULL, NULL), KILN_OK);
	assert_status(kiln_cache_stat(NULL, &stat), KILN_OK);
	assert_status(kiln_cache_verify(NULL, NULL, NULL), KILN_OK);
	assert_status(kiln_cache_clear(NULL, NULL), KILN_OK);
	assert_status(kiln_cache_export(NULL, "/nowhere/at/all", NULL, NULL), KILN_OK);
	assert_status(kiln_cache_import(NULL, "/nowhere/at/all", NULL, NULL), KILN_OK);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, cache_setup, cache_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_call_takes_a_null_cache),
		TEST(everything_is_opened_below_the_root_and_no_link_is_followed),
		TEST(near_misses_cost_one_listing_of_one_folder),
		TEST(neither_readers_nor_writers_take_a_lock),
		TEST(payloads_are_bounded_by_64_mib_where_nothing_is_said),
		TEST(temp_files_are_made_exclusively_under_the_process_number_and_a_counter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
