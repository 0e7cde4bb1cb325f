/* Which device and driver compiled code is good for. */
#include <cache/key.h>

#include <cache/domains.h>

struct kiln_fingerprint kiln_fingerprint_from_parts(uint32_t vendor_id, uint32_t device_id,
                                                    const char *driver, const char *runtime)
{
	struct kiln_fingerprint fingerprint = {.vendor_id = vendor_id, .device_id = device_id};
	struct kiln_hasher hasher;

	kiln_hash_init(&hasher, KILN_DOMAIN_DRIVER_PARTS);
	kiln_hash_string(&hasher, driver != NULL ? driver : "");
	kiln_hash_string(&hasher, runtime != NULL ? runtime : "");
	fingerprint.driver = kiln_hash_finish(&hasher);
	return fingerprint;
}

void kiln_fingerprint_walk(const struct kiln_fingerprint *fingerprint, const struct kiln_sink *sink)
{
	kiln_put_u32(sink, fingerprint->vendor_id);
	kiln_put_u32(sink, fingerprint->device_id);
	kiln_put_digest(sink, &fingerprint->driver);
}

struct kiln_fingerprint kiln_fingerprint_decode(struct kiln_reader *reader)
{
	struct kiln_fingerprint fingerprint = {.vendor_id = kiln_read_u32(reader)};

	fingerprint.device_id = kiln_read_u32(reader);
	fingerprint.driver = kiln_read_digest(reader);
	return fingerprint;
}

struct kiln_digest kiln_fingerprint_digest(const struct kiln_fingerprint *fingerprint)
{
	struct kiln_hasher hasher;
	struct kiln_sink sink = kiln_sink_hash(&hasher);

	kiln_hash_init(&hasher, KILN_DOMAIN_FINGERPRINT);
	kiln_fingerprint_walk(fingerprint, &sink);
	return kiln_hash_finish(&hasher);
}
