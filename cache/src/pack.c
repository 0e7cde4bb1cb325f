/* The pack format as pure functions on bytes. */
#include <cache/pack.h>

#include <stdio.h>
#include <string.h>

#include <base/hash.h>
#include <cache/domains.h>
#include <cache/entry.h>

static const uint8_t first_magic[8] = {0x89, 'K', 'P', 'A', 'C', 'K', '\r', '\n'};
static const uint8_t last_magic[8] = {'K', 'P', 'A', 'C', 'K', 'E', 'N', 'D'};

#define SEAL_PLAIN 0u
#define SEAL_KEYED 1u
#define TRAILER_HASHED 24 /* its bytes before the digest */

/* ---- Names ---- */

static uint8_t digit(char hex)
{
	return (uint8_t)(hex <= '9' ? hex - '0' : hex - 'a' + 10);
}

static void hex_to_bytes(const char *hex, uint8_t *out, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		out[i] = (uint8_t)(digit(hex[2 * i]) << 4 | digit(hex[2 * i + 1]));
}

static void bytes_to_hex(const uint8_t *bytes, size_t count, char *out)
{
	for (size_t i = 0; i < count; i++) {
		out[2 * i] = "0123456789abcdef"[bytes[i] >> 4];
		out[2 * i + 1] = "0123456789abcdef"[bytes[i] & 15];
	}
	out[2 * count] = '\0';
}

void kiln_pack_name_of(const struct kiln_place *place, uint8_t out_name[KILN_PACK_NAME_BYTES])
{
	memset(out_name, 0, KILN_PACK_NAME_BYTES);
	if (place->kind == KILN_KIND_CONTENT) {
		hex_to_bytes(place->name, out_name, 32);
		return;
	}
	hex_to_bytes(place->name + KILN_NAME_PROGRAM, out_name, 16);
	hex_to_bytes(place->name + KILN_NAME_POLICY, out_name + 16, 16);
	hex_to_bytes(place->name + KILN_NAME_DEVICE, out_name + 32, 16);
}

void kiln_pack_path_of(const struct kiln_pack_record *record, char out_path[KILN_PLACE_MAX])
{
	char dir[8], part[3][KILN_DIGEST_HEX];

	kiln_shard_dir(record->kind, record->name[0], dir);
	if (record->kind == KILN_KIND_CONTENT) {
		bytes_to_hex(record->name, 32, part[0]);
		snprintf(out_path, KILN_PLACE_MAX, "%s/%s.bin", dir, part[0]);
		return;
	}
	for (size_t i = 0; i < 3; i++)
		bytes_to_hex(record->name + 16 * i, 16, part[i]);
	snprintf(out_path, KILN_PLACE_MAX, "%s/%.32s.%.32s.%.32s.bin", dir, part[0], part[1], part[2]);
}

/* ---- Writing ---- */

void kiln_pack_write_header(struct kiln_writer *out)
{
	kiln_write_bytes(out, first_magic, sizeof first_magic);
	kiln_write_u32(out, KILN_PACK_FORMAT);
	kiln_write_u32(out, 0);
}

static void write_record(struct kiln_writer *out, const struct kiln_pack_record *record)
{
	kiln_write_u32(out, record->kind);
	kiln_write_bytes(out, record->name, sizeof record->name);
	kiln_write_u64(out, record->offset);
	kiln_write_u32(out, record->bytes);
}

/* Index, and the trailer's part before the digest. The header, which is the same in all packs of a version, is
 * bound by the context. */
static struct kiln_digest digest_of(const struct kiln_seal *seal, const uint8_t *index, size_t index_bytes,
                                    const uint8_t *trailer)
{
	struct kiln_hasher hasher;

	if (seal->keyed)
		kiln_hash_init_raw(&hasher, seal->pack_key);
	else
		kiln_hash_init_derived(&hasher, KILN_CONTEXT_PACK);
	kiln_hash_raw(&hasher, index, index_bytes);
	kiln_hash_raw(&hasher, trailer, TRAILER_HASHED);
	return kiln_hash_finish(&hasher);
}

void kiln_pack_write_end(struct kiln_writer *out, const struct kiln_pack_record *records, size_t count,
                         uint64_t index_offset, const struct kiln_seal *seal)
{
	static const uint8_t no_id[KILN_SEAL_ID_BYTES];
	size_t start = out->bytes, index_bytes = count * KILN_PACK_RECORD_BYTES;
	struct kiln_digest digest;

	for (size_t i = 0; i < count; i++)
		write_record(out, &records[i]);
	kiln_write_u64(out, index_offset);
	kiln_write_u32(out, (uint32_t)count);
	kiln_write_u16(out, seal->keyed ? SEAL_KEYED : SEAL_PLAIN);
	kiln_write_u16(out, 0);
	kiln_write_bytes(out, seal->keyed ? seal->id : no_id, KILN_SEAL_ID_BYTES);
	if (out->bad)
		return;
	digest = digest_of(seal, out->data + start, index_bytes, out->data + start + index_bytes);
	kiln_write_digest(out, &digest);
	kiln_write_bytes(out, last_magic, sizeof last_magic);
}

int kiln_pack_compare(const void *a, const void *b)
{
	const struct kiln_pack_record *record_a = a, *record_b = b;

	if (record_a->kind != record_b->kind)
		return record_a->kind < record_b->kind ? -1 : 1;
	return memcmp(record_a->name, record_b->name, sizeof record_a->name);
}

/* ---- Checking ---- */

static enum kiln_status damaged(const char *why, const char **out_why)
{
	*out_why = why;
	return KILN_ERR_DAMAGED;
}

static enum kiln_status check_header(const uint8_t *header, const char **out_why)
{
	struct kiln_reader reader;

