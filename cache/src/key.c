/* The pipeline key: canonical form, encoding, decoding. */
#include <cache/key.h>

#include <stdlib.h>
#include <string.h>

#include <base/alloc.h>
#include <base/error.h>

static bool is_spec_size(uint32_t size)
{
	return size == 1 || size == 2 || size == 4 || size == 8;
}

static uint64_t low_bytes(uint64_t value, uint32_t size)
{
	return size >= 8 ? value : value & ((UINT64_C(1) << (8 * size)) - 1);
}

static enum kiln_status check_text(const char *what, const char *text, size_t max)
{
	size_t length = strnlen(text, max + 1);

	if (length <= max)
		return KILN_OK;
	return kiln_error(KILN_ERR_INVALID_ARGUMENT,
	                  "the %s of a pipeline key is too long: expected at most %zu bytes, got more. "
	                  "Fix: use a shorter name",
	                  what, max);
}

static enum kiln_status check_spec(const struct kiln_pipeline_key *key)
{
	if (key->spec_count > KILN_SPEC_VALUES_MAX)
		return kiln_error(KILN_ERR_INVALID_ARGUMENT,
		                  "too many specialisation constants: expected at most %d, got %zu. "
		                  "Fix: set only those that differ from their default",
		                  KILN_SPEC_VALUES_MAX, key->spec_count);
	for (size_t i = 0; i < key->spec_count; i++) {
		if (!is_spec_size(key->spec[i].size))
			return kiln_error(
				KILN_ERR_INVALID_ARGUMENT,
				"specialisation constant %u has a size of %u bytes; expected 1, 2, 4 or 8. "
				"Fix: pass the size of its type (a boolean has 4)",
				key->spec[i].id, key->spec[i].size);
	}
	return KILN_OK;
}

static bool is_canonical(const struct kiln_spec_value *spec, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (i > 0 && spec[i - 1].id >= spec[i].id)
			return false;
		if (low_bytes(spec[i].value, spec[i].size) != spec[i].value)
			return false;
	}
	return true;
}

static int compare_ids(const void *a, const void *b)
{
	uint32_t x = ((const struct kiln_spec_value *)a)->id, y = ((const struct kiln_spec_value *)b)->id;

	return (x > y) - (x < y);
}

static enum kiln_status canon_spec(struct kiln_canon_key *canon)
{
	size_t count = canon->key.spec_count;

	if (is_canonical(canon->key.spec, count))
		return KILN_OK;
	memcpy(canon->spec, canon->key.spec, count * sizeof *canon->spec);
	qsort(canon->spec, count, sizeof *canon->spec, compare_ids);
	for (size_t i = 0; i < count; i++) {
		canon->spec[i].value = low_bytes(canon->spec[i].value, canon->spec[i].size);
		if (i > 0 && canon->spec[i - 1].id == canon->spec[i].id)
			return kiln_error(KILN_ERR_INVALID_ARGUMENT,
			                  "specialisation constant %u is given twice; expected each id once. "
			                  "Fix: remove one of the two",
			                  canon->spec[i].id);
	}
	canon->key.spec = canon->spec;
	return KILN_OK;
}

enum kiln_status kiln_key_canon(const struct kiln_pipeline_key *key, struct kiln_canon_key *out_canon)
{
	KILN_CHECK(key != NULL && (key->spec != NULL || key->spec_count == 0),
	           "a pipeline key or its constants are NULL; expected both. Fix: pass them");
	out_canon->key = *key;
	if (key->key_version == 0)
		out_canon->key.key_version = KILN_PIPELINE_KEY_VERSION;
	if (key->backend == NULL)
		out_canon->key.backend = "vulkan";
	if (key->entry == NULL)
		out_canon->key.entry = "main";
	KILN_TRY(check_text("backend id", out_canon->key.backend, KILN_BACKEND_MAX));
	KILN_TRY(check_text("entry point", out_canon->key.entry, KILN_ENTRY_POINT_MAX));
	KILN_TRY(check_spec(key));
	return canon_spec(out_canon);
}

void kiln_policy_walk(const struct kiln_pipeline_key *canon, const struct kiln_sink *sink)
{
	kiln_put_u32(sink, canon->key_version);
	kiln_put_string(sink, canon->backend);
	kiln_put_string(sink, canon->entry);
	kiln_put_digest(sink, &canon->layout);
	kiln_put_u32(sink, canon->push_bytes);
	for (unsigned i = 0; i < 3; i++)
		kiln_put_u32(sink, canon->workgroup[i]);
	kiln_put_u32(sink, (uint32_t)canon->spec_count);
	for (size_t i = 0; i < canon->spec_count; i++) {
		kiln_put_u32(sink, canon->spec[i].id);
		kiln_put_u32(sink, canon->spec[i].size);
		kiln_put_u64(sink, canon->spec[i].value);
	}
	kiln_put_u32(sink, canon->subgroup_size);
	kiln_put_u32(sink, canon->robustness);
	kiln_put_u32(sink, canon->create_flags);
	kiln_put_u32(sink, canon->features.bits);
}

