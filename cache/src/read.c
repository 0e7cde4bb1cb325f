/* Reading an entry. No lock; the order of checks is SPEC'd: size, magic, version, lengths, digest, full
 * key. */
#include <cache/store.h>

#include <assert.h>
#include <fcntl.h>

#include <base/alloc.h>
#include <base/error.h>
#include <base/log.h>

#define TOUCH_INTERVAL_S 3600

void kiln_cache_entry_finish(struct kiln_cache_entry *entry)
{
	if (entry == NULL)
		return;
	kiln_free(entry->memory);
	*entry = (struct kiln_cache_entry){0};
}

/* A read and how it went. Every one ends in one counter and one status. */
struct reading {
	struct kiln_cache *cache;
	const struct kiln_subject *subject;
	const struct kiln_place *place;
	_Atomic uint64_t *counter;
};

static enum kiln_status note(struct reading *reading, _Atomic uint64_t *counter, enum kiln_status status)
{
	reading->counter = counter;
	return status;
}

static enum kiln_status drop_damaged(struct reading *reading, const struct kiln_file *file, const char *why)
{
	struct kiln_cache *cache = reading->cache;
	const struct kiln_place *place = reading->place;
	const char *fate = "stays, as this cache is read-only";

	if (!cache->read_only) {
		bool removed = kiln_file_remove(cache, place->dir, place->path, file);

		if (removed)
			kiln_pending_touch(cache, place->kind, place->shard);
		fate = removed ? "was removed" : "cannot be removed";
	}
	if (!atomic_exchange(&cache->damage_logged, true))
		kiln_log(KILN_LOG_WARN,
		         "cache entry '%s/%s' is damaged: %s. It %s and counts as a miss; "
		         "further ones are not logged",
		         cache->root, place->path, why, fate);
	return note(
		reading, &cache->counts.damaged,
		kiln_error(KILN_ERR_DAMAGED,
	                   "cache entry '%s/%s' is damaged: %s. It %s. Fix: build it again; if it happens "
	                   "often, check the disk",
	                   cache->root, place->path, why, fate));
}

/* The last use is the file's mtime, for gc; once an hour is enough to order by. Failing to note it harms
 * nobody. */
static void note_use(const struct kiln_cache *cache, const struct kiln_file *file)
{
	static const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_nsec = UTIME_NOW}};
	int64_t age_s = cache->clock->wall_s(cache->clock->user) - (int64_t)file->facts.st_mtime;

	if (cache->read_only || (age_s <= TOUCH_INTERVAL_S && age_s >= -TOUCH_INTERVAL_S))
		return;
	cache->fs->futimens(cache->fs->user, file->fd, times);
}

/* Hands the file's memory over to the entry. */
static void give_entry(struct kiln_file *file, const struct kiln_entry_view *view,
                       struct kiln_cache_entry *out_entry)
{
	*out_entry = kiln_entry_of_view(view);
	out_entry->payload = view->payload;
	out_entry->memory = file->data;
	file->data = NULL;
}

static enum kiln_status judge(struct reading *reading, struct kiln_file *file,
                              struct kiln_cache_entry *out_entry)
{
	struct kiln_cache *cache = reading->cache;
	const struct kiln_subject *subject = reading->subject;
	const struct kiln_place *place = reading->place;
	struct kiln_entry_view view;
	const char *why;

	switch (kiln_entry_decode_as(file->data, file->bytes, kiln_subject_key_version(subject),
	                             cache->max_entry_bytes, &cache->seal, &view, &why)) {
	case KILN_VERDICT_GOOD:
		break;
	case KILN_VERDICT_OTHER_VERSION:
		return note(reading, &cache->counts.other_version,
		            kiln_error(KILN_ERR_NOT_FOUND, "cache entry '%s' has %s; it stays", place->path,
		                       why));
	case KILN_VERDICT_TOO_LARGE:
		return note(reading, &cache->counts.too_large,
		            kiln_error(KILN_ERR_NOT_FOUND, "cache entry '%s': %s; it stays", place->path,
		                       why));
	default:
		return drop_damaged(reading, file, why);
	}
	if (view.kind != subject->kind || !kiln_subject_is(subject, view.subject, view.subject_bytes))
		return drop_damaged(reading, file, "it holds another key than its name says");
	note_use(cache, file);
	give_entry(file, &view, out_entry);
	return note(reading, &cache->counts.found, KILN_OK);
}

static enum kiln_status read_root(struct reading *reading, struct kiln_cache_entry *out_entry)
{
	struct kiln_cache *cache = reading->cache;
	struct kiln_file file;
	enum kiln_status status = kiln_file_load(cache, reading->place->path, &file);

	switch (status) {
	case KILN_OK:
		status = judge(reading, &file, out_entry);
		break;
	case KILN_ERR_DAMAGED:
		status = drop_damaged(reading, &file, "it ended while it was read");
		break;
	case KILN_ERR_NOT_FOUND:
		status = note(reading, &cache->counts.not_found, status);
		break;
	case KILN_ERR_TOO_LARGE:
		status = note(reading, &cache->counts.too_large, KILN_ERR_NOT_FOUND);
		break;
	default:
		status = note(reading, &cache->counts.read_errors, status);
		break;
	}
	kiln_file_finish(cache, &file);
	return status;
}

