/* What a record says beyond its configuration: where it holds, how it was measured, what must not be tried again. */
#include "store_test.h"

#include <locale.h>

#define HEAD                                             \
	"[[record]]\n"                                   \
	"key = \"00000000000000000000000000000001\"\n"   \
	"adapter = \"" LLVMPIPE "\"\n"                   \
	"workgroup_size = [64, 2, 1]\n"                  \
	"unroll = 4\n"                                   \
	"tile = [16, 16, 1]\n"
#define DATE "recorded_at = \"2026-05-02\"\n"
#define FACTS                                                         \
	"bucket = 21\n"                                               \
	"rounds = 30\n"                                               \
	"ratio_default = 0.8312\n"                                    \
	"status = \"tuned\"\n"                                        \
	"bad = [\n"                                                   \
	"  \"hung 256x1x1 unroll 4\",\n"                              \
	"  \"wrong 8x8x1 \\\"quoted\\\" #7=2\",\n"                    \
	"]\n"
#define BAD "hung 256x1x1 unroll 4\nwrong 8x8x1 \"quoted\" #7=2"

static struct kiln_tune_record full_record(void)
{
	struct kiln_tune_record record = record_of(1);

	record.bucket = 21;
	record.rounds = 30;
	record.ratio_default = 0.83124;
	record.status = KILN_TUNE_TUNED;
	record.bad = BAD;
	return record;
}

static struct kiln_tune_record get_one(const char *path)
{
	static struct kiln_store *store; /* the strings are its */
	struct kiln_tune_key key = key_of(1);
	struct kiln_tune_record record;

	kiln_store_close(&store);
	store = open_store(path);
	assert_status(kiln_store_get(store, &key, LLVMPIPE, &record), KILN_OK);
	if (record.bad != NULL) {
		static char bad[4096];

		snprintf(bad, sizeof(bad), "%s", record.bad);
		record.bad = bad;
	}
	record.adapter = record.recorded_at = record.driver = NULL;
	kiln_store_close(&store);
	return record;
}

static void put_one(const char *path, const struct kiln_tune_record *record)
{
	struct kiln_store *store = open_store(path);

	assert_status(kiln_store_put(store, record), KILN_OK);
	save(store);
	kiln_store_close(&store);
}

static void facts_are_written_and_read_back(void **state)
{
	struct kiln_tune_record record = full_record();
	struct place place;

	(void)state;
	place_create(&place);
	put_one(place.path, &record);
	assert_file_is(place.path, "schema = 1\n\n" HEAD DATE FACTS);
	record = get_one(place.path);
	assert_int_equal(record.bucket, 21);
	assert_int_equal(record.rounds, 30);
	assert_true(record.ratio_default == 0.8312);
	assert_int_equal(record.status, KILN_TUNE_TUNED);
	assert_string_equal(record.bad, BAD);
	place_remove(&place);
}

static void what_is_not_known_is_not_written(void **state)
{
	struct kiln_tune_record record = record_of(1);
	struct place place;

	(void)state;
	place_create(&place);
	put_one(place.path, &record);
	assert_file_is(place.path, "schema = 1\n\n" HEAD DATE);
	record = get_one(place.path);
	assert_true(record.bucket == 0 && record.rounds == 0 && record.ratio_default == 0);
	assert_true(record.status == KILN_TUNE_UNSTATED && record.bad == NULL);
	place_remove(&place);
}

static void a_decimal_comma_does_not_get_into_the_file(void **state)
{
	struct kiln_tune_record record = full_record();
	struct place place;

	(void)state;
	if (setlocale(LC_ALL, "de_DE.UTF-8") == NULL)
		print_message("no German locale here: nothing is proven\n");
	place_create(&place);
	put_one(place.path, &record);
	assert_file_is(place.path, "schema = 1\n\n" HEAD DATE FACTS);
	assert_true(get_one(place.path).ratio_default == 0.8312);
	setlocale(LC_ALL, "C");
	place_remove(&place);
}

