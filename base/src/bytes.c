#include <base/bytes.h>

#include <string.h>

#include <base/alloc.h>

void kiln_reader_init(struct kiln_reader *reader, const void *data, size_t bytes)
{
	reader->at = data;
	reader->left = bytes;
	reader->bad = false;
}

const uint8_t *kiln_read_bytes(struct kiln_reader *reader, size_t bytes)
{
	const uint8_t *start = reader->at;

	if (reader->bad || bytes > reader->left) {
		reader->bad = true;
		return NULL;
	}
	/* Adding even 0 to the NULL of an empty reader is undefined. */
	if (bytes != 0) {
		reader->at += bytes;
		reader->left -= bytes;
	}
	return start;
}

static uint64_t read_little_endian(struct kiln_reader *reader, size_t bytes)
{
	const uint8_t *at = kiln_read_bytes(reader, bytes);
	uint64_t value = 0;

	if (at == NULL)
		return 0;
	for (size_t i = 0; i < bytes; i++)
		value |= (uint64_t)at[i] << (8 * i);
	return value;
}

uint8_t kiln_read_u8(struct kiln_reader *reader)
{
	return (uint8_t)read_little_endian(reader, 1);
}

uint16_t kiln_read_u16(struct kiln_reader *reader)
{
	return (uint16_t)read_little_endian(reader, 2);
}

uint32_t kiln_read_u32(struct kiln_reader *reader)
{
	return (uint32_t)read_little_endian(reader, 4);
}

uint64_t kiln_read_u64(struct kiln_reader *reader)
{
	return read_little_endian(reader, 8);
}

struct kiln_digest kiln_read_digest(struct kiln_reader *reader)
{
	struct kiln_digest digest = {0};
	const uint8_t *at = kiln_read_bytes(reader, sizeof(digest.bytes));

	if (at != NULL)
		memcpy(digest.bytes, at, sizeof(digest.bytes));
	return digest;
}

const uint8_t *kiln_read_blob(struct kiln_reader *reader, size_t *out_bytes)
{
	size_t bytes = kiln_read_u32(reader);
	const uint8_t *at = kiln_read_bytes(reader, bytes);

	*out_bytes = reader->bad ? 0 : bytes;
	return at;
}

char *kiln_read_string(struct kiln_reader *reader, size_t max)
{
	size_t bytes;
	const uint8_t *at = kiln_read_blob(reader, &bytes);
	char *text = NULL;

	if (!reader->bad && bytes <= max && memchr(at, 0, bytes) == NULL)
		text = kiln_alloc(bytes + 1);
	if (text == NULL) {
		reader->bad = true;
		return NULL;
	}
	memcpy(text, at, bytes);
	text[bytes] = '\0';
	return text;
}
