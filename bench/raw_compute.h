/* Hand-written pipeline creation: the yardstick for Kiln's resolve. Two storage buffers, 16 bytes of push
 * constants. */
#ifndef BENCH_RAW_COMPUTE_H
#define BENCH_RAW_COMPUTE_H

#include <stddef.h>
#include <stdint.h>

#include <vulkan/vulkan.h>

struct raw_compute {
	VkInstance instance;
	VkPhysicalDevice physical;
};

struct raw_device {
	VkDevice handle;
	VkDescriptorSetLayout set_layout;
	VkPipelineLayout layout;
};

/* Every function exits with a message when Vulkan refuses. */
void raw_open(struct raw_compute *raw);
void raw_close(struct raw_compute *raw);

/* A device of its own has empty caches of its own. */
void raw_device_open(const struct raw_compute *raw, struct raw_device *out_device);
void raw_device_close(struct raw_device *device);

VkPipelineCache raw_cache_create(const struct raw_device *device, const void *data, size_t bytes);

/* Shader module and pipeline from SPIR-V; `cache` may be VK_NULL_HANDLE. */
VkPipeline raw_pipeline_create(const struct raw_device *device, VkPipelineCache cache, const void *words,
                               size_t bytes);

/* Compiles, and writes the driver's blob to `path`.  Returns its bytes. */
size_t raw_store(const struct raw_device *device, const void *words, size_t bytes, const char *path);

/* What a warm start costs by hand: read the file, make the cache, make the pipeline, drop the cache. */
VkPipeline raw_load(const struct raw_device *device, const void *words, size_t bytes, const char *path);

#endif
