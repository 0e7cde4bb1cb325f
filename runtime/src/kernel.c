#include "kernel.h"

#include <stdio.h>
#include <stdlib.h>

#include <base/alloc.h>
#include <base/error.h>
#include <base/settings.h>

#include "device.h"
#include "kernel_check.h"
#include "kernel_variant.h"
#include "launch_mode.h"
#include "tune_choice.h"
#include "tune_launch.h"

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

	/* A tuner waits for the launch: speculation holds the lock that a wait takes, and a queue is empty by then. */
	kernel->tunes_itself = tunable && kernel->device->autotune_mode >= KILN_AUTOTUNE_MODE_TUNE &&
	                       !(kernel->modes & (KILN_FEATURE_SPECULATIVE | KILN_FEATURE_PERSISTENT_THREAD));
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
