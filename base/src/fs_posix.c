#include <base/fs.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#ifdef __linux__
#include <linux/openat2.h>
#include <sys/syscall.h>
#endif

/* A signal without SA_RESTART must not look like a failing disk. */
#define RETRY_INTERRUPTED(result, call) \
	do {                            \
		(result) = (call);      \
	} while ((result) < 0 && errno == EINTR)

/* ---- No links on the way ---- */

/* Whether a link could be followed before the last component. Paths from the user may have such links. */
static bool has_way(int dir, const char *path)
{
	return dir != AT_FDCWD && path[0] != '/' && strchr(path, '/') != NULL;
}

static void close_quietly(int fd)
{
	int kept = errno;

	close(fd);
	errno = kept;
}

/* Opens the folder a path with '/' ends in, component by component. *out_name points into `path`. */
static int open_way(int dir, const char *path, const char **out_name)
{
	char component[256];
	const char *slash;
	int at = dir;

	while ((slash = strchr(path, '/')) != NULL) {
		size_t bytes = (size_t)(slash - path);
		int next = -1;

		if (bytes < sizeof component) {
			memcpy(component, path, bytes);
			component[bytes] = '\0';
			RETRY_INTERRUPTED(next, openat(at, component, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
		} else {
			errno = ENAMETOOLONG;
		}
		if (at != dir)
			close_quietly(at);
		if (next < 0)
			return -1;
		at = next;
		path = slash + 1;
	}
	*out_name = path;
	return at;
}

/* One system call where the system has it: this is how entries are read. Returns -1 with ENOSYS elsewhere. */
static int open_without_links(int dir, const char *path, int flags, mode_t mode)
{
#ifdef SYS_openat2
	static _Atomic bool missing;
	struct open_how how = {.flags = (uint64_t)flags,
	                       .mode = (flags & O_CREAT) != 0 ? mode : 0,
	                       .resolve = RESOLVE_NO_SYMLINKS};
	int fd;

	if (!atomic_load_explicit(&missing, memory_order_relaxed)) {
		RETRY_INTERRUPTED(fd, (int)syscall(SYS_openat2, dir, path, &how, sizeof how));
		/* EPERM: a sandbox that does not know the call. */
		if (fd >= 0 || (errno != ENOSYS && errno != EPERM))
			return fd;
		atomic_store_explicit(&missing, true, memory_order_relaxed);
	}
#else
	(void)dir, (void)path, (void)flags, (void)mode;
#endif
	errno = ENOSYS;
	return -1;
}

static int posix_openat(void *user, int dir, const char *path, int flags, mode_t mode)
{
	const char *name = path;
	int at = dir, fd;

	(void)user;
	if ((flags & O_NOFOLLOW) != 0 && has_way(dir, path)) {
		fd = open_without_links(dir, path, flags, mode);
		if (fd >= 0 || errno != ENOSYS)
			return fd;
		at = open_way(dir, path, &name);
		if (at < 0)
			return -1;
	}
	RETRY_INTERRUPTED(fd, openat(at, name, flags, mode));
	if (at != dir)
		close_quietly(at);
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

static ssize_t posix_pread(void *user, int fd, void *data, size_t bytes, uint64_t offset)
{
	ssize_t result;

	(void)user;
	if (offset > INT64_MAX) {
		errno = EOVERFLOW;
		return -1;
	}
	RETRY_INTERRUPTED(result, pread(fd, data, bytes, (off_t)offset));
	return result;
}

static ssize_t posix_write(void *user, int fd, const void *data, size_t bytes)
{
	(void)user;
	return write(fd, data, bytes);
}

static ssize_t posix_pwrite(void *user, int fd, const void *data, size_t bytes, uint64_t offset)
{
	ssize_t result;

	(void)user;
	if (offset > INT64_MAX) {
		errno = EFBIG;
		return -1;
	}
	RETRY_INTERRUPTED(result, pwrite(fd, data, bytes, (off_t)offset));
	return result;
}

static int posix_fstat(void *user, int fd, struct stat *out)
{
	(void)user;
	return fstat(fd, out);
}

static int posix_fstatat(void *user, int dir, const char *path, struct stat *out)
{
	int at = dir, result;

	(void)user;
	if (has_way(dir, path) && (at = open_way(dir, path, &path)) < 0)
		return -1;
	result = fstatat(at, path, out, AT_SYMLINK_NOFOLLOW);
	if (at != dir)
		close_quietly(at);
	return result;
}

static int posix_mkdirat(void *user, int dir, const char *path, mode_t mode)
{
	int at = dir, result;

	(void)user;
	if (has_way(dir, path) && (at = open_way(dir, path, &path)) < 0)
		return -1;
	result = mkdirat(at, path, mode);
	if (at != dir)
		close_quietly(at);
	return result;
}

static int posix_renameat(void *user, int old_dir, const char *old_path, int new_dir, const char *new_path)
{
	int from = old_dir, to = new_dir, result = -1;

	(void)user;
	if (has_way(old_dir, old_path) && (from = open_way(old_dir, old_path, &old_path)) < 0)
		return -1;
	if (!has_way(new_dir, new_path) || (to = open_way(new_dir, new_path, &new_path)) >= 0)
		result = renameat(from, old_path, to, new_path);
	if (to != new_dir && to >= 0)
		close_quietly(to);
	if (from != old_dir)
		close_quietly(from);
	return result;
}

static int posix_unlinkat(void *user, int dir, const char *path, int flags)
{
	int at = dir, result;

	(void)user;
	if (has_way(dir, path) && (at = open_way(dir, path, &path)) < 0)
		return -1;
	result = unlinkat(at, path, flags);
	if (at != dir)
		close_quietly(at);
	return result;
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

static int lock_range(int fd, short type, uint64_t offset, uint64_t bytes)
{
#ifdef F_OFD_SETLK
	struct flock range = {
		.l_type = type, .l_whence = SEEK_SET, .l_start = (off_t)offset, .l_len = (off_t)bytes};
	int result;

	RETRY_INTERRUPTED(result, fcntl(fd, F_OFD_SETLK, &range));
	return result;
#else
	/* A lock of the process would exclude no thread, and any close would drop it. */
	(void)fd, (void)type, (void)offset, (void)bytes;
	errno = ENOTSUP;
	return -1;
#endif
}

static int posix_try_lock(void *user, int fd, uint64_t offset, uint64_t bytes)
{
	(void)user;
	return lock_range(fd, F_WRLCK, offset, bytes);
}

static int posix_unlock(void *user, int fd, uint64_t offset, uint64_t bytes)
{
	(void)user;
	return lock_range(fd, F_UNLCK, offset, bytes);
}

static int posix_is_locked(void *user, int fd, uint64_t offset, uint64_t bytes)
{
#ifdef F_OFD_GETLK
	struct flock range = {
		.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = (off_t)offset, .l_len = (off_t)bytes};

	(void)user;
	if (fcntl(fd, F_OFD_GETLK, &range) != 0)
		return -1;
	return range.l_type != F_UNLCK;
#else
	(void)user, (void)fd, (void)offset, (void)bytes;
	errno = ENOTSUP;
	return -1;
#endif
}

static void *posix_map(void *user, int fd, size_t bytes)
{
	void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	(void)user;
	return memory != MAP_FAILED ? memory : NULL;
}

static int posix_unmap(void *user, void *memory, size_t bytes)
{
	(void)user;
	return munmap(memory, bytes);
}

static bool is_self_or_parent(const char *name)
{
	return name[0] == '.' && (name[1] == '\0' || (name[1] == '.' && name[2] == '\0'));
}

#ifdef SYS_getdents64
/* Without readdir() and its heap buffer: the evidence of a miss is one listing of some hundred names, and has a
 * bound to keep. */
static int list_open(int fd, bool (*visit)(void *visit_user, const char *name), void *visit_user)
{
	alignas(struct dirent64) char names[32 << 10];
	const struct dirent64 *entry;
	long bytes;

	while ((bytes = syscall(SYS_getdents64, fd, names, sizeof names)) > 0) {
		for (long at = 0; at < bytes; at += entry->d_reclen) {
			entry = (const struct dirent64 *)(const void *)(names + at);
			if (!is_self_or_parent(entry->d_name) && !visit(visit_user, entry->d_name))
				return 0;
		}
	}
	return bytes < 0 ? -1 : 0;
}
#else
static int list_open(int fd, bool (*visit)(void *visit_user, const char *name), void *visit_user)
{
	int own = dup(fd), failure;
	DIR *stream = own >= 0 ? fdopendir(own) : NULL;
	struct dirent *entry;

	if (stream == NULL) {
		if (own >= 0)
			close_quietly(own);
		return -1;
	}
	do {
		errno = 0;
		entry = readdir(stream);
		failure = errno;
	} while (entry != NULL &&
	         (is_self_or_parent(entry->d_name) || visit(visit_user, entry->d_name)));
	closedir(stream);
	errno = entry == NULL ? failure : 0;
	return errno == 0 ? 0 : -1;
}
#endif

static int posix_list(void *user, int dir, bool (*visit)(void *visit_user, const char *name),
                      void *visit_user)
{
	/* Its own open file: a duplicate would share its position with `dir`. */
	int fd = posix_openat(user, dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0), result;

	if (fd < 0)
		return -1;
	result = list_open(fd, visit, visit_user);
	close_quietly(fd);
	return result;
}

const struct kiln_fs kiln_fs_posix = {
	.openat = posix_openat,
	.close = posix_close,
	.read = posix_read,
	.pread = posix_pread,
	.write = posix_write,
	.pwrite = posix_pwrite,
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
	.try_lock = posix_try_lock,
	.unlock = posix_unlock,
	.is_locked = posix_is_locked,
	.map = posix_map,
	.unmap = posix_unmap,
	.list = posix_list,
};
