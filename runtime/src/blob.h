/* The header every Vulkan pipeline cache blob starts with (VkPipelineCacheHeaderVersionOne), checked by us: drivers crash on
 * what they should refuse. Pure. */
#ifndef RUNTIME_BLOB_H
#define RUNTIME_BLOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KILN_BLOB_HEADER_BYTES 32
#define KILN_BLOB_MAX (64u << 20) /* what one pipeline's blob may measure; larger is not kept */

struct kiln_blob_device {
	uint32_t vendor_id;
	uint32_t device_id;
	uint8_t cache_uuid[16];
};

/* Is this a blob of this device? Length, header length, version one, vendor, device and UUID must be right. */
bool kiln_blob_fits(const void *blob, size_t bytes, const struct kiln_blob_device *device);

/* Nothing behind the header: the driver keeps no code in its cache objects. */
bool kiln_blob_is_stub(size_t bytes);

#endif
