/* The file-system seam: the system calls Kiln makes, as a table that tests replace to fail the n-th
 * call, and the few compound operations every tier needs, written once on top of it.
 * All calls return -1 with errno, as POSIX does. */
#ifndef BASE_FS_H
#define BASE_FS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include <kiln/status.h>

/* Names below an open folder may have several components; no link is followed on the way to the last, nor at the last
 * by openat with O_NOFOLLOW, which alone makes openat so careful. */
struct kiln_fs {
	int (*openat)(void *user, int dir, const char *name, int flags, mode_t mode);
	int (*close)(void *user, int fd);
	ssize_t (*read)(void *user, int fd, void *data, size_t bytes);
	ssize_t (*pread)(void *user, int fd, void *data, size_t bytes, uint64_t offset);
	ssize_t (*write)(void *user, int fd, const void *data, size_t bytes);
	ssize_t (*pwrite)(void *user, int fd, const void *data, size_t bytes, uint64_t offset);
	int (*fstat)(void *user, int fd, struct stat *out);
	int (*fstatat)(void *user, int dir, const char *name, struct stat *out); /* never follows a link */
	int (*mkdirat)(void *user, int dir, const char *name, mode_t mode);
	int (*renameat)(void *user, int old_dir, const char *old_name, int new_dir, const char *new_name);
	int (*unlinkat)(void *user, int dir, const char *name, int flags);
	int (*fsync)(void *user, int fd);
	int (*fdatasync)(void *user, int fd);
	int (*syncfs)(void *user, int fd);
	int (*futimens)(void *user, int fd, const struct timespec times[2]);
	/* Whole-file exclusive lock (open-file-description lock), waiting; released by close. */
	int (*lock)(void *user, int fd);
	/* Exclusive lock on a range, by the same kind of lock, not waiting: EAGAIN or EACCES when another open
	 * file holds part of it. Ends with unlock, or when the last descriptor of the open file closes. */
	int (*try_lock)(void *user, int fd, uint64_t offset, uint64_t bytes);
	int (*unlock)(void *user, int fd, uint64_t offset, uint64_t bytes);
	/* Whether try_lock would fail because of another open file: 1, 0, or -1 with errno. */
	int (*is_locked)(void *user, int fd, uint64_t offset, uint64_t bytes);
	/* Maps the file's first bytes, shared and writable; NULL with errno. The caller knows the file's size. */
	void *(*map)(void *user, int fd, size_t bytes);
	int (*unmap)(void *user, void *memory, size_t bytes);
	/* Calls `visit` for every name but "." and ".."; stops when it returns false. Does not close `dir`. */
	int (*list)(void *user, int dir, bool (*visit)(void *visit_user, const char *name),
	            void *visit_user);
	void *user;
};

extern const struct kiln_fs kiln_fs_posix;

/* Opens a directory for use as an *at() base: O_DIRECTORY|O_CLOEXEC. With `nofollow`, the last component
 * must not be a link. -1 with errno. */
int kiln_fs_open_dir(const struct kiln_fs *fs, int dir, const char *path, bool nofollow);

/* mkdir -p with mode 0700 for what is new. Sets the message on failure. */
enum kiln_status kiln_fs_make_dirs(const struct kiln_fs *fs, const char *path);

/* Reads a whole regular file of at most `max_bytes`, O_NOFOLLOW, own uid only. A NUL follows the
 * bytes, uncounted, so that text can be parsed in place.
 * KILN_OK, NOT_FOUND (no message is set), TOO_LARGE, PERMISSION (link, other owner, not regular), IO,
 * OUT_OF_MEMORY and the other statuses of errno.
 * Ownership: *out_data is kiln_free()d by the caller. */
enum kiln_status kiln_fs_read_file(const struct kiln_fs *fs, int dir, const char *name, size_t max_bytes,
                                   uint8_t **out_data, size_t *out_bytes);

/* Writes all bytes, restarting after EINTR and short writes. -1 with errno. */
int kiln_fs_write_all(const struct kiln_fs *fs, int fd, const void *data, size_t bytes);

/* Atomic replacement: temp file ".tmp.<pid>.<counter>" in the same directory, created exclusively with mode
 * 0600, write, optional fsync of the file, rename, optional fsync of the directory. A failure leaves the old
 * file and no temp file; only when that last fsync fails does the new file stand already. `name` is a plain
 * name, without '/'. Sets the message on failure. */
enum kiln_status kiln_fs_install(const struct kiln_fs *fs, int dir, const char *name, const void *data,
                                 size_t bytes, bool durable);

#endif
