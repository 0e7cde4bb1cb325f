/* May this kernel run on this device with these constants? */
#include "kernel_check.h"

#include <stdio.h>

#include <base/error.h>

#include "device.h"
#include "kernel.h"

static const struct kiln_spec_constant *find_constant(const struct kiln_reflection *reflection, uint32_t id)
{
	for (size_t i = 0; i < reflection->constant_count; i++)
		if (reflection->constants[i].id == id)
			return &reflection->constants[i];
	return NULL;
}

static enum kiln_status unknown_constant(const struct kiln_kernel *kernel, uint32_t id)
{
	const struct kiln_reflection *r = kernel->program->reflection;
	char known[200] = "none";
	size_t used = 0;

	for (size_t i = 0; i < r->constant_count && used < sizeof(known); i++)
		used += (size_t)snprintf(known + used, sizeof(known) - used, "%s%u", i ? ", " : "",
		                         r->constants[i].id);
	return kiln_error(
		KILN_ERR_SPECIALIZATION,
		"kernel '%s' has no specialisation constant with id %u; it has: %s. Fix: use an id the shader "
		"declares with constant_id",
		kernel->name, id, known);
}

static enum kiln_status check_spec(const struct kiln_kernel *kernel)
{
	for (size_t i = 0; i < kernel->spec_count; i++) {
		const struct kiln_spec_value *value = &kernel->spec[i];
		const struct kiln_spec_constant *constant =
			find_constant(kernel->program->reflection, value->id);

		if (!constant)
			return unknown_constant(kernel, value->id);
		if (constant->size != value->size)
			return kiln_error(
				KILN_ERR_SPECIALIZATION,
				"specialisation constant %u of kernel '%s' is a %s of %u bytes, but %u bytes were "
				"given. Fix: set .size to %u",
				value->id, kernel->name, kiln_spec_type_name(constant->type), constant->size,
				value->size, constant->size);
		if (i > 0 && kernel->spec[i - 1].id == value->id)
			return kiln_error(
				KILN_ERR_SPECIALIZATION,
				"specialisation constant %u of kernel '%s' is given twice. Fix: give it once",
				value->id, kernel->name);
	}
	return KILN_OK;
}

static enum kiln_status check_bindings(const struct kiln_kernel *kernel, struct kiln_variant *variant)
{
	uint32_t max_sets = kernel->device->limits.maxBoundDescriptorSets;
	uint64_t count = 0;

	if (max_sets > KILN_SETS_MAX)
		max_sets = KILN_SETS_MAX;
	for (size_t i = 0; i < variant->interface.entry->binding_count; i++) {
		const struct kiln_layout_binding *layout = &variant->interface.entry->bindings[i].layout;

		if (layout->set >= max_sets)
			return kiln_error(
				KILN_ERR_UNSUPPORTED,
				"kernel '%s' uses descriptor set %u; at most set %u works here (maxBoundDescriptorSets). "
				"Fix: use a lower set",
				kernel->name, layout->set, max_sets - 1);
		if (layout->count == 0)
			return kiln_error(
				KILN_ERR_UNSUPPORTED,
				"kernel '%s' declares a run-time sized array of bindings at set %u binding %u. Fix: "
				"give the array a size",
				kernel->name, layout->set, layout->binding);
		count += layout->count;
	}
	variant->buffer_count = count > UINT32_MAX ? UINT32_MAX : (uint32_t)count;
	return KILN_OK;
}

