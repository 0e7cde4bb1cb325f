/* Any bytes through every reader: in bounds, zero once bad, and what was read writes back the same. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include <base/alloc.h>
#include <base/bytes.h>

static void read_one(struct kiln_reader *reader, struct kiln_writer *copy, uint8_t kind)
{
	struct kiln_digest digest;
	const uint8_t *blob;
	size_t bytes;
	char *text;

	switch (kind % 7) {
	case 0:
		kiln_write_u8(copy, kiln_read_u8(reader));
		break;
	case 1:
		kiln_write_u16(copy, kiln_read_u16(reader));
		break;
	case 2:
		kiln_write_u32(copy, kiln_read_u32(reader));
		break;
	case 3:
		kiln_write_u64(copy, kiln_read_u64(reader));
		break;
	case 4:
		digest = kiln_read_digest(reader);
		kiln_write_digest(copy, &digest);
		break;
	case 5:
		blob = kiln_read_blob(reader, &bytes);
		if (!reader->bad)
			kiln_write_blob(copy, blob, bytes);
		break;
	default:
		text = kiln_read_string(reader, 64);
		assert((text == NULL) == reader->bad);
		if (text != NULL)
			kiln_write_string(copy, text);
		kiln_free(text);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	/* Each kind byte, then what it asks for. */
	struct kiln_writer copy = {0};
	struct kiln_reader reader;

	kiln_reader_init(&reader, data, bytes);
	while (!reader.bad && reader.left > 0) {
		uint8_t kind = kiln_read_u8(&reader);
		size_t whole = copy.bytes;

		kiln_write_u8(&copy, kind);
		read_one(&reader, &copy, kind);
		if (reader.bad)
			copy.bytes = whole;
	}
	assert(!copy.bad && copy.bytes <= bytes);
	assert(copy.bytes == 0 || memcmp(copy.data, data, copy.bytes) == 0);
	assert(reader.bad || copy.bytes == bytes);
	kiln_writer_finish(&copy);
	return 0;
}
