/* Read-only layers: what they add, in which order, whom they trust, and that nothing is ever written
 * there. */
#include <kiln/cache.h>
#include <kiln/log.h>

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cache/pack.h>

#include "failing_alloc.h"
#include "failing_fs.h"
#include "fixture.h"
#include "test.h"

static struct path beside(const struct cache_fixture *fixture, const char *name)
{
	struct path path;

	snprintf(path.text, sizeof path.text, "%s/%s", fixture->dir.path, name);
	return path;
}

static struct kiln_cache *open_layered(const struct cache_fixture *fixture, const char *packs,
                                       enum kiln_cache_mode mode, const struct kiln_fs *fs)
{
	const struct kiln_cache_params params = {.root = fixture->root, .mode = mode, .packs = packs};
	struct kiln_cache *cache = NULL;

	assert_status(kiln_cache_open_on(&(struct kiln_cache_host){.fs = fs}, &params, &cache), KILN_OK);
	return cache;
}

/* A folder and a pack with the same entry, telling who they are: program `program`, text `text`. */
static void make_layers(const struct cache_fixture *fixture, const char *folder, const char *pack,
                        unsigned program, const char *text)
{
	struct path root = beside(fixture, folder), file = beside(fixture, pack);
	const struct kiln_cache_params params = {.root = root.text,
	                                         .mode = KILN_CACHE_READ_WRITE,
	                                         .packs = ""};
	struct kiln_cache *cache = NULL;

	assert_status(kiln_cache_open(&params, &cache), KILN_OK);
	assert_status(write_text(cache, program, 64, 1, text), KILN_OK);
	assert_status(kiln_cache_export(cache, file.text, NULL, NULL), KILN_OK);
	kiln_cache_close(&cache);
}

struct list {
	char text[2000];
};

static struct list list_of(const struct cache_fixture *fixture, const char *a, const char *b)
{
	struct list list;

	snprintf(list.text, sizeof list.text, "%s/%s::%s/%s:", fixture->dir.path, a, fixture->dir.path, b);
	return list;
}

static void what_the_root_lacks_is_found_below_in_order(void **state)
{
	struct cache_fixture *fixture = *state;
	struct list list;
	struct kiln_cache *cache;
	struct kiln_cache_counters counters;
	struct kiln_cache_stat stat;

	make_layers(fixture, "one", "one.pack", 1, "first");
	make_layers(fixture, "two", "two.pack", 2, "second");
	for (unsigned i = 0; i < 4; i++) {
		list = list_of(fixture, i % 2 ? "one" : "one.pack", i / 2 ? "two" : "two.pack");
		cache = open_layered(fixture, list.text, KILN_CACHE_READ_WRITE, NULL);
		assert_status(read_text(cache, 1, 64, 1, "first"), KILN_OK);
		assert_status(read_text(cache, 2, 64, 1, "second"), KILN_OK);
		assert_status(read_text(cache, 3, 64, 1, ""), KILN_ERR_NOT_FOUND);
		counters = kiln_cache_counters(cache);
		assert_int_equal(counters.reads, 3);
		assert_int_equal(counters.found, 2);
		assert_int_equal(counters.layer_found, 2);
		assert_int_equal(counters.not_found, 1);
		assert_status(kiln_cache_stat(cache, &stat), KILN_OK);
		assert_int_equal(stat.layers, 2);
		assert_int_equal(stat.layer_entries, 2 - i % 2 - i / 2);
		assert_int_equal(stat.pipelines, 0);
		kiln_cache_close(&cache);
	}
	/* The first that has it wins, and the root comes before all. */
	make_layers(fixture, "uno", "uno.pack", 1, "other");
	list = list_of(fixture, "uno.pack", "one.pack");
	cache = open_layered(fixture, list.text, KILN_CACHE_READ_WRITE, NULL);
	assert_status(read_text(cache, 1, 64, 1, "other"), KILN_OK);
	assert_status(write_text(cache, 1, 64, 1, "mine"), KILN_OK);
	assert_status(read_text(cache, 1, 64, 1, "mine"), KILN_OK);
	assert_int_equal(kiln_cache_counters(cache).layer_found, 1);
	kiln_cache_close(&cache);
}

static void layers_come_from_the_environment(void **state)
{
	struct cache_fixture *fixture = *state;
	struct list list;
	struct kiln_cache *cache;

	make_layers(fixture, "one", "one.pack", 1, "first");
	list = list_of(fixture, "nowhere", "one.pack");
	setenv("KILN_CACHE_PACKS", list.text, 1);
	cache = open_layered(fixture, NULL, KILN_CACHE_READ_ONLY, NULL);
	assert_status(read_text(cache, 1, 64, 1, "first"), KILN_OK);
	kiln_cache_close(&cache);
	cache = open_layered(fixture, "", KILN_CACHE_READ_WRITE, NULL);
	assert_status(read_text(cache, 1, 64, 1, ""), KILN_ERR_NOT_FOUND);
	unsetenv("KILN_CACHE_PACKS");
	kiln_cache_close(&cache);
}

