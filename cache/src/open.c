/* Opening: the mode, the root, and whether it can be trusted. */
#include <cache/store.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <base/alloc.h>
#include <base/error.h>
#include <base/settings.h>

static enum kiln_cache_mode choose_mode(const struct kiln_cache_params *params)
{
	if (params->mode != KILN_CACHE_DEFAULT)
		return params->mode;
	switch (kiln_setting_choice(&kiln_env_process, KILN_SETTING_CACHE)) {
	case KILN_CACHE_MODE_OFF:
		return KILN_CACHE_OFF;
	case KILN_CACHE_MODE_RO:
		return KILN_CACHE_READ_ONLY;
	default:
		return KILN_CACHE_READ_WRITE;
	}
}

/* A heap copy without trailing slashes: "root/" would follow a link that "root" is. */
static char *copy_root(const char *chosen)
{
	size_t bytes = chosen == NULL ? kiln_cache_default_root(NULL, 0) : strlen(chosen);
	char *root = kiln_alloc(bytes + 1);

	if (root == NULL)
		return NULL;
	if (chosen == NULL)
		kiln_cache_default_root(root, bytes + 1);
	else
		memcpy(root, chosen, bytes + 1);
	while (bytes > 1 && root[bytes - 1] == '/')
		root[--bytes] = '\0';
	return root;
}

static enum kiln_status refuse_link(const char *root)
{
	return kiln_error(KILN_ERR_PERMISSION,
	                  "the cache root '%s' is a symbolic link; expected a folder. "
	                  "Fix: name the folder the link points to (KILN_CACHE_DIR)",
	                  root);
}

static enum kiln_status refuse_file(const char *root, const char *below)
{
	return kiln_error(KILN_ERR_NOT_A_DIRECTORY,
	                  "'%s%s' is not a folder, and the cache needs one there. "
	                  "Fix: move it away, or choose another cache root (KILN_CACHE_DIR)",
	                  root, below);
}

