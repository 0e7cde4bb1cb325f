/* Writing a pack: entry after entry as they lie on the disk, then the index. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <base/alloc.h>
#include <base/error.h>
#include <cache/care.h>
#include <cache/pack.h>
#include <cache/scan.h>

#define TEMP_ATTEMPTS 100

struct export
{
	struct kiln_cache *cache;
	const char *path;
	struct kiln_cache_export_params params;
	struct kiln_cache_pack_report report;
	int fd;
	uint64_t offset; /* where the next entry goes */
	struct kiln_pack_record *records;
	size_t count, capacity;
	enum kiln_status status; /* the first failure, which ends it */
};

static bool fail(struct export *export, enum kiln_status status)
{
	if (export->status == KILN_OK)
		export->status = status;
	return false;
}

static bool write_bytes(struct export *export, const void *data, size_t bytes)
{
	if (kiln_fs_write_all(export->cache->fs, export->fd, data, bytes) != 0)
		return fail(export, kiln_error_errno(errno, "cannot write the pack '%s'", export->path));
	export->offset += bytes;
	return true;
}

static bool out_of_memory(struct export *export)
{
	return fail(export,
	            kiln_error(KILN_ERR_OUT_OF_MEMORY,
	                       "no memory for the index of the pack '%s' (%zu entries). Fix: free some",
	                       export->path, export->count));
}

static bool grow(struct export *export)
{
	size_t capacity = export->capacity + export->capacity / 2 + 64;
	struct kiln_pack_record *records;

	if (export->count < export->capacity)
		return true;
	if (export->count == KILN_PACK_ENTRIES_MAX)
		return fail(
			export,
			kiln_error(
				KILN_ERR_TOO_LARGE,
				"a pack holds at most %u entries, and the cache '%s' has more. Fix: export "
				"one device or program at a time",
				KILN_PACK_ENTRIES_MAX, export->cache->root));
	if (capacity > KILN_PACK_ENTRIES_MAX)
		capacity = KILN_PACK_ENTRIES_MAX;
	records = kiln_realloc(export->records, capacity * sizeof *records);
	if (records == NULL)
		return out_of_memory(export);
	export->records = records;
	export->capacity = capacity;
	return true;
}

static bool add(struct export *export, const struct kiln_file *file, const struct kiln_place *place)
{
	struct kiln_pack_record record = {.kind = place->kind,
	                                  .offset = export->offset,
	                                  .bytes = (uint32_t)file->bytes};

	if (!grow(export) || !write_bytes(export, file->data, file->bytes))
		return false;
	kiln_pack_name_of(place, record.name);
	export->records[export->count++] = record;
	export->report.entries++;
	export->report.bytes += file->bytes;
	return true;
}

static bool is_wanted(const struct export *export, const struct kiln_cache_listing *listing)
{
	const struct kiln_cache_export_params *params = &export->params;

	if (params->program == NULL && params->device == NULL)
		return true;
	return listing->identity != NULL &&
	       (params->program == NULL || kiln_digest_equal(params->program, &listing->identity->program)) &&
	       (params->device == NULL || kiln_digest_equal(params->device, &listing->identity->device));
}

/* Verified here, so that no pack starts its life with damage. */
static bool export_file(struct export *export, const char *path, const struct kiln_file *file)
{
	struct kiln_cache_listing listing = {0};
	struct kiln_pipeline_identity identity;
	struct kiln_subject_copy copy = {0};
	struct kiln_place place;
	bool go_on = true;

	if (file->bytes > UINT32_MAX || kiln_entry_describe(export->cache, path, file->data, file->bytes,
	                                                    &listing, &copy, &identity) != KILN_OK) {
		export->report.skipped++;
	} else if (is_wanted(export, &listing)) {
		if (listing.identity != NULL)
			kiln_place_pipeline(listing.identity, &place);
		else
			kiln_place_content(listing.content_key, &place);
		go_on = add(export, file, &place);
	} else {
		export->report.skipped++;
	}
	kiln_subject_copy_finish(&copy);
	return go_on;
}

static bool export_name(struct export *export, const struct kiln_shard *shard, const char *name)
{
	char path[KILN_PLACE_MAX];
	struct kiln_file file;
	enum kiln_status status;
	bool go_on = true;

	snprintf(path, sizeof path, "%s/%s", shard->dir, name);
	status = kiln_file_load(export->cache, path, &file);
	if (status == KILN_OK)
		go_on = export_file(export, path, &file);
	else if (status != KILN_ERR_NOT_FOUND) /* else gone since the folder was listed */
		export->report.skipped++;
	kiln_file_finish(export->cache, &file);
	/* A pack that lacks entries for want of memory or of descriptors is not what was asked for. */
	if (status == KILN_ERR_OUT_OF_MEMORY || status == KILN_ERR_IO)
		return fail(export, status);
	if (go_on && !kiln_progress_step(&export->params.progress, "export",
	                                 export->report.entries + export->report.skipped, 0))
		return fail(export, kiln_error(KILN_ERR_CANCELLED, "exporting the pack '%s' was cancelled",
		                               export->path));
	return go_on;
}

static bool is_entry(const void *user, const char *name)
{
	return kiln_name_is_entry(*(const enum kiln_kind *)user, name);
}

static bool export_shard(void *user, const struct kiln_shard *shard)
{
	struct export *export = user;
	struct kiln_names names;
	enum kiln_status status = kiln_dir_names(export->cache, shard->dir, is_entry, &shard->kind, &names);
	bool go_on = true;

	if (status != KILN_OK)
		return fail(export, status);
	for (size_t i = 0; i < names.count && go_on; i++)
		go_on = export_name(export, shard, names.sorted[i]);
	kiln_names_finish(&names);
	return go_on;
}

