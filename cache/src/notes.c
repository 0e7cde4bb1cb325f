/* The mapped file of notes: opened, owned slot by slot, written without a system call. */
#include <cache/notes.h>

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <base/error.h>
#include <base/log.h>
#include <cache/byte_order.h>
#include <cache/store.h>

#define NOTES_PATH KILN_LAYOUT_DIR "/notes"
#define NOTES_MAGIC UINT64_C(0x315345544f4e4b89) /* 0x89, "KNOTES1" */
#define LANE_SEED UINT64_C(0x6b696c6e206e6f74)
#define LOCK_ATTEMPTS 50
#define ALL_LANES ((UINT32_C(1) << KILN_NOTE_LANES) - 1)

static_assert(sizeof(_Atomic uint64_t) == 8 && ATOMIC_LLONG_LOCK_FREE == 2, "words are shared by processes");
static_assert(offsetof(struct kiln_notes_file, strikes) == KILN_STRIKES_OFFSET, "as FORMAT.md says");
static_assert(offsetof(struct kiln_notes_file, lanes) == 4096, "as FORMAT.md says");
static_assert(KILN_NOTES_BYTES == 69632, "as FORMAT.md says");
static_assert(KILN_NOTE_LANES < 32, "lanes are the bits of a word");

static uint64_t get(const _Atomic uint64_t *word)
{
	return atomic_load_explicit(word, memory_order_relaxed);
}

static void set(_Atomic uint64_t *word, uint64_t value)
{
	atomic_store_explicit(word, value, memory_order_relaxed);
}

uint64_t kiln_notes_check(const uint64_t *words, size_t count, uint64_t seed)
{
	uint64_t sum = seed;

	for (size_t i = 0; i < count; i++) {
		sum = (sum ^ kiln_le64(words[i])) * UINT64_C(0x9e3779b97f4a7c15);
		sum ^= sum >> 29;
	}
	return kiln_le64(sum != 0 ? sum : 1);
}

/* ---- Locks ---- */

