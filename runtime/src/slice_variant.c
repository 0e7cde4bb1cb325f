/* What a kernel needs to be sliced: facts of its code, a pipeline that takes a base, and how long its workgroups take. */
#include "slice.h"

#include <string.h>

#include <base/alloc.h>
#include <base/error.h>
#include <base/log.h>

#include "device.h"
#include "kernel_variant.h"
#include "reflect/rebase.h"

#define MODES (KILN_FEATURE_PERSISTENT_THREAD | KILN_FEATURE_SPECULATIVE)

/* ---- Making ---- */

/* The kernel reads gl_NumWorkGroups: it gets them from push constants. */
static enum kiln_status change_program(struct kiln_kernel *kernel, const struct kiln_variant *variant,
                                       struct kiln_slicing *slicing)
{
	const struct kiln_reflection *r = kiln_variant_program(kernel, variant)->reflection;
	uint32_t *words;
	size_t count;
	enum kiln_status status;

	status = kiln_spirv_rebase(r->words, r->word_count, variant->interface.entry->push_bytes, &words,
	                           &count, &slicing->counts_at);
	if (status == KILN_ERR_UNSUPPORTED) {
		slicing->reason = "it uses gl_NumWorkGroups in a way that cannot be replaced";
		return KILN_OK;
	}
	KILN_TRY(status);
	status = kiln_programs_acquire(&kernel->device->programs, words, count * sizeof(*words), false,
	                               &slicing->program);
	kiln_free(words);
	KILN_TRY(status);
	KILN_TRY(kiln_interface_init(&slicing->interface, slicing->program, variant->interface.entry->name,
	                             variant->spec, variant->key.spec_count));
	if (slicing->interface.entry->push_bytes > kernel->device->info.max_push_bytes)
		slicing->reason = "it reads gl_NumWorkGroups, and its push constants leave no room for them";
	return KILN_OK;
}

static enum kiln_status make_key(struct kiln_kernel *kernel, const struct kiln_variant *variant,
                                 struct kiln_slicing *slicing)
{
	slicing->key = variant->key;
	slicing->key.create_flags |= KILN_CREATE_DISPATCH_BASE;
	if (slicing->program) {
		slicing->key.program = slicing->program->reflection->program;
		slicing->key.push_bytes = slicing->interface.entry->push_bytes;
		slicing->key.features.bits |= slicing->interface.entry->features.bits;
	}
	return kiln_pipeline_identity(&slicing->key, &kernel->device->fingerprint, &slicing->identity);
}

static enum kiln_status fill(struct kiln_kernel *kernel, struct kiln_variant *variant,
                             struct kiln_slicing *slicing)
{
	const struct kiln_reflection *r = kiln_variant_program(kernel, variant)->reflection;
	struct kiln_parts_facts facts;
	uint64_t free_groups = KILN_SLICE_FREE;

	KILN_TRY(kiln_spirv_parts(r->words, r->word_count, &facts));
	slicing->reason = facts.reason;
	if (kernel->modes & MODES)
		slicing->reason = "it is made for a mode in which workgroups share work";
	if (!slicing->reason && variant->interface.entry->uses_num_workgroups)
		KILN_TRY(change_program(kernel, variant, slicing));
	if (slicing->reason || kernel->device->slice_budget_ns == KILN_SLICE_NEVER)
		free_groups = UINT64_MAX;
	else if (!facts.loops)
		free_groups = KILN_SLICE_FREE_FLAT;
	KILN_TRY(make_key(kernel, variant, slicing));
	atomic_store_explicit(&variant->short_groups, free_groups, memory_order_relaxed);
	return KILN_OK;
}

static enum kiln_status make(struct kiln_kernel *kernel, struct kiln_variant *variant)
{
	struct kiln_slicing *slicing = kiln_alloc_zero(1, sizeof(*slicing));
	enum kiln_status status;

	if (!slicing)
		return kiln_error(KILN_ERR_OUT_OF_MEMORY,
		                  "out of memory slicing a launch. Fix: free memory and call again");
	slicing->base = kiln_variant_program(kernel, variant);
	status = fill(kernel, variant, slicing);
	if (status != KILN_OK) {
		kiln_slicing_free(kernel, slicing);
		return status;
	}
	atomic_store_explicit(&variant->slicing, slicing, memory_order_release);
	return KILN_OK;
}

enum kiln_status kiln_slicing_get(struct kiln_kernel *kernel, struct kiln_variant *variant,
                                  struct kiln_slicing **out_slicing)
{
	enum kiln_status status = KILN_OK;

	*out_slicing = atomic_load_explicit(&variant->slicing, memory_order_acquire);
	if (*out_slicing)
		return KILN_OK;
	kiln_mutex_lock(&kernel->lock);
	if (!atomic_load_explicit(&variant->slicing, memory_order_relaxed))
		status = make(kernel, variant);
	*out_slicing = atomic_load_explicit(&variant->slicing, memory_order_relaxed);
	kiln_mutex_unlock(&kernel->lock);
	return status;
}

