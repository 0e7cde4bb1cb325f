#include "miss.h"

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
