/* Atomic replacement, and what is left after every possible failure. */
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <base/alloc.h>
#include <base/error.h>
#include <base/fs.h>

#include "failing_fs.h"
#include "temp_dir.h"

static int make_dir(void **state)
{
	static struct temp_dir dir;

	temp_dir_create(&dir);
	*state = &dir;
	return 0;
}

static int remove_dir(void **state)
{
	temp_dir_remove(*state);
	return 0;
}

static enum kiln_status install(const struct kiln_fs *fs, const struct temp_dir *dir, const char *text,
                                bool durable)
{
	return kiln_fs_install(fs, dir->fd, "entry", text, strlen(text), durable);
}

static void assert_content(const struct temp_dir *dir, const char *expected)
{
	uint8_t *data;
	size_t bytes;

	assert_status(kiln_fs_read_file(&kiln_fs_posix, dir->fd, "entry", 100, &data, &bytes), KILN_OK);
	assert_string_equal((char *)data, expected);
	assert_int_equal(bytes, strlen(expected));
	kiln_free(data);
}

static void installed_file_holds_the_bytes_and_is_private(void **state)
{
	struct temp_dir *dir = *state;
	struct stat facts;

	for (int durable = 0; durable < 2; durable++) {
		assert_status(install(&kiln_fs_posix, dir, "content", durable), KILN_OK);
		assert_content(dir, "content");
		assert_int_equal(fstatat(dir->fd, "entry", &facts, 0), 0);
		assert_int_equal(facts.st_mode & 0777, 0600);
		assert_int_equal(temp_dir_count(dir), 1);
	}
}

static void empty_file_can_be_installed(void **state)
{
	assert_status(kiln_fs_install(&kiln_fs_posix, ((struct temp_dir *)*state)->fd, "entry", NULL, 0,
	                              false),
	              KILN_OK);
	assert_content(*state, "");
}

/* Fails call n for every n: the old file or the new one, no temporary file, no open descriptor, a status. */
static void fail_every_call(struct temp_dir *dir, bool durable, int errnum, enum kiln_status expected)
{
	unsigned n;

	for (n = 1;; n++) {
		struct failing_fs failing;
		enum kiln_status status;

		assert_status(install(&kiln_fs_posix, dir, "old", false), KILN_OK);
		failing_fs_init(&failing, &kiln_fs_posix, n, errnum);
		failing.largest_write = 2; /* several writes */
		status = install(&failing.fs, dir, "newer", durable);
		assert_int_equal(failing_fs_open_files(&failing), 0);
		assert_int_equal(temp_dir_count(dir), 1);
		if (!failing.failed)
			break;
		/* Closing the folder after its sync cannot lose anything. */
		if (status == KILN_OK) {
			assert_string_equal(failing.failed_call, "close");
			assert_content(dir, "newer");
			continue;
		}
		assert_int_equal(status, expected);
		assert_non_null(strstr(kiln_error_message(), "'entry'"));
		assert_non_null(strstr(kiln_error_message(), "Fix: "));
		/* Past the rename only durability can be missing. */
		assert_content(dir, strstr(kiln_error_message(), "durable") != NULL ? "newer" : "old");
	}
	assert_true(n > (durable ? 8 : 6));
	assert_content(dir, "newer");
}

static void any_failing_call_leaves_old_or_new(void **state)
{
	fail_every_call(*state, false, EIO, KILN_ERR_IO);
	fail_every_call(*state, true, EIO, KILN_ERR_IO);
}

static void file_then_folder_are_synced_only_when_durable(void **state)
{
	struct failing_fs counting;

	failing_fs_init(&counting, &kiln_fs_posix, 0, 0);
	counting.only = "fsync";
	assert_status(install(&counting.fs, *state, "old", false), KILN_OK);
	assert_int_equal(counting.calls, 0);
	assert_status(install(&counting.fs, *state, "old", true), KILN_OK);
	assert_int_equal(counting.calls, 2);
	for (unsigned n = 1; n <= 2; n++) {
		failing_fs_init(&counting, &kiln_fs_posix, n, EIO);
		counting.only = "fsync";
		assert_status(install(&counting.fs, *state, "newer", true), KILN_ERR_IO);
		assert_content(*state, n == 1 ? "old" : "newer");
	}
	/* A file system that cannot sync folders is none that failed. */
	failing_fs_init(&counting, &kiln_fs_posix, 2, EINVAL);
	counting.only = "fsync";
	assert_status(install(&counting.fs, *state, "newest", true), KILN_OK);
}

static void full_disk_is_its_own_status(void **state)
{
	fail_every_call(*state, true, ENOSPC, KILN_ERR_NO_SPACE);
	fail_every_call(*state, false, EDQUOT, KILN_ERR_NO_SPACE);
}

