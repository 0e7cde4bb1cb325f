/* Where Kiln's messages go. The library itself never prints. */
#ifndef KILN_LOG_H
#define KILN_LOG_H

#include <kiln/export.h>

KILN_BEGIN_DECLS

enum kiln_log_level {
	KILN_LOG_ERROR = 1,
	KILN_LOG_WARN = 2,
	KILN_LOG_INFO = 3,
	KILN_LOG_DEBUG = 4,
};

/** Receives one message, without a newline. Called on the thread that logs, possibly on several at once;
 *  it must not call Kiln. */
typedef void (*kiln_log_callback)(void *user, enum kiln_log_level level, const char *message);

/** Sends messages up to `max_level` to `callback`; NULL silences Kiln, which is how it starts.
 *  `max_level` 0 takes KILN_LOG from the environment (default warn).
 *  Returns: nothing.  Ownership: `user` stays the caller's and must outlive its use.
 *  Threads: any; a message in flight on another thread may still reach the old callback.  Blocks: no. */
KILN_API void kiln_log_set(kiln_log_callback callback, void *user, enum kiln_log_level max_level);

/** A callback that writes "kiln: level: message" lines to stderr. */
KILN_API void kiln_log_stderr(void *user, enum kiln_log_level level, const char *message);

KILN_END_DECLS

#endif
