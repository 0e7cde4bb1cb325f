/* Notes of blobs with the driver, and what becomes of entries whose process died meanwhile. */
#include <kiln/cache.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef __linux__
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#endif

#include "failing_alloc.h"
#include "failing_fs.h"
#include "fixture.h"
#include "test.h"

#define OTHER_USER 65534
#define DAY INT64_C(86400)

/* ---- A clock of our own ---- */

static int64_t wall_now = 1800000000;

static int64_t fake_wall(void *user)
{
	(void)user;
	return wall_now;
}

static uint64_t real_monotonic(void *user)
{
	(void)user;
	return kiln_now_ns();
}

static const struct kiln_clock fake_clock = {.monotonic_ns = real_monotonic, .wall_s = fake_wall};

static struct kiln_cache *open_at_now(const struct cache_fixture *fixture)
{
	const struct kiln_cache_params params = {.root = fixture->root, .mode = KILN_CACHE_READ_WRITE};
	struct kiln_cache *cache = NULL;

	assert_status(kiln_cache_open_on(&(struct kiln_cache_host){.clock = &fake_clock}, &params, &cache),
	              KILN_OK);
	return cache;
}

/* ---- Deaths ---- */

/* Until killed, or the test that should have done so is long dead. */
static void stay(void)
{
	alarm(60);
	for (;;)
		pause();
}

static struct kiln_cache_note begin(struct kiln_cache *cache, unsigned program, unsigned device)
{
	struct kiln_pipeline_identity identity = sample_identity(program, 64, device);

	return kiln_cache_note_begin(cache, &identity);
}

/* A process that has `count` entries, from `program` up, with the driver, and stays so. */
static pid_t start_loading(const struct cache_fixture *fixture, unsigned program, unsigned count,
                           unsigned device)
{
	int ends[2];
	pid_t pid;
	char byte;

	assert_int_equal(pipe(ends), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct kiln_cache *cache = open_at_now(fixture);

		for (unsigned i = 0; i < count; i++) {
			if (begin(cache, program + i, device).lane == 0)
				_exit(1);
		}
		if (write(ends[1], "y", 1) != 1)
			_exit(1);
		stay();
	}
	close(ends[1]);
	assert_int_equal(read(ends[0], &byte, 1), 1);
	close(ends[0]);
	return pid;
}

