/* A disk or a memory that fails at the n-th request, for every n. */
#include "store_test.h"

#include <errno.h>

#include "failing_alloc.h"
#include "failing_fs.h"
#include "store.h"

static const char old_text[] =
	"schema = 1\n\n"
	"# kept\n"
	"[[record]]\nkey = \"00000000000000000000000000000001\"\nadapter = \"" LLVMPIPE "\"\n"
	"workgroup_size = [10, 2, 1]\nunroll = 4\ntile = [16, 16, 1]\n"
	"recorded_at = \"2026-05-02\"\nunknown = [1, { a = \"b\" }]\n";

static const char new_text[] =
	"schema = 1\n\n"
	"# kept\n"
	"[[record]]\nkey = \"00000000000000000000000000000001\"\nadapter = \"" LLVMPIPE "\"\n"
	"workgroup_size = [10, 2, 1]\nunroll = 4\ntile = [16, 16, 1]\n"
	"recorded_at = \"2026-05-02\"\nunknown = [1, { a = \"b\" }]\n\n"
	"[[record]]\nkey = \"00000000000000000000000000000002\"\nadapter = \"" LLVMPIPE "\"\n"
	"workgroup_size = [20, 2, 1]\nunroll = 4\ntile = [16, 16, 1]\n"
	"recorded_at = \"2026-05-02\"\n";

/* The old text, or the new one when only making it durable failed. */
static void assert_old_or_new(const struct place *place)
{
	char *text = read_text(place->path);

	assert_non_null(text);
	if (strcmp(text, old_text) != 0)
		assert_string_equal(text, new_text);
	free(text);
	assert_false(has_temp_file(place));
}

static void fail_save_at(unsigned n, int errnum, enum kiln_status expected, bool *out_failed)
{
	struct failing_fs failing;
	struct kiln_store *store = NULL;
	struct place place;
	enum kiln_status status;

	place_create(&place);
	write_text(place.path, old_text);
	failing_fs_init(&failing, &kiln_fs_posix, n, errnum);
	assert_status(kiln_store_open_on(place.path, &failing.fs, &kiln_clock_system, &store), KILN_OK);
	put(store, 2, 20);
	status = kiln_store_save_if_dirty(store, NULL);
	assert_int_equal(failing_fs_open_files(&failing), 0);
	*out_failed = failing.failed;
	if (status == KILN_OK) {
		/* Nothing failed, or only a close, or looking for litter, after everything was done. */
		assert_true(!failing.failed || strcmp(failing.failed_call, "close") == 0 ||
		            strcmp(failing.failed_call, "openat") == 0 ||
		            strcmp(failing.failed_call, "list") == 0);
		assert_file_is(place.path, new_text);
	} else {
		assert_int_equal(status, expected);
		assert_non_null(strstr(kiln_error_message(), "Fix:"));
		assert_true(kiln_store_is_dirty(store));
		assert_old_or_new(&place);
		/* The disk is well again. */
		save(store);
		assert_file_is(place.path, new_text);
	}
	kiln_store_close(&store);
	place_remove(&place);
}

static void every_failing_call_leaves_the_file_whole(void **state)
{
	bool failed = true;

	(void)state;
	for (unsigned n = 1; failed; n++)
		fail_save_at(n, EIO, KILN_ERR_IO, &failed);
}

static void a_full_disk_leaves_the_file_whole(void **state)
{
	bool failed = true;

	(void)state;
	for (unsigned n = 1; failed; n++)
		fail_save_at(n, ENOSPC, KILN_ERR_NO_SPACE, &failed);
}

