#include "tune_record.h"

#include <stdio.h>
#include <string.h>

#include <base/alloc.h>
#include <base/error.h>
#include <base/log.h>

#include "device.h"
#include "kernel_variant.h"
#include "tune_variant.h"

#define DATE_BYTES 64 /* what a date is shorter than */

static enum kiln_tune_driver_match match_of(const struct kiln_kernel *kernel,
                                            const struct kiln_tune_record *record)
{
	char here[KILN_TUNE_DRIVER_BYTES];

	kiln_tune_driver_text(&kernel->device->info, here);
	return kiln_tune_driver_compare(record->driver, here);
}

bool kiln_tune_record_fits(const struct kiln_kernel *kernel, const struct kiln_tune_record *record)
{
	return match_of(kernel, record) != KILN_TUNE_DRIVER_OTHER;
}

/* ---- Reading ---- */

static struct kiln_tune_key key_of(void *user, uint32_t bucket)
{
	return kiln_kernel_tune_key(user, bucket);
}

bool kiln_tune_record_find(struct kiln_kernel *kernel, uint32_t bucket, struct kiln_tune_record *out_record,
                           const char **out_note)
{
	struct kiln_device *device = kernel->device;

	*out_note = "";
	if (kiln_store_nearest(device->store, device->info.adapter, bucket, key_of, kernel, out_record, NULL,
	                       out_note) != KILN_OK)
		return false;
	if (kiln_tune_record_fits(kernel, out_record))
		return true;
	*out_note = KILN_TUNE_NOTE_OTHER;
	return false;
}

static bool get(struct kiln_kernel *kernel, uint32_t bucket, struct kiln_tune_record *out_record)
{
	struct kiln_tune_key key = kiln_kernel_tune_key(kernel, bucket);

	return kiln_store_get(kernel->device->store, &key, kernel->device->info.adapter, out_record) ==
	       KILN_OK;
}

bool kiln_tune_record_settled(struct kiln_kernel *kernel, uint32_t bucket)
{
	struct kiln_tune_record record;

	return get(kernel, bucket, &record) && record.status != KILN_TUNE_TENTATIVE &&
	       match_of(kernel, &record) == KILN_TUNE_DRIVER_SAME;
}

static void bad_line(char *out_line, size_t bytes, const char *word, const struct kiln_tune_config *config)
{
	char text[KILN_TUNE_INTENT_TEXT];

	(void)kiln_tune_config_text(config, text, sizeof(text));
	(void)snprintf(out_line, bytes, "%s %s", word, text);
}

/* What was wrong or hung with another driver may well be right with this one. */
enum kiln_tune_verdict *kiln_tune_record_known(struct kiln_kernel *kernel, uint32_t bucket,
                                               const struct kiln_space *space, bool exact)
{
	size_t count = kiln_space_count(space);
	struct kiln_tune_record record;
	enum kiln_tune_verdict *known;
	char line[KILN_TUNE_BAD_LINE_BYTES + 1];

	if (!get(kernel, bucket, &record) || !record.bad ||
	    match_of(kernel, &record) != KILN_TUNE_DRIVER_SAME)
		return NULL;
	known = kiln_alloc_zero(count, sizeof(*known));
	for (size_t i = 1; i < count && known; i++) {
		bad_line(line, sizeof(line), "hung", kiln_space_config(space, i));
		if (kiln_tune_bad_has(record.bad, line))
			known[i] = KILN_TUNE_HUNG;
		bad_line(line, sizeof(line), "wrong", kiln_space_config(space, i));
		if (exact && kiln_tune_bad_has(record.bad, line))
			known[i] = KILN_TUNE_WRONG;
	}
	return known;
}

/* ---- Writing ---- */