static void end_loading(pid_t pid)
{
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void die_loading(const struct cache_fixture *fixture, unsigned program, unsigned count,
                        unsigned device)
{
	end_loading(start_loading(fixture, program, count, device));
}

static void load_well(struct kiln_cache *cache, unsigned program, unsigned device)
{
	kiln_cache_note_end(cache, begin(cache, program, device), true);
}

static bool quarantined(const struct kiln_cache *cache, unsigned program)
{
	struct kiln_pipeline_identity identity = sample_identity(program, 64, 1);

	return kiln_cache_quarantined(cache, &identity);
}

static bool suspended(const struct kiln_cache *cache, unsigned device)
{
	struct kiln_digest digest = sample_identity(1, 64, device).device;

	return kiln_cache_suspended(cache, &digest);
}

static void write_some(struct kiln_cache *cache, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		assert_status(write_text(cache, i, 64, 1, "payload"), KILN_OK);
}

/* More than the quarantine keeps, all at once. */
static void die_loading_96(const struct cache_fixture *fixture)
{
	pid_t pids[96 / KILN_NOTE_LANES];

	write_some(fixture->cache, 96);
	for (unsigned i = 0; i < 96 / KILN_NOTE_LANES; i++)
		pids[i] = start_loading(fixture, KILN_NOTE_LANES * i, KILN_NOTE_LANES, 1);
	for (unsigned i = 0; i < 96 / KILN_NOTE_LANES; i++)
		end_loading(pids[i]);
}

static unsigned count_found(struct kiln_cache *cache, unsigned count)
{
	unsigned found = 0;

	for (unsigned i = 0; i < count; i++)
		found += read_text(cache, i, 64, 1, "payload") == KILN_OK;
	return found;
}

static struct path notes_path(const struct cache_fixture *fixture)
{
	struct path path;

	snprintf(path.text, sizeof path.text, "%s/v1/notes", fixture->root);
	return path;
}

/* ---- Setting aside ---- */

static void entry_that_was_with_the_driver_at_a_death_is_set_aside(void **state)
{
	struct cache_fixture *fixture = *state;
	struct kiln_cache *cache;

	write_some(fixture->cache, 3);
	die_loading(fixture, 1, 1, 1);
	/* Nobody has swept yet. */
	assert_false(quarantined(fixture->cache, 1));
	cache = open_at_now(fixture);
	assert_int_equal(kiln_cache_counters(cache).set_aside, 1);
	assert_status(read_text(cache, 1, 64, 1, ""), KILN_ERR_NOT_FOUND);
	assert_true(quarantined(cache, 1));
	assert_false(quarantined(cache, 0) || quarantined(cache, 7));
	assert_status(read_text(cache, 0, 64, 1, "payload"), KILN_OK);
	assert_status(read_text(cache, 2, 64, 1, "payload"), KILN_OK);
	assert_false(suspended(cache, 1));
	kiln_cache_close(&cache);
	/* Once. */
	cache = open_at_now(fixture);
	assert_int_equal(kiln_cache_counters(cache).set_aside, 0);
	assert_true(quarantined(cache, 1));
	kiln_cache_close(&cache);
}

static void entry_written_anew_is_out_of_quarantine(void **state)
{
	struct cache_fixture *fixture = *state;
	struct kiln_pipeline_identity identity = sample_identity(1, 64, 1);
	struct kiln_cache *cache;

	write_some(fixture->cache, 2);
	die_loading(fixture, 1, 1, 1);
	cache = open_at_now(fixture);
	assert_true(quarantined(cache, 1));
	assert_status(write_text(cache, 1, 64, 1, "payload"), KILN_OK);
	assert_false(quarantined(cache, 1));
	assert_status(read_text(cache, 1, 64, 1, "payload"), KILN_OK);
	/* And does not come back when the entry goes another way. */
	assert_status(kiln_cache_invalidate(cache, &identity, NULL), KILN_OK);
	assert_false(quarantined(cache, 1));
	kiln_cache_close(&cache);
}

/* It may come from a pack, which nobody can change: the root remembers. */
static void entry_that_is_not_in_the_root_is_marked(void **state)
{
	struct cache_fixture *fixture = *state;
	struct kiln_cache_params params = {.root = fixture->root, .mode = KILN_CACHE_READ_WRITE};
	struct path pack;
	struct kiln_cache *cache = NULL;

	snprintf(pack.text, sizeof pack.text, "%s/sample.pack", fixture->dir.path);
	params.packs = pack.text;
	write_some(fixture->cache, 3);
	assert_status(kiln_cache_export(fixture->cache, pack.text, NULL, NULL), KILN_OK);
	assert_status(kiln_cache_clear(fixture->cache, NULL), KILN_OK);
	assert_status(kiln_cache_open(&params, &cache), KILN_OK);
	assert_int_equal(count_found(cache, 3), 3);
	kiln_cache_close(&cache);
	die_loading(fixture, 1, 1, 1);
	assert_status(kiln_cache_open(&params, &cache), KILN_OK);
	assert_true(quarantined(cache, 1));
	assert_status(read_text(cache, 1, 64, 1, ""), KILN_ERR_NOT_FOUND);
	assert_int_equal(count_found(cache, 3), 2);
	assert_status(write_text(cache, 1, 64, 1, "payload"), KILN_OK);
	assert_int_equal(count_found(cache, 3), 3);
	kiln_cache_close(&cache);
}

static void ended_note_sets_nothing_aside(void **state)
{
	struct cache_fixture *fixture = *state;
	pid_t pid = fork();
	struct kiln_cache *cache;

	assert_true(pid >= 0);
	if (pid == 0) {
		cache = open_at_now(fixture);
		write_some(cache, 2);
		load_well(cache, 0, 1);
		kiln_cache_note_end(cache, begin(cache, 1, 1), false);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	cache = open_at_now(fixture);
	assert_int_equal(kiln_cache_counters(cache).set_aside, 0);
	assert_int_equal(count_found(cache, 2), 2);
	kiln_cache_close(&cache);
}

static void closing_gives_the_slot_back(void **state)
{
	struct cache_fixture *fixture = *state;
	struct kiln_cache *cache = open_at_now(fixture);
	unsigned slot = cache->notes.slot;

	assert_int_not_equal(slot, fixture->cache->notes.slot);
	assert_true(atomic_load(&fixture->cache->notes.file->owned[slot]) != 0);
	kiln_cache_close(&cache);
	assert_true(atomic_load(&fixture->cache->notes.file->owned[slot]) == 0);
	cache = open_at_now(fixture);
	assert_int_equal(cache->notes.slot, slot);
	kiln_cache_close(&cache);
}

static void notes_of_the_living_are_left_alone(void **state)
{
	struct cache_fixture *fixture = *state;
	struct kiln_cache_note note;
	struct kiln_cache *cache;

	write_some(fixture->cache, 1);
	note = begin(fixture->cache, 0, 1);
	assert_int_not_equal(note.lane, 0);
	cache = open_at_now(fixture);
	assert_int_equal(kiln_cache_counters(cache).set_aside, 0);
	assert_int_equal(count_found(cache, 1), 1);
	kiln_cache_note_end(fixture->cache, note, true);
	kiln_cache_close(&cache);
}

static void read_only_cache_notes_nothing_and_sets_nothing_aside(void **state)
{
	struct cache_fixture *fixture = *state;
	struct kiln_cache *cache;

	write_some(fixture->cache, 1);
	die_loading(fixture, 0, 1, 1);
	cache = open_again(fixture, KILN_CACHE_READ_ONLY, 0);
	assert_int_equal(count_found(cache, 1), 1);
	assert_int_equal(begin(cache, 0, 1).lane, 0);
	assert_false(suspended(cache, 1));
	assert_status(kiln_cache_forgive(cache), KILN_ERR_READ_ONLY);
	kiln_cache_close(&cache);
	assert_int_equal(begin(NULL, 0, 1).lane, 0);
	kiln_cache_note_end(NULL, (struct kiln_cache_note){.lane = 1}, true);
	assert_false(quarantined(NULL, 0) || suspended(NULL, 1));
	assert_status(kiln_cache_forgive(NULL), KILN_OK);
}

static void as_many_notes_as_lanes_and_no_more(void **state)
{
	struct cache_fixture *fixture = *state;
	struct kiln_cache_note notes[KILN_NOTE_LANES];
	struct kiln_cache *cache;

	write_some(fixture->cache, KILN_NOTE_LANES);
	for (unsigned i = 0; i < KILN_NOTE_LANES; i++) {
		notes[i] = begin(fixture->cache, i, 1);
		assert_int_not_equal(notes[i].lane, 0);
	}
	assert_int_equal(begin(fixture->cache, 99, 1).lane, 0);
	kiln_cache_note_end(fixture->cache, begin(fixture->cache, 99, 1), true);
	kiln_cache_note_end(fixture->cache, notes[5], true);
	assert_int_equal(begin(fixture->cache, 99, 1).lane, notes[5].lane);
	die_loading(fixture, 0, KILN_NOTE_LANES, 1);
	cache = open_at_now(fixture);
	assert_int_equal(kiln_cache_counters(cache).set_aside, KILN_NOTE_LANES);
	assert_int_equal(count_found(cache, KILN_NOTE_LANES), 0);
	kiln_cache_close(&cache);
}

static void more_caches_than_slots_work_without_notes(void **state)
{
	struct cache_fixture *fixture = *state;
	struct kiln_cache *caches[KILN_NOTE_SLOTS] = {NULL};
	unsigned noting = 0;

	/* The fixture's own has the first slot. */
	for (unsigned i = 0; i < KILN_NOTE_SLOTS; i++) {
		caches[i] = open_at_now(fixture);
		noting += begin(caches[i], i, 1).lane != 0;
	}
	assert_int_equal(noting, KILN_NOTE_SLOTS - 1);
	assert_status(write_text(caches[KILN_NOTE_SLOTS - 1], 1, 64, 1, "x"), KILN_OK);
	assert_status(read_text(caches[KILN_NOTE_SLOTS - 1], 1, 64, 1, "x"), KILN_OK);
	for (unsigned i = 0; i < KILN_NOTE_SLOTS; i++)
		kiln_cache_close(&caches[i]);
	caches[0] = open_at_now(fixture);
	assert_int_not_equal(begin(caches[0], 1, 1).lane, 0);
	kiln_cache_close(&caches[0]);
}

static void quarantine_is_bounded(void **state)
{
	struct cache_fixture *fixture = *state;
	unsigned kept = 0;

	die_loading_96(fixture);
	kiln_cache_close(&fixture->cache);
	fixture->cache = open_at_now(fixture);
	for (unsigned i = 0; i < 96; i++)
		kept += quarantined(fixture->cache, i);
	assert_int_equal(kept, 64);
	assert_status(kiln_cache_forgive(fixture->cache), KILN_OK);
	for (unsigned i = 0; i < 96; i++)
		assert_false(quarantined(fixture->cache, i));
}

/* ---- Strikes ---- */

/* One crash and the start after it. */
static void crash_and_restart(struct cache_fixture *fixture, unsigned program)
{
	die_loading(fixture, program, 1, 1);
	kiln_cache_close(&fixture->cache);
	fixture->cache = open_at_now(fixture);
}

static void three_different_entries_suspend_the_device_and_no_other(void **state)
{
	struct cache_fixture *fixture = *state;

	write_some(fixture->cache, 4);
	assert_status(write_text(fixture->cache, 1, 64, 2, "other"), KILN_OK);
	crash_and_restart(fixture, 0);
	crash_and_restart(fixture, 1);
	assert_false(suspended(fixture->cache, 1));
	assert_int_equal(count_found(fixture->cache, 4), 2);
	crash_and_restart(fixture, 2);
	assert_true(suspended(fixture->cache, 1));
	assert_int_equal(count_found(fixture->cache, 4), 0);
	assert_status(write_text(fixture->cache, 3, 64, 1, "new"), KILN_OK);
	assert_int_equal(kiln_cache_counters(fixture->cache).write_skips, 1);
	assert_false(suspended(fixture->cache, 2));
	assert_status(read_text(fixture->cache, 1, 64, 2, "other"), KILN_OK);
}

static void suspension_holds_for_a_day(void **state)
{
	struct cache_fixture *fixture = *state;
	int64_t start = wall_now;

	write_some(fixture->cache, 4);
	for (unsigned i = 0; i < 3; i++)
		crash_and_restart(fixture, i);
	wall_now = start + DAY - 1;
	assert_true(suspended(fixture->cache, 1));
	wall_now = start + DAY;
	assert_false(suspended(fixture->cache, 1));
	assert_int_equal(count_found(fixture->cache, 4), 1);
	/* A clock that was set back does not make it last longer. */
	wall_now = start - 1;
	assert_false(suspended(fixture->cache, 1));
	/* Afterwards it counts from the beginning. */
	wall_now = start + DAY;
	crash_and_restart(fixture, 3);
	assert_false(suspended(fixture->cache, 1));
	wall_now = start;
}

static void suspended_cache_gives_no_lease(void **state)
{
	struct cache_fixture *fixture = *state;
	struct kiln_pipeline_identity identity = sample_identity(1, 64, 1);
	struct kiln_cache_lease lease;

	for (unsigned i = 0; i < 3; i++)
		crash_and_restart(fixture, i);
	assert_status(kiln_cache_lease_begin(fixture->cache, &identity, 0, &lease), KILN_OK);
	assert_false(lease.held);
}

static void the_same_entry_again_and_again_does_not_suspend(void **state)
{
	struct cache_fixture *fixture = *state;

	for (unsigned i = 0; i < 6; i++) {
		assert_status(write_text(fixture->cache, i % 2, 64, 1, "payload"), KILN_OK);
		crash_and_restart(fixture, i % 2);
		assert_true(quarantined(fixture->cache, i % 2));
	}
	assert_false(suspended(fixture->cache, 1));
}

static void successful_load_forgets_earlier_crashes(void **state)
{
	struct cache_fixture *fixture = *state;

	crash_and_restart(fixture, 0);
	crash_and_restart(fixture, 1);
	load_well(fixture->cache, 5, 1);
	crash_and_restart(fixture, 2);
	crash_and_restart(fixture, 3);
	assert_false(suspended(fixture->cache, 1));
	/* On another device it says nothing; nor does a blob the driver refused. */
	load_well(fixture->cache, 5, 2);
	kiln_cache_note_end(fixture->cache, begin(fixture->cache, 5, 1), false);
	crash_and_restart(fixture, 4);
	assert_true(suspended(fixture->cache, 1));
}

/* Ctrl-C in the middle of a start of many: all of it compiles again, and that is all. */
static void many_deaths_at_once_are_one_strike(void **state)
{
	struct cache_fixture *fixture = *state;
	pid_t pids[6];

	write_some(fixture->cache, 24);
	for (unsigned i = 0; i < 6; i++)
		pids[i] = start_loading(fixture, 4 * i, 4, 1);
	for (unsigned i = 0; i < 6; i++)
		end_loading(pids[i]);
	kiln_cache_close(&fixture->cache);
	fixture->cache = open_at_now(fixture);
	assert_int_equal(kiln_cache_counters(fixture->cache).set_aside, 24);
	assert_false(suspended(fixture->cache, 1));
	write_some(fixture->cache, 24);
	assert_int_equal(count_found(fixture->cache, 24), 24);
}

static void forgiving_ends_the_suspension(void **state)
{
	struct cache_fixture *fixture = *state;

	write_some(fixture->cache, 4);
	for (unsigned i = 0; i < 3; i++)
		crash_and_restart(fixture, i);
	assert_true(suspended(fixture->cache, 1));
	assert_status(kiln_cache_forgive(fixture->cache), KILN_OK);
	assert_false(suspended(fixture->cache, 1) || quarantined(fixture->cache, 0));
	assert_int_equal(count_found(fixture->cache, 4), 1);
	crash_and_restart(fixture, 3);
	assert_false(suspended(fixture->cache, 1));
}

static void more_devices_than_records_are_managed(void **state)
{
	struct cache_fixture *fixture = *state;

	for (unsigned device = 0; device < KILN_STRIKE_RECORDS + 4; device++)
		die_loading(fixture, device, 1, device);
	kiln_cache_close(&fixture->cache);
	fixture->cache = open_at_now(fixture);
	for (unsigned device = 0; device < KILN_STRIKE_RECORDS + 4; device++)
		assert_false(suspended(fixture->cache, device));
}

/* ---- Hostile files ---- */

static void save_notes(const struct cache_fixture *fixture, const void *data, size_t bytes)
{
	kiln_cache_close((struct kiln_cache **)&fixture->cache);
	save_file(notes_path(fixture).text, data, bytes);
	assert_int_equal(chmod(notes_path(fixture).text, 0600), 0);
}

static void any_content_of_the_notes_file_is_tolerated(void **state)
{
	struct cache_fixture *fixture = *state;
	unsigned seed = (unsigned)kiln_now_ns();
	uint8_t *data = malloc(KILN_NOTES_BYTES);

	print_message("seed %u\n", seed);
	srand(seed);
	write_some(fixture->cache, 3);
	for (unsigned round = 0; round < 12; round++) {
		for (size_t i = 0; i < KILN_NOTES_BYTES; i++)
			data[i] = round == 0 ? 0xff : round == 1 ? 1 : (uint8_t)(rand() >> 7);
		save_notes(fixture, data, KILN_NOTES_BYTES);
		fixture->cache = open_at_now(fixture);
		assert_int_equal(kiln_cache_counters(fixture->cache).set_aside, 0);
		assert_false(suspended(fixture->cache, 1));
		assert_int_equal(count_found(fixture->cache, 3), 3);
		assert_int_not_equal(begin(fixture->cache, 1, 1).lane, 0);
		load_well(fixture->cache, 2, 1);
	}
	free(data);
}

static void notes_file_of_any_length_is_tolerated(void **state)
{
	struct cache_fixture *fixture = *state;
	static const size_t lengths[] =
		{0, 1, 7, 4095, 4096, 5000, KILN_NOTES_BYTES - 1, KILN_NOTES_BYTES, KILN_NOTES_BYTES + 1};
	uint8_t *data = calloc(1, KILN_NOTES_BYTES + 1);
	struct stat facts;

	for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
		save_notes(fixture, data, lengths[i]);
		fixture->cache = open_at_now(fixture);
		assert_int_not_equal(begin(fixture->cache, 1, 1).lane, 0);
		assert_int_equal(stat(notes_path(fixture).text, &facts), 0);
		assert_true((size_t)facts.st_size >= KILN_NOTES_BYTES);
	}
	free(data);
	/* 10 GiB of nothing: only what is ours is mapped. */
	kiln_cache_close(&fixture->cache);
	assert_int_equal(truncate(notes_path(fixture).text, (off_t)10 << 30), 0);
	fixture->cache = open_at_now(fixture);
	assert_int_not_equal(begin(fixture->cache, 1, 1).lane, 0);
}

static void assert_works_without_notes(struct cache_fixture *fixture)
{
	kiln_cache_close(&fixture->cache);
	fixture->cache = open_at_now(fixture);
	assert_int_equal(begin(fixture->cache, 1, 1).lane, 0);
	assert_false(suspended(fixture->cache, 1) || quarantined(fixture->cache, 1));
	assert_status(write_text(fixture->cache, 1, 64, 1, "payload"), KILN_OK);
	assert_status(read_text(fixture->cache, 1, 64, 1, "payload"), KILN_OK);
	assert_status(kiln_cache_forgive(fixture->cache), KILN_OK);
}

static void odd_notes_file_means_no_notes_and_no_harm(void **state)
{
	struct cache_fixture *fixture = *state;
	struct path path = notes_path(fixture), target;
	uint8_t data[7];

	snprintf(target.text, sizeof target.text, "%s/target", fixture->dir.path);
	save_file(target.text, "keep me", 7);
	assert_int_equal(unlink(path.text), 0);
	assert_int_equal(symlink(target.text, path.text), 0);
	assert_works_without_notes(fixture);
	assert_int_equal(unlink(path.text), 0);
	assert_int_equal(link(target.text, path.text), 0);
	assert_works_without_notes(fixture);
	assert_int_equal(load_file(target.text, data, 7), 7);
	assert_memory_equal(data, "keep me", 7);
	assert_int_equal(unlink(path.text), 0);
	assert_int_equal(mkfifo(path.text, 0600), 0);
	assert_works_without_notes(fixture);
	assert_int_equal(unlink(path.text), 0);
	assert_int_equal(mkdir(path.text, 0700), 0);
	assert_works_without_notes(fixture);
	assert_int_equal(rmdir(path.text), 0);
	if (geteuid() == 0) {
		save_file(path.text, "x", 1);
		assert_int_equal(chown(path.text, OTHER_USER, 0), 0);
		assert_works_without_notes(fixture);
	}
}

static void full_disk_means_no_notes_and_none_of_its_room(void **state)
{
	struct cache_fixture *fixture = *state;
	struct failing_fs failing;
	struct kiln_cache *cache;

	kiln_cache_close(&fixture->cache);
	assert_int_equal(unlink(notes_path(fixture).text), 0);
	failing_fs_init(&failing, &kiln_fs_posix, 4, ENOSPC);
	failing.only = "write";
	cache = open_on(fixture, &failing.fs);
	assert_true(failing.failed);
	assert_false(file_exists(notes_path(fixture).text));
	assert_int_equal(begin(cache, 1, 1).lane, 0);
	kiln_cache_close(&cache);
	assert_int_equal(failing_fs_open_files(&failing), 0);
}

/* Where the entry cannot be put aside it goes, so that nobody crashes on it again. */
static void entry_that_cannot_be_set_aside_is_removed(void **state)
{
	struct cache_fixture *fixture = *state;
	char folder[400];

	snprintf(folder, sizeof folder, "%s/v1/quarantine", fixture->root);
	save_file(folder, "x", 1);
	write_some(fixture->cache, 2);
	crash_and_restart(fixture, 1);
	assert_int_equal(count_found(fixture->cache, 2), 1);
	assert_false(file_exists(path_of(fixture, 1, 64, 1).text));
}

/* A full disk has no room for the folder either. */
static void entry_goes_where_there_is_no_room_for_quarantine(void **state)
{
	struct cache_fixture *fixture = *state;
	struct failing_fs failing;
	struct kiln_cache *cache;

	write_some(fixture->cache, 2);
	die_loading(fixture, 1, 1, 1);
	failing_fs_init(&failing, &kiln_fs_posix, 2, ENOSPC); /* the first makes v1 */
	failing.only = "mkdirat";
	cache = open_on(fixture, &failing.fs);
	assert_true(failing.failed);
	assert_status(read_text(cache, 1, 64, 1, ""), KILN_ERR_NOT_FOUND);
	assert_int_equal(count_found(cache, 2), 1);
	kiln_cache_close(&cache);
}

/* The layer would bring the entry back, so the note waits until there is room for a mark. */
static void note_of_a_layers_entry_stays_until_it_can_be_marked(void **state)
{
	struct cache_fixture *fixture = *state;
	struct kiln_cache_params params = {.root = fixture->root, .mode = KILN_CACHE_READ_WRITE};
	struct failing_fs failing;
	struct path pack;
	struct kiln_cache *cache = NULL;

	snprintf(pack.text, sizeof pack.text, "%s/sample.pack", fixture->dir.path);
	params.packs = pack.text;
	write_some(fixture->cache, 2);
	assert_status(kiln_cache_export(fixture->cache, pack.text, NULL, NULL), KILN_OK);
	die_loading(fixture, 1, 1, 1);
	failing_fs_init(&failing, &kiln_fs_posix, 2, ENOSPC);
	failing.only = "mkdirat";
	assert_status(kiln_cache_open_on(&(struct kiln_cache_host){.fs = &failing.fs}, &params, &cache),
	              KILN_OK);
	assert_true(failing.failed);
	kiln_cache_close(&cache);
	assert_status(kiln_cache_open(&params, &cache), KILN_OK);
	assert_true(quarantined(cache, 1));
	assert_status(read_text(cache, 1, 64, 1, ""), KILN_ERR_NOT_FOUND);
	assert_int_equal(count_found(cache, 2), 1);
	kiln_cache_close(&cache);
}

static void set_aside_entry_does_not_come_back_by_import(void **state)
{
	struct cache_fixture *fixture = *state;
	struct kiln_cache_pack_report report;
	struct path pack;

	snprintf(pack.text, sizeof pack.text, "%s/sample.pack", fixture->dir.path);
	write_some(fixture->cache, 3);
	assert_status(kiln_cache_export(fixture->cache, pack.text, NULL, NULL), KILN_OK);
	crash_and_restart(fixture, 1);
	assert_status(kiln_cache_import(fixture->cache, pack.text, NULL, &report), KILN_OK);
	assert_status(read_text(fixture->cache, 1, 64, 1, ""), KILN_ERR_NOT_FOUND);
	assert_true(quarantined(fixture->cache, 1));
	assert_int_equal(report.present, 2);
	assert_int_equal(report.skipped, 1);
	/* Forgiven, it may. */
	assert_status(kiln_cache_forgive(fixture->cache), KILN_OK);
	assert_status(kiln_cache_import(fixture->cache, pack.text, NULL, &report), KILN_OK);
	assert_int_equal(report.entries, 1);
	assert_int_equal(count_found(fixture->cache, 3), 3);
}

static void notes_others_can_write_are_not_used(void **state)
{
	struct cache_fixture *fixture = *state;
	static const mode_t modes[] = {0620, 0602};

	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(chmod(notes_path(fixture).text, modes[i]), 0);
		assert_works_without_notes(fixture);
	}
	assert_int_equal(chmod(notes_path(fixture).text, 0600), 0);
	kiln_cache_close(&fixture->cache);
	fixture->cache = open_at_now(fixture);
	assert_int_not_equal(begin(fixture->cache, 1, 1).lane, 0);
}

