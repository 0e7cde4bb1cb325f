/* Which memory types to try, best first. Pure: plain tables in, an ordered list out, tested on invented
 * devices. */
#ifndef RUNTIME_MEMORY_TYPE_H
#define RUNTIME_MEMORY_TYPE_H

#include <stdint.h>

#include <kiln/buffer.h>

#include "vulkan_api.h"

struct kiln_memory_candidates {
	uint32_t types[VK_MAX_MEMORY_TYPES]; /* indices, best first */
	uint32_t count;                      /* 0 = nothing fits */
};

/* Orders the types of `properties` that `type_bits` allows and that suit `kind`. Upload and read-back list
 * host-visible types only; device lists whatever can hold a buffer. Protected, lazily allocated and vendor
 * types never appear. */
void kiln_memory_type_order(const VkPhysicalDeviceMemoryProperties *properties, enum kiln_memory kind,
                            uint32_t type_bits, struct kiln_memory_candidates *out_candidates);

#endif
