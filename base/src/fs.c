#include <base/fs.h>

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <base/alloc.h>
#include <base/error.h>

#define TEMP_NAME_BYTES 48
#define TEMP_ATTEMPTS 100

int kiln_fs_open_dir(const struct kiln_fs *fs, int dir, const char *path, bool nofollow)
{
	int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC | (nofollow ? O_NOFOLLOW : 0);

	return fs->openat(fs->user, dir, path, flags, 0);
}

/* Closes without disturbing the errno that is about to be reported. */
static void close_quietly(const struct kiln_fs *fs, int fd)
{
	int kept = errno;

	fs->close(fs->user, fd);
	errno = kept;
}

static bool is_dir(const struct kiln_fs *fs, const char *path)
{
	int fd = kiln_fs_open_dir(fs, AT_FDCWD, path, false);

	if (fd < 0)
		return false;
	close_quietly(fs, fd);
	return true;
}

static int make_dir(const struct kiln_fs *fs, const char *path)
{
	int result = fs->mkdirat(fs->user, AT_FDCWD, path, 0700);

	/* Another process may win the race for the same folder. */
	return result == 0 || errno == EEXIST ? 0 : -1;
}

/* Makes every folder of `path`, which is cut short and mended in place. */
static int make_each_dir(const struct kiln_fs *fs, char *path)
{
	for (char *at = path + 1; *at != '\0'; at++) {
		int result;

		if (*at != '/' || at[-1] == '/')
			continue;
		*at = '\0';
		result = make_dir(fs, path);
		*at = '/';
		if (result != 0)
			return -1;
	}
	if (make_dir(fs, path) != 0)
		return -1;
	/* "Exists" was good enough so far, even for a file. */
	return is_dir(fs, path) ? 0 : -1;
}

enum kiln_status kiln_fs_make_dirs(const struct kiln_fs *fs, const char *path)
{
	enum kiln_status status = KILN_OK;
	char *copy;

	if (path[0] == '\0')
		return kiln_error(KILN_ERR_INVALID_ARGUMENT,
		                  "cannot create a folder without a name. Fix: give a path");
	if (is_dir(fs, path))
		return KILN_OK;
	copy = kiln_strdup(path);
	if (copy == NULL)
		return kiln_error_errno(ENOMEM, "cannot create folder '%s'", path);
	if (make_each_dir(fs, copy) != 0)
		status = kiln_error_errno(errno, "cannot create folder '%s'", path);
	kiln_free(copy);
	return status;
}

static enum kiln_status check_file(const struct stat *facts, const char *name, size_t max_bytes)
{
	if (!S_ISREG(facts->st_mode))
		return kiln_error(
			KILN_ERR_PERMISSION,
			"'%s' is not a regular file. Fix: move it away; Kiln reads regular files only", name);
	if (facts->st_uid != geteuid())
		return kiln_error(
			KILN_ERR_PERMISSION,
			"'%s' belongs to user %ld, expected user %ld. Fix: change its owner, or use a path "
			"of your own",
			name, (long)facts->st_uid, (long)geteuid());
	if (facts->st_size < 0 || (uintmax_t)facts->st_size > max_bytes)
		return kiln_error(KILN_ERR_TOO_LARGE,
		                  "'%s' has %jd bytes, expected at most %zu. Fix: remove or shrink it", name,
		                  (intmax_t)facts->st_size, max_bytes);
	return KILN_OK;
}

/* Up to `bytes`; fewer when the file ends first. -1 with errno. */
static ssize_t read_up_to(const struct kiln_fs *fs, int fd, uint8_t *data, size_t bytes)
{
	size_t done = 0;

	while (done < bytes) {
		ssize_t got = fs->read(fs->user, fd, data + done, bytes - done);

		if (got < 0)
			return -1;
		if (got == 0)
			break;
		done += (size_t)got;
	}
	return (ssize_t)done;
}

static enum kiln_status read_open_file(const struct kiln_fs *fs, int fd, const char *name, size_t max_bytes,
                                       uint8_t **out_data, size_t *out_bytes)
{
	struct stat facts;
	uint8_t *data;
	ssize_t got;

	if (fs->fstat(fs->user, fd, &facts) != 0)
		return kiln_error_errno(errno, "cannot examine file '%s'", name);
	KILN_TRY(check_file(&facts, name, max_bytes));
	data = kiln_alloc((size_t)facts.st_size + 1);
	if (data == NULL)
		return kiln_error_errno(ENOMEM, "cannot read file '%s' of %jd bytes", name,
		                        (intmax_t)facts.st_size);
	got = read_up_to(fs, fd, data, (size_t)facts.st_size);
	if (got < 0) {
		enum kiln_status status = kiln_error_errno(errno, "cannot read file '%s'", name);

		kiln_free(data);
		return status;
	}
	data[got] = '\0';
	*out_data = data;
	*out_bytes = (size_t)got;
	return KILN_OK;
}

