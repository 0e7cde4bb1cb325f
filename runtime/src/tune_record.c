#include "tune_record.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <base/alloc.h>
#include <base/error.h>
#include <base/log.h>

#include "device.h"
#include "fingerprint.h"
#include "kernel_variant.h"

/* ---- The driver ---- */

/* The store escapes the rest; without any, texts can be compared as they are. */
static void make_plain(char *text)
{
	for (; *text; text++)
		if (*text < ' ' || *text > '~' || *text == '%')
			*text = '?';
}

void kiln_tune_driver_text(const struct kiln_device_info *info, char out_text[KILN_TUNE_DRIVER_BYTES])
{
	struct kiln_digest processor;
	char hex[KILN_DIGEST_SHORT];
	int used = snprintf(out_text, KILN_TUNE_DRIVER_BYTES, "%.80s: %.80s",
	                    info->driver_name[0] ? info->driver_name : info->name,
	                    info->driver_info[0] ? info->driver_info : "?");

	if (info->type == KILN_DEVICE_CPU && used > 0) {
		processor = kiln_processor_digest();
		kiln_hex_short(&processor, hex);
		(void)snprintf(out_text + used, KILN_TUNE_DRIVER_BYTES - (size_t)used, "; cpu %s x%ld", hex,
		               sysconf(_SC_NPROCESSORS_ONLN));
	}
	make_plain(out_text);
}

static bool same_part(const char *a, const char *a_end, const char *b, const char *b_end)
{
	return a_end - a == b_end - b && memcmp(a, b, (size_t)(a_end - a)) == 0;
}

/* Where the version ends: at the processor, if there is one. */
static const char *version_end(const char *text)
{
	const char *end = strstr(text, "; ");

	return end ? end : text + strlen(text);
}

enum kiln_tune_driver_match kiln_tune_driver_compare(const char *recorded, const char *here)
{
	const char *their_name = recorded ? strchr(recorded, ':') : NULL, *our_name = strchr(here, ':');

	if (!recorded || strcmp(recorded, here) == 0)
		return KILN_TUNE_DRIVER_SAME;
	/* Not in Kiln's own words: there is nothing to compare but the adapter, which agrees. */
	if (!their_name || !our_name)
		return KILN_TUNE_DRIVER_OTHER_VERSION;
	if (!same_part(recorded, their_name, here, our_name) ||
	    strcmp(version_end(their_name), version_end(our_name)) != 0)
		return KILN_TUNE_DRIVER_OTHER;
	return KILN_TUNE_DRIVER_OTHER_VERSION;
}

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
                                               const struct kiln_space *space)
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
		if (kiln_tune_bad_has(record.bad, line))
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

/* Lines of what this run found bad, each ended. Kept short: one more matters less the more there are. */
static void list_bad(const struct kiln_tune_report *report, char *out_text, size_t bytes)
{
	size_t used = 0;

	out_text[0] = '\0';
	for (size_t i = 1; i < report->candidate_count; i++) {
		const struct kiln_tune_candidate *candidate = &report->candidates[i];
		char line[KILN_TUNE_BAD_LINE_BYTES + 1];
		int length;

		if (!kiln_tune_verdict_is_final(candidate->verdict))
			continue;
		bad_line(line, sizeof(line), candidate->verdict == KILN_TUNE_HUNG ? "hung" : "wrong",
		         &candidate->config);
		length = snprintf(out_text + used, bytes - used, "%s%s", used ? "\n" : "", line);
		if (length < 0 || used + (size_t)length >= bytes) {
			out_text[used] = '\0';
			return;
		}
		used += (size_t)length;
	}
}

static enum kiln_tune_status status_of(const struct kiln_tune_report *report)
{
	/* A default that was compared with nothing has not been kept, only left. */
	if (report->provisional || report->tried < 2)
		return KILN_TUNE_TENTATIVE;
	return report->winner ? KILN_TUNE_TUNED : KILN_TUNE_KEPT;
}

void kiln_tune_record_report(struct kiln_kernel *kernel, uint32_t bucket,
                             const struct kiln_tune_report *report)
{
	const struct kiln_tune_candidate *winner = &report->candidates[report->winner];
	struct kiln_tune_record record = kiln_tune_record_base(kernel, bucket, &winner->config);
	char driver[KILN_TUNE_DRIVER_BYTES], bad[4096];

	if (!kernel->device->store)
		return;
	kiln_tune_driver_text(&kernel->device->info, driver);
	list_bad(report, bad, sizeof(bad));
	record.driver = driver;
	record.rounds = report->rounds;
	record.ratio_default = report->winner ? winner->ratio : 1;
	record.status = status_of(report);
	record.bad = bad[0] ? bad : NULL;
	(void)save(kernel->device, &record);
}

bool kiln_tune_record_hung(struct kiln_device *device, const struct kiln_tune_record *base,
                           const char *config)
{
	struct kiln_tune_record record;
	char driver[KILN_TUNE_DRIVER_BYTES], line[KILN_TUNE_BAD_LINE_BYTES + 1];

	if (!device->store)
		return true;
	if (kiln_store_get(device->store, &base->key, device->info.adapter, &record) != KILN_OK) {
		record = *base;
		record.adapter = device->info.adapter;
		record.status = KILN_TUNE_TENTATIVE;
		kiln_tune_driver_text(&device->info, driver);
		record.driver = driver;
	}
	(void)snprintf(line, sizeof(line), "hung %s", config);
	record.bad = line;
	kiln_log(KILN_LOG_WARN,
	         "a configuration (%s) did not come back from its first run; it is not tried again", config);
	return save(device, &record);
}
