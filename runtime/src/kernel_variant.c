/* The workgroup sizes a kernel may run at, and the pipeline key of each. */
#include "kernel_variant.h"

#include <string.h>

#include <base/alloc.h>
#include <base/error.h>
#include <base/hash.h>

#include "device.h"
#include "kernel.h"
#include "kernel_check.h"
#include "tune_record.h"
#include "tune_variant.h"
#include "slice.h"

struct kiln_spec_value *kiln_spec_find(struct kiln_spec_value *values, size_t count, uint32_t id)
{
	for (size_t i = 0; i < count; i++)
		if (values[i].id == id)
			return &values[i];
	return NULL;
}

static enum kiln_status out_of_memory(void)
{
	return kiln_error(KILN_ERR_OUT_OF_MEMORY,
	                  "out of memory specialising a kernel. Fix: free memory and call again");
}

struct kiln_workgroup_limits kiln_kernel_workgroup_limits(const struct kiln_kernel *kernel)
{
	const struct kiln_device_info *info = &kernel->device->info;
	struct kiln_workgroup_limits limits = {.threads = info->max_workgroup_threads};

	memcpy(limits.size, info->max_workgroup_size, sizeof(limits.size));
	return limits;
}

/* A dimension computed from the constants of another follows it. */
static enum kiln_status follow_derived(const struct kiln_kernel *kernel, struct kiln_variant *variant)
{
	struct kiln_workgroup_limits limits = kiln_kernel_workgroup_limits(kernel);

	for (int d = 0; d < 3; d++)
		if (variant->interface.entry->workgroup[d].derived)
			variant->choice.size[d] = variant->interface.entry->workgroup[d].size;
	return kiln_workgroup_check(variant->choice.size, &limits);
}

/* ---- The module ---- */

struct kiln_program *kiln_variant_program(const struct kiln_kernel *kernel,
                                          const struct kiln_variant *variant)
{
	return variant->program ? variant->program : kernel->program;
}

/* Reflection has nothing to say about this size: it is the kernel's own, or specialisation will set it. */
static bool keeps_module(const struct kiln_kernel *kernel, const struct kiln_variant *variant)
{
	const struct kiln_workgroup_dim *dims = kernel->interface.entry->workgroup;

	for (int d = 0; d < 3; d++)
		if (dims[d].specialised || dims[d].derived)
			return true;
	return memcmp(variant->choice.size, kernel->own, sizeof(kernel->own)) == 0;
}

/* A literal size changes with the module, and what is compiled then is hashed like any other. */
static enum kiln_status resize(const struct kiln_kernel *kernel, struct kiln_variant *variant)
{
	const struct kiln_program *program = kernel->program;
	enum kiln_status status;
	uint32_t *words;
	size_t count;

	if (keeps_module(kernel, variant))
		return KILN_OK;
	words = kiln_alloc(program->byte_count + KILN_RESIZE_WORDS * sizeof(*words));
	if (!words)
		return out_of_memory();
	status = kiln_reflect_resize(program->bytes, program->byte_count, kernel->interface.entry->name,
	                             variant->choice.size, words, &count);
	if (status == KILN_OK)
		status = kiln_programs_acquire(&kernel->device->programs, words, count * sizeof(*words),
		                               false, &variant->program);
	kiln_free(words);
	return status;
}

/* ---- Constants ---- */

static enum kiln_status check_tuned(const struct kiln_kernel *kernel, uint32_t id)
{
	const struct kiln_reflection *r = kernel->program->reflection;
	uint32_t type = 0;

	for (size_t i = 0; i < r->constant_count; i++)
		if (r->constants[i].id == id)
			type = r->constants[i].type;
	if (type == KILN_SPEC_I32 || type == KILN_SPEC_U32)
		return KILN_OK;
	return kiln_error(
		KILN_ERR_SPECIALIZATION,
		"kernel '%s' cannot be tuned by specialisation constant %u: %s. Fix: name an int or uint constant",
		kernel->name, id, type ? "it is no 32-bit integer" : "the module declares none of this id");
}

