/* Copying a pack into the cache, entry by entry, each verified. */
#include <errno.h>

#include <base/alloc.h>
#include <base/error.h>
#include <cache/care.h>
#include <cache/pack.h>
#include <cache/scan.h>

struct import {
	struct kiln_cache *cache;
	const struct kiln_pack *pack;
	struct kiln_cache_pack_report report;
};

/* A good entry, of a version this build can use, under the name its key gives it: its place. */
static enum kiln_status check(const struct kiln_cache *cache, const char *path, const uint8_t *data,
                              size_t bytes, struct kiln_place *out_place)
{
	struct kiln_cache_listing listing = {0};
	struct kiln_pipeline_identity identity;
	struct kiln_subject_copy copy = {0};
	enum kiln_status status = kiln_entry_describe(cache, path, data, bytes, &listing, &copy, &identity);

	if (status == KILN_OK && listing.identity != NULL)
		kiln_place_pipeline(listing.identity, out_place);
	else if (status == KILN_OK)
		kiln_place_content(listing.content_key, out_place);
	kiln_subject_copy_finish(&copy);
	return status;
}

static enum kiln_status copy_entry(struct import *import, const struct kiln_pack_record *record,
                                   const char *path)
{
	struct kiln_place place;
	uint8_t *data;
	enum kiln_status status;

	if (record->bytes > import->cache->max_entry_bytes + KILN_ENTRY_OVERHEAD_MAX)
		return KILN_ERR_TOO_LARGE;
	KILN_TRY(kiln_pack_load(import->pack, record, &data));
	status = check(import->cache, path, data, record->bytes, &place);
	/* Installing would take the mark away too, and the driver would die of it once more. */
	if (status == KILN_OK && kiln_place_quarantined(import->cache, &place))
		status = KILN_ERR_UNSUPPORTED;
	if (status == KILN_OK)
		status = kiln_entry_install(import->cache, &place, data, record->bytes);
	kiln_free(data);
	return status;
}

/* Whether there is an entry that this cache can read. Anything else would only hide the pack's. */
static bool is_present(const struct kiln_cache *cache, const char *path)
{
	struct kiln_place place;
	struct kiln_file file;
	bool present = kiln_file_load(cache, path, &file) == KILN_OK &&
	               check(cache, path, file.data, file.bytes, &place) == KILN_OK;

	kiln_file_finish(cache, &file);
	return present;
}

/* Only what the disk or the memory refuses ends the import. */
static enum kiln_status import_record(struct import *import, const struct kiln_pack_record *record)
{
	struct kiln_cache *cache = import->cache;
	enum kiln_status status;
	char path[KILN_PLACE_MAX];

	kiln_pack_path_of(record, path);
	if (is_present(cache, path)) {
		import->report.present++;
		return KILN_OK;
	}
	status = copy_entry(import, record, path);
	switch (status) {
	case KILN_OK:
		import->report.entries++;
		import->report.bytes += record->bytes;
		return KILN_OK;
	case KILN_ERR_DAMAGED:
	case KILN_ERR_UNSUPPORTED:
	case KILN_ERR_TOO_LARGE:
		import->report.skipped++;
		return KILN_OK;
	default:
		return status;
	}
}

static enum kiln_status import_all(struct import *import, const struct kiln_cache_progress *progress)
{
	static const struct kiln_cache_progress silent = {0};

	for (size_t i = 0; i < import->pack->count; i++) {
		struct kiln_pack_record record = kiln_pack_record_at(import->pack->index, i);

		KILN_TRY(import_record(import, &record));
		if (!kiln_progress_step(progress != NULL ? progress : &silent, "import", i + 1,
		                        import->pack->count))
			return kiln_error(KILN_ERR_CANCELLED, "importing the pack '%s' was cancelled",
			                  import->pack->path);
	}
	return KILN_OK;
}

enum kiln_status kiln_cache_import(struct kiln_cache *cache, const char *path,
                                   const struct kiln_cache_progress *progress,
                                   struct kiln_cache_pack_report *out_report)
{
	struct import import = {.cache = cache};
	enum kiln_status status;
	struct kiln_pack pack;

	KILN_CHECK(path != NULL && path[0] != '\0',
	           "kiln_cache_import was given no path. Fix: name the pack to read");
	if (out_report != NULL)
		*out_report = import.report;
	if (cache == NULL)
		return KILN_OK;
	if (cache->read_only)
		return kiln_refuse_read_only(cache);
	kiln_later_drain(cache);
	KILN_TRY(kiln_pack_open(cache->fs, path, &cache->seal, &pack));
	import.pack = &pack;
	status = import_all(&import, progress);
	kiln_pack_finish(&pack);
	if (out_report != NULL)
		*out_report = import.report;
	return status;
}