/* Our disk is full, and meanwhile another process has made a file of its own. */
static ssize_t replaced_write(void *user, int fd, const void *data, size_t bytes)
{
	const char *path = user;

	(void)fd, (void)data, (void)bytes;
	unlink(path);
	save_file(path, "another's", 9);
	errno = ENOSPC;
	return -1;
}

static void notes_of_another_process_are_not_removed(void **state)
{
	struct cache_fixture *fixture = *state;
	struct path path = notes_path(fixture);
	struct kiln_fs fs = kiln_fs_posix;
	struct kiln_cache *cache;

	kiln_cache_close(&fixture->cache);
	assert_int_equal(unlink(path.text), 0);
	fs.write = replaced_write;
	fs.user = path.text;
	cache = open_on(fixture, &fs);
	assert_int_equal(begin(cache, 1, 1).lane, 0);
	assert_true(file_exists(path.text));
	kiln_cache_close(&cache);
}

/* ---- Forks ---- */

/* Has an entry with the driver, forks a child that takes and gives back what it inherited, and stays. */
static void load_and_fork(const struct cache_fixture *fixture, int told)
{
	struct kiln_cache *cache = open_at_now(fixture);
	struct kiln_cache_note note = begin(cache, 1, 1);
	int status;
	pid_t child = fork();

	if (child == 0) {
		bool none = begin(cache, 2, 1).lane == 0;

		kiln_cache_note_end(cache, note, true);
		kiln_cache_close(&cache);
		_exit(none ? 0 : 1);
	}
	if (waitpid(child, &status, 0) != child || write(told, status == 0 ? "y" : "n", 1) != 1)
		_exit(1);
	stay();
}

