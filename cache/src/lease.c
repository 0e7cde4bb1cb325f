/* Single flight over processes: a kernel-owned lock on one byte of one file, at an offset taken from the
 * entry's digest. It dies with its holder, and a waiter asks for it again and again, as the kernel knows no
 * wait with an end. The file stays for ever: two processes that locked two files of one name would both hold
 * the lease. */
#include <cache/store.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <base/error.h>

#define LEASE_PATH KILN_LAYOUT_DIR "/lease"
#define PAUSE_FIRST_NS UINT64_C(1000000)
#define PAUSE_LAST_NS UINT64_C(10000000)

/* Two entries may share a byte; then one waits for the other without need. 62 bits, as offsets are signed. */
static uint64_t offset_of(const struct kiln_digest *id)
{
	uint64_t offset = 0;

	for (unsigned i = 0; i < 8; i++)
		offset |= (uint64_t)id->bytes[i] << (8 * i);
	return offset >> 2;
}

/* An open file of its own for each lease: two threads on one would not exclude each other. */
static int open_lease(const struct kiln_cache *cache)
{
	const int flags = O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK;
	const struct kiln_fs *fs = cache->fs;
	int fd = fs->openat(fs->user, cache->root_fd, LEASE_PATH, flags, 0600);
	struct stat facts;

	if (fd < 0)
		return -1;
	if (fs->fstat(fs->user, fd, &facts) == 0 && S_ISREG(facts.st_mode) && facts.st_uid == geteuid())
		return fd;
	fs->close(fs->user, fd);
	return -1;
}

/* What lies at the entry's place: every write puts a new file there. */
struct sight {
	bool there;
	dev_t device;
	ino_t inode;
	off_t bytes;
	time_t changed_s;
};

static struct sight look(const struct kiln_cache *cache, const struct kiln_place *place)
{
	struct stat facts;

	if (cache->fs->fstatat(cache->fs->user, cache->root_fd, place->path, &facts) != 0)
		return (struct sight){0};
	return (struct sight){.there = true,
	                      .device = facts.st_dev,
	                      .inode = facts.st_ino,
	                      .bytes = facts.st_size,
	                      .changed_s = facts.st_mtime};
}

/* A reader that refreshes the time of last use looks like a write, and costs a look in vain. */
static bool is_new(const struct sight *now, const struct sight *before)
{
	return now->there &&
	       (!before->there || now->device != before->device || now->inode != before->inode ||
	        now->bytes != before->bytes || now->changed_s != before->changed_s);
}

static void pause_for(uint64_t ns)
{
	nanosleep(&(struct timespec){.tv_sec = (time_t)(ns / 1000000000), .tv_nsec = (long)(ns % 1000000000)},
	          NULL);
}

static uint64_t at_most(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* One attempt after the other, until the lock is ours, the entry has come, or the bound is reached. */
static void wait_for(struct kiln_cache *cache, const struct kiln_place *place, uint64_t bound_ns, int fd,
                     struct kiln_cache_lease *lease)
{
	const struct kiln_clock *clock = cache->clock;
	uint64_t start = clock->monotonic_ns(clock->user), pause = PAUSE_FIRST_NS;
	struct sight before = look(cache, place), now;

	for (;;) {
		lease->held = cache->fs->try_lock(cache->fs->user, fd, lease->offset, 1) == 0;
		if (lease->held || (errno != EAGAIN && errno != EACCES))
			break;
		if (pause == PAUSE_FIRST_NS)
			kiln_count(&cache->counts.lease_waits);
		now = look(cache, place);
		lease->look_again = is_new(&now, &before);
		lease->waited_ns = clock->monotonic_ns(clock->user) - start;
		if (lease->look_again)
			break;
		if (lease->waited_ns >= bound_ns) {
			kiln_count(&cache->counts.lease_timeouts);
			break;
		}
		pause_for(at_most(pause, bound_ns - lease->waited_ns));
		pause = at_most(2 * pause, PAUSE_LAST_NS);
	}
	if (lease->held)
		lease->look_again = look(cache, place).there;
}

static void begin(struct kiln_cache *cache, const struct kiln_place *place, uint64_t bound_ns,
                  struct kiln_cache_lease *out_lease)
{
	struct kiln_cache_lease lease = {.cache = cache, .offset = offset_of(&place->id)};
	int fd;

	*out_lease = (struct kiln_cache_lease){0};
	if (cache == NULL || cache->read_only)
		return;
	fd = open_lease(cache);
	if (fd < 0)
		return;
	wait_for(cache, place, bound_ns, fd, &lease);
	lease.fd = fd;
	lease.owner = getpid();
	if (!lease.held)
		cache->fs->close(cache->fs->user, fd);
	*out_lease = lease;
}

enum kiln_status kiln_cache_lease_begin(struct kiln_cache *cache,
                                        const struct kiln_pipeline_identity *identity, uint64_t bound_ns,
                                        struct kiln_cache_lease *out_lease)
{
	struct kiln_place place;

	KILN_CHECK(identity != NULL && out_lease != NULL,
	           "kiln_cache_lease_begin was given NULL; expected an identity and a place for the lease. "
	           "Fix: pass both");
	kiln_place_pipeline(identity, &place);
	if (cache != NULL && kiln_strikes_suspended(cache, &identity->device))
		cache = NULL;
	begin(cache, &place, bound_ns, out_lease);
	return KILN_OK;
}

enum kiln_status kiln_cache_content_lease_begin(struct kiln_cache *cache,
                                                const struct kiln_digest *content_key, uint64_t bound_ns,
                                                struct kiln_cache_lease *out_lease)
{
	struct kiln_place place;

	KILN_CHECK(content_key != NULL && out_lease != NULL,
	           "kiln_cache_content_lease_begin was given NULL; expected a key and a place for the lease. "
	           "Fix: pass both");
	kiln_place_content(content_key, &place);
	begin(cache, &place, bound_ns, out_lease);
	return KILN_OK;
}

void kiln_cache_lease_end(struct kiln_cache_lease *lease)
{
	if (lease == NULL)
		return;
	if (lease->held) {
		const struct kiln_fs *fs = lease->cache->fs;

		/* Not by close alone: a child forked meanwhile has the open file too, and keeps the lock.
		 * For the same reason the child's copy must not end its parent's lease. */
		if (lease->owner == getpid())
			fs->unlock(fs->user, lease->fd, lease->offset, 1);
		fs->close(fs->user, lease->fd);
	}
	*lease = (struct kiln_cache_lease){0};
}
