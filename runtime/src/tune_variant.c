#include "tune_variant.h"

#include <string.h>

#include <base/alloc.h>
#include <base/error.h>

#include "device.h"
#include "kernel_variant.h"

static void add_constant(const struct kiln_kernel *kernel, uint32_t tunable, uint32_t value,
                         struct kiln_tune_config *config)
{
	const struct kiln_tunable_constant *constant = &kernel->tunables.constants[tunable];

	/* What the caller set is part of the key the record was found by, and not the record's to change. */
	if (!constant->declared || kiln_spec_find(kernel->spec, kernel->spec_count, constant->spec_id))
		return;
	config->constants[config->constant_count++] =
		(struct kiln_tune_constant){.id = constant->spec_id, .value = value, .named = true};
}

struct kiln_tune_config kiln_tune_config_of(const struct kiln_kernel *kernel,
                                            const struct kiln_tune_record *record)
{
	struct kiln_tune_config config = {.unroll = record->unroll};

	memcpy(config.workgroup, record->workgroup_size, sizeof(config.workgroup));
	memcpy(config.tile, record->tile, sizeof(config.tile));
	add_constant(kernel, KILN_TUNABLE_UNROLL, record->unroll, &config);
	for (uint32_t d = 0; d < 3 && record->tile[0] != 0; d++)
		add_constant(kernel, KILN_TUNABLE_TILE_X + d, record->tile[d], &config);
	return config;
}

static enum kiln_status choose(const struct kiln_kernel *kernel, const struct kiln_tune_config *config,
                               struct kiln_workgroup_choice *out_choice)
{
	const struct kiln_workgroup_dim *dims = kernel->interface.entry->workgroup;
	struct kiln_workgroup_limits limits = kiln_kernel_workgroup_limits(kernel);

	*out_choice = (struct kiln_workgroup_choice){.source = KILN_WORKGROUP_STORE, .note = ""};
	for (int d = 0; d < 3; d++)
		out_choice->size[d] =
			config->workgroup[d] && !dims[d].derived ? config->workgroup[d] : kernel->own[d];
	if (!kiln_workgroup_reachable(kernel->interface.entry, kernel->own, kernel->resizable,
	                              out_choice->size))
		return kiln_error(
			KILN_ERR_UNSUPPORTED,
			"kernel '%s' cannot have a workgroup of %ux%ux%u: its own, %ux%ux%u, is fixed in some dimension "
			"or sets two by one constant. Fix: declare each with local_size_x_id, or set .resizable",
			kernel->name, out_choice->size[0], out_choice->size[1], out_choice->size[2],
			kernel->own[0], kernel->own[1], kernel->own[2]);
	return kiln_workgroup_check(out_choice->size, &limits);
}

enum kiln_status kiln_tune_variant_create(struct kiln_kernel *kernel, const struct kiln_tune_config *config,
                                          struct kiln_variant **out_variant)
{
	struct kiln_variant *variant = kiln_alloc_zero(1, sizeof(*variant));
	enum kiln_status status;

	if (!variant)
		return kiln_error(KILN_ERR_OUT_OF_MEMORY,
		                  "out of memory specialising a kernel. Fix: free memory and call again");
	status = choose(kernel, config, &variant->choice);
	if (status == KILN_OK)
		status = kiln_variant_build(kernel, variant, config->constants, config->constant_count);
	if (status != KILN_OK) {
		kiln_tune_variant_destroy(kernel, &variant);
		return status;
	}
	*out_variant = variant;
	return KILN_OK;
}

void kiln_tune_variant_destroy(struct kiln_kernel *kernel, struct kiln_variant **variant)
{
	if (!variant || !*variant)
		return;
	kiln_variant_finish(kernel, *variant);
	kiln_free(*variant);
	*variant = NULL;
}
