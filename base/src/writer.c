#include <base/bytes.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <base/alloc.h>

#define MIN_CAPACITY 256

void kiln_writer_finish(struct kiln_writer *writer)
{
	kiln_free(writer->data);
	*writer = (struct kiln_writer){0};
}

/* Room for `bytes` more at the end; NULL and bad when there is none. */
static uint8_t *reserve(struct kiln_writer *writer, size_t bytes)
{
	size_t capacity = writer->capacity != 0 ? writer->capacity : MIN_CAPACITY;
	uint8_t *data;

	if (writer->bad || bytes > SIZE_MAX / 2 - writer->bytes)
		goto fail;
	while (capacity < writer->bytes + bytes)
		capacity *= 2;
	if (capacity != writer->capacity) {
		data = kiln_realloc(writer->data, capacity);
		if (data == NULL)
			goto fail;
		writer->data = data;
		writer->capacity = capacity;
	}
	return writer->data + writer->bytes;
fail:
	writer->bad = true;
	return NULL;
}

void kiln_write_bytes(struct kiln_writer *writer, const void *data, size_t bytes)
{
	uint8_t *at = reserve(writer, bytes);

	if (at == NULL)
		return;
	if (bytes != 0)
		memcpy(at, data, bytes);
	writer->bytes += bytes;
}

static void write_little_endian(struct kiln_writer *writer, uint64_t value, size_t bytes)
{
	uint8_t encoded[8];

	for (size_t i = 0; i < bytes; i++)
		encoded[i] = (uint8_t)(value >> (8 * i));
	kiln_write_bytes(writer, encoded, bytes);
}

void kiln_write_u8(struct kiln_writer *writer, uint8_t value)
{
	write_little_endian(writer, value, 1);
}

void kiln_write_u16(struct kiln_writer *writer, uint16_t value)
{
	write_little_endian(writer, value, 2);
}

void kiln_write_u32(struct kiln_writer *writer, uint32_t value)
{
	write_little_endian(writer, value, 4);
}

void kiln_write_u64(struct kiln_writer *writer, uint64_t value)
{
	write_little_endian(writer, value, 8);
}

void kiln_write_digest(struct kiln_writer *writer, const struct kiln_digest *digest)
{
	kiln_write_bytes(writer, digest->bytes, sizeof(digest->bytes));
}

void kiln_write_blob(struct kiln_writer *writer, const void *data, size_t bytes)
{
	if (bytes > UINT32_MAX) {
		writer->bad = true;
		return;
	}
	kiln_write_u32(writer, (uint32_t)bytes);
	kiln_write_bytes(writer, data, bytes);
}

void kiln_write_string(struct kiln_writer *writer, const char *text)
{
	kiln_write_blob(writer, text, strlen(text));
}

void kiln_write_format(struct kiln_writer *writer, const char *format, ...)
{
	va_list args;
	int length;
	uint8_t *at;

	va_start(args, format);
	length = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (length < 0)
		writer->bad = true;
	at = length < 0 ? NULL : reserve(writer, (size_t)length + 1);
	if (at == NULL)
		return;
	va_start(args, format);
	vsnprintf((char *)at, (size_t)length + 1, format, args);
	va_end(args);
	writer->bytes += (size_t)length;
}
