/* Timeline semaphores, which outlive the streams that signal them.
 *
 * They are handed on and destroyed with their device only: a driver may still be busy with a semaphore after the fence of the
 * batch that signals it has told the host that all is done. (Mesa 22's lavapipe writes the value into the destroyed one.) */
#ifndef RUNTIME_TIMELINE_H
#define RUNTIME_TIMELINE_H

#include <stdint.h>

#include "vulkan_api.h"

struct kiln_device;

struct kiln_timeline {
	struct kiln_timeline *next;
	VkSemaphore handle;
	uint64_t value; /* nothing up to this one will be signalled any more */
};

/* One that nobody signals; NULL = there is none. */
struct kiln_timeline *kiln_timeline_take(struct kiln_device *device);
/* Back to the device: nothing above `value` was submitted. NULL is fine. */
void kiln_timeline_give(struct kiln_device *device, struct kiln_timeline *timeline, uint64_t value);
/* Destroys those that were given back. The device is idle. */
void kiln_timelines_finish(struct kiln_device *device);

#endif
