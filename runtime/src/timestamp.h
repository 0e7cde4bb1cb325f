/* The device's clock: what its timestamps mean, and how they compare to the host's clock. */
#ifndef RUNTIME_TIMESTAMP_H
#define RUNTIME_TIMESTAMP_H

#include <stdbool.h>
#include <stdint.h>

#include "vulkan_api.h"

struct kiln_device;
struct kiln_stream;

struct kiln_timestamps {
	double period_ns; /* 0 = the device has no clock we can use */
	uint32_t bits[2]; /* valid ones, by queue; 0 = no timestamps there */
	bool calibrated;  /* the driver relates its clock to CLOCK_MONOTONIC */
};

/* After the device is made. `extension`: VK_EXT_calibrated_timestamps is enabled. */
void kiln_timestamps_init(struct kiln_device *device, bool extension);
/* Valid bits of the timestamps of this stream; 0 = none. */
uint32_t kiln_timestamps_bits(const struct kiln_stream *stream);

/* ---- Pure ---- */

/* The period as one to calculate with; 0 for what no clock has. */
double kiln_timestamps_period(float told);
/* From one reading to a later one, across at most one overflow of the valid bits. */
uint64_t kiln_ticks_between(uint64_t begin, uint64_t end, uint32_t bits);
/* The same without knowing which is the later: a distance shorter than half of what the bits count. */
int64_t kiln_ticks_apart(uint64_t from, uint64_t to, uint32_t bits);
uint64_t kiln_ticks_ns(uint64_t ticks, double period_ns);

/* Both clocks at one moment. */
struct kiln_calibration {
	uint64_t ticks, host_ns, deviation_ns;
};

/* false: the driver would not tell. */
bool kiln_timestamps_calibrate(struct kiln_device *device, struct kiln_calibration *out_calibration);
uint64_t kiln_calibrated_ns(const struct kiln_calibration *calibration, uint64_t ticks, uint32_t bits,
                            double period_ns);

/* Without a calibration, what the host saw bounds the distance of the clocks: nothing of a submission happens before it is
 * submitted, and all of it before the host knows that it is done. */
struct kiln_clock_fit {
	bool any;
	int64_t low, high; /* the host's clock less the device's, ns */
};

/* Device times are unwrapped and in ns. */
void kiln_clock_fit_add(struct kiln_clock_fit *fit, uint64_t submitted_ns, uint64_t device_first_ns,
                        uint64_t device_last_ns, uint64_t done_ns);
/* The middle of what is possible. */
int64_t kiln_clock_fit_offset(const struct kiln_clock_fit *fit, uint64_t *out_uncertainty_ns);

#endif
