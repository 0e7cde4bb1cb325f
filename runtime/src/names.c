/* Printed forms of the enums of kernel.h. They are metric suffixes: they never change. */
#include <kiln/kernel.h>

#define NAME_OF(table, index) \
	((size_t)(index) < sizeof(table) / sizeof((table)[0]) && (table)[index] ? (table)[index] : "?")

const char *kiln_outcome_name(enum kiln_outcome outcome)
{
	static const char *const names[] = {
		[KILN_OUTCOME_MEMORY] = "memory",   [KILN_OUTCOME_DISK] = "disk",
		[KILN_OUTCOME_DRIVER] = "driver",   [KILN_OUTCOME_COMPILED] = "compiled",
		[KILN_OUTCOME_UNKNOWN] = "unknown",
	};

	return NAME_OF(names, outcome);
}

const char *kiln_miss_reason_name(enum kiln_miss_reason reason)
{
	static const char *const names[] = {
		[KILN_MISS_NONE] = "none",
		[KILN_MISS_EMPTY_CACHE] = "empty_cache",
		[KILN_MISS_PROGRAM_CHANGED] = "program_changed",
		[KILN_MISS_DISPATCH_POLICY_CHANGED] = "dispatch_policy_changed",
		[KILN_MISS_DEVICE_OR_RUNTIME_CHANGED] = "device_or_runtime_changed",
		[KILN_MISS_KEY_ABSENT] = "key_absent",
	};

	return NAME_OF(names, reason);
}

const char *kiln_workgroup_source_name(enum kiln_workgroup_source source)
{
	static const char *const names[] = {
		[KILN_WORKGROUP_EXPLICIT] = "explicit", [KILN_WORKGROUP_STORE] = "store",
		[KILN_WORKGROUP_KERNEL] = "kernel",     [KILN_WORKGROUP_RULE] = "rule",
		[KILN_WORKGROUP_FIXED] = "fixed",
	};

	return NAME_OF(names, source);
}
