#include "blob.h"

#include <string.h>

#include <base/bytes.h>

#define HEADER_VERSION_ONE 1u

bool kiln_blob_fits(const void *blob, size_t bytes, const struct kiln_blob_device *device)
{
	struct kiln_reader reader;
	uint32_t header_bytes, version, vendor, id;
	const uint8_t *uuid;

	kiln_reader_init(&reader, blob, bytes);
	header_bytes = kiln_read_u32(&reader);
	version = kiln_read_u32(&reader);
	vendor = kiln_read_u32(&reader);
	id = kiln_read_u32(&reader);
	uuid = kiln_read_bytes(&reader, 16);
	return !reader.bad && header_bytes >= KILN_BLOB_HEADER_BYTES && header_bytes <= bytes &&
	       version == HEADER_VERSION_ONE && vendor == device->vendor_id && id == device->device_id &&
	       memcmp(uuid, device->cache_uuid, 16) == 0;
}

bool kiln_blob_is_stub(size_t bytes)
{
	return bytes <= KILN_BLOB_HEADER_BYTES;
}
