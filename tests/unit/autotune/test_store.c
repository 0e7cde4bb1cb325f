#include "store_test.h"

#include <sys/stat.h>
#include <time.h>

#include "guard.h"
#include "store.h"

static const char by_hand[] = "schema = 1\n"
			      "\n"
			      "[[record]]\n"
			      "key = \"81000100010000000240632400000000\"\n"
			      "adapter = \"vulkan-llvmpipe-llvm-15.0.6-256-bits\"\n"
			      "workgroup_size = [128, 1, 1]\n"
			      "unroll = 4\n"
			      "tile = [16, 16, 1]\n"
			      "recorded_at = \"2026-05-02\"\n";

static struct kiln_tune_key vector_key(void)
{
	const uint32_t workgroup[3] = {128, 1, 1};

	return kiln_tune_key(0xdeadbeef, 0xfacefeed, workgroup, 1);
}

static void hand_written_store_loads(void **state)
{
	struct kiln_tune_key key = vector_key();
	struct kiln_tune_record record;
	struct kiln_store *store;
	struct place place;
	char adapter[64];

	(void)state;
	place_create(&place);
	write_text(place.path, by_hand);
	store = open_store(place.path);
	kiln_adapter_id("llvmpipe (LLVM 15.0.6, 256 bits)", adapter, sizeof(adapter));
	assert_status(kiln_store_get(store, &key, adapter, &record), KILN_OK);
	assert_int_equal(record.workgroup_size[0], 128);
	assert_int_equal(record.workgroup_size[1], 1);
	assert_int_equal(record.workgroup_size[2], 1);
	assert_int_equal(record.unroll, 4);
	assert_int_equal(record.tile[0], 16);
	assert_int_equal(record.tile[2], 1);
	assert_string_equal(record.recorded_at, "2026-05-02");
	assert_string_equal(record.adapter, adapter);
	assert_null(record.driver);
	assert_status(kiln_store_get(store, &key, "another", &record), KILN_ERR_NOT_FOUND);
	assert_int_equal(kiln_store_len(store), 1);
	assert_false(kiln_store_is_dirty(store));
	kiln_store_close(&store);
	assert_null(store);
	assert_file_is(place.path, by_hand);
	assert_int_equal(temp_dir_count(&place.dir), 1); /* no lock file for reading */
	place_remove(&place);
}

static void assert_loads(const char *text, size_t records)
{
	struct kiln_store *store;
	struct place place;

	place_create(&place);
	write_text(place.path, text);
	store = open_store(place.path);
	assert_status(kiln_store_load(store), KILN_OK);
	assert_int_equal(kiln_store_len(store), records);
	assert_int_equal(kiln_store_is_empty(store), records == 0);
	kiln_store_close(&store);
	place_remove(&place);
}

#define BODY                                                                                        \
	"key = \"81000100010000000240632400000000\"\nadapter = \"a\"\nworkgroup_size = [1, 1, 1]\n" \
	"unroll = 1\ntile = [0, 0, 0]\n"
#define INLINE                                                                                        \
	"{ key = \"81000100010000000240632400000000\", adapter = \"a\", workgroup_size = [1, 1, 1], " \
	"unroll = 1, tile = [0, 0, 0] }"

static void older_and_foreign_shapes_load(void **state)
{
	(void)state;
	assert_loads("", 0);
	assert_loads("# nothing yet\n", 0);
	assert_loads("schema = 0\n", 0);
	assert_loads("schema = 1", 0);
	assert_loads("record = []\n", 0);
	assert_loads("[[record]]\n" BODY, 1);
	assert_loads("schema = 0\n[[record]]\n" BODY, 1);
	assert_loads("[[ \"record\" ]] # quoted\r\n" BODY, 1);
	assert_loads("\xEF\xBB\xBF[[record]]\n" BODY, 1);
	assert_loads("record = [" INLINE "]", 1);
	assert_loads("[[record]]\n" BODY "recorded_at = 2026-05-02\n", 1);
	assert_loads("[[record]]\n" BODY "recorded_at = 2026-05-02T10:00:00Z\n", 1);
	assert_loads("[[record]]\n" BODY "driver = \"Mesa\"\nrounds = 12\n[record.extra]\nx = nan\n[other]\n",
	             1);
	assert_loads("[[record]]\n" BODY "[[record]]\n" BODY, 1);
}

