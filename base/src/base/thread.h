/* POSIX threads under the names the tiers use. Locks never fail; see each comment for what may. */
#ifndef BASE_THREAD_H
#define BASE_THREAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <kiln/status.h>

struct kiln_mutex {
	pthread_mutex_t native;
};

struct kiln_cond {
	pthread_cond_t native; /* on the monotonic clock */
};

struct kiln_thread {
	pthread_t native;
};

enum kiln_status kiln_mutex_init(struct kiln_mutex *mutex);
void kiln_mutex_finish(struct kiln_mutex *mutex);
void kiln_mutex_lock(struct kiln_mutex *mutex);
/* false when somebody has it. */
bool kiln_mutex_try_lock(struct kiln_mutex *mutex);
void kiln_mutex_unlock(struct kiln_mutex *mutex);

enum kiln_status kiln_cond_init(struct kiln_cond *cond);
void kiln_cond_finish(struct kiln_cond *cond);
void kiln_cond_wait(struct kiln_cond *cond, struct kiln_mutex *mutex);
/* false when `timeout_ns` passed first */
bool kiln_cond_wait_for(struct kiln_cond *cond, struct kiln_mutex *mutex, uint64_t timeout_ns);
void kiln_cond_signal(struct kiln_cond *cond);
void kiln_cond_broadcast(struct kiln_cond *cond);

enum kiln_status kiln_thread_start(struct kiln_thread *thread, void *(*run)(void *), void *user);
void kiln_thread_join(struct kiln_thread *thread);

unsigned kiln_cpu_count(void); /* at least 1; the process's affinity, not the machine's */

#endif
