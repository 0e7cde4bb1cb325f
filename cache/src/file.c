/* One entry file: read whole, and removed only if it still is the one that was read. */
#include <cache/store.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <base/alloc.h>
#include <base/error.h>
#include <cache/gone.h>

static enum kiln_status open_file(const struct kiln_cache *cache, const char *path, int *out_fd)
{
	/* Not to hang on a FIFO; regular files do not care. */
	const int flags = O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK;

	if (cache->root_fd < 0)
		return kiln_error(KILN_ERR_NOT_FOUND, "the cache '%s' does not exist yet", cache->root);
	*out_fd = cache->fs->openat(cache->fs->user, cache->root_fd, path, flags, 0);
	if (*out_fd >= 0)
		return KILN_OK;
	if (errno == ENOENT)
		return kiln_error(KILN_ERR_NOT_FOUND, "the cache '%s' has no entry '%s'", cache->root, path);
	if (errno == ELOOP)
		return kiln_error(KILN_ERR_PERMISSION,
		                  "'%s/%s' is, or lies behind, a symbolic link; expected a regular file. "
		                  "Fix: remove the link",
		                  cache->root, path);
	return kiln_error_errno(errno, "cannot open '%s/%s'", cache->root, path);
}

static enum kiln_status check_facts(const struct kiln_cache *cache, const char *path,
                                    const struct stat *facts)
{
	bool ours = facts->st_uid == geteuid() || (cache->read_only && facts->st_uid == 0);

	if (!S_ISREG(facts->st_mode) || !ours)
		return kiln_error(KILN_ERR_PERMISSION,
		                  "'%s/%s' is not a regular file of our own (owner %ld). Fix: remove it",
		                  cache->root, path, (long)facts->st_uid);
	/* Our own, but anybody may have filled it. */
	if ((facts->st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return kiln_error(KILN_ERR_PERMISSION,
		                  "others can write '%s/%s' (mode %04o); expected only its owner to. "
		                  "Fix: remove it",
		                  cache->root, path, (unsigned)(facts->st_mode & 07777));
	if ((uint64_t)facts->st_size > cache->max_entry_bytes + KILN_ENTRY_OVERHEAD_MAX)
		return kiln_error(KILN_ERR_TOO_LARGE,
		                  "'%s/%s' has %lld bytes; expected a payload of at most %llu. "
		                  "Fix: raise max_entry_bytes",
		                  cache->root, path, (long long)facts->st_size,
		                  (unsigned long long)cache->max_entry_bytes);
	return KILN_OK;
}

static enum kiln_status read_all(const struct kiln_cache *cache, const char *path, struct kiln_file *file)
{
	size_t wanted = (size_t)file->facts.st_size;

	file->data = kiln_alloc(wanted > 0 ? wanted : 1);
	if (file->data == NULL)
		return kiln_error(KILN_ERR_OUT_OF_MEMORY,
		                  "no memory to read '%s/%s' (%zu bytes). Fix: free some", cache->root, path,
		                  wanted);
	while (file->bytes < wanted) {
		ssize_t got = cache->fs->read(cache->fs->user, file->fd, file->data + file->bytes,
		                              wanted - file->bytes);

		if (got < 0)
			return kiln_error_errno(errno, "cannot read '%s/%s'", cache->root, path);
		if (got == 0)
			return KILN_ERR_DAMAGED;
		file->bytes += (size_t)got;
	}
	return KILN_OK;
}

enum kiln_status kiln_file_load(const struct kiln_cache *cache, const char *path, struct kiln_file *out_file)
{
	struct kiln_file file = {.fd = -1};
	enum kiln_status status = open_file(cache, path, &file.fd);

	if (status == KILN_OK && cache->fs->fstat(cache->fs->user, file.fd, &file.facts) != 0)
		status = kiln_error_errno(errno, "cannot look at '%s/%s'", cache->root, path);
	if (status == KILN_OK)
		status = check_facts(cache, path, &file.facts);
	if (status == KILN_OK)
		status = read_all(cache, path, &file);
	if (status != KILN_OK && status != KILN_ERR_DAMAGED)
		kiln_file_finish(cache, &file);
	*out_file = file;
	return status;
}

void kiln_file_finish(const struct kiln_cache *cache, struct kiln_file *file)
{
	if (file->fd >= 0)
		cache->fs->close(cache->fs->user, file->fd);
	kiln_free(file->data);
	file->fd = -1;
	file->data = NULL;
	file->bytes = 0;
}

enum sameness { SAME, OTHER, UNKNOWN };

/* What lies at `path`: the file we hold open, another one or none, or we cannot tell. */
static enum sameness compare(const struct kiln_cache *cache, const char *path, const struct kiln_file *file)
{
	struct stat facts;

	if (cache->fs->fstatat(cache->fs->user, cache->root_fd, path, &facts) != 0)
		return errno == ENOENT ? OTHER : UNKNOWN;
	return facts.st_dev == file->facts.st_dev && facts.st_ino == file->facts.st_ino ? SAME : OTHER;
}

/* Between a look and an unlink another process may rename a good entry into place, and the unlink would take
 * that one. So the name is taken away first, by rename; what came along is looked at; and if it was not the
 * file we meant it goes back. Meanwhile readers miss, at worst; an entry is lost only if we die in between,
 * and the name it then has marks it for gc. The open descriptor keeps the inode number from being given to
 * another file. */
bool kiln_file_remove(const struct kiln_cache *cache, const char *dir, const char *path,
                      const struct kiln_file *file)
{
	static _Atomic unsigned counter;
	const struct kiln_fs *fs = cache->fs;
	char aside[64];

	switch (compare(cache, path, file)) {
	case SAME:
		break;
	case OTHER:
		return true;
	default:
		return false;
	}
	snprintf(aside, sizeof aside, "%s/.tmp.%ld.bad%u", dir, (long)getpid(),
	         atomic_fetch_add(&counter, 1));
	if (fs->renameat(fs->user, cache->root_fd, path, cache->root_fd, aside) != 0)
		return false;
	if (compare(cache, aside, file) == SAME) {
		if (fs->unlinkat(fs->user, cache->root_fd, aside, 0) != 0)
			return false;
		kiln_gone_note(cache, path + strlen(dir) + 1, KILN_CACHE_DAMAGED);
		return true;
	}
	return fs->renameat(fs->user, cache->root_fd, aside, cache->root_fd, path) == 0;
}
