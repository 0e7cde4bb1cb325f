/* Single commands, for streams and for graphs. */
#ifndef RUNTIME_STREAM_COMMAND_H
#define RUNTIME_STREAM_COMMAND_H

#include "stream.h"

/* A command buffer for one submission at a time, with its pool and the fence that tells of its end. What was made before a
 * failure is the caller's too; the rest stays VK_NULL_HANDLE. */
enum kiln_status kiln_command_create(struct kiln_device *device, uint32_t queue_family, VkCommandPool *out_pool,
                                     VkCommandBuffer *out_commands, VkFence *out_fence);
/* Between everything before and after. */
void kiln_command_barrier(struct kiln_device *device, VkCommandBuffer commands);
/* The same, and an image changes its layout there; NULL = none does. */
void kiln_command_barrier_and(struct kiln_device *device, VkCommandBuffer commands,
                              const VkImageMemoryBarrier *image);
/* Makes everything written readable by the host once the submission is done. */
void kiln_command_to_host(struct kiln_device *device, VkCommandBuffer commands);
void kiln_command_push(struct kiln_device *device, VkCommandBuffer commands,
                       const struct kiln_pipeline *pipeline, const void *push, uint32_t push_bytes);
/* Points the sets at the launch's buffers. */
void kiln_command_write_sets(struct kiln_device *device, const struct kiln_stream_launch *launch,
                             const VkDescriptorSet *sets);

#endif
