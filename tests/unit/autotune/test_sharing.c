/* Several processes and threads at one file: nobody's records are lost. */
#include "store_test.h"

#include <unistd.h>
#include <time.h>
#include <sys/stat.h>
#include <string.h>
#include <stdio.h>
#include <fcntl.h>
#include <sys/wait.h>

#include <base/thread.h>

#include "failing_alloc.h"

enum { WRITERS = 6, SAVES = 8, PER_SAVE = 2 };

static uint32_t number_of(int writer, int i)
{
	return (uint32_t)(writer * 1000 + i);
}

static void add_records(const char *path, int writer)
{
	struct kiln_store *store = open_store(path);

	for (int i = 0; i < SAVES; i++) {
		for (int j = 0; j < PER_SAVE; j++)
			put(store, number_of(writer, i * PER_SAVE + j), (uint32_t)writer + 1);
		save(store);
	}
	kiln_store_close(&store);
}

static void assert_all_there(const char *path)
{
	struct kiln_store *store = open_store(path);

	assert_status(kiln_store_load(store), KILN_OK);
	assert_int_equal(kiln_store_len(store), WRITERS * SAVES * PER_SAVE);
	for (int writer = 0; writer < WRITERS; writer++) {
		for (int i = 0; i < SAVES * PER_SAVE; i++)
			assert_int_equal(workgroup_of(store, number_of(writer, i)), writer + 1);
	}
	kiln_store_close(&store);
}

static void processes_lose_nothing(void **state)
{
	struct place place;
	pid_t children[WRITERS];

	(void)state;
	place_create(&place);
	for (int writer = 0; writer < WRITERS; writer++) {
		children[writer] = fork();
		assert_true(children[writer] >= 0);
		if (children[writer] == 0) {
			add_records(place.path, writer);
			_exit(0);
		}
	}
	for (int writer = 0; writer < WRITERS; writer++) {
		int result = -1;

		assert_int_equal(waitpid(children[writer], &result, 0), children[writer]);
		assert_int_equal(result, 0);
	}
	assert_all_there(place.path);
	assert_int_equal(temp_dir_count(&place.dir), 2); /* the file and its lock */
	place_remove(&place);
}

struct worker {
	struct kiln_thread thread;
	const char *path;
	struct kiln_store *shared;
	int writer;
};

static void *add_alone(void *user)
{
	struct worker *worker = user;

	add_records(worker->path, worker->writer);
	return NULL;
}

static void *add_shared(void *user)
{
	struct worker *worker = user;
	struct kiln_store *store = worker->shared;

	for (int i = 0; i < SAVES; i++) {
		for (int j = 0; j < PER_SAVE; j++)
			put(store, number_of(worker->writer, i * PER_SAVE + j), (uint32_t)worker->writer + 1);
		assert_status(kiln_store_save_if_dirty(store, NULL), KILN_OK);
		assert_int_equal(workgroup_of(store, number_of(worker->writer, i * PER_SAVE)),
		                 worker->writer + 1);
	}
	return NULL;
}

static void run_threads(const char *path, struct kiln_store *shared, void *(*run)(void *user))
{
	struct worker workers[WRITERS];

	for (int i = 0; i < WRITERS; i++) {
		workers[i] = (struct worker){.path = path, .shared = shared, .writer = i};
		assert_status(kiln_thread_start(&workers[i].thread, run, &workers[i]), KILN_OK);
	}
	for (int i = 0; i < WRITERS; i++)
		kiln_thread_join(&workers[i].thread);
}

static void threads_with_stores_of_their_own_lose_nothing(void **state)
{
	struct place place;

	(void)state;
	place_create(&place);
	run_threads(place.path, NULL, add_alone);
	assert_all_there(place.path);
	place_remove(&place);
}

static void threads_with_one_store_lose_nothing(void **state)
{
	struct kiln_store *store;
	struct place place;

	(void)state;
	place_create(&place);
	store = open_store(place.path);
	run_threads(place.path, store, add_shared);
	assert_false(kiln_store_is_dirty(store));
	kiln_store_close(&store);
	assert_all_there(place.path);
	place_remove(&place);
}

