/* Where things lie: the root the environment gives, the path of an entry, the names the layout makes. */
#include <cache/root.h>
#include <cache/subject.h>

#include <stdio.h>
#include <string.h>

#include "fixture.h"
#include "test.h"

/* ---- Default root ---- */

struct variables {
	const char *cache_dir, *xdg, *home, *local;
};

static const char *get(void *user, const char *name)
{
	const struct variables *variables = user;

	if (strcmp(name, "KILN_CACHE_DIR") == 0)
		return variables->cache_dir;
	if (strcmp(name, "XDG_CACHE_HOME") == 0)
		return variables->xdg;
	if (strcmp(name, "HOME") == 0)
		return variables->home;
	return strcmp(name, "LOCALAPPDATA") == 0 ? variables->local : NULL;
}

static void assert_root(enum kiln_platform platform, struct variables variables, const char *expected)
{
	const struct kiln_env_source env = {.get = get, .user = &variables};
	char root[256];

	assert_int_equal(kiln_cache_root_from(&env, platform, root, sizeof root), strlen(expected));
	assert_string_equal(root, expected);
}

static void explicit_folder_wins_as_it_is(void **state)
{
	(void)state;
	for (int platform = KILN_PLATFORM_UNIX; platform <= KILN_PLATFORM_WINDOWS; platform++) {
		assert_root((enum kiln_platform)platform,
		            (struct variables){"/d", "/xdg", "/home/u", "C:\\L"}, "/d");
		assert_root((enum kiln_platform)platform,
		            (struct variables){"here/cache", "/xdg", "/home/u", "C:\\L"}, "here/cache");
		assert_root((enum kiln_platform)platform, (struct variables){"", "/xdg", "/home/u", "C:\\L"},
		            "/xdg/kiln/pipelines");
	}
}

static void xdg_counts_only_when_absolute(void **state)
{
	(void)state;
	assert_root(KILN_PLATFORM_UNIX, (struct variables){.xdg = "/xdg", .home = "/home/u"},
	            "/xdg/kiln/pipelines");
	assert_root(KILN_PLATFORM_UNIX, (struct variables){.xdg = "", .home = "/home/u"},
	            "/home/u/.cache/kiln/pipelines");
	assert_root(KILN_PLATFORM_UNIX, (struct variables){.xdg = "xdg", .home = "/home/u"},
	            "/home/u/.cache/kiln/pipelines");
	assert_root(KILN_PLATFORM_MACOS, (struct variables){.xdg = "/xdg", .home = "/Users/u"},
	            "/xdg/kiln/pipelines");
}

static void home_is_next_and_differs_by_platform(void **state)
{
	(void)state;
	assert_root(KILN_PLATFORM_UNIX, (struct variables){.home = "/home/u"},
	            "/home/u/.cache/kiln/pipelines");
	assert_root(KILN_PLATFORM_MACOS, (struct variables){.home = "/Users/u"},
	            "/Users/u/Library/Caches/kiln/pipelines");
	assert_root(KILN_PLATFORM_WINDOWS, (struct variables){.home = "C:/Users/u", .local = "C:\\L"},
	            "C:/Users/u/.cache/kiln/pipelines");
}

static void local_app_data_is_for_windows(void **state)
{
	(void)state;
	assert_root(KILN_PLATFORM_WINDOWS, (struct variables){.local = "C:\\Users\\u\\AppData\\Local"},
	            "C:\\Users\\u\\AppData\\Local\\kiln\\pipelines");
	assert_root(KILN_PLATFORM_WINDOWS, (struct variables){.local = "AppData", .home = "u"},
	            "./kiln-cache/pipelines");
	assert_root(KILN_PLATFORM_UNIX, (struct variables){.local = "/L"}, "./kiln-cache/pipelines");
}

static void nothing_set_means_the_working_folder(void **state)
{
	(void)state;
	for (int platform = KILN_PLATFORM_UNIX; platform <= KILN_PLATFORM_WINDOWS; platform++) {
		assert_root((enum kiln_platform)platform, (struct variables){0}, "./kiln-cache/pipelines");
		assert_root((enum kiln_platform)platform, (struct variables){"", "", "", ""},
		            "./kiln-cache/pipelines");
	}
}