	if (memcmp(header, first_magic, sizeof first_magic) != 0)
		return damaged("it does not start as a pack does", out_why);
	kiln_reader_init(&reader, header + sizeof first_magic, KILN_PACK_HEADER_BYTES - sizeof first_magic);
	if (kiln_read_u32(&reader) != KILN_PACK_FORMAT || kiln_read_u32(&reader) != 0) {
		*out_why = "it has another format version";
		return KILN_ERR_UNSUPPORTED;
	}
	return KILN_OK;
}

enum kiln_status kiln_pack_check_ends(const uint8_t header[KILN_PACK_HEADER_BYTES],
                                      const uint8_t trailer[KILN_PACK_TRAILER_BYTES], uint64_t file_bytes,
                                      struct kiln_pack_trailer *out_trailer, const char **out_why)
{
	struct kiln_pack_trailer read;
	struct kiln_reader reader;
	uint32_t seal;

	KILN_TRY(check_header(header, out_why));
	if (memcmp(trailer + KILN_PACK_TRAILER_BYTES - sizeof last_magic, last_magic, sizeof last_magic) != 0)
		return damaged("it does not end as a pack does", out_why);
	kiln_reader_init(&reader, trailer, KILN_PACK_TRAILER_BYTES);
	read.index_offset = kiln_read_u64(&reader);
	read.count = kiln_read_u32(&reader);
	seal = kiln_read_u32(&reader);
	memcpy(read.seal_id, kiln_read_bytes(&reader, sizeof read.seal_id), sizeof read.seal_id);
	read.digest = kiln_read_digest(&reader);
	read.keyed = seal == SEAL_KEYED;
	if (seal != SEAL_PLAIN && seal != SEAL_KEYED) {
		*out_why = "it has a seal this version does not know";
		return KILN_ERR_UNSUPPORTED;
	}
	if (read.count > KILN_PACK_ENTRIES_MAX)
		return damaged("it has more entries than a pack can", out_why);
	if (file_bytes < KILN_PACK_HEADER_BYTES + KILN_PACK_TRAILER_BYTES ||
	    read.index_offset < KILN_PACK_HEADER_BYTES || read.index_offset > file_bytes ||
	    file_bytes - read.index_offset !=
	            (uint64_t)read.count * KILN_PACK_RECORD_BYTES + KILN_PACK_TRAILER_BYTES)
		return damaged("its index does not fit its length", out_why);
	*out_trailer = read;
	return KILN_OK;
}

struct kiln_pack_record kiln_pack_record_at(const uint8_t *index, size_t at)
{
	struct kiln_pack_record record;
	struct kiln_reader reader;

	kiln_reader_init(&reader, index + at * KILN_PACK_RECORD_BYTES, KILN_PACK_RECORD_BYTES);
	record.kind = (enum kiln_kind)kiln_read_u32(&reader);
	memcpy(record.name, kiln_read_bytes(&reader, sizeof record.name), sizeof record.name);
	record.offset = kiln_read_u64(&reader);
	record.bytes = kiln_read_u32(&reader);
	return record;
}

static const char *wrong_record(const struct kiln_pack_record *record, uint64_t index_offset)
{
	static const uint8_t zeros[KILN_PACK_NAME_BYTES - 32];

	if (record->kind != KILN_KIND_PIPELINE && record->kind != KILN_KIND_CONTENT)
		return "its index names an unknown kind";
	if (record->kind == KILN_KIND_CONTENT && memcmp(record->name + 32, zeros, sizeof zeros) != 0)
		return "its index holds a malformed name";
	if (record->bytes < KILN_ENTRY_BYTES_MIN)
		return "its index holds an entry shorter than any";
	if (record->offset < KILN_PACK_HEADER_BYTES || record->offset > index_offset ||
	    record->bytes > index_offset - record->offset)
		return "its index points outside the entries";
	return NULL;
}

enum kiln_status kiln_pack_check_index(const struct kiln_pack_trailer *trailer, const uint8_t *index,
                                       const uint8_t trailer_bytes[KILN_PACK_TRAILER_BYTES],
                                       const struct kiln_seal *seal, const char **out_why)
{
	struct kiln_digest digest =
		digest_of(seal, index, (size_t)trailer->count * KILN_PACK_RECORD_BYTES, trailer_bytes);
	struct kiln_pack_record last;

	if (!kiln_digest_equal(&digest, &trailer->digest))
		return damaged("the digest of its index does not match", out_why);
	for (size_t i = 0; i < trailer->count; i++) {
		struct kiln_pack_record record = kiln_pack_record_at(index, i);
		const char *why = wrong_record(&record, trailer->index_offset);

		if (why == NULL && i > 0 && kiln_pack_compare(&last, &record) >= 0)
			why = "its index is not sorted";
		if (why != NULL)
			return damaged(why, out_why);
		last = record;
	}
	return KILN_OK;
}

/* ---- Finding ---- */

/* The first record whose kind and name do not sort below what is asked for, or, with `after`, that sort
 * above. */
static size_t bound(const uint8_t *index, size_t count, enum kiln_kind kind, const uint8_t *name,
                    size_t name_bytes, bool after)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		struct kiln_pack_record record = kiln_pack_record_at(index, middle);
		int order = record.kind != kind ? (int)record.kind - (int)kind
		                                : memcmp(record.name, name, name_bytes);

		if (order < 0 || (after && order == 0))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

size_t kiln_pack_count(const uint8_t *index, size_t count, enum kiln_kind kind, const uint8_t *name,
                       size_t name_bytes, size_t *out_first)
{
	size_t first = bound(index, count, kind, name, name_bytes, false);

	if (out_first != NULL)
		*out_first = first;
	return bound(index, count, kind, name, name_bytes, true) - first;
}
