#include "progress.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S 1000000000u
#define REDRAW_NS (NS_PER_S / 5)

static struct {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	pthread_t thread;
	bool running, stop;
	const char *label;
	size_t done, total;
	uint64_t start_ns;
	bool drawn;
	bool quiet;
} line = {.lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER};

static volatile sig_atomic_t interrupted;

uint64_t kiln_tool_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

/* With the lock held. */
static void draw(void)
{
	uint64_t seconds = (kiln_tool_now_ns() - line.start_ns) / NS_PER_S;

	if (seconds < 1)
		return;
	line.drawn = true;
	if (line.total)
		fprintf(stderr, "\r\033[K%s %zu/%zu, %u s", line.label, line.done, line.total,
		        (unsigned)seconds);
	else
		fprintf(stderr, "\r\033[K%s, %u s", line.label, (unsigned)seconds);
	fflush(stderr);
}

static void *redraw(void *user)
{
	(void)user;
	pthread_mutex_lock(&line.lock);
	while (!line.stop) {
		struct timespec until;

		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += REDRAW_NS;
		until.tv_sec += until.tv_nsec / NS_PER_S;
		until.tv_nsec %= NS_PER_S;
		pthread_cond_timedwait(&line.wake, &line.lock, &until);
		if (!line.stop)
			draw();
	}
	pthread_mutex_unlock(&line.lock);
	return NULL;
}

void kiln_progress_start(const char *label, size_t total)
{
	if (line.running || line.quiet || !isatty(STDERR_FILENO))
		return;
	line.label = label;
	line.done = 0;
	line.total = total;
	line.start_ns = kiln_tool_now_ns();
	line.stop = line.drawn = false;
	line.running = pthread_create(&line.thread, NULL, redraw, NULL) == 0;
}

void kiln_progress_quiet(void)
{
	line.quiet = true;
}

void kiln_progress_step(size_t done, const char *label)
{
	kiln_progress_of(done, line.total, label);
}

void kiln_progress_of(size_t done, size_t total, const char *label)
{
	if (!line.running)
		return;
	pthread_mutex_lock(&line.lock);
	line.done = done;
	line.total = total;
	line.label = label;
	pthread_mutex_unlock(&line.lock);
}

void kiln_progress_stop(void)
{
	if (!line.running)
		return;
	pthread_mutex_lock(&line.lock);
	line.stop = true;
	pthread_cond_signal(&line.wake);
	pthread_mutex_unlock(&line.lock);
	pthread_join(line.thread, NULL);
	line.running = false;
	if (line.drawn)
		fputs("\r\033[K", stderr);
}

static void on_interrupt(int number)
{
	(void)number;
	interrupted = 1;
}

void kiln_interrupt_watch(void)
{
	struct sigaction action = {.sa_handler = on_interrupt, .sa_flags = (int)SA_RESETHAND | SA_RESTART};

	sigemptyset(&action.sa_mask);
	sigaction(SIGINT, &action, NULL);
}

bool kiln_interrupted(void)
{
	return interrupted != 0;
}
