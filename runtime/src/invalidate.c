/* Invalidating on both tiers. The disk goes first: a resolve that misses in memory after its pipeline was dropped must not
 * find the old entry, while one that still finds the pipeline is one from before this call. A resolve that read the entry
 * before it went is known to the memory tier as a build under way, and its pipeline is dropped with the others. */
#include <base/error.h>

#include "device.h"

typedef bool matches_fn(const void *user, const struct kiln_pipeline_identity *identity);

static enum kiln_status finish(struct kiln_device *device, enum kiln_status disk, matches_fn *matches,
                               const void *user, struct kiln_invalidated *report,
                               struct kiln_invalidated *out_report)
{
	report->pipelines = kiln_pipeline_tier_drop(&device->pipelines, matches, user);
	if (out_report)
		*out_report = *report;
	return disk;
}

static bool is_identity(const void *user, const struct kiln_pipeline_identity *identity)
{
	return kiln_digest_equal(&((const struct kiln_pipeline_identity *)user)->digest, &identity->digest);
}

enum kiln_status kiln_device_invalidate(struct kiln_device *device,
                                        const struct kiln_pipeline_identity *identity,
                                        struct kiln_invalidated *out_report)
{
	struct kiln_invalidated report = {0};
	enum kiln_status disk;

	KILN_CHECK(device && identity,
	           "kiln_device_invalidate: the device or the identity is NULL. Fix: pass both");
	disk = kiln_cache_invalidate(device->cache, identity, &report.entries);
	return finish(device, disk, is_identity, identity, &report, out_report);
}

static bool is_of_program(const void *user, const struct kiln_pipeline_identity *identity)
{
	return kiln_digest_equal(user, &identity->program);
}

enum kiln_status kiln_device_invalidate_program(struct kiln_device *device, const struct kiln_digest *program,
                                                struct kiln_invalidated *out_report)
{
	struct kiln_invalidated report = {0};
	enum kiln_status disk;

	KILN_CHECK(device && program,
	           "kiln_device_invalidate_program: the device or the program is NULL. Fix: pass both");
	disk = kiln_cache_invalidate_program(device->cache, program, &report.entries);
	return finish(device, disk, is_of_program, program, &report, out_report);
}

struct mask {
	const struct kiln_digest *programs;
	const uint8_t *mask;
	size_t count;
};

static bool is_in_mask(const void *user, const struct kiln_pipeline_identity *identity)
{
	const struct mask *mask = user;

	for (size_t i = 0; i < mask->count; i++)
		if (mask->mask[i] && kiln_digest_equal(&mask->programs[i], &identity->program))
			return true;
	return false;
}

enum kiln_status kiln_device_invalidate_mask(struct kiln_device *device, const struct kiln_digest *programs,
                                             size_t program_count, const uint8_t *mask, size_t mask_count,
                                             struct kiln_invalidated *out_report)
{
	const struct mask wanted = {programs, mask, mask_count < program_count ? mask_count : program_count};
	struct kiln_invalidated report = {0};
	struct kiln_digest digest;
	enum kiln_status disk;

	KILN_CHECK(device, "kiln_device_invalidate_mask: the device is NULL. Fix: pass one");
	KILN_CHECK((programs || program_count == 0) && (mask || mask_count == 0),
	           "kiln_device_invalidate_mask: %zu programs at %p and a mask of %zu at %p. Fix: pass both "
	           "with their counts",
	           program_count, (const void *)programs, mask_count, (const void *)mask);
	digest = kiln_fingerprint_digest(&device->fingerprint);
	disk = kiln_cache_invalidate_mask(device->cache, &digest, programs, program_count, mask, mask_count,
	                                  &report.entries);
	return finish(device, disk, is_in_mask, &wanted, &report, out_report);
}

static bool is_any(const void *user, const struct kiln_pipeline_identity *identity)
{
	(void)user;
	(void)identity;
	return true;
}

enum kiln_status kiln_device_invalidate_all(struct kiln_device *device, struct kiln_invalidated *out_report)
{
	struct kiln_invalidated report = {0};
	struct kiln_digest digest;
	enum kiln_status disk;

	KILN_CHECK(device, "kiln_device_invalidate_all: the device is NULL. Fix: pass one");
	digest = kiln_fingerprint_digest(&device->fingerprint);
	disk = kiln_cache_invalidate_device(device->cache, &digest, &report.entries);
	return finish(device, disk, is_any, NULL, &report, out_report);
}
