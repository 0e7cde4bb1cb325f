/* Removing entries by what their names say. */
#include <cache/store.h>

#include <errno.h>
#include <stdio.h>

#include <base/error.h>
#include <cache/gone.h>
#include <cache/sidecar.h>

/* Which names go: NULL parts match everything. */
struct pattern {
	const struct kiln_digest *program;
	const struct kiln_digest *device;
};

/* One invalidation on its way. */
struct removal {
	struct kiln_cache *cache;
	struct pattern pattern;
	enum kiln_status status; /* the first failure */
	size_t removed;
	struct kiln_gone gone;
};

static void note(struct removal *removal, enum kiln_status status)
{
	if (removal->status == KILN_OK)
		removal->status = status;
}

static void remove_path(struct removal *removal, enum kiln_kind kind, uint8_t shard, const char *path,
                        const char *name)
{
	const struct kiln_cache *cache = removal->cache;

	if (cache->fs->unlinkat(cache->fs->user, cache->root_fd, path, 0) == 0) {
		removal->removed++;
		kiln_sidecar_remove(cache, cache->root_fd, path);
		kiln_gone_add(&removal->gone, name, KILN_CACHE_INVALIDATED);
		kiln_pending_touch(removal->cache, kind, shard);
		return;
	}
	/* Only the first failure keeps its sentence. */
	if (errno != ENOENT && removal->status == KILN_OK)
		note(removal, kiln_error_errno(errno, "cannot remove '%s/%s'", cache->root, path));
}

static bool matches(const void *user, const char *name)
{
	const struct pattern *pattern = user;

	if (!kiln_name_is_entry(KILN_KIND_PIPELINE, name))
		return false;
	return (pattern->program == NULL || kiln_name_part_is(name, KILN_NAME_PROGRAM, pattern->program)) &&
	       (pattern->device == NULL || kiln_name_part_is(name, KILN_NAME_DEVICE, pattern->device));
}

static bool remove_in_shard(void *user, const struct kiln_shard *shard)
{
	struct removal *removal = user;
	struct kiln_names names;
	enum kiln_status status;

	if (shard->kind != KILN_KIND_PIPELINE)
		return true;
	status = kiln_dir_names(removal->cache, shard->dir, matches, &removal->pattern, &names);
	if (status != KILN_OK) {
		note(removal, status);
		return true;
	}
	for (size_t i = 0; i < names.count; i++) {
		char path[KILN_PLACE_MAX];

		snprintf(path, sizeof path, "%s/%s", shard->dir, names.sorted[i]);
		remove_path(removal, shard->kind, shard->number, path, names.sorted[i]);
	}
	kiln_names_finish(&names);
	return true;
}

static void remove_program(struct removal *removal, const struct kiln_digest *program)
{
	struct kiln_shard shard = {.kind = KILN_KIND_PIPELINE, .number = program->bytes[0]};

	kiln_shard_dir(shard.kind, shard.number, shard.dir);
	removal->pattern.program = program;
	remove_in_shard(removal, &shard);
}

/* *out_idle: there is nothing to do, successfully or not. */
static enum kiln_status start(struct kiln_cache *cache, struct removal *out_removal, size_t *out_removed,
                              bool *out_idle)
{
	*out_removal = (struct removal){.cache = cache, .gone = kiln_gone_begin(cache)};
	*out_idle = true;
	if (out_removed != NULL)
		*out_removed = 0;
	if (cache == NULL)
		return KILN_OK;
	if (cache->read_only)
		return kiln_error(
			KILN_ERR_READ_ONLY,
			"the cache '%s' is open read-only; nothing was removed. Fix: open it read-write",
			cache->root);
	kiln_later_drain(cache); /* or it would come back */
	*out_idle = false;
	return KILN_OK;
}

static enum kiln_status finish(struct removal *removal, size_t *out_removed)
{
	kiln_gone_end(&removal->gone);
	if (out_removed != NULL)
		*out_removed = removal->removed;
	return removal->status;
}

enum kiln_status kiln_cache_invalidate(struct kiln_cache *cache,
                                       const struct kiln_pipeline_identity *identity, size_t *out_removed)
{
	struct kiln_place place;
	struct removal removal;
	enum kiln_status status;
	bool idle;

	KILN_CHECK(identity != NULL, "kiln_cache_invalidate was given no identity. Fix: pass one");
	status = start(cache, &removal, out_removed, &idle);
	if (idle)
		return status;
	kiln_place_pipeline(identity, &place);
	remove_path(&removal, place.kind, place.shard, place.path, place.name);
	return finish(&removal, out_removed);
}

enum kiln_status kiln_cache_invalidate_program(struct kiln_cache *cache, const struct kiln_digest *program,
                                               size_t *out_removed)
{
	struct removal removal;
	enum kiln_status status;
	bool idle;

	KILN_CHECK(program != NULL,
	           "kiln_cache_invalidate_program was given no program. Fix: pass its digest");
	status = start(cache, &removal, out_removed, &idle);
	if (idle)
		return status;
	remove_program(&removal, program);
	return finish(&removal, out_removed);
}

enum kiln_status kiln_cache_invalidate_device(struct kiln_cache *cache, const struct kiln_digest *device,
                                              size_t *out_removed)
{
	struct removal removal;
	enum kiln_status status;
	bool idle;

	KILN_CHECK(device != NULL, "kiln_cache_invalidate_device was given no device. Fix: pass its digest");
	status = start(cache, &removal, out_removed, &idle);
	if (idle)
		return status;
	removal.pattern.device = device;
	note(&removal, kiln_shards_visit(cache, remove_in_shard, &removal));
	return finish(&removal, out_removed);
}

enum kiln_status kiln_cache_invalidate_mask(struct kiln_cache *cache, const struct kiln_digest *device,
                                            const struct kiln_digest *programs, size_t program_count,
                                            const uint8_t *mask, size_t mask_count, size_t *out_removed)
{
	struct removal removal;
	enum kiln_status status;
	bool idle;

	KILN_CHECK(device != NULL && (programs != NULL || program_count == 0) &&
	                   (mask != NULL || mask_count == 0),
	           "kiln_cache_invalidate_mask was given NULL; expected a device, programs and a mask. "
	           "Fix: pass all");
	status = start(cache, &removal, out_removed, &idle);
	if (idle)
		return status;
	removal.pattern.device = device;
	for (size_t i = 0; i < program_count && i < mask_count; i++) {
		if (mask[i] != 0)
			remove_program(&removal, &programs[i]);
	}
	return finish(&removal, out_removed);
}
