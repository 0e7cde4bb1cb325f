#include "test.h"

#include <string.h>

#include <kiln/autotune.h>
#include <kiln/log.h>

#include "path.h"

/* "NAME=value", NULL-terminated. */
static const char *lookup(void *user, const char *name)
{
	const char *const *variables = user;
	size_t length = strlen(name);

	for (; *variables != NULL; variables++) {
		if (strncmp(*variables, name, length) == 0 && (*variables)[length] == '=')
			return *variables + length + 1;
	}
	return NULL;
}

#define ENV(...) ((const char *[]){__VA_ARGS__ __VA_OPT__(, ) NULL})

static void assert_path(const char **variables, bool macos, const char *cache_root, const char *expected)
{
	struct kiln_env_source env = {.get = lookup, .user = variables};
	char path[256];

	assert_int_equal(kiln_store_path_in(&env, macos, cache_root, path, sizeof(path)), strlen(expected));
	assert_string_equal(path, expected);
}

static void every_branch_in_its_order(void **state)
{
	(void)state;
	assert_path(ENV("KILN_AUTOTUNE_STORE=/s/t.toml", "KILN_CACHE_DIR=/d", "XDG_CACHE_HOME=/x", "HOME=/h"),
	            false, "/root", "/s/t.toml");
	assert_path(ENV("KILN_AUTOTUNE_STORE=t.toml"), false, NULL, "t.toml");
	assert_path(ENV("KILN_CACHE_DIR=/d", "XDG_CACHE_HOME=/x", "HOME=/h"), false, "/root",
	            "/root/autotune.toml");
	assert_path(ENV("KILN_CACHE_DIR=/d", "XDG_CACHE_HOME=/x", "HOME=/h"), false, NULL,
	            "/d/autotune.toml");
	assert_path(ENV("XDG_CACHE_HOME=/x", "HOME=/h"), false, NULL, "/x/kiln/autotune.toml");
	assert_path(ENV("XDG_CACHE_HOME=/x", "HOME=/h"), true, NULL, "/x/kiln/autotune.toml");
	assert_path(ENV("HOME=/h", "LOCALAPPDATA=C:\\l"), false, NULL, "/h/.cache/kiln/autotune.toml");
	assert_path(ENV("HOME=/h", "LOCALAPPDATA=C:\\l"), true, NULL, "/h/Library/Caches/kiln/autotune.toml");
	assert_path(ENV("LOCALAPPDATA=C:\\l"), false, NULL, "C:\\l\\kiln\\autotune.toml");
	assert_path(ENV(), false, NULL, "./kiln-cache/autotune.toml");
}

static void empty_and_relative_mean_unset(void **state)
{
	(void)state;
	assert_path(ENV("KILN_AUTOTUNE_STORE=", "KILN_CACHE_DIR=", "XDG_CACHE_HOME=", "HOME=/h"), false, "",
	            "/h/.cache/kiln/autotune.toml");
	assert_path(ENV("XDG_CACHE_HOME=relative", "HOME=/h"), false, NULL, "/h/.cache/kiln/autotune.toml");
	assert_path(ENV("XDG_CACHE_HOME=relative", "HOME=also", "LOCALAPPDATA="), false, NULL,
	            "./kiln-cache/autotune.toml");
}

static void slashes_do_not_pile_up(void **state)
{
	(void)state;
	assert_path(ENV(), false, "/", "/autotune.toml");
	assert_path(ENV(), false, "/tmp/", "/tmp/autotune.toml");
	assert_path(ENV("XDG_CACHE_HOME=/x//"), false, NULL, "/x/kiln/autotune.toml");
}

static unsigned warnings;

static void count_warning(void *user, enum kiln_log_level level, const char *message)
{
	(void)user;
	assert_int_equal(level, KILN_LOG_WARN);
	assert_non_null(strstr(message, "KILN_AUTOTUNE_STORE"));
	assert_non_null(strstr(message, "Fix:"));
	warnings++;
}

static void a_folder_is_no_store_and_warns_once(void **state)
{
	(void)state;
	kiln_log_set(count_warning, NULL, KILN_LOG_WARN);
	assert_path(ENV("KILN_AUTOTUNE_STORE=/s/", "HOME=/h"), false, NULL, "/h/.cache/kiln/autotune.toml");
	assert_path(ENV("KILN_AUTOTUNE_STORE=..", "HOME=/h"), false, NULL, "/h/.cache/kiln/autotune.toml");
	kiln_log_set(NULL, NULL, 0);
	assert_int_equal(warnings, 1);
}

static void path_says_the_room_it_needs(void **state)
{
	struct kiln_env_source env = {.get = lookup, .user = ENV("HOME=/h")};
	char path[8];

	(void)state;
	assert_int_equal(kiln_store_path_in(&env, false, NULL, NULL, 0), 28);
	assert_int_equal(kiln_store_path_in(&env, false, NULL, path, sizeof(path)), 28);
	assert_string_equal(path, "/h/.cac");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_folder_is_no_store_and_warns_once),
		cmocka_unit_test(empty_and_relative_mean_unset),
		cmocka_unit_test(every_branch_in_its_order),
		cmocka_unit_test(path_says_the_room_it_needs),
		cmocka_unit_test(slashes_do_not_pile_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
