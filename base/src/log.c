#include <base/log.h>

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>

#include <base/settings.h>

#define MESSAGE_BYTES 2048

/* Read without the lock on every kiln_log_wants(); 0 = silent. */
static _Atomic int wanted_level;

static struct {
	pthread_mutex_t lock;
	kiln_log_callback callback;
	void *user;
} sink = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void set_sink(kiln_log_callback callback, void *user, int level)
{
	pthread_mutex_lock(&sink.lock);
	sink.callback = callback;
	sink.user = user;
	atomic_store(&wanted_level, callback != NULL ? level : 0);
	pthread_mutex_unlock(&sink.lock);
}

void kiln_log_set(kiln_log_callback callback, void *user, enum kiln_log_level max_level)
{
	int level = max_level;

	if (callback != NULL && level == 0) {
		/* The sink first, so that rubbish in KILN_LOG itself can be warned about. */
		set_sink(callback, user, KILN_LOG_WARN);
		level = kiln_setting_choice(NULL, KILN_SETTING_LOG);
	}
	set_sink(callback, user, level);
}

bool kiln_log_wants(enum kiln_log_level level)
{
	return (int)level <= atomic_load_explicit(&wanted_level, memory_order_relaxed);
}

void kiln_log(enum kiln_log_level level, const char *format, ...)
{
	char message[MESSAGE_BYTES];
	kiln_log_callback callback;
	void *user;
	va_list args;

	if (!kiln_log_wants(level))
		return;
	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	pthread_mutex_lock(&sink.lock);
	callback = sink.callback;
	user = sink.user;
	pthread_mutex_unlock(&sink.lock);
	if (callback != NULL)
		callback(user, level, message);
}

void kiln_log_stderr(void *user, enum kiln_log_level level, const char *message)
{
	static const char *const names[] = {"", "error", "warn", "info", "debug"};

	(void)user;
	if (level < KILN_LOG_ERROR || level > KILN_LOG_DEBUG)
		level = KILN_LOG_ERROR;
	fprintf(stderr, "kiln: %s: %s\n", names[level], message);
}
