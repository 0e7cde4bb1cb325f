/* Blocks of device memory: one vkAllocateMemory each. Everything here runs under the pool's lock. */
#ifndef RUNTIME_MEMORY_BLOCK_H
#define RUNTIME_MEMORY_BLOCK_H

#include "memory.h"
#include "suballoc.h"

struct kiln_memory_block {
	struct kiln_memory_block *next;
	VkDeviceMemory memory;
	uint64_t bytes;
	uint32_t type;
	bool dedicated;      /* one allocation, gone with it */
	void *pages;         /* the caller's, imported, and in no heap's count; NULL = the driver's own */
	unsigned char *data; /* mapped; NULL when not host-visible */
	struct kiln_suballoc ranges;
};

VkMemoryPropertyFlags kiln_memory_type_flags(const struct kiln_memory_pool *pool, uint32_t type);
uint32_t kiln_memory_type_heap(const struct kiln_memory_pool *pool, uint32_t type);

/* Makes a block, maps it where the host can see it, and puts it first in the pool's list. `bytes` are
 * whole granules. VK_ERROR_TOO_MANY_OBJECTS when the device allows no further allocation. */
VkResult kiln_memory_block_create(struct kiln_device *device, uint32_t type, uint64_t bytes, bool dedicated,
                                  struct kiln_memory_block **out_block);
/* The same of the caller's pages, dedicated: they are `data`. */
VkResult kiln_memory_block_import(struct kiln_device *device, uint32_t type, void *pages, uint64_t bytes,
                                  struct kiln_memory_block **out_block);
void kiln_memory_block_remove(struct kiln_device *device, struct kiln_memory_block *block);
/* True when there were any. */
bool kiln_memory_blocks_trim(struct kiln_device *device);

#endif