static void each_is_replaced_where_it_stands(void **state)
{
	struct kiln_tune_record record = full_record();
	struct place place;

	(void)state;
	place_create(&place);
	write_text(place.path, "schema = 1\n\n[[record]]\nstatus = \"later\" # a word of its own\nratio_default = 2\n"
	                       "key = \"00000000000000000000000000000001\"\nadapter = \"" LLVMPIPE "\"\n"
	                       "bad = [] # none yet\nworkgroup_size = [1, 1, 1]\nrounds = 0x1F\nunroll = 4\n"
	                       "tile = [16, 16, 1]\nbucket = 3\n" DATE);
	put_one(place.path, &record);
	assert_file_is(place.path,
	               "schema = 1\n\n[[record]]\nstatus = \"tuned\" # a word of its own\nratio_default = 0.8312\n"
	               "key = \"00000000000000000000000000000001\"\nadapter = \"" LLVMPIPE "\"\n"
	               "bad = [\n  \"hung 256x1x1 unroll 4\",\n  \"wrong 8x8x1 \\\"quoted\\\" #7=2\",\n] # none yet\n"
	               "workgroup_size = [64, 2, 1]\nrounds = 30\nunroll = 4\ntile = [16, 16, 1]\nbucket = 21\n" DATE);
	place_remove(&place);
}

#define FOREIGN                                              \
	"bucket = \"large\"\n"                               \
	"rounds = [ 1, 2 ]\n"                                \
	"ratio_default = nan\n"                              \
	"status.last.why = \"\"\"\n[[record]]\n\"\"\"\n"     \
	"bad = [ \"a\", 1 ]\n"

/* Another tool's field of the same name: it reads as none, and neither a put nor a save touches it. */
static void fields_of_another_shape_are_somebody_elses(void **state)
{
	struct kiln_tune_record record = full_record();
	struct place place;

	(void)state;
	place_create(&place);
	write_text(place.path, "schema = 1\n\n" HEAD DATE FOREIGN);
	record = get_one(place.path);
	assert_true(record.bucket == 0 && record.rounds == 0 && record.ratio_default == 0);
	assert_true(record.status == KILN_TUNE_UNSTATED && record.bad == NULL);
	record = full_record();
	put_one(place.path, &record);
	assert_file_is(place.path, "schema = 1\n\n" HEAD DATE FOREIGN);
	place_remove(&place);
}

static void a_table_in_a_fields_place_stays(void **state)
{
	struct kiln_tune_record record = full_record();
	struct place place;
	char *text;

	(void)state;
	place_create(&place);
	write_text(place.path, "schema = 1\n\n" HEAD DATE "\n[record.status]\nlast = 1\n");
	put_one(place.path, &record);
	text = read_text(place.path);
	assert_non_null(strstr(text, "[record.status]\nlast = 1\n"));
	assert_null(strstr(text, "\"tuned\""));
	assert_non_null(strstr(text, "bucket = 21\n"));
	free(text);
	write_text(place.path, "schema = 1\nrecord = [{ status = { last = 1 }, key = "
	                       "\"00000000000000000000000000000001\", adapter = \"" LLVMPIPE "\", unroll = 4, "
	                       "tile = [16, 16, 1], workgroup_size = [64, 2, 1] }]\n");
	put_one(place.path, &record);
	text = read_text(place.path);
	assert_non_null(strstr(text, "status = { last = 1 }\n"));
	assert_null(strstr(text, "\"tuned\""));
	free(text);
	place_remove(&place);
}

static void bad_of(const char *path, const char *bad)
{
	struct kiln_tune_record record = record_of(1);

	record.bad = bad;
	put_one(path, &record);
}

static void what_hung_stays_known(void **state)
{
	struct place place;

	(void)state;
	place_create(&place);
	bad_of(place.path, "hung 1x1x1");
	bad_of(place.path, "wrong 2x1x1\nhung 1x1x1");
	bad_of(place.path, NULL); /* by a process that has never read the file */
	assert_string_equal(get_one(place.path).bad, "wrong 2x1x1\nhung 1x1x1");
	place_remove(&place);
}

static void two_stores_keep_what_either_found(void **state)
{
	struct kiln_tune_record record = record_of(1);
	struct kiln_store *a, *b;
	struct place place;

	(void)state;
	place_create(&place);
	a = open_store(place.path);
	b = open_store(place.path);
	record.bad = "hung 1x1x1";
	assert_status(kiln_store_put(a, &record), KILN_OK);
	record.bad = "wrong 2x1x1";
	assert_status(kiln_store_put(b, &record), KILN_OK);
	save(a);
	save(b);
	kiln_store_close(&a);
	kiln_store_close(&b);
	assert_string_equal(get_one(place.path).bad, "wrong 2x1x1\nhung 1x1x1");
	place_remove(&place);
}

