#include "retire.h"

#include <stddef.h>

enum kiln_status kiln_retirement_init(struct kiln_retirement *retirement)
{
	KILN_TRY(kiln_mutex_init(&retirement->lock));
	retirement->lock_ready = true;
	return KILN_OK;
}

void kiln_retirement_finish(struct kiln_retirement *retirement)
{
	if (retirement->lock_ready)
		kiln_mutex_finish(&retirement->lock);
	retirement->lock_ready = false;
}

uint64_t kiln_retirement_clock(struct kiln_retirement *retirement)
{
	return atomic_load(&retirement->clock);
}

void kiln_retirement_add(struct kiln_retirement *retirement, struct kiln_retired *retired)
{
	kiln_mutex_lock(&retirement->lock);
	retired->clock = atomic_fetch_add(&retirement->clock, 1);
	retired->next = atomic_load_explicit(&retirement->list, memory_order_relaxed);
	atomic_store_explicit(&retirement->list, retired, memory_order_relaxed);
	kiln_mutex_unlock(&retirement->lock);
}

struct kiln_retired *kiln_retired_take(struct kiln_retired **list, uint64_t oldest)
{
	struct kiln_retired *finished = NULL;

	while (*list) {
		struct kiln_retired *retired = *list;

		if (retired->clock >= oldest) {
			list = &retired->next;
			continue;
		}
		*list = retired->next;
		retired->next = finished;
		finished = retired;
	}
	return finished;
}

void kiln_retirement_collect(struct kiln_retirement *retirement, uint64_t oldest)
{
	struct kiln_retired *list, *finished;

	kiln_mutex_lock(&retirement->lock);
	list = atomic_load_explicit(&retirement->list, memory_order_relaxed);
	finished = kiln_retired_take(&list, oldest);
	atomic_store_explicit(&retirement->list, list, memory_order_relaxed);
	kiln_mutex_unlock(&retirement->lock);
	while (finished) {
		struct kiln_retired *next = finished->next; /* the node is part of what is freed */

		finished->free(finished->object);
		finished = next;
	}
}
