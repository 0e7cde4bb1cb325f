/* What a record says of the driver it was made with. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "fingerprint.h"
#include "tune_record.h"

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
