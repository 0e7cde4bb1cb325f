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
 * `resizable`: a size that is literal in every dimension may be changed in the module.
 * Returns KILN_ERR_WORKGROUP_LIMIT, or KILN_ERR_INVALID_ARGUMENT for a wish against a size that is fixed in the module. */
enum kiln_status kiln_workgroup_choose(const struct kiln_entry_point *entry, const uint32_t own[3],
                                       const uint32_t wanted[3], const uint32_t record[3],
                                       const struct kiln_workgroup_limits *limits, bool resizable,
                                       struct kiln_workgroup_choice *out_choice);

/* May this kernel have this size at all, by specialisation or, where it is `resizable`, otherwise? Two dimensions set by one
 * constant must agree. Derived dimensions count as literal. */
bool kiln_workgroup_reachable(const struct kiln_entry_point *entry, const uint32_t own[3], bool resizable,
                              const uint32_t size[3]);

/* KILN_OK, or KILN_ERR_WORKGROUP_LIMIT with its sentence. */
enum kiln_status kiln_workgroup_check(const uint32_t size[3], const struct kiln_workgroup_limits *limits);

/* Does `size` round `threads` up further than `own` does, in any dimension? Then a kernel that is not guarded must keep
 * its own size: it could touch memory its author never reckoned with. */
bool kiln_workgroup_rounds_further(const uint32_t size[3], const uint32_t own[3], const uint32_t threads[3]);

/* What is known of a kernel that a tuner wants to run at another size than its own. */
struct kiln_workgroup_tuning {
	const struct kiln_entry_point *entry;
	uint32_t own[3];     /* kiln_workgroup_default() */
	uint32_t threads[3]; /* of the launch; x 0 = any number */
	bool resizable;      /* declared not to depend on its size */
	bool guarded;        /* declared to ignore threads beyond those asked for */
	bool on_copies;      /* the launch is the tuner's proof, on scratch copies with room behind them */
	bool proven;         /* its output at this size was found right */
};

/* May the tuner give the kernel this size for this grid? Its own always; another only where the kernel can have it and the
 * device takes it, after the proof or for the proof itself, and unless the kernel is guarded only where no dimension rounds
 * the threads up further. *out_reason: why not, static; "" when it may. */
bool kiln_workgroup_tunable(const struct kiln_workgroup_tuning *tuning, const uint32_t size[3],
                            const struct kiln_workgroup_limits *limits, const char **out_reason);

#endif
