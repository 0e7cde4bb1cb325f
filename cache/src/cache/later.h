/* Writes off the hot path: a bounded queue and one thread of low priority. */
#ifndef CACHE_LATER_H
#define CACHE_LATER_H

#include <stdatomic.h>
#include <sys/types.h>

#include <base/table.h>
#include <base/thread.h>
#include <cache/subject.h>
#include <kiln/cache.h>

#define KILN_LATER_BYTES_MAX (UINT64_C(64) << 20) /* of all copies together */
#define KILN_LATER_ENTRIES_MAX 1024
#define KILN_LATER_QUIET_NS UINT64_C(50000000)   /* a burst is over */
#define KILN_LATER_WAIT_NS UINT64_C(1000000000)  /* a burst that does not end is written all the same */
#define KILN_LATER_STUCK_NS UINT64_C(1000000000) /* one write takes so long: the disk hangs */

/* A copy of a write: `data` is the encoded subject, then the payload. */
struct kiln_later_item {
	struct kiln_later_item *previous, *next;
	struct kiln_place place;
	struct kiln_cache_entry entry; /* its payload lies in `data` */
	struct kiln_cache_lease lease;
	size_t subject_bytes;
	uint8_t data[];
};

/* `count` is read without the mutex: where nothing waits, readers do not touch it. */
struct kiln_later {
	struct kiln_mutex mutex;
	struct kiln_cond changed;
	struct kiln_thread thread;
	_Atomic pid_t owner; /* of the thread; 0 = none yet. A forked child has neither thread nor queue */
	_Atomic bool stopping;
	bool hurry; /* somebody waits: no waiting for the burst to end */
	bool grown; /* written, by whomever, since the thread last looked whether to collect */
	_Atomic size_t count;
	size_t bytes;
	struct kiln_table items; /* kiln_place.id -> the item, until it is written */
	struct kiln_later_item *first, *last;
	struct kiln_later_item *writing; /* taken off the list, still in `items`; one at a time */
	uint64_t oldest_ns, newest_ns;   /* when the list's first and last item came */
	uint64_t write_began_ns;
	enum kiln_status status; /* the first failed write since the last flush */
};

enum kiln_status kiln_later_init(struct kiln_later *later);
/* Writes what is left and ends the thread. */
void kiln_later_finish(struct kiln_cache *cache);

/* Writes everything that waits now, here and now. */
void kiln_later_drain(struct kiln_cache *cache);
/* The same; returns the first failure since the last call, whoever met it. */
enum kiln_status kiln_later_settle(struct kiln_cache *cache);

/* A write to the same place follows: what waits for it is out of date. *out_lease: its lease, if it has one, for the
 * caller to end after that write. */
void kiln_later_drop(struct kiln_cache *cache, const struct kiln_place *place,
                     struct kiln_cache_lease *out_lease);

/* Looks for an entry that waits. KILN_OK, NOT_FOUND, OUT_OF_MEMORY. */
enum kiln_status kiln_later_read(struct kiln_cache *cache, const struct kiln_subject *subject,
                                 const struct kiln_place *place, struct kiln_cache_entry *out_entry);

/* Calls for the file name of everything that waits or is being written, until false. */
void kiln_later_visit(struct kiln_cache *cache, bool (*visit)(void *user, const char *name), void *user);

/* The same for their encoded subjects. */
void kiln_later_visit_subjects(struct kiln_cache *cache,
                               bool (*visit)(void *user, const struct kiln_place *place, const uint8_t *subject,
                                             size_t bytes),
                               void *user);

/* Takes a copy. The lease, if there is one, is ended when it has been written. false = write it now: there
 * is no memory, no thread or no room, or the child of a fork asks. *out_dropped: do not, the disk hangs. */
bool kiln_later_add(struct kiln_cache *cache, const struct kiln_subject *subject,
                    const struct kiln_place *place, const struct kiln_cache_entry *entry,
                    struct kiln_cache_lease *lease, bool *out_dropped);

/* ---- Between the queue and its thread; `kiln_later.mutex` is held ---- */

/* Whether thread and queue are this process's; the mutex may be free. */
bool kiln_later_is_ours(const struct kiln_later *later);
/* Starts the thread if there is none; false = there can be none. */
bool kiln_later_start(struct kiln_cache *cache);
/* Takes it off the list. */
void kiln_later_unlink(struct kiln_later *later, struct kiln_later_item *item);
/* It is written, or never will be: ends its lease and frees it. */
void kiln_later_forget(struct kiln_later *later, struct kiln_later_item *item);

#endif
