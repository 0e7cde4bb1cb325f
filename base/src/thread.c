#include <base/thread.h>

#include <assert.h>
#include <errno.h>
#include <sched.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <base/error.h>

#define NS_PER_S 1000000000u

static enum kiln_status refused(const char *what, int errnum)
{
	return kiln_error(
		KILN_ERR_THREAD,
		"the system refused a %s: %s. Fix: raise the process's limits (ulimit -u) or stop other "
		"work on this machine, then call again",
		what, strerror(errnum));
}

/* These fail only for a lock that was never made or is not held: a bug here, not a condition. */
static void must(int result)
{
	assert(result == 0);
	(void)result;
}

enum kiln_status kiln_mutex_init(struct kiln_mutex *mutex)
{
	int result = pthread_mutex_init(&mutex->native, NULL);

	return result == 0 ? KILN_OK : refused("lock", result);
}

void kiln_mutex_finish(struct kiln_mutex *mutex)
{
	must(pthread_mutex_destroy(&mutex->native));
}

void kiln_mutex_lock(struct kiln_mutex *mutex)
{
	must(pthread_mutex_lock(&mutex->native));
}

bool kiln_mutex_try_lock(struct kiln_mutex *mutex)
{
	return pthread_mutex_trylock(&mutex->native) == 0;
}

void kiln_mutex_unlock(struct kiln_mutex *mutex)
{
	must(pthread_mutex_unlock(&mutex->native));
}

enum kiln_status kiln_cond_init(struct kiln_cond *cond)
{
	pthread_condattr_t attributes;
	int result = pthread_condattr_init(&attributes);

	if (result != 0)
		return refused("condition variable", result);
	result = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	if (result == 0)
		result = pthread_cond_init(&cond->native, &attributes);
	pthread_condattr_destroy(&attributes);
	return result == 0 ? KILN_OK : refused("condition variable", result);
}

void kiln_cond_finish(struct kiln_cond *cond)
{
	must(pthread_cond_destroy(&cond->native));
}

void kiln_cond_wait(struct kiln_cond *cond, struct kiln_mutex *mutex)
{
	must(pthread_cond_wait(&cond->native, &mutex->native));
}

bool kiln_cond_wait_for(struct kiln_cond *cond, struct kiln_mutex *mutex, uint64_t timeout_ns)
{
	/* A century is for ever, and keeps the sum below what a 64-bit time_t overflows at. */
	const uint64_t longest = (uint64_t)100 * 365 * 24 * 3600 * NS_PER_S;
	struct timespec until;
	int result;

	if (timeout_ns > longest)
		timeout_ns = longest;
	clock_gettime(CLOCK_MONOTONIC, &until);
	timeout_ns += (uint64_t)until.tv_nsec;
	until.tv_sec += (time_t)(timeout_ns / NS_PER_S);
	until.tv_nsec = (long)(timeout_ns % NS_PER_S);
	result = pthread_cond_timedwait(&cond->native, &mutex->native, &until);
	assert(result == 0 || result == ETIMEDOUT);
	return result != ETIMEDOUT;
}

void kiln_cond_signal(struct kiln_cond *cond)
{
	must(pthread_cond_signal(&cond->native));
}

void kiln_cond_broadcast(struct kiln_cond *cond)
{
	must(pthread_cond_broadcast(&cond->native));
}

enum kiln_status kiln_thread_start(struct kiln_thread *thread, void *(*run)(void *), void *user)
{
	int result = pthread_create(&thread->native, NULL, run, user);

	return result == 0 ? KILN_OK : refused("thread", result);
}

void kiln_thread_join(struct kiln_thread *thread)
{
	must(pthread_join(thread->native, NULL));
}

unsigned kiln_cpu_count(void)
{
	long online;
#ifdef __linux__
	cpu_set_t allowed;

	if (sched_getaffinity(0, sizeof(allowed), &allowed) == 0 && CPU_COUNT(&allowed) > 0)
		return (unsigned)CPU_COUNT(&allowed);
#endif
	online = sysconf(_SC_NPROCESSORS_ONLN);
	return online > 0 ? (unsigned)online : 1;
}