static void write_header(struct export *export)
{
	struct kiln_writer header = {0};

	kiln_pack_write_header(&header);
	if (header.bad)
		out_of_memory(export);
	else
		write_bytes(export, header.data, header.bytes);
	kiln_writer_finish(&header);
}

static void write_end(struct export *export)
{
	struct kiln_writer end = {0};

	if (export->count > 0)
		qsort(export->records, export->count, sizeof *export->records, kiln_pack_compare);
	kiln_pack_write_end(&end, export->records, export->count, export->offset, &export->cache->seal);
	if (end.bad)
		out_of_memory(export);
	else
		write_bytes(export, end.data, end.bytes);
	kiln_writer_finish(&end);
}

static void write_all(struct export *export)
{
	enum kiln_status status;

	write_header(export);
	if (export->status != KILN_OK)
		return;
	status = kiln_shards_visit(export->cache, export_shard, export);
	if (status != KILN_OK)
		fail(export, status);
	if (export->status == KILN_OK)
		write_end(export);
}

/* ---- The file ---- */

/* A rename would replace a FIFO, a device or a link as silently as a file. */
static enum kiln_status check_target(const struct kiln_fs *fs, const char *path)
{
	struct stat facts;

	if (fs->fstatat(fs->user, AT_FDCWD, path, &facts) != 0 || S_ISREG(facts.st_mode))
		return KILN_OK; /* what cannot be looked at will fail when it is written */
	return kiln_error(KILN_ERR_PERMISSION,
	                  "'%s' is %s; only a file is ever replaced. Fix: name a new file, or an older pack", path,
	                  S_ISDIR(facts.st_mode)    ? "a folder"
	                  : S_ISLNK(facts.st_mode)  ? "a symbolic link"
	                  : S_ISFIFO(facts.st_mode) ? "a pipe"
	                                            : "a device or socket");
}

/* "<path>.tmp.<pid>.<n>" beside it. Not 0600: packs are made to be handed on. */
static char *create_temp(struct export *export)
{
	static _Atomic unsigned counter;
	const struct kiln_fs *fs = export->cache->fs;
	size_t bytes = strlen(export->path) + 40;
	char *temp = kiln_alloc(bytes);

	if (temp == NULL) {
		out_of_memory(export);
		return NULL;
	}
	for (int i = 0; i < TEMP_ATTEMPTS && export->fd < 0; i++) {
		snprintf(temp, bytes, "%s.tmp.%ld.%u", export->path, (long)getpid(),
		         atomic_fetch_add(&counter, 1));
		export->fd = fs->openat(fs->user, AT_FDCWD, temp,
		                        O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
		if (export->fd < 0 && errno != EEXIST)
			break;
	}
	if (export->fd >= 0)
		return temp;
	fail(export, kiln_error_errno(errno, "cannot create the pack '%s'", export->path));
	kiln_free(temp);
	return NULL;
}

/* The folder of the pack: its rename is to last. Some file systems cannot sync a folder and say so. */
static int sync_folder(const struct kiln_fs *fs, char *path)
{
	char *slash = strrchr(path, '/');
	int fd, result;

	if (slash != NULL)
		slash[slash == path] = '\0';
	fd = kiln_fs_open_dir(fs, AT_FDCWD, slash != NULL ? path : ".", false);
	if (fd < 0)
		return -1;
	result = fs->fsync(fs->user, fd) != 0 && errno != EINVAL ? -1 : 0;
	fs->close(fs->user, fd);
	return result;
}

static void install(struct export *export, char *temp)
{
	const struct kiln_fs *fs = export->cache->fs;
	bool good = export->status == KILN_OK;

	if (good && fs->fsync(fs->user, export->fd) != 0)
		good = fail(export, kiln_error_errno(errno, "cannot write the pack '%s'", export->path));
	if (fs->close(fs->user, export->fd) != 0 && good)
		good = fail(export, kiln_error_errno(errno, "cannot write the pack '%s'", export->path));
	if (good && fs->renameat(fs->user, AT_FDCWD, temp, AT_FDCWD, export->path) != 0)
		good = fail(export,
		            kiln_error_errno(errno, "cannot put the pack '%s' in place", export->path));
	if (!good)
		fs->unlinkat(fs->user, AT_FDCWD, temp, 0);
	else if (sync_folder(fs, temp) != 0)
		fail(export, kiln_error_errno(errno, "cannot make the pack '%s' durable", export->path));
}

enum kiln_status kiln_cache_export(struct kiln_cache *cache, const char *path,
                                   const struct kiln_cache_export_params *params,
                                   struct kiln_cache_pack_report *out_report)
{
	struct export export = {.cache = cache, .path = path, .fd = -1};
	char *temp;

	KILN_CHECK(path != NULL && path[0] != '\0',
	           "kiln_cache_export was given no path. Fix: name the pack to write");
	if (params != NULL)
		export.params = *params;
	if (out_report != NULL)
		*out_report = export.report;
	if (cache == NULL)
		return KILN_OK;
	KILN_TRY(check_target(cache->fs, path));
	kiln_later_drain(cache);
	temp = create_temp(&export);
	if (temp != NULL) {
		write_all(&export);
		install(&export, temp);
	}
	kiln_free(temp);
	kiln_free(export.records);
	if (out_report != NULL)
		*out_report = export.report;
	return export.status;
}
