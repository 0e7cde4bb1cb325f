/* Workgroup memory: how many bytes of it an entry point takes, with any values of specialisation constants. */
#include "module.h"

#include <base/error.h>

bool kiln_spirv_shared(const struct spirv_module *module, const struct spirv_entry *entry,
                       uint64_t *out_bytes)
{
	uint64_t bytes = 0, block_bytes = 0; /* largest block: with an explicit layout they all alias */
	bool exact = true;

	for (uint32_t i = entry->first_reach; i < entry->first_reach + entry->reach_count; i++) {
		const struct spirv_variable *variable =
			&module->variables.items[module->reached.items[i].variable];
		const struct spirv_type *type = &module->types.items[variable->type];

		if (variable->storage != SpvStorageClassWorkgroup)
			continue;
		exact &= !(type->flags & SPIRV_TYPE_WRAPPED);
		if (!(type->flags & SPIRV_TYPE_BLOCK))
			bytes = kiln_spirv_add(bytes, type->tight);
		else if (type->size > block_bytes)
			block_bytes = type->size;
	}
	*out_bytes = kiln_spirv_add(bytes, block_bytes);
	return exact;
}

static enum kiln_status measure(struct spirv_module *module, const char *name, uint64_t *out_bytes)
{
	const struct spirv_entry *entry;
	uint64_t bytes;

	KILN_TRY(kiln_spirv_walk(module));
	KILN_TRY(kiln_spirv_check_values(module));
	KILN_TRY(kiln_spirv_find_entry(module, name, &entry));
	if (!kiln_spirv_shared(module, entry, &bytes))
		return kiln_spirv_fail(module, KILN_ERR_TOO_LARGE, entry->at,
		                       "with these constants the length of a shared array is a product that "
		                       "does not fit its type. Fix: use smaller values.");
	if (bytes == UINT64_MAX)
		return kiln_spirv_fail(module, KILN_ERR_TOO_LARGE, entry->at,
		                       "with these constants the shared arrays have 2^64 bytes or more. "
		                       "Fix: use smaller values.");
	*out_bytes = bytes;
	return KILN_OK;
}

enum kiln_status kiln_reflect_shared_bytes(const void *code, size_t bytes, const char *entry,
                                           const struct kiln_spec_value *values, size_t value_count,
                                           uint64_t *out_bytes)
{
	struct spirv_module module;
	enum kiln_status status;

	KILN_TRY(kiln_spirv_check_code("kiln_reflect_shared_bytes", code, out_bytes));
	KILN_CHECK(values != NULL || value_count == 0,
	           "kiln_reflect_shared_bytes was promised %zu values and given none. "
	           "Fix: pass them, or a count of 0.",
	           value_count);
	status = kiln_spirv_scan(&module, code, bytes, values, value_count);
	if (status == KILN_OK)
		status = measure(&module, entry, out_bytes);
	kiln_spirv_finish(&module);
	return status;
}
