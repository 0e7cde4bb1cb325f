/* A file system that remembers what changed on the disk, piece by piece, and which of it was synced when: enough to say
 * what a power cut at any moment may leave. Typical use:
 *
 *	recording_fs_init(&recording, folder);
 *	... work on &recording.fs below `folder` ...
 *	for (size_t i = 0; i < recording.change_count; i++)
 *		recording_is_durable(&recording, i, syncs);   after the first `syncs` of them
 *
 * One write is two changes, the size and each block of the content; one rename is two, the new name and the old one: a
 * file system owes nobody any order between them. What is written through a mapping is not seen. */
#ifndef TESTS_RECORDING_FS_H
#define TESTS_RECORDING_FS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <base/fs.h>

#define RECORDING_NODES 512
#define RECORDING_NAMES 1024
#define RECORDING_CHANGES 4096
#define RECORDING_SYNCS 1024
#define RECORDING_FILES 1024
#define RECORDING_BLOCK 4096
#define RECORDING_BLOCKS_MAX 64

/* A file or folder, under whatever name. 0 is the folder it all happens in. */
struct recorded_node {
	uint64_t device, inode;
	int held; /* keeps the inode number from being given away */
	bool is_dir;
	bool coarse; /* only size is remembered: the content is of no interest */
	uint8_t *data;
	uint64_t bytes;
};

/* A place a node may be at. */
struct recorded_name {
	unsigned parent; /* node */
	char text[128];
};

enum change_kind { CHANGE_LINK, CHANGE_UNLINK, CHANGE_SIZE, CHANGE_BLOCK };

struct change {
	enum change_kind kind;
	unsigned name; /* of a link or unlink */
	unsigned node; /* all but unlink */
	unsigned block;
	uint64_t bytes; /* the new size */
};

struct recorded_sync {
	unsigned node;
	bool everything;
	size_t began, ended; /* how many changes there were */
};

struct recording_fs {
	struct kiln_fs fs; /* hand this out */
	pthread_mutex_t mutex;
	struct recorded_node nodes[RECORDING_NODES];
	struct recorded_name names[RECORDING_NAMES];
	struct change changes[RECORDING_CHANGES];
	struct recorded_sync syncs[RECORDING_SYNCS];
	size_t node_count, name_count, change_count, sync_count;
	int node_of_file[RECORDING_FILES]; /* by descriptor; -1 = not below the folder */
};

void recording_fs_init(struct recording_fs *recording, const char *folder);
void recording_fs_finish(struct recording_fs *recording);

/* All so far is on the disk, as if that had been long ago. */
void recording_fs_settle(struct recording_fs *recording);

/* Whether a change is on the disk for certain once the first `syncs` syncs have returned. */
bool recording_is_durable(const struct recording_fs *recording, size_t change, size_t syncs);

#endif
