/* The tuner's own way to the device: one command list at a time, submitted and waited for, with a bound on the wait and
 * a time of what ran between two stamps. Nothing of the stream is in it but the queue, which the stream's lock guards. */
#ifndef RUNTIME_TUNE_LANE_H
#define RUNTIME_TUNE_LANE_H

#include <stdbool.h>
#include <stdint.h>

#include "vulkan_api.h"

struct kiln_device;

/* What stamps of a device can be used for. Pure. */
struct kiln_tune_clock {
	uint64_t mask;    /* of the valid bits; 0 = no stamps, the host's clock has to do */
	double period_ns; /* of one tick */
};

/* The clock of a device that says this of itself; unusable values give mask 0. */
struct kiln_tune_clock kiln_tune_clock_of(uint32_t valid_bits, double period_ns);

/* Nanoseconds from one stamp to another, counters that wrap included. False: no such time can have passed while the host's
 * clock went on by `host_ns`, or so much passed that the counter may have wrapped more than once. */
bool kiln_tune_clock_between(const struct kiln_tune_clock *clock, uint64_t from, uint64_t to,
                             uint64_t host_ns, double *out_ns);

struct kiln_tune_lane {
	struct kiln_device *device;
	VkCommandPool pool;
	VkCommandBuffer commands;
	VkFence fence;
	VkQueryPool queries; /* NULL = no stamps */
	struct kiln_tune_clock clock;
	uint32_t unusable;   /* stamps in a row that could not be true */
	bool stamped;        /* since the list began */
	bool gone;           /* with a device that was lost and reopened */
	bool stuck;          /* what was submitted never came back: nothing it uses may be freed */
	uint64_t timeout_ns; /* of one submission */
};

enum kiln_status kiln_tune_lane_init(struct kiln_tune_lane *lane, struct kiln_device *device,
                                     uint64_t timeout_ns);
/* Frees everything unless the lane is stuck. Zeroed memory is fine. */
void kiln_tune_lane_finish(struct kiln_tune_lane *lane);

/* Frees everything, on the lost device; nothing can be begun any more. */
void kiln_tune_lane_lose(struct kiln_tune_lane *lane);

/* Are the stamps there, and believed? Else what is timed is the whole submission. */
bool kiln_tune_lane_has_stamps(const struct kiln_tune_lane *lane);

enum kiln_status kiln_tune_lane_begin(struct kiln_tune_lane *lane);
/* Everything before is done, and seen, before anything behind begins. */
void kiln_tune_lane_barrier(struct kiln_tune_lane *lane);
/* 0: the beginning of what is timed, 1: its end. */
void kiln_tune_lane_stamp(struct kiln_tune_lane *lane, uint32_t which);

/* Ends, submits and waits. *out_ns (may be NULL) is the time between the stamps, or around the submission where the device
 * has none; negative: what the clock says cannot be true.
 * KILN_ERR_TIMEOUT: it did not come back, and the device is abandoned. KILN_ERR_DEVICE_LOST. */
enum kiln_status kiln_tune_lane_run(struct kiln_tune_lane *lane, double *out_ns);

#endif