static void missing_file_and_folder_are_an_empty_store(void **state)
{
	struct kiln_store *store;
	struct place place;
	char path[600];

	(void)state;
	place_create(&place);
	snprintf(path, sizeof(path), "%s/no/such/folder/autotune.toml", place.dir.path);
	store = open_store(path);
	assert_status(kiln_store_load(store), KILN_OK);
	assert_true(kiln_store_is_empty(store));
	assert_int_equal(workgroup_of(store, 1), 0);
	kiln_store_close(&store);
	assert_int_equal(temp_dir_count(&place.dir), 0);
	place_remove(&place);
}

static void last_duplicate_wins(void **state)
{
	struct kiln_tune_record record;
	struct kiln_tune_key key = vector_key();
	struct kiln_store *store;
	struct place place;

	(void)state;
	place_create(&place);
	write_text(place.path,
	           "[[record]]\n" BODY "[[record]]\nunroll = 7\nkey = \"81000100010000000240632400000000\"\n"
	           "adapter = \"a\"\nworkgroup_size = [2, 1, 1]\ntile = [0, 0, 0]\n");
	store = open_store(place.path);
	assert_status(kiln_store_get(store, &key, "a", &record), KILN_OK);
	assert_int_equal(record.unroll, 7);
	assert_int_equal(kiln_store_len(store), 1);
	kiln_store_close(&store);
	place_remove(&place);
}

static void put_get_forget(void **state)
{
	struct kiln_store *store;
	struct kiln_tune_key key = key_of(1);
	struct place place;
	bool was_there = true;

	(void)state;
	place_create(&place);
	store = open_store(place.path);
	assert_status(kiln_store_forget(store, &key, LLVMPIPE, &was_there), KILN_OK);
	assert_false(was_there);
	assert_false(kiln_store_is_dirty(store));
	put(store, 1, 64);
	assert_true(kiln_store_is_dirty(store));
	assert_int_equal(workgroup_of(store, 1), 64);
	put(store, 1, 32);
	assert_int_equal(workgroup_of(store, 1), 32);
	assert_int_equal(kiln_store_len(store), 1);
	assert_status(kiln_store_forget(store, &key, "another", &was_there), KILN_OK);
	assert_false(was_there);
	assert_status(kiln_store_forget(store, &key, LLVMPIPE, &was_there), KILN_OK);
	assert_true(was_there);
	assert_int_equal(workgroup_of(store, 1), 0);
	assert_true(kiln_store_is_empty(store));
	kiln_store_close(&store);
	assert_int_equal(temp_dir_count(&place.dir), 0);
	place_remove(&place);
}

static void nothing_dirty_writes_and_creates_nothing(void **state)
{
	struct kiln_store *store;
	struct place place;
	char path[600];
	bool wrote = true;

	(void)state;
	place_create(&place);
	snprintf(path, sizeof(path), "%s/sub/autotune.toml", place.dir.path);
	store = open_store(path);
	assert_status(kiln_store_save_if_dirty(store, &wrote), KILN_OK);
	assert_false(wrote);
	assert_true(kiln_store_is_empty(store));
	assert_status(kiln_store_save_if_dirty(store, NULL), KILN_OK);
	kiln_store_close(&store);
	assert_int_equal(temp_dir_count(&place.dir), 0);
	place_remove(&place);
}