static void forked_child_leaves_its_parents_notes_alone(void **state)
{
	struct cache_fixture *fixture = *state;
	struct kiln_cache *cache;
	int ends[2];
	char byte = 0;
	pid_t pid;

	write_some(fixture->cache, 3);
	assert_int_equal(pipe(ends), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		load_and_fork(fixture, ends[1]);
	close(ends[1]);
	assert_int_equal(read(ends[0], &byte, 1), 1);
	close(ends[0]);
	end_loading(pid);
	assert_int_equal(byte, 'y');
	cache = open_at_now(fixture);
	assert_int_equal(kiln_cache_counters(cache).set_aside, 1);
	assert_true(quarantined(cache, 1));
	assert_int_equal(count_found(cache, 3), 2);
	kiln_cache_close(&cache);
}

/* ---- Failures ---- */

/* Whatever fails while sweeping: the next start, where nothing does, has the entry out of the way. */
static void sweep_survives_every_failing_call(void **state)
{
	struct cache_fixture *fixture = *state;
	bool failed = true;
	unsigned n;

	for (n = 1; failed; n++) {
		const struct kiln_cache_params params = {.root = fixture->root,
		                                         .mode = KILN_CACHE_READ_WRITE};
		struct kiln_cache *cache = NULL;
		struct failing_fs failing;

		assert_status(kiln_cache_forgive(fixture->cache), KILN_OK);
		assert_status(write_text(fixture->cache, 1, 64, 1, "payload"), KILN_OK);
		die_loading(fixture, 1, 1, 1);
		failing_fs_init(&failing, &kiln_fs_posix, n, n % 2 == 0 ? EIO : ENOSPC);
		if (kiln_cache_open_on(&(struct kiln_cache_host){.fs = &failing.fs}, &params, &cache) ==
		    KILN_OK)
			kiln_cache_note_end(cache, begin(cache, 2, 1), true);
		failed = failing.failed;
		failing.fail_at = 0;
		kiln_cache_close(&cache);
		assert_int_equal(failing_fs_open_files(&failing), 0);
		cache = open_at_now(fixture);
		assert_status(read_text(cache, 1, 64, 1, ""), KILN_ERR_NOT_FOUND);
		assert_false(suspended(cache, 1));
		kiln_cache_close(&cache);
	}
	assert_true(n > 12);
}

static void sweep_survives_every_failing_allocation(void **state)
{
	struct cache_fixture *fixture = *state;
	bool failed = true;

	for (unsigned n = 1; failed; n++) {
		const struct kiln_cache_params params = {.root = fixture->root,
		                                         .mode = KILN_CACHE_READ_WRITE};
		struct kiln_cache *cache = NULL;
		enum kiln_status status;

		/* Enough for the folder to be tidied. */
		die_loading_96(fixture);
		failing_alloc_begin(n);
		status = kiln_cache_open(&params, &cache);
		failed = failing_alloc_end();
		assert_true(status == KILN_OK || (failed && status == KILN_ERR_OUT_OF_MEMORY));
		kiln_cache_close(&cache);
		cache = open_at_now(fixture);
		assert_int_equal(count_found(cache, 96), 0);
		assert_status(kiln_cache_forgive(cache), KILN_OK);
		kiln_cache_close(&cache);
	}
}

/* ---- Threads ---- */

struct noter {
	struct kiln_thread thread;
	struct kiln_cache *cache;
	unsigned program, failures;
};

static void *note_a_thousand(void *user)
{
	struct noter *noter = user;

	for (unsigned i = 0; i < 1000; i++) {
		struct kiln_cache_note note = begin(noter->cache, noter->program, 1);

		noter->failures += note.lane == 0;
		kiln_cache_note_end(noter->cache, note, i % 2 == 0);
		noter->failures += suspended(noter->cache, 1);
	}
	return NULL;
}

static void threads_note_at_once(void **state)
{
	struct cache_fixture *fixture = *state;
	struct noter noters[16];
	struct kiln_cache *cache;

	crash_and_restart(fixture, 77);
	for (unsigned i = 0; i < 16; i++) {
		noters[i] = (struct noter){.cache = fixture->cache, .program = i};
		assert_status(kiln_thread_start(&noters[i].thread, note_a_thousand, &noters[i]), KILN_OK);
	}
	for (unsigned i = 0; i < 8; i++) {
		cache = open_at_now(fixture);
		assert_int_equal(kiln_cache_counters(cache).set_aside, 0);
		kiln_cache_close(&cache);
	}
	for (unsigned i = 0; i < 16; i++) {
		kiln_thread_join(&noters[i].thread);
		assert_int_equal(noters[i].failures, 0);
	}
	assert_int_equal(atomic_load(&fixture->cache->notes.lanes), 0);
}

/* ---- The hot path ---- */

static void noting_makes_no_system_call(void **state)
{
#ifdef __linux__
	struct cache_fixture *fixture = *state;
	pid_t pid = fork();
	int ended;

	assert_true(pid >= 0);
	if (pid == 0) {
		struct kiln_cache *cache = open_at_now(fixture);
		struct kiln_pipeline_identity identity = sample_identity(1, 64, 1);

		load_well(cache, 1, 1);
		if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) != 0)
			_exit(77);
		/* From here on any call but read, write and exit kills. */
		for (unsigned i = 0; i < 1000; i++) {
			struct kiln_cache_note note = kiln_cache_note_begin(cache, &identity);

			if (note.lane == 0)
				syscall(SYS_exit, 1);
			kiln_cache_note_end(cache, note, true);
		}
		syscall(SYS_exit, 0);
	}
	assert_int_equal(waitpid(pid, &ended, 0), pid);
	if (WIFEXITED(ended) && WEXITSTATUS(ended) == 77) {
		print_message("skip: the system allows no seccomp\n");
		skip();
	}
	assert_true(WIFEXITED(ended) && WEXITSTATUS(ended) == 0);
