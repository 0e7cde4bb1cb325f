#include <base/fs.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A signal without SA_RESTART must not look like a failing disk. */
#define RETRY_INTERRUPTED(result, call) \
	do {                            \
		(result) = (call);      \
	} while ((result) < 0 && errno == EINTR)

static int posix_openat(void *user, int dir, const char *name, int flags, mode_t mode)
{
	int fd;

	(void)user;
	RETRY_INTERRUPTED(fd, openat(dir, name, flags, mode));
	return fd;
}

static int posix_close(void *user, int fd)
{
	(void)user;
	/* Linux has closed the descriptor even when it reports EINTR: never again. */
	return close(fd) == 0 || errno == EINTR ? 0 : -1;
}

static ssize_t posix_read(void *user, int fd, void *data, size_t bytes)
{
	ssize_t result;

	(void)user;
	RETRY_INTERRUPTED(result, read(fd, data, bytes));
	return result;
}

static ssize_t posix_write(void *user, int fd, const void *data, size_t bytes)
{
	(void)user;
	return write(fd, data, bytes);
}

static int posix_fstat(void *user, int fd, struct stat *out)
{
	(void)user;
	return fstat(fd, out);
}

static int posix_fstatat(void *user, int dir, const char *name, struct stat *out)
{
	(void)user;
	return fstatat(dir, name, out, AT_SYMLINK_NOFOLLOW);
}

static int posix_mkdirat(void *user, int dir, const char *name, mode_t mode)
{
	(void)user;
	return mkdirat(dir, name, mode);
}

static int posix_renameat(void *user, int old_dir, const char *old_name, int new_dir, const char *new_name)
{
	(void)user;
	return renameat(old_dir, old_name, new_dir, new_name);
}

static int posix_unlinkat(void *user, int dir, const char *name, int flags)
{
	(void)user;
	return unlinkat(dir, name, flags);
}

static int posix_fsync(void *user, int fd)
{
	int result;

	(void)user;
	RETRY_INTERRUPTED(result, fsync(fd));
	return result;
}

static int posix_fdatasync(void *user, int fd)
{
	int result;

	(void)user;
#ifdef __linux__
	RETRY_INTERRUPTED(result, fdatasync(fd));
#else
	RETRY_INTERRUPTED(result, fsync(fd));
#endif
	return result;
}

static int posix_syncfs(void *user, int fd)
{
	(void)user;
#ifdef __linux__
	return syncfs(fd);
#else
	sync();
	(void)fd;
	return 0;
#endif
}

static int posix_futimens(void *user, int fd, const struct timespec times[2])
{
	(void)user;
	return futimens(fd, times);
}

static int posix_lock(void *user, int fd)
{
	struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	int result;

	(void)user;
#ifdef F_OFD_SETLKW
	RETRY_INTERRUPTED(result, fcntl(fd, F_OFD_SETLKW, &whole));
#else
	RETRY_INTERRUPTED(result, fcntl(fd, F_SETLKW, &whole));
#endif
	return result;
}

static int posix_list(void *user, int dir, bool (*visit)(void *visit_user, const char *name),
                      void *visit_user)
{
	/* Its own open file: a duplicate would share its position with `dir`. */
	int fd = posix_openat(user, dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
	DIR *stream = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *entry;
	int failure;

	if (stream == NULL) {
		failure = errno;
		if (fd >= 0)
			close(fd);
		errno = failure;
		return -1;
	}
	for (;;) {
		errno = 0;
		entry = readdir(stream);
		failure = errno;
		if (entry == NULL)
			break;
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (!visit(visit_user, entry->d_name)) {
			failure = 0;
			break;
		}
	}
	closedir(stream);
	errno = failure;
	return failure == 0 ? 0 : -1;
}

const struct kiln_fs kiln_fs_posix = {
	.openat = posix_openat,
	.close = posix_close,
	.read = posix_read,
	.write = posix_write,
	.fstat = posix_fstat,
	.fstatat = posix_fstatat,
	.mkdirat = posix_mkdirat,
	.renameat = posix_renameat,
	.unlinkat = posix_unlinkat,
	.fsync = posix_fsync,
	.fdatasync = posix_fdatasync,
	.syncfs = posix_syncfs,
	.futimens = posix_futimens,
	.lock = posix_lock,
	.list = posix_list,
};
