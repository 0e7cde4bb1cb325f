/* Every way a file can be wrong: its own status, a sentence with the place, and the file left as it is. */
#include "store_test.h"

#include "guard.h"

struct bad {
	const char *text;
	unsigned line; /* where the message must point */
};

#define K "key = \"00000000000000000000000000000001\"\n"
#define A "adapter = \"a\"\n"
#define W "workgroup_size = [64, 1, 1]\n"
#define U "unroll = 1\n"
#define T "tile = [0, 0, 0]\n"
#define R "[[record]]\n"

static const struct bad syntax[] = {
	{"schema = \n", 1},
	{"schema\n", 1},
	{"= 1\n", 1},
	{"schema = 1 2\n", 1},
	{"schema = 1\nschema = 1\n", 2},
	{"schema = 01\n", 1},
	{"schema = 1_\n", 1},
	{"schema = _1\n", 1},
	{"schema = 1__0\n", 1},
	{"schema = +\n", 1},
	{"schema = 0x\n", 1},
	{"schema = 0xG\n", 1},
	{"schema = 0o8\n", 1},
	{"schema = 0b2\n", 1},
	{"schema = -0x1\n", 1},
	{"schema = 9223372036854775808\n", 1},
	{"a = 1.\n", 1},
	{"a = .1\n", 1},
	{"a = 1.e1\n", 1},
	{"a = 1e\n", 1},
	{"a = 1e1.0\n", 1},
	{"a = 1.2.3\n", 1},
	{"a = Inf\n", 1},
	{"a = tru\n", 1},
	{"a = True\n", 1},
	{"a = bare\n", 1},
	{"a = \"open\n", 1},
	{"a = 'open\n", 1},
	{"a = \"\"\"open\n\n", 2},
	{"a = '''open\n\n", 2},
	{"a = \"\\x\"\n", 1},
	{"a = \"\\q\"\n", 1},
	{"a = \"\\u12\"\n", 1},
	{"a = \"\\uD800\"\n", 1},
	{"a = \"\\U00110000\"\n", 1},
	{"a = \"\x01\"\n", 1},
	{"a = \"\x7f\"\n", 1},
	{"a = \"\xFF\"\n", 1},
	{"a = \"\xC3\n", 1},
	{"# \x01\n", 1},
	{"a = 1\rb = 2\n", 1},
	{"a = 1\v\n", 1},
	{"a = [1\n", 1},
	{"a = [1 2]\n", 1},
	{"a = [,]\n", 1},
	{"a = [1,,2]\n", 1},
	{"a = 1]\n", 1},
	{"a = {b = 1\n", 1},
	{"a = {b = 1,}\n", 1},
	{"a = {b = 1 c = 2}\n", 1},
	{"a = {b = 1\n, c = 2}\n", 1},
	{"a = {b}\n", 1},
	{"a = {b = 1, b = 2}\n", 1},
	{"a = {b = 1}\na.c = 2\n", 2},
	{"a = {b = 1}\n[a.c]\n", 2},
	{"a = 1\n[a]\n", 2},
	{"a = [1]\n[[a]]\n", 2},
	{"[a]\n[a]\n", 2},
	{"[a]\n[[a]]\n", 2},
	{"[a\n", 1},
	{"[a]]\n", 1},
	{"[[a]\n", 1},
	{"[ [a] ]\n", 1},
	{"[]\n", 1},
	{"[a.]\n", 1},
	{"[.a]\n", 1},
	{"[a..b]\n", 1},
	{"[a] b = 1\n", 1},
	{"a b = 1\n", 1},
	{"a. = 1\n", 1},
	{".a = 1\n", 1},
	{"\"\"\"a\"\"\" = 1\n", 1},
	{"\xC3\xA9 = 1\n", 1},
	{"a = 2026-13-01\n", 1},
	{"a = 2026-02-30\n", 1},
	{"a = 2026-5-2\n", 1},
	{"a = 25:00:00\n", 1},
	{"a = 10:00\n", 1},
	{"a = 2026-05-02T\n", 1},
	{"a = 2026-05-02T10:00:00+25:00\n", 1},
	{R K A W U T "\n" R K A W "unroll = 1 1\n", 12},
	{"]\n", 1},
	{"}\n", 1},
	{",\n", 1},
	{"a = nope\n" R, 1},
	{"{\n", 1},
	{"a == 1\n", 1},
	{"a : 1\n", 1},
	{"<record/>\n", 1},
	{"{\"schema\": 1}\n", 1},
};

