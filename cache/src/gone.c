#include <cache/gone.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <base/error.h>
#include <base/hash.h>
#include <cache/byte_order.h>
#include <cache/domains.h>
#include <cache/notes.h>

#define GONE_PATH KILN_LAYOUT_DIR "/gone"
#define CHECK_SEED UINT64_C(0x6b696c6e676f6e65)
#define ID_BYTES 16

/* ---- The file ---- */

/* Others' words would be told as ours; a second name would be written through. */
static bool is_trusted(const struct kiln_cache *cache, const struct stat *facts)
{
	return S_ISREG(facts->st_mode) && facts->st_nlink == 1 &&
	       (facts->st_mode & (S_IWGRP | S_IWOTH)) == 0 &&
	       (facts->st_uid == geteuid() || (cache->read_only && facts->st_uid == 0));
}

int kiln_gone_open(const struct kiln_cache *cache, bool create)
{
	const int flags = (create ? O_RDWR | O_CREAT : O_RDONLY) | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK;
	const struct kiln_fs *fs = cache->fs;
	struct stat facts;
	int fd;

	if (cache->root_fd < 0 || (create && cache->read_only))
		return -1;
	fd = fs->openat(fs->user, cache->root_fd, GONE_PATH, flags, 0600);
	if (fd < 0 || (fs->fstat(fs->user, fd, &facts) == 0 && is_trusted(cache, &facts)))
		return fd;
	fs->close(fs->user, fd);
	return -1;
}

int kiln_gone_clear(const struct kiln_cache *cache)
{
	return cache->fs->unlinkat(cache->fs->user, cache->root_fd, GONE_PATH, 0) == 0 || errno == ENOENT
	               ? 0
	               : -1;
}

uint32_t kiln_gone_check(const uint64_t *words, size_t count)
{
	uint32_t check = (uint32_t)(kiln_le64(kiln_notes_check(words, count, CHECK_SEED)) >> 32);

	return check != 0 ? check : 1;
}

/* ---- A record ---- */

/* As in the file: id, time, fate and, in its high half, the check. */
struct record {
	uint64_t words[4];
};

static void id_of(const char *name, uint64_t out_id[2])
{
	struct kiln_hasher hasher;
	struct kiln_digest digest;

	kiln_hash_init(&hasher, KILN_DOMAIN_GONE);
	kiln_hash_string(&hasher, name);
	digest = kiln_hash_finish(&hasher);
	memcpy(out_id, digest.bytes, ID_BYTES);
}

static unsigned bucket_of(const uint64_t id[2])
{
	return (unsigned)(kiln_le64(id[0]) % KILN_GONE_BUCKETS);
}

static int64_t time_of(const struct record *record)
{
	return (int64_t)kiln_le64(record->words[2]);
}

/* NEVER_SEEN for what is no whole record. */
static enum kiln_cache_fate fate_of(const struct record *record)
{
	uint64_t last = kiln_le64(record->words[3]);
	uint32_t fate = (uint32_t)last;
	struct record bare = *record;

	bare.words[3] = kiln_le64(fate);
	if (fate == KILN_CACHE_NEVER_SEEN || fate > KILN_CACHE_INVALIDATED ||
	    last >> 32 != kiln_gone_check(bare.words, 4))
		return KILN_CACHE_NEVER_SEEN;
	return (enum kiln_cache_fate)fate;
}

static struct record make_record(const uint64_t id[2], int64_t now_s, enum kiln_cache_fate fate)
{
	struct record record = {{id[0], id[1], kiln_le64((uint64_t)now_s), kiln_le64((uint64_t)fate)}};

	record.words[3] = kiln_le64((uint64_t)fate | (uint64_t)kiln_gone_check(record.words, 4) << 32);
	return record;
}

static struct record load_record(const uint8_t *bucket, unsigned number)
{
	struct record record;

	memcpy(&record, bucket + (size_t)number * sizeof record, sizeof record);
	return record;
}

/* Where a new record goes: over an older one of the same entry, to a free place, or over the oldest. */
static unsigned place_in(const uint8_t *bucket, const uint64_t id[2])
{
	int64_t oldest_s = INT64_MAX;
	unsigned place = 0;

	for (unsigned i = 0; i < KILN_GONE_BUCKET_RECORDS; i++) {
		struct record record = load_record(bucket, i);
		bool free = fate_of(&record) == KILN_CACHE_NEVER_SEEN;

		if (!free && memcmp(record.words, id, ID_BYTES) == 0)
			return i;
		if ((free ? INT64_MIN : time_of(&record)) < oldest_s) {
			oldest_s = free ? INT64_MIN : time_of(&record);
			place = i;
		}
	}
	return place;
}

