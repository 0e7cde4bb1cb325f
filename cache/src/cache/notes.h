/* The notes: which entries are with the driver right now, by process, in a mapped file that outlives a crash
 * (cache/FORMAT.md). Also the strikes that crashes leave behind. Every word of the file is read as if a
 * stranger had written it. */
#ifndef CACHE_NOTES_H
#define CACHE_NOTES_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <kiln/cache.h>

#include <base/thread.h>
#include <cache/subject.h>

#define KILN_NOTE_SLOTS 64 /* open read-write caches at once; one more goes without notes */
#define KILN_NOTE_LANES 16 /* notes of one cache at once; one more goes without a note */
#define KILN_STRIKE_RECORDS 32
#define KILN_QUARANTINE_DIR KILN_LAYOUT_DIR "/quarantine"
#define KILN_STRIKES 3 /* this many, and persistence rests ... */
#define KILN_SUSPENSION_S (24 * 60 * 60)

/* One entry with the driver. `check` 0 = none; it is stored last and covers the rest. */
struct kiln_note_lane {
	_Atomic uint64_t check;
	_Atomic uint64_t
		names[6]; /* the first 16 bytes of program, policy and device digest, as in the name */
	_Atomic uint64_t unused;
};

/* Crashes on one device since the last successful load. */
struct kiln_strike_record {
	_Atomic uint64_t check; /* 0 = free; covers the rest */
	_Atomic uint64_t device[2];
	_Atomic uint64_t until_s;               /* 0 = not suspended */
	_Atomic uint64_t entries[KILN_STRIKES]; /* 0 = free */
	_Atomic uint64_t unused;
};

/* The file, byte for byte; integers little-endian. Bytes 2048 to 4095 are also the range whose lock guards
 * the strikes, and the first byte of a slot's lanes the one whose lock says that its owner lives. */
struct kiln_notes_file {
	_Atomic uint64_t magic;
	_Atomic uint64_t any_strikes;   /* 0 = no record is in use: one look on the hot path */
	_Atomic uint64_t any_set_aside; /* 0 = the quarantine folder is empty */
	_Atomic uint64_t unused[5];
	_Atomic uint64_t
		owned[KILN_NOTE_SLOTS]; /* set by an owner that holds its lock, cleared when it closes */
	_Atomic uint64_t unused_too[184];
	struct kiln_strike_record strikes[KILN_STRIKE_RECORDS];
	struct kiln_note_lane lanes[KILN_NOTE_SLOTS][KILN_NOTE_LANES];
};

#define KILN_NOTES_BYTES sizeof(struct kiln_notes_file)
#define KILN_STRIKES_OFFSET 2048

/* Of one open cache. */
struct kiln_notes {
	struct kiln_notes_file *file; /* NULL: none, and everything here does nothing */
	int fd;
	unsigned slot;           /* KILN_NOTE_SLOTS: all taken */
	_Atomic uint32_t lanes;  /* bit i: lane i is taken by a thread */
	struct kiln_mutex mutex; /* threads of one open file share its locks */
};

struct kiln_cache;

/* At opening: maps the file, sets aside what the dead left with the driver, takes a slot. Never fails: without
 * notes a cache works, and only crashes go unnoticed. */
void kiln_notes_open(struct kiln_cache *cache);
void kiln_notes_close(struct kiln_cache *cache);

/* Guards the strikes, against processes and threads. `wait`: for up to some 50 ms, else not at all. */
bool kiln_notes_lock(struct kiln_cache *cache, bool wait);
void kiln_notes_unlock(struct kiln_cache *cache);

/* Never 0, and what no accident makes. */
uint64_t kiln_notes_check(const uint64_t *words, size_t count, uint64_t seed);

/* Whether the slot's owner left without closing. */
bool kiln_notes_owner_is_dead(const struct kiln_cache *cache, unsigned slot);
/* Whether the lane holds a whole note. */
bool kiln_notes_lane_read(const struct kiln_note_lane *lane, uint64_t names[6]);

/* Sets aside what dead owners have in the notes. */
void kiln_quarantine_sweep(struct kiln_cache *cache);
/* An entry was written anew. */
void kiln_quarantine_clear(const struct kiln_cache *cache, const char *name);
/* Whether the entry was set aside and not written again: no layer may bring it back either. */
bool kiln_place_quarantined(const struct kiln_cache *cache, const struct kiln_place *place);

/* Under the lock: a crash on `device` while `entry` was with the driver. Whether persistence rests now. */
bool kiln_strikes_add(struct kiln_cache *cache, const uint64_t device[2], uint64_t entry);
void kiln_strikes_forget_all(struct kiln_cache *cache);
/* Without it: a blob loaded on `device`. */
void kiln_strikes_loaded(struct kiln_cache *cache, const uint64_t device[2]);
bool kiln_strikes_suspended(const struct kiln_cache *cache, const struct kiln_digest *device);

#endif
