#include <cache/entry.h>

#include <pthread.h>
#include <string.h>

#include <base/hash.h>
#include <cache/domains.h>

static const uint8_t magic[8] = {0x89, 'K', 'I', 'L', 'N', '\r', '\n', 0x1a};

#define COMPRESSION_NONE 0u
#define SEALING_BLAKE3 0u
#define SEALING_KEYED 1u /* 8 bytes that name the key follow the header */

static const struct kiln_seal plain = {0};

/* A digest under the plain seal with nothing hashed yet: the context costs a compression, once. */
static struct kiln_hasher plain_start;
static pthread_once_t started = PTHREAD_ONCE_INIT;

static void start_plain(void)
{
	kiln_hash_init_derived(&plain_start, KILN_CONTEXT_ENTRY);
}

/* The bytes in one piece and nothing before them: what makes BLAKE3 wide (FORMAT.md, "Digests"). */
static struct kiln_digest digest_under(const struct kiln_seal *seal, const uint8_t *data, size_t bytes)
{
	struct kiln_hasher hasher;

	if (seal->keyed) {
		kiln_hash_init_raw(&hasher, seal->entry_key);
	} else {
		pthread_once(&started, start_plain);
		hasher = plain_start;
	}
	kiln_hash_raw(&hasher, data, bytes);
	return kiln_hash_finish(&hasher);
}

struct kiln_digest kiln_entry_seal(const uint8_t *data, size_t bytes)
{
	return digest_under(&plain, data, bytes);
}

static size_t subject_bytes(const struct kiln_subject *subject)
{
	size_t bytes = 0;
	struct kiln_sink sink = kiln_sink_measure(&bytes);

	kiln_subject_walk(subject, &sink);
	return bytes;
}

static void write_header(const struct kiln_subject *subject, const struct kiln_cache_entry *entry,
                         const struct kiln_seal *seal, struct kiln_writer *out)
{
	char version[sizeof entry->kiln_version] = {0};

	memcpy(version, entry->kiln_version, strnlen(entry->kiln_version, sizeof version - 1));
	kiln_write_bytes(out, magic, sizeof magic);
	kiln_write_u32(out, KILN_ENTRY_FORMAT);
	kiln_write_u32(out, kiln_subject_key_version(subject));
	kiln_write_u32(out, subject->kind);
	kiln_write_u32(out, entry->flags);
	kiln_write_u16(out, COMPRESSION_NONE);
	kiln_write_u16(out, seal->keyed ? SEALING_KEYED : SEALING_BLAKE3);
	kiln_write_u32(out, (uint32_t)subject_bytes(subject));
	kiln_write_u64(out, entry->compile_ns);
	kiln_write_u64(out, (uint64_t)entry->created_s);
	kiln_write_bytes(out, version, sizeof version);
	kiln_write_u64(out, entry->payload_bytes); /* stored */
	kiln_write_u64(out, entry->payload_bytes); /* raw */
}

void kiln_entry_encode_as(const struct kiln_subject *subject, const struct kiln_cache_entry *entry,
                          const struct kiln_seal *seal, struct kiln_writer *out)
{
	struct kiln_sink sink = kiln_sink_write(out);
	size_t start = out->bytes;
	struct kiln_digest digest;

	write_header(subject, entry, seal, out);
	if (seal->keyed)
		kiln_write_bytes(out, seal->id, sizeof seal->id);
	kiln_subject_walk(subject, &sink);
	kiln_write_bytes(out, entry->payload, entry->payload_bytes);
	if (out->bad)
		return;
	digest = digest_under(seal, out->data + start, out->bytes - start);
	kiln_write_digest(out, &digest);
}

void kiln_entry_encode(const struct kiln_subject *subject, const struct kiln_cache_entry *entry,
                       struct kiln_writer *out)
{
	kiln_entry_encode_as(subject, entry, &plain, out);
}

/* The header as it stands in the file. */
struct header {
	uint32_t format, key_version, kind, flags, subject_bytes;
	uint16_t compression, sealing;
	uint64_t compile_ns, created_s, stored_bytes, raw_bytes;
	const uint8_t *kiln_version;
};

static void read_header(struct kiln_reader *reader, struct header *header)
{
	header->format = kiln_read_u32(reader);
	header->key_version = kiln_read_u32(reader);
	header->kind = kiln_read_u32(reader);
	header->flags = kiln_read_u32(reader);
	header->compression = kiln_read_u16(reader);
	header->sealing = kiln_read_u16(reader);
	header->subject_bytes = kiln_read_u32(reader);
	header->compile_ns = kiln_read_u64(reader);
	header->created_s = kiln_read_u64(reader);
	header->kiln_version = kiln_read_bytes(reader, 16);
	header->stored_bytes = kiln_read_u64(reader);
	header->raw_bytes = kiln_read_u64(reader);
}

static const char *foreign_version(const struct header *header, uint32_t key_version_wanted)
{
	if (header->format != KILN_ENTRY_FORMAT)
		return "another format version";
	if (key_version_wanted != 0 && header->key_version != key_version_wanted)
		return "another key version";
	if (header->kind != KILN_KIND_PIPELINE && header->kind != KILN_KIND_CONTENT)
		return "a kind this version does not know";
	if (header->compression != COMPRESSION_NONE)
		return "a compression this build does not have";
	return NULL;
}

/* An entry under another key is intact, as far as we can tell, and somebody else's. */
static const char *foreign_seal(const struct header *header, const struct kiln_seal *seal,
                                const uint8_t *id)
{
	if (header->sealing == SEALING_BLAKE3)
		return seal->keyed ? "no MAC, and this process wants one" : NULL;
	if (header->sealing != SEALING_KEYED)
		return "a seal this version does not know";
	if (!seal->keyed)
		return "a MAC, and this process has no secret";
	return memcmp(id, seal->id, sizeof seal->id) == 0 ? NULL : "a MAC by another secret";
}