#else
	(void)state;
	print_message("skip: needs Linux, which can forbid system calls\n");
	skip();
#endif
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, cache_setup, cache_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(any_content_of_the_notes_file_is_tolerated),
		TEST(as_many_notes_as_lanes_and_no_more),
		TEST(closing_gives_the_slot_back),
		TEST(ended_note_sets_nothing_aside),
		TEST(entry_goes_where_there_is_no_room_for_quarantine),
		TEST(entry_that_cannot_be_set_aside_is_removed),
		TEST(entry_that_is_not_in_the_root_is_marked),
		TEST(entry_that_was_with_the_driver_at_a_death_is_set_aside),
		TEST(entry_written_anew_is_out_of_quarantine),
		TEST(forgiving_ends_the_suspension),
		TEST(forked_child_leaves_its_parents_notes_alone),
		TEST(full_disk_means_no_notes_and_none_of_its_room),
		TEST(many_deaths_at_once_are_one_strike),
		TEST(more_caches_than_slots_work_without_notes),
		TEST(more_devices_than_records_are_managed),
		TEST(note_of_a_layers_entry_stays_until_it_can_be_marked),
		TEST(notes_file_of_any_length_is_tolerated),
		TEST(notes_of_another_process_are_not_removed),
		TEST(notes_of_the_living_are_left_alone),
		TEST(notes_others_can_write_are_not_used),
		TEST(noting_makes_no_system_call),
		TEST(odd_notes_file_means_no_notes_and_no_harm),
		TEST(quarantine_is_bounded),
		TEST(read_only_cache_notes_nothing_and_sets_nothing_aside),
		TEST(set_aside_entry_does_not_come_back_by_import),
		TEST(successful_load_forgets_earlier_crashes),
		TEST(suspended_cache_gives_no_lease),
		TEST(suspension_holds_for_a_day),
		TEST(sweep_survives_every_failing_allocation),
		TEST(sweep_survives_every_failing_call),
		TEST(the_same_entry_again_and_again_does_not_suspend),
		TEST(three_different_entries_suspend_the_device_and_no_other),
		TEST(threads_note_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
