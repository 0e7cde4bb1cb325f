/* Writing an entry: encoded in memory, installed by rename. */
#include <cache/store.h>

#include <errno.h>
#include <stdio.h>

#include <base/error.h>
#include <cache/gc.h>

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

int kiln_shard_open(const struct kiln_cache *cache, const struct kiln_place *place)
{
	int dir = kiln_fs_open_dir(cache->fs, cache->root_fd, place->dir, true);

	if (dir >= 0 || errno != ENOENT)
		return dir;
	if (make_shard(cache, place) != 0)
		return -1;
	return kiln_fs_open_dir(cache->fs, cache->root_fd, place->dir, true);
}

static enum kiln_status install_once(struct kiln_cache *cache, const struct kiln_place *place,
                                     const void *data, size_t bytes)
{
	int dir = kiln_shard_open(cache, place);
	enum kiln_status status;

	if (dir < 0)
		return kiln_error_errno(errno, "cannot open the cache folder '%s/%s'", cache->root,
		                        place->dir);
	status = kiln_fs_install(cache->fs, dir, place->name, data, bytes, false);
	cache->fs->close(cache->fs->user, dir);
	return status;
}

enum kiln_status kiln_entry_install(struct kiln_cache *cache, const struct kiln_place *place,
                                    const void *data, size_t bytes)
{
	enum kiln_status status = install_once(cache, place, data, bytes);

	/* Not found: a collection elsewhere, behind another wall of process numbers, took our temp file for
	 * litter, or somebody removes the whole cache. */
	if (status == KILN_ERR_NOT_FOUND ||
	    (status == KILN_ERR_NO_SPACE && kiln_gc_make_room(cache, place, bytes)))
		status = install_once(cache, place, data, bytes);
	if (status == KILN_ERR_NO_SPACE)
		kiln_count(&cache->counts.no_space);
	if (status != KILN_OK)
		return kiln_error_context(status, "cannot store an entry in '%s'", cache->root);
	atomic_fetch_add_explicit(&cache->uncollected_bytes, bytes, memory_order_relaxed);
	kiln_pending_add(cache, place);
	if (place->kind == KILN_KIND_PIPELINE)
		kiln_quarantine_clear(cache, place->name);
	return KILN_OK;
}

