/* One submission's worth of Vulkan objects, recycled when the device is done with it. The stream's lock guards it. */
#ifndef RUNTIME_STREAM_SLOT_H
#define RUNTIME_STREAM_SLOT_H

#include <stdbool.h>
#include <stdint.h>

#include "vulkan_api.h"

struct kiln_device;
struct kiln_stream_launch;

#define KILN_STREAM_SLOTS 4u

struct kiln_descriptor_pool {
	VkDescriptorPool handle;
	uint32_t sets_left, storage_left, uniform_left;
};

struct kiln_stream_slot {
	VkCommandPool pool;
	VkCommandBuffer commands;
	VkFence fence;
	uint64_t ticket;
	bool pending;      /* submitted and not known to be done */
	uint32_t recorded; /* commands since it began */
	uint32_t waiters;  /* threads in a wait for the fence: it may not be reset */
	bool ended;        /* recorded to the end, and not submitted yet */
	struct kiln_descriptor_pool *pools;
	uint32_t pool_count, pool_current;
};

enum kiln_status kiln_slot_begin(struct kiln_device *device, struct kiln_stream_slot *slot);
/* After a failure other than device loss it can be called again, and nothing else may be recorded before. */
enum kiln_status kiln_slot_submit(struct kiln_device *device, struct kiln_stream_slot *slot, VkQueue queue);
void kiln_slot_finish(struct kiln_device *device, struct kiln_stream_slot *slot);

/* Locks the stream and gives the slot to record into; after a failure nothing is locked. */
enum kiln_status kiln_stream_begin(struct kiln_device *device, struct kiln_stream_slot **out_slot);
/* Counts what was recorded since, submits a list that has become long, and unlocks. */
void kiln_stream_end(struct kiln_device *device, uint32_t commands);

/* Allocates and fills the descriptor sets of a launch. */
enum kiln_status kiln_slot_bind(struct kiln_device *device, struct kiln_stream_slot *slot,
                                const struct kiln_stream_launch *launch);

#endif