static void a_disk_that_has_gone_leaves_the_file_whole(void **state)
{
	struct failing_fs failing = {.failed = true};

	(void)state;
	for (unsigned n = 1; failing.failed; n++) {
		struct kiln_store *store = NULL;
		struct place place;

		place_create(&place);
		write_text(place.path, old_text);
		failing_fs_init(&failing, &kiln_fs_posix, n, EIO);
		failing.forever = true;
		assert_status(kiln_store_open_on(place.path, &failing.fs, &kiln_clock_system, &store),
		              KILN_OK);
		put(store, 2, 20);
		if (kiln_store_save_if_dirty(store, NULL) != KILN_OK)
			assert_true(kiln_store_is_dirty(store));
		kiln_store_close(&store);
		store = open_store(place.path);
		assert_status(kiln_store_load(store), KILN_OK);
		assert_int_equal(workgroup_of(store, 1), 10);
		kiln_store_close(&store);
		place_remove(&place);
	}
}

static void read_only_and_forbidden_disks_say_so(void **state)
{
	static const struct {
		int errnum;
		enum kiln_status status;
	} cases[] = {
		{EROFS, KILN_ERR_READ_ONLY},
		{EACCES, KILN_ERR_PERMISSION},
		{ENOSPC, KILN_ERR_NO_SPACE},
		{EMFILE, KILN_ERR_IO},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct failing_fs failing;
		struct kiln_store *store = NULL;
		struct place place;
		char path[600];

		place_create(&place);
		snprintf(path, sizeof(path), "%s/a/b/autotune.toml", place.dir.path);
		failing_fs_init(&failing, &kiln_fs_posix, 1, cases[i].errnum);
		failing.only = "mkdirat";
		assert_status(kiln_store_open_on(path, &failing.fs, &kiln_clock_system, &store), KILN_OK);
		put(store, 1, 10);
		assert_status(kiln_store_save_if_dirty(store, NULL), cases[i].status);
		assert_non_null(strstr(kiln_error_message(), path));
		assert_true(kiln_store_is_dirty(store));
		assert_int_equal(temp_dir_count(&place.dir), 0);
		save(store);
		kiln_store_close(&store);
		place_remove(&place);
	}
}

static void a_failing_read_can_be_tried_again(void **state)
{
	struct failing_fs failing;
	struct kiln_store *store = NULL;
	struct place place;

	(void)state;
	place_create(&place);
	write_text(place.path, old_text);
	failing_fs_init(&failing, &kiln_fs_posix, 1, EIO);
	failing.only = "read";
	assert_status(kiln_store_open_on(place.path, &failing.fs, &kiln_clock_system, &store), KILN_OK);
	assert_status(kiln_store_load(store), KILN_ERR_IO);
	assert_int_equal(workgroup_of(store, 1), 10);
	kiln_store_close(&store);
	place_remove(&place);
}

static void short_reads_and_writes_are_put_together(void **state)
{
	struct failing_fs failing;
	struct kiln_store *store = NULL;
	struct place place;

	(void)state;
	place_create(&place);
	write_text(place.path, old_text);
	failing_fs_init(&failing, &kiln_fs_posix, 0, 0);
	failing.largest_write = 7;
	assert_status(kiln_store_open_on(place.path, &failing.fs, &kiln_clock_system, &store), KILN_OK);
	put(store, 2, 20);
	save(store);
	assert_file_is(place.path, new_text);
	kiln_store_close(&store);
	place_remove(&place);
}

/* Everything a store does once; stops at the first failure. */
static enum kiln_status live_once(const char *path, bool *out_dirty)
{
	struct kiln_tune_key key = key_of(1);
	struct kiln_tune_record record = record_of(2);
	struct kiln_store *store = NULL;
	enum kiln_status status;

	*out_dirty = false;
	status = kiln_store_open(path, &store);
	if (status == KILN_OK)
		status = kiln_store_get(store, &key, LLVMPIPE, &record);
	record = record_of(2);
	record.workgroup_size[0] = 20;
	if (status == KILN_OK)
		status = kiln_store_put(store, &record);
	if (status == KILN_OK) {
		status = kiln_store_save_if_dirty(store, NULL);
		*out_dirty = kiln_store_is_dirty(store);
		assert_int_equal(*out_dirty, status != KILN_OK);
	}
	kiln_store_close(&store);
	return status;
}

