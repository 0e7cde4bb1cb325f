#include "kernel.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <base/alloc.h>
#include <base/clock.h>
#include <base/error.h>
#include <base/log.h>
#include <base/settings.h>

#include "device.h"
#include "kernel_check.h"
#include "kernel_variant.h"
#include "launch_helper.h"
#include "launch_mode.h"
#include "slice.h"
#include "tune_choice.h"
#include "tune_launch.h"

/* ---- Creating and destroying ---- */

static int by_id(const void *a, const void *b)
{
	uint32_t left = ((const struct kiln_spec_value *)a)->id,
		 right = ((const struct kiln_spec_value *)b)->id;

	return left < right ? -1 : left > right;
}

static enum kiln_status take_params(struct kiln_kernel *kernel, const struct kiln_kernel_params *params)
{
	kernel->subgroup_size = params->subgroup_size;
	kernel->guarded = params->guarded;
	kernel->modes = params->modes;
	kernel->resizable = params->resizable;
	if (params->spec_count == 0)
		return KILN_OK;
	kernel->spec = kiln_memdup(params->spec, params->spec_count * sizeof(*kernel->spec));
	if (!kernel->spec)
		return kiln_error(KILN_ERR_OUT_OF_MEMORY,
		                  "out of memory specialising a kernel. Fix: free memory and call again");
	kernel->spec_count = params->spec_count;
	/* Bytes beyond a value's size do not count, in no key. */
	for (size_t i = 0; i < kernel->spec_count; i++)
		if (kernel->spec[i].size < 8)
			kernel->spec[i].value &= (UINT64_C(1) << 8 * kernel->spec[i].size) - 1;
	qsort(kernel->spec, kernel->spec_count, sizeof(*kernel->spec), by_id);
	return KILN_OK;
}

static enum kiln_status find_entry(struct kiln_kernel *kernel, const struct kiln_kernel_params *params)
{
	const struct kiln_reflection *r = kernel->program->reflection;
	char names[200] = "";
	size_t used = 0;

	KILN_TRY(kiln_interface_init(&kernel->interface, kernel->program, params->entry, NULL, 0));
	if (kernel->interface.entry) {
		(void)snprintf(kernel->name, sizeof(kernel->name), "%s",
		               params->name ? params->name : kernel->interface.entry->name);
		return KILN_OK;
	}
	for (size_t i = 0; i < r->entry_count && used < sizeof(names); i++)
		used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s", i ? ", " : "",
		                         r->entries[i].name);
	return kiln_error(KILN_ERR_SPIRV_ENTRY_POINT,
	                  "the module has no compute entry point '%.100s'; it has: %s. Fix: name one "
	                  "of these in .entry",
	                  params->entry ? params->entry : "main", names);
}

static void caller_workgroup(const struct kiln_kernel *kernel, const struct kiln_kernel_params *params,
                             uint32_t out[3])
{
	for (int d = 0; d < 3; d++) {
		const struct kiln_workgroup_dim *dim = &kernel->interface.entry->workgroup[d];

		out[d] = params->workgroup[d];
		/* A caller that specialises the dimension's constant has asked for that size. */
		if (!out[d] && dim->specialised &&
		    kiln_spec_find(kernel->spec, kernel->spec_count, dim->spec_id))
			out[d] = kernel->own[d];
	}
}

/* Where no record can be, launches need not ask for one. */
static void follow_store(struct kiln_kernel *kernel)
{
	/* Whoever counts workgroups on the device reckons with a size. */
	bool tunable = kernel->device->store && kiln_kernel_is_tunable(kernel) &&
	               !(kernel->modes & KILN_FEATURE_INDIRECT_DISPATCH);

	kernel->tunes_itself = tunable && kernel->device->autotune_mode >= KILN_AUTOTUNE_MODE_TUNE;
	atomic_init(&kernel->by_bucket, tunable && !kiln_store_is_empty(kernel->device->store));
}

static enum kiln_status prepare(struct kiln_kernel *kernel, const struct kiln_kernel_params *params)
{
	uint32_t wanted[3];

