/* Reading and checking everything. */
#include <stdio.h>

#include <base/error.h>
#include <cache/care.h>
#include <cache/scan.h>

struct verification {
	struct kiln_cache *cache;
	struct kiln_cache_verify_params params;
	struct kiln_cache_verify_report report;
	uint64_t done, total;
	enum kiln_status status; /* the first failure */
};

static uint64_t *counter_of(struct verification *verification, enum kiln_status status)
{
	struct kiln_cache_verify_report *report = &verification->report;

	switch (status) {
	case KILN_OK:
		return &report->good;
	case KILN_ERR_DAMAGED:
		return &report->damaged;
	case KILN_ERR_UNSUPPORTED:
		return &report->other_version;
	case KILN_ERR_TOO_LARGE:
		return &report->too_large;
	case KILN_ERR_PERMISSION:
		return &report->foreign;
	default:
		return &report->errors;
	}
}

static void tell(struct verification *verification, const char *path, enum kiln_status status)
{
	struct kiln_writer full_path = {0};

	(*counter_of(verification, status))++;
	if (status == KILN_OK || verification->params.problem == NULL)
		return;
	kiln_write_format(&full_path, "%s/%s", verification->cache->root, path);
	kiln_write_u8(&full_path, 0);
	/* Without memory for the whole path, the part below the root is better than nothing. */
	verification->params.problem(verification->params.user,
	                             full_path.bad ? path : (const char *)full_path.data, status);
	kiln_writer_finish(&full_path);
}

static enum kiln_status check_bytes(const struct kiln_cache *cache, const char *path,
                                    const struct kiln_file *file)
{
	struct kiln_cache_listing listing = {0};
	struct kiln_pipeline_identity identity;
	struct kiln_subject_copy copy = {0};
	enum kiln_status status =
		kiln_entry_describe(cache, path, file->data, file->bytes, &listing, &copy, &identity);

	kiln_subject_copy_finish(&copy);
	return status;
}

static void verify_entry(struct verification *verification, const struct kiln_shard *shard, const char *path)
{
	struct kiln_cache *cache = verification->cache;
	struct kiln_file file;
	enum kiln_status status = kiln_file_load(cache, path, &file);

	if (status == KILN_ERR_NOT_FOUND) /* gone since the folder was listed */
		return;
	if (status == KILN_OK)
		status = check_bytes(cache, path, &file);
	if (status == KILN_OK)
		verification->report.good_bytes += file.bytes;
	if (status == KILN_ERR_DAMAGED && verification->params.remove &&
	    kiln_file_remove(cache, shard->dir, path, &file)) {
		verification->report.removed++;
		kiln_pending_touch(cache, shard->kind, shard->number);
	}
	tell(verification, path, status);
	kiln_file_finish(cache, &file);
}

static bool step(struct verification *verification)
{
	if (kiln_progress_step(&verification->params.progress, "verify", verification->done,
	                       verification->total))
		return true;
	verification->status = kiln_error(KILN_ERR_CANCELLED, "checking the cache '%s' was cancelled",
	                                  verification->cache->root);
	return false;
}

static bool verify_names(struct verification *verification, const struct kiln_shard *shard,
                         const struct kiln_names *names)
{
	for (size_t i = 0; i < names->count; i++) {
		char path[KILN_PLACE_MAX];

		snprintf(path, sizeof path, "%s/%s", shard->dir, names->sorted[i]);
		verify_entry(verification, shard, path);
		verification->done++;
		/* Entries may have come since they were counted. */
		if (verification->total < verification->done)
			verification->total = verification->done;
		if (!step(verification))
			return false;
	}
	return true;
}

static bool is_entry(const void *user, const char *name)
{
	return kiln_name_is_entry(*(const enum kiln_kind *)user, name);
}

static bool verify_shard(void *user, const struct kiln_shard *shard)
{
	struct verification *verification = user;
	struct kiln_names names;
	enum kiln_status status =
		kiln_dir_names(verification->cache, shard->dir, is_entry, &shard->kind, &names);
	bool go_on;

	if (status != KILN_OK) { /* the other folders can still be checked */
		if (verification->status == KILN_OK)
			verification->status = status;
		return true;
	}
	go_on = verify_names(verification, shard, &names);
	kiln_names_finish(&names);
	return go_on;
}

static bool count(void *user, const struct kiln_scan_item *item)
{
	struct verification *verification = user;

	verification->total += item->kind == KILN_SCAN_ENTRY;
	/* Links, pipes and the like under an entry's name are met again below; other names only here. */
	if (item->kind == KILN_SCAN_FOREIGN &&
	    !kiln_name_is_entry(item->shard != NULL ? item->shard->kind : 0, item->name)) {
		char path[KILN_PLACE_MAX + 256];

		snprintf(path, sizeof path, "%s/%s", item->dir_path, item->name);
		tell(verification, path, KILN_ERR_PERMISSION);
	}
	return true;
}

enum kiln_status kiln_cache_verify(struct kiln_cache *cache, const struct kiln_cache_verify_params *params,
                                   struct kiln_cache_verify_report *out_report)
{
	struct verification verification = {.cache = cache};
	enum kiln_status status;

	if (params != NULL)
		verification.params = *params;
	if (out_report != NULL)
		*out_report = verification.report;
	if (cache == NULL)
		return KILN_OK;
	if (cache->read_only && verification.params.remove)
		return kiln_refuse_read_only(cache);
	kiln_later_drain(cache);
	verification.status =
		kiln_scan(cache, cache->clock->wall_s(cache->clock->user), count, &verification);
	status = kiln_shards_visit(cache, verify_shard, &verification);
	if (out_report != NULL)
		*out_report = verification.report;
	return verification.status != KILN_OK ? verification.status : status;
}
