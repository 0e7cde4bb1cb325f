/* Time behind a seam. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

struct kiln_clock {
	uint64_t (*monotonic_ns)(void *user); /* never goes back */
	int64_t (*wall_s)(void *user);        /* seconds since 1970, UTC */
	void *user;
};

extern const struct kiln_clock kiln_clock_system;

uint64_t kiln_now_ns(void); /* kiln_clock_system's monotonic time */

#endif
