/* Reporting a failure: sets this thread's message and hands the status back. */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include <kiln/status.h>

/* Sets the thread's message and returns `status`, so that `return kiln_error(...)` is one line.
 * Does not log: the caller of the library sees the status; what nobody sees is logged with kiln_log(). */
enum kiln_status kiln_error(enum kiln_status status, const char *format, ...) KILN_PRINTF(2, 3);

/* Sets the message from errno: "<what>: <strerror>. Fix: ..." and maps errno to a status
 * (EACCES/EPERM permission, ENOSPC/EDQUOT no space, EROFS read-only, ENOTDIR not a directory,
 * ENOENT not found, ENOMEM out of memory, EFBIG too large, else IO). */
enum kiln_status kiln_error_errno(int errnum, const char *format, ...) KILN_PRINTF(2, 3);
enum kiln_status kiln_status_of_errno(int errnum);

/* Prefixes the present message with context: "<context>: <old message>". Returns `status`. */
enum kiln_status kiln_error_context(enum kiln_status status, const char *format, ...) KILN_PRINTF(2, 3);

/* Public-argument check: `if (!cond) return kiln_error(...)` with -Ddebug_abort aborting. */
#define KILN_CHECK(condition, ...)                                               \
	do {                                                                     \
		if (!(condition)) {                                              \
			kiln_debug_abort(#condition);                            \
			return kiln_error(KILN_ERR_INVALID_ARGUMENT, __VA_ARGS__); \
		}                                                                \
	} while (0)

/* Aborts under -Ddebug_abort=true, else does nothing. */
void kiln_debug_abort(const char *condition);

#endif