enum kiln_status kiln_subject_read(struct kiln_cache *cache, const struct kiln_subject *subject,
                                   const struct kiln_place *place, struct kiln_cache_entry *out_entry,
                                   _Atomic uint64_t **out_counter)
{
	struct reading reading = {.cache = cache, .subject = subject, .place = place};
	enum kiln_status status = read_root(&reading, out_entry);

	*out_counter = reading.counter;
	return status;
}

/* What the root does not have may lie below it. A layer's trouble is only of interest where the root has
 * nothing to say. */
static enum kiln_status read_layers(struct reading *reading, enum kiln_status status,
                                    struct kiln_cache_entry *out_entry)
{
	struct kiln_cache *cache = reading->cache;

	switch (kiln_layers_read(cache, reading->subject, reading->place, out_entry)) {
	case KILN_OK:
		kiln_count(&cache->counts.layer_found);
		return note(reading, &cache->counts.found, KILN_OK);
	case KILN_ERR_DAMAGED:
		return status == KILN_ERR_NOT_FOUND ? note(reading, &cache->counts.damaged, KILN_ERR_DAMAGED)
		                                    : status;
	default:
		return status;
	}
}

static enum kiln_status read_subject(struct kiln_cache *cache, const struct kiln_subject *subject,
                                     const struct kiln_place *place, struct kiln_cache_entry *out_entry)
{
	struct reading reading = {.cache = cache,
	                          .subject = subject,
	                          .place = place,
	                          .counter = &cache->counts.found};
	enum kiln_status status = kiln_later_read(cache, subject, place, out_entry);

	if (status != KILN_OK && status != KILN_ERR_NOT_FOUND) {
		note(&reading, &cache->counts.read_errors, status);
	} else if (status == KILN_ERR_NOT_FOUND) {
		status = read_root(&reading, out_entry);
		if (status != KILN_OK && cache->layers.list != NULL && !kiln_place_quarantined(cache, place))
			status = read_layers(&reading, status, out_entry);
	}
	kiln_count(&cache->counts.reads);
	kiln_count(reading.counter);
	return status;
}

static enum kiln_status read_pipeline(struct kiln_cache *cache, const struct kiln_pipeline_key *canon,
                                      const struct kiln_fingerprint *fingerprint,
                                      const struct kiln_pipeline_identity *identity,
                                      struct kiln_cache_entry *out_entry)
{
	const struct kiln_subject subject = {.kind = KILN_KIND_PIPELINE,
	                                     .key = canon,
	                                     .fingerprint = fingerprint};
	struct kiln_place place;

	if (kiln_strikes_suspended(cache, &identity->device)) {
		kiln_count(&cache->counts.reads);
		kiln_count(&cache->counts.not_found);
		return kiln_error(
			KILN_ERR_NOT_FOUND,
			"the cache '%s' rests for this device, as its driver died with %d different "
			"entries",
			cache->root, KILN_STRIKES);
	}
	kiln_place_pipeline(identity, &place);
	return read_subject(cache, &subject, &place, out_entry);
}

enum kiln_status kiln_cache_read(struct kiln_cache *cache, const struct kiln_pipeline_key *key,
                                 const struct kiln_fingerprint *fingerprint,
                                 struct kiln_cache_entry *out_entry)
{
	struct kiln_pipeline_identity identity;
	struct kiln_canon_key canon;

	KILN_CHECK(fingerprint != NULL && out_entry != NULL,
	           "kiln_cache_read was given NULL; expected a fingerprint and a place for the entry. "
	           "Fix: pass both");
	KILN_TRY(kiln_key_canon(key, &canon));
	if (cache == NULL)
		return kiln_error(KILN_ERR_NOT_FOUND, "there is no cache");
	identity = kiln_pipeline_identity_canon(&canon.key, fingerprint);
	return read_pipeline(cache, &canon.key, fingerprint, &identity, out_entry);
}

enum kiln_status kiln_cache_read_known(struct kiln_cache *cache, const struct kiln_pipeline_key *key,
                                       const struct kiln_fingerprint *fingerprint,
                                       const struct kiln_pipeline_identity *identity,
                                       struct kiln_cache_entry *out_entry)
{
	struct kiln_canon_key canon;

	KILN_CHECK(
		fingerprint != NULL && identity != NULL && out_entry != NULL,
		"kiln_cache_read_known was given NULL; expected a fingerprint, an identity and a place for the "
		"entry. Fix: pass all three");
	KILN_TRY(kiln_key_canon(key, &canon));
	if (cache == NULL)
		return kiln_error(KILN_ERR_NOT_FOUND, "there is no cache");
#ifndef NDEBUG
	struct kiln_pipeline_identity right = kiln_pipeline_identity_canon(&canon.key, fingerprint);

	assert(kiln_digest_equal(&right.digest, &identity->digest));
#endif
	return read_pipeline(cache, &canon.key, fingerprint, identity, out_entry);
}

enum kiln_status kiln_cache_content_read(struct kiln_cache *cache, const struct kiln_digest *content_key,
                                         struct kiln_cache_entry *out_entry)
{
	struct kiln_subject subject = {.kind = KILN_KIND_CONTENT, .content = content_key};
	struct kiln_place place;

	KILN_CHECK(content_key != NULL && out_entry != NULL,
	           "kiln_cache_content_read was given NULL; expected a key and a place for the entry. "
	           "Fix: pass both");
	if (cache == NULL)
		return kiln_error(KILN_ERR_NOT_FOUND, "there is no cache");
	kiln_place_content(content_key, &place);
	return read_subject(cache, &subject, &place, out_entry);
}