/* Reads strings of records that the main thread keeps replacing and forgetting. */
static void *read_strings(void *user)
{
	struct kiln_store *store = ((struct worker *)user)->shared;

	for (int i = 0; i < 2000; i++) {
		struct kiln_tune_key key = key_of((uint32_t)i % 8);
		struct kiln_tune_record record;

		if (kiln_store_get(store, &key, LLVMPIPE, &record) != KILN_OK)
			continue;
		assert_string_equal(record.adapter, LLVMPIPE);
		assert_int_equal(strlen(record.recorded_at), 10);
	}
	return NULL;
}

static void strings_outlive_other_threads_changes(void **state)
{
	struct worker worker = {0};
	struct place place;

	(void)state;
	place_create(&place);
	worker.shared = open_store(place.path);
	assert_status(kiln_thread_start(&worker.thread, read_strings, &worker), KILN_OK);
	for (uint32_t i = 0; i < 400; i++) {
		struct kiln_tune_record record = record_of(i % 8);
		char date[16];

		snprintf(date, sizeof(date), "2026-%02u-%02u", i % 12 + 1, i % 28 + 1);
		record.recorded_at = date;
		assert_status(kiln_store_put(worker.shared, &record), KILN_OK);
		if (i % 5 == 0)
			assert_status(kiln_store_forget(worker.shared, &record.key, LLVMPIPE, NULL), KILN_OK);
		if (i % 100 == 0)
			save(worker.shared);
	}
	kiln_thread_join(&worker.thread);
	kiln_store_close(&worker.shared);
	place_remove(&place);
}

static void both_stores_end_with_both_records(void **state)
{
	struct kiln_store *a, *b;
	struct place place;

	(void)state;
	place_create(&place);
	a = open_store(place.path);
	b = open_store(place.path);
	assert_int_equal(kiln_store_len(a), 0);
	assert_int_equal(kiln_store_len(b), 0);
	put(a, 1, 10);
	put(b, 2, 20);
	save(a);
	save(b);
	assert_int_equal(workgroup_of(b, 1), 10); /* seen by the save */
	assert_int_equal(workgroup_of(a, 2), 0);
	put(a, 3, 30);
	save(a);
	assert_int_equal(workgroup_of(a, 2), 20);
	kiln_store_close(&a);
	kiln_store_close(&b);
	place_remove(&place);
}

static void ours_wins_for_one_key(void **state)
{
	struct kiln_tune_key key = key_of(2);
	struct kiln_store *a, *b;
	struct place place;

	(void)state;
	place_create(&place);
	a = open_store(place.path);
	put(a, 1, 10);
	put(a, 2, 20);
	save(a);
	b = open_store(place.path);
	put(b, 1, 11);
	assert_status(kiln_store_forget(b, &key, LLVMPIPE, NULL), KILN_OK);
	put(a, 1, 12);
	put(a, 2, 22);
	put(a, 3, 33);
	save(a);
	save(b); /* the later save has the last word on 1 and 2, and none on 3 */
	assert_int_equal(workgroup_of(b, 1), 11);
	assert_int_equal(workgroup_of(b, 2), 0);
	assert_int_equal(workgroup_of(b, 3), 33);
	kiln_store_close(&a);
	kiln_store_close(&b);
	b = open_store(place.path);
	assert_int_equal(kiln_store_len(b), 2);
	assert_int_equal(workgroup_of(b, 1), 11);
	kiln_store_close(&b);
	place_remove(&place);
}

static void clean_records_do_not_come_back(void **state)
{
	struct kiln_tune_key key = key_of(1);
	struct kiln_store *a, *b;
	struct place place;

	(void)state;
	place_create(&place);
	a = open_store(place.path);
	put(a, 1, 10);
	save(a);
	b = open_store(place.path);
	assert_status(kiln_store_forget(b, &key, LLVMPIPE, NULL), KILN_OK);
	save(b);
	put(a, 2, 20);
	save(a); /* a put of last time is not replayed */
	assert_int_equal(workgroup_of(a, 1), 0);
	assert_int_equal(kiln_store_len(a), 1);
	kiln_store_close(&a);
	kiln_store_close(&b);
	place_remove(&place);
}

/* ---- Reading again ---- */