static const struct bad types[] = {
	{R A W U T, 1},
	{R K W U T, 1},
	{R K A U T, 1},
	{R K A W T, 1},
	{R K A W U, 1},
	{"\n\n" R, 3},
	{"record = 1\n", 1},
	{"record = \"a\"\n", 1},
	{"record = [1]\n", 1},
	{"record = [[]]\n", 1},
	{"[record]\n" K A W U T, 1},
	{"record.key = 1\n", 1},
	{"schema = \"1\"\n", 1},
	{"schema = 1.0\n", 1},
	{"schema = true\n", 1},
	{"schema = [1]\n", 1},
	{"[schema]\n", 1},
	{R "key = 1\n" A W U T, 2},
	{R "key = \"\"\n" A W U T, 2},
	{R "key = \"0000000000000000000000000000001\"\n" A W U T, 2},
	{R "key = \"000000000000000000000000000000001\"\n" A W U T, 2},
	{R "key = \"0000000000000000000000000000000A\"\n" A W U T, 2},
	{R "key = \"0000000000000000000000000000000g\"\n" A W U T, 2},
	{R "key = \"00000000000000000000000000000001\\u0000\"\n" A W U T, 2},
	{R K "adapter = 1\n" W U T, 3},
	{R K "adapter = \"\"\n" W U T, 3},
	{R K "adapter = \"a\\u0000b\"\n" W U T, 3},
	{R K "adapter = [\"a\"]\n" W U T, 3},
	{R K A "workgroup_size = 64\n" U T, 4},
	{R K A "workgroup_size = []\n" U T, 4},
	{R K A "workgroup_size = [64, 1]\n" U T, 4},
	{R K A "workgroup_size = [64, 1, 1, 1]\n" U T, 4},
	{R K A "workgroup_size = [64, 1, 0]\n" U T, 4},
	{R K A "workgroup_size = [-64, 1, 1]\n" U T, 4},
	{R K A "workgroup_size = [64.0, 1, 1]\n" U T, 4},
	{R K A "workgroup_size = [\"64\", 1, 1]\n" U T, 4},
	{R K A "workgroup_size = [2147483649, 1, 1]\n" U T, 4},
	{R K A "workgroup_size = \"64x1x1\"\n" U T, 4},
	{R K A W "unroll = 0\n" T, 5},
	{R K A W "unroll = -1\n" T, 5},
	{R K A W "unroll = 1.0\n" T, 5},
	{R K A W "unroll = \"1\"\n" T, 5},
	{R K A W "unroll = 4294967297\n" T, 5},
	{R K A W "unroll = [1]\n" T, 5},
	{R K A W U "tile = [0, 0, 1]\n", 6},
	{R K A W U "tile = [16, 16, 0]\n", 6},
	{R K A W U "tile = [-1, 1, 1]\n", 6},
	{R K A W U "tile = [16, 16]\n", 6},
	{R K A W U "tile = 16\n", 6},
	{R K A W U "tile = {x = 1}\n", 6},
	{R K A W U "tile.x = 1\n", 6},
	{R K A W U T "recorded_at = 20260502\n", 7},
	{R K A W U T "recorded_at = \"\"\n", 7},
	{R K A W U T "recorded_at = 10:00:00\n", 7},
	{R K A W U T "driver = 22\n", 7},
	{R K A W U T "driver = [\"Mesa\"]\n", 7},
	{R K A W U T R K A W U, 7},
};

static const struct bad schemas[] = {
	{"schema = 2\n", 1},
	{"schema = 9223372036854775807\n", 1},
	{"schema = -1\n", 1},
	{"# newer\n\nschema = 3\n" R "size = 1\n", 3},
};

static void assert_message_points_at(unsigned line)
{
	char place[32];

	snprintf(place, sizeof(place), "line %u, column ", line);
	if (strstr(kiln_error_message(), place) == NULL || strstr(kiln_error_message(), " Fix: ") == NULL ||
	    strstr(kiln_error_message(), "autotune.toml") == NULL)
		fail_msg("'%s' does not name the file, %sand a fix", kiln_error_message(), place);
}

