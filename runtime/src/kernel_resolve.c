/* From a kernel to a pipeline that can be launched: which variant a launch takes, and what resolving it says. */
#include "kernel.h"

#include <string.h>

#include <base/alloc.h>
#include <base/clock.h>
#include <base/error.h>
#include <base/log.h>

#include "device.h"
#include "kernel_variant.h"
#include "launch_helper.h"
#include "tune_choice.h"

static struct kiln_variant *by_bucket(struct kiln_kernel *kernel, const uint32_t threads[3])
{
	struct kiln_tuned *tuned = atomic_load_explicit(&kernel->tuned_last, memory_order_acquire);
	uint32_t bucket = kiln_tune_bucket(threads);

	if (!tuned || tuned->bucket != bucket)
		tuned = kiln_tuned_of(kernel, bucket);
	if (!tuned || !tuned->variant ||
	    (!kernel->guarded &&
	     kiln_workgroup_rounds_further(tuned->variant->choice.size, kernel->own, threads)))
		return NULL;
	return tuned->variant;
}

struct kiln_variant *kiln_kernel_variant(struct kiln_kernel *kernel, const uint32_t threads[3])
{
	struct kiln_variant *preferred = &kernel->variants[KILN_VARIANT_PREFERRED];
	struct kiln_variant *own = &kernel->variants[KILN_VARIANT_OWN];
	struct kiln_variant *tuned;

	if (threads && atomic_load_explicit(&kernel->by_bucket, memory_order_relaxed)) {
		tuned = by_bucket(kernel, threads);
		if (tuned)
			return tuned;
	}
	if (!threads || !own->spec ||
	    !kiln_workgroup_rounds_further(preferred->choice.size, kernel->own, threads))
		return preferred;
	return own;
}

static bool is_current(const struct kiln_kernel *kernel, const struct kiln_variant *variant)
{
	return atomic_load_explicit(&variant->pipeline, memory_order_acquire) &&
	       atomic_load_explicit(&variant->epoch, memory_order_relaxed) ==
	               kiln_pipeline_tier_epoch(&kernel->device->pipelines);
}

/* Whether the variant has a pipeline that was not invalidated; notes the use. The kernel's lock is held. */
static bool keep_held(const struct kiln_kernel *kernel, struct kiln_variant *variant)
{
	struct kiln_pipeline_tier *tier = &kernel->device->pipelines;
	struct kiln_pipeline *held = atomic_load_explicit(&variant->pipeline, memory_order_relaxed);
	uint64_t epoch = kiln_pipeline_tier_epoch(tier); /* before looking: what is dropped later ends it */

	if (!held || atomic_load_explicit(&held->dropped, memory_order_relaxed))
		return false;
	kiln_pipeline_tier_use(tier, held);
	atomic_store_explicit(&variant->epoch, epoch, memory_order_relaxed);
	return true;
}

/* The kernel's lock is held. A pipeline that was invalidated stays where its successor cannot be made: it is whole, and the
 * next resolve tries again. */
static enum kiln_status resolve_anew(struct kiln_kernel *kernel, struct kiln_variant *variant, bool told)
{
	uint64_t epoch = kiln_pipeline_tier_epoch(&kernel->device->pipelines);
	struct kiln_pipeline *before;

	KILN_TRY(kiln_resolve(kernel->device, kiln_variant_program(kernel, variant), &variant->key,
	                      &variant->identity, kernel->name, told, &variant->resolution));
	kiln_free(variant->miss_text);
	variant->miss_text = variant->resolution.miss_text;
	before = atomic_exchange_explicit(&variant->pipeline, variant->resolution.pipeline,
	                                  memory_order_acq_rel);
	kiln_pipeline_unreference(before);
	atomic_store_explicit(&variant->epoch, epoch, memory_order_relaxed);
	return KILN_OK;
}

static enum kiln_status print_policy(struct kiln_variant *variant)
{
	size_t length;

	if (variant->policy)
		return KILN_OK;
	length = kiln_policy_print(&variant->key, NULL, 0);
	variant->policy = kiln_alloc(length + 1);
	if (!variant->policy)
		return kiln_error(KILN_ERR_OUT_OF_MEMORY,
		                  "out of memory printing a policy. Fix: free memory and call again");
	(void)kiln_policy_print(&variant->key, variant->policy, length + 1);
	return KILN_OK;
}