static void forgetting_forgets_what_hung_too(void **state)
{
	struct kiln_tune_record record = record_of(1);
	struct kiln_store *store;
	struct place place;

	(void)state;
	place_create(&place);
	bad_of(place.path, "hung 1x1x1");
	store = open_store(place.path);
	assert_status(kiln_store_forget(store, &record.key, LLVMPIPE, NULL), KILN_OK);
	record.bad = "hung 2x1x1";
	assert_status(kiln_store_put(store, &record), KILN_OK);
	record.bad = "hung 4x1x1";
	assert_status(kiln_store_put(store, &record), KILN_OK);
	save(store);
	kiln_store_close(&store);
	assert_string_equal(get_one(place.path).bad, "hung 4x1x1\nhung 2x1x1");
	place_remove(&place);
}

static void only_so_many_bad_ones_are_kept(void **state)
{
	char bad[KILN_TUNE_BAD_LINES * 16] = "";
	struct kiln_tune_record record = record_of(1);
	struct place place;
	size_t used = 0;

	(void)state;
	place_create(&place);
	for (int i = 0; i < KILN_TUNE_BAD_LINES; i++)
		used += (size_t)snprintf(bad + used, sizeof(bad) - used, "%shung %dx1x1", i != 0 ? "\n" : "", i + 1);
	bad_of(place.path, bad);
	bad_of(place.path, "wrong 1x1x1");
	record = get_one(place.path);
	assert_true(kiln_tune_bad_has(record.bad, "wrong 1x1x1"));
	assert_true(kiln_tune_bad_has(record.bad, "hung 63x1x1"));
	assert_false(kiln_tune_bad_has(record.bad, "hung 64x1x1"));
	assert_false(kiln_tune_bad_has(record.bad, "hung 6"));
	assert_false(kiln_tune_bad_has(NULL, "hung 63x1x1"));
	place_remove(&place);
}

static void what_the_file_could_not_hold_is_refused(void **state)
{
	static char long_line[KILN_TUNE_BAD_LINE_BYTES + 2];
	static char many[2 * KILN_TUNE_BAD_LINES + 10];
	struct kiln_tune_record records[7];
	struct place place;
	struct kiln_store *store;

	(void)state;
	memset(long_line, 'x', sizeof(long_line) - 1);
	for (size_t i = 0; i + 2 < sizeof(many); i += 2)
		memcpy(many + i, "x\n", 2);
	for (size_t i = 0; i < 7; i++)
		records[i] = full_record();
	records[0].bucket = KILN_TUNE_BUCKET_MAX + 1;
	records[1].rounds = UINT32_MAX;
	records[2].ratio_default = -0.5;
	records[3].ratio_default = 1e300;
	records[4].status = (enum kiln_tune_status)9;
	records[5].bad = long_line;
	records[6].bad = "hung\t1x1x1";
	place_create(&place);
	store = open_store(place.path);
	for (size_t i = 0; i < 7; i++) {
		assert_status(kiln_store_put(store, &records[i]), KILN_ERR_INVALID_ARGUMENT);
		assert_non_null(strstr(kiln_error_message(), "Fix: "));
	}
	records[6].bad = many;
	assert_status(kiln_store_put(store, &records[6]), KILN_ERR_INVALID_ARGUMENT);
	assert_false(kiln_store_is_dirty(store));
	kiln_store_close(&store);
	place_remove(&place);
}

static void every_status_has_its_word(void **state)
{
	(void)state;
	assert_string_equal(kiln_tune_status_name(KILN_TUNE_TUNED), "tuned");
	assert_string_equal(kiln_tune_status_name(KILN_TUNE_KEPT), "default");
	assert_string_equal(kiln_tune_status_name(KILN_TUNE_TENTATIVE), "provisional");
	assert_null(kiln_tune_status_name(KILN_TUNE_UNSTATED));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_decimal_comma_does_not_get_into_the_file),
		cmocka_unit_test(a_table_in_a_fields_place_stays),
		cmocka_unit_test(each_is_replaced_where_it_stands),
		cmocka_unit_test(every_status_has_its_word),
		cmocka_unit_test(facts_are_written_and_read_back),
		cmocka_unit_test(fields_of_another_shape_are_somebody_elses),
		cmocka_unit_test(forgetting_forgets_what_hung_too),
		cmocka_unit_test(only_so_many_bad_ones_are_kept),
		cmocka_unit_test(two_stores_keep_what_either_found),
		cmocka_unit_test(what_hung_stays_known),
		cmocka_unit_test(what_is_not_known_is_not_written),
		cmocka_unit_test(what_the_file_could_not_hold_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