static void short_buffers_hold_what_fits(void **state)
{
	struct variables variables = {.cache_dir = "/abcdef"};
	const struct kiln_env_source env = {.get = get, .user = &variables};
	char root[4] = "zzz";

	(void)state;
	assert_int_equal(kiln_cache_root_from(&env, KILN_PLATFORM_UNIX, NULL, 0), 7);
	assert_int_equal(kiln_cache_root_from(&env, KILN_PLATFORM_UNIX, root, sizeof root), 7);
	assert_string_equal(root, "/ab");
}

/* ---- Paths ---- */

static struct kiln_pipeline_identity numbered_identity(void)
{
	struct kiln_pipeline_identity identity;

	memset(&identity.program, 0xab, sizeof identity.program);
	memset(&identity.policy, 0xcd, sizeof identity.policy);
	memset(&identity.device, 0x01, sizeof identity.device);
	memset(&identity.digest, 0xff, sizeof identity.digest);
	return identity;
}

static void pipeline_path_is_the_identity_tuple(void **state)
{
	struct kiln_pipeline_identity identity = numbered_identity();
	const char *expected = "/r/v1/ab/abababababababababababababababab.cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd."
			       "01010101010101010101010101010101.bin";
	char path[256];

	(void)state;
	assert_int_equal(kiln_cache_path_for("/r", &identity, path, sizeof path), strlen(expected));
	assert_string_equal(path, expected);
	kiln_cache_path_for("/r//", &identity, path, sizeof path);
	assert_string_equal(path, expected);
	kiln_cache_path_for("/", &identity, path, sizeof path);
	assert_string_equal(path, expected + 2);
	assert_int_equal(kiln_cache_path_for("/r", &identity, NULL, 0), strlen(expected));
}

static void content_path_is_the_whole_key(void **state)
{
	struct kiln_digest key;
	char path[256];

	(void)state;
	memset(&key, 0x0e, sizeof key);
	kiln_cache_content_path_for("rel", &key, path, sizeof path);
	assert_string_equal(
		path, "rel/v1/c/0e/0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e.bin");
}

static void only_names_of_the_layout_are_entries(void **state)
{
	struct kiln_pipeline_identity identity = numbered_identity();
	struct kiln_place place, content;
	char name[KILN_PLACE_MAX + 2];

	(void)state;
	kiln_place_pipeline(&identity, &place);
	kiln_place_content(&identity.digest, &content);
	assert_true(kiln_name_is_entry(KILN_KIND_PIPELINE, place.name));
	assert_true(kiln_name_is_entry(KILN_KIND_CONTENT, content.name));
	assert_false(kiln_name_is_entry(KILN_KIND_CONTENT, place.name));
	assert_false(kiln_name_is_entry(KILN_KIND_PIPELINE, content.name));
	assert_false(kiln_name_is_entry(KILN_KIND_PIPELINE, ".tmp.12.0"));
	assert_false(kiln_name_is_entry(KILN_KIND_PIPELINE, ""));
	for (size_t i = 0; i < strlen(place.name); i++) {
		snprintf(name, sizeof name, "%s", place.name);
		name[i] = 'Z';
		assert_false(kiln_name_is_entry(KILN_KIND_PIPELINE, name));
		name[i] = '\0';
		assert_false(kiln_name_is_entry(KILN_KIND_PIPELINE, name));
	}
	snprintf(name, sizeof name, "%.*sx", KILN_PLACE_MAX, place.name);
	assert_false(kiln_name_is_entry(KILN_KIND_PIPELINE, name));
	assert_true(kiln_name_part_is(place.name, KILN_NAME_PROGRAM, &identity.program));
	assert_true(kiln_name_part_is(place.name, KILN_NAME_POLICY, &identity.policy));
	assert_true(kiln_name_part_is(place.name, KILN_NAME_DEVICE, &identity.device));
	assert_false(kiln_name_part_is(place.name, KILN_NAME_DEVICE, &identity.policy));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(content_path_is_the_whole_key),
		cmocka_unit_test(explicit_folder_wins_as_it_is),
		cmocka_unit_test(home_is_next_and_differs_by_platform),
		cmocka_unit_test(local_app_data_is_for_windows),
		cmocka_unit_test(nothing_set_means_the_working_folder),
		cmocka_unit_test(only_names_of_the_layout_are_entries),
		cmocka_unit_test(pipeline_path_is_the_identity_tuple),
		cmocka_unit_test(short_buffers_hold_what_fits),
		cmocka_unit_test(xdg_counts_only_when_absolute),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
