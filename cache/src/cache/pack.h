/* Packs: many entries in one file that is never changed (cache/FORMAT.md). The pure part works on bytes;
 * the open pack reads what it needs, when it needs it. */
#ifndef CACHE_PACK_H
#define CACHE_PACK_H

#include <base/bytes.h>
#include <base/fs.h>
#include <cache/secret.h>
#include <cache/subject.h>

#define KILN_PACK_FORMAT 2u
#define KILN_PACK_HEADER_BYTES 16
#define KILN_PACK_RECORD_BYTES 64
#define KILN_PACK_TRAILER_BYTES 64
#define KILN_PACK_ENTRIES_MAX (UINT32_C(1) << 20)
#define KILN_PACK_NAME_BYTES 48

/* One entry of a pack. */
struct kiln_pack_record {
	enum kiln_kind kind;
	uint8_t name
		[KILN_PACK_NAME_BYTES]; /* program, policy, device, 16 bytes each; or content key and zeros */
	uint64_t offset;
	uint32_t bytes;
};

/* Where the index lies. */
struct kiln_pack_trailer {
	uint64_t index_offset;
	uint32_t count;
	bool keyed;
	uint8_t seal_id[KILN_SEAL_ID_BYTES];
	struct kiln_digest digest;
};

/* ---- Pure ---- */

/* The name of an entry from its place, and back: the path of a record. */
void kiln_pack_name_of(const struct kiln_place *place, uint8_t out_name[KILN_PACK_NAME_BYTES]);
void kiln_pack_path_of(const struct kiln_pack_record *record, char out_path[KILN_PLACE_MAX]);

void kiln_pack_write_header(struct kiln_writer *out);
/* Index and trailer; `records` must be sorted by kind and name. */
void kiln_pack_write_end(struct kiln_writer *out, const struct kiln_pack_record *records, size_t count,
                         uint64_t index_offset, const struct kiln_seal *seal);
int kiln_pack_compare(const void *a, const void *b); /* of records, for qsort() */

/* KILN_OK, KILN_ERR_DAMAGED or KILN_ERR_UNSUPPORTED (a newer format); *out_why is a static text. */
enum kiln_status kiln_pack_check_ends(const uint8_t header[KILN_PACK_HEADER_BYTES],
                                      const uint8_t trailer[KILN_PACK_TRAILER_BYTES], uint64_t file_bytes,
                                      struct kiln_pack_trailer *out_trailer, const char **out_why);
/* The digest under `seal`, then each record: known kinds, strictly ascending names, entries before the index.
 * `trailer_bytes` as in the file. */
enum kiln_status kiln_pack_check_index(const struct kiln_pack_trailer *trailer, const uint8_t *index,
                                       const uint8_t trailer_bytes[KILN_PACK_TRAILER_BYTES],
                                       const struct kiln_seal *seal, const char **out_why);
/* Of a checked index. */
struct kiln_pack_record kiln_pack_record_at(const uint8_t *index, size_t at);
/* How many records have this kind and these first bytes of a name; *out_first, which may be NULL, is where
 * they start. */
size_t kiln_pack_count(const uint8_t *index, size_t count, enum kiln_kind kind, const uint8_t *name,
                       size_t name_bytes, size_t *out_first);

/* ---- An open pack ---- */

/* Immutable once open, so any number of threads may read it. */
struct kiln_pack {
	const struct kiln_fs *fs;
	int fd;
	char *path; /* for sentences */
	uint8_t *index;
	size_t count;
};

/* Opens, decides whether it can be trusted, and checks the index. Nothing of the entries is read.
 * NOT_FOUND, PERMISSION, DAMAGED, UNSUPPORTED, TOO_LARGE, IO, OUT_OF_MEMORY, with a sentence. */
enum kiln_status kiln_pack_open(const struct kiln_fs *fs, const char *path, const struct kiln_seal *seal,
                                struct kiln_pack *out_pack);
void kiln_pack_finish(struct kiln_pack *pack);

/* false = the pack has no such entry. */
bool kiln_pack_find(const struct kiln_pack *pack, const struct kiln_place *place,
                    struct kiln_pack_record *out_record);
/* The entry's bytes, unverified. DAMAGED when the file ends before them.
 * Ownership: kiln_free() *out_data. */
enum kiln_status kiln_pack_load(const struct kiln_pack *pack, const struct kiln_pack_record *record,
                                uint8_t **out_data);

#endif
