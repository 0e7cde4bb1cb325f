/* What an entry is about, and where it lies: a pipeline (key and fingerprint) or any other artefact (content
 * key). */
#ifndef CACHE_SUBJECT_H
#define CACHE_SUBJECT_H

#include <kiln/cache.h>

#include <cache/key.h>

enum kiln_kind {
	KILN_KIND_PIPELINE = 1,
	KILN_KIND_CONTENT = 2,
};

/* Borrowed pointers; those of the other kind are NULL. */
struct kiln_subject {
	enum kiln_kind kind;
	const struct kiln_pipeline_key *key; /* canonical */
	const struct kiln_fingerprint *fingerprint;
	const struct kiln_digest *content;
};

/* Encoded as FORMAT.md's "subject". */
void kiln_subject_walk(const struct kiln_subject *subject, const struct kiln_sink *sink);
uint32_t kiln_subject_key_version(const struct kiln_subject *subject);
bool kiln_subject_is(const struct kiln_subject *subject, const uint8_t *encoded, size_t bytes);

#define KILN_SUBJECT_BYTES_MAX (KILN_KEY_BYTES_MAX + KILN_FINGERPRINT_BYTES)

/* A decoded subject; `subject` points into it. */
struct kiln_subject_copy {
	struct kiln_subject subject;
	struct kiln_key_copy key;
	struct kiln_fingerprint fingerprint;
	struct kiln_digest content;
};

/* Fills *out_copy in place (it points into itself). KILN_ERR_DAMAGED or KILN_ERR_OUT_OF_MEMORY. */
enum kiln_status kiln_subject_decode(enum kiln_kind kind, const uint8_t *encoded, size_t bytes,
                                     struct kiln_subject_copy *out_copy);
void kiln_subject_copy_finish(struct kiln_subject_copy *copy);

#define KILN_PLACE_MAX 112 /* "v1/c/xx/<64 hex>.bin" and "v1/xx/<3 * 32 hex and dots>.bin" with NUL */
#define KILN_LAYOUT_DIR "v1"

/* Where an entry lies below the root. */
struct kiln_place {
	struct kiln_digest id; /* pipeline_id or content key: the same place has the same id */
	enum kiln_kind kind;
	uint8_t shard;             /* first byte of the program digest or content key: the folder */
	char dir[8];               /* "v1/ab" or "v1/c/ab" */
	char path[KILN_PLACE_MAX]; /* dir, '/', name */
	const char *name;          /* points into path: do not copy the struct */
};

void kiln_place_pipeline(const struct kiln_pipeline_identity *identity, struct kiln_place *out_place);
void kiln_place_content(const struct kiln_digest *content_key, struct kiln_place *out_place);
/* The folder of a shard: what kiln_place has in `dir`. */
void kiln_shard_dir(enum kiln_kind kind, uint8_t shard, char out_dir[8]);

/* Whether a file name is one this layout makes. */
bool kiln_name_is_entry(enum kiln_kind kind, const char *name);

/* The parts of a pipeline entry's name, as they stand in it. */
#define KILN_NAME_PART 32
#define KILN_NAME_PROGRAM 0
#define KILN_NAME_POLICY 33
#define KILN_NAME_DEVICE 66
/* Whether the part at `offset` of an entry name is that of `digest`. */
bool kiln_name_part_is(const char *name, size_t offset, const struct kiln_digest *digest);

#endif
