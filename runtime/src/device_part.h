/* What hangs on a device and has Vulkan objects of its own: each such object is a part, so that a device that is reopened can
 * take them from the lost Vulkan device, and bring back on the new one what can be. Streams are not parts: the device knows
 * them anyhow. */
#ifndef RUNTIME_DEVICE_PART_H
#define RUNTIME_DEVICE_PART_H

#include <stdbool.h>

#include <base/thread.h>
#include <kiln/loss.h>

struct kiln_device;

struct kiln_part_class {
	/* Destroys its Vulkan objects on the lost device, which is idle, and forgets their handles. The object itself stays, and
	 * may be freed afterwards like any other. */
	void (*lose)(void *object);
	/* NULL = nothing comes back by itself. The device works again and nobody else uses it. */
	enum kiln_status (*restore)(void *object, struct kiln_reopening *reopening);
};

/* Member of such an object. Zeroed = not added. It must not move while it is added. */
struct kiln_part {
	struct kiln_part *next, **at;
	const struct kiln_part_class *class;
	void *object;
};

struct kiln_parts {
	struct kiln_mutex lock; /* a leaf */
	bool lock_ready;
	struct kiln_part *first;
};

enum kiln_status kiln_parts_init(struct kiln_parts *parts);
void kiln_parts_finish(struct kiln_parts *parts);

void kiln_part_add(struct kiln_device *device, struct kiln_part *part, const struct kiln_part_class *class,
                   void *object);
/* One that is not added is fine. */
void kiln_part_remove(struct kiln_device *device, struct kiln_part *part);

void kiln_parts_lose(struct kiln_device *device);
enum kiln_status kiln_parts_restore(struct kiln_device *device, struct kiln_reopening *reopening);

#endif
