/* Problem sizes: their buckets, and whose record serves a size that has none. */
#include "store_test.h"

static uint32_t bucket_of(uint32_t x, uint32_t y, uint32_t z)
{
	return kiln_tune_bucket((const uint32_t[3]){x, y, z});
}

static void buckets_double(void **state)
{
	(void)state;
	assert_int_equal(bucket_of(1, 1, 1), 1);
	assert_int_equal(bucket_of(2, 1, 1), 2);
	assert_int_equal(bucket_of(3, 0, 0), 2);
	assert_int_equal(bucket_of(4, 1, 1), 3);
	assert_int_equal(bucket_of(1 << 20, 1, 1), 21);
	assert_int_equal(bucket_of((1 << 20) - 1, 1, 1), 20);
	assert_int_equal(bucket_of(1 << 10, 1 << 10, 1), 21);
	assert_int_equal(bucket_of(0, 0, 0), 1);
	assert_int_equal(bucket_of(UINT32_MAX, UINT32_MAX, UINT32_MAX), KILN_TUNE_BUCKET_MAX);
	assert_int_equal(bucket_of(UINT32_MAX, 1, 1), 32);
	assert_int_equal(bucket_of(1u << 31, 1u << 31, 4), 65);
	assert_int_equal(bucket_of(1u << 31, 2, 1), 33);
}

struct asked {
	uint32_t kernel;
	unsigned times;
};

static struct kiln_tune_key key_for(void *user, uint32_t bucket)
{
	struct asked *asked = user;

	asked->times++;
	return key_of(asked->kernel * 1000 + bucket);
}

static void put_bucket(struct kiln_store *store, uint32_t kernel, uint32_t bucket)
{
	put(store, kernel * 1000 + bucket, bucket + 1);
}

static uint32_t found(struct kiln_store *store, uint32_t bucket, const char **out_reason)
{
	struct kiln_tune_record record;
	struct asked asked = {.kernel = 7};
	uint32_t at = 999;
	enum kiln_status status =
		kiln_store_nearest(store, LLVMPIPE, bucket, key_for, &asked, &record, &at, out_reason);

	if (status == KILN_ERR_NOT_FOUND)
		return 1000;
	assert_status(status, KILN_OK);
	assert_int_equal(record.workgroup_size[0], at + 1);
	return at;
}

static void the_nearest_record_serves_and_the_reason_is_said(void **state)
{
	struct kiln_store *store;
	struct place place;
	const char *reason = NULL;

	(void)state;
	place_create(&place);
	store = open_store(place.path);
	put_bucket(store, 8, 20); /* another kernel's */
	assert_int_equal(found(store, 20, &reason), 1000);
	put_bucket(store, 7, 10);
	put_bucket(store, 7, 20);
	assert_int_equal(found(store, 20, &reason), 20);
	assert_string_equal(reason, "");
	assert_int_equal(found(store, 18, &reason), 20);
	assert_non_null(strstr(reason, "nearest"));
	assert_int_equal(found(store, 15, &reason), 10); /* as far from both: the smaller */
	assert_int_equal(found(store, 1, &reason), 10);
	assert_int_equal(found(store, KILN_TUNE_BUCKET_MAX, &reason), 20);
	assert_int_equal(found(store, KILN_TUNE_ANY_SIZE, &reason), 10);
	put_bucket(store, 7, KILN_TUNE_ANY_SIZE);
	assert_int_equal(found(store, 18, &reason), KILN_TUNE_ANY_SIZE);
	assert_non_null(strstr(reason, "every size"));
	assert_int_equal(found(store, 20, &reason), 20);
	assert_int_equal(found(store, KILN_TUNE_ANY_SIZE, &reason), KILN_TUNE_ANY_SIZE);
	assert_string_equal(reason, "");
	kiln_store_close(&store);
	place_remove(&place);
}

static void the_farthest_buckets_find_each_other(void **state)
{
	struct kiln_store *store;
	struct place place;

	(void)state;
	place_create(&place);
	store = open_store(place.path);
	put_bucket(store, 7, KILN_TUNE_BUCKET_MAX);
	assert_int_equal(found(store, 1, NULL), KILN_TUNE_BUCKET_MAX);
	assert_int_equal(found(store, KILN_TUNE_ANY_SIZE, NULL), KILN_TUNE_BUCKET_MAX);
	kiln_store_close(&store);
	place_remove(&place);
}

static void an_empty_store_is_asked_once(void **state)
{
	struct kiln_tune_record record;
	struct asked asked = {0};
	struct kiln_store *store;
	struct place place;

	(void)state;
	place_create(&place);
	store = open_store(place.path);
	assert_status(kiln_store_nearest(store, LLVMPIPE, 5, key_for, &asked, &record, NULL, NULL),
	              KILN_ERR_NOT_FOUND);
	assert_int_equal(asked.times, 1);
	assert_status(kiln_store_nearest(NULL, LLVMPIPE, 5, key_for, &asked, &record, NULL, NULL),
	              KILN_ERR_NOT_FOUND);
	kiln_store_close(&store);
	place_remove(&place);
}

static void a_file_that_cannot_be_read_says_so(void **state)
{
	struct kiln_tune_record record;
	struct asked asked = {0};
	struct kiln_store *store;
	struct place place;

	(void)state;
	place_create(&place);
	write_text(place.path, "schema = [");
	store = open_store(place.path);
	assert_status(kiln_store_nearest(store, LLVMPIPE, 5, key_for, &asked, &record, NULL, NULL),
	              KILN_ERR_TOML_SYNTAX);
	kiln_store_close(&store);
	place_remove(&place);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_that_cannot_be_read_says_so),
		cmocka_unit_test(an_empty_store_is_asked_once),
		cmocka_unit_test(buckets_double),
		cmocka_unit_test(the_farthest_buckets_find_each_other),
		cmocka_unit_test(the_nearest_record_serves_and_the_reason_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