static void rest_1ms(void)
{
	nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

bool kiln_notes_lock(struct kiln_cache *cache, bool wait)
{
	struct kiln_notes *notes = &cache->notes;
	const struct kiln_fs *fs = cache->fs;

	kiln_mutex_lock(&notes->mutex);
	for (int attempt = 0;; attempt++) {
		if (fs->try_lock(fs->user, notes->fd, KILN_STRIKES_OFFSET, KILN_STRIKES_OFFSET) == 0)
			return true;
		if (!wait || attempt == LOCK_ATTEMPTS || (errno != EAGAIN && errno != EACCES))
			break;
		rest_1ms();
	}
	kiln_mutex_unlock(&notes->mutex);
	return false;
}

void kiln_notes_unlock(struct kiln_cache *cache)
{
	cache->fs->unlock(cache->fs->user, cache->notes.fd, KILN_STRIKES_OFFSET, KILN_STRIKES_OFFSET);
	kiln_mutex_unlock(&cache->notes.mutex);
}

/* ---- The file ---- */

/* What we are about to write into must be ours alone. */
static bool is_trusted(const struct kiln_cache *cache, const struct stat *facts)
{
	if (S_ISREG(facts->st_mode) && facts->st_uid == geteuid() && facts->st_nlink <= 1 &&
	    (facts->st_mode & (S_IWGRP | S_IWOTH)) == 0)
		return true;
	kiln_log(KILN_LOG_WARN,
	         "'%s/" NOTES_PATH
	         "' is not a plain file of our own that only we can write, so a crash of the driver goes "
	         "unnoticed. Fix: remove it",
	         cache->root);
	return false;
}

/* Whether the name still is that file's, and not that of another process's newer one. */
static bool is_in_place(const struct kiln_cache *cache, const struct stat *file)
{
	struct stat facts;

	return cache->fs->fstatat(cache->fs->user, cache->root_fd, NOTES_PATH, &facts) == 0 &&
	       facts.st_dev == file->st_dev && facts.st_ino == file->st_ino;
}

/* The file only ever grows: whoever has it mapped would fault on what is cut off. Zeros are written, as a
 * hole that the disk has no room for faults too. */
static bool grow(struct kiln_cache *cache)
{
	static const uint8_t zeros[4096];
	const struct kiln_fs *fs = cache->fs;
	struct stat facts = {0};
	bool good;

	if (!kiln_notes_lock(cache, true))
		return false;
	good = fs->fstat(fs->user, cache->notes.fd, &facts) == 0;
	/* Another may have been faster. */
	for (uint64_t bytes = good ? (uint64_t)facts.st_size : 0; good && bytes < KILN_NOTES_BYTES;) {
		uint64_t left = KILN_NOTES_BYTES - bytes;
		size_t step = left < sizeof zeros ? (size_t)left : sizeof zeros;

		good = kiln_fs_write_all(fs, cache->notes.fd, zeros, step) == 0;
		bytes += step;
	}
	/* On a full disk not even the room that it took. What is shorter than whole, nobody has mapped. */
	if (!good && is_in_place(cache, &facts))
		fs->unlinkat(fs->user, cache->root_fd, NOTES_PATH, 0);
	kiln_notes_unlock(cache);
	return good;
}

static bool open_file(struct kiln_cache *cache)
{
	const int flags = O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK;
	const struct kiln_fs *fs = cache->fs;
	struct kiln_notes *notes = &cache->notes;
	struct stat facts;

	notes->fd = fs->openat(fs->user, cache->root_fd, NOTES_PATH, flags, 0600);
	if (notes->fd < 0)
		return false;
	if (fs->fstat(fs->user, notes->fd, &facts) != 0 || !is_trusted(cache, &facts))
		return false;
	if (facts.st_size < (off_t)KILN_NOTES_BYTES && !grow(cache))
		return false;
	notes->file = fs->map(fs->user, notes->fd, KILN_NOTES_BYTES);
	return notes->file != NULL;
}

/* ---- Slots ---- */

static uint64_t slot_offset(unsigned slot)
{
	return offsetof(struct kiln_notes_file, lanes) +
	       (uint64_t)slot * sizeof(struct kiln_note_lane[KILN_NOTE_LANES]);
}

bool kiln_notes_owner_is_dead(const struct kiln_cache *cache, unsigned slot)
{
	const struct kiln_notes *notes = &cache->notes;

	return get(&notes->file->owned[slot]) != 0 &&
	       cache->fs->is_locked(cache->fs->user, notes->fd, slot_offset(slot), 1) == 0;
}

static bool take(struct kiln_cache *cache, unsigned slot)
{
	struct kiln_notes *notes = &cache->notes;
	const struct kiln_fs *fs = cache->fs;

	if (get(&notes->file->owned[slot]) != 0 ||
	    fs->try_lock(fs->user, notes->fd, slot_offset(slot), 1) != 0)
		return false;
	/* Taken and left by a crash between the look and the lock: its notes are the next sweep's. */
	if (get(&notes->file->owned[slot]) != 0) {
		fs->unlock(fs->user, notes->fd, slot_offset(slot), 1);
		return false;
	}
	for (unsigned lane = 0; lane < KILN_NOTE_LANES; lane++)
		set(&notes->file->lanes[slot][lane].check, 0);
	atomic_store_explicit(&notes->file->owned[slot], kiln_le64(1), memory_order_release);
	notes->slot = slot;
	return true;
}

static void take_any(struct kiln_cache *cache)
{
	cache->notes.slot = KILN_NOTE_SLOTS;
	for (unsigned slot = 0; slot < KILN_NOTE_SLOTS; slot++) {
		if (take(cache, slot))
			return;
	}
	kiln_log(KILN_LOG_INFO,
	         "all %d places for notes in the cache '%s' are taken: a crash of the driver "
	         "in this process goes unnoticed",
	         KILN_NOTE_SLOTS, cache->root);
}

void kiln_notes_open(struct kiln_cache *cache)
{
	struct kiln_notes *notes = &cache->notes;

	notes->fd = -1;
	if (cache->read_only || kiln_mutex_init(&notes->mutex) != KILN_OK)
		return;
	if (!open_file(cache)) {
		if (notes->fd >= 0)
			cache->fs->close(cache->fs->user, notes->fd);
		kiln_mutex_finish(&notes->mutex);
		return;
	}
	if (get(&notes->file->magic) != kiln_le64(NOTES_MAGIC))
		set(&notes->file->magic, kiln_le64(NOTES_MAGIC));
	kiln_quarantine_sweep(cache);
	take_any(cache);
}

/* A forked child shares slot and lanes with its parent, in the file and in its lock: they stay the parent's. */
static bool has_slot(const struct kiln_cache *cache)
{
	return cache->notes.file != NULL && cache->notes.slot < KILN_NOTE_SLOTS &&
	       !kiln_cache_is_inherited(cache);
}

void kiln_notes_close(struct kiln_cache *cache)
{
	struct kiln_notes *notes = &cache->notes;

	if (notes->file == NULL)
		return;
	/* Before the lock is gone, or it looks like a death. */
	if (has_slot(cache))
		atomic_store(&notes->file->owned[notes->slot], 0);
	cache->fs->unmap(cache->fs->user, notes->file, KILN_NOTES_BYTES);
	cache->fs->close(cache->fs->user, notes->fd);
	if (!kiln_cache_is_inherited(cache))
		kiln_mutex_finish(&notes->mutex);
	notes->file = NULL;
}

/* ---- Notes: no system call from here on ---- */

/* Takes a free lane; KILN_NOTE_LANES when there is none. */
static unsigned claim(struct kiln_notes *notes)
{
	uint32_t taken = atomic_load_explicit(&notes->lanes, memory_order_relaxed);
	unsigned lane;

	do {
		if (taken == ALL_LANES)
			return KILN_NOTE_LANES;
		lane = (unsigned)__builtin_ctz(~taken);
	} while (!atomic_compare_exchange_weak_explicit(&notes->lanes, &taken, taken | UINT32_C(1) << lane,
	                                                memory_order_acquire, memory_order_relaxed));
	return lane;
}

static void names_of(const struct kiln_pipeline_identity *identity, uint64_t names[6])
{
	memcpy(names, identity->program.bytes, 16);
	memcpy(names + 2, identity->policy.bytes, 16);
	memcpy(names + 4, identity->device.bytes, 16);
}

struct kiln_cache_note kiln_cache_note_begin(struct kiln_cache *cache,
                                             const struct kiln_pipeline_identity *identity)
{
	struct kiln_note_lane *lane;
	uint64_t names[6];
	unsigned number;

	if (cache == NULL || identity == NULL || !has_slot(cache))
		return (struct kiln_cache_note){0};
	number = claim(&cache->notes);
	if (number == KILN_NOTE_LANES)
		return (struct kiln_cache_note){0};
	lane = &cache->notes.file->lanes[cache->notes.slot][number];
	names_of(identity, names);
	for (unsigned i = 0; i < 6; i++)
		set(&lane->names[i], names[i]);
	atomic_store_explicit(&lane->check, kiln_notes_check(names, 6, LANE_SEED), memory_order_release);
	/* Nor may the compiler move the driver's work before the note. */
	atomic_signal_fence(memory_order_seq_cst);
	return (struct kiln_cache_note){.lane = number + 1};
}

void kiln_cache_note_end(struct kiln_cache *cache, struct kiln_cache_note note, bool loaded)
{
	struct kiln_note_lane *lane;
	uint64_t device[2];

	if (cache == NULL || note.lane == 0 || note.lane > KILN_NOTE_LANES || !has_slot(cache))
		return;
	lane = &cache->notes.file->lanes[cache->notes.slot][note.lane - 1];
	device[0] = get(&lane->names[4]);
	device[1] = get(&lane->names[5]);
	atomic_signal_fence(memory_order_seq_cst);
	atomic_store_explicit(&lane->check, 0, memory_order_release);
	atomic_fetch_and_explicit(&cache->notes.lanes, ~(UINT32_C(1) << (note.lane - 1)),
	                          memory_order_release);
	if (loaded && get(&cache->notes.file->any_strikes) != 0)
		kiln_strikes_loaded(cache, device);
}

bool kiln_notes_lane_read(const struct kiln_note_lane *lane, uint64_t names[6])
{
	uint64_t check = atomic_load_explicit(&lane->check, memory_order_acquire);

	if (check == 0)
		return false;
	for (unsigned i = 0; i < 6; i++)
		names[i] = get(&lane->names[i]);
	return check == kiln_notes_check(names, 6, LANE_SEED);
}
