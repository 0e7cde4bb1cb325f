/* Choosing the workgroup size: explicit > autotune record > the kernel's own > the rule. Pure. */
#ifndef RUNTIME_WORKGROUP_H
#define RUNTIME_WORKGROUP_H

#include <kiln/kernel.h>

struct kiln_workgroup_limits {
	uint32_t size[3];
	uint32_t threads;
};

struct kiln_workgroup_choice {
	uint32_t size[3];
	enum kiln_workgroup_source source;
	const char *note; /* why a record was passed over; static, "" when there is nothing to say */
};

/* The size the module has with these specialisation values and no other influence. */
void kiln_workgroup_default(const struct kiln_entry_point *entry, const struct kiln_spec_value *spec,
                            size_t spec_count, uint32_t out_size[3]);

/* `own`: kiln_workgroup_default(). `wanted`: the caller's, 0 per dimension = no wish. `record`: the store's, NULL = none.
 * Returns KILN_ERR_WORKGROUP_LIMIT, or KILN_ERR_INVALID_ARGUMENT for a wish against a size that is fixed in the module. */
enum kiln_status kiln_workgroup_choose(const struct kiln_entry_point *entry, const uint32_t own[3],
                                       const uint32_t wanted[3], const uint32_t record[3],
                                       const struct kiln_workgroup_limits *limits,
                                       struct kiln_workgroup_choice *out_choice);

/* KILN_OK, or KILN_ERR_WORKGROUP_LIMIT with its sentence. */
enum kiln_status kiln_workgroup_check(const uint32_t size[3], const struct kiln_workgroup_limits *limits);

/* Does `size` round `threads` up further than `own` does, in any dimension? Then a kernel that is not guarded must keep
 * its own size: it could touch memory its author never reckoned with. */
bool kiln_workgroup_rounds_further(const uint32_t size[3], const uint32_t own[3], const uint32_t threads[3]);

#endif
