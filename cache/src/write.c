/* Writing an entry: encoded in memory, installed by rename. */
#include <cache/store.h>

#include <errno.h>
#include <stdio.h>

#include <base/error.h>

/* Makes the folders above and of a shard; others may be doing the same. */
static int make_shard(const struct kiln_cache *cache, const struct kiln_place *place)
{
	const struct kiln_fs *fs = cache->fs;
	const char *const dirs[] = {KILN_LAYOUT_DIR,
	                            place->kind == KILN_KIND_CONTENT ? KILN_LAYOUT_DIR "/c" : NULL,
	                            place->dir};

	for (size_t i = 0; i < sizeof dirs / sizeof dirs[0]; i++) {
		if (dirs[i] != NULL && fs->mkdirat(fs->user, cache->root_fd, dirs[i], 0700) != 0 &&
		    errno != EEXIST)
			return -1;
	}
	return 0;
}

static int open_shard(const struct kiln_cache *cache, const struct kiln_place *place)
{
	int dir = kiln_fs_open_dir(cache->fs, cache->root_fd, place->dir, true);

	if (dir >= 0 || errno != ENOENT)
		return dir;
	if (make_shard(cache, place) != 0)
		return -1;
	return kiln_fs_open_dir(cache->fs, cache->root_fd, place->dir, true);
}

static enum kiln_status install(struct kiln_cache *cache, const struct kiln_place *place,
                                const struct kiln_writer *bytes)
{
	int dir = open_shard(cache, place);
	enum kiln_status status;

	if (dir < 0)
		return kiln_error_errno(errno, "cannot open the cache folder '%s/%s'", cache->root,
		                        place->dir);
	status = kiln_fs_install(cache->fs, dir, place->name, bytes->data, bytes->bytes, false);
	cache->fs->close(cache->fs->user, dir);
	if (status != KILN_OK)
		return kiln_error_context(status, "cannot store an entry in '%s'", cache->root);
	kiln_pending_add(&cache->pending, place);
	return KILN_OK;
}

static enum kiln_status encode(const struct kiln_cache *cache, const struct kiln_subject *subject,
                               const struct kiln_cache_entry *entry, struct kiln_writer *out_bytes)
{
	struct kiln_cache_entry stamped = *entry;

	snprintf(stamped.kiln_version, sizeof stamped.kiln_version, "%s", KILN_VERSION);
	if (stamped.created_s == 0)
		stamped.created_s = cache->clock->wall_s(cache->clock->user);
	kiln_entry_encode(subject, &stamped, out_bytes);
	if (out_bytes->bad)
		return kiln_error(KILN_ERR_OUT_OF_MEMORY,
		                  "no memory to encode an entry of %zu bytes. Fix: free some",
		                  entry->payload_bytes);
	return KILN_OK;
}

static enum kiln_status check_size(const struct kiln_cache *cache, const struct kiln_cache_entry *entry)
{
	if (entry->payload_bytes <= cache->max_entry_bytes)
		return KILN_OK;
	return kiln_error(
		KILN_ERR_TOO_LARGE,
		"an entry's payload has %zu bytes; expected at most %llu. Fix: raise max_entry_bytes, or do "
		"without storing it",
		entry->payload_bytes, (unsigned long long)cache->max_entry_bytes);
}

static enum kiln_status write_subject(struct kiln_cache *cache, const struct kiln_subject *subject,
                                      const struct kiln_place *place, const struct kiln_cache_entry *entry)
{
	struct kiln_writer bytes = {0};
	enum kiln_status status;

	if (cache->read_only) {
		kiln_count(&cache->counts.write_skips);
		return KILN_OK;
	}
	status = check_size(cache, entry);
	if (status == KILN_OK)
		status = encode(cache, subject, entry, &bytes);
	if (status == KILN_OK)
		status = install(cache, place, &bytes);
	kiln_writer_finish(&bytes);
	kiln_count(status == KILN_OK ? &cache->counts.writes : &cache->counts.write_errors);
	return status;
}

static bool is_writable_entry(const struct kiln_cache_entry *entry)
{
	return entry != NULL && (entry->payload != NULL || entry->payload_bytes == 0);
}

enum kiln_status kiln_cache_write(struct kiln_cache *cache, const struct kiln_pipeline_key *key,
                                  const struct kiln_fingerprint *fingerprint,
                                  const struct kiln_cache_entry *entry)
{
	struct kiln_subject subject = {.kind = KILN_KIND_PIPELINE, .fingerprint = fingerprint};
	struct kiln_pipeline_identity identity;
	struct kiln_canon_key canon;
	struct kiln_place place;

	KILN_CHECK(fingerprint != NULL && is_writable_entry(entry),
	           "kiln_cache_write was given NULL; expected a fingerprint and an entry with its payload. "
	           "Fix: pass both");
	KILN_TRY(kiln_key_canon(key, &canon));
	if (cache == NULL)
		return KILN_OK;
	subject.key = &canon.key;
	identity = kiln_pipeline_identity_canon(&canon.key, fingerprint);
	kiln_place_pipeline(&identity, &place);
	return write_subject(cache, &subject, &place, entry);
}

enum kiln_status kiln_cache_content_write(struct kiln_cache *cache, const struct kiln_digest *content_key,
                                          const struct kiln_cache_entry *entry)
{
	struct kiln_subject subject = {.kind = KILN_KIND_CONTENT, .content = content_key};
	struct kiln_place place;

	KILN_CHECK(content_key != NULL && is_writable_entry(entry),
	           "kiln_cache_content_write was given NULL; expected a key and an entry with its payload. "
	           "Fix: pass both");
	if (cache == NULL)
		return KILN_OK;
	kiln_place_content(content_key, &place);
	return write_subject(cache, &subject, &place, entry);
}
