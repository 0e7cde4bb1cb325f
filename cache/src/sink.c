/* Where a walk over fields goes: into a digest, a buffer, a length, or a comparison. */
#include <cache/key.h>

#include <string.h>

static void put_hash(void *user, const void *data, size_t bytes)
{
	kiln_hash_raw(user, data, bytes);
}

struct kiln_sink kiln_sink_hash(struct kiln_hasher *hasher)
{
	return (struct kiln_sink){.put = put_hash, .user = hasher};
}

static void put_write(void *user, const void *data, size_t bytes)
{
	kiln_write_bytes(user, data, bytes);
}

struct kiln_sink kiln_sink_write(struct kiln_writer *writer)
{
	return (struct kiln_sink){.put = put_write, .user = writer};
}

static void put_measure(void *user, const void *data, size_t bytes)
{
	(void)data;
	*(size_t *)user += bytes;
}

struct kiln_sink kiln_sink_measure(size_t *bytes)
{
	return (struct kiln_sink){.put = put_measure, .user = bytes};
}

static void put_compare(void *user, const void *data, size_t bytes)
{
	struct kiln_comparison *comparison = user;

	if (!comparison->equal)
		return;
	if (bytes > comparison->left || memcmp(comparison->at, data, bytes) != 0) {
		comparison->equal = false;
		return;
	}
	comparison->at += bytes;
	comparison->left -= bytes;
}

struct kiln_sink kiln_sink_compare(struct kiln_comparison *comparison)
{
	return (struct kiln_sink){.put = put_compare, .user = comparison};
}

void kiln_put_u32(const struct kiln_sink *sink, uint32_t value)
{
	uint8_t bytes[4];

	for (unsigned i = 0; i < sizeof bytes; i++)
		bytes[i] = (uint8_t)(value >> (8 * i));
	sink->put(sink->user, bytes, sizeof bytes);
}

void kiln_put_u64(const struct kiln_sink *sink, uint64_t value)
{
	kiln_put_u32(sink, (uint32_t)value);
	kiln_put_u32(sink, (uint32_t)(value >> 32));
}

void kiln_put_string(const struct kiln_sink *sink, const char *text)
{
	size_t length = strlen(text);

	kiln_put_u32(sink, (uint32_t)length);
	if (length > 0)
		sink->put(sink->user, text, length);
}

void kiln_put_digest(const struct kiln_sink *sink, const struct kiln_digest *digest)
{
	sink->put(sink->user, digest->bytes, sizeof digest->bytes);
}
