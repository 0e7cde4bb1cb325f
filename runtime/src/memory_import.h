/* Device memory of the caller's own pages, VK_EXT_external_memory_host. */
#ifndef RUNTIME_MEMORY_IMPORT_H
#define RUNTIME_MEMORY_IMPORT_H

#include "memory.h"

/* What the driver wants the address and size of pages to be multiples of; 0 = it imports none for buffers. */
uint64_t kiln_memory_import_alignment(const struct kiln_device *device);

/* Both are multiples of the pool's import alignment. KILN_ERR_UNSUPPORTED when the driver refuses the pages. */
enum kiln_status kiln_memory_import(struct kiln_device *device, const VkMemoryRequirements *requirements,
                                    void *pages, uint64_t bytes, struct kiln_allocation *out_allocation);

#endif
