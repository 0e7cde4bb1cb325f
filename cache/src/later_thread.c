/* The thread that writes what waits, and those who do it for it. */
#include <cache/later.h>

#include <assert.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <base/alloc.h>
#include <base/clock.h>
#include <base/error.h>
#include <base/log.h>
#include <cache/gc.h>
#include <cache/store.h>

#define NICE 10

/* ---- Writing ---- */

static enum kiln_status write_item(struct kiln_cache *cache, const struct kiln_later_item *item)
{
	struct kiln_subject_copy copy;
	enum kiln_status status =
		kiln_subject_decode(item->place.kind, item->data, item->subject_bytes, &copy);

	if (status != KILN_OK) { /* it was encoded by us */
		assert(status == KILN_ERR_OUT_OF_MEMORY);
		kiln_count(&cache->counts.write_errors);
		return kiln_error(status, "no memory to write a cache entry. Fix: free some");
	}
	status = kiln_subject_write(cache, &copy.subject, &item->place, &item->entry);
	kiln_subject_copy_finish(&copy);
	return status;
}

static void log_failure(struct kiln_cache *cache)
{
	if (!atomic_exchange(&cache->later_logged, true))
		kiln_log(KILN_LOG_WARN, "a cache entry is not kept: %s. Further ones are not logged",
		         kiln_error_message());
}

/* Takes the first item and writes it, with the mutex let go meanwhile. One at a time, so that two writes of
 * one key cannot overtake each other. */
static void write_first(struct kiln_cache *cache)
{
	struct kiln_later *later = &cache->later;
	struct kiln_later_item *item = later->first;
	enum kiln_status status;

	kiln_later_unlink(later, item);
	later->writing = item;
	later->write_began_ns = kiln_now_ns();
	kiln_mutex_unlock(&later->mutex);
	status = write_item(cache, item);
	if (status != KILN_OK)
		log_failure(cache);
	kiln_mutex_lock(&later->mutex);
	if (later->status == KILN_OK)
		later->status = status;
	later->writing = NULL;
	later->grown = true;
	kiln_later_forget(later, item);
	kiln_cond_broadcast(&later->changed);
}

static void write_all(struct kiln_cache *cache)
{
	struct kiln_later *later = &cache->later;

	while (later->first != NULL || later->writing != NULL) {
		if (later->writing != NULL)
			kiln_cond_wait(&later->changed, &later->mutex);
		else
			write_first(cache);
	}
}

/* ---- The thread ---- */

/* How long until the burst is over; 0 = it is. */
static uint64_t time_to_quiet(const struct kiln_later *later)
{
	uint64_t now_ns = kiln_now_ns(), quiet_ns = later->newest_ns + KILN_LATER_QUIET_NS;

	if (later->stopping || later->hurry)
		return 0;
	if (later->bytes > KILN_LATER_BYTES_MAX / 2 || later->count > KILN_LATER_ENTRIES_MAX / 2)
		return 0;
	if (quiet_ns > later->oldest_ns + KILN_LATER_WAIT_NS)
		quiet_ns = later->oldest_ns + KILN_LATER_WAIT_NS;
	return quiet_ns > now_ns ? quiet_ns - now_ns : 0;
}

/* Only this thread's, as far as the system knows such a thing. Refused is as good. */
static void lower_priority(void)
{
#ifdef __linux__
	const struct sched_param none = {0};

	sched_setscheduler(0, SCHED_BATCH, &none);
	setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0) + NICE);
#endif
}

/* A collection takes its time, and others may wait for a lease. */
static void write_due(struct kiln_cache *cache)
{
	struct kiln_later *later = &cache->later;

	if (atomic_load(&later->count) == 0)
		return;
	kiln_mutex_lock(&later->mutex);
	if (later->first != NULL && time_to_quiet(later) == 0)
		write_all(cache);
	kiln_mutex_unlock(&later->mutex);
}

/* Closing does not wait for a collection, unless it is overdue. */
static bool go_on(void *user, const char *phase, uint64_t done, uint64_t total)
{
	struct kiln_cache *cache = user;

	(void)phase, (void)done, (void)total;
	write_due(cache);
	return !atomic_load(&cache->later.stopping);
}

