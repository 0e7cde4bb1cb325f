#include "failing_fs.h"

#include <errno.h>
#include <string.h>

static bool fails(struct failing_fs *failing, const char *call)
{
	unsigned now;

	if (failing->only != NULL && strcmp(failing->only, call) != 0)
		return false;
	now = atomic_fetch_add(&failing->calls, 1) + 1;
	if (failing->fail_at == 0 || now < failing->fail_at || (now > failing->fail_at && !failing->forever))
		return false;
	if (!atomic_exchange(&failing->failed, true))
		failing->failed_call = call;
	errno = failing->errnum;
	return true;
}

static size_t cut(const struct failing_fs *failing, size_t bytes)
{
	return failing->largest_write != 0 && bytes > failing->largest_write ? failing->largest_write : bytes;
}

static int failing_openat(void *user, int dir, const char *name, int flags, mode_t mode)
{
	struct failing_fs *failing = user;
	int fd = -1;

	if (!fails(failing, "openat"))
		fd = failing->inner->openat(failing->inner->user, dir, name, flags, mode);
	if (fd >= 0)
		atomic_fetch_add(&failing->open_files, 1);
	return fd;
}

static int failing_close(void *user, int fd)
{
	struct failing_fs *failing = user;
	bool fail = fails(failing, "close");
	int result;

	/* As on Linux, the descriptor is gone either way. */
	atomic_fetch_sub(&failing->open_files, 1);
	result = failing->inner->close(failing->inner->user, fd);
	if (fail)
		errno = failing->errnum;
	return fail ? -1 : result;
}

static ssize_t failing_read(void *user, int fd, void *data, size_t bytes)
{
	struct failing_fs *failing = user;

	if (fails(failing, "read"))
		return -1;
	return failing->inner->read(failing->inner->user, fd, data, cut(failing, bytes));
}

static ssize_t failing_pread(void *user, int fd, void *data, size_t bytes, uint64_t offset)
{
	struct failing_fs *failing = user;

	if (fails(failing, "pread"))
		return -1;
	return failing->inner->pread(failing->inner->user, fd, data, cut(failing, bytes), offset);
}

static ssize_t failing_write(void *user, int fd, const void *data, size_t bytes)
{
	struct failing_fs *failing = user;

	if (fails(failing, "write"))
		return -1;
	return failing->inner->write(failing->inner->user, fd, data, cut(failing, bytes));
}

static ssize_t failing_pwrite(void *user, int fd, const void *data, size_t bytes, uint64_t offset)
{
	struct failing_fs *failing = user;

	if (fails(failing, "pwrite"))
		return -1;
	return failing->inner->pwrite(failing->inner->user, fd, data, cut(failing, bytes), offset);
}

static int failing_fstat(void *user, int fd, struct stat *out)
{
	struct failing_fs *failing = user;

	return fails(failing, "fstat") ? -1 : failing->inner->fstat(failing->inner->user, fd, out);
}

static int failing_fstatat(void *user, int dir, const char *name, struct stat *out)
{
	struct failing_fs *failing = user;

	return fails(failing, "fstatat") ? -1 : failing->inner->fstatat(failing->inner->user, dir, name, out);
}

static int failing_mkdirat(void *user, int dir, const char *name, mode_t mode)
{
	struct failing_fs *failing = user;

	return fails(failing, "mkdirat") ? -1
	                                 : failing->inner->mkdirat(failing->inner->user, dir, name, mode);
}

static int failing_renameat(void *user, int old_dir, const char *old_name, int new_dir, const char *new_name)
{
	struct failing_fs *failing = user;

	if (fails(failing, "renameat"))
		return -1;
	return failing->inner->renameat(failing->inner->user, old_dir, old_name, new_dir, new_name);
}

static int failing_unlinkat(void *user, int dir, const char *name, int flags)
{
	struct failing_fs *failing = user;

	return fails(failing, "unlinkat") ? -1
	                                  : failing->inner->unlinkat(failing->inner->user, dir, name, flags);
}

static int failing_fsync(void *user, int fd)
{
	struct failing_fs *failing = user;

	return fails(failing, "fsync") ? -1 : failing->inner->fsync(failing->inner->user, fd);
}

static int failing_fdatasync(void *user, int fd)
{
	struct failing_fs *failing = user;

	return fails(failing, "fdatasync") ? -1 : failing->inner->fdatasync(failing->inner->user, fd);
}

static int failing_syncfs(void *user, int fd)
{
	struct failing_fs *failing = user;

	return fails(failing, "syncfs") ? -1 : failing->inner->syncfs(failing->inner->user, fd);
}

static int failing_futimens(void *user, int fd, const struct timespec times[2])
{
	struct failing_fs *failing = user;

	return fails(failing, "futimens") ? -1 : failing->inner->futimens(failing->inner->user, fd, times);
}

static int failing_lock(void *user, int fd)
{
	struct failing_fs *failing = user;

	return fails(failing, "lock") ? -1 : failing->inner->lock(failing->inner->user, fd);
}

static int failing_try_lock(void *user, int fd, uint64_t offset, uint64_t bytes)
{
	struct failing_fs *failing = user;

	return fails(failing, "try_lock") ? -1
	                                  : failing->inner->try_lock(failing->inner->user, fd, offset, bytes);
}

static int failing_unlock(void *user, int fd, uint64_t offset, uint64_t bytes)
{
	struct failing_fs *failing = user;

	return fails(failing, "unlock") ? -1 : failing->inner->unlock(failing->inner->user, fd, offset, bytes);
}

static int failing_is_locked(void *user, int fd, uint64_t offset, uint64_t bytes)
{
	struct failing_fs *failing = user;

	return fails(failing, "is_locked")
	               ? -1
	               : failing->inner->is_locked(failing->inner->user, fd, offset, bytes);
}

static void *failing_map(void *user, int fd, size_t bytes)
{
	struct failing_fs *failing = user;

	return fails(failing, "map") ? NULL : failing->inner->map(failing->inner->user, fd, bytes);
}

/* Cannot fail on what was mapped: not counted. */
static int failing_unmap(void *user, void *memory, size_t bytes)
{
	struct failing_fs *failing = user;

	return failing->inner->unmap(failing->inner->user, memory, bytes);
}

static int failing_list(void *user, int dir, bool (*visit)(void *visit_user, const char *name),
                        void *visit_user)
{
	struct failing_fs *failing = user;

	return fails(failing, "list") ? -1
	                              : failing->inner->list(failing->inner->user, dir, visit, visit_user);
}

void failing_fs_init(struct failing_fs *failing, const struct kiln_fs *inner, unsigned fail_at, int errnum)
{
	*failing = (struct failing_fs){
		.errnum = errnum,
		.fail_at = fail_at,
		.inner = inner,
		.fs =
			{
				.openat = failing_openat,
				.close = failing_close,
				.read = failing_read,
				.pread = failing_pread,
				.write = failing_write,
				.pwrite = failing_pwrite,
				.fstat = failing_fstat,
				.fstatat = failing_fstatat,
				.mkdirat = failing_mkdirat,
				.renameat = failing_renameat,
				.unlinkat = failing_unlinkat,
				.fsync = failing_fsync,
				.fdatasync = failing_fdatasync,
				.syncfs = failing_syncfs,
				.futimens = failing_futimens,
				.lock = failing_lock,
				.try_lock = failing_try_lock,
				.unlock = failing_unlock,
				.is_locked = failing_is_locked,
				.map = failing_map,
				.unmap = failing_unmap,
				.list = failing_list,
				.user = failing,
			},
	};
}

int failing_fs_open_files(const struct failing_fs *failing)
{
	return failing->open_files;
}