/* The least of what one stage and one pipeline layout may hold of a type; the whole kernel is one stage. */
static uint32_t most_of(const VkPhysicalDeviceLimits *l, uint32_t type)
{
#define LEAST(kind)                                                                                  \
	(l->maxPerStageDescriptor##kind < l->maxDescriptorSet##kind ? l->maxPerStageDescriptor##kind \
	                                                            : l->maxDescriptorSet##kind)
	switch ((enum kiln_binding_type)type) {
	case KILN_BINDING_STORAGE_BUFFER:
		return LEAST(StorageBuffers);
	case KILN_BINDING_UNIFORM_BUFFER:
		return LEAST(UniformBuffers);
	case KILN_BINDING_STORAGE_IMAGE:
	case KILN_BINDING_STORAGE_TEXEL_BUFFER:
		return LEAST(StorageImages);
	case KILN_BINDING_SAMPLED_IMAGE:
	case KILN_BINDING_UNIFORM_TEXEL_BUFFER:
	case KILN_BINDING_COMBINED_IMAGE_SAMPLER:
		return LEAST(SampledImages);
	case KILN_BINDING_SAMPLER:
		return LEAST(Samplers);
	case KILN_BINDING_ACCELERATION_STRUCTURE:
		break; /* no device of Kiln's has the capability */
	}
	return UINT32_MAX;
#undef LEAST
}

static enum kiln_status check_descriptors(const struct kiln_kernel *kernel,
                                          const struct kiln_variant *variant)
{
	const struct kiln_entry_point *entry = variant->interface.entry;
	uint64_t counts[KILN_BINDING_ACCELERATION_STRUCTURE + 1] = {0};

	for (size_t i = 0; i < entry->binding_count; i++) {
		const struct kiln_layout_binding *layout = &entry->bindings[i].layout;
		uint32_t most = most_of(&kernel->device->limits, layout->type);

		counts[layout->type] += layout->count;
		if (counts[layout->type] > most)
			return kiln_error(
				KILN_ERR_UNSUPPORTED,
				"kernel '%s' binds %llu of type %s or more; device '%s' takes %u (maxPerStageDescriptor*, "
				"maxDescriptorSet*). Fix: merge some of them",
				kernel->name, (unsigned long long)counts[layout->type],
				kiln_binding_type_name(layout->type), kernel->device->info.name, most);
	}
	if (variant->buffer_count <= kernel->device->info.max_bindings)
		return KILN_OK;
	return kiln_error(
		KILN_ERR_UNSUPPORTED,
		"kernel '%s' has %u bindings, array elements counted; device '%s' takes %u (maxPerStageResources). "
		"Fix: merge some of them",
		kernel->name, variant->buffer_count, kernel->device->info.name,
		kernel->device->info.max_bindings);
}

static enum kiln_status check_push(const struct kiln_kernel *kernel, const struct kiln_variant *variant)
{
	if (variant->interface.entry->push_bytes <= kernel->device->info.max_push_bytes)
		return KILN_OK;
	return kiln_error(
		KILN_ERR_PUSH_TOO_LONG,
		"kernel '%s' declares %u bytes of push constants; device '%s' takes %u (maxPushConstantsSize). "
		"Fix: move some into a uniform buffer",
		kernel->name, variant->interface.entry->push_bytes, kernel->device->info.name,
		kernel->device->info.max_push_bytes);
}

static enum kiln_status check_subgroup(const struct kiln_kernel *kernel)
{
	const struct kiln_device *device = kernel->device;
	uint32_t size = kernel->subgroup_size;

	if (size == 0)
		return KILN_OK;
	if (device->has_subgroup_control && (size & (size - 1)) == 0 && size >= device->min_subgroup_size &&
	    size <= device->max_subgroup_size)
		return KILN_OK;
	return kiln_error(
		KILN_ERR_UNSUPPORTED,
		"subgroup size %u was asked for; device '%s' offers powers of two from %u to %u (0 = no choice). "
		"Fix: leave subgroup_size 0",
		size, device->info.name, device->min_subgroup_size, device->max_subgroup_size);
}

/* A subgroup size that is asked for bounds the workgroup too. */
static enum kiln_status check_subgroup_count(const struct kiln_kernel *kernel,
                                             const struct kiln_variant *variant)
{
	const uint32_t *size = variant->choice.size;
	uint64_t most = (uint64_t)kernel->subgroup_size * kernel->device->max_workgroup_subgroups;

	if (kernel->subgroup_size == 0 || (uint64_t)size[0] * size[1] * size[2] <= most)
		return KILN_OK;
	return kiln_error(
		KILN_ERR_WORKGROUP_LIMIT,
		"kernel '%s': a workgroup of %ux%ux%u threads is more than the %u subgroups of %u that device '%s' "
		"takes (maxComputeWorkgroupSubgroups). Fix: ask for a smaller workgroup or leave subgroup_size 0",
		kernel->name, size[0], size[1], size[2], kernel->device->max_workgroup_subgroups,
		kernel->subgroup_size, kernel->device->info.name);
}

static enum kiln_status check_shared(const struct kiln_kernel *kernel, const struct kiln_variant *variant)
{
	if (variant->interface.entry->shared_bytes <= kernel->device->info.max_shared_bytes)
		return KILN_OK;
	return kiln_error(KILN_ERR_WORKGROUP_LIMIT,
	                  "kernel '%s' uses %llu bytes of shared memory; device '%s' has %u per workgroup "
	                  "(maxComputeSharedMemorySize). Fix: use less",
	                  kernel->name, (unsigned long long)variant->interface.entry->shared_bytes,
	                  kernel->device->info.name, kernel->device->info.max_shared_bytes);
}

enum kiln_status kiln_kernel_check_spec(const struct kiln_kernel *kernel)
{
	KILN_TRY(kiln_capability_check(&kernel->device->capabilities, kernel->program->reflection,
	                               kernel->name, kernel->device->info.name));
	return check_spec(kernel);
}

enum kiln_status kiln_kernel_check_variant(const struct kiln_kernel *kernel, struct kiln_variant *variant)
{
	KILN_TRY(check_bindings(kernel, variant));
	KILN_TRY(check_descriptors(kernel, variant));
	KILN_TRY(check_push(kernel, variant));
	KILN_TRY(check_shared(kernel, variant));
	KILN_TRY(check_subgroup(kernel));
	return check_subgroup_count(kernel, variant);
}