enum kiln_status kiln_fs_read_file(const struct kiln_fs *fs, int dir, const char *name, size_t max_bytes,
                                   uint8_t **out_data, size_t *out_bytes)
{
	/* O_NONBLOCK: a FIFO of that name must not hang us. */
	const int flags = O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK;
	int fd = fs->openat(fs->user, dir, name, flags, 0);
	enum kiln_status status;

	if (fd < 0 && errno == ENOENT)
		return KILN_ERR_NOT_FOUND;
	if (fd < 0 && errno == ELOOP)
		return kiln_error(
			KILN_ERR_PERMISSION,
			"'%s' is a symbolic link. Fix: put the file itself there; Kiln follows no links",
			name);
	if (fd < 0)
		return kiln_error_errno(errno, "cannot open file '%s'", name);
	status = read_open_file(fs, fd, name, max_bytes, out_data, out_bytes);
	fs->close(fs->user, fd);
	return status;
}

int kiln_fs_write_all(const struct kiln_fs *fs, int fd, const void *data, size_t bytes)
{
	const uint8_t *at = data;

	while (bytes > 0) {
		ssize_t done = fs->write(fs->user, fd, at, bytes);

		if (done < 0 && errno == EINTR)
			continue;
		if (done == 0)
			errno = ENOSPC;
		if (done <= 0)
			return -1;
		at += done;
		bytes -= (size_t)done;
	}
	return 0;
}

/* A name left by a dead process with our pid is stepped over. Writes the name; -1 with errno. */
static int create_temp(const struct kiln_fs *fs, int dir, char name[TEMP_NAME_BYTES])
{
	static _Atomic unsigned counter;
	int fd = -1;

	for (int i = 0; i < TEMP_ATTEMPTS; i++) {
		snprintf(name, TEMP_NAME_BYTES, ".tmp.%ld.%u", (long)getpid(), atomic_fetch_add(&counter, 1));
		fd = fs->openat(fs->user, dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		                0600);
		if (fd >= 0 || errno != EEXIST)
			break;
	}
	return fd;
}

static int fill_temp(const struct kiln_fs *fs, int fd, const void *data, size_t bytes, bool durable)
{
	if (kiln_fs_write_all(fs, fd, data, bytes) != 0 || (durable && fs->fsync(fs->user, fd) != 0)) {
		close_quietly(fs, fd);
		return -1;
	}
	/* Network file systems report a full disk only here. */
	return fs->close(fs->user, fd);
}

static int sync_dir(const struct kiln_fs *fs, int dir)
{
	int fd = kiln_fs_open_dir(fs, dir, ".", false);
	int result;

	if (fd < 0)
		return -1;
	result = fs->fsync(fs->user, fd);
	/* Some file systems cannot sync a folder and say so: nothing more can be done there. */
	if (result != 0 && errno == EINVAL)
		result = 0;
	close_quietly(fs, fd);
	return result;
}

enum kiln_status kiln_fs_install(const struct kiln_fs *fs, int dir, const char *name, const void *data,
                                 size_t bytes, bool durable)
{
	char temp[TEMP_NAME_BYTES];
	int fd;

	if (name[0] == '\0' || strchr(name, '/') != NULL)
		return kiln_error(
			KILN_ERR_INVALID_ARGUMENT,
			"cannot install '%s': expected a plain file name. Fix: open its folder first", name);
	fd = create_temp(fs, dir, temp);
	if (fd < 0)
		return kiln_error_errno(errno, "cannot create a temporary file for '%s'", name);
	if (fill_temp(fs, fd, data, bytes, durable) != 0 ||
	    fs->renameat(fs->user, dir, temp, dir, name) != 0) {
		enum kiln_status status = kiln_error_errno(errno, "cannot write file '%s'", name);

		fs->unlinkat(fs->user, dir, temp, 0);
		return status;
	}
	if (durable && sync_dir(fs, dir) != 0)
		return kiln_error_errno(errno, "cannot make the folder of '%s' durable", name);
	return KILN_OK;
}
