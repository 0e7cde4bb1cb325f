#include "glsl_cache.h"

#include <string.h>

#include <base/alloc.h>

#define RECORD_VERSION 1u
#define TEXT_BYTES_MAX (1u << 20) /* of a name, and of the front end's message */
#define SPIRV_MAGIC 0x07230203u
#define SPIRV_HEADER_BYTES 20u

void kiln_glsl_asked(struct kiln_glsl_questions *questions, const char *name, const char *includer, size_t depth,
                     bool local, const struct kiln_glsl_include *found)
{
	struct kiln_digest digest = {0};

	if (found)
		digest = kiln_digest_of(found->text, found->bytes);
	questions->count++;
	kiln_write_string(&questions->encoded, name);
	kiln_write_string(&questions->encoded, includer);
	kiln_write_u64(&questions->encoded, depth);
	kiln_write_u8(&questions->encoded, local);
	kiln_write_u8(&questions->encoded, found != NULL);
	kiln_write_string(&questions->encoded, found ? found->name : "");
	kiln_write_digest(&questions->encoded, &digest);
}

bool kiln_glsl_cache_key(const struct kiln_glsl_job *job, const char *const *paths, size_t path_count,
                         struct kiln_digest *out_key)
{
	struct kiln_content content = {.backend = "glsl", .driver_version = KILN_GLSL_FRONT_END};
	struct kiln_writer all = {0};
	bool good;

	kiln_write_u32(&all, RECORD_VERSION);
	kiln_write_string(&all, KILN_VERSION);
	kiln_write_u32(&all, job->spirv_version);
	kiln_write_string(&all, job->file_name);
	kiln_write_string(&all, job->preamble);
	kiln_write_u64(&all, path_count);
	for (size_t i = 0; i < path_count; i++)
		kiln_write_string(&all, paths[i]);
	kiln_write_blob(&all, job->source, job->source_bytes);
	content.payload = all.data;
	content.payload_bytes = all.bytes;
	good = !all.bad;
	if (good)
		*out_key = kiln_content_key(&content);
	kiln_writer_finish(&all);
	return good;
}

/* One question of the record, asked again. */
static bool same_answer(struct kiln_reader *record, struct kiln_glsl_includes *includes)
{
	char *name = kiln_read_string(record, TEXT_BYTES_MAX), *includer = kiln_read_string(record, TEXT_BYTES_MAX);
	uint64_t depth = kiln_read_u64(record);
	bool local = kiln_read_u8(record) != 0, was_found = kiln_read_u8(record) != 0, same = false;
	char *path = kiln_read_string(record, TEXT_BYTES_MAX);
	struct kiln_digest was = kiln_read_digest(record), now;

	if (name && includer && path && !record->bad) {
		const struct kiln_glsl_include *found =
			kiln_glsl_include_find(includes, name, includer, (size_t)depth, local);

		if (found)
			now = kiln_digest_of(found->text, found->bytes);
		same = was_found == (found != NULL) &&
		       (!found || (kiln_digest_equal(&was, &now) && !strcmp(path, found->name)));
	}
	kiln_free(name);
	kiln_free(includer);
	kiln_free(path);
	return same;
}

static bool same_answers(struct kiln_reader *record, const char *const *paths, size_t path_count)
{
	struct kiln_glsl_includes includes = {.paths = paths, .path_count = path_count};
	uint32_t count = kiln_read_u32(record);
	bool same = !record->bad;

	for (uint32_t i = 0; i < count && same; i++)
		same = same_answer(record, &includes);
	same = same && !includes.failure;
	kiln_glsl_includes_finish(&includes);
	return same;
}

static bool take(struct kiln_reader *record, struct kiln_glsl_kept *kept)
{
	const uint8_t *words;
	size_t bytes;
	uint32_t magic = SPIRV_MAGIC;

	kept->message = kiln_read_string(record, TEXT_BYTES_MAX);
	words = kiln_read_blob(record, &bytes);
	if (!kept->message || record->bad || record->left || bytes < SPIRV_HEADER_BYTES || bytes % 4 ||
	    memcmp(words, &magic, sizeof magic) != 0)
		return false;
	kept->words = kiln_memdup(words, bytes);
	kept->bytes = bytes;
	return kept->words != NULL;
}

bool kiln_glsl_cache_find(struct kiln_cache *cache, const struct kiln_digest *key, const char *const *paths,
                          size_t path_count, struct kiln_glsl_kept *out_kept)
{
	struct kiln_glsl_kept kept = {0};
	struct kiln_cache_entry entry = {0};
	struct kiln_reader record;
	bool good;

	if (kiln_cache_content_read(cache, key, &entry) != KILN_OK)
		return false;
	kiln_reader_init(&record, entry.payload, entry.payload_bytes);
	good = kiln_read_u32(&record) == RECORD_VERSION && same_answers(&record, paths, path_count) &&
	       take(&record, &kept);
	if (good)
		*out_kept = kept;
	else
		kiln_free(kept.message);
	kiln_cache_entry_finish(&entry);
	return good;
}

void kiln_glsl_cache_keep(struct kiln_cache *cache, const struct kiln_digest *key,
                          const struct kiln_glsl_questions *questions, const struct kiln_glsl_kept *kept,
                          uint64_t compile_ns, struct kiln_cache_lease *lease)
{
	struct kiln_writer record = {0};
	struct kiln_cache_entry entry = {.compile_ns = compile_ns};

	kiln_write_u32(&record, RECORD_VERSION);
	kiln_write_u32(&record, questions->count);
	kiln_write_bytes(&record, questions->encoded.data, questions->encoded.bytes);
	kiln_write_string(&record, kept->message ? kept->message : "");
	kiln_write_blob(&record, kept->words, kept->bytes);
	entry.payload = record.data;
	entry.payload_bytes = record.bytes;
	if (!record.bad && !questions->encoded.bad)
		(void)kiln_cache_content_write_later(cache, key, &entry, lease);
	kiln_writer_finish(&record);
}