static void disk_that_goes_away_leaves_the_old_file(void **state)
{
	struct temp_dir *dir = *state;
	struct failing_fs failing;

	assert_status(install(&kiln_fs_posix, dir, "old", false), KILN_OK);
	failing_fs_init(&failing, &kiln_fs_posix, 2, EIO);
	failing.forever = true;
	assert_status(install(&failing.fs, dir, "newer", true), KILN_ERR_IO);
	assert_int_equal(failing_fs_open_files(&failing), 0);
	assert_content(dir, "old");
}

static void short_and_interrupted_writes_are_continued(void **state)
{
	struct failing_fs failing;

	failing_fs_init(&failing, &kiln_fs_posix, 2, EINTR);
	failing.only = "write";
	failing.largest_write = 1;
	assert_status(install(&failing.fs, *state, "letter by letter", false), KILN_OK);
	assert_true(failing.failed);
	assert_content(*state, "letter by letter");
}

static void name_left_by_a_dead_process_is_stepped_over(void **state)
{
	struct temp_dir *dir = *state;
	char name[64];

	/* Every name the next installs would try. */
	for (unsigned i = 0; i < 2000; i++) {
		int fd;

		if (i % 2 == 0)
			continue;
		snprintf(name, sizeof(name), ".tmp.%ld.%u", (long)getpid(), i);
		fd = openat(dir->fd, name, O_CREAT | O_EXCL | O_WRONLY, 0600);
		assert_true(fd >= 0);
		close(fd);
	}
	for (int i = 0; i < 4; i++)
		assert_status(install(&kiln_fs_posix, dir, "content", false), KILN_OK);
	assert_content(dir, "content");
	assert_int_equal(temp_dir_count(dir), 1001);
}

static void link_in_the_way_is_replaced_not_followed(void **state)
{
	struct temp_dir *dir = *state;
	struct stat facts;

	assert_int_equal(symlinkat("elsewhere", dir->fd, "entry"), 0);
	assert_status(install(&kiln_fs_posix, dir, "content", false), KILN_OK);
	assert_content(dir, "content");
	assert_int_equal(fstatat(dir->fd, "elsewhere", &facts, 0), -1);
}

static void names_with_folders_are_refused(void **state)
{
	struct temp_dir *dir = *state;

	assert_status(kiln_fs_install(&kiln_fs_posix, dir->fd, "a/b", "x", 1, false),
	              KILN_ERR_INVALID_ARGUMENT);
	assert_status(kiln_fs_install(&kiln_fs_posix, dir->fd, "", "x", 1, false), KILN_ERR_INVALID_ARGUMENT);
	assert_int_equal(temp_dir_count(dir), 0);
}

/* Two processes install at once; a reader sees one of the two whole contents every time. */
static void concurrent_readers_see_whole_files(void **state)
{
	static char a[50000];
	static char b[70000];
	struct temp_dir *dir = *state;
	pid_t writers[2];

	memset(a, 'a', sizeof(a));
	memset(b, 'b', sizeof(b));
	assert_status(kiln_fs_install(&kiln_fs_posix, dir->fd, "entry", a, sizeof(a), false), KILN_OK);
	for (int w = 0; w < 2; w++) {
		writers[w] = fork();
		assert_true(writers[w] >= 0);
		if (writers[w] != 0)
			continue;
		for (int i = 0; i < 200; i++) {
			if (kiln_fs_install(&kiln_fs_posix, dir->fd, "entry", w ? b : a,
			                    w ? sizeof(b) : sizeof(a), false) != KILN_OK)
				_exit(1);
		}
		_exit(0);
	}
	for (int i = 0; i < 200; i++) {
		uint8_t *data;
		size_t bytes;

		assert_status(kiln_fs_read_file(&kiln_fs_posix, dir->fd, "entry", 100000, &data, &bytes),
		              KILN_OK);
		assert_int_equal(bytes, data[0] == 'a' ? sizeof(a) : sizeof(b));
		assert_memory_equal(data, data[0] == 'a' ? a : b, bytes);
		kiln_free(data);
	}
	for (int w = 0; w < 2; w++) {
		int result;

		assert_int_equal(waitpid(writers[w], &result, 0), writers[w]);
		assert_int_equal(result, 0);
	}
	assert_int_equal(temp_dir_count(dir), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_dir, remove_dir)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(installed_file_holds_the_bytes_and_is_private),
		TEST(empty_file_can_be_installed),
		TEST(any_failing_call_leaves_old_or_new),
		TEST(file_then_folder_are_synced_only_when_durable),
		TEST(full_disk_is_its_own_status),
		TEST(disk_that_goes_away_leaves_the_old_file),
		TEST(short_and_interrupted_writes_are_continued),
		TEST(name_left_by_a_dead_process_is_stepped_over),
		TEST(link_in_the_way_is_replaced_not_followed),
		TEST(names_with_folders_are_refused),
		TEST(concurrent_readers_see_whole_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