/* Beside the entry, of which it tells how it was made; one that was only loaded has its own. */
static void save_manifest(struct kiln_kernel *kernel, struct kiln_variant *variant)
{
	struct kiln_device *device = kernel->device;

	if (!device->sidecars || !device->cache || variant->resolution.outcome == KILN_OUTCOME_MEMORY ||
	    variant->resolution.outcome == KILN_OUTCOME_DISK || print_policy(variant) != KILN_OK)
		return;
	variant->manifest = kiln_manifest_print(kernel, variant);
	if (variant->manifest &&
	    kiln_cache_write_sidecar(device->cache, &variant->identity, variant->manifest) != KILN_OK)
		kiln_log(KILN_LOG_WARN, "the manifest of kernel '%s' is not written: %s", kernel->name,
		         kiln_error_message());
}

static enum kiln_status resolve(struct kiln_kernel *kernel, struct kiln_variant *variant, bool told)
{
	uint64_t start = kiln_now_ns();

	KILN_TRY(kiln_device_check(kernel->device));
	KILN_TRY(kiln_helpers_ready(kernel->device, kernel->modes));
	if (keep_held(kernel, variant)) {
		kiln_resolution_held(atomic_load_explicit(&variant->pipeline, memory_order_relaxed),
		                     &variant->resolution);
		kiln_pipeline_tier_count(&kernel->device->pipelines, KILN_OUTCOME_MEMORY);
	} else {
		KILN_TRY(resolve_anew(kernel, variant, told));
	}
	variant->resolve_ns = kiln_now_ns() - start;
	kiln_free(variant->manifest);
	variant->manifest = NULL;
	save_manifest(kernel, variant);
	atomic_store_explicit(&variant->resolved_again, false, memory_order_relaxed);
	return KILN_OK;
}

/* A kernel that has its pipeline is resolved without its lock, and many threads may do so at once: what they write is their
 * own counter, and once a flag, from which a manifest asked for later knows. */
static bool resolve_again(const struct kiln_kernel *kernel, struct kiln_variant *variant)
{
	struct kiln_device *device = kernel->device;

	if (!is_current(kernel, variant) ||
	    atomic_load_explicit(&device->lost, memory_order_relaxed) != KILN_OK)
		return false;
	kiln_pipeline_tier_count(&device->pipelines, KILN_OUTCOME_MEMORY);
	if (!atomic_load_explicit(&variant->resolved_again, memory_order_relaxed))
		atomic_store_explicit(&variant->resolved_again, true, memory_order_relaxed);
	return true;
}

/* Brings the facts up to date with resolves that left them alone; the kernel's lock is held. */
static void catch_up(struct kiln_variant *variant)
{
	if (!atomic_exchange_explicit(&variant->resolved_again, false, memory_order_relaxed))
		return;
	kiln_resolution_held(atomic_load_explicit(&variant->pipeline, memory_order_relaxed),
	                     &variant->resolution);
	variant->resolve_ns = 0;
	kiln_free(variant->manifest);
	variant->manifest = NULL;
}

enum kiln_status kiln_kernel_ready(struct kiln_kernel *kernel, struct kiln_variant *variant)
{
	enum kiln_status status = KILN_OK;

	if (is_current(kernel, variant))
		return KILN_OK;
	kiln_mutex_lock(&kernel->lock);
	if (!keep_held(kernel, variant))
		status = resolve(kernel, variant, false);
	kiln_mutex_unlock(&kernel->lock);
	return status;
}

/* What is known without a pipeline. */
static void describe(const struct kiln_kernel *kernel, const struct kiln_variant *variant,
                     struct kiln_build *out_build)
{
	*out_build = (struct kiln_build){
		.workgroup_source = variant->choice.source,
		.workgroup_note = variant->choice.note,
		.miss_text = "",
		.identity = variant->identity,
		.key = &variant->key,
		.policy = variant->policy,
		.tune_key = kernel->tune_key,
	};
	memcpy(out_build->workgroup, variant->choice.size, sizeof(out_build->workgroup));
}

static void report(const struct kiln_kernel *kernel, const struct kiln_variant *variant,
                   struct kiln_build *out_build)
{
	const struct kiln_pipeline *pipeline = atomic_load_explicit(&variant->pipeline, memory_order_relaxed);