/* ---- What they cost ---- */

static unsigned calls_of(const struct cache_fixture *fixture, const char *packs)
{
	struct failing_fs counting;
	struct kiln_cache *cache;
	unsigned calls;

	failing_fs_init(&counting, &kiln_fs_posix, 0, 0);
	cache = open_layered(fixture, packs, KILN_CACHE_READ_WRITE, &counting.fs);
	assert_status(read_text(cache, 7, 64, 1, "here"), KILN_OK);
	kiln_cache_close(&cache);
	calls = counting.calls;
	return calls;
}

static void layers_cost_nothing_before_the_first_miss(void **state)
{
	struct cache_fixture *fixture = *state;
	struct list list = list_of(fixture, "one", "one.pack");

	make_layers(fixture, "one", "one.pack", 1, "first");
	assert_status(write_text(fixture->cache, 7, 64, 1, "here"), KILN_OK);
	assert_int_equal(calls_of(fixture, list.text), calls_of(fixture, ""));
}

/* ---- Damage and trust ---- */

static unsigned warnings;

static void count_warning(void *user, enum kiln_log_level level, const char *message)
{
	(void)user, (void)level;
	assert_non_null(strstr(message, "layer") != NULL ? message : strstr(message, "damaged"));
	warnings++;
}

static void refused_layers_are_told_once_and_left_out(void **state)
{
	struct cache_fixture *fixture = *state;
	struct list list;
	struct path open = beside(fixture, "open.pack"), planted = beside(fixture, "planted");
	struct kiln_cache *cache;
	struct kiln_cache_stat stat;

	make_layers(fixture, "one", "one.pack", 1, "first");
	make_layers(fixture, "planted", "open.pack", 2, "planted");
	assert_int_equal(chmod(open.text, 0666), 0);
	assert_int_equal(chmod(planted.text, 0777), 0);
	save_file(beside(fixture, "junk").text, "junk", 4);
	snprintf(list.text, sizeof list.text, "%s:%s:%s/junk:/nowhere:%s/one.pack", open.text, planted.text,
	         fixture->dir.path, fixture->dir.path);
	cache = open_layered(fixture, list.text, KILN_CACHE_READ_WRITE, NULL);
	kiln_log_set(count_warning, NULL, KILN_LOG_WARN);
	warnings = 0;
	assert_status(read_text(cache, 1, 64, 1, "first"), KILN_OK);
	assert_status(read_text(cache, 2, 64, 1, ""), KILN_ERR_NOT_FOUND);
	assert_int_equal(warnings, 4);
	assert_status(kiln_cache_stat(cache, &stat), KILN_OK);
	assert_int_equal(stat.layers, 1);
	assert_int_equal(stat.layers_refused, 4);
	kiln_log_set(NULL, NULL, 0);
	kiln_cache_close(&cache);
}

static void damaged_layer_is_a_counted_miss_and_stays(void **state)
{
	struct cache_fixture *fixture = *state;
	struct path pack = beside(fixture, "one.pack");
	struct list list;
	struct kiln_cache *cache;
	static uint8_t bytes[4096], after[4096];
	size_t length;

	make_layers(fixture, "one", "one.pack", 1, "first");
	length = load_file(pack.text, bytes, sizeof bytes);
	bytes[KILN_PACK_HEADER_BYTES + 200] ^= 1;
	save_file(pack.text, bytes, length);
	cache = open_layered(fixture, pack.text, KILN_CACHE_READ_WRITE, NULL);
	kiln_log_set(count_warning, NULL, KILN_LOG_WARN);
	warnings = 0;
	assert_status(read_text(cache, 1, 64, 1, ""), KILN_ERR_DAMAGED);
	assert_status(read_text(cache, 1, 64, 1, ""), KILN_ERR_DAMAGED);
	kiln_log_set(NULL, NULL, 0);
	assert_int_equal(warnings, 1);
	assert_int_equal(kiln_cache_counters(cache).damaged, 2);
	assert_int_equal(load_file(pack.text, after, sizeof after), length);
	assert_memory_equal(bytes, after, length);
	kiln_cache_close(&cache);
	/* A whole one further down still serves. */
	list = list_of(fixture, "one.pack", "one");
	cache = open_layered(fixture, list.text, KILN_CACHE_READ_WRITE, NULL);
	assert_status(read_text(cache, 1, 64, 1, "first"), KILN_OK);
	kiln_cache_close(&cache);
	/* So does one below a damaged entry of the root, which goes. */
	assert_status(write_text(fixture->cache, 1, 64, 1, "mine"), KILN_OK);
	save_file(path_of(fixture, 1, 64, 1).text, "damaged", 7);
	cache = open_layered(fixture, beside(fixture, "one").text, KILN_CACHE_READ_WRITE, NULL);
	assert_status(read_text(cache, 1, 64, 1, "first"), KILN_OK);
	assert_false(file_exists(path_of(fixture, 1, 64, 1).text));
	kiln_cache_close(&cache);
}