/* Sets one of four bytes; the list has room. */
static void set_constant(struct kiln_variant *variant, size_t *count, uint32_t id, uint32_t value)
{
	struct kiln_spec_value *found = kiln_spec_find(variant->spec, *count, id);

	if (!found)
		found = &variant->spec[(*count)++];
	*found = (struct kiln_spec_value){id, 4, value};
}

/* The caller's constants, the tuner's over them, and the workgroup's over both. */
static enum kiln_status specialise(const struct kiln_kernel *kernel, struct kiln_variant *variant,
                                   const struct kiln_tune_constant *constants, size_t constant_count,
                                   size_t *out_count)
{
	size_t count = kernel->spec_count;

	variant->spec = kiln_alloc_zero(count + constant_count + 3, sizeof(*variant->spec));
	if (!variant->spec)
		return out_of_memory();
	if (count)
		memcpy(variant->spec, kernel->spec, count * sizeof(*variant->spec));
	for (size_t i = 0; i < constant_count; i++) {
		KILN_TRY(check_tuned(kernel, constants[i].id));
		set_constant(variant, &count, constants[i].id, constants[i].value);
	}
	for (int d = 0; d < 3; d++) {
		const struct kiln_workgroup_dim *dim = &kernel->interface.entry->workgroup[d];

		if (dim->specialised)
			set_constant(variant, &count, dim->spec_id, variant->choice.size[d]);
	}
	*out_count = count;
	return KILN_OK;
}

/* ---- The whole ---- */

enum kiln_status kiln_variant_build(const struct kiln_kernel *kernel, struct kiln_variant *variant,
                                    const struct kiln_tune_constant *constants, size_t constant_count)
{
	size_t count = 0;

	KILN_TRY(resize(kernel, variant));
	KILN_TRY(specialise(kernel, variant, constants, constant_count, &count));
	KILN_TRY(kiln_interface_init(&variant->interface, kiln_variant_program(kernel, variant),
	                             kernel->interface.entry->name, variant->spec, count));
	KILN_TRY(follow_derived(kernel, variant));
	KILN_TRY(kiln_kernel_check_variant(kernel, variant));
	variant->key = (struct kiln_pipeline_key){
		.program = kiln_variant_program(kernel, variant)->reflection->program,
		.entry = kernel->interface.entry->name,
		.layout = variant->interface.layout,
		.push_bytes = variant->interface.entry->push_bytes,
		.spec = variant->spec,
		.spec_count = count,
		.subgroup_size = kernel->subgroup_size,
		.robustness = kernel->device->robustness,
		.features = {variant->interface.entry->features.bits | kernel->modes},
	};
	memcpy(variant->key.workgroup, variant->choice.size, sizeof(variant->key.workgroup));
	return kiln_pipeline_identity(&variant->key, &kernel->device->fingerprint, &variant->identity);
}

void kiln_variant_finish(const struct kiln_kernel *kernel, struct kiln_variant *variant)
{
	kiln_pipeline_unreference(atomic_load(&variant->pipeline));
	kiln_slicing_free(kernel, atomic_load(&variant->slicing));
	kiln_interface_finish(&variant->interface);
	kiln_programs_release(&kernel->device->programs, variant->program);
	kiln_free(variant->spec);
	kiln_free(variant->miss_text);
	kiln_free(variant->policy);
	kiln_free(variant->manifest);
	memset(variant, 0, sizeof(*variant));
}

/* ---- The record ---- */

static uint64_t first_eight(const struct kiln_digest *digest)
{
	uint64_t value = 0;

	for (int i = 7; i >= 0; i--)
		value = value << 8 | digest->bytes[i];
	return value;
}

/* Constants that set the workgroup are what is tuned; the others are what the tuning holds for. */
static bool sets_workgroup(const struct kiln_entry_point *entry, uint32_t id)
{
	for (int d = 0; d < 3; d++)
		if (entry->workgroup[d].specialised && entry->workgroup[d].spec_id == id)
			return true;
	return false;
}

struct kiln_tune_key kiln_kernel_tune_key(const struct kiln_kernel *kernel, uint32_t bucket)
{
	struct kiln_hasher hasher;
	struct kiln_digest spec;
	uint32_t fixed = 0;

