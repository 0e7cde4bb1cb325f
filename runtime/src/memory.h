/* Device memory: which type to take (memory_type.c, pure), how to cut it up (suballoc.c, pure), and the
 * Vulkan calls.
 *
 * One pool per device. Each memory type has blocks, 4 MiB at first and up to 64 MiB as demand grows, each
 * cut up by its own sub-allocator; a request of more than half the largest block gets a block to itself.
 * Host-visible blocks stay mapped as long as they live. Only buffers live here: linear images and buffers
 * may share a block, so bufferImageGranularity does not matter until optimally tiled images come, which
 * will need blocks of their own. */
#ifndef RUNTIME_MEMORY_H
#define RUNTIME_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <base/thread.h>
#include <kiln/buffer.h>

#include "vulkan_api.h"

struct kiln_device;
struct kiln_memory_block; /* one vkAllocateMemory, persistently mapped where host-visible */

/* Tests only: treat memory as worse than it is, so that every path runs on every driver. */
enum kiln_memory_pretend {
	KILN_PRETEND_NOT_VISIBLE = 1 << 0,  /* KILN_MEMORY_DEVICE has no host address */
	KILN_PRETEND_NOT_COHERENT = 1 << 1, /* flush and invalidate for real */
	KILN_PRETEND_NOT_CACHED = 1 << 2,   /* KILN_MEMORY_DEVICE is slow to read */
};

/* What is asked of the physical device once. */
struct kiln_memory_limits {
	VkPhysicalDeviceMemoryProperties properties;
	uint64_t non_coherent_atom;    /* bytes */
	uint64_t max_allocation_bytes; /* maxMemoryAllocationSize; 0 = unknown */
	uint64_t max_buffer_bytes;     /* maxBufferSize; 0 = unknown */
	uint32_t max_allocations;      /* maxMemoryAllocationCount */
	uint64_t import_alignment;     /* of host pages; 0 = none can be imported */
};

struct kiln_memory_pool {
	struct kiln_mutex lock;
	bool lock_ready;
	struct kiln_memory_limits limits;
	uint64_t max_bytes;  /* of one buffer: limits and largest heap; 0 = no memory at all */
	const char *max_why; /* which of them it is */
	uint64_t granule;    /* of sub-allocation, bytes; no two allocations share a non-coherent atom */
	bool device_address; /* allocate for buffer_reference; device.c sets it after kiln_memory_init() */
	unsigned pretend;    /* enum kiln_memory_pretend, tests only */
	bool fallback_reported;
	struct kiln_memory_block *blocks;
	uint32_t allocation_count;                /* of vkAllocateMemory */
	uint64_t heap_bytes[VK_MAX_MEMORY_HEAPS]; /* allocated from each heap */
};

struct kiln_allocation {
	struct kiln_memory_block *block; /* NULL = none */
	VkDeviceMemory memory;
	uint64_t offset; /* bytes into `memory` */
	uint64_t bytes;
	void *data;    /* host address of `offset`, NULL when not host-visible */
	uint32_t node; /* the sub-allocator's */
	bool local;    /* device-local */
	bool coherent;
	bool cached; /* the host reads it at full speed */
};

/* Reads the limits of device->physical into device->memory; allocates nothing, calls no device function. */
enum kiln_status kiln_memory_init(struct kiln_device *device);
/* The same from a table: what kiln_memory_init() calls, and tests with invented devices. */
enum kiln_status kiln_memory_pool_init(struct kiln_memory_pool *pool,
                                       const struct kiln_memory_limits *limits);
/* After the streams are finished. Frees every block; nothing else may be allocated
 * any more. Zeroed memory is fine. */
void kiln_memory_finish(struct kiln_device *device);

/* Takes memory of the preferred type for `kind` that `requirements` allows, falling back type by type; the
 * message of KILN_ERR_OUT_OF_DEVICE_MEMORY names bytes, heaps and what is allocated. */
enum kiln_status kiln_memory_allocate(struct kiln_device *device, const VkMemoryRequirements *requirements,
                                      enum kiln_memory kind, struct kiln_allocation *out_allocation);
/* Gives it back and zeroes the struct; a zeroed one is fine. */
void kiln_memory_free(struct kiln_device *device, struct kiln_allocation *allocation);

/* Flush host writes / invalidate before host reads; nothing for coherent memory. Offsets relative to the
 * allocation. */
enum kiln_status kiln_memory_flush(struct kiln_device *device, const struct kiln_allocation *allocation,
                                   uint64_t offset, uint64_t bytes);
enum kiln_status kiln_memory_invalidate(struct kiln_device *device, const struct kiln_allocation *allocation,
                                        uint64_t offset, uint64_t bytes);

#endif