/* A tile that only has some dimensions counts the others as 1: the store knows whole tiles or none. */
struct kiln_tune_record kiln_tune_record_base(const struct kiln_kernel *kernel, uint32_t bucket,
                                              const struct kiln_tune_config *config)
{
	struct kiln_tune_record record = {
		.key = kiln_kernel_tune_key(kernel, bucket),
		.adapter = kernel->device->info.adapter,
		.unroll = config->unroll ? config->unroll : 1,
		.bucket = bucket,
	};
	bool tiled = config->tile[0] || config->tile[1] || config->tile[2];

	memcpy(record.workgroup_size, config->workgroup, sizeof(record.workgroup_size));
	for (int d = 0; d < 3; d++)
		record.tile[d] = tiled && !config->tile[d] ? 1 : config->tile[d];
	return record;
}

static bool save(struct kiln_device *device, const struct kiln_tune_record *record)
{
	if (kiln_store_put(device->store, record) == KILN_OK &&
	    kiln_store_save_if_dirty(device->store, NULL) == KILN_OK)
		return true;
	kiln_log(KILN_LOG_WARN, "tuned sizes are not saved: %s", kiln_error_message());
	return false;
}

struct bad_list {
	char text[4096];
	size_t used, lines;
};

/* What does not fit matters less the more there are. */
static void list_bad(const struct kiln_tune_report *report, enum kiln_tune_verdict verdict, const char *word,
                     struct bad_list *list)
{
	char line[KILN_TUNE_BAD_LINE_BYTES + 1];

	for (size_t i = 1; i < report->candidate_count && list->lines < KILN_TUNE_BAD_LINES; i++) {
		int length;

		if (report->candidates[i].verdict != verdict)
			continue;
		bad_line(line, sizeof(line), word, &report->candidates[i].config);
		length = snprintf(list->text + list->used, sizeof(list->text) - list->used, "%s%s",
		                  list->used ? "\n" : "", line);
		if (length < 0 || list->used + (size_t)length >= sizeof(list->text)) {
			list->text[list->used] = '\0';
			return;
		}
		list->used += (size_t)length;
		list->lines++;
	}
}

static enum kiln_tune_status status_of(const struct kiln_tune_report *report)
{
	/* A default that was compared with nothing has not been kept, only left. */
	if (report->provisional || report->tried < 2)
		return KILN_TUNE_TENTATIVE;
	return report->winner ? KILN_TUNE_TUNED : KILN_TUNE_KEPT;
}

/* Did the run find what is recorded to be bad? */
static bool is_condemned(const struct kiln_kernel *kernel, const struct kiln_tune_record *old,
                         const struct kiln_tune_report *report)
{
	struct kiln_tune_config config = kiln_tune_config_of(kernel, old);
	char text[KILN_TUNE_INTENT_TEXT], other[KILN_TUNE_INTENT_TEXT];

	(void)kiln_tune_config_text(&config, text, sizeof(text));
	for (size_t i = 1; i < report->candidate_count; i++) {
		if (!kiln_tune_verdict_is_final(report->candidates[i].verdict))
			continue;
		(void)kiln_tune_config_text(&report->candidates[i].config, other, sizeof(other));
		if (strcmp(text, other) == 0)
			return true;
	}
	return false;
}

/* What was cut short knows less than what was settled, and than another that was cut short and found something faster. */
static bool is_better(const struct kiln_kernel *kernel, const struct kiln_tune_record *old,
                      const struct kiln_tune_record *new)
{
	double before = old->ratio_default > 0 ? old->ratio_default : 1;

	if (new->status != KILN_TUNE_TENTATIVE || match_of(kernel, old) != KILN_TUNE_DRIVER_SAME)
		return true;
	return old->status == KILN_TUNE_TENTATIVE && new->ratio_default <= before;
}

static struct kiln_tune_record record_of(struct kiln_kernel *kernel, uint32_t bucket,
                                         const struct kiln_tune_report *report)
{
	const struct kiln_tune_candidate *winner = &report->candidates[report->winner];
	struct kiln_tune_record record = kiln_tune_record_base(kernel, bucket, &winner->config);

	record.rounds = report->rounds;
	record.ratio_default = report->winner ? winner->ratio : 1;
	record.status = status_of(report);
	return record;
}

