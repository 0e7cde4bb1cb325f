#include "miss.h"

#include <stdio.h>
#include <time.h>

#include "device.h"

enum kiln_miss_reason kiln_miss_classify(const struct kiln_cache_evidence *evidence)
{
	if (evidence->total_entries == 0)
		return KILN_MISS_EMPTY_CACHE;
	if (evidence->same_program == 0)
		return KILN_MISS_PROGRAM_CHANGED;
	if (evidence->same_program_policy == 0)
		return KILN_MISS_DISPATCH_POLICY_CHANGED;
	if (evidence->same_program_policy_device == 0)
		return KILN_MISS_DEVICE_OR_RUNTIME_CHANGED;
	return KILN_MISS_KEY_ABSENT;
}

/* " on 2026-11-20 21:03 UTC", "" when the time is not known. */
static void print_time(int64_t when_s, char *out_text, size_t bytes)
{
	time_t when = (time_t)when_s;
	struct tm parts;

	out_text[0] = '\0';
	if (when_s > 0 && gmtime_r(&when, &parts) &&
	    strftime(out_text, bytes, " on %Y-%m-%d %H:%M UTC", &parts) == 0)
		out_text[0] = '\0';
}

static const char *words_of(enum kiln_miss_reason reason)
{
	switch (reason) {
	case KILN_MISS_EMPTY_CACHE:
		return "the cache is empty";
	case KILN_MISS_PROGRAM_CHANGED:
		return "the cache has no entry of this program";
	case KILN_MISS_DISPATCH_POLICY_CHANGED:
		return "the cache has this program, compiled in another way";
	case KILN_MISS_DEVICE_OR_RUNTIME_CHANGED:
		return "the cache has this pipeline, for another device or driver";
	default:
		return "the cache has no usable entry of it";
	}
}

void kiln_miss_print(const struct kiln_cache_explanation *explanation, enum kiln_miss_reason reason,
                     char *out_text, size_t bytes)
{
	static const char *const fates[] = {
		[KILN_CACHE_EVICTED] = "its entry was evicted%s, as the cache was over its bounds",
		[KILN_CACHE_DAMAGED] = "its entry was damaged, and removed%s",
		[KILN_CACHE_SET_ASIDE] =
			"its entry was set aside%s, as a process died while the driver had it",
		[KILN_CACHE_INVALIDATED] = "its entry was invalidated%s",
	};
	char when[40];

	print_time(explanation->fate_s, when, sizeof(when));
	switch (explanation->fate) {
	case KILN_CACHE_EVICTED:
	case KILN_CACHE_DAMAGED:
	case KILN_CACHE_SET_ASIDE:
	case KILN_CACHE_INVALIDATED:
		(void)snprintf(out_text, bytes, fates[explanation->fate], when);
		break;
	default:
		(void)snprintf(out_text, bytes, "%s",
		               explanation->nearest.fields ? explanation->nearest.difference
		                                           : words_of(reason));
	}
}

void kiln_miss_explain(struct kiln_device *device, const struct kiln_pipeline_key *key,
                       const struct kiln_pipeline_identity *identity, struct kiln_miss *out_miss)
{
	struct kiln_cache_explanation explanation = {0};

	if (kiln_cache_explain(device->cache, key, &device->fingerprint, &explanation) != KILN_OK)
		explanation = (struct kiln_cache_explanation){0};
	kiln_pipeline_tier_evidence(&device->pipelines, identity, &explanation.evidence);
	out_miss->reason = kiln_miss_classify(&explanation.evidence);
	kiln_miss_print(&explanation, out_miss->reason, out_miss->text, sizeof(out_miss->text));
}

void kiln_miss_unusable(const char *why, struct kiln_miss *out_miss)
{
	out_miss->reason = KILN_MISS_KEY_ABSENT;
	(void)snprintf(out_miss->text, sizeof(out_miss->text), "%s", why);
}