static void pack_that_shrinks_while_open_is_a_miss(void **state)
{
	struct cache_fixture *fixture = *state;
	struct path pack = beside(fixture, "one.pack");
	struct kiln_cache *cache;

	make_layers(fixture, "one", "one.pack", 1, "first");
	cache = open_layered(fixture, pack.text, KILN_CACHE_READ_WRITE, NULL);
	assert_status(read_text(cache, 1, 64, 1, "first"), KILN_OK);
	assert_int_equal(truncate(pack.text, 100), 0);
	assert_status(read_text(cache, 1, 64, 1, ""), KILN_ERR_DAMAGED);
	kiln_cache_close(&cache);
}

/* Nothing a writable cache does reaches its layers. */
static void layers_are_never_written(void **state)
{
	struct cache_fixture *fixture = *state;
	struct list list = list_of(fixture, "one.pack", "one");
	struct path pack = beside(fixture, "one.pack");
	struct path entry = beside(fixture, "one/v1"), folder = beside(fixture, "one");
	struct kiln_pipeline_identity identity = sample_identity(1, 64, 1);
	const struct timespec old[2] = {{.tv_sec = 1000000000}, {.tv_sec = 1000000000}};
	struct kiln_cache_gc_params everything = {.max_bytes = 1, .max_age_s = 1};
	struct kiln_cache *cache;
	struct stat before, after;

	make_layers(fixture, "one", "one.pack", 1, "first");
	kiln_cache_path_for(folder.text, &identity, entry.text, sizeof entry.text);
	assert_int_equal(utimensat(-1, entry.text, old, 0) | utimensat(-1, pack.text, old, 0), 0);
	cache = open_layered(fixture, list.text, KILN_CACHE_READ_WRITE, NULL);
	assert_status(read_text(cache, 1, 64, 1, "first"), KILN_OK);
	assert_status(kiln_cache_invalidate(cache, &identity, NULL), KILN_OK);
	assert_status(kiln_cache_gc(cache, &everything, NULL), KILN_OK);
	assert_status(kiln_cache_verify(cache, &(struct kiln_cache_verify_params){.remove = true}, NULL),
	              KILN_OK);
	assert_status(kiln_cache_clear(cache, NULL), KILN_OK);
	assert_status(kiln_cache_flush(cache), KILN_OK);
	assert_int_equal(stat(entry.text, &after), 0);
	assert_int_equal(after.st_mtime, 1000000000);
	assert_int_equal(stat(pack.text, &before), 0);
	assert_int_equal(before.st_mtime, 1000000000);
	assert_status(read_text(cache, 1, 64, 1, "first"), KILN_OK);
	kiln_cache_close(&cache);
}

static void evidence_knows_the_layers(void **state)
{
	struct cache_fixture *fixture = *state;
	struct kiln_pipeline_identity wanted = sample_identity(1, 64, 2);
	struct kiln_cache_evidence evidence;
	struct kiln_cache *cache;

	make_layers(fixture, "one", "one.pack", 1, "first");
	for (unsigned i = 0; i < 2; i++) {
		cache = open_layered(fixture, beside(fixture, i ? "one" : "one.pack").text,
		                     KILN_CACHE_READ_WRITE, NULL);
		assert_status(kiln_cache_evidence(cache, &wanted, &evidence), KILN_OK);
		assert_int_equal(evidence.total_entries, 1);
		assert_int_equal(evidence.same_program, 1);
		assert_int_equal(evidence.same_program_policy, 1);
		assert_int_equal(evidence.same_program_policy_device, 0);
		kiln_cache_close(&cache);
	}
}

/* ---- Quarantine ---- */

