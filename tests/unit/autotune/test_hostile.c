/* Files made to hurt a parser: refused at once, on a stack as small as a thread may have. */
#include "store_test.h"

#include <limits.h>
#include <pthread.h>

#include "guard.h"

struct attempt {
	const char *path;
	const char *text;
	size_t bytes;
	enum kiln_status status;
};

static void *try_it(void *user)
{
	struct attempt *attempt = user;
	struct kiln_store *store = NULL;

	write_file(attempt->path, attempt->text, attempt->bytes);
	store = open_store(attempt->path);
	put(store, 1, 64);
	attempt->status = kiln_store_load(store);
	if (attempt->status == KILN_OK)
		attempt->status = kiln_store_save_if_dirty(store, NULL);
	kiln_store_close(&store);
	return NULL;
}

static enum kiln_status on_a_stack_of(size_t stack_bytes, const char *path, const char *text, size_t bytes)
{
	struct attempt attempt = {.path = path, .text = text, .bytes = bytes, .status = KILN_ERR_INTERNAL};
	pthread_attr_t attributes;
	pthread_t thread;

	assert_int_equal(pthread_attr_init(&attributes), 0);
	assert_int_equal(pthread_attr_setstacksize(&attributes, stack_bytes), 0);
	assert_int_equal(pthread_create(&thread, &attributes, try_it, &attempt), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	pthread_attr_destroy(&attributes);
	return attempt.status;
}

static void assert_both_stacks(const char *text, size_t bytes, enum kiln_status expected)
{
	static const size_t stacks[] = {(size_t)256 << 10, (size_t)8 << 20};
	struct place place;

	place_create(&place);
	for (size_t i = 0; i < sizeof(stacks) / sizeof(stacks[0]); i++) {
		enum kiln_status status = on_a_stack_of(stacks[i], place.path, text, bytes);

		if (status != expected)
			fail_msg("%.40s...: %s, expected %s", text, kiln_status_name(status),
			         kiln_status_name(expected));
	}
	place_remove(&place);
}

/* `head`, then `unit` `count` times, then `tail`. */
static void assert_repeated(const char *head, const char *unit, size_t count, const char *tail,
                            enum kiln_status expected)
{
	size_t head_bytes = strlen(head), unit_bytes = strlen(unit), tail_bytes = strlen(tail);
	size_t bytes = head_bytes + unit_bytes * count + tail_bytes;
	char *text = malloc(bytes + 1);