/* Two stores that both read records 1 to 4. */
static void open_two(struct place *place, struct kiln_store **out_a, struct kiln_store **out_b)
{
	place_create(place);
	*out_a = open_store(place->path);
	for (uint32_t i = 1; i <= 4; i++)
		put(*out_a, i, 10 * i);
	save(*out_a);
	*out_b = open_store(place->path);
	assert_int_equal(workgroup_of(*out_b, 1), 10);
}

static void forget(struct kiln_store *store, uint32_t number)
{
	struct kiln_tune_key key = key_of(number);

	assert_status(kiln_store_forget(store, &key, LLVMPIPE, NULL), KILN_OK);
}

static void refresh_sees_what_others_saved_below_what_is_pending(void **state)
{
	struct kiln_store *a, *b;
	struct place place;

	(void)state;
	open_two(&place, &a, &b);
	put(b, 1, 11);
	forget(b, 2);
	put(a, 1, 12);
	put(a, 2, 22);
	put(a, 3, 33);
	forget(a, 4);
	put(a, 5, 55);
	save(a);
	assert_int_equal(workgroup_of(b, 3), 30); /* b has not read since */
	for (int twice = 0; twice < 2; twice++) {
		assert_status(kiln_store_refresh(b), KILN_OK);
		assert_int_equal(workgroup_of(b, 1), 11);
		assert_int_equal(workgroup_of(b, 2), 0);
		assert_int_equal(workgroup_of(b, 3), 33);
		assert_int_equal(workgroup_of(b, 4), 0);
		assert_int_equal(workgroup_of(b, 5), 55);
		assert_int_equal(kiln_store_len(b), 3);
		assert_true(kiln_store_is_dirty(b));
	}
	save(b); /* and what was pending is saved all the same */
	assert_status(kiln_store_refresh(a), KILN_OK);
	assert_int_equal(workgroup_of(a, 1), 11);
	assert_int_equal(workgroup_of(a, 2), 0);
	kiln_store_close(&a);
	kiln_store_close(&b);
	place_remove(&place);
}

/* A record that was forgotten and put again has nothing of the old one's; a refresh in between changes nothing about that. */
static void refresh_keeps_a_record_that_was_put_anew(void **state)
{
	struct kiln_tune_record record = record_of(1), got;
	struct kiln_store *a, *b;
	struct place place;

	(void)state;
	open_two(&place, &a, &b);
	record.bad = "hung 32x1x1";
	assert_status(kiln_store_put(a, &record), KILN_OK);
	save(a);
	assert_status(kiln_store_refresh(b), KILN_OK);
	forget(b, 1);
	put(b, 1, 99);
	assert_status(kiln_store_refresh(b), KILN_OK);
	save(b);
	assert_status(kiln_store_refresh(a), KILN_OK);
	assert_status(kiln_store_get(a, &record.key, LLVMPIPE, &got), KILN_OK);
	assert_int_equal(got.workgroup_size[0], 99);
	assert_null(got.bad);
	kiln_store_close(&a);
	kiln_store_close(&b);
	place_remove(&place);
}

static void refresh_of_a_damaged_file_changes_nothing_until_it_is_mended(void **state)
{
	struct kiln_store *a, *b;
	struct place place;
	char *good;

	(void)state;
	open_two(&place, &a, &b);
	put(b, 1, 11);
	forget(b, 2);
	good = read_text(place.path);
	write_text(place.path, "schema = \n");
	for (int twice = 0; twice < 2; twice++) {
		assert_status(kiln_store_refresh(b), KILN_ERR_TOML_SYNTAX);
		assert_int_equal(workgroup_of(b, 1), 11);
		assert_int_equal(workgroup_of(b, 2), 0);
		assert_int_equal(workgroup_of(b, 3), 30);
		assert_int_equal(kiln_store_len(b), 3);
		assert_true(kiln_store_is_dirty(b));
	}
	write_text(place.path, good);
	assert_status(kiln_store_refresh(b), KILN_OK);
	assert_int_equal(workgroup_of(b, 1), 11);
	assert_int_equal(workgroup_of(b, 4), 40);
	save(b);
	free(good);
	kiln_store_close(&a);
	kiln_store_close(&b);
	place_remove(&place);
}