/* A folder others can write lets them plant code for our device. */
static enum kiln_status check_trust(const struct kiln_cache *cache, const struct stat *facts,
                                    const char *below)
{
	bool ours = facts->st_uid == geteuid() || (cache->read_only && facts->st_uid == 0);

	if (!ours)
		return kiln_error(KILN_ERR_PERMISSION,
		                  "the cache folder '%s%s' belongs to user %ld; expected user %ld. "
		                  "Fix: change its owner, or choose another cache root (KILN_CACHE_DIR)",
		                  cache->root, below, (long)facts->st_uid, (long)geteuid());
	if ((facts->st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return kiln_error(
			KILN_ERR_PERMISSION,
			"others can write the cache folder '%s%s' (mode %04o); expected only its owner to. "
			"Fix: chmod go-w, or choose another cache root (KILN_CACHE_DIR)",
			cache->root, below, (unsigned)(facts->st_mode & 07777));
	return KILN_OK;
}

/* How much of the root's path is there already: flush must sync what is not. */
static size_t existing_prefix(const struct kiln_cache *cache)
{
	size_t bytes = strlen(cache->root);
	struct stat facts;

	while (bytes > 0) {
		char kept = cache->root[bytes];
		int result;

		cache->root[bytes] = '\0';
		result = cache->fs->fstatat(cache->fs->user, AT_FDCWD, cache->root, &facts);
		cache->root[bytes] = kept;
		if (result == 0)
			return bytes;
		while (bytes > 0 && cache->root[bytes - 1] != '/')
			bytes--;
		while (bytes > 1 && cache->root[bytes - 1] == '/')
			bytes--;
		if (bytes == 1 && cache->root[0] == '/')
			return 1;
	}
	return 0;
}

/* The root exists afterwards, unless the cache is read-only. */
static enum kiln_status ensure_root(struct kiln_cache *cache)
{
	struct stat facts;

	cache->pending.dirty.above = true;
	cache->above_bytes = strlen(cache->root);
	if (cache->fs->fstatat(cache->fs->user, AT_FDCWD, cache->root, &facts) == 0) {
		if (S_ISLNK(facts.st_mode))
			return refuse_link(cache->root);
		return S_ISDIR(facts.st_mode) ? KILN_OK : refuse_file(cache->root, "");
	}
	if (errno != ENOENT)
		return kiln_error_errno(errno, "cannot look at the cache root '%s'", cache->root);
	if (cache->read_only)
		return KILN_ERR_NOT_FOUND;
	cache->above_bytes = existing_prefix(cache);
	return kiln_fs_make_dirs(cache->fs, cache->root);
}

static enum kiln_status open_root(struct kiln_cache *cache)
{
	struct stat facts;

	cache->root_fd = kiln_fs_open_dir(cache->fs, AT_FDCWD, cache->root, true);
	if (cache->root_fd < 0)
		return kiln_error_errno(errno, "cannot open the cache root '%s'", cache->root);
	if (cache->fs->fstat(cache->fs->user, cache->root_fd, &facts) != 0)
		return kiln_error_errno(errno, "cannot look at the cache root '%s'", cache->root);
	return check_trust(cache, &facts, "");
}

/* Makes or checks the folder of this layout. A root that cannot be written shows here, not at the first
 * store. */
static enum kiln_status ensure_layout(struct kiln_cache *cache)
{
	struct stat facts;

	if (!cache->read_only &&
	    cache->fs->mkdirat(cache->fs->user, cache->root_fd, KILN_LAYOUT_DIR, 0700) != 0 &&
	    errno != EEXIST)
		return kiln_error_errno(errno, "cannot create a folder in the cache root '%s'", cache->root);
	if (cache->fs->fstatat(cache->fs->user, cache->root_fd, KILN_LAYOUT_DIR, &facts) != 0) {
		if (cache->read_only && errno == ENOENT)
			return KILN_OK;
		return kiln_error_errno(errno, "cannot look at '%s/" KILN_LAYOUT_DIR "'", cache->root);
	}
	if (!S_ISDIR(facts.st_mode))
		return refuse_file(cache->root, "/" KILN_LAYOUT_DIR);
	return check_trust(cache, &facts, "/" KILN_LAYOUT_DIR);
}

static enum kiln_status attach_root(struct kiln_cache *cache)
{
	enum kiln_status status = ensure_root(cache);

	if (status == KILN_ERR_NOT_FOUND && cache->read_only)
		return KILN_OK;
	if (status == KILN_OK)
		status = open_root(cache);
	return status == KILN_OK ? ensure_layout(cache) : status;
}

/* Small enough that file lengths can be added up without a thought. */
static uint64_t bound_entry(uint64_t asked)
{
	if (asked == 0)
		return KILN_ENTRY_BYTES_DEFAULT;
	return asked < SIZE_MAX / 4 ? asked : SIZE_MAX / 4;
}

/* Those that do nothing yet. */
static enum kiln_status init_parts(struct kiln_cache *cache, const struct kiln_cache_params *params)
{
	enum kiln_status status;

	KILN_TRY(kiln_pending_init(&cache->pending));
	status = kiln_later_init(&cache->later);
	if (status == KILN_OK) {
		status = kiln_layers_init(&cache->layers, params->packs);
		if (status == KILN_OK)
			return KILN_OK;
		kiln_later_finish(cache);
	}
	kiln_pending_finish(cache);
	return status;
}

static enum kiln_status choose_seal(const struct kiln_cache_host *host,
                                    const struct kiln_cache_params *params, struct kiln_cache *cache)
{
	if (host->seal == NULL)
		return kiln_seal_choose(cache->fs, params->secret_file, NULL, &cache->seal);
	cache->seal = *host->seal;
	return KILN_OK;
}

static enum kiln_status create(const struct kiln_cache_host *host, const struct kiln_cache_params *params,
                               enum kiln_cache_mode mode, struct kiln_cache **out_cache)
{
	struct kiln_cache *cache = kiln_alloc_zero(1, sizeof *cache);
	enum kiln_status status = KILN_ERR_OUT_OF_MEMORY;

	if (cache == NULL)
		return kiln_error(status, "no memory for a cache. Fix: free some and open it again");
	cache->fs = host->fs != NULL ? host->fs : &kiln_fs_posix;
	cache->clock = host->clock != NULL ? host->clock : &kiln_clock_system;
	cache->process = kiln_process_generation();
	cache->root_fd = -1;
	cache->read_only = mode == KILN_CACHE_READ_ONLY;
	cache->max_entry_bytes = bound_entry(params->max_entry_bytes);
	status = init_parts(cache, params);
	if (status != KILN_OK) {
		kiln_free(cache);
		return status;
	}
	cache->root = copy_root(params->root);
	if (cache->root == NULL)
		status = kiln_error(KILN_ERR_OUT_OF_MEMORY,
		                    "no memory for a cache. Fix: free some and open it again");
	else
		status = attach_root(cache);
	if (status == KILN_OK)
		status = choose_seal(host, params, cache);
	if (status == KILN_OK) {
		kiln_notes_open(cache);
		*out_cache = cache;
	} else {
		kiln_cache_close(&cache);
	}
	return status;
}

enum kiln_status kiln_cache_open_on(const struct kiln_cache_host *host,
                                    const struct kiln_cache_params *params, struct kiln_cache **out_cache)
{
	static const struct kiln_cache_params defaults = {0};
	enum kiln_cache_mode mode;

	if (params == NULL)
		params = &defaults;
	KILN_CHECK(out_cache != NULL, "kiln_cache_open has nowhere to put the cache. Fix: pass out_cache");
	KILN_CHECK(params->root == NULL || params->root[0] != '\0',
	           "the cache root is an empty path; expected a folder. "
	           "Fix: name one, or pass NULL for the default");
	KILN_CHECK((unsigned)params->mode <= KILN_CACHE_READ_WRITE,
	           "the cache mode is %d; expected a KILN_CACHE_* value. Fix: pass one, 0 for the default",
	           (int)params->mode);
	mode = choose_mode(params);
	if (mode == KILN_CACHE_OFF) {
		*out_cache = NULL;
		return KILN_OK;
	}
	return create(host, params, mode, out_cache);
}

enum kiln_status kiln_cache_open(const struct kiln_cache_params *params, struct kiln_cache **out_cache)
{
	static const struct kiln_cache_host system_host = {0};

	return kiln_cache_open_on(&system_host, params, out_cache);
}

void kiln_cache_close(struct kiln_cache **cache)
{
	if (cache == NULL || *cache == NULL)
		return;
	kiln_later_finish(*cache); /* first: it writes */
	kiln_layers_finish(*cache);
	kiln_notes_close(*cache);
	kiln_seal_forget(&(*cache)->seal);
	if ((*cache)->root_fd >= 0)
		(*cache)->fs->close((*cache)->fs->user, (*cache)->root_fd);
	kiln_pending_finish(*cache);
	kiln_free((*cache)->root);
	kiln_free(*cache);
	*cache = NULL;
}

const char *kiln_cache_root(const struct kiln_cache *cache)
{
	return cache != NULL ? cache->root : "";
}