static void assert_left_alone(const struct place *place, const char *text, size_t bytes)
{
	char *now = read_text(place->path);

	assert_memory_equal(now, text, bytes + 1);
	free(now);
	assert_false(has_temp_file(place));
}

static void assert_refused(const struct place *place, const char *text, size_t bytes,
                           enum kiln_status expected, unsigned line)
{
	struct kiln_tune_key key = key_of(1);
	struct kiln_tune_record record;
	struct kiln_store *store = open_store(place->path);

	write_file(place->path, text, bytes);
	assert_status(kiln_store_load(store), expected);
	assert_message_points_at(line);
	assert_status(kiln_store_get(store, &key, "other", &record), expected);
	assert_message_points_at(line);
	assert_status(kiln_store_forget(store, &key, "other", NULL), expected);
	assert_int_equal(kiln_store_len(store), 0);
	put(store, 1, 64);
	assert_status(kiln_store_save_if_dirty(store, NULL), expected);
	assert_message_points_at(line);
	assert_true(kiln_store_is_dirty(store));
	kiln_store_close(&store);
	assert_left_alone(place, text, bytes);
}

static void assert_all_refused(const struct bad *bad, size_t count, enum kiln_status expected)
{
	struct place place;

	place_create(&place);
	for (size_t i = 0; i < count; i++)
		assert_refused(&place, bad[i].text, strlen(bad[i].text), expected, bad[i].line);
	place_remove(&place);
}

static void syntax_errors_are_refused(void **state)
{
	(void)state;
	assert_all_refused(syntax, sizeof(syntax) / sizeof(syntax[0]), KILN_ERR_TOML_SYNTAX);
}

static void wrong_types_are_refused(void **state)
{
	(void)state;
	assert_all_refused(types, sizeof(types) / sizeof(types[0]), KILN_ERR_TOML_TYPE);
}

static void other_schemas_are_refused(void **state)
{
	(void)state;
	assert_all_refused(schemas, sizeof(schemas) / sizeof(schemas[0]), KILN_ERR_TOML_SCHEMA);
}

static void a_nul_byte_is_refused(void **state)
{
	static const char text[] = "schema = 1\n\0\n";
	struct place place;

	(void)state;
	place_create(&place);
	assert_refused(&place, text, sizeof(text) - 1, KILN_ERR_TOML_SYNTAX, 2);
	place_remove(&place);
}

static void a_cut_file_is_refused_or_shorter(void **state)
{
	static const char whole[] =
		"schema = 1\n" R K A W U T R "key = \"00000000000000000000000000000002\"\n" A W U T;
	struct kiln_store *store;
	struct place place;

	(void)state;
	place_create(&place);
	for (size_t bytes = 0; bytes < sizeof(whole); bytes++) {
		enum kiln_status status;

		write_file(place.path, whole, bytes);
		store = open_store(place.path);
		status = kiln_store_load(store);
		if (status != KILN_OK && status != KILN_ERR_TOML_SYNTAX && status != KILN_ERR_TOML_TYPE)
			fail_msg("cut at %zu: %s", bytes, kiln_status_name(status));
		kiln_store_close(&store);
	}
	place_remove(&place);
}

static void the_message_is_printable(void **state)
{
	struct kiln_store *store;
	struct place place;

	(void)state;
	place_create(&place);
	write_text(place.path, "a = \x1b[31m\xC3\xA9\n");
	store = open_store(place.path);
	assert_status(kiln_store_load(store), KILN_ERR_TOML_SYNTAX);
	for (const char *at = kiln_error_message(); *at != '\0'; at++)
		assert_true(*at >= 0x20 && *at < 0x7f);
	kiln_store_close(&store);
	place_remove(&place);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_cut_file_is_refused_or_shorter),
		cmocka_unit_test(a_nul_byte_is_refused),
		cmocka_unit_test(other_schemas_are_refused),
		cmocka_unit_test(syntax_errors_are_refused),
		cmocka_unit_test(the_message_is_printable),
		cmocka_unit_test(wrong_types_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