static void refresh_without_memory_changes_nothing(void **state)
{
	struct kiln_store *a, *b;
	struct place place;
	bool failed = true;

	(void)state;
	open_two(&place, &a, &b);
	put(b, 1, 11);
	put(a, 5, 55);
	save(a);
	for (unsigned n = 1; failed; n++) {
		enum kiln_status status;

		failing_alloc_begin(n);
		status = kiln_store_refresh(b);
		failed = failing_alloc_end();
		assert_status(status, failed ? KILN_ERR_OUT_OF_MEMORY : KILN_OK);
		assert_int_equal(workgroup_of(b, 1), 11);
		assert_int_equal(workgroup_of(b, 2), 20);
		assert_int_equal(workgroup_of(b, 5), failed ? 0 : 55);
		assert_true(kiln_store_is_dirty(b));
	}
	kiln_store_close(&a);
	kiln_store_close(&b);
	place_remove(&place);
}

/* ---- What killed saves left ---- */

static void leave_file(const struct place *place, long pid, const char *suffix, int age_s, char out_path[600])
{
	const struct timespec old[2] = {{.tv_sec = time(NULL) - age_s}, {.tv_sec = time(NULL) - age_s}};

	(void)snprintf(out_path, 600, "%.*s/.tmp.%ld%s", (int)(strrchr(place->path, '/') - place->path),
	               place->path, pid, suffix);
	write_text(out_path, "half a reco");
	assert_int_equal(utimensat(AT_FDCWD, out_path, old, 0), 0);
}

static void leave_temp(const struct place *place, long pid, int age_s, char out_path[600])
{
	leave_file(place, pid, ".7", age_s, out_path);
}

static long dead_process(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	return pid;
}

static void files_of_killed_saves_go_with_the_next_and_others_stay(void **state)
{
	char dead[600], fresh[600], alive[600];
	struct kiln_store *store = NULL;
	struct place place;

	(void)state;
	place_create(&place);
	assert_status(kiln_store_open(place.path, &store), KILN_OK);
	put(store, 1, 10);
	save(store);
	leave_temp(&place, dead_process(), 3600, dead);
	leave_temp(&place, dead_process(), 5, fresh);
	leave_temp(&place, getpid(), 3600, alive);
	put(store, 2, 10);
	save(store);
	assert_int_not_equal(access(dead, F_OK), 0);
	assert_int_equal(access(fresh, F_OK), 0);
	assert_int_equal(access(alive, F_OK), 0);
	kiln_store_close(&store);
	place_remove(&place);
}

/* The store's folder may be anybody's, and such names are nobody's alone. */
static void old_files_that_only_look_like_ours_stay(void **state)
{
	static const char *const suffixes[] = {".notes", ".7.txt", ".7x", ".", "", "-7", ".-7"};
	enum { COUNT = sizeof suffixes / sizeof *suffixes };
	char paths[COUNT][600], huge[600];
	struct kiln_store *store;
	struct place place;

	(void)state;
	place_create(&place);
	store = open_store(place.path);
	for (size_t i = 0; i < COUNT; i++)
		leave_file(&place, dead_process(), suffixes[i], 3600, paths[i]);
	leave_file(&place, 4294967296 + dead_process(), ".7", 3600, huge); /* no number of a process */
	put(store, 1, 10);
	save(store);
	for (size_t i = 0; i < COUNT; i++)
		assert_int_equal(access(paths[i], F_OK), 0);
	assert_int_equal(access(huge, F_OK), 0);
	kiln_store_close(&store);
	place_remove(&place);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_of_killed_saves_go_with_the_next_and_others_stay),
		cmocka_unit_test(old_files_that_only_look_like_ours_stay),
		cmocka_unit_test(refresh_keeps_a_record_that_was_put_anew),
		cmocka_unit_test(refresh_of_a_damaged_file_changes_nothing_until_it_is_mended),
		cmocka_unit_test(refresh_sees_what_others_saved_below_what_is_pending),
		cmocka_unit_test(refresh_without_memory_changes_nothing),
		cmocka_unit_test(both_stores_end_with_both_records),
		cmocka_unit_test(clean_records_do_not_come_back),
		cmocka_unit_test(ours_wins_for_one_key),
		cmocka_unit_test(processes_lose_nothing),
		cmocka_unit_test(strings_outlive_other_threads_changes),
		cmocka_unit_test(threads_with_one_store_lose_nothing),
		cmocka_unit_test(threads_with_stores_of_their_own_lose_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
