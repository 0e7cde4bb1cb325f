/* Objects that wait for the device to finish with them. */
#ifndef RUNTIME_RETIRE_H
#define RUNTIME_RETIRE_H

#include <stdint.h>

struct kiln_retired {
	struct kiln_retired *next;
	uint64_t ticket; /* free once this submission is done */
	void (*free)(void *object);
	void *object;
};

/* Unlinks what is done up to this ticket and hands it over as a list. */
struct kiln_retired *kiln_retired_take(struct kiln_retired **list, uint64_t done_ticket);
void kiln_retired_free(struct kiln_retired *list);

#endif