static void saved_file_is_sorted_and_reads_back(void **state)
{
	static const char expected[] =
		"schema = 1\n\n"
		"[[record]]\nkey = \"00000000000000000000000000000001\"\nadapter = \"" NOTICEABLE "\"\n"
		"workgroup_size = [64, 2, 1]\nunroll = 4\ntile = [16, 16, 1]\nrecorded_at = \"2026-05-02\"\n\n"
		"[[record]]\nkey = \"00000000000000000000000000000001\"\nadapter = \"" LLVMPIPE "\"\n"
		"workgroup_size = [8, 2, 1]\nunroll = 4\ntile = [16, 16, 1]\nrecorded_at = \"2026-05-02\"\n"
		"driver = \"Mesa \\\"22\\\"%0A\"\n\n"
		"[[record]]\nkey = \"00000000000000000000000000000100\"\nadapter = \"" LLVMPIPE "\"\n"
		"workgroup_size = [16, 2, 1]\nunroll = 4\ntile = [16, 16, 1]\nrecorded_at = \"2026-05-02\"\n";
	struct kiln_tune_record record = record_of(1);
	struct kiln_store *store;
	struct place place;
	char path[600];

	(void)state;
	place_create(&place);
	snprintf(path, sizeof(path), "%s/new/sub/autotune.toml", place.dir.path);
	store = open_store(path);
	put(store, 256, 16);
	record.workgroup_size[0] = 8;
	record.driver = "Mesa \"22\"\n";
	assert_status(kiln_store_put(store, &record), KILN_OK);
	record = record_of(1);
	record.adapter = NOTICEABLE;
	assert_status(kiln_store_put(store, &record), KILN_OK);
	save(store);
	assert_file_is(path, expected);
	kiln_store_close(&store);
	store = open_store(path);
	assert_int_equal(workgroup_of(store, 256), 16);
	assert_int_equal(workgroup_of(store, 1), 8);
	assert_status(kiln_store_get(store, &record.key, LLVMPIPE, &record), KILN_OK);
	assert_string_equal(record.driver, "Mesa \"22\"%0A");
	/* What was got can be put again and changes nothing. */
	assert_status(kiln_store_put(store, &record), KILN_OK);
	save(store);
	assert_file_is(path, expected);
	kiln_store_close(&store);
	place_remove(&place);
}

static int64_t fixed_second(void *user)
{
	(void)user;
	return 1777680000; /* 2026-05-02 00:00:00 UTC */
}

static void missing_date_becomes_today_and_an_empty_one_none(void **state)
{
	const struct kiln_clock clock = {.wall_s = fixed_second};
	struct kiln_tune_record record = record_of(1);
	struct kiln_store *store;
	struct place place;

	(void)state;
	place_create(&place);
	assert_status(kiln_store_open_on(place.path, &kiln_fs_posix, &clock, &store), KILN_OK);
	record.recorded_at = NULL;
	assert_status(kiln_store_put(store, &record), KILN_OK);
	assert_status(kiln_store_get(store, &record.key, record.adapter, &record), KILN_OK);
	assert_string_equal(record.recorded_at, "2026-05-02");
	/* Nobody knows, and today it was not. */
	record.recorded_at = "";
	assert_status(kiln_store_put(store, &record), KILN_OK);
	assert_status(kiln_store_get(store, &record.key, record.adapter, &record), KILN_OK);
	assert_null(record.recorded_at);
	kiln_store_close(&store);
	place_remove(&place);
}

static void assert_put_refused(struct kiln_store *store, const struct kiln_tune_record *record)
{
	assert_status(kiln_store_put(store, record), KILN_ERR_INVALID_ARGUMENT);
	assert_non_null(strstr(kiln_error_message(), "Fix:"));
	assert_false(kiln_store_is_dirty(store));
}

static void what_could_not_be_read_back_cannot_be_put(void **state)
{
	static char long_text[5000];
	struct kiln_tune_record record;
	struct kiln_store *store;

	(void)state;
	memset(long_text, 'a', sizeof(long_text) - 1);
	store = open_store("/nowhere/autotune.toml");
	assert_put_refused(store, NULL);
#define REFUSE(field, value)                        \
	do {                                        \
		record = record_of(1);              \
		record.field = value;               \
		assert_put_refused(store, &record); \
	} while (0)
	REFUSE(adapter, NULL);
	REFUSE(adapter, "");
	REFUSE(adapter, "a\nb");
	REFUSE(adapter, "\xFF");
	REFUSE(adapter, long_text);
	REFUSE(recorded_at, "2026\n");
	REFUSE(recorded_at, long_text);
	REFUSE(driver, long_text);
	REFUSE(workgroup_size[1], 0);
	REFUSE(workgroup_size[2], 0x80000001);
	REFUSE(unroll, 0);
	REFUSE(unroll, 0x80000001);
	REFUSE(tile[0], 0);
	REFUSE(tile[1], 0x80000001);
#undef REFUSE
	kiln_store_close(&store);
}

static void folders_cannot_be_opened(void **state)
{
	struct kiln_store *store = NULL;

	(void)state;
	assert_status(kiln_store_open("", &store), KILN_ERR_INVALID_ARGUMENT);
	assert_status(kiln_store_open("/tmp/", &store), KILN_ERR_INVALID_ARGUMENT);
	assert_status(kiln_store_open("/tmp/..", &store), KILN_ERR_INVALID_ARGUMENT);
	assert_status(kiln_store_open("x.toml", NULL), KILN_ERR_INVALID_ARGUMENT);
	assert_null(store);
}

