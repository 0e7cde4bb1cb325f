#include "retire.h"

#include <stddef.h>

struct kiln_retired *kiln_retired_take(struct kiln_retired **list, uint64_t done_ticket)
{
	struct kiln_retired *finished = NULL;

	while (*list) {
		struct kiln_retired *retired = *list;

		if (retired->ticket > done_ticket) {
			list = &retired->next;
			continue;
		}
		*list = retired->next;
		retired->next = finished;
		finished = retired;
	}
	return finished;
}

void kiln_retired_free(struct kiln_retired *list)
{
	while (list) {
		struct kiln_retired *next = list->next; /* the node is part of what is freed */

		list->free(list->object);
		list = next;
	}
}