static enum kiln_status encode(const struct kiln_cache *cache, const struct kiln_subject *subject,
                               const struct kiln_cache_entry *entry, struct kiln_writer *out_bytes)
{
	struct kiln_cache_entry stamped = *entry;

	snprintf(stamped.kiln_version, sizeof stamped.kiln_version, "%s", KILN_VERSION);
	if (stamped.created_s == 0)
		stamped.created_s = cache->clock->wall_s(cache->clock->user);
	kiln_entry_encode_as(subject, &stamped, &cache->seal, out_bytes);
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

enum kiln_status kiln_subject_write(struct kiln_cache *cache, const struct kiln_subject *subject,
                                    const struct kiln_place *place, const struct kiln_cache_entry *entry)
{
	struct kiln_writer bytes = {0};
	enum kiln_status status = check_size(cache, entry);

	if (status == KILN_OK)
		status = encode(cache, subject, entry, &bytes);
	if (status == KILN_OK)
		status = kiln_entry_install(cache, place, bytes.data, bytes.bytes);
	kiln_writer_finish(&bytes);
	kiln_count(status == KILN_OK ? &cache->counts.writes : &cache->counts.write_errors);
	return status;
}

static bool is_skipped(struct kiln_cache *cache)
{
	if (cache->read_only)
		kiln_count(&cache->counts.write_skips);
	return cache->read_only;
}

static enum kiln_status write_now(struct kiln_cache *cache, const struct kiln_subject *subject,
                                  const struct kiln_place *place, const struct kiln_cache_entry *entry)
{
	struct kiln_cache_lease lease;
	enum kiln_status status;

	if (is_skipped(cache))
		return KILN_OK;
	kiln_later_drop(cache, place, &lease);
	status = kiln_subject_write(cache, subject, place, entry);
	kiln_cache_lease_end(&lease);
	return status;
}

static enum kiln_status write_later(struct kiln_cache *cache, const struct kiln_subject *subject,
                                    const struct kiln_place *place, const struct kiln_cache_entry *entry,
                                    struct kiln_cache_lease *lease)
{
	enum kiln_status status;
	bool dropped;

	if (is_skipped(cache))
		return KILN_OK;
	status = check_size(cache, entry);
	if (status != KILN_OK) {
		kiln_count(&cache->counts.write_errors);
		return status;
	}
	if (kiln_later_add(cache, subject, place, entry, lease, &dropped)) {
		kiln_count(&cache->counts.writes_later);
		return KILN_OK;
	}
	if (dropped) {
		kiln_count(&cache->counts.later_drops);
		return KILN_OK;
	}
	return write_now(cache, subject, place, entry);
}

static bool is_writable_entry(const struct kiln_cache_entry *entry)
{
	return entry != NULL && (entry->payload != NULL || entry->payload_bytes == 0);
}

/* Of a pipeline. Points into itself: not to be copied. */
struct target {
	struct kiln_subject subject;
	struct kiln_canon_key canon;
	struct kiln_place place;
	bool suspended;
};

static enum kiln_status aim(struct kiln_cache *cache, const struct kiln_pipeline_key *key,
                            const struct kiln_fingerprint *fingerprint, const struct kiln_cache_entry *entry,
                            struct target *out_target)
{
	struct kiln_pipeline_identity identity;

	KILN_CHECK(fingerprint != NULL && is_writable_entry(entry),
	           "kiln_cache_write was given NULL; expected a fingerprint and an entry with its payload. "
	           "Fix: pass both");
	KILN_TRY(kiln_key_canon(key, &out_target->canon));
	if (cache == NULL)
		return KILN_OK;
	out_target->subject = (struct kiln_subject){.kind = KILN_KIND_PIPELINE,
	                                            .key = &out_target->canon.key,
	                                            .fingerprint = fingerprint};
	identity = kiln_pipeline_identity_canon(&out_target->canon.key, fingerprint);
	kiln_place_pipeline(&identity, &out_target->place);
	out_target->suspended = kiln_strikes_suspended(cache, &identity.device);
	if (out_target->suspended)
		kiln_count(&cache->counts.write_skips);
	return KILN_OK;
}

enum kiln_status kiln_cache_write(struct kiln_cache *cache, const struct kiln_pipeline_key *key,
                                  const struct kiln_fingerprint *fingerprint,
                                  const struct kiln_cache_entry *entry)
{
	struct target target;

	KILN_TRY(aim(cache, key, fingerprint, entry, &target));
	if (cache == NULL || target.suspended)
		return KILN_OK;
	return write_now(cache, &target.subject, &target.place, entry);
}

enum kiln_status kiln_cache_write_later(struct kiln_cache *cache, const struct kiln_pipeline_key *key,
                                        const struct kiln_fingerprint *fingerprint,
                                        const struct kiln_cache_entry *entry, struct kiln_cache_lease *lease)
{
	struct target target;
	enum kiln_status status = aim(cache, key, fingerprint, entry, &target);

	if (status == KILN_OK && cache != NULL && !target.suspended)
		status = write_later(cache, &target.subject, &target.place, entry, lease);
	kiln_cache_lease_end(lease); /* unless it went along */
	return status;
}

static enum kiln_status aim_content(const struct kiln_digest *content_key,
                                    const struct kiln_cache_entry *entry, struct kiln_subject *out_subject,
                                    struct kiln_place *out_place)
{
	KILN_CHECK(content_key != NULL && is_writable_entry(entry),
	           "kiln_cache_content_write was given NULL; expected a key and an entry with its payload. "
	           "Fix: pass both");
	*out_subject = (struct kiln_subject){.kind = KILN_KIND_CONTENT, .content = content_key};
	kiln_place_content(content_key, out_place);
	return KILN_OK;
}

enum kiln_status kiln_cache_content_write(struct kiln_cache *cache, const struct kiln_digest *content_key,
                                          const struct kiln_cache_entry *entry)
{
	struct kiln_subject subject;
	struct kiln_place place;

	KILN_TRY(aim_content(content_key, entry, &subject, &place));
	return cache != NULL ? write_now(cache, &subject, &place, entry) : KILN_OK;
}

enum kiln_status kiln_cache_content_write_later(struct kiln_cache *cache,
                                                const struct kiln_digest *content_key,
                                                const struct kiln_cache_entry *entry,
                                                struct kiln_cache_lease *lease)
{
	struct kiln_subject subject;
	struct kiln_place place;
	enum kiln_status status = aim_content(content_key, entry, &subject, &place);

	if (status == KILN_OK && cache != NULL)
		status = write_later(cache, &subject, &place, entry, lease);
	kiln_cache_lease_end(lease);
	return status;
}