static void collect_if_due(struct kiln_cache *cache)
{
	const struct kiln_cache_progress progress = {.step = go_on, .user = cache};

	cache->later.grown = false;
	kiln_mutex_unlock(&cache->later.mutex);
	kiln_gc_if_due(cache, &progress);
	kiln_mutex_lock(&cache->later.mutex);
}

/* Nothing is left to write. The burst is over, and if it was somebody else who wrote it out. */
static void rest(struct kiln_cache *cache)
{
	struct kiln_later *later = &cache->later;

	later->hurry = later->hurry && later->first != NULL;
	if (later->grown && later->first == NULL && later->writing == NULL)
		collect_if_due(cache);
	else
		kiln_cond_wait(&later->changed, &later->mutex);
}

static void *run(void *user)
{
	struct kiln_cache *cache = user;
	struct kiln_later *later = &cache->later;

	lower_priority();
	kiln_mutex_lock(&later->mutex);
	while (!later->stopping || later->first != NULL) {
		uint64_t wait_ns;

		if (later->first == NULL || later->writing != NULL) {
			rest(cache);
			continue;
		}
		wait_ns = time_to_quiet(later);
		if (wait_ns > 0) {
			kiln_cond_wait_for(&later->changed, &later->mutex, wait_ns);
			continue;
		}
		/* From here on until nothing is left: the burst is over. */
		later->hurry = true;
		write_first(cache);
	}
	kiln_mutex_unlock(&later->mutex);
	if (later->grown) /* closing: nobody else is here */
		kiln_gc_if_overdue(cache);
	return NULL;
}

/* The program's signals are not for this thread to handle. */
bool kiln_later_start(struct kiln_cache *cache)
{
	struct kiln_later *later = &cache->later;
	sigset_t all, kept;

	if (later->owner != 0)
		return true;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &kept);
	if (kiln_thread_start(&later->thread, run, cache) == KILN_OK)
		later->owner = getpid();
	pthread_sigmask(SIG_SETMASK, &kept, NULL);
	return later->owner != 0;
}

void kiln_later_finish(struct kiln_cache *cache)
{
	struct kiln_later *later = &cache->later;

	if (kiln_later_is_ours(later)) {
		kiln_mutex_lock(&later->mutex);
		later->stopping = true;
		kiln_cond_broadcast(&later->changed);
		kiln_mutex_unlock(&later->mutex);
		if (later->owner != 0)
			kiln_thread_join(&later->thread);
		kiln_cond_finish(&later->changed);
		kiln_mutex_finish(&later->mutex);
	}
	/* In the child of a fork the parent writes these, and the lock may be held by a thread that is not
	 * here. */
	while (later->first != NULL) {
		struct kiln_later_item *item = later->first;

		later->first = item->next;
		kiln_cache_lease_end(&item->lease);
		kiln_free(item);
	}
	kiln_table_finish(&later->items);
}

/* ---- For those who cannot wait for it ---- */

void kiln_later_drain(struct kiln_cache *cache)
{
	struct kiln_later *later = &cache->later;

	if (atomic_load(&later->count) == 0 || !kiln_later_is_ours(later))
		return;
	kiln_mutex_lock(&later->mutex);
	write_all(cache);
	kiln_mutex_unlock(&later->mutex);
}

enum kiln_status kiln_later_settle(struct kiln_cache *cache)
{
	struct kiln_later *later = &cache->later;
	enum kiln_status status;

	kiln_later_drain(cache);
	if (!kiln_later_is_ours(later))
		return KILN_OK;
	kiln_mutex_lock(&later->mutex);
	status = later->status;
	later->status = KILN_OK;
	kiln_mutex_unlock(&later->mutex);
	if (status != KILN_OK)
		return kiln_error(
			status,
			"an entry of the cache '%s' could not be written since the last flush: %s. Fix: see "
			"the log for the first such failure, and flush again once its cause is gone",
			cache->root, kiln_status_name(status));
	return KILN_OK;
}