/* What stands between header and subject. */
static size_t seal_id_bytes(const struct header *header)
{
	return header->sealing == SEALING_KEYED ? KILN_SEAL_ID_BYTES : 0;
}

static const char *wrong_lengths(const struct header *header, size_t bytes)
{
	size_t fixed = KILN_ENTRY_BYTES_MIN + seal_id_bytes(header);
	size_t left = bytes - fixed;

	if (bytes < fixed)
		return "it is shorter than any entry";
	if (header->subject_bytes > KILN_SUBJECT_BYTES_MAX || header->subject_bytes > left)
		return "its key is longer than the file";
	if (header->stored_bytes != left - header->subject_bytes)
		return "its length is not what its header says";
	if (header->raw_bytes != header->stored_bytes)
		return "its two payload lengths differ";
	return NULL;
}

static bool seal_holds(const struct kiln_seal *seal, const uint8_t *data, size_t bytes)
{
	struct kiln_digest digest = digest_under(seal, data, bytes - KILN_DIGEST_BYTES);
	uint8_t difference = 0;

	/* In constant time, as befits a MAC. */
	for (size_t i = 0; i < sizeof digest.bytes; i++)
		difference |= digest.bytes[i] ^ data[bytes - KILN_DIGEST_BYTES + i];
	return difference == 0;
}

static bool is_padded_text(const uint8_t *text, size_t bytes)
{
	size_t length = strnlen((const char *)text, bytes);

	for (size_t i = length; i < bytes; i++) {
		if (text[i] != 0)
			return false;
	}
	return length < bytes;
}

static void fill_view(const uint8_t *data, const struct header *header, struct kiln_entry_view *out_view)
{
	const uint8_t *subject = data + KILN_ENTRY_HEADER_BYTES + seal_id_bytes(header);

	*out_view = (struct kiln_entry_view){
		.kind = (enum kiln_kind)header->kind,
		.flags = header->flags,
		.compile_ns = header->compile_ns,
		.created_s = (int64_t)header->created_s,
		.subject = subject,
		.subject_bytes = header->subject_bytes,
		.payload = subject + header->subject_bytes,
		.payload_bytes = (size_t)header->stored_bytes,
	};
	memcpy(out_view->kiln_version, header->kiln_version, sizeof out_view->kiln_version);
}

static enum kiln_verdict damaged(const char *why, const char **out_why)
{
	*out_why = why;
	return KILN_VERDICT_DAMAGED;
}

enum kiln_verdict kiln_entry_decode_as(const uint8_t *data, size_t bytes, uint32_t key_version_wanted,
                                       uint64_t max_payload_bytes, const struct kiln_seal *seal,
                                       struct kiln_entry_view *out_view, const char **out_why)
{
	struct kiln_reader reader;
	struct header header = {0};
	const char *why;

	*out_why = NULL;
	if (bytes < KILN_ENTRY_BYTES_MIN)
		return damaged("it is shorter than any entry", out_why);
	if (memcmp(data, magic, sizeof magic) != 0)
		return damaged("it does not start as an entry does", out_why);
	kiln_reader_init(&reader, data + sizeof magic, KILN_ENTRY_HEADER_BYTES - sizeof magic);
	read_header(&reader, &header);
	*out_why = foreign_version(&header, key_version_wanted);
	if (*out_why == NULL)
		*out_why = foreign_seal(&header, seal, data + KILN_ENTRY_HEADER_BYTES);
	if (*out_why != NULL)
		return KILN_VERDICT_OTHER_VERSION;
	why = wrong_lengths(&header, bytes);
	if (why != NULL)
		return damaged(why, out_why);
	if (header.stored_bytes > max_payload_bytes) {
		*out_why = "its payload is over the size limit";
		return KILN_VERDICT_TOO_LARGE;
	}
	if (!seal_holds(seal, data, bytes))
		return damaged("its digest does not match its content", out_why);
	if (!is_padded_text(header.kiln_version, 16))
		return damaged("its version text is malformed", out_why);
	fill_view(data, &header, out_view);
	return KILN_VERDICT_GOOD;
}

enum kiln_verdict kiln_entry_decode(const uint8_t *data, size_t bytes, uint32_t key_version_wanted,
                                    uint64_t max_payload_bytes, struct kiln_entry_view *out_view,
                                    const char **out_why)
{
	return kiln_entry_decode_as(data, bytes, key_version_wanted, max_payload_bytes, &plain, out_view,
	                            out_why);
}

bool kiln_entry_head(const uint8_t data[KILN_ENTRY_HEADER_BYTES], struct kiln_entry_head *out_head)
{
	struct kiln_reader reader;
	struct header header = {0};

	if (memcmp(data, magic, sizeof magic) != 0)
		return false;
	kiln_reader_init(&reader, data + sizeof magic, KILN_ENTRY_HEADER_BYTES - sizeof magic);
	read_header(&reader, &header);
	*out_head = (struct kiln_entry_head){.known_version = foreign_version(&header, 0) == NULL,
	                                     .outdated = header.format < KILN_ENTRY_FORMAT,
	                                     .flags = header.flags,
	                                     .compile_ns = header.compile_ns};
	return true;
}

struct kiln_cache_entry kiln_entry_of_view(const struct kiln_entry_view *view)
{
	struct kiln_cache_entry entry = {
		.payload_bytes = view->payload_bytes,
		.flags = view->flags,
		.compile_ns = view->compile_ns,
		.created_s = view->created_s,
	};

	memcpy(entry.kiln_version, view->kiln_version, sizeof entry.kiln_version);
	return entry;
}
