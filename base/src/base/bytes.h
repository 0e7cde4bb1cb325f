/* Bounded little-endian reading and writing. A bad reader or writer stays bad and reads as zero,
 * so a parser checks once at the end. Strings and blobs are u32-length-prefixed. */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kiln/digest.h>

struct kiln_reader {
	const uint8_t *at;
	size_t left;
	bool bad;
};

void kiln_reader_init(struct kiln_reader *reader, const void *data, size_t bytes);
uint8_t kiln_read_u8(struct kiln_reader *reader);
uint16_t kiln_read_u16(struct kiln_reader *reader);
uint32_t kiln_read_u32(struct kiln_reader *reader);
uint64_t kiln_read_u64(struct kiln_reader *reader);
/* Points into the buffer; NULL (and bad) when fewer bytes are left. */
const uint8_t *kiln_read_bytes(struct kiln_reader *reader, size_t bytes);
struct kiln_digest kiln_read_digest(struct kiln_reader *reader);
/* A u32-prefixed blob, in place; *out_bytes is 0 when bad. */
const uint8_t *kiln_read_blob(struct kiln_reader *reader, size_t *out_bytes);
/* A u32-prefixed string, heap copy with NUL; NULL when bad, over `max`, holding a NUL, or out of memory. */
char *kiln_read_string(struct kiln_reader *reader, size_t max);

/* Growable, from the heap; `bad` after an allocation failure. Zero-initialised is empty. */
struct kiln_writer {
	uint8_t *data;
	size_t bytes;
	size_t capacity;
	bool bad;
};

void kiln_writer_finish(struct kiln_writer *writer);
void kiln_write_u8(struct kiln_writer *writer, uint8_t value);
void kiln_write_u16(struct kiln_writer *writer, uint16_t value);
void kiln_write_u32(struct kiln_writer *writer, uint32_t value);
void kiln_write_u64(struct kiln_writer *writer, uint64_t value);
void kiln_write_bytes(struct kiln_writer *writer, const void *data, size_t bytes);
void kiln_write_digest(struct kiln_writer *writer, const struct kiln_digest *digest);
void kiln_write_blob(struct kiln_writer *writer, const void *data, size_t bytes);
void kiln_write_string(struct kiln_writer *writer, const char *text);
/* printf into the writer, no length prefix, no NUL. */
void kiln_write_format(struct kiln_writer *writer, const char *format, ...) KILN_PRINTF(2, 3);

#endif
