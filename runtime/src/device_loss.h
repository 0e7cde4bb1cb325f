/* The moment a device is lost: latched once, with what is known of it. */
#ifndef RUNTIME_DEVICE_LOSS_H
#define RUNTIME_DEVICE_LOSS_H

#include <stdbool.h>

#include <base/thread.h>
#include <kiln/loss.h>

#include "vulkan_api.h"

struct kiln_stream;

struct kiln_loss {
	struct kiln_mutex lock; /* a leaf */
	bool lock_ready;
	bool any; /* there was a loss */
	struct kiln_device_loss facts;
};

enum kiln_status kiln_loss_init(struct kiln_loss *loss);
void kiln_loss_finish(struct kiln_loss *loss);

/* Latches: the first call counts. `stream`, NULL where none is at hand, is locked: what it has under way is noted, also by a
 * later call when the first knew of nothing. */
void kiln_loss_latch(struct kiln_device *device, struct kiln_stream *stream, VkResult result,
                     const char *call);

/* As kiln_device_vk_error(), with the stream, which is locked. */
enum kiln_status kiln_loss_error_in(struct kiln_stream *stream, VkResult result, const char *call);

/* A mark of this thread. */
const void *kiln_loss_thread(void);

/* KILN_ERR_DEVICE_LOST with everything that is known in its sentence. */
enum kiln_status kiln_loss_error(struct kiln_device *device);

#endif
