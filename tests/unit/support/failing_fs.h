/* A file system whose n-th call fails, over a real one. Typical use:
 *
 *	for (unsigned n = 1;; n++) {
 *		struct failing_fs failing;
 *		failing_fs_init(&failing, &kiln_fs_posix, n, EIO);
 *		status = work(&failing.fs);
 *		assert_int_equal(failing_fs_open_files(&failing), 0);
 *		if (!failing.failed)
 *			break;   // fewer than n calls: every one has failed once
 *		... what must hold after a failure ...
 *	}
 */
#ifndef TESTS_FAILING_FS_H
#define TESTS_FAILING_FS_H

#include <stdatomic.h>
#include <stdbool.h>

#include <base/fs.h>

struct failing_fs {
	struct kiln_fs fs; /* hand this out */
	const struct kiln_fs *inner;
	unsigned fail_at;     /* which call fails, from 1; 0 = none */
	int errnum;           /* with this errno */
	bool forever;         /* every call from then on fails too: a disk that has gone */
	const char *only;     /* count only calls of this name, such as "fsync"; NULL = all */
	size_t largest_write; /* cut writes and reads to so many bytes; 0 = as they are */
	_Atomic unsigned calls;
	_Atomic bool failed;               /* a failure was injected */
	_Atomic(const char *) failed_call; /* its name */
	_Atomic int open_files;
};

void failing_fs_init(struct failing_fs *failing, const struct kiln_fs *inner, unsigned fail_at, int errnum);

/* Files opened through it and not closed: 0 at the end, or something leaks. */
int failing_fs_open_files(const struct failing_fs *failing);

#endif
