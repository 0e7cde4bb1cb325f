/* Looking up, adding and removing: all in memory. */
#include <kiln/autotune.h>

#include <string.h>
#include <time.h>

#include <base/alloc.h>
#include <base/error.h>

#include "bad.h"
#include "escape.h"
#include "fields.h"
#include "store_state.h"

#define ADAPTER_MAX 1023
#define DATE_MAX 63
#define DRIVER_MAX 1023 /* after escaping: longer would near the bound on a line */

static enum kiln_status get(struct kiln_store *store, const struct kiln_tune_key *key, const char *adapter,
                            struct kiln_tune_record *out_record)
{
	const struct kiln_entry *entry = kiln_records_find(&store->records, key, adapter);

	/* What this store was told itself does not depend on the file. */
	if (entry == NULL) {
		KILN_TRY(kiln_store_load_locked(store));
		entry = kiln_records_find(&store->records, key, adapter);
	}
	if (entry == NULL || !entry->live)
		return KILN_ERR_NOT_FOUND;
	*out_record = entry->record;
	return KILN_OK;
}

enum kiln_status kiln_store_get(struct kiln_store *store, const struct kiln_tune_key *key,
                                const char *adapter, struct kiln_tune_record *out_record)
{
	enum kiln_status status;

	KILN_CHECK(key != NULL && adapter != NULL && out_record != NULL,
	           "kiln_store_get: key, adapter or out_record is NULL. Fix: pass all three");
	if (store == NULL)
		return KILN_ERR_NOT_FOUND;
	kiln_mutex_lock(&store->mutex);
	status = get(store, key, adapter, out_record);
	kiln_mutex_unlock(&store->mutex);
	return status;
}

static enum kiln_status check_text(const char *name, const char *text, size_t max)
{
	size_t length = strnlen(text, max + 1);

	KILN_CHECK(length != 0 && length <= max && kiln_is_printable(text),
	           "kiln_store_put: %s must have 1 to %zu printable ASCII characters. Fix: make it so, as "
	           "kiln_adapter_id() does",
	           name, max);
	return KILN_OK;
}

static bool all_between(const uint32_t three[3], uint32_t low, uint32_t high)
{
	return three[0] >= low && three[0] <= high && three[1] >= low && three[1] <= high &&
	       three[2] >= low && three[2] <= high;
}

static enum kiln_status check_bad(const char *bad)
{
	size_t length = 0, lines = 1;

	for (; *bad != '\0'; bad++) {
		KILN_CHECK(*bad == '\n' || (*bad >= 0x20 && *bad <= 0x7e),
		           "kiln_store_put: bad has a character 0x%02x. Fix: use printable ASCII",
		           (unsigned char)*bad);
		lines += *bad == '\n';
		length = *bad == '\n' ? 0 : length + 1;
		KILN_CHECK(length <= KILN_TUNE_BAD_LINE_BYTES && lines <= KILN_TUNE_BAD_LINES + 1,
		           "kiln_store_put: bad has more than %d lines, or one of more than %d characters. "
		           "Fix: leave some out",
		           KILN_TUNE_BAD_LINES, KILN_TUNE_BAD_LINE_BYTES);
	}
	return KILN_OK;
}

static enum kiln_status check_record(const struct kiln_tune_record *record)
{
	const uint32_t max = (uint32_t)KILN_SIZE_MAX;

