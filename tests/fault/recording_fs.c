#include "recording_fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NONE UINT32_MAX

static void give_up(const char *why)
{
	fprintf(stderr, "recording_fs: %s\n", why);
	abort();
}

static unsigned find_node(const struct recording_fs *recording, const struct stat *facts)
{
	for (size_t i = 0; i < recording->node_count; i++) {
		if (recording->nodes[i].device == facts->st_dev && recording->nodes[i].inode == facts->st_ino)
			return (unsigned)i;
	}
	return NONE;
}

static unsigned add_node(struct recording_fs *recording, int held)
{
	struct stat facts;

	if (recording->node_count == RECORDING_NODES || held < 0 || fstat(held, &facts) != 0)
		give_up("too many files");
	recording->nodes[recording->node_count] = (struct recorded_node){.device = facts.st_dev,
	                                                                 .inode = facts.st_ino,
	                                                                 .held = held,
	                                                                 .is_dir = S_ISDIR(facts.st_mode)};
	return (unsigned)recording->node_count++;
}

static unsigned name_of(struct recording_fs *recording, unsigned parent, const char *text)
{
	struct recorded_name *name;

	for (size_t i = 0; i < recording->name_count; i++) {
		name = &recording->names[i];
		if (name->parent == parent && strcmp(name->text, text) == 0)
			return (unsigned)i;
	}
	if (recording->name_count == RECORDING_NAMES || strlen(text) >= sizeof name->text)
		give_up("too many names");
	name = &recording->names[recording->name_count];
	name->parent = parent;
	snprintf(name->text, sizeof name->text, "%s", text);
	return (unsigned)recording->name_count++;
}

