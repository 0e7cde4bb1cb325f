#include "tune_kernel_space.h"

#include <string.h>

#include <base/alloc.h>
#include <base/error.h>

#include "device.h"
#include "kernel_variant.h"

#define WORKGROUP_MAX 1024u /* in one dimension; more is never faster, and each step up costs a compile */
#define UNROLL_MAX 16u
#define TILE_STEPS 3 /* doublings and halvings of the kernel's own tile */

struct builder {
	const struct kiln_tune_kernel_space *params;
	const struct kiln_kernel *kernel;
	struct kiln_space_axis axes[KILN_SPACE_AXES];
	size_t count;
	struct kiln_tune_config base;
	struct kiln_workgroup_limits limits;
	bool resizable;
};

enum kiln_status kiln_tune_default_size(const struct kiln_kernel *kernel, const uint32_t threads[3],
                                        uint32_t out_size[3])
{
	static const uint32_t no_wish[3];
	struct kiln_workgroup_limits limits = kiln_kernel_workgroup_limits(kernel);
	struct kiln_workgroup_choice choice;

	KILN_TRY(kiln_workgroup_choose(kernel->interface.entry, kernel->own, no_wish, NULL, &limits,
	                               kernel->resizable, &choice));
	if (!kernel->guarded && kiln_workgroup_rounds_further(choice.size, kernel->own, threads))
		memcpy(choice.size, kernel->own, sizeof(choice.size));
	memcpy(out_size, choice.size, sizeof(choice.size));
	return KILN_OK;
}

/* ---- Axes ---- */

static bool caller_set(const struct kiln_kernel *kernel, uint32_t id)
{
	return kiln_spec_find(kernel->spec, kernel->spec_count, id) != NULL;
}

static struct kiln_space_axis *axis_of_id(struct builder *b, uint32_t id)
{
	for (size_t i = 0; i < b->count; i++)
		if (b->axes[i].has_constant && b->axes[i].id == id)
			return &b->axes[i];
	return NULL;
}

/* No more than covers the launch: the next size up would have threads with nothing to do. */
static uint32_t largest(const struct builder *b, int d)
{
	uint32_t threads = b->params->threads[d], most = 1;

	while (most < threads && most < WORKGROUP_MAX && most < b->limits.size[d])
		most *= 2;
	return most < b->limits.size[d] ? most : b->limits.size[d];
}

static void add_dimension(struct builder *b, int d)
{
	const struct kiln_workgroup_dim *dim = &b->kernel->interface.entry->workgroup[d];
	struct kiln_space_axis *axis;
	uint32_t high = largest(b, d);

	if (dim->derived || (dim->specialised ? caller_set(b->kernel, dim->spec_id) : !b->resizable) ||
	    b->count == KILN_SPACE_AXES)
		return;
	axis = dim->specialised ? axis_of_id(b, dim->spec_id) : NULL;
	if (axis) {
		axis->roles |= KILN_ROLE_WORKGROUP_X << d;
		return;
	}
	if (high == 1 && b->base.workgroup[d] == 1)
		return;
	axis = &b->axes[b->count++];
	*axis = (struct kiln_space_axis){
		.roles = KILN_ROLE_WORKGROUP_X << d,
		.has_constant = dim->specialised,
		.id = dim->spec_id,
		.default_value = b->base.workgroup[d],
	};
	kiln_space_powers(axis, 1, high);
}

static void add_tunable(struct builder *b, uint32_t tunable)
{
	const struct kiln_tunable_constant *constant = &b->kernel->tunables.constants[tunable];
	uint32_t own = constant->default_value, low = 1, high = UNROLL_MAX;
	struct kiln_space_axis *axis;

	if (!constant->declared || caller_set(b->kernel, constant->spec_id) ||
	    axis_of_id(b, constant->spec_id) || b->count == KILN_SPACE_AXES)
		return;
	if (tunable == KILN_TUNABLE_UNROLL)
		high = own > UNROLL_MAX ? own : UNROLL_MAX;
	else
		low = own >> TILE_STEPS ? own >> TILE_STEPS : 1,
		high = own << TILE_STEPS >> TILE_STEPS == own ? own << TILE_STEPS : own;
	axis = &b->axes[b->count++];
	*axis = (struct kiln_space_axis){
		.roles = tunable == KILN_TUNABLE_UNROLL
	                         ? (uint32_t)KILN_ROLE_UNROLL
	                         : (uint32_t)KILN_ROLE_TILE_X << (tunable - KILN_TUNABLE_TILE_X),
		.has_constant = true,
		.id = constant->spec_id,
		.default_value = own,
	};
	kiln_space_powers(axis, low, high);
}

/* A size that is literal in the module can be changed only where the module cannot tell. */
static enum kiln_status check_resizable(struct builder *b)
{
	const struct kiln_entry_point *entry = b->kernel->interface.entry;
	const struct kiln_reflection *reflection = b->kernel->program->reflection;
	uint32_t *words;
	size_t count;

