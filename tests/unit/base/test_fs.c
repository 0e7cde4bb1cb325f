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

#include "failing_alloc.h"
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

static void write_file(const struct temp_dir *dir, const char *name, const char *text)
{
	int fd = openat(dir->fd, name, O_CREAT | O_TRUNC | O_WRONLY, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static enum kiln_status read_back(const struct kiln_fs *fs, const struct temp_dir *dir, const char *name,
                                  size_t max)
{
	uint8_t *data = NULL;
	size_t bytes = 0;
	enum kiln_status status = kiln_fs_read_file(fs, dir->fd, name, max, &data, &bytes);

	if (status == KILN_OK)
		assert_string_equal((char *)data, "hello");
	else
		assert_null(data);
	kiln_free(data);
	return status;
}

static void file_is_read_whole(void **state)
{
	struct failing_fs slow;

	write_file(*state, "f", "hello");
	assert_status(read_back(&kiln_fs_posix, *state, "f", 5), KILN_OK);
	failing_fs_init(&slow, &kiln_fs_posix, 0, 0);
	slow.largest_write = 1;
	assert_status(read_back(&slow.fs, *state, "f", 5), KILN_OK);
}

static void missing_file_sets_no_message(void **state)
{
	kiln_error(KILN_ERR_IO, "before");
	assert_int_equal(read_back(&kiln_fs_posix, *state, "absent", 5), KILN_ERR_NOT_FOUND);
	assert_string_equal(kiln_error_message(), "before");
}

static void file_over_the_bound_is_not_read(void **state)
{
	write_file(*state, "f", "hello");
	assert_int_equal(read_back(&kiln_fs_posix, *state, "f", 4), KILN_ERR_TOO_LARGE);
	assert_non_null(strstr(kiln_error_message(), "5 bytes, expected at most 4"));
}

static void links_folders_and_pipes_are_refused(void **state)
{
	struct temp_dir *dir = *state;

	write_file(dir, "f", "hello");
	assert_int_equal(symlinkat("f", dir->fd, "link"), 0);
	assert_int_equal(mkdirat(dir->fd, "folder", 0700), 0);
	assert_int_equal(mkfifoat(dir->fd, "pipe", 0600), 0);
	assert_int_equal(read_back(&kiln_fs_posix, dir, "link", 5), KILN_ERR_PERMISSION);
	assert_int_equal(read_back(&kiln_fs_posix, dir, "folder", 5), KILN_ERR_PERMISSION);
	assert_int_equal(read_back(&kiln_fs_posix, dir, "pipe", 5), KILN_ERR_PERMISSION);
	assert_int_equal(read_back(&kiln_fs_posix, dir, "f/g", 5), KILN_ERR_NOT_A_DIRECTORY);
}

static int fstat_of_another_user(void *user, int fd, struct stat *out)
{
	int result = kiln_fs_posix.fstat(user, fd, out);

	out->st_uid = geteuid() + 1;
	return result;
}

static void file_of_another_user_is_refused(void **state)
{
	struct kiln_fs fs = kiln_fs_posix;

	fs.fstat = fstat_of_another_user;
	write_file(*state, "f", "hello");
	assert_int_equal(read_back(&fs, *state, "f", 5), KILN_ERR_PERMISSION);
}

static void every_failing_call_of_a_read_is_reported(void **state)
{
	unsigned n;

	write_file(*state, "f", "hello");
	for (n = 1;; n++) {
		struct failing_fs failing;
		enum kiln_status status;

		failing_fs_init(&failing, &kiln_fs_posix, n, EIO);
		status = read_back(&failing.fs, *state, "f", 5);
		assert_int_equal(failing_fs_open_files(&failing), 0);
		if (!failing.failed)
			break;
		/* What was read is read, whatever close says. */
		assert_int_equal(status, strcmp(failing.failed_call, "close") == 0 ? KILN_OK : KILN_ERR_IO);
	}
	assert_true(n > 4);
}

static void read_without_memory_is_a_status(void **state)
{
	write_file(*state, "f", "hello");
	failing_alloc_begin(1);
	assert_int_equal(read_back(&kiln_fs_posix, *state, "f", 5), KILN_ERR_OUT_OF_MEMORY);
	assert_true(failing_alloc_end());
}

static void folders_are_made_private_and_only_once(void **state)
{
	struct temp_dir *dir = *state;
	struct stat facts;
	char path[400];

	snprintf(path, sizeof(path), "%s//a/b/c/", dir->path);
	assert_status(kiln_fs_make_dirs(&kiln_fs_posix, path), KILN_OK);
	assert_status(kiln_fs_make_dirs(&kiln_fs_posix, path), KILN_OK);
	assert_int_equal(fstatat(dir->fd, "a/b", &facts, 0), 0);
	assert_int_equal(facts.st_mode & 0777, 0700);
	assert_int_equal(fstatat(dir->fd, "a/b/c", &facts, 0), 0);
	assert_int_equal(facts.st_mode & 0777, 0700);
}

static void relative_folders_are_made_below_the_present_one(void **state)
{
	struct temp_dir *dir = *state;
	int back = open(".", O_RDONLY | O_DIRECTORY);
	struct stat facts;

	assert_true(back >= 0);
	assert_int_equal(fchdir(dir->fd), 0);
	assert_status(kiln_fs_make_dirs(&kiln_fs_posix, "x/y"), KILN_OK);
	assert_int_equal(fchdir(back), 0);
	close(back);
	assert_int_equal(fstatat(dir->fd, "x/y", &facts, 0), 0);
}

static void file_where_a_folder_should_be_is_named(void **state)
{
	struct temp_dir *dir = *state;
	char path[400];

	write_file(dir, "file", "x");
	snprintf(path, sizeof(path), "%s/file", dir->path);
	assert_int_equal(kiln_fs_make_dirs(&kiln_fs_posix, path), KILN_ERR_NOT_A_DIRECTORY);
	assert_non_null(strstr(kiln_error_message(), path));
	snprintf(path, sizeof(path), "%s/file/deeper", dir->path);
	assert_int_equal(kiln_fs_make_dirs(&kiln_fs_posix, path), KILN_ERR_NOT_A_DIRECTORY);
	assert_int_equal(kiln_fs_make_dirs(&kiln_fs_posix, ""), KILN_ERR_INVALID_ARGUMENT);
}

static void every_failing_call_of_make_dirs_is_survived(void **state)
{
	struct temp_dir *dir = *state;
	char path[400];
	unsigned failures = 0;

	for (unsigned n = 1;; n++) {
		struct failing_fs failing;
		enum kiln_status status;

		snprintf(path, sizeof(path), "%s/%u/b", dir->path, n);
		failing_fs_init(&failing, &kiln_fs_posix, n, EROFS);
		status = kiln_fs_make_dirs(&failing.fs, path);
		assert_int_equal(failing_fs_open_files(&failing), 0);
		if (!failing.failed)
			break;
		failures += status != KILN_OK;
		if (status != KILN_OK)
			assert_int_equal(status, KILN_ERR_READ_ONLY);
	}
	assert_true(failures >= 3);
	failing_alloc_begin(1);
	snprintf(path, sizeof(path), "%s/last", dir->path);
	assert_int_equal(kiln_fs_make_dirs(&kiln_fs_posix, path), KILN_ERR_OUT_OF_MEMORY);
	assert_true(failing_alloc_end());
}

static void look_follows_no_link_on_the_way(void **state)
{
	struct temp_dir *dir = *state;
	struct stat facts;

	assert_int_equal(mkdirat(dir->fd, "real", 0700), 0);
	assert_int_equal(mkdirat(dir->fd, "real/f", 0700), 0);
	assert_int_equal(symlinkat("real", dir->fd, "link"), 0);
	assert_int_equal(kiln_fs_posix.fstatat(NULL, dir->fd, "real/f", &facts), 0);
	assert_int_equal(kiln_fs_posix.fstatat(NULL, dir->fd, "link/f", &facts), -1);
	assert_int_not_equal(errno, ENOENT);
	assert_int_equal(kiln_fs_posix.fstatat(NULL, dir->fd, "real/none", &facts), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(kiln_fs_posix.fstatat(NULL, dir->fd, "link", &facts), 0);
	assert_true(S_ISLNK(facts.st_mode));
}

static void folder_link_is_followed_only_when_asked(void **state)
{
	struct temp_dir *dir = *state;
	int fd;

	assert_int_equal(mkdirat(dir->fd, "real", 0700), 0);
	assert_int_equal(symlinkat("real", dir->fd, "link"), 0);
	fd = kiln_fs_open_dir(&kiln_fs_posix, dir->fd, "link", false);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(kiln_fs_open_dir(&kiln_fs_posix, dir->fd, "link", true), -1);
	fd = kiln_fs_open_dir(&kiln_fs_posix, dir->fd, "real", true);
	assert_true(fd >= 0);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	close(fd);
}

static bool count_name(void *user, const char *name)
{
	assert_string_not_equal(name, ".");
	assert_string_not_equal(name, "..");
	++*(unsigned *)user;
	return true;
}

static bool stop_at_first(void *user, const char *name)
{
	(void)name;
	++*(unsigned *)user;
	return false;
}

static void listing_names_everything_each_time(void **state)
{
	struct temp_dir *dir = *state;
	unsigned count;

	write_file(dir, "a", "x");
	write_file(dir, ".b", "x");
	for (int i = 0; i < 2; i++) {
		count = 0;
		assert_int_equal(kiln_fs_posix.list(NULL, dir->fd, count_name, &count), 0);
		assert_int_equal(count, 2);
	}
	count = 0;
	assert_int_equal(kiln_fs_posix.list(NULL, dir->fd, stop_at_first, &count), 0);
	assert_int_equal(count, 1);
	assert_int_equal(kiln_fs_posix.list(NULL, -1, count_name, &count), -1);
}

static void lock_is_exclusive_and_ends_with_close(void **state)
{
	struct temp_dir *dir = *state;
	int fd;
	int go[2];
	char byte = 0;
	pid_t child;

	write_file(dir, "lock", "");
	fd = openat(dir->fd, "lock", O_RDWR | O_CLOEXEC);
	assert_int_equal(kiln_fs_posix.lock(NULL, fd), 0);
	assert_int_equal(pipe(go), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		int other;

		/* An open-file lock is inherited: only its own open file competes. */
		close(fd);
		other = openat(dir->fd, "lock", O_RDWR);
		if (kiln_fs_posix.lock(NULL, other) != 0 || write(go[1], "x", 1) != 1)
			_exit(1);
		_exit(0);
	}
	/* Not proof, but a lock that does not exclude shows up here nearly always. */
	usleep(20000);
	assert_int_equal(fcntl(go[0], F_SETFL, O_NONBLOCK), 0);
	assert_int_equal(read(go[0], &byte, 1), -1);
	close(fd);
	assert_int_equal(fcntl(go[0], F_SETFL, 0), 0);
	close(go[1]);
	assert_int_equal(read(go[0], &byte, 1), 1);
	close(go[0]);
	assert_int_equal(waitpid(child, NULL, 0), child);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_dir, remove_dir)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(file_is_read_whole),
		TEST(look_follows_no_link_on_the_way),
		TEST(missing_file_sets_no_message),
		TEST(file_over_the_bound_is_not_read),
		TEST(links_folders_and_pipes_are_refused),
		TEST(file_of_another_user_is_refused),
		TEST(every_failing_call_of_a_read_is_reported),
		TEST(read_without_memory_is_a_status),
		TEST(folders_are_made_private_and_only_once),
		TEST(relative_folders_are_made_below_the_present_one),
		TEST(file_where_a_folder_should_be_is_named),
		TEST(every_failing_call_of_make_dirs_is_survived),
		TEST(folder_link_is_followed_only_when_asked),
		TEST(listing_names_everything_each_time),
		TEST(lock_is_exclusive_and_ends_with_close),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
