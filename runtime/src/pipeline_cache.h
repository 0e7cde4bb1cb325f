/* The driver's VkPipelineCache: one transient object per compile, because some drivers pay dearly for each that lives. */
#ifndef RUNTIME_PIPELINE_CACHE_H
#define RUNTIME_PIPELINE_CACHE_H

#include <stddef.h>

#include "vulkan_api.h"

struct kiln_device;

/* `blob` NULL = empty. */
enum kiln_status kiln_pipeline_cache_create(struct kiln_device *device, const void *blob, size_t blob_bytes,
                                            VkPipelineCache *out_cache);

/* The driver's data in it, checked to be a blob of this device; NULL where there is none worth keeping, which is no error.
 * Ownership: kiln_free(). */
void *kiln_pipeline_cache_extract(struct kiln_device *device, VkPipelineCache cache, size_t *out_bytes);

#endif