	KILN_CHECK(record != NULL && record->adapter != NULL,
	           "kiln_store_put: record or its adapter is NULL. Fix: pass both");
	KILN_TRY(check_text("adapter", record->adapter, ADAPTER_MAX));
	if (record->recorded_at != NULL && record->recorded_at[0] != '\0')
		KILN_TRY(check_text("recorded_at", record->recorded_at, DATE_MAX));
	KILN_CHECK(all_between(record->workgroup_size, 1, max),
	           "kiln_store_put: workgroup_size is %ux%ux%u, expected each from 1 to %u. Fix: correct it",
	           record->workgroup_size[0], record->workgroup_size[1], record->workgroup_size[2], max);
	KILN_CHECK(record->unroll >= 1 && record->unroll <= max,
	           "kiln_store_put: unroll is %u, expected 1 to %u. Fix: correct it", record->unroll, max);
	KILN_CHECK(all_between(record->tile, 0, 0) || all_between(record->tile, 1, max),
	           "kiln_store_put: tile is %ux%ux%u, expected all 0 or each from 1 to %u. Fix: correct it",
	           record->tile[0], record->tile[1], record->tile[2], max);
	KILN_CHECK(
		record->bucket <= KILN_TUNE_BUCKET_MAX && record->rounds <= max,
		"kiln_store_put: bucket is %u and rounds %u, expected at most %u and %u. Fix: correct them",
		record->bucket, record->rounds, KILN_TUNE_BUCKET_MAX, max);
	KILN_CHECK(record->ratio_default == 0 || kiln_ratio_units(record->ratio_default) != 0,
	           "kiln_store_put: ratio_default is %g, expected 0.0001 to %g, or 0. Fix: correct it",
	           record->ratio_default, KILN_RATIO_MAX);
	KILN_CHECK(record->status >= KILN_TUNE_UNSTATED && record->status <= KILN_TUNE_TENTATIVE,
	           "kiln_store_put: status is %d. Fix: use enum kiln_tune_status", (int)record->status);
	return record->bad != NULL ? check_bad(record->bad) : KILN_OK;
}

static void today(const struct kiln_clock *clock, char out_date[DATE_MAX + 1])
{
	time_t now = (time_t)clock->wall_s(clock->user);
	struct tm utc = {0};

	gmtime_r(&now, &utc);
	strftime(out_date, DATE_MAX + 1, "%Y-%m-%d", &utc);
}

static bool keep(struct kiln_store *store, const char **text)
{
	const char *kept = kiln_strings_keep(&store->strings, *text, strlen(*text));

	if (kept == NULL)
		return false;
	*text = kept;
	return true;
}

static enum kiln_status put(struct kiln_store *store, const struct kiln_tune_record *given,
                            const char *driver)
{
	struct kiln_entry *old = kiln_records_find(&store->records, &given->key, given->adapter);
	bool anew = old != NULL && (old->live ? old->anew : old->pending == KILN_PENDING_FORGET);
	struct kiln_tune_record record = *given;
	char date[DATE_MAX + 1];

	if (record.recorded_at == NULL) {
		today(store->clock, date);
		record.recorded_at = date;
	} else if (record.recorded_at[0] == '\0') {
		record.recorded_at = NULL;
	}
	record.driver = driver;
	record.ratio_default = kiln_ratio_of(kiln_ratio_units(record.ratio_default));
	if (!kiln_bad_union(&store->strings, record.bad, old != NULL ? old->record.bad : NULL, &record.bad) ||
	    !keep(store, &record.adapter) ||
	    (record.recorded_at != NULL && !keep(store, &record.recorded_at)) ||
	    (driver != NULL && !keep(store, &record.driver)) ||
	    !kiln_records_set(&store->records, &record, KILN_NO_SOURCE, KILN_PENDING_PUT))
		return kiln_store_out_of_memory();
	kiln_records_find(&store->records, &record.key, record.adapter)->anew = anew;
	return KILN_OK;
}

enum kiln_status kiln_store_put(struct kiln_store *store, const struct kiln_tune_record *record)
{
	char driver[DRIVER_MAX + 1];
	enum kiln_status status;
	size_t length = 0;

	KILN_TRY(check_record(record));
	if (record->driver != NULL)
		length = kiln_escape(record->driver, driver, sizeof(driver));
	KILN_CHECK(
		length <= DRIVER_MAX,
		"kiln_store_put: driver has %zu characters after escaping, expected at most %d. Fix: shorten it",
		length, DRIVER_MAX);
	if (store == NULL)
		return KILN_OK;
	kiln_mutex_lock(&store->mutex);
	status = put(store, record, length != 0 ? driver : NULL);
	kiln_mutex_unlock(&store->mutex);
	return status;
}

