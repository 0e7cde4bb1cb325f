#include <cache/scan.h>
#include <cache/sidecar.h>

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <base/error.h>
#include <cache/care.h>

#define TEMP_PREFIX ".tmp."
#define ABANDONED_S 3600
#define QUARANTINED_S (30 * 24 * 3600) /* by then it tells nobody anything */
#define STEP_INTERVAL 512

struct scanner {
	const struct kiln_cache *cache;
	int64_t now_s;
	bool (*visit)(void *user, const struct kiln_scan_item *item);
	void *user;
	struct kiln_scan_item item; /* of the present folder */
	enum kiln_status status;    /* the first failure */
	bool quarantine;            /* the present folder is that of what is set aside */
	bool stopped;
};

/* Keeps the first failure, with its sentence. */
static void note(struct scanner *scanner, int errnum, const char *path, const char *name)
{
	if (scanner->status == KILN_OK)
		scanner->status = kiln_error_errno(errnum, "cannot look at '%s/%s%s%s'", scanner->cache->root,
		                                   path, name[0] != '\0' ? "/" : "", name);
}

/* Nobody of that number on this host. It may live on another one that shares the folder, or behind a wall of
 * process numbers: then its rename fails and it writes once more. */
static bool is_dead(long pid)
{
	return pid > 0 && kill((pid_t)pid, 0) != 0 && errno == ESRCH;
}

/* A stalled clock or one that was set back makes litter stay, never the reverse. */
static bool is_litter(const struct scanner *scanner, const char *name, const struct stat *facts)
{
	char *end;
	long pid;

	if ((int64_t)facts->st_mtime < scanner->now_s - ABANDONED_S)
		return true;
	if (!isdigit((unsigned char)name[sizeof TEMP_PREFIX - 1]))
		return false;
	pid = strtol(name + sizeof TEMP_PREFIX - 1, &end, 10);
	return *end == '.' && is_dead(pid);
}

/* The entry may be still on its way. */
static bool is_orphan(const struct scanner *scanner, const char *entry, const struct stat *facts)
{
	const struct kiln_fs *fs = scanner->cache->fs;
	struct stat there;

	return (int64_t)facts->st_mtime < scanner->now_s - ABANDONED_S &&
	       fs->fstatat(fs->user, scanner->item.dir, entry, &there) != 0 && errno == ENOENT;
}

static enum kiln_scan_kind kind_of(const struct scanner *scanner, const char *name, const struct stat *facts)
{
	char entry[KILN_PLACE_MAX];

	if (!S_ISREG(facts->st_mode) || facts->st_uid != geteuid())
		return KILN_SCAN_FOREIGN;
	if (scanner->quarantine) /* set aside by a rename, which changes no other time */
		return (int64_t)facts->st_ctime < scanner->now_s - QUARANTINED_S ? KILN_SCAN_LITTER
		                                                                 : KILN_SCAN_TEMP;
	if (strncmp(name, TEMP_PREFIX, sizeof TEMP_PREFIX - 1) == 0)
		return is_litter(scanner, name, facts) ? KILN_SCAN_LITTER : KILN_SCAN_TEMP;
	if (scanner->item.shard != NULL && kiln_name_is_entry(scanner->item.shard->kind, name))
		return KILN_SCAN_ENTRY;
	if (scanner->item.shard != NULL && scanner->item.shard->kind == KILN_KIND_PIPELINE &&
	    kiln_name_is_sidecar(name, entry))
		return is_orphan(scanner, entry, facts) ? KILN_SCAN_LITTER : KILN_SCAN_SIDECAR;
	return KILN_SCAN_FOREIGN;
}

static bool scan_name(void *user, const char *name)
{
	struct scanner *scanner = user;
	const struct kiln_fs *fs = scanner->cache->fs;
	struct kiln_scan_item item = scanner->item;
	struct stat facts;

	/* Above the shards lie folders and files of others' making; only what was left there is of
	 * interest. */
	if (item.shard == NULL && !scanner->quarantine &&
	    strncmp(name, TEMP_PREFIX, sizeof TEMP_PREFIX - 1) != 0)
		return true;
	if (fs->fstatat(fs->user, item.dir, name, &facts) != 0) {
		if (errno != ENOENT) /* else gone since the folder was listed */
			note(scanner, errno, item.dir_path, name);
		return true;
	}
	item.name = name;
	item.facts = &facts;
	item.kind = kind_of(scanner, name, &facts);
	scanner->stopped = !scanner->visit(scanner->user, &item);
	return !scanner->stopped;
}

static void scan_dir(struct scanner *scanner, const struct kiln_shard *shard, const char *path)
{
	const struct kiln_cache *cache = scanner->cache;
	int dir = kiln_fs_open_dir(cache->fs, cache->root_fd, path, true);

	if (dir < 0) {
		if (errno != ENOENT)
			note(scanner, errno, path, "");
		return;
	}
	scanner->item = (struct kiln_scan_item){.shard = shard, .dir = dir, .dir_path = path};
	if (cache->fs->list(cache->fs->user, dir, scan_name, scanner) != 0)
		note(scanner, errno, path, "");
	cache->fs->close(cache->fs->user, dir);
}

static bool scan_shard(void *user, const struct kiln_shard *shard)
{
	struct scanner *scanner = user;

	scan_dir(scanner, shard, shard->dir);
	return !scanner->stopped;
}

enum kiln_status kiln_scan(const struct kiln_cache *cache, int64_t now_s,
                           bool (*visit)(void *user, const struct kiln_scan_item *item), void *user)
{
	struct scanner scanner = {.cache = cache, .now_s = now_s, .visit = visit, .user = user};
	enum kiln_status status;

	if (cache->root_fd < 0)
		return KILN_OK;
	scan_dir(&scanner, NULL, KILN_LAYOUT_DIR);
	if (!scanner.stopped)
		scan_dir(&scanner, NULL, KILN_LAYOUT_DIR "/c");
	scanner.quarantine = true;
	if (!scanner.stopped)
		scan_dir(&scanner, NULL, KILN_QUARANTINE_DIR);
	scanner.quarantine = false;
	if (scanner.stopped)
		return scanner.status;
	status = kiln_shards_visit(cache, scan_shard, &scanner);
	return scanner.status != KILN_OK ? scanner.status : status;
}

bool kiln_head_read(const struct kiln_cache *cache, int dir, const char *name,
                    struct kiln_entry_head *out_head)
{
	const struct kiln_fs *fs = cache->fs;
	uint8_t head[KILN_ENTRY_HEADER_BYTES];
	ssize_t got;
	int fd = fs->openat(fs->user, dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0);

	if (fd < 0)
		return false;
	got = fs->pread(fs->user, fd, head, sizeof head, 0);
	fs->close(fs->user, fd);
	return got == (ssize_t)sizeof head && kiln_entry_head(head, out_head);
}

bool kiln_progress_step(const struct kiln_cache_progress *progress, const char *phase, uint64_t done,
                        uint64_t total)
{
	if (progress->step == NULL || (done % STEP_INTERVAL != 0 && done != total))
		return true;
	return progress->step(progress->user, phase, done, total);
}