void kiln_key_walk(const struct kiln_pipeline_key *canon, const struct kiln_sink *sink)
{
	kiln_put_digest(sink, &canon->program);
	kiln_policy_walk(canon, sink);
}

/* Variable parts of an encoded key, still in the buffer. */
struct parts {
	const uint8_t *backend, *entry, *spec;
	size_t backend_bytes, entry_bytes, spec_count;
};

static const uint8_t *read_text(struct kiln_reader *reader, size_t max, size_t *out_bytes)
{
	const uint8_t *text = kiln_read_blob(reader, out_bytes);

	if (reader->bad || *out_bytes > max || (*out_bytes > 0 && memchr(text, '\0', *out_bytes) != NULL))
		reader->bad = true;
	return text;
}

/* The mirror image of kiln_key_walk(). */
static void read_fields(struct kiln_reader *reader, struct kiln_pipeline_key *key, struct parts *parts)
{
	key->program = kiln_read_digest(reader);
	key->key_version = kiln_read_u32(reader);
	parts->backend = read_text(reader, KILN_BACKEND_MAX, &parts->backend_bytes);
	parts->entry = read_text(reader, KILN_ENTRY_POINT_MAX, &parts->entry_bytes);
	key->layout = kiln_read_digest(reader);
	key->push_bytes = kiln_read_u32(reader);
	for (unsigned i = 0; i < 3; i++)
		key->workgroup[i] = kiln_read_u32(reader);
	parts->spec_count = kiln_read_u32(reader);
	if (parts->spec_count > KILN_SPEC_VALUES_MAX)
		reader->bad = true;
	else
		parts->spec = kiln_read_bytes(reader, parts->spec_count * 16);
	key->subgroup_size = kiln_read_u32(reader);
	key->robustness = kiln_read_u32(reader);
	key->create_flags = kiln_read_u32(reader);
	key->features.bits = kiln_read_u32(reader);
}

static bool read_spec(const struct parts *parts, struct kiln_spec_value *out_spec)
{
	struct kiln_reader reader;

	kiln_reader_init(&reader, parts->spec, parts->spec_count * 16);
	for (size_t i = 0; i < parts->spec_count; i++) {
		out_spec[i].id = kiln_read_u32(&reader);
		out_spec[i].size = kiln_read_u32(&reader);
		out_spec[i].value = kiln_read_u64(&reader);
		if (!is_spec_size(out_spec[i].size))
			return false;
	}
	return is_canonical(out_spec, parts->spec_count);
}

static char *place_text(char *at, const uint8_t *text, size_t bytes)
{
	if (bytes > 0)
		memcpy(at, text, bytes);
	at[bytes] = '\0';
	return at;
}

enum kiln_status kiln_key_decode(struct kiln_reader *reader, struct kiln_key_copy *out_copy)
{
	struct kiln_key_copy copy = {0};
	struct parts parts = {0};
	size_t spec_bytes;
	char *text;

	read_fields(reader, &copy.key, &parts);
	if (reader->bad)
		return KILN_ERR_DAMAGED;
	spec_bytes = parts.spec_count * sizeof(struct kiln_spec_value);
	copy.memory = kiln_alloc(spec_bytes + parts.backend_bytes + parts.entry_bytes + 2);
	if (copy.memory == NULL)
		return kiln_error(KILN_ERR_OUT_OF_MEMORY, "no memory for a pipeline key. Fix: free some");
	if (!read_spec(&parts, copy.memory)) {
		kiln_free(copy.memory);
		return KILN_ERR_DAMAGED;
	}
	text = (char *)copy.memory + spec_bytes;
	copy.key.spec = copy.memory;
	copy.key.spec_count = parts.spec_count;
	copy.key.backend = place_text(text, parts.backend, parts.backend_bytes);
	copy.key.entry = place_text(text + parts.backend_bytes + 1, parts.entry, parts.entry_bytes);
	*out_copy = copy;
	return KILN_OK;
}

void kiln_key_copy_finish(struct kiln_key_copy *copy)
{
	kiln_free(copy->memory);
	*copy = (struct kiln_key_copy){0};
}