static void null_store_is_empty(void **state)
{
	struct kiln_tune_record record = record_of(1);
	struct kiln_store *store = NULL;
	bool flag = true;

	(void)state;
	assert_status(kiln_store_load(NULL), KILN_OK);
	assert_status(kiln_store_get(NULL, &record.key, "a", &record), KILN_ERR_NOT_FOUND);
	assert_status(kiln_store_put(NULL, &record), KILN_OK);
	assert_status(kiln_store_forget(NULL, &record.key, "a", &flag), KILN_OK);
	assert_false(flag);
	flag = true;
	assert_status(kiln_store_save_if_dirty(NULL, &flag), KILN_OK);
	assert_false(flag);
	assert_true(kiln_store_is_empty(NULL));
	assert_false(kiln_store_is_dirty(NULL));
	assert_null(kiln_store_path(NULL));
	kiln_store_close(NULL);
	kiln_store_close(&store);
}

struct seen {
	uint32_t numbers[8];
	size_t count;
	size_t stop_at;
	struct kiln_store *store;
};

static bool see(void *user, const struct kiln_tune_record *record)
{
	struct seen *seen = user;

	seen->numbers[seen->count++] = record->key.bytes[15];
	put(seen->store, 200, 1); /* calling the store from here must not hang */
	return seen->count != seen->stop_at;
}

static void each_goes_in_order_and_stops(void **state)
{
	struct seen seen = {0};
	struct place place;

	(void)state;
	place_create(&place);
	seen.store = open_store(place.path);
	put(seen.store, 3, 1);
	put(seen.store, 1, 1);
	put(seen.store, 2, 1);
	assert_status(kiln_store_each(seen.store, see, &seen), KILN_OK);
	assert_int_equal(seen.count, 3);
	assert_int_equal(seen.numbers[0], 1);
	assert_int_equal(seen.numbers[2], 3);
	seen.count = 0;
	seen.stop_at = 2;
	assert_status(kiln_store_each(seen.store, see, &seen), KILN_OK);
	assert_int_equal(seen.count, 2);
	kiln_store_close(&seen.store);
	place_remove(&place);
}

static void strings_live_until_the_store_closes(void **state)
{
	struct kiln_tune_record record, given = record_of(1);
	struct kiln_tune_key key = key_of(1);
	struct kiln_store *store;
	struct place place;

	(void)state;
	place_create(&place);
	store = open_store(place.path);
	given.driver = "first driver";
	assert_status(kiln_store_put(store, &given), KILN_OK);
	assert_status(kiln_store_get(store, &key, LLVMPIPE, &record), KILN_OK);
	for (uint32_t i = 0; i < 1000; i++)
		put(store, i, 1);
	assert_status(kiln_store_forget(store, &key, LLVMPIPE, NULL), KILN_OK);
	save(store);
	assert_string_equal(record.adapter, LLVMPIPE);
	assert_string_equal(record.driver, "first driver");
	kiln_store_close(&store);
	place_remove(&place);
}

static void own_records_are_found_beside_a_broken_file(void **state)
{
	struct kiln_store *store;
	struct place place;

	(void)state;
	place_create(&place);
	write_text(place.path, "schema = \n");
	store = open_store(place.path);
	put(store, 1, 64);
	assert_int_equal(workgroup_of(store, 1), 64);
	assert_int_equal(kiln_store_len(store), 1);
	assert_status(kiln_store_save_if_dirty(store, NULL), KILN_ERR_TOML_SYNTAX);
	assert_true(kiln_store_is_dirty(store));
	assert_file_is(place.path, "schema = \n");
	/* Someone mends the file: the next save goes through. */
	write_text(place.path, by_hand);
	assert_status(kiln_store_load(store), KILN_ERR_TOML_SYNTAX); /* sticks, so that look-ups stay cheap */
	assert_non_null(strstr(kiln_error_message(), "line 1"));
	save(store);
	assert_int_equal(kiln_store_len(store), 2);
	kiln_store_close(&store);
	place_remove(&place);
}

