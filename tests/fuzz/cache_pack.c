/* Any bytes as a pack, through the code that opens and reads packs and a file system in memory: nothing is
 * read out of bounds, and every record of an index that is accepted can be found, loaded and judged.
 * Digests are made to fit in a second pass, since no fuzzer finds one. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <base/alloc.h>
#include <base/hash.h>
#include <cache/domains.h>
#include <cache/entry.h>
#include <cache/pack.h>

/* ---- The only file there is ---- */

struct image {
	struct kiln_fs fs;
	const uint8_t *data;
	size_t bytes;
};

static int image_openat(void *user, int dir, const char *name, int flags, mode_t mode)
{
	(void)user, (void)dir, (void)name, (void)flags, (void)mode;
	return 1000;
}

static int image_close(void *user, int fd)
{
	(void)user;
	assert(fd == 1000);
	return 0;
}

static int image_fstat(void *user, int fd, struct stat *out)
{
	(void)fd;
	*out = (struct stat){.st_mode = S_IFREG | 0644,
	                     .st_uid = geteuid(),
	                     .st_size = (off_t)((struct image *)user)->bytes};
	return 0;
}

static ssize_t image_pread(void *user, int fd, void *data, size_t bytes, uint64_t offset)
{
	const struct image *image = user;
	size_t left = offset < image->bytes ? image->bytes - (size_t)offset : 0;

	(void)fd;
	/* Nothing beyond the end is asked for: what the index says was checked against the length. */
	assert(offset <= image->bytes && bytes <= left);
	memcpy(data, image->data + offset, bytes);
	return (ssize_t)bytes;
}

/* ---- What must hold ---- */

static void check_entry(const struct kiln_pack_record *record, const uint8_t *data,
                        const struct kiln_seal *seal)
{
	struct kiln_subject_copy copy;
	struct kiln_entry_view view;
	const char *why;

	if (kiln_entry_decode_as(data, record->bytes, 0, UINT64_MAX, seal, &view, &why) != KILN_VERDICT_GOOD)
		return;
	assert(view.payload >= data &&
	       view.payload + view.payload_bytes + KILN_DIGEST_BYTES == data + record->bytes);
	if (kiln_subject_decode(view.kind, view.subject, view.subject_bytes, &copy) == KILN_OK)
		kiln_subject_copy_finish(&copy);
}

static void check_record(const struct kiln_pack *pack, size_t at, const struct kiln_seal *seal)
{
	struct kiln_pack_record record = kiln_pack_record_at(pack->index, at), found;
	struct kiln_place place = {.kind = record.kind, .shard = record.name[0]};
	uint8_t name[KILN_PACK_NAME_BYTES], *data = NULL;

	kiln_pack_path_of(&record, place.path);
	place.name = strrchr(place.path, '/') + 1;
	assert(kiln_name_is_entry(record.kind, place.name));
	kiln_pack_name_of(&place, name);
	assert(memcmp(name, record.name, sizeof name) == 0);
	assert(kiln_pack_find(pack, &place, &found) && found.offset == record.offset &&
	       found.bytes == record.bytes);
	assert(kiln_pack_count(pack->index, pack->count, record.kind, name, 0, NULL) > 0);
	if (kiln_pack_load(pack, &record, &data) == KILN_OK)
		check_entry(&record, data, seal);
	kiln_free(data);
}

static void open_pack(const uint8_t *data, size_t bytes, const struct kiln_seal *seal)
{
	struct image image = {.fs = {.openat = image_openat,
	                             .close = image_close,
	                             .fstat = image_fstat,
	                             .pread = image_pread},
	                      .data = data,
	                      .bytes = bytes};
	struct kiln_pack pack;

	image.fs.user = &image;
	if (kiln_pack_open(&image.fs, "pack", seal, &pack) != KILN_OK)
		return;
	for (size_t i = 0; i < pack.count; i++)
		check_record(&pack, i, seal);
	kiln_pack_finish(&pack);
}

/* ---- Digests that fit ---- */

static void seal_entries(uint8_t *data, size_t bytes, uint64_t index_offset, uint32_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct kiln_pack_record record = kiln_pack_record_at(data + index_offset, i);
		struct kiln_digest digest;

		if (record.bytes < KILN_ENTRY_BYTES_MIN || record.offset > bytes ||
		    record.bytes > bytes - record.offset)
			continue;
		digest = kiln_entry_seal(data + record.offset, record.bytes - KILN_DIGEST_BYTES);
		memcpy(data + record.offset + record.bytes - KILN_DIGEST_BYTES, digest.bytes,
		       KILN_DIGEST_BYTES);
	}
}

static void seal_index(uint8_t *data, size_t bytes, uint64_t index_offset, const struct kiln_seal *seal)
{
	uint8_t *trailer = data + bytes - KILN_PACK_TRAILER_BYTES;
	struct kiln_digest digest;
	struct kiln_hasher hasher;

	if (seal->keyed)
		kiln_hash_init_raw(&hasher, seal->pack_key);
	else
		kiln_hash_init_derived(&hasher, KILN_CONTEXT_PACK);
	kiln_hash_raw(&hasher, data + index_offset, bytes - KILN_PACK_TRAILER_BYTES - (size_t)index_offset);
	kiln_hash_raw(&hasher, trailer, 24);
	digest = kiln_hash_finish(&hasher);
	memcpy(trailer + 24, digest.bytes, sizeof digest.bytes);
}

/* The frame of a pack around the input: magics, and an index offset that fits the count. */
static void frame(uint8_t *data, size_t bytes, const struct kiln_seal *seal)
{
	uint8_t *trailer = data + bytes - KILN_PACK_TRAILER_BYTES;
	size_t room = (bytes - KILN_PACK_HEADER_BYTES - KILN_PACK_TRAILER_BYTES) / KILN_PACK_RECORD_BYTES;
	uint32_t count = room > 0 ? trailer[8] % (uint32_t)(room + 1) : 0;
	uint64_t offset = bytes - KILN_PACK_TRAILER_BYTES - (uint64_t)count * KILN_PACK_RECORD_BYTES;
	struct kiln_writer header = {0};

	kiln_pack_write_header(&header);
	assert(!header.bad);
	memcpy(data, header.data, header.bytes);
	kiln_writer_finish(&header);
	memset(trailer, 0, 24);
	for (unsigned i = 0; i < 8; i++)
		trailer[i] = (uint8_t)(offset >> (8 * i));
	trailer[8] = (uint8_t)count;
	trailer[12] = seal->keyed;
	memcpy(trailer + 16, seal->id, sizeof seal->id);
	memcpy(trailer + 56, "KPACKEND", 8);
	seal_entries(data, bytes, offset, count);
	seal_index(data, bytes, offset, seal);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	const struct kiln_seal plain = {0}, keyed = kiln_seal_from("0123456789abcdef", 16);
	uint8_t *framed;

	open_pack(data, bytes, &plain);
	open_pack(data, bytes, &keyed);
	if (bytes < KILN_PACK_HEADER_BYTES + KILN_PACK_TRAILER_BYTES)
		return 0;
	framed = kiln_memdup(data, bytes);
	assert(framed != NULL);
	frame(framed, bytes, &plain);
	open_pack(framed, bytes, &plain);
	frame(framed, bytes, &keyed);
	open_pack(framed, bytes, &keyed);
	kiln_free(framed);
	return 0;
}
