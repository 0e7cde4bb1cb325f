/* What a save does to a file that a person or another tool wrote. */
#include "store_test.h"

#define K(n) "key = \"0000000000000000000000000000000" n "\"\n"
#define A "adapter = \"" LLVMPIPE "\"\n"
#define W "workgroup_size = [64, 2, 1]\n"
#define U "unroll = 4\n"
#define T "tile = [16, 16, 1]\n"
#define D "recorded_at = \"2026-05-02\"\n"
#define NEW(n) "[[record]]\n" K(n) A W U T D

/* Puts record `number` as record_of() has it and saves. */
static void assert_rewrite(const char *before, uint32_t number, const char *after)
{
	struct kiln_tune_record record = record_of(number);
	struct kiln_store *store;
	struct place place;

	place_create(&place);
	write_text(place.path, before);
	store = open_store(place.path);
	assert_status(kiln_store_put(store, &record), KILN_OK);
	save(store);
	assert_file_is(place.path, after);
	/* Again: nothing repeats or grows. */
	assert_status(kiln_store_put(store, &record), KILN_OK);
	save(store);
	assert_file_is(place.path, after);
	kiln_store_close(&store);
	place_remove(&place);
}

static void records_are_sorted_and_move_whole(void **state)
{
	(void)state;
	assert_rewrite("schema = 1\n\n# three\n" NEW("3") "\n# one\n" NEW("1"), 2,
	               "schema = 1\n\n# one\n" NEW("1") "\n" NEW("2") "\n# three\n" NEW("3"));
}

static void missing_schema_is_added(void **state)
{
	(void)state;
	assert_rewrite("", 1, "schema = 1\n\n" NEW("1"));
	assert_rewrite("# mine\n", 1, "schema = 1\n# mine\n\n" NEW("1"));
	assert_rewrite("\"schema\" = 0 # old\n", 1, "\"schema\" = 0 # old\n\n" NEW("1"));
	assert_rewrite("\xEF\xBB\xBF# mark\n", 1, "schema = 1\n# mark\n\n" NEW("1"));
}

static void comments_survive(void **state)
{
	(void)state;
	assert_rewrite("# about this file\n"
	               "\n"
	               "schema = 1 # the first\n"
	               "\n"
	               "# about the record\n"
	               "[[record]] # found by hand\n"
	               "# about its key\n" K("1") A "unroll = 2 # doubtful\n"
	                                            "workgroup_size = [ # x y z\n"
	                                            "  32, # warp\n"
	                                            "  1, 1 ] # flat\n"
	                                            "# about the tile\n"
	                                            "tile = [ 0, 0, 0 ]\n"
	                                            "# the end\n",
	               1,
	               "# about this file\n"
	               "\n"
	               "schema = 1 # the first\n"
	               "\n"
	               "# about the record\n"
	               "[[record]] # found by hand\n"
	               "# about its key\n" K("1") A "unroll = 4 # doubtful\n"
	                                            "workgroup_size = [64, 2, 1] # x y z\n"
	                                            "# warp\n"
	                                            "# flat\n"
	                                            "# about the tile\n" T D "# the end\n");
}

#define UNKNOWN_TOP                                                                        \
	"generator = \"other tool\"\n"                                                     \
	"nested = { a.b = 1, c = [ { d = 1979-05-27T07:32:00.999-07:00 }, 'raw \\ ' ] }\n" \
	"\"quoted key\" = +nan\n"

#define UNKNOWN_KEYS                              \
	"ratio_best = 1.0300000000000000266\n"    \
	"laps = 0x1F\n"                           \
	"status.last.why = \"\"\"\n"              \
	"  [[record]] is not a header here \\\n"  \
	"  unroll = 9\n"                          \
	"\"\"\"\n"                                \
	"samples = [ 1e-300,\n"                   \
	"  # in between\n"                        \
	"  -0.0, inf ]\n"

#define UNKNOWN_PARTS             \
	"[record.host]\n"         \
	"unroll = \"not ours\"\n" \
	"[[record.host.runs]]\n"  \
	"at = 07:32:00\n"         \
	"[[\"reco\\u0072d\" . 'host'.runs]]\n"

static void unknown_keys_and_tables_survive(void **state)
{
	(void)state;
	assert_rewrite("schema = 1\n" UNKNOWN_TOP "\n"
	               "[meta]\n"
	               "a = 1\n"
	               "\n"
	               "[[record]]\n" K("2") A W U T UNKNOWN_KEYS "\n" UNKNOWN_PARTS "[meta.sub] # after\n"
	                                                          "unroll = 1\n"
	                                                          "[[record]]\n" UNKNOWN_KEYS K("1")
	                                                                  A W U T UNKNOWN_PARTS,
	               2,
	               "schema = 1\n" UNKNOWN_TOP "\n"
	               "[meta]\n"
	               "a = 1\n"
	               "\n"
	               "[[record]]\n" UNKNOWN_KEYS K("1") A W U T "\n"
	                                                          "[record.host]\nunroll = \"not ours\"\n\n"
	                                                          "[[record.host.runs]]\nat = 07:32:00\n\n"
	                                                          "[[\"reco\\u0072d\" . 'host'.runs]]\n\n"
	                                                          "[[record]]\n" K("2") A W U T D UNKNOWN_KEYS
	               "\n"
	               "[record.host]\nunroll = \"not ours\"\n\n"
	               "[[record.host.runs]]\nat = 07:32:00\n\n"
	               "[[\"reco\\u0072d\" . 'host'.runs]]\n\n"
	               "[meta.sub] # after\n"
	               "unroll = 1\n");
}