	if (!b->kernel->resizable || entry->workgroup[0].specialised || entry->workgroup[1].specialised ||
	    entry->workgroup[2].specialised)
		return KILN_OK;
	words = kiln_alloc((reflection->word_count + KILN_RESIZE_WORDS) * sizeof(*words));
	if (!words)
		return kiln_error(KILN_ERR_OUT_OF_MEMORY,
		                  "out of memory resizing a kernel. Fix: free memory and call again");
	b->resizable = kiln_reflect_resize(reflection->words, reflection->word_count * sizeof(*words),
	                                   entry->name, b->kernel->own, words, &count) == KILN_OK;
	kiln_free(words);
	return KILN_OK;
}

/* ---- What is cut before anything is compiled ---- */

static uint64_t shared_bytes(void *user, const struct kiln_tune_config *config)
{
	const struct builder *b = user;
	const struct kiln_kernel *kernel = b->kernel;
	const struct kiln_reflection *reflection = kernel->program->reflection;
	struct kiln_spec_value values[KILN_SPEC_VALUES_MAX + KILN_TUNE_CONSTANTS];
	size_t count = kernel->spec_count;
	uint64_t bytes;

	if (!reflection->spec_sized)
		return kernel->interface.entry->shared_bytes;
	for (size_t i = 0; i < count; i++)
		values[i] = kernel->spec[i];
	for (uint32_t i = 0; i < config->constant_count; i++)
		values[count++] =
			(struct kiln_spec_value){config->constants[i].id, 4, config->constants[i].value};
	if (kiln_reflect_shared_bytes(reflection->words, reflection->word_count * 4,
	                              kernel->interface.entry->name, values, count, &bytes) != KILN_OK)
		return UINT64_MAX;
	return bytes;
}

/* More workgroups than the device counts to cannot be launched. */
static bool can_count(const struct builder *b, const uint32_t workgroup[3])
{
	const uint32_t *most = b->kernel->device->info.max_workgroup_count;

	for (int d = 0; d < 3; d++)
		if (((uint64_t)b->params->threads[d] + workgroup[d] - 1) / workgroup[d] > most[d])
			return false;
	return true;
}

static bool allow(void *user, const struct kiln_tune_config *config)
{
	const struct builder *b = user;
	const char *reason;
	struct kiln_workgroup_tuning tuning = {
		.entry = b->kernel->interface.entry,
		.resizable = b->resizable,
		.guarded = b->kernel->guarded,
		.on_copies = true,
	};

	memcpy(tuning.own, b->kernel->own, sizeof(tuning.own));
	memcpy(tuning.threads, b->params->threads, sizeof(tuning.threads));
	return can_count(b, config->workgroup) &&
	       kiln_workgroup_tunable(&tuning, config->workgroup, &b->limits, &reason) &&
	       (!b->params->allow || b->params->allow(b->params->user, config));
}

static enum kiln_space_device class_of(const struct kiln_device_info *info)
{
	switch (info->type) {
	case KILN_DEVICE_CPU:
		return KILN_SPACE_CPU;
	case KILN_DEVICE_INTEGRATED:
		return KILN_SPACE_INTEGRATED;
	default:
		return KILN_SPACE_DISCRETE;
	}
}

static enum kiln_status nothing_to_tune(const struct builder *b)
{
	return kiln_error(
		KILN_ERR_UNSUPPORTED,
		"kernel '%s' has nothing to tune: its workgroup size is %s and it has no constant named UNROLL or "
		"TILE_X, _Y, _Z. Fix: declare the size with local_size_x_id%s",
		b->kernel->name, b->kernel->resizable ? "one that its code depends on" : "fixed",
		b->kernel->resizable ? "" : ", or create the kernel with .resizable where it cannot matter");
}

enum kiln_status kiln_tune_kernel_space(const struct kiln_tune_kernel_space *params,
                                        struct kiln_space **out_space)
{
	const struct kiln_device_info *info = &params->kernel->device->info;
	struct builder b = {.params = params,
	                    .kernel = params->kernel,
	                    .base = {.unroll = 1},
	                    .limits = kiln_kernel_workgroup_limits(params->kernel)};
	struct kiln_space_params space = {
		.axes = b.axes,
		.device = class_of(info),
		.subgroup_size = info->subgroup_size,
		.max_threads = info->max_workgroup_threads,
		.max_shared_bytes = info->max_shared_bytes,
		.shared_bytes = shared_bytes,
		.allow = allow,
		.user = &b,
	};

	KILN_TRY(kiln_tune_default_size(params->kernel, params->threads, b.base.workgroup));
	KILN_TRY(check_resizable(&b));
	for (int d = 0; d < 3; d++)
		add_dimension(&b, d);
	for (uint32_t t = 0; t < KILN_TUNABLES; t++)
		add_tunable(&b, t);
	if (b.count == 0)
		return nothing_to_tune(&b);
	memcpy(space.max_workgroup, info->max_workgroup_size, sizeof(space.max_workgroup));
	space.axis_count = b.count;
	space.base = b.base;
	return kiln_space_create(&space, out_space);
}