	assert_non_null(text);
	memcpy(text, head, head_bytes);
	for (size_t i = 0; i < count; i++)
		memcpy(text + head_bytes + unit_bytes * i, unit, unit_bytes);
	memcpy(text + bytes - tail_bytes, tail, tail_bytes + 1);
	assert_both_stacks(text, bytes, expected);
	free(text);
}

static void deep_nesting_is_refused(void **state)
{
	const enum kiln_status hostile = KILN_ERR_TOML_HOSTILE;

	(void)state;
	assert_repeated("a = ", "[", 100000, "", hostile);
	assert_repeated("a = ", "[\n", 100000, "", hostile);
	assert_repeated("a = ", "[ # c\n", 100000, "", hostile);
	assert_repeated("", "[", 100000, "", hostile);
	assert_repeated("a = ", "{a=", 1000, "", hostile);
	assert_repeated("a = ", "[{a=\n", 100000, "", hostile);
	assert_repeated("a = ", "[\"\"\"\n\"\"\"\"\",", 100000, "", hostile);
	assert_repeated("a = ", "['''\n'''\n,", 100000, "", hostile);
	assert_repeated("a", ".a", 100000, " = 1\n", hostile);
	assert_repeated("a", ".a", 1500, " = 1\n", hostile);
	assert_repeated("a", " . \"a\"", 500, " = 1\n", hostile);
	assert_repeated("[a", ".a", 1500, "]\n", hostile);
	assert_repeated("[[a", ".'a'", 900, "]]\n", hostile);
	assert_repeated("a = {a", ".a", 1500, " = 1}\n", hostile);
	assert_repeated("", "a = [\n", 100000, "", hostile);
}

static void too_many_tables_are_refused(void **state)
{
	(void)state;
	assert_repeated("", "[[a]]\n", KILN_GUARD_TABLES - 1, "", KILN_OK); /* and the record put */
	assert_repeated("", "[[a]]\n", KILN_GUARD_TABLES + 1, "", KILN_ERR_TOML_HOSTILE);
	assert_repeated("a = [\n", "{b.c=1.5},\n", KILN_GUARD_TABLES + 1, "]", KILN_ERR_TOML_HOSTILE);
	/* Arrays and numbers are not tables. */
	assert_repeated("a = [\n", "[\n1.5],\n", KILN_GUARD_TABLES + 1, "]", KILN_OK);
}

static void sizes_are_bounded(void **state)
{
	const enum kiln_status hostile = KILN_ERR_TOML_HOSTILE;

	(void)state;
	assert_repeated("#", "c", KILN_GUARD_LINE_BYTES, "\n", hostile);
	assert_repeated("#", "c", KILN_GUARD_LINE_BYTES - 1, "\n", KILN_OK);
	assert_repeated("a = \"", "c", KILN_GUARD_LINE_BYTES, "\"", hostile);
	assert_repeated("", "\n", KILN_GUARD_FILE_BYTES + 1, "", hostile);
	assert_repeated("", "\n", KILN_GUARD_FILE_BYTES, "", KILN_OK);
}

static void what_the_guard_lets_through_is_handled(void **state)
{
	(void)state;
	assert_repeated("a = ", "[", KILN_GUARD_DEPTH, "]]]]]]]]]]]]]]]]", KILN_OK);
	assert_repeated("a = ", "[", KILN_GUARD_DEPTH + 1, "]]]]]]]]]]]]]]]]]", KILN_ERR_TOML_HOSTILE);
	assert_repeated("a = ", "{a.a.a.a.a.a.a.a.a=", KILN_GUARD_DEPTH, "1}}}}}}}}}}}}}}}}", KILN_OK);
	assert_repeated("[a.a.a.a.a.a.a.a.a]\na.a.a.a.a.a.a.a.a = ", "{a.a.a.a.a.a.a.a.a=", KILN_GUARD_DEPTH,
	                "1}}}}}}}}}}}}}}}}", KILN_OK);
	assert_repeated("[a", ".a", KILN_GUARD_DOTS, "]", KILN_OK);
	assert_repeated("[a", ".a", KILN_GUARD_DOTS + 1, "]", KILN_ERR_TOML_HOSTILE);
	assert_repeated("a", ".a", KILN_GUARD_DOTS, " = 1", KILN_OK);
	assert_repeated("a", ".a", KILN_GUARD_DOTS + 1, " = 1", KILN_ERR_TOML_HOSTILE);
	assert_repeated("", "]", 4000, "", KILN_ERR_TOML_SYNTAX);
	assert_repeated("", "\"\\", 2000, "", KILN_ERR_TOML_SYNTAX);
	assert_repeated("", "[[a]]\n", 20000, "", KILN_OK);
	assert_repeated("a = [\n", "[],\n", 20000, "]\n", KILN_OK);
}

static void brackets_and_dots_in_strings_do_not_count(void **state)
{
	static const char *const texts[] = {
		"a = \"[[[[[[[[[[[[[[[[[[[[[[[[ . . . . . . . . . . . .\"",
		"a = '{{{{{{{{{{{{{{{{{{{{{{{{ . . . . . . . . . . . . \\'",
		"a = \"\\\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\"",
		"a = \"\"\"\n[[[[[[[[[[[[[[[[[[[[ \\\"\"\" \"\" [[[[[[[[[[[[[[[[[[[\"\"\"\"\"",
		"a = '''\n[[[[[[[[[[[[[[[[[[[[ '' [[[[[[[[[[[[[[[[[[[\\'''''",
		"# [[[[[[[[[[[[[[[[[[[[[[[[ . . . . . . . . . . . . \"\"\"\na = 1",
		"a = 1 # '''\nb = 2 # [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[ '''",
		"\"a.b.c.d.e.f.g.h.i.j.k\".'[[[[[[[[[[[[[[[[[[[[[[[[[[[[' = 1",
		"a = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0]",
		"a = [[1], [1], [1], [1], [1], [1], [1], [1], [1], [1], [1], [1], [1], [1], [1], [1], [1]]",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_both_stacks(texts[i], strlen(texts[i]), KILN_OK);
}

static void a_string_cannot_hide_nesting(void **state)
{
	static const char *const heads[] = {
		"a = [\"\", ",
		"a = ['', ",
		"a = [\"\"\"\"\"\", ",
		"a = ['''''', ",
		"a = [\"\"\"a\"\"\"\"\", ",
		"a = ['''a'''', ",
		"a = [\"\\\\\", ",
		"a = ['\\', ",
		"a = [\"\"\"\\\\\"\"\", ",
		"a = ['''\\''', ",
		"a = [ # \"\n",
		"a = [ # '''\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
		assert_repeated(heads[i], "[", 1000, "", KILN_ERR_TOML_HOSTILE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_string_cannot_hide_nesting),
		cmocka_unit_test(brackets_and_dots_in_strings_do_not_count),
		cmocka_unit_test(deep_nesting_is_refused),
		cmocka_unit_test(sizes_are_bounded),
		cmocka_unit_test(too_many_tables_are_refused),
		cmocka_unit_test(what_the_guard_lets_through_is_handled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
