/* Objects that wait for the device to finish with them.
 *
 * The device's clock counts retirements. A submission remembers the clock of the moment its recording began, and can only
 * use what was not retired by then: once every submission that began earlier is done, nothing can use the object. */
#ifndef RUNTIME_RETIRE_H
#define RUNTIME_RETIRE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <base/thread.h>

struct kiln_retired {
	struct kiln_retired *next;
	uint64_t clock; /* submissions that began at or before it may use the object */
	void (*free)(void *object);
	void *object;
};

struct kiln_retirement {
	struct kiln_mutex lock;
	bool lock_ready;
	atomic_uint_fast64_t clock;
	_Atomic(struct kiln_retired *) list; /* changed under the lock */
};

enum kiln_status kiln_retirement_init(struct kiln_retirement *retirement);
/* The list must be empty. Zeroed memory is fine. */
void kiln_retirement_finish(struct kiln_retirement *retirement);

/* What a submission that begins now remembers. */
uint64_t kiln_retirement_clock(struct kiln_retirement *retirement);

void kiln_retirement_add(struct kiln_retirement *retirement, struct kiln_retired *retired);
/* Frees what no submission that began at `oldest` or later can use, without the lock. */
void kiln_retirement_collect(struct kiln_retirement *retirement, uint64_t oldest);

/* Unlinks what was retired before `oldest` and hands it over as a list. Pure. */
struct kiln_retired *kiln_retired_take(struct kiln_retired **list, uint64_t oldest);

#endif