static bool is_date(const char *text)
{
	size_t length = text ? strnlen(text, DATE_BYTES) : 0;

	for (size_t i = 0; i < length; i++)
		if (text[i] < ' ' || text[i] > '~')
			return false;
	return length > 0 && length < DATE_BYTES;
}

/* To be put again. A date that was written by hand may be none that is put, and one that is missing is not today's. */
static struct kiln_tune_record copy_of(const struct kiln_tune_record *record)
{
	struct kiln_tune_record copy = *record;

	if (!is_date(copy.recorded_at))
		copy.recorded_at = "";
	return copy;
}

/* Forgets a record of another driver: what was bad with that is not to be added to what is bad with this one. False: it is of
 * this one. */
static bool drop_other(struct kiln_device *device, const struct kiln_tune_record *old, const char *driver)
{
	if (kiln_tune_driver_compare(old->driver, driver) == KILN_TUNE_DRIVER_SAME)
		return false;
	(void)kiln_store_forget(device->store, &old->key, old->adapter, NULL);
	return true;
}

bool kiln_tune_record_report(struct kiln_kernel *kernel, uint32_t bucket,
                             const struct kiln_tune_report *report, bool *out_kept)
{
	struct kiln_tune_record old, record = record_of(kernel, bucket, report);
	struct bad_list bad = {0};
	char driver[KILN_TUNE_DRIVER_BYTES];

	*out_kept = false;
	if (!kernel->device->store)
		return false;
	/* Another process may have recorded meanwhile. */
	(void)kiln_store_refresh(kernel->device->store);
	list_bad(report, KILN_TUNE_HUNG, "hung", &bad);
	list_bad(report, KILN_TUNE_WRONG, "wrong", &bad);
	kiln_tune_driver_text(&kernel->device->info, driver);
	record.driver = driver;
	if (get(kernel, bucket, &old)) {
		*out_kept = !is_better(kernel, &old, &record) && !is_condemned(kernel, &old, report);
		if (*out_kept)
			record = copy_of(&old);
		else
			(void)drop_other(kernel->device, &old, driver);
	}
	record.bad = bad.used ? bad.text : NULL;
	return *out_kept && !record.bad ? true : save(kernel->device, &record);
}

/* Is the configuration the one that is recorded? */
static bool is_of(const struct kiln_tune_record *record, const char *config)
{
	struct kiln_tune_config recorded = {.unroll = record->unroll};
	char text[KILN_TUNE_INTENT_TEXT];

	memcpy(recorded.workgroup, record->workgroup_size, sizeof(recorded.workgroup));
	memcpy(recorded.tile, record->tile, sizeof(recorded.tile));
	(void)kiln_tune_config_text(&recorded, text, sizeof(text));
	return strcmp(text, config) == 0;
}

bool kiln_tune_record_hung(struct kiln_device *device, const struct kiln_tune_record *base,
                           const char *config)
{
	struct kiln_tune_record record = *base, old;
	char driver[KILN_TUNE_DRIVER_BYTES], line[KILN_TUNE_BAD_LINE_BYTES + 1];

	if (!device->store)
		return true;
	(void)kiln_store_refresh(device->store);
	kiln_tune_driver_text(&device->info, driver);
	record.adapter = device->info.adapter;
	record.status = KILN_TUNE_TENTATIVE;
	record.driver = driver;
	if (kiln_store_get(device->store, &base->key, device->info.adapter, &old) == KILN_OK &&
	    !drop_other(device, &old, driver) && !is_of(&old, config))
		record = copy_of(&old);
	(void)snprintf(line, sizeof(line), "hung %s", config);
	record.bad = line;
	kiln_log(KILN_LOG_WARN,
	         "a configuration (%s) did not come back from its first run; it is not tried again", config);
	return save(device, &record);
}