static void every_failing_allocation_is_an_error(void **state)
{
	struct place place;
	unsigned n = 1;
	bool dirty;

	(void)state;
	place_create(&place);
	for (;; n++) {
		enum kiln_status status;
		bool failed;

		write_text(place.path, old_text);
		failing_alloc_begin(n);
		status = live_once(place.path, &dirty);
		failed = failing_alloc_end();
		if (!failed) {
			assert_int_equal(status, KILN_OK);
			break;
		}
		assert_int_equal(status, KILN_ERR_OUT_OF_MEMORY);
		assert_file_is(place.path, old_text);
		assert_false(has_temp_file(&place));
	}
	assert_true(n > 20);
	assert_file_is(place.path, new_text);
	place_remove(&place);
}

/* ---- operator new, replaced under its linkage name so that this stays C ---- */

#ifdef __has_feature
#if __has_feature(thread_sanitizer)
#define __SANITIZE_THREAD__ 1
#endif
#endif

/* The thread sanitizer brings its own and does not share. */
#ifndef __SANITIZE_THREAD__

void *_Znwm(size_t bytes);
void _ZdlPv(void *memory);
void _ZdlPvm(void *memory, size_t bytes);
_Noreturn void _ZSt17__throw_bad_allocv(void);

static unsigned news, failing_new;

void *_Znwm(size_t bytes)
{
	void *memory = ++news == failing_new ? NULL : malloc(bytes != 0 ? bytes : 1);

	if (memory == NULL)
		_ZSt17__throw_bad_allocv();
	return memory;
}

void _ZdlPv(void *memory)
{
	free(memory);
}

void _ZdlPvm(void *memory, size_t bytes)
{
	(void)bytes;
	free(memory);
}

static void every_failing_new_is_an_error(void **state)
{
	struct place place;
	unsigned n = 1;
	bool dirty;

	(void)state;
	place_create(&place);
	for (;; n++) {
		enum kiln_status status;

		write_text(place.path, old_text);
		news = 0;
		failing_new = n;
		status = live_once(place.path, &dirty);
		failing_new = 0;
		if (news < n) {
			assert_int_equal(status, KILN_OK);
			break;
		}
		assert_int_equal(status, KILN_ERR_OUT_OF_MEMORY);
		assert_file_is(place.path, old_text);
	}
	assert_true(n > 20);
	/* The paths of errors too. */
	for (n = 1;; n++) {
		struct kiln_store *store = open_store(place.path);
		enum kiln_status status;

		write_text(place.path,
		           "a = [1, { b = \"a text that is too long for a small string\" }, nope]\n");
		news = 0;
		failing_new = n;
		status = kiln_store_load(store);
		failing_new = 0;
		kiln_store_close(&store);
		if (news < n) {
			assert_int_equal(status, KILN_ERR_TOML_SYNTAX);
			break;
		}
		assert_int_equal(status, KILN_ERR_OUT_OF_MEMORY);
	}
	assert_true(n > 5);
	place_remove(&place);
}

#else
static void every_failing_new_is_an_error(void **state)
{
	(void)state;
	print_message("skip: this sanitizer has an operator new of its own\n");
	skip();
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_disk_that_has_gone_leaves_the_file_whole),
		cmocka_unit_test(a_failing_read_can_be_tried_again),
		cmocka_unit_test(a_full_disk_leaves_the_file_whole),
		cmocka_unit_test(every_failing_allocation_is_an_error),
		cmocka_unit_test(every_failing_call_leaves_the_file_whole),
		cmocka_unit_test(every_failing_new_is_an_error),
		cmocka_unit_test(read_only_and_forbidden_disks_say_so),
		cmocka_unit_test(short_reads_and_writes_are_put_together),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