static void set_aside_entry_does_not_come_back_from_a_layer(void **state)
{
	struct cache_fixture *fixture = *state;
	struct path entry = path_of(fixture, 1, 64, 1), aside;
	struct kiln_cache *cache;

	make_layers(fixture, "one", "one.pack", 1, "first");
	assert_status(write_text(fixture->cache, 1, 64, 1, "first"), KILN_OK);
	snprintf(aside.text, sizeof aside.text, "%s/v1/quarantine", fixture->root);
	assert_int_equal(mkdir(aside.text, 0700), 0);
	snprintf(aside.text, sizeof aside.text, "%s/v1/quarantine/%s", fixture->root,
	         strrchr(entry.text, '/') + 1);
	assert_int_equal(rename(entry.text, aside.text), 0);
	cache = open_layered(fixture, beside(fixture, "one.pack").text, KILN_CACHE_READ_WRITE, NULL);
	assert_status(read_text(cache, 1, 64, 1, ""), KILN_ERR_NOT_FOUND);
	assert_status(kiln_cache_forgive(cache), KILN_OK);
	assert_status(read_text(cache, 1, 64, 1, "first"), KILN_OK);
	kiln_cache_close(&cache);
}

/* ---- Failures and threads ---- */

static void layers_survive_every_failing_call(void **state)
{
	struct cache_fixture *fixture = *state;
	struct list list = list_of(fixture, "one.pack", "one");
	bool failed = true;

	make_layers(fixture, "one", "one.pack", 1, "first");
	for (unsigned n = 1; failed; n++) {
		struct failing_fs failing;
		struct kiln_cache *cache;
		enum kiln_status status;

		failing_fs_init(&failing, &kiln_fs_posix, 0, EIO);
		cache = open_layered(fixture, list.text, KILN_CACHE_READ_WRITE, &failing.fs);
		failing.calls = 0;
		failing.fail_at = n;
		failing.largest_write = 50;
		status = read_text(cache, 1, 64, 1, "first");
		failed = failing.failed;
		failing.fail_at = 0;
		/* Two layers have it, so one failure is made up for. */
		assert_status(status, KILN_OK);
		assert_status(read_text(cache, 1, 64, 1, "first"), KILN_OK);
		kiln_cache_close(&cache);
		assert_int_equal(failing_fs_open_files(&failing), 0);
	}
}

static void layers_survive_every_failing_allocation(void **state)
{
	struct cache_fixture *fixture = *state;
	bool failed = true;

	make_layers(fixture, "one", "one.pack", 1, "first");
	for (unsigned n = 1; failed; n++) {
		const struct kiln_cache_params params = {.root = fixture->root,
		                                         .mode = KILN_CACHE_READ_WRITE,
		                                         .packs = beside(fixture, "one.pack").text};
		struct kiln_cache *cache = NULL;
		enum kiln_status status;

		failing_alloc_begin(n);
		status = kiln_cache_open(&params, &cache);
		if (status == KILN_OK)
			status = read_text(cache, 1, 64, 1, "first");
		failed = failing_alloc_end();
		assert_true(status == KILN_OK || failed);
		assert_true(status == KILN_OK || status == KILN_ERR_OUT_OF_MEMORY ||
		            status == KILN_ERR_NOT_FOUND);
		kiln_cache_close(&cache);
	}
}

static void *read_much(void *user)
{
	for (unsigned i = 0; i < 50; i++) {
		if (read_text(user, 1, 64, 1, "first") != KILN_OK ||
		    read_text(user, 9, 64, 1, "") != KILN_ERR_NOT_FOUND)
			return user;
	}
	return NULL;
}

static void threads_share_layers_from_the_first_miss_on(void **state)
{
	struct cache_fixture *fixture = *state;
	struct list list = list_of(fixture, "one.pack", "one");
	struct kiln_cache *cache = open_layered(fixture, list.text, KILN_CACHE_READ_WRITE, NULL);
	pthread_t threads[8];

	make_layers(fixture, "one", "one.pack", 1, "first");
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, read_much, cache), 0);
	for (unsigned i = 0; i < 8; i++) {
		void *failure;

		pthread_join(threads[i], &failure);
		assert_null(failure);
	}
	assert_int_equal(kiln_cache_counters(cache).layer_found, 8 * 50);
	kiln_cache_close(&cache);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, cache_setup, cache_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(damaged_layer_is_a_counted_miss_and_stays),
		TEST(evidence_knows_the_layers),
		TEST(layers_are_never_written),
		TEST(layers_come_from_the_environment),
		TEST(layers_cost_nothing_before_the_first_miss),
		TEST(layers_survive_every_failing_allocation),
		TEST(layers_survive_every_failing_call),
		TEST(pack_that_shrinks_while_open_is_a_miss),
		TEST(refused_layers_are_told_once_and_left_out),
		TEST(set_aside_entry_does_not_come_back_from_a_layer),
		TEST(threads_share_layers_from_the_first_miss_on),
		TEST(what_the_root_lacks_is_found_below_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
