/* Problem sizes: which bucket a launch is in, and whose record serves it. */
#include <kiln/autotune.h>

#include <base/error.h>

uint32_t kiln_tune_bucket(const uint32_t threads[3])
{
	uint32_t log = 0;
	/* The product of three 32-bit numbers, in two halves. */
	uint64_t area = (uint64_t)(threads[0] != 0 ? threads[0] : 1) * (threads[1] != 0 ? threads[1] : 1);
	uint32_t depth = threads[2] != 0 ? threads[2] : 1;
	uint64_t low = (area & UINT32_MAX) * depth;
	uint64_t high = (area >> 32) * depth + (low >> 32); /* below 2^64: (2^32 - 1)^2 + 2^32 - 1 */

	if (high != 0)
		log = 32;
	for (low = high != 0 ? high : low; low > 1; low >>= 1)
		log++;
	return log + 1;
}

struct nearest {
	struct kiln_store *store;
	const char *adapter;
	struct kiln_tune_key (*key_of)(void *user, uint32_t bucket);
	void *user;
	struct kiln_tune_record *record;
};

static enum kiln_status look(const struct nearest *nearest, uint32_t bucket)
{
	struct kiln_tune_key key = nearest->key_of(nearest->user, bucket);

	return kiln_store_get(nearest->store, &key, nearest->adapter, nearest->record);
}

/* *bucket goes from the one asked for to the one found. */
static enum kiln_status search(const struct nearest *nearest, uint32_t *bucket, const char **reason)
{
	uint32_t asked = *bucket;
	enum kiln_status status = look(nearest, asked);

	*reason = "";
	if (status != KILN_ERR_NOT_FOUND || kiln_store_is_empty(nearest->store))
		return status;
	*reason = "no record is for this problem size alone; this one is for every size";
	*bucket = KILN_TUNE_ANY_SIZE;
	if (asked != KILN_TUNE_ANY_SIZE)
		status = look(nearest, *bucket);
	for (uint32_t step = 1; status == KILN_ERR_NOT_FOUND && step <= KILN_TUNE_BUCKET_MAX; step++) {
		*reason =
			"no record is for this problem size; this one is for the nearest size there is one for";
		if (asked > step)
			status = look(nearest, *bucket = asked - step);
		if (status == KILN_ERR_NOT_FOUND && asked + step <= KILN_TUNE_BUCKET_MAX)
			status = look(nearest, *bucket = asked + step);
	}
	return status;
}

enum kiln_status kiln_store_nearest(struct kiln_store *store, const char *adapter, uint32_t bucket,
                                    struct kiln_tune_key (*key_of)(void *user, uint32_t bucket), void *user,
                                    struct kiln_tune_record *out_record, uint32_t *out_bucket,
                                    const char **out_reason)
{
	struct kiln_tune_record record;
	struct nearest nearest = {store, adapter, key_of, user, &record};
	const char *reason;

	KILN_CHECK(
		adapter != NULL && key_of != NULL && out_record != NULL && bucket <= KILN_TUNE_BUCKET_MAX,
		"kiln_store_nearest: adapter, key_of or out_record is NULL, or bucket %u is beyond %u. Fix: pass "
		"all three, and a bucket of kiln_tune_bucket()",
		bucket, KILN_TUNE_BUCKET_MAX);
	KILN_TRY(search(&nearest, &bucket, &reason));
	*out_record = record;
	if (out_bucket != NULL)
		*out_bucket = bucket;
	if (out_reason != NULL)
		*out_reason = reason;
	return KILN_OK;
}
