#include <cache/sidecar.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <base/error.h>
#include <cache/care.h>
#include <cache/scan.h>

#define ENTRY_SUFFIX ".bin"
#define SIDECAR_SUFFIX ".json"

void kiln_sidecar_path(const char *entry, char out_path[KILN_SIDECAR_PATH_MAX])
{
	int stem = (int)(strlen(entry) - (sizeof ENTRY_SUFFIX - 1));

	snprintf(out_path, KILN_SIDECAR_PATH_MAX, "%.*s" SIDECAR_SUFFIX, stem, entry);
}

bool kiln_name_is_sidecar(const char *name, char out_entry[KILN_PLACE_MAX])
{
	size_t length = strlen(name), suffix = sizeof SIDECAR_SUFFIX - 1;

	if (length <= suffix || length >= KILN_PLACE_MAX ||
	    strcmp(name + length - suffix, SIDECAR_SUFFIX) != 0)
		return false;
	snprintf(out_entry, KILN_PLACE_MAX, "%.*s" ENTRY_SUFFIX, (int)(length - suffix), name);
	return kiln_name_is_entry(KILN_KIND_PIPELINE, out_entry);
}

void kiln_sidecar_remove(const struct kiln_cache *cache, int dir, const char *entry)
{
	char path[KILN_SIDECAR_PATH_MAX];

	kiln_sidecar_path(entry, path);
	(void)cache->fs->unlinkat(cache->fs->user, dir, path, 0);
}

uint64_t kiln_sidecar_bytes(const struct kiln_cache *cache, int dir, const char *entry)
{
	char path[KILN_SIDECAR_PATH_MAX];
	struct stat facts;

	kiln_sidecar_path(entry, path);
	if (cache->fs->fstatat(cache->fs->user, dir, path, &facts) != 0 || !S_ISREG(facts.st_mode))
		return 0;
	return kiln_allocated_bytes(&facts);
}

enum kiln_status kiln_cache_write_sidecar(struct kiln_cache *cache,
                                          const struct kiln_pipeline_identity *identity, const char *text)
{
	char path[KILN_SIDECAR_PATH_MAX];
	struct kiln_place place;
	enum kiln_status status;
	int dir;

	KILN_CHECK(
		identity != NULL && text != NULL,
		"kiln_cache_write_sidecar was given NULL; expected an identity and a text. Fix: pass both");
	if (cache == NULL || cache->read_only || kiln_strikes_suspended(cache, &identity->device))
		return KILN_OK;
	kiln_place_pipeline(identity, &place);
	kiln_sidecar_path(place.name, path);
	dir = kiln_shard_open(cache, &place);
	if (dir < 0)
		return kiln_error_errno(errno, "cannot open the cache folder '%s/%s'", cache->root,
		                        place.dir);
	status = kiln_fs_install(cache->fs, dir, path, text, strlen(text), false);
	cache->fs->close(cache->fs->user, dir);
	if (status != KILN_OK)
		return kiln_error_context(status, "cannot write a manifest into '%s'", cache->root);
	kiln_pending_touch(cache, place.kind, place.shard);
	return KILN_OK;
}
