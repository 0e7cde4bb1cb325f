/* What a device tells about itself and what it has done. */
#include "device.h"

const struct kiln_device_info *kiln_device_info(const struct kiln_device *device)
{
	return device ? &device->info : NULL;
}

const struct kiln_fingerprint *kiln_device_fingerprint(const struct kiln_device *device)
{
	return device ? &device->fingerprint : NULL;
}

struct kiln_cache *kiln_device_cache(const struct kiln_device *device)
{
	return device ? device->cache : NULL;
}

struct kiln_store *kiln_device_store(const struct kiln_device *device)
{
	return device ? device->store : NULL;
}

struct kiln_device_counters kiln_device_counters(const struct kiln_device *device)
{
	struct kiln_device_counters counters = {0};
	const struct kiln_device *d = device;

	if (!device)
		return counters;
	counters.memory = kiln_pipeline_tier_counted(&d->pipelines, KILN_OUTCOME_MEMORY);
	counters.disk = kiln_pipeline_tier_counted(&d->pipelines, KILN_OUTCOME_DISK);
	counters.driver = kiln_pipeline_tier_counted(&d->pipelines, KILN_OUTCOME_DRIVER);
	counters.compiled = kiln_pipeline_tier_counted(&d->pipelines, KILN_OUTCOME_COMPILED);
	counters.unknown = kiln_pipeline_tier_counted(&d->pipelines, KILN_OUTCOME_UNKNOWN);
	counters.rejected = atomic_load_explicit(&d->rejected, memory_order_relaxed);
	counters.unkept = atomic_load_explicit(&d->unkept, memory_order_relaxed);
	counters.failed = atomic_load_explicit(&d->failed, memory_order_relaxed);
	kiln_streams_count(device, &counters);
	counters.validation_messages =
		atomic_load_explicit(d->instance.validation_messages, memory_order_relaxed);
	return counters;
}