	KILN_TRY(kiln_mutex_init(&kernel->lock));
	kernel->lock_ready = true;
	KILN_TRY(kiln_programs_acquire(&kernel->device->programs, params->spirv, params->spirv_bytes,
	                               params->borrow, &kernel->program));
	KILN_TRY(find_entry(kernel, params));
	KILN_TRY(take_params(kernel, params));
	KILN_TRY(kiln_kernel_check_spec(kernel));
	KILN_TRY(kiln_interface_init(&kernel->interface, kernel->program, kernel->interface.entry->name,
	                             kernel->spec, kernel->spec_count));
	kiln_workgroup_default(kernel->interface.entry, kernel->spec, kernel->spec_count, kernel->own);
	kernel->tune_key = kiln_kernel_tune_key(kernel, KILN_TUNE_ANY_SIZE);
	KILN_TRY(kiln_reflection_tunables(kernel->program->reflection, kernel->interface.entry,
	                                  params->tunables, params->tunable_count, &kernel->tunables));
	caller_workgroup(kernel, params, wanted);
	KILN_TRY(kiln_kernel_choose(kernel, wanted));
	follow_store(kernel);
	return KILN_OK;
}

enum kiln_status kiln_kernel_create(struct kiln_device *device, const struct kiln_kernel_params *params,
                                    struct kiln_kernel **out_kernel)
{
	struct kiln_kernel *kernel;
	enum kiln_status status;

	KILN_CHECK(device, "kiln_kernel_create: the device is NULL. Fix: open one with kiln_device_open()");
	KILN_CHECK(out_kernel,
	           "kiln_kernel_create: out_kernel is NULL. Fix: pass the address of a kernel pointer");
	KILN_CHECK(params && params->spirv,
	           "kiln_kernel_create: no SPIR-V was given. Fix: set .spirv and .spirv_bytes");
	KILN_CHECK(
		((uintptr_t)params->spirv & 3) == 0,
		"kiln_kernel_create: .spirv is not 4-byte aligned. Fix: load it into memory from malloc() or a uint32_t array");
	KILN_CHECK(
		params->spec_count <= KILN_SPEC_VALUES_MAX && (params->spec || params->spec_count == 0),
		"kiln_kernel_create: %zu specialisation values at %p; at most %u. Fix: set .spec and .spec_count together",
		params->spec_count, (const void *)params->spec, KILN_SPEC_VALUES_MAX);
	KILN_TRY(kiln_mode_check_params(params));
	KILN_TRY(kiln_device_check(device));
	kernel = kiln_alloc_zero(1, sizeof(*kernel));
	if (!kernel)
		return kiln_error(KILN_ERR_OUT_OF_MEMORY,
		                  "out of memory creating a kernel. Fix: free memory and call again");
	atomic_init(&kernel->references, 1);
	kernel->device = device;
	kiln_device_reference(device);
	status = prepare(kernel, params);
	kiln_program_end_loan(kernel->program);
	if (status != KILN_OK) {
		kiln_kernel_destroy(&kernel);
		return status;
	}
	*out_kernel = kernel;
	return KILN_OK;
}

void kiln_kernel_reference(struct kiln_kernel *kernel)
{
	atomic_fetch_add_explicit(&kernel->references, 1, memory_order_relaxed);
}

void kiln_kernel_destroy(struct kiln_kernel **kernel)
{
	struct kiln_kernel *k = kernel ? *kernel : NULL;

	if (!k)
		return;
	*kernel = NULL;
	if (kiln_device_is_inherited(k->device) ||
	    atomic_fetch_sub_explicit(&k->references, 1, memory_order_acq_rel) != 1)
		return;
	kiln_tuning_finish(k);
	kiln_tuned_finish(k);
	for (int i = 0; i < KILN_VARIANT_COUNT; i++)
		kiln_variant_finish(k, &k->variants[i]);
	kiln_interface_finish(&k->interface);
	kiln_programs_release(&k->device->programs, k->program);
	if (k->lock_ready)
		kiln_mutex_finish(&k->lock);
	kiln_free(k->spec);
	kiln_device_unreference(k->device);
	kiln_free(k);
}

const struct kiln_reflection *kiln_kernel_reflection(const struct kiln_kernel *kernel)
{
	return kernel ? kernel->program->reflection : NULL;
}

const struct kiln_entry_point *kiln_kernel_entry(const struct kiln_kernel *kernel)
{
	return kernel ? kernel->variants[KILN_VARIANT_PREFERRED].interface.entry : NULL;
}

/* ---- Resolving ---- */

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