	describe(kernel, variant, out_build);
	out_build->outcome = variant->resolution.outcome;
	out_build->cache_hit = variant->resolution.cache_hit;
	out_build->miss_reason = variant->resolution.miss_reason;
	out_build->miss_text =
		variant->resolution.miss_reason && variant->miss_text ? variant->miss_text : "";
	out_build->resolve_ns = variant->resolve_ns;
	out_build->compile_ns = variant->resolution.compile_ns;
	out_build->blob_bytes = pipeline->blob_bytes;
	out_build->stub = pipeline->stub;
}

static enum kiln_status resolve_variant(struct kiln_kernel *kernel, struct kiln_variant *variant,
                                        struct kiln_build *out_build)
{
	enum kiln_status status;

	if (!out_build && atomic_load_explicit(&kernel->reported, memory_order_relaxed) == variant &&
	    resolve_again(kernel, variant))
		return KILN_OK;
	kiln_mutex_lock(&kernel->lock);
	status = resolve(kernel, variant, out_build != NULL);
	if (status == KILN_OK)
		atomic_store_explicit(&kernel->reported, variant, memory_order_relaxed);
	if (status == KILN_OK && out_build)
		status = print_policy(variant);
	if (status == KILN_OK && out_build)
		report(kernel, variant, out_build);
	kiln_mutex_unlock(&kernel->lock);
	return status;
}

/* Why this problem size has no record of its own in use, where the variant says nothing. */
static const char *note_of(struct kiln_kernel *kernel, const uint32_t threads[3])
{
	struct kiln_tuned *tuned = NULL;

	if (atomic_load_explicit(&kernel->by_bucket, memory_order_relaxed))
		tuned = kiln_tuned_of(kernel, kiln_tune_bucket(threads));
	return tuned ? tuned->note : "";
}

enum kiln_status kiln_kernel_resolve(struct kiln_kernel *kernel, struct kiln_build *out_build)
{
	KILN_CHECK(kernel,
	           "kiln_kernel_resolve: the kernel is NULL. Fix: create one with kiln_kernel_create()");
	return resolve_variant(kernel, kiln_kernel_variant(kernel, NULL), out_build);
}

enum kiln_status kiln_kernel_resolve_for(struct kiln_kernel *kernel, const uint32_t threads[3],
                                         struct kiln_build *out_build)
{
	uint32_t whole[3];

	KILN_CHECK(kernel,
	           "kiln_kernel_resolve_for: the kernel is NULL. Fix: create one with kiln_kernel_create()");
	for (int d = 0; threads && d < 3; d++)
		whole[d] = threads[d] || d == 0 ? threads[d] : 1;
	KILN_TRY(resolve_variant(kernel, kiln_kernel_variant(kernel, threads ? whole : NULL), out_build));
	if (out_build && threads && !out_build->workgroup_note[0])
		out_build->workgroup_note = note_of(kernel, whole);
	return KILN_OK;
}

enum kiln_status kiln_kernel_describe(struct kiln_kernel *kernel, struct kiln_build *out_build)
{
	struct kiln_variant *variant;
	enum kiln_status status;

	KILN_CHECK(kernel && out_build,
	           "kiln_kernel_describe: the kernel or out_build is NULL. Fix: pass both");
	variant = kiln_kernel_variant(kernel, NULL);
	kiln_mutex_lock(&kernel->lock);
	status = print_policy(variant);
	if (status == KILN_OK)
		describe(kernel, variant, out_build);
	kiln_mutex_unlock(&kernel->lock);
	return status;
}

const char *kiln_kernel_manifest(struct kiln_kernel *kernel)
{
	struct kiln_variant *variant;
	const char *manifest = NULL;

	if (!kernel)
		return NULL;
	variant = atomic_load_explicit(&kernel->reported, memory_order_relaxed);
	if (!variant)
		variant = kiln_kernel_variant(kernel, NULL);
	kiln_mutex_lock(&kernel->lock);
	if (atomic_load_explicit(&variant->pipeline, memory_order_relaxed) &&
	    print_policy(variant) == KILN_OK) {
		catch_up(variant);
		if (!variant->manifest)
			variant->manifest = kiln_manifest_print(kernel, variant);
		manifest = variant->manifest;
	}
	kiln_mutex_unlock(&kernel->lock);
	return manifest;
}
