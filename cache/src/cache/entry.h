/* The entry format (cache/FORMAT.md) as pure functions on bytes. */
#ifndef CACHE_ENTRY_H
#define CACHE_ENTRY_H

#include <base/bytes.h>
#include <cache/secret.h>
#include <cache/subject.h>

#define KILN_ENTRY_FORMAT 2u
#define KILN_ENTRY_HEADER_BYTES 80
#define KILN_ENTRY_BYTES_MIN (KILN_ENTRY_HEADER_BYTES + KILN_DIGEST_BYTES)
/* The most an entry is longer than its payload. */
#define KILN_ENTRY_OVERHEAD_MAX (KILN_ENTRY_BYTES_MIN + KILN_SUBJECT_BYTES_MAX + KILN_SEAL_ID_BYTES)

enum kiln_verdict {
	KILN_VERDICT_GOOD,
	KILN_VERDICT_DAMAGED,
	KILN_VERDICT_OTHER_VERSION, /* format, key version, kind, compression or seal: not ours to judge */
	KILN_VERDICT_TOO_LARGE,
};

/* A verified entry, in place. */
struct kiln_entry_view {
	enum kiln_kind kind;
	uint32_t flags;
	uint64_t compile_ns;
	int64_t created_s;
	char kiln_version[16];
	const uint8_t *subject;
	size_t subject_bytes;
	const uint8_t *payload;
	size_t payload_bytes;
};

/* Appends a whole entry; kiln_version is taken from `entry`. `out->bad` after a failed allocation. */
void kiln_entry_encode_as(const struct kiln_subject *subject, const struct kiln_cache_entry *entry,
                          const struct kiln_seal *seal, struct kiln_writer *out);
/* The same under the plain seal. */
void kiln_entry_encode(const struct kiln_subject *subject, const struct kiln_cache_entry *entry,
                       struct kiln_writer *out);

/* Checks size, magic, version, lengths, digest, in this order. `key_version` 0 accepts any. Under a keyed
 * seal only entries of that key are accepted, under the plain one only plain entries; all others are another
 * version. Fills *out_view only when good; *out_why is a static text, NULL when good. */
enum kiln_verdict kiln_entry_decode_as(const uint8_t *data, size_t bytes, uint32_t key_version,
                                       uint64_t max_payload_bytes, const struct kiln_seal *seal,
                                       struct kiln_entry_view *out_view, const char **out_why);
/* The same under the plain seal: what an open cache holds is decoded with its own, kiln_cache.seal. */
enum kiln_verdict kiln_entry_decode(const uint8_t *data, size_t bytes, uint32_t key_version,
                                    uint64_t max_payload_bytes, struct kiln_entry_view *out_view,
                                    const char **out_why);

/* What the first KILN_ENTRY_HEADER_BYTES of a file claim; nothing of it is verified. */
struct kiln_entry_head {
	bool known_version; /* this build could read the entry */
	bool outdated;      /* of an earlier format: no build since reads it */
	uint32_t flags;
	uint64_t compile_ns;
};

/* false = these are not the first bytes of an entry. */
bool kiln_entry_head(const uint8_t data[KILN_ENTRY_HEADER_BYTES], struct kiln_entry_head *out_head);

/* The view's facts; payload NULL, as that needs memory that lasts. */
struct kiln_cache_entry kiln_entry_of_view(const struct kiln_entry_view *view);

/* The digest an entry under the plain seal ends with, over the `bytes` before it. */
struct kiln_digest kiln_entry_seal(const uint8_t *data, size_t bytes);

#endif