	for (size_t i = 0; i < kernel->spec_count; i++)
		fixed += !sets_workgroup(kernel->interface.entry, kernel->spec[i].id);
	kiln_hash_init(&hasher, "kiln tune v1");
	kiln_hash_string(&hasher, kernel->interface.entry->name);
	kiln_hash_u32(&hasher, fixed);
	for (size_t i = 0; i < kernel->spec_count; i++) {
		if (sets_workgroup(kernel->interface.entry, kernel->spec[i].id))
			continue;
		kiln_hash_u32(&hasher, kernel->spec[i].id);
		kiln_hash_u32(&hasher, kernel->spec[i].size);
		kiln_hash_u64(&hasher, kernel->spec[i].value);
	}
	kiln_hash_u32(&hasher, bucket);
	spec = kiln_hash_finish(&hasher);
	return kiln_tune_key(first_eight(&kernel->program->reflection->program),
	                     first_eight(&kernel->interface.layout), kernel->own, first_eight(&spec));
}

/* A store that cannot be read was logged when the device opened it; the kernel then has its own size. */
/* Whoever counts workgroups on the device reckons with a size: no record may change it behind their back. */
static bool find_record(const struct kiln_kernel *kernel, struct kiln_tune_record *out_record)
{
	if (kernel->modes & KILN_FEATURE_INDIRECT_DISPATCH)
		return false;
	return kiln_store_get(kernel->device->store, &kernel->tune_key, kernel->device->info.adapter,
	                      out_record) == KILN_OK;
}

static enum kiln_status build_preferred(struct kiln_kernel *kernel, const uint32_t wanted[3],
                                        const struct kiln_tune_record *record)
{
	struct kiln_workgroup_limits limits = kiln_kernel_workgroup_limits(kernel);
	struct kiln_variant *preferred = &kernel->variants[KILN_VARIANT_PREFERRED];
	struct kiln_tune_config config = {0};

	KILN_TRY(kiln_workgroup_choose(kernel->interface.entry, kernel->own, wanted,
	                               record ? record->workgroup_size : NULL, &limits, kernel->resizable,
	                               &preferred->choice));
	if (preferred->choice.source == KILN_WORKGROUP_STORE)
		config = kiln_tune_config_of(kernel, record);
	return kiln_variant_build(kernel, preferred, config.constants, config.constant_count);
}

/* A record helps or does nothing: it never is the reason that a kernel cannot be made. */
static enum kiln_status choose_preferred(struct kiln_kernel *kernel, const uint32_t wanted[3])
{
	struct kiln_variant *preferred = &kernel->variants[KILN_VARIANT_PREFERRED];
	struct kiln_tune_record record;
	bool has_record = find_record(kernel, &record);
	bool fits = has_record && kiln_tune_record_fits(kernel, &record);
	enum kiln_status status = build_preferred(kernel, wanted, fits ? &record : NULL);

	if (has_record && !fits && preferred->choice.source != KILN_WORKGROUP_EXPLICIT)
		preferred->choice.note = KILN_TUNE_NOTE_OTHER;
	if (status == KILN_OK || preferred->choice.source != KILN_WORKGROUP_STORE)
		return status;
	kiln_variant_finish(kernel, preferred);
	status = build_preferred(kernel, wanted, NULL);
	preferred->choice.note = "the autotune record does not fit this kernel or device";
	return status;
}

enum kiln_status kiln_kernel_choose(struct kiln_kernel *kernel, const uint32_t wanted[3])
{
	struct kiln_variant *preferred = &kernel->variants[KILN_VARIANT_PREFERRED];
	struct kiln_variant *own = &kernel->variants[KILN_VARIANT_OWN];

	KILN_TRY(choose_preferred(kernel, wanted));
	if (preferred->choice.source == KILN_WORKGROUP_EXPLICIT || kernel->guarded ||
	    memcmp(preferred->choice.size, kernel->own, sizeof(kernel->own)) == 0)
		return KILN_OK;
	own->choice = (struct kiln_workgroup_choice){
		.source = KILN_WORKGROUP_KERNEL,
		.note = "another size would round the threads up further, and the kernel is not declared guarded",
	};
	memcpy(own->choice.size, kernel->own, sizeof(kernel->own));
	return kiln_variant_build(kernel, own, NULL, 0);
}