/* The name a path stands for, NONE outside of the folder. */
static unsigned resolve(struct recording_fs *recording, int dir, const char *path)
{
	const char *slash = strrchr(path, '/');
	char above[1024];
	struct stat facts;
	unsigned parent;
	int fd;

	if (slash == NULL)
		snprintf(above, sizeof above, ".");
	else
		snprintf(above, sizeof above, "%.*s", slash == path ? 1 : (int)(slash - path), path);
	fd = openat(dir, above, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return NONE;
	parent = fstat(fd, &facts) == 0 ? find_node(recording, &facts) : NONE;
	close(fd);
	return parent != NONE ? name_of(recording, parent, slash == NULL ? path : slash + 1) : NONE;
}

static void note(struct recording_fs *recording, struct change change)
{
	if (recording->change_count == RECORDING_CHANGES)
		give_up("too many changes");
	recording->changes[recording->change_count++] = change;
}

static void note_link(struct recording_fs *recording, unsigned name, unsigned node)
{
	note(recording, (struct change){.kind = CHANGE_LINK, .name = name, .node = node});
}

static void note_unlink(struct recording_fs *recording, unsigned name)
{
	note(recording, (struct change){.kind = CHANGE_UNLINK, .name = name});
}

/* ---- Calls ---- */

static int record_openat(void *user, int dir, const char *path, int flags, mode_t mode)
{
	struct recording_fs *recording = user;
	bool fresh = false;
	struct stat facts;
	unsigned node;
	int fd;

	pthread_mutex_lock(&recording->mutex);
	if ((flags & O_CREAT) != 0)
		fresh = fstatat(dir, path, &facts, AT_SYMLINK_NOFOLLOW) != 0;
	fd = kiln_fs_posix.openat(NULL, dir, path, flags, mode);
	if (fd >= RECORDING_FILES)
		give_up("too many open files");
	if (fd >= 0) {
		unsigned name = fresh ? resolve(recording, dir, path) : NONE;

		if (name != NONE) {
			node = add_node(recording, fcntl(fd, F_DUPFD_CLOEXEC, RECORDING_FILES / 2));
			recording->nodes[node].coarse = strcmp(recording->names[name].text, "notes") == 0;
			note_link(recording, name, node);
		}
		recording->node_of_file[fd] =
			fstat(fd, &facts) == 0 ? (int)find_node(recording, &facts) : (int)NONE;
	}
	pthread_mutex_unlock(&recording->mutex);
	return fd;
}

static int record_close(void *user, int fd)
{
	struct recording_fs *recording = user;
	int result;

	pthread_mutex_lock(&recording->mutex);
	recording->node_of_file[fd] = (int)NONE;
	result = kiln_fs_posix.close(NULL, fd);
	pthread_mutex_unlock(&recording->mutex);
	return result;
}

/* Files only grow here: no content is ever replaced. */
static void note_write(struct recording_fs *recording, unsigned number, const void *data, size_t bytes)
{
	struct recorded_node *node = &recording->nodes[number];
	struct change *last =
		recording->change_count > 0 ? &recording->changes[recording->change_count - 1] : NULL;
	uint64_t start = node->bytes;

	node->bytes += bytes;
	if (node->coarse && last != NULL && last->kind == CHANGE_SIZE && last->node == number) {
		last->bytes = node->bytes;
		return;
	}
	note(recording, (struct change){.kind = CHANGE_SIZE, .node = number, .bytes = node->bytes});
	if (node->coarse)
		return;
	node->data = realloc(node->data, node->bytes);
	memcpy(node->data + start, data, bytes);
	if (node->bytes > RECORDING_BLOCK * RECORDING_BLOCKS_MAX)
		give_up("a file is too large");
	for (uint64_t block = start / RECORDING_BLOCK; block * RECORDING_BLOCK < node->bytes; block++)
		note(recording,
		     (struct change){.kind = CHANGE_BLOCK, .node = number, .block = (unsigned)block});
}

static ssize_t record_write(void *user, int fd, const void *data, size_t bytes)
{
	struct recording_fs *recording = user;
	ssize_t result;

	pthread_mutex_lock(&recording->mutex);
	result = kiln_fs_posix.write(NULL, fd, data, bytes);
	if (result > 0 && recording->node_of_file[fd] != (int)NONE)
		note_write(recording, (unsigned)recording->node_of_file[fd], data, (size_t)result);
	pthread_mutex_unlock(&recording->mutex);
	return result;
}

static int record_mkdirat(void *user, int dir, const char *path, mode_t mode)
{
	struct recording_fs *recording = user;
	int result, failure;

	pthread_mutex_lock(&recording->mutex);
	result = kiln_fs_posix.mkdirat(NULL, dir, path, mode);
	failure = errno;
	if (result == 0) {
		unsigned name = resolve(recording, dir, path);

		if (name != NONE)
			note_link(recording, name,
			          add_node(recording, openat(dir, path, O_PATH | O_DIRECTORY | O_CLOEXEC)));
	}
	pthread_mutex_unlock(&recording->mutex);
	errno = failure;
	return result;
}

static int record_renameat(void *user, int old_dir, const char *old_path, int new_dir, const char *new_path)
{
	struct recording_fs *recording = user;
	struct stat facts;
	int result, failure;

	pthread_mutex_lock(&recording->mutex);
	result = kiln_fs_posix.renameat(NULL, old_dir, old_path, new_dir, new_path);
	failure = errno;
	if (result == 0) {
		unsigned from = resolve(recording, old_dir, old_path),
			 to = resolve(recording, new_dir, new_path);

		if (from == NONE || to == NONE ||
		    fstatat(new_dir, new_path, &facts, AT_SYMLINK_NOFOLLOW) != 0)
			give_up("a rename across the border");
		note_link(recording, to, find_node(recording, &facts));
		note_unlink(recording, from);
	}
	pthread_mutex_unlock(&recording->mutex);
	errno = failure;
	return result;
}

static int record_unlinkat(void *user, int dir, const char *path, int flags)
{
	struct recording_fs *recording = user;
	int result, failure;

	pthread_mutex_lock(&recording->mutex);
	result = kiln_fs_posix.unlinkat(NULL, dir, path, flags);
	failure = errno;
	if (result == 0) {
		unsigned name = resolve(recording, dir, path);

		if (name != NONE)
			note_unlink(recording, name);
	}
	pthread_mutex_unlock(&recording->mutex);
	errno = failure;
	return result;
}

/* Covers what was there when it began. What syncfs() does is left out on purpose: the cache uses it to hasten the
 * others, and they must be enough by themselves. Nor is anything really synced. */
static int record_sync(void *user, int fd)
{
	struct recording_fs *recording = user;

	pthread_mutex_lock(&recording->mutex);
	if (recording->sync_count == RECORDING_SYNCS)
		give_up("too many syncs");
	if (recording->node_of_file[fd] != (int)NONE)
		recording->syncs[recording->sync_count++] =
			(struct recorded_sync){.node = (unsigned)recording->node_of_file[fd],
		                               .began = recording->change_count,
		                               .ended = recording->change_count};
	pthread_mutex_unlock(&recording->mutex);
	return 0;
}

static int record_syncfs(void *user, int fd)
{
	(void)user, (void)fd;
	return 0;
}

void recording_fs_init(struct recording_fs *recording, const char *folder)
{
	memset(recording, 0, sizeof *recording);
	pthread_mutex_init(&recording->mutex, NULL);
	for (size_t i = 0; i < RECORDING_FILES; i++)
		recording->node_of_file[i] = (int)NONE;
	add_node(recording, open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC));
	recording->fs = kiln_fs_posix;
	recording->fs.openat = record_openat;
	recording->fs.close = record_close;
	recording->fs.write = record_write;
	recording->fs.mkdirat = record_mkdirat;
	recording->fs.renameat = record_renameat;
	recording->fs.unlinkat = record_unlinkat;
	recording->fs.fsync = record_sync;
	recording->fs.fdatasync = record_sync;
	recording->fs.syncfs = record_syncfs;
	recording->fs.user = recording;
}

void recording_fs_finish(struct recording_fs *recording)
{
	for (size_t i = 0; i < recording->node_count; i++) {
		close(recording->nodes[i].held);
		free(recording->nodes[i].data);
	}
	pthread_mutex_destroy(&recording->mutex);
}

void recording_fs_settle(struct recording_fs *recording)
{
	if (recording->sync_count == RECORDING_SYNCS)
		give_up("too many syncs");
	recording->syncs[recording->sync_count++] = (struct recorded_sync){.everything = true,
	                                                                   .began = recording->change_count,
	                                                                   .ended = recording->change_count};
}

static bool covers(const struct recording_fs *recording, const struct recorded_sync *sync,
                   const struct change *change)
{
	bool of_dir = change->kind == CHANGE_LINK || change->kind == CHANGE_UNLINK;

	if (sync->everything)
		return true;
	return sync->node == (of_dir ? recording->names[change->name].parent : change->node);
}

bool recording_is_durable(const struct recording_fs *recording, size_t change, size_t syncs)
{
	for (size_t i = 0; i < syncs; i++) {
		if (change < recording->syncs[i].began &&
		    covers(recording, &recording->syncs[i], &recording->changes[change]))
			return true;
	}
	return false;
}
