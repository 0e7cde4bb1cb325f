/* The workgroup size of an entry point: the WorkgroupSize built-in before LocalSizeId and LocalSize.
 * Source: the SPIR-V specification 3.6 and Vulkan's description of WorkgroupSize. */
#include "module.h"

#include <stdlib.h>

#define FIX "Fix: check the module with spirv-val and compile it again."

static int compare_modes(const void *a, const void *b)
{
	const struct spirv_mode *x = a, *y = b;

	if (x->function != y->function)
		return x->function < y->function ? -1 : 1;
	return x->at < y->at ? -1 : x->at > y->at;
}

void kiln_spirv_sort_modes(struct spirv_module *module)
{
	if (module->modes.count != 0)
		qsort(module->modes.items, module->modes.count, sizeof(*module->modes.items), compare_modes);
}

const struct spirv_mode *kiln_spirv_mode(const struct spirv_module *module, uint32_t function)
{
	size_t low = 0, high = module->modes.count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (module->modes.items[middle].function < function)
			low = middle + 1;
		else
			high = middle;
	}
	return low < module->modes.count && module->modes.items[low].function == function
	               ? &module->modes.items[low]
	               : NULL;
}

static enum kiln_status check_dim(const struct spirv_module *module, uint32_t at, uint64_t size)
{
	if (size != 0 && size <= UINT32_MAX)
		return KILN_OK;
	return kiln_spirv_fail(module, KILN_ERR_SPIRV_INVALID, at,
	                       "a workgroup dimension is %llu; expected 1 to %u. "
	                       "Fix: declare local_size of at least 1 in every dimension.",
	                       (unsigned long long)size, UINT32_MAX);
}

static enum kiln_status dim_of_id(const struct spirv_module *module, uint32_t at, uint32_t id,
                                  struct kiln_workgroup_dim *out_dim)
{
	const struct spirv_value *value = kiln_spirv_value(module, id);

	if (value == NULL || module->types.items[value->type].kind != SPIRV_TYPE_INT)
		return kiln_spirv_fail(module, KILN_ERR_SPIRV_INVALID, at,
		                       "a workgroup dimension, id %u, is no integer "
		                       "constant. " FIX,
		                       id);
	if (!value->known)
		return kiln_spirv_fail(
			module, KILN_ERR_UNSUPPORTED, at,
			"a workgroup dimension, id %u, is an expression that "
			"Kiln does not evaluate. Fix: use integer operations only, or a specialisation "
			"constant of its own.",
			id);
	/* Vulkan takes no other, and a specialised size is handed to it as four bytes. */
	if (module->types.items[value->type].size != 4)
		return kiln_spirv_fail(module, KILN_ERR_SPIRV_INVALID, at,
		                       "a workgroup dimension, id %u, is an integer of %u bits; expected 32. "
		                       "Fix: declare the constant as uint.",
		                       id, (unsigned)module->types.items[value->type].size * 8);
	KILN_TRY(check_dim(module, at, value->bits));
	*out_dim = (struct kiln_workgroup_dim){
		.size = (uint32_t)value->bits,
		.specialised = value->spec_id != SPIRV_NONE,
		.derived = value->spec_id == SPIRV_NONE && value->specialised,
		.spec_id = value->spec_id != SPIRV_NONE ? value->spec_id : 0,
	};
	return KILN_OK;
}

static enum kiln_status from_built_in(const struct spirv_module *module,
                                      struct kiln_workgroup_dim out_dims[3])
{
	const struct spirv_id *id = &module->ids[module->workgroup_size];

	if (id->kind != SPIRV_KIND_COMPOSITE || spirv_words_of(module, id->at) != 6)
		return kiln_spirv_fail(module, KILN_ERR_SPIRV_INVALID, id->at,
		                       "WorkgroupSize, id %u, is no constant of three "
		                       "parts. " FIX,
		                       module->workgroup_size);
	for (uint32_t i = 0; i < 3; i++)
		KILN_TRY(dim_of_id(module, id->at, module->words[id->at + 3 + i], &out_dims[i]));
	return KILN_OK;
}

static enum kiln_status from_mode(const struct spirv_module *module, uint32_t at,
                                  struct kiln_workgroup_dim out_dims[3])
{
	bool ids = module->words[at + 2] == SpvExecutionModeLocalSizeId;

	for (uint32_t i = 0; i < 3; i++) {
		uint32_t word = module->words[at + 3 + i];

		if (ids) {
			KILN_TRY(dim_of_id(module, at, word, &out_dims[i]));
		} else {
			KILN_TRY(check_dim(module, at, word));
			out_dims[i] = (struct kiln_workgroup_dim){.size = word};
		}
	}
	return KILN_OK;
}

enum kiln_status kiln_spirv_workgroup(const struct spirv_module *module, const struct spirv_entry *entry,
                                      struct kiln_workgroup_dim out_dims[3])
{
	const struct spirv_mode *mode = kiln_spirv_mode(module, entry->function);

	if (module->workgroup_size != 0)
		return from_built_in(module, out_dims);
	if (mode == NULL)
		return kiln_spirv_fail(module, KILN_ERR_SPIRV_INVALID, entry->at,
		                       "entry point \"%s\" declares no workgroup "
		                       "size. Fix: declare one, in GLSL layout(local_size_x = 64) in;",
		                       (const char *)(module->words + entry->name));
	if (mode + 1 < module->modes.items + module->modes.count && mode[1].function == entry->function)
		return kiln_spirv_fail(module, KILN_ERR_SPIRV_INVALID, mode[1].at,
		                       "declares the workgroup size of id %u a second "
		                       "time. " FIX,
		                       entry->function);
	return from_mode(module, mode->at, out_dims);
}