static enum kiln_status forget(struct kiln_store *store, const struct kiln_tune_key *key, const char *adapter,
                               bool *out_was_there)
{
	struct kiln_tune_record tombstone = {0};
	const struct kiln_entry *entry;

	KILN_TRY(kiln_store_load_locked(store));
	entry = kiln_records_find(&store->records, key, adapter);
	*out_was_there = entry != NULL && entry->live;
	if (!*out_was_there)
		return KILN_OK;
	tombstone.key = *key;
	tombstone.adapter = entry->record.adapter;
	if (!kiln_records_set(&store->records, &tombstone, KILN_NO_SOURCE, KILN_PENDING_FORGET))
		return kiln_store_out_of_memory();
	return KILN_OK;
}

enum kiln_status kiln_store_forget(struct kiln_store *store, const struct kiln_tune_key *key,
                                   const char *adapter, bool *out_was_there)
{
	enum kiln_status status = KILN_OK;
	bool was_there = false;

	KILN_CHECK(key != NULL && adapter != NULL,
	           "kiln_store_forget: key or adapter is NULL. Fix: pass both");
	if (store != NULL) {
		kiln_mutex_lock(&store->mutex);
		status = forget(store, key, adapter, &was_there);
		kiln_mutex_unlock(&store->mutex);
	}
	if (status == KILN_OK && out_was_there != NULL)
		*out_was_there = was_there;
	return status;
}

size_t kiln_store_len(struct kiln_store *store)
{
	size_t live;

	if (store == NULL)
		return 0;
	kiln_mutex_lock(&store->mutex);
	(void)kiln_store_load_locked(store);
	live = store->records.live;
	kiln_mutex_unlock(&store->mutex);
	return live;
}

bool kiln_store_is_empty(struct kiln_store *store)
{
	return kiln_store_len(store) == 0;
}

bool kiln_store_is_dirty(const struct kiln_store *store)
{
	struct kiln_store *locked = (struct kiln_store *)store; /* created writable; only the mutex changes */
	bool dirty;

	if (store == NULL)
		return false;
	kiln_mutex_lock(&locked->mutex);
	dirty = store->records.pending != 0;
	kiln_mutex_unlock(&locked->mutex);
	return dirty;
}

/* A copy, so that `visit` may call the store. */
static enum kiln_status snapshot(struct kiln_store *store, struct kiln_tune_record **out_records,
                                 size_t *out_count)
{
	struct kiln_entry **sorted;
	struct kiln_tune_record *records;

	KILN_TRY(kiln_store_load_locked(store));
	sorted = kiln_records_sorted(&store->records);
	records = kiln_alloc((store->records.live + 1) * sizeof(*records));
	if (sorted == NULL || records == NULL) {
		kiln_free(sorted);
		kiln_free(records);
		return kiln_store_out_of_memory();
	}
	for (size_t i = 0; i < store->records.live; i++)
		records[i] = sorted[i]->record;
	kiln_free(sorted);
	*out_records = records;
	*out_count = store->records.live;
	return KILN_OK;
}

enum kiln_status kiln_store_each(struct kiln_store *store,
                                 bool (*visit)(void *user, const struct kiln_tune_record *record), void *user)
{
	struct kiln_tune_record *records = NULL;
	enum kiln_status status;
	size_t count = 0;

	KILN_CHECK(visit != NULL, "kiln_store_each: visit is NULL. Fix: pass a function");
	if (store == NULL)
		return KILN_OK;
	kiln_mutex_lock(&store->mutex);
	status = snapshot(store, &records, &count);
	kiln_mutex_unlock(&store->mutex);
	for (size_t i = 0; i < count && visit(user, &records[i]); i++)
		;
	kiln_free(records);
	return status;
}
