/* The workgroup sizes a kernel may run at, and the pipeline key of each. */
#include "kernel_variant.h"

#include <string.h>

#include <base/alloc.h>
#include <base/error.h>
#include <base/hash.h>

#include "device.h"
#include "kernel.h"
#include "kernel_check.h"

struct kiln_spec_value *kiln_spec_find(struct kiln_spec_value *values, size_t count, uint32_t id)
{
	for (size_t i = 0; i < count; i++)
		if (values[i].id == id)
			return &values[i];
	return NULL;
}

static struct kiln_workgroup_limits limits_of(const struct kiln_device_info *info)
{
	struct kiln_workgroup_limits limits = {.threads = info->max_workgroup_threads};

	memcpy(limits.size, info->max_workgroup_size, sizeof(limits.size));
	return limits;
}

/* A dimension computed from the constants of another follows it. */
static enum kiln_status follow_derived(const struct kiln_kernel *kernel, struct kiln_variant *variant)
{
	struct kiln_workgroup_limits limits = limits_of(&kernel->device->info);

	for (int d = 0; d < 3; d++)
		if (variant->interface.entry->workgroup[d].derived)
			variant->choice.size[d] = variant->interface.entry->workgroup[d].size;
	return kiln_workgroup_check(variant->choice.size, &limits);
}

/* The caller's constants and the workgroup's, which win. */
static enum kiln_status build_variant(const struct kiln_kernel *kernel, struct kiln_variant *variant)
{
	struct kiln_spec_value *spec = kiln_alloc_zero(kernel->spec_count + 3, sizeof(*spec));
	size_t count = kernel->spec_count;

	if (!spec)
		return kiln_error(KILN_ERR_OUT_OF_MEMORY,
		                  "out of memory specialising a kernel. Fix: free memory and call again");
	if (count)
		memcpy(spec, kernel->spec, count * sizeof(*spec));
	for (int d = 0; d < 3; d++) {
		const struct kiln_workgroup_dim *dim = &kernel->interface.entry->workgroup[d];
		struct kiln_spec_value *value;

		if (!dim->specialised)
			continue;
		value = kiln_spec_find(spec, count, dim->spec_id);
		if (!value)
			value = &spec[count++];
		*value = (struct kiln_spec_value){dim->spec_id, 4, variant->choice.size[d]};
	}
	variant->spec = spec;
	KILN_TRY(kiln_interface_init(&variant->interface, kernel->program, kernel->interface.entry->name,
	                             spec, count));
	KILN_TRY(follow_derived(kernel, variant));
	KILN_TRY(kiln_kernel_check_variant(kernel, variant));
	variant->key = (struct kiln_pipeline_key){
		.program = kernel->program->reflection->program,
		.entry = kernel->interface.entry->name,
		.layout = variant->interface.layout,
		.push_bytes = variant->interface.entry->push_bytes,
		.spec = spec,
		.spec_count = count,
		.subgroup_size = kernel->subgroup_size,
		.robustness = kernel->device->robustness,
		.features = variant->interface.entry->features,
	};
	memcpy(variant->key.workgroup, variant->choice.size, sizeof(variant->key.workgroup));
	return kiln_pipeline_identity(&variant->key, &kernel->device->fingerprint, &variant->identity);
}

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

#define ANY_SIZE 0u /* the problem-size bucket of records that hold for every size */

void kiln_kernel_tune(struct kiln_kernel *kernel)
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
	kiln_hash_u32(&hasher, ANY_SIZE);
	spec = kiln_hash_finish(&hasher);
	kernel->tune_key =
		kiln_tune_key(first_eight(&kernel->program->reflection->program),
	                      first_eight(&kernel->interface.layout), kernel->own, first_eight(&spec));
}

/* A store that cannot be read was logged when the device opened it; the kernel then has its own size. */
static bool find_record(const struct kiln_kernel *kernel, uint32_t out_size[3])
{
	struct kiln_tune_record record;

	if (kiln_store_get(kernel->device->store, &kernel->tune_key, kernel->device->info.adapter, &record) !=
	    KILN_OK)
		return false;
	memcpy(out_size, record.workgroup_size, sizeof(record.workgroup_size));
	return true;
}

enum kiln_status kiln_kernel_choose(struct kiln_kernel *kernel, const uint32_t wanted[3])
{
	struct kiln_workgroup_limits limits = limits_of(&kernel->device->info);
	struct kiln_variant *preferred = &kernel->variants[KILN_VARIANT_PREFERRED];
	struct kiln_variant *own = &kernel->variants[KILN_VARIANT_OWN];
	uint32_t record[3];
	bool has_record = find_record(kernel, record);

	KILN_TRY(kiln_workgroup_choose(kernel->interface.entry, kernel->own, wanted,
	                               has_record ? record : NULL, &limits, &preferred->choice));
	KILN_TRY(build_variant(kernel, preferred));
	if (preferred->choice.source == KILN_WORKGROUP_EXPLICIT || kernel->guarded ||
	    memcmp(preferred->choice.size, kernel->own, sizeof(kernel->own)) == 0)
		return KILN_OK;
	own->choice = (struct kiln_workgroup_choice){
		.source = KILN_WORKGROUP_KERNEL,
		.note = "another size would round the threads up further, and the kernel is not declared guarded",
	};
	memcpy(own->choice.size, kernel->own, sizeof(kernel->own));
	return build_variant(kernel, own);
}