static void store_never_grows_beyond_what_it_can_read(void **state)
{
	struct kiln_tune_record record = record_of(0);
	struct kiln_store *store;
	struct place place;
	char driver[1001];

	(void)state;
	place_create(&place);
	write_text(place.path, by_hand);
	memset(driver, 'd', 1000);
	driver[1000] = '\0';
	record.driver = driver;
	store = open_store(place.path);
	for (uint32_t i = 0; i < KILN_GUARD_FILE_BYTES / 1000; i++) {
		record.key = key_of(i);
		assert_status(kiln_store_put(store, &record), KILN_OK);
	}
	assert_status(kiln_store_save_if_dirty(store, NULL), KILN_ERR_TOML_HOSTILE);
	assert_true(kiln_store_is_dirty(store));
	assert_file_is(place.path, by_hand);
	kiln_store_close(&store);
	place_remove(&place);
}

static void links_and_folders_in_its_place_are_refused(void **state)
{
	struct kiln_store *store;
	struct place place;
	char path[600];

	(void)state;
	place_create(&place);
	snprintf(path, sizeof(path), "%s/real.toml", place.dir.path);
	write_text(path, by_hand);
	assert_int_equal(symlink(path, place.path), 0);
	store = open_store(place.path);
	assert_status(kiln_store_load(store), KILN_ERR_PERMISSION);
	kiln_store_close(&store);
	assert_int_equal(unlink(place.path), 0);
	assert_int_equal(mkdir(place.path, 0700), 0);
	store = open_store(place.path);
	assert_status(kiln_store_load(store), KILN_ERR_PERMISSION);
	kiln_store_close(&store);
	snprintf(path, sizeof(path), "%s/real.toml/autotune.toml", place.dir.path);
	store = open_store(path);
	assert_status(kiln_store_load(store), KILN_ERR_NOT_A_DIRECTORY);
	put(store, 1, 1);
	assert_status(kiln_store_save_if_dirty(store, NULL), KILN_ERR_NOT_A_DIRECTORY);
	kiln_store_close(&store);
	place_remove(&place);
}

static void look_up_takes_little(void **state)
{
	enum { RECORDS = 10000, ROUNDS = 200000 };
	struct timespec begin, end;
	struct kiln_store *store;
	struct place place;
	double ns;

	(void)state;
	place_create(&place);
	store = open_store(place.path);
	for (uint32_t i = 0; i < RECORDS; i++)
		put(store, i, i + 1);
	save(store);
	kiln_store_close(&store);
	store = open_store(place.path);
	clock_gettime(CLOCK_MONOTONIC, &begin);
	assert_int_equal(kiln_store_len(store), RECORDS);
	clock_gettime(CLOCK_MONOTONIC, &end);
	ns = (double)(end.tv_sec - begin.tv_sec) * 1e9 + (double)(end.tv_nsec - begin.tv_nsec);
	print_message("%d records load in %.1f ms\n", RECORDS, ns / 1e6);
	clock_gettime(CLOCK_MONOTONIC, &begin);
	for (uint32_t i = 0; i < ROUNDS; i++)
		assert_int_equal(workgroup_of(store, i % RECORDS), i % RECORDS + 1);
	clock_gettime(CLOCK_MONOTONIC, &end);
	ns = (double)(end.tv_sec - begin.tv_sec) * 1e9 + (double)(end.tv_nsec - begin.tv_nsec);
	print_message("a look-up takes %.0f ns\n", ns / ROUNDS);
	/* Wide enough for sanitizers and loaded machines; a linear search would be far beyond. */
	assert_true(ns / ROUNDS < 5000);
	kiln_store_close(&store);
	place_remove(&place);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_goes_in_order_and_stops),
		cmocka_unit_test(folders_cannot_be_opened),
		cmocka_unit_test(hand_written_store_loads),
		cmocka_unit_test(last_duplicate_wins),
		cmocka_unit_test(links_and_folders_in_its_place_are_refused),
		cmocka_unit_test(look_up_takes_little),
		cmocka_unit_test(missing_date_becomes_today_and_an_empty_one_none),
		cmocka_unit_test(missing_file_and_folder_are_an_empty_store),
		cmocka_unit_test(nothing_dirty_writes_and_creates_nothing),
		cmocka_unit_test(null_store_is_empty),
		cmocka_unit_test(older_and_foreign_shapes_load),
		cmocka_unit_test(own_records_are_found_beside_a_broken_file),
		cmocka_unit_test(put_get_forget),
		cmocka_unit_test(saved_file_is_sorted_and_reads_back),
		cmocka_unit_test(store_never_grows_beyond_what_it_can_read),
		cmocka_unit_test(strings_live_until_the_store_closes),
		cmocka_unit_test(what_could_not_be_read_back_cannot_be_put),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