/* ---- Adding ---- */

struct kiln_gone kiln_gone_begin(const struct kiln_cache *cache)
{
	return (struct kiln_gone){.cache = cache, .fd = -1};
}

static bool start(struct kiln_gone *gone)
{
	if (!gone->started) {
		gone->fd = kiln_gone_open(gone->cache, true);
		gone->now_s = gone->cache->clock->wall_s(gone->cache->clock->user);
		gone->started = true;
	}
	return gone->fd >= 0;
}

/* The removals of a collection are many, and each costs two small system calls besides its unlink: still little, and
 * whoever is killed in the middle has told of all but one. */
void kiln_gone_add(struct kiln_gone *gone, const char *name, enum kiln_cache_fate fate)
{
	const struct kiln_fs *fs = gone->cache->fs;
	uint8_t bucket[KILN_GONE_BUCKET_BYTES] = {0};
	struct record record;
	uint64_t offset;
	uint64_t id[2];

	if (!start(gone))
		return;
	id_of(name, id);
	offset = (uint64_t)bucket_of(id) * sizeof bucket;
	/* A short read leaves zeros, which are free places. */
	(void)fs->pread(fs->user, gone->fd, bucket, sizeof bucket, offset);
	record = make_record(id, gone->now_s, fate);
	offset += place_in(bucket, id) * sizeof record;
	(void)fs->pwrite(fs->user, gone->fd, &record, sizeof record, offset);
}

void kiln_gone_end(struct kiln_gone *gone)
{
	if (gone->fd >= 0)
		gone->cache->fs->close(gone->cache->fs->user, gone->fd);
	gone->fd = -1;
}

void kiln_gone_note(const struct kiln_cache *cache, const char *name, enum kiln_cache_fate fate)
{
	struct kiln_gone gone = kiln_gone_begin(cache);
	int kept = errno;

	kiln_gone_add(&gone, name, fate);
	kiln_gone_end(&gone);
	errno = kept;
}

/* ---- Asking ---- */

enum kiln_cache_fate kiln_gone_find(const struct kiln_cache *cache, const char *name, int64_t *out_when_s)
{
	uint8_t bucket[KILN_GONE_BUCKET_BYTES] = {0};
	const struct kiln_fs *fs = cache->fs;
	int fd = kiln_gone_open(cache, false);
	uint64_t id[2];

	if (fd < 0)
		return KILN_CACHE_NEVER_SEEN;
	id_of(name, id);
	(void)fs->pread(fs->user, fd, bucket, sizeof bucket, (uint64_t)bucket_of(id) * sizeof bucket);
	fs->close(fs->user, fd);
	for (unsigned i = 0; i < KILN_GONE_BUCKET_RECORDS; i++) {
		struct record record = load_record(bucket, i);
		enum kiln_cache_fate fate = fate_of(&record);

		if (fate == KILN_CACHE_NEVER_SEEN || memcmp(record.words, id, ID_BYTES) != 0)
			continue;
		*out_when_s = time_of(&record);
		return fate;
	}
	return KILN_CACHE_NEVER_SEEN;
}

enum kiln_cache_fate kiln_cache_fate(const struct kiln_cache *cache,
                                     const struct kiln_pipeline_identity *identity, int64_t *out_when_s)
{
	enum kiln_cache_fate fate = KILN_CACHE_NEVER_SEEN;
	struct kiln_place place;
	int64_t when_s = 0;

	if (cache != NULL && identity != NULL) {
		kiln_place_pipeline(identity, &place);
		fate = kiln_gone_find(cache, place.name, &when_s);
		if (fate == KILN_CACHE_NEVER_SEEN && kiln_place_quarantined(cache, &place))
			fate = KILN_CACHE_SET_ASIDE;
	}
	if (out_when_s != NULL)
		*out_when_s = when_s;
	return fate;
}

const char *kiln_cache_fate_name(enum kiln_cache_fate fate)
{
	static const char *const names[] = {
		[KILN_CACHE_NEVER_SEEN] = "never_seen",   [KILN_CACHE_EVICTED] = "evicted",
		[KILN_CACHE_DAMAGED] = "damaged",         [KILN_CACHE_SET_ASIDE] = "set_aside",
		[KILN_CACHE_INVALIDATED] = "invalidated",
	};

	return (unsigned)fate < sizeof names / sizeof names[0] ? names[fate] : "?";
}
