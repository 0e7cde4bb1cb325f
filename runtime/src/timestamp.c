#include "timestamp.h"

#include <math.h>

#include "device.h"

/* ---- Pure ---- */

/* A device without hardware has an infinite period. */
double kiln_timestamps_period(float told)
{
	return isfinite(told) && told > 0 ? (double)told : 0;
}

static uint64_t mask_of(uint32_t bits)
{
	return bits >= 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;
}

uint64_t kiln_ticks_between(uint64_t begin, uint64_t end, uint32_t bits)
{
	return (end - begin) & mask_of(bits);
}

int64_t kiln_ticks_apart(uint64_t from, uint64_t to, uint32_t bits)
{
	uint64_t apart = (to - from) & mask_of(bits);
	uint64_t sign = bits ? UINT64_C(1) << (bits >= 64 ? 63 : bits - 1) : 0;

	return (int64_t)(apart & sign ? apart | ~mask_of(bits) : apart);
}

uint64_t kiln_ticks_ns(uint64_t ticks, double period_ns)
{
	return period_ns == 1.0 ? ticks : (uint64_t)((double)ticks * period_ns + 0.5);
}

uint64_t kiln_calibrated_ns(const struct kiln_calibration *calibration, uint64_t ticks, uint32_t bits,
                            double period_ns)
{
	int64_t apart = kiln_ticks_apart(calibration->ticks, ticks, bits);

	if (apart < 0)
		return calibration->host_ns - kiln_ticks_ns(0 - (uint64_t)apart, period_ns);
	return calibration->host_ns + kiln_ticks_ns((uint64_t)apart, period_ns);
}

void kiln_clock_fit_add(struct kiln_clock_fit *fit, uint64_t submitted_ns, uint64_t device_first_ns,
                        uint64_t device_last_ns, uint64_t done_ns)
{
	int64_t low = (int64_t)(submitted_ns - device_first_ns), high = (int64_t)(done_ns - device_last_ns);

	if (!fit->any || low > fit->low)
		fit->low = low;
	if (!fit->any || high < fit->high)
		fit->high = high;
	fit->any = true;
}

/* Clocks that drift apart leave nothing that is possible; the middle is then the best there is. */
int64_t kiln_clock_fit_offset(const struct kiln_clock_fit *fit, uint64_t *out_uncertainty_ns)
{
	int64_t width = fit->high - fit->low;

	*out_uncertainty_ns = (uint64_t)(width < 0 ? -width : width) / 2;
	return fit->low + width / 2;
}

/* ---- The device's ---- */

static bool has_monotonic(const struct kiln_device *device)
{
	VkTimeDomainEXT domains[16];
	uint32_t count = 16;
	bool host = false, own = false;

	if (!device->instance.vkGetPhysicalDeviceCalibrateableTimeDomainsEXT ||
	    device->instance.vkGetPhysicalDeviceCalibrateableTimeDomainsEXT(device->physical, &count,
	                                                                    domains) < 0)
		return false;
	for (uint32_t i = 0; i < count; i++) {
		host |= domains[i] == VK_TIME_DOMAIN_CLOCK_MONOTONIC_EXT;
		own |= domains[i] == VK_TIME_DOMAIN_DEVICE_EXT;
	}
	return host && own;
}

void kiln_timestamps_init(struct kiln_device *device, bool extension)
{
	struct kiln_timestamps *timestamps = &device->timestamps;
	VkQueueFamilyProperties families[16];
	uint32_t count = 16;

	timestamps->period_ns = kiln_timestamps_period(device->limits.timestampPeriod);
	if (timestamps->period_ns == 0)
		return;
	device->instance.vkGetPhysicalDeviceQueueFamilyProperties(device->physical, &count, families);
	for (uint32_t i = 0; i < device->queue_count; i++)
		if (device->queues[i].family < count)
			timestamps->bits[i] = families[device->queues[i].family].timestampValidBits;
	timestamps->calibrated =
		extension && device->vk.vkGetCalibratedTimestampsEXT && has_monotonic(device);
}

uint32_t kiln_timestamps_bits(const struct kiln_stream *stream)
{
	const struct kiln_device *device = stream->device;

	return device->timestamps.bits[stream->queue == &device->queues[1]];
}

bool kiln_timestamps_calibrate(struct kiln_device *device, struct kiln_calibration *out_calibration)
{
	const VkCalibratedTimestampInfoEXT clocks[2] = {
		{.sType = VK_STRUCTURE_TYPE_CALIBRATED_TIMESTAMP_INFO_EXT,
	         .timeDomain = VK_TIME_DOMAIN_DEVICE_EXT},
		{.sType = VK_STRUCTURE_TYPE_CALIBRATED_TIMESTAMP_INFO_EXT,
	         .timeDomain = VK_TIME_DOMAIN_CLOCK_MONOTONIC_EXT},
	};
	uint64_t readings[2], deviation;

	if (!device->timestamps.calibrated ||
	    device->vk.vkGetCalibratedTimestampsEXT(device->handle, 2, clocks, readings, &deviation) < 0)
		return false;
	*out_calibration = (struct kiln_calibration){readings[0], readings[1], deviation};
	return true;
}
