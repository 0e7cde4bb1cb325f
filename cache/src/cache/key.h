/* The pipeline key in canonical form, and the one walk over its fields. Hashing, writing and comparing are
 * the same walk into different sinks, so none of them can leave a field out that another has. */
#ifndef CACHE_KEY_H
#define CACHE_KEY_H

#include <kiln/identity.h>

#include <base/bytes.h>
#include <base/hash.h>

/* Takes encoded bytes, piece by piece. */
struct kiln_sink {
	void (*put)(void *user, const void *data, size_t bytes);
	void *user;
};

struct kiln_sink kiln_sink_hash(struct kiln_hasher *hasher);
struct kiln_sink kiln_sink_write(struct kiln_writer *writer);
/* Adds up lengths in *bytes. */
struct kiln_sink kiln_sink_measure(size_t *bytes);

/* Compares what is put with bytes already there; equal when `equal` holds and nothing is left. */
struct kiln_comparison {
	const uint8_t *at;
	size_t left;
	bool equal;
};
struct kiln_sink kiln_sink_compare(struct kiln_comparison *comparison);

void kiln_put_u32(const struct kiln_sink *sink, uint32_t value);
void kiln_put_u64(const struct kiln_sink *sink, uint64_t value);
void kiln_put_string(const struct kiln_sink *sink, const char *text);
void kiln_put_digest(const struct kiln_sink *sink, const struct kiln_digest *digest);

/* A key with defaults filled in, constants sorted by id, and value bytes beyond `size` cleared.
 * `key.spec` may point into the struct itself: do not copy it. */
struct kiln_canon_key {
	struct kiln_pipeline_key key;
	struct kiln_spec_value spec[KILN_SPEC_VALUES_MAX];
};

enum kiln_status kiln_key_canon(const struct kiln_pipeline_key *key, struct kiln_canon_key *out_canon);

/* All fields but the program: what the policy digest covers. */
void kiln_policy_walk(const struct kiln_pipeline_key *canon, const struct kiln_sink *sink);
/* The program digest, then the policy: the encoded key of FORMAT.md. */
void kiln_key_walk(const struct kiln_pipeline_key *canon, const struct kiln_sink *sink);
void kiln_fingerprint_walk(const struct kiln_fingerprint *fingerprint, const struct kiln_sink *sink);

/* The most bytes kiln_key_walk() can yield. */
#define KILN_KEY_BYTES_MAX                                                                \
	(32 + 4 + (4 + KILN_BACKEND_MAX) + (4 + KILN_ENTRY_POINT_MAX) + 32 + 4 + 12 + 4 + \
	 KILN_SPEC_VALUES_MAX * 16 + 16)
#define KILN_FINGERPRINT_BYTES 40

/* A decoded key; its strings and constants live in `memory`. */
struct kiln_key_copy {
	struct kiln_pipeline_key key;
	void *memory;
};

/* Accepts canonical encodings only, so that encoding the result gives the same bytes.
 * KILN_ERR_DAMAGED (no message) or KILN_ERR_OUT_OF_MEMORY. Ownership: finish *out_copy. */
enum kiln_status kiln_key_decode(struct kiln_reader *reader, struct kiln_key_copy *out_copy);
void kiln_key_copy_finish(struct kiln_key_copy *copy);
struct kiln_fingerprint kiln_fingerprint_decode(struct kiln_reader *reader);

/* The digest of a key already in canonical form; cannot fail. */
struct kiln_digest kiln_policy_digest_canon(const struct kiln_pipeline_key *canon);
struct kiln_pipeline_identity kiln_pipeline_identity_canon(const struct kiln_pipeline_key *canon,
                                                           const struct kiln_fingerprint *fingerprint);

#endif
