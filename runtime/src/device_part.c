#include "device_part.h"

#include <stddef.h>

#include "device.h"

enum kiln_status kiln_parts_init(struct kiln_parts *parts)
{
	KILN_TRY(kiln_mutex_init(&parts->lock));
	parts->lock_ready = true;
	return KILN_OK;
}

void kiln_parts_finish(struct kiln_parts *parts)
{
	if (parts->lock_ready)
		kiln_mutex_finish(&parts->lock);
	parts->lock_ready = false;
}

void kiln_part_add(struct kiln_device *device, struct kiln_part *part, const struct kiln_part_class *class,
                   void *object)
{
	struct kiln_parts *parts = &device->parts;

	if (!parts->lock_ready)
		return;
	part->class = class;
	part->object = object;
	kiln_mutex_lock(&parts->lock);
	part->next = parts->first;
	part->at = &parts->first;
	if (part->next)
		part->next->at = &part->next;
	parts->first = part;
	kiln_mutex_unlock(&parts->lock);
}

void kiln_part_remove(struct kiln_device *device, struct kiln_part *part)
{
	if (!part->class) /* its neighbours change the rest */
		return;
	kiln_mutex_lock(&device->parts.lock);
	*part->at = part->next;
	if (part->next)
		part->next->at = part->at;
	kiln_mutex_unlock(&device->parts.lock);
	part->class = NULL;
}

void kiln_parts_lose(struct kiln_device *device)
{
	kiln_mutex_lock(&device->parts.lock);
	for (struct kiln_part *part = device->parts.first; part; part = part->next)
		part->class->lose(part->object);
	kiln_mutex_unlock(&device->parts.lock);
}

/* Without the lock: bringing one back may make others, which come before it in the list. */
enum kiln_status kiln_parts_restore(struct kiln_device *device, struct kiln_reopening *reopening)
{
	for (struct kiln_part *part = device->parts.first; part; part = part->next)
		if (part->class->restore)
			KILN_TRY(part->class->restore(part->object, reopening));
	return KILN_OK;
}