void kiln_slicing_free(const struct kiln_kernel *kernel, struct kiln_slicing *slicing)
{
	if (!slicing)
		return;
	kiln_pipeline_unreference(atomic_load(&slicing->pipeline));
	kiln_interface_finish(&slicing->interface);
	kiln_programs_release(&kernel->device->programs, slicing->program);
	kiln_free(slicing);
}

/* ---- The pipeline ---- */

static bool is_current(const struct kiln_kernel *kernel, const struct kiln_slicing *slicing)
{
	return atomic_load_explicit(&slicing->pipeline, memory_order_acquire) &&
	       atomic_load_explicit(&slicing->epoch, memory_order_relaxed) ==
	               kiln_pipeline_tier_epoch(&kernel->device->pipelines);
}

static uint64_t id_of(const struct kiln_variant *variant)
{
	const struct kiln_pipeline *own = atomic_load_explicit(&variant->pipeline, memory_order_relaxed);

	return own ? own->id : 0;
}

/* Who invalidates a program means the copy that Kiln made of it for slices too, and knows nothing of that copy's name: where
 * the variant's own pipeline was replaced, the copy's goes as well. The kernel's lock is held. */
static bool is_dropped(struct kiln_kernel *kernel, const struct kiln_variant *variant,
                       const struct kiln_slicing *slicing, const struct kiln_pipeline *held)
{
	if (atomic_load_explicit(&held->dropped, memory_order_relaxed))
		return true;
	if (!slicing->program || slicing->beside == id_of(variant))
		return false;
	if (kiln_device_invalidate(kernel->device, &slicing->identity, NULL) != KILN_OK)
		kiln_log(KILN_LOG_WARN, "kernel '%s': its entry for slices stays in the cache: %s",
		         kernel->name, kiln_error_message());
	return true;
}

/* The kernel's lock is held. What was invalidated stays where its successor cannot be made, as a kernel's own does. */
static enum kiln_status make_ready(struct kiln_kernel *kernel, const struct kiln_variant *variant,
                                   struct kiln_slicing *slicing)
{
	struct kiln_pipeline_tier *tier = &kernel->device->pipelines;
	struct kiln_pipeline *held = atomic_load_explicit(&slicing->pipeline, memory_order_relaxed);
	uint64_t epoch = kiln_pipeline_tier_epoch(tier); /* before looking: what is dropped later ends it */
	struct kiln_resolution resolution;

	if (held && !is_dropped(kernel, variant, slicing, held)) {
		kiln_pipeline_tier_use(tier, held);
	} else {
		KILN_TRY(kiln_resolve(kernel->device, slicing->program ? slicing->program : slicing->base,
		                      &slicing->key, &slicing->identity, kernel->name, false, &resolution));
		kiln_free(resolution.miss_text);
		atomic_store_explicit(&slicing->pipeline, resolution.pipeline, memory_order_release);
		kiln_pipeline_unreference(held);
	}
	slicing->beside = id_of(variant);
	atomic_store_explicit(&slicing->epoch, epoch, memory_order_relaxed);
	return KILN_OK;
}

enum kiln_status kiln_slicing_ready(struct kiln_kernel *kernel, const struct kiln_variant *variant,
                                    struct kiln_slicing *slicing)
{
	enum kiln_status status;

	if (is_current(kernel, slicing))
		return KILN_OK;
	kiln_mutex_lock(&kernel->lock);
	status = make_ready(kernel, variant, slicing);
	kiln_mutex_unlock(&kernel->lock);
	return status;
}

void kiln_slicing_push(const struct kiln_slicing *slicing, struct kiln_stream_launch *launch,
                       uint8_t push[KILN_SLICE_PUSH_MAX])
{
	if (!slicing->program)
		return;
	if (launch->push_bytes)
		memcpy(push, launch->push, launch->push_bytes);
	memcpy(push + slicing->counts_at, launch->groups, sizeof(launch->groups));
	launch->push = push;
	launch->push_bytes = slicing->counts_at + (uint32_t)sizeof(launch->groups);
}

/* ---- Learning ---- */

/* Two threads that learn at once may lose one lesson. */
void kiln_slicing_learn(struct kiln_kernel *kernel, struct kiln_variant *variant,
                        struct kiln_slicing *slicing, uint64_t groups, uint64_t ns, bool first)
{
	uint64_t known = atomic_load_explicit(&slicing->group_ps, memory_order_relaxed), fitting;

	known = kiln_slice_lesson(known, groups, ns, first);
	atomic_store_explicit(&slicing->group_ps, known, memory_order_relaxed);
	if (slicing->reason || kernel->device->slice_budget_ns == KILN_SLICE_NEVER)
		return;
	fitting = kiln_slice_fitting(known, kernel->device->slice_budget_ns);
	atomic_store_explicit(&variant->short_groups, fitting, memory_order_relaxed);
}
