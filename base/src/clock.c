#include <base/clock.h>

#include <stddef.h>
#include <time.h>

static uint64_t monotonic_ns(void *user)
{
	struct timespec now;

	(void)user;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static int64_t wall_s(void *user)
{
	struct timespec now;

	(void)user;
	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec;
}

const struct kiln_clock kiln_clock_system = {
	.monotonic_ns = monotonic_ns,
	.wall_s = wall_s,
};

uint64_t kiln_now_ns(void)
{
	return monotonic_ns(NULL);
}