static void inline_records_become_blocks(void **state)
{
	(void)state;
	assert_rewrite(
		"schema = 1\n"
		"record = [ # all of them\n"
		"  { adapter = \"" LLVMPIPE "\", unroll = 2, extra.a = [ 1, { b = 2 } ], tile = [0,0,0], "
		"workgroup_size = [ 8, 8, 1 ], key = \"00000000000000000000000000000003\" }, # three\n"
		"  { key = \"00000000000000000000000000000001\", adapter = \"" LLVMPIPE "\", unroll = 4, "
		"tile = [16, 16, 1], workgroup_size = [64, 2, 1], recorded_at = 2026-05-02, \"why, then\" = '}' },\n"
		"]\n"
		"after = 1\n",
		1,
		"schema = 1\n"
		"# all of them\n"
		"# three\n"
		"after = 1\n"
		"\n" NEW("1") "\"why, then\" = '}'\n"
			      "\n"
			      "[[record]]\n" K("3") A
		"workgroup_size = [8, 8, 1]\nunroll = 2\ntile = [0, 0, 0]\n"
		"extra.a = [ 1, { b = 2 } ]\n");
	assert_rewrite("record = []\n", 1, "schema = 1\n\n" NEW("1"));
}

static void quoted_names_are_the_same_names(void **state)
{
	(void)state;
	assert_rewrite("schema = 1\n\n"
	               "[[ 'record' ]]\n" K("1") A
	               "\"unro\\u006cl\" = 1\n'tile'=[0,0,0]\n\"workgroup_size\" = [1, 1, 1]",
	               1,
	               "schema = 1\n\n"
	               "[[ 'record' ]]\n" K("1") A U T W D);
}

static void line_ends_of_the_old_file_stay(void **state)
{
	(void)state;
	assert_rewrite(
		"schema = 1\r\n[[record]]\r\nkey = \"00000000000000000000000000000002\"\r\nadapter = \"a\"\r\n"
		"unroll = 1\r\ntile = [0, 0, 0]\r\nworkgroup_size = [1, 1, 1] # c\r\n\r\n\r\n",
		1,
		"schema = 1\r\n\n" NEW(
			"1") "\n[[record]]\r\nkey = \"00000000000000000000000000000002\"\r\nadapter = \"a\"\r\n"
			     "unroll = 1\r\ntile = [0, 0, 0]\r\nworkgroup_size = [1, 1, 1] # c\r\n");
}

static void stale_driver_goes_with_its_values(void **state)
{
	(void)state;
	assert_rewrite("schema = 1\n\n[[record]]\n" K("1") A "driver = \"Mesa 21\" # old\n" W U T D, 1,
	               "schema = 1\n\n[[record]]\n" K("1") A "# old\n" W U T D);
}

static void forgotten_and_superseded_records_go(void **state)
{
	struct kiln_tune_key key = key_of(2);
	struct kiln_store *store;
	struct place place;

	(void)state;
	place_create(&place);
	write_text(place.path,
	           "schema = 1\n\n" NEW("1") "x = 1\n\n# two\n" NEW("2") "[record.part]\n\n"
	                                                                 "[other]\n\n" NEW("1") "y = 2\n");
	store = open_store(place.path);
	assert_status(kiln_store_forget(store, &key, LLVMPIPE, NULL), KILN_OK);
	save(store);
	assert_file_is(place.path, "schema = 1\n\n" NEW("1") "y = 2\n\n[other]\n");
	key = key_of(1);
	assert_status(kiln_store_forget(store, &key, LLVMPIPE, NULL), KILN_OK);
	save(store);
	assert_file_is(place.path, "schema = 1\n\n[other]\n");
	kiln_store_close(&store);
	place_remove(&place);
}

static void a_long_comment_keeps_the_line_short(void **state)
{
	static char before[9000], after[9000];
	char comment[4001];

	(void)state;
	memset(comment, '#', sizeof(comment) - 1);
	comment[sizeof(comment) - 1] = '\0';
	snprintf(before, sizeof(before), "schema = 1\n\n[[record]]\n" K("1") A W "tile=[0,0,0]%s\nunroll=1\n",
	         comment);
	snprintf(after, sizeof(after), "schema = 1\n\n[[record]]\n" K("1") A W T "%s\n" U D, comment);
	assert_rewrite(before, 1, after);
}

static void inline_text_beyond_ascii_is_kept(void **state)
{
	(void)state;
	assert_rewrite(
		"record = [{ adapter = \"\\u00e9\\u0001\\\"\\\\\", unroll = 2, tile = [0,0,0], workgroup_size = "
		"[1,1,1], key = \"00000000000000000000000000000002\", driver = '\xE2\x84\xA2' }]\n",
		1,
		"schema = 1\n\n" NEW("1") "\n[[record]]\n" K(
			"2") "adapter = \"\xC3\xA9\\u0001\\\"\\\\\"\nworkgroup_size = [1, 1, 1]\nunroll = 2\n"
			     "tile = [0, 0, 0]\ndriver = \"\xE2\x84\xA2\"\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_long_comment_keeps_the_line_short),
		cmocka_unit_test(comments_survive),
		cmocka_unit_test(forgotten_and_superseded_records_go),
		cmocka_unit_test(inline_records_become_blocks),
		cmocka_unit_test(inline_text_beyond_ascii_is_kept),
		cmocka_unit_test(line_ends_of_the_old_file_stay),
		cmocka_unit_test(missing_schema_is_added),
		cmocka_unit_test(quoted_names_are_the_same_names),
		cmocka_unit_test(records_are_sorted_and_move_whole),
		cmocka_unit_test(stale_driver_goes_with_its_values),
		cmocka_unit_test(unknown_keys_and_tables_survive),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
